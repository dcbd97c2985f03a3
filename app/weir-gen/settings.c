/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "settings_priv.h"

#define RAW_REQUEST 64u // bytes, when nobody says

static void set_line(
	const struct wr_settings_marks *m, const void *at, uint32_t other, uint32_t *line)
{
	*line = wr_settings_marks_line(m, at, other);
}

static bool has_target(const struct gen_client *cl, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < cl->target_count; i++) {
		if (wr_addr_is_v4(&cl->target[i].addr) == wr_addr_is_v4(a))
			return true;
	}
	return false;
}

// Without sources: the port's own addresses of the families that are asked for.
static void fill_sources(const struct gen_conf *c, struct gen_client *cl)
{
	const struct gen_port *p = gen_check_port(c, cl->port, &cl->target[0].addr, true);

	for (uint32_t i = 0; p && i < p->addr_count && cl->source_count < GEN_MAX_RANGES; i++) {
		const struct wr_addr *a = &p->addr[i].addr;

		if (!has_target(cl, a) || wr_addr_is_linklocal(a))
			continue;
		cl->source[cl->source_count++] =
			(struct gen_range){.first = *a, .last = *a, .line = cl->line};
	}
}

static void fill_client(
	const struct gen_conf *c, const struct wr_settings_marks *m, struct gen_client *cl)
{
	for (uint32_t i = 0; i < cl->source_count; i++)
		set_line(m, &cl->source[i], cl->line, &cl->source[i].line);
	if (cl->source_count == 0)
		fill_sources(c, cl);
	if (cl->protocol == GEN_PROTOCOL_RAW && cl->request_bytes == 0)
		cl->request_bytes = RAW_REQUEST;
	if (cl->max_open == 0)
		cl->max_open = c->max_conns;
}

// What is searched for needs no start of its own.
static void fill_search(const struct gen_conf *c, struct gen_client *cl)
{
	if (!c->search.on)
		return;
	if (cl->model == GEN_LOAD_CLOSED && cl->users == 0)
		cl->users = (uint32_t)c->search.low;
	if (cl->model != GEN_LOAD_CLOSED && cl->rate == 0)
		cl->rate = (uint32_t)c->search.low;
}

static bool is_none(const struct gen_range *r)
{
	return wr_addr_is_unspecified(&r->first) && wr_addr_is_unspecified(&r->last);
}

static void fill_packets(
	const struct gen_conf *c, const struct wr_settings_marks *m, struct gen_packets *p)
{
	const struct gen_port *port = &c->ports[p->port];

	set_line(m, &p->source, p->line, &p->source.line);
	set_line(m, &p->target, p->line, &p->target.line);
	set_line(m, &p->source_port, p->line, &p->source_port.line);
	set_line(m, &p->target_port, p->line, &p->target_port.line);
	set_line(m, &p->size, p->line, &p->size.line);
	for (uint32_t i = 0; i < port->addr_count && is_none(&p->source) && !is_none(&p->target);
		i++) {
		const struct wr_addr *a = &port->addr[i].addr;

		if (wr_addr_is_v4(a) == wr_addr_is_v4(&p->target.first))
			p->source.first = p->source.last = *a;
	}
}

// Defaults that other values decide.
static void fill(struct gen_conf *c, const struct wr_settings_marks *m)
{
	for (uint32_t i = 0; i < c->client_count; i++)
		fill_client(c, m, &c->clients[i]);
	if (c->client_count > 0)
		fill_search(c, &c->clients[0]);
	for (uint32_t i = 0; i < c->packets_count; i++)
		fill_packets(c, m, &c->packets[i]);
}

struct gen_conf *gen_conf_parse(const char *file, const char *text, size_t len, int n,
	char *const *override, struct wr_err *err)
{
	const struct wr_settings_input in = {
		.file = file, .text = text, .len = len, .set = override, .set_count = (uint32_t)n};
	struct wr_settings_marks marks = {0};
	struct gen_conf *c = calloc(1, sizeof(*c));
	int rc;

	if (c == NULL) {
		wr_err_set(err, ENOMEM, "%s: no memory to read the configuration", file);
		return NULL;
	}
	snprintf(c->file, sizeof(c->file), "%s", file);
	rc = wr_settings_parse(&gen_settings_table, &in, c, &marks, err);
	if (rc == 0) {
		fill(c, &marks);
		rc = gen_check(c, &marks, err);
	}
	wr_settings_marks_fini(&marks);
	if (rc == 0)
		return c;
	gen_conf_free(c);
	return NULL;
}

struct gen_conf *gen_conf_load(const char *file, int n, char *const *override, struct wr_err *err)
{
	struct gen_conf *c;
	size_t len = 0;
	char *text;

	if (file == NULL)
		return gen_conf_parse("command line", NULL, 0, n, override, err);
	text = wr_settings_read(file, &len, err);
	if (text == NULL)
		return NULL;
	c = gen_conf_parse(file, text, len, n, override, err);
	free(text);
	return c;
}

void gen_conf_free(struct gen_conf *c)
{
	if (c == NULL)
		return;
	free(c->clients);
	free(c->backends);
	free(c->packets);
	free(c);
}

void gen_conf_reference(FILE *out, bool markdown)
{
	wr_settings_reference(&gen_settings_table, out, markdown);
}

void gen_conf_dump(const struct gen_conf *c, FILE *out)
{
	wr_settings_dump(&gen_settings_table, c, out);
}

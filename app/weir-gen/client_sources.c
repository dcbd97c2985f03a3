/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_sources.h"

#include <errno.h>

static int init_range(
	struct client_sources *s, const struct gen_client *conf, uint32_t i, struct wr_err *err)
{
	struct client_source *r = &s->source[i];
	const struct gen_range *from = &conf->source[i];
	bool v4 = wr_addr_is_v4(&from->first);
	char text[WR_ADDR_STR];

	if (v4 != wr_addr_is_v4(&from->last) || wr_addr_cmp(&from->first, &from->last) > 0)
		return wr_err_set(err, EINVAL,
			"clients %s: source range %u ends before it begins, or in the other family",
			conf->name, i + 1);
	*r = (struct client_source){.first = from->first, .last = from->last};
	r->addr = r->first;
	r->port = s->port_first;
	for (uint32_t k = 0; k < conf->target_count; k++) {
		if (wr_addr_is_v4(&conf->target[k].addr) == v4)
			r->target[r->target_count++] = (uint8_t)k;
	}
	if (r->target_count == 0)
		return wr_err_set(err, EINVAL,
			"clients %s: no target is of the family of source %s; give one or leave "
			"the source out",
			conf->name, wr_addr_format(&from->first, text, sizeof(text)));
	return 0;
}

static int check_target(
	const struct gen_client *conf, const struct wr_endpoint *target, struct wr_err *err)
{
	char text[WR_ENDPOINT_STR];

	for (uint32_t i = 0; i < conf->source_count; i++) {
		if (wr_addr_is_v4(&conf->source[i].first) == wr_addr_is_v4(&target->addr))
			return 0;
	}
	return wr_err_set(err, EINVAL,
		"clients %s: no source is of the family of target %s; give one or leave the target "
		"out",
		conf->name, wr_endpoint_format(target, text, sizeof(text)));
}

int client_sources_init(struct client_sources *s, const struct gen_client *conf, struct wr_err *err)
{
	int rc = 0;

	*s = (struct client_sources){
		.port_first = conf->source_port_first != 0 ? conf->source_port_first : 1024,
		.port_last = conf->source_port_last != 0 ? conf->source_port_last : 65535,
		.count = conf->source_count,
		.targets = conf->target,
	};
	if (s->count == 0 || s->count > GEN_MAX_RANGES)
		return wr_err_set(err, EINVAL, "clients %s: give 1 to %u source ranges", conf->name,
			GEN_MAX_RANGES);
	if (s->port_first > s->port_last)
		return wr_err_set(
			err, EINVAL, "clients %s: source ports end before they begin", conf->name);
	for (uint32_t i = 0; rc == 0 && i < s->count; i++)
		rc = init_range(s, conf, i, err);
	for (uint32_t k = 0; rc == 0 && k < conf->target_count; k++)
		rc = check_target(conf, &conf->target[k], err);
	return rc;
}

static void step(struct client_sources *s, struct client_source *r)
{
	if (++r->turn == r->target_count)
		r->turn = 0;
	if (!wr_addr_eq(&r->addr, &r->last)) {
		r->addr = wr_addr_next(&r->addr);
		return;
	}
	r->addr = r->first;
	if (r->port != s->port_last) {
		r->port++;
		return;
	}
	r->port = s->port_first;
	if (++r->shift == r->target_count)
		r->shift = 0;
	r->turn = r->shift;
}

void client_sources_next(struct client_sources *s, struct wr_tuple *t)
{
	struct client_source *r = &s->source[s->turn];
	const struct wr_endpoint *target = &s->targets[r->target[r->turn]];

	t->local = r->addr;
	t->lport = r->port;
	t->remote = target->addr;
	t->rport = target->port;
	step(s, r);
	if (++s->turn == s->count)
		s->turn = 0;
}

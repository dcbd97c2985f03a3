/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wr_conf.h"
#include "wr_conf_plan.h"

// Any bytes as a configuration: refused with a sentence, or taken and then dumped and taken again,
// and laid over a running one.

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int holds, const char *what, const char *detail)
{
	if (holds)
		return;
	fprintf(stderr, "%s: %s\n", what, detail);
	abort();
}

static struct wr_conf *parse_exact(const char *text, size_t len, struct wr_err *err)
{
	char *copy = malloc(len ? len : 1); // exactly as long: an over-read is seen
	struct wr_conf *c;

	memcpy(copy, text, len);
	c = wr_conf_parse("fuzz.yaml", copy, len, err);
	free(copy);
	return c;
}

static const char base[] =
	"ports: [{name: wan, device: net_null0, addresses: [198.18.0.1/24, \"2001:db8::1/64\"]}]\n"
	"pools:\n"
	"  - {name: web, backup: b, backends: [{name: b1, address: \"198.18.0.11:80\"},\n"
	"      {name: b2, address: \"[2001:db8::12]:80\"}]}\n"
	"  - {name: b, backends: [{name: b1, address: \"198.18.0.13:80\"}]}\n"
	"services:\n"
	"  - {name: www, listen: \"198.18.0.100:80\", pool: web}\n"
	"  - {name: other, listen: \"[2001:db8::100]:81\", pool: b}\n";

static bool used(void *arg, uint16_t slot)
{
	return (*(const uint32_t *)arg >> slot % 32) & 1;
}

static bool referred(const struct wr_conf *c, int64_t pool)
{
	return pool < c->pool_count && c->pools[pool].slot != WR_CONF_VACANT;
}

static void check_planned(const struct wr_conf *c)
{
	static bool seen[WR_MAX_BACKENDS];

	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < c->service_count; i++)
		require(c->services[i].slot == WR_CONF_VACANT || referred(c, c->services[i].pool),
			"a service without its pool", c->services[i].name);
	for (uint32_t i = 0; i < c->pool_count; i++) {
		const struct wr_conf_pool *p = &c->pools[i];

		require(p->backup < 0 || referred(c, p->backup), "no backup", p->name);
		require(p->tunnel < (int64_t)c->tunnel_count, "no tunnel", p->name);
		for (uint32_t j = 0; j < p->backend_count; j++) {
			require(p->backends[j].id < WR_MAX_BACKENDS && !seen[p->backends[j].id],
				"an id twice", p->backends[j].name);
			seen[p->backends[j].id] = true;
		}
	}
}

// Over a running one that it shares names with, and which stays as it is; then over itself.
static void plan(const struct wr_conf *c, uint32_t bits)
{
	struct wr_err err = {{0}};
	struct wr_conf *running = parse_exact(base, sizeof(base) - 1, &err);
	const struct wr_conf_use use = {
		.service = used, .pool = used, .backend = used, .arg = &bits};
	struct wr_conf *fresh = wr_conf_copy(c), *next;
	char line[2][WR_CONF_DIFF_LEN];
	uint64_t id;

	// What needs a restart would hide the rest.
	running->runtime = c->runtime;
	running->port_count = c->port_count;
	memcpy(running->ports, c->ports, sizeof(c->ports));
	running->route_count = c->route_count;
	memcpy(running->routes, c->routes, sizeof(c->routes));
	running->tunnel_count = c->tunnel_count;
	memcpy(running->tunnels, c->tunnels, sizeof(c->tunnels));
	running->pressure = c->pressure;
	id = wr_conf_id(running);
	wr_conf_diff(running, fresh, line, 2);
	for (uint32_t i = 0; i < 3; i++) {
		if (wr_conf_plan(fresh, running, &use, &err) < 0) {
			require(err.text[0] != 0, "refused without a sentence", "");
			break;
		}
		check_planned(fresh);
		require(wr_conf_diff(c, fresh, line, 2) == 0, "a plan changes it", line[0]);
		require(wr_conf_id(c) == wr_conf_id(fresh), "a plan changes its id", "");
		if (i == 0)
			require(wr_conf_id(running) == id, "the running one changed", "");
		next = wr_conf_copy(fresh);
		wr_conf_free(running);
		running = fresh;
		fresh = next;
	}
	wr_conf_free(running);
	wr_conf_free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_err err = {{0}};
	struct wr_conf *c = parse_exact((const char *)data, size, &err), *again;
	char line[2][WR_CONF_DIFF_LEN], *text = NULL;
	size_t len;
	FILE *out;

	if (!c) {
		require(strncmp(err.text, "fuzz.yaml", 9) == 0, "refused without a place",
			err.text);
		require(!strpbrk(err.text, "\n\r\t\033"), "control character", err.text);
		return 0;
	}
	require(!err.text[0], "taken with an error", err.text);
	out = open_memstream(&text, &len);
	wr_conf_dump(c, out);
	fclose(out);
	again = parse_exact(text, len, &err);
	require(again != NULL, "its own dump is refused", err.text);
	require(wr_conf_diff(c, again, line, 2) == 0, "its own dump is another", line[0]);
	require(wr_conf_id(c) == wr_conf_id(again), "its own dump has another id", "");
	wr_conf_free(again);
	free(text);
	plan(c, size ? data[size / 2] * 0x01010101U : 0);
	wr_conf_free(c);
	return 0;
}

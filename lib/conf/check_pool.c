/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>

// Pools: sources, backends that can be reached and are not this box.

static bool in_range(const struct wr_conf_source *r, const struct wr_addr *a)
{
	return wr_settings_in_range((const struct wr_settings_range *)r, a);
}

static int check_source(const struct wr_conf_check *k, uint32_t i, uint32_t j)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	const struct wr_conf_source *r = &p->source[j];
	const char *why = wr_settings_not_unicast(&r->first);
	char text[WR_ADDR_STR];

	if (!why)
		why = wr_settings_not_unicast(&r->last);
	if (!why && (wr_addr_is_linklocal(&r->first) || wr_addr_is_linklocal(&r->last)))
		why = "is a link-local address";
	wr_addr_format(&r->first, text, sizeof(text));
	if (why)
		return wr_settings_fail(&k->at, r, p->line,
			"pools[%u].source[%u]: value '%s' %s; right would be an address that "
			"backends answer to",
			i, j, text, why);
	for (uint32_t x = 0; x < j; x++) {
		if (in_range(r, &p->source[x].first) || in_range(&p->source[x], &r->first))
			return wr_settings_fail(&k->at, r, p->line,
				"pools[%u].source[%u]: the range from '%s' overlaps source[%u]; "
				"list each address once",
				i, j, text, x);
	}
	return 0;
}

static int check_sources(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	uint32_t total = 0;

	for (uint32_t j = 0; j < p->source_count; j++) {
		int rc = check_source(k, i, j);

		if (rc < 0)
			return rc;
		total += (uint32_t)wr_settings_range_size(
			(const struct wr_settings_range *)&p->source[j]);
	}
	if (total > WR_MAX_SOURCES)
		return wr_settings_fail(&k->at, &p->source[p->source_count - 1], p->line,
			"pools[%u].source: has %u addresses; right would be at most %u", i, total,
			WR_MAX_SOURCES);
	return 0;
}

// A connection to `e` needs an address of ours of the same family.
static int check_has_source(const struct wr_conf_check *k, const char *key,
	const struct wr_conf_pool *p, const struct wr_conf_backend *b, const char *text)
{
	bool v4 = wr_addr_is_v4(&b->address.addr), found = false;

	for (uint32_t j = 0; j < p->source_count; j++)
		found |= wr_addr_is_v4(&p->source[j].first) == v4;
	if (p->source_count && !found)
		return wr_settings_fail(&k->at, &b->address, b->line,
			"%s: value '%s' is %s and the pool's source has no %s address; add one",
			key, text, wr_conf_family(v4), wr_conf_family(v4));
	if (!p->source_count && !wr_conf_check_family(k->c, v4))
		return wr_settings_fail(&k->at, &b->address, b->line,
			"%s: value '%s' is %s and no port has an %s address to connect from; add "
			"one to a port",
			key, text, wr_conf_family(v4), wr_conf_family(v4));
	return 0;
}

// Behind a tunnel it is the tunnel's remote end that must be, unless packets may go in clear.
static bool reachable(
	const struct wr_conf *c, const struct wr_conf_pool *p, const struct wr_addr *a)
{
	return (wr_conf_check_pool_tunnel(c, p) && p->require) || wr_conf_check_way(c, a);
}

// Traffic to an address of ours never leaves the box, or comes back in a loop.
static int check_not_ours(const struct wr_conf_check *k, const char *key,
	const struct wr_conf_backend *b, const char *text)
{
	const struct wr_addr *a = &b->address.addr;
	const struct wr_conf_port *own = wr_conf_check_own(k->c, a);

	for (uint32_t i = 0; i < k->c->service_count; i++) {
		const struct wr_conf_service *s = &k->c->services[i];

		for (uint32_t j = 0; j < s->listen_count; j++) {
			if (!wr_addr_eq(a, &s->listen[j].addr))
				continue;
			return wr_settings_fail(&k->at, &b->address, b->line,
				"%s: value '%s' is %s service '%s', a loop; right would be the "
				"server's own address",
				key, text,
				s->listen[j].port == b->address.port ? "a listener of"
								     : "at the address of",
				s->name);
		}
	}
	if (own)
		return wr_settings_fail(&k->at, &b->address, b->line,
			"%s: value '%s' is at the address of port '%s'; right would be the "
			"server's own address",
			key, text, own->name);
	for (uint32_t i = 0; i < k->c->pool_count; i++) {
		for (uint32_t j = 0; j < k->c->pools[i].source_count; j++) {
			if (in_range(&k->c->pools[i].source[j], a))
				return wr_settings_fail(&k->at, &b->address, b->line,
					"%s: value '%s' lies in pools[%u].source[%u], which this "
					"box answers for; leave the server's address out of it",
					key, text, i, j);
		}
	}
	return 0;
}

int wr_conf_check_backend(const struct wr_conf_check *k, uint32_t i, uint32_t j)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	const struct wr_conf_backend *b = &p->backends[j];
	const char *why = wr_settings_not_unicast(&b->address.addr);
	char key[64], text[WR_ENDPOINT_STR];
	int rc;

	snprintf(key, sizeof(key), "pools[%u].backends[%u].address", i, j);
	wr_endpoint_format(&b->address, text, sizeof(text));
	if (!why && wr_addr_is_linklocal(&b->address.addr))
		why = "is a link-local address";
	if (!why && !reachable(k->c, p, &b->address.addr))
		why = "is in no port's prefix, and no gateway or route leads there";
	if (why)
		return wr_settings_fail(&k->at, &b->address, b->line,
			"%s: value '%s' %s; right would be a server that a port can reach", key,
			text, why);
	for (uint32_t x = 0; x < j; x++) {
		if (p->backends[x].slot == WR_CONF_LIVE &&
			b->address.port == p->backends[x].address.port &&
			wr_addr_eq(&b->address.addr, &p->backends[x].address.addr))
			return wr_settings_fail(&k->at, &b->address, b->line,
				"%s: value '%s' is the address of backend '%s' already; for a "
				"larger share give a weight",
				key, text, p->backends[x].name);
	}
	rc = check_not_ours(k, key, b, text);
	if (rc == 0)
		rc = check_has_source(k, key, p, b, text);
	return rc == 0 ? wr_conf_check_backend_tunnel(k, i, j) : rc;
}

int wr_conf_check_pool(const struct wr_conf_check *k)
{
	int rc = 0;

	// All sources first: a backend is compared with every pool's.
	for (uint32_t i = 0; rc == 0 && i < k->c->pool_count; i++)
		rc = check_sources(k, i);
	for (uint32_t i = 0; i < k->c->pool_count; i++) {
		for (uint32_t j = 0; rc == 0 && j < k->c->pools[i].backend_count; j++)
			rc = wr_conf_check_backend(k, i, j);
	}
	return rc;
}

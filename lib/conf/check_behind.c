/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>

// Pools and encrypted paths: each backend is behind the tunnel that its pool names and behind no
// other, and connections come from an address that the tunnel can have them from.

const struct wr_conf_tunnel *wr_conf_check_pool_tunnel(
	const struct wr_conf *c, const struct wr_conf_pool *p)
{
	return p->tunnel >= 0 && (uint32_t)p->tunnel < c->tunnel_count ? &c->tunnels[p->tunnel]
	                                                               : NULL;
}

// A wish that nothing grants.
static int check_wish(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_pool *p = &k->c->pools[i];

	if (wr_conf_check_pool_tunnel(k->c, p))
		return 0;
	if (p->require && (!wr_settings_given(k->at.marks, &p->require) ||
				  wr_settings_given(k->at.marks, &p->tunnel)))
		return 0;
	return wr_settings_fail(&k->at, &p->require, p->line,
		"pools[%u].ipsec.require: value '%s' is heeded with a tunnel only, and pool '%s' "
		"has none: all would go in clear; right would be ipsec.tunnel, or to leave it out",
		i, p->require ? "yes" : "no", p->name);
}

// Of mode transport the addresses inside are those outside.
static int check_transport_source(const struct wr_conf_check *k, const char *key,
	const struct wr_conf_pool *p, const struct wr_conf_backend *b)
{
	const struct wr_conf_tunnel *t = wr_conf_check_pool_tunnel(k->c, p);
	const struct wr_conf_port *way = wr_conf_check_way(k->c, &t->remote);
	bool v4 = wr_addr_is_v4(&t->local), others = false;
	char local[WR_ADDR_STR];

	for (uint32_t j = 0; j < p->source_count; j++) {
		if (wr_addr_is_v4(&p->source[j].first) == v4)
			others |= !wr_addr_eq(&p->source[j].first, &t->local) ||
			          !wr_addr_eq(&p->source[j].last, &t->local);
	}
	for (uint32_t j = 0; !p->source_count && j < way->addr_count; j++) {
		if (wr_addr_is_v4(&way->addr[j].addr) == v4 &&
			!wr_addr_is_linklocal(&way->addr[j].addr))
			others |= !wr_addr_eq(&way->addr[j].addr, &t->local);
	}
	if (!others)
		return 0;
	wr_addr_format(&t->local, local, sizeof(local));
	return wr_settings_fail(&k->at, &b->address, b->line,
		"%s: is reached in mode transport by tunnel '%s', which takes connections from its "
		"local address '%s' only, and pool '%s' has others; right would be source: "
		"[\"%s\"] in the pool",
		key, t->name, local, p->name, local);
}

// Without sources of the pool's own they come from the port towards the remote end.
static int check_tunnel_source(const struct wr_conf_check *k, const char *key,
	const struct wr_conf_pool *p, const struct wr_conf_backend *b)
{
	const struct wr_conf_tunnel *t = wr_conf_check_pool_tunnel(k->c, p);
	const struct wr_conf_port *way = wr_conf_check_way(k->c, &t->remote);
	bool v4 = wr_addr_is_v4(&b->address.addr);
	char text[WR_ENDPOINT_STR];

	for (uint32_t j = 0; !p->source_count && j < way->addr_count; j++) {
		if (wr_addr_is_v4(&way->addr[j].addr) == v4 &&
			!wr_addr_is_linklocal(&way->addr[j].addr))
			return 0;
	}
	if (p->source_count)
		return 0;
	return wr_settings_fail(&k->at, &b->address, b->line,
		"%s: value '%s' is %s and port '%s', towards the remote end of tunnel '%s', has no "
		"%s address to connect from; add one to the port, or a source to the pool",
		key, wr_endpoint_format(&b->address, text, sizeof(text)), wr_conf_family(v4),
		way->name, t->name, wr_conf_family(v4));
}

static int backend_not_behind(const struct wr_conf_check *k, const char *key,
	const struct wr_conf_pool *p, const struct wr_conf_backend *b, int behind)
{
	const struct wr_conf_tunnel *t = wr_conf_check_pool_tunnel(k->c, p);
	char text[WR_ENDPOINT_STR], prefix[WR_ADDR_STR + 4];

	wr_endpoint_format(&b->address, text, sizeof(text));
	if (!t)
		return wr_settings_fail(&k->at, &b->address, b->line,
			"%s: value '%s' is behind tunnel '%s', but pool '%s' does not say so: "
			"overlapping selectors; right would be ipsec: {tunnel: %s} in the pool, or "
			"a 'to' of the tunnel without it",
			key, text, k->c->tunnels[behind].name, p->name, k->c->tunnels[behind].name);
	wr_prefix_format(&t->to[0], prefix, sizeof(prefix));
	return wr_settings_fail(&k->at, &b->address, b->line,
		"%s: value '%s' is %s%s%s, but pool '%s' says tunnel '%s'; right would be an "
		"address in %s%s",
		key, text, behind < 0 ? "behind no tunnel" : "behind tunnel '",
		behind < 0 ? "" : k->c->tunnels[behind].name, behind < 0 ? "" : "'", p->name,
		t->name, prefix, t->to_count > 1 ? " or the others of its 'to'" : "");
}

int wr_conf_check_backend_tunnel(const struct wr_conf_check *k, uint32_t i, uint32_t j)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	const struct wr_conf_backend *b = &p->backends[j];
	const struct wr_conf_tunnel *t = wr_conf_check_pool_tunnel(k->c, p);
	int behind = wr_conf_tunnel_of(k->c, &b->address.addr);
	char key[64];

	snprintf(key, sizeof(key), "pools[%u].backends[%u].address", i, j);
	if (behind != (t ? p->tunnel : -1))
		return backend_not_behind(k, key, p, b, behind);
	if (!t)
		return 0;
	if (t->mode == WR_CONF_TUNNEL_TRANSPORT)
		return check_transport_source(k, key, p, b);
	return check_tunnel_source(k, key, p, b);
}

int wr_conf_check_behind(const struct wr_conf_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->pool_count; i++)
		rc = check_wish(k, i);
	return rc;
}

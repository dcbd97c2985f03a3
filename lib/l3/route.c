/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_malloc.h>

enum {
	RANK_CONNECTED,
	RANK_STATIC,
	RANK_GATEWAY
};

void l3_prefix_mask(uint8_t len, uint64_t mask[2])
{
	struct wr_addr m;

	for (uint32_t i = 0; i < 16; i++) {
		uint32_t bits = len > i * 8 ? RTE_MIN(len - i * 8, 8u) : 0;

		m.b[i] = (uint8_t)(0xff00 >> bits);
	}
	mask[0] = m.q[0];
	mask[1] = m.q[1];
}

static void route_append(struct wr_l3_net *n, const struct wr_prefix *to, const struct wr_addr *via,
	uint16_t port, uint8_t rank)
{
	struct l3_route *r = &n->route[n->route_count++];

	*r = (struct l3_route){.port = port, .len = to->len, .rank = rank};
	r->v4 = wr_addr_is_v4(&to->addr);
	l3_prefix_mask(to->len, r->mask);
	r->value[0] = to->addr.q[0] & r->mask[0];
	r->value[1] = to->addr.q[1] & r->mask[1];
	if (via != NULL)
		r->via = *via;
}

static int route_cmp(const void *a, const void *b)
{
	const struct l3_route *x = a, *y = b;

	if (x->len != y->len)
		return y->len - x->len;
	if (x->rank != y->rank)
		return x->rank - y->rank;
	return x->port - y->port;
}

// The next hop of a gateway or route must be a station of the port's link, and not ourselves.
static int check_via(const struct wr_l3_net *n, uint16_t port, const struct wr_addr *via,
	const char *what, struct wr_err *err)
{
	char text[WR_ADDR_STR];

	wr_addr_format(via, text, sizeof(text));
	if (l3_port(n, port) == NULL)
		return wr_err_set(
			err, EINVAL, "%s %s is on port %u, which does not exist", what, text, port);
	if (!l3_addr_onlink(n, port, via))
		return wr_err_set(err, EINVAL,
			"%s %s lies in no prefix of port %u; give the port an address of that "
			"network",
			what, text, port);
	if (l3_addr_lookup(n, via, port) != NULL)
		return wr_err_set(err, EINVAL, "%s %s is an address of ours or a broadcast address",
			what, text);
	return 0;
}

static int add_gateways(struct wr_l3_net *n, const struct wr_l3_port *p, struct wr_err *err)
{
	for (uint32_t i = 0; i < p->gateway_count; i++) {
		struct wr_prefix all = {.len = 0};
		int rc = check_via(n, p->id, &p->gateway[i], "gateway", err);

		if (rc != 0)
			return rc;
		if (wr_addr_is_v4(&p->gateway[i]))
			all = (struct wr_prefix){wr_addr_from_v4(0), 96};
		route_append(n, &all, &p->gateway[i], p->id, RANK_GATEWAY);
	}
	return 0;
}

static int add_static(struct wr_l3_net *n, const struct wr_l3_route *r, struct wr_err *err)
{
	char text[WR_ADDR_STR + 4];
	int rc = check_via(n, r->port, &r->via, "next hop", err);

	wr_prefix_format(&r->to, text, sizeof(text));
	if (rc != 0) {
		wr_err_prefix(err, "route to %s", text);
		return rc;
	}
	if (wr_addr_is_v4(&r->to.addr) != wr_addr_is_v4(&r->via))
		return wr_err_set(err, EINVAL,
			"route to %s has a next hop of the other address family", text);
	if (r->to.len > 128 || (wr_addr_is_v4(&r->to.addr) && r->to.len < 96))
		return wr_err_set(err, EINVAL, "route to %s has an impossible prefix length", text);
	route_append(n, &r->to, &r->via, r->port, RANK_STATIC);
	return 0;
}

int l3_route_build(struct wr_l3_net *n, const struct wr_l3_config *cfg, struct wr_err *err)
{
	uint32_t room = RTE_MAX(n->addr_count + cfg->route_count + 2 * cfg->port_count, 1u);
	int rc;

	n->route = rte_zmalloc("l3_route", room * sizeof(*n->route), 0);
	if (n->route == NULL)
		return wr_err_set(err, ENOMEM, "no memory for %u routes", room);
	for (uint32_t i = 0; i < n->addr_count; i++) {
		const struct l3_addr *a = &n->addr[i];
		struct wr_prefix to = {a->addr, a->prefix_len};

		if (a->kind == L3_ADDR_OWN)
			route_append(n, &to, NULL, a->port, RANK_CONNECTED);
	}
	for (uint32_t i = 0; i < cfg->port_count; i++) {
		rc = add_gateways(n, &cfg->ports[i], err);
		if (rc != 0)
			return rc;
	}
	for (uint32_t i = 0; i < cfg->route_count; i++) {
		rc = add_static(n, &cfg->routes[i], err);
		if (rc != 0)
			return rc;
	}
	qsort(n->route, n->route_count, sizeof(*n->route), route_cmp);
	return 0;
}

const struct l3_route *l3_route_lookup(const struct wr_l3_net *n, const struct wr_addr *dst)
{
	bool v4 = wr_addr_is_v4(dst);

	for (uint32_t i = 0; i < n->route_count; i++) {
		const struct l3_route *r = &n->route[i];
		uint64_t diff = ((dst->q[0] & r->mask[0]) ^ r->value[0]) |
		                ((dst->q[1] & r->mask[1]) ^ r->value[1]);

		if (diff == 0 && r->v4 == v4)
			return r;
	}
	return NULL;
}

bool wr_l3_path_outer(
	const struct wr_l3_net *n, const struct wr_addr *dst, uint16_t *port, uint16_t *mtu)
{
	const struct l3_route *r = l3_route_lookup(n, dst);

	if (r == NULL)
		return false;
	*port = r->port;
	*mtu = n->port[r->port].mtu;
	return true;
}

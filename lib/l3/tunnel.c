/* SPDX-License-Identifier: BSD-3-Clause */

// Tunnels: the rules that say what leaves only encrypted (the outbound side of RFC 4301 4.4.1, by
// destination), and the packets that wait for it. Nothing here encrypts.

#include "l3_priv.h"

#include <errno.h>

#include <rte_malloc.h>

// --- made from the configuration ------------------------------------------------------------

static bool in(const struct l3_behind *b, const struct wr_addr *a, bool v4)
{
	return (((a->q[0] & b->mask[0]) ^ b->value[0]) | ((a->q[1] & b->mask[1]) ^ b->value[1])) ==
	               0 &&
	       b->v4 == v4;
}

static bool overlap(const struct l3_behind *x, const struct l3_behind *y)
{
	// prefixes overlap when they agree on what both fix
	return x->v4 == y->v4 && ((x->value[0] ^ y->value[0]) & x->mask[0] & y->mask[0]) == 0 &&
	       ((x->value[1] ^ y->value[1]) & x->mask[1] & y->mask[1]) == 0;
}

static int add_behind(struct wr_l3_net *n, uint16_t tunnel, const struct wr_l3_tunnel *t,
	uint32_t k, struct wr_err *err)
{
	struct l3_behind *b = &n->behind[n->behind_count];
	const struct wr_prefix *to = &t->to[k];
	char text[WR_ADDR_STR + 4];

	*b = (struct l3_behind){.tunnel = tunnel, .v4 = wr_addr_is_v4(&to->addr)};
	wr_prefix_format(to, text, sizeof(text));
	if (to->len > 128 || (b->v4 && to->len < 96))
		return wr_err_set(err, EINVAL, "%s has an impossible prefix length", text);
	if (b->v4 != wr_addr_is_v4(&t->to[0].addr))
		return wr_err_set(err, EINVAL,
			"%s is of another family than the prefix before it; a tunnel carries one "
			"family, write two tunnels",
			text);
	l3_prefix_mask(to->len, b->mask);
	b->value[0] = to->addr.q[0] & b->mask[0];
	b->value[1] = to->addr.q[1] & b->mask[1];
	for (uint32_t i = 0; i < n->behind_count; i++) {
		if (n->behind[i].tunnel != tunnel && overlap(&n->behind[i], b))
			return wr_err_set(err, EINVAL,
				"%s overlaps with what is behind tunnel %u; an address is behind "
				"one tunnel",
				text, n->behind[i].tunnel);
	}
	n->behind_count++;
	return 0;
}

static int check_remote(const struct wr_l3_net *n, const struct wr_addr *remote, struct wr_err *err)
{
	char text[WR_ADDR_STR];

	wr_addr_format(remote, text, sizeof(text));
	if (wr_addr_is_multicast(remote) || wr_addr_is_unspecified(remote) ||
		wr_addr_is_loopback(remote))
		return wr_err_set(err, EINVAL, "remote end %s is not a unicast address", text);
	if (l3_addr_lookup(n, remote, L3_NO_PORT) != NULL)
		return wr_err_set(err, EINVAL,
			"remote end %s is an address of ours or a broadcast address", text);
	if (l3_route_lookup(n, remote) == NULL)
		return wr_err_set(err, EINVAL,
			"no port leads to the remote end %s; give a port an address of that "
			"network, a gateway, or write a route",
			text);
	return 0;
}

static int add_tunnel(struct wr_l3_net *n, const struct wr_l3_tunnel *t, struct wr_err *err)
{
	uint16_t index = (uint16_t)n->tunnel_count;
	int rc = check_remote(n, &t->remote, err);

	if (rc != 0)
		return rc;
	if (t->to_count == 0 || t->to_count > WR_MAX_TUNNEL_TO)
		return wr_err_set(err, EINVAL, "%u prefixes are behind it; 1 to %u are possible",
			t->to_count, WR_MAX_TUNNEL_TO);
	for (uint32_t k = 0; k < t->to_count; k++) {
		rc = add_behind(n, index, t, k, err);
		if (rc != 0)
			return rc;
	}
	n->tunnel[index] = (struct l3_tunnel){.remote = t->remote,
		.port = l3_route_lookup(n, &t->remote)->port,
		.clear = t->clear};
	n->tunnel_count++;
	return 0;
}

// Encrypted packets pass by the rules of other tunnels, so they must not be what those are for. Two
// tunnels to one remote end, of a family each, are fine though it is behind one of them.
static int check_nested(const struct wr_l3_net *n, uint32_t i, struct wr_err *err)
{
	const struct wr_addr *remote = &n->tunnel[i].remote;
	int j = l3_tunnel_find(n, remote);
	char text[WR_ADDR_STR];

	if (j < 0 || wr_addr_eq(remote, &n->tunnel[j].remote))
		return 0;
	return wr_err_set(err, EINVAL,
		"remote end %s is behind tunnel %d; a tunnel inside another is not possible",
		wr_addr_format(remote, text, sizeof(text)), j);
}

int l3_tunnel_build(struct wr_l3_net *n, const struct wr_l3_config *cfg, struct wr_err *err)
{
	uint32_t room = cfg->tunnel_count * WR_MAX_TUNNEL_TO;
	int rc = 0;

	if (cfg->tunnel_count == 0)
		return 0;
	if (cfg->tunnel_count > WR_MAX_TUNNELS)
		return wr_err_set(err, EINVAL, "%u tunnels are more than the limit of %u",
			cfg->tunnel_count, WR_MAX_TUNNELS);
	n->tunnel = rte_zmalloc("l3_tunnel", cfg->tunnel_count * sizeof(*n->tunnel), 0);
	n->behind = rte_zmalloc("l3_behind", room * sizeof(*n->behind), 0);
	if (n->tunnel == NULL || n->behind == NULL)
		return wr_err_set(err, ENOMEM, "no memory for %u tunnels", cfg->tunnel_count);
	for (uint32_t i = 0; i < cfg->tunnel_count && rc == 0; i++) {
		rc = add_tunnel(n, &cfg->tunnels[i], err);
		if (rc != 0)
			wr_err_prefix(err, "tunnel %u", i);
	}
	for (uint32_t i = 0; i < cfg->tunnel_count && rc == 0; i++) {
		rc = check_nested(n, i, err);
		if (rc != 0)
			wr_err_prefix(err, "tunnel %u", i);
	}
	return rc;
}

// --- questions and the switch ---------------------------------------------------------------

int l3_tunnel_find(const struct wr_l3_net *n, const struct wr_addr *a)
{
	bool v4;

	if (n->tunnel_count == 0)
		return -1;
	v4 = wr_addr_is_v4(a);
	for (uint32_t i = 0; i < n->behind_count; i++) {
		if (in(&n->behind[i], a, v4))
			return n->behind[i].tunnel;
	}
	return -1;
}

bool l3_tunnel_required(const struct wr_l3_net *n, uint16_t tunnel)
{
	return __atomic_load_n(&n->tunnel[tunnel].clear, __ATOMIC_ACQUIRE) == 0;
}

int wr_l3_tunnel_of(const struct wr_l3_net *n, const struct wr_addr *a)
{
	int tunnel = l3_tunnel_find(n, a);

	return tunnel >= 0 && l3_tunnel_required(n, (uint16_t)tunnel) ? tunnel : -1;
}

void wr_l3_tunnel_mtu(struct wr_l3_net *n, uint16_t tunnel, uint16_t mtu)
{
	RTE_ASSERT(tunnel < n->tunnel_count);
	__atomic_store_n(&n->tunnel[tunnel].mtu, mtu, __ATOMIC_RELEASE);
}

void wr_l3_tunnel_require(struct wr_l3_net *n, uint16_t tunnel, bool require)
{
	RTE_ASSERT(tunnel < n->tunnel_count);
	__atomic_store_n(&n->tunnel[tunnel].clear, !require, __ATOMIC_RELEASE);
}

bool wr_l3_path(const struct wr_l3_net *n, const struct wr_addr *dst, uint16_t *port, uint16_t *mtu)
{
	int tunnel = l3_tunnel_find(n, dst);
	const struct l3_tunnel *t;
	uint16_t inner, way = 0, way_mtu = 0;

	if (tunnel < 0)
		return wr_l3_path_outer(n, dst, port, mtu);
	t = &n->tunnel[tunnel];
	inner = __atomic_load_n(&t->mtu, __ATOMIC_ACQUIRE);
	if (inner == 0)
		return false;
	*port = t->port;
	*mtu = inner;
	if (!l3_tunnel_required(n, (uint16_t)tunnel) && wr_l3_path_outer(n, dst, &way, &way_mtu)) {
		*port = way;
		*mtu = RTE_MIN(inner, way_mtu);
	}
	return true;
}

// --- packets --------------------------------------------------------------------------------

void l3_tunnel_keep(struct wr_l3 *l, struct rte_mbuf *m, uint16_t tunnel)
{
	struct l3_tunnelled *k = &l->tunnelled;

	RTE_BUILD_BUG_ON((WR_L3_TUNNELLED & (WR_L3_TUNNELLED - 1)) != 0);
	if (unlikely(k->count == WR_L3_TUNNELLED)) {
		wr_stats_drop(l->stats, WR_DROP_ipsec_out_queue_full, 1);
		rte_pktmbuf_free(m);
		return;
	}
	m->port = tunnel;
	k->m[(k->head + k->count++) & (WR_L3_TUNNELLED - 1)] = m;
}

uint16_t wr_l3_take_tunnelled(struct wr_l3 *l, struct rte_mbuf **m, uint16_t room)
{
	struct l3_tunnelled *k = &l->tunnelled;
	uint16_t n = (uint16_t)RTE_MIN(k->count, (uint32_t)room);

	for (uint16_t i = 0; i < n; i++)
		m[i] = k->m[(k->head + i) & (WR_L3_TUNNELLED - 1)];
	k->head += n;
	k->count -= n;
	return n;
}

void l3_tunnel_fini(struct wr_l3 *l)
{
	struct rte_mbuf *m;

	while (wr_l3_take_tunnelled(l, &m, 1) != 0) {
		wr_stats_drop(l->stats, WR_DROP_shutdown, 1);
		rte_pktmbuf_free(m);
	}
}

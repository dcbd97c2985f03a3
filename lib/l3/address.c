/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#define L3_VLAN_MASK 0x0fff

struct l3_addr *l3_addr_lookup(const struct wr_l3_net *n, const struct wr_addr *a, uint16_t port)
{
	uint32_t i = (uint32_t)l3_hash(n, 0, a) & n->addr_mask;

	uint32_t at;

	for (; (at = l3_addr_slot(n, i)) != 0; i = (i + 1) & n->addr_mask) {
		struct l3_addr *e = &n->addr[at - 1];

		if (wr_addr_eq(&e->addr, a) && l3_addr_kind(e) != L3_ADDR_GONE &&
			(port == L3_NO_PORT || e->port == port))
			return e;
	}
	return NULL;
}

struct l3_addr *l3_addr_claimed(const struct wr_l3_net *n, const struct wr_addr *a, uint16_t port)
{
	struct l3_addr *e = l3_addr_lookup(n, a, port);

	return e != NULL && e->kind != L3_ADDR_BROADCAST ? e : NULL;
}

enum wr_l3_class wr_l3_classify(const struct wr_l3_net *n, const struct wr_addr *dst)
{
	const struct l3_addr *e = l3_addr_lookup(n, dst, L3_NO_PORT);

	if (e == NULL)
		return wr_addr_is_multicast(dst) ? WR_L3_GROUP : WR_L3_NOT_OURS;
	if (e->kind == L3_ADDR_BROADCAST)
		return WR_L3_GROUP;
	if (l3_addr_state(e) != L3_ADDR_READY)
		return WR_L3_TENTATIVE;
	return e->kind == L3_ADDR_OWN ? WR_L3_OWN : WR_L3_VIP;
}

static inline uint64_t mac_bits(const struct rte_ether_addr *mac)
{
	uint32_t low;
	uint16_t high;

	memcpy(&low, mac->addr_bytes, sizeof(low));
	memcpy(&high, mac->addr_bytes + sizeof(low), sizeof(high));
	return low | (uint64_t)high << 32;
}

// The VLAN of a frame whose EtherType says it is tagged; above 16 bits when it is too short.
static __rte_noinline uint32_t read_tag(const struct rte_mbuf *m)
{
	struct rte_vlan_hdr copy;
	const struct rte_vlan_hdr *tag =
		rte_pktmbuf_read(m, sizeof(struct rte_ether_hdr), sizeof(*tag), &copy);

	return tag == NULL ? UINT32_MAX : rte_be_to_cpu_16(tag->vlan_tci) & L3_VLAN_MASK;
}

enum wr_drop wr_l3_check_mac(const struct wr_l3_net *n, const struct rte_mbuf *m)
{
	const struct wr_l3_port *port = l3_port(n, m->port);
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	uint32_t vlan = 0;
	uint64_t own;

	if (unlikely(m->data_len < sizeof(*eth)))
		return WR_DROP_short_frame;
	if (unlikely(port == NULL))
		return WR_DROP_not_our_mac;
	own = mac_bits(&port->mac);
	if (unlikely(mac_bits(&eth->src_addr) == own))
		return WR_DROP_own_mac;
	if (mac_bits(&eth->dst_addr) != own && !rte_is_multicast_ether_addr(&eth->dst_addr))
		return WR_DROP_not_our_mac;
	if (unlikely(m->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED))
		vlan = m->vlan_tci & L3_VLAN_MASK;
	else if (unlikely(eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_VLAN) ||
			  eth->ether_type == RTE_BE16(RTE_ETHER_TYPE_QINQ)))
		vlan = read_tag(m);
	if (likely(vlan == port->vlan))
		return WR_DROP_NONE;
	return vlan > UINT16_MAX ? WR_DROP_short_frame : WR_DROP_vlan_unknown;
}

bool l3_mac_is_ours(const struct wr_l3_net *n, const struct rte_ether_addr *mac)
{
	for (uint16_t i = 0; i < WR_MAX_PORTS; i++) {
		const struct wr_l3_port *p = l3_port(n, i);

		if (p != NULL && rte_is_same_ether_addr(&p->mac, mac))
			return true;
	}
	return false;
}

bool l3_addr_onlink(const struct wr_l3_net *n, uint16_t port, const struct wr_addr *a)
{
	bool v4 = wr_addr_is_v4(a);

	for (uint32_t i = 0; i < n->own_count[port]; i++) {
		const struct l3_addr *own = &n->addr[n->own_first[port] + i];
		struct wr_prefix p = {own->addr, own->prefix_len};

		if (wr_addr_is_v4(&own->addr) == v4 && wr_prefix_contains(&p, a))
			return true;
	}
	return false;
}

// How well an own address fits as the source towards `to`; 0: not at all.
static uint32_t source_score(const struct l3_addr *own, const struct wr_addr *to, bool ready)
{
	struct wr_prefix p = {own->addr, own->prefix_len};
	uint32_t score = 1;

	if (wr_addr_is_v4(&own->addr) != wr_addr_is_v4(to))
		return 0;
	// RFC 6724 5 rule 2: a scope that fits; a link-local source does not leave the link
	if (wr_addr_is_linklocal(&own->addr) == wr_addr_is_linklocal(to))
		score += 256;
	if (wr_prefix_contains(&p, to))
		score += 512 + own->prefix_len;
	if (ready && l3_addr_state(own) == L3_ADDR_READY)
		score += 2048;
	return score;
}

const struct l3_addr *l3_addr_source(
	const struct wr_l3_net *n, uint16_t port, const struct wr_addr *to, bool ready)
{
	const struct l3_addr *best = NULL;
	uint32_t best_score = 0;

	for (uint32_t i = 0; i < n->own_count[port]; i++) {
		const struct l3_addr *own = &n->addr[n->own_first[port] + i];
		uint32_t score = source_score(own, to, ready);

		if (score > best_score) {
			best = own;
			best_score = score;
		}
	}
	return best;
}

bool wr_l3_source(const struct wr_l3_net *n, const struct wr_addr *dst, struct wr_addr *out)
{
	int tunnel = l3_tunnel_find(n, dst);
	const struct l3_route *r = tunnel < 0 ? l3_route_lookup(n, dst) : NULL;
	const struct l3_addr *own;

	if (tunnel < 0 && r == NULL)
		return false;
	own = l3_addr_source(n, tunnel < 0 ? r->port : n->tunnel[tunnel].port, dst, false);
	if (own == NULL)
		return false;
	*out = own->addr;
	return true;
}

bool wr_l3_ready(const struct wr_l3_net *n)
{
	return __atomic_load_n(&n->not_ready, __ATOMIC_ACQUIRE) == 0;
}

static uint32_t mac_append(
	struct rte_ether_addr *list, uint32_t count, uint32_t max, const struct rte_ether_addr *mac)
{
	for (uint32_t i = 0; i < count; i++) {
		if (rte_is_same_ether_addr(&list[i], mac))
			return count;
	}
	if (count < max)
		list[count++] = *mac;
	return count;
}

uint32_t wr_l3_multicast_macs(
	const struct wr_l3_net *n, uint16_t port, struct rte_ether_addr *list, uint32_t max)
{
	// RFC 2464 7: ff02::1, all nodes; RFC 4861 7.2.1: joined with the solicited-node groups
	static const struct rte_ether_addr all_nodes = {{0x33, 0x33, 0, 0, 0, 1}};
	struct rte_ether_addr mac;
	struct wr_addr group;
	uint32_t count = 0;

	for (uint32_t i = 0; i < n->addr_count; i++) {
		const struct l3_addr *a = &n->addr[i];

		if (a->port != port || wr_addr_is_v4(&a->addr) || l3_addr_kind(a) == L3_ADDR_GONE)
			continue;
		l3_solicited_node(&a->addr, &group, &mac);
		count = mac_append(list, count, max, &all_nodes);
		count = mac_append(list, count, max, &mac);
	}
	return count;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include "wr_build.h"

#include <rte_ip.h>

static void refuse(struct wr_l3 *l, struct rte_mbuf *m, enum wr_drop reason)
{
	wr_stats_drop(l->stats, reason, 1);
	rte_pktmbuf_free(m);
}

static inline void output_eth(struct wr_l3 *l, struct rte_mbuf *m, const struct wr_l3_port *port,
	const struct rte_ether_addr *dst, uint16_t ethertype, struct wr_l3_tx *tx)
{
	RTE_ASSERT(!l3_tx_full(tx));
	if (unlikely(wr_build_eth(m, &port->mac, dst, ethertype, port->vlan) != 0)) {
		refuse(l, m, WR_DROP_tx_error);
		return;
	}
	m->port = port->id;
	tx->pkts[tx->count++] = m;
}

void l3_output_eth(struct wr_l3 *l, struct rte_mbuf *m, uint16_t port,
	const struct rte_ether_addr *dst, struct wr_l3_tx *tx)
{
	bool v4 = (*rte_pktmbuf_mtod(m, const uint8_t *) >> 4) == 4;

	output_eth(
		l, m, &l->net->port[port], dst, v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, tx);
}

// EtherType and destination of an IP packet; 0 when the header is not there.
static inline uint16_t read_dst(const struct rte_mbuf *m, struct wr_addr *dst)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t v4;

	if (m->data_len >= sizeof(struct rte_ipv4_hdr) && ip[0] >> 4 == 4) {
		memcpy(&v4, ip + offsetof(struct rte_ipv4_hdr, dst_addr), sizeof(v4));
		// by words of 64 bits, as it is compared, so that these need not go through memory
		dst->q[0] = 0;
		dst->q[1] = WR_ADDR_V4_WORD2 | (uint64_t)v4 << 32;
		return RTE_ETHER_TYPE_IPV4;
	}
	if (m->data_len >= sizeof(struct rte_ipv6_hdr) && ip[0] >> 4 == 6) {
		*dst = wr_addr_from_v6(ip + offsetof(struct rte_ipv6_hdr, dst_addr));
		return RTE_ETHER_TYPE_IPV6;
	}
	return 0;
}

// A stale neighbour in use is to be asked again: tell worker 0 once.
static void touch_stale(struct wr_l3 *l, struct l3_neigh *e, uint16_t port, const struct wr_addr *a)
{
	if (__atomic_load_n(&e->want, __ATOMIC_RELAXED) != 0 ||
		__atomic_exchange_n(&e->want, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	if (!l3_resolve_want(l->net, port, a))
		__atomic_store_n(&e->want, 0, __ATOMIC_RELEASE);
}

// Its entry, when the neighbour is in the table.
static const struct l3_neigh *output_hop(struct wr_l3 *l, struct rte_mbuf *m, uint16_t port,
	const struct wr_addr *hop, struct wr_l3_tx *tx, wr_us_t now)
{
	struct l3_hop *waiting = l3_hop_lookup(l, port, hop);
	struct rte_ether_addr mac;
	uint64_t word = 0;
	struct l3_neigh *e = l3_neigh_lookup(l->net, port, hop, &word);

	if (e == NULL || l3_word_state(word) == L3_NEIGH_INCOMPLETE) {
		l3_hop_enqueue(l, waiting, port, hop, m, now);
		return e;
	}
	if (l3_word_state(word) == L3_NEIGH_FAILED) {
		refuse(l, m, WR_DROP_neigh_unreachable);
		return e;
	}
	if (l3_word_state(word) == L3_NEIGH_STALE)
		touch_stale(l, e, port, hop);
	mac = l3_word_mac(word);
	// what waits goes first, so that a connection keeps its order
	if (unlikely(waiting != NULL) && !l3_hop_flush(l, waiting, &mac, tx, 1)) {
		l3_hop_enqueue(l, waiting, port, hop, m, now);
		return e;
	}
	l3_output_eth(l, m, port, &mac, tx);
	return e;
}

// Look everything up, and remember it in *p.
static void output_route(struct wr_l3 *l, struct rte_mbuf *m, struct l3_path *p,
	const struct wr_addr *dst, struct wr_l3_tx *tx, wr_us_t now)
{
	const struct l3_route *r = l3_route_lookup(l->net, dst);
	const struct wr_addr *hop;

	// nothing leads to a group, nor out and back to ourselves
	if (unlikely(r == NULL || wr_l3_classify(l->net, dst) != WR_L3_NOT_OURS)) {
		refuse(l, m, WR_DROP_no_route);
		return;
	}
	hop = wr_addr_is_unspecified(&r->via) ? dst : &r->via;
	*p = (struct l3_path){.dst = *dst, .hop = *hop, .port = &l->net->port[r->port]};
	p->neigh = output_hop(l, m, r->port, hop, tx, now);
}

// Whether *p is the way to dst and nothing is to be done first but read the neighbour's word.
static __rte_always_inline bool path_holds(
	struct wr_l3 *l, const struct l3_path *p, const struct wr_addr *dst, uint64_t *word)
{
	return p->neigh != NULL && wr_addr_eq(&p->dst, dst) &&
	       l3_neigh_read(p->neigh, p->port->id, &p->hop, word) &&
	       l3_word_state(*word) == L3_NEIGH_REACHABLE &&
	       (l->hop_count == 0 || l3_hop_lookup(l, p->port->id, &p->hop) == NULL);
}

// The place of a destination among 1 << bits.
static inline struct l3_path *path_of(struct l3_path *of, uint32_t bits, const struct wr_addr *dst)
{
	// Without a key: who aims at one place gains that these look-ups are made.
	return &of[(dst->q[0] ^ dst->q[1]) * 0x9e3779b97f4a7c15ULL >> (64 - bits)];
}

// Send whatever tunnels say. `tunnel` is the one that it must stay out of while it waits for a
// neighbour, L3_NO_PORT: none.
static __rte_always_inline void output_outer(struct wr_l3 *l, struct rte_mbuf *m,
	const struct wr_addr *dst, uint16_t ethertype, uint16_t tunnel, struct wr_l3_tx *tx,
	wr_us_t now)
{
	struct l3_path *p = path_of(l->outer, L3_OUTER_BITS, dst);
	struct rte_ether_addr mac;
	uint64_t word;

	if (likely(path_holds(l, p, dst, &word))) {
		mac = l3_word_mac(word);
		output_eth(l, m, p->port, &mac, ethertype, tx);
		return;
	}
	m->port = tunnel;
	output_route(l, m, p, dst, tx, now);
}

// A packet to what is behind a tunnel: kept to be encrypted, or sent in clear while it may be.
// False when it is behind none. That it is asked for every packet is what makes
// wr_l3_tunnel_require() hold from the next one on; so the place among l->path is left without a
// neighbour.
static bool output_tunnel(struct wr_l3 *l, struct rte_mbuf *m, struct l3_path *p,
	const struct wr_addr *dst, struct wr_l3_tx *tx, wr_us_t now)
{
	struct wr_addr to = *dst;
	uint16_t tunnel;

	if (p->tunnel == 0 || !wr_addr_eq(&p->dst, &to)) {
		int found = l3_tunnel_find(l->net, &to);

		if (found < 0)
			return false;
		if (unlikely(wr_l3_classify(l->net, &to) != WR_L3_NOT_OURS)) {
			refuse(l, m, WR_DROP_no_route);
			return true;
		}
		*p = (struct l3_path){.dst = to, .tunnel = (uint16_t)(found + 1)};
	}
	tunnel = p->tunnel - 1;
	if (likely(l3_tunnel_required(l->net, tunnel)))
		l3_tunnel_keep(l, m, tunnel);
	else
		output_outer(l, m, &to,
			wr_addr_is_v4(&to) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, tunnel, tx,
			now);
	return true;
}

static __rte_noinline void output_lookup(struct wr_l3 *l, struct rte_mbuf *m, struct l3_path *p,
	const struct wr_addr *dst, struct wr_l3_tx *tx, wr_us_t now)
{
	if (l->net->tunnel_count != 0) {
		if (output_tunnel(l, m, p, dst, tx, now))
			return;
		m->port = L3_NO_PORT;
	}
	output_route(l, m, p, dst, tx, now);
}

void wr_l3_output(struct wr_l3 *l, struct rte_mbuf *m, struct wr_l3_tx *tx, wr_us_t now)
{
	struct rte_ether_addr mac;
	struct l3_path *p;
	struct wr_addr dst;
	uint16_t ethertype;
	uint64_t word;

	RTE_ASSERT(!l3_tx_full(tx));
	ethertype = read_dst(m, &dst);
	if (unlikely(l3_tx_full(tx) || ethertype == 0)) {
		refuse(l, m, WR_DROP_tx_error);
		return;
	}
	p = path_of(l->path, L3_PATH_BITS, &dst);
	if (likely(path_holds(l, p, &dst, &word))) {
		mac = l3_word_mac(word);
		output_eth(l, m, p->port, &mac, ethertype, tx);
		return;
	}
	output_lookup(l, m, p, &dst, tx, now);
}

void wr_l3_output_outer(struct wr_l3 *l, struct rte_mbuf *m, struct wr_l3_tx *tx, wr_us_t now)
{
	struct wr_addr dst;
	uint16_t ethertype;

	RTE_ASSERT(!l3_tx_full(tx));
	ethertype = read_dst(m, &dst);
	if (unlikely(l3_tx_full(tx) || ethertype == 0)) {
		refuse(l, m, WR_DROP_tx_error);
		return;
	}
	output_outer(l, m, &dst, ethertype, L3_NO_PORT, tx, now);
}

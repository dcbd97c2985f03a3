/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include "wr_build.h"

#include <rte_ip.h>

void l3_output_eth(struct wr_l3 *l, struct rte_mbuf *m, uint16_t port,
	const struct rte_ether_addr *dst, struct wr_l3_tx *tx)
{
	const struct wr_l3_port *p = &l->net->port[port];
	bool v4 = (*rte_pktmbuf_mtod(m, const uint8_t *) >> 4) == 4;

	RTE_ASSERT(!l3_tx_full(tx));
	if (unlikely(wr_build_eth(m, &p->mac, dst, v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6,
			     p->vlan) != 0)) {
		wr_stats_drop(l->stats, WR_DROP_tx_error, 1);
		rte_pktmbuf_free(m);
		return;
	}
	m->port = port;
	tx->pkts[tx->count++] = m;
}

// Destination of an IP packet; false when the header is not there.
static bool read_dst(const struct rte_mbuf *m, struct wr_addr *dst)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t v4;

	if (m->data_len >= sizeof(struct rte_ipv4_hdr) && ip[0] >> 4 == 4) {
		memcpy(&v4, ip + offsetof(struct rte_ipv4_hdr, dst_addr), sizeof(v4));
		*dst = wr_addr_from_v4(v4);
		return true;
	}
	if (m->data_len >= sizeof(struct rte_ipv6_hdr) && ip[0] >> 4 == 6) {
		*dst = wr_addr_from_v6(ip + offsetof(struct rte_ipv6_hdr, dst_addr));
		return true;
	}
	return false;
}

static void refuse(struct wr_l3 *l, struct rte_mbuf *m, enum wr_drop reason)
{
	wr_stats_drop(l->stats, reason, 1);
	rte_pktmbuf_free(m);
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

static void output_hop(struct wr_l3 *l, struct rte_mbuf *m, uint16_t port,
	const struct wr_addr *hop, struct wr_l3_tx *tx, wr_us_t now)
{
	struct l3_hop *waiting = l3_hop_lookup(l, port, hop);
	struct rte_ether_addr mac;
	uint64_t word = 0;
	struct l3_neigh *e = l3_neigh_lookup(l->net, port, hop, &word);

	if (e == NULL || l3_word_state(word) == L3_NEIGH_INCOMPLETE) {
		l3_hop_enqueue(l, waiting, port, hop, m, now);
		return;
	}
	if (l3_word_state(word) == L3_NEIGH_FAILED) {
		refuse(l, m, WR_DROP_neigh_unreachable);
		return;
	}
	if (l3_word_state(word) == L3_NEIGH_STALE)
		touch_stale(l, e, port, hop);
	mac = l3_word_mac(word);
	// what waits goes first, so that a connection keeps its order
	if (unlikely(waiting != NULL) && !l3_hop_flush(l, waiting, &mac, tx, 1)) {
		l3_hop_enqueue(l, waiting, port, hop, m, now);
		return;
	}
	l3_output_eth(l, m, port, &mac, tx);
}

void wr_l3_output(struct wr_l3 *l, struct rte_mbuf *m, struct wr_l3_tx *tx, wr_us_t now)
{
	const struct l3_route *r;
	struct wr_addr dst;

	RTE_ASSERT(!l3_tx_full(tx));
	if (unlikely(l3_tx_full(tx) || !read_dst(m, &dst))) {
		refuse(l, m, WR_DROP_tx_error);
		return;
	}
	r = l3_route_lookup(l->net, &dst);
	// nothing leads to a group, nor out and back to ourselves
	if (unlikely(r == NULL || wr_l3_classify(l->net, &dst) != WR_L3_NOT_OURS)) {
		refuse(l, m, WR_DROP_no_route);
		return;
	}
	output_hop(l, m, r->port, wr_addr_is_unspecified(&r->via) ? &dst : &r->via, tx, now);
}

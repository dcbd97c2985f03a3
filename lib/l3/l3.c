/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include <rte_malloc.h>

// One worker's part: input, duties.

struct wr_l3 *wr_l3_create(struct wr_l3_net *n, uint16_t worker, struct rte_mempool *small,
	struct wr_stats *stats, struct wr_event_ring *events, wr_us_t now)
{
	struct wr_l3 *l = rte_zmalloc("l3", sizeof(*l), RTE_CACHE_LINE_SIZE);

	if (l == NULL)
		return NULL;
	l->net = n;
	l->worker = worker;
	l->small = small;
	l->stats = stats;
	l->events = events;
	l->echo_us = now;
	l->echo_tokens = UINT64_MAX / 2; // the first use cuts it to the bucket
	if (l3_hop_init(l) != 0) {
		l3_hop_fini(l);
		rte_free(l);
		return NULL;
	}
	return l;
}

void wr_l3_destroy(struct wr_l3 *l)
{
	if (l == NULL)
		return;
	l3_hop_fini(l);
	l3_tunnel_fini(l);
	rte_free(l);
}

void l3_event(struct wr_l3 *l, const struct wr_event *ev)
{
	struct wr_event e = *ev;

	if (l->events == NULL)
		return;
	e.worker = l->worker;
	e.queue = UINT16_MAX;
	wr_stats_add(l->stats,
		wr_event_push(l->events, &e) ? WR_CTR_events_raised : WR_CTR_events_lost, 1);
}

bool wr_l3_for_owner(const struct wr_pkt *p)
{
	uint8_t copy;
	const uint8_t *type;

	if (p->kind == WR_PKT_ARP)
		return true;
	if (p->kind != WR_PKT_ICMP6)
		return false;
	type = rte_pktmbuf_read(p->m, wr_pkt_payload_offset(p), 1, &copy);
	return type != NULL && (*type == L3_ND_SOLICIT || *type == L3_ND_ADVERT);
}

static struct l3_verdict judge(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now)
{
	const struct wr_l3_port *port = l3_port(l->net, p->m->port);

	if (port == NULL)
		return L3_DROP(not_our_mac);
	if (p->vlan != port->vlan)
		return L3_DROP(vlan_unknown);
	switch (p->kind) {
	case WR_PKT_ARP:
		return l->worker == 0 ? l3_arp_input(l, p, tx, now) : L3_DROP(icmp_ignored);
	case WR_PKT_ICMP4:
	case WR_PKT_ICMP6:
		return l3_icmp_input(l, p, tx, now);
	default:
		return L3_DROP(icmp_ignored);
	}
}

bool wr_l3_input(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now)
{
	struct l3_verdict v = judge(l, p, tx, now);

	if (v.fate == L3_FATE_PUNT && l3_port(l->net, p->m->port)->exception)
		return true;
	if (v.fate == L3_FATE_DROP || v.fate == L3_FATE_PUNT)
		wr_stats_drop(l->stats, v.drop, 1);
	else
		wr_stats_add(l->stats, WR_CTR_rx_l3, 1);
	if (v.fate != L3_FATE_TAKEN)
		rte_pktmbuf_free(p->m);
	p->m = NULL;
	return false;
}

void wr_l3_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now)
{
	if (l->worker == 0) {
		l3_resolve_poll(l, tx, now);
		if (unlikely(now >= l->net->addr_due_us))
			l3_dad_poll(l, tx, now);
	}
	if (unlikely(l->hop_count > 0))
		l3_hop_poll(l, tx, now);
}

wr_us_t wr_l3_next_timer(const struct wr_l3 *l)
{
	wr_us_t next = WR_US_NEVER;

	if (l->tunnelled.count > 0)
		return 0;
	if (l->hop_count > 0) {
		if (l->hops_again ||
			__atomic_load_n(&l->net->changes, __ATOMIC_ACQUIRE) != l->changes_seen)
			return 0;
		next = l->hops_due_us;
	}
	if (l->worker == 0) {
		if (rte_ring_empty(l->net->want) == 0)
			return 0;
		next = RTE_MIN(next, l->net->addr_due_us);
		next = RTE_MIN(next, wr_wheel_next(&l->net->wheel));
	}
	return next;
}

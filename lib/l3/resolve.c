/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

// The state machine of neighbours, for ARP and ND alike (RFC 4861 7.3), on worker 0.

bool l3_resolve_want(struct wr_l3_net *n, uint16_t port, const struct wr_addr *a)
{
	struct l3_want w = {*a, port};

	return rte_ring_enqueue_elem(n->want, &w, sizeof(w)) == 0;
}

static void arm(struct wr_l3_net *n, struct l3_neigh *e, wr_us_t deadline)
{
	wr_wheel_arm(&n->wheel, &e->timer, deadline);
}

static void set_reachable(
	struct wr_l3_net *n, struct l3_neigh *e, const struct rte_ether_addr *mac, wr_us_t now)
{
	// RFC 4861 6.3.2: uniform between 0.5 and 1.5 times the base
	wr_us_t life = L3_REACHABLE_US / 2 + wr_rng_below(&n->rng, (uint32_t)L3_REACHABLE_US);

	l3_neigh_set(n, e, L3_NEIGH_REACHABLE, mac, now);
	arm(n, e, now + life);
}

static void set_failed(struct wr_l3 *l, struct l3_neigh *e, wr_us_t now)
{
	struct wr_event ev = {.kind = WR_EV_neigh_failed,
		.at_us = now,
		.scope = e->port,
		.reason = WR_DROP_neigh_unreachable,
		.count = 1};

	l3_neigh_set(l->net, e, L3_NEIGH_FAILED, NULL, now);
	arm(l->net, e, now + L3_FAILED_US);
	ev.a.addr = e->addr;
	l3_event(l, &ev);
}

// Ask once. A question needs a source that is served; while it is being probed the try does not
// count, so that a start does not fail its first neighbours.
static void ask(struct wr_l3 *l, struct l3_neigh *e, struct wr_l3_tx *tx, wr_us_t now)
{
	const struct l3_addr *own = l3_addr_source(l->net, e->port, &e->addr, true);
	bool unicast = l3_word_state(e->word) == L3_NEIGH_PROBE;
	struct rte_ether_addr mac = l3_word_mac(e->word);

	if (own != NULL && l3_addr_state(own) == L3_ADDR_TENTATIVE) {
		arm(l->net, e, now + L3_RETRY_US);
		return;
	}
	if (own != NULL && l3_addr_state(own) == L3_ADDR_READY &&
		!l3_send_ask(l, e->port, &own->addr, &e->addr, unicast ? &mac : NULL, tx)) {
		arm(l->net, e, now + L3_RETRY_US);
		return;
	}
	e->tries++;
	arm(l->net, e, now + L3_ASK_GAP_US);
}

static void run_timer(struct wr_l3 *l, struct l3_neigh *e, struct wr_l3_tx *tx, wr_us_t now)
{
	switch (l3_word_state(e->word)) {
	case L3_NEIGH_INCOMPLETE:
		if (e->tries < L3_ASK_TRIES)
			ask(l, e, tx, now);
		else
			set_failed(l, e, now);
		break;
	case L3_NEIGH_REACHABLE:
		l3_neigh_set(l->net, e, L3_NEIGH_STALE, NULL, now);
		break;
	case L3_NEIGH_PROBE:
		// it may have moved to another MAC: ask everybody before giving up
		if (e->tries >= L3_ASK_TRIES)
			l3_neigh_set(l->net, e, L3_NEIGH_INCOMPLETE, NULL, now);
		ask(l, e, tx, now);
		break;
	case L3_NEIGH_FAILED:
		l3_neigh_del(l->net, e);
		break;
	default:
		break;
	}
}

static void want(struct wr_l3 *l, const struct l3_want *w, struct wr_l3_tx *tx, wr_us_t now)
{
	struct wr_l3_net *n = l->net;
	uint64_t word;
	struct l3_neigh *e = l3_neigh_lookup(n, (uint16_t)w->port, &w->addr, &word);

	if (e == NULL) {
		// full: the frames that wait find no entry and tell neigh_table_full
		e = l3_neigh_add(n, (uint16_t)w->port, &w->addr, now);
		if (e != NULL)
			ask(l, e, tx, now);
		return;
	}
	if (l3_word_state(e->word) == L3_NEIGH_STALE) {
		l3_neigh_set(n, e, L3_NEIGH_PROBE, NULL, now);
		ask(l, e, tx, now);
	}
	__atomic_store_n(&e->want, 0, __ATOMIC_RELEASE);
}

bool l3_resolve_learn(struct wr_l3 *l, uint16_t port, const struct wr_addr *a,
	const struct rte_ether_addr *mac, enum l3_claim how, wr_us_t now)
{
	struct wr_l3_net *n = l->net;
	struct rte_ether_addr old;
	uint64_t word;
	struct l3_neigh *e = l3_neigh_lookup(n, port, a, &word);
	bool same;

	if (e == NULL) {
		if (how != L3_CLAIM_REQUEST || !l3_addr_onlink(n, port, a))
			return false;
		e = l3_neigh_add(n, port, a, now);
		if (e == NULL)
			return false;
		word = e->word;
	}
	old = l3_word_mac(word);
	same = l3_word_usable(word) && rte_is_same_ether_addr(&old, mac);
	if (how == L3_CLAIM_ANSWER)
		set_reachable(n, e, mac, now);
	else if (!same)
		l3_neigh_set(n, e, L3_NEIGH_STALE, mac, now); // RFC 826; RFC 4861 7.2.3
	if (!same)
		wr_stats_add(l->stats, WR_CTR_neigh_learned, 1);
	return true;
}

void l3_resolve_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now)
{
	struct wr_l3_net *n = l->net;
	struct wr_wheel_node *node;
	struct l3_want w;

	for (uint32_t i = 0; i < L3_WANT_BUDGET && !l3_tx_full(tx); i++) {
		if (rte_ring_dequeue_elem(n->want, &w, sizeof(w)) != 0)
			break;
		want(l, &w, tx, now);
	}
	for (uint32_t i = 0; i < L3_TIMER_BUDGET && !l3_tx_full(tx); i++) {
		node = wr_wheel_poll(&n->wheel, now);
		if (node == NULL)
			break;
		run_timer(l, &n->neigh[node->owner], tx, now);
	}
}

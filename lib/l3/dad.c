/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

// Duplicate address detection and announcements (RFC 5227; RFC 4862 5.4 with the same timing).

static void set_due(struct wr_l3_net *n, struct l3_addr *a, wr_us_t due)
{
	a->due_us = due;
	if (due < n->addr_due_us)
		n->addr_due_us = due;
}

// States that count as not ready keep net->not_ready in step.
static void set_state(struct wr_l3_net *n, struct l3_addr *a, enum l3_addr_state s)
{
	bool was = a->state == L3_ADDR_READY;
	bool is = s == L3_ADDR_READY;

	__atomic_store_n(&a->state, (uint8_t)s, __ATOMIC_RELEASE);
	if (was && !is)
		__atomic_fetch_add(&n->not_ready, 1, __ATOMIC_RELEASE);
	else if (!was && is)
		__atomic_fetch_sub(&n->not_ready, 1, __ATOMIC_RELEASE);
}

void l3_dad_begin(struct wr_l3_net *n, struct l3_addr *a, wr_us_t now)
{
	a->due_us = WR_US_NEVER;
	a->defended_us = WR_US_NEVER;
	a->event_us = WR_US_NEVER;
	a->state = L3_ADDR_READY;
	a->probes = a->announces = 0;
	if (a->port == L3_NO_PORT || a->kind == L3_ADDR_BROADCAST)
		return;
	if (n->dad) {
		set_state(n, a, L3_ADDR_TENTATIVE);
		a->probes = L3_DAD_PROBES;
		// RFC 5227 2.1.1: not all stations of a link at the same instant
		set_due(n, a, now + wr_rng_below(&n->rng, L3_DAD_JITTER_US));
	} else {
		a->announces = L3_ANNOUNCES;
		set_due(n, a, now);
	}
}

void l3_dad_end(struct wr_l3_net *n, struct l3_addr *a)
{
	set_state(n, a, L3_ADDR_READY); // nobody waits for it
	a->due_us = WR_US_NEVER;
	a->probes = a->announces = 0;
}

void l3_dad_init(struct wr_l3_net *n, wr_us_t now)
{
	n->addr_due_us = WR_US_NEVER;
	for (uint32_t i = 0; i < n->addr_count; i++)
		l3_dad_begin(n, &n->addr[i], now);
}

static void ready_event(struct wr_l3 *l, const struct l3_addr *a, wr_us_t now)
{
	struct wr_event ev = {.kind = WR_EV_addr_ready, .at_us = now, .scope = a->port, .count = 1};

	ev.a.addr = a->addr;
	l3_event(l, &ev);
}

// What is due for one address; sets when it is due next.
static void step(struct wr_l3 *l, struct l3_addr *a, struct wr_l3_tx *tx, wr_us_t now)
{
	if (a->state == L3_ADDR_FAILED) {
		set_state(l->net, a, L3_ADDR_TENTATIVE);
		a->probes = L3_DAD_PROBES;
	}
	if (a->state == L3_ADDR_TENTATIVE) {
		if (a->probes > 0) {
			a->due_us = now + L3_RETRY_US;
			if (l3_send_dad_probe(l, a, tx)) {
				a->probes--;
				a->due_us = now + L3_DAD_GAP_US;
			}
			return;
		}
		set_state(l->net, a, L3_ADDR_READY);
		a->announces = L3_ANNOUNCES;
		ready_event(l, a, now);
	}
	a->due_us = WR_US_NEVER;
	if (a->announces > 0) {
		a->due_us = now + L3_RETRY_US;
		if (l3_send_announcement(l, a, tx)) {
			a->announces--;
			a->due_us = a->announces > 0 ? now + L3_ANNOUNCE_GAP_US : WR_US_NEVER;
		}
	}
}

void l3_dad_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now)
{
	struct wr_l3_net *n = l->net;
	wr_us_t due = WR_US_NEVER;

	for (uint32_t i = 0; i < n->addr_count; i++) {
		struct l3_addr *a = &n->addr[i];

		if (a->due_us <= now && !l3_tx_full(tx))
			step(l, a, tx, now);
		due = RTE_MIN(due, a->due_us);
	}
	n->addr_due_us = due;
}

static void conflict_event(
	struct wr_l3 *l, struct l3_addr *a, const struct rte_ether_addr *mac, wr_us_t now)
{
	struct wr_event ev = {.kind = WR_EV_neigh_conflict, .at_us = now, .scope = a->port};

	a->conflicts++;
	if (a->event_us != WR_US_NEVER && now - a->event_us < L3_CONFLICT_EV_US)
		return;
	ev.count = a->conflicts;
	ev.reason = WR_DROP_addr_conflict;
	ev.a.addr = a->addr;
	rte_ether_format_addr(ev.text, sizeof(ev.text), mac);
	l3_event(l, &ev);
	a->conflicts = 0;
	a->event_us = now;
}

void l3_dad_conflict(
	struct wr_l3 *l, struct l3_addr *a, const struct rte_ether_addr *mac, wr_us_t now)
{
	conflict_event(l, a, mac, now);
	if (a->state == L3_ADDR_FAILED)
		return;
	// RFC 5227 2.4(b): defend with one announcement; at a second conflict within
	// DEFEND_INTERVAL cease using the address. RFC 5227 2.1.1, RFC 4862 5.4.5: a tentative
	// address is not taken.
	if (a->state == L3_ADDR_READY &&
		(a->defended_us == WR_US_NEVER || now - a->defended_us >= L3_DEFEND_US)) {
		a->defended_us = now;
		a->announces = RTE_MAX(a->announces, 1);
		set_due(l->net, a, now);
		return;
	}
	set_state(l->net, a, L3_ADDR_FAILED);
	a->announces = 0;
	a->defended_us = WR_US_NEVER;
	// the earliest due time may be stale now, which only makes one poll look in vain
	set_due(l->net, a, now + L3_DAD_RETRY_US);
}

void wr_l3_announce(struct wr_l3 *l, wr_us_t now)
{
	struct wr_l3_net *n = l->net;

	RTE_ASSERT(l->worker == 0);
	for (uint32_t i = 0; i < n->addr_count; i++) {
		struct l3_addr *a = &n->addr[i];

		if (a->port == L3_NO_PORT || a->kind == L3_ADDR_BROADCAST ||
			a->kind == L3_ADDR_GONE || a->state != L3_ADDR_READY)
			continue;
		a->announces = L3_ANNOUNCES;
		set_due(n, a, now);
	}
}

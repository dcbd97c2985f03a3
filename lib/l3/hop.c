/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include <errno.h>

#include <rte_malloc.h>

// Frames of one worker that wait for a neighbour, by next hop, bounded in frames and in time.

int l3_hop_init(struct wr_l3 *l)
{
	uint32_t max = l->net->wait_frames_max;
	uint32_t buckets = rte_align32pow2(max);

	// a hop in use holds at least one frame, so there are never more hops than frames
	l->hop = rte_zmalloc("l3_hop", max * sizeof(*l->hop), 0);
	l->wait = rte_zmalloc("l3_wait", max * sizeof(*l->wait), 0);
	l->active = rte_zmalloc("l3_active", max * sizeof(*l->active), 0);
	l->bucket = rte_zmalloc("l3_bucket", buckets * sizeof(*l->bucket), 0);
	if (l->hop == NULL || l->wait == NULL || l->active == NULL || l->bucket == NULL)
		return -ENOMEM;
	l->bucket_mask = buckets - 1;
	for (uint32_t i = 0; i < max; i++) {
		l->hop[i].next = i + 1 < max ? i + 2 : 0;
		l->wait[i].next = i + 1 < max ? i + 2 : 0;
	}
	l->hop_free = 1;
	l->wait_free = 1;
	l->hops_due_us = WR_US_NEVER;
	return 0;
}

static uint32_t *bucket_of(struct wr_l3 *l, uint16_t port, const struct wr_addr *a)
{
	return &l->bucket[(uint32_t)l3_hash(l->net, port, a) & l->bucket_mask];
}

struct l3_hop *l3_hop_lookup(struct wr_l3 *l, uint16_t port, const struct wr_addr *a)
{
	uint32_t ref;

	if (l->hop_count == 0)
		return NULL;
	for (ref = *bucket_of(l, port, a); ref != 0; ref = l->hop[ref - 1].next) {
		struct l3_hop *h = &l->hop[ref - 1];

		if (h->port == port && wr_addr_eq(&h->addr, a))
			return h;
	}
	return NULL;
}

static struct l3_hop *hop_add(struct wr_l3 *l, uint16_t port, const struct wr_addr *a, wr_us_t now)
{
	uint32_t *bucket = bucket_of(l, port, a);
	uint32_t ref = l->hop_free;
	struct l3_hop *h = &l->hop[ref - 1];

	RTE_ASSERT(ref != 0);
	l->hop_free = h->next;
	*h = (struct l3_hop){.addr = *a, .port = port, .next = *bucket, .active = l->hop_count};
	*bucket = ref;
	l->active[l->hop_count++] = ref - 1;
	h->end_us = now + L3_HOP_LIFE_US;
	h->ask_us = now + (l3_resolve_want(l->net, port, a) ? L3_ASK_GAP_US : L3_RETRY_US);
	l->hops_due_us = RTE_MIN(l->hops_due_us, h->ask_us);
	return h;
}

static void hop_del(struct wr_l3 *l, struct l3_hop *h)
{
	uint32_t index = (uint32_t)(h - l->hop);
	uint32_t *ref = bucket_of(l, h->port, &h->addr);
	uint32_t last = l->active[--l->hop_count];

	RTE_ASSERT(h->frames == 0);
	while (*ref != index + 1)
		ref = &l->hop[*ref - 1].next;
	*ref = h->next;
	l->active[h->active] = last;
	l->hop[last].active = h->active;
	h->next = l->hop_free;
	l->hop_free = index + 1;
}

void l3_hop_enqueue(struct wr_l3 *l, struct l3_hop *h, uint16_t port, const struct wr_addr *a,
	struct rte_mbuf *m, wr_us_t now)
{
	uint32_t ref = l->wait_free;

	if (ref == 0 || (h != NULL && h->frames >= l->net->wait_frames_per_hop)) {
		wr_stats_drop(l->stats, WR_DROP_neigh_queue_full, 1);
		rte_pktmbuf_free(m);
		return;
	}
	if (h == NULL)
		h = hop_add(l, port, a, now);
	l->wait_free = l->wait[ref - 1].next;
	l->wait[ref - 1] = (struct l3_wait){.m = m};
	if (h->tail != 0)
		l->wait[h->tail - 1].next = ref;
	else
		h->head = ref;
	h->tail = ref;
	h->frames++;
	l->queued++;
}

static struct rte_mbuf *hop_pop(struct wr_l3 *l, struct l3_hop *h)
{
	uint32_t ref = h->head;
	struct l3_wait *w = &l->wait[ref - 1];
	struct rte_mbuf *m = w->m;

	h->head = w->next;
	if (h->head == 0)
		h->tail = 0;
	h->frames--;
	l->queued--;
	w->m = NULL;
	w->next = l->wait_free;
	l->wait_free = ref;
	return m;
}

// A frame was let out in clear before it waited; since then its tunnel may have become required.
static bool tunnelled_since(struct wr_l3 *l, struct rte_mbuf *m)
{
	if (likely(l->net->tunnel_count == 0 || m->port == L3_NO_PORT ||
		    !l3_tunnel_required(l->net, m->port)))
		return false;
	l3_tunnel_keep(l, m, m->port);
	return true;
}

bool l3_hop_flush(struct wr_l3 *l, struct l3_hop *h, const struct rte_ether_addr *mac,
	struct wr_l3_tx *tx, uint16_t keep)
{
	while (h->frames > 0) {
		struct rte_mbuf *m;

		if (tx->count + keep >= tx->room) {
			l->hops_again = true;
			return false;
		}
		m = hop_pop(l, h);
		if (!tunnelled_since(l, m))
			l3_output_eth(l, m, h->port, mac, tx);
	}
	hop_del(l, h);
	return true;
}

static void hop_drop(struct wr_l3 *l, struct l3_hop *h, enum wr_drop reason)
{
	while (h->frames > 0) {
		rte_pktmbuf_free(hop_pop(l, h));
		wr_stats_drop(l->stats, reason, 1);
	}
	hop_del(l, h);
}

// One hop: send, give up, or ask again. The hop may be gone afterwards.
static void hop_step(struct wr_l3 *l, struct l3_hop *h, struct wr_l3_tx *tx, wr_us_t now)
{
	uint64_t word = 0;
	struct l3_neigh *e = l3_neigh_lookup(l->net, h->port, &h->addr, &word);

	if (e != NULL && l3_word_usable(word)) {
		struct rte_ether_addr mac = l3_word_mac(word);

		l3_hop_flush(l, h, &mac, tx, 0);
		return;
	}
	if (e != NULL && l3_word_state(word) == L3_NEIGH_FAILED) {
		hop_drop(l, h, WR_DROP_neigh_unreachable);
		return;
	}
	if (now >= h->end_us) {
		hop_drop(l, h, e == NULL ? WR_DROP_neigh_table_full : WR_DROP_neigh_unreachable);
		return;
	}
	if (now >= h->ask_us) {
		bool asked = l3_resolve_want(l->net, h->port, &h->addr);

		h->ask_us = now + (asked ? L3_ASK_GAP_US : L3_RETRY_US);
	}
	l->hops_due_us = RTE_MIN(l->hops_due_us, h->ask_us);
	l->hops_due_us = RTE_MIN(l->hops_due_us, h->end_us);
}

void l3_hop_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now)
{
	uint32_t changes = __atomic_load_n(&l->net->changes, __ATOMIC_ACQUIRE);

	if (changes == l->changes_seen && !l->hops_again && now < l->hops_due_us)
		return;
	l->changes_seen = changes;
	l->hops_again = false;
	l->hops_due_us = WR_US_NEVER;
	// backwards: a hop that goes is replaced by the last one, which was looked at already
	for (uint32_t i = l->hop_count; i > 0; i--)
		hop_step(l, &l->hop[l->active[i - 1]], tx, now);
}

void l3_hop_fini(struct wr_l3 *l)
{
	if (l->hop != NULL && l->wait != NULL && l->active != NULL && l->bucket != NULL) {
		while (l->hop_count > 0)
			hop_drop(l, &l->hop[l->active[0]], WR_DROP_shutdown);
	}
	rte_free(l->hop);
	rte_free(l->wait);
	rte_free(l->active);
	rte_free(l->bucket);
}

uint32_t wr_l3_queued(const struct wr_l3 *l)
{
	return l->queued + l->tunnelled.count;
}

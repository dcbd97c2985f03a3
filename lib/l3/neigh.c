/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include <errno.h>

#include <rte_malloc.h>

// The neighbour table: open addressing within a window of slots, one writer (worker 0), readers
// without locks.

int l3_neigh_init(struct wr_l3_net *n, uint32_t max)
{
	uint32_t slots = RTE_MAX(rte_align32pow2(max * 2), (uint32_t)L3_NEIGH_WINDOW);

	n->neigh = rte_zmalloc("l3_neigh", (size_t)slots * sizeof(*n->neigh), RTE_CACHE_LINE_SIZE);
	if (n->neigh == NULL)
		return -ENOMEM;
	n->neigh_mask = slots - 1;
	n->neigh_max = max;
	for (uint32_t i = 0; i < slots; i++)
		n->neigh[i].timer.owner = i;
	return 0;
}

struct l3_neigh *l3_neigh_lookup(
	const struct wr_l3_net *n, uint16_t port, const struct wr_addr *a, uint64_t *word)
{
	uint32_t home = (uint32_t)l3_hash(n, port, a);

	for (uint32_t i = 0; i < L3_NEIGH_WINDOW; i++) {
		struct l3_neigh *e = &n->neigh[(home + i) & n->neigh_mask];

		if (l3_neigh_read(e, port, a, word))
			return e;
	}
	return NULL;
}

static struct l3_neigh_list *list_of(struct wr_l3_net *n, enum l3_neigh_state s)
{
	if (s == L3_NEIGH_STALE)
		return &n->stale;
	return s == L3_NEIGH_FAILED ? &n->failed : NULL;
}

static void list_append(struct wr_l3_net *n, struct l3_neigh_list *list, struct l3_neigh *e)
{
	uint32_t ref = (uint32_t)(e - n->neigh) + 1;

	e->prev = list->tail;
	e->next = 0;
	if (list->tail != 0)
		n->neigh[list->tail - 1].next = ref;
	else
		list->head = ref;
	list->tail = ref;
}

static void list_remove(struct wr_l3_net *n, struct l3_neigh_list *list, struct l3_neigh *e)
{
	if (e->prev != 0)
		n->neigh[e->prev - 1].next = e->next;
	else
		list->head = e->next;
	if (e->next != 0)
		n->neigh[e->next - 1].prev = e->prev;
	else
		list->tail = e->prev;
}

static void set_word(struct wr_l3_net *n, struct l3_neigh *e, uint64_t word)
{
	struct l3_neigh_list *from = list_of(n, l3_word_state(e->word));
	struct l3_neigh_list *to = list_of(n, l3_word_state(word));

	if (from != NULL)
		list_remove(n, from, e);
	if (to != NULL)
		list_append(n, to, e);
	__atomic_store_n(&e->word, word, __ATOMIC_RELEASE);
}

void l3_neigh_del(struct wr_l3_net *n, struct l3_neigh *e)
{
	RTE_ASSERT(l3_word_state(e->word) != L3_NEIGH_FREE);
	wr_wheel_cancel(&n->wheel, &e->timer);
	set_word(n, e, l3_word(NULL, L3_NEIGH_FREE, (uint8_t)(l3_word_gen(e->word) + 1)));
	n->neigh_used--;
}

// The entry of a window that is free, or else the longest stale or failed one of it.
static struct l3_neigh *window_slot(struct wr_l3_net *n, uint32_t home)
{
	struct l3_neigh *oldest = NULL;

	for (uint32_t i = 0; i < L3_NEIGH_WINDOW; i++) {
		struct l3_neigh *e = &n->neigh[(home + i) & n->neigh_mask];
		enum l3_neigh_state s = l3_word_state(e->word);

		if (s == L3_NEIGH_FREE)
			return e;
		if (list_of(n, s) != NULL && (oldest == NULL || e->changed_us < oldest->changed_us))
			oldest = e;
	}
	return oldest;
}

struct l3_neigh *l3_neigh_add(
	struct wr_l3_net *n, uint16_t port, const struct wr_addr *a, wr_us_t now)
{
	uint32_t home = (uint32_t)l3_hash(n, port, a);
	struct l3_neigh *e;

	if (n->neigh_used >= n->neigh_max) {
		// what failed serves nobody, so it goes before what is merely old
		uint32_t ref = n->failed.head != 0 ? n->failed.head : n->stale.head;

		if (ref == 0)
			return NULL;
		l3_neigh_del(n, &n->neigh[ref - 1]);
	}
	e = window_slot(n, home);
	if (e == NULL)
		return NULL;
	if (l3_word_state(e->word) != L3_NEIGH_FREE)
		l3_neigh_del(n, e);
	// the key changes behind a word that says FREE with a new generation
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&e->addr.q[0], a->q[0], __ATOMIC_RELAXED);
	__atomic_store_n(&e->addr.q[1], a->q[1], __ATOMIC_RELAXED);
	__atomic_store_n(&e->port, port, __ATOMIC_RELAXED);
	__atomic_store_n(&e->want, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&e->changed_us, now, __ATOMIC_RELAXED);
	e->tries = 0;
	n->neigh_used++;
	set_word(n, e, l3_word(NULL, L3_NEIGH_INCOMPLETE, l3_word_gen(e->word)));
	return e;
}

void l3_neigh_set(struct wr_l3_net *n, struct l3_neigh *e, enum l3_neigh_state s,
	const struct rte_ether_addr *mac, wr_us_t now)
{
	uint64_t old = e->word;
	struct rte_ether_addr keep = l3_word_mac(old);
	uint64_t word = l3_word(mac != NULL ? mac : &keep, s, l3_word_gen(old));

	RTE_ASSERT(l3_word_state(old) != L3_NEIGH_FREE && s != L3_NEIGH_FREE);
	wr_wheel_cancel(&n->wheel, &e->timer);
	e->tries = 0;
	if (s == L3_NEIGH_STALE)
		__atomic_store_n(&e->want, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&e->changed_us, now, __ATOMIC_RELAXED);
	set_word(n, e, word);
	// after the word, so that who sees the count sees the word
	if ((!l3_word_usable(old) && l3_word_usable(word)) || s == L3_NEIGH_FAILED)
		__atomic_fetch_add(&n->changes, 1, __ATOMIC_RELEASE);
}

static const char *state_name(enum l3_neigh_state s)
{
	switch (s) {
	case L3_NEIGH_REACHABLE:
		return "reachable";
	case L3_NEIGH_STALE:
	case L3_NEIGH_PROBE:
		return "stale";
	case L3_NEIGH_FAILED:
		return "failed";
	default:
		return "incomplete";
	}
}

bool wr_l3_neigh_walk(
	const struct wr_l3_net *n, uint32_t *cursor, wr_us_t now, struct wr_l3_neigh_info *out)
{
	while (*cursor <= n->neigh_mask) {
		const struct l3_neigh *e = &n->neigh[(*cursor)++];
		uint64_t before = __atomic_load_n(&e->word, __ATOMIC_ACQUIRE);
		uint64_t word, changed;

		if (l3_word_state(before) == L3_NEIGH_FREE)
			continue;
		out->addr.q[0] = __atomic_load_n(&e->addr.q[0], __ATOMIC_RELAXED);
		out->addr.q[1] = __atomic_load_n(&e->addr.q[1], __ATOMIC_RELAXED);
		out->port = __atomic_load_n(&e->port, __ATOMIC_RELAXED);
		changed = __atomic_load_n(&e->changed_us, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		word = __atomic_load_n(&e->word, __ATOMIC_RELAXED);
		if (l3_word_gen(word) != l3_word_gen(before))
			continue;
		out->mac = l3_word_mac(word);
		out->state = state_name(l3_word_state(word));
		out->age_us = now > changed ? now - changed : 0;
		return true;
	}
	return false;
}

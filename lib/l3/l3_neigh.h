/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_l3.h"

#include "wr_wheel.h"

#include <string.h>

// Inside of lib/l3: neighbours and how they are resolved.

// Neighbours (RFC 4861 10).
#define L3_ASK_TRIES    3
#define L3_ASK_GAP_US   (1 * WR_US_PER_S)
#define L3_REACHABLE_US (30 * WR_US_PER_S) // base; times 0.5 to 1.5
#define L3_FAILED_US    (3 * WR_US_PER_S)
#define L3_NEIGH_WINDOW 16                  // slots that a key may lie in
#define L3_WANT_SLOTS   1024                // requests from workers to worker 0
#define L3_WANT_BUDGET  64                  // handled by one poll
#define L3_TIMER_BUDGET 64                  // neighbour timers run by one poll
#define L3_RETRY_US     (10 * WR_US_PER_MS) // no room or no buffer for a message: again after this
#define L3_HOP_LIFE_US  (5 * WR_US_PER_S)   // longest wait of a frame; above the three tries

enum l3_neigh_state {
	L3_NEIGH_FREE,
	L3_NEIGH_INCOMPLETE,
	L3_NEIGH_REACHABLE,
	L3_NEIGH_STALE,
	L3_NEIGH_PROBE, // usable while unicast questions are out
	L3_NEIGH_FAILED,
};

// One neighbour. `word` is MAC (48 bits), state (8), generation (8) and publishes the key, which
// only changes while the word says FREE and with a new generation.
struct l3_neigh {
	uint64_t word;
	struct wr_addr addr;
	uint64_t changed_us; // atomic; of the last state change
	uint16_t port;
	uint8_t want; // atomic; a worker used it while stale and has told so
	// worker 0
	struct wr_wheel_node timer __rte_cache_aligned;
	uint32_t prev, next; // in the list of its state, index + 1
	uint8_t tries;
} __rte_cache_aligned;

struct l3_neigh_list {
	uint32_t head, tail; // index + 1
};

struct l3_want {
	struct wr_addr addr;
	uint32_t port;
};

static inline uint64_t l3_word(const struct rte_ether_addr *mac, enum l3_neigh_state s, uint8_t gen)
{
	uint64_t w = 0;

	if (mac != NULL)
		memcpy(&w, mac->addr_bytes, RTE_ETHER_ADDR_LEN);
	return w | (uint64_t)s << 48 | (uint64_t)gen << 56;
}

static inline enum l3_neigh_state l3_word_state(uint64_t w)
{
	return (enum l3_neigh_state)((w >> 48) & 0xff);
}

static inline uint8_t l3_word_gen(uint64_t w)
{
	return (uint8_t)(w >> 56);
}

static inline struct rte_ether_addr l3_word_mac(uint64_t w)
{
	struct rte_ether_addr mac;

	memcpy(mac.addr_bytes, &w, RTE_ETHER_ADDR_LEN);
	return mac;
}

static inline bool l3_word_usable(uint64_t w)
{
	enum l3_neigh_state s = l3_word_state(w);

	return s == L3_NEIGH_REACHABLE || s == L3_NEIGH_STALE || s == L3_NEIGH_PROBE;
}

// The word of an entry that is (still) the neighbour `a` of `port`; any worker. A key is trusted
// only if the generation did not change while it was compared.
static inline bool l3_neigh_read(
	const struct l3_neigh *e, uint16_t port, const struct wr_addr *a, uint64_t *word)
{
	uint64_t before = __atomic_load_n(&e->word, __ATOMIC_ACQUIRE);

	if (l3_word_state(before) == L3_NEIGH_FREE ||
		__atomic_load_n(&e->addr.q[1], __ATOMIC_RELAXED) != a->q[1] ||
		__atomic_load_n(&e->addr.q[0], __ATOMIC_RELAXED) != a->q[0] ||
		__atomic_load_n(&e->port, __ATOMIC_RELAXED) != port)
		return false;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	*word = __atomic_load_n(&e->word, __ATOMIC_RELAXED);
	return l3_word_gen(*word) == l3_word_gen(before) && l3_word_state(*word) != L3_NEIGH_FREE;
}

// --- neigh.c --------------------------------------------------------------------------------
int l3_neigh_init(struct wr_l3_net *n, uint32_t max);
// Any worker: entry and its published word, or NULL.
struct l3_neigh *l3_neigh_lookup(
	const struct wr_l3_net *n, uint16_t port, const struct wr_addr *a, uint64_t *word);
// Worker 0: a new entry, evicting the oldest failed or stale one; NULL when none can go.
struct l3_neigh *l3_neigh_add(
	struct wr_l3_net *n, uint16_t port, const struct wr_addr *a, wr_us_t now);
void l3_neigh_del(struct wr_l3_net *n, struct l3_neigh *e);
// Publish a state; mac NULL keeps the one that is there. The timer is cancelled.
void l3_neigh_set(struct wr_l3_net *n, struct l3_neigh *e, enum l3_neigh_state s,
	const struct rte_ether_addr *mac, wr_us_t now);

// --- resolve.c ------------------------------------------------------------------------------
enum l3_claim {
	L3_CLAIM_ANSWER,  // to a question of ours
	L3_CLAIM_UPDATE,  // told without a question: only what is known is changed
	L3_CLAIM_REQUEST, // sender of a question to us: learned when new
};
// Any worker: ask worker 0 to resolve. False when the ring is full.
bool l3_resolve_want(struct wr_l3_net *n, uint16_t port, const struct wr_addr *a);
// Worker 0. True when the sender is (now) in the table.
bool l3_resolve_learn(struct wr_l3 *l, uint16_t port, const struct wr_addr *a,
	const struct rte_ether_addr *mac, enum l3_claim how, wr_us_t now);
void l3_resolve_poll(struct wr_l3 *l, struct wr_l3_tx *tx, wr_us_t now);

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_wheel.h"

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_debug.h>

#include <stddef.h>
#include <string.h>

// Time in ticks is cut into turns of 256 ticks and rounds of 256 turns. Of a node due in turn B and
// round S, while the wheel is in turn b and round s:
//   B <= b + 1: level 0, a slot a tick      S <= s + 1: level 1, a slot a turn      else level 2
// On entering turn b the slot of turn b + 1 leaves level 1 for spread[0], and on entering round s
// that of round s + 1 leaves level 2 for spread[1]. Both are empty again when the next turn or
// round begins.

#define BITS WR_WHEEL_SLOT_BITS
#define TURN WR_WHEEL_SLOTS
#define L0   0u         // 512 slots
#define L1   (2 * TURN) // 512 slots
#define L2   (4 * TURN) // 256 slots

#define SPREAD_BUDGET 8 // nodes a poll moves down: 160,000 a turn at a loop of 13 us

static uint64_t due_tick(wr_us_t deadline)
{
	return (deadline >> WR_WHEEL_TICK_SHIFT) +
	       ((deadline & ((1u << WR_WHEEL_TICK_SHIFT) - 1)) != 0);
}

static void link_node(struct wr_wheel_node **head, struct wr_wheel_node *n)
{
	n->next = *head;
	if (n->next != NULL)
		n->next->pprev = &n->next;
	n->pprev = head;
	*head = n;
}

static struct wr_wheel_node *unlink_head(struct wr_wheel_node **head)
{
	struct wr_wheel_node *n = *head;

	*head = n->next;
	if (n->next != NULL)
		n->next->pprev = head;
	n->pprev = NULL;
	return n;
}

// Move a whole list to an empty head.
static void move_list(struct wr_wheel_node **to, struct wr_wheel_node **from)
{
	*to = *from;
	if (*to != NULL)
		(*to)->pprev = to;
	*from = NULL;
}

static void take_slot(struct wr_wheel *w, struct wr_wheel_node **to, uint32_t slot)
{
	move_list(to, &w->slot[slot]);
	w->occupied[slot / 64] &= ~(1ULL << (slot % 64));
}

// Slots from `from` to the next occupied one, around the `count` slots of the level at `base`;
// UINT32_MAX when there is none. `count` is a power of two, at least 64.
static uint32_t distance(const struct wr_wheel *w, uint32_t base, uint32_t count, uint32_t from)
{
	const uint64_t *map = &w->occupied[base / 64];
	uint32_t words = count / 64;
	uint32_t word;
	uint64_t bits;

	from &= count - 1;
	for (uint32_t i = 0; i <= words; i++) {
		word = (from / 64 + i) & (words - 1);
		bits = map[word];
		if (i == 0)
			bits &= ~0ULL << (from % 64);
		if (bits != 0)
			return (word * 64 + (uint32_t)__builtin_ctzll(bits) - from) & (count - 1);
	}
	return UINT32_MAX;
}

// The first tick after the present one at which anything is to be done.
static uint64_t next_event(const struct wr_wheel *w)
{
	uint64_t turn = w->tick >> BITS;
	uint64_t round = turn >> BITS;
	uint64_t next = UINT64_MAX;
	uint32_t d;

	d = distance(w, L0, 2 * TURN, (uint32_t)(w->tick + 1));
	if (d != UINT32_MAX)
		next = w->tick + 1 + d;
	if (w->spread[0] != NULL)
		next = RTE_MIN(next, (turn + 1) << BITS);
	if (w->spread[1] != NULL)
		next = RTE_MIN(next, (round + 1) << (2 * BITS));
	d = distance(w, L1, 2 * TURN, (uint32_t)(turn + 2));
	if (d != UINT32_MAX)
		next = RTE_MIN(next, (turn + 1 + d) << BITS);
	d = distance(w, L2, TURN, (uint32_t)(round + 2));
	if (d != UINT32_MAX)
		next = RTE_MIN(next, (round + 1 + d) << (2 * BITS));
	return next;
}

// Put a node that is due at the present tick or later into its slot.
static void place(struct wr_wheel *w, struct wr_wheel_node *n)
{
	uint64_t due = due_tick(n->deadline_us);
	uint64_t turn = w->tick >> BITS;
	uint64_t round = turn >> BITS;
	uint64_t event;
	uint32_t slot;

	RTE_ASSERT(due >= w->tick);
	if ((due >> BITS) <= turn + 1) {
		slot = L0 + (due & (2 * TURN - 1));
		event = due;
	} else if ((due >> (2 * BITS)) <= round + 1) {
		slot = L1 + ((due >> BITS) & (2 * TURN - 1));
		event = ((due >> BITS) - 1) << BITS;
	} else {
		// Out of reach waits in the slot that comes last, and is placed again from there.
		round = RTE_MIN(due >> (2 * BITS), round + 1 + TURN);
		slot = L2 + (round & (TURN - 1));
		event = (round - 1) << (2 * BITS);
	}
	link_node(&w->slot[slot], n);
	w->occupied[slot / 64] |= 1ULL << (slot % 64);
	w->next_tick = RTE_MIN(w->next_tick, event);
}

// Place up to `budget` nodes of a list; returns the budget left.
static uint32_t spread(struct wr_wheel *w, struct wr_wheel_node **list, uint32_t budget)
{
	struct wr_wheel_node *n;

	while (*list != NULL && budget > 0) {
		n = unlink_head(list);
		__builtin_prefetch(n->next);
		place(w, n);
		budget--;
	}
	return budget;
}

// The present tick is the first of its turn.
static void enter_turn(struct wr_wheel *w)
{
	uint64_t turn = w->tick >> BITS;
	uint64_t round = turn >> BITS;
	bool new_round = (turn & (TURN - 1)) == 0;

	// Usually both are empty by now.
	spread(w, &w->spread[0], UINT32_MAX);
	if (new_round) {
		spread(w, &w->spread[1], UINT32_MAX);
		take_slot(w, &w->spread[1], L2 + ((round + 1) & (TURN - 1)));
	}
	take_slot(w, &w->spread[0], L1 + ((turn + 1) & (2 * TURN - 1)));
}

// Go on to `target`, or to the first tick on the way that has expired nodes: true, and they are in
// `expired`, which was empty.
static bool advance(struct wr_wheel *w, uint64_t target)
{
	for (;;) {
		w->next_tick = next_event(w);
		if (w->next_tick > target) {
			w->tick = target;
			return false;
		}
		w->tick = w->next_tick;
		if ((w->tick & (TURN - 1)) == 0)
			enter_turn(w);
		take_slot(w, &w->expired, L0 + (w->tick & (2 * TURN - 1)));
		if (w->expired != NULL)
			return true;
	}
}

static void take_late(struct wr_wheel *w)
{
	move_list(&w->expired, &w->late);
	w->late_tail = &w->late;
}

// Fill `expired` from ticks and from `late` in turns, so that neither keeps the other waiting.
static void refill(struct wr_wheel *w, uint64_t target)
{
	if (w->late != NULL && !w->late_turn) {
		take_late(w);
		w->late_turn = true;
		return;
	}
	w->late_turn = false;
	if (!advance(w, target) && w->late != NULL)
		take_late(w);
}

void wr_wheel_init(struct wr_wheel *w, wr_us_t now)
{
	memset(w, 0, sizeof(*w));
	w->tick = now >> WR_WHEEL_TICK_SHIFT;
	w->next_tick = UINT64_MAX;
	w->now_us = now;
	w->late_tail = &w->late;
}

void wr_wheel_arm(struct wr_wheel *w, struct wr_wheel_node *n, wr_us_t deadline)
{
	if (n->pprev != NULL)
		wr_wheel_cancel(w, n);
	n->deadline_us = deadline;
	if (deadline == WR_US_NEVER)
		return;
	w->armed++;
	if (deadline > w->now_us) {
		place(w, n);
		return;
	}
	n->next = NULL;
	n->pprev = w->late_tail;
	*w->late_tail = n;
	w->late_tail = &n->next;
}

void wr_wheel_cancel(struct wr_wheel *w, struct wr_wheel_node *n)
{
	struct wr_wheel_node **head = n->pprev;
	uintptr_t slot;

	if (head == NULL)
		return;
	w->armed--;
	n->pprev = NULL;
	*head = n->next;
	if (n->next != NULL) {
		n->next->pprev = head;
		return;
	}
	if (w->late_tail == &n->next)
		w->late_tail = head;
	// The last node of a slot clears its mark; other heads lie outside the array.
	slot = ((uintptr_t)head - (uintptr_t)w->slot) / sizeof(w->slot[0]);
	if (slot < WR_WHEEL_ALL_SLOTS)
		w->occupied[slot / 64] &= ~(1ULL << (slot % 64));
}

struct wr_wheel_node *wr_wheel_poll(struct wr_wheel *w, wr_us_t now)
{
	uint64_t target;

	if (now > w->now_us)
		w->now_us = now;
	target = w->now_us >> WR_WHEEL_TICK_SHIFT;
	if (unlikely(w->spread[0] != NULL || w->spread[1] != NULL))
		spread(w, &w->spread[1], spread(w, &w->spread[0], SPREAD_BUDGET));
	if (w->expired == NULL) {
		if (likely(w->late == NULL && w->next_tick > target)) {
			w->tick = target;
			return NULL;
		}
		refill(w, target);
		if (w->expired == NULL)
			return NULL;
	}
	w->armed--;
	return unlink_head(&w->expired);
}

static uint64_t earliest(const struct wr_wheel_node *n)
{
	uint64_t due = UINT64_MAX;

	for (; n != NULL; n = n->next)
		due = RTE_MIN(due, due_tick(n->deadline_us));
	return due;
}

wr_us_t wr_wheel_next(const struct wr_wheel *w)
{
	uint64_t turn = w->tick >> BITS;
	uint64_t round = turn >> BITS;
	uint64_t due = UINT64_MAX;
	uint32_t d;

	if (w->armed == 0)
		return WR_US_NEVER;
	if (w->expired != NULL || w->late != NULL)
		return w->now_us;
	d = distance(w, L0, 2 * TURN, (uint32_t)(w->tick + 1));
	if (d != UINT32_MAX)
		due = w->tick + 1 + d;
	due = RTE_MIN(due, earliest(w->spread[0]));
	due = RTE_MIN(due, earliest(w->spread[1]));
	d = distance(w, L1, 2 * TURN, (uint32_t)(turn + 2));
	if (d != UINT32_MAX)
		due = RTE_MIN(due, earliest(w->slot[L1 + ((turn + 2 + d) & (2 * TURN - 1))]));
	d = distance(w, L2, TURN, (uint32_t)(round + 2));
	if (d != UINT32_MAX) {
		// A node out of reach may hide a nearer one in a later slot: not past the end of
		// this one.
		round += 2 + d;
		due = RTE_MIN(due, earliest(w->slot[L2 + (round & (TURN - 1))]));
		due = RTE_MIN(due, (round + 1) << (2 * BITS));
	}
	return due <= WR_US_NEVER >> WR_WHEEL_TICK_SHIFT ? due << WR_WHEEL_TICK_SHIFT : WR_US_NEVER;
}

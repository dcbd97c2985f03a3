/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_units.h"

// A hierarchical timing wheel (Varghese, Lauck 1987), driven by a `now` argument; O(1) to arm and
// cancel. Nodes are embedded in pooled objects, linked by pointer inside one worker's memory.
// Tick 1 ms (1,024 us); three levels reach 4.7 hours, later deadlines are re-armed when their slot
// comes. A node never fires early; polled often enough, it fires less than one tick late.
//
// Levels 0 and 1 are two turns wide: while one turn runs, the slot of the level above that makes up
// the next one is spread over it a few nodes a poll, so that no poll moves a whole slot at once.

#define WR_WHEEL_TICK_SHIFT 10
#define WR_WHEEL_LEVELS     3
#define WR_WHEEL_SLOT_BITS  8
#define WR_WHEEL_SLOTS      (1u << WR_WHEEL_SLOT_BITS) // of one turn
#define WR_WHEEL_ALL_SLOTS  (5 * WR_WHEEL_SLOTS)       // two turns, two turns, one turn

struct wr_wheel_node {
	struct wr_wheel_node *next;
	struct wr_wheel_node **pprev; // NULL while not armed
	wr_us_t deadline_us;
	uint32_t owner; // handle of the object that holds the node, for the caller
	uint32_t kind;  // for the caller
};

// Holds pointers into itself: must not be copied or moved once initialised.
struct wr_wheel {
	uint64_t tick;                 // last tick handled
	uint64_t next_tick;            // nothing is to be done before this one
	wr_us_t now_us;                // latest time polled
	uint64_t armed;                // nodes that wait, expired ones included
	struct wr_wheel_node *expired; // the slot of `tick`, handed out one by one
	struct wr_wheel_node *late;    // armed for a time already past, in order of arming
	struct wr_wheel_node **late_tail;
	bool late_turn;                  // `late` was served last: ticks are next
	struct wr_wheel_node *spread[2]; // slots of levels 1 and 2 for the coming turn
	uint64_t occupied[WR_WHEEL_ALL_SLOTS / 64];
	struct wr_wheel_node *slot[WR_WHEEL_ALL_SLOTS];
};

// Start the wheel at `now`. Nodes start zeroed.
void wr_wheel_init(struct wr_wheel *w, wr_us_t now);

// Arm (or re-arm) a node for `deadline`; one in the past fires at the next poll, even at the same
// time. WR_US_NEVER cancels.
void wr_wheel_arm(struct wr_wheel *w, struct wr_wheel_node *n, wr_us_t deadline);

// Cancel; harmless when not armed. Also takes an expired node that was not polled yet.
void wr_wheel_cancel(struct wr_wheel *w, struct wr_wheel_node *n);

static inline bool wr_wheel_is_armed(const struct wr_wheel_node *n)
{
	return n->pprev != NULL;
}

// Advance to `now` and return one expired node, disarmed, or NULL when none is due. Call until NULL
// or until the caller's budget is spent; what is left keeps its place. A time before the latest one
// counts as the latest one. Cheap when nothing is due; a jump costs by the nodes it passes over,
// not by the time.
struct wr_wheel_node *wr_wheel_poll(struct wr_wheel *w, wr_us_t now);

// For virtual clocks: a time no later than the one at which the earliest armed node fires (its
// deadline rounded up to a tick), and later than the latest poll unless something is due already;
// WR_US_NEVER when nothing is armed. Walks the wheel: not for hot code.
wr_us_t wr_wheel_next(const struct wr_wheel *w);

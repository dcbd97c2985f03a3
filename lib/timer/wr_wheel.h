/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_units.h"

// A hierarchical timing wheel (Varghese, Lauck 1987), driven by a `now` argument; O(1) to arm and
// cancel. Nodes are embedded in pooled objects, linked by pointer inside one worker's memory.
// Tick 1 ms (1,024 us); three levels of 256 slots reach 4.7 hours, later deadlines are re-armed
// when their slot comes. A node never fires early; it fires at most one tick late.

#define WR_WHEEL_TICK_SHIFT 10
#define WR_WHEEL_LEVELS     3
#define WR_WHEEL_SLOT_BITS  8
#define WR_WHEEL_SLOTS      (1u << WR_WHEEL_SLOT_BITS)

struct wr_wheel_node {
	struct wr_wheel_node *next;
	struct wr_wheel_node **pprev; // NULL while not armed
	wr_us_t deadline_us;
	uint32_t owner; // handle of the object that holds the node, for the caller
	uint32_t kind;  // for the caller
};

struct wr_wheel {
	uint64_t tick; // last tick handled
	uint64_t armed;
	struct wr_wheel_node *expired; // collected by advance, not yet taken
	struct wr_wheel_node *slot[WR_WHEEL_LEVELS][WR_WHEEL_SLOTS];
};

// Start the wheel at `now`.
void wr_wheel_init(struct wr_wheel *w, wr_us_t now);

// Arm (or re-arm) a node for `deadline`; one in the past fires at the next poll.
void wr_wheel_arm(struct wr_wheel *w, struct wr_wheel_node *n, wr_us_t deadline);

// Cancel; harmless when not armed. Also takes an expired node that was not polled yet.
void wr_wheel_cancel(struct wr_wheel *w, struct wr_wheel_node *n);

static inline bool wr_wheel_is_armed(const struct wr_wheel_node *n)
{
	return n->pprev != NULL;
}

// Advance to `now` (bounded by `budget` nodes) and return one expired node, disarmed, or NULL when
// none is due. Call until NULL or until the caller's budget is spent; what is left keeps its place.
struct wr_wheel_node *wr_wheel_poll(struct wr_wheel *w, wr_us_t now);

// A deadline no later than the earliest armed one, WR_US_NEVER when none: for virtual clocks.
// Walks the wheel: not for hot code.
wr_us_t wr_wheel_next(const struct wr_wheel *w);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_limits.h"
#include "wr_event.h"
#include "wr_stats.h"
#include "wr_units.h"

// Every bounded queue of a worker registers here: capacity, marks, depth, peak, time above,
// refusals. The worker writes depths (plain stores), and lets wr_pressure_tick() read marks with
// hysteresis, step the worker's level and raise events. Hot: no allocation, no lock.

// Kinds of queue. Several instances of a kind (one a port, one a backend) are told apart by
// `scope`.
enum wr_queue_kind {
#define WR_QUEUE(sym, name, unit, low, high, critical, text) WR_Q_##sym,
#include "wr_queue.def"
#undef WR_QUEUE
	WR_Q_COUNT
};

const char *wr_queue_name(enum wr_queue_kind k); // "rx_pool"
const char *wr_queue_unit(enum wr_queue_kind k); // "mbufs"
const char *wr_queue_text(enum wr_queue_kind k);

enum wr_queue_mark {
	WR_MARK_NORMAL,   // below low, or not yet above high since
	WR_MARK_HIGH,     // went above high, not yet below low
	WR_MARK_CRITICAL, // above critical, not yet below high
};

struct wr_queue {
	uint16_t kind;                // enum wr_queue_kind
	uint16_t scope;               // port, backend or service id; 0 for what a worker has once
	uint32_t mark;                // enum wr_queue_mark
	uint64_t capacity;            // in units
	uint64_t low, high, critical; // marks in units
	uint64_t depth;               // written by the owner
	uint64_t peak;                // since start
	wr_us_t above_since_us;       // when it went above high; 0: it is not
	uint64_t above_total_us;      // time above high, finished spells
	uint64_t refusals;            // for lack of room here
	uint64_t refusals_seen;       // of which events told
	wr_us_t told_us;              // when the last such event was raised; 0: never
	uint64_t fullest;             // classes: the deepest one since the last tick
	uint16_t last_reason;         // enum wr_drop of the newest refusal
	bool gauge_only; // shown, but does not raise the level; set for classes and for events
};

#define WR_PRESSURE_QUEUES_MAX 256 // of one worker

struct wr_pressure {
	uint16_t worker;
	uint16_t queue_count;
	uint8_t level;  // 0-2 now (P0-P2); 3 and 4 are kept for what comes
	uint8_t forced; // an operator's level + 1, or 0
	uint16_t cause; // index of the queue that raised the level last; UINT16_MAX: none yet
	wr_us_t level_since_us;
	wr_us_t calm_since_us;     // since when every queue asks for less; 0: one does not
	wr_us_t elevated_since_us; // first tick of a low-mark crossing not yet confirmed
	wr_us_t next_tick_us;
	struct wr_event_ring *events;
	struct wr_stats *stats;
	struct wr_queue queue[WR_PRESSURE_QUEUES_MAX];
};

#define WR_PRESSURE_TICK_US     1000                 // level changes are judged this often
#define WR_PRESSURE_STANDING_US (500 * WR_US_PER_MS) // a class is high when full for so long

void wr_pressure_init(struct wr_pressure *p, uint16_t worker, struct wr_event_ring *events,
	struct wr_stats *stats);

// Register a queue; marks come from the kind's percentages of capacity (at least 1 apart where
// capacity allows). A depth at a mark counts as above it, so that 100 % can be reached. A capacity
// of 0 has no marks. Returns its index, or -ENOSPC. Before the worker runs.
int wr_pressure_add(
	struct wr_pressure *p, enum wr_queue_kind kind, uint16_t scope, uint64_t capacity);

// Note the current depth; keeps the peak. By the owner, any number of times a loop.
static inline void wr_pressure_depth(struct wr_pressure *p, int index, uint64_t depth)
{
	struct wr_queue *q = &p->queue[index];

	q->depth = depth;
	if (depth > q->peak)
		q->peak = depth;
}

// The same for a class of queues (conn_recv, conn_send): one of them is this deep. The next tick
// makes the deepest one seen the depth of the class, and begins anew.
static inline void wr_pressure_fullest(struct wr_pressure *p, int index, uint64_t depth)
{
	struct wr_queue *q = &p->queue[index];

	if (depth > q->fullest)
		q->fullest = depth;
}

// Note n refusals for lack of room; the next tick raises one coalesced works_queue_full event. The
// counter works_queue_full grows here: callers count the drop reason only.
static inline void wr_pressure_refuse(
	struct wr_pressure *p, int index, uint64_t n, enum wr_drop reason)
{
	p->queue[index].refusals += n;
	p->queue[index].last_reason = (uint16_t)reason;
	wr_stats_add(p->stats, WR_CTR_works_queue_full, n);
}

// Judge marks and level when a tick is due; raises events queue_high, queue_critical, queue_normal,
// works_queue_full (at most one a queue and 100 ms, with the count it stands for) and level_change.
// Up at once (a low mark needs 2 ticks), down one step per dwell: P1 100 ms, P2 250 ms below the
// low mark. Returns the level.
uint8_t wr_pressure_tick(struct wr_pressure *p, wr_us_t now);

// Tell at once of all refusals that no event told of yet: when the worker stops.
void wr_pressure_flush(struct wr_pressure *p, wr_us_t now);

// k of the credit rule for a level: 4, 3, 2, 1, 1.
uint32_t wr_pressure_overcommit(uint8_t level);

// Consistent copy for other threads, published by the worker like its counters. What is read has no
// pointers (events and stats are NULL). Any number of readers.
struct wr_pressure_pub;
struct wr_pressure_pub *wr_pressure_pub_create(void);
void wr_pressure_pub_destroy(struct wr_pressure_pub *pub);
void wr_pressure_publish(struct wr_pressure_pub *pub, const struct wr_pressure *p);
void wr_pressure_read(const struct wr_pressure_pub *pub, struct wr_pressure *out);

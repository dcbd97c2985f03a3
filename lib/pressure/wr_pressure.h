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

#define WR_PRESSURE_WORKER UINT16_MAX // domain of what is the worker's own

struct wr_queue {
	// What every tick reads comes first.
	uint16_t kind;                // enum wr_queue_kind
	uint16_t scope;               // port, backend or service id; 0 for what a worker has once
	uint16_t domain;              // whose level it raises: WR_PRESSURE_WORKER or a service
	uint16_t last_reason;         // enum wr_drop of the newest refusal
	uint32_t mark;                // enum wr_queue_mark
	bool gauge_only;              // shown, but does not raise a level
	bool warned;                  // queue_warning was raised in this spell
	uint64_t capacity;            // in units
	uint64_t low, high, critical; // marks in units
	uint64_t warn;                // 70 % of capacity
	uint64_t depth;               // written by the owner
	uint64_t peak;                // since start
	uint64_t fullest;             // classes: the deepest one since the last tick
	uint64_t refusals;            // for lack of room here
	uint64_t refusals_seen;       // of which events told
	wr_us_t above_since_us;       // when it went above high; 0: it is not
	// Little's law, L = lambda x W, where the owner reports flows (wr_pressure_flow); else 0.
	uint64_t arrivals, waited_us; // since start
	uint64_t depth_us;            // integral of the depth over time, since the first arrival
	uint32_t little_permille; // |L - lambda W| over L, of the last 10 s; UINT32_MAX: unknown
	// Forecast: slope of the depth, smoothed over about a second.
	uint32_t full_in_ms;     // at this slope; UINT32_MAX: it does not fill
	int64_t fill_per_s;      // units a second; below 0: it empties
	uint64_t above_total_us; // time above high, finished spells
	wr_us_t told_us;         // when the last event about refusals was raised; 0: never
	// What the next slope and the next window of Little's law count from; the library's own.
	int64_t slope_q8; // fill_per_s in 256ths
	uint64_t slope_depth, window_depth, window_arrivals, window_waited_us, window_depth_us;
};

// A level and how it is left: of the worker, and of each service.
struct wr_level {
	uint8_t level;     // 0-4 now (P0-P4)
	uint8_t forced;    // an operator's level + 1, or 0
	uint16_t cause;    // index of the queue that raised it last; UINT16_MAX: none (yet, or an
	                   // operator or a cut did)
	uint32_t dwell_us; // of this level, with its jitter
	wr_us_t level_since_us;
	wr_us_t calm_since_us;     // since when every queue asks for less; 0: one does not
	wr_us_t elevated_since_us; // first tick of a low-mark crossing not yet confirmed
	wr_us_t high_since_us;     // since when a queue is at its high mark; 0: none
};

// Marks of a kind other than wr_queue.def's, permille of capacity; all 0: the kind's own.
struct wr_pressure_marks {
	uint16_t low, high, critical;
};

struct wr_pressure_config {
	uint16_t worker;
	uint16_t services;
	uint64_t seed; // of the jitter of dwells
	struct wr_pressure_marks marks[WR_Q_COUNT];
};

#define WR_PRESSURE_QUEUES_MAX 512 // of one worker

struct wr_pressure {
	uint16_t worker;
	uint16_t queue_count;
	uint16_t services;
	uint16_t cut_permille; // share of new connections that are cut, as the owner last said
	struct wr_level own;   // of the worker: maximum over the queues of its domain
	wr_us_t next_tick_us;
	wr_us_t tick_us;       // of the last tick
	wr_us_t next_slope_us; // of forecasts, each 100 ms
	wr_us_t slope_us;      // of the last forecast
	wr_us_t window_us;     // when the present window of Little's law began
	// Of the last forecast, gauges left out; UINT16_MAX: none.
	uint16_t nearest; // index of the queue nearest to full, by share of capacity
	uint16_t soonest; // index of the queue that will be full first
	uint64_t rng;
	struct wr_pressure_marks marks[WR_Q_COUNT]; // in force, for queues to come and resizing
	struct wr_event_ring *events;
	struct wr_stats *stats;
	struct wr_level service[WR_MAX_SERVICES];
	struct wr_queue queue[WR_PRESSURE_QUEUES_MAX];
};

#define WR_PRESSURE_TICK_US     1000                 // level changes are judged this often
#define WR_PRESSURE_STANDING_US (500 * WR_US_PER_MS) // a class is high when full for so long

void wr_pressure_init(struct wr_pressure *p, const struct wr_pressure_config *cfg,
	struct wr_event_ring *events, struct wr_stats *stats);

// Register a queue; marks come from the kind's percentages of capacity (at least 1 apart where
// capacity allows). A depth at a mark counts as above it, so that 100 % can be reached. A capacity
// of 0 has no marks. Returns its index, or -ENOSPC. Before the worker runs.
int wr_pressure_add(
	struct wr_pressure *p, enum wr_queue_kind kind, uint16_t scope, uint64_t capacity);
// The same for a queue that raises the level of a service instead of the worker's; -EINVAL when
// there is no such service.
int wr_pressure_add_service(struct wr_pressure *p, enum wr_queue_kind kind, uint16_t scope,
	uint16_t service, uint64_t capacity);
// Services below `n` have levels from now on; by the worker.
void wr_pressure_set_services(struct wr_pressure *p, uint16_t n);
// Other marks for kinds, at once for the queues that there are; by the worker.
void wr_pressure_remark(struct wr_pressure *p, const struct wr_pressure_marks *marks);
// A new capacity (an operator changed a limit); marks follow.
void wr_pressure_resize(struct wr_pressure *p, int index, uint64_t capacity);

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

// What came into a queue and how long those that left it had waited, both since start: for Little's
// law. By the owner, when it likes.
static inline void wr_pressure_flow(
	struct wr_pressure *p, int index, uint64_t arrivals, uint64_t waited_us)
{
	p->queue[index].arrivals = arrivals;
	p->queue[index].waited_us = waited_us;
}

// The largest share of new connections that a cut refuses: 500 or more asks for P3.
static inline void wr_pressure_cut(struct wr_pressure *p, uint32_t permille)
{
	p->cut_permille = (uint16_t)permille;
}

// An operator's level (0-4; what is above is 4) of the worker or of a service, or -1: by the queues
// again, down by dwells. The next tick obeys. An unknown domain is ignored. By message in the
// worker.
void wr_pressure_force(struct wr_pressure *p, uint16_t domain, int level);

// Judge marks and level when a tick is due; raises events queue_high, queue_critical, queue_normal,
// works_queue_full (at most one a queue and 100 ms, with the count it stands for), queue_warning
// (at 70 % of capacity, once until it was below low and below about 60 %; not for conn_recv,
// conn_send and cpu, which are full when all is well), level_change and service_level. Up at once:
// P1 when a low mark was passed in 2 ticks, P2 at a high mark, P3 when that stands for 100 ms or
// half of the new connections are cut, P4 at a critical mark. Down one step per dwell below the low
// marks (P1 100 ms, P2 250 ms, P3 500 ms, P4 1 s, each +/- 20 % by chance). Returns the worker's
// level.
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

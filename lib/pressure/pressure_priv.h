/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_pressure.h"

#define PRESSURE_LEVEL_MAX 4

// What the queues of one domain together ask for at one tick.
struct pressure_demand {
	uint8_t level;  // 0: all are below their low marks
	uint8_t floor;  // asked for by what is no queue: left no lower, but left by its own dwell
	bool high;      // one is at its high mark
	uint16_t queue; // index of the one that asks for most; UINT16_MAX: none does
};

// A class of queues, one a connection, of which the deepest is shown.
static inline bool pressure_is_class(const struct wr_queue *q)
{
	return q->kind == WR_Q_conn_recv || q->kind == WR_Q_conn_send;
}

// The depth that marks judge: what has no capacity has no marks.
static inline uint64_t pressure_judged(const struct wr_queue *q)
{
	return q->capacity > 0 ? q->depth : 0;
}

// Whether a larger share of a is used than of b; without a division.
static inline bool pressure_fuller(const struct wr_queue *a, const struct wr_queue *b)
{
	return (__uint128_t)a->depth * b->capacity > (__uint128_t)b->depth * a->capacity;
}

// Level of a domain; NULL: there is no such service.
static inline struct wr_level *pressure_level_of(struct wr_pressure *p, uint16_t domain)
{
	if (domain == WR_PRESSURE_WORKER)
		return &p->own;
	return domain < p->services ? &p->service[domain] : NULL;
}

// --- level.c: the machine of one level, without events -------------------------------------------

void wr_pressure_level_init(struct wr_level *l);
// One tick. True: the level changed.
bool wr_pressure_level_step(
	struct wr_level *l, const struct pressure_demand *d, uint64_t *rng, wr_us_t now);

// --- queue.c -------------------------------------------------------------------------------------

// Marks in force, of a configuration: its own, else the kind's.
void wr_pressure_set_marks(struct wr_pressure *p, const struct wr_pressure_marks *own);

// --- mark.c: events ------------------------------------------------------------------------------

// Fill an event about a queue (index; UINT16_MAX: none) from its state.
void wr_pressure_fill(const struct wr_pressure *p, enum wr_event_kind kind, uint16_t index,
	struct wr_event *ev, wr_us_t now);

// Raise an event that will not be raised again: a full ring counts it as lost.
void wr_pressure_tell(struct wr_pressure *p, const struct wr_event *ev);

// Move the mark of one queue, with its events and its time above, and warn.
void wr_pressure_judge_mark(struct wr_pressure *p, uint16_t index, wr_us_t now);

// Tell of refusals, when there are some and the last event is long enough ago.
void wr_pressure_judge_refusals(struct wr_pressure *p, uint16_t index, wr_us_t now, bool at_once);

// --- forecast.c ----------------------------------------------------------------------------------

// Slopes, times to full, and Little's law when its window is over. By the tick, each 100 ms.
void wr_pressure_forecast(struct wr_pressure *p, wr_us_t now);

// Milliseconds until full at the faster of the smoothed slope and what came since the last sample,
// at least 1; 0: it is not rising. For the moment of a warning.
uint32_t wr_pressure_full_soon(const struct wr_pressure *p, const struct wr_queue *q, wr_us_t now);

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_priv.h"

#include <rte_common.h>

#define REFUSALS_EVERY_US (100 * WR_US_PER_MS) // of one queue; what comes between is summed

void wr_pressure_fill(const struct wr_pressure *p, enum wr_event_kind kind, uint16_t index,
	struct wr_event *ev, wr_us_t now)
{
	ev->at_us = now;
	ev->kind = (uint16_t)kind;
	ev->worker = p->worker;
	ev->level = p->own.level;
	ev->queue = UINT16_MAX;
	if (index < p->queue_count) {
		const struct wr_queue *q = &p->queue[index];

		if (q->domain != WR_PRESSURE_WORKER)
			ev->level = p->service[q->domain].level;
		ev->queue = q->kind;
		ev->scope = q->scope;
		ev->depth = q->depth;
		ev->capacity = q->capacity;
	}
}

static bool push(struct wr_pressure *p, const struct wr_event *ev)
{
	if (!wr_event_push(p->events, ev))
		return false;
	wr_stats_add(p->stats, WR_CTR_events_raised, 1);
	return true;
}

void wr_pressure_tell(struct wr_pressure *p, const struct wr_event *ev)
{
	if (!push(p, ev))
		wr_stats_add(p->stats, WR_CTR_events_lost, 1);
}

static void tell(
	struct wr_pressure *p, enum wr_event_kind kind, uint16_t index, uint32_t extra, wr_us_t now)
{
	struct wr_event ev = {.extra = extra};

	wr_pressure_fill(p, kind, index, &ev, now);
	wr_pressure_tell(p, &ev);
}

// Above the high mark; a class only when it has stood there. A connection whose peer is the slower
// one fills its queue as a matter of course; one that stays full is worth an event.
static bool is_high(struct wr_queue *q, wr_us_t now)
{
	if (pressure_judged(q) < q->high) {
		q->above_since_us = 0;
		return false;
	}
	if (q->above_since_us == 0)
		q->above_since_us = RTE_MAX(now, (wr_us_t)1); // 0 says that it is not above
	return !pressure_is_class(q) || now >= q->above_since_us + WR_PRESSURE_STANDING_US;
}

// Warnings are of what is about to refuse work; these are full when all is well.
static bool warns(const struct wr_queue *q)
{
	return !pressure_is_class(q) && q->kind != WR_Q_cpu;
}

// Once a spell. A spell ends below the low mark; for a kind whose low mark is as high as the
// warning, an eighth below the warning, or it would be raised at each step across it.
static void warn(struct wr_pressure *p, uint16_t index, wr_us_t now)
{
	struct wr_queue *q = &p->queue[index];
	uint64_t depth = pressure_judged(q);

	if (depth < q->low && depth < q->warn - q->warn / 8)
		q->warned = false;
	if (depth < q->warn || q->warned || !warns(q))
		return;
	q->warned = true;
	tell(p, WR_EV_queue_warning, index, wr_pressure_full_soon(p, q, now), now);
}

void wr_pressure_judge_mark(struct wr_pressure *p, uint16_t index, wr_us_t now)
{
	struct wr_queue *q = &p->queue[index];
	uint64_t depth = pressure_judged(q), above;

	warn(p, index, now);
	if (q->mark == WR_MARK_NORMAL && is_high(q, now)) {
		q->mark = WR_MARK_HIGH;
		tell(p, WR_EV_queue_high, index, 0, now);
	}
	if (q->mark == WR_MARK_HIGH && depth >= q->critical && depth >= q->high) {
		q->mark = WR_MARK_CRITICAL;
		tell(p, WR_EV_queue_critical, index, 0, now);
	}
	if (q->mark == WR_MARK_CRITICAL && depth < q->high)
		q->mark = WR_MARK_HIGH;
	if (q->mark == WR_MARK_HIGH && depth < q->low) {
		q->mark = WR_MARK_NORMAL;
		above = now > q->above_since_us ? now - q->above_since_us : 0;
		q->above_total_us += above;
		q->above_since_us = 0;
		tell(p, WR_EV_queue_normal, index,
			(uint32_t)RTE_MIN(above / WR_US_PER_MS, (uint64_t)UINT32_MAX), now);
	}
}

static void tell_refusals(struct wr_pressure *p, uint16_t index, uint64_t n, wr_us_t now)
{
	struct wr_queue *q = &p->queue[index];
	struct wr_event ev = {
		.reason = q->last_reason, .count = (uint32_t)RTE_MIN(n, (uint64_t)UINT32_MAX)};

	wr_pressure_fill(p, WR_EV_works_queue_full, index, &ev, now);
	// With a full ring nothing is lost: the next event stands for these as well.
	if (!push(p, &ev))
		return;
	q->refusals_seen += ev.count;
	q->told_us = RTE_MAX(now, (wr_us_t)1);
}

void wr_pressure_judge_refusals(struct wr_pressure *p, uint16_t index, wr_us_t now, bool at_once)
{
	const struct wr_queue *q = &p->queue[index];
	uint64_t n = q->refusals - q->refusals_seen;

	if (n == 0)
		return;
	if (!at_once && q->told_us && now - q->told_us < REFUSALS_EVERY_US)
		return;
	tell_refusals(p, index, n, now);
}

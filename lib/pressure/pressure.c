/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_pressure.h"

#include <string.h>

#include <rte_common.h>

#include "pressure_priv.h"

#define LEVEL_MAX 4

// How long every queue must stay below its low mark before a level is left, by level.
static const wr_us_t dwell_us[LEVEL_MAX + 1] = {
	0, 100 * WR_US_PER_MS, 250 * WR_US_PER_MS, 500 * WR_US_PER_MS, 1000 * WR_US_PER_MS};

// What all queues together ask for at one tick.
struct demand {
	uint8_t level;  // 0: all are below their low marks
	uint16_t queue; // the one that asks for most
	uint64_t fill_permille;
};

void wr_pressure_init(struct wr_pressure *p, uint16_t worker, struct wr_event_ring *events,
	struct wr_stats *stats)
{
	memset(p, 0, sizeof(*p));
	p->worker = worker;
	p->events = events;
	p->stats = stats;
	p->cause = UINT16_MAX;
}

static void ask(struct demand *d, const struct wr_queue *q, uint16_t index)
{
	uint8_t level = q->depth >= q->high ? 2 : q->depth >= q->low ? 1 : 0;
	uint64_t fill;

	if (level == 0 || level < d->level || q->gauge_only || q->capacity == 0)
		return;
	fill = (uint64_t)((__uint128_t)q->depth * 1000 / q->capacity);
	if (level == d->level && fill <= d->fill_permille)
		return;
	*d = (struct demand){.level = level, .queue = index, .fill_permille = fill};
}

static void set_level(struct wr_pressure *p, uint8_t level, wr_us_t now)
{
	uint8_t old = p->level;

	p->level = level;
	p->level_since_us = now;
	p->calm_since_us = 0;
	wr_pressure_tell(p, WR_EV_level_change, p->cause, old, now);
}

// Up at once; level 1 when two ticks in a row ask for it, so that one burst does not.
static bool step_up(struct wr_pressure *p, const struct demand *d, wr_us_t now)
{
	bool confirmed = d->level >= 2 || (d->level == 1 && p->elevated_since_us);

	if (d->level == 0)
		p->elevated_since_us = 0;
	else if (!p->elevated_since_us)
		p->elevated_since_us = RTE_MAX(now, (wr_us_t)1);
	if (!confirmed || d->level <= p->level)
		return false;
	p->cause = d->queue;
	set_level(p, d->level, now);
	return true;
}

// Down one level when every queue has been below its low mark for the level's dwell. The next dwell
// begins then, not at the start of the calm.
static void step_down(struct wr_pressure *p, const struct demand *d, wr_us_t now)
{
	if (d->level > 0 || p->level == 0) {
		p->calm_since_us = 0;
		return;
	}
	if (!p->calm_since_us)
		p->calm_since_us = RTE_MAX(now, (wr_us_t)1);
	if (now - p->calm_since_us < dwell_us[p->level] ||
		now - p->level_since_us < dwell_us[p->level])
		return;
	set_level(p, (uint8_t)(p->level - 1), now);
	p->calm_since_us = RTE_MAX(now, (wr_us_t)1);
}

static void step_level(struct wr_pressure *p, const struct demand *d, wr_us_t now)
{
	uint8_t forced;

	if (p->forced) {
		forced = (uint8_t)RTE_MIN(p->forced - 1, LEVEL_MAX);
		if (p->level != forced)
			set_level(p, forced, now);
		p->calm_since_us = 0;
		p->elevated_since_us = 0;
		return;
	}
	if (!step_up(p, d, now))
		step_down(p, d, now);
}

uint8_t wr_pressure_tick(struct wr_pressure *p, wr_us_t now)
{
	struct demand d = {0};

	if (now < p->next_tick_us)
		return p->level;
	p->next_tick_us = now + WR_PRESSURE_TICK_US;
	for (uint16_t i = 0; i < p->queue_count; i++) {
		struct wr_queue *q = &p->queue[i];

		if (pressure_is_class(q)) {
			wr_pressure_depth(p, i, q->fullest);
			q->fullest = 0;
		}
		ask(&d, q, i);
	}
	// The level first, so that the events about queues carry the one that they led to.
	step_level(p, &d, now);
	for (uint16_t i = 0; i < p->queue_count; i++) {
		wr_pressure_judge_mark(p, i, now);
		wr_pressure_judge_refusals(p, i, now, false);
	}
	return p->level;
}

void wr_pressure_flush(struct wr_pressure *p, wr_us_t now)
{
	for (uint16_t i = 0; i < p->queue_count; i++)
		wr_pressure_judge_refusals(p, i, now, true);
}

uint32_t wr_pressure_overcommit(uint8_t level)
{
	static const uint8_t k[LEVEL_MAX + 1] = {4, 3, 2, 1, 1};

	return k[RTE_MIN(level, LEVEL_MAX)];
}

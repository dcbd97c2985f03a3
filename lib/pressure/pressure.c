/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_pressure.h"

#include <string.h>

#include <rte_common.h>

#include "pressure_priv.h"

#define CUT_PERMILLE 500 // share of new connections that are cut, from which on the level is P3

void wr_pressure_init(struct wr_pressure *p, const struct wr_pressure_config *cfg,
	struct wr_event_ring *events, struct wr_stats *stats)
{
	memset(p, 0, sizeof(*p));
	p->worker = cfg->worker;
	p->services = RTE_MIN(cfg->services, WR_MAX_SERVICES);
	// Workers of one seed must not come down in step.
	p->rng = cfg->seed ^ ((uint64_t)cfg->worker << 48);
	p->events = events;
	p->stats = stats;
	p->nearest = UINT16_MAX;
	p->soonest = UINT16_MAX;
	wr_pressure_set_marks(p, cfg->marks);
	wr_pressure_level_init(&p->own);
	for (uint16_t i = 0; i < WR_MAX_SERVICES; i++)
		wr_pressure_level_init(&p->service[i]);
}

void wr_pressure_set_services(struct wr_pressure *p, uint16_t n)
{
	p->services = RTE_MIN(n, (uint16_t)WR_MAX_SERVICES);
}

void wr_pressure_force(struct wr_pressure *p, uint16_t domain, int level)
{
	struct wr_level *l = pressure_level_of(p, domain);

	if (l != NULL)
		l->forced = level < 0 ? 0 : (uint8_t)(RTE_MIN(level, PRESSURE_LEVEL_MAX) + 1);
}

static void ask(const struct wr_pressure *p, struct pressure_demand *d, uint16_t index)
{
	const struct wr_queue *q = &p->queue[index];
	uint64_t depth = pressure_judged(q);
	uint8_t level = depth >= q->critical ? 4 : depth >= q->high ? 2 : depth >= q->low ? 1 : 0;

	if (level == 0 || q->gauge_only)
		return;
	d->high |= level >= 2;
	if (level < d->level)
		return;
	if (level == d->level && !pressure_fuller(q, &p->queue[d->queue]))
		return;
	d->level = level;
	d->queue = index;
}

// True: there is something to judge about it. Most queues stand below all marks at most ticks.
static bool look(struct wr_pressure *p, uint16_t index, wr_us_t elapsed)
{
	struct wr_queue *q = &p->queue[index];

	if (pressure_is_class(q)) {
		wr_pressure_depth(p, index, q->fullest);
		q->fullest = 0;
	}
	if (q->arrivals)
		q->depth_us += q->depth * elapsed;
	return q->depth >= q->low || q->depth >= q->warn || q->mark || q->warned ||
	       q->above_since_us || q->refusals != q->refusals_seen;
}

static void tell_level(struct wr_pressure *p, uint16_t domain, uint8_t old, wr_us_t now)
{
	const struct wr_level *l = pressure_level_of(p, domain);
	bool own = domain == WR_PRESSURE_WORKER;
	struct wr_event ev = {.extra = old};

	wr_pressure_fill(p, own ? WR_EV_level_change : WR_EV_service_level, l->cause, &ev, now);
	ev.level = l->level;
	if (!own)
		ev.scope = domain;
	wr_pressure_tell(p, &ev);
}

static void step(
	struct wr_pressure *p, uint16_t domain, const struct pressure_demand *d, wr_us_t now)
{
	struct wr_level *l = pressure_level_of(p, domain);
	uint8_t old = l->level;

	// Nearly every service at nearly every tick.
	if (d->level == 0 && d->floor == 0 && !l->level && !l->forced && !l->elevated_since_us &&
		!l->high_since_us)
		return;
	if (wr_pressure_level_step(l, d, &p->rng, now))
		tell_level(p, domain, old, now);
}

static void step_own(struct wr_pressure *p, struct pressure_demand *d, wr_us_t now)
{
	// With no queue near a mark, such a level has no cause but the cut.
	if (p->cut_permille >= CUT_PERMILLE)
		d->floor = 3;
	step(p, WR_PRESSURE_WORKER, d, now);
}

// Marks and refusals of the queues that have something to judge.
static void judge(struct wr_pressure *p, const uint64_t *busy, wr_us_t now)
{
	for (uint16_t w = 0; w * 64 < p->queue_count; w++)
		for (uint64_t bits = busy[w]; bits != 0; bits &= bits - 1) {
			uint16_t i = (uint16_t)(w * 64 + __builtin_ctzll(bits));

			wr_pressure_judge_mark(p, i, now);
			wr_pressure_judge_refusals(p, i, now, false);
		}
}

uint8_t wr_pressure_tick(struct wr_pressure *p, wr_us_t now)
{
	struct pressure_demand own = {.queue = UINT16_MAX}, of[WR_MAX_SERVICES];
	uint64_t busy[WR_PRESSURE_QUEUES_MAX / 64] = {0};
	wr_us_t elapsed = p->next_tick_us ? now - p->tick_us : 0; // 0: the first one

	if (now < p->next_tick_us)
		return p->own.level;
	p->tick_us = now;
	p->next_tick_us = now + WR_PRESSURE_TICK_US;
	memset(of, 0, p->services * sizeof(of[0]));
	for (uint16_t i = 0; i < p->queue_count; i++) {
		uint16_t domain = p->queue[i].domain;

		if (!look(p, i, elapsed))
			continue;
		busy[i / 64] |= 1ULL << (i % 64);
		ask(p, domain == WR_PRESSURE_WORKER ? &own : &of[domain], i);
	}
	// The level first, so that the events about queues carry the one that they led to.
	step_own(p, &own, now);
	for (uint16_t i = 0; i < p->services; i++)
		step(p, i, &of[i], now);
	if (now >= p->next_slope_us)
		wr_pressure_forecast(p, now);
	judge(p, busy, now);
	return p->own.level;
}

void wr_pressure_flush(struct wr_pressure *p, wr_us_t now)
{
	for (uint16_t i = 0; i < p->queue_count; i++)
		wr_pressure_judge_refusals(p, i, now, true);
}

uint32_t wr_pressure_overcommit(uint8_t level)
{
	static const uint8_t k[PRESSURE_LEVEL_MAX + 1] = {4, 3, 2, 1, 1};

	return k[RTE_MIN(level, PRESSURE_LEVEL_MAX)];
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_priv.h"

#include <rte_common.h>

#define SLOPE_US    (100 * WR_US_PER_MS)
#define SLOPE_SHIFT 3           // each sample counts for an eighth: about a second of memory
#define SLOPE_MOST  (1LL << 52) // of a sample, in 256ths: sums stay far from overflow

#define WINDOW_US   (10 * WR_US_PER_S)
#define WINDOW_LEFT 20 // fewer that left than this say nothing about their mean wait

static uint32_t until_full(const struct wr_queue *q, uint64_t per_s)
{
	__uint128_t ms;

	if (q->depth >= q->capacity)
		return 0;
	ms = (__uint128_t)(q->capacity - q->depth) * 1000 / per_s;
	return ms < UINT32_MAX - 1 ? (uint32_t)ms : UINT32_MAX - 1;
}

// Change of a depth over a time, in 256ths of a unit a second.
static int64_t sample(uint64_t depth, uint64_t before, wr_us_t us)
{
	uint64_t change = depth > before ? depth - before : before - depth;
	__uint128_t rate = (__uint128_t)change * (256 * WR_US_PER_S) / us;
	int64_t q8 = rate < (__uint128_t)SLOPE_MOST ? (int64_t)rate : SLOPE_MOST;

	return depth >= before ? q8 : -q8;
}

static void slope(struct wr_queue *q, wr_us_t us)
{
	// Most queues stand empty; they cost no division.
	if (q->depth == q->slope_depth && q->slope_q8 == 0)
		return;
	if (us > 0)
		q->slope_q8 +=
			(sample(q->depth, q->slope_depth, us) - q->slope_q8) / (1 << SLOPE_SHIFT);
	// Below a unit a second is not rising; what is left of the division goes with it.
	if (q->depth == q->slope_depth && q->slope_q8 < 256 && q->slope_q8 > -256)
		q->slope_q8 = 0;
	q->slope_depth = q->depth;
	q->fill_per_s = q->slope_q8 / 256;
	q->full_in_ms = UINT32_MAX;
	if (q->fill_per_s > 0 && q->capacity > 0)
		q->full_in_ms = until_full(q, (uint64_t)q->fill_per_s);
}

static void open_window(struct wr_queue *q)
{
	q->window_depth = q->depth;
	q->window_arrivals = q->arrivals;
	q->window_waited_us = q->waited_us;
	q->window_depth_us = q->depth_us;
}

// Little 1961: L = lambda W. All three are measured apart: L by depths, lambda by arrivals, W by
// the waits of those who left. A gap says that one of them is measured wrongly.
static uint32_t little(const struct wr_queue *q, wr_us_t us)
{
	uint64_t arrived = q->arrivals - q->window_arrivals;
	uint64_t waited = q->waited_us - q->window_waited_us;
	uint64_t stood = q->depth_us - q->window_depth_us; // L x time
	__int128_t left = (__int128_t)arrived + q->window_depth - q->depth;
	__uint128_t law, gap; // lambda x W x time

	// A queue that is nearly always empty is seen too seldom by ticks.
	if (left < WINDOW_LEFT || stood < us / 10)
		return UINT32_MAX;
	law = (__uint128_t)arrived * waited / (uint64_t)left;
	gap = law > stood ? law - stood : stood - law;
	gap = gap * 1000 / stood;
	return gap < UINT32_MAX - 1 ? (uint32_t)gap : UINT32_MAX - 1;
}

static void judge_window(struct wr_pressure *p, wr_us_t now)
{
	for (uint16_t i = 0; i < p->queue_count; i++) {
		struct wr_queue *q = &p->queue[i];

		if (q->arrivals == 0)
			continue;
		q->little_permille = little(q, now - p->window_us);
		open_window(q);
	}
	p->window_us = now;
}

static void find_nearest(struct wr_pressure *p, uint16_t index)
{
	const struct wr_queue *q = &p->queue[index];

	if (q->gauge_only || q->capacity == 0)
		return;
	if (q->depth > 0 && (p->nearest == UINT16_MAX || pressure_fuller(q, &p->queue[p->nearest])))
		p->nearest = index;
	if (q->full_in_ms != UINT32_MAX &&
		(p->soonest == UINT16_MAX || q->full_in_ms < p->queue[p->soonest].full_in_ms))
		p->soonest = index;
}

void wr_pressure_forecast(struct wr_pressure *p, wr_us_t now)
{
	bool first = p->next_slope_us == 0;
	wr_us_t us = first ? 0 : now - p->slope_us;

	p->next_slope_us = now + SLOPE_US;
	p->slope_us = now;
	p->nearest = UINT16_MAX;
	p->soonest = UINT16_MAX;
	for (uint16_t i = 0; i < p->queue_count; i++) {
		slope(&p->queue[i], us);
		find_nearest(p, i);
	}
	if (first)
		p->window_us = now;
	if (now - p->window_us >= WINDOW_US)
		judge_window(p, now);
}

uint32_t wr_pressure_full_soon(const struct wr_pressure *p, const struct wr_queue *q, wr_us_t now)
{
	int64_t q8 = q->slope_q8, recent;

	if (now > p->slope_us) {
		recent = sample(q->depth, q->slope_depth, now - p->slope_us);
		q8 = RTE_MAX(q8, recent);
	}
	if (q8 < 256)
		return 0;
	return RTE_MAX(until_full(q, (uint64_t)q8 / 256), 1U);
}

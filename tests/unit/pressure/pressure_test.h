/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "wr_pressure.h"

// One worker's pressure with its event ring, on virtual time that tick() moves by a millisecond.
struct rig {
	struct wr_pressure p;
	struct wr_stats stats;
	struct wr_event_ring *ring;
	wr_us_t now;
};

static inline struct rig *rig_create(uint32_t slots)
{
	struct rig *r = calloc(1, sizeof(*r));

	wr_test_eal_init();
	r->ring = wr_event_ring_create(slots, -1);
	assert_non_null(r->ring);
	wr_pressure_init(&r->p, &(struct wr_pressure_config){.worker = 3, .services = 4, .seed = 1},
		r->ring, &r->stats);
	return r;
}

static inline void rig_destroy(struct rig *r)
{
	wr_event_ring_destroy(r->ring);
	free(r);
}

static inline uint8_t rig_tick(struct rig *r)
{
	uint8_t level = wr_pressure_tick(&r->p, r->now);

	r->now += WR_PRESSURE_TICK_US;
	return level;
}

// Ticks until `us` have gone by; returns the level after the last one.
static inline uint8_t rig_run(struct rig *r, wr_us_t us)
{
	wr_us_t end = r->now + us;
	uint8_t level = r->p.own.level;

	while (r->now < end)
		level = rig_tick(r);
	return level;
}

// The next event, which must be of this kind.
static inline struct wr_event rig_event(struct rig *r, enum wr_event_kind kind)
{
	struct wr_event ev;

	if (!wr_event_pop(r->ring, &ev))
		fail_msg("no event; expected %s", wr_event_name(kind));
	assert_string_equal(wr_event_name(ev.kind), wr_event_name(kind));
	return ev;
}

// The next event of this kind; others before it are passed over.
static inline struct wr_event rig_find(struct rig *r, enum wr_event_kind kind)
{
	struct wr_event ev;

	while (wr_event_pop(r->ring, &ev))
		if (ev.kind == kind)
			return ev;
	fail_msg("no event %s", wr_event_name(kind));
	return ev;
}

// Forget the events so far.
static inline void rig_forget(struct rig *r)
{
	struct wr_event ev;

	while (wr_event_pop(r->ring, &ev))
		;
}

static inline void rig_no_event(struct rig *r)
{
	struct wr_event ev;

	if (wr_event_pop(r->ring, &ev))
		fail_msg("unexpected event %s", wr_event_name(ev.kind));
}

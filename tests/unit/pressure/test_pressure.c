/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_test.h"

#include "wr_rng.h"

#define CAP 100 // tx_backlog: low 50, high 75, critical 90

static struct rig *one_queue(void)
{
	struct rig *r = rig_create(4096);

	wr_pressure_add(&r->p, WR_Q_tx_backlog, 9, CAP);
	return r;
}

static void level_high_at_once(void **state)
{
	struct rig *r = one_queue();
	struct wr_event ev;

	wr_pressure_depth(&r->p, 0, 75);
	assert_int_equal(rig_tick(r), 2);
	ev = rig_event(r, WR_EV_level_change);
	assert_int_equal(ev.level, 2);
	assert_int_equal(ev.extra, 0);
	assert_int_equal(ev.queue, WR_Q_tx_backlog);
	assert_int_equal(ev.scope, 9);
	assert_int_equal(ev.depth, 75);
	ev = rig_event(r, WR_EV_queue_high);
	assert_int_equal(ev.level, 2);
	assert_int_equal(r->p.cause, 0);
	rig_destroy(r);
}

static void level_low_needs_two_ticks(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 50);
	assert_int_equal(rig_tick(r), 0);
	wr_pressure_depth(&r->p, 0, 49);
	assert_int_equal(rig_tick(r), 0);
	wr_pressure_depth(&r->p, 0, 50);
	assert_int_equal(rig_tick(r), 0);
	assert_int_equal(rig_tick(r), 1);
	assert_int_equal(rig_event(r, WR_EV_level_change).level, 1);
	rig_destroy(r);
}

static void level_tick_not_due(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 50);
	assert_int_equal(wr_pressure_tick(&r->p, 1000), 0);
	assert_int_equal(wr_pressure_tick(&r->p, 1000), 0);
	assert_int_equal(wr_pressure_tick(&r->p, 1999), 0);
	assert_int_equal(wr_pressure_tick(&r->p, 2000), 1);
	rig_destroy(r);
}

static void level_down_by_dwells(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 100);
	assert_int_equal(rig_tick(r), 2);
	wr_pressure_depth(&r->p, 0, 0);
	assert_int_equal(rig_run(r, 250000), 2); // calm since the first of these ticks
	assert_int_equal(rig_tick(r), 1);
	assert_int_equal(rig_run(r, 99000), 1);
	assert_int_equal(rig_tick(r), 0);
	rig_event(r, WR_EV_level_change);
	rig_destroy(r);
}

static void level_stays_between_marks(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 80);
	rig_tick(r);
	wr_pressure_depth(&r->p, 0, 50); // below high, not below low
	assert_int_equal(rig_run(r, 2000000), 2);
	wr_pressure_depth(&r->p, 0, 49);
	assert_int_equal(rig_run(r, 240000), 2);
	wr_pressure_depth(&r->p, 0, 50); // the calm begins anew
	rig_tick(r);
	wr_pressure_depth(&r->p, 0, 49);
	assert_int_equal(rig_run(r, 250000), 2);
	assert_int_equal(rig_tick(r), 1);
	rig_destroy(r);
}

static void level_maximum_of_queues(void **state)
{
	struct rig *r = one_queue();
	int conns = wr_pressure_add(&r->p, WR_Q_conns, 1, 1000); // 700, 850, 950

	wr_pressure_depth(&r->p, 0, 60);
	wr_pressure_depth(&r->p, conns, 999);
	assert_int_equal(rig_tick(r), 2);
	assert_int_equal(rig_event(r, WR_EV_level_change).queue, WR_Q_conns);
	assert_int_equal(r->p.cause, conns);
	wr_pressure_depth(&r->p, conns, 0);
	assert_int_equal(rig_run(r, 1000000), 2); // the other one is not below its low mark
	rig_destroy(r);
}

static void level_cause_is_fullest(void **state)
{
	struct rig *r = rig_create(64);

	for (uint16_t i = 0; i < 5; i++) {
		wr_pressure_add(&r->p, WR_Q_handoff, i, 100);
		wr_pressure_depth(&r->p, i, i == 3 ? 99 : 90 + i);
	}
	rig_tick(r);
	assert_int_equal(r->p.cause, 3);
	rig_destroy(r);
}

static void level_gauge_ignored(void **state)
{
	struct rig *r = rig_create(64);

	wr_pressure_add(&r->p, WR_Q_events, 0, 10);
	wr_pressure_depth(&r->p, 0, 10);
	assert_int_equal(rig_run(r, 10000), 0);
	assert_int_equal(r->p.cause, UINT16_MAX);
	rig_event(r, WR_EV_queue_high);
	rig_destroy(r);
}

static void level_forced_and_released(void **state)
{
	struct rig *r = one_queue();

	r->p.forced = 4 + 1;
	assert_int_equal(rig_tick(r), 4);
	assert_int_equal(rig_event(r, WR_EV_level_change).queue, UINT16_MAX);
	assert_int_equal(rig_run(r, 3000000), 4);
	r->p.forced = 0;
	assert_int_equal(rig_run(r, 1000000), 4);
	assert_int_equal(rig_tick(r), 3);
	assert_int_equal(rig_run(r, 499000), 3);
	assert_int_equal(rig_tick(r), 2);
	r->p.forced = 0 + 1;
	wr_pressure_depth(&r->p, 0, 100);
	assert_int_equal(rig_tick(r), 0);
	r->p.forced = 200;
	assert_int_equal(rig_tick(r), 4);
	rig_destroy(r);
}

static void overcommit_by_level(void **state)
{
	const uint32_t k[] = {4, 3, 2, 1, 1, 1};

	for (uint8_t level = 0; level < 6; level++)
		assert_int_equal(wr_pressure_overcommit(level), k[level]);
}

// Random depths and refusals on eight queues; the rules hold at every tick, and the events account
// for everything.
struct history {
	uint64_t told[8], refused[8], above_ms[8];
	wr_us_t last_full_us[8], last_down_us;
	uint32_t mark[8];
	uint8_t level;
	bool low_before;
};

static void take_level(struct history *h, const struct wr_event *ev)
{
	static const wr_us_t dwell[] = {0, 100000, 250000};

	assert_int_equal(ev->extra, h->level);
	assert_int_not_equal(ev->level, h->level);
	if (ev->level < h->level) {
		assert_int_equal(ev->level + 1, h->level);
		assert_true(ev->at_us - h->last_down_us >= dwell[h->level]);
	}
	h->last_down_us = ev->at_us;
	h->level = (uint8_t)ev->level;
}

static void take_events(struct rig *r, struct history *h)
{
	struct wr_event ev;

	while (wr_event_pop(r->ring, &ev)) {
		switch (ev.kind) {
		case WR_EV_level_change:
			take_level(h, &ev);
			break;
		case WR_EV_works_queue_full:
			if (h->told[ev.scope])
				assert_true(ev.at_us - h->last_full_us[ev.scope] >= 100000);
			h->last_full_us[ev.scope] = ev.at_us;
			h->told[ev.scope] += ev.count;
			break;
		case WR_EV_queue_high:
			assert_int_equal(h->mark[ev.scope]++, 0);
			break;
		case WR_EV_queue_critical:
			assert_true(h->mark[ev.scope] >= 1);
			break;
		case WR_EV_queue_normal:
			assert_int_equal(h->mark[ev.scope]--, 1);
			h->above_ms[ev.scope] += ev.extra;
			break;
		default:
			fail_msg("unexpected event %u", ev.kind);
		}
	}
}

static void check_tick(struct rig *r, struct history *h, uint8_t level)
{
	bool low = false, high = false;

	for (int i = 0; i < 8; i++) {
		low |= r->p.queue[i].depth >= r->p.queue[i].low;
		high |= r->p.queue[i].depth >= r->p.queue[i].high;
	}
	if (high)
		assert_int_equal(level, 2);
	if (low && h->low_before)
		assert_true(level >= 1);
	if (low)
		assert_true(level >= h->level); // down only while all are calm
	h->low_before = low;
}

static void property_run(uint64_t seed)
{
	struct rig *r = rig_create(4096);
	struct history h = {0};
	struct wr_rng rng;

	r->now = WR_US_PER_S;
	wr_rng_init(&rng, seed);
	for (uint16_t i = 0; i < 8; i++)
		wr_pressure_add(&r->p, i, i, 1 + wr_rng_below(&rng, 2000));
	for (int t = 0; t < 20000; t++) {
		// Busy and calm spells of a second, so that every level is entered and left.
		bool busy = (t / 1000) % 2 == 0;

		for (int i = 0; i < 8; i++) {
			uint64_t capacity = r->p.queue[i].capacity, n = wr_rng_below(&rng, 50);

			if (busy && wr_rng_below(&rng, 20) == 0)
				wr_pressure_depth(
					&r->p, i, wr_rng_below(&rng, (uint32_t)capacity + 1));
			if (!busy)
				wr_pressure_depth(&r->p, i, 0);
			if (busy && n > 45) {
				wr_pressure_refuse(&r->p, i, n, WR_DROP_no_mbuf);
				h.refused[i] += n;
			}
		}
		check_tick(r, &h, rig_tick(r));
		take_events(r, &h);
		assert_int_equal(h.level, r->p.level);
	}
	assert_int_equal(h.level, 0);
	r->now += 100000;
	wr_pressure_flush(&r->p, r->now);
	take_events(r, &h);
	for (int i = 0; i < 8; i++) {
		assert_true(h.refused[i] > 0);
		assert_int_equal(h.told[i], h.refused[i]);
		assert_int_equal(h.above_ms[i] * 1000, r->p.queue[i].above_total_us);
	}
	assert_int_equal(r->stats.ctr[WR_CTR_events_lost], 0);
	rig_destroy(r);
}

static void pressure_property_random(void **state)
{
	for (uint64_t seed = 1; seed <= 10; seed++)
		property_run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(level_high_at_once),
		cmocka_unit_test(level_low_needs_two_ticks),
		cmocka_unit_test(level_tick_not_due),
		cmocka_unit_test(level_down_by_dwells),
		cmocka_unit_test(level_stays_between_marks),
		cmocka_unit_test(level_maximum_of_queues),
		cmocka_unit_test(level_cause_is_fullest),
		cmocka_unit_test(level_gauge_ignored),
		cmocka_unit_test(level_forced_and_released),
		cmocka_unit_test(overcommit_by_level),
		cmocka_unit_test(pressure_property_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_test.h"

#include "pressure_priv.h"

// A gauge, so that levels do not fill the ring of events.
static struct rig *one_queue(uint64_t capacity)
{
	struct rig *r = rig_create(4096);

	r->p.queue[wr_pressure_add(&r->p, WR_Q_conns, 0, capacity)].gauge_only = true;
	return r;
}

// Let a queue change by `per_s` for a time.
static void ramp(struct rig *r, int index, int64_t per_s, wr_us_t us)
{
	struct wr_queue *q = &r->p.queue[index];
	int64_t from = (int64_t)q->depth;
	wr_us_t start = r->now;

	while (r->now < start + us) {
		int64_t moved = per_s * (int64_t)(r->now - start) / (int64_t)WR_US_PER_S;

		wr_pressure_depth(&r->p, index, (uint64_t)(from + moved));
		rig_tick(r);
	}
}

static void forecast_none_yet(void **state)
{
	struct rig *r = one_queue(1000);

	assert_int_equal(r->p.queue[0].full_in_ms, UINT32_MAX);
	assert_int_equal(r->p.queue[0].little_permille, UINT32_MAX);
	assert_int_equal(r->p.nearest, UINT16_MAX);
	assert_int_equal(r->p.soonest, UINT16_MAX);
	rig_run(r, WR_US_PER_S);
	assert_int_equal(r->p.queue[0].full_in_ms, UINT32_MAX);
	assert_int_equal(r->p.queue[0].fill_per_s, 0);
	rig_destroy(r);
}

static void forecast_slope_within_a_second(void **state)
{
	struct rig *r = one_queue(1000000);
	const struct wr_queue *q = r->p.queue;

	ramp(r, 0, 1000, WR_US_PER_S);
	assert_in_range(q->fill_per_s, 600, 1000);
	ramp(r, 0, 1000, 3 * WR_US_PER_S);
	assert_in_range(q->fill_per_s, 970, 1000);
	// (1000000 - 4000) / 1000
	assert_in_range(q->full_in_ms, 990000, 1030000);
	rig_destroy(r);
}

static void forecast_emptying_does_not_fill(void **state)
{
	struct rig *r = one_queue(100000);
	const struct wr_queue *q = r->p.queue;

	ramp(r, 0, 10000, 4 * WR_US_PER_S);
	assert_true(q->full_in_ms < 10000);
	ramp(r, 0, -5000, 4 * WR_US_PER_S);
	assert_true(q->fill_per_s > -5001 && q->fill_per_s < -4700);
	assert_int_equal(q->full_in_ms, UINT32_MAX);
	rig_destroy(r);
}

static void forecast_standing_queue_forgets(void **state)
{
	struct rig *r = one_queue(100000);
	const struct wr_queue *q = r->p.queue;

	ramp(r, 0, 10000, 4 * WR_US_PER_S);
	rig_run(r, 10 * WR_US_PER_S);
	assert_int_equal(q->fill_per_s, 0);
	assert_int_equal(q->slope_q8, 0);
	assert_int_equal(q->full_in_ms, UINT32_MAX);
	rig_destroy(r);
}

static void forecast_full_already(void **state)
{
	struct rig *r = one_queue(100);

	ramp(r, 0, 200, WR_US_PER_S); // beyond its capacity
	assert_int_equal(r->p.queue[0].full_in_ms, 0);
	rig_destroy(r);
}

static void forecast_far_away(void **state)
{
	struct rig *r = one_queue(UINT64_MAX);

	ramp(r, 0, 10, 4 * WR_US_PER_S);
	assert_int_equal(r->p.queue[0].full_in_ms, UINT32_MAX - 1);
	wr_pressure_depth(&r->p, 0, UINT64_MAX);
	rig_run(r, 100000);
	wr_pressure_depth(&r->p, 0, 0);
	rig_run(r, 100000);
	assert_int_equal(r->p.queue[0].full_in_ms, UINT32_MAX);
	assert_true(r->p.queue[0].fill_per_s < 0);
	rig_destroy(r);
}

static void forecast_late_tick(void **state)
{
	struct rig *r = one_queue(100000);

	// Ticks each 350 ms, 1000 a second.
	for (int i = 0; i < 20; i++) {
		wr_pressure_depth(&r->p, 0, (uint64_t)i * 350);
		rig_tick(r);
		r->now += 349000;
	}
	assert_in_range(r->p.queue[0].fill_per_s, 900, 1000);
	rig_destroy(r);
}

static void forecast_nearest_and_soonest(void **state)
{
	struct rig *r = rig_create(4096);
	int cpu = wr_pressure_add(&r->p, WR_Q_cpu, 0, 1000);
	int a = wr_pressure_add(&r->p, WR_Q_conns, 0, 1000000);
	int b = wr_pressure_add(&r->p, WR_Q_sessions, 0, 100000);

	wr_pressure_add(&r->p, WR_Q_tx_backlog, 0, 0);
	wr_pressure_depth(&r->p, cpu, 990); // a gauge is not asked
	wr_pressure_depth(&r->p, a, 500000);
	rig_run(r, 200000);
	assert_int_equal(r->p.nearest, a);
	assert_int_equal(r->p.soonest, UINT16_MAX);
	ramp(r, b, 10000, 2 * WR_US_PER_S);
	assert_int_equal(r->p.nearest, a);
	assert_int_equal(r->p.soonest, b);
	wr_pressure_depth(&r->p, a, 0);
	rig_run(r, 200000);
	assert_int_equal(r->p.nearest, b);
	rig_destroy(r);
}

static void forecast_soon_is_of_now(void **state)
{
	struct rig *r = one_queue(1000);
	const struct wr_queue *q = r->p.queue;

	rig_run(r, WR_US_PER_S);
	assert_int_equal(wr_pressure_full_soon(&r->p, q, r->now), 0);
	ramp(r, 0, 20000, 30000); // 600 in 30 ms, while the smoothed slope may know nothing of it
	assert_in_range(wr_pressure_full_soon(&r->p, q, r->now), 15, 60);
	wr_pressure_depth(&r->p, 0, 2000);
	assert_int_equal(wr_pressure_full_soon(&r->p, q, r->now), 1); // 0 would say: not rising
	rig_destroy(r);
}

// A queue that each enters at a fixed pace and leaves `wait` later.
static void flow(struct rig *r, uint64_t per_ms, wr_us_t wait, wr_us_t told_wait, wr_us_t us)
{
	wr_us_t start = r->now;

	for (; r->now < start + us; rig_tick(r)) {
		uint64_t ms = (r->now - start) / WR_US_PER_MS + 1, out = 0;

		if (ms > wait / WR_US_PER_MS)
			out = ms - wait / WR_US_PER_MS;
		wr_pressure_depth(&r->p, 0, (ms - out) * per_ms);
		wr_pressure_flow(&r->p, 0, ms * per_ms, out * per_ms * told_wait);
	}
}

static void little_holds(void **state)
{
	struct rig *r = one_queue(100000);

	flow(r, 5, 200000, 200000, 9 * WR_US_PER_S);
	assert_int_equal(r->p.queue[0].little_permille, UINT32_MAX); // no window is over
	flow(r, 5, 200000, 200000, 25 * WR_US_PER_S);
	assert_in_range(r->p.queue[0].little_permille, 0, 20);
	rig_destroy(r);
}

static void little_finds_wrong_measurement(void **state)
{
	struct rig *r = one_queue(100000);

	flow(r, 5, 200000, 150000, 21 * WR_US_PER_S); // a quarter of each wait is not counted
	assert_in_range(r->p.queue[0].little_permille, 240, 270);
	rig_destroy(r);
}

// W is the mean wait of those who left; who is still there has none yet.
static void little_mean_wait_of_those_who_left(void **state)
{
	struct rig *r = one_queue(1000);

	rig_tick(r);
	wr_pressure_depth(&r->p, 0, 20);
	wr_pressure_flow(&r->p, 0, 1, 0);
	rig_run(r, 10 * WR_US_PER_S - 2000);
	wr_pressure_depth(&r->p, 0, 100);
	wr_pressure_flow(&r->p, 0, 200, 100 * WR_US_PER_S); // 100 left, after a second each
	rig_run(r, 200000);
	assert_in_range(r->p.queue[0].little_permille, 0, 50);
	rig_destroy(r);
}

static void little_unknown_without_flow(void **state)
{
	struct rig *r = one_queue(1000);

	wr_pressure_depth(&r->p, 0, 500);
	rig_run(r, 25 * WR_US_PER_S);
	assert_int_equal(r->p.queue[0].little_permille, UINT32_MAX);
	assert_int_equal(r->p.queue[0].depth_us, 0);
	rig_destroy(r);
}

static void little_unknown_when_nobody_leaves(void **state)
{
	struct rig *r = one_queue(1000);

	wr_pressure_depth(&r->p, 0, 500);
	wr_pressure_flow(&r->p, 0, 500, 0);
	rig_run(r, 25 * WR_US_PER_S);
	assert_int_equal(r->p.queue[0].little_permille, UINT32_MAX);
	rig_destroy(r);
}

static void little_unknown_when_empty(void **state)
{
	struct rig *r = one_queue(1000);

	for (int ms = 0; ms < 25000; ms++) {
		wr_pressure_flow(&r->p, 0, (uint64_t)ms, (uint64_t)ms * 10);
		rig_tick(r); // each left before the tick saw it
	}
	assert_int_equal(r->p.queue[0].little_permille, UINT32_MAX);
	rig_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forecast_none_yet),
		cmocka_unit_test(forecast_slope_within_a_second),
		cmocka_unit_test(forecast_emptying_does_not_fill),
		cmocka_unit_test(forecast_standing_queue_forgets),
		cmocka_unit_test(forecast_full_already),
		cmocka_unit_test(forecast_far_away),
		cmocka_unit_test(forecast_late_tick),
		cmocka_unit_test(forecast_nearest_and_soonest),
		cmocka_unit_test(forecast_soon_is_of_now),
		cmocka_unit_test(little_holds),
		cmocka_unit_test(little_finds_wrong_measurement),
		cmocka_unit_test(little_mean_wait_of_those_who_left),
		cmocka_unit_test(little_unknown_without_flow),
		cmocka_unit_test(little_unknown_when_nobody_leaves),
		cmocka_unit_test(little_unknown_when_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

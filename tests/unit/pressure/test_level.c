/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "pressure_priv.h"

// The machine of one level alone: what is asked for, tick by tick.

struct machine {
	struct wr_level l;
	uint64_t rng;
	wr_us_t now;
};

static struct machine machine_new(uint64_t seed)
{
	struct machine m = {.rng = seed, .now = WR_US_PER_S};

	wr_pressure_level_init(&m.l);
	return m;
}

// One tick; a level of 2 or more that is not a cut's comes from a high mark.
static bool tick(struct machine *m, uint8_t level)
{
	struct pressure_demand d = {.level = level, .high = level >= 2, .queue = 7};
	bool changed = wr_pressure_level_step(&m->l, &d, &m->rng, m->now);

	m->now += WR_PRESSURE_TICK_US;
	return changed;
}

// Ticks with this demand until the level changes; how long that took.
static wr_us_t until_change(struct machine *m, uint8_t level)
{
	wr_us_t start = m->now;

	while (m->now < start + 10 * WR_US_PER_S)
		if (tick(m, level))
			return m->now - WR_PRESSURE_TICK_US - start;
	fail_msg("no change within 10 s");
	return 0;
}

static void level_starts_normal(void **state)
{
	struct machine m = machine_new(1);

	assert_int_equal(m.l.level, 0);
	assert_int_equal(m.l.cause, UINT16_MAX);
	for (int i = 0; i < 1000; i++)
		assert_false(tick(&m, 0));
}

static void level_low_needs_two_ticks(void **state)
{
	struct machine m = machine_new(1);

	assert_false(tick(&m, 1));
	assert_false(tick(&m, 0));
	assert_false(tick(&m, 1));
	assert_true(tick(&m, 1));
	assert_int_equal(m.l.level, 1);
	assert_int_equal(m.l.cause, 7);
	assert_int_equal(m.l.level_since_us, WR_US_PER_S + 3000);
}

static void level_up_at_once(void **state)
{
	for (uint8_t level = 2; level <= 4; level++) {
		struct machine m = machine_new(1);

		assert_true(tick(&m, level));
		assert_int_equal(m.l.level, level);
		assert_false(tick(&m, level));
	}
}

static void level_severe_after_standing(void **state)
{
	struct machine m = machine_new(1);

	tick(&m, 2);
	assert_int_equal(until_change(&m, 2), 99000);
	assert_int_equal(m.l.level, 3);
	for (int i = 0; i < 5000; i++)
		assert_false(tick(&m, 2)); // it stands on, and that is P3
}

static void level_severe_needs_unbroken_stand(void **state)
{
	struct machine m = machine_new(1);

	for (int n = 0; n < 20; n++) {
		for (int i = 0; i < 99; i++)
			tick(&m, 2);
		tick(&m, 1);
	}
	assert_int_equal(m.l.level, 2);
}

static void level_cut_without_queue(void **state)
{
	struct machine m = machine_new(1);
	struct pressure_demand d = {.level = 3, .queue = UINT16_MAX};

	assert_true(wr_pressure_level_step(&m.l, &d, &m.rng, 5000));
	assert_int_equal(m.l.level, 3);
	assert_int_equal(m.l.cause, UINT16_MAX);
	assert_int_equal(m.l.high_since_us, 0);
}

static void level_down_one_step_a_dwell(void **state)
{
	static const wr_us_t base[] = {0, 100000, 250000, 500000, 1000000};
	struct machine m = machine_new(42);

	tick(&m, 4);
	for (uint8_t level = 4; level > 0; level--) {
		uint32_t dwell = m.l.dwell_us;
		wr_us_t took;

		assert_int_equal(m.l.level, level);
		assert_in_range(dwell, base[level] * 8 / 10, base[level] * 12 / 10);
		took = until_change(&m, 0);
		// Counted in whole ticks, from the first calm one or from the step before it.
		assert_in_range(took, dwell - WR_PRESSURE_TICK_US, dwell + WR_PRESSURE_TICK_US);
		assert_int_equal(m.l.cause, 7);
	}
	assert_int_equal(m.l.level, 0);
	assert_int_equal(m.l.dwell_us, 0);
}

static void level_dwell_begins_anew(void **state)
{
	struct machine m = machine_new(3);

	tick(&m, 2);
	for (int n = 0; n < 10; n++) {
		for (wr_us_t t = 0; t + 1000 < m.l.dwell_us; t += 1000)
			assert_false(tick(&m, 0));
		assert_false(tick(&m, 1)); // above low, below high: neither up nor down
	}
	assert_int_equal(m.l.level, 2);
}

// +/- 20 %, all over it, and other for another seed.
static void level_jitter_spread(void **state)
{
	uint32_t least = UINT32_MAX, most = 0, same = 0;
	struct machine other = machine_new(2), m = machine_new(1);

	for (int n = 0; n < 1000; n++) {
		m.l.forced = other.l.forced = 1;
		tick(&m, 0);
		tick(&other, 0);
		m.l.forced = other.l.forced = 5;
		tick(&m, 0);
		tick(&other, 0);
		least = m.l.dwell_us < least ? m.l.dwell_us : least;
		most = m.l.dwell_us > most ? m.l.dwell_us : most;
		same += m.l.dwell_us == other.l.dwell_us;
	}
	assert_in_range(least, 800000, 810000);
	assert_in_range(most, 1190000, 1200000);
	assert_true(same < 10);
}

static void level_same_seed_same_run(void **state)
{
	struct machine a = machine_new(9), b = machine_new(9);

	for (int i = 0; i < 20000; i++) {
		uint8_t level = i % 3000 < 50 ? (uint8_t)(i % 5) : 0;

		assert_int_equal(tick(&a, level), tick(&b, level));
		assert_int_equal(a.l.level, b.l.level);
	}
}

static void level_forced_over_everything(void **state)
{
	struct machine m = machine_new(1);

	tick(&m, 4);
	m.l.forced = 1 + 1;
	assert_true(tick(&m, 4));
	assert_int_equal(m.l.level, 1);
	assert_int_equal(m.l.cause, UINT16_MAX);
	for (int i = 0; i < 3000; i++)
		assert_false(tick(&m, i % 5));
	m.l.forced = 0;
	assert_true(tick(&m, 2)); // the queues count again, from now on
	assert_int_equal(m.l.level, 2);
	assert_int_equal(until_change(&m, 2), 99000);
}

static void level_forced_released_by_dwell(void **state)
{
	struct machine m = machine_new(1);
	uint32_t dwell;

	m.l.forced = 3 + 1;
	assert_true(tick(&m, 0));
	for (int i = 0; i < 3000; i++)
		assert_false(tick(&m, 0));
	dwell = m.l.dwell_us;
	m.l.forced = 0;
	assert_in_range(until_change(&m, 0), dwell, dwell + WR_PRESSURE_TICK_US);
	assert_int_equal(m.l.level, 2);
}

static void level_forced_beyond_is_highest(void **state)
{
	struct machine m = machine_new(1);

	m.l.forced = 200;
	assert_true(tick(&m, 0));
	assert_int_equal(m.l.level, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(level_starts_normal),
		cmocka_unit_test(level_low_needs_two_ticks),
		cmocka_unit_test(level_up_at_once),
		cmocka_unit_test(level_severe_after_standing),
		cmocka_unit_test(level_severe_needs_unbroken_stand),
		cmocka_unit_test(level_cut_without_queue),
		cmocka_unit_test(level_down_one_step_a_dwell),
		cmocka_unit_test(level_dwell_begins_anew),
		cmocka_unit_test(level_jitter_spread),
		cmocka_unit_test(level_same_seed_same_run),
		cmocka_unit_test(level_forced_over_everything),
		cmocka_unit_test(level_forced_released_by_dwell),
		cmocka_unit_test(level_forced_beyond_is_highest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

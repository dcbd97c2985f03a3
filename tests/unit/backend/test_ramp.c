/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void down_and_up(struct rig *r, uint16_t id)
{
	r->err[id] = ECONNREFUSED;
	rig_run(r, 5 * T_S);
	assert_int_equal(be_of(r, id)->health, WR_HEALTH_DOWN);
	r->err[id] = 0;
	while (be_of(r, id)->health == WR_HEALTH_DOWN)
		rig_run(r, 10 * T_MS);
}

static void ramp_rises_in_a_line(void **state)
{
	static uint16_t map[T_KEYS];
	uint64_t generation;
	struct rig r;

	rig_open(&r, 4);
	rig_run(&r, 2 * T_S);
	down_and_up(&r, 0);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_SLOW_START);
	rig_run(&r, 30 * T_MS);
	generation = wr_backends_pool(r.b, 0)->generation;
	rig_map(&r, 0, map);
	assert_in_range(map_count(map, 0), T_KEYS / 4 * 8 / 100, T_KEYS / 4 * 13 / 100);
	rig_run(&r, 5 * T_S);
	assert_in_range(r.b->share[0], 138, 146);
	rig_map(&r, 0, map);
	assert_in_range(map_count(map, 0), T_KEYS / 4 * 50 / 100, T_KEYS / 4 * 60 / 100);
	rig_run(&r, 4800 * T_MS);
	assert_int_equal(r.told[WR_EV_slow_start_end], 0);
	rig_run(&r, 300 * T_MS);
	assert_int_equal(r.told[WR_EV_slow_start_end], 1);
	assert_int_equal(r.b->share[0], 256);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_UP);
	rig_map(&r, 0, map);
	assert_in_range(map_count(map, 0), T_KEYS / 4 * 95 / 100, T_KEYS / 4 * 105 / 100);
	assert_in_range(wr_backends_pool(r.b, 0)->generation, generation, generation + 1);
	rig_close(&r);
}

static void ramp_not_at_first_start(void **state)
{
	struct rig r;

	rig_open(&r, 3);
	rig_run(&r, 2 * T_S);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(wr_backend_state(be_of(&r, i)), WR_BACKEND_UP);
	rig_close(&r);
}

static void ramp_not_for_the_only_one(void **state)
{
	struct rig r;

	rig_open(&r, 2);
	rig_run(&r, 2 * T_S);
	r.err[1] = ECONNREFUSED;
	rig_run(&r, 5 * T_S);
	down_and_up(&r, 0);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_UP);
	r.err[1] = 0;
	rig_run(&r, 3 * T_S);
	assert_int_equal(wr_backend_state(be_of(&r, 1)), WR_BACKEND_SLOW_START);
	rig_close(&r);
}

static void ramp_ends_when_it_goes_again(void **state)
{
	struct rig r;

	rig_open(&r, 3);
	rig_run(&r, 2 * T_S);
	down_and_up(&r, 0);
	r.err[0] = ECONNREFUSED;
	rig_run(&r, 5 * T_S);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_DOWN);
	assert_int_equal(be_of(&r, 0)->slow_since_us, 0);
	rig_run(&r, 20 * T_S);
	assert_int_equal(r.told[WR_EV_slow_start_end], 0);
	rig_close(&r);
}

static void ramp_after_disabled_and_breaker(void **state)
{
	struct rig r;

	rig_open(&r, 3);
	rig_run(&r, 2 * T_S);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_DISABLED, 0, r.now);
	rig_run(&r, T_S);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, 0, r.now);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_SLOW_START);
	rig_fail_connects(&r, 1, 5);
	rig_run(&r, 6 * T_S);
	assert_int_equal(be_of(&r, 1)->ejections, 1);
	assert_int_equal(wr_backend_state(be_of(&r, 1)), WR_BACKEND_SLOW_START);
	rig_close(&r);
}

static void ramp_none_configured(void **state)
{
	struct rig r;

	rig_conf(&r, 3)->slow_start_us = 0;
	rig_start(&r);
	rig_run(&r, 2 * T_S);
	down_and_up(&r, 0);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_UP);
	assert_int_equal(r.b->share[0], 256);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ramp_rises_in_a_line),
		cmocka_unit_test(ramp_not_at_first_start),
		cmocka_unit_test(ramp_not_for_the_only_one),
		cmocka_unit_test(ramp_ends_when_it_goes_again),
		cmocka_unit_test(ramp_after_disabled_and_breaker),
		cmocka_unit_test(ramp_none_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

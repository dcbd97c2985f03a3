/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void count(uint32_t backend, uint64_t sessions)
{
	tri_backend(rig.t, backend)->per_worker[0].sessions_total += sessions;
}

// A second of control turns alone: the counters move by hand.
static void second(void)
{
	wr_us_t end = rig.t->now + WR_US_PER_S;

	for (; rig.t->now < end; rig.t->now += 10 * WR_US_PER_MS)
		wr_ctl_rates_turn(rig.c, rig.t->now);
}

static void rates_of_one_and_ten_seconds(void **state)
{
	struct wr_ctl_rate rate;

	second();
	for (int i = 0; i < 9; i++) {
		count(0, 100);
		second();
	}
	count(0, 200);
	second();
	second();
	rate = wr_ctl_rate(rig.c, tri_backend(rig.t, 0)->id);
	assert_in_range(rate.per_s, 0, 200);
	assert_in_range(rate.per_s_10, 95, 115);
	assert_in_range(rate.per_s_max, 195, 205);
	rate = wr_ctl_rate(rig.c, tri_backend(rig.t, 1)->id);
	assert_int_equal(rate.per_s + rate.per_s_10 + rate.per_s_max, 0);
}

static void rates_fall_to_zero_when_nothing_comes(void **state)
{
	second();
	count(0, 500);
	for (int i = 0; i < 13; i++)
		second();
	assert_int_equal(wr_ctl_rate(rig.c, 0).per_s, 0);
	assert_int_equal(wr_ctl_rate(rig.c, 0).per_s_10, 0);
	assert_true(wr_ctl_rate(rig.c, 0).per_s_max >= 490);
}

static void rates_of_a_new_tenant_begin_anew(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);

	second();
	count(0, 500);
	second();
	second();
	rig.c->watch[be->id].checks_failed = 7;
	be->addr.port++;
	second();
	second();
	assert_int_equal(wr_ctl_rate(rig.c, be->id).per_s_max, 0);
	assert_int_equal(rig.c->watch[be->id].checks_failed, 0);
	be->addr.port--;
}

static void rates_before_two_looks_are_none(void **state)
{
	assert_int_equal(wr_ctl_rate(rig.c, 0).per_s_10, 0);
	assert_int_equal(wr_ctl_rate(rig.c, WR_MAX_BACKENDS - 1).per_s_10, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			rates_of_one_and_ten_seconds, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			rates_fall_to_zero_when_nothing_comes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			rates_of_a_new_tenant_begin_anew, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			rates_before_two_looks_are_none, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

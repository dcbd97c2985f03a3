/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_small(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .max_sessions = 16});
	return 0;
}

static int setup_two_workers(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .workers = 2});
	return 0;
}

static void queues_nearest_to_full_first(void **state)
{
	uint64_t last = 1000;
	json_t *top;

	for (int i = 0; i < 12; i++)
		tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(WR_US_PER_S);
	top = rig_ask("/weir/queues");
	assert_string_equal(rig_str(rig_row(top, 0), "queue"), "sessions");
	assert_string_equal(rig_str(rig_row(top, 0), "domain"), "worker");
	assert_int_equal(rig_uint(rig_row(top, 0), "warned"), 1);
	rig_uint(rig_row(top, 0), "fill_per_s");
	assert_int_equal(rig_uint(rig_row(top, 0), "depth"), 12);
	assert_int_equal(rig_uint(rig_row(top, 0), "capacity"), 16);
	assert_int_equal(rig_uint(rig_row(top, 0), "used_permille"), 750);
	assert_string_equal(rig_str(rig_row(top, 0), "unit"), "sessions");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "normal");
	for (unsigned int i = 0; i < rig_rows(top); i++) {
		assert_true(rig_uint(rig_row(top, i), "used_permille") <= last);
		last = rig_uint(rig_row(top, i), "used_permille");
	}
	json_decref(top);
}

static void queues_full_one_counts_refusals(void **state)
{
	json_t *top, *row;

	for (int i = 0; i < 40; i++)
		tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(5 * WR_US_PER_S);
	top = rig_ask("/weir/queues,queue=sessions");
	assert_int_equal(rig_rows(top), 1);
	row = rig_row(top, 0);
	assert_true(rig_uint(row, "refusals") > 0);
	assert_string_not_equal(rig_str(row, "last_reason"), "");
	assert_string_not_equal(rig_str(row, "state"), "normal");
	assert_true(rig_uint(row, "above_now_ms") > 100);
	json_decref(top);
	top = rig_ask("/weir/pressure");
	row = rig_row(top, 0);
	assert_true(rig_uint(row, "level") > 0);
	assert_string_not_equal(rig_str(row, "cause"), "");
	assert_true(rig_uint(row, "refusals") > 0);
	assert_true(rig_uint(row, "queues_critical") + rig_uint(row, "queues_high") > 0);
	json_decref(top);
}

static void queues_of_one_worker_with_scopes(void **state)
{
	json_t *top = rig_ask("/weir/queues,worker=1");
	bool handoff = false;

	for (unsigned int i = 0; i < rig_rows(top); i++) {
		json_t *row = rig_row(top, i);

		assert_int_equal(rig_uint(row, "worker"), 1);
		if (strcmp(rig_str(row, "queue"), "handoff") == 0) {
			assert_string_equal(rig_str(row, "scope"), "from worker 0");
			handoff = true;
		}
	}
	assert_true(handoff);
	json_decref(top);
}

// Of equally full queues the one that can refuse comes first.
static void queues_gauges_behind_real_ones(void **state)
{
	json_t *top = rig_ask("/weir/queues");
	uint64_t last = 1000;
	bool gauge = false;

	for (unsigned int i = 0; i < rig_rows(top); i++) {
		json_t *row = rig_row(top, i);

		if (rig_uint(row, "used_permille") != last)
			gauge = false;
		last = rig_uint(row, "used_permille");
		if (rig_uint(row, "gauge_only") != 0)
			gauge = true;
		else
			assert_false(gauge);
	}
	json_decref(top);
}

static void queues_bad_filters(void **state)
{
	rig_expect_error("/weir/queues,worker=1", "0 to 0", "/weir/workers");
	rig_expect_error("/weir/queues,queue=x", "no queue 'x'", "/weir/queues");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			queues_nearest_to_full_first, setup_small, rig_teardown),
		cmocka_unit_test_setup_teardown(
			queues_full_one_counts_refusals, setup_small, rig_teardown),
		cmocka_unit_test_setup_teardown(
			queues_of_one_worker_with_scopes, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			queues_gauges_behind_real_ones, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(queues_bad_filters, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

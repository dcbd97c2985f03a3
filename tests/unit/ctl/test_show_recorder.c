/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <inttypes.h>

static int setup_two_workers(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .workers = 2});
	return 0;
}

static void recorder_all_pages_in_order(void **state)
{
	uint64_t cursor = 0, rows = 0, total = 0, last[2] = {0};
	char request[64];

	rig_run(10 * WR_US_PER_S);
	for (int pages = 0; pages < 100; pages++) {
		json_t *top;

		snprintf(request, sizeof(request), "/weir/recorder,%" PRIu64, cursor);
		top = rig_ask(request);
		for (unsigned int i = 0; i < rig_rows(top); i++) {
			json_t *row = rig_row(top, i);
			uint64_t w = rig_uint(row, "worker");

			assert_true(w < 2);
			assert_true(rig_uint(row, "at_us") >= last[w]);
			last[w] = rig_uint(row, "at_us");
			assert_int_equal(rig_uint(row, "cut_class"), WR_CLASSES);
			rows++;
		}
		total = rig_uint(rig_page(top), "total");
		cursor = rig_uint(rig_page(top), "next");
		json_decref(top);
		if (cursor == 0)
			break;
	}
	assert_int_equal(cursor, 0);
	assert_true(total >= 2 * 90);
	assert_in_range(rows, total - 4, total);
}

static void recorder_since_and_worker(void **state)
{
	json_t *top;
	char request[64];
	uint64_t at;

	rig_run(2 * WR_US_PER_S);
	at = rig.t->now - WR_US_PER_S;
	snprintf(request, sizeof(request), "/weir/recorder,0,worker=1,since=%" PRIu64, at);
	top = rig_ask(request);
	assert_in_range(rig_rows(top), 5, 12);
	for (unsigned int i = 0; i < rig_rows(top); i++) {
		assert_int_equal(rig_uint(rig_row(top, i), "worker"), 1);
		assert_true(rig_uint(rig_row(top, i), "at_us") > at);
		assert_true(rig_uint(rig_row(top, i), "ago_ms") <= 1000);
	}
	json_decref(top);
	rig_expect_error("/weir/recorder,worker=2", "0 to 1", "/weir/workers");
	rig_expect_error("/weir/recorder,saved=2", "'saved' is '2'", "0 or 1");
}

static void recorder_saved_at_the_first_critical_mark(void **state)
{
	json_t *top = rig_ask("/weir/recorder,saved=1");

	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
	rig_run(WR_US_PER_S);
	wr_ctl_order_level(rig.c, WR_CTL_WORKERS, 4);
	rig_run(WR_US_PER_S);
	top = rig_ask("/weir/recorder,saved=1,worker=0");
	assert_true(rig_rows(top) > 5);
	json_decref(top);
	// The fabric of the tests takes what workers raise.
	assert_int_equal(rig.t->event_count[WR_EV_recorded], 2);
}

static void recorder_cursor_of_a_worker(void **state)
{
	assert_int_equal(wr_ctl_cursor(0, 0), 0);
	assert_int_not_equal(wr_ctl_cursor(1, 0), 0);
	assert_int_not_equal(wr_ctl_cursor(1, 0), wr_ctl_cursor(2, 0));
	assert_true(wr_ctl_cursor(WR_MAX_WORKERS - 1, UINT32_MAX) < INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			recorder_all_pages_in_order, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			recorder_since_and_worker, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			recorder_saved_at_the_first_critical_mark, setup_two_workers, rig_teardown),
		cmocka_unit_test(recorder_cursor_of_a_worker),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_two_workers(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .workers = 2});
	return 0;
}

static void some_traffic(void)
{
	struct tri_conn *c = tri_connect(rig.t, &(struct tri_want){.mode = TRI_ECHO, .up = 5000});

	TRI_WAIT(rig.t, tri_complete(rig.t, c), 10 * TRI_S);
	rig_run(20 * WR_US_PER_MS);
}

static void counts_drops_only_what_happened_unless_all(void **state)
{
	json_t *top = rig_ask("/weir/drops");

	for (unsigned int i = 0; i < rig_rows(top); i++)
		assert_true(rig_uint(rig_row(top, i), "count") > 0);
	assert_true(rig_rows(top) < 5);
	json_decref(top);
	top = rig_ask("/weir/drops,all=1");
	assert_int_equal(rig_uint(rig_page(top), "total"), WR_DROP_COUNT - 1);
	assert_string_equal(rig_str(rig_row(top, 0), "name"), "short_frame");
	assert_string_equal(rig_str(rig_row(top, 0), "severity"), "info");
	json_decref(top);
}

static void counts_bad_worker(void **state)
{
	rig_expect_error("/weir/drops,worker=2", "0 to 1", "/weir/workers");
	rig_expect_error("/weir/drops,all=2", "0 to 1", "0 or 1");
	rig_expect_error("/weir/ledger,worker=x", "'x'", "/weir/workers");
	rig_expect_error("/weir/counters,worker=-1", "'-1'", "/weir/workers");
}

static void counts_counters_sum_over_workers(void **state)
{
	uint64_t sum[3] = {0};
	static const char *const request[] = {"/weir/counters,all=1",
		"/weir/counters,all=1,worker=0", "/weir/counters,all=1,worker=1"};

	some_traffic();
	for (int i = 0; i < 3; i++) {
		json_t *top = rig_ask(request[i]);

		assert_int_equal(rig_uint(rig_page(top), "total"), WR_CTR_COUNT);
		for (unsigned int k = 0; k < rig_rows(top); k++)
			if (strcmp(rig_str(rig_row(top, k), "name"), "rx_frames") == 0)
				sum[i] = rig_uint(rig_row(top, k), "value");
		json_decref(top);
	}
	assert_true(sum[0] > 10);
	assert_int_equal(sum[0], sum[1] + sum[2]);
}

static void counts_ledger_closes(void **state)
{
	json_t *top;

	some_traffic();
	top = rig_ask("/weir/ledger,walk=1");
	assert_int_equal(rig_rows(top), 2 * WR_LEDGER_MBUFS + WR_LEDGER_COUNT);
	for (unsigned int i = 0; i < rig_rows(top); i++) {
		json_t *row = rig_row(top, i);

		assert_int_equal(rig_uint(row, "residual"), 0);
		if (json_object_get(row, "held_walked") != NULL)
			assert_int_equal(rig_uint(row, "held_walked"), rig_uint(row, "held"));
	}
	assert_string_equal(rig_str(rig_row(top, 2 * WR_LEDGER_MBUFS), "worker"), "all");
	assert_true(rig_uint(rig_row(top, 2 * WR_LEDGER_MBUFS), "in") > 10);
	json_decref(top);
	top = rig_ask("/weir/ledger,worker=1");
	assert_int_equal(rig_rows(top), WR_LEDGER_MBUFS);
	assert_null(json_object_get(rig_row(top, 1), "held_walked"));
	json_decref(top);
}

// Half a ledger would look like a residual: the error is the whole reply.
static void counts_ledger_walk_without_an_answer(void **state)
{
	json_t *top = rig_ask_pumping("/weir/ledger,walk=1", NULL, NULL);

	assert_int_equal(rig_rows(top), 1);
	assert_non_null(strstr(rig_str(rig_row(top, 0), "error"), "did not answer"));
	json_decref(top);
	rig_run(WR_US_PER_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(counts_drops_only_what_happened_unless_all,
			setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(counts_bad_worker, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			counts_counters_sum_over_workers, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			counts_ledger_closes, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			counts_ledger_walk_without_an_answer, setup_two_workers, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_checked(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1,
		.pool = "    health: {type: tcp, interval: 1s, timeout: 500ms, rise: 1, fall: "
			"1}\n"});
	return 0;
}

static void echo(unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		struct tri_conn *c =
			tri_connect(rig.t, &(struct tri_want){.mode = TRI_ECHO, .up = 1000});

		TRI_WAIT(rig.t, tri_complete(rig.t, c), 10 * TRI_S);
	}
	rig_run(20 * WR_US_PER_MS);
}

static void backends_both_families_and_filters(void **state)
{
	json_t *top;

	rig_run(3 * WR_US_PER_S);
	top = rig_ask("/weir/backends,pool=web");
	assert_int_equal(rig_rows(top), 2);
	assert_string_equal(rig_str(rig_row(top, 1), "address"), "[2001:db8:1::21]:80");
	assert_string_equal(rig_str(rig_row(top, 1), "state"), "up");
	assert_int_equal(rig_uint(rig_row(top, 1), "share_permille"), 1000);
	assert_int_equal(rig_uint(rig_row(top, 1), "weight_conf"), 1);
	assert_non_null(strstr(rig_str(rig_row(top, 1), "words"), "b1 is up"));
	assert_null(json_object_get(rig_row(top, 1), "drain_left_us"));
	json_decref(top);
	tri_listen(rig.t, 0, false);
	rig_run(3 * WR_US_PER_S);
	top = rig_ask("/weir/backends,state=down");
	assert_int_equal(rig_rows(top), 1);
	assert_string_equal(rig_str(rig_row(top, 0), "name"), "b0");
	assert_string_equal(rig_str(rig_row(top, 0), "address"), "198.18.1.20:80");
	assert_true(strlen(rig_str(rig_row(top, 0), "last_check")) > 4);
	assert_true(rig_uint(rig_row(top, 0), "last_check_age_us") <= 2 * WR_US_PER_S);
	assert_int_equal(rig_uint(rig_row(top, 0), "transitions"), 1);
	json_decref(top);
	rig_expect_error("/weir/backends,backend=b1", "no backend 'b1'", "POOL/NAME");
	rig_expect_error("/weir/backends,pool=x", "no pool 'x'", "/weir/pools");
	rig_expect_error("/weir/backends,detail=2", "detail", "0 or 1");
}

static void backends_unchecked_say_so(void **state)
{
	json_t *top = rig_ask("/weir/backends");

	assert_string_equal(rig_str(rig_row(top, 0), "state"), "unchecked");
	assert_string_equal(rig_str(rig_row(top, 0), "last_check"), "none configured");
	json_decref(top);
}

static void backends_work_and_times(void **state)
{
	uint64_t sessions = 0, in = 0, connects = 0, answers = 0;
	json_t *top;

	echo(8);
	top = rig_ask("/weir/backends");
	for (unsigned int i = 0; i < 2; i++) {
		sessions += rig_uint(rig_row(top, i), "sessions_total");
		in += rig_uint(rig_row(top, i), "bytes_in");
		assert_int_equal(rig_uint(rig_row(top, i), "connect_errors"), 0);
		assert_int_equal(rig_uint(rig_row(top, i), "stot"),
			rig_uint(rig_row(top, i), "sessions_total"));
	}
	assert_int_equal(sessions, 8);
	assert_int_equal(in, 8000);
	json_decref(top);
	top = rig_ask("/weir/latency");
	for (unsigned int i = 0; i < 2; i++) {
		json_t *row = rig_row(top, i);

		connects += rig_uint(row, "connects");
		answers += rig_uint(row, "answers");
		assert_true(rig_uint(row, "connect_p50_us") <= rig_uint(row, "connect_p99_us"));
		assert_true(
			rig_uint(row, "first_byte_p90_us") <= rig_uint(row, "first_byte_p99_us"));
		rig_uint(row, "session_mean_us");
	}
	assert_int_equal(connects, 8);
	assert_int_equal(answers, 8);
	json_decref(top);
}

static void backends_drain_shows_what_is_left(void **state)
{
	json_t *top;

	rig_expect_done("/weir/backend,drain=web/b0,30s", "drain", "web/b0", "30s");
	rig_run(WR_US_PER_S);
	top = rig_ask("/weir/backends,state=drain");
	assert_int_equal(rig_rows(top), 1);
	assert_in_range(
		rig_uint(rig_row(top, 0), "drain_left_us"), 28 * WR_US_PER_S, 30 * WR_US_PER_S);
	json_decref(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			backends_both_families_and_filters, setup_checked, rig_teardown),
		cmocka_unit_test_setup_teardown(backends_unchecked_say_so, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(backends_work_and_times, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backends_drain_shows_what_is_left, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

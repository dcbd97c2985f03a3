/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void echo(unsigned int times)
{
	for (unsigned int i = 0; i < times; i++) {
		struct tri_conn *c =
			tri_connect(rig.t, &(struct tri_want){.mode = TRI_ECHO, .up = 1000});

		TRI_WAIT(rig.t, tri_complete(rig.t, c), 10 * TRI_S);
	}
	rig_run(20 * WR_US_PER_MS);
}

static void traffic_services_count_bytes(void **state)
{
	json_t *top, *row;

	echo(5);
	top = rig_ask("/weir/services,service=web");
	row = rig_row(top, 0);
	assert_string_equal(rig_str(row, "name"), "web");
	assert_string_equal(rig_str(row, "listen"), "198.18.0.100:80 [2001:db8::100]:80");
	assert_string_equal(rig_str(row, "pool"), "web");
	assert_string_equal(rig_str(row, "accept"), "eager");
	assert_int_equal(rig_uint(row, "sessions_total"), 5);
	assert_int_equal(rig_uint(row, "bytes_in"), 5 * (1000 + sizeof(struct tri_order)));
	assert_int_equal(rig_uint(row, "bytes_out"), 5 * 1000);
	assert_int_equal(rig_uint(row, "stot"), 5);
	assert_int_equal(rig_uint(row, "scur"), 0);
	assert_int_equal(rig_uint(row, "slim"), 0);
	assert_int_equal(rig_uint(row, "pending"), 0);
	assert_int_equal(rig_uint(row, "qtime"), 0);
	assert_null(json_object_get(row, "limit_connections"));
	json_decref(top);
	rig_expect_error("/weir/services,service=x", "no service 'x'", "/weir/services");
}

static void traffic_pool_is_the_sum_of_its_backends(void **state)
{
	uint64_t sessions = 0, in = 0;
	json_t *top, *row;

	echo(8);
	top = rig_ask("/weir/backends,pool=web");
	assert_int_equal(rig_rows(top), 2);
	for (unsigned int i = 0; i < 2; i++) {
		sessions += rig_uint(rig_row(top, i), "sessions_total");
		in += rig_uint(rig_row(top, i), "bytes_in");
	}
	json_decref(top);
	top = rig_ask("/weir/pools");
	row = rig_row(top, 0);
	assert_int_equal(rig_uint(row, "sessions_total"), sessions);
	assert_int_equal(rig_uint(row, "bytes_in"), in);
	assert_int_equal(rig_uint(row, "usable"), 2);
	assert_int_equal(sessions, 8);
	json_decref(top);
	top = rig_ask("/weir/pools,pool=web");
	row = rig_row(top, 0);
	assert_string_equal(rig_str(row, "serving"), "web");
	assert_string_equal(rig_str(row, "state"), "serving");
	assert_int_equal(rig_uint(row, "backends_unchecked"), 2);
	assert_int_equal(rig_uint(row, "tier0_backends"), 2);
	assert_int_equal(rig_uint(row, "tier0_permille"), 1000);
	assert_int_equal(rig_uint(row, "failing_open"), 0);
	assert_int_equal(rig_uint(row, "answered"), 8);
	assert_true(rig_uint(row, "session_p99_us") >= rig_uint(row, "session_p50_us"));
	json_decref(top);
	rig_expect_error("/weir/pools,pool=x", "no pool 'x'", "/weir/pools");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			traffic_services_count_bytes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			traffic_pool_is_the_sum_of_its_backends, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

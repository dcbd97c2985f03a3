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
	uint64_t sessions = 0, in = 0, connects = 0;
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
	top = rig_ask("/weir/latency");
	for (unsigned int i = 0; i < 2; i++)
		connects += rig_uint(rig_row(top, i), "connects");
	assert_int_equal(connects, 8);
	assert_non_null(strstr(rig_str(rig_row(top, 0), "what"), "mean over all connects"));
	json_decref(top);
	rig_expect_error("/weir/pools,pool=x", "no pool 'x'", "/weir/pools");
}

static void traffic_backends_both_families_and_filters(void **state)
{
	json_t *top;

	rig_run(3 * WR_US_PER_S);
	top = rig_ask("/weir/backends,backend=web/b1");
	assert_int_equal(rig_rows(top), 1);
	assert_string_equal(rig_str(rig_row(top, 0), "address"), "[2001:db8:1::21]:80");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "up");
	assert_string_equal(rig_str(rig_row(top, 0), "last_probe"), "passed");
	json_decref(top);
	tri_listen(rig.t, 0, false);
	rig_run(3 * WR_US_PER_S);
	top = rig_ask("/weir/backends,state=down");
	assert_int_equal(rig_rows(top), 1);
	assert_string_equal(rig_str(rig_row(top, 0), "name"), "b0");
	assert_string_equal(rig_str(rig_row(top, 0), "address"), "198.18.1.20:80");
	assert_string_equal(rig_str(rig_row(top, 0), "last_probe"), "Connection refused");
	assert_int_equal(rig_uint(rig_row(top, 0), "transitions"), 1);
	json_decref(top);
	rig_expect_error("/weir/backends,backend=b1", "no backend 'b1'", "POOL/NAME");
	rig_expect_error("/weir/backends,pool=x", "no pool 'x'", "/weir/pools");
}

static void traffic_unchecked_backends_say_so(void **state)
{
	json_t *top = rig_ask("/weir/backends");

	assert_string_equal(rig_str(rig_row(top, 0), "state"), "unchecked");
	assert_string_equal(rig_str(rig_row(top, 0), "last_probe"), "none configured");
	json_decref(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			traffic_services_count_bytes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			traffic_pool_is_the_sum_of_its_backends, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			traffic_backends_both_families_and_filters, setup_checked, rig_teardown),
		cmocka_unit_test_setup_teardown(
			traffic_unchecked_backends_say_so, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

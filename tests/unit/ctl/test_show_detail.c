/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_checked(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1,
		.family = 4,
		.pool = "    health: {type: tcp, interval: 1s, timeout: 500ms, rise: 1, fall: "
			"1}\n"});
	return 0;
}

// Every key once: a reader of JSON keeps only the last of two.
static void expect_keys_once(const json_t *row, const char *raw)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)row, key, value)
	{
		char quoted[64];
		const char *at;

		snprintf(quoted, sizeof(quoted), "\"%s\":", key);
		at = strstr(raw, quoted);
		assert_non_null(at);
		if (strstr(at + 1, quoted) != NULL)
			fail_msg("%s is there twice", key);
	}
}

static void detail_has_the_names_of_others(void **state)
{
	static const char *const numbers[] = {"scur", "smax", "slim", "stot", "bin", "bout", "econ",
		"eresp", "wretr", "chkfail", "chkdown", "lastchg", "downtime", "qcur", "throttle",
		"act", "bck", "check_code", "check_duration", "ctime", "rtime", "ttime", "rate",
		"rate_max", "cx_active", "cx_total", "cx_connect_fail", "rq_active", "rq_total",
		"rq_success", "rq_error", "rq_timeout", "weight", "priority"};
	json_t *top, *row;

	rig_run(3 * WR_US_PER_S);
	top = rig_ask("/weir/backends,backend=web/b1");
	assert_int_equal(rig_rows(top), 1);
	row = rig_row(top, 0);
	for (size_t i = 0; i < RTE_DIM(numbers); i++)
		rig_uint(row, numbers[i]);
	assert_string_equal(rig_str(row, "status"), "UP");
	assert_string_equal(rig_str(row, "check_status"), "L4OK");
	assert_string_equal(rig_str(row, "health_flags"), "healthy");
	assert_int_equal(rig_uint(row, "act"), 1);
	assert_int_equal(rig_uint(row, "throttle"), 100);
	assert_true(rig_uint(row, "time_up_us") >= 2 * WR_US_PER_S);
	expect_keys_once(row, rig_raw());
	assert_true(strlen(rig_raw()) < WR_REPLY_BYTES);
	json_decref(top);
}

static void detail_of_one_that_is_down(void **state)
{
	json_t *top, *row;

	rig_run(2 * WR_US_PER_S);
	tri_listen(rig.t, 0, false);
	rig_run(4 * WR_US_PER_S);
	top = rig_ask("/weir/backends,state=down,detail=1");
	row = rig_row(top, 0);
	assert_string_equal(rig_str(row, "name"), "b0");
	assert_string_equal(rig_str(row, "status"), "DOWN");
	assert_string_equal(rig_str(row, "check_status"), "L4CON");
	assert_string_equal(rig_str(row, "health_flags"), "/failed_active_hc");
	assert_int_equal(rig_uint(row, "chkdown"), 1);
	assert_true(rig_uint(row, "chkfail") >= 1);
	assert_true(rig_uint(row, "downtime") >= 1);
	assert_true(rig_uint(row, "time_down_us") >= WR_US_PER_S);
	json_decref(top);
}

static void detail_of_all_pages(void **state)
{
	json_t *top = rig_ask("/weir/backends,detail=1");

	assert_int_equal(rig_rows(top), 2);
	assert_non_null(json_object_get(rig_row(top, 1), "cx_total"));
	json_decref(top);
	top = rig_ask("/weir/backends,backend=web/b1,detail=0");
	assert_null(json_object_get(rig_row(top, 0), "cx_total"));
	json_decref(top);
}

static void detail_of_one_that_was_disabled(void **state)
{
	json_t *top;

	rig_expect_done("/weir/backend,disable=web/b0", "disable", "web/b0", "no checks");
	rig_run(100 * WR_US_PER_MS);
	top = rig_ask("/weir/backends,backend=web/b0");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "disabled");
	assert_string_equal(rig_str(rig_row(top, 0), "status"), "MAINT");
	assert_string_equal(rig_str(rig_row(top, 0), "health_flags"), "/failed_eds_health");
	json_decref(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			detail_has_the_names_of_others, setup_checked, rig_teardown),
		cmocka_unit_test_setup_teardown(
			detail_of_one_that_is_down, setup_checked, rig_teardown),
		cmocka_unit_test_setup_teardown(detail_of_all_pages, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			detail_of_one_that_was_disabled, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

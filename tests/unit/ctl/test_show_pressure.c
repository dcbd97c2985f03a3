/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_two_workers(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .workers = 2});
	return 0;
}

static int setup_full_pool(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1,
		.family = 4,
		.service = "    wait: {sessions: 8, time: 2s, target: 2s}\n",
		.pool = "    health: {type: none}\n    max_connections: 2\n"});
	return 0;
}

static void pressure_a_calm_instance_has_rows_of_workers_alone(void **state)
{
	json_t *top;

	rig_run(10 * WR_US_PER_MS);
	top = rig_ask("/weir/pressure");
	assert_int_equal(rig_rows(top), 2);
	for (unsigned int i = 0; i < 2; i++) {
		json_t *row = rig_row(top, i);

		assert_int_equal(rig_uint(row, "worker"), i);
		assert_string_equal(rig_str(row, "domain"), "worker");
		assert_int_equal(rig_uint(row, "level"), 0);
		assert_string_equal(rig_str(row, "gate"), "open");
		assert_string_equal(rig_str(row, "cut"), "none");
		assert_null(json_object_get(row, "cut_class"));
		assert_string_equal(rig_str(row, "order"), "none");
		assert_int_equal(rig_uint(row, "drops_early"), 0);
		assert_int_equal(rig_uint(row, "overcommit"), 4);
	}
	json_decref(top);
}

static void pressure_services_under_order_or_level_have_rows(void **state)
{
	json_t *top, *row;

	rig_expect_done("/weir/admission,refuse=web,5", "refuse", "web", "class 5");
	rig_run(20 * WR_US_PER_MS);
	top = rig_ask("/weir/pressure");
	assert_int_equal(rig_rows(top), 4);
	row = rig_row(top, 1);
	assert_string_equal(rig_str(row, "domain"), "web");
	assert_int_equal(rig_uint(row, "worker"), 0);
	assert_string_equal(rig_str(row, "order"), "class 5 and worse refused");
	assert_int_equal(rig_uint(row, "order_class"), 5);
	json_decref(top);
	rig_expect_done("/weir/admission,admit=web", "admit", "web", "no class");
	rig_expect_done("/weir/admission,level=web,2", "level", "web", "P2");
	rig_run(500 * WR_US_PER_MS); // the table is published so often
	top = rig_ask("/weir/pressure");
	assert_int_equal(rig_rows(top), 4);
	assert_int_equal(rig_uint(rig_row(top, 3), "level"), 2);
	assert_string_equal(rig_str(rig_row(top, 3), "forced"), "by operator");
	assert_int_equal(rig_uint(rig_row(top, 2), "level"), 0);
	json_decref(top);
}

static void pressure_of_a_full_pool_stays_in_its_service(void **state)
{
	json_t *top, *row;
	bool found = false;

	for (int i = 0; i < 8; i++)
		tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(WR_US_PER_S);
	top = rig_ask("/weir/pressure");
	assert_int_equal(rig_uint(rig_row(top, 0), "level"), 0);
	for (unsigned int i = 1; i < rig_rows(top); i++) {
		row = rig_row(top, i);
		if (strcmp(rig_str(row, "domain"), "web") != 0)
			continue;
		found = true;
		assert_true(rig_uint(row, "level") > 0);
		assert_string_not_equal(rig_str(row, "cause"), "");
		assert_string_not_equal(rig_str(row, "cause_scope"), "");
	}
	assert_true(found);
	json_decref(top);
	top = rig_ask("/weir/services");
	row = rig_row(top, 0);
	assert_true(rig_uint(row, "level") > 0);
	assert_true(rig_uint(row, "pending") > 0);
	assert_int_equal(rig_uint(row, "qcur"), rig_uint(row, "pending"));
	assert_int_equal(rig_uint(row, "qlimit"), 8);
	assert_int_equal(rig_uint(row, "class"), 4);
	json_decref(top);
	top = rig_ask("/weir/pools");
	assert_int_equal(rig_uint(rig_row(top, 0), "in_use"), 2);
	assert_int_equal(rig_uint(rig_row(top, 0), "limit"), 2);
	assert_int_equal(rig_uint(rig_row(top, 0), "used_permille"), 1000);
	json_decref(top);
}

static void admission_rows_of_gates(void **state)
{
	json_t *top, *row;

	tri_connect(rig.t, &(struct tri_want){0});
	rig_run(200 * WR_US_PER_MS);
	rig_expect_done("/weir/admission,refuse=all,7", "refuse", "all", "class 7");
	rig_expect_done("/weir/admission,level=web,1", "level", "web", "P1");
	rig_run(20 * WR_US_PER_MS);
	top = rig_ask("/weir/admission");
	assert_int_equal(rig_rows(top), 4);
	row = rig_row(top, 0);
	assert_string_equal(rig_str(row, "domain"), "worker");
	assert_string_equal(rig_str(row, "order"), "class 7 and worse refused");
	assert_string_equal(rig_str(row, "forced"), "no");
	assert_int_equal(rig_uint(row, "order_owed"), 0);
	assert_int_equal(rig_uint(row, "refused_0"), 0);
	assert_int_equal(rig_uint(row, "refused_7"), 0);
	row = rig_row(top, 1);
	assert_string_equal(rig_str(row, "domain"), "web");
	assert_string_equal(rig_str(row, "forced"), "P1");
	json_decref(top);
	top = rig_ask("/weir/admission,worker=1,service=web");
	assert_int_equal(rig_rows(top), 1);
	assert_int_equal(rig_uint(rig_row(top, 0), "worker"), 1);
	json_decref(top);
	rig_expect_error("/weir/admission,worker=2", "0 to 1", "/weir/workers");
	rig_expect_error("/weir/admission,service=x", "no service 'x'", "/weir/services");
}

static void admission_a_limited_gate_in_a_row(void **state)
{
	struct wr_gate g = {.limited = true, .cut = 4 * WR_DOOR_BUCKETS + 37, .rate_per_s = 900};
	struct wr_reply r;

	assert_true(wr_reply_begin(&r, 0));
	assert_true(wr_reply_row(&r));
	wr_ctl_put_gate(&r, &g);
	assert_false(r.failed);
	assert_true(r.row_bytes > 100);
	rte_tel_data_free(r.row);
	rte_tel_data_free(r.rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pressure_a_calm_instance_has_rows_of_workers_alone,
			setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(pressure_services_under_order_or_level_have_rows,
			setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(pressure_of_a_full_pool_stays_in_its_service,
			setup_full_pool, rig_teardown),
		cmocka_unit_test_setup_teardown(
			admission_rows_of_gates, setup_two_workers, rig_teardown),
		cmocka_unit_test(admission_a_limited_gate_in_a_row),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload_test.h"

static void edits_within_a_window_are_one_change(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	assert_int_equal(add("b3", "198.18.1.23:80"), 0);
	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", NULL, 7, &err), 0);
	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", "b3", 3, &err), 0);
	rig_run(5 * WR_US_PER_MS);
	assert_int_equal(rl()->in_force, 1); // more may come
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_string_equal(wr_reload_version(rl(), 2)->from, "operator: 4 edits");
	assert_int_equal(rig_event_count(WR_EV_config_loaded), 1);
	assert_int_equal(wr_ctl_conf(rig.c)->pools[0].max_connections, 7);
	assert_int_equal(wr_ctl_conf(rig.c)->pools[0].backend_count, 4);
	assert_int_equal(rig.c->shared->pools[0]->limit, 7);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
}

static void edits_during_a_change_follow_it(void **state)
{
	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 0);
	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	assert_non_null(rl()->change);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 3);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, 20 * WR_US_PER_S);
	assert_true(wr_backends_find(rig.t->backends, "web/b2") >= 0);
	assert_int_equal(rig_event_count(WR_EV_config_refused), 0);
}

static void edits_that_fail_change_nothing(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(add("b0", "198.18.1.22:80"), -EEXIST);
	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b9", 0, &err), -ENOENT);
	assert_int_equal(wr_ctl_edit_limit(rig.c, "x", NULL, 7, &err), -ENOENT);
	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", "b9", 7, &err), -ENOENT);
	assert_null(rl()->edited);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 1);
	// One that fails takes nothing from those before it.
	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	assert_int_equal(add("b2", "198.18.1.22:80"), -EEXIST);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_string_equal(wr_reload_version(rl(), 2)->from, "operator: 1 edits");
}

static void edits_that_cancel_out_are_no_change(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", NULL, 7, &err), 0);
	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", NULL, 0, &err), 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 1);
	assert_null(rl()->edited);
}

static void edits_are_lost_to_a_reload(void **state)
{
	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_int_equal(add("b3", "198.18.1.23:80"), 0);
	reload_must(1, 0); // the file never had them
	assert_null(rl()->edited);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 3);
	for (uint32_t i = 0; i < wr_backends_count(rig.t->backends); i++)
		if (tri_backend(rig.t, i) != NULL)
			assert_true(tri_backend(rig.t, i)->slot == WR_CONF_LEAVING ||
				    strcmp(tri_backend(rig.t, i)->name, "b2") < 0);
}

static void edits_remove_is_in_force_with_its_time(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b1", 7 * WR_US_PER_S, &err), 0);
	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b0", 0, &err), -EINVAL); // the last
	assert_int_equal(tri_backend(rig.t, 1)->admin, WR_ADMIN_ENABLED);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_int_equal(tri_backend(rig.t, 1)->slot, WR_CONF_LEAVING);
	assert_in_range(tri_backend(rig.t, 1)->drain_until_us, rig.t->now + 6 * WR_US_PER_S,
		rig.t->now + 7 * WR_US_PER_S);
}

static void edits_remove_without_a_deadline(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b1", 0, &err), 0);
	rig_run(SOON);
	assert_int_equal(tri_backend(rig.t, 1)->slot, WR_CONF_LEAVING);
	assert_int_equal(tri_backend(rig.t, 1)->drain_until_us, 0);
}

static void edits_remove_that_is_dropped_leaves_no_trace(void **state)
{
	struct wr_err err = {0};
	char at[WR_ENDPOINT_STR];

	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b1", WR_US_PER_S, &err), 0);
	reload_must(0, 0); // the file has it
	assert_null(rl()->edited);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 1);
	assert_int_equal(tri_backend(rig.t, 1)->admin, WR_ADMIN_ENABLED);
	// Removed and added again within one change.
	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b1", WR_US_PER_S, &err), 0);
	wr_endpoint_format(&tri_backend(rig.t, 1)->addr, at, sizeof(at));
	assert_int_equal(add("b1", at), 0);
	rig_run(2 * WR_US_PER_S);
	assert_int_equal(tri_backend(rig.t, 1)->admin, WR_ADMIN_ENABLED);
	assert_int_equal(tri_backend(rig.t, 1)->slot, WR_CONF_LIVE);
}

static void edits_of_limits_that_are_dropped_are_undone(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", NULL, 7, &err), 0);
	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", "b1", 3, &err), 0);
	assert_int_equal(wr_proxy_shared_limit(rig.c->shared, 0, WR_BACKEND_NONE, 7), 0);
	assert_int_equal(wr_proxy_shared_limit(rig.c->shared, 0, 1, 3), 0);
	reload_must(0, 0);
	assert_int_equal(rig.c->shared->pools[0]->limit, 0);
	assert_int_equal(rig.c->shared->backends[1]->limit, 0);
}

static void edits_go_on_when_a_file_is_refused(void **state)
{
	struct wr_conf *c = file_edit();

	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	c->runtime.max_sessions++;
	file_says(c);
	expect_refused("max_sessions");
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_true(wr_backends_find(rig.t->backends, "web/b2") >= 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, file_setup, file_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(edits_within_a_window_are_one_change),
		TEST(edits_during_a_change_follow_it),
		TEST(edits_that_fail_change_nothing),
		TEST(edits_that_cancel_out_are_no_change),
		TEST(edits_are_lost_to_a_reload),
		TEST(edits_remove_is_in_force_with_its_time),
		TEST(edits_remove_without_a_deadline),
		TEST(edits_remove_that_is_dropped_leaves_no_trace),
		TEST(edits_of_limits_that_are_dropped_are_undone),
		TEST(edits_go_on_when_a_file_is_refused),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

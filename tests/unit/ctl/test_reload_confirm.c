/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload_test.h"

static void reload_unconfirmed_is_taken_back(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us;
	struct wr_conf *first = file_edit();

	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 10);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_true(rl()->confirm_us > rig.t->now + 9 * WR_US_PER_S);
	rig_run(9 * WR_US_PER_S);
	assert_int_equal(rl()->in_force, 2);
	rig_run(2 * WR_US_PER_S);
	assert_int_equal(rl()->in_force, 3);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, idle);
	assert_int_equal(wr_conf_diff(first, wr_ctl_conf(rig.c), NULL, 0), 0);
	assert_true(wr_reload_version(rl(), 2)->rolled_back);
	assert_int_equal(rig_event_count(WR_EV_config_rolled_back), 1);
	assert_int_equal(rig_event(WR_EV_config_rolled_back)->extra, 1);
	assert_string_equal(rig_event(WR_EV_config_rolled_back)->text, "nobody confirmed it");
	assert_int_equal(rl()->confirm_us, 0);
	rig_run(30 * WR_US_PER_S);
	assert_int_equal(rl()->in_force, 3);
	wr_conf_free(first);
}

static void reload_confirmed_stays(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(wr_reload_confirm(rig.c, 1, &err), -ENOENT);
	err = (struct wr_err){0};
	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 10);
	rig_run(SOON);
	assert_int_equal(wr_reload_confirm(rig.c, 1, &err), -ENOENT);
	assert_non_null(strstr(err.text, "2 waits for its confirmation, not 1"));
	assert_int_equal(wr_reload_confirm(rig.c, 2, &err), 0);
	assert_int_equal(wr_reload_confirm(rig.c, 2, &err), -ENOENT);
	assert_int_equal(rig_event_count(WR_EV_config_confirmed), 1);
	rig_run(30 * WR_US_PER_S);
	assert_int_equal(rl()->in_force, 2);
	assert_int_equal(rig_event_count(WR_EV_config_rolled_back), 0);
}

// The second configuration, of which somebody must say that it is well.
static void wait_for_confirmation(uint32_t s)
{
	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, s);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_int_equal(rl()->confirm_id, 2);
}

static void expect_first(wr_us_t idle)
{
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, idle);
	assert_int_equal(wr_backends_find(rig.t->backends, "web/b2") >= 0, false);
	assert_int_equal(rl()->confirm_us, 0);
	assert_null(rl()->good.text);
	assert_int_equal(rig_event_count(WR_EV_config_rolled_back), 1);
	assert_int_equal(rig_event(WR_EV_config_rolled_back)->extra, 1);
}

static void reload_unconfirmed_after_edits_is_taken_back(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us;
	char name[16];
	struct wr_err err = {0};

	wait_for_confirmation(600);
	// Far more than versions are kept.
	for (int i = 0; i < 2 * WR_VERSIONS; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		assert_int_equal(add(name, "198.18.1.22:80"), 0);
		rig_run(SOON);
		assert_int_equal(wr_ctl_edit_remove(rig.c, "web", name, 0, &err), 0);
		rig_run(SOON);
		rl()->version[i % WR_VERSIONS].edits_us = 0; // as if each came long after
	}
	assert_true(rl()->in_force > 2);
	assert_true(rl()->confirm_us != 0);
	rig_run(rl()->confirm_us - rig.t->now + WR_US_PER_S);
	expect_first(idle);
	assert_true(wr_reload_version(rl(), 2)->rolled_back);
}

static void reload_confirmed_after_edits(void **state)
{
	struct wr_err err = {0};

	wait_for_confirmation(10);
	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 3);
	assert_int_equal(wr_reload_confirm(rig.c, 2, &err), 0);
	assert_int_equal(rig_event(WR_EV_config_confirmed)->extra, 2);
	assert_null(rl()->good.text);
	rig_run(20 * WR_US_PER_S);
	assert_int_equal(rl()->in_force, 3);
}

static void reload_unconfirmed_after_a_signal_is_taken_back(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us;

	wait_for_confirmation(10);
	wr_ctl_ask_reload(rig.c); // of a file that says the same
	rig_run(SOON);
	assert_true(rl()->confirm_us != 0);
	rig_run(11 * WR_US_PER_S);
	expect_first(idle);
}

// A text that would need a restart: it parses, and is refused.
static void spoil(char **text, size_t *len)
{
	struct wr_conf *c = file_edit();

	c->runtime.max_sessions++;
	c->services[0].idle_us += WR_US_PER_S;
	free(*text);
	assert_int_equal(wr_version_text(c, text, len), 0);
	wr_conf_free(c);
}

static void reload_unconfirmed_outlives_a_refused_rollback(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us, until;
	struct wr_err err = {0};

	wait_for_confirmation(10);
	until = rl()->confirm_us;
	for (uint32_t i = 0; i < WR_VERSIONS; i++)
		if (rl()->version[i].id == 1)
			spoil(&rl()->version[i].text, &rl()->version[i].len);
	assert_true(wr_reload_back(rig.c, 1, "x", &err) < 0);
	assert_int_equal(rl()->confirm_us, until);
	assert_int_equal(rl()->failed, 1);
	rig_run(11 * WR_US_PER_S);
	expect_first(idle); // of its own text
}

static void reload_is_taken_back_when_it_can_be(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us;
	struct wr_reload_good good;

	wait_for_confirmation(2);
	good = rl()->good;
	rl()->good.text = NULL;
	spoil(&rl()->good.text, &rl()->good.len);
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(rl()->in_force, 2);
	assert_true(rl()->confirm_us != 0);
	assert_int_equal(rl()->failed, 1); // told once
	assert_int_equal(rig_event_count(WR_EV_config_refused), 1);
	free(rl()->good.text);
	rl()->good = good;
	rig_run(2 * WR_US_PER_S);
	expect_first(idle);
	assert_int_equal(rl()->failed, 1);
}

static void reload_ends_what_waited_before(void **state)
{
	wait_for_confirmation(10);
	file_says_idle(30 * WR_US_PER_S);
	reload_must(1, 0);
	rig_run(SOON);
	assert_int_equal(rl()->confirm_us, 0);
	assert_non_null(strstr(rig_event(WR_EV_operator)->text, "2, which nobody had confirmed"));
	rig_run(20 * WR_US_PER_S);
	assert_int_equal(rl()->in_force, 3);
}

// What nobody confirmed is nothing to go back to.
static void reload_unconfirmed_twice_is_taken_back_to_the_first(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us;

	wait_for_confirmation(10);
	file_says_idle(30 * WR_US_PER_S);
	reload_must(1, 10);
	rig_run(SOON);
	assert_int_equal(rl()->confirm_id, 3);
	rig_run(11 * WR_US_PER_S);
	expect_first(idle);
}

static void reload_rolled_back_by_order_waits_no_more(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us;
	struct wr_err err = {0};

	wait_for_confirmation(10);
	assert_int_equal(wr_reload_back(rig.c, 1, "x", &err), 1);
	rig_run(20 * WR_US_PER_S);
	expect_first(idle);
	assert_int_equal(rl()->in_force, 3);
}

// What was edited since is left: the version itself is what somebody chose.
static void reload_rolled_back_to_what_waits(void **state)
{
	struct wr_err err = {0};

	wait_for_confirmation(600);
	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 3);
	assert_int_equal(wr_reload_back(rig.c, 2, "x", &err), 1);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 4);
	assert_false(wr_reload_version(rl(), 2)->rolled_back);
	assert_true(wr_reload_version(rl(), 3)->rolled_back);
	assert_int_equal(rl()->confirm_us, 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, file_setup, file_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reload_unconfirmed_is_taken_back),
		TEST(reload_confirmed_stays),
		TEST(reload_unconfirmed_after_edits_is_taken_back),
		TEST(reload_confirmed_after_edits),
		TEST(reload_unconfirmed_after_a_signal_is_taken_back),
		TEST(reload_unconfirmed_outlives_a_refused_rollback),
		TEST(reload_is_taken_back_when_it_can_be),
		TEST(reload_ends_what_waited_before),
		TEST(reload_unconfirmed_twice_is_taken_back_to_the_first),
		TEST(reload_rolled_back_by_order_waits_no_more),
		TEST(reload_rolled_back_to_what_waits),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

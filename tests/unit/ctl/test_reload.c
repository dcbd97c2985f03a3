/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload_test.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "wr_log.h"

static void reload_of_a_file(void **state)
{
	struct tri_conn *c = tri_connect(rig.t, &(struct tri_want){.up = 100, .hold = true});

	rig_run(SOON);
	assert_int_equal(rl()->in_force, 1);
	file_says_backend("b2", "198.18.1.22:80");
	reload_must(1, 0);
	assert_non_null(rl()->change);
	rig_run(SOON);
	assert_null(rl()->change);
	assert_int_equal(rl()->in_force, 2);
	assert_int_equal(rl()->done, 1);
	assert_int_equal(rl()->confirm_us, 0);
	assert_ptr_equal(wr_ctl_conf(rig.c), wr_fabric_conf(rig.t->f));
	assert_true(wr_backends_find(rig.t->backends, "web/b2") >= 0);
	assert_int_equal(rig_event_count(WR_EV_config_loaded), 1);
	assert_int_equal(rig_event(WR_EV_config_loaded)->extra, 2);
	assert_int_equal(rig_event(WR_EV_config_loaded)->count, 1);
	assert_false(c->closed);
	// Again, and the one in between is freed.
	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 3);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, 20 * WR_US_PER_S);
	assert_false(c->closed);
}

static void reload_without_a_difference(void **state)
{
	reload_must(0, 0);
	reload_must(0, 30);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 1);
	assert_int_equal(rl()->confirm_us, 0);
	assert_int_equal(rig_event_count(WR_EV_config_loaded), 0);
}

static void reload_of_a_bad_file_is_refused(void **state)
{
	struct wr_conf *c;

	file_write("", 0);
	expect_refused("line feed");
	file_write("runtime: {name: x}", 18);
	expect_refused("line feed");
	file_write("\x01\x02garbage: [\n", 12);
	expect_refused(file_path);
	file_write("nonsense: 3\n", 12);
	expect_refused("nonsense");
	unlink(file_path);
	expect_refused("cannot be read");
	assert_int_equal(mkdir(file_path, 0700), 0);
	expect_refused("regular file");
	assert_int_equal(rmdir(file_path), 0);
	assert_int_equal(mkfifo(file_path, 0600), 0); // nobody writes to it
	expect_refused("regular file");
	assert_int_equal(unlink(file_path), 0);
	file_write("x\n", 2);
	assert_int_equal(truncate(file_path, (16 << 20) + 1), 0);
	expect_refused("16 MiB");
	c = file_edit();
	c->runtime.max_sessions++;
	file_says(c);
	expect_refused("max_sessions");
	c = file_edit();
	c->ports[0].mtu = 1400;
	file_says(c);
	expect_refused("mtu");
	// Mended, it is taken.
	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
}

// Cut anywhere, as if it were read while it is being written.
static void reload_of_half_a_file_is_refused(void **state)
{
	char text[16384];
	FILE *in = fopen(file_path, "r");
	size_t len = fread(text, 1, sizeof(text), in);

	fclose(in);
	assert_in_range(len, 100, sizeof(text) - 1);
	for (size_t cut = 1; cut < len; cut += 37) {
		struct wr_err err = {0};

		if (text[cut - 1] == '\n')
			continue;
		file_write(text, cut);
		assert_true(wr_reload_file(rig.c, "test", 0, &err) < 0);
		assert_non_null(strstr(err.text, "line feed"));
	}
	assert_int_equal(rl()->in_force, 1);
}

static void reload_while_another_is_under_way(void **state)
{
	struct wr_err err = {0};

	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 0);
	reload_must(-EBUSY, 0);
	assert_int_equal(wr_reload_back(rig.c, 1, "x", &err), -EBUSY);
	assert_int_equal(rl()->failed, 0); // it was not looked at
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
}

static void reload_while_stopping(void **state)
{
	file_says_idle(20 * WR_US_PER_S);
	wr_ctl_begin_stop(rig.c, rig.t->now);
	reload_must(-EBUSY, 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 1);
}

static void reload_by_signal_while_stopping_is_told(void **state)
{
	int err = dup(STDERR_FILENO), p[2];
	char text[2048] = "";

	wr_ctl_begin_stop(rig.c, rig.t->now);
	assert_int_equal(pipe2(p, O_NONBLOCK), 0);
	dup2(p[1], STDERR_FILENO);
	wr_log_set_level(WR_LOG_INFO);
	wr_ctl_ask_reload(rig.c);
	wr_ctl_turn(rig.c, rig.t->now);
	wr_log_set_level(WR_LOG_ERROR - 1);
	dup2(err, STDERR_FILENO);
	assert_true(read(p[0], text, sizeof(text) - 1) > 0);
	if (strstr(text, "SIGHUP") == NULL || strstr(text, "stopping") == NULL)
		fail_msg("%s", text);
	close(err);
	close(p[0]);
	close(p[1]);
	rig_run(SOON); // the worker reads what it was sent
}

static void reload_waits_for_a_full_mailbox(void **state)
{
	struct wr_worker *w = rig.t->f->worker[0];
	struct wr_msg nothing = {.kind = UINT32_MAX};

	file_says_idle(20 * WR_US_PER_S);
	while (wr_worker_post(w, &nothing) == 0)
		;
	reload_must(1, 0);
	for (int i = 0; i < 5; i++)
		wr_ctl_turn(rig.c, rig.t->now);
	assert_non_null(rl()->change);
	assert_int_equal(rl()->in_force, 1);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
}

static void reload_by_signal(void **state)
{
	file_says_idle(20 * WR_US_PER_S);
	wr_ctl_ask_reload(rig.c);
	assert_int_equal(rl()->in_force, 1);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_non_null(strstr(wr_reload_version(rl(), 2)->from, "SIGHUP"));
	unlink(file_path);
	wr_ctl_ask_reload(rig.c);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	assert_int_equal(rig_event_count(WR_EV_config_refused), 1);
}

// --- back ---------------------------------------------------------------------------------------

static void reload_back(void **state)
{
	struct wr_err err = {0};

	assert_int_equal(wr_reload_back(rig.c, 0, "x", &err), -ENOENT); // there is none before
	assert_int_equal(wr_reload_back(rig.c, 7, "x", &err), -ENOENT);
	assert_int_equal(wr_reload_back(rig.c, 1, "x", &err), 0); // in force
	for (uint32_t i = 2; i <= 4; i++) {
		file_says_idle(i * 10 * WR_US_PER_S);
		reload_must(1, 0);
		rig_run(SOON);
	}
	assert_int_equal(rl()->in_force, 4);
	assert_int_equal(wr_reload_back(rig.c, 2, "too long", &err), 1);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 5);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, 20 * WR_US_PER_S);
	assert_true(wr_reload_version(rl(), 4)->rolled_back);
	assert_string_equal(rig_event(WR_EV_config_rolled_back)->text, "too long");
	assert_int_equal(rig_event(WR_EV_config_rolled_back)->extra, 2);
	// The one before, by number 0.
	assert_int_equal(wr_reload_back(rig.c, 0, "x", &err), 1);
	rig_run(SOON);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, 40 * WR_US_PER_S);
	// The file is not written: a reload brings what it says, which is the same here.
	reload_must(0, 0);
}

static void reload_history_is_bounded(void **state)
{
	struct wr_err err = {0};

	for (uint32_t i = 2; i <= 20; i++) {
		file_says_idle(i * WR_US_PER_S);
		reload_must(1, 0);
		rig_run(SOON);
	}
	assert_int_equal(rl()->in_force, 20);
	assert_null(wr_reload_version(rl(), 4));
	assert_non_null(wr_reload_version(rl(), 5));
	assert_int_equal(wr_reload_back(rig.c, 4, "x", &err), -ENOENT);
	assert_int_equal(wr_reload_back(rig.c, 5, "x", &err), 1);
	rig_run(SOON);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, 5 * WR_US_PER_S);
}

static void reload_forgets_orders_of_who_is_gone(void **state)
{
	struct wr_conf *c = file_edit();

	wr_ctl_order_refuse(rig.c, 0, 3);
	wr_ctl_order_level(rig.c, 0, 2);
	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 0);
	rig_run(SOON);
	assert_int_equal(rig.c->orders.refuse[0], 3); // the same service
	// Another name, and then one more that gets the slot which the first one had.
	for (int round = 0; round < 3; round++) {
		snprintf(c->services[0].name, sizeof(c->services[0].name), "s%d", round);
		file_says(wr_conf_copy(c));
		reload_must(1, 0);
		rig_run(SOON);
	}
	assert_string_equal(wr_ctl_conf(rig.c)->services[0].name, "s2");
	wr_conf_free(c);
	assert_int_equal(rig.c->orders.refuse[0], WR_CLASSES);
	assert_int_equal(rig.c->orders.level[0], 0);
}

static void reload_preview_says_what_would_change(void **state)
{
	char line[4][WR_CONF_DIFF_LEN];
	struct wr_err err = {0};
	struct wr_conf *c;

	assert_int_equal(wr_reload_preview(rig.c, line, 4, &err), 0);
	file_says_idle(20 * WR_US_PER_S);
	assert_int_equal(wr_reload_preview(rig.c, line, 4, &err), 1);
	assert_non_null(strstr(line[0], "services[web].timeouts.idle"));
	assert_int_equal(rl()->in_force, 1);
	c = file_edit();
	c->runtime.max_sessions++;
	file_says(c);
	assert_int_equal(wr_reload_preview(rig.c, line, 4, &err), -EBUSY);
	unlink(file_path);
	assert_int_equal(wr_reload_preview(rig.c, line, 4, &err), -EINVAL);
	assert_int_equal(rl()->failed, 0);
}

static void reload_sweeps_what_has_left(void **state)
{
	struct wr_err err = {0};
	uint32_t done;

	assert_int_equal(wr_ctl_edit_remove(rig.c, "web", "b1", 0, &err), 0);
	rig_run(SOON);
	assert_int_equal(rl()->in_force, 2);
	rig_run(5 * WR_US_PER_S);
	assert_null(tri_backend(rig.t, 1)); // its slot is free, without anybody asking
	for (uint32_t i = 0; i < wr_ctl_conf(rig.c)->pools[0].backend_count; i++)
		assert_int_equal(wr_ctl_conf(rig.c)->pools[0].backends[i].slot, WR_CONF_LIVE);
	assert_int_equal(rl()->in_force, 2); // and without a version or an event of its own
	assert_int_equal(rig_event_count(WR_EV_config_loaded), 1);
	// Once: with nothing left to sweep no worker is asked again.
	done = rl()->done;
	rig_run(5 * WR_US_PER_S);
	assert_int_equal(rl()->done, done);
}

// The end of an instance in the midst of it: workers have it, control was not there to end it.
static void reload_ends_under_way(void **state)
{
	file_says_idle(20 * WR_US_PER_S);
	reload_must(1, 5);
	tri_settle(rig.t);
	assert_int_equal(add("b2", "198.18.1.22:80"), 0);
	assert_non_null(rl()->change);
	assert_non_null(rl()->edited);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, file_setup, file_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reload_of_a_file),
		TEST(reload_without_a_difference),
		TEST(reload_of_a_bad_file_is_refused),
		TEST(reload_of_half_a_file_is_refused),
		TEST(reload_while_another_is_under_way),
		TEST(reload_while_stopping),
		TEST(reload_by_signal_while_stopping_is_told),
		TEST(reload_waits_for_a_full_mailbox),
		TEST(reload_by_signal),
		TEST(reload_back),
		TEST(reload_history_is_bounded),
		TEST(reload_forgets_orders_of_who_is_gone),
		TEST(reload_preview_says_what_would_change),
		TEST(reload_sweeps_what_has_left),
		TEST(reload_ends_under_way),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

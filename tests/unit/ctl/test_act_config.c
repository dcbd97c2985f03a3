/* SPDX-License-Identifier: BSD-3-Clause */
#include "reload_test.h"

#include <fcntl.h>
#include <sys/stat.h>

// A reload waits for workers and for control: both run while it is asked.
static void everybody(void *arg)
{
	rig_run(WR_US_PER_MS);
}

static json_t *ask(const char *request)
{
	return rig_ask_pumping(request, everybody, NULL);
}

// The first row of an order that was carried out; the caller releases *top.
static json_t *done(const char *request, const char *verb, json_t **top)
{
	json_t *row;

	*top = ask(request);
	row = rig_row(*top, 0);
	if (json_object_get(row, "done") == NULL)
		fail_msg("%s: %s", request, rig_raw());
	assert_string_equal(rig_str(row, "verb"), verb);
	return row;
}

static void fails(const char *request, const char *part_of_error, const char *part_of_remedy)
{
	json_t *top = ask(request);

	assert_int_equal(rig_rows(top), 1);
	if (strstr(rig_str(rig_row(top, 0), "error"), part_of_error) == NULL ||
		strstr(rig_str(rig_row(top, 0), "remedy"), part_of_remedy) == NULL)
		fail_msg("%s: %s", request, rig_raw());
	json_decref(top);
}

static void config_reload(void **state)
{
	json_t *top, *row;

	file_says_backend("b2", "198.18.1.22:80");
	row = done("/weir/config/reload,reload=now", "reload", &top);
	assert_string_equal(rig_str(row, "done"), "in force");
	assert_int_equal(rig_uint(row, "id"), 2);
	assert_int_equal(rig_uint(row, "changes"), 1);
	assert_null(json_object_get(row, "confirm_within_s"));
	assert_int_equal(rig_rows(top), 2);
	assert_non_null(strstr(rig_str(rig_row(top, 1), "change"), "b2"));
	json_decref(top);
	assert_int_equal(rig.c->reload->in_force, 2);
	assert_non_null(strstr(wr_reload_version(rig.c->reload, 2)->from, "operator"));
	row = done("/weir/config/reload,reload=now", "reload", &top);
	assert_non_null(strstr(rig_str(row, "done"), "nothing differs"));
	assert_int_equal(rig_uint(row, "id"), 2);
	assert_int_equal(rig_uint(row, "changes"), 0);
	assert_int_equal(rig_rows(top), 1);
	json_decref(top);
}

static void config_reload_refused(void **state)
{
	file_write("nonsense: 3\n", 12);
	fails("/weir/config/reload,reload=now", "nonsense", "the running one goes on");
	unlink(file_path);
	fails("/weir/config/reload,reload=now", "cannot be read", "mend it");
	fails("/weir/config/reload,reload=0", "'0' is neither", "86400");
	fails("/weir/config/reload,reload=86401", "nothing was done", "SECONDS");
	fails("/weir/config/reload,reload=soon", "nothing was done", "reload=now");
	fails("/weir/config/reload,reload=", "nothing was done", "reload=now");
	fails("/weir/config/reload,reload=-1", "nothing was done", "reload=now");
	assert_int_equal(rig.c->reload->failed, 2);
	assert_int_equal(rig.c->reload->in_force, 1);
}

static void config_reload_to_confirm(void **state)
{
	json_t *top, *row;

	file_says_idle(20 * WR_US_PER_S);
	row = done("/weir/config/reload,reload=60", "reload", &top);
	assert_in_range(rig_uint(row, "confirm_within_s"), 58, 60);
	json_decref(top);
	row = rig_row(top = ask("/weir/config/history"), 0);
	assert_string_equal(rig_str(row, "state"), "to be confirmed");
	assert_in_range(rig_uint(row, "confirm_within_s"), 50, 60);
	json_decref(top);
	fails("/weir/config/confirm,confirm=1", "2 waits for its confirmation, not 1", "history");
	fails("/weir/config/confirm,confirm=x", "is no number", "confirm=ID");
	row = done("/weir/config/confirm,confirm=2", "confirm", &top);
	assert_int_equal(rig_uint(row, "id"), 2);
	json_decref(top);
	fails("/weir/config/confirm,confirm=2", "waits for no confirmation", "history");
	rig_run(70 * WR_US_PER_S);
	assert_int_equal(rig.c->reload->in_force, 2);
}

static void config_reload_not_confirmed(void **state)
{
	json_t *top, *row;

	file_says_idle(20 * WR_US_PER_S);
	done("/weir/config/reload,reload=5", "reload", &top);
	json_decref(top);
	rig_run(7 * WR_US_PER_S);
	top = ask("/weir/config/history");
	assert_int_equal(rig_rows(top), 3);
	row = rig_row(top, 0);
	assert_int_equal(rig_uint(row, "id"), 3);
	assert_string_equal(rig_str(row, "state"), "in force");
	assert_non_null(strstr(rig_str(row, "from"), "nobody confirmed"));
	assert_string_equal(rig_str(rig_row(top, 1), "state"), "rolled back");
	assert_string_equal(rig_str(rig_row(top, 2), "state"), "replaced");
	assert_string_equal(rig_str(rig_row(top, 0), "sum"), rig_str(rig_row(top, 2), "sum"));
	assert_string_not_equal(rig_str(rig_row(top, 0), "sum"), rig_str(rig_row(top, 1), "sum"));
	json_decref(top);
}

static void config_rollback(void **state)
{
	wr_us_t idle = wr_ctl_conf(rig.c)->services[0].idle_us;
	json_t *top, *row;

	fails("/weir/config/rollback,rollback=previous", "is not kept", "mend it");
	fails("/weir/config/rollback,rollback=0", "nothing was done", "rollback=ID");
	fails("/weir/config/rollback,rollback=x", "nothing was done", "rollback=previous");
	fails("/weir/config/rollback,rollback=99", "99 is not kept", "");
	file_says_idle(20 * WR_US_PER_S);
	done("/weir/config/reload,reload=now", "reload", &top);
	json_decref(top);
	row = done("/weir/config/rollback,rollback=previous", "rollback", &top);
	assert_int_equal(rig_uint(row, "id"), 3);
	assert_int_equal(rig_uint(row, "changes"), 1);
	json_decref(top);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, idle);
	row = done("/weir/config/rollback,rollback=1", "rollback", &top);
	assert_non_null(strstr(rig_str(row, "done"), "nothing differs"));
	json_decref(top);
	row = done("/weir/config/rollback,rollback=2", "rollback", &top);
	assert_int_equal(rig_uint(row, "id"), 4);
	json_decref(top);
	assert_int_equal(wr_ctl_conf(rig.c)->services[0].idle_us, 20 * WR_US_PER_S);
}

static void config_history(void **state)
{
	json_t *top = ask("/weir/config/history"), *row = rig_row(top, 0);

	assert_int_equal(rig_rows(top), 1);
	assert_int_equal(rig_uint(row, "id"), 1);
	assert_int_equal(rig_uint(row, "changes"), 0);
	assert_string_equal(rig_str(row, "state"), "in force");
	assert_int_equal(strlen(rig_str(row, "sum")), 16);
	assert_int_equal(strlen(rig_str(row, "at")), strlen("2026-01-01T00:00:00Z"));
	json_decref(top);
	for (uint32_t i = 0; i < 20; i++) {
		file_says_idle((10 + i) * WR_US_PER_S);
		done("/weir/config/reload,reload=now", "reload", &top);
		json_decref(top);
	}
	top = ask("/weir/config/history");
	assert_int_equal(rig_uint(rig_page(top), "total"), WR_VERSIONS);
	assert_int_equal(rig_uint(rig_row(top, 0), "id"), 21);
	json_decref(top);
}

static void config_diff(void **state)
{
	json_t *top;

	file_says_idle(20 * WR_US_PER_S);
	top = ask("/weir/config/diff,0,file=1");
	assert_int_equal(rig_rows(top), 1);
	assert_non_null(strstr(rig_str(rig_row(top, 0), "change"), "timeouts.idle"));
	json_decref(top);
	assert_int_equal(rig.c->reload->in_force, 1);
	top = ask("/weir/config/diff"); // of the one in force: the first
	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
	done("/weir/config/reload,reload=now", "reload", &top);
	json_decref(top);
	top = ask("/weir/config/diff,0,id=2");
	assert_int_equal(rig_rows(top), 1);
	assert_non_null(strstr(rig_str(rig_row(top, 0), "change"), "-> 20s"));
	json_decref(top);
	top = ask("/weir/config/diff,0,file=1"); // nothing would change now
	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
	fails("/weir/config/diff,0,id=9", "configuration 9 is not kept", "history");
	fails("/weir/config/diff,0,id=x", "id", "");
	fails("/weir/config/diff,0,file=2", "file", "");
	fails("/weir/config/diff,0,name=2", "unknown parameter 'name'", "id");
	file_write("nonsense: 3\n", 12);
	fails("/weir/config/diff,0,file=1", "nonsense", "the running configuration goes on");
	assert_int_equal(rig.c->reload->failed, 0); // it only asked
}

static void diff_must_say(const char *part)
{
	json_t *top = ask("/weir/config/diff,0,file=1");

	if (strstr(rig_str(rig_row(top, 0), "change"), part) == NULL)
		fail_msg("%s: %s", part, rig_raw());
	json_decref(top);
}

// Who only reads has the file parsed once a second; another file is another answer at once.
static void config_diff_of_the_file_is_kept(void **state)
{
	struct timespec at[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};

	file_says_idle(20 * WR_US_PER_S);
	assert_int_equal(utimensat(AT_FDCWD, file_path, at, 0), 0);
	diff_must_say("-> 20s");
	file_says_idle(30 * WR_US_PER_S);
	assert_int_equal(utimensat(AT_FDCWD, file_path, at, 0), 0);
	diff_must_say("-> 20s"); // it looks the same
	rig_run(WR_US_PER_S);
	diff_must_say("-> 30s");
	at[1].tv_sec++;
	file_says_idle(40 * WR_US_PER_S);
	assert_int_equal(utimensat(AT_FDCWD, file_path, at, 0), 0);
	diff_must_say("-> 40s");
}

// What waits is told of the version that waits, whatever was edited since.
static void config_history_of_what_waits(void **state)
{
	struct wr_err err = {0};
	json_t *top, *row;

	file_says_idle(20 * WR_US_PER_S);
	done("/weir/config/reload,reload=60", "reload", &top);
	json_decref(top);
	assert_int_equal(wr_ctl_edit_limit(rig.c, "web", NULL, 7, &err), 0);
	rig_run(WR_US_PER_S);
	top = ask("/weir/config/history");
	assert_string_equal(rig_str(rig_row(top, 0), "state"), "in force");
	assert_null(json_object_get(rig_row(top, 0), "confirm_within_s"));
	row = rig_row(top, 1);
	assert_int_equal(rig_uint(row, "id"), 2);
	assert_string_equal(rig_str(row, "state"), "to be confirmed");
	assert_in_range(rig_uint(row, "confirm_within_s"), 40, 60);
	json_decref(top);
	done("/weir/config/confirm,confirm=2", "confirm", &top);
	json_decref(top);
}

// A worker that does not answer: the reload goes on, and who asked is told so.
static void only_control(void *arg)
{
	wr_ctl_turn(rig.c, rig.t->now);
}

static void config_reload_that_takes_long(void **state)
{
	json_t *top;

	rig.c->answer_ms = 50;
	file_says_idle(20 * WR_US_PER_S);
	top = rig_ask_pumping("/weir/config/reload,reload=now", only_control, NULL);
	assert_non_null(strstr(rig_str(rig_row(top, 0), "error"), "it goes on"));
	json_decref(top);
	fails("/weir/config/reload,reload=0", "nothing was done", "reload=now");
	assert_int_equal(rig.c->reload->in_force, 2);
}

static int setup(void **state)
{
	file_setup(state);
	rig.c->answer_ms = 5000; // a machine may be slow
	return 0;
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, file_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(config_reload),
		TEST(config_reload_refused),
		TEST(config_reload_to_confirm),
		TEST(config_reload_not_confirmed),
		TEST(config_rollback),
		TEST(config_history),
		TEST(config_diff),
		TEST(config_diff_of_the_file_is_kept),
		TEST(config_history_of_what_waits),
		TEST(config_reload_that_takes_long),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

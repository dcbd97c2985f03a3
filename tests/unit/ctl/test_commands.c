/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void commands_every_reading_one_answers_in_shape(void **state)
{
	static const char *const paths[] = {"status", "services", "pools", "backends", "latency",
		"conns", "queues", "pressure", "drops", "counters", "ledger", "workers", "ports",
		"events", "neighbours", "config", "admission", "recorder", "access", "limits",
		"clients", "log"};

	rig_run(50 * WR_US_PER_MS);
	for (size_t i = 0; i < RTE_DIM(paths); i++) {
		char request[64];
		json_t *top;

		snprintf(request, sizeof(request), "/weir/%s", paths[i]);
		top = rig_ask(request);
		rig_uint(rig_page(top), "next");
		rig_uint(rig_page(top), "total");
		for (unsigned int k = 0; k < rig_rows(top); k++)
			assert_null(json_object_get(rig_row(top, k), "error"));
		json_decref(top);
		// And refuses what it does not know.
		snprintf(request, sizeof(request), "/weir/%s,0,nonsense=1", paths[i]);
		rig_expect_error(request, "unknown parameter 'nonsense'", "cursor");
	}
}

static void commands_cursor_past_the_end(void **state)
{
	json_t *top = rig_ask("/weir/backends,1000");

	assert_int_equal(rig_rows(top), 0);
	assert_int_equal(rig_uint(rig_page(top), "total"), 2);
	assert_int_equal(rig_uint(rig_page(top), "next"), 0);
	json_decref(top);
}

static void commands_acting_needs_a_verb(void **state)
{
	rig_expect_error("/weir/backend", "unknown verb", "verbs in front");
	rig_expect_error("/weir/backend,web/b0",
		"drain=, enable=, disable=, weight=, limit=, add=, remove=", "verbs");
	rig_expect_error("/weir/backend,stalled=1", "unknown verb in 'stalled=1'", "verbs");
	rig_expect_error("/weir/backend,drain", "unknown verb", "verbs");
	rig_expect_error("/weir/backend,drains=web/b0", "unknown verb", "verbs");
	rig_expect_error("/weir/backend,x", "force_drain=", "verbs");
	rig_expect_error("/weir/conn,drain=web/b0", "/weir/conn takes kill=", "verbs");
	assert_int_equal(rig_event_count(WR_EV_backend_admin), 0);
}

// One path that reads and acts: only what begins with a verb acts.
static void commands_reading_and_acting_on_one_path(void **state)
{
	json_t *top = rig_ask("/weir/access,0,service=web");

	assert_int_equal(rig_rows(top), 0);
	json_decref(top);
	rig_expect_error("/weir/access,deny", "neither a cursor in front nor key=value", "cursor");
	rig_expect_error(
		"/weir/access,service=web,deny=198.18.5.0/24", "unknown parameter", "service");
	rig_expect_error("/weir/admission,levels=web,2", "unknown parameter 'levels'", "worker");
	assert_int_equal(rig_event_count(WR_EV_operator), 0);
	assert_int_equal(wr_access_count(rig.c->shared->access), 0);
}

#define KEY "0123456789abcdef0123456789abcdef"

// Whoever may read the key's file may act; everybody may look.
static void commands_acting_needs_the_key(void **state)
{
	struct wr_conf *conf = (struct wr_conf *)(uintptr_t)rig.c->conf;
	json_t *top;

	snprintf(conf->runtime.act_group, sizeof(conf->runtime.act_group), "weirops");
	rig_expect_error("/weir/backend,drain=web/b0", "none was given", "group weirops");
	rig_expect_error("/weir/backend,drain=web/b0,key=" KEY, "is not it", "group weirops");
	wr_ctl_set_key(rig.c, KEY);
	rig_expect_error("/weir/backend,drain=web/b0", "none was given", "key file");
	rig_expect_error("/weir/backend,drain=web/b0,key=", "none was given", "key file");
	rig_expect_error("/weir/backend,drain=web/b0,key=" KEY "0", "is not it", "key file");
	rig_expect_error("/weir/conn,kill=0.5,key=1" KEY, "is not it", "key file");
	rig_expect_error("/weir/access,deny=198.18.5.0/24,all,60", "none was given", "key file");
	assert_int_equal(tri_backend(rig.t, 0)->admin, WR_ADMIN_ENABLED);
	assert_int_equal(wr_access_count(rig.c->shared->access), 0);
	rig_expect_done("/weir/backend,drain=web/b0,key=" KEY, "drain", "web/b0", "drained");
	rig_expect_error("/weir/conn,kill=0.5,key=" KEY, "no connection 0.5", "/weir/conns");
	rig_expect_done(
		"/weir/access,deny=198.18.5.0/24,all,60,key=" KEY, "deny", "198.18.5.0/24", "deny");
	top = rig_ask("/weir/backends");
	assert_int_equal(rig_rows(top), 2);
	json_decref(top);
	top = rig_ask("/weir/access");
	assert_int_equal(rig_rows(top), 1);
	json_decref(top);
}

// It is in no reply and no event, whatever is asked with it.
static void commands_key_is_never_shown(void **state)
{
	static const char *const requests[] = {"/weir/backend,drain=web/b9,key=" KEY,
		"/weir/backend,nonsense,key=" KEY, "/weir/backend,limit=web,key=" KEY,
		"/weir/access,denied=x,key=" KEY, "/weir/backend,drain=web/b0,key=" KEY,
		"/weir/status,key=" KEY, "/weir/conn,kill=key=,key=" KEY};

	wr_ctl_set_key(rig.c, KEY);
	for (size_t i = 0; i < RTE_DIM(requests); i++) {
		json_decref(rig_ask(requests[i]));
		assert_null(strstr(rig_raw(), "0123456789abcdef"));
	}
	json_decref(rig_ask("/weir/events"));
	assert_null(strstr(rig_raw(), "0123456789abcdef"));
}

static void commands_key_that_is_none(void **state)
{
	wr_ctl_set_key(rig.c, "short");
	assert_string_equal(rig.c->act_key, "");
	wr_ctl_set_key(rig.c, "0123456789ABCDEF0123456789ABCDEG");
	assert_string_equal(rig.c->act_key, "");
}

static void commands_config_verbs(void **state)
{
	json_t *top = rig_ask("/weir/config,show");

	assert_true(rig_rows(top) > 10);
	assert_string_equal(rig_str(rig_row(top, 0), "text"), "runtime:");
	json_decref(top);
	rig_expect_error("/weir/config,reload=x", "unknown verb", "show");
}

static void commands_second_control_side_is_refused(void **state)
{
	struct wr_err err = {0};

	assert_null(wr_ctl_create(rig.t->f, &err));
	assert_non_null(strstr(err.text, "control side already"));
}

static void commands_after_the_end_say_so(void **state)
{
	struct wr_err err = {0};

	wr_ctl_destroy(rig.c);
	rig_expect_error("/weir/status", "stopping or not started", "again");
	rig.c = wr_ctl_create(rig.t->f, &err);
	assert_non_null(rig.c);
}

static void commands_unknown_path(void **state)
{
	json_t *top = rig_ask("/weir/nonsense");

	assert_true(json_is_null(rig_page(top)));
	json_decref(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			commands_every_reading_one_answers_in_shape, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			commands_cursor_past_the_end, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			commands_acting_needs_a_verb, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			commands_reading_and_acting_on_one_path, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			commands_acting_needs_the_key, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			commands_key_is_never_shown, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(commands_key_that_is_none, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(commands_config_verbs, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			commands_second_control_side_is_refused, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			commands_after_the_end_say_so, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(commands_unknown_path, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#define CHECKS                                                                                     \
	"    health: {type: tcp, interval: 1s, timeout: 500ms, rise: 2, fall: 3}\n"                \
	"    breaker: {enabled: no}\n"

static int setup_reset(void **state)
{
	rig_begin(&(struct tri_config){
		.seed = 1, .workers = 2, .pool = "    on_down: reset\n" CHECKS});
	return 0;
}

static int setup_drain(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .pool = "    on_down: drain\n" CHECKS});
	return 0;
}

static struct wr_backend_check *check_of(uint32_t backend)
{
	return &tri_backend(rig.t, backend)->check[WR_CHECK_SLOT_HEALTH];
}

static void checks_living_backends_stay_up(void **state)
{
	rig_run(10 * WR_US_PER_S);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(tri_backend(rig.t, i)->health, WR_HEALTH_UP);
		assert_true(check_of(i)->known);
		assert_int_equal(check_of(i)->last.err, 0);
		assert_in_range(rig.c->watch[i].checks, 7, 12);
		assert_int_equal(rig.c->watch[i].checks_failed, 0);
	}
	// About one an interval.
	assert_in_range(tri_ctr(rig.t, WR_CTR_probes_sent), 2 * 8, 2 * 12);
	assert_int_equal(rig_event_count(WR_EV_backend_up), 0);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 0);
}

static void checks_refusing_backend_goes_down_and_up(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);

	rig_run(2 * WR_US_PER_S);
	tri_listen(rig.t, 0, false);
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(be->health, WR_HEALTH_DOWN);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 1);
	assert_int_equal(rig_event(WR_EV_backend_down)->scope, be->id);
	assert_int_equal(rig_event(WR_EV_backend_down)->worker, UINT16_MAX);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 1);
	assert_true(rig.c->watch[0].checks_failed >= 3);
	tri_listen(rig.t, 0, true);
	rig_run(5 * WR_US_PER_S);
	assert_int_equal(be->health, WR_HEALTH_UP);
	assert_int_equal(rig_event_count(WR_EV_backend_up), 1);
	assert_int_equal(tri_backend(rig.t, 1)->transitions, 0);
	assert_int_equal(rig.c->watch[1].checks_failed, 0);
}

static void checks_dead_backend_times_out(void **state)
{
	rig_run(2 * WR_US_PER_S);
	rig.t->peer[1].dead = true;
	rig_run(8 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 1);
	assert_int_equal(check_of(0)->last.err, ETIMEDOUT);
}

static struct tri_conn *session_on(uint32_t backend)
{
	for (int i = 0; i < 64; i++) {
		struct tri_conn *c = tri_connect(rig.t, &(struct tri_want){.hold = true});

		TRI_WAIT(rig.t, tri_other(rig.t, c) != NULL, TRI_S);
		if (tri_other(rig.t, c)->peer == 1 + backend)
			return c;
	}
	fail_msg("no session came to backend %u", backend);
	return NULL;
}

static void checks_down_resets_sessions_where_told(void **state)
{
	struct tri_conn *c = session_on(0), *other = session_on(1);

	tri_listen(rig.t, 0, false);
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 1);
	assert_true(c->closed);
	assert_int_equal(c->end, WR_TCP_END_RESET);
	assert_false(other->closed);
	assert_int_equal(rig.c->watch[0].kill, 0);
	assert_false(rig.c->kills_owed);
}

static void checks_down_leaves_sessions_where_told(void **state)
{
	struct tri_conn *c = session_on(0);

	tri_listen(rig.t, 0, false);
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 1);
	assert_false(c->closed);
}

// A worker whose mailbox is full is told later.
static void checks_kill_is_owed(void **state)
{
	const struct wr_msg filler = {.kind = WR_MSG_KILL_BACKEND, .a = UINT16_MAX};
	struct tri_conn *c = session_on(0);

	rig_run(10 * WR_US_PER_MS);
	for (uint16_t w = 0; w < 2; w++)
		while (wr_worker_post(wr_fabric_worker(rig.t->f, w), &filler) == 0)
			;
	rig.c->watch[0].kill = 3;
	rig.c->kills_owed = true;
	wr_ctl_turn(rig.c, rig.t->now);
	assert_int_equal(rig.c->watch[0].kill, 3);
	assert_true(rig.c->kills_owed);
	rig_run(WR_US_PER_S);
	assert_int_equal(rig.c->watch[0].kill, 0);
	assert_false(rig.c->kills_owed);
	assert_true(c->closed);
}

// Who came to a backend while a worker was not told yet stays: it was back by then.
static void checks_kill_that_is_owed_spares_later_sessions(void **state)
{
	struct tri_conn *early = session_on(0), *late;

	rig_run(10 * WR_US_PER_MS);
	rig.c->watch[0].kill_us = rig.t->now;
	rig_run(10 * WR_US_PER_MS);
	late = session_on(0);
	rig.c->watch[0].kill = 3;
	rig.c->kills_owed = true;
	rig_run(WR_US_PER_S);
	assert_int_equal(rig.c->watch[0].kill, 0);
	assert_true(early->closed);
	assert_false(late->closed);
}

// That a worker does not run any more says nothing about its backends.
static void checks_stuck_worker_is_no_verdict(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);
	wr_us_t now = rig.t->now;
	wr_us_t end = now + 15 * WR_US_PER_S;

	for (; now < end; now += 5 * WR_US_PER_MS)
		wr_ctl_turn(rig.c, now);
	assert_int_equal(be->health, WR_HEALTH_UP);
	assert_int_equal(check_of(0)->last.err, ENOBUFS);
	assert_int_equal(rig.c->watch[0].checks_failed, 0);
	rig.t->now = now;
	rig_run(WR_US_PER_S);
}

// A full mailbox is nobody's failure: the check waits.
static void checks_full_mailbox_is_no_failure(void **state)
{
	const struct wr_msg filler = {.kind = WR_MSG_KILL_BACKEND, .a = UINT16_MAX};
	wr_us_t now = rig.t->now;

	for (uint16_t w = 0; w < 2; w++)
		while (wr_worker_post(wr_fabric_worker(rig.t->f, w), &filler) == 0)
			;
	for (wr_us_t end = now + 10 * WR_US_PER_S; now < end; now += 5 * WR_US_PER_MS)
		wr_ctl_turn(rig.c, now);
	assert_int_equal(tri_backend(rig.t, 0)->health, WR_HEALTH_UP);
	assert_false(check_of(0)->known);
	rig.t->now = now;
	rig_run(3 * WR_US_PER_S);
	assert_true(check_of(0)->known);
}

static void checks_none_asks_nobody(void **state)
{
	rig_run(5 * WR_US_PER_S);
	assert_int_equal(tri_ctr(rig.t, WR_CTR_probes_sent), 0);
	assert_int_equal(tri_backend(rig.t, 0)->health, WR_HEALTH_UNCHECKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			checks_living_backends_stay_up, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			checks_refusing_backend_goes_down_and_up, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			checks_dead_backend_times_out, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			checks_down_resets_sessions_where_told, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			checks_down_leaves_sessions_where_told, setup_drain, rig_teardown),
		cmocka_unit_test_setup_teardown(checks_kill_is_owed, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			checks_kill_that_is_owed_spares_later_sessions, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			checks_stuck_worker_is_no_verdict, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			checks_full_mailbox_is_no_failure, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(checks_none_asks_nobody, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

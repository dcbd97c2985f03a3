/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#define CHECKS "    health: {type: tcp, interval: 1s, timeout: 500ms, rise: 2, fall: 3}\n"

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

static void health_living_backends_stay_up(void **state)
{
	rig_run(10 * WR_US_PER_S);
	for (uint32_t i = 0; i < 2; i++) {
		struct wr_backend *be = tri_backend(rig.t, i);

		assert_int_equal(be->health, WR_HEALTH_UP);
		assert_true(be->checked);
		assert_int_equal(be->last_probe_err, 0);
		assert_true(rig.t->now - be->last_probe_us <= 1200 * WR_US_PER_MS);
	}
	// One an interval, which jitter only makes longer, by a tenth at most.
	assert_in_range(tri_ctr(rig.t, WR_CTR_probes_sent), 2 * 9, 2 * 11);
	assert_int_equal(rig_event_count(WR_EV_backend_probe), 0);
	assert_int_equal(rig_event_count(WR_EV_backend_up), 0);
}

static void health_refusing_backend_goes_down_and_up(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);

	rig_run(2 * WR_US_PER_S);
	tri_listen(rig.t, 0, false);
	rig_run(5 * WR_US_PER_S);
	assert_int_equal(be->health, WR_HEALTH_DOWN);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 1);
	assert_int_equal(rig_event(WR_EV_backend_down)->scope, be->id);
	assert_int_equal(rig_event(WR_EV_backend_down)->extra, ECONNREFUSED);
	// The first failure is told, its repetition is not.
	assert_int_equal(rig_event_count(WR_EV_backend_probe), 1);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 1);
	tri_listen(rig.t, 0, true);
	rig_run(4 * WR_US_PER_S);
	assert_int_equal(be->health, WR_HEALTH_UP);
	assert_int_equal(rig_event_count(WR_EV_backend_up), 1);
	assert_int_equal(tri_backend(rig.t, 1)->transitions, 0);
}

static void health_dead_backend_times_out(void **state)
{
	rig_run(2 * WR_US_PER_S);
	rig.t->peer[1].dead = true;
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 1);
	assert_int_equal(rig_event(WR_EV_backend_down)->extra, ETIMEDOUT);
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

static void health_down_resets_sessions_where_told(void **state)
{
	struct tri_conn *c = session_on(0), *other = session_on(1);

	tri_listen(rig.t, 0, false);
	rig_run(5 * WR_US_PER_S);
	assert_true(rig_event(WR_EV_backend_down)->count >= 1);
	assert_true(c->closed);
	assert_int_equal(c->end, WR_TCP_END_RESET);
	assert_false(other->closed);
	assert_int_equal(rig.c->probe[0].kill, 0);
}

static void health_down_leaves_sessions_where_told(void **state)
{
	struct tri_conn *c = session_on(0);

	tri_listen(rig.t, 0, false);
	rig_run(5 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_backend_down), 1);
	assert_false(c->closed);
}

// A worker that does not run any more must not keep its backends up.
static void health_stuck_worker_counts_as_failure(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);
	wr_us_t now = rig.t->now;
	wr_us_t end = now + 12 * WR_US_PER_S;

	for (; now < end; now += 5 * WR_US_PER_MS)
		wr_ctl_turn(rig.c, now);
	assert_int_equal(be->health, WR_HEALTH_DOWN);
	assert_int_equal(be->last_probe_err, ETIMEDOUT);
	rig.t->now = now;
	rig_run(WR_US_PER_S);
}

// A full mailbox is nobody's failure: the probe waits.
static void health_full_mailbox_is_no_failure(void **state)
{
	const struct wr_msg filler = {.kind = WR_MSG_KILL_BACKEND, .a = UINT16_MAX};
	wr_us_t now = rig.t->now;

	for (uint16_t w = 0; w < 2; w++)
		while (wr_worker_post(wr_fabric_worker(rig.t->f, w), &filler) == 0)
			;
	for (wr_us_t end = now + 10 * WR_US_PER_S; now < end; now += 5 * WR_US_PER_MS)
		wr_ctl_turn(rig.c, now);
	assert_int_equal(tri_backend(rig.t, 0)->health, WR_HEALTH_UP);
	assert_false(tri_backend(rig.t, 0)->checked);
	rig.t->now = now;
	rig_run(2 * WR_US_PER_S);
	assert_true(tri_backend(rig.t, 0)->checked);
}

static void health_none_asks_nobody(void **state)
{
	rig_run(5 * WR_US_PER_S);
	assert_int_equal(tri_ctr(rig.t, WR_CTR_probes_sent), 0);
	assert_int_equal(tri_backend(rig.t, 0)->health, WR_HEALTH_UNCHECKED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			health_living_backends_stay_up, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			health_refusing_backend_goes_down_and_up, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			health_dead_backend_times_out, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			health_down_resets_sessions_where_told, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			health_down_leaves_sessions_where_told, setup_drain, rig_teardown),
		cmocka_unit_test_setup_teardown(
			health_stuck_worker_counts_as_failure, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(
			health_full_mailbox_is_no_failure, setup_reset, rig_teardown),
		cmocka_unit_test_setup_teardown(health_none_asks_nobody, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

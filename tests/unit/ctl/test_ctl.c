/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_two_workers(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .workers = 2});
	return 0;
}

static void ctl_turn_says_when_to_come_back(void **state)
{
	assert_in_range(wr_ctl_turn(rig.c, rig.t->now), 1, 10 * WR_US_PER_MS);
}

static void ctl_turn_again_at_once_while_events_wait(void **state)
{
	struct wr_event_ring *ring = wr_worker_events(wr_fabric_worker(rig.t->f, 0));
	const struct wr_event ev = {.kind = WR_EV_neigh_failed, .queue = UINT16_MAX};

	for (int i = 0; i < 1000; i++)
		assert_true(wr_event_push(ring, &ev));
	assert_int_equal(wr_ctl_turn(rig.c, rig.t->now), 0);
	assert_true(wr_ctl_turn(rig.c, rig.t->now) > 0);
	assert_int_equal(rig_event_count(WR_EV_neigh_failed), 1000);
}

static void ctl_stop_empty_instance_is_drained(void **state)
{
	assert_false(wr_ctl_drained(rig.c));
	wr_ctl_begin_stop(rig.c, rig.t->now);
	// Not before every worker has said so.
	assert_false(wr_ctl_drained(rig.c));
	rig_run(20 * WR_US_PER_MS);
	(void)wr_ctl_drained(rig.c);
	rig_run(20 * WR_US_PER_MS);
	assert_true(wr_ctl_drained(rig.c));
}

static void ctl_stop_waits_for_sessions_and_refuses_new_ones(void **state)
{
	struct tri_conn *held = tri_connect(rig.t, &(struct tri_want){.hold = true});
	struct tri_conn *late;

	TRI_WAIT(rig.t, tri_other(rig.t, held) != NULL, TRI_S);
	wr_ctl_begin_stop(rig.c, rig.t->now);
	wr_ctl_begin_stop(rig.c, rig.t->now);
	rig_run(100 * WR_US_PER_MS);
	late = tri_connect(rig.t, &(struct tri_want){0});
	TRI_WAIT(rig.t, late->closed, TRI_S);
	assert_int_equal(late->end, WR_TCP_END_REFUSED);
	assert_false(wr_ctl_drained(rig.c));
	rig_run(100 * WR_US_PER_MS);
	assert_false(wr_ctl_drained(rig.c));
	tri_reset(rig.t, held);
	rig_run(100 * WR_US_PER_MS);
	assert_true(wr_ctl_drained(rig.c));
}

static void ctl_stop_is_told_again_when_a_mailbox_was_full(void **state)
{
	const struct wr_msg filler = {.kind = WR_MSG_KILL_BACKEND, .a = UINT16_MAX};

	while (wr_worker_post(wr_fabric_worker(rig.t->f, 1), &filler) == 0)
		;
	wr_ctl_begin_stop(rig.c, rig.t->now);
	assert_int_equal(rig.c->stop_owed, 2);
	rig_run(WR_US_PER_S);
	assert_int_equal(rig.c->stop_owed, 0);
	(void)wr_ctl_drained(rig.c);
	rig_run(20 * WR_US_PER_MS);
	assert_true(wr_ctl_drained(rig.c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			ctl_turn_says_when_to_come_back, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			ctl_turn_again_at_once_while_events_wait, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			ctl_stop_empty_instance_is_drained, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(ctl_stop_waits_for_sessions_and_refuses_new_ones,
			setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(ctl_stop_is_told_again_when_a_mailbox_was_full,
			setup_two_workers, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

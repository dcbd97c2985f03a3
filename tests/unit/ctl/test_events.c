/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_two_workers(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .workers = 2});
	return 0;
}

static void events_collect_from_every_worker(void **state)
{
	uint64_t before = rig.c->history.next_id;

	for (uint16_t w = 0; w < 2; w++) {
		const struct wr_event ev = {
			.kind = WR_EV_neigh_failed, .worker = w, .queue = UINT16_MAX, .at_us = 77};

		assert_true(wr_event_push(wr_worker_events(wr_fabric_worker(rig.t->f, w)), &ev));
	}
	wr_ctl_turn(rig.c, rig.t->now);
	assert_int_equal(rig.c->history.next_id, before + 2);
	for (uint16_t w = 0; w < 2; w++) {
		const struct wr_history_entry *e = wr_history_get(&rig.c->history, before + w);

		assert_int_equal(e->ev.worker, w);
		assert_int_equal(e->ev.at_us, 77);
		assert_int_equal(e->ev.id, before + w);
		assert_true(e->unix_ms > 1600000000000);
	}
}

static void events_of_the_control_thread(void **state)
{
	struct wr_event ev = {.kind = WR_EV_started, .text = "0.1.0"};

	wr_ctl_event(rig.c, &ev);
	assert_int_equal(ev.id, rig.c->history.next_id - 1);
	assert_int_equal(rig_event(WR_EV_started)->worker, UINT16_MAX);
	assert_int_equal(rig_event(WR_EV_started)->at_us, rig.t->now);
}

// A slot may have another backend when somebody reads it.
static void events_keep_the_name_of_then(void **state)
{
	struct wr_event ev = {.kind = WR_EV_backend_up, .scope = 0};
	char name[WR_SCOPE_LEN];

	wr_ctl_event(rig.c, &ev);
	wr_ctl_backend_name(rig.c, 0, name, sizeof(name));
	assert_true(name[0] != '\0');
	assert_string_equal(wr_history_get(&rig.c->history, ev.id)->scope, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			events_collect_from_every_worker, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			events_of_the_control_thread, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			events_keep_the_name_of_then, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

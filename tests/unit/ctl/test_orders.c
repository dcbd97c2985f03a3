/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_two_workers(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4, .workers = 2});
	return 0;
}

static uint8_t level(uint16_t worker)
{
	struct wr_pressure p;

	wr_worker_pressure(wr_fabric_worker(rig.t->f, worker), &p);
	return p.own.level;
}

static void fill_mailbox(uint16_t worker)
{
	const struct wr_msg filler = {.kind = WR_MSG_KILL_BACKEND, .a = UINT16_MAX};

	while (wr_worker_post(wr_fabric_worker(rig.t->f, worker), &filler) == 0)
		;
}

static void orders_reach_every_worker(void **state)
{
	assert_int_equal(wr_ctl_order_level(rig.c, WR_CTL_WORKERS, 3), 0);
	assert_int_equal(wr_ctl_order_refuse(rig.c, 0, 5), 0);
	rig_run(20 * WR_US_PER_MS);
	for (uint16_t w = 0; w < 2; w++) {
		struct wr_worker *worker = wr_fabric_worker(rig.t->f, w);

		assert_int_equal(level(w), 3);
		assert_int_equal(wr_worker_ordered(worker, 0), 5);
		assert_int_equal(wr_worker_ordered(worker, WR_DOOR_WORKER), WR_CLASSES);
	}
	wr_ctl_order_level(rig.c, WR_CTL_WORKERS, -1);
	wr_ctl_order_refuse(rig.c, 0, WR_CLASSES);
	rig_run(5 * WR_US_PER_S);
	assert_int_equal(level(1), 0);
	assert_int_equal(wr_worker_ordered(wr_fabric_worker(rig.t->f, 1), 0), WR_CLASSES);
}

static void orders_full_mailbox_is_told_again(void **state)
{
	fill_mailbox(1);
	assert_int_equal(wr_ctl_order_level(rig.c, WR_CTL_WORKERS, 2), 1);
	assert_int_equal(rig.c->orders.level_owed[WR_CTL_WORKERS], 2);
	assert_true(rig.c->orders.any_owed);
	rig_run(WR_US_PER_S);
	assert_false(rig.c->orders.any_owed);
	assert_int_equal(level(0), 2);
	assert_int_equal(level(1), 2);
}

// Who missed two orders hears only of the newer one.
static void orders_newest_is_the_one_in_force(void **state)
{
	fill_mailbox(1);
	assert_int_equal(wr_ctl_order_refuse(rig.c, WR_CTL_WORKERS, 3), 1);
	assert_int_equal(wr_ctl_order_refuse(rig.c, WR_CTL_WORKERS, 6), 1);
	rig_run(WR_US_PER_S);
	assert_int_equal(wr_worker_ordered(wr_fabric_worker(rig.t->f, 1), WR_DOOR_WORKER), 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			orders_reach_every_worker, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			orders_full_mailbox_is_told_again, setup_two_workers, rig_teardown),
		cmocka_unit_test_setup_teardown(
			orders_newest_is_the_one_in_force, setup_two_workers, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void open_held(struct rig *r, uint32_t sessions)
{
	rig_open(r, 3);
	rig_run(r, 2 * T_S);
	for (uint32_t i = 0; i < sessions; i++)
		wr_backends_hold(r->b, i % T_WORKERS, 0);
}

static void drain_ends_with_last_session(void **state)
{
	struct rig r;

	open_held(&r, 2);
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, 0, r.now), 0);
	rig_run(&r, 30 * T_MS);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_DRAINING);
	rig_run(&r, 100 * T_S);
	assert_int_equal(r.told[WR_EV_backend_drained], 0);
	wr_backends_release(r.b, 0, 0);
	wr_backends_release(r.b, 1, 0);
	rig_run(&r, 10 * T_S);
	assert_int_equal(r.told[WR_EV_backend_drained], 1);
	assert_int_equal(r.last[WR_EV_backend_drained].count, 0);
	assert_int_equal(r.kills[0], 0);
	// Another drain is told again.
	wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, 0, r.now);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, 0, r.now);
	rig_run(&r, T_S);
	assert_int_equal(r.told[WR_EV_backend_drained], 2);
	rig_close(&r);
}

static void drain_deadline_resets(void **state)
{
	struct rig r;

	open_held(&r, 3);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, r.now + 5 * T_S, r.now);
	rig_run(&r, 4900 * T_MS);
	assert_int_equal(r.kills[0], 0);
	rig_run(&r, 200 * T_MS);
	assert_int_equal(r.kills[0], 1);
	assert_int_equal(r.told[WR_EV_backend_drained], 1);
	assert_int_equal(r.last[WR_EV_backend_drained].count, 3);
	assert_int_equal(be_of(&r, 0)->drain_until_us, 0);
	for (uint32_t i = 0; i < 3; i++)
		wr_backends_release(r.b, i % T_WORKERS, 0);
	rig_run(&r, 10 * T_S);
	assert_int_equal(r.kills[0], 1);
	assert_int_equal(r.told[WR_EV_backend_drained], 1); // once
	rig_close(&r);
}

static void drain_ended_by_enable(void **state)
{
	struct rig r;

	open_held(&r, 1);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, r.now + 5 * T_S, r.now);
	rig_run(&r, T_S);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, 0, r.now);
	rig_run(&r, 10 * T_S);
	assert_int_equal(r.kills[0], 0);
	assert_int_equal(r.told[WR_EV_backend_drained], 0);
	assert_int_equal(wr_backends_usable(r.b, 0), 3);
	rig_close(&r);
}

// A removed backend's sessions have the pool's time, and an operator may change it.
static void drain_of_what_leaves(void **state)
{
	struct wr_conf *next;
	struct rig r;

	for (int hurry = 0; hurry < 2; hurry++) {
		open_held(&r, 1);
		next = rig_next(&r);
		next->pools[0].backends[0].slot = WR_CONF_LEAVING;
		next->pools[0].drain_us = 20 * T_S;
		rig_adopt(&r, next);
		rig_run(&r, 5 * T_S);
		if (hurry)
			assert_int_equal(wr_backends_set_admin(
						 r.b, 0, WR_ADMIN_DRAINING, r.now + T_S, r.now),
				0);
		assert_int_equal(
			wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, 0, r.now), -ENOENT);
		rig_run(&r, 2 * T_S);
		assert_int_equal(r.kills[0], hurry);
		rig_run(&r, 20 * T_S);
		assert_int_equal(r.kills[0], 1);
		assert_int_equal(r.told[WR_EV_backend_drained], 1);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(drain_ends_with_last_session),
		cmocka_unit_test(drain_deadline_resets),
		cmocka_unit_test(drain_ended_by_enable),
		cmocka_unit_test(drain_of_what_leaves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static int result(struct rig *r, uint16_t id, int err, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(r->b, id);
	int seen = -1, change;

	be->probe_asked++;
	wr_backend_probe_answer(be, be->probe_asked, err);
	change = wr_backends_probe_take(r->b, id, now, &seen);
	assert_int_equal(seen, err);
	assert_int_equal(be->last_probe_err, err);
	return change;
}

// Until its first check passed a backend is one failure away from down.
static void health_first_failure_is_down(void **state)
{
	struct wr_backend *be;
	struct rig r;

	rig_open(&r, T_POOL);
	be = wr_backends_get(r.b, 0);
	assert_int_equal(be->health, WR_HEALTH_UP);
	assert_false(be->checked);
	assert_int_equal(result(&r, 0, ECONNREFUSED, T_S), WR_BACKEND_WENT_DOWN);
	assert_int_equal(be->health, WR_HEALTH_DOWN);
	assert_int_equal(be->state_since_us, T_S);
	assert_int_equal(be->transitions, 1);
	assert_true(be->checked);
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 2);
	rig_close(&r);
}

static void health_fall_and_rise(void **state)
{
	struct rig r;

	rig_open(&r, T_POOL); // rise 2, fall 3
	assert_int_equal(result(&r, 1, 0, 1), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, ETIMEDOUT, 2), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, ETIMEDOUT, 3), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, 0, 4), WR_BACKEND_SAME); // begins anew
	assert_int_equal(result(&r, 1, ETIMEDOUT, 5), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, ECONNREFUSED, 6), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, ETIMEDOUT, 7), WR_BACKEND_WENT_DOWN);
	assert_int_equal(result(&r, 1, ETIMEDOUT, 8), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, 0, 9), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, ETIMEDOUT, 10), WR_BACKEND_SAME); // begins anew
	assert_int_equal(result(&r, 1, 0, 11), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, 0, 12), WR_BACKEND_WENT_UP);
	assert_int_equal(wr_backends_get(r.b, 1)->transitions, 2);
	assert_int_equal(wr_backends_get(r.b, 1)->state_since_us, 12);
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 3);
	// Up by checks: three failures again, no handicap any more.
	assert_int_equal(result(&r, 1, ETIMEDOUT, 13), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, ETIMEDOUT, 14), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 1, ETIMEDOUT, 15), WR_BACKEND_WENT_DOWN);
	rig_close(&r);
}

static void health_no_answer_or_stale(void **state)
{
	struct wr_backend *be;
	struct rig r;
	int err = -1;

	rig_open(&r, T_POOL);
	be = wr_backends_get(r.b, 0);
	assert_int_equal(wr_backends_probe_take(r.b, 0, T_S, &err), -1);
	be->probe_asked = 5;
	assert_int_equal(wr_backends_probe_take(r.b, 0, T_S, &err), -1);
	wr_backend_probe_answer(be, 4, ECONNREFUSED); // to an older question
	assert_int_equal(wr_backends_probe_take(r.b, 0, T_S, &err), -1);
	assert_int_equal(err, -1);
	assert_int_equal(be->health, WR_HEALTH_UP);
	wr_backend_probe_answer(be, 5, 0);
	assert_int_equal(wr_backends_probe_take(r.b, 0, T_S, &err), WR_BACKEND_SAME);
	assert_int_equal(err, 0);
	assert_int_equal(wr_backends_probe_take(r.b, 0, T_S, &err), -1); // taken once
	rig_close(&r);
}

// Lack of something of ours is no verdict about the backend.
static void health_own_shortage_is_no_verdict(void **state)
{
	static const int ours[] = {EADDRNOTAVAIL, EADDRINUSE, ENOBUFS, ENOMEM};
	struct rig r;

	rig_open(&r, T_POOL);
	for (size_t i = 0; i < RTE_DIM(ours); i++)
		for (int k = 0; k < 5; k++)
			assert_int_equal(result(&r, 0, ours[i], T_S), WR_BACKEND_SAME);
	assert_int_equal(wr_backends_get(r.b, 0)->health, WR_HEALTH_UP);
	assert_false(wr_backends_get(r.b, 0)->checked);
	assert_int_equal(result(&r, 0, ENETUNREACH, T_S), WR_BACKEND_WENT_DOWN);
	rig_close(&r);
}

static void health_down_and_draining(void **state)
{
	struct rig r;

	rig_open(&r, T_POOL);
	assert_int_equal(result(&r, 0, ETIMEDOUT, 1), WR_BACKEND_WENT_DOWN);
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, 2), 0);
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, 3), 0);
	// Enabling does not make it healthy.
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 2);
	assert_string_equal(wr_backend_state_name(wr_backends_get(r.b, 0)), "down");
	assert_int_equal(result(&r, 0, 0, 4), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 0, 0, 5), WR_BACKEND_WENT_UP);
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 3);
	rig_close(&r);
}

static void health_all_down(void **state)
{
	struct rig r;

	rig_open(&r, T_POOL);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(result(&r, i, EHOSTUNREACH, 1), WR_BACKEND_WENT_DOWN);
	assert_int_equal(wr_backends_pick(r.b, 0, 42, NULL, 0), WR_MAGLEV_NONE);
	assert_int_equal(result(&r, 2, 0, 2), WR_BACKEND_SAME);
	assert_int_equal(result(&r, 2, 0, 3), WR_BACKEND_WENT_UP);
	assert_int_equal(wr_backends_pick(r.b, 0, 42, NULL, 0), 2);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(health_first_failure_is_down),
		cmocka_unit_test(health_fall_and_rise),
		cmocka_unit_test(health_no_answer_or_stale),
		cmocka_unit_test(health_own_shortage_is_no_verdict),
		cmocka_unit_test(health_down_and_draining),
		cmocka_unit_test(health_all_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

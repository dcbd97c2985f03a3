/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

// The answer to the next check of a backend, a full second later.
static void result(struct rig *r, uint16_t id, int err)
{
	uint32_t before = be_of(r, id)->check[0].asked;

	r->err[id] = err;
	for (uint32_t i = 0; i < 300 && be_of(r, id)->check[0].asked == before; i++) {
		r->now += 10 * T_MS;
		rig_turn(r);
	}
	assert_int_not_equal(be_of(r, id)->check[0].asked, before);
	assert_int_equal(be_of(r, id)->check[0].last.err, err);
}

// Until its first check passed a backend is one failure away from down.
static void check_first_failure_is_down(void **state)
{
	struct rig r;

	rig_open(&r, 3);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_UP);
	assert_false(be_of(&r, 0)->check[0].known);
	result(&r, 0, ECONNREFUSED);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_DOWN);
	assert_int_equal(be_of(&r, 0)->state_since_us, r.now);
	assert_int_equal(be_of(&r, 0)->transitions, 1);
	assert_true(be_of(&r, 0)->check[0].known);
	assert_int_equal(r.told[WR_EV_backend_down], 1);
	assert_string_equal(r.last[WR_EV_backend_down].text, "HTTP 503 (first check)");
	rig_run(&r, 30 * T_MS);
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 2);
	rig_close(&r);
}

static void check_fall_and_rise(void **state)
{
	static const int errs[] = {0, ETIMEDOUT, ETIMEDOUT, 0, ETIMEDOUT, ECONNREFUSED, ETIMEDOUT,
		ETIMEDOUT, 0, ETIMEDOUT, 0, 0, ETIMEDOUT, ETIMEDOUT, ETIMEDOUT};
	static const bool up[] = {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 0};
	struct rig r;

	rig_open(&r, 3); // rise 2, fall 3
	for (size_t i = 0; i < sizeof(errs) / sizeof(*errs); i++) {
		result(&r, 1, errs[i]);
		assert_int_equal(be_of(&r, 1)->health, up[i] ? WR_HEALTH_UP : WR_HEALTH_DOWN);
	}
	assert_int_equal(be_of(&r, 1)->transitions, 3);
	assert_int_equal(r.told[WR_EV_backend_down], 2);
	assert_int_equal(r.told[WR_EV_backend_up], 1);
	assert_string_equal(r.last[WR_EV_backend_down].text, "HTTP 503 (3 of 3)");
	rig_close(&r);
}

// Lack of something of ours is no verdict about the backend.
static void check_own_shortage_is_no_verdict(void **state)
{
	static const int ours[] = {EADDRNOTAVAIL, EADDRINUSE, ENOBUFS, ENOMEM, ENETUNREACH};
	struct rig r;

	rig_open(&r, 3);
	for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
		for (int k = 0; k < 4; k++)
			result(&r, 0, ours[i]);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_UP);
	assert_int_equal(be_of(&r, 0)->transitions, 0);
	rig_close(&r);
}

static void check_first_ones_are_spread(void **state)
{
	uint32_t early = 0, late = 0, n = 0;
	struct wr_check c;
	struct rig r;

	rig_open(&r, 200);
	for (wr_us_t t = 0; t <= 250 * T_MS; t += T_MS) {
		while (wr_backends_next_check(r.b, r.now + t, &c)) {
			assert_int_equal(c.kind, WR_CHECK_TCP);
			assert_int_equal(c.slot, WR_CHECK_SLOT_HEALTH);
			assert_int_equal(c.timeout_us, T_S);
			assert_int_equal(c.asked, 1);
			early += t < 125 * T_MS;
			late += t >= 125 * T_MS;
			n++;
		}
	}
	assert_int_equal(n, 200);
	assert_in_range(early, 60, 140);
	assert_in_range(late, 60, 140);
	rig_close(&r);
}

static uint32_t asked_in(struct rig *r, uint16_t id, wr_us_t time)
{
	uint32_t before = be_of(r, id)->check[0].asked;

	rig_run(r, time);
	return be_of(r, id)->check[0].asked - before;
}

// Another interval while it is down, and while a streak is counted; all a little shorter at random.
static void check_intervals_by_state(void **state)
{
	struct wr_conf_pool *pc;
	struct rig r;

	pc = rig_conf(&r, 2);
	pc->health_interval_us = 2 * T_S;
	pc->health_interval_down_us = 5 * T_S;
	pc->health_interval_fast_us = 200 * T_MS;
	pc->health_fall = 50;
	rig_start(&r);
	rig_run(&r, 2 * T_S);
	assert_in_range(asked_in(&r, 0, 20 * T_S), 10, 12);
	r.err[0] = ETIMEDOUT;
	rig_run(&r, 2 * T_S);
	assert_in_range(asked_in(&r, 0, 4 * T_S), 19, 25);
	rig_run(&r, 10 * T_S);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_DOWN);
	assert_in_range(asked_in(&r, 0, 50 * T_S), 9, 12);
	rig_close(&r);
}

// An answer that never comes is given up after the time-out and a second, and is no verdict: the
// worker stands still. One to an older question, or that comes late, does not count.
static void check_lost_and_late(void **state)
{
	struct wr_check_answer ok = {.err = 0};
	struct wr_check c;
	struct rig r;

	rig_open(&r, 2);
	r.err[0] = -1;
	rig_run(&r, 260 * T_MS); // asked now
	assert_true(be_of(&r, 0)->check[0].out);
	c.asked = be_of(&r, 0)->check[0].asked;
	wr_backend_check_answer(be_of(&r, 0), 0, c.asked - 1, &ok);
	rig_run(&r, 1700 * T_MS);
	assert_false(be_of(&r, 0)->check[0].known);
	rig_run(&r, 300 * T_MS);
	assert_true(be_of(&r, 0)->check[0].known);
	assert_int_equal(be_of(&r, 0)->check[0].last.err, ENOBUFS);
	wr_backend_check_answer(be_of(&r, 0), 0, c.asked, &ok);
	rig_run(&r, 100 * T_MS);
	assert_int_equal(be_of(&r, 0)->check[0].last.err, ENOBUFS);
	rig_run(&r, 10 * T_S); // it is asked again and again
	assert_in_range(be_of(&r, 0)->check[0].asked, c.asked + 3, c.asked + 14);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_UP);
	r.err[0] = ECONNREFUSED;
	rig_run(&r, 4 * T_S);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_DOWN);
	rig_close(&r);
}

static void check_unsent_is_asked_again_soon(void **state)
{
	struct wr_check c, again;
	struct rig r;

	rig_open(&r, 1);
	r.now += 300 * T_MS;
	wr_backends_turn(r.b, r.now);
	r.now += 300 * T_MS;
	assert_true(wr_backends_next_check(r.b, r.now, &c));
	assert_false(wr_backends_next_check(r.b, r.now, &again));
	wr_backends_check_unsent(r.b, &c, r.now);
	assert_false(be_of(&r, 0)->check[0].out);
	assert_false(wr_backends_next_check(r.b, r.now, &again));
	r.now += 10 * T_MS;
	assert_true(wr_backends_next_check(r.b, r.now, &again));
	assert_int_not_equal(again.asked, c.asked);
	wr_backends_check_unsent(r.b, &c, r.now); // an older one: nothing
	assert_true(be_of(&r, 0)->check[0].out);
	rig_close(&r);
}

// What is disabled is not asked; enabled again, a failure is enough until it passed.
static void check_disabled_is_not_asked(void **state)
{
	struct rig r;

	rig_open(&r, 3);
	rig_run(&r, 3 * T_S);
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_DISABLED, 0, r.now), 0);
	assert_int_equal(asked_in(&r, 0, 5 * T_S), 0);
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, 0, r.now), 0);
	r.err[0] = ECONNREFUSED;
	rig_run(&r, 300 * T_MS);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_DOWN);
	// Enabling does not make it healthy, and draining ones are asked.
	wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, 0, r.now);
	r.err[0] = 0;
	rig_run(&r, 3 * T_S);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_UP);
	rig_close(&r);
}

static void check_none_configured(void **state)
{
	struct wr_conf_pool *pc;
	struct rig r;

	pc = rig_conf(&r, 2);
	pc->health = WR_CONF_HEALTH_NONE;
	rig_start(&r);
	assert_int_equal(asked_in(&r, 0, 5 * T_S), 0);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_UNCHECKED);
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_NOCHECK);
	rig_close(&r);
}

static void check_down_resets_sessions_if_told(void **state)
{
	struct rig r;

	for (int reset = 0; reset < 2; reset++) {
		rig_conf(&r, 3)->on_down = reset ? WR_CONF_ON_DOWN_RESET : WR_CONF_ON_DOWN_DRAIN;
		rig_start(&r);
		wr_backends_hold(r.b, 1, 2);
		r.err[2] = ECONNREFUSED;
		rig_run(&r, 4 * T_S);
		assert_int_equal(r.kills[2], reset);
		assert_int_equal(r.last[WR_EV_backend_down].count, 1);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_first_failure_is_down),
		cmocka_unit_test(check_fall_and_rise),
		cmocka_unit_test(check_own_shortage_is_no_verdict),
		cmocka_unit_test(check_first_ones_are_spread),
		cmocka_unit_test(check_intervals_by_state),
		cmocka_unit_test(check_lost_and_late),
		cmocka_unit_test(check_unsent_is_asked_again_soon),
		cmocka_unit_test(check_disabled_is_not_asked),
		cmocka_unit_test(check_none_configured),
		cmocka_unit_test(check_down_resets_sessions_if_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

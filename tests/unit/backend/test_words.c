/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void assert_is(
	struct rig *r, uint16_t id, enum wr_backend_state st, const char *word, const char *part)
{
	struct wr_backend *be = be_of(r, id);
	char buf[256];

	assert_int_equal(wr_backend_state(be), st);
	assert_int_equal(be->state, st);
	assert_string_equal(wr_backend_state_word(st), word);
	wr_backend_words(r->b, be, r->now, buf, sizeof(buf));
	if (strstr(buf, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, buf);
}

static void assert_times_add_up(struct rig *r, uint16_t id, wr_us_t age)
{
	wr_us_t sum = 0;

	for (uint32_t st = 0; st < WR_BACKEND_STATES; st++)
		sum += wr_backend_time_in(be_of(r, id), (enum wr_backend_state)st, r->now);
	assert_int_equal(sum, age);
}

static void words_of_each_state(void **state)
{
	struct wr_conf *next;
	wr_us_t start;
	struct rig r;

	rig_open(&r, 5);
	start = r.now;
	rig_run(&r, 2 * T_S);
	assert_is(&r, 0, WR_BACKEND_UP, "up", "b1 is up since 2 s: HTTP 200");
	r.err[0] = EPROTO;
	rig_run(&r, 2 * T_S);
	assert_is(&r, 0, WR_BACKEND_UP, "up", "of 3)");
	rig_run(&r, 8 * T_S);
	assert_is(&r, 0, WR_BACKEND_DOWN, "down", ": HTTP 503 (3 of 3)");
	r.err[0] = 0;
	rig_run(&r, 4 * T_S);
	assert_is(&r, 0, WR_BACKEND_SLOW_START, "slow_start", "% of its share");
	rig_fail_connects(&r, 1, 5);
	rig_run(&r, T_S);
	assert_is(&r, 1, WR_BACKEND_OPEN, "open", "5 connect failures in a row; tried again in");
	r.err[1] = -1;
	rig_run(&r, 4900 * T_MS);
	assert_is(&r, 1, WR_BACKEND_HALF_OPEN, "half_open", "a check decides");
	wr_backends_set_admin(r.b, 1, WR_ADMIN_DISABLED, 0, r.now);
	assert_is(&r, 1, WR_BACKEND_DISABLED, "disabled", "b2 is disabled since 0 ms");
	wr_backends_hold(r.b, 0, 2);
	wr_backends_set_admin(r.b, 2, WR_ADMIN_DRAINING, r.now + 30 * T_S, r.now);
	assert_is(&r, 2, WR_BACKEND_DRAINING, "drain", "1 sessions left, reset in 30 s");
	next = rig_next(&r);
	next->pools[0].backends[3].slot = WR_CONF_LEAVING;
	rig_adopt(&r, next);
	rig_run(&r, T_S);
	assert_is(&r, 3, WR_BACKEND_LEAVING, "leaving", "0 sessions left");
	for (uint16_t i = 0; i < 5; i++)
		assert_times_add_up(&r, i, r.now - start);
	assert_int_equal(wr_backend_time_in(be_of(&r, 3), WR_BACKEND_LEAVING, r.now), T_S);
	rig_close(&r);
}

static void words_unchecked(void **state)
{
	struct rig r;

	rig_conf(&r, 1)->health = WR_CONF_HEALTH_NONE;
	rig_start(&r);
	rig_run(&r, 700 * T_S);
	assert_is(&r, 0, WR_BACKEND_NOCHECK, "unchecked", "b1 is not checked since 11 min");
	assert_times_add_up(&r, 0, 700 * T_S);
	rig_close(&r);
}

// The first that applies, from the top.
static void words_state_by_rank(void **state)
{
	struct wr_backend be = {.slow_since_us = 1, .health = WR_HEALTH_UP};

	assert_int_equal(wr_backend_state(&be), WR_BACKEND_SLOW_START);
	be.breaker = WR_BREAKER_HALF_OPEN;
	assert_int_equal(wr_backend_state(&be), WR_BACKEND_HALF_OPEN);
	be.breaker = WR_BREAKER_OPEN;
	assert_int_equal(wr_backend_state(&be), WR_BACKEND_OPEN);
	be.agent_down = true;
	assert_int_equal(wr_backend_state(&be), WR_BACKEND_DOWN);
	be.agent_drain = true;
	assert_int_equal(wr_backend_state(&be), WR_BACKEND_DRAINING);
	be.admin = WR_ADMIN_DISABLED;
	assert_int_equal(wr_backend_state(&be), WR_BACKEND_DISABLED);
	be.slot = WR_CONF_LEAVING;
	assert_int_equal(wr_backend_state(&be), WR_BACKEND_LEAVING);
	assert_string_equal(wr_backend_state_word(WR_BACKEND_STATES), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_each_state),
		cmocka_unit_test(words_unchecked),
		cmocka_unit_test(words_state_by_rank),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

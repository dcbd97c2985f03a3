/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static struct wr_backend_counters *seen_by(struct rig *r, uint16_t id, uint16_t worker)
{
	return wr_backend_counters(be_of(r, id), worker);
}

static void ready(struct rig *r, uint32_t n)
{
	rig_open(r, n);
	rig_run(r, 3 * T_S);
	memset(r->told, 0, sizeof(r->told));
}

static void breaker_opens_for_failures_in_a_row(void **state)
{
	struct rig r;

	ready(&r, 3);
	seen_by(&r, 0, 0)->connect_refused += 2;
	rig_run(&r, 20 * T_MS);
	seen_by(&r, 0, 1)->connect_timeout += 1;
	seen_by(&r, 0, 1)->connect_unreachable += 1;
	rig_run(&r, 20 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	seen_by(&r, 0, 0)->resets_early++;
	rig_run(&r, 50 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	assert_int_equal(be_of(&r, 0)->ejections, 1);
	assert_string_equal(be_of(&r, 0)->breaker_why, "5 failures in a row");
	assert_int_equal(r.told[WR_EV_breaker_open], 1);
	assert_int_equal(r.last[WR_EV_breaker_open].scope, 0);
	assert_int_equal(r.last[WR_EV_breaker_open].count, 1);
	assert_in_range(r.last[WR_EV_breaker_open].extra, 4500, 5500);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	rig_close(&r);
}

// Only what proves the contrary ends a row: an answer, or for failed connects an established one.
static void breaker_row_ends_with_success(void **state)
{
	struct rig r;

	ready(&r, 3);
	for (int i = 0; i < 10; i++) {
		seen_by(&r, 0, 0)->connect_refused += 4;
		rig_run(&r, 20 * T_MS);
		seen_by(&r, 0, 0)->sessions_total += 20;
		seen_by(&r, 0, 0)->answered += i % 2;
		rig_run(&r, 20 * T_MS);
	}
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	for (int i = 0; i < 5; i++) { // each is accepted, and reset
		seen_by(&r, 0, 0)->sessions_total++;
		rig_run(&r, 20 * T_MS);
		seen_by(&r, 0, 0)->closes_early++;
		rig_run(&r, 20 * T_MS);
	}
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	assert_string_equal(be_of(&r, 0)->breaker_why, "5 sessions ended before a byte in a row");
	rig_close(&r);
}

static void breaker_never_for_faults_of_ours(void **state)
{
	struct rig r;

	ready(&r, 3);
	seen_by(&r, 0, 0)->connect_failed += 1000;
	seen_by(&r, 0, 0)->resets += 1000; // after an answer: the application's business
	seen_by(&r, 0, 0)->stalled += 1000;
	rig_run(&r, T_S);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	rig_close(&r);
}

static void breaker_opens_for_the_rate(void **state)
{
	struct rig r;

	ready(&r, 3);
	for (int i = 0; i < 12; i++) { // 33 %
		seen_by(&r, 0, 0)->connect_refused += 1;
		seen_by(&r, 0, 0)->sessions_total += 2;
		seen_by(&r, 0, 0)->answered += 2;
		rig_run(&r, 100 * T_MS);
	}
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	for (int i = 0; i < 12; i++) {
		seen_by(&r, 0, 0)->connect_refused += 3;
		seen_by(&r, 0, 0)->sessions_total += 1;
		seen_by(&r, 0, 0)->answered += 1;
		rig_run(&r, 100 * T_MS);
	}
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	assert_non_null(strstr(be_of(&r, 0)->breaker_why, "connections failed in 10 s"));
	rig_close(&r);
}

// Too few in the window, or too long ago.
static void breaker_rate_needs_enough_in_the_window(void **state)
{
	struct rig r;

	ready(&r, 3);
	for (int i = 0; i < 40; i++) {
		seen_by(&r, 0, 0)->connect_refused += 1;
		seen_by(&r, 0, 0)->sessions_total += 1;
		rig_run(&r, 1500 * T_MS); // 14 in 10 s
	}
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	rig_close(&r);
}

static void breaker_opens_for_silence(void **state)
{
	struct rig r;

	ready(&r, 3);
	seen_by(&r, 0, 1)->answered++;
	for (uint16_t w = 0; w < 2; w++) {
		seen_by(&r, 0, w)->last_byte_us = r.now;
		seen_by(&r, 0, w)->unanswered = 2;
		seen_by(&r, 0, w)->unanswered_since_us = r.now;
	}
	rig_run(&r, 5 * T_S);
	seen_by(&r, 0, 1)->last_byte_us = r.now; // somebody still hears it
	rig_run(&r, 9900 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	rig_run(&r, 200 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	assert_string_equal(be_of(&r, 0)->breaker_why, "no byte for 10 s, 4 sessions wait");
	// Back by a check, it has all that time again.
	while (be_of(&r, 0)->breaker != WR_BREAKER_CLOSED)
		rig_run(&r, 10 * T_MS);
	seen_by(&r, 0, 0)->answered++;
	rig_run(&r, 9900 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	rig_run(&r, 200 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	rig_close(&r);
}

// A protocol in which backends never send: neither silence nor the order in which they close tells
// anything. Resets do.
static void breaker_lets_one_way_protocols_be(void **state)
{
	struct rig r;

	ready(&r, 3);
	seen_by(&r, 0, 0)->unanswered = 5;
	seen_by(&r, 0, 0)->unanswered_since_us = r.now;
	for (int i = 0; i < 40; i++) {
		seen_by(&r, 0, 0)->sessions_total++;
		seen_by(&r, 0, 0)->closes_early++;
		rig_run(&r, 500 * T_MS);
	}
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	seen_by(&r, 0, 0)->resets_early += 5;
	rig_run(&r, 20 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	// What it answered before it was taken out does not count when it is back.
	seen_by(&r, 0, 1)->answered++;
	while (be_of(&r, 0)->breaker != WR_BREAKER_CLOSED)
		rig_run(&r, 10 * T_MS);
	rig_run(&r, 20 * T_S);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	seen_by(&r, 0, 1)->answered++;
	rig_run(&r, 20 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	rig_close(&r);
}

// Sessions that wait for something to happen are not reset for it, unless a check fails as well.
static void breaker_silence_resets_by_a_check(void **state)
{
	for (int reset = 0; reset < 2; reset++) {
		struct rig r;

		rig_conf(&r, 3)->on_down = reset ? WR_CONF_ON_DOWN_RESET : WR_CONF_ON_DOWN_DRAIN;
		r.conf->pools[0].health_fall = 1000;
		rig_start(&r);
		rig_run(&r, 3 * T_S);
		for (int fails = 0; fails < 2; fails++) {
			seen_by(&r, 0, 0)->answered++;
			seen_by(&r, 0, 0)->unanswered = 3;
			seen_by(&r, 0, 0)->unanswered_since_us = r.now;
			rig_run(&r, 10100 * T_MS);
			assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
			assert_int_equal(r.kills[0], 0);
			r.err[0] = fails ? ECONNREFUSED : 0;
			rig_run(&r, 13 * T_S);
			assert_int_equal(
				be_of(&r, 0)->breaker, fails ? WR_BREAKER_OPEN : WR_BREAKER_CLOSED);
			assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_UP);
			assert_int_equal(r.kills[0], fails && reset);
		}
		rig_run(&r, 30 * T_S); // once
		assert_int_equal(r.kills[0], reset);
		rig_close(&r);
	}
}

// Opened for failures, what it has goes on.
static void breaker_failures_reset_nothing(void **state)
{
	struct rig r;

	rig_conf(&r, 3)->on_down = WR_CONF_ON_DOWN_RESET;
	r.conf->pools[0].health_fall = 1000;
	rig_start(&r);
	rig_run(&r, 3 * T_S);
	rig_fail_connects(&r, 0, 5);
	r.err[0] = ECONNREFUSED;
	rig_run(&r, 10 * T_S);
	assert_int_equal(be_of(&r, 0)->breaker_opens, 2);
	assert_int_equal(r.kills[0], 0);
	rig_close(&r);
}

static void breaker_too_few_wait_in_silence(void **state)
{
	struct rig r;

	ready(&r, 3);
	seen_by(&r, 0, 0)->answered++;
	seen_by(&r, 0, 0)->unanswered = 2;
	seen_by(&r, 0, 0)->unanswered_since_us = r.now;
	rig_run(&r, 20 * T_S);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	rig_close(&r);
}

// A long poll waits, and now and then others for a moment: that they are enough together, and one
// of them old, is no silence.
static void breaker_silence_needs_enough_all_the_time(void **state)
{
	struct rig r;

	ready(&r, 3);
	seen_by(&r, 0, 0)->answered++;
	seen_by(&r, 0, 0)->unanswered = 1;
	seen_by(&r, 0, 0)->unanswered_since_us = r.now;
	rig_run(&r, 30 * T_S);
	for (int i = 0; i < 2; i++) {
		seen_by(&r, 0, 1)->unanswered_since_us = r.now - 30 * T_S;
		seen_by(&r, 0, 1)->unanswered = 2;
		rig_run(&r, 9900 * T_MS);
		assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
		seen_by(&r, 0, 1)->unanswered = 1; // a client left
		rig_run(&r, 20 * T_MS);
	}
	// Others come and go, but enough are there: it stands still.
	seen_by(&r, 0, 1)->unanswered = 4;
	rig_run(&r, 5 * T_S);
	seen_by(&r, 0, 1)->unanswered = 2;
	rig_run(&r, 4900 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_CLOSED);
	rig_run(&r, 200 * T_MS);
	assert_int_equal(be_of(&r, 0)->breaker, WR_BREAKER_OPEN);
	assert_string_equal(be_of(&r, 0)->breaker_why, "no byte for 10 s, 3 sessions wait");
	rig_close(&r);
}

// A check decides at once when its time is over; a failed one doubles the time.
static void breaker_half_open_and_back_off(void **state)
{
	wr_us_t since, expected = 5 * T_S;
	struct rig r;

	ready(&r, 3);
	be_of(&r, 0)->health = WR_HEALTH_UP;
	rig_fail_connects(&r, 0, 5);
	rig_run(&r, 10 * T_MS);
	r.err[0] = ECONNREFUSED;
	for (uint32_t n = 1; n <= 9; n++) {
		since = r.now;
		assert_int_equal(be_of(&r, 0)->breaker_opens, n);
		while (be_of(&r, 0)->breaker_opens == n)
			rig_run(&r, 10 * T_MS);
		assert_in_range(r.now - since, expected * 9 / 10 - 50 * T_MS,
			expected * 11 / 10 + 50 * T_MS);
		expected = expected * 2 > 300 * T_S ? 300 * T_S : expected * 2;
	}
	assert_int_equal(r.told[WR_EV_breaker_half_open], 9);
	assert_int_equal(r.told[WR_EV_breaker_open], 10);
	r.err[0] = 0;
	while (be_of(&r, 0)->breaker != WR_BREAKER_CLOSED)
		rig_run(&r, 10 * T_MS);
	assert_int_equal(r.told[WR_EV_breaker_closed], 1);
	// Long enough closed, it begins from the start.
	rig_run(&r, 280 * T_S);
	assert_int_equal(be_of(&r, 0)->breaker_opens, 10);
	rig_run(&r, 70 * T_S);
	assert_int_equal(be_of(&r, 0)->breaker_opens, 0);
	rig_close(&r);
}

// Without checks of its own a pool's breaker asks by TCP; faults of ours decide nothing.
static void breaker_half_open_without_checks(void **state)
{
	struct wr_check c;
	struct rig r;

	rig_conf(&r, 3)->health = WR_CONF_HEALTH_NONE;
	rig_start(&r);
	rig_run(&r, T_S);
	rig_fail_connects(&r, 1, 5);
	r.err[1] = ENOBUFS;
	rig_run(&r, 5700 * T_MS);
	assert_int_equal(be_of(&r, 1)->breaker, WR_BREAKER_HALF_OPEN);
	rig_run(&r, 10 * T_S);
	assert_int_equal(be_of(&r, 1)->breaker, WR_BREAKER_HALF_OPEN);
	r.mute = true;
	r.now += 2 * T_S;
	assert_true(wr_backends_next_check(r.b, r.now, &c));
	assert_int_equal(c.backend, 1);
	assert_int_equal(c.kind, WR_CHECK_TCP);
	wr_backend_check_answer(be_of(&r, 1), 0, c.asked, &(struct wr_check_answer){.err = 0});
	rig_run(&r, 50 * T_MS);
	assert_int_equal(be_of(&r, 1)->breaker, WR_BREAKER_CLOSED);
	assert_int_equal(wr_backend_state(be_of(&r, 1)), WR_BACKEND_SLOW_START);
	assert_false(wr_backends_next_check(r.b, r.now + 100 * T_S, &c));
	rig_close(&r);
}

static uint32_t open_ones(struct rig *r)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < wr_backends_count(r->b); i++)
		n += be_of(r, (uint16_t)i)->breaker != WR_BREAKER_CLOSED;
	return n;
}

static void breaker_share_is_capped(void **state)
{
	static const uint32_t size[] = {1, 2, 3, 6, 7, 10}, most[] = {0, 1, 1, 1, 2, 3};
	struct rig r;

	for (size_t k = 0; k < sizeof(size) / sizeof(*size); k++) {
		ready(&r, size[k]);
		for (int t = 0; t < 50; t++) {
			for (uint16_t i = 0; i < size[k]; i++)
				rig_fail_connects(&r, i, 1);
			rig_run(&r, 10 * T_MS);
			assert_in_range(open_ones(&r), 0, most[k]);
		}
		assert_int_equal(open_ones(&r), most[k]);
		assert_int_equal(r.told[WR_EV_breaker_open], most[k]);
		assert_int_equal(r.told[WR_EV_breaker_withheld], size[k] - most[k]);
		rig_close(&r);
	}
}

// The smaller pool of the next configuration has a smaller cap.
static void breaker_cap_follows_the_pool(void **state)
{
	struct wr_conf *next;
	struct rig r;

	ready(&r, 10);
	for (uint16_t i = 0; i < 3; i++)
		rig_fail_connects(&r, i, 5);
	rig_run(&r, 100 * T_MS);
	assert_int_equal(open_ones(&r), 3);
	next = rig_next(&r);
	for (uint32_t i = 4; i < 10; i++)
		next->pools[0].backends[i].slot = WR_CONF_LEAVING;
	rig_adopt(&r, next);
	rig_run(&r, 10 * T_MS);
	assert_int_equal(open_ones(&r), 1);
	next = rig_next(&r);
	next->pools[0].breaker.enabled = false;
	rig_adopt(&r, next);
	rig_run(&r, 10 * T_MS);
	assert_int_equal(open_ones(&r), 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaker_opens_for_failures_in_a_row),
		cmocka_unit_test(breaker_row_ends_with_success),
		cmocka_unit_test(breaker_never_for_faults_of_ours),
		cmocka_unit_test(breaker_opens_for_the_rate),
		cmocka_unit_test(breaker_rate_needs_enough_in_the_window),
		cmocka_unit_test(breaker_opens_for_silence),
		cmocka_unit_test(breaker_lets_one_way_protocols_be),
		cmocka_unit_test(breaker_silence_resets_by_a_check),
		cmocka_unit_test(breaker_failures_reset_nothing),
		cmocka_unit_test(breaker_too_few_wait_in_silence),
		cmocka_unit_test(breaker_silence_needs_enough_all_the_time),
		cmocka_unit_test(breaker_half_open_and_back_off),
		cmocka_unit_test(breaker_half_open_without_checks),
		cmocka_unit_test(breaker_share_is_capped),
		cmocka_unit_test(breaker_cap_follows_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

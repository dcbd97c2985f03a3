/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "words.h"
#include "words_priv.h"

static char buf[WR_WORDS_LEN];

static const char *words(struct wr_event ev, const char *scope)
{
	struct wr_sentence s = {.buf = buf, .len = sizeof(buf)};

	buf[0] = '\0';
	assert_true(wr_words_backend(&s, &ev, scope));
	return buf;
}

static void words_backend_down_has_the_cause(void **state)
{
	struct wr_event ev = {.kind = WR_EV_backend_down, .extra = ECONNREFUSED, .count = 12};

	assert_string_equal(words(ev, "web/b1"),
		"backend web/b1 is down: it failed its checks (Connection refused); it had 12 "
		"sessions");
	snprintf(ev.text, sizeof(ev.text), "HTTP 503");
	assert_non_null(strstr(words(ev, "web/b1"), "(HTTP 503); it had 12"));
}

static void words_backend_checks_and_orders(void **state)
{
	struct wr_event ev = {.kind = WR_EV_backend_probe, .extra = ETIMEDOUT};

	assert_string_equal(
		words(ev, "web/b1"), "backend web/b1 failed a health check: Connection timed out");
	ev.extra = 0;
	assert_string_equal(words(ev, "web/b1"), "backend web/b1 passed a health check");
	ev = (struct wr_event){.kind = WR_EV_backend_agent, .text = "75% up"};
	assert_string_equal(words(ev, "web/b1"), "backend web/b1 was changed by its agent: 75% up");
	ev = (struct wr_event){.kind = WR_EV_backend_drained};
	assert_non_null(strstr(words(ev, "web/b1"), "no session left"));
	ev.count = 3;
	assert_non_null(strstr(words(ev, "web/b1"), "3 sessions were reset"));
}

static void words_backend_breaker(void **state)
{
	struct wr_event ev = {.kind = WR_EV_breaker_open,
		.extra = 5300,
		.count = 2,
		.text = "5 connect failures in a row"};

	assert_string_equal(words(ev, "web/b1"),
		"backend web/b1 takes no sessions for 5.3 s: 5 connect failures in a row; 2 times "
		"in a row now");
	ev.count = 1;
	assert_null(strstr(words(ev, "web/b1"), "times in a row"));
	ev.kind = WR_EV_breaker_half_open;
	assert_non_null(strstr(words(ev, "web/b1"), "tried again"));
	ev.kind = WR_EV_breaker_closed;
	assert_non_null(strstr(words(ev, "web/b1"), "serves again"));
	ev.kind = WR_EV_breaker_withheld;
	assert_non_null(strstr(words(ev, "web/b1"), "too many of its pool are out"));
	ev.kind = WR_EV_slow_start_end;
	assert_non_null(strstr(words(ev, "web/b1"), "whole share"));
}

static void words_backend_pools(void **state)
{
	struct wr_event ev = {.kind = WR_EV_pool_spill, .text = "tier 0 to tier 1, 40 %"};

	assert_string_equal(words(ev, "pool web"),
		"pool web: new sessions go elsewhere: tier 0 to tier 1, 40 %");
	ev.kind = WR_EV_pool_return;
	assert_non_null(strstr(words(ev, "pool web"), "come back"));
	ev.kind = WR_EV_pool_fail_open;
	assert_non_null(strstr(words(ev, "pool web"), "not heeded"));
	ev.kind = WR_EV_pool_fail_open_end;
	assert_non_null(strstr(words(ev, "pool web"), "well again"));
	ev.kind = WR_EV_pool_empty;
	assert_non_null(strstr(words(ev, ""), "a pool: no backend can take sessions"));
	assert_non_null(strstr(words(ev, ""), "weirctl backends"));
}

static void words_backend_configurations(void **state)
{
	struct wr_event ev = {
		.kind = WR_EV_config_loaded, .extra = 7, .count = 2, .text = "SIGHUP"};

	assert_string_equal(words(ev, ""), "configuration 7 is in force, 2 lines differ: SIGHUP");
	ev.kind = WR_EV_config_refused;
	assert_non_null(strstr(words(ev, ""), "the running one goes on: SIGHUP"));
	ev.kind = WR_EV_config_rolled_back;
	assert_non_null(strstr(words(ev, ""), "number 7 is in force again"));
	ev.kind = WR_EV_config_confirmed;
	assert_non_null(strstr(words(ev, ""), "configuration 7 was confirmed"));
}

static void words_backend_leaves_others_alone(void **state)
{
	struct wr_sentence s = {.buf = buf, .len = sizeof(buf)};
	struct wr_event ev = {.kind = WR_EV_started};

	assert_false(wr_words_backend(&s, &ev, ""));
	assert_int_equal(s.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_backend_down_has_the_cause),
		cmocka_unit_test(words_backend_checks_and_orders),
		cmocka_unit_test(words_backend_breaker),
		cmocka_unit_test(words_backend_pools),
		cmocka_unit_test(words_backend_configurations),
		cmocka_unit_test(words_backend_leaves_others_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_stats.h"

#include "words.h"

static char buf[WR_WORDS_LEN];

static const char *words(struct wr_event ev)
{
	return wr_words_event(&ev, "tunnel dc1", buf, sizeof(buf));
}

static void words_of_keys(void **state)
{
	assert_string_equal(words((struct wr_event){.kind = WR_EV_ipsec_keys, .extra = 2}),
		"tunnel dc1 has new keys, number 2: what arrives may use them");
	assert_string_equal(words((struct wr_event){.kind = WR_EV_ipsec_switched,
				    .extra = 2,
				    .text = "the far side sends with them"}),
		"tunnel dc1 sends with keys 2 from now on: the far side sends with them");
	assert_string_equal(words((struct wr_event){.kind = WR_EV_ipsec_retired, .extra = 1}),
		"tunnel dc1 does not accept keys 1 any more");
	assert_string_equal(
		words((struct wr_event){.kind = WR_EV_ipsec_keys_refused, .text = "no"}),
		"new keys of tunnel dc1 are refused, it goes on with those it has: no");
}

static void words_of_life(void **state)
{
	assert_string_equal(words((struct wr_event){
				    .kind = WR_EV_ipsec_ending, .extra = 1, .text = "60 s left"}),
		"keys 1 of tunnel dc1 are near the end of their life and there are no new ones: 60 "
		"s left; weirctl ipsec --rekey");
	assert_string_equal(words((struct wr_event){.kind = WR_EV_ipsec_closed, .text = "time"}),
		"tunnel dc1 is closed, nothing is sent in clear: time; weirctl ipsec --rekey");
	assert_string_equal(words((struct wr_event){.kind = WR_EV_ipsec_open, .extra = 3}),
		"tunnel dc1 is open, with keys 3");
}

static void words_of_refusals(void **state)
{
	const struct wr_event ev = {
		.kind = WR_EV_ipsec_refused, .count = 7, .reason = WR_DROP_ipsec_replay};

	assert_non_null(strstr(words(ev), "7 packets that arrived through tunnel dc1"));
	assert_non_null(strstr(words(ev), "ipsec_replay: "));
	assert_int_equal(wr_words_level(&ev), WR_LOG_WARN);
	assert_int_equal(
		wr_words_level(&(struct wr_event){.kind = WR_EV_ipsec_closed}), WR_LOG_ERROR);
	wr_words_event(&ev, "", buf, sizeof(buf));
	assert_non_null(strstr(buf, "through a tunnel"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_of_keys),
		cmocka_unit_test(words_of_life),
		cmocka_unit_test(words_of_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

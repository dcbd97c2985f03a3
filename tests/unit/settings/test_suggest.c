/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_suggest.h"

static void suggest_distance_known(void **state)
{
	assert_int_equal(wr_settings_suggest_distance("", ""), 0);
	assert_int_equal(wr_settings_suggest_distance("", "abc"), 3);
	assert_int_equal(wr_settings_suggest_distance("abc", ""), 3);
	assert_int_equal(wr_settings_suggest_distance("listen", "listen"), 0);
	assert_int_equal(wr_settings_suggest_distance("liten", "listen"), 1);
	assert_int_equal(wr_settings_suggest_distance("lisetn", "listen"), 1);
	assert_int_equal(wr_settings_suggest_distance("kitten", "sitting"), 3);
}

static void suggest_distance_long(void **state)
{
	char a[300], b[300];

	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	a[299] = b[299] = 0;
	assert_int_equal(wr_settings_suggest_distance(a, b), 63);
	assert_int_equal(wr_settings_suggest_distance(a, a), 0);
}

static void suggest_add_takes_nearest(void **state)
{
	struct wr_settings_suggest s;

	wr_settings_suggest_init(&s, "timeout");
	wr_settings_suggest_add(&s, "listen");
	assert_null(s.best);
	wr_settings_suggest_add(&s, "time");
	wr_settings_suggest_add(&s, "timeouts");
	wr_settings_suggest_add(&s, "timeoutss");
	assert_string_equal(s.best, "timeouts");
}

static void suggest_add_refuses_far(void **state)
{
	struct wr_settings_suggest s;

	wr_settings_suggest_init(&s, "xy");
	wr_settings_suggest_add(&s, "pool");
	wr_settings_suggest_add(&s, "ab");
	assert_null(s.best);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(suggest_distance_known),
		cmocka_unit_test(suggest_distance_long),
		cmocka_unit_test(suggest_add_takes_nearest),
		cmocka_unit_test(suggest_add_refuses_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_err.h"

#include <errno.h>

static void err_set_returns_negative_code(void **state)
{
	struct wr_err err = {""};

	assert_int_equal(wr_err_set(&err, EINVAL, "line %d is wrong", 7), -EINVAL);
	assert_string_equal(err.text, "line 7 is wrong");
}

static void err_set_first_wins(void **state)
{
	struct wr_err err = {""};

	wr_err_set(&err, EINVAL, "cause");
	assert_int_equal(wr_err_set(&err, ENOMEM, "consequence"), -ENOMEM);
	assert_string_equal(err.text, "cause");
}

static void err_set_null(void **state)
{
	assert_int_equal(wr_err_set(NULL, ENOMEM, "%s", "text"), -ENOMEM);
	wr_err_prefix(NULL, "x");
}

static void err_set_too_long(void **state)
{
	struct wr_err err = {""};
	char text[1000];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	wr_err_set(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	assert_string_equal(err.text + sizeof(err.text) - 4, "...");
}

static void err_set_just_fits(void **state)
{
	struct wr_err err = {""};
	char text[sizeof(err.text)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	wr_err_set(&err, EINVAL, "%s", text);
	assert_string_equal(err.text, text);
}

static void err_prefix_adds_where(void **state)
{
	struct wr_err err = {""};

	wr_err_set(&err, EINVAL, "weight 0 is too small");
	wr_err_prefix(&err, "pool %s", "web");
	wr_err_prefix(&err, "weir.yaml:%d", 12);
	assert_string_equal(err.text, "weir.yaml:12: pool web: weight 0 is too small");
}

static void err_prefix_nothing_set(void **state)
{
	struct wr_err err = {""};

	wr_err_prefix(&err, "pool web");
	assert_string_equal(err.text, "");
}

static void err_prefix_too_long(void **state)
{
	struct wr_err err = {""};
	char text[sizeof(err.text)];

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	wr_err_set(&err, EINVAL, "%s", text);
	wr_err_prefix(&err, "pool");
	assert_memory_equal(err.text, "pool: xxx", 9);
	assert_string_equal(err.text + sizeof(err.text) - 5, "x...");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_set_returns_negative_code),
		cmocka_unit_test(err_set_first_wins),
		cmocka_unit_test(err_set_null),
		cmocka_unit_test(err_set_too_long),
		cmocka_unit_test(err_set_just_fits),
		cmocka_unit_test(err_prefix_adds_where),
		cmocka_unit_test(err_prefix_nothing_set),
		cmocka_unit_test(err_prefix_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

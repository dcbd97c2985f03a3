/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void marks_lookup(void **state)
{
	struct wr_settings_input in = {.file = "t.yaml", .text = "fast: no\nname: x\n" TOY_SHELVES};
	struct wr_settings_marks marks = {0};
	struct toy *t = calloc(1, sizeof(*t));
	struct wr_err err = {{0}};
	char *set[] = {"bytes=64"};

	in.len = strlen(in.text);
	in.set = set;
	in.set_count = 1;
	assert_int_equal(wr_settings_parse(&toy_table, &in, t, &marks, &err), 0);
	assert_int_equal(wr_settings_marks_line(&marks, t->name, 99), 2);
	assert_int_equal(wr_settings_marks_line(&marks, &t->rate, 99), 99);
	assert_int_equal(wr_settings_marks_line(&marks, &t->bytes, 99), 0);
	assert_true(wr_settings_given(&marks, &t->bytes));
	assert_false(wr_settings_given(&marks, &t->rate));
	wr_settings_marks_fini(&marks);
	assert_int_equal(wr_settings_marks_line(&marks, t->name, 7), 7);
	toy_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_lookup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

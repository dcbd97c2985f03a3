/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#define SHELVES "shelves: [{name: a}, {name: b}]\n"

static void late_names_what_comes_behind(void **state)
{
	struct toy *t = toy_take("prefer: b\n" SHELVES);

	assert_int_equal(t->prefer, 1);
	toy_free(t);
	t = toy_take(SHELVES "prefer: a\n");
	assert_int_equal(t->prefer, 0);
	toy_free(t);
}

static void late_zero_word(void **state)
{
	struct toy *t = toy_take(SHELVES);

	assert_int_equal(t->prefer, UINT32_MAX);
	toy_free(t);
	t = toy_take("prefer: any\n" SHELVES);
	assert_int_equal(t->prefer, UINT32_MAX);
	toy_free(t);
}

static void late_unknown(void **state)
{
	toy_refused_whole(TOY_TEXT("fast: no\nprefer: bb\n" SHELVES), NULL,
		"t.yaml:2: prefer: value 'bb' names no shelf; did you mean 'b'?");
	toy_refused_whole(TOY_TEXT("prefer: [a]\n" SHELVES), NULL, "t.yaml:1: prefer: ");
	// What is wrong with the list itself is told first.
	toy_refused_whole(TOY_TEXT("prefer: x\nshelves: 7\n"), NULL, "t.yaml:2: shelves: ");
}

static void late_from_the_command_line(void **state)
{
	char *set[] = {"prefer=b", NULL};
	struct toy *t = toy_take_set(SHELVES, set);

	assert_int_equal(t->prefer, 1);
	toy_free(t);
	set[0] = "prefer=zzzzzz";
	toy_refused_whole(TOY_TEXT(SHELVES), set, "command line: prefer: value 'zzzzzz' names no");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(late_names_what_comes_behind),
		cmocka_unit_test(late_zero_word),
		cmocka_unit_test(late_unknown),
		cmocka_unit_test(late_from_the_command_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

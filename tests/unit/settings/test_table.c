/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void table_key_last_component(void **state)
{
	const struct wr_settings_row a = {.path = "a.b[].c_d[]"}, b = {.path = "xy"};
	char key[32];

	assert_string_equal(wr_settings_key(&a, key, sizeof(key)), "c_d");
	assert_string_equal(wr_settings_key(&b, key, sizeof(key)), "xy");
	assert_int_equal(wr_settings_child(&toy_table, &a, -1), -1);
}

static void table_children_in_order(void **state)
{
	const struct wr_settings_row *wait = wr_settings_find(&toy_table, "wait");
	int i = wr_settings_child(&toy_table, wait, -1);

	assert_string_equal(toy_rows[i].path, "wait.mean");
	i = wr_settings_child(&toy_table, wait, i);
	assert_string_equal(toy_rows[i].path, "wait.max");
	assert_int_equal(wr_settings_child(&toy_table, wait, i), -1);
	assert_int_equal(wr_settings_child(&toy_table, NULL, -1), 0);
}

static void table_find_path(void **state)
{
	assert_non_null(wr_settings_find(&toy_table, "shelves[].boxes[].tags[]"));
	assert_null(wr_settings_find(&toy_table, "shelves"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_key_last_component),
		cmocka_unit_test(table_children_in_order),
		cmocka_unit_test(table_find_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

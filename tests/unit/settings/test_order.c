/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

#include "order.h"

static void order_groups_by_their_first_key(void **state)
{
	struct toy *t = toy_take("shelves: [{name: c}, {name: a}, {name: b}, {name: d}]\n");
	const struct wr_settings_names names = {.table = &toy_table, .root = t};
	const struct wr_settings_row *s = wr_settings_find(&toy_table, "shelves[]");
	struct wr_settings_item *made;
	uint32_t n;

	t->shelves[3].gone = 1;
	made = wr_settings_order(&names, s, (const uint8_t *)t, &n);
	assert_int_equal(n, 3);
	assert_string_equal(made[0].key, "a");
	assert_string_equal(made[1].key, "b");
	assert_string_equal(made[2].key, "c");
	assert_ptr_equal(made[0].at, &t->shelves[1]);
	free(made);
	toy_free(t);
}

static void order_plain_values(void **state)
{
	struct toy *t = toy_take(TOY_SHELVES "nets: [\"2001:db8::/32\", 10.0.0.0/8]\n");
	const struct wr_settings_names names = {.table = &toy_table, .root = t};
	const struct wr_settings_row *s = wr_settings_find(&toy_table, "nets[]");
	struct wr_settings_item *made;
	uint32_t n;

	made = wr_settings_order(&names, s, (const uint8_t *)t, &n);
	assert_int_equal(n, 2);
	assert_string_equal(made[0].key, "10.0.0.0/8");
	assert_string_equal(made[1].key, "2001:db8::/32");
	free(made);
	t->net_count = 0;
	assert_null(wr_settings_order(&names, s, (const uint8_t *)t, &n));
	assert_int_equal(n, 0);
	toy_free(t);
}

static void order_text_without_needless_quotes(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TEXT, 0, 0, 300);
	char buf[WR_SETTINGS_PRINTED], text[300];

	assert_string_equal(wr_settings_text(&s, "a:b", NULL, buf), "a:b");
	assert_string_equal(wr_settings_text(&s, "a b", NULL, buf), "\"a b\"");
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	assert_int_equal(strlen(wr_settings_text(&s, text, NULL, buf)), 2 * 299 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_groups_by_their_first_key),
		cmocka_unit_test(order_plain_values),
		cmocka_unit_test(order_text_without_needless_quotes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

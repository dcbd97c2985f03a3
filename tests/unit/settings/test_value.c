/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void value_bool_words(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_BOOL, 0, 0, 1);
	bool v = false;

	takes(&s, "yes", &v);
	assert_true(v);
	takes(&s, "false", &v);
	assert_false(v);
	prints(&s, &v, "no");
	refuses(&s, "maybe", "neither yes nor no");
	refuses(&s, "", "neither yes nor no");
}

static void value_choice_words(void **state)
{
	static const char *const words[] = {"one", "two", "three", NULL};
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_CHOICE, 0, 0, 4);
	uint32_t v = 9;

	s.choices = words;
	takes(&s, "three", &v);
	assert_int_equal(v, 2);
	prints(&s, &v, "three");
	refuses(&s, "Two", "one, two or three; did you mean 'two'?");
	refuses(&s, "thee", "did you mean 'three'?");
	refuses(&s, "nothing", "right would be one, two or three");
}

static void value_name_characters(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_NAME, 0, 0, 8);
	char v[8];

	takes(&s, "a-B_0.9", v);
	prints(&s, v, "\"a-B_0.9\"");
	refuses(&s, "eightchr", "too long");
	refuses(&s, "a b", "no name may have");
	refuses(&s, "a/b", "no name may have");
	refuses(&s, "\xc3\xa9", "no name may have");
	refuses(&s, "..", "begins with a dot");
	refuses(&s, "-x", "begins with a dot or a dash");
	refuses(&s, "", "empty");
}

static void value_text_quoting(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TEXT, 0, 0, 32);
	char v[32];

	takes(&s, "a \"b\" \\c: #d", v);
	prints(&s, v, "\"a \\\"b\\\" \\\\c: #d\"");
	refuses(&s, "tab\t", "cannot be printed");
	refuses(&s, "\x7f", "cannot be printed");
}

static void value_text_zero_word(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TEXT, 0, 0, 8);
	char v[8] = "x";

	s.zero = "none";
	takes(&s, "none", v);
	assert_string_equal(v, "");
	refuses(&s, "", "is empty; right would be none or 1 to 7 printable");
}

static void value_flags_words(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_FLAGS, 0, 0, 1);
	uint8_t v[2] = {7, 9};

	s.choices = toy_flags;
	takes(&s, "syn", v);
	assert_int_equal(v[0], 2);
	takes(&s, "ack,fin", v);
	assert_int_equal(v[0], 5);
	assert_int_equal(v[1], 9);
	prints(&s, v, "[fin, ack]");
	takes(&s, "", v);
	assert_int_equal(v[0], 0);
	prints(&s, v, "[]");
	refuses(&s, "sy", "a list of fin, syn or ack");
	refuses(&s, "syn,,ack", "not a choice");
	refuses(&s, "syn ack", "not a choice");
}

static void value_reference_names(void **state)
{
	const struct wr_settings_row *s = wr_settings_find(&toy_table, "first");
	struct toy *t = calloc(1, sizeof(*t));
	const struct wr_settings_names names = {.table = &toy_table, .root = t};
	char why[WR_SETTINGS_WHY];
	uint32_t v = 9;

	t->shelf_count = 2;
	strcpy(t->shelves[0].name, "static");
	strcpy(t->shelves[1].name, "dynamic");
	assert_int_equal(wr_settings_parse_value(s, "dynamic", &v, &names, why), 0);
	assert_int_equal(v, 1);
	assert_int_equal(wr_settings_parse_value(s, "any", &v, &names, why), 0);
	assert_int_equal(v, 0);
	assert_true(wr_settings_parse_value(s, "statik", &v, &names, why) < 0);
	assert_string_equal(why, "names no shelf; did you mean 'static'?");
	assert_true(wr_settings_parse_value(s, "zzz", &v, &names, why) < 0);
	assert_string_equal(why, "names no shelf; right would be one of those under 'shelves:'");
	free(t);
}

static void value_text_of_choices(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TEXT, 0, 0, 8);
	char v[8];

	s.choices = toy_verbs;
	takes(&s, "pull", v);
	assert_string_equal(v, "pull");
	refuses(&s, "pul", "is not a choice here; right would be push or pull");
	refuses(&s, "", "is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(value_bool_words),
		cmocka_unit_test(value_choice_words),
		cmocka_unit_test(value_name_characters),
		cmocka_unit_test(value_text_quoting),
		cmocka_unit_test(value_text_zero_word),
		cmocka_unit_test(value_flags_words),
		cmocka_unit_test(value_text_of_choices),
		cmocka_unit_test(value_reference_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

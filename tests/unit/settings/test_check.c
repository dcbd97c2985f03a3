/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"
#include "wr_settings_check.h"

static void check_fail_place(void **state)
{
	struct wr_settings_mark mark[] = {{.at = &mark, .line = 9}, {.at = state, .line = 0}};
	struct wr_settings_marks marks = {.mark = mark, .count = 2};
	struct wr_err err = {{0}};
	struct wr_settings_place p = {.file = "f", .marks = &marks, .err = &err};

	assert_true(wr_settings_fail(&p, &mark, 3, "is %s", "x") < 0);
	assert_string_equal(err.text, "f:9: is x");
	err.text[0] = 0;
	wr_settings_fail(&p, NULL, 3, "y");
	assert_string_equal(err.text, "f:3: y");
	err.text[0] = 0;
	wr_settings_fail(&p, state, 3, "z");
	assert_string_equal(err.text, "command line: z");
}

static void check_names_twice(void **state)
{
	struct wr_settings_marks marks = {0};
	struct wr_err err = {{0}};
	struct wr_settings_place p = {.file = "f", .marks = &marks, .err = &err};
	char names[3][4] = {"a", "b", "a"};

	assert_int_equal(wr_settings_check_names(&p, "x", names[0], 4, 2), 0);
	assert_true(wr_settings_check_names(&p, "x", names[0], 4, 3) < 0);
	assert_non_null(strstr(err.text, "x[2].name: value 'a' is the name of x[0] already"));
	assert_int_equal(wr_settings_check_names(&p, "x", NULL, 4, 0), 0);
}

static void check_address_kinds(void **state)
{
	struct wr_addr a;

	wr_addr_parse("0.0.0.0", &a);
	assert_non_null(wr_settings_not_unicast(&a));
	wr_addr_parse("224.0.0.1", &a);
	assert_non_null(wr_settings_not_unicast(&a));
	wr_addr_parse("ff02::1", &a);
	assert_non_null(wr_settings_not_unicast(&a));
	wr_addr_parse("127.0.0.1", &a);
	assert_non_null(wr_settings_not_unicast(&a));
	wr_addr_parse("::1", &a);
	assert_non_null(wr_settings_not_unicast(&a));
	wr_addr_parse("198.18.0.1", &a);
	assert_null(wr_settings_not_unicast(&a));
	wr_addr_parse("2001:db8::1", &a);
	assert_null(wr_settings_not_unicast(&a));
}

static void station(const char *text, const char *why)
{
	struct wr_prefix p;

	assert_int_equal(wr_prefix_parse(text, &p), 0);
	if (why)
		assert_string_equal(wr_settings_not_station(&p), why);
	else
		assert_null(wr_settings_not_station(&p));
}

static void check_station_addresses(void **state)
{
	station("198.18.0.1/24", NULL);
	station("198.18.0.0/24", "is the address of the network itself");
	station("198.18.0.255/24", "is the broadcast address of its network");
	station("198.18.0.0/31", NULL);
	station("2001:db8::/64", NULL);
	station("0.0.0.0/0", "is the unspecified address");
	station("224.0.0.1/24", "is a multicast or broadcast address");
	station("::1/64", "is a loopback address");
}

static void check_range_size(void **state)
{
	struct wr_settings_range r;
	struct wr_addr a;

	wr_addr_parse("2001:db8::ffff:ffff:ffff:ffff", &r.first);
	wr_addr_parse("2001:db8:0:1::", &r.last);
	assert_int_equal(wr_settings_range_size(&r), 2);
	wr_addr_parse("2001:db8:0:1::1", &a);
	assert_false(wr_settings_in_range(&r, &a));
	assert_true(wr_settings_in_range(&r, &r.last));
	wr_addr_parse("2001:db8:1::", &r.last);
	assert_int_equal(wr_settings_range_size(&r), (1ULL << 32) + 1);
}

static void check_item_values(void **state)
{
	const struct wr_settings_row *boxes = wr_settings_find(&toy_table, "shelves[].boxes[]");
	struct toy_box b = {.name = "x", .size = 1};
	struct wr_err err = {{0}};

	assert_int_equal(wr_settings_check_item(&toy_table, boxes, &b, "box 'x'", &err), 0);
	b.size = 100;
	assert_true(wr_settings_check_item(&toy_table, boxes, &b, "box 'x'", &err) < 0);
	assert_string_equal(err.text, "box 'x': size '100' is too large; right would be a whole "
				      "number from 1 to 99");
	err.text[0] = 0;
	strcpy(b.name, "a\nb");
	assert_true(wr_settings_check_item(&toy_table, boxes, &b, "box", &err) < 0);
	err.text[0] = 0;
	b.name[0] = 0;
	assert_true(wr_settings_check_item(&toy_table, boxes, &b, "box", &err) < 0);
	assert_non_null(strstr(err.text, "box: name '' is empty"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_fail_place),
		cmocka_unit_test(check_names_twice),
		cmocka_unit_test(check_address_kinds),
		cmocka_unit_test(check_station_addresses),
		cmocka_unit_test(check_range_size),
		cmocka_unit_test(check_item_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

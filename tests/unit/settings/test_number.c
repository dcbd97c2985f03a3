/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void number_count_range(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_COUNT, 5, 70000, 4);
	uint32_t v = 0;

	takes(&s, "5", &v);
	takes(&s, "70000", &v);
	assert_int_equal(v, 70000);
	prints(&s, &v, "70000");
	refuses(&s, "4", "too small");
	refuses(&s, "70001", "too large");
	refuses(&s, "99999999999999999999999", "too large");
	refuses(&s, "-6", "not a whole number");
	refuses(&s, "6.0", "not a whole number");
	refuses(&s, "0x10", "begins with 0");
	refuses(&s, "010", "begins with 0");
	refuses(&s, "", "not a whole number");
	refuses(&s, "auto", "not a whole number");
}

static void number_count_zero_word(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_COUNT, 32, 4096, 2);
	uint16_t v[2] = {7, 7};

	s.zero = "auto";
	takes(&s, "auto", v);
	assert_int_equal(v[0], 0);
	assert_int_equal(v[1], 7);
	prints(&s, v, "auto");
	takes(&s, "0", v);
	refuses(&s, "1", "auto or a whole number from 32 to 4096");
}

static void number_time_units(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TIME, 1000, 3600000000ULL, 8);
	wr_us_t v = 0;

	takes(&s, "3s", &v);
	assert_int_equal(v, 3000000);
	takes(&s, "1h", &v);
	prints(&s, &v, "1h");
	takes(&s, "1500ms", &v);
	prints(&s, &v, "1500ms");
	refuses(&s, "3", "has no unit");
	refuses(&s, "3 s", "not a time");
	refuses(&s, "999us", "too short");
	refuses(&s, "2h", "too long");
	refuses(&s, "99999h", "too long");
	refuses(&s, "soon", "not a time");
}

static void number_beyond_reason(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TIME, 1000, 900000, 8);
	wr_us_t v = 0;

	s.beyond = "others give up after 1 s";
	takes(&s, "900ms", &v);
	refuses(&s, "901ms", "is too long: others give up after 1 s; right would be a time from");
	refuses(&s, "999us", "is too short; right");
	s = toy_row(WR_SETTINGS_T_COUNT, 1, 9, 8);
	s.beyond = "there are fingers for 9 only, and this reason is far too long to be shown as a "
		   "whole in one message";
	refuses(&s, "10", "is too large: there are fingers for 9 only, and this");
}

static void number_time_zero_word(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TIME, 1000000, 3600000000ULL, 8);
	wr_us_t v = 7;

	refuses(&s, "0s", "too short");
	s.zero = "off";
	takes(&s, "off", &v);
	assert_int_equal(v, 0);
	prints(&s, &v, "off");
	v = 7;
	takes(&s, "0s", &v);
	assert_int_equal(v, 0);
	takes(&s, "1s", &v);
	prints(&s, &v, "1s");
	refuses(&s, "0", "has no unit");
	refuses(&s, "999ms", "off or a time from 1s to 1h");
}

static void number_size_units(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_SIZE, 1000, 3U << 30, 4);
	struct wr_settings_row wide = toy_row(WR_SETTINGS_T_SIZE, 1000, 0, 8);
	uint64_t big = 0;
	uint32_t v = 0;

	takes(&s, "128KiB", &v);
	assert_int_equal(v, 128 << 10);
	prints(&s, &v, "128KiB");
	takes(&s, "1000", &v);
	prints(&s, &v, "1000B");
	takes(&s, "1536K", &v);
	prints(&s, &v, "1536KiB");
	takes(&s, "2048M", &v);
	prints(&s, &v, "2GiB");
	takes(&s, "3GB", &v);
	assert_int_equal(v, 3U << 30);
	wide.max = 1ULL << 50;
	takes(&wide, "1T", &big);
	assert_true(big == 1ULL << 40);
	prints(&wide, &big, "1TiB");
	takes(&wide, "1024GiB", &big);
	prints(&wide, &big, "1TiB");
	refuses(&wide, "1025TB", "too large; right would be a size from 1000B to 1024TiB");
	refuses(&s, "999", "too small");
	refuses(&s, "3145729KiB", "too large");
	refuses(&s, "99999999999999999999999G", "too large");
	refuses(&s, "1 MiB", "not a size");
	refuses(&s, "4PiB", "not a size");
	refuses(&s, "-1K", "not a size");
	refuses(&s, "", "not a size");
}

static void number_size_zero_word(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_SIZE, 16, 1024, 4);
	uint32_t v = 7;

	s.zero = "auto";
	takes(&s, "auto", &v);
	assert_int_equal(v, 0);
	prints(&s, &v, "auto");
	takes(&s, "0", &v);
	refuses(&s, "15", "auto or a size from 16B to 1KiB");
}

static void number_rate_units(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_RATE, 1, 100000000000ULL, 8);
	uint64_t v = 0;

	takes(&s, "10000", &v);
	prints(&s, &v, "10k");
	takes(&s, "10k", &v);
	assert_int_equal(v, 10000);
	takes(&s, "1.5M", &v);
	assert_int_equal(v, 1500000);
	prints(&s, &v, "1500k");
	takes(&s, "100G", &v);
	prints(&s, &v, "100G");
	takes(&s, "0.001k", &v);
	assert_int_equal(v, 1);
	refuses(&s, "0.0001k", "is not a number with k, M or G");
	refuses(&s, "0", "too small");
	refuses(&s, "101G", "too large");
	refuses(&s, "99999999999999999999G", "too large");
	refuses(&s, "1.5", "not a whole number");
	refuses(&s, "1.5.5M", "is not a number with");
	refuses(&s, "10K", "is not a number with");
	refuses(&s, "10kk", "is not a number with");
	refuses(&s, "-1k", "is not a number with");
	refuses(&s, ".5k", "is not a number with");
	refuses(&s, "5.k", "is not a number with");
	refuses(&s, "", "is not a number with");
}

static void number_decimal_places(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_DECIMAL, 1, 100000, 4);
	uint32_t v = 0;

	takes(&s, "1.5", &v);
	assert_int_equal(v, 1500);
	prints(&s, &v, "1.5");
	takes(&s, "0.03", &v);
	assert_int_equal(v, 30);
	prints(&s, &v, "0.03");
	takes(&s, "100", &v);
	prints(&s, &v, "100");
	refuses(&s, "100.001", "too large");
	refuses(&s, "0.0001", "at most three decimals");
	refuses(&s, "1.", "at most three decimals");
	refuses(&s, "1,5", "at most three decimals");
	refuses(&s, "0", "too small; right would be a number from 0.001 to 100");
}

static void number_span_forms(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_SPAN, 60, 1514, 4);
	struct wr_settings_span v;

	takes(&s, "60-1514", &v);
	assert_int_equal(v.first, 60);
	assert_int_equal(v.last, 1514);
	prints(&s, &v, "\"60-1514\"");
	takes(&s, "64", &v);
	assert_int_equal(v.first, 64);
	assert_int_equal(v.last, 64);
	refuses(&s, "59-64", "begins too low");
	refuses(&s, "60-1515", "ends too high");
	refuses(&s, "60-99999999999999", "ends too high");
	refuses(&s, "70-69", "reversed");
	refuses(&s, "70-", "not a whole number");
	refuses(&s, "-70", "not a whole number");
	refuses(&s, "70-80-90", "not a whole number");
	refuses(&s, "1111111111111111111111111111111111111-60", "too large");
}

static void number_octal(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_OCTAL, 0200, 0777, 4);
	uint32_t v = 0;

	takes(&s, "0660", &v);
	assert_int_equal(v, 0660);
	prints(&s, &v, "\"0660\"");
	takes(&s, "777", &v);
	assert_int_equal(v, 0777);
	refuses(&s, "0177", "is too small");
	refuses(&s, "1000", "is too large");
	refuses(&s, "68", "is not an octal number");
	refuses(&s, "", "is not an octal number");
	refuses(&s, "-1", "is not an octal number");
	refuses(&s, "77777777777777777777777777", "is too large");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number_count_range),
		cmocka_unit_test(number_count_zero_word),
		cmocka_unit_test(number_time_units),
		cmocka_unit_test(number_beyond_reason),
		cmocka_unit_test(number_time_zero_word),
		cmocka_unit_test(number_size_units),
		cmocka_unit_test(number_size_zero_word),
		cmocka_unit_test(number_rate_units),
		cmocka_unit_test(number_decimal_places),
		cmocka_unit_test(number_octal),
		cmocka_unit_test(number_span_forms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

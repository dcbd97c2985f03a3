/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_units.h"

#include <errno.h>

static void units_parse_time_every_unit(void **state)
{
	wr_us_t us;

	assert_int_equal(wr_units_parse_time("250us", &us), 0);
	assert_int_equal(us, 250);
	assert_int_equal(wr_units_parse_time("30ms", &us), 0);
	assert_int_equal(us, 30000);
	assert_int_equal(wr_units_parse_time("3s", &us), 0);
	assert_int_equal(us, 3000000);
	assert_int_equal(wr_units_parse_time("5m", &us), 0);
	assert_int_equal(us, 300000000);
	assert_int_equal(wr_units_parse_time("1h", &us), 0);
	assert_int_equal(us, 3600000000ULL);
	assert_int_equal(wr_units_parse_time("0s", &us), 0);
	assert_int_equal(us, 0);
}

static void units_parse_time_malformed(void **state)
{
	static const char *const bad[] = {"", "3", "s", "3 s", " 3s", "-3s", "+3s", "3S", "3sec",
		"1.5s", "3s ", "0x3s", "3d", "3mss", "99999999999999999999999days"};
	wr_us_t us = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wr_units_parse_time(bad[i], &us), -EINVAL);
	assert_int_equal(wr_units_parse_time(NULL, &us), -EINVAL);
	assert_int_equal(us, 42);
}

static void units_parse_time_limits(void **state)
{
	wr_us_t us = 42;

	assert_int_equal(wr_units_parse_time("8761h", &us), -ERANGE);
	assert_int_equal(wr_units_parse_time("18446744073709551616us", &us), -ERANGE);
	assert_int_equal(wr_units_parse_time("18446744073709551615h", &us), -ERANGE);
	assert_int_equal(us, 42);
	assert_int_equal(wr_units_parse_time("8760h", &us), 0);
	assert_int_equal(us, 365ULL * 24 * 3600 * WR_US_PER_S);
}

static void check_format(wr_us_t us, const char *text)
{
	char buf[32];
	wr_us_t back;

	assert_string_equal(wr_units_format_time(us, buf, sizeof(buf)), text);
	if (us == WR_US_NEVER)
		return;
	assert_int_equal(wr_units_parse_time(buf, &back), 0);
	assert_int_equal(back, us);
}

static void units_format_time_shortest(void **state)
{
	check_format(0, "0s");
	check_format(1, "1us");
	check_format(1500, "1500us");
	check_format(1500000, "1500ms");
	check_format(3000000, "3s");
	check_format(60000000, "1m");
	check_format(90000000, "90s");
	check_format(7200000000ULL, "2h");
	check_format(WR_US_NEVER, "never");
}

static void units_format_time_short_buffer(void **state)
{
	char buf[3];

	assert_string_equal(wr_units_format_time(1500000, buf, sizeof(buf)), "15");
}

static void check_size(const char *text, uint64_t size)
{
	uint64_t got;

	assert_int_equal(wr_units_parse_size(text, &got), 0);
	assert_true(got == size);
}

static void units_parse_size_every_unit(void **state)
{
	check_size("0", 0);
	check_size("4096", 4096);
	check_size("10B", 10);
	check_size("4K", 4096);
	check_size("4KB", 4096);
	check_size("4KiB", 4096);
	check_size("512MiB", 512ULL << 20);
	check_size("2M", 2ULL << 20);
	check_size("3GB", 3ULL << 30);
	check_size("1T", 1ULL << 40);
	check_size("5TB", 5ULL << 40);
	check_size("7TiB", 7ULL << 40);
	check_size("18446744073709551615", UINT64_MAX);
	check_size("17179869183G", 17179869183ULL << 30);
}

static void units_parse_size_malformed(void **state)
{
	static const char *const bad[] = {"", "K", "4k", "4 K", "4KiBs", "4iB", "4P", "-1", "1.5G"};
	uint64_t size = 42;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wr_units_parse_size(bad[i], &size), -EINVAL);
	assert_int_equal(wr_units_parse_size("18446744073709551616", &size), -ERANGE);
	assert_int_equal(wr_units_parse_size("17179869184G", &size), -ERANGE);
	assert_int_equal(size, 42);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(units_parse_time_every_unit),
		cmocka_unit_test(units_parse_time_malformed),
		cmocka_unit_test(units_parse_time_limits),
		cmocka_unit_test(units_format_time_shortest),
		cmocka_unit_test(units_format_time_short_buffer),
		cmocka_unit_test(units_parse_size_every_unit),
		cmocka_unit_test(units_parse_size_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

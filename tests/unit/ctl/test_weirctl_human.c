/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "../../../app/weirctl/human.h"

static char buf[HUMAN_LEN];

static void human_bytes_units(void **state)
{
	assert_string_equal(human_bytes(0, buf, sizeof(buf)), "0 B");
	assert_string_equal(human_bytes(1023, buf, sizeof(buf)), "1023 B");
	assert_string_equal(human_bytes(1024, buf, sizeof(buf)), "1.0 KiB");
	assert_string_equal(human_bytes(1536, buf, sizeof(buf)), "1.5 KiB");
	assert_string_equal(human_bytes(1048575, buf, sizeof(buf)), "1.0 MiB");
	assert_string_equal(human_bytes(UINT64_MAX, buf, sizeof(buf)), "16.0 EiB");
}

static void human_duration_units(void **state)
{
	assert_string_equal(human_duration(0, buf, sizeof(buf)), "0 s");
	assert_string_equal(human_duration(999, buf, sizeof(buf)), "999 us");
	assert_string_equal(human_duration(1000, buf, sizeof(buf)), "1.0 ms");
	assert_string_equal(human_duration(999999, buf, sizeof(buf)), "999.9 ms");
	assert_string_equal(human_duration(1500000, buf, sizeof(buf)), "1.5 s");
	assert_string_equal(human_duration(59999999, buf, sizeof(buf)), "59.9 s");
	assert_string_equal(human_duration(61000000, buf, sizeof(buf)), "1 m 1 s");
	assert_string_equal(human_duration(7500000000, buf, sizeof(buf)), "2 h 5 m");
	assert_string_equal(human_duration(90000000000, buf, sizeof(buf)), "1 d 1 h");
	assert_true(strlen(human_duration(UINT64_MAX, buf, sizeof(buf))) < sizeof(buf));
}

static void human_by_key_follows_the_unit(void **state)
{
	assert_string_equal(human_by_key("used_permille", 973, buf, sizeof(buf)), "97.3 %");
	assert_string_equal(human_by_key("srtt_us", 250, buf, sizeof(buf)), "250 us");
	assert_string_equal(human_by_key("above_ms", 2500, buf, sizeof(buf)), "2.5 s");
	assert_string_equal(human_by_key("uptime_s", 90, buf, sizeof(buf)), "1 m 30 s");
	assert_string_equal(human_by_key("rx_bytes", 2048, buf, sizeof(buf)), "2.0 KiB");
	assert_string_equal(human_by_key("sessions", 2048, buf, sizeof(buf)), "2048");
	assert_string_equal(human_by_key("rate_per_s", 90, buf, sizeof(buf)), "90");
	assert_string_equal(human_by_key("limit_bytes_per_s", 2048, buf, sizeof(buf)), "2.0 KiB");
	assert_string_equal(human_by_key("s", 20, buf, sizeof(buf)), "20");
}

static void human_rate_units(void **state)
{
	assert_string_equal(human_rate(0, buf, sizeof(buf)), "0");
	assert_string_equal(human_rate(9999, buf, sizeof(buf)), "9999");
	assert_string_equal(human_rate(12345, buf, sizeof(buf)), "12.3 k");
	assert_string_equal(human_rate(1e6, buf, sizeof(buf)), "1.0 M");
	assert_string_equal(human_rate(2.5e9, buf, sizeof(buf)), "2.5 G");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(human_bytes_units),
		cmocka_unit_test(human_duration_units),
		cmocka_unit_test(human_by_key_follows_the_unit),
		cmocka_unit_test(human_rate_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

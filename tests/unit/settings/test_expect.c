/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void expects(struct wr_settings_row s, const char *words)
{
	char buf[WR_SETTINGS_WHY];

	assert_string_equal(wr_settings_expect_value(&s, buf, sizeof(buf)), words);
}

static void expect_numbers(void **state)
{
	expects((struct wr_settings_row){.type = WR_SETTINGS_T_COUNT, .min = 1, .max = 9},
		"a whole number from 1 to 9");
	expects((struct wr_settings_row){.type = WR_SETTINGS_T_COUNT,
			.min = 1,
			.max = 9,
			.zero = "auto",
			.unit = "queues"},
		"auto or a whole number from 1 to 9 (queues)");
	expects((struct wr_settings_row){.type = WR_SETTINGS_T_TIME, .min = 0, .max = 5000000},
		"a time from 0s to 5s with its unit (us, ms, s, m, h)");
	expects((struct wr_settings_row){.type = WR_SETTINGS_T_TIME,
			.min = 1000000,
			.max = 5000000,
			.zero = "off",
			.dflt = "off"},
		"off or a time from 1s to 5s with its unit (us, ms, s, m, h)");
	expects((struct wr_settings_row){.type = WR_SETTINGS_T_SIZE, .min = 1000, .max = 1 << 20},
		"a size from 1000B to 1MiB in bytes, KiB, MiB, GiB or TiB");
}

static void expect_choices(void **state)
{
	static const char *const one[] = {"tcp", NULL}, *const two[] = {"a", "b", NULL};

	expects((struct wr_settings_row){.type = WR_SETTINGS_T_CHOICE, .choices = one}, "tcp");
	expects((struct wr_settings_row){.type = WR_SETTINGS_T_CHOICE, .choices = two}, "a or b");
}

static void expect_every_type(void **state)
{
	for (uint32_t i = 0; i < toy_table.count; i++) {
		char buf[WR_SETTINGS_WHY];

		// Messages put up to 80 bytes before it, and the error holds them all.
		assert_in_range(
			strlen(wr_settings_expect_value(&toy_rows[i], buf, sizeof(buf))), 3, 200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(expect_numbers),
		cmocka_unit_test(expect_choices),
		cmocka_unit_test(expect_every_type),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

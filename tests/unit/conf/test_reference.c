/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "settings.h"

static char *reference(bool markdown)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wr_conf_reference(out, markdown);
	fclose(out);
	return text;
}

static void reference_text_every_setting(void **state)
{
	char *text = reference(false);

	for (uint32_t i = 0; i < wr_conf_table.count; i++) {
		assert_non_null(strstr(text, wr_conf_table.rows[i].path));
		assert_non_null(strstr(text, wr_conf_table.rows[i].help));
	}
	assert_non_null(strstr(text, "services[].timeouts.idle\n    a time from 10ms to 168h with "
				     "its unit (us, ms, s, m, h), such as 5m; default: 5m\n"));
	assert_non_null(strstr(text, "runtime.workers[]\n    auto, or a list of 1 to 32, each a "
				     "whole number from 0 to 127 (lcore); default: auto\n"));
	assert_non_null(strstr(text, "pools[].backends[].name\n    1 to 63 of"));
	free(text);
}

static void reference_markdown_rows(void **state)
{
	char *text = reference(true), *save = NULL;
	uint32_t rows = 0;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		uint32_t bars = 0;

		for (char *p = line; *p; p++)
			bars += *p == '|';
		assert_int_equal(bars, 5);
		rows++;
	}
	assert_int_equal(rows, wr_conf_table.count + 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_text_every_setting),
		cmocka_unit_test(reference_markdown_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

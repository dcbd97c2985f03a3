/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static char *reference(bool markdown)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	wr_settings_reference(&toy_table, out, markdown);
	fclose(out);
	return text;
}

static void reference_text_rows(void **state)
{
	char *text = reference(false);

	assert_non_null(
		strstr(text, "workers[]\n    auto, or a list of 1 to 3, each a whole number "
			     "from 0 to 9; default: auto\n    W.\n"));
	assert_non_null(strstr(text, "wait\n    a group of keys, or one value for 'mean'; default: "
				     "its keys' defaults\n"));
	assert_non_null(strstr(text, "extra\n    a group of keys; default: none\n"));
	assert_non_null(strstr(text, "shelves[].boxes[].name\n    1 to 15 of the letters"));
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
	assert_int_equal(rows, toy_table.count + 2);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reference_text_rows),
		cmocka_unit_test(reference_markdown_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

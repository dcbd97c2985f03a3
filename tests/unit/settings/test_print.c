/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void print_every_type(void **state)
{
	struct toy *t = toy_take(TOY_SHELVES "range: 198.18.0.1-198.18.0.9\nfile: 'a \"b\" \\c'\n"
					     "flags: [syn, ack]\nmac: \"02:00:00:00:00:01\"\n");
	const struct wr_settings_names names = {.table = &toy_table, .root = t};
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (uint32_t i = 0; i < toy_table.count; i++) {
		const struct wr_settings_row *s = &toy_rows[i];

		if (s->type == WR_SETTINGS_T_SECTION || s->list || strchr(s->path, '['))
			continue;
		wr_settings_print_value(s,
			s->offset == WR_SETTINGS_NO_FIELD ? NULL : (uint8_t *)t + s->offset, &names,
			out);
		fputc('\n', out);
	}
	fclose(out);
	assert_string_equal(text,
		"no\n\"toy\"\n\"a \\\"b\\\" \\\\c\"\n3s\noff\n1KiB\n10k\n0.5\nslow\nslow\n"
		"[syn, ack]\n\"02:00:00:00:00:01\"\n\"198.18.0.1/24\"\n\"198.18.0.1\"\n"
		"\"198.18.0.1:80\"\n\"198.18.0.1-198.18.0.9\"\n\"1-"
		"9\"\n64\n64\n\"0640\"\nany\n\"push\"\nany\n0\n0\n");
	free(text);
	toy_free(t);
}

static void print_empty_text(void **state)
{
	struct wr_settings_row s = toy_row(WR_SETTINGS_T_TEXT, 0, 0, 8);

	s.zero = "none";
	prints(&s, "", "none");
	prints(&s, "x", "\"x\"");
}

// Of a structure that no file made.
static void print_reference_to_nothing(void **state)
{
	const struct wr_settings_row *s = wr_settings_find(&toy_table, "first");
	struct toy *t = calloc(1, sizeof(*t));
	const struct wr_settings_names names = {.table = &toy_table, .root = t};
	char text[16] = "";
	FILE *out = fmemopen(text, sizeof(text), "w");
	uint64_t far = 9;

	assert_non_null(s->zero);
	wr_settings_print_value(s, &far, &names, out);
	fclose(out);
	assert_string_equal(text, s->zero);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(print_every_type),
		cmocka_unit_test(print_empty_text),
		cmocka_unit_test(print_reference_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

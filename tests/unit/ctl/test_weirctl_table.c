/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <jansson.h>

#include "../../../app/weirctl/table.h"
#include "../../../app/weirctl/views.h"

static const struct column columns[] = {{"name", "BACKEND"}, {"sessions", "SESSIONS"},
	{"rx_bytes", "RX"}, {"raw_bytes", "RAW", true}, {"state", "STATE"}};

static char *printed;
static size_t printed_len;

static json_t *rows(const char *text)
{
	json_error_t where;
	json_t *r = json_loads(text, 0, &where);

	if (r == NULL)
		fail_msg("%s", where.text);
	return r;
}

static const char *table(const char *text)
{
	json_t *r = rows(text);
	FILE *out;

	free(printed);
	out = open_memstream(&printed, &printed_len);
	table_print(out, columns, 5, r);
	fclose(out);
	json_decref(r);
	return printed;
}

static void table_print_aligns(void **state)
{
	assert_string_equal(
		table("[{\"name\":\"b1\",\"sessions\":5,\"rx_bytes\":2048,\"raw_bytes\":2048,"
		      "\"state\":\"up\"},"
		      "{\"name\":\"long-name\",\"sessions\":123456789,\"rx_bytes\":1,"
		      "\"raw_bytes\":-7,\"state\":\"down\"}]"),
		"BACKEND     SESSIONS       RX   RAW  STATE\n"
		"b1                 5  2.0 KiB  2048  up\n"
		"long-name  123456789      1 B    -7  down\n");
}

static void table_print_leaves_out_absent_columns(void **state)
{
	assert_string_equal(table("[{\"name\":\"b1\",\"state\":\"up\"},{\"name\":\"b2\"}]"),
		"BACKEND  STATE\n"
		"b1       up\n"
		"b2\n");
}

static void table_print_empty_shows_titles(void **state)
{
	assert_string_equal(table("[]"), "BACKEND  SESSIONS  RX  RAW  STATE\n");
}

static void table_print_joins_pieces(void **state)
{
	assert_string_equal(
		table("[{\"name\":\"b1\",\"state\":\"one \",\"state_2\":\"two \",\"state_3\":"
		      "\"three\"}]"),
		"BACKEND  STATE\n"
		"b1       one two three\n");
}

static void fields_print_hides_pieces(void **state)
{
	json_t *r = rows("[{\"text\":\"one \",\"text_2\":\"two\",\"age_us\":1500,\"b_2\":3},"
			 "{\"n\":1}]");
	FILE *out;

	free(printed);
	out = open_memstream(&printed, &printed_len);
	table_print_fields(out, r);
	fclose(out);
	json_decref(r);
	assert_string_equal(printed, "text    one two\n"
				     "age_us  1.5 ms\n"
				     "b_2     3\n"
				     "\n"
				     "n       1\n");
}

// Whatever an instance sends, a view prints it or leaves it out.
static void views_print_anything(void **state)
{
	json_t *odd = rows("[{}, {\"name\":5,\"text\":7,\"unix_ms\":\"x\",\"id\":\"y\"}, 3]");

	for (const struct view *v = view_all(); v->name != NULL; v++) {
		FILE *out;

		assert_true(v->count <= TABLE_COLUMNS_MAX);
		{
			char first[32], *args[2] = {first, NULL};
			int words;

			snprintf(first, sizeof(first), "%s", v->name);
			args[1] = strchr(first, ' ');
			if (args[1] != NULL)
				*args[1]++ = '\0';
			assert_ptr_equal(view_find(args, args[1] != NULL ? 2 : 1, &words), v);
			assert_int_equal(words, args[1] != NULL ? 2 : 1);
		}
		assert_int_equal(strncmp(v->path, "/weir/", 6), 0);
		free(printed);
		out = open_memstream(&printed, &printed_len);
		view_print(v, out, odd);
		fclose(out);
	}
	assert_null(view_find((char *[]){"nonsense"}, 1, &(int){0}));
	json_decref(odd);
}

static void views_events_one_line_each(void **state)
{
	json_t *r = rows("[{\"id\":7,\"unix_ms\":1000123,\"text\":\"works queue_full: \","
			 "\"text_2\":\"more\"}]");
	FILE *out;

	free(printed);
	out = open_memstream(&printed, &printed_len);
	view_print_events(out, r);
	fclose(out);
	json_decref(r);
	assert_non_null(strstr(printed, ".123       7  works queue_full: more\n"));
}

static int drop_printed(void **state)
{
	free(printed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_print_aligns),
		cmocka_unit_test(table_print_leaves_out_absent_columns),
		cmocka_unit_test(table_print_empty_shows_titles),
		cmocka_unit_test(table_print_joins_pieces),
		cmocka_unit_test(fields_print_hides_pieces),
		cmocka_unit_test(views_print_anything),
		cmocka_unit_test(views_events_one_line_each),
	};

	return cmocka_run_group_tests(tests, NULL, drop_printed);
}

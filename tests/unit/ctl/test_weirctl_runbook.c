/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <stdlib.h>

#include "../../../app/weirctl/runbook.h"
#include "wr_event.h"
#include "wr_stats.h"

static char *printed(void)
{
	static char *text; // not on the stack: the compiler sees its address in the stream
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	runbook_print(out);
	fclose(out);
	return text;
}

// Rows that begin with this name.
static unsigned int rows_of(const char *text, const char *name)
{
	char row[96];
	unsigned int n = 0;

	snprintf(row, sizeof(row), "\n| `%s` |", name);
	for (const char *at = text; (at = strstr(at, row)) != NULL; at++)
		n++;
	return n;
}

static void runbook_has_each_row_once(void **state)
{
	char *text = printed();
	const char *drops = strstr(text, "## Drop reasons");

	assert_non_null(drops);
	for (int d = 1; d < WR_DROP_COUNT; d++)
		assert_int_equal(rows_of(drops, wr_drop_name((enum wr_drop)d)), 1);
	text[drops - text] = '\0';
	for (int e = 0; e < WR_EV_COUNT; e++)
		assert_int_equal(rows_of(text, wr_event_name((enum wr_event_kind)e)), 1);
	free(text);
}

// Bars that end a cell, but for marked ones.
static unsigned int bars(const char *line, size_t len)
{
	unsigned int n = 0;

	for (size_t i = 0; i < len; i++)
		n += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
	return n;
}

static void runbook_rows_have_all_columns(void **state)
{
	char *text = printed();
	unsigned int columns = 0, rows = 0;

	for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
		size_t len = strcspn(line, "\n");

		if (line[0] != '|') {
			columns = 0;
			continue;
		}
		// The first line of a table says how many.
		if (columns == 0)
			columns = bars(line, len);
		assert_int_equal(bars(line, len), columns);
		assert_null(memmem(line, len, "|  |", 4));
		rows++;
	}
	assert_int_equal(rows, WR_EV_COUNT + WR_DROP_COUNT - 1 + 4);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runbook_has_each_row_once),
		cmocka_unit_test(runbook_rows_have_all_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

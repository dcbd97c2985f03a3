/* SPDX-License-Identifier: BSD-3-Clause */
#include "table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "human.h"

#define CELL_LEN 1024

struct layout {
	size_t width;
	bool number;
	bool there; // at least one row has it
};

// The cell as it is shown; returns false when the row has no such field.
static bool cell(const json_t *row, const struct column *col, char *buf, size_t len)
{
	const json_t *value = json_object_get(row, col->key);

	buf[0] = '\0';
	if (value == NULL)
		return false;
	if (!json_is_integer(value)) {
		client_text(row, col->key, buf, len);
		return true;
	}
	// Units are for what cannot be negative.
	if (col->plain || json_integer_value(value) < 0)
		snprintf(buf, len, "%" PRId64, (int64_t)json_integer_value(value));
	else
		human_by_key(col->key, (uint64_t)json_integer_value(value), buf, len);
	return true;
}

static void measure(const struct column *col, const json_t *rows, struct layout *lay)
{
	char text[CELL_LEN];

	*lay = (struct layout){.width = strlen(col->title)};
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		if (!cell(row, col, text, sizeof(text)))
			continue;
		lay->there = true;
		lay->number = json_is_integer(json_object_get(row, col->key));
		if (strlen(text) > lay->width)
			lay->width = strlen(text);
	}
}

// The colour of a state, or "".
static const char *colour(const char *state)
{
	static const struct {
		const char *state, *code;
	} colours[] = {
		{"up", "\033[32m"},
		{"unchecked", "\033[32m"},
		{"serving", "\033[32m"},
		{"in force", "\033[32m"},
		{"current", "\033[32m"},
		{"slow_start", "\033[33m"},
		{"half_open", "\033[33m"},
		{"drain", "\033[33m"},
		{"disabled", "\033[33m"},
		{"leaving", "\033[33m"},
		{"to be confirmed", "\033[33m"},
		{"open", "\033[31m"},
		{"down", "\033[31m"},
		{"rolled back", "\033[31m"},
		{"expired", "\033[31m"},
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (strcmp(colours[i].state, state) == 0)
			return colours[i].code;
	return "";
}

// A terminal, and nobody who wants none (no-color.org).
static bool wants_colour(FILE *out)
{
	const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

	return (none == NULL || none[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0 &&
	       isatty(fileno(out));
}

// Blanks are owed until something follows them, so that no line ends in blanks.
static void put_cell(
	FILE *out, const char *text, const char *code, const struct layout *lay, size_t *owed)
{
	size_t pad = lay->width - strlen(text);

	if (lay->number)
		*owed += pad;
	if (text[0] != '\0') {
		fprintf(out, "%*s%s%s%s", (int)*owed, "", code, text,
			code[0] != '\0' ? "\033[0m" : "");
		*owed = 0;
	}
	*owed += lay->number ? 2 : pad + 2;
}

void table_print(FILE *out, const struct column *columns, size_t count, const json_t *rows)
{
	struct layout lay[TABLE_COLUMNS_MAX];
	bool colours = wants_colour(out);
	char text[CELL_LEN];
	size_t owed = 0;

	if (count > TABLE_COLUMNS_MAX)
		count = TABLE_COLUMNS_MAX;
	for (size_t k = 0; k < count; k++) {
		measure(&columns[k], rows, &lay[k]);
		// An empty table still shows what it would hold.
		lay[k].there = lay[k].there || json_array_size(rows) == 0;
	}
	for (size_t k = 0; k < count; k++)
		if (lay[k].there)
			put_cell(out, columns[k].title, "", &lay[k], &owed);
	fputc('\n', out);
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		owed = 0;
		for (size_t k = 0; k < count; k++) {
			if (!lay[k].there)
				continue;
			cell(row, &columns[k], text, sizeof(text));
			put_cell(out, text, colours && columns[k].state ? colour(text) : "",
				&lay[k], &owed);
		}
		fputc('\n', out);
	}
}

// Pieces of a long text are shown with its first: "text_2" belongs to "text".
static bool is_piece(const json_t *row, const char *key)
{
	const char *bar = strrchr(key, '_');
	char head[64];

	if (bar == NULL || strspn(bar + 1, "0123456789") != strlen(bar + 1) || bar[1] == '\0')
		return false;
	snprintf(head, sizeof(head), "%.*s", (int)(bar - key), key);
	return json_is_string(json_object_get(row, head));
}

static int widest_key(const json_t *rows)
{
	size_t widest = 0;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		for (void *at = json_object_iter(row); at != NULL;
			at = json_object_iter_next(row, at))
			if (strlen(json_object_iter_key(at)) > widest)
				widest = strlen(json_object_iter_key(at));
	}
	return (int)widest;
}

void table_print_fields(FILE *out, const json_t *rows)
{
	int width = widest_key(rows);
	char text[CELL_LEN];

	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);

		if (i > 0)
			fputc('\n', out);
		for (void *at = json_object_iter(row); at != NULL;
			at = json_object_iter_next(row, at)) {
			const struct column col = {.key = json_object_iter_key(at)};

			if (is_piece(row, col.key))
				continue;
			cell(row, &col, text, sizeof(text));
			fprintf(out, "%-*s%s%s\n", text[0] != '\0' ? width : 0, col.key,
				text[0] != '\0' ? "  " : "", text);
		}
	}
}

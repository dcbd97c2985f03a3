/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include "table.h"

// What each reading command asks for and how its rows are shown.

struct view {
	const char *name; // of the command
	const char *path;
	const char *help;
	const char *filters;
	const struct column *columns;
	size_t count;
	// NULL: a table of the columns
	void (*print)(FILE *out, const json_t *rows);
	unsigned int limit; // rows shown unless told otherwise; 0: all
};

const struct view *view_find(const char *name);
// All of them, ended by a view without a name.
const struct view *view_all(void);

void view_print(const struct view *v, FILE *out, const json_t *rows);

// One event a line: time, id, sentence.
void view_print_events(FILE *out, const json_t *rows);

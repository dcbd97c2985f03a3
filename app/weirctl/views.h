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
	const char *usage;  // NULL: no argument but filters
	const char *key;    // of the only argument that is no filter: it must be given
};

// By name; of two words where the second belongs to it ("config history"). *words gets how many.
const struct view *view_find(char **args, int count, int *words);
// All of them, ended by a view without a name.
const struct view *view_all(void);

void view_print(const struct view *v, FILE *out, const json_t *rows);

// One event a line: time, id, sentence.
void view_print_events(FILE *out, const json_t *rows);
// The lines of a configuration.
void view_print_config(FILE *out, const json_t *rows);

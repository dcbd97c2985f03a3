/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

// Rows of a reply as an aligned table: text to the left, numbers to the right, in units for people.

struct column {
	const char *key;
	const char *title;
	bool plain; // a number as it is, whatever unit the key ends in
	bool state; // a word that a terminal shows in colour: well, on its way, or not well
};

#define TABLE_COLUMNS_MAX 32

// Print a table. A column that no row has is left out. Nothing is cut: the terminal's width is its
// own.
void table_print(FILE *out, const struct column *columns, size_t count, const json_t *rows);

// Print every field of every row, one a line, rows apart by an empty line.
void table_print_fields(FILE *out, const json_t *rows);

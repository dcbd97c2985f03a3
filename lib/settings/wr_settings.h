/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "wr_addr.h"
#include "wr_err.h"
#include "wr_units.h"

// A table of settings, one row a key of the file, and what walks it: the parser from YAML into a
// program's structure, the dump back, the reference. A key that has no row does not exist. Control
// side only.

enum wr_settings_type {
	WR_SETTINGS_T_SECTION,  // keys of its own
	WR_SETTINGS_T_BOOL,     // yes or no
	WR_SETTINGS_T_COUNT,    // whole number
	WR_SETTINGS_T_OCTAL,    // whole number of digits 0 to 7, such as the mode of a file
	WR_SETTINGS_T_TIME,     // number with a unit, stored in microseconds
	WR_SETTINGS_T_SIZE,     // number with a unit, stored in bytes
	WR_SETTINGS_T_RATE,     // number with k, M or G (powers of 1000)
	WR_SETTINGS_T_DECIMAL,  // number with up to three decimals, stored in thousandths
	WR_SETTINGS_T_CHOICE,   // one word of a list, stored as its index
	WR_SETTINGS_T_FLAGS,    // words of a list, bit i for the i-th
	WR_SETTINGS_T_NAME,     // letters, digits, "_", "." and "-"
	WR_SETTINGS_T_TEXT,     // printable ASCII; with `choices` one of those words
	WR_SETTINGS_T_MAC,      // six bytes
	WR_SETTINGS_T_ADDR,     // struct wr_addr
	WR_SETTINGS_T_PREFIX,   // struct wr_prefix
	WR_SETTINGS_T_ENDPOINT, // struct wr_endpoint
	WR_SETTINGS_T_RANGE,    // struct wr_settings_range, or what begins like it; at most max of
	                        // them
	WR_SETTINGS_T_SPAN,     // struct wr_settings_span, or what begins like it
	WR_SETTINGS_T_REF,      // name of an item of the list `refers`, stored as its index
};

struct wr_settings_range { // of addresses, both ends included
	struct wr_addr first, last;
};

struct wr_settings_span { // of numbers, both ends included
	uint16_t first, last;
};

#define WR_SETTINGS_NO_FIELD SIZE_MAX // accepted and checked, but there is nothing to store
#define WR_SETTINGS_ROWS     192      // most rows of a table

struct wr_settings_row {
	const char *path;           // from the root; "[]" after a list
	enum wr_settings_type type; // of one item
	const char *dflt; // as a file would write it; NULL: required, or a list that may be empty
	const char *unit; // of a number; of a reference: what one item is called
	const char *zero; // word for a value of 0 (an empty text), or for "chosen by us" of a list
	const char *const *choices; // NULL-terminated, in the order of the enum
	const char *refers;         // path of the list whose names are meant, with its "[]"
	bool late;                  // that list may come behind: looked up when all is read
	// Inclusive; a time in microseconds, a size in bytes, thousandths; of a reference, what the
	// word `zero` is stored as.
	uint64_t min, max;
	const char *beyond; // of a number: why it must not be above max; NULL: nothing to say
	const char *help;   // one sentence
	size_t offset;      // in the structure of the enclosing list item, or in the root's
	size_t size;        // bytes of one item there
	// Lists only.
	bool list;
	bool heap; // offset holds a pointer to the items, allocated while parsing
	uint32_t min_items, max_items; // on the heap: most over all lists of this row
	size_t count_offset;
	size_t auto_offset;   // bool that says the word `zero` was given
	size_t absent_offset; // 32 bits of a section's item: not 0 is an item that is not part of
	                      // the configuration any more, for dumps and differences; 0: none
	// Sections only.
	size_t line_offset;  // uint32_t of an item: its line in the file; 0: the command line
	size_t given_offset; // bool that says the section was given; else its keys are left alone
	const char *scalar_sets; // the key that a plain value stands for; "*": for every key
};

struct wr_settings_table {
	const struct wr_settings_row *rows;
	uint32_t count;
	const char *needs; // "ports and services": what an empty file lacks
};

// Where a value goes: a field, an array with its count, a list on the heap, a section's own keys.
#define WR_SETTINGS_FIELD(type_, m)                                                                \
	.offset = offsetof(struct type_, m), .size = sizeof(((struct type_ *)0)->m)
#define WR_SETTINGS_ITEMS(type_, m, n)                                                             \
	.list = true, .offset = offsetof(struct type_, m),                                         \
	.size = sizeof(((struct type_ *)0)->m[0]), .count_offset = offsetof(struct type_, n),      \
	.max_items = sizeof(((struct type_ *)0)->m) / sizeof(((struct type_ *)0)->m[0])
#define WR_SETTINGS_ARRAY(type_, m, n)                                                             \
	WR_SETTINGS_ITEMS(type_, m, n), .auto_offset = WR_SETTINGS_NO_FIELD
#define WR_SETTINGS_HEAP(type_, m, n, max_)                                                        \
	.list = true, .heap = true, .offset = offsetof(struct type_, m),                           \
	.size = sizeof(((struct type_ *)0)->m[0]), .count_offset = offsetof(struct type_, n),      \
	.max_items = (max_), .auto_offset = WR_SETTINGS_NO_FIELD
#define WR_SETTINGS_INSIDE             WR_SETTINGS_SECTION(WR_SETTINGS_NO_FIELD)
#define WR_SETTINGS_OPTIONAL(type_, m) WR_SETTINGS_SECTION(offsetof(struct type_, m))
#define WR_SETTINGS_SECTION(given_)                                                                \
	.type = WR_SETTINGS_T_SECTION, .line_offset = WR_SETTINGS_NO_FIELD, .given_offset = (given_)

// Index of the next row after `from` that is a direct child of `parent` (NULL: the root), or -1.
// Start with from = -1.
int wr_settings_child(
	const struct wr_settings_table *t, const struct wr_settings_row *parent, int from);

// The last component of the path without "[]", copied into buf; returns buf.
const char *wr_settings_key(const struct wr_settings_row *s, char *buf, size_t len);

// The row of a path as the table writes it, or NULL.
const struct wr_settings_row *wr_settings_find(const struct wr_settings_table *t, const char *path);

// Lines of the values that were given; defaults have none. Line 0 is the command line.
struct wr_settings_mark {
	const void *at; // the field in the structure or in what it owns
	uint32_t line;
};
struct wr_settings_marks {
	struct wr_settings_mark *mark;
	uint32_t count, room;
};

void wr_settings_marks_fini(struct wr_settings_marks *m);

// Line of a field, or `other` when it was not given.
uint32_t wr_settings_marks_line(const struct wr_settings_marks *m, const void *at, uint32_t other);
bool wr_settings_given(const struct wr_settings_marks *m, const void *at);

// What is read: a file's text, and over it settings of the command line.
struct wr_settings_input {
	const char *file; // names the text in messages
	const char *text; // NULL: there is no file
	size_t len;
	char *const *set; // "path=value", path with indices: "clients[0].load.rate=50k"
	uint32_t set_count;
};

// The text of a file, malloc'd. NULL with a sentence.
char *wr_settings_read(const char *file, size_t *len, struct wr_err *err);

// Fill the structure at `root` (zeroed): every value is present, of its type and in its range. What
// needs two values to judge is left to the caller. Lists on the heap are the caller's to free, also
// after an error, when their counts may be 0. 0, -EINVAL, -EFBIG or -ENOMEM.
int wr_settings_parse(const struct wr_settings_table *t, const struct wr_settings_input *in,
	void *root, struct wr_settings_marks *marks, struct wr_err *err);

// Write the structure as YAML, defaults included; it parses back to the same.
void wr_settings_dump(const struct wr_settings_table *t, const void *root, FILE *out);

// The same with the items of lists in the order of their names, and without what the program chose:
// equal for any two configurations that mean the same. 0 or -ENOMEM.
int wr_settings_dump_sorted(const struct wr_settings_table *t, const void *root, FILE *out);

// Write the reference: name, type and unit, range, default, sentence; plain or as Markdown.
void wr_settings_reference(const struct wr_settings_table *t, FILE *out, bool markdown);

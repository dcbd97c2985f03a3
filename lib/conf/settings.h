/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The table of settings: one row a key of the file. Parser, checker, dump and reference walk it; a
// key that has no row does not exist.

enum wr_conf_type {
	WR_CONF_T_SECTION,  // keys of its own
	WR_CONF_T_BOOL,     // yes or no
	WR_CONF_T_COUNT,    // whole number
	WR_CONF_T_TIME,     // number with a unit, stored in microseconds
	WR_CONF_T_SIZE,     // number with a unit, stored in bytes
	WR_CONF_T_CHOICE,   // one word of a list, stored as its index
	WR_CONF_T_NAME,     // letters, digits, "_", "." and "-"
	WR_CONF_T_TEXT,     // printable ASCII
	WR_CONF_T_ADDR,     // struct wr_addr
	WR_CONF_T_PREFIX,   // struct wr_prefix
	WR_CONF_T_ENDPOINT, // struct wr_endpoint
	WR_CONF_T_RANGE,    // struct wr_conf_source
	WR_CONF_T_PORT,     // name of a port, stored as its index
	WR_CONF_T_POOL,     // name of a pool, stored as its index
};

#define WR_CONF_NO_FIELD SIZE_MAX // accepted and checked, but there is nothing to store

struct wr_conf_setting {
	const char *path;       // from the root; "[]" after a list
	enum wr_conf_type type; // of one item
	const char *dflt; // as a file would write it; NULL: required, or a list that may be empty
	const char *unit; // of a count
	const char *zero; // word for a count or time of 0, or for "chosen by Weir" of a list
	const char *const *choices; // NULL-terminated, in the order of the enum
	uint64_t min, max;          // inclusive; a time in microseconds, a size in bytes
	const char *help;           // one sentence
	size_t offset; // in the structure of the enclosing list item, or in struct wr_conf
	size_t size;   // bytes of one item there
	// Lists only.
	bool list;
	bool heap; // offset holds a pointer to the items, allocated while parsing
	uint32_t min_items, max_items;
	size_t count_offset;
	size_t auto_offset; // bool that says the word `zero` was given
	// Sections only.
	size_t line_offset;   // uint32_t of an item: its line in the file
	bool scalar_sets_all; // a plain value stands for every key
};

extern const struct wr_conf_setting wr_conf_settings[];
extern const uint32_t wr_conf_setting_count;

// Index of the next row after `from` that is a direct child of `parent` (NULL: the root), or -1.
// Start with from = -1.
int wr_conf_setting_child(const struct wr_conf_setting *parent, int from);

// The last component of the path without "[]", copied into buf; returns buf.
const char *wr_conf_setting_key(const struct wr_conf_setting *s, char *buf, size_t len);

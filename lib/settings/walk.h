/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <yaml.h>

#include "wr_value.h"

// The state of one walk over a YAML document. Its depth is that of the table, not of the file.

#define WR_SETTINGS_PATH  160        // bytes of the longest path shown in a message
#define WR_SETTINGS_SHOWN 64         // bytes of a value shown in a message
#define WR_SETTINGS_INDEX 4095       // highest list index that the command line may make
#define WR_SETTINGS_BYTES (8U << 20) // far above the largest configuration, far below what hurts

struct wr_settings_late { // a reference to be looked up when all is read
	const struct wr_settings_row *row;
	const yaml_node_t *node;
	void *dst;
	char path[WR_SETTINGS_PATH];
};

struct wr_settings_walk {
	const struct wr_settings_table *table;
	const char *file;
	void *root;
	yaml_document_t *doc;
	int top; // node of the document that is its root, with what the command line changed
	struct wr_settings_marks *marks;
	struct wr_err *err;
	char path[WR_SETTINGS_PATH];     // of the value at hand, with indices
	uint32_t index;                  // of the list item around it
	uint32_t heap[WR_SETTINGS_ROWS]; // items so far, over all lists of a row
	struct wr_settings_late *late;
	uint32_t late_count;
};

static inline uint32_t wr_settings_node_line(const yaml_node_t *n)
{
	return (uint32_t)n->start_mark.line + 1;
}

// Nodes of the command line have line 0.
static inline void wr_settings_node_ours(yaml_node_t *n)
{
	n->start_mark.line = (size_t)-1;
}

// Append ".key" or "[index]" to the path; returns the old length, for _pop.
size_t wr_settings_walk_push_key(struct wr_settings_walk *w, const char *key);
size_t wr_settings_walk_push_index(struct wr_settings_walk *w, uint32_t index);
void wr_settings_walk_pop(struct wr_settings_walk *w, size_t old);

// Set the error: "file:line: path: " or "command line: path: ", and the sentence. Returns -EINVAL.
int wr_settings_walk_fail(struct wr_settings_walk *w, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// Set the error of memory that ran out. Returns -ENOMEM.
int wr_settings_walk_no_memory(struct wr_settings_walk *w);

// Begin to parse text; false: no memory.
bool wr_settings_walk_open(yaml_parser_t *p, const char *text, size_t len);

// Set the error that libyaml stopped with. Returns -EINVAL or -ENOMEM.
int wr_settings_walk_yaml_error(
	struct wr_settings_walk *w, const yaml_parser_t *p, const char *text);

// Copy a scalar for a message: cut, and with '?' for what cannot be printed. Returns buf.
const char *wr_settings_shown(const yaml_node_t *n, char buf[WR_SETTINGS_SHOWN]);

// The scalar's text when `n` is a scalar without NUL or tag; else sets the error and returns NULL.
const char *wr_settings_walk_text(
	struct wr_settings_walk *w, const yaml_node_t *n, const struct wr_settings_row *s);

// Sort the pairs of a mapping by row: value[i] belongs to row i. Refuses
// keys without a row, with the nearest one, and keys given twice.
int wr_settings_walk_keys(struct wr_settings_walk *w, const struct wr_settings_row *section,
	const yaml_node_t *map, yaml_node_t *value[WR_SETTINGS_ROWS]);

// Remember a reference whose list may not be read yet; 0 or -ENOMEM. Then, when all is read, look
// all of them up; they are forgotten then in any case.
int wr_settings_walk_later(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, void *dst);
int wr_settings_walk_late(struct wr_settings_walk *w, int rc);

// Put "path=value" over the document. 0, -EINVAL or -ENOMEM.
int wr_settings_walk_set(struct wr_settings_walk *w, const char *set);

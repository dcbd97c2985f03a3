/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <yaml.h>

#include "parse.h"
#include "settings.h"

// The state of one walk over a YAML document. Its depth is that of the table, not of the file.

#define WR_CONF_PATH   160 // bytes of the longest path shown in a message
#define WR_CONF_SHOWN  64  // bytes of a value shown in a message
#define WR_CONF_VALUES 80  // more than rows in the table

struct wr_conf_walk {
	struct wr_conf *c;
	yaml_document_t *doc;
	struct wr_conf_marks *marks;
	struct wr_err *err;
	char path[WR_CONF_PATH]; // of the value at hand, with indices
	uint32_t backends;       // so far, over all pools
};

static inline uint32_t wr_conf_node_line(const yaml_node_t *n)
{
	return (uint32_t)n->start_mark.line + 1;
}

// Append ".key" or "[index]" to the path; returns the old length, for _pop.
size_t wr_conf_walk_push_key(struct wr_conf_walk *w, const char *key);
size_t wr_conf_walk_push_index(struct wr_conf_walk *w, uint32_t index);
void wr_conf_walk_pop(struct wr_conf_walk *w, size_t old);

// Set the error: "file:line: path: " and the sentence. Returns -EINVAL.
int wr_conf_walk_fail(struct wr_conf_walk *w, uint32_t line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

// Set the error of memory that ran out. Returns -ENOMEM.
int wr_conf_walk_no_memory(struct wr_conf_walk *w);

// Begin to parse text; false: no memory.
bool wr_conf_walk_open(yaml_parser_t *p, const char *text, size_t len);

// Set the error that libyaml stopped with. Returns -EINVAL or -ENOMEM.
int wr_conf_walk_yaml_error(struct wr_conf_walk *w, const yaml_parser_t *p, const char *text);

// Copy a scalar for a message: cut, and with '?' for what cannot be printed. Returns buf.
const char *wr_conf_shown(const yaml_node_t *n, char buf[WR_CONF_SHOWN]);

// The scalar's text when `n` is a scalar without NUL or tag; else sets the error and returns NULL.
const char *wr_conf_walk_text(
	struct wr_conf_walk *w, const yaml_node_t *n, const struct wr_conf_setting *s);

// Sort the pairs of a mapping by row: value[i] and line[i] belong to wr_conf_settings[i]. Refuses
// keys without a row, with the nearest one, and keys given twice.
int wr_conf_walk_keys(struct wr_conf_walk *w, const struct wr_conf_setting *section,
	const yaml_node_t *map, yaml_node_t *value[WR_CONF_VALUES]);

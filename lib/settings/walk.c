/* SPDX-License-Identifier: BSD-3-Clause */
#include "walk.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "wr_suggest.h"

size_t wr_settings_walk_push_key(struct wr_settings_walk *w, const char *key)
{
	size_t old = strlen(w->path);

	snprintf(w->path + old, sizeof(w->path) - old, "%s%s", old ? "." : "", key);
	return old;
}

size_t wr_settings_walk_push_index(struct wr_settings_walk *w, uint32_t index)
{
	size_t old = strlen(w->path);

	snprintf(w->path + old, sizeof(w->path) - old, "[%u]", index);
	return old;
}

void wr_settings_walk_pop(struct wr_settings_walk *w, size_t old)
{
	w->path[old] = 0;
}

int wr_settings_walk_fail(struct wr_settings_walk *w, uint32_t line, const char *fmt, ...)
{
	char text[sizeof(w->err->text)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (line == 0)
		return wr_err_set(w->err, EINVAL, "command line: %s%s%s", w->path,
			w->path[0] ? ": " : "", text);
	return wr_err_set(w->err, EINVAL, "%s:%u: %s%s%s", w->file, line, w->path,
		w->path[0] ? ": " : "", text);
}

int wr_settings_walk_no_memory(struct wr_settings_walk *w)
{
	return wr_err_set(w->err, ENOMEM, "%s: no memory to read the configuration", w->file);
}

bool wr_settings_walk_open(yaml_parser_t *p, const char *text, size_t len)
{
	if (!yaml_parser_initialize(p))
		return false;
	// UTF-8 only: a guess from the first bytes would make two files of one text.
	yaml_parser_set_encoding(p, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(p, (const unsigned char *)text, len);
	return true;
}

int wr_settings_walk_yaml_error(
	struct wr_settings_walk *w, const yaml_parser_t *p, const char *text)
{
	uint32_t line = (uint32_t)p->problem_mark.line + 1;

	if (p->error == YAML_MEMORY_ERROR)
		return wr_settings_walk_no_memory(w);
	if (p->error == YAML_READER_ERROR) {
		// What cannot be decoded has an offset in bytes and no mark.
		line = 1;
		for (size_t i = 0; i < p->problem_offset; i++)
			line += text[i] == '\n';
	}
	return wr_settings_walk_fail(w, line,
		"is not YAML: %s%s%s; correct the line or quote the value",
		p->problem ? p->problem : "unreadable", p->context ? " " : "",
		p->context ? p->context : "");
}

const char *wr_settings_shown(const yaml_node_t *n, char buf[WR_SETTINGS_SHOWN])
{
	size_t len = n->data.scalar.length, i;

	for (i = 0; i < len && i < WR_SETTINGS_SHOWN - 4; i++) {
		uint8_t ch = n->data.scalar.value[i];

		buf[i] = ch >= 0x20 && ch < 0x7f ? (char)ch : '?';
	}
	snprintf(buf + i, 4, "%s", i < len ? "..." : "");
	return buf;
}

// The document API writes these tags where the file has none; any other was asked for.
static bool plain_tag(const yaml_node_t *n)
{
	const char *tag = n->tag ? (const char *)n->tag : "";

	return strcmp(tag, n->type == YAML_SCALAR_NODE    ? YAML_STR_TAG
			   : n->type == YAML_MAPPING_NODE ? YAML_MAP_TAG
							  : YAML_SEQ_TAG) == 0;
}

const char *wr_settings_walk_text(
	struct wr_settings_walk *w, const yaml_node_t *n, const struct wr_settings_row *s)
{
	uint32_t line = wr_settings_node_line(n);
	char expect[WR_SETTINGS_WHY];

	if (n->type != YAML_SCALAR_NODE) {
		wr_settings_walk_fail(w, line, "is a %s; right would be %s",
			n->type == YAML_MAPPING_NODE ? "group of keys" : "list",
			wr_settings_expect_value(s, expect, sizeof(expect)));
		return NULL;
	}
	if (!plain_tag(n)) {
		wr_settings_walk_fail(w, line, "has a YAML tag; write the value without one");
		return NULL;
	}
	if (memchr(n->data.scalar.value, 0, n->data.scalar.length)) {
		wr_settings_walk_fail(w, line, "has a NUL byte in its value; right would be %s",
			wr_settings_expect_value(s, expect, sizeof(expect)));
		return NULL;
	}
	return (const char *)n->data.scalar.value;
}

// Row of the key inside the section, or -1 with `near` offered every key there.
static int lookup_key(const struct wr_settings_table *t, const struct wr_settings_row *section,
	const char *key, struct wr_settings_suggest *near, char known[WR_SETTINGS_WHY],
	char names[WR_SETTINGS_ROWS][32])
{
	size_t used = 0;
	uint32_t n = 0;

	for (int i = -1; (i = wr_settings_child(t, section, i)) >= 0;) {
		const char *name = wr_settings_key(&t->rows[i], names[n++], 32);

		if (strcmp(name, key) == 0)
			return i;
		wr_settings_suggest_add(near, name);
		if (used < WR_SETTINGS_WHY)
			used += (size_t)snprintf(known + used, WR_SETTINGS_WHY - used, "%s%s",
				used ? ", " : "", name);
	}
	return -1;
}

static int find_row(
	struct wr_settings_walk *w, const struct wr_settings_row *section, const yaml_node_t *node)
{
	char names[WR_SETTINGS_ROWS][32], known[WR_SETTINGS_WHY] = "", shown[WR_SETTINGS_SHOWN];
	const char *key = (const char *)node->data.scalar.value;
	uint32_t line = wr_settings_node_line(node);
	struct wr_settings_suggest near;
	int row;

	wr_settings_suggest_init(&near, key);
	row = lookup_key(w->table, section, key, &near, known, names);
	// A NUL inside makes the rest invisible to string functions.
	if (row >= 0 && strlen(key) == node->data.scalar.length)
		return row;
	wr_settings_shown(node, shown);
	if (strcmp(key, "<<") == 0)
		return wr_settings_walk_fail(w, line,
			"merge keys ('<<') are not supported; write the keys out, or use an alias "
			"for the whole value");
	if (near.best)
		return wr_settings_walk_fail(
			w, line, "unknown key '%s'; did you mean '%s'?", shown, near.best);
	return wr_settings_walk_fail(w, line, "unknown key '%s'; known here: %s", shown, known);
}

int wr_settings_walk_keys(struct wr_settings_walk *w, const struct wr_settings_row *section,
	const yaml_node_t *map, yaml_node_t *value[WR_SETTINGS_ROWS])
{
	char shown[WR_SETTINGS_SHOWN];

	if (map->type != YAML_MAPPING_NODE || !plain_tag(map))
		return wr_settings_walk_fail(w, wr_settings_node_line(map),
			"is not a group of keys ('key: value' lines); see --help-config");
	for (yaml_node_pair_t *p = map->data.mapping.pairs.start; p < map->data.mapping.pairs.top;
		p++) {
		const yaml_node_t *key = yaml_document_get_node(w->doc, p->key);
		int row;

		if (!key || key->type != YAML_SCALAR_NODE)
			return wr_settings_walk_fail(w, wr_settings_node_line(key ? key : map),
				"has a key that is a list or a group; a key is one word");
		row = find_row(w, section, key);
		if (row < 0)
			return row;
		if (value[row])
			return wr_settings_walk_fail(w, wr_settings_node_line(key),
				"key '%s' is given twice; the first is at line %u; keep one",
				wr_settings_shown(key, shown), wr_settings_node_line(value[row]));
		value[row] = yaml_document_get_node(w->doc, p->value);
	}
	return 0;
}

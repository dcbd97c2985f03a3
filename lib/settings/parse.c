/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "value_priv.h"
#include "walk.h"

static int add_mark(struct wr_settings_walk *w, const void *at, uint32_t line)
{
	struct wr_settings_marks *m = w->marks;
	struct wr_settings_mark *grown;

	if (m->count == m->room) {
		grown = realloc(m->mark, (m->room + 256) * 2 * sizeof(*grown));
		if (!grown)
			return wr_settings_walk_no_memory(w);
		m->mark = grown;
		m->room = (m->room + 256) * 2;
	}
	m->mark[m->count++] = (struct wr_settings_mark){.at = at, .line = line};
	return 0;
}

static int parse_section(struct wr_settings_walk *w, const struct wr_settings_row *section,
	const yaml_node_t *node, uint32_t line, uint8_t *base);

// A default name with the place of its item for '#'.
static const char *numbered(const char *text, uint32_t index, char buf[WR_SETTINGS_SHOWN])
{
	size_t before = strcspn(text, "#");

	snprintf(buf, WR_SETTINGS_SHOWN, "%.*s%u%s", (int)before, text, index, text + before + 1);
	return buf;
}

// One value of the file, or the default when `node` is NULL.
static int parse_item(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, uint32_t line, uint8_t *dst)
{
	const struct wr_settings_names names = {.table = w->table, .root = w->root};
	char why[WR_SETTINGS_WHY], shown[WR_SETTINGS_SHOWN];
	const char *text = s->dflt;

	if (node) {
		text = wr_settings_walk_text(w, node, s);
		if (!text)
			return -EINVAL;
		line = wr_settings_node_line(node);
	}
	if (node && s->late && dst) {
		if (wr_settings_walk_later(w, s, node, dst) < 0)
			return -ENOMEM;
		return add_mark(w, dst, line);
	}
	if (!text)
		return wr_settings_walk_fail(w, line, "is missing; right would be %s",
			wr_settings_expect_value(s, why, sizeof(why)));
	if (!node && s->type == WR_SETTINGS_T_NAME && strchr(text, '#'))
		text = numbered(text, w->index, shown);
	if (wr_settings_parse_value(s, text, dst, &names, why) < 0)
		return wr_settings_walk_fail(w, line, "value '%s' %s",
			node ? wr_settings_shown(node, shown) : text, why);
	return node && dst ? add_mark(w, dst, line) : 0;
}

// Room for the items of a list kept on the heap; they are counted over all lists of the row,
// because one list may be used by many through an alias.
static int make_items(struct wr_settings_walk *w, const struct wr_settings_row *s, uint32_t n,
	uint32_t line, uint8_t **items)
{
	uint32_t *total = &w->heap[s - w->table->rows];
	uint8_t *made;

	*total += n;
	if (*total > s->max_items)
		return wr_settings_walk_fail(w, line,
			"has %u items, %u with those before; right would be at most %u over all", n,
			*total, s->max_items);
	if (n == 0)
		return 0;
	made = calloc(n, s->size);
	if (!made)
		return wr_settings_walk_no_memory(w);
	memcpy(*items, &made, sizeof(made));
	*items = made;
	return 0;
}

static int parse_list_items(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, uint8_t *items, uint32_t *count)
{
	yaml_node_item_t *first = node->data.sequence.items.start;
	uint32_t outer = w->index;
	int rc = 0;

	for (; rc == 0 && first + *count < node->data.sequence.items.top; (*count)++) {
		const yaml_node_t *item = yaml_document_get_node(w->doc, first[*count]);
		uint32_t line = wr_settings_node_line(item);
		uint8_t *dst = items + *count * s->size;
		size_t old = wr_settings_walk_push_index(w, *count);

		w->index = *count;
		if (s->type == WR_SETTINGS_T_SECTION) {
			memcpy(dst + s->line_offset, &line, sizeof(line));
			rc = parse_section(w, s, item, line, dst);
		} else {
			rc = parse_item(w, s, item, line, dst);
		}
		wr_settings_walk_pop(w, old);
	}
	w->index = outer;
	return rc;
}

static int check_items(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, uint32_t line)
{
	char expect[WR_SETTINGS_WHY];
	size_t n;

	if (!node || node->type != YAML_SEQUENCE_NODE ||
		(node->tag && strcmp((const char *)node->tag, YAML_SEQ_TAG) != 0))
		return wr_settings_walk_fail(w, line, "is %s; right would be a list%s%s",
			node ? "not a list" : "missing",
			s->type == WR_SETTINGS_T_SECTION ? "" : ", each item ",
			s->type == WR_SETTINGS_T_SECTION
				? " ('- key: value')"
				: wr_settings_expect_value(s, expect, sizeof(expect)));
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (n < s->min_items)
		return wr_settings_walk_fail(
			w, line, "is an empty list; right would be %u or more", s->min_items);
	if (n > s->max_items)
		return wr_settings_walk_fail(
			w, line, "has %zu items; right would be at most %u", n, s->max_items);
	return 0;
}

static int parse_list(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, uint32_t line, uint8_t *base)
{
	uint8_t *items = base + s->offset;
	const char *text;
	uint32_t count = 0;
	bool word;
	int rc;

	if (!node && !s->min_items)
		return 0;
	if (s->auto_offset != WR_SETTINGS_NO_FIELD) {
		text = s->zero;
		if (node && node->type == YAML_SCALAR_NODE)
			text = wr_settings_walk_text(w, node, s);
		if (!text)
			return -EINVAL;
		word = (!node || node->type == YAML_SCALAR_NODE) && strcmp(text, s->zero) == 0;
		memcpy(base + s->auto_offset, &word, sizeof(word));
		if (word)
			return 0;
	}
	// One plain value stands for a list of it.
	if (node && node->type == YAML_SCALAR_NODE && s->type != WR_SETTINGS_T_SECTION) {
		if (s->heap) {
			rc = make_items(w, s, 1, line, &items);
			if (rc < 0)
				return rc;
		}
		count = 1;
		rc = parse_item(w, s, node, line, items);
	} else {
		rc = check_items(w, s, node, line);
		if (rc == 0 && s->heap)
			rc = make_items(w, s,
				(uint32_t)(node->data.sequence.items.top -
					   node->data.sequence.items.start),
				line, &items);
		if (rc == 0)
			rc = parse_list_items(w, s, node, items, &count);
	}
	memcpy(base + s->count_offset, &count, sizeof(count));
	return rc;
}

// A list of words that become one value.
static int parse_flags(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, uint32_t line, uint8_t *dst)
{
	uint64_t all = 0, one;
	struct wr_settings_row word = *s;
	struct wr_settings_marks none = {0}, *marks = w->marks;
	uint32_t i = 0;
	int rc = 0;

	if (!node || node->type != YAML_SEQUENCE_NODE)
		return parse_item(w, s, node, line, dst);
	word.size = sizeof(one);
	w->marks = &none; // of a variable of ours
	for (yaml_node_item_t *p = node->data.sequence.items.start;
		rc == 0 && p < node->data.sequence.items.top; p++, i++) {
		size_t old = wr_settings_walk_push_index(w, i);

		rc = parse_item(
			w, &word, yaml_document_get_node(w->doc, *p), line, (uint8_t *)&one);
		wr_settings_walk_pop(w, old);
		all |= one;
	}
	w->marks = marks;
	wr_settings_marks_fini(&none);
	if (rc < 0)
		return rc;
	wr_settings_store(dst, s->size, all);
	return add_mark(w, dst, line);
}

static int parse_inner(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, uint32_t line, uint8_t *base)
{
	bool given = node != NULL;

	if (s->given_offset != WR_SETTINGS_NO_FIELD) {
		memcpy(base + s->given_offset, &given, sizeof(given));
		if (!given)
			return 0;
	}
	return parse_section(w, s, node, line, base + s->offset);
}

static int parse_setting(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, uint32_t line, uint8_t *base)
{
	if (node)
		line = wr_settings_node_line(node);
	if (s->list)
		return parse_list(w, s, node, line, base);
	if (s->type == WR_SETTINGS_T_SECTION)
		return parse_inner(w, s, node, line, base);
	if (s->type == WR_SETTINGS_T_FLAGS)
		return parse_flags(w, s, node, line, base + s->offset);
	return parse_item(
		w, s, node, line, s->offset == WR_SETTINGS_NO_FIELD ? NULL : base + s->offset);
}

// Does a plain value for a section with these `scalar_sets` stand for this key of it?
static bool stands_for(const char *sets, const char *key)
{
	return strcmp(sets, "*") == 0 || strcmp(sets, key) == 0;
}

static int parse_section(struct wr_settings_walk *w, const struct wr_settings_row *section,
	const yaml_node_t *node, uint32_t line, uint8_t *base)
{
	yaml_node_t *value[WR_SETTINGS_ROWS] = {NULL};
	const char *plain =
		node && section && node->type == YAML_SCALAR_NODE ? section->scalar_sets : NULL;
	char key[32];
	int rc = 0;

	if (node && !plain)
		rc = wr_settings_walk_keys(w, section, node, value);
	for (int i = -1; rc == 0 && (i = wr_settings_child(w->table, section, i)) >= 0;) {
		const struct wr_settings_row *s = &w->table->rows[i];
		const yaml_node_t *given = value[i];
		size_t old;

		wr_settings_key(s, key, sizeof(key));
		if (plain && stands_for(plain, key))
			given = node;
		old = wr_settings_walk_push_key(w, key);
		rc = parse_setting(w, s, given, line, base);
		wr_settings_walk_pop(w, old);
	}
	return rc;
}

// The command line over the document.
static int put_over(struct wr_settings_walk *w, const struct wr_settings_input *in)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < in->set_count; i++)
		rc = wr_settings_walk_set(w, in->set[i]);
	return rc;
}

static int parse_root(struct wr_settings_walk *w, const struct wr_settings_input *in)
{
	int rc;

	w->top = 1; // libyaml's first node
	if (in->set_count > 0 && !yaml_document_get_root_node(w->doc)) {
		if (!yaml_document_add_mapping(w->doc, NULL, YAML_BLOCK_MAPPING_STYLE))
			return wr_settings_walk_no_memory(w);
		wr_settings_node_ours(yaml_document_get_root_node(w->doc));
	}
	if (!yaml_document_get_root_node(w->doc))
		return wr_settings_walk_fail(w, in->text ? 1 : 0,
			"is empty; right would be %s, see --help-config", w->table->needs);
	rc = put_over(w, in);
	if (rc < 0)
		return rc;
	rc = parse_section(
		w, NULL, yaml_document_get_node(w->doc, w->top), in->text ? 1 : 0, w->root);
	return wr_settings_walk_late(w, rc);
}

static int parse_text(
	struct wr_settings_walk *w, yaml_parser_t *p, const struct wr_settings_input *in)
{
	yaml_document_t doc, second;
	yaml_node_t *root;
	int rc;

	if (!yaml_parser_load(p, &doc))
		return wr_settings_walk_yaml_error(w, p, in->text);
	w->doc = &doc;
	rc = parse_root(w, in);
	if (rc == 0 && !yaml_parser_load(p, &second)) {
		rc = wr_settings_walk_yaml_error(w, p, in->text);
	} else if (rc == 0) {
		root = yaml_document_get_root_node(&second);
		if (root)
			rc = wr_settings_walk_fail(w, wr_settings_node_line(root),
				"a second document begins here; keep all in one");
		yaml_document_delete(&second);
	}
	yaml_document_delete(&doc);
	return rc;
}

static int parse_no_text(struct wr_settings_walk *w, const struct wr_settings_input *in)
{
	yaml_document_t doc;
	int rc;

	if (!yaml_document_initialize(&doc, NULL, NULL, NULL, 1, 1))
		return wr_settings_walk_no_memory(w);
	w->doc = &doc;
	rc = parse_root(w, in);
	yaml_document_delete(&doc);
	return rc;
}

int wr_settings_parse(const struct wr_settings_table *t, const struct wr_settings_input *in,
	void *root, struct wr_settings_marks *marks, struct wr_err *err)
{
	struct wr_settings_walk w = {
		.table = t, .file = in->file, .root = root, .marks = marks, .err = err};
	yaml_parser_t parser;
	int rc;

	if (!in->text)
		return parse_no_text(&w, in);
	if (in->len > WR_SETTINGS_BYTES)
		return wr_err_set(err, EFBIG, "%s: is larger than %u MiB; is it a configuration?",
			in->file, WR_SETTINGS_BYTES >> 20);
	rc = wr_settings_shape_check(&w, in->text, in->len);
	if (rc < 0)
		return rc;
	if (!wr_settings_walk_open(&parser, in->text, in->len))
		return wr_settings_walk_no_memory(&w);
	rc = parse_text(&w, &parser, in);
	yaml_parser_delete(&parser);
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shape.h"
#include "value.h"
#include "walk.h"

void wr_conf_marks_fini(struct wr_conf_marks *m)
{
	free(m->mark);
	memset(m, 0, sizeof(*m));
}

uint32_t wr_conf_marks_line(const struct wr_conf_marks *m, const void *at, uint32_t other)
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->mark[i].at == at)
			return m->mark[i].line;
	}
	return other;
}

static int add_mark(struct wr_conf_walk *w, const void *at, uint32_t line)
{
	struct wr_conf_marks *m = w->marks;
	struct wr_conf_mark *grown;

	if (m->count == m->room) {
		grown = realloc(m->mark, (m->room + 256) * 2 * sizeof(*grown));
		if (!grown)
			return wr_conf_walk_no_memory(w);
		m->mark = grown;
		m->room = (m->room + 256) * 2;
	}
	m->mark[m->count++] = (struct wr_conf_mark){.at = at, .line = line};
	return 0;
}

static int parse_section(struct wr_conf_walk *w, const struct wr_conf_setting *section,
	const yaml_node_t *node, uint32_t line, uint8_t *base);

// One value of the file, or the default when `node` is NULL.
static int parse_item(struct wr_conf_walk *w, const struct wr_conf_setting *s,
	const yaml_node_t *node, uint32_t line, uint8_t *dst)
{
	char why[WR_CONF_WHY], shown[WR_CONF_SHOWN];
	const char *text = s->dflt;

	if (node) {
		text = wr_conf_walk_text(w, node, s);
		if (!text)
			return -EINVAL;
		line = wr_conf_node_line(node);
	}
	if (!text)
		return wr_conf_walk_fail(w, line, "is missing; right would be %s",
			wr_conf_value_expect(s, why, sizeof(why)));
	if (wr_conf_value_parse(s, text, dst, w->c, why) < 0)
		return wr_conf_walk_fail(
			w, line, "value '%s' %s", node ? wr_conf_shown(node, shown) : text, why);
	return node && dst ? add_mark(w, dst, line) : 0;
}

// Room for the items of a list kept on the heap; backends are counted over all pools, because one
// list may be used by many through an alias.
static int make_items(struct wr_conf_walk *w, const struct wr_conf_setting *s, uint32_t n,
	uint32_t line, uint8_t **items)
{
	uint8_t *made;

	w->backends += n;
	if (w->backends > s->max_items)
		return wr_conf_walk_fail(w, line,
			"has %u items, %u with those before; right would be at most %u over all", n,
			w->backends, s->max_items);
	made = calloc(n, s->size);
	if (!made)
		return wr_conf_walk_no_memory(w);
	memcpy(*items, &made, sizeof(made));
	*items = made;
	return 0;
}

static int parse_list_items(struct wr_conf_walk *w, const struct wr_conf_setting *s,
	const yaml_node_t *node, uint8_t *items, uint32_t *count)
{
	yaml_node_item_t *first = node->data.sequence.items.start;
	int rc = 0;

	for (; rc == 0 && first + *count < node->data.sequence.items.top; (*count)++) {
		const yaml_node_t *item = yaml_document_get_node(w->doc, first[*count]);
		uint32_t line = wr_conf_node_line(item);
		uint8_t *dst = items + *count * s->size;
		size_t old = wr_conf_walk_push_index(w, *count);

		if (s->type == WR_CONF_T_SECTION) {
			memcpy(dst + s->line_offset, &line, sizeof(line));
			rc = parse_section(w, s, item, line, dst);
		} else {
			rc = parse_item(w, s, item, line, dst);
		}
		wr_conf_walk_pop(w, old);
	}
	return rc;
}

static int check_items(struct wr_conf_walk *w, const struct wr_conf_setting *s,
	const yaml_node_t *node, uint32_t line)
{
	char expect[WR_CONF_WHY];
	size_t n;

	if (!node || node->type != YAML_SEQUENCE_NODE ||
		(node->tag && strcmp((const char *)node->tag, YAML_SEQ_TAG) != 0))
		return wr_conf_walk_fail(w, line, "is %s; right would be a list%s%s",
			node ? "not a list" : "missing",
			s->type == WR_CONF_T_SECTION ? "" : ", each item ",
			s->type == WR_CONF_T_SECTION
				? " ('- key: value')"
				: wr_conf_value_expect(s, expect, sizeof(expect)));
	n = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
	if (n < s->min_items)
		return wr_conf_walk_fail(
			w, line, "is an empty list; right would be %u or more", s->min_items);
	if (n > s->max_items)
		return wr_conf_walk_fail(
			w, line, "has %zu items; right would be at most %u", n, s->max_items);
	return 0;
}

static int parse_list(struct wr_conf_walk *w, const struct wr_conf_setting *s,
	const yaml_node_t *node, uint32_t line, uint8_t *base)
{
	uint8_t *items = base + s->offset;
	const char *text;
	uint32_t count = 0;
	bool word;
	int rc;

	if (!node && !s->min_items)
		return 0;
	if (s->auto_offset != WR_CONF_NO_FIELD) {
		text = s->zero;
		if (node && node->type == YAML_SCALAR_NODE)
			text = wr_conf_walk_text(w, node, s);
		if (!text)
			return -EINVAL;
		word = (!node || node->type == YAML_SCALAR_NODE) && strcmp(text, s->zero) == 0;
		memcpy(base + s->auto_offset, &word, sizeof(word));
		if (word)
			return 0;
	}
	// One plain value stands for a list of it.
	if (node && node->type == YAML_SCALAR_NODE && s->type != WR_CONF_T_SECTION) {
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

static int parse_setting(struct wr_conf_walk *w, const struct wr_conf_setting *s,
	const yaml_node_t *node, uint32_t line, uint8_t *base)
{
	if (node)
		line = wr_conf_node_line(node);
	if (s->list)
		return parse_list(w, s, node, line, base);
	if (s->type == WR_CONF_T_SECTION)
		return parse_section(w, s, node, line, base + s->offset);
	return parse_item(
		w, s, node, line, s->offset == WR_CONF_NO_FIELD ? NULL : base + s->offset);
}

static int parse_section(struct wr_conf_walk *w, const struct wr_conf_setting *section,
	const yaml_node_t *node, uint32_t line, uint8_t *base)
{
	yaml_node_t *value[WR_CONF_VALUES] = {NULL};
	bool all = node && section && section->scalar_sets_all && node->type == YAML_SCALAR_NODE;
	char key[32];
	int rc = 0;

	if (node && !all)
		rc = wr_conf_walk_keys(w, section, node, value);
	for (int i = -1; rc == 0 && (i = wr_conf_setting_child(section, i)) >= 0;) {
		const struct wr_conf_setting *s = &wr_conf_settings[i];
		size_t old = wr_conf_walk_push_key(w, wr_conf_setting_key(s, key, sizeof(key)));

		rc = parse_setting(w, s, all ? node : value[i], line, base);
		wr_conf_walk_pop(w, old);
	}
	return rc;
}

static int parse_document(struct wr_conf_walk *w, yaml_parser_t *p, const char *text)
{
	yaml_document_t doc, second;
	yaml_node_t *root;
	int rc;

	if (!yaml_parser_load(p, &doc))
		return wr_conf_walk_yaml_error(w, p, text);
	w->doc = &doc;
	root = yaml_document_get_root_node(&doc);
	if (root)
		rc = parse_section(w, NULL, root, 1, (uint8_t *)w->c);
	else
		rc = wr_conf_walk_fail(w, 1,
			"is empty; right would be ports, pools and services, see --help-config");
	if (rc == 0 && !yaml_parser_load(p, &second)) {
		rc = wr_conf_walk_yaml_error(w, p, text);
	} else if (rc == 0) {
		root = yaml_document_get_root_node(&second);
		if (root)
			rc = wr_conf_walk_fail(w, wr_conf_node_line(root),
				"a second document begins here; keep all in one");
		yaml_document_delete(&second);
	}
	yaml_document_delete(&doc);
	return rc;
}

int wr_conf_parse_yaml(struct wr_conf *c, const char *text, size_t len, struct wr_conf_marks *marks,
	struct wr_err *err)
{
	struct wr_conf_walk w = {.c = c, .marks = marks, .err = err};
	yaml_parser_t parser;
	int rc;

	rc = wr_conf_shape_check(&w, text, len);
	if (rc < 0)
		return rc;
	if (!wr_conf_walk_open(&parser, text, len))
		return wr_conf_walk_no_memory(&w);
	rc = parse_document(&w, &parser, text);
	yaml_parser_delete(&parser);
	return rc;
}

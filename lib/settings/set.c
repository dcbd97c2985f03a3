/* SPDX-License-Identifier: BSD-3-Clause */
#include "walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// "clients[0].load.rate=50k" over a document. Groups and lists on the way are copied, because an
// alias may use them elsewhere too; those that are not there are made.

struct set {
	struct wr_settings_walk *w;
	const char *path, *at;      // whole, and what of it is still to go
	size_t len;                 // of path
	char row[WR_SETTINGS_PATH]; // what the table calls the node at hand
	const char *value;
};

static int set_fail(const struct set *s, const char *what)
{
	return wr_err_set(s->w->err, EINVAL, "command line: '%.*s' %s", (int)s->len, s->path, what);
}

// A node of ours from an id that libyaml gave; 0: no memory.
static int ours(struct set *s, int id)
{
	if (id == 0)
		return wr_settings_walk_no_memory(s->w);
	wr_settings_node_ours(yaml_document_get_node(s->w->doc, id));
	return id;
}

static int add_text(struct set *s, const char *text, size_t len)
{
	return ours(s, yaml_document_add_scalar(s->w->doc, NULL, (const yaml_char_t *)text,
			       (int)len, YAML_PLAIN_SCALAR_STYLE));
}

static int add_pair(struct set *s, int map, int key, int value)
{
	return yaml_document_append_mapping_pair(s->w->doc, map, key, value)
	               ? 0
	               : wr_settings_walk_no_memory(s->w);
}

static bool is_nothing(const yaml_node_t *n)
{
	return !n || (n->type == YAML_SCALAR_NODE && n->data.scalar.length == 0);
}

// A group for the plain value `old`, under the keys that the table lets it stand for.
static int spread(struct set *s, int map, int old)
{
	const struct wr_settings_table *t = s->w->table;
	const struct wr_settings_row *section = wr_settings_find(t, s->row);
	char name[32];
	int rc = 0;

	if (!section || !section->scalar_sets)
		return set_fail(s, "goes into a plain value, which has no keys and no items");
	for (int i = -1; rc >= 0 && (i = wr_settings_child(t, section, i)) >= 0;) {
		wr_settings_key(&t->rows[i], name, sizeof(name));
		if (section->scalar_sets[0] != '*' && strcmp(section->scalar_sets, name) != 0)
			continue;
		rc = add_text(s, name, strlen(name));
		if (rc > 0)
			rc = add_pair(s, map, rc, old);
	}
	return rc;
}

// A group of our own with what `old` has. Its id, or negative.
static int copy_group(struct set *s, int old)
{
	yaml_node_t *n = yaml_document_get_node(s->w->doc, old);
	yaml_mark_t mark = n ? n->start_mark : (yaml_mark_t){0};
	bool nothing = is_nothing(n);
	int map = ours(s, yaml_document_add_mapping(s->w->doc, NULL, YAML_BLOCK_MAPPING_STYLE)), rc;

	if (map < 0 || nothing)
		return map;
	// Adding nodes moves them all.
	n = yaml_document_get_node(s->w->doc, old);
	if (n->type == YAML_SEQUENCE_NODE)
		return set_fail(
			s, "goes by a key into a list; give the index of an item, as in [0]");
	if (n->type == YAML_SCALAR_NODE) {
		rc = spread(s, map, old);
		return rc < 0 ? rc : map;
	}
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
		p++) {
		rc = add_pair(s, map, p->key, p->value);
		if (rc < 0)
			return rc;
	}
	yaml_document_get_node(s->w->doc, map)->start_mark = mark;
	return map;
}

// The same for a list; one plain value becomes its item.
static int copy_list(struct set *s, int old)
{
	yaml_node_t *n = yaml_document_get_node(s->w->doc, old);
	yaml_mark_t mark = n ? n->start_mark : (yaml_mark_t){0};
	bool nothing = is_nothing(n);
	int list = ours(s, yaml_document_add_sequence(s->w->doc, NULL, YAML_BLOCK_SEQUENCE_STYLE));

	if (list < 0 || nothing)
		return list;
	n = yaml_document_get_node(s->w->doc, old);
	if (n->type == YAML_MAPPING_NODE)
		return set_fail(s, "goes by an index into a group of keys; give a key instead");
	if (n->type == YAML_SCALAR_NODE)
		return yaml_document_append_sequence_item(s->w->doc, list, old)
		               ? list
		               : wr_settings_walk_no_memory(s->w);
	for (yaml_node_item_t *p = n->data.sequence.items.start; p < n->data.sequence.items.top;
		p++) {
		if (!yaml_document_append_sequence_item(s->w->doc, list, *p))
			return wr_settings_walk_no_memory(s->w);
	}
	yaml_document_get_node(s->w->doc, list)->start_mark = mark;
	return list;
}

static int put(struct set *s, int old);

static int put_key(struct set *s, int old)
{
	const char *key = s->at;
	size_t len = strcspn(key, ".[="), used = strlen(s->row);
	int map = copy_group(s, old), child = 0, rc;
	ptrdiff_t found = -1;
	yaml_node_t *n;

	if (map < 0)
		return map;
	if (len == 0)
		return set_fail(s, "is not a path of keys such as clients[0].load.rate");
	n = yaml_document_get_node(s->w->doc, map);
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top;
		p++) {
		const yaml_node_t *k = yaml_document_get_node(s->w->doc, p->key);

		if (k->type == YAML_SCALAR_NODE && k->data.scalar.length == len &&
			memcmp(k->data.scalar.value, key, len) == 0) {
			found = p - n->data.mapping.pairs.start;
			child = p->value;
		}
	}
	snprintf(s->row + used, sizeof(s->row) - used, "%s%.*s", used ? "." : "", (int)len, key);
	s->at += len;
	child = put(s, child);
	if (child < 0)
		return child;
	if (found >= 0) {
		n = yaml_document_get_node(s->w->doc, map);
		n->data.mapping.pairs.start[found].value = child;
		return map;
	}
	rc = add_text(s, key, len);
	if (rc > 0)
		rc = add_pair(s, map, rc, child);
	return rc < 0 ? rc : map;
}

static int put_index(struct set *s, int old)
{
	int list, child = 0, count;
	yaml_node_t *n;
	char *end;
	unsigned long i = strtoul(s->at + 1, &end, 10);

	if (s->at[1] < '0' || s->at[1] > '9' || *end != ']' || i > WR_SETTINGS_INDEX)
		return set_fail(s, "has an index that is not a number from 0 to 4095 in brackets");
	s->at = end + 1;
	list = copy_list(s, old);
	if (list < 0)
		return list;
	n = yaml_document_get_node(s->w->doc, list);
	count = (int)(n->data.sequence.items.top - n->data.sequence.items.start);
	if ((int)i < count)
		child = n->data.sequence.items.start[i];
	snprintf(s->row + strlen(s->row), sizeof(s->row) - strlen(s->row), "[]");
	child = put(s, child);
	if (child < 0)
		return child;
	for (; count <= (int)i; count++) {
		int item = (int)i == count ? child : copy_group(s, 0);

		if (item < 0)
			return item;
		if (!yaml_document_append_sequence_item(s->w->doc, list, item))
			return wr_settings_walk_no_memory(s->w);
	}
	yaml_document_get_node(s->w->doc, list)->data.sequence.items.start[i] = child;
	return list;
}

// The node that takes the place of `old` (0: of nothing). Its id, or negative.
static int put(struct set *s, int old)
{
	if (*s->at == '=')
		return add_text(s, s->value, strlen(s->value));
	if (*s->at == '[')
		return put_index(s, old);
	if (*s->at != '.')
		return set_fail(s, "lacks a dot or '=' behind an index");
	s->at++;
	return put_key(s, old);
}

int wr_settings_walk_set(struct wr_settings_walk *w, const char *set)
{
	const char *eq = strchr(set, '=');
	struct set s = {.w = w, .path = set, .at = set};
	uint32_t depth = 0;
	int id;

	s.len = eq ? (size_t)(eq - set) : strlen(set);
	for (const char *p = set; p < set + s.len; p++) {
		if (*p < 0x21 || *p > 0x7e)
			return wr_err_set(w->err, EINVAL,
				"command line: a path has a character that no key has; right would "
				"be PATH=VALUE");
		depth += *p == '.' || *p == '[';
	}
	if (s.len >= WR_SETTINGS_PATH || depth > 16)
		return wr_err_set(w->err, EINVAL,
			"command line: '%.*s...': is longer than the path of any setting",
			(int)(s.len < 40 ? s.len : 40), set);
	if (!eq)
		return set_fail(&s, "is not a setting; right would be PATH=VALUE");
	if (*set == '[' || *set == '.')
		return set_fail(&s, "does not begin with a key");
	s.value = eq + 1;
	if (yaml_document_get_node(w->doc, w->top)->type != YAML_MAPPING_NODE)
		return set_fail(&s, "has no place: the file is not a group of keys");
	id = put_key(&s, w->top);
	if (id < 0)
		return id;
	w->top = id;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings_diff.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"

#define PATH_LEN 512 // names of two items, and keys

struct side {
	struct wr_settings_names names;
	char text[WR_SETTINGS_PRINTED];
};

struct diff {
	const struct wr_settings_table *table;
	const struct wr_settings_differ *to;
	struct side before, after;
	char path[PATH_LEN];
	char says[WR_SETTINGS_PRINTED]; // what a new group sets
	int rc;
};

static void diff_keys(
	struct diff *d, const struct wr_settings_row *section, const uint8_t *a, const uint8_t *b);

static size_t push(struct diff *d, const char *fmt, const char *what)
{
	size_t old = strlen(d->path);

	snprintf(d->path + old, sizeof(d->path) - old, fmt, what);
	return old;
}

static size_t push_key(struct diff *d, const struct wr_settings_row *s)
{
	char key[32];

	return push(d, d->path[0] ? ".%s" : "%s", wr_settings_key(s, key, sizeof(key)));
}

static void tell(struct diff *d, struct wr_settings_change c)
{
	c.path = d->path;
	d->to->tell(d->to->arg, &c);
}

// --- what a new group sets -------------------------------------------------------------------

struct says {
	struct diff *d;
	const struct wr_settings_row *from; // the group
	const struct wr_settings_row *key;  // which is in the path already
};

static void say(const struct says *y, const struct wr_settings_row *s, const char *value)
{
	char *says = y->d->says;
	size_t used = strlen(says), skip = strlen(y->from->path) + 1, len = strlen(s->path) - skip;

	snprintf(says + used, sizeof(y->d->says) - used, "%s%.*s %s", used ? " " : "",
		(int)(s->list ? len - 2 : len), s->path + skip, value);
}

static void say_list(const struct says *y, const struct wr_settings_row *s, const uint8_t *base)
{
	uint32_t n;
	const uint8_t *items = wr_settings_items(s, base, &n);
	struct side *side = &y->d->after;
	char all[WR_SETTINGS_PRINTED] = "";
	size_t used = 0;

	for (uint32_t i = 0; i < n && used < sizeof(all); i++) {
		wr_settings_text(s, items + i * s->size, &side->names, side->text);
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%s%s", i ? "," : "", side->text);
	}
	if (n)
		say(y, s, all);
}

static void say_keys(
	const struct says *y, const struct wr_settings_row *section, const uint8_t *base)
{
	struct side *side = &y->d->after;

	for (int i = -1; (i = wr_settings_child(y->d->table, section, i)) >= 0;) {
		const struct wr_settings_row *s = &y->d->table->rows[i];
		bool given = true;

		if (s == y->key || (s->type == WR_SETTINGS_T_SECTION && s->list))
			continue;
		if (s->list) {
			say_list(y, s, base);
		} else if (s->type == WR_SETTINGS_T_SECTION) {
			if (s->given_offset != WR_SETTINGS_NO_FIELD)
				memcpy(&given, base + s->given_offset, sizeof(given));
			if (given)
				say_keys(y, s, base + s->offset);
		} else if (s->offset != WR_SETTINGS_NO_FIELD) {
			wr_settings_text(s, base + s->offset, &side->names, side->text);
			if (!s->dflt || strcmp(side->text, s->dflt) != 0)
				say(y, s, side->text);
		}
	}
}

// The lists of groups in a new group are new too.
static void add_lists(
	struct diff *d, const struct wr_settings_row *section, const uint8_t *item, char sign);

static void one_sided(
	struct diff *d, const struct wr_settings_row *s, const uint8_t *item, char sign)
{
	struct says y = {.d = d, .from = s};

	d->says[0] = 0;
	if (sign == '+') {
		if (s->list)
			y.key = &d->table->rows[wr_settings_child(d->table, s, -1)];
		say_keys(&y, s, item);
	}
	tell(d, (struct wr_settings_change){
			.sign = sign, .row = s, .before = "", .after = d->says, .at = item});
	if (sign == '+')
		add_lists(d, s, item, sign);
}

static void add_lists(
	struct diff *d, const struct wr_settings_row *section, const uint8_t *item, char sign)
{
	for (int i = -1; (i = wr_settings_child(d->table, section, i)) >= 0;) {
		const struct wr_settings_row *s = &d->table->rows[i];
		struct wr_settings_item *made;
		size_t outer, old;
		uint32_t n;

		if (s->type != WR_SETTINGS_T_SECTION || !s->list)
			continue;
		made = wr_settings_order(&d->after.names, s, item, &n);
		if (!made && n)
			d->rc = -ENOMEM;
		outer = push_key(d, s);
		for (uint32_t j = 0; made && j < n; j++) {
			old = push(d, "[%s]", made[j].key);
			one_sided(d, s, made[j].at, sign);
			d->path[old] = 0;
		}
		d->path[outer] = 0;
		free(made);
	}
}

// --- what both have --------------------------------------------------------------------------

// The bytes of a value, of which equal ones print the same; 0: its bytes do not say.
static size_t bytes_of(const struct wr_settings_row *s)
{
	if (s->type == WR_SETTINGS_T_REF)
		return 0;
	return s->type == WR_SETTINGS_T_SPAN    ? sizeof(struct wr_settings_span)
	       : s->type == WR_SETTINGS_T_RANGE ? sizeof(struct wr_settings_range)
	                                        : s->size;
}

static void diff_value(
	struct diff *d, const struct wr_settings_row *s, const uint8_t *a, const uint8_t *b)
{
	if (s->offset == WR_SETTINGS_NO_FIELD ||
		(bytes_of(s) && memcmp(a + s->offset, b + s->offset, bytes_of(s)) == 0))
		return;
	wr_settings_text(s, a + s->offset, &d->before.names, d->before.text);
	wr_settings_text(s, b + s->offset, &d->after.names, d->after.text);
	if (strcmp(d->before.text, d->after.text) == 0)
		return;
	tell(d, (struct wr_settings_change){.sign = '~',
			.row = s,
			.before = d->before.text,
			.after = d->after.text,
			.at = b + s->offset});
}

static void diff_item(struct diff *d, const struct wr_settings_row *s,
	const struct wr_settings_item *a, const struct wr_settings_item *b)
{
	const struct wr_settings_item *one = a ? a : b; // one is there at least
	size_t old;

	if (s->type != WR_SETTINGS_T_SECTION) {
		if (!a || !b)
			tell(d, (struct wr_settings_change){.sign = a ? '-' : '+',
					.row = s,
					.before = a ? a->key : "",
					.after = b ? b->key : "",
					.at = one->at});
		return;
	}
	old = push(d, "[%s]", one->key);
	if (a && b)
		diff_keys(d, s, a->at, b->at);
	else
		one_sided(d, s, one->at, a ? '-' : '+');
	d->path[old] = 0;
}

// Was the list left to the program on both sides, or on one of them?
static bool diff_auto(
	struct diff *d, const struct wr_settings_row *s, const uint8_t *a, const uint8_t *b)
{
	bool x = false, y = false;

	if (s->auto_offset == WR_SETTINGS_NO_FIELD)
		return false;
	memcpy(&x, a + s->auto_offset, sizeof(x));
	memcpy(&y, b + s->auto_offset, sizeof(y));
	if (x != y)
		tell(d, (struct wr_settings_change){.sign = '~',
				.row = s,
				.before = x ? s->zero : "a list",
				.after = y ? s->zero : "a list",
				.at = b + s->offset});
	return x || y;
}

static void diff_list(
	struct diff *d, const struct wr_settings_row *s, const uint8_t *a, const uint8_t *b)
{
	struct wr_settings_item *x, *y;
	uint32_t m, n, i = 0, j = 0;

	if (diff_auto(d, s, a, b))
		return;
	x = wr_settings_order(&d->before.names, s, a, &m);
	y = wr_settings_order(&d->after.names, s, b, &n);
	if ((!x && m) || (!y && n)) {
		d->rc = -ENOMEM;
		m = n = 0;
	}
	while (i < m || j < n) {
		int c = i == m ? 1 : j == n ? -1 : strcmp(x[i].key, y[j].key);

		diff_item(d, s, c <= 0 ? &x[i] : NULL, c >= 0 ? &y[j] : NULL);
		i += c <= 0;
		j += c >= 0;
	}
	free(x);
	free(y);
}

static void diff_group(
	struct diff *d, const struct wr_settings_row *s, const uint8_t *a, const uint8_t *b)
{
	bool x = true, y = true;

	if (s->given_offset != WR_SETTINGS_NO_FIELD) {
		memcpy(&x, a + s->given_offset, sizeof(x));
		memcpy(&y, b + s->given_offset, sizeof(y));
	}
	if (x && y)
		diff_keys(d, s, a + s->offset, b + s->offset);
	else if (x || y)
		one_sided(d, s, (x ? a : b) + s->offset, x ? '-' : '+');
}

static void diff_keys(
	struct diff *d, const struct wr_settings_row *section, const uint8_t *a, const uint8_t *b)
{
	for (int i = -1; (i = wr_settings_child(d->table, section, i)) >= 0;) {
		const struct wr_settings_row *s = &d->table->rows[i];
		size_t old;

		if (d->to->wants && !d->to->wants(d->to->arg, s))
			continue;
		old = push_key(d, s);
		if (s->list)
			diff_list(d, s, a, b);
		else if (s->type == WR_SETTINGS_T_SECTION)
			diff_group(d, s, a, b);
		else
			diff_value(d, s, a, b);
		d->path[old] = 0;
	}
}

int wr_settings_diff(const struct wr_settings_table *t, const void *before, const void *after,
	const struct wr_settings_differ *d)
{
	struct diff x = {
		.table = t,
		.to = d,
		.before.names = {.table = t, .root = before},
		.after.names = {.table = t, .root = after},
	};

	diff_keys(&x, NULL, before, after);
	return x.rc;
}

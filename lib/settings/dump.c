/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "order.h"

// The configuration in force as YAML, in the order of the table.

struct dump {
	const struct wr_settings_table *table;
	const struct wr_settings_names *names;
	FILE *out;
	bool sorted;
	int rc;
};

static void dump_section(struct dump *d, const struct wr_settings_row *section, const uint8_t *base,
	uint32_t indent, bool dash);

static void put_key(const struct wr_settings_row *s, uint32_t indent, bool dash, FILE *out)
{
	char key[32];

	fprintf(out, "%*s%s%s:", (int)(dash ? indent - 2 : indent), "", dash ? "- " : "",
		wr_settings_key(s, key, sizeof(key)));
}

static void dump_item(struct dump *d, const struct wr_settings_row *s, const uint8_t *item,
	uint32_t indent, bool first)
{
	if (s->type == WR_SETTINGS_T_SECTION) {
		fputs(first ? "\n" : "", d->out);
		dump_section(d, s, item, indent + 4, true);
	} else {
		fputs(first ? " [" : ", ", d->out);
		wr_settings_print_value(s, item, d->names, d->out);
	}
}

// How many there were.
static uint32_t dump_items(
	struct dump *d, const struct wr_settings_row *s, const uint8_t *base, uint32_t indent)
{
	uint32_t count, n = 0;
	const uint8_t *items = wr_settings_items(s, base, &count);
	struct wr_settings_item *order;

	if (d->sorted) {
		order = wr_settings_order(d->names, s, base, &count);
		if (!order && count)
			d->rc = -ENOMEM;
		for (; order && n < count; n++)
			dump_item(d, s, order[n].at, indent, n == 0);
		free(order);
		return n;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (!wr_settings_absent(s, items + i * s->size))
			dump_item(d, s, items + i * s->size, indent, n++ == 0);
	}
	return n;
}

static void dump_list(
	struct dump *d, const struct wr_settings_row *s, const uint8_t *base, uint32_t indent)
{
	bool word = false;
	uint32_t n;

	if (s->auto_offset != WR_SETTINGS_NO_FIELD)
		memcpy(&word, base + s->auto_offset, sizeof(word));
	if (word)
		fprintf(d->out, " %s%s", s->zero, d->sorted ? "\n" : " #");
	if (word && d->sorted)
		return;
	n = dump_items(d, s, base, indent);
	if (n == 0)
		fputs(" []\n", d->out);
	else if (s->type != WR_SETTINGS_T_SECTION)
		fputs("]\n", d->out);
}

static void dump_section(struct dump *d, const struct wr_settings_row *section, const uint8_t *base,
	uint32_t indent, bool dash)
{
	for (int i = -1; (i = wr_settings_child(d->table, section, i)) >= 0;) {
		const struct wr_settings_row *s = &d->table->rows[i];
		bool given = true;

		if (s->type == WR_SETTINGS_T_SECTION && !s->list &&
			s->given_offset != WR_SETTINGS_NO_FIELD)
			memcpy(&given, base + s->given_offset, sizeof(given));
		if (!given)
			continue;
		put_key(s, indent, dash, d->out);
		dash = false;
		if (s->list) {
			dump_list(d, s, base, indent);
		} else if (s->type == WR_SETTINGS_T_SECTION) {
			fputc('\n', d->out);
			dump_section(d, s, base + s->offset, indent + 2, false);
		} else {
			fputc(' ', d->out);
			wr_settings_print_value(s,
				s->offset == WR_SETTINGS_NO_FIELD ? NULL : base + s->offset,
				d->names, d->out);
			fputc('\n', d->out);
		}
	}
}

static int dump(const struct wr_settings_table *t, const void *root, FILE *out, bool sorted)
{
	const struct wr_settings_names names = {.table = t, .root = root};
	struct dump d = {.table = t, .names = &names, .out = out, .sorted = sorted};

	dump_section(&d, NULL, root, 0, false);
	return d.rc;
}

void wr_settings_dump(const struct wr_settings_table *t, const void *root, FILE *out)
{
	dump(t, root, out, false);
}

int wr_settings_dump_sorted(const struct wr_settings_table *t, const void *root, FILE *out)
{
	return dump(t, root, out, true);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings.h"

#include <string.h>

#include "wr_value.h"

// The configuration in force as YAML, in the order of the table.

struct dump {
	const struct wr_settings_table *table;
	const struct wr_settings_names *names;
	FILE *out;
};

static void dump_section(const struct dump *d, const struct wr_settings_row *section,
	const uint8_t *base, uint32_t indent, bool dash);

static void put_key(const struct wr_settings_row *s, uint32_t indent, bool dash, FILE *out)
{
	char key[32];

	fprintf(out, "%*s%s%s:", (int)(dash ? indent - 2 : indent), "", dash ? "- " : "",
		wr_settings_key(s, key, sizeof(key)));
}

static void dump_list(
	const struct dump *d, const struct wr_settings_row *s, const uint8_t *base, uint32_t indent)
{
	const uint8_t *items = base + s->offset;
	FILE *out = d->out;
	bool word = false;
	uint32_t count;

	memcpy(&count, base + s->count_offset, sizeof(count));
	if (s->heap)
		memcpy(&items, base + s->offset, sizeof(items));
	if (s->auto_offset != WR_SETTINGS_NO_FIELD)
		memcpy(&word, base + s->auto_offset, sizeof(word));
	if (s->type == WR_SETTINGS_T_SECTION && count) {
		fputc('\n', out);
		for (uint32_t i = 0; i < count; i++)
			dump_section(d, s, items + i * s->size, indent + 4, true);
		return;
	}
	if (word)
		fprintf(out, " %s #", s->zero);
	fputs(" [", out);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		wr_settings_print_value(s, items + i * s->size, d->names, out);
	}
	fputs("]\n", out);
}

static void dump_section(const struct dump *d, const struct wr_settings_row *section,
	const uint8_t *base, uint32_t indent, bool dash)
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

void wr_settings_dump(const struct wr_settings_table *t, const void *root, FILE *out)
{
	const struct wr_settings_names names = {.table = t, .root = root};
	const struct dump d = {.table = t, .names = &names, .out = out};

	dump_section(&d, NULL, root, 0, false);
}

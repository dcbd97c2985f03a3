/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_conf.h"

#include <string.h>

#include "settings.h"
#include "value.h"

// The configuration in force as YAML, in the order of the table.

static void dump_section(const struct wr_conf *c, const struct wr_conf_setting *section,
	const uint8_t *base, uint32_t indent, bool dash, FILE *out);

static void put_key(const struct wr_conf_setting *s, uint32_t indent, bool dash, FILE *out)
{
	char key[32];

	fprintf(out, "%*s%s%s:", (int)(dash ? indent - 2 : indent), "", dash ? "- " : "",
		wr_conf_setting_key(s, key, sizeof(key)));
}

static void dump_list(const struct wr_conf *c, const struct wr_conf_setting *s, const uint8_t *base,
	uint32_t indent, FILE *out)
{
	const uint8_t *items = base + s->offset;
	bool word = false;
	uint32_t count;

	memcpy(&count, base + s->count_offset, sizeof(count));
	if (s->heap)
		memcpy(&items, base + s->offset, sizeof(items));
	if (s->auto_offset != WR_CONF_NO_FIELD)
		memcpy(&word, base + s->auto_offset, sizeof(word));
	if (s->type == WR_CONF_T_SECTION && count) {
		fputc('\n', out);
		for (uint32_t i = 0; i < count; i++)
			dump_section(c, s, items + i * s->size, indent + 4, true, out);
		return;
	}
	if (word) {
		fprintf(out, " %s #", s->zero);
	}
	fputs(" [", out);
	for (uint32_t i = 0; i < count; i++) {
		fputs(i ? ", " : "", out);
		wr_conf_value_print(s, items + i * s->size, c, out);
	}
	fputs("]\n", out);
}

static void dump_section(const struct wr_conf *c, const struct wr_conf_setting *section,
	const uint8_t *base, uint32_t indent, bool dash, FILE *out)
{
	for (int i = -1; (i = wr_conf_setting_child(section, i)) >= 0; dash = false) {
		const struct wr_conf_setting *s = &wr_conf_settings[i];

		put_key(s, indent, dash, out);
		if (s->list) {
			dump_list(c, s, base, indent, out);
		} else if (s->type == WR_CONF_T_SECTION) {
			fputc('\n', out);
			dump_section(c, s, base + s->offset, indent + 2, false, out);
		} else {
			fputc(' ', out);
			wr_conf_value_print(
				s, s->offset == WR_CONF_NO_FIELD ? NULL : base + s->offset, c, out);
			fputc('\n', out);
		}
	}
}

void wr_conf_dump(const struct wr_conf *c, FILE *out)
{
	dump_section(c, NULL, (const uint8_t *)c, 0, false, out);
}

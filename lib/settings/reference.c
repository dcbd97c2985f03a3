/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings.h"

#include <string.h>

#include "wr_value.h"

// The reference of all settings, from the table.

static const char *dflt_words(const struct wr_settings_row *s)
{
	if (s->dflt)
		return s->dflt;
	if (s->list)
		return s->min_items ? "required" : "none";
	if (s->type != WR_SETTINGS_T_SECTION)
		return "required";
	return s->given_offset == WR_SETTINGS_NO_FIELD ? "its keys' defaults" : "none";
}

static void put_type(const struct wr_settings_row *s, FILE *out)
{
	char buf[WR_SETTINGS_WHY];

	if (s->list && s->zero)
		fprintf(out, "%s, or ", s->zero);
	if (s->list)
		fprintf(out, "a list of %u to %u, each ", s->min_items, s->max_items);
	if (s->type == WR_SETTINGS_T_SECTION) {
		fputs("a group of keys", out);
		if (s->scalar_sets && s->scalar_sets[0] != '*')
			fprintf(out, ", or one value for '%s'", s->scalar_sets);
	} else if (s->list && s->zero) {
		struct wr_settings_row item = *s;

		item.zero = NULL;
		fputs(wr_settings_expect_value(&item, buf, sizeof(buf)), out);
	} else {
		fputs(wr_settings_expect_value(s, buf, sizeof(buf)), out);
	}
}

void wr_settings_reference(const struct wr_settings_table *t, FILE *out, bool markdown)
{
	if (markdown)
		fputs("| Setting | Type and range | Default | Meaning |\n|---|---|---|---|\n", out);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct wr_settings_row *s = &t->rows[i];

		fprintf(out, markdown ? "| `%s` | " : "%s\n    ", s->path);
		put_type(s, out);
		fprintf(out, markdown ? " | %s | %s |\n" : "; default: %s\n    %s\n\n",
			dflt_words(s), s->help);
	}
}

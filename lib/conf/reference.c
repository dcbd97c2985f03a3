/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_conf.h"

#include <string.h>

#include "settings.h"
#include "value.h"

// The reference of all settings, from the table.

static const char *dflt_words(const struct wr_conf_setting *s)
{
	if (s->dflt)
		return s->dflt;
	if (s->list)
		return s->min_items ? "required" : "none";
	return s->type == WR_CONF_T_SECTION ? "its keys' defaults" : "required";
}

static void put_type(const struct wr_conf_setting *s, FILE *out)
{
	char buf[WR_CONF_WHY];

	if (s->list && s->zero)
		fprintf(out, "%s, or ", s->zero);
	if (s->list)
		fprintf(out, "a list of %u to %u, each ", s->min_items, s->max_items);
	if (s->type == WR_CONF_T_SECTION) {
		fputs("a group of keys", out);
	} else if (s->list && s->zero) {
		struct wr_conf_setting item = *s;

		item.zero = NULL;
		fputs(wr_conf_value_expect(&item, buf, sizeof(buf)), out);
	} else {
		fputs(wr_conf_value_expect(s, buf, sizeof(buf)), out);
	}
}

void wr_conf_reference(FILE *out, bool markdown)
{
	if (markdown)
		fputs("| Setting | Type and range | Default | Meaning |\n|---|---|---|---|\n", out);
	for (uint32_t i = 0; i < wr_conf_setting_count; i++) {
		const struct wr_conf_setting *s = &wr_conf_settings[i];

		fprintf(out, markdown ? "| `%s` | " : "%s\n    ", s->path);
		put_type(s, out);
		fprintf(out, markdown ? " | %s | %s |\n" : "; default: %s\n    %s\n\n",
			dflt_words(s), s->help);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "order.h"

#include <stdlib.h>
#include <string.h>

#include "value_priv.h"

static void unquote(char *text)
{
	size_t len = strlen(text);

	if (len < 2 || text[0] != '"' || text[len - 1] != '"' || strpbrk(text, " \\"))
		return;
	memmove(text, text + 1, len - 2);
	text[len - 2] = 0;
}

const char *wr_settings_text(const struct wr_settings_row *s, const void *src,
	const struct wr_settings_names *names, char buf[WR_SETTINGS_PRINTED])
{
	FILE *out = fmemopen(buf, WR_SETTINGS_PRINTED - 1, "w");

	buf[0] = buf[WR_SETTINGS_PRINTED - 1] = 0;
	if (!out)
		return buf;
	wr_settings_print_value(s, src, names, out);
	fclose(out);
	unquote(buf);
	return buf;
}

const uint8_t *wr_settings_items(
	const struct wr_settings_row *s, const uint8_t *base, uint32_t *count)
{
	const uint8_t *items = base + s->offset;

	memcpy(count, base + s->count_offset, sizeof(*count));
	if (s->heap)
		memcpy(&items, base + s->offset, sizeof(items));
	return items;
}

bool wr_settings_absent(const struct wr_settings_row *s, const uint8_t *item)
{
	return s->absent_offset && wr_settings_load(item + s->absent_offset, 4) != 0;
}

static int by_key(const void *a, const void *b)
{
	const struct wr_settings_item *x = a, *y = b;
	int d = strcmp(x->key, y->key);

	return d ? d : (x->at > y->at) - (x->at < y->at);
}

struct wr_settings_item *wr_settings_order(const struct wr_settings_names *names,
	const struct wr_settings_row *s, const uint8_t *base, uint32_t *count)
{
	const struct wr_settings_row *key = s;
	const uint8_t *at = wr_settings_items(s, base, count);
	struct wr_settings_item *made = NULL;
	char text[WR_SETTINGS_PRINTED];
	uint32_t n = 0;

	if (*count)
		made = calloc(*count, sizeof(*made));
	if (!made)
		return NULL;
	if (s->type == WR_SETTINGS_T_SECTION)
		key = &names->table->rows[wr_settings_child(names->table, s, -1)];
	for (uint32_t i = 0; i < *count; i++, at += s->size) {
		if (wr_settings_absent(s, at))
			continue;
		wr_settings_text(key, key == s ? at : at + key->offset, names, text);
		snprintf(made[n].key, sizeof(made[n].key), "%.*s", (int)sizeof(made[n].key) - 1,
			text);
		made[n++].at = at;
	}
	qsort(made, n, sizeof(*made), by_key);
	*count = n;
	return made;
}

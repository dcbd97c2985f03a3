/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings.h"

#include <string.h>

int wr_settings_child(
	const struct wr_settings_table *t, const struct wr_settings_row *parent, int from)
{
	size_t plen = parent ? strlen(parent->path) : 0;

	for (uint32_t i = (uint32_t)(from + 1); i < t->count; i++) {
		const char *p = t->rows[i].path;

		if (parent) {
			if (strncmp(p, parent->path, plen) != 0 || p[plen] != '.')
				continue;
			p += plen + 1;
		}
		if (!strchr(p, '.'))
			return (int)i;
	}
	return -1;
}

const char *wr_settings_key(const struct wr_settings_row *s, char *buf, size_t len)
{
	const char *dot = strrchr(s->path, '.');
	const char *key = dot ? dot + 1 : s->path;

	snprintf(buf, len, "%.*s", (int)strcspn(key, "["), key);
	return buf;
}

const struct wr_settings_row *wr_settings_find(const struct wr_settings_table *t, const char *path)
{
	for (uint32_t i = 0; i < t->count; i++) {
		if (strcmp(t->rows[i].path, path) == 0)
			return &t->rows[i];
	}
	return NULL;
}

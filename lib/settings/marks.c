/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings.h"

#include <stdlib.h>
#include <string.h>

void wr_settings_marks_fini(struct wr_settings_marks *m)
{
	free(m->mark);
	memset(m, 0, sizeof(*m));
}

static const struct wr_settings_mark *find(const struct wr_settings_marks *m, const void *at)
{
	for (uint32_t i = 0; i < m->count; i++) {
		if (m->mark[i].at == at)
			return &m->mark[i];
	}
	return NULL;
}

uint32_t wr_settings_marks_line(const struct wr_settings_marks *m, const void *at, uint32_t other)
{
	const struct wr_settings_mark *k = find(m, at);

	return k ? k->line : other;
}

bool wr_settings_given(const struct wr_settings_marks *m, const void *at)
{
	return find(m, at) != NULL;
}

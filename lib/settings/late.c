/* SPDX-License-Identifier: BSD-3-Clause */
#include "walk.h"

#include <stdlib.h>
#include <string.h>

// References to lists that are read after them.

int wr_settings_walk_later(struct wr_settings_walk *w, const struct wr_settings_row *s,
	const yaml_node_t *node, void *dst)
{
	struct wr_settings_late *grown, *l;

	// Grown by doubling at each power of two.
	if ((w->late_count & (w->late_count - 1)) == 0) {
		grown = realloc(w->late, (w->late_count ? w->late_count * 2 : 1) * sizeof(*grown));
		if (!grown)
			return wr_settings_walk_no_memory(w);
		w->late = grown;
	}
	l = &w->late[w->late_count++];
	*l = (struct wr_settings_late){.row = s, .node = node, .dst = dst};
	memcpy(l->path, w->path, sizeof(l->path));
	return 0;
}

static int look_up(struct wr_settings_walk *w, const struct wr_settings_late *l)
{
	const struct wr_settings_names names = {.table = w->table, .root = w->root};
	const char *text = (const char *)l->node->data.scalar.value;
	char why[WR_SETTINGS_WHY], shown[WR_SETTINGS_SHOWN];

	if (wr_settings_parse_value(l->row, text, l->dst, &names, why) == 0)
		return 0;
	memcpy(w->path, l->path, sizeof(w->path));
	return wr_settings_walk_fail(w, wr_settings_node_line(l->node), "value '%s' %s",
		wr_settings_shown(l->node, shown), why);
}

int wr_settings_walk_late(struct wr_settings_walk *w, int rc)
{
	for (uint32_t i = 0; rc == 0 && i < w->late_count; i++)
		rc = look_up(w, &w->late[i]);
	free(w->late);
	w->late = NULL;
	w->late_count = 0;
	return rc;
}

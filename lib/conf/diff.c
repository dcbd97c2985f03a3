/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include "settings.h"
#include "wr_conf_plan.h"
#include "wr_hash.h"
#include "wr_settings_diff.h"

struct lines {
	char (*line)[WR_CONF_DIFF_LEN];
	uint32_t count, max;
};

static void tell(void *arg, const struct wr_settings_change *c)
{
	struct lines *l = arg;
	char *line;
	int len;

	if (l->count++ >= l->max)
		return;
	line = l->line[l->count - 1];
	if (c->sign == '~')
		len = snprintf(
			line, WR_CONF_DIFF_LEN, "~ %s %s -> %s", c->path, c->before, c->after);
	else
		len = snprintf(line, WR_CONF_DIFF_LEN, "%c %s%s%s", c->sign, c->path,
			c->before[0] || c->after[0] ? " " : "",
			c->sign == '+' ? c->after : c->before);
	if (len >= WR_CONF_DIFF_LEN)
		snprintf(line + WR_CONF_DIFF_LEN - 4, 4, "...");
}

uint32_t wr_conf_diff(const struct wr_conf *before, const struct wr_conf *after,
	char (*line)[WR_CONF_DIFF_LEN], uint32_t max)
{
	struct lines l = {.line = line, .max = max};
	const struct wr_settings_differ d = {.tell = tell, .arg = &l};

	// Without memory a list is left out: the lines are for people.
	wr_settings_diff(&wr_conf_table, before, after, &d);
	return l.count;
}

uint64_t wr_conf_id(const struct wr_conf *c)
{
	static const uint64_t key[2] = {0x77656972, 0x636f6e66}; // the same on every box
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	uint64_t id = 0;
	int rc;

	if (!out)
		return 0;
	rc = wr_settings_dump_sorted(&wr_conf_table, c, out);
	if (fclose(out) == 0 && rc == 0)
		id = wr_siphash(key, text, len);
	free(text);
	return id;
}

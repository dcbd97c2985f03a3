/* SPDX-License-Identifier: BSD-3-Clause */

// The texts of the last configurations, and what each changed.

#include "ctl_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void version_free(struct wr_version *v)
{
	free(v->text);
	free(v->line);
	*v = (struct wr_version){0};
}

int wr_version_text(const struct wr_conf *conf, char **text, size_t *len)
{
	FILE *out = open_memstream(text, len);

	if (out == NULL)
		return -ENOMEM;
	wr_conf_dump(conf, out);
	if (fclose(out) == 0)
		return 0;
	free(*text);
	*text = NULL;
	return -ENOMEM;
}

// The oldest one, of edits only or of any kind; *n: how many such there are.
static struct wr_version *oldest(struct wr_reload *r, bool of_edits, uint32_t *n)
{
	struct wr_version *found = NULL;

	*n = 0;
	for (uint32_t i = 0; i < WR_VERSIONS; i++) {
		struct wr_version *v = &r->version[i];

		if (v->id == 0 || (of_edits && v->edits == 0))
			continue;
		(*n)++;
		if (found == NULL || v->id < found->id)
			found = v;
	}
	return found;
}

// Where the next one goes.
static struct wr_version *place(struct wr_reload *r, bool of_edits)
{
	uint32_t n;
	struct wr_version *v = of_edits ? oldest(r, true, &n) : NULL;

	if (of_edits && n >= WR_EDITS_VERSIONS)
		return v;
	for (uint32_t i = 0; i < WR_VERSIONS; i++)
		if (r->version[i].id == 0)
			return &r->version[i];
	return oldest(r, false, &n);
}

static int fill(struct wr_version *v, const struct wr_conf *before, const struct wr_conf *conf)
{
	v->sum = wr_conf_id(conf);
	v->line = calloc(WR_DIFF_LINES, sizeof(*v->line));
	if (v->line == NULL || wr_version_text(conf, &v->text, &v->len) < 0) {
		version_free(v);
		return -ENOMEM;
	}
	if (before != NULL)
		v->lines = wr_conf_diff(before, conf, v->line, WR_DIFF_LINES);
	return 0;
}

static void put(struct wr_reload *r, struct wr_version *to, const struct wr_version *fresh)
{
	for (uint32_t i = 0; i < WR_VERSIONS; i++)
		r->version[i].in_force = false;
	version_free(to);
	*to = *fresh;
	r->in_force = r->count = fresh->id;
}

int wr_version_keep(struct wr_reload *r, const struct wr_conf *before, const struct wr_conf *conf,
	const char *from, time_t at)
{
	struct wr_version fresh = {.id = r->count + 1, .at = at, .in_force = true};

	snprintf(fresh.from, sizeof(fresh.from), "%.*s", (int)sizeof(fresh.from) - 1, from);
	if (fill(&fresh, before, conf) < 0)
		return -ENOMEM;
	put(r, place(r, false), &fresh);
	return 0;
}

// What they changed comes before what this one changes; both are kept as far as there is room.
static void join(const struct wr_version *run, struct wr_version *fresh)
{
	uint32_t had = RTE_MIN(run->lines, (uint32_t)WR_DIFF_LINES);
	uint32_t more = RTE_MIN(fresh->lines, WR_DIFF_LINES - had);

	memmove(fresh->line[had], fresh->line[0], more * sizeof(*fresh->line));
	memcpy(fresh->line[0], run->line[0], had * sizeof(*fresh->line));
	fresh->lines += run->lines;
	fresh->id = run->id;
	fresh->edits += run->edits;
	fresh->edits_us = run->edits_us;
}

int wr_version_keep_edits(struct wr_reload *r, const struct wr_conf *before,
	const struct wr_conf *conf, uint32_t edits, time_t at, wr_us_t now)
{
	struct wr_version fresh = {.id = r->count + 1, .at = at, .in_force = true, .edits = edits};
	struct wr_version *run = NULL;

	fresh.edits_us = now;
	for (uint32_t i = 0; i < WR_VERSIONS; i++) {
		struct wr_version *v = &r->version[i];

		if (v->id != 0 && v->id == r->in_force && v->edits != 0 &&
			now < v->edits_us + WR_EDITS_RUN_US)
			run = v;
	}
	if (fill(&fresh, before, conf) < 0)
		return -ENOMEM;
	if (run != NULL)
		join(run, &fresh);
	snprintf(fresh.from, sizeof(fresh.from), "operator: %u edits", fresh.edits);
	put(r, run != NULL ? run : place(r, true), &fresh);
	return 0;
}

const struct wr_version *wr_reload_version(const struct wr_reload *r, uint32_t id)
{
	for (uint32_t i = 0; id != 0 && i < WR_VERSIONS; i++)
		if (r->version[i].id == id)
			return &r->version[i];
	return NULL;
}

const struct wr_version *wr_reload_version_before(const struct wr_reload *r, uint32_t id)
{
	const struct wr_version *found = NULL;

	for (uint32_t i = 0; i < WR_VERSIONS; i++) {
		const struct wr_version *v = &r->version[i];

		if (v->id != 0 && v->id < id && (found == NULL || v->id > found->id))
			found = v;
	}
	return found;
}

void wr_versions_free(struct wr_reload *r)
{
	for (uint32_t i = 0; i < WR_VERSIONS; i++)
		version_free(&r->version[i]);
}

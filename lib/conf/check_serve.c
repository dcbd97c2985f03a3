/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "settings.h"

// How a pool serves: settings that its way of picking heeds, priorities, backups.

// A value other than the default that nothing heeds.
static int check_heeded(const struct wr_conf_check *k, uint32_t i, const uint32_t *value,
	const char *path, const char *needs)
{
	const struct wr_settings_row *row = wr_settings_find(&wr_conf_table, path);
	char key[32];

	if (*value == strtoul(row->dflt, NULL, 10))
		return 0;
	return wr_settings_fail(&k->at, value, k->c->pools[i].line,
		"pools[%u].%s: value '%u' is heeded by %s only; right would be that, or to leave "
		"it out",
		i, wr_settings_key(row, key, sizeof(key)), *value, needs);
}

static bool has_priorities(const struct wr_conf_pool *p)
{
	for (uint32_t j = 1; j < p->backend_count; j++) {
		if (p->backends[j].priority != p->backends[0].priority)
			return true;
	}
	return false;
}

static int check_picking(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	int rc = 0;

	if (p->balance != WR_CONF_BALANCE_BOUNDED)
		rc = check_heeded(k, i, &p->bound_percent, "pools[].bound", "balance: bounded");
	if (rc == 0 && p->hash != WR_CONF_HASH_PREFIX)
		rc = check_heeded(
			k, i, &p->hash_prefix_v4, "pools[].hash_prefix_v4", "hash: prefix");
	if (rc == 0 && p->hash != WR_CONF_HASH_PREFIX)
		rc = check_heeded(
			k, i, &p->hash_prefix_v6, "pools[].hash_prefix_v6", "hash: prefix");
	if (rc == 0 && has_priorities(p) && p->fail_open_percent > p->spill_percent)
		rc = wr_settings_fail(&k->at, &p->fail_open_percent,
			wr_settings_marks_line(k->at.marks, &p->spill_percent, p->line),
			"pools[%u].fail_open: value '%u' is above spill.below, which is %u: checks "
			"would be set aside before another priority serves; right would be at most "
			"%u",
			i, p->fail_open_percent, p->spill_percent, p->spill_percent);
	return rc;
}

static int check_circle(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf *c = k->c;
	const struct wr_conf_pool *p = &c->pools[i];
	uint32_t at = i;

	if ((uint32_t)p->backup == i)
		return wr_settings_fail(&k->at, &p->backup, p->line,
			"pools[%u].backup: value '%s' is the pool itself; right would be another "
			"pool, or none",
			i, p->name);
	for (uint32_t steps = 0; steps < c->pool_count && c->pools[at].backup >= 0; steps++) {
		at = (uint32_t)c->pools[at].backup;
		if (at == i)
			return wr_settings_fail(&k->at, &p->backup, p->line,
				"pools[%u].backup: value '%s' leads back to '%s', so that none of "
				"them is the last; right would be none in one of them",
				i, c->pools[p->backup].name, p->name);
	}
	return 0;
}

// A backup without a backend that takes sessions helps nobody.
static int check_helps(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_pool *p = &k->c->pools[i], *b = &k->c->pools[p->backup];

	for (uint32_t j = 0; j < b->backend_count; j++) {
		if (b->backends[j].weight)
			return 0;
	}
	return wr_settings_fail(&k->at, &p->backup, p->line,
		"pools[%u].backup: value '%s' has no backend with a weight above 0, so it serves "
		"nobody; right would be a pool that does, or none",
		i, b->name);
}

int wr_conf_check_serve(const struct wr_conf_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->pool_count; i++) {
		rc = check_picking(k, i);
		if (rc == 0 && k->c->pools[i].backup >= 0)
			rc = check_circle(k, i);
		if (rc == 0 && k->c->pools[i].backup >= 0)
			rc = check_helps(k, i);
	}
	return rc;
}

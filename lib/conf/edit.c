/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "settings.h"
#include "wr_conf_plan.h"
#include "wr_suggest.h"

// Backends that come and go without a file.

static int find_live_pool(const struct wr_conf *c, const char *name, struct wr_err *err)
{
	struct wr_settings_suggest near;

	wr_settings_suggest_init(&near, name);
	for (uint32_t i = 0; i < c->pool_count; i++) {
		if (c->pools[i].slot != WR_CONF_LIVE)
			continue;
		if (strcmp(c->pools[i].name, name) == 0)
			return (int)i;
		wr_settings_suggest_add(&near, c->pools[i].name);
	}
	return wr_err_set(err, ENOENT, "there is no pool '%.64s'%s%s%s", name,
		near.best ? "; did you mean '" : "; see the list of pools",
		near.best ? near.best : "", near.best ? "'?" : "");
}

// The row of a LIVE backend, or -1.
static int find_live(const struct wr_conf_pool *p, const char *name)
{
	for (uint32_t i = 0; i < p->backend_count; i++) {
		if (p->backends[i].slot == WR_CONF_LIVE && strcmp(p->backends[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static int find_returning(const struct wr_conf_pool *p, const struct wr_conf_backend *b)
{
	for (uint32_t i = 0; i < p->backend_count; i++) {
		const struct wr_conf_backend *x = &p->backends[i];

		if (x->slot == WR_CONF_LEAVING && !x->old_source &&
			x->address.port == b->address.port &&
			wr_addr_eq(&x->address.addr, &b->address.addr) &&
			strcmp(x->name, b->name) == 0)
			return (int)i;
	}
	return -1;
}

// The lowest id that nobody has, or -1.
static int free_id(const struct wr_conf *c)
{
	bool taken[WR_MAX_BACKENDS] = {false};

	for (uint32_t i = 0; i < c->pool_count; i++) {
		for (uint32_t j = 0; j < c->pools[i].backend_count; j++)
			taken[c->pools[i].backends[j].id] = true;
	}
	for (uint32_t id = 0; id < WR_MAX_BACKENDS; id++) {
		if (!taken[id])
			return (int)id;
	}
	return -1;
}

// "file:12: pools[3].backends[7].address: ...": who it is, is said already.
static const char *without_place(const char *text)
{
	const char *end = strstr(text, ": "), *p;

	text = end ? end + 2 : text;
	end = strstr(text, ": ");
	if (!end || strncmp(text, "pools[", 6) != 0)
		return text;
	for (p = strstr(text, "]."); p && p < end; p = strstr(text, "]."))
		text = p + 2;
	return text;
}

// What a file with the pool as it is now would be told; row `added` of it is new, if there is one.
static int check_pool(
	const struct wr_conf *c, uint32_t pool, int added, const char *what, struct wr_err *err)
{
	static const struct wr_settings_marks none;
	struct wr_err why = {{0}};
	const struct wr_conf_check k = {
		.c = c, .at = {.file = c->file, .marks = &none, .err = &why}};
	int rc = 0;

	if (added >= 0) {
		rc = wr_conf_check_backend(&k, pool, (uint32_t)added);
		if (rc == 0)
			rc = wr_conf_check_backend_access(&k, &c->pools[pool].backends[added]);
	}
	if (rc == 0)
		rc = wr_conf_check_pool_limits(&k, pool);
	if (rc == 0)
		rc = wr_conf_check_queues(&k);
	if (rc == 0)
		return 0;
	return wr_err_set(err, EINVAL, "%s: %s", what, without_place(why.text));
}

// The pool with one more row, in which `b` is LIVE as `id`; one that returns is not LEAVING too.
// NULL: no memory.
static struct wr_conf_backend *with(const struct wr_conf_pool *p, const struct wr_conf_backend *b,
	int returning, uint16_t id, uint32_t *count)
{
	struct wr_conf_backend *made = malloc((p->backend_count + 1) * sizeof(*made));

	*count = 0;
	if (!made)
		return NULL;
	for (uint32_t i = 0; i < p->backend_count; i++) {
		if ((int)i != returning)
			made[(*count)++] = p->backends[i];
	}
	made[*count] = *b;
	made[*count].id = id;
	made[*count].slot = WR_CONF_LIVE;
	made[*count].old_source = false;
	made[*count].drain_given = false;
	made[*count].drain_us = 0;
	(*count)++;
	return made;
}

int wr_conf_add_backend(
	struct wr_conf *c, const char *pool, const struct wr_conf_backend *b, struct wr_err *err)
{
	int at = find_live_pool(c, pool, err), returning, id, rc;
	struct wr_conf_backend *old, *made;
	char what[2 * WR_NAME_LEN + 16];
	struct wr_conf_pool *p;
	uint32_t old_count, count;

	if (at < 0)
		return at;
	p = &c->pools[at];
	snprintf(what, sizeof(what), "backend %.63s/%.63s", pool, b->name);
	rc = wr_settings_check_item(&wr_conf_table,
		wr_settings_find(&wr_conf_table, "pools[].backends[]"), b, what, err);
	if (rc < 0)
		return rc;
	if (find_live(p, b->name) >= 0)
		return wr_err_set(err, EEXIST,
			"%s: is there already; right would be another name, or to remove it first",
			what);
	returning = find_returning(p, b);
	id = returning >= 0 ? p->backends[returning].id : free_id(c);
	if (id < 0)
		return wr_err_set(err, ENOSPC,
			"%s: is one more than the %u that fit together with those that still have "
			"sessions; right would be to add it when they have ended",
			what, WR_MAX_BACKENDS);
	made = with(p, b, returning, (uint16_t)id, &count);
	if (!made)
		return wr_err_set(err, ENOMEM, "%s: no memory to add it", what);
	old = p->backends;
	old_count = p->backend_count;
	p->backends = made;
	p->backend_count = count;
	rc = check_pool(c, (uint32_t)at, (int)count - 1, what, err);
	if (rc < 0) {
		p->backends = old;
		p->backend_count = old_count;
	}
	free(rc < 0 ? made : old);
	return rc;
}

// The row of a LIVE backend, or -ENOENT with a sentence; how many there are.
static int must_find_live(const struct wr_conf_pool *p, const char *name, const char *what,
	uint32_t *live, struct wr_err *err)
{
	struct wr_settings_suggest near;
	int row = find_live(p, name);

	*live = 0;
	wr_settings_suggest_init(&near, name);
	for (uint32_t i = 0; i < p->backend_count; i++) {
		if (p->backends[i].slot != WR_CONF_LIVE)
			continue;
		(*live)++;
		wr_settings_suggest_add(&near, p->backends[i].name);
	}
	if (row >= 0)
		return row;
	return wr_err_set(err, ENOENT, "%s: the pool has no such backend%s%s%s", what,
		near.best ? "; did you mean '" : "; see the list of backends",
		near.best ? near.best : "", near.best ? "'?" : "");
}

// LEAVING from now on; its row, or negative errno.
static int leave(struct wr_conf *c, uint32_t at, const char *backend, struct wr_err *err)
{
	struct wr_conf_pool *p = &c->pools[at];
	char what[2 * WR_NAME_LEN + 16];
	uint32_t live;
	int row, rc;

	snprintf(what, sizeof(what), "backend %.63s/%.63s", p->name, backend);
	row = must_find_live(p, backend, what, &live, err);
	if (row < 0)
		return row;
	if (live == 1)
		return wr_err_set(err, EINVAL,
			"%s: is the pool's last one, and a pool has one at least; right would be "
			"to add another first, or to drain or disable it",
			what);
	p->backends[row].slot = WR_CONF_LEAVING;
	rc = check_pool(c, at, -1, what, err);
	if (rc < 0)
		p->backends[row].slot = WR_CONF_LIVE;
	return rc < 0 ? rc : row;
}

int wr_conf_remove_backend(
	struct wr_conf *c, const char *pool, const char *backend, struct wr_err *err)
{
	int at = find_live_pool(c, pool, err);
	int row = at < 0 ? at : leave(c, (uint32_t)at, backend, err);

	return row < 0 ? row : 0;
}

int wr_conf_remove_backend_within(
	struct wr_conf *c, const char *pool, const char *backend, wr_us_t drain, struct wr_err *err)
{
	int at = find_live_pool(c, pool, err);
	int row = at < 0 ? at : leave(c, (uint32_t)at, backend, err);

	if (row < 0)
		return row;
	c->pools[at].backends[row].drain_given = true;
	c->pools[at].backends[row].drain_us = drain;
	return 0;
}

int wr_conf_limit_connections(struct wr_conf *c, const char *pool, const char *backend,
	uint32_t limit, struct wr_err *err)
{
	int at = find_live_pool(c, pool, err), row, rc;
	char what[2 * WR_NAME_LEN + 16];
	uint32_t *to, before, live;

	if (at < 0)
		return at;
	to = &c->pools[at].max_connections;
	snprintf(what, sizeof(what), "%s %.63s%s%.63s", backend ? "backend" : "pool", pool,
		backend ? "/" : "", backend ? backend : "");
	if (backend) {
		row = must_find_live(&c->pools[at], backend, what, &live, err);
		if (row < 0)
			return row;
		to = &c->pools[at].backends[row].max_connections;
	}
	before = *to;
	*to = limit;
	rc = check_pool(c, (uint32_t)at, -1, what, err);
	if (rc < 0)
		*to = before;
	return rc;
}

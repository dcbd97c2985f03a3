/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_conf_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "copy.h"
#include "restart.h"

// One configuration laid over another. Nothing of `running` is written.

#define NONE UINT16_MAX
#define MOST WR_MAX_SERVICES
_Static_assert(MOST == WR_MAX_POOLS, "slots of either kind");

// Slots of one kind.
struct slots {
	uint32_t max;
	bool was[MOST]; // in running
	bool taken[MOST];
	uint16_t at[MOST]; // of fresh's rows
};

struct drain { // that an operator gave to a backend that leaves with this change
	bool given;
	wr_us_t us;
};

struct plan {
	struct wr_conf *fresh, *next;
	const struct wr_conf *running;
	const struct wr_conf_use *use;
	struct wr_err *err;
	struct slots services, pools;
	bool id_was[WR_MAX_BACKENDS], id_taken[WR_MAX_BACKENDS];
	struct drain drain[WR_MAX_BACKENDS];
};

// The lowest slot that is free in both, else in the new one alone; NONE: there is none.
static uint16_t free_slot(const bool *was, const bool *taken, uint32_t max)
{
	for (uint32_t pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < max; i++) {
			if (!taken[i] && (pass || !was[i]))
				return (uint16_t)i;
		}
	}
	return NONE;
}

static int no_room(
	const struct plan *p, const char *what, const char *name, uint32_t line, uint32_t max)
{
	return wr_err_set(p->err, ENOSPC,
		"%s:%u: %s: '%s' is one more than the %u that fit together with those that were "
		"removed a moment ago or still have sessions; right would be to add it when they "
		"have ended",
		p->fresh->file, line, what, name, max);
}

static bool same_sources(const struct wr_conf_pool *a, const struct wr_conf_pool *b)
{
	return a->source_count == b->source_count &&
	       memcmp(a->source, b->source, a->source_count * sizeof(a->source[0])) == 0;
}

// --- which slots -----------------------------------------------------------------------------

static int place_services(struct plan *p)
{
	struct slots *s = &p->services;
	int found;

	for (uint32_t i = 0; i < p->running->service_count; i++)
		s->was[i] = p->running->services[i].slot != WR_CONF_VACANT;
	for (uint32_t i = 0; i < p->fresh->service_count; i++) {
		s->at[i] = NONE;
		if (p->fresh->services[i].slot != WR_CONF_LIVE)
			continue;
		found = wr_conf_find_service(p->running, p->fresh->services[i].name);
		if (found < 0)
			continue;
		s->at[i] = (uint16_t)found;
		s->taken[found] = true;
	}
	for (uint32_t i = 0; i < p->running->service_count; i++) {
		const struct wr_conf_service *r = &p->running->services[i];

		if (s->taken[i] || !s->was[i] ||
			(r->slot == WR_CONF_LEAVING && !p->use->service(p->use->arg, (uint16_t)i)))
			continue;
		s->taken[i] = true;
		if (!wr_conf_copy_service(&p->next->services[i], r))
			return -ENOMEM;
		p->next->services[i].slot = WR_CONF_LEAVING;
		p->next->services[i].listen_count = 0;
	}
	for (uint32_t i = 0; i < p->fresh->service_count; i++) {
		const struct wr_conf_service *f = &p->fresh->services[i];

		if (f->slot != WR_CONF_LIVE || s->at[i] != NONE)
			continue;
		s->at[i] = free_slot(s->was, s->taken, s->max);
		if (s->at[i] == NONE)
			return no_room(p, "services", f->name, f->line, s->max);
		s->taken[s->at[i]] = true;
	}
	return 0;
}

// Does a removed pool stay, for sessions, a backend of its own or a LEAVING service?
static bool pool_stays(const struct plan *p, uint32_t slot)
{
	const struct wr_conf_pool *r = &p->running->pools[slot];

	if (r->slot == WR_CONF_LIVE || p->use->pool(p->use->arg, (uint16_t)slot))
		return true;
	for (uint32_t i = 0; i < r->backend_count; i++) {
		if (p->use->backend(p->use->arg, r->backends[i].id))
			return true;
	}
	for (uint32_t i = 0; i < WR_MAX_SERVICES; i++) {
		if (p->next->services[i].slot == WR_CONF_LEAVING &&
			p->next->services[i].pool == slot)
			return true;
	}
	return false;
}

static int place_pools(struct plan *p)
{
	struct slots *s = &p->pools;
	int found;

	for (uint32_t i = 0; i < p->running->pool_count; i++)
		s->was[i] = p->running->pools[i].slot != WR_CONF_VACANT;
	for (uint32_t i = 0; i < p->fresh->pool_count; i++) {
		s->at[i] = NONE;
		if (p->fresh->pools[i].slot != WR_CONF_LIVE)
			continue;
		found = wr_conf_find_pool(p->running, p->fresh->pools[i].name);
		if (found < 0)
			continue;
		s->at[i] = (uint16_t)found;
		s->taken[found] = true;
	}
	for (uint32_t i = 0; i < p->running->pool_count; i++) {
		if (s->taken[i] || !s->was[i] || !pool_stays(p, i))
			continue;
		s->taken[i] = true;
		if (!wr_conf_copy_pool(&p->next->pools[i], &p->running->pools[i]))
			return -ENOMEM;
		p->next->pools[i].slot = WR_CONF_LEAVING;
	}
	for (uint32_t i = 0; i < p->fresh->pool_count; i++) {
		const struct wr_conf_pool *f = &p->fresh->pools[i];

		if (f->slot != WR_CONF_LIVE || s->at[i] != NONE)
			continue;
		s->at[i] = free_slot(s->was, s->taken, s->max);
		if (s->at[i] == NONE)
			return no_room(p, "pools", f->name, f->line, s->max);
		s->taken[s->at[i]] = true;
	}
	return 0;
}

// --- backends --------------------------------------------------------------------------------

// Of the running rows, the one that is this backend; searched from *hint on, as both mostly have
// one order.
static const struct wr_conf_backend *find_same(
	const struct wr_conf_pool *r, const struct wr_conf_backend *b, uint32_t *hint)
{
	for (uint32_t n = 0; n < r->backend_count; n++) {
		uint32_t i = (*hint + n) % r->backend_count;
		const struct wr_conf_backend *x = &r->backends[i];

		if (!x->old_source && x->address.port == b->address.port &&
			wr_addr_eq(&x->address.addr, &b->address.addr) &&
			strcmp(x->name, b->name) == 0) {
			*hint = i + 1;
			return x;
		}
	}
	return NULL;
}

// Does a backend that is not in the pool any more stay for its sessions?
static bool backend_stays(const struct plan *p, const struct wr_conf_backend *b)
{
	return !p->id_taken[b->id] &&
	       (b->slot == WR_CONF_LIVE || p->use->backend(p->use->arg, b->id));
}

// Append the running backends that stay to a pool that has `live` of the new ones.
static int keep_backends(
	struct plan *p, struct wr_conf_pool *to, const struct wr_conf_pool *r, bool moved)
{
	struct wr_conf_backend *grown =
		realloc(to->backends, (to->backend_count + r->backend_count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	to->backends = grown;
	for (uint32_t i = 0; i < r->backend_count; i++) {
		struct wr_conf_backend *b;

		if (!backend_stays(p, &r->backends[i]))
			continue;
		b = &to->backends[to->backend_count++];
		*b = r->backends[i];
		if (b->slot == WR_CONF_LIVE && p->drain[b->id].given) {
			b->drain_given = true;
			b->drain_us = p->drain[b->id].us;
		}
		b->slot = WR_CONF_LEAVING;
		b->old_source |= moved;
		p->id_taken[b->id] = true;
	}
	return 0;
}

// Tunnels are those of the running one, in its order.
static void take_tunnel(const struct plan *p, struct wr_conf_pool *to)
{
	const struct wr_conf_tunnel *t = wr_conf_check_pool_tunnel(p->fresh, to);

	to->tunnel = t ? wr_conf_find_tunnel(p->running, t->name) : -1;
}

// The pool itself moves over, its backends without what is not LIVE.
static void take_pool(struct plan *p, uint32_t i)
{
	struct wr_conf_pool *f = &p->fresh->pools[i], *to = &p->next->pools[p->pools.at[i]];
	uint32_t live = 0;

	*to = *f;
	f->backends = NULL;
	f->backend_count = 0;
	for (uint32_t j = 0; j < to->backend_count; j++) {
		const struct wr_conf_backend *b = &to->backends[j];

		// Of an edited copy: its ids are those of the running one.
		if (b->slot == WR_CONF_LEAVING && b->drain_given)
			p->drain[b->id] = (struct drain){true, b->drain_us};
		if (b->slot != WR_CONF_LIVE)
			continue;
		to->backends[live] = *b;
		to->backends[live++].id = NONE;
	}
	to->backend_count = live;
	if (to->backup >= 0)
		to->backup = p->pools.at[to->backup];
	take_tunnel(p, to);
}

static int match_backends(struct plan *p, uint32_t slot)
{
	struct wr_conf_pool *to = &p->next->pools[slot];
	const struct wr_conf_pool *r = &p->running->pools[slot];
	bool moved = !same_sources(to, r);
	uint32_t hint = 0;

	for (uint32_t j = 0; !moved && j < to->backend_count; j++) {
		const struct wr_conf_backend *same = find_same(r, &to->backends[j], &hint);

		if (!same)
			continue;
		to->backends[j].id = same->id;
		p->id_taken[same->id] = true;
	}
	return keep_backends(p, to, r, moved);
}

static bool in_running(const struct plan *p, uint32_t slot)
{
	return p->pools.was[slot] &&
	       strcmp(p->running->pools[slot].name, p->next->pools[slot].name) == 0;
}

static int place_pool(struct plan *p, uint32_t slot)
{
	struct wr_conf_pool *to = &p->next->pools[slot];

	if (!in_running(p, slot))
		return 0;
	if (to->slot == WR_CONF_LIVE)
		return match_backends(p, slot);
	to->backend_count = 0;
	return keep_backends(p, to, &p->running->pools[slot], false);
}

static int new_ids(struct plan *p)
{
	for (uint32_t i = 0; i < WR_MAX_POOLS; i++) {
		struct wr_conf_pool *to = &p->next->pools[i];

		for (uint32_t j = 0; j < to->backend_count; j++) {
			struct wr_conf_backend *b = &to->backends[j];

			if (b->id != NONE)
				continue;
			b->id = free_slot(p->id_was, p->id_taken, WR_MAX_BACKENDS);
			if (b->id == NONE)
				return no_room(p, "backends", b->name, b->line, WR_MAX_BACKENDS);
			p->id_taken[b->id] = true;
		}
	}
	return 0;
}

static int place_backends(struct plan *p)
{
	int rc = 0;

	for (uint32_t i = 0; i < p->running->pool_count; i++) {
		for (uint32_t j = 0; j < p->running->pools[i].backend_count; j++)
			p->id_was[p->running->pools[i].backends[j].id] = true;
	}
	for (uint32_t i = 0; rc == 0 && i < WR_MAX_POOLS; i++) {
		if (p->pools.taken[i])
			rc = place_pool(p, i);
	}
	return rc == 0 ? new_ids(p) : rc;
}

// --- the whole -------------------------------------------------------------------------------

static void take_service(struct plan *p, uint32_t i)
{
	struct wr_conf_service *f = &p->fresh->services[i];
	struct wr_conf_service *to = &p->next->services[p->services.at[i]];

	*to = *f;
	f->sources = NULL;
	f->proxied = NULL;
	to->pool = p->pools.at[f->pool];
}

// A pool that leaves has the backup that it had, as long as that is there.
static void leave_backup(struct plan *p, struct wr_conf_pool *to)
{
	if (to->backup >= 0 &&
		(!p->pools.taken[to->backup] || !in_running(p, (uint32_t)to->backup)))
		to->backup = -1;
}

static uint32_t finish_slots(const struct slots *s)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < s->max; i++) {
		if (s->taken[i])
			count = i + 1;
	}
	return count;
}

static void fill(struct plan *p)
{
	struct wr_conf *n = p->next;

	for (uint32_t i = 0; i < p->fresh->service_count; i++) {
		if (p->services.at[i] != NONE)
			take_service(p, i);
	}
	n->service_count = finish_slots(&p->services);
	n->pool_count = finish_slots(&p->pools);
	for (uint32_t i = 0; i < n->service_count; i++) {
		if (!p->services.taken[i])
			n->services[i].slot = WR_CONF_VACANT;
	}
	for (uint32_t i = 0; i < n->pool_count; i++) {
		if (n->pools[i].slot == WR_CONF_LEAVING)
			leave_backup(p, &n->pools[i]);
		if (p->pools.taken[i])
			continue;
		n->pools[i].slot = WR_CONF_VACANT;
		n->pools[i].backup = -1;
		n->pools[i].tunnel = -1;
	}
}

// What is not in slots: of the file, but for what does not change while the instance runs.
static void take_rest(struct plan *p)
{
	struct wr_conf *n = p->next, *f = p->fresh;
	const struct wr_conf *r = p->running;

	memcpy(n->file, f->file, sizeof(n->file));
	n->runtime = r->runtime;
	n->runtime.drain_timeout_us = f->runtime.drain_timeout_us;
	n->pressure = f->pressure;
	n->limit = f->limit;
	n->over = f->over;
	n->log = f->log;
	n->port_count = r->port_count;
	memcpy(n->ports, r->ports, sizeof(n->ports));
	n->route_count = r->route_count;
	memcpy(n->routes, r->routes, sizeof(n->routes));
	n->tunnel_count = r->tunnel_count;
	memcpy(n->tunnels, r->tunnels, sizeof(n->tunnels));
	n->access = f->access;
	f->access = (struct wr_conf_access){0};
}

static int check_room(const struct plan *p)
{
	static const struct wr_settings_marks none;
	struct wr_err err = {{0}};
	const struct wr_conf_check k = {
		.c = p->next, .at = {.file = p->fresh->file, .marks = &none, .err = &err}};
	const char *text;

	if (wr_conf_check_queues(&k) == 0)
		return 0;
	text = strstr(err.text, ": "); // behind the place, of which there is none
	return wr_err_set(p->err, ENOSPC, "%s: with those that are leaving %s", p->fresh->file,
		text ? text + 2 : err.text);
}

static int lay(struct plan *p)
{
	int rc = place_services(p);

	if (rc == 0)
		rc = place_pools(p);
	if (rc < 0)
		return rc;
	for (uint32_t i = 0; i < p->fresh->pool_count; i++) {
		if (p->pools.at[i] != NONE)
			take_pool(p, i);
	}
	rc = place_backends(p);
	if (rc < 0)
		return rc;
	fill(p);
	take_rest(p);
	return check_room(p);
}

// The caller's structure becomes what was laid out. All of its own that it still had is freed.
static void put(struct wr_conf *fresh, struct wr_conf *next)
{
	for (uint32_t i = 0; i < fresh->service_count; i++) {
		free(fresh->services[i].sources);
		free(fresh->services[i].proxied);
	}
	for (uint32_t i = 0; i < fresh->pool_count; i++)
		free(fresh->pools[i].backends);
	if (fresh->marks)
		wr_settings_marks_fini(fresh->marks);
	free(fresh->marks);
	*fresh = *next;
	free(next);
}

int wr_conf_plan(struct wr_conf *fresh, const struct wr_conf *running,
	const struct wr_conf_use *use, struct wr_err *err)
{
	struct plan *p;
	int rc = wr_conf_restart_check(fresh, running, err);

	if (rc < 0)
		return rc;
	p = calloc(1, sizeof(*p));
	if (p)
		*p = (struct plan){.fresh = fresh,
			.running = running,
			.use = use,
			.err = err,
			.services.max = WR_MAX_SERVICES,
			.pools.max = WR_MAX_POOLS,
			.next = calloc(1, sizeof(*p->next))};
	rc = p && p->next ? lay(p) : -ENOMEM;
	if (rc == -ENOMEM)
		wr_err_set(
			err, ENOMEM, "%s: no memory to lay it over what is in force", fresh->file);
	if (rc == 0)
		put(fresh, p->next);
	else if (p)
		wr_conf_free(p->next);
	free(p);
	return rc;
}

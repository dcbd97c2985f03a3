/* SPDX-License-Identifier: BSD-3-Clause */

// The control thread's turn, and what operators change between two of them.

#include "backend_priv.h"

#include <errno.h>

#include <rte_common.h>

// Counters of so many slots and workers are looked at in one go; above, less often.
#define LOOK_ROWS 4096

static void look(struct wr_backends *b, wr_us_t now)
{
	wr_breaker_count(b);
	for (uint16_t i = 0; i < b->pool_count; i++)
		if (b->pool_used[i] && b->pools[i].conf != NULL)
			wr_breaker_trim(b, i, now);
	for (uint32_t i = 0; i < b->count; i++) {
		struct wr_backend *be = &b->backends[i];

		if (!b->used[i])
			continue;
		wr_drain_look(b, be, now);
		if (be->slot != WR_CONF_LIVE || !be->ready || pool_conf(b, be) == NULL)
			continue;
		wr_breaker_look(b, be, now);
		wr_ramp_look(b, be, now);
	}
	wr_load_collect(b);
	b->look_us = now + LOOK_US * (1 + b->count * b->workers / LOOK_ROWS);
}

wr_us_t wr_backends_turn(struct wr_backends *b, wr_us_t now)
{
	wr_us_t next;

	wr_backends_start(b, now);
	wr_checks_judge(b, now);
	if (now >= b->look_us)
		look(b, now);
	next = wr_backends_views(b, now, false);
	wr_backends_reclaim(b);
	next = RTE_MIN(next, b->look_us);
	return RTE_MIN(next, b->due_first_us);
}

static void go_on(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	// One failure away from DOWN, as at the start: nobody asked it for a while.
	if (be->health == WR_HEALTH_UP && pool_conf(b, be)->health_fall > 0)
		be->streak = pool_conf(b, be)->health_fall - 1;
	wr_checks_plan(b, be, now);
}

int wr_backends_set_admin(
	struct wr_backends *b, uint16_t id, enum wr_backend_admin admin, wr_us_t until, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(b, id);
	enum wr_backend_admin before;

	if (be == NULL)
		return -ENOENT;
	wr_backends_start(b, now);
	if (be->slot != WR_CONF_LIVE) { // it leaves: only how long its sessions may stay
		if (admin != WR_ADMIN_DRAINING)
			return -ENOENT;
		be->drain_until_us = until;
		return 0;
	}
	before = be->admin;
	be->drain_until_us = admin == WR_ADMIN_DRAINING ? until : 0;
	if (before == admin)
		return 0;
	be->admin = admin;
	if (admin == WR_ADMIN_DRAINING)
		be->seen->drained = false;
	if (admin == WR_ADMIN_DISABLED)
		wr_breaker_forget(b, be);
	if (before == WR_ADMIN_DISABLED)
		go_on(b, be, now);
	if (before == WR_ADMIN_DISABLED && admin == WR_ADMIN_ENABLED)
		wr_ramp_begin(b, be, now);
	b->more[be->pool].dirty = true;
	wr_backend_settle(b, be, now);
	return 0;
}

int wr_backends_set_weight(struct wr_backends *b, uint16_t id, uint32_t weight, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(b, id);

	if (be == NULL)
		return -ENOENT;
	if (weight > 256)
		return -EINVAL;
	wr_backends_start(b, now);
	if (be->weight == weight)
		return 0;
	be->weight = weight;
	b->more[be->pool].dirty = true;
	wr_backend_settle(b, be, now);
	return 0;
}

bool wr_backends_is_last(const struct wr_backends *b, uint16_t id)
{
	const struct wr_pool_slot *ps;

	if (id >= WR_MAX_BACKENDS || !b->used[id])
		return false;
	ps = &b->pools[b->backends[id].pool];
	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = wr_pool_member(b, ps, i);

		if (be == NULL || be->id == id)
			continue;
		if (ps->failing_open ? wr_backend_candidate(be) : wr_backend_usable(be))
			return false;
	}
	return true;
}

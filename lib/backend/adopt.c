/* SPDX-License-Identifier: BSD-3-Clause */

// From one configuration to the next: slots for what is new are made first, then all of it is put
// in force at once, or taken back.

#include "backend_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

struct made { // a slot that was filled, and what stood there
	uint16_t id;
	bool replaced;
	struct wr_backend old;
};

struct made_pool {
	uint16_t id;
	bool replaced;
	uint16_t route;
	struct wr_pool_slot old;
	struct pool_more old_more;
};

struct change {
	uint16_t *member[WR_MAX_POOLS];
	uint32_t member_count[WR_MAX_POOLS];
	struct made *made;
	uint32_t made_count;
	struct made_pool *pool;
	uint32_t pool_count;
};

static bool grace_is_over(const struct wr_backends *b)
{
	return b->commit_token == 0 || rte_rcu_qsbr_check(b->rcu, b->commit_token, false) == 1;
}

bool wr_backends_backend_used(const struct wr_backends *b, uint16_t id)
{
	const struct wr_backend *be = &b->backends[id];

	if (id >= WR_MAX_BACKENDS || !b->used[id])
		return false;
	// Workers may pick it until its pool's view without it is the only one.
	return be->slot == WR_CONF_LIVE || b->more[be->pool].owes || !grace_is_over(b) ||
	       be->check[WR_CHECK_SLOT_HEALTH].out || be->check[WR_CHECK_SLOT_AGENT].out ||
	       wr_backend_held(b, id) > 0;
}

bool wr_backends_pool_used(const struct wr_backends *b, uint16_t pool)
{
	const struct wr_pool_slot *ps = &b->pools[pool];

	if (pool >= WR_MAX_POOLS || !b->pool_used[pool])
		return false;
	if (ps->slot == WR_CONF_LIVE || b->more[pool].owes || !grace_is_over(b))
		return true;
	for (uint32_t i = 0; i < ps->count; i++)
		if (wr_pool_member(b, ps, i) != NULL && wr_backends_backend_used(b, ps->member[i]))
			return true;
	for (uint32_t i = 0; i < b->pool_count; i++)
		if (i != pool && b->pool_used[i] && b->route[i] == pool)
			return true;
	return false;
}

// Nothing of the old one may be mistaken for the new one's but the numbers of questions, which go
// on, so that a late answer to the old one's is none to the new one's.
static void blank(struct wr_backend *be)
{
	uint32_t asked[WR_CHECK_SLOTS];

	for (uint32_t s = 0; s < WR_CHECK_SLOTS; s++)
		asked[s] = be->check[s].asked + 1;
	memset(be, 0, sizeof(*be));
	for (uint32_t s = 0; s < WR_CHECK_SLOTS; s++)
		be->check[s].asked = asked[s];
}

static void forget(struct wr_backends *b, uint16_t id)
{
	b->due_us[id][0] = b->due_us[id][1] = WR_US_NEVER;
	wr_queue_remove(&b->kills, id);
	wr_queue_remove(&b->limits, id);
	wr_load_forget(b, id);
}

static void retire_memory(struct wr_backends *b, struct wr_backend *be)
{
	wr_backends_retire(b, be->per_worker, free);
	wr_backends_retire(b, be->seen, free);
	be->per_worker = NULL;
	be->seen = NULL;
}

void wr_backend_vacate(struct wr_backends *b, uint16_t id)
{
	struct wr_backend *be = &b->backends[id];

	b->used[id] = false;
	retire_memory(b, be);
	forget(b, id);
	blank(be);
}

static bool is_same(const struct wr_backends *b, uint16_t pool, const struct wr_conf_backend *bc)
{
	const struct wr_backend *be = &b->backends[bc->id];

	return b->used[bc->id] && be->pool == pool && strcmp(be->name, bc->name) == 0 &&
	       be->addr.port == bc->address.port && wr_addr_eq(&be->addr.addr, &bc->address.addr);
}

static bool is_same_pool(const struct wr_backends *b, uint16_t i, const struct wr_conf_pool *pc)
{
	return b->pool_used[i] && strcmp(b->pools[i].name, pc->name) == 0;
}

static int make(struct wr_backends *b, struct change *ch, uint16_t pool,
	const struct wr_conf_pool *pc, const struct wr_conf_backend *bc, struct wr_err *err)
{
	struct wr_backend *be = &b->backends[bc->id], fresh = {0};
	struct made *m = &ch->made[ch->made_count];

	if (wr_backends_backend_used(b, bc->id))
		return wr_err_set(err, EBUSY,
			"pools[%s].backends[%s]: its slot %u is still used by sessions of %s; try "
			"again when they have ended",
			pc->name, bc->name, bc->id, be->name);
	if (wr_backend_memory(b, &fresh) < 0)
		return -ENOMEM;
	*m = (struct made){.id = bc->id, .replaced = b->used[bc->id], .old = *be};
	ch->made_count++;
	forget(b, bc->id);
	blank(be);
	be->per_worker = fresh.per_worker;
	be->seen = fresh.seen;
	wr_backend_fill(be, bc, pc, pool);
	b->used[bc->id] = true;
	if (bc->id >= b->count)
		b->count = bc->id + 1u;
	return 0;
}

// A pool that nobody could ask for so far: who knows it knows its backends, so they may be picked
// before the rest is committed.
static int make_pool(
	struct wr_backends *b, struct change *ch, uint16_t i, const struct wr_conf_pool *pc)
{
	struct made_pool *m = &ch->pool[ch->pool_count];
	struct wr_pool_slot *ps = &b->pools[i];

	*m = (struct made_pool){i, b->pool_used[i], b->route[i], *ps, b->more[i]};
	ch->pool_count++;
	__atomic_store_n(&ps->view, NULL, __ATOMIC_RELEASE);
	memset(ps, 0, sizeof(*ps));
	memset(&b->more[i], 0, sizeof(b->more[i]));
	wr_pool_fill(b, i, pc);
	b->route[i] = i;
	ps->serving = i;
	ps->member = ch->member[i];
	ps->count = ch->member_count[i];
	ch->member[i] = NULL;
	b->more[i].before = true;
	return wr_backends_rebuild(b, i, 0);
}

static int make_members(struct change *ch, uint16_t i, const struct wr_conf_pool *pc)
{
	ch->member[i] = calloc(pc->backend_count + 1u, sizeof(*ch->member[i]));
	if (ch->member[i] == NULL)
		return -ENOMEM;
	for (uint32_t k = 0; k < pc->backend_count; k++)
		if (pc->backends[k].slot != WR_CONF_VACANT)
			ch->member[i][ch->member_count[i]++] = pc->backends[k].id;
	return 0;
}

static int make_all(
	struct wr_backends *b, struct change *ch, const struct wr_conf *fresh, struct wr_err *err)
{
	int rc = 0;

	for (uint16_t i = 0; rc == 0 && i < fresh->pool_count; i++) {
		const struct wr_conf_pool *pc = &fresh->pools[i];
		bool fits;

		if (pc->slot == WR_CONF_VACANT)
			continue;
		fits = is_same_pool(b, i, pc);
		if (!fits && wr_backends_pool_used(b, i))
			return wr_err_set(err, EBUSY,
				"pools[%s]: its slot %u is still used by pool %s; try again when "
				"its sessions have ended",
				pc->name, i, b->pools[i].name);
		rc = make_members(ch, i, pc);
		for (uint32_t k = 0; rc == 0 && k < pc->backend_count; k++) {
			const struct wr_conf_backend *bc = &pc->backends[k];

			if (bc->slot != WR_CONF_VACANT && !is_same(b, i, bc))
				rc = make(b, ch, i, pc, bc, err);
		}
		if (rc == 0 && !fits)
			rc = make_pool(b, ch, i, pc);
	}
	return rc;
}

static uint32_t backends_in(const struct wr_conf *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->pool_count; i++)
		n += c->pools[i].slot != WR_CONF_VACANT ? c->pools[i].backend_count : 0;
	return n;
}

int wr_backends_prepare(struct wr_backends *b, const struct wr_conf *fresh, struct wr_err *err)
{
	uint32_t n = backends_in(fresh);
	struct change *ch;
	int rc = -ENOMEM;

	if (b->change != NULL)
		return wr_err_set(err, EBUSY, "pools: another change is under way");
	ch = b->change = calloc(1, sizeof(*ch));
	if (ch == NULL)
		goto out;
	ch->made = calloc(n + 1, sizeof(*ch->made));
	ch->pool = calloc(fresh->pool_count + 1u, sizeof(*ch->pool));
	// What commit() and abandon() retire: views, members, counters of each.
	if (ch->made == NULL || ch->pool == NULL ||
		wr_backends_reserve(b, 4 * n + 2 * b->count + 6 * WR_MAX_POOLS) < 0)
		goto out;
	rc = make_all(b, ch, fresh, err);
out:
	if (rc == 0) {
		wr_backends_reroute(b, 0, false);
		return 0;
	}
	wr_backends_abandon(b);
	if (rc == -ENOMEM)
		wr_err_set(err, ENOMEM, "pools: out of memory for %u backends", n);
	return rc;
}

static void change_free(struct change *ch)
{
	for (uint32_t i = 0; i < WR_MAX_POOLS; i++)
		free(ch->member[i]);
	free(ch->made);
	free(ch->pool);
	free(ch);
}

void wr_backends_abandon(struct wr_backends *b)
{
	struct change *ch = b->change;

	if (ch == NULL)
		return;
	for (uint32_t i = 0; i < ch->pool_count; i++) {
		struct made_pool *m = &ch->pool[i];
		struct wr_pool_slot *ps = &b->pools[m->id];

		wr_backends_retire(b, ps->view, wr_view_destroy);
		free(ps->member);
		*ps = m->old;
		b->more[m->id] = m->old_more;
		b->pool_used[m->id] = m->replaced;
		b->route[m->id] = m->route;
	}
	for (uint32_t i = 0; i < ch->made_count; i++) {
		struct made *m = &ch->made[i];
		struct wr_backend *be = &b->backends[m->id];
		uint32_t asked[WR_CHECK_SLOTS] = {be->check[0].asked, be->check[1].asked};

		retire_memory(b, be);
		*be = m->old;
		be->check[0].asked = asked[0];
		be->check[1].asked = asked[1];
		b->used[m->id] = m->replaced;
	}
	change_free(ch);
	b->change = NULL;
}

// --- commit -------------------------------------------------------------------------------------

static void leave(struct wr_backends *b, struct wr_backend *be, wr_us_t drain, wr_us_t now)
{
	be->slot = WR_CONF_LEAVING;
	be->drain_until_us = drain > 0 ? now + drain : 0;
	be->seen->drained = false;
	wr_breaker_forget(b, be);
}

// The file's own word, where it changed; an operator's stays else.
static void apply_admin(struct wr_backends *b, struct wr_backend *be,
	const struct wr_conf_backend *bc, bool back, wr_us_t now)
{
	struct wr_backend_seen *s = be->seen;
	enum wr_backend_admin admin = bc->disabled   ? WR_ADMIN_DISABLED
	                              : bc->draining ? WR_ADMIN_DRAINING
	                                             : WR_ADMIN_ENABLED;

	if (back || s->file_disabled != bc->disabled || s->file_draining != bc->draining)
		wr_backends_set_admin(b, be->id, admin, 0, now);
	s->file_disabled = bc->disabled;
	s->file_draining = bc->draining;
}

static void apply_checks(struct wr_backends *b, struct wr_backend *be,
	const struct wr_conf_backend *bc, const struct wr_conf_pool *pc, wr_us_t now)
{
	bool checked = pc->health != WR_CONF_HEALTH_NONE;

	if (!checked) {
		be->health = WR_HEALTH_UNCHECKED;
		be->streak = 0;
	} else if (be->health == WR_HEALTH_UNCHECKED) {
		be->health = WR_HEALTH_UP;
		be->streak = pc->health_fall > 0 ? pc->health_fall - 1 : 0;
	}
	if (pc->agent_port == 0)
		wr_agent_forget(b, be, bc->max_connections);
	for (uint8_t s = 0; s < WR_CHECK_SLOTS; s++) {
		wr_us_t most =
			s == WR_CHECK_SLOT_AGENT ? pc->agent_interval_us : pc->health_interval_us;

		// Later than the new interval wants it, or never.
		if (!be->check[s].out && wr_checks_wanted(b, be, s) &&
			(b->due_us[be->id][s] == WR_US_NEVER || b->due_us[be->id][s] > now + most))
			wr_checks_at(b, be, s,
				now + wr_rng_below(&b->rng,
					      (uint32_t)RTE_MIN(most, 250 * WR_US_PER_MS) + 1));
	}
}

static void apply(struct wr_backends *b, struct wr_backend *be, const struct wr_conf_backend *bc,
	const struct wr_conf_pool *pc, wr_us_t now)
{
	bool back = false;

	if (!be->ready) {
		be->ready = true;
		be->state_since_us = be->seen->closed_us = be->seen->since_us = now;
	}
	be->priority = (uint8_t)RTE_MIN(bc->priority, TIERS - 1u);
	if (bc->weight != be->weight_conf)
		be->weight = be->weight_conf = bc->weight;
	if (bc->slot == WR_CONF_LEAVING && be->slot != WR_CONF_LEAVING) {
		leave(b, be, bc->drain_given ? bc->drain_us : pc->drain_us, now);
	} else if (bc->slot == WR_CONF_LIVE && be->slot != WR_CONF_LIVE) {
		back = true;
		be->slot = WR_CONF_LIVE;
		if (be->health == WR_HEALTH_UP && pc->health_fall > 0)
			be->streak = pc->health_fall - 1; // it was not asked while it left
		be->drain_until_us = 0;
	}
	if (be->slot == WR_CONF_LIVE) {
		apply_admin(b, be, bc, back, now);
		apply_checks(b, be, bc, pc, now);
	}
	wr_backend_settle(b, be, now);
}

static void pool_vacate(struct wr_backends *b, uint16_t i)
{
	struct wr_pool_slot *ps = &b->pools[i];

	wr_backends_retire(
		b, __atomic_exchange_n(&ps->view, NULL, __ATOMIC_ACQ_REL), wr_view_destroy);
	free(ps->member);
	b->pool_used[i] = false;
	memset(ps, 0, sizeof(*ps));
	memset(&b->more[i], 0, sizeof(b->more[i]));
	b->route[i] = i;
}

static void pool_apply(struct wr_backends *b, uint16_t i, const struct wr_conf_pool *pc,
	bool *in_fresh, wr_us_t now)
{
	struct wr_pool_slot *ps = &b->pools[i];
	struct change *ch = b->change;

	wr_pool_fill(b, i, pc);
	b->more[i].before = false;
	b->more[i].dirty = true;
	if (ch->member[i] != NULL) {
		free(ps->member);
		ps->member = ch->member[i];
		ps->count = ch->member_count[i];
		ch->member[i] = NULL;
	}
	for (uint32_t k = 0; k < pc->backend_count; k++) {
		const struct wr_conf_backend *bc = &pc->backends[k];

		if (bc->slot == WR_CONF_VACANT)
			continue;
		in_fresh[bc->id] = true;
		apply(b, &b->backends[bc->id], bc, pc, now);
	}
}

// What the new configuration does not hold any more. Sessions that there still are keep the slot:
// it is vacated with a later configuration.
static void gone(struct wr_backends *b, uint16_t id, wr_us_t now)
{
	struct wr_backend *be = &b->backends[id];

	if (be->slot == WR_CONF_LEAVING && !wr_backends_backend_used(b, id)) {
		wr_backend_vacate(b, id);
		return;
	}
	if (be->slot != WR_CONF_LEAVING)
		leave(b, be, 0, now);
	wr_backend_settle(b, be, now);
}

static void replaced(struct wr_backends *b, struct change *ch)
{
	for (uint32_t i = 0; i < ch->made_count; i++)
		retire_memory(b, &ch->made[i].old);
	for (uint32_t i = 0; i < ch->pool_count; i++) {
		wr_backends_retire(b, ch->pool[i].old.view, wr_view_destroy);
		free(ch->pool[i].old.member);
	}
}

void wr_backends_commit(struct wr_backends *b, const struct wr_conf *fresh, wr_us_t now)
{
	bool in_fresh[WR_MAX_BACKENDS] = {false};

	wr_backends_start(b, now);
	replaced(b, b->change);
	for (uint16_t i = 0; i < WR_MAX_POOLS; i++) {
		const struct wr_conf_pool *pc = i < fresh->pool_count ? &fresh->pools[i] : NULL;

		if (pc != NULL && pc->slot != WR_CONF_VACANT)
			pool_apply(b, i, pc, in_fresh, now);
	}
	for (uint32_t i = 0; i < b->count; i++)
		if (b->used[i] && !in_fresh[i])
			gone(b, (uint16_t)i, now);
	for (uint16_t i = 0; i < WR_MAX_POOLS; i++)
		if (b->pool_used[i] &&
			(i >= fresh->pool_count || fresh->pools[i].slot == WR_CONF_VACANT))
			pool_vacate(b, i);
	change_free(b->change);
	b->change = NULL;
	wr_backends_views(b, now, true);
	wr_backends_reroute(b, now, true);
	for (uint32_t i = 0; i < b->pool_count; i++)
		b->more[i].owes = b->pool_used[i] && b->more[i].dirty;
	b->commit_token = rte_rcu_qsbr_start(b->rcu);
	b->look_us = now; // caps and deadlines of the new configuration
}

/* SPDX-License-Identifier: BSD-3-Clause */

// A pool's picking table as a snapshot: built beside the running one, swapped, retired under RCU.

#include "backend_priv.h"

#include <errno.h>
#include <stdlib.h>

#define ALTERNATIVES 8 // hashed alternatives tried before every slot is asked

static bool usable(const struct wr_backend *be)
{
	return be->admin == WR_ADMIN_ENABLED && be->health != WR_HEALTH_DOWN && be->weight > 0;
}

static struct wr_maglev *build(const struct wr_backends *b, const struct wr_pool_slot *ps)
{
	struct wr_maglev_backend *rows = calloc(ps->count, sizeof(*rows));
	struct wr_maglev *table;
	uint32_t size;

	if (rows == NULL)
		return NULL;
	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = &b->backends[ps->first + i];

		rows[i].name = be->name;
		rows[i].id = be->id;
		rows[i].weight = (uint16_t)be->weight;
	}
	// The size comes from what is configured, not from what is up: a table that changes its
	// size would move every client.
	size = wr_maglev_size(rows, ps->count);
	for (uint32_t i = 0; i < ps->count; i++)
		if (!usable(&b->backends[ps->first + i]))
			rows[i].weight = 0;
	table = wr_maglev_build(rows, ps->count, size);
	free(rows);
	return table;
}

int wr_backends_rebuild(struct wr_backends *b, uint16_t pool)
{
	struct wr_pool_slot *ps = &b->pools[pool];
	struct wr_maglev *fresh, *old;

	if (b->retired_count == b->retired_max) {
		uint32_t max = b->retired_max ? b->retired_max * 2 : 16;
		struct retired *grown = realloc(b->retired, max * sizeof(*grown));

		if (grown == NULL)
			return -ENOMEM;
		b->retired = grown;
		b->retired_max = max;
	}
	fresh = build(b, ps);
	if (fresh == NULL)
		return -ENOMEM;
	ps->usable = fresh->usable;
	ps->generation++;
	old = __atomic_exchange_n(&ps->table, fresh, __ATOMIC_ACQ_REL);
	if (old != NULL) {
		b->retired[b->retired_count].table = old;
		b->retired[b->retired_count].token = rte_rcu_qsbr_start(b->rcu);
		b->retired_count++;
	}
	return 0;
}

void wr_backends_reclaim(struct wr_backends *b)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->retired_count; i++) {
		if (rte_rcu_qsbr_check(b->rcu, b->retired[i].token, false) == 1)
			wr_maglev_destroy(b->retired[i].table);
		else
			b->retired[kept++] = b->retired[i];
	}
	b->retired_count = kept;
}

uint16_t wr_backends_pick_if(const struct wr_backends *b, uint16_t pool, uint64_t hash,
	wr_backends_takes takes, void *arg)
{
	const struct wr_pool_slot *ps = &b->pools[pool];
	const struct wr_maglev *m = __atomic_load_n(&ps->table, __ATOMIC_ACQUIRE);
	uint16_t id = wr_maglev_pick(m, hash);
	uint32_t at;

	if (id == WR_MAGLEV_NONE || takes(arg, id))
		return id;
	for (uint32_t k = 1; k <= ALTERNATIVES && m->usable > 1; k++) {
		id = wr_maglev_pick_next(m, hash, k);
		if (takes(arg, id))
			return id;
	}
	// Rare: of many slots few have room. Weights do not count here, health does.
	at = (uint32_t)(((hash >> 32) * ps->count) >> 32);
	for (uint32_t k = 0; k < ps->count; k++) {
		const struct wr_backend *be = &b->backends[ps->first + at];

		if (usable(be) && takes(arg, be->id))
			return be->id;
		at = at + 1 == ps->count ? 0 : at + 1;
	}
	return WR_MAGLEV_NONE;
}

struct tried {
	const uint16_t *id;
	uint32_t count;
};

static bool was_not_tried(void *arg, uint16_t id)
{
	const struct tried *t = arg;

	for (uint32_t i = 0; i < t->count; i++)
		if (t->id[i] == id)
			return false;
	return true;
}

uint16_t wr_backends_pick(const struct wr_backends *b, uint16_t pool, uint64_t hash,
	const uint16_t *tried, uint32_t n_tried)
{
	struct tried t = {tried, n_tried};

	return wr_backends_pick_if(b, pool, hash, was_not_tried, &t);
}

uint32_t wr_backends_usable(const struct wr_backends *b, uint16_t pool)
{
	return __atomic_load_n(&b->pools[pool].table, __ATOMIC_ACQUIRE)->usable;
}

/* SPDX-License-Identifier: BSD-3-Clause */

// A pool's picking table as a snapshot: built beside the running one, swapped, retired under RCU.

#include "backend_priv.h"

#include <errno.h>
#include <stdlib.h>

#define ALTERNATIVES 8 // hashed alternatives tried before the table is scanned

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

static bool was_tried(uint16_t id, const uint16_t *tried, uint32_t n_tried)
{
	for (uint32_t i = 0; i < n_tried; i++)
		if (tried[i] == id)
			return true;
	return false;
}

uint16_t wr_backends_pick(const struct wr_backends *b, uint16_t pool, uint64_t hash,
	const uint16_t *tried, uint32_t n_tried)
{
	const struct wr_pool_slot *ps = &b->pools[pool];
	const struct wr_maglev *m = __atomic_load_n(&ps->table, __ATOMIC_ACQUIRE);
	uint16_t id = wr_maglev_pick(m, hash);
	uint32_t at;

	if (id == WR_MAGLEV_NONE || !was_tried(id, tried, n_tried))
		return id;
	for (uint32_t k = 1; k <= ALTERNATIVES; k++) {
		id = wr_maglev_pick_next(m, hash, k);
		if (!was_tried(id, tried, n_tried))
			return id;
	}
	if (m->usable <= n_tried) {
		uint32_t seen = 0;

		for (uint32_t i = 0; i < n_tried; i++)
			seen += usable(&b->backends[tried[i]]);
		if (seen >= m->usable)
			return WR_MAGLEV_NONE;
	}
	// Rare: few untried ones are left among many slots. A bounded walk from the key's position.
	at = (uint32_t)(((hash >> 32) * m->size) >> 32);
	for (uint32_t k = 0; k < m->size && k < 4096; k++) {
		id = m->entry[at];
		if (!was_tried(id, tried, n_tried))
			return id;
		at = at + 1 == m->size ? 0 : at + 1;
	}
	return WR_MAGLEV_NONE;
}

/* SPDX-License-Identifier: BSD-3-Clause */

// Picking, by workers: no lock, no allocation, nothing kept between two quiescent reports.

#include "backend_priv.h"

#define ALTERNATIVES 8 // hashed alternatives tried before every backend is asked

uint16_t wr_backends_route(const struct wr_backends *b, uint16_t pool)
{
	return __atomic_load_n(&b->route[pool], __ATOMIC_RELAXED);
}

uint64_t wr_backends_key(
	const struct wr_backends *b, uint16_t pool, const struct wr_endpoint *client)
{
	uint32_t word = __atomic_load_n(&b->more[pool].key, __ATOMIC_RELAXED);
	uint8_t bits =
		wr_addr_is_v4(&client->addr) ? (uint8_t)(96 + (word & 0xff)) : (uint8_t)(word >> 8);

	return wr_picker_key(&client->addr, bits, word >> 16 ? client->port : 0);
}

// The tier that a hash belongs to, by a mix of it that the pickers do not use, so that those who
// move to another tier are as evenly spread there.
static const struct view_tier *tier_of(const struct wr_pool_view *v, uint64_t hash)
{
	uint32_t place, i = 0;

	if (v->tiers == 1)
		return &v->tier[0];
	hash = (hash ^ hash >> 29) * 0xbf58476d1ce4e5b9ULL;
	hash = (hash ^ hash >> 32) * 0x94d049bb133111ebULL;
	place = (uint32_t)(hash >> 56);
	while (i + 1 < v->tiers && place >= v->tier[i].until)
		i++;
	return &v->tier[i];
}

static struct wr_picker_signals signals_of(
	const struct wr_backends *b, uint16_t pool, uint16_t worker, const struct view_tier *t)
{
	return (struct wr_picker_signals){
		.own = b->own[worker].sessions,
		.others = b->others[worker].sessions,
		.latency_us = b->own[worker].latency_us,
		.share = b->share,
		.sessions = __atomic_load_n(&b->load[pool].sessions[t->priority], __ATOMIC_RELAXED),
		.hot = __atomic_load_n(&b->load[pool].hot[t->priority], __ATOMIC_RELAXED),
	};
}

// Rare: of many backends few have room. Weights do not count here, health does.
static uint16_t search(
	const struct wr_pool_view *v, uint64_t hash, wr_backends_takes takes, void *arg)
{
	for (uint32_t i = 0; i < v->tiers; i++) {
		uint32_t n = wr_picker_usable(v->tier[i].picker);
		uint32_t at = (uint32_t)(((hash >> 32) * n) >> 32);

		for (uint32_t k = 0; k < n; k++) {
			uint16_t id = wr_picker_at(v->tier[i].picker, at);

			if (takes(arg, id))
				return id;
			at = at + 1 == n ? 0 : at + 1;
		}
	}
	return WR_BACKEND_NONE;
}

uint16_t wr_backends_pick_if(struct wr_backends *b, uint16_t pool, uint16_t worker, uint64_t hash,
	wr_backends_takes takes, void *arg)
{
	const struct wr_pool_view *v = __atomic_load_n(&b->pools[pool].view, __ATOMIC_ACQUIRE);
	const struct view_tier *t;
	struct wr_picker_signals s;
	uint32_t tries;

	if (v == NULL || v->tiers == 0)
		return WR_BACKEND_NONE;
	t = tier_of(v, hash);
	s = signals_of(b, pool, worker, t);
	tries = wr_picker_usable(t->picker) > 1 ? 1 + ALTERNATIVES : 1;
	for (uint32_t k = 0; k < tries; k++) {
		uint16_t id = wr_picker_pick(
			t->picker, &s, &b->own[worker].turn[pool][t->priority], hash, k);

		if (id != WR_BACKEND_NONE && takes(arg, id))
			return id;
	}
	return search(v, hash, takes, arg);
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

uint16_t wr_backends_pick(struct wr_backends *b, uint16_t pool, uint16_t worker, uint64_t hash,
	const uint16_t *tried, uint32_t n_tried)
{
	struct tried t = {tried, n_tried};

	return wr_backends_pick_if(b, pool, worker, hash, was_not_tried, &t);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// Places at backends: a session holds one of its pool and one of its backend from before its
// connect begins until it ends or its connect failed.

#include "proxy_priv.h"

struct search {
	struct wr_proxy *p;
	const uint16_t *tried;
	uint32_t tries;
	bool full; // one was at its limit
};

// What was leased may be more than what was asked for, and a worker that found none wants one: the
// next tick sees to both.
static void touch(uint64_t *bits, uint32_t i)
{
	bits[i / 64] |= 1ULL << (i % 64);
}

static bool takes(void *arg, uint16_t id)
{
	struct search *q = arg;
	struct wr_lease *l = q->p->cfg.shared->backends[id];

	for (uint32_t i = 0; i < q->tries; i++)
		if (q->tried[i] == id)
			return false;
	touch(q->p->leased_backends, id);
	if (wr_lease_take(l, q->p->cfg.worker))
		return true;
	q->full = true;
	return false;
}

static void hold(struct wr_proxy *p, struct session *s, uint16_t id)
{
	wr_backends_hold(p->cfg.backends, p->cfg.worker, id);
	s->backend = id;
	s->placed = true;
}

static enum place_found take_any(
	struct wr_proxy *p, struct session *s, const uint16_t *tried, uint16_t pool, uint64_t key)
{
	uint16_t id = wr_backends_pick(p->cfg.backends, pool, p->cfg.worker, key, tried, s->tries);

	p->runs[s->service].full = false;
	if (id == WR_MAGLEV_NONE)
		return PLACE_NONE;
	hold(p, s, id);
	return PLACE_FOUND;
}

static enum place_found take_limited(
	struct wr_proxy *p, struct session *s, const uint16_t *tried, uint16_t pool, uint64_t key)
{
	struct search q = {.p = p, .tried = tried, .tries = s->tries};
	struct wr_lease *l = p->cfg.shared->pools[pool];
	uint16_t id;

	if (wr_backends_usable(p->cfg.backends, pool) == 0)
		return PLACE_NONE;
	touch(p->leased_pools, pool);
	if (!wr_lease_take(l, p->cfg.worker)) {
		p->runs[s->service].full = true;
		return PLACE_FULL;
	}
	id = wr_backends_pick_if(p->cfg.backends, pool, p->cfg.worker, key, takes, &q);
	p->runs[s->service].full = id == WR_MAGLEV_NONE && q.full;
	if (id == WR_MAGLEV_NONE) {
		wr_lease_put(l, p->cfg.worker);
		return q.full ? PLACE_FULL : PLACE_NONE;
	}
	hold(p, s, id);
	s->leased = true;
	return PLACE_FOUND;
}

enum place_found place_take(
	struct wr_proxy *p, struct session *s, const uint16_t *tried, uint64_t key)
{
	uint16_t pool = wr_backends_route(p->cfg.backends, (uint16_t)session_service(p, s)->pool);

	if (likely(!wr_proxy_shared_limited(p->cfg.shared, pool)))
		return take_any(p, s, tried, pool, key);
	return take_limited(p, s, tried, pool, key);
}

// Its pool may have become limited, or not limited any more, since: what was taken goes back.
void place_put(struct wr_proxy *p, struct session *s)
{
	uint16_t pool;

	if (!s->placed)
		return;
	s->placed = false;
	if (unlikely(s->leased)) {
		s->leased = false;
		pool = wr_backends_get(p->cfg.backends, s->backend)->pool;
		wr_lease_put(p->cfg.shared->backends[s->backend], p->cfg.worker);
		wr_lease_put(p->cfg.shared->pools[pool], p->cfg.worker);
		touch(p->leased_backends, s->backend);
		touch(p->leased_pools, pool);
	}
	wr_backends_release(p->cfg.backends, p->cfg.worker, s->backend);
}

static void tick(struct wr_proxy *p, struct wr_lease **leases, uint64_t *bits, uint32_t words)
{
	for (uint32_t w = 0; w < words; w++) {
		uint64_t still = 0;

		for (uint64_t left = bits[w]; left != 0; left &= left - 1) {
			uint32_t i = (uint32_t)__builtin_ctzll(left);
			struct wr_lease *l = leases[w * 64 + i];

			wr_lease_tick(l, p->cfg.worker);
			// What is kept without a limit goes back once there is one.
			if (l->share[p->cfg.worker].waiters != 0 ||
				l->share[p->cfg.worker].have > 0)
				still |= 1ULL << i;
		}
		bits[w] = still;
	}
}

void place_tick(struct wr_proxy *p)
{
	tick(p, p->cfg.shared->pools, p->leased_pools, RTE_DIM(p->leased_pools));
	tick(p, p->cfg.shared->backends, p->leased_backends, RTE_DIM(p->leased_backends));
}

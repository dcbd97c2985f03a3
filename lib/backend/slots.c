/* SPDX-License-Identifier: BSD-3-Clause */

// Slots: made, found, counted in.

#include "backend_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

static void *lines(size_t n, size_t size)
{
	size_t bytes = RTE_ALIGN(n * size, 128);
	void *p = aligned_alloc(128, bytes > 0 ? bytes : 128);

	if (p != NULL)
		memset(p, 0, bytes);
	return p;
}

int wr_backend_memory(const struct wr_backends *b, struct wr_backend *be)
{
	be->per_worker = lines(b->workers, sizeof(*be->per_worker));
	be->seen = calloc(1, sizeof(*be->seen));
	if (be->per_worker != NULL && be->seen != NULL)
		return 0;
	free(be->per_worker);
	free(be->seen);
	be->per_worker = NULL;
	be->seen = NULL;
	return -ENOMEM;
}

void wr_backend_fill(struct wr_backend *be, const struct wr_conf_backend *bc,
	const struct wr_conf_pool *pc, uint16_t pool)
{
	be->id = bc->id;
	be->pool = pool;
	memcpy(be->name, bc->name, sizeof(be->name));
	be->addr = bc->address;
	be->slot = bc->slot;
	be->weight = be->weight_conf = bc->weight;
	be->priority = (uint8_t)RTE_MIN(bc->priority, TIERS - 1u);
	be->admin = bc->disabled   ? WR_ADMIN_DISABLED
	            : bc->draining ? WR_ADMIN_DRAINING
	                           : WR_ADMIN_ENABLED;
	be->agent_percent = 100;
	be->health = pc->health == WR_CONF_HEALTH_NONE ? WR_HEALTH_UNCHECKED : WR_HEALTH_UP;
	// One failure away from DOWN until the first check passed.
	be->streak =
		pc->health_fall > 0 && pc->health != WR_CONF_HEALTH_NONE ? pc->health_fall - 1 : 0;
	be->seen->file_disabled = bc->disabled;
	be->seen->file_draining = bc->draining;
	// What drains from the start has nothing that could end.
	be->seen->drained = be->admin != WR_ADMIN_ENABLED;
	be->state = wr_backend_state(be);
	be->seen->pickable = wr_backend_usable(be);
}

// Bits of IPv4, of IPv6, and whether the port counts.
static uint32_t key_word(const struct wr_conf_pool *pc)
{
	if (pc->hash == WR_CONF_HASH_PREFIX)
		return RTE_MIN(pc->hash_prefix_v4, 32u) | RTE_MIN(pc->hash_prefix_v6, 128u) << 8;
	return 32u | 128u << 8 | (pc->hash == WR_CONF_HASH_ADDRESS_PORT ? 1u << 16 : 0);
}

void wr_pool_fill(struct wr_backends *b, uint16_t i, const struct wr_conf_pool *pc)
{
	struct wr_pool_slot *ps = &b->pools[i];

	ps->id = i;
	memcpy(ps->name, pc->name, sizeof(ps->name));
	ps->slot = pc->slot;
	ps->conf = pc;
	__atomic_store_n(&b->more[i].key, key_word(pc), __ATOMIC_RELAXED);
	b->pool_used[i] = true;
	if (i >= b->pool_count)
		b->pool_count = i + 1u;
}

static int pool_init(struct wr_backends *b, uint16_t i, const struct wr_conf_pool *pc)
{
	struct wr_pool_slot *ps = &b->pools[i];

	wr_pool_fill(b, i, pc);
	b->route[i] = i;
	ps->serving = i;
	ps->member = calloc(pc->backend_count + 1u, sizeof(*ps->member));
	if (ps->member == NULL)
		return -ENOMEM;
	for (uint32_t k = 0; k < pc->backend_count; k++) {
		const struct wr_conf_backend *bc = &pc->backends[k];
		struct wr_backend *be = &b->backends[bc->id];

		if (bc->slot == WR_CONF_VACANT)
			continue;
		if (wr_backend_memory(b, be) < 0)
			return -ENOMEM;
		wr_backend_fill(be, bc, pc, i);
		be->ready = true;
		b->used[bc->id] = true;
		ps->member[ps->count++] = bc->id;
		if (bc->id >= b->count)
			b->count = bc->id + 1u;
	}
	return wr_backends_rebuild(b, i, 0);
}

static bool memory(struct wr_backends *b, uint16_t workers)
{
	size_t rcu_size = rte_rcu_qsbr_get_memsize(workers);

	b->backends = calloc(WR_MAX_BACKENDS, sizeof(*b->backends));
	b->own = lines(workers, sizeof(*b->own));
	b->others = lines(workers, sizeof(*b->others));
	b->load = lines(WR_MAX_POOLS, sizeof(*b->load));
	b->share = lines(WR_MAX_BACKENDS, sizeof(*b->share));
	b->scratch = lines(WR_MAX_BACKENDS, sizeof(*b->scratch));
	b->rcu = lines(1, rcu_size);
	return b->backends != NULL && b->own != NULL && b->others != NULL && b->load != NULL &&
	       b->share != NULL && b->scratch != NULL && b->rcu != NULL;
}

struct wr_backends *wr_backends_create(
	const struct wr_conf *conf, uint16_t workers, uint64_t seed, struct wr_err *err)
{
	struct wr_backends *b = calloc(1, sizeof(*b));

	if (b == NULL || !memory(b, workers))
		goto fail;
	b->workers = workers;
	b->due_first_us = WR_US_NEVER;
	wr_rng_init(&b->rng, seed);
	rte_rcu_qsbr_init(b->rcu, workers);
	for (uint32_t i = 0; i < WR_MAX_BACKENDS; i++) {
		b->share[i] = WHOLE;
		b->due_us[i][0] = b->due_us[i][1] = WR_US_NEVER;
	}
	for (uint32_t i = 0; i < conf->pool_count; i++)
		if (conf->pools[i].slot != WR_CONF_VACANT &&
			pool_init(b, (uint16_t)i, &conf->pools[i]) < 0)
			goto fail;
	wr_backends_reroute(b, 0, false);
	return b;

fail:
	wr_err_set(err, ENOMEM,
		"pools: out of memory for %u workers' tables of backends; give the machine more or "
		"run fewer workers",
		workers);
	wr_backends_destroy(b);
	return NULL;
}

void wr_backends_destroy(struct wr_backends *b)
{
	if (b == NULL)
		return;
	wr_backends_abandon(b);
	for (uint32_t i = 0; i < b->retired_count; i++)
		b->retired[i].end(b->retired[i].what);
	for (uint32_t i = 0; i < WR_MAX_POOLS; i++) {
		wr_view_destroy(b->pools[i].view);
		free(b->pools[i].member);
	}
	for (uint32_t i = 0; b->backends != NULL && i < WR_MAX_BACKENDS; i++) {
		free(b->backends[i].per_worker);
		free(b->backends[i].seen);
	}
	free(b->retired);
	free(b->rcu);
	free(b->scratch);
	free(b->share);
	free(b->load);
	free(b->others);
	free(b->own);
	free(b->backends);
	free(b);
}

void wr_backends_start(struct wr_backends *b, wr_us_t now)
{
	if (b->started)
		return;
	b->started = true;
	for (uint32_t i = 0; i < b->count; i++) {
		if (!b->used[i])
			continue;
		b->backends[i].state_since_us = now;
		b->backends[i].seen->closed_us = b->backends[i].seen->since_us = now;
		wr_checks_plan(b, &b->backends[i], now);
	}
}

uint32_t wr_backends_pool_count(const struct wr_backends *b)
{
	return b->pool_count;
}

uint32_t wr_backends_count(const struct wr_backends *b)
{
	return b->count;
}

struct wr_pool_slot *wr_backends_pool(struct wr_backends *b, uint16_t pool)
{
	return pool < WR_MAX_POOLS && b->pool_used[pool] ? &b->pools[pool] : NULL;
}

struct wr_backend *wr_backends_get(struct wr_backends *b, uint16_t id)
{
	return id < WR_MAX_BACKENDS && b->used[id] ? &b->backends[id] : NULL;
}

int wr_backends_find(const struct wr_backends *b, const char *path)
{
	const char *slash = strchr(path, '/');
	int leaving = -1;

	if (slash == NULL)
		return -1;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct wr_backend *be = &b->backends[i];
		const char *pool = b->pools[be->pool].name;

		if (!b->used[i] || strcmp(be->name, slash + 1) != 0 ||
			strlen(pool) != (size_t)(slash - path) ||
			strncmp(pool, path, (size_t)(slash - path)) != 0)
			continue;
		if (be->slot == WR_CONF_LIVE)
			return (int)i;
		leaving = (int)i;
	}
	return leaving;
}

struct rte_rcu_qsbr *wr_backends_rcu(struct wr_backends *b)
{
	return b->rcu;
}

static void add(struct wr_backend_counters *out, const struct wr_backend_counters *c)
{
	out->sessions += c->sessions;
	out->sessions_peak += c->sessions_peak;
	out->sessions_total += c->sessions_total;
	out->picks += c->picks;
	out->connect_refused += c->connect_refused;
	out->connect_timeout += c->connect_timeout;
	out->connect_unreachable += c->connect_unreachable;
	out->connect_failed += c->connect_failed;
	out->resets += c->resets;
	out->resets_early += c->resets_early;
	out->closes_early += c->closes_early;
	out->answered += c->answered;
	out->bytes_in += c->bytes_in;
	out->bytes_out += c->bytes_out;
	out->stalled += c->stalled;
	if (c->unanswered > 0 &&
		(out->unanswered == 0 || c->unanswered_since_us < out->unanswered_since_us))
		out->unanswered_since_us = c->unanswered_since_us;
	out->unanswered += c->unanswered;
	out->last_byte_us = RTE_MAX(out->last_byte_us, c->last_byte_us);
	wr_hist_small_add(&out->connect_us, &c->connect_us);
	wr_hist_small_add(&out->first_byte_us, &c->first_byte_us);
	wr_hist_small_add(&out->session_us, &c->session_us);
}

void wr_backend_sum(
	const struct wr_backends *b, const struct wr_backend *be, struct wr_backend_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (uint16_t w = 0; w < b->workers; w++)
		add(out, &be->per_worker[w]);
}

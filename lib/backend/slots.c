/* SPDX-License-Identifier: BSD-3-Clause */

#include "backend_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

static void slot_init(struct wr_backend *be, uint16_t id, uint16_t pool,
	const struct wr_conf_backend *conf, const struct wr_conf_pool *pconf)
{
	be->id = id;
	be->pool = pool;
	memcpy(be->name, conf->name, sizeof(be->name));
	be->addr = conf->address;
	be->weight = conf->weight;
	be->admin = WR_ADMIN_ENABLED;
	be->health = pconf->health == WR_CONF_HEALTH_NONE ? WR_HEALTH_UNCHECKED : WR_HEALTH_UP;
	// One failure away from DOWN until the first check passed.
	be->streak = pconf->health_fall > 0 ? pconf->health_fall - 1 : 0;
}

static int pools_init(struct wr_backends *b, const struct wr_conf *conf)
{
	uint16_t id = 0;

	for (uint32_t i = 0; i < conf->pool_count; i++) {
		const struct wr_conf_pool *pc = &conf->pools[i];
		struct wr_pool_slot *ps = &b->pools[i];

		ps->id = (uint16_t)i;
		memcpy(ps->name, pc->name, sizeof(ps->name));
		ps->conf = pc;
		ps->first = id;
		ps->count = (uint16_t)pc->backend_count;
		for (uint32_t k = 0; k < pc->backend_count; k++, id++) {
			struct wr_backend *be = &b->backends[id];

			slot_init(be, id, (uint16_t)i, &pc->backends[k], pc);
			be->per_worker = &b->counters[(size_t)id * b->workers];
		}
		if (wr_backends_rebuild(b, (uint16_t)i) < 0)
			return -ENOMEM;
	}
	return 0;
}

struct wr_backends *wr_backends_create(
	const struct wr_conf *conf, uint16_t workers, struct wr_err *err)
{
	struct wr_backends *b = calloc(1, sizeof(*b));
	size_t rcu_size = rte_rcu_qsbr_get_memsize(workers);

	if (b == NULL)
		goto fail;
	b->workers = workers;
	b->pool_count = conf->pool_count;
	for (uint32_t i = 0; i < conf->pool_count; i++)
		b->count += conf->pools[i].backend_count;
	b->pools = calloc(b->pool_count, sizeof(*b->pools));
	b->backends = calloc(b->count, sizeof(*b->backends));
	b->counters = aligned_alloc(RTE_CACHE_LINE_SIZE,
		RTE_ALIGN((size_t)b->count * workers * sizeof(*b->counters), RTE_CACHE_LINE_SIZE));
	b->rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(rcu_size, RTE_CACHE_LINE_SIZE));
	if (b->pools == NULL || b->backends == NULL || b->counters == NULL || b->rcu == NULL)
		goto fail;
	memset(b->counters, 0, (size_t)b->count * workers * sizeof(*b->counters));
	rte_rcu_qsbr_init(b->rcu, workers);
	if (pools_init(b, conf) < 0)
		goto fail;
	return b;

fail:
	wr_err_set(err, ENOMEM, "pools: out of memory for %u backends", b != NULL ? b->count : 0);
	wr_backends_destroy(b);
	return NULL;
}

void wr_backends_destroy(struct wr_backends *b)
{
	if (b == NULL)
		return;
	for (uint32_t i = 0; b->pools != NULL && i < b->pool_count; i++)
		wr_maglev_destroy(b->pools[i].table);
	for (uint32_t i = 0; i < b->retired_count; i++)
		wr_maglev_destroy(b->retired[i].table);
	free(b->retired);
	free(b->rcu);
	free(b->counters);
	free(b->backends);
	free(b->pools);
	free(b);
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
	return pool < b->pool_count ? &b->pools[pool] : NULL;
}

struct wr_backend *wr_backends_get(struct wr_backends *b, uint16_t id)
{
	return id < b->count ? &b->backends[id] : NULL;
}

int wr_backends_find(const struct wr_backends *b, const char *path)
{
	const char *slash = strchr(path, '/');

	if (slash == NULL)
		return -1;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct wr_backend *be = &b->backends[i];
		const char *pool = b->pools[be->pool].name;

		if (strlen(pool) == (size_t)(slash - path) &&
			strncmp(pool, path, (size_t)(slash - path)) == 0 &&
			strcmp(be->name, slash + 1) == 0)
			return (int)i;
	}
	return -1;
}

struct rte_rcu_qsbr *wr_backends_rcu(struct wr_backends *b)
{
	return b->rcu;
}

void wr_backend_sum(
	const struct wr_backends *b, const struct wr_backend *be, struct wr_backend_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (uint16_t w = 0; w < b->workers; w++) {
		const struct wr_backend_counters *c = &be->per_worker[w];

		out->sessions += c->sessions;
		out->sessions_peak += c->sessions_peak;
		out->sessions_total += c->sessions_total;
		out->picks += c->picks;
		out->connect_refused += c->connect_refused;
		out->connect_timeout += c->connect_timeout;
		out->connect_failed += c->connect_failed;
		out->resets += c->resets;
		out->bytes_in += c->bytes_in;
		out->bytes_out += c->bytes_out;
		out->connect_us_sum += c->connect_us_sum;
		out->stalled += c->stalled;
	}
}

const char *wr_backend_state_name(const struct wr_backend *be)
{
	if (be->admin == WR_ADMIN_DRAINING)
		return "drain";
	if (be->health == WR_HEALTH_DOWN)
		return "down";
	return be->health == WR_HEALTH_UP ? "up" : "unchecked";
}

/* SPDX-License-Identifier: BSD-3-Clause */

// What all workers share of limits: who may connect, the table of clients, the states of limits,
// and the leases of pools and backends.

#include "proxy_priv.h"

#include <errno.h>
#include <stdlib.h>

#define BURST_CONNECTIONS_LEAST 1u
#define BURST_BYTES_LEAST       (64u << 10)
#define BURST_SHARE             10 // a tenth of a second's worth

static uint64_t burst(uint64_t rate, uint64_t given, uint64_t least)
{
	if (rate == 0)
		return 0;
	return given != 0 ? given : RTE_MAX(rate / BURST_SHARE, least);
}

struct wr_limit_rule wr_proxy_limit_rule(const struct wr_conf_limit *c)
{
	return (struct wr_limit_rule){.rate_per_s = c->rate,
		.rate_burst = burst(c->rate, c->rate_burst, BURST_CONNECTIONS_LEAST),
		.connections = c->connections,
		.bytes_per_s = c->bytes,
		.bytes_burst = burst(c->bytes, c->bytes_burst, BURST_BYTES_LEAST)};
}

static struct wr_access_rule *any_rules(
	struct wr_access_rule *to, const struct wr_prefix *from, uint32_t n, uint8_t action)
{
	for (uint32_t i = 0; i < n; i++)
		*to++ = (struct wr_access_rule){.from = from[i],
			.service = WR_ACCESS_ANY,
			.action = action,
			.class = WR_ACCESS_NO_CLASS,
			.configured = true};
	return to;
}

static struct wr_access_rule *class_rules(
	struct wr_access_rule *to, const struct wr_conf_service *sv, uint16_t service)
{
	for (uint32_t k = 0; k < sv->source_count; k++)
		*to++ = (struct wr_access_rule){.from = sv->sources[k].from,
			.service = service,
			.action = WR_ACCESS_NONE,
			.class = (uint8_t)sv->sources[k].class,
			.configured = true};
	return to;
}

// The rules of a configuration in the place of those of the one before.
static int access_set(struct wr_proxy_shared *sh, const struct wr_conf *conf, const bool *gone,
	struct wr_err *err)
{
	uint32_t n = conf->access.deny_count + conf->access.allow_count;
	struct wr_access_rule *rules, *at;
	int rc;

	for (uint32_t i = 0; i < conf->service_count; i++)
		n += conf->services[i].source_count;
	rules = calloc(n + 1, sizeof(*rules));
	if (rules == NULL)
		return wr_err_set(err, ENOMEM, "access: out of memory for %u rules", n);
	at = any_rules(rules, conf->access.deny, conf->access.deny_count, WR_ACCESS_DENY);
	at = any_rules(at, conf->access.allow, conf->access.allow_count, WR_ACCESS_ALLOW);
	for (uint32_t i = 0; i < conf->service_count; i++)
		at = class_rules(at, &conf->services[i], (uint16_t)i);
	rc = wr_access_configure(sh->access, rules, n, gone, err);
	free(rules);
	return rc;
}

static bool limits_clients(const struct wr_conf *conf)
{
	for (uint32_t i = 0; i < conf->service_count; i++) {
		struct wr_limit_rule r = wr_proxy_limit_rule(&conf->services[i].client);

		if (conf->services[i].slot != WR_CONF_VACANT && wr_limit_rule_any(&r))
			return true;
	}
	return false;
}

// --- what is in which slot ---------------------------------------------------------------------

// With what its owner knows beside: who has which slot in the configuration in force. A slot whose
// user left and that nobody needs any more may be given to another at once.
struct shared {
	struct wr_proxy_shared pub;
	bool service[WR_MAX_SERVICES]; // LIVE
	bool pool[WR_MAX_POOLS];
	bool backend[WR_MAX_BACKENDS];
};

static void note_live(struct shared *own, const struct wr_conf *conf)
{
	memset(own->service, 0, sizeof(own->service));
	memset(own->pool, 0, sizeof(own->pool));
	memset(own->backend, 0, sizeof(own->backend));
	for (uint32_t i = 0; i < conf->service_count; i++)
		own->service[i] = conf->services[i].slot == WR_CONF_LIVE;
	for (uint32_t i = 0; i < conf->pool_count; i++) {
		const struct wr_conf_pool *pc = &conf->pools[i];

		own->pool[i] = pc->slot == WR_CONF_LIVE;
		for (uint32_t k = 0; k < pc->backend_count; k++)
			own->backend[pc->backends[k].id] = pc->backends[k].slot == WR_CONF_LIVE;
	}
}

// A lease for a slot, `fresh` where somebody comes to it: nobody holds one then.
static int lease_for(struct wr_lease **at, uint32_t limit, bool fresh, uint16_t workers)
{
	struct wr_lease *l = *at;

	if (l != NULL)
		return fresh ? wr_lease_set(l, limit) : 0;
	l = wr_lease_create(limit, workers);
	if (l == NULL)
		return -ENOMEM;
	__atomic_store_n(at, l, __ATOMIC_RELEASE);
	return 0;
}

static int pool_leases(struct shared *own, const struct wr_conf *conf, uint32_t pool)
{
	const struct wr_conf_pool *pc = &conf->pools[pool];
	struct wr_proxy_shared *sh = &own->pub;

	if (pc->slot == WR_CONF_VACANT)
		return 0;
	if (lease_for(&sh->pools[pool], pc->max_connections,
		    pc->slot == WR_CONF_LIVE && !own->pool[pool], sh->workers) < 0)
		return -ENOMEM;
	for (uint32_t k = 0; k < pc->backend_count; k++) {
		const struct wr_conf_backend *bc = &pc->backends[k];

		if (bc->slot != WR_CONF_VACANT &&
			lease_for(&sh->backends[bc->id], bc->max_connections,
				bc->slot == WR_CONF_LIVE && !own->backend[bc->id], sh->workers) < 0)
			return -ENOMEM;
	}
	if (wr_conf_pool_limited(conf, pool))
		__atomic_store_n(&sh->limited[pool], true, __ATOMIC_RELAXED);
	return 0;
}

// What the one before used of its rates is not the next one's.
static void rates_begin(struct shared *own, const struct wr_conf *conf)
{
	for (uint32_t i = 0; i < conf->service_count; i++) {
		struct wr_limit *l = &own->pub.limits[1 + i];

		if (own->service[i] || conf->services[i].slot != WR_CONF_LIVE)
			continue;
		__atomic_store_n(&l->rate_at, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&l->bytes_at, 0, __ATOMIC_RELAXED);
	}
}

static int prepare(struct shared *own, const struct wr_conf *conf, const uint64_t key[2],
	int numa_node, struct wr_err *err)
{
	struct wr_proxy_shared *sh = &own->pub;
	struct wr_clients *clients;

	for (uint32_t i = 0; i < conf->pool_count; i++)
		if (pool_leases(own, conf, i) < 0)
			goto no_memory;
	rates_begin(own, conf);
	if (sh->clients != NULL || !limits_clients(conf))
		return 0;
	clients = wr_clients_create(conf->pressure.clients, key, numa_node);
	if (clients == NULL)
		goto no_memory;
	__atomic_store_n(&sh->clients, clients, __ATOMIC_RELEASE);
	return 0;

no_memory:
	return wr_err_set(err, ENOMEM,
		"limits: out of memory for %u clients or leases; lower pressure.clients",
		conf->pressure.clients);
}

static bool tables_create(struct wr_proxy_shared *sh, struct wr_backends *backends)
{
	sh->access = wr_access_create(wr_backends_rcu(backends));
	sh->limits = calloc(1 + WR_MAX_SERVICES, sizeof(*sh->limits));
	sh->pools = calloc(WR_MAX_POOLS, sizeof(struct wr_lease *));
	sh->backends = calloc(WR_MAX_BACKENDS, sizeof(struct wr_lease *));
	sh->limited = calloc(WR_MAX_POOLS, sizeof(*sh->limited));
	return sh->access != NULL && sh->limits != NULL && sh->pools != NULL &&
	       sh->backends != NULL && sh->limited != NULL;
}

struct wr_proxy_shared *wr_proxy_shared_create(const struct wr_conf *conf,
	struct wr_backends *backends, uint16_t workers, const uint64_t key[2], int numa_node,
	struct wr_err *err)
{
	struct shared *own = calloc(1, sizeof(*own));

	if (own == NULL || !tables_create(&own->pub, backends)) {
		wr_err_set(err, ENOMEM, "limits: out of memory for their tables");
		goto fail;
	}
	own->pub.workers = workers;
	if (access_set(&own->pub, conf, NULL, err) < 0 ||
		prepare(own, conf, key, numa_node, err) < 0)
		goto fail;
	note_live(own, conf);
	return &own->pub;

fail:
	wr_proxy_shared_destroy(own != NULL ? &own->pub : NULL);
	return NULL;
}

static void leases_destroy(struct wr_lease **l, uint32_t n)
{
	for (uint32_t i = 0; l != NULL && i < n; i++)
		wr_lease_destroy(l[i]);
	free(l);
}

void wr_proxy_shared_destroy(struct wr_proxy_shared *sh)
{
	if (sh == NULL)
		return;
	if (sh->access != NULL)
		wr_access_destroy(sh->access);
	if (sh->clients != NULL)
		wr_clients_destroy(sh->clients);
	free(sh->limits);
	leases_destroy(sh->pools, WR_MAX_POOLS);
	leases_destroy(sh->backends, WR_MAX_BACKENDS);
	free(sh->limited);
	free(RTE_PTR_SUB(sh, offsetof(struct shared, pub)));
}

// --- to the next configuration ------------------------------------------------------------------

int wr_proxy_shared_prepare(struct wr_proxy_shared *sh, const struct wr_conf *fresh,
	const uint64_t key[2], int numa_node, struct wr_err *err)
{
	return prepare((struct shared *)sh, fresh, key, numa_node, err);
}

static bool has_limit(const struct wr_lease *l)
{
	return l != NULL && __atomic_load_n(&l->limit, __ATOMIC_RELAXED) != 0;
}

// Limits of one pool where the file's own value changed: one that an operator gave holds else.
// What had no user before has its limit from prepare().
static void pool_limits(struct wr_proxy_shared *sh, const struct wr_conf_pool *const was[],
	const struct wr_conf_backend *const backend_was[], const struct wr_conf *fresh,
	uint32_t pool)
{
	const struct wr_conf_pool *pc = &fresh->pools[pool], *pb = was[pool];
	bool limited = wr_conf_pool_limited(fresh, pool);

	if (pc->slot == WR_CONF_LIVE && pb != NULL && pb->max_connections != pc->max_connections)
		wr_lease_set(sh->pools[pool], pc->max_connections);
	limited = limited || has_limit(sh->pools[pool]);
	for (uint32_t k = 0; k < pc->backend_count; k++) {
		const struct wr_conf_backend *bc = &pc->backends[k], *bb = backend_was[bc->id];

		if (bc->slot == WR_CONF_LIVE && bb != NULL &&
			bb->max_connections != bc->max_connections)
			wr_lease_set(sh->backends[bc->id], bc->max_connections);
		limited = limited || has_limit(sh->backends[bc->id]);
	}
	__atomic_store_n(&sh->limited[pool], limited, __ATOMIC_RELAXED);
}

static void limits_follow(
	struct wr_proxy_shared *sh, const struct wr_conf *before, const struct wr_conf *fresh)
{
	const struct wr_conf_backend *backend[WR_MAX_BACKENDS] = {NULL};
	const struct wr_conf_pool *pool[WR_MAX_POOLS] = {NULL};

	for (uint32_t i = 0; i < before->pool_count; i++) {
		const struct wr_conf_pool *pc = &before->pools[i];

		if (pc->slot == WR_CONF_LIVE)
			pool[i] = pc;
		for (uint32_t k = 0; k < pc->backend_count; k++)
			if (pc->backends[k].slot == WR_CONF_LIVE)
				backend[pc->backends[k].id] = &pc->backends[k];
	}
	for (uint32_t i = 0; i < fresh->pool_count; i++)
		pool_limits(sh, pool, backend, fresh, i);
}

int wr_proxy_shared_commit(struct wr_proxy_shared *sh, const struct wr_conf *before,
	const struct wr_conf *fresh, struct wr_err *err)
{
	bool gone[WR_MAX_SERVICES] = {false};

	// An operator's rules for a service end with it, as its number may become another's.
	for (uint32_t i = 0; i < before->service_count; i++)
		gone[i] = before->services[i].slot != WR_CONF_VACANT &&
		          (i >= fresh->service_count ||
				  strcmp(before->services[i].name, fresh->services[i].name) != 0);
	limits_follow(sh, before, fresh);
	note_live((struct shared *)sh, fresh);
	return access_set(sh, fresh, gone, err);
}

int wr_proxy_shared_limit(
	struct wr_proxy_shared *sh, uint16_t pool, uint16_t backend, uint32_t limit)
{
	struct wr_lease *l = NULL;

	if (backend < WR_MAX_BACKENDS)
		l = sh->backends[backend];
	else if (backend == WR_BACKEND_NONE && pool < WR_MAX_POOLS)
		l = sh->pools[pool];
	if (l == NULL || pool >= WR_MAX_POOLS)
		return -ENOENT;
	if (limit != 0)
		__atomic_store_n(&sh->limited[pool], true, __ATOMIC_RELAXED);
	return wr_lease_set(l, limit);
}

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

static int access_create(struct wr_proxy_shared *sh, const struct wr_conf *conf,
	struct rte_rcu_qsbr *rcu, struct wr_err *err)
{
	uint32_t n = conf->access.deny_count + conf->access.allow_count;
	struct wr_access_rule *rules, *at;
	int rc = 0;

	sh->access = wr_access_create(rcu);
	for (uint32_t i = 0; i < conf->service_count; i++)
		n += conf->services[i].source_count;
	if (sh->access == NULL)
		return -ENOMEM;
	if (n == 0)
		return 0;
	rules = calloc(n, sizeof(*rules));
	if (rules == NULL)
		return -ENOMEM;
	at = any_rules(rules, conf->access.deny, conf->access.deny_count, WR_ACCESS_DENY);
	at = any_rules(at, conf->access.allow, conf->access.allow_count, WR_ACCESS_ALLOW);
	for (uint32_t i = 0; i < conf->service_count; i++) {
		const struct wr_conf_service *sv = &conf->services[i];

		for (uint32_t k = 0; k < sv->source_count; k++)
			*at++ = (struct wr_access_rule){.from = sv->sources[k].from,
				.service = (uint16_t)i,
				.action = WR_ACCESS_NONE,
				.class = (uint8_t)sv->sources[k].class,
				.configured = true};
	}
	rc = wr_access_add(sh->access, rules, n, err);
	free(rules);
	return rc;
}

static bool limits_clients(const struct wr_conf *conf)
{
	for (uint32_t i = 0; i < conf->service_count; i++) {
		struct wr_limit_rule r = wr_proxy_limit_rule(&conf->services[i].client);

		if (wr_limit_rule_any(&r))
			return true;
	}
	return false;
}

// One for each pool and each backend slot; a NULL ends each list.
static int leases_create(struct wr_proxy_shared *sh, const struct wr_conf *conf,
	struct wr_backends *backends, uint16_t workers)
{
	uint32_t slots = wr_backends_count(backends);

	sh->pools = calloc(conf->pool_count + 1, sizeof(struct wr_lease *));
	sh->backends = calloc(slots + 1, sizeof(struct wr_lease *));
	if (sh->pools == NULL || sh->backends == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < conf->pool_count; i++) {
		const struct wr_conf_pool *pc = &conf->pools[i];
		uint16_t first = wr_backends_pool(backends, (uint16_t)i)->first;

		sh->pools[i] = wr_lease_create(pc->max_connections, workers);
		if (sh->pools[i] == NULL)
			return -ENOMEM;
		for (uint32_t k = 0; k < pc->backend_count; k++) {
			sh->backends[first + k] =
				wr_lease_create(pc->backends[k].max_connections, workers);
			if (sh->backends[first + k] == NULL)
				return -ENOMEM;
		}
	}
	return 0;
}

struct wr_proxy_shared *wr_proxy_shared_create(const struct wr_conf *conf,
	struct wr_backends *backends, uint16_t workers, const uint64_t key[2], int numa_node,
	struct wr_err *err)
{
	struct wr_proxy_shared *sh = calloc(1, sizeof(*sh));
	int rc = -ENOMEM;

	if (sh == NULL)
		goto fail;
	rc = access_create(sh, conf, wr_backends_rcu(backends), err);
	if (rc < 0)
		goto fail;
	rc = -ENOMEM;
	sh->limits = calloc(1 + conf->service_count, sizeof(*sh->limits));
	if (sh->limits == NULL || leases_create(sh, conf, backends, workers) < 0)
		goto fail;
	if (limits_clients(conf)) {
		sh->clients = wr_clients_create(conf->pressure.clients, key, numa_node);
		if (sh->clients == NULL)
			goto fail;
	}
	return sh;

fail:
	if (rc == -ENOMEM)
		wr_err_set(err, ENOMEM,
			"limits: out of memory for access rules, %u clients or leases; lower "
			"pressure.clients",
			conf->pressure.clients);
	wr_proxy_shared_destroy(sh);
	return NULL;
}

static void leases_destroy(struct wr_lease **l)
{
	for (uint32_t i = 0; l != NULL && l[i] != NULL; i++)
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
	leases_destroy(sh->pools);
	leases_destroy(sh->backends);
	free(sh);
}

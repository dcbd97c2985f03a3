/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include <stdio.h>

#include "wr_pressure.h"
#include "wr_value.h"

// Limits: each can be reached and can hold, and what waits for room waits within its session's
// time.

// A set of limits, the path of its keys, and the line of what it belongs to.
struct limits {
	const struct wr_conf_limit *l;
	const char *path;
	uint32_t line;
};

// Kinds of queue that a worker does not have exactly once: rx_ring and tx_backlog, handoff, pending
// and pending_wait, pool_inflight, backend_inflight.
#define QUEUES_OWN (WR_Q_COUNT - 7)

static int check_holds(
	const struct wr_conf_check *k, const char *key, const uint32_t *connections, uint32_t line)
{
	uint32_t max = k->c->runtime.max_sessions;

	if (*connections <= max)
		return 0;
	return wr_settings_fail(&k->at, connections, line,
		"%s: value '%u' is above runtime.max_sessions, which is %u: the instance cannot "
		"hold %u more; right would be at most %u, or a larger max_sessions",
		key, *connections, max, *connections - max, max);
}

static int check_bursts(const struct wr_conf_check *k, const struct limits *s)
{
	char text[32];

	if (s->l->rate_burst && !s->l->rate)
		return wr_settings_fail(&k->at, &s->l->rate_burst, s->line,
			"%s.rate_burst: value '%s' has no %s.rate to be the burst of; right would "
			"be a rate as well, or no burst",
			s->path, wr_settings_format_rate(s->l->rate_burst, text, sizeof(text)),
			s->path);
	if (s->l->bytes_burst && !s->l->bytes)
		return wr_settings_fail(&k->at, &s->l->bytes_burst, s->line,
			"%s.bytes_burst: value '%s' has no %s.bytes to be the burst of; right "
			"would be a limit of bytes as well, or no burst",
			s->path, wr_settings_format_size(s->l->bytes_burst, text, sizeof(text)),
			s->path);
	return 0;
}

static int check_alone(const struct wr_conf_check *k, const struct limits *s)
{
	char key[96];
	int rc = check_bursts(k, s);

	snprintf(key, sizeof(key), "%s.connections", s->path);
	return rc == 0 ? check_holds(k, key, &s->l->connections, s->line) : rc;
}

static int never_reached(const struct wr_conf_check *k, const struct limits *in,
	const struct limits *out, const char *key, const void *at, const char *a, const char *b)
{
	return wr_settings_fail(&k->at, at, in->line,
		"%s.%s: value '%s' is above %s.%s, which is %s and is reached first, so it limits "
		"nothing; right would be at most %s",
		in->path, key, a, out->path, key, b, b);
}

// An inner limit above one around it.
static int check_inside(
	const struct wr_conf_check *k, const struct limits *in, const struct limits *out)
{
	const struct wr_conf_limit *a = in->l, *b = out->l;
	char at[32], bt[32];

	if (b->rate && a->rate > b->rate) {
		wr_settings_format_rate(a->rate, at, sizeof(at));
		wr_settings_format_rate(b->rate, bt, sizeof(bt));
		return never_reached(k, in, out, "rate", &a->rate, at, bt);
	}
	if (b->connections && a->connections > b->connections) {
		snprintf(at, sizeof(at), "%u", a->connections);
		snprintf(bt, sizeof(bt), "%u", b->connections);
		return never_reached(k, in, out, "connections", &a->connections, at, bt);
	}
	if (b->bytes && a->bytes > b->bytes) {
		wr_settings_format_size(a->bytes, at, sizeof(at));
		wr_settings_format_size(b->bytes, bt, sizeof(bt));
		return never_reached(k, in, out, "bytes", &a->bytes, at, bt);
	}
	return 0;
}

// A delay holds the SYN-ACK back, which needs a hold.
static int check_over(const struct wr_conf_check *k, const char *path,
	const enum wr_conf_over *over, uint32_t line)
{
	if (*over != WR_CONF_OVER_DELAY || k->c->pressure.hold_us)
		return 0;
	return wr_settings_fail(&k->at, over, line,
		"%s.over: value 'delay' holds connections back for pressure.hold at most, which is "
		"off; right would be a hold, or refuse",
		path);
}

static int check_service_limits(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_service *s = &k->c->services[i];
	const struct limits all = {.l = &k->c->limit, .path = "limits"};
	char own_path[48], client_path[64];
	const struct limits own = {.l = &s->limit, .path = own_path, .line = s->line};
	const struct limits client = {.l = &s->client, .path = client_path, .line = s->line};
	int rc;

	snprintf(own_path, sizeof(own_path), "services[%u].limits", i);
	snprintf(client_path, sizeof(client_path), "services[%u].limits.client", i);
	rc = check_alone(k, &own);
	if (rc == 0)
		rc = check_alone(k, &client);
	if (rc == 0)
		rc = check_inside(k, &own, &all);
	if (rc == 0)
		rc = check_inside(k, &client, &own);
	if (rc == 0)
		rc = check_inside(k, &client, &all);
	return rc == 0 ? check_over(k, own_path, &s->over, s->line) : rc;
}

static int too_long(const struct wr_conf_check *k, uint32_t i, const char *key, const wr_us_t *at,
	const char *than, wr_us_t limit)
{
	char a[32], b[32];

	wr_units_format_time(*at, a, sizeof(a));
	wr_units_format_time(limit, b, sizeof(b));
	return wr_settings_fail(&k->at, at, k->c->services[i].line,
		"services[%u].wait.%s: value '%s' is above %s, which is %s and ends the wait "
		"first; "
		"right would be at most %s",
		i, key, a, than, b, b);
}

static int check_wait(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_service *s = &k->c->services[i];
	uint32_t max = k->c->runtime.max_sessions;

	if (s->wait_sessions > max)
		return wr_settings_fail(&k->at, &s->wait_sessions, s->line,
			"services[%u].wait.sessions: value '%u' is above runtime.max_sessions, "
			"which is %u: a session that waits is one of them; right would be at most "
			"%u",
			i, s->wait_sessions, max, max);
	if (s->wait_time_us > s->idle_us)
		return too_long(k, i, "time", &s->wait_time_us, "timeouts.idle", s->idle_us);
	if (s->wait_target_us > s->wait_time_us)
		return too_long(k, i, "target", &s->wait_target_us, "wait.time", s->wait_time_us);
	return 0;
}

static int check_sources(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_service *s = &k->c->services[i];
	char key[64], text[WR_ADDR_STR + 4];
	int rc;

	for (uint32_t j = 0; j < s->source_count; j++) {
		const struct wr_prefix *from = &s->sources[j].from;

		snprintf(key, sizeof(key), "services[%u].sources[%u].from", i, j);
		rc = wr_conf_check_network(k, key, from, s->sources[j].line);
		if (rc < 0)
			return rc;
		for (uint32_t x = 0; x < j; x++) {
			if (from->len == s->sources[x].from.len &&
				wr_addr_eq(&from->addr, &s->sources[x].from.addr))
				return wr_settings_fail(&k->at, from, s->sources[j].line,
					"%s: value '%s' has a class in services[%u].sources[%u] "
					"already; keep one",
					key, wr_prefix_format(from, text, sizeof(text)), i, x);
		}
	}
	return 0;
}

static int check_proxied(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_service *s = &k->c->services[i];
	char key[64], text[WR_ADDR_STR + 4];
	int rc;

	for (uint32_t j = 0; j < s->proxied_count; j++) {
		const struct wr_prefix *from = &s->proxied[j];

		snprintf(key, sizeof(key), "services[%u].proxy_from[%u]", i, j);
		rc = wr_conf_check_network(k, key, from, s->line);
		if (rc < 0)
			return rc;
		for (uint32_t x = 0; x < j; x++) {
			if (from->len == s->proxied[x].len &&
				wr_addr_eq(&from->addr, &s->proxied[x].addr))
				return wr_settings_fail(&k->at, from, s->line,
					"%s: value '%s' is listed twice, as "
					"services[%u].proxy_from[%u]; keep one",
					key, wr_prefix_format(from, text, sizeof(text)), i, x);
		}
	}
	return 0;
}

static int check_backend(const struct wr_conf_check *k, uint32_t i, uint32_t j)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	const struct wr_conf_backend *b = &p->backends[j];
	char key[64];

	snprintf(key, sizeof(key), "pools[%u].backends[%u].max_connections", i, j);
	if (p->max_connections && b->max_connections > p->max_connections)
		return wr_settings_fail(&k->at, &b->max_connections, b->line,
			"%s: value '%u' is above pools[%u].max_connections, which is %u and is "
			"reached first, so it limits nothing; right would be at most %u",
			key, b->max_connections, i, p->max_connections, p->max_connections);
	return check_holds(k, key, &b->max_connections, b->line);
}

int wr_conf_check_pool_limits(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_pool *p = &k->c->pools[i];
	uint64_t sum = 0;
	uint32_t live = 0;
	bool all = true;
	char key[48];
	int rc;

	snprintf(key, sizeof(key), "pools[%u].max_connections", i);
	rc = check_holds(k, key, &p->max_connections, p->line);
	for (uint32_t j = 0; rc == 0 && j < p->backend_count; j++) {
		if (p->backends[j].slot != WR_CONF_LIVE)
			continue;
		live++;
		all = all && p->backends[j].max_connections;
		sum += p->backends[j].max_connections;
		rc = check_backend(k, i, j);
	}
	if (rc < 0 || !all || p->max_connections <= sum)
		return rc;
	return wr_settings_fail(&k->at, &p->max_connections, p->line,
		"%s: value '%u' cannot be reached: the max_connections of its %u backends add up "
		"to %llu; right would be at most %llu",
		key, p->max_connections, live, (unsigned long long)sum, (unsigned long long)sum);
}

// Every worker registers its queues in a table of a fixed size.
int wr_conf_check_queues(const struct wr_conf_check *k)
{
	const struct wr_conf *c = k->c;
	uint32_t workers = c->runtime.workers_auto ? WR_MAX_WORKERS : c->runtime.worker_count;
	uint32_t waiting = 0, pools = 0, backends = 0, sum;
	const uint32_t *last = NULL;

	for (uint32_t i = 0; i < c->service_count; i++)
		waiting += c->services[i].slot != WR_CONF_VACANT &&
		           wr_conf_pool_limited(c, c->services[i].pool);
	for (uint32_t i = 0; i < c->pool_count; i++) {
		pools += c->pools[i].max_connections > 0;
		if (c->pools[i].max_connections && !last)
			last = &c->pools[i].max_connections;
		for (uint32_t j = 0; j < c->pools[i].backend_count; j++) {
			if (!c->pools[i].backends[j].max_connections)
				continue;
			backends++;
			last = &c->pools[i].backends[j].max_connections;
		}
	}
	sum = QUEUES_OWN + 2 * c->port_count + workers - 1 + 2 * waiting + pools + backends;
	if (!last || sum <= WR_PRESSURE_QUEUES_MAX)
		return 0;
	return wr_settings_fail(&k->at, last, 0,
		"max_connections: makes %u queues of each worker: %u of its own + 2 x %u ports + "
		"%u "
		"from other workers%s + 2 x %u services that may wait + %u pools and %u backends "
		"with max_connections; right would be at most %u: limit fewer backends, or their "
		"pools instead",
		sum, QUEUES_OWN, c->port_count, workers - 1,
		c->runtime.workers_auto ? " (auto counts as the most)" : "", waiting, pools,
		backends, WR_PRESSURE_QUEUES_MAX);
}

int wr_conf_check_limits(const struct wr_conf_check *k)
{
	const struct limits all = {.l = &k->c->limit, .path = "limits"};
	int rc = check_alone(k, &all);

	if (rc == 0)
		rc = check_over(k, "limits", &k->c->over, 0);
	for (uint32_t i = 0; rc == 0 && i < k->c->service_count; i++) {
		rc = check_service_limits(k, i);
		if (rc == 0)
			rc = check_wait(k, i);
		if (rc == 0)
			rc = check_sources(k, i);
		if (rc == 0)
			rc = check_proxied(k, i);
	}
	for (uint32_t i = 0; rc == 0 && i < k->c->pool_count; i++)
		rc = wr_conf_check_pool_limits(k, i);
	return rc == 0 ? wr_conf_check_queues(k) : rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <string.h>

// Services, pools, backends: who gets the work.

void wr_ctl_service_sum(struct wr_ctl *c, uint16_t service, struct wr_service_counters *out)
{
	memset(out, 0, sizeof(*out));
	for (uint16_t w = 0; w < c->workers; w++) {
		const struct wr_service_counters *s =
			wr_worker_service(wr_fabric_worker(c->fabric, w), service);

		if (s == NULL)
			continue;
		out->sessions += s->sessions;
		out->sessions_peak += s->sessions_peak;
		out->sessions_total += s->sessions_total;
		out->refused += s->refused;
		out->failed += s->failed;
		out->bytes_in += s->bytes_in;
		out->bytes_out += s->bytes_out;
		out->resets_client += s->resets_client;
		out->resets_backend += s->resets_backend;
		out->timeouts += s->timeouts;
		out->completed += s->completed;
		out->pending_timeouts += s->pending_timeouts;
		out->pending_evicted += s->pending_evicted;
		out->pending_full += s->pending_full;
		out->pending_left += s->pending_left;
		out->limited += s->limited;
	}
}

static void put_listeners(struct wr_reply *r, const struct wr_conf_service *conf)
{
	char text[16 * (WR_ENDPOINT_STR + 1)] = "";
	char one[WR_ENDPOINT_STR];

	for (uint32_t i = 0; i < conf->listen_count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%s%s", i > 0 ? " " : "",
			wr_endpoint_format(&conf->listen[i], one, sizeof(one)));
	}
	wr_reply_text(r, "listen", text);
}

// Those that wait for a backend with room. The q words are HAProxy's: its qtime is in milliseconds.
static void put_wait(struct wr_reply *r, const struct wr_conf_service *conf,
	const struct wr_service_counters *s, const struct wr_ctl_wait *wait)
{
	wr_reply_uint(r, "level", wait->level);
	wr_reply_uint(r, "class", conf->class);
	wr_reply_uint(r, "pending", wait->depth);
	wr_reply_uint(r, "pending_max", wait->capacity);
	wr_reply_uint(r, "pending_peak", wait->peak);
	wr_reply_uint(r, "pending_oldest_us", wait->oldest_us);
	wr_reply_uint(r, "pending_timeouts", s->pending_timeouts);
	wr_reply_uint(r, "pending_evicted", s->pending_evicted);
	wr_reply_uint(r, "pending_full", s->pending_full);
	wr_reply_uint(r, "pending_left", s->pending_left);
	wr_reply_uint(r, "limited", s->limited);
	wr_reply_uint(r, "completed", s->completed);
	wr_reply_uint(r, "qcur", wait->depth);
	wr_reply_uint(r, "qmax", wait->peak);
	wr_reply_uint(r, "qlimit", conf->wait_sessions);
	wr_reply_uint(r, "qtime",
		wait->arrivals > 0 ? wait->waited_us / wait->arrivals / WR_US_PER_MS : 0);
}

// The s words are HAProxy's: sessions now, most at a time, since start, and their limit.
static void put_sessions(
	struct wr_reply *r, uint64_t now, uint64_t peak, uint64_t total, uint64_t limit)
{
	wr_reply_uint(r, "scur", now);
	wr_reply_uint(r, "smax", peak);
	wr_reply_uint(r, "stot", total);
	wr_reply_uint(r, "slim", limit);
}

// What a backend or a pool may have at the same time; 0: no limit, and nobody counts.
static void put_lease(struct wr_ctl *c, struct wr_reply *r, uint32_t pool, const struct wr_lease *l)
{
	wr_reply_uint(r, "limit", l->limit);
	if (!wr_conf_pool_limited(c->conf, pool))
		return; // places are not counted
	wr_reply_uint(r, "in_use", wr_lease_used(l));
	wr_reply_uint(r, "leased", wr_lease_out(l));
	if (l->limit > 0)
		wr_reply_uint(r, "used_permille", (uint64_t)wr_lease_used(l) * 1000 / l->limit);
}

static void service_row(
	struct wr_ctl *c, struct wr_reply *r, uint16_t id, const struct wr_ctl_wait *wait)
{
	const struct wr_conf_service *conf = &c->conf->services[id];
	struct wr_limit_rule rule = wr_proxy_limit_rule(&conf->limit);
	struct wr_service_counters s;

	wr_ctl_service_sum(c, id, &s);
	wr_reply_str(r, "name", conf->name);
	put_listeners(r, conf);
	wr_reply_str(r, "pool", c->conf->pools[conf->pool].name);
	wr_reply_str(r, "accept", conf->accept == WR_CONF_ACCEPT_DEFERRED ? "deferred" : "eager");
	wr_reply_uint(r, "sessions", s.sessions);
	wr_reply_uint(r, "sessions_peak", s.sessions_peak);
	wr_reply_uint(r, "sessions_total", s.sessions_total);
	wr_reply_uint(r, "refused", s.refused);
	wr_reply_uint(r, "failed", s.failed);
	wr_reply_uint(r, "bytes_in", s.bytes_in);
	wr_reply_uint(r, "bytes_out", s.bytes_out);
	wr_reply_uint(r, "resets_client", s.resets_client);
	wr_reply_uint(r, "resets_backend", s.resets_backend);
	wr_reply_uint(r, "timeouts", s.timeouts);
	put_wait(r, conf, &s, wait);
	wr_ctl_put_rule(r, &rule);
	put_sessions(r, s.sessions, s.sessions_peak, s.sessions_total, conf->limit.connections);
}

void wr_show_services(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_ctl_wait wait[WR_MAX_SERVICES];
	int only;

	if (!wr_ctl_param_service(c, p, r, &only))
		return;
	wr_ctl_waits(c, wait);
	for (uint16_t i = 0; i < c->conf->service_count; i++)
		if ((only < 0 || only == i) && wr_reply_row(r))
			service_row(c, r, i, &wait[i]);
}

// Checks the filter of pools; -1: any, -2: no such pool, said.
static int pool_filter(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const char *only = wr_params_get(p, "pool");
	int pool;

	if (only == NULL)
		return -1;
	pool = wr_conf_find_pool(c->conf, only);
	if (pool >= 0)
		return pool;
	wr_reply_error(r, "see /weir/pools for the names", "no pool '%.64s'", only);
	return -2;
}

static void pool_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_pool_slot *pool)
{
	const struct wr_conf_pool *conf = pool->conf;
	struct wr_backend_counters sum, total = {0};

	for (uint16_t i = 0; i < pool->count; i++) {
		wr_backend_sum(c->backends,
			wr_backends_get(c->backends, (uint16_t)(pool->first + i)), &sum);
		total.sessions += sum.sessions;
		total.sessions_total += sum.sessions_total;
		total.bytes_in += sum.bytes_in;
		total.bytes_out += sum.bytes_out;
	}
	wr_reply_str(r, "name", pool->name);
	wr_reply_str(r, "balance", "maglev");
	wr_reply_uint(r, "backends", pool->count);
	wr_reply_uint(r, "usable", pool->usable);
	wr_reply_uint(r, "sessions", total.sessions);
	wr_reply_uint(r, "sessions_total", total.sessions_total);
	wr_reply_uint(r, "bytes_in", total.bytes_in);
	wr_reply_uint(r, "bytes_out", total.bytes_out);
	wr_reply_str(r, "on_down", conf->on_down == WR_CONF_ON_DOWN_RESET ? "reset" : "drain");
	wr_reply_str(r, "health", conf->health == WR_CONF_HEALTH_TCP ? "tcp" : "none");
	wr_reply_uint(r, "health_interval_us", conf->health_interval_us);
	wr_reply_uint(r, "health_timeout_us", conf->health_timeout_us);
	wr_reply_uint(r, "rise", conf->health_rise);
	wr_reply_uint(r, "fall", conf->health_fall);
	wr_reply_uint(r, "retries", conf->retries);
	wr_reply_uint(r, "table_rebuilds", pool->generation);
	put_lease(c, r, pool->id, c->shared->pools[pool->id]);
}

void wr_show_pools(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	int only = pool_filter(c, p, r);

	for (uint32_t i = 0; only > -2 && i < wr_backends_pool_count(c->backends); i++)
		if ((only < 0 || only == (int)i) && wr_reply_row(r))
			pool_row(c, r, wr_backends_pool(c->backends, (uint16_t)i));
}

static void put_probe(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	if (be->health == WR_HEALTH_UNCHECKED) {
		wr_reply_str(r, "last_probe", "none configured");
		return;
	}
	if (!be->checked) {
		wr_reply_str(r, "last_probe", "not yet");
		return;
	}
	wr_reply_str(
		r, "last_probe", be->last_probe_err == 0 ? "passed" : strerror(be->last_probe_err));
	wr_reply_uint(r, "last_probe_age_us",
		c->now_us > be->last_probe_us ? c->now_us - be->last_probe_us : 0);
}

static uint64_t mean_connect_us(const struct wr_backend_counters *s)
{
	return s->sessions_total == 0 ? 0 : s->connect_us_sum / s->sessions_total;
}

static void backend_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	struct wr_backend_counters s;
	char addr[WR_ENDPOINT_STR];

	wr_backend_sum(c->backends, be, &s);
	wr_reply_str(r, "pool", wr_backends_pool(c->backends, be->pool)->name);
	wr_reply_str(r, "name", be->name);
	wr_reply_str(r, "address", wr_endpoint_format(&be->addr, addr, sizeof(addr)));
	wr_reply_str(r, "state", wr_backend_state_name(be));
	wr_reply_uint(r, "weight", be->weight);
	wr_reply_uint(r, "state_for_us",
		c->now_us > be->state_since_us ? c->now_us - be->state_since_us : 0);
	wr_reply_uint(r, "transitions", be->transitions);
	put_probe(c, r, be);
	wr_reply_uint(r, "sessions", s.sessions);
	wr_reply_uint(r, "sessions_peak", s.sessions_peak);
	wr_reply_uint(r, "sessions_total", s.sessions_total);
	wr_reply_uint(r, "picks", s.picks);
	wr_reply_uint(r, "connect_refused", s.connect_refused);
	wr_reply_uint(r, "connect_timeout", s.connect_timeout);
	wr_reply_uint(r, "connect_failed", s.connect_failed);
	wr_reply_uint(r, "connect_mean_us", mean_connect_us(&s));
	wr_reply_uint(r, "resets", s.resets);
	wr_reply_uint(r, "stalled", s.stalled);
	wr_reply_uint(r, "bytes_in", s.bytes_in);
	wr_reply_uint(r, "bytes_out", s.bytes_out);
	put_lease(c, r, be->pool, c->shared->backends[be->id]);
	put_sessions(r, s.sessions, s.sessions_peak, s.sessions_total,
		c->shared->backends[be->id]->limit);
}

static void latency_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	struct wr_backend_counters s;

	wr_backend_sum(c->backends, be, &s);
	wr_reply_str(r, "pool", wr_backends_pool(c->backends, be->pool)->name);
	wr_reply_str(r, "name", be->name);
	wr_reply_str(r, "what",
		"mean over all connects since start: our SYN to an established "
		"backend connection");
	wr_reply_uint(r, "connects", s.sessions_total);
	wr_reply_uint(r, "connect_mean_us", mean_connect_us(&s));
	wr_reply_uint(r, "connect_sum_us", s.connect_us_sum);
}

static void each_backend(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r,
	void (*row)(struct wr_ctl *, struct wr_reply *, const struct wr_backend *))
{
	const char *path = wr_params_get(p, "backend");
	const char *state = wr_params_get(p, "state");
	int only = path != NULL ? wr_backends_find(c->backends, path) : -1;
	int pool = pool_filter(c, p, r);

	if (pool == -2)
		return;
	if (path != NULL && only < 0) {
		wr_reply_error(r, "see /weir/backends; a backend is POOL/NAME",
			"no backend '%.64s'", path);
		return;
	}
	for (uint32_t i = 0; i < wr_backends_count(c->backends); i++) {
		struct wr_backend *be = wr_backends_get(c->backends, (uint16_t)i);

		if ((pool >= 0 && be->pool != pool) || (only >= 0 && be->id != only))
			continue;
		if (state != NULL && strcmp(state, wr_backend_state_name(be)) != 0)
			continue;
		if (wr_reply_row(r))
			row(c, r, be);
	}
}

void wr_show_backends(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	each_backend(c, p, r, backend_row);
}

void wr_show_latency(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	each_backend(c, p, r, latency_row);
}

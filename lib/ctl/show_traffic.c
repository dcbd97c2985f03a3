/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <string.h>

// Services and pools: who gets the work.

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

void wr_ctl_put_slot(struct wr_reply *r, enum wr_conf_slot slot)
{
	if (slot == WR_CONF_LEAVING)
		wr_reply_uint(r, "leaving", 1);
}

void wr_ctl_put_sessions(
	struct wr_reply *r, uint64_t now, uint64_t peak, uint64_t total, uint64_t limit)
{
	wr_reply_uint(r, "scur", now);
	wr_reply_uint(r, "smax", peak);
	wr_reply_uint(r, "stot", total);
	wr_reply_uint(r, "slim", limit);
}

void wr_ctl_put_lease(struct wr_reply *r, const struct wr_lease *l)
{
	uint32_t limit = l != NULL ? l->limit : 0;
	uint32_t used = l != NULL ? wr_lease_used(l) : 0;

	wr_reply_uint(r, "limit", limit);
	if (limit == 0 && used == 0)
		return; // places need not be counted
	wr_reply_uint(r, "in_use", used);
	wr_reply_uint(r, "leased", wr_lease_out(l));
	if (limit > 0)
		wr_reply_uint(r, "used_permille", (uint64_t)used * 1000 / limit);
}

// The pool that new sessions go to, where it is the backup of the service's own.
static void put_serving(struct wr_ctl *c, struct wr_reply *r, const struct wr_conf_service *conf)
{
	uint16_t id = wr_backends_route(c->backends, (uint16_t)conf->pool);
	const struct wr_pool_slot *serving = wr_backends_pool(c->backends, id);

	if (id != conf->pool && serving != NULL)
		wr_reply_str(r, "serving_pool", serving->name);
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
	wr_reply_str(r, "state", conf->slot == WR_CONF_LEAVING ? "leaving" : "serving");
	wr_reply_str(r, "pool", c->conf->pools[conf->pool].name);
	put_serving(c, r, conf);
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
	wr_ctl_put_sessions(
		r, s.sessions, s.sessions_peak, s.sessions_total, conf->limit.connections);
}

void wr_show_services(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_ctl_wait wait[WR_MAX_SERVICES];
	int only;

	if (!wr_ctl_param_service(c, p, r, &only))
		return;
	wr_ctl_waits(c, wait);
	for (uint16_t i = 0; i < c->conf->service_count; i++)
		if (wr_ctl_has_service(c, i) && (only < 0 || only == i) && wr_reply_row(r))
			service_row(c, r, i, &wait[i]);
}

int wr_ctl_param_pool(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
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

// --- /weir/pools ---------------------------------------------------------------------------------

static const char *balance_name(enum wr_conf_balance balance)
{
	static const char *const name[] = {
		[WR_CONF_BALANCE_MAGLEV] = "maglev",
		[WR_CONF_BALANCE_BOUNDED] = "bounded",
		[WR_CONF_BALANCE_LEAST] = "least",
		[WR_CONF_BALANCE_TWO_CHOICES] = "two_choices",
		[WR_CONF_BALANCE_ROUND_ROBIN] = "round_robin",
	};

	return name[balance];
}

static const char *hash_name(enum wr_conf_hash hash)
{
	static const char *const name[] = {
		[WR_CONF_HASH_ADDRESS_PORT] = "address_port",
		[WR_CONF_HASH_ADDRESS] = "address",
		[WR_CONF_HASH_PREFIX] = "prefix",
	};

	return name[hash];
}

static const char *health_name(enum wr_conf_health health)
{
	static const char *const name[] = {
		[WR_CONF_HEALTH_NONE] = "none",
		[WR_CONF_HEALTH_TCP] = "tcp",
		[WR_CONF_HEALTH_HTTP] = "http",
	};

	return name[health];
}

struct pool_sum {
	struct wr_backend_counters all;
	struct wr_ctl_rate rate;
	uint32_t state[WR_BACKEND_STATES];
	uint32_t tier[8]; // backends of each
	uint32_t backends;
};

static void add_counters(struct wr_backend_counters *to, const struct wr_backend_counters *s)
{
	to->sessions += s->sessions;
	to->sessions_peak += s->sessions_peak;
	to->sessions_total += s->sessions_total;
	to->picks += s->picks;
	to->connect_refused += s->connect_refused;
	to->connect_timeout += s->connect_timeout;
	to->connect_unreachable += s->connect_unreachable;
	to->connect_failed += s->connect_failed;
	to->resets += s->resets;
	to->resets_early += s->resets_early;
	to->closes_early += s->closes_early;
	to->answered += s->answered;
	to->unanswered += s->unanswered;
	to->bytes_in += s->bytes_in;
	to->bytes_out += s->bytes_out;
	to->stalled += s->stalled;
	wr_hist_small_add(&to->connect_us, &s->connect_us);
	wr_hist_small_add(&to->first_byte_us, &s->first_byte_us);
	wr_hist_small_add(&to->session_us, &s->session_us);
}

static void sum_pool(struct wr_ctl *c, const struct wr_pool_slot *pool, struct pool_sum *out)
{
	struct wr_backend_counters one;
	struct wr_ctl_rate rate;

	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < pool->count; i++) {
		const struct wr_backend *be = wr_backends_get(c->backends, pool->member[i]);

		if (be == NULL)
			continue;
		wr_backend_sum(c->backends, be, &one);
		add_counters(&out->all, &one);
		rate = wr_ctl_rate(c, be->id);
		out->rate.per_s += rate.per_s;
		out->rate.per_s_10 += rate.per_s_10;
		out->state[wr_backend_state(be) % WR_BACKEND_STATES]++;
		out->tier[be->priority % RTE_DIM(out->tier)]++;
		out->backends++;
	}
}

// Where new sessions go, by tier, and who serves for the pool.
static void put_tiers(struct wr_ctl *c, struct wr_reply *r, const struct wr_pool_slot *pool,
	const struct pool_sum *sum)
{
	const struct wr_pool_slot *serving = NULL;
	char key[32];

	for (uint32_t t = 0; t < RTE_DIM(sum->tier); t++) {
		if (sum->tier[t] == 0)
			continue;
		snprintf(key, sizeof(key), "tier%u_backends", t);
		wr_reply_uint(r, key, sum->tier[t]);
		snprintf(key, sizeof(key), "tier%u_permille", t);
		wr_reply_uint(r, key, (uint32_t)pool->tier_share[t] * 1000 / 256);
	}
	if (pool->serving >= 0)
		serving = wr_backends_pool(c->backends, (uint16_t)pool->serving);
	wr_reply_str(r, "serving", serving != NULL ? serving->name : "none");
	if (pool->conf->backup >= 0)
		wr_reply_str(r, "backup", c->conf->pools[pool->conf->backup].name);
	wr_reply_uint(r, "failing_open", pool->failing_open);
	wr_reply_uint(r, "spills", pool->spills);
	wr_reply_uint(r, "returns", pool->returns);
}

static void put_states(struct wr_reply *r, const struct pool_sum *sum)
{
	char key[48];

	for (uint32_t st = 0; st < WR_BACKEND_STATES; st++) {
		if (sum->state[st] == 0)
			continue;
		snprintf(key, sizeof(key), "backends_%s", wr_backend_state_word(st));
		wr_reply_uint(r, key, sum->state[st]);
	}
}

static void put_pool_sums(struct wr_reply *r, const struct pool_sum *sum)
{
	const struct wr_backend_counters *s = &sum->all;

	wr_reply_uint(r, "sessions", s->sessions);
	wr_reply_uint(r, "sessions_total", s->sessions_total);
	wr_reply_uint(r, "rate_per_s", sum->rate.per_s);
	wr_reply_uint(r, "rate_10s_per_s", sum->rate.per_s_10);
	wr_reply_uint(r, "bytes_in", s->bytes_in);
	wr_reply_uint(r, "bytes_out", s->bytes_out);
	wr_reply_uint(r, "connect_errors", wr_ctl_connect_errors(s));
	wr_reply_uint(r, "response_errors", s->resets + s->resets_early + s->closes_early);
	wr_reply_uint(r, "answered", s->answered);
	wr_reply_uint(r, "unanswered", s->unanswered);
	wr_ctl_put_times(r, "connect", &s->connect_us);
	wr_ctl_put_times(r, "first_byte", &s->first_byte_us);
	wr_ctl_put_times(r, "session", &s->session_us);
}

static void put_pool_rules(struct wr_reply *r, const struct wr_conf_pool *conf)
{
	wr_reply_str(r, "on_down", conf->on_down == WR_CONF_ON_DOWN_RESET ? "reset" : "drain");
	wr_reply_str(r, "health", health_name(conf->health));
	wr_reply_uint(r, "health_interval_us", conf->health_interval_us);
	wr_reply_uint(r, "health_timeout_us", conf->health_timeout_us);
	wr_reply_uint(r, "rise", conf->health_rise);
	wr_reply_uint(r, "fall", conf->health_fall);
	wr_reply_str(r, "agent", conf->agent_port != 0 ? "yes" : "no");
	wr_reply_str(r, "breaker", conf->breaker.enabled ? "yes" : "no");
	wr_reply_uint(r, "slow_start_us", conf->slow_start_us);
	wr_reply_uint(r, "retries", conf->retries);
}

// Sessions of its services that wait for a backend with room.
static uint64_t waiting(struct wr_ctl *c, const struct wr_ctl_wait *wait, uint16_t pool)
{
	uint64_t n = 0;

	for (uint16_t i = 0; i < c->conf->service_count; i++)
		if (wr_ctl_has_service(c, i) && c->conf->services[i].pool == pool)
			n += wait[i].depth;
	return n;
}

static void pool_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_pool_slot *pool,
	const struct wr_ctl_wait *wait)
{
	const struct wr_lease *lease = c->shared->pools[pool->id];
	struct pool_sum sum;

	sum_pool(c, pool, &sum);
	wr_reply_str(r, "name", pool->name);
	wr_reply_str(r, "state", pool->slot == WR_CONF_LEAVING ? "leaving" : "serving");
	wr_reply_str(r, "balance", balance_name(pool->conf->balance));
	wr_reply_str(r, "hash", hash_name(pool->conf->hash));
	wr_reply_uint(r, "backends", sum.backends);
	wr_reply_uint(r, "usable", pool->usable);
	put_states(r, &sum);
	put_tiers(c, r, pool, &sum);
	put_pool_sums(r, &sum);
	put_pool_rules(r, pool->conf);
	wr_reply_uint(r, "table_rebuilds", pool->generation);
	wr_ctl_put_lease(r, lease);
	wr_reply_uint(r, "qcur", waiting(c, wait, pool->id));
	wr_ctl_put_sessions(r, sum.all.sessions, sum.all.sessions_peak, sum.all.sessions_total,
		lease != NULL ? lease->limit : 0);
}

void wr_show_pools(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_ctl_wait wait[WR_MAX_SERVICES];
	int only = wr_ctl_param_pool(c, p, r);

	if (only == -2)
		return;
	wr_ctl_waits(c, wait);
	for (uint32_t i = 0; i < wr_backends_pool_count(c->backends); i++) {
		const struct wr_pool_slot *pool = wr_backends_pool(c->backends, (uint16_t)i);

		if (pool != NULL && (only < 0 || only == (int)i) && wr_reply_row(r))
			pool_row(c, r, pool, wait);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <string.h>

// Backends: first what an operator looks at; the rest for one backend, or when asked for.

uint64_t wr_ctl_connect_errors(const struct wr_backend_counters *s)
{
	return s->connect_refused + s->connect_timeout + s->connect_unreachable + s->connect_failed;
}

void wr_ctl_put_times(struct wr_reply *r, const char *name, const struct wr_hist_small *h)
{
	static const struct {
		const char *name;
		uint32_t ppm;
	} at[] = {{"p50", 500000}, {"p90", 900000}, {"p99", 990000}};
	char key[48];

	for (size_t i = 0; i < RTE_DIM(at); i++) {
		snprintf(key, sizeof(key), "%s_%s_us", name, at[i].name);
		wr_reply_uint(r, key, wr_hist_small_quantile(h, at[i].ppm));
	}
	snprintf(key, sizeof(key), "%s_mean_us", name);
	wr_reply_uint(r, key, wr_hist_small_mean(h));
}

static void put_last_check(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	const struct wr_backend_check *check = &be->check[WR_CHECK_SLOT_HEALTH];

	if (be->health == WR_HEALTH_UNCHECKED) {
		wr_reply_str(r, "last_check", "none configured");
		return;
	}
	if (!check->known) {
		wr_reply_str(r, "last_check", "not yet");
		return;
	}
	wr_reply_str(r, "last_check",
		check->last.text[0] != '\0' ? check->last.text
		: check->last.err == 0      ? "passed"
					    : strerror(check->last.err));
	wr_reply_uint(r, "last_check_took_us", check->last.took_us);
	wr_reply_uint(r, "last_check_age_us",
		c->now_us > check->last_us ? c->now_us - check->last_us : 0);
}

// New sessions get this part of what the weight says, while it starts slowly: from a tenth of it,
// in a straight line, as lib/backend does.
uint64_t wr_ctl_share_permille(struct wr_ctl *c, const struct wr_backend *be)
{
	const struct wr_pool_slot *pool = wr_backends_pool(c->backends, be->pool);
	wr_us_t ramp = pool->conf->slow_start_us;
	wr_us_t up = c->now_us > be->slow_since_us ? c->now_us - be->slow_since_us : 0;

	if (be->slow_since_us == 0 || ramp == 0 || up >= ramp)
		return 1000;
	return 100 + 900 * up / ramp;
}

static const char *breaker_word(enum wr_breaker_state st)
{
	switch (st) {
	case WR_BREAKER_OPEN:
		return "open";
	case WR_BREAKER_HALF_OPEN:
		return "half_open";
	default:
		return "closed";
	}
}

static void put_condition(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	char words[256];

	wr_reply_str(r, "state", wr_backend_state_word(wr_backend_state(be)));
	wr_reply_uint(r, "state_for_us",
		c->now_us > be->state_since_us ? c->now_us - be->state_since_us : 0);
	wr_reply_text(
		r, "words", wr_backend_words(c->backends, be, c->now_us, words, sizeof(words)));
	wr_reply_uint(r, "priority", be->priority);
	wr_reply_uint(r, "weight", be->weight);
	wr_reply_uint(r, "weight_conf", be->weight_conf);
	wr_reply_uint(r, "agent_percent", be->agent_percent);
	wr_reply_uint(r, "share_permille", wr_ctl_share_permille(c, be));
	wr_reply_str(r, "breaker", breaker_word(be->breaker));
	if (be->admin == WR_ADMIN_DRAINING && be->drain_until_us != 0)
		wr_reply_uint(r, "drain_left_us",
			be->drain_until_us > c->now_us ? be->drain_until_us - c->now_us : 0);
	wr_reply_uint(r, "transitions", be->transitions);
	wr_reply_uint(r, "ejections", be->ejections);
	put_last_check(c, r, be);
}

static void put_work(
	struct wr_ctl *c, struct wr_reply *r, uint16_t id, const struct wr_backend_counters *s)
{
	struct wr_ctl_rate rate = wr_ctl_rate(c, id);

	wr_reply_uint(r, "sessions", s->sessions);
	wr_reply_uint(r, "sessions_peak", s->sessions_peak);
	wr_reply_uint(r, "sessions_total", s->sessions_total);
	wr_reply_uint(r, "rate_per_s", rate.per_s);
	wr_reply_uint(r, "rate_10s_per_s", rate.per_s_10);
	wr_reply_uint(r, "unanswered", s->unanswered);
	wr_reply_uint(r, "bytes_in", s->bytes_in);
	wr_reply_uint(r, "bytes_out", s->bytes_out);
	wr_reply_uint(r, "connect_errors", wr_ctl_connect_errors(s));
	wr_reply_uint(r, "response_errors", s->resets + s->resets_early + s->closes_early);
	wr_reply_uint(r, "stalled", s->stalled);
}

static void begin_backend(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be,
	struct wr_backend_counters *s)
{
	char addr[WR_ENDPOINT_STR];

	wr_backend_sum(c->backends, be, s);
	wr_reply_str(r, "pool", wr_backends_pool(c->backends, be->pool)->name);
	wr_reply_str(r, "name", be->name);
	wr_reply_str(r, "address", wr_endpoint_format(&be->addr, addr, sizeof(addr)));
}

static void common_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be,
	struct wr_backend_counters *s)
{
	const struct wr_lease *lease = c->shared->backends[be->id];

	begin_backend(c, r, be, s);
	put_condition(c, r, be);
	put_work(c, r, be->id, s);
	wr_ctl_put_lease(r, lease);
	wr_ctl_put_sessions(r, s->sessions, s->sessions_peak, s->sessions_total,
		lease != NULL ? lease->limit : 0);
}

static void backend_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	struct wr_backend_counters s;

	common_row(c, r, be, &s);
	wr_reply_uint(r, "connect_mean_us", wr_hist_small_mean(&s.connect_us));
	wr_reply_uint(r, "first_byte_mean_us", wr_hist_small_mean(&s.first_byte_us));
	wr_reply_uint(r, "first_byte_p99_us", wr_hist_small_quantile(&s.first_byte_us, 990000));
}

static void detail_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	struct wr_backend_counters s;

	common_row(c, r, be, &s);
	wr_ctl_put_backend_detail(c, r, be, &s);
}

static void latency_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	struct wr_backend_counters s;

	begin_backend(c, r, be, &s);
	wr_reply_uint(r, "connects", wr_hist_small_count(&s.connect_us));
	wr_ctl_put_times(r, "connect", &s.connect_us);
	wr_reply_uint(r, "answers", wr_hist_small_count(&s.first_byte_us));
	wr_ctl_put_times(r, "first_byte", &s.first_byte_us);
	wr_reply_uint(r, "ended", wr_hist_small_count(&s.session_us));
	wr_ctl_put_times(r, "session", &s.session_us);
}

typedef void (*backend_row_fn)(struct wr_ctl *, struct wr_reply *, const struct wr_backend *);

static void each_backend(
	struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r, backend_row_fn row)
{
	const char *path = wr_params_get(p, "backend");
	const char *state = wr_params_get(p, "state");
	int only = path != NULL ? wr_backends_find(c->backends, path) : -1;
	int pool = wr_ctl_param_pool(c, p, r);

	if (pool == -2)
		return;
	if (path != NULL && only < 0) {
		wr_reply_error(r, "see /weir/backends; a backend is POOL/NAME",
			"no backend '%.64s'", path);
		return;
	}
	for (uint32_t i = 0; i < wr_backends_count(c->backends); i++) {
		const struct wr_backend *be = wr_backends_get(c->backends, (uint16_t)i);

		if (be == NULL || (pool >= 0 && be->pool != pool) || (only >= 0 && be->id != only))
			continue;
		if (state != NULL &&
			strcmp(state, wr_backend_state_word(wr_backend_state(be))) != 0)
			continue;
		if (wr_reply_row(r))
			row(c, r, be);
	}
}

void wr_show_backends(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_err err = {0};
	bool detail;

	if (wr_params_bool(p, "detail", &detail, &err) != 0) {
		wr_reply_error(r, "detail is 0 or 1", "%s", err.text);
		return;
	}
	// Who asks for one wants to know.
	if (wr_params_get(p, "backend") != NULL && wr_params_get(p, "detail") == NULL)
		detail = true;
	each_backend(c, p, r, detail ? detail_row : backend_row);
}

void wr_show_latency(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	each_backend(c, p, r, latency_row);
}

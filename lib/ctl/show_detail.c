/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <string.h>

// Everything about one backend, and the names that HAProxy (management guide, 9.1) and Envoy
// (admin, /clusters) have for it where they mean the same.

static uint64_t left(wr_us_t until, wr_us_t now)
{
	return until > now ? until - now : 0;
}

static void put_errors(struct wr_reply *r, const struct wr_backend_counters *s)
{
	wr_reply_uint(r, "picks", s->picks);
	wr_reply_uint(r, "connect_refused", s->connect_refused);
	wr_reply_uint(r, "connect_timeout", s->connect_timeout);
	wr_reply_uint(r, "connect_unreachable", s->connect_unreachable);
	wr_reply_uint(r, "connect_failed", s->connect_failed);
	wr_reply_uint(r, "resets", s->resets);
	wr_reply_uint(r, "resets_early", s->resets_early);
	wr_reply_uint(r, "closes_early", s->closes_early);
	wr_reply_uint(r, "answered", s->answered);
}

static void put_breaker(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	wr_reply_str(r, "breaker_why", be->breaker_why);
	wr_reply_uint(r, "breaker_opens", be->breaker_opens);
	if (be->breaker == WR_BREAKER_OPEN)
		wr_reply_uint(r, "breaker_left_us", left(be->breaker_until_us, c->now_us));
}

static void put_times_in(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	char key[48];

	for (uint32_t st = 0; st < WR_BACKEND_STATES; st++) {
		wr_us_t us = wr_backend_time_in(be, st, c->now_us);

		if (us == 0)
			continue;
		snprintf(key, sizeof(key), "time_%s_us", wr_backend_state_word(st));
		wr_reply_uint(r, key, us);
	}
}

static void put_checks(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	const struct wr_backend_check *health = &be->check[WR_CHECK_SLOT_HEALTH];
	const struct wr_backend_check *agent = &be->check[WR_CHECK_SLOT_AGENT];

	wr_reply_uint(r, "streak", be->streak);
	if (be->health != WR_HEALTH_UNCHECKED)
		wr_reply_uint(r, "next_check_us", left(health->next_us, c->now_us));
	if (!agent->known)
		return;
	wr_reply_str(r, "agent_words", agent->last.text);
	wr_reply_uint(r, "agent_age_us", left(c->now_us, agent->last_us));
	wr_reply_uint(r, "agent_drain", be->agent_drain);
	wr_reply_uint(r, "agent_down", be->agent_down);
}

// --- HAProxy's words
// ------------------------------------------------------------------------------

static const char *haproxy_status(const struct wr_backend *be)
{
	switch (wr_backend_state(be)) {
	case WR_BACKEND_LEAVING:
	case WR_BACKEND_DRAINING:
		return "DRAIN";
	case WR_BACKEND_DISABLED:
		return "MAINT";
	case WR_BACKEND_DOWN:
	case WR_BACKEND_OPEN:
	case WR_BACKEND_HALF_OPEN:
		return "DOWN";
	case WR_BACKEND_NOCHECK:
		return "no check";
	default:
		return "UP";
	}
}

static const char *haproxy_check(const struct wr_backend *be, const struct wr_pool_slot *pool)
{
	const struct wr_check_answer *a = &be->check[WR_CHECK_SLOT_HEALTH].last;
	bool http = pool->conf->health == WR_CONF_HEALTH_HTTP;

	if (!be->check[WR_CHECK_SLOT_HEALTH].known)
		return be->health == WR_HEALTH_UNCHECKED ? "UNK" : "INI";
	switch (a->err) {
	case 0:
		return http ? "L7OK" : "L4OK";
	case ETIMEDOUT:
		return http ? "L7TOUT" : "L4TOUT";
	case EPROTO:
		return a->status != 0 ? "L7STS" : "L7RSP";
	case ECONNREFUSED:
	case EHOSTUNREACH:
		return "L4CON";
	default:
		return "SOCKERR";
	}
}

static void put_haproxy_checks(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be)
{
	const struct wr_pool_slot *pool = wr_backends_pool(c->backends, be->pool);
	const struct wr_backend_check *health = &be->check[WR_CHECK_SLOT_HEALTH];
	const struct wr_ctl_watch *w = &c->watch[be->id];

	wr_reply_str(r, "status", haproxy_status(be));
	wr_reply_str(r, "check_status", haproxy_check(be, pool));
	wr_reply_uint(r, "check_code", health->last.status);
	wr_reply_uint(r, "check_duration", health->last.took_us / WR_US_PER_MS);
	wr_reply_str(r, "last_chk", health->last.text);
	wr_reply_str(r, "last_agt", be->check[WR_CHECK_SLOT_AGENT].last.text);
	wr_reply_uint(r, "checks", w->checks);
	wr_reply_uint(r, "chkfail", w->checks_failed);
	// It starts up, so of an odd number of changes one more went down.
	wr_reply_uint(r, "chkdown", (be->transitions + 1) / 2);
	wr_reply_uint(r, "lastchg", left(c->now_us, be->state_since_us) / WR_US_PER_S);
	wr_reply_uint(
		r, "downtime", wr_backend_time_in(be, WR_BACKEND_DOWN, c->now_us) / WR_US_PER_S);
}

static void put_haproxy(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be,
	const struct wr_backend_counters *s)
{
	struct wr_ctl_rate rate = wr_ctl_rate(c, be->id);

	put_haproxy_checks(c, r, be);
	wr_reply_uint(r, "bin", s->bytes_out); // HAProxy's in is from the client
	wr_reply_uint(r, "bout", s->bytes_in);
	wr_reply_uint(r, "econ", wr_ctl_connect_errors(s));
	wr_reply_uint(r, "eresp", s->resets + s->resets_early + s->closes_early);
	// Each of them is tried elsewhere while the pool's retries last.
	wr_reply_uint(r, "wretr", s->connect_refused + s->connect_timeout + s->connect_unreachable);
	wr_reply_uint(r, "rate", rate.per_s);
	wr_reply_uint(r, "rate_max", rate.per_s_max);
	wr_reply_uint(r, "qcur", 0); // sessions wait for a pool, never for one backend
	wr_reply_uint(r, "throttle", wr_ctl_share_permille(c, be) / 10);
	wr_reply_uint(r, "act", be->priority == 0);
	wr_reply_uint(r, "bck", be->priority != 0);
	wr_reply_uint(r, "ctime", wr_hist_small_mean(&s->connect_us) / WR_US_PER_MS);
	wr_reply_uint(r, "rtime", wr_hist_small_mean(&s->first_byte_us) / WR_US_PER_MS);
	wr_reply_uint(r, "ttime", wr_hist_small_mean(&s->session_us) / WR_US_PER_MS);
}

// --- Envoy's words
// --------------------------------------------------------------------------------

static const char *envoy_flags(const struct wr_backend *be)
{
	switch (wr_backend_state(be)) {
	case WR_BACKEND_LEAVING:
		return "/pending_dynamic_removal";
	case WR_BACKEND_DISABLED:
	case WR_BACKEND_DRAINING:
		return "/failed_eds_health";
	case WR_BACKEND_DOWN:
		return "/failed_active_hc";
	case WR_BACKEND_OPEN:
	case WR_BACKEND_HALF_OPEN:
		return "/failed_outlier_check";
	default:
		return "healthy";
	}
}

// A request of Envoy's TCP proxy is a session; it succeeds when it is answered.
static void put_envoy(
	struct wr_reply *r, const struct wr_backend *be, const struct wr_backend_counters *s)
{
	wr_reply_str(r, "health_flags", envoy_flags(be));
	wr_reply_uint(r, "cx_active", s->sessions);
	wr_reply_uint(r, "cx_total", s->sessions_total);
	wr_reply_uint(r, "cx_connect_fail", wr_ctl_connect_errors(s));
	wr_reply_uint(r, "rq_active", s->sessions);
	wr_reply_uint(r, "rq_total", s->picks);
	wr_reply_uint(r, "rq_success", s->answered);
	wr_reply_uint(r, "rq_error", s->resets + s->resets_early + s->closes_early);
	wr_reply_uint(r, "rq_timeout", s->connect_timeout);
}

void wr_ctl_put_backend_detail(struct wr_ctl *c, struct wr_reply *r, const struct wr_backend *be,
	const struct wr_backend_counters *s)
{
	wr_reply_uint(r, "id", be->id);
	put_errors(r, s);
	put_breaker(c, r, be);
	put_times_in(c, r, be);
	put_checks(c, r, be);
	wr_ctl_put_times(r, "connect", &s->connect_us);
	wr_ctl_put_times(r, "first_byte", &s->first_byte_us);
	wr_ctl_put_times(r, "session", &s->session_us);
	put_haproxy(c, r, be, s);
	put_envoy(r, be, s);
}

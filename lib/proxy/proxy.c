/* SPDX-License-Identifier: BSD-3-Clause */

#include "proxy_priv.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_prefetch.h>

// The engine holds a bounded number of resets until its next output (1024): what one turn ends must
// fit beside the answers to what it received, or peers would never hear of it. A timer or a kill
// ends two connections, a ready one ends one other (READY_BUDGET of the worker).
#define TIMERS_PER_TURN 24
#define KILLS_PER_TURN  8u
#define ABORTS_PER_TURN 100u        // at shutdown, when nothing new is let in
#define READY_BURST     16u         // connections whose sessions are fetched into cache together
#define LOOKS_PER_TURN  1024u       // slots looked at for sessions to kill
#define TELL_US         WR_US_PER_S // between events that stand for many

// Largest MSS to show to clients of a service: what the path to every backend of its pool takes, so
// that a segment of the client's goes on whole; never above what the client's own path takes.
static uint16_t listener_mss(const struct wr_proxy *p, const struct wr_conf_service *sv, bool v4)
{
	const struct wr_conf_pool *pc = &p->conf->pools[sv->pool];
	uint16_t most = 0, least = UINT16_MAX;

	for (uint32_t i = 0; i < p->conf->port_count; i++) {
		uint16_t mtu = p->conf->ports[i].mtu != 0 ? p->conf->ports[i].mtu : 1500;
		uint16_t mss = (uint16_t)(mtu - (v4 ? 40 : 60));

		if (mss > most)
			most = mss;
	}
	for (uint32_t i = 0; i < pc->backend_count; i++) {
		uint16_t mss = path_mss(p, &pc->backends[i].address.addr);

		if (mss != 0 && mss < least)
			least = mss;
	}
	return most < least ? most : least;
}

static int listeners_create(struct wr_proxy *p, struct wr_err *err)
{
	uint32_t id = 0;

	for (uint32_t i = 0; i < p->conf->service_count; i++) {
		const struct wr_conf_service *sv = &p->conf->services[i];

		for (uint32_t k = 0; k < sv->listen_count; k++, id++) {
			struct wr_tcp_listen_opts o = {.user = id,
				.deferred = sv->accept == WR_CONF_ACCEPT_DEFERRED,
				.mss_v4 = listener_mss(p, sv, true),
				.mss_v6 = listener_mss(p, sv, false)};
			char text[WR_ENDPOINT_STR];
			int rc;

			if (id >= WR_MAX_LISTENERS)
				return wr_err_set(
					err, EINVAL, "more than %u listeners", WR_MAX_LISTENERS);
			p->service_of_listener[id] = (uint16_t)i;
			rc = wr_tcp_listen(p->tcp, &sv->listen[k], &o);
			if (rc < 0)
				return wr_err_set(err, -rc, "service %s: cannot listen on %s: %s",
					sv->name,
					wr_endpoint_format(&sv->listen[k], text, sizeof(text)),
					rc == -EADDRINUSE ? "another service has it"
							  : "out of memory");
		}
	}
	return 0;
}

struct wr_proxy *wr_proxy_create(const struct wr_proxy_config *cfg, wr_us_t now, struct wr_err *err)
{
	struct wr_proxy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		goto fail;
	p->cfg = *cfg;
	p->conf = cfg->conf;
	p->tcp = cfg->tcp;
	p->stats = cfg->stats;
	wr_rng_init(&p->rng, cfg->seed);
	wr_wheel_init(&p->wheel, now);
	for (uint32_t i = 0; i < p->conf->pool_count; i++)
		p->limited_pools[i] = wr_conf_pool_limited(p->conf, i);
	p->services = aligned_alloc(64, p->conf->service_count * sizeof(*p->services));
	if (p->services == NULL)
		goto fail;
	memset(p->services, 0, p->conf->service_count * sizeof(*p->services));
	if (wr_pool_init(&p->sessions, "sessions", cfg->max_sessions, sizeof(struct session),
		    cfg->numa_node) < 0)
		goto fail;
	p->runs = calloc(p->conf->service_count, sizeof(*p->runs));
	if (p->runs == NULL)
		goto fail;
	admit_init(p);
	wait_init(p);
	if (probes_create(p) < 0 || sources_create(p, err) < 0 || listeners_create(p, err) < 0)
		goto fail;
	return p;

fail:
	wr_err_set(err, ENOMEM,
		"worker %u: out of memory for %u sessions; lower runtime.max_sessions", cfg->worker,
		cfg->max_sessions);
	wr_proxy_destroy(p);
	return NULL;
}

void wr_proxy_destroy(struct wr_proxy *p)
{
	if (p == NULL)
		return;
	if (p->pairs != NULL)
		sources_destroy(p);
	wr_pool_fini(&p->sessions);
	free(p->probes);
	free(p->runs);
	free(p->services);
	free(p);
}

static void prefetch_session(const struct wr_proxy *p, const struct wr_tcp_ready *r)
{
	uint32_t index = r->user & ~USER_SESSION;
	const char *s;

	if (index >= p->sessions.capacity) // of a probe
		return;
	s = wr_pool_at(&p->sessions, index);
	rte_prefetch0(&p->sessions.gen[index]);
	rte_prefetch0(s);
	rte_prefetch0(s + RTE_CACHE_LINE_SIZE);
}

// The session of a connection that has one. NULL: it ended since, by an event of the other side.
static struct session *session_of(struct wr_proxy *p, const struct wr_tcp_ready *r)
{
	uint32_t index = r->user & ~USER_SESSION;
	struct session *s = session_at(p, index);

	if (wr_pool_handle_at(&p->sessions, index) == WR_HANDLE_NONE ||
		(s->client != r->conn && s->server != r->conn))
		return NULL;
	return s;
}

// The other side's connection, which payload goes to.
static void prefetch_other(struct wr_proxy *p, const struct wr_tcp_ready *r)
{
	const struct session *s = session_at(p, r->user & ~USER_SESSION);

	if (r->user & USER_SESSION)
		wr_tcp_prefetch(p->tcp, s->client == r->conn ? s->server : s->client);
}

static void dispatch(struct wr_proxy *p, const struct wr_tcp_ready *r, wr_us_t now)
{
	struct session *s;

	if (r->user & USER_PROBE) {
		probe_event(p, r->user & ~USER_PROBE, r->conn, r->events, now);
	} else if (r->user & USER_SESSION) {
		s = session_of(p, r);
		if (s == NULL)
			wr_tcp_abort(p->tcp, r->conn, now);
		else if (s->client == r->conn)
			session_client_event(p, s, r->events, now);
		else
			session_server_event(p, s, r->events, now);
	} else if ((r->events & (WR_TCP_EV_ACCEPTED | WR_TCP_EV_SYN)) &&
		   !(r->events & WR_TCP_EV_CLOSED)) {
		// What came with the handshake in the same burst is pumped once a backend answers.
		session_open(p, r, now);
	} else {
		wr_tcp_abort(p->tcp, r->conn, now); // gone again already: gets no session
	}
}

// Some at a time, so that their sessions come into cache together: with many, few are there
// already.
static uint32_t poll_ready(struct wr_proxy *p, uint32_t budget, wr_us_t now)
{
	struct wr_tcp_ready r[READY_BURST];
	uint32_t n, most, done = 0;

	do {
		most = RTE_MIN(budget - done, READY_BURST);
		for (n = 0; n < most && wr_tcp_ready_pop(p->tcp, &r[n]); n++)
			prefetch_session(p, &r[n]);
		for (uint32_t i = 0; i < n; i++)
			prefetch_other(p, &r[i]);
		for (uint32_t i = 0; i < n; i++)
			dispatch(p, &r[i], now);
		done += n;
	} while (n == most && done < budget);
	return done;
}

// Walk some slots and end the sessions of backends that are being killed, or all of them. The walk
// goes around once after the newest request.
static void kill_turn(struct wr_proxy *p, wr_us_t now)
{
	uint32_t looks = RTE_MIN(p->kill_left, LOOKS_PER_TURN);
	uint32_t most = p->aborting ? ABORTS_PER_TURN : KILLS_PER_TURN;

	for (uint32_t ended = 0; looks > 0 && ended < most; looks--, p->kill_left--) {
		uint32_t i = p->kill_cursor;
		struct session *s = session_at(p, i);

		p->kill_cursor = i + 1 == p->sessions.capacity ? 0 : i + 1;
		if (wr_pool_handle_at(&p->sessions, i) == WR_HANDLE_NONE)
			continue;
		if (!p->aborting && (s->backend == WR_MAGLEV_NONE || !p->killing[s->backend]))
			continue;
		ended++;
		// A session that is still connecting tries the next backend.
		if (s->state == WR_SESSION_CONNECTING && !p->aborting)
			connect_failed(p, s, WR_TCP_END_NO_ROUTE, now);
		else
			session_abort(p, s, now);
	}
	if (p->kill_left == 0) {
		memset(p->killing, 0, sizeof(p->killing));
		p->aborting = false;
	}
}

uint32_t wr_proxy_poll(struct wr_proxy *p, uint32_t budget, wr_us_t now)
{
	struct wr_wheel_node *n;
	uint32_t done = poll_ready(p, budget, now);

	for (uint32_t k = 0; k < TIMERS_PER_TURN; k++) {
		n = wr_wheel_poll(&p->wheel, now);
		if (n == NULL)
			break;
		if (n->kind == TIMER_PROBE)
			probe_timer(p, n->owner, now);
		else
			session_timer(p, session_at(p, n->owner), now);
		done++;
	}
	if (p->kill_left > 0) {
		kill_turn(p, now);
		done++;
	}
	// Last, for the places that this turn has freed.
	return done + wait_turn(p, now);
}

wr_us_t wr_proxy_next_timer(const struct wr_proxy *p)
{
	return p->kill_left > 0 ? 0 : RTE_MIN(wr_wheel_next(&p->wheel), p->wait_next_us);
}

void proxy_raise(struct wr_proxy *p, const struct wr_event *ev)
{
	if (p->cfg.events == NULL)
		return;
	wr_stats_add(p->stats, WR_CTR_events_raised, 1);
	if (!wr_event_push(p->cfg.events, ev))
		wr_stats_add(p->stats, WR_CTR_events_lost, 1);
}

void proxy_tell(struct wr_proxy *p, struct telling *t, enum wr_event_kind kind, wr_us_t now)
{
	struct wr_event ev = {.at_us = now,
		.kind = (uint16_t)kind,
		.worker = p->cfg.worker,
		.queue = UINT16_MAX,
		.reason = t->reason,
		.scope = t->scope,
		.count = t->count};

	if (t->count == 0 || (t->told_us != 0 && now < t->told_us + TELL_US))
		return;
	t->told_us = now;
	t->count = 0;
	proxy_raise(p, &ev);
}

void wr_proxy_kill_backend(struct wr_proxy *p, uint16_t backend)
{
	if (backend >= WR_MAX_BACKENDS)
		return;
	p->killing[backend] = true;
	p->kill_left = p->sessions.capacity;
}

bool wr_proxy_kill(struct wr_proxy *p, uint32_t session, wr_us_t now)
{
	struct session *s = wr_pool_lookup(&p->sessions, session);

	if (s == NULL)
		return false;
	session_abort(p, s, now);
	return true;
}

void wr_proxy_stop(struct wr_proxy *p)
{
	p->stopped = true;
	wr_tcp_set_admit_all(p->tcp, WR_TCP_REFUSE_RST);
}

void wr_proxy_abort_all(struct wr_proxy *p)
{
	p->aborting = true;
	p->kill_left = p->sessions.capacity;
}

uint16_t wr_proxy_service_at(const struct wr_proxy *p, const struct wr_addr *addr, uint16_t port)
{
	uint32_t listener = wr_tcp_listener_user(p->tcp, addr, port);

	return listener < WR_MAX_LISTENERS ? p->service_of_listener[listener] : WR_PROXY_NO_SERVICE;
}

const struct wr_service_counters *wr_proxy_service(const struct wr_proxy *p, uint16_t service)
{
	return service < p->conf->service_count ? &p->services[service] : NULL;
}

uint32_t wr_proxy_session_size(void)
{
	return sizeof(struct session);
}

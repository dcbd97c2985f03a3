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

static bool tables_create(struct wr_proxy *p)
{
	size_t counters = WR_MAX_SERVICES * sizeof(*p->services);
	static const struct wr_conf_service nobody;
	struct wr_waitq_config wait;

	if (wr_pool_init(&p->sessions, "sessions", p->cfg.max_sessions, sizeof(struct session),
		    p->cfg.numa_node) < 0)
		return false;
	p->services = aligned_alloc(64, counters);
	p->runs = calloc(WR_MAX_SERVICES, sizeof(*p->runs));
	if (p->services == NULL || p->runs == NULL || notes_create(p) < 0 || checks_create(p) < 0)
		return false;
	memset(p->services, 0, counters);
	wait = wait_plan(p, &nobody);
	for (uint32_t i = 0; i < WR_MAX_SERVICES; i++)
		wr_waitq_init(&p->runs[i].wait, &wait);
	for (uint32_t i = 0; i < WR_MAX_LISTENERS; i++)
		p->listeners[i].service = WR_PROXY_NO_SERVICE;
	return true;
}

// What is configured comes as the first change.
static bool configure(struct wr_proxy *p, wr_us_t now, struct wr_err *err)
{
	struct wr_proxy_change *c = wr_proxy_change_create(p, p->cfg.conf, err);
	const struct wr_err *why;

	if (c == NULL)
		return false;
	wr_proxy_adopt(p, c, now);
	why = change_err(c);
	if (why != NULL)
		wr_err_set(err, EINVAL, "%s", why->text);
	wr_proxy_change_destroy(c);
	return why == NULL;
}

struct wr_proxy *wr_proxy_create(const struct wr_proxy_config *cfg, wr_us_t now, struct wr_err *err)
{
	struct wr_proxy *p = calloc(1, sizeof(*p));

	if (p == NULL)
		goto fail;
	p->cfg = *cfg;
	p->tcp = cfg->tcp;
	p->stats = cfg->stats;
	p->wait_next_us = WR_US_NEVER;
	wr_rng_init(&p->rng, cfg->seed);
	wr_rng_init(&p->maker.rng, ~cfg->seed);
	wr_wheel_init(&p->wheel, now);
	if (!tables_create(p) || !configure(p, now, err))
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
	for (uint32_t i = 0; i < WR_MAX_BACKENDS; i++)
		sources_destroy(p->pairs[i]);
	for (uint32_t i = 0; i < WR_MAX_PORTS; i++)
		for (uint32_t f = 0; f < 2; f++)
			wr_ports_order_destroy(p->maker.orders[i][f]);
	wr_pool_fini(&p->sessions);
	notes_destroy(p);
	checks_destroy(p);
	free(p->runs);
	free(p->services);
	free(p);
}

static void prefetch_session(const struct wr_proxy *p, const struct wr_tcp_ready *r)
{
	uint32_t index = r->user & ~USER_SESSION;
	const char *s;

	if (index >= p->sessions.capacity) // of a check
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

	if (r->user & USER_CHECK) {
		check_event(p, r->user & ~USER_CHECK, r->conn, r->events, now);
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

// When its backend was picked: who came to it after it was asked to be emptied may stay.
static wr_us_t picked_us(const struct wr_proxy *p, const struct session *s)
{
	if (!session_is_moving(s))
		return s->connecting.since_us;
	return note_of(p, s)->since_us - s->moving.connect_us;
}

static bool is_killed(const struct wr_proxy *p, const struct session *s)
{
	wr_us_t asked = s->backend != WR_MAGLEV_NONE ? p->killing[s->backend] : 0;

	return p->aborting || (asked != 0 && picked_us(p, s) <= asked);
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
		if (!is_killed(p, s))
			continue;
		ended++;
		// A session that is still connecting tries the next backend.
		if (s->state == WR_SESSION_CONNECTING && !p->aborting)
			connect_elsewhere(p, s, now);
		else
			session_abort(p, s, p->aborting ? WR_RECORD_KILLED : WR_RECORD_DOWN, now);
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
		if (n->kind == TIMER_CHECK)
			check_timer(p, n->owner, now);
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
		.count = t->count,
		.a = t->a};

	if (t->count == 0 || (t->told_us != 0 && now < t->told_us + TELL_US))
		return;
	t->told_us = now;
	t->count = 0;
	proxy_raise(p, &ev);
}

void wr_proxy_kill_backend(struct wr_proxy *p, uint16_t backend, wr_us_t asked)
{
	if (backend >= WR_MAX_BACKENDS)
		return;
	p->killing[backend] = RTE_MAX(p->killing[backend], RTE_MAX(asked, (wr_us_t)1));
	p->kill_left = p->sessions.capacity;
}

bool wr_proxy_kill(struct wr_proxy *p, uint32_t session, wr_us_t now)
{
	struct session *s = wr_pool_lookup(&p->sessions, session);

	if (s == NULL)
		return false;
	session_abort(p, s, WR_RECORD_KILLED, now);
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

	return listener != UINT32_MAX ? proxy_service_of(p, listener) : WR_PROXY_NO_SERVICE;
}

const struct wr_service_counters *wr_proxy_service(const struct wr_proxy *p, uint16_t service)
{
	const struct wr_conf *c = __atomic_load_n(&p->conf, __ATOMIC_ACQUIRE);

	if (service >= c->service_count || c->services[service].slot == WR_CONF_VACANT)
		return NULL;
	return &p->services[service];
}

uint64_t wr_proxy_service_sessions(const struct wr_proxy *p, uint16_t service)
{
	return service < WR_MAX_SERVICES
	               ? __atomic_load_n(&p->services[service].sessions, __ATOMIC_RELAXED)
	               : 0;
}

uint32_t wr_proxy_session_size(void)
{
	return sizeof(struct session) + sizeof(struct session_note);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// The life of a session: opened by a client's connection, moved on by events of either side and by
// its one timer, ended when both connections are given back.

#include "proxy_priv.h"

// A window that closes for a moment is what a slower reader does all the time.
#define STALL_US (500 * WR_US_PER_MS)

const char *wr_session_state_name(enum wr_session_state st)
{
	static const char *const names[WR_SESSION_STATES] = {
		"pending", "connecting", "open", "half_closed", "closing"};

	return st < WR_SESSION_STATES ? names[st] : "?";
}

// When a closed window is worth an event.
static wr_us_t stall_due(const struct session *s)
{
	const struct session_moving *m = session_moving(s);
	wr_us_t due = WR_US_NEVER;

	if (m == NULL)
		return due;
	if (m->client_stalled_us != 0 && !m->client_told)
		due = m->client_stalled_us + STALL_US;
	if (m->server_stalled_us != 0 && !m->server_told)
		due = RTE_MIN(due, m->server_stalled_us + STALL_US);
	return due;
}

// When the time-out of its state ends it.
static wr_us_t deadline(const struct wr_proxy *p, const struct session *s)
{
	const struct wr_conf_service *sv = session_service(p, s);

	switch (s->state) {
	case WR_SESSION_PENDING:
		return WR_US_NEVER; // its queue ends it
	case WR_SESSION_CONNECTING:
		return s->connecting.since_us + sv->connect_us;
	case WR_SESSION_OPEN:
		return s->moved_us + sv->idle_us;
	case WR_SESSION_HALF_CLOSED:
		return s->moved_us + sv->half_closed_us;
	default:
		return s->moved_us + sv->close_us;
	}
}

// For a deadline that came nearer. Payload moves it later all the time, of which the wheel learns
// when it expires.
void session_arm(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	const struct session_moving *m = session_moving(s);
	wr_us_t at = RTE_MIN(deadline(p, s), stall_due(s));

	if (m != NULL && m->paused_until_us != 0)
		at = RTE_MIN(at, m->paused_until_us);
	if (!wr_wheel_is_armed(&s->timer) || at < s->timer.deadline_us)
		wr_wheel_arm(&p->wheel, &s->timer, at);
}

void session_set_state(struct wr_proxy *p, struct session *s, enum wr_session_state st, wr_us_t now)
{
	if (s->state == WR_SESSION_CONNECTING && st != WR_SESSION_CONNECTING) {
		p->connecting--;
		s->moving = (struct session_moving){0};
	}
	s->state = (uint8_t)st;
	s->moved_us = now;
	session_arm(p, s, now);
}

static void uncount_backend(struct wr_proxy *p, struct session *s)
{
	struct wr_backend *be;

	if (!s->counted)
		return;
	s->counted = false;
	be = wr_backends_get(p->cfg.backends, s->backend);
	wr_backend_counters(be, p->cfg.worker)->sessions--;
}

static void session_end(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	wr_wheel_cancel(&p->wheel, &s->timer);
	connect_release_port(p, s);
	uncount_backend(p, s);
	if (s->state == WR_SESSION_CONNECTING)
		p->connecting--;
	else if (s->state == WR_SESSION_PENDING)
		wait_leave(p, s, now);
	p->services[s->service].completed += s->placed;
	place_put(p, s);
	admit_leave(p, s);
	p->services[s->service].sessions--;
	wr_stats_add(p->stats, WR_CTR_sessions_closed, 1);
	wr_pool_put(&p->sessions, s->self);
}

void session_abort(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	if (s->client != WR_HANDLE_NONE)
		wr_tcp_abort(p->tcp, s->client, now);
	if (s->server != WR_HANDLE_NONE)
		wr_tcp_abort(p->tcp, s->server, now);
	session_end(p, s, now);
}

static void refuse(struct wr_proxy *p, uint16_t service, wr_handle_t conn, wr_us_t now)
{
	p->services[service].refused++;
	wr_tcp_abort(p->tcp, conn, now);
}

void session_open(struct wr_proxy *p, const struct wr_tcp_ready *r, wr_us_t now)
{
	uint16_t service = p->service_of_listener[r->listener];
	struct wr_service_counters *sc = &p->services[service];
	struct wr_tcp_info client;
	wr_handle_t self;
	struct session *s;

	if (p->stopped) {
		wr_stats_drop(p->stats, WR_DROP_draining, 1);
		refuse(p, service, r->conn, now);
		return;
	}
	s = wr_pool_get(&p->sessions, &self);
	if (s == NULL) {
		wr_stats_drop(p->stats, WR_DROP_session_pool_full, 1);
		refuse(p, service, r->conn, now);
		return;
	}
	*s = (struct session){.self = self,
		.client = r->conn,
		.service = service,
		.backend = WR_MAGLEV_NONE,
		.state = WR_SESSION_CONNECTING,
		.began_us = now,
		.moved_us = now,
		.connecting.since_us = now,
		.client_index = WR_CLIENT_NONE,
		.deferred = (r->events & WR_TCP_EV_SYN) != 0};
	if (!wr_tcp_info(p->tcp, r->conn, &client) ||
		!admit_session(p, s, &client.tuple.remote, now)) {
		wr_tcp_abort(p->tcp, r->conn, now);
		wr_pool_put(&p->sessions, self);
		return;
	}
	s->timer.owner = wr_handle_index(self);
	s->timer.kind = TIMER_SESSION;
	wr_tcp_set_user(p->tcp, r->conn, USER_SESSION | wr_handle_index(self));
	p->connecting++;
	sc->sessions_total++;
	if (++sc->sessions > sc->sessions_peak)
		sc->sessions_peak = sc->sessions;
	wr_stats_add(p->stats, WR_CTR_sessions_opened, 1);
	connect_first(p, s, &client, now);
}

// Both streams ended and were acknowledged: give the connections back; the engine keeps TIME-WAIT.
static void end_when_over(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	if (!s->client_over || !s->server_over)
		return;
	wr_tcp_release(p->tcp, s->client, now);
	wr_tcp_release(p->tcp, s->server, now);
	session_end(p, s, now);
}

// What a side sends for one that is gone is dropped. That is no activity: who goes on sending is
// cut off by the close time-out.
static void drop_unread(struct wr_proxy *p, wr_handle_t from, wr_handle_t gone, wr_us_t now)
{
	struct wr_mq q = {0};

	wr_tcp_read(p->tcp, from, &q, UINT32_MAX, now);
	wr_tcp_write(p->tcp, gone, &q, now);
}

// The other side gets what arrived before the reset, and then a FIN behind it. The session holds
// its place, its port and its counts until that side is over too.
static void drain_and_close(struct wr_proxy *p, struct session *s, bool client, wr_us_t now)
{
	wr_handle_t gone = client ? s->client : s->server;
	wr_handle_t other = client ? s->server : s->client;
	struct wr_mq there = {0};

	wr_tcp_read(p->tcp, gone, &there, UINT32_MAX, now);
	drop_unread(p, other, gone, now);
	wr_tcp_write(p->tcp, other, &there, now);
	wr_tcp_shutdown(p->tcp, other, now);
	s->drains = s->client_fin = s->server_fin = true;
	s->moving.paused_until_us = 0;
	if (client) {
		s->client_over = true;
		s->moving.client_stalled_us = 0;
	} else {
		s->server_over = true;
		s->moving.server_stalled_us = 0;
	}
	session_set_state(p, s, WR_SESSION_CLOSING, now);
	end_when_over(p, s, now);
}

// A side ended other than in order: the other side is reset, as the peers would see it without us,
// unless the service wants it to have all that arrived.
static void side_lost(struct wr_proxy *p, struct session *s, bool client, wr_us_t now)
{
	struct wr_service_counters *sc = &p->services[s->service];
	wr_handle_t gone = client ? s->client : s->server;
	enum wr_tcp_end end = wr_tcp_end(p->tcp, gone);

	if (end == WR_TCP_END_RESET && client) {
		sc->resets_client++;
	} else if (end == WR_TCP_END_RESET) {
		sc->resets_backend++;
		wr_backend_counters(wr_backends_get(p->cfg.backends, s->backend), p->cfg.worker)
			->resets++;
	} else if (end == WR_TCP_END_TIMEOUT) {
		sc->timeouts++;
	}
	if (s->state == WR_SESSION_PENDING)
		wait_left(p, s, now);
	if (end == WR_TCP_END_RESET && session_is_moving(s) &&
		session_service(p, s)->on_reset == WR_CONF_ON_RESET_DRAIN)
		drain_and_close(p, s, client, now);
	else
		session_abort(p, s, now);
}

void session_tell(struct wr_proxy *p, const struct session *s, bool client, enum wr_event_kind kind,
	uint64_t ms, wr_us_t now)
{
	struct wr_tcp_info info;
	struct wr_event ev = {.at_us = now,
		.kind = (uint16_t)kind,
		.worker = p->cfg.worker,
		.queue = UINT16_MAX,
		.scope = client ? s->service : s->backend,
		.extra = (uint32_t)RTE_MIN(ms, (uint64_t)UINT32_MAX),
		.count = 1};

	if (wr_tcp_info(p->tcp, client ? s->client : s->server, &info)) {
		ev.a.addr = info.tuple.remote;
		ev.a.port = info.tuple.rport;
		ev.depth = info.send_queue_bytes;
	}
	proxy_raise(p, &ev);
}

static void stall_note(
	struct wr_proxy *p, struct session *s, bool client, uint32_t events, wr_us_t now)
{
	wr_us_t *since = client ? &s->moving.client_stalled_us : &s->moving.server_stalled_us;
	bool *told = client ? &s->moving.client_told : &s->moving.server_told;

	if (events & WR_TCP_EV_RESUMED) {
		if (*told)
			session_tell(p, s, client, WR_EV_conn_resumed,
				(now - *since) / WR_US_PER_MS, now);
		*told = false;
		*since = 0;
	} else if ((events & WR_TCP_EV_STALLED) && *since == 0) {
		*since = RTE_MAX(now, (wr_us_t)1);
		session_arm(p, s, now);
		if (!client)
			wr_backend_counters(
				wr_backends_get(p->cfg.backends, s->backend), p->cfg.worker)
				->stalled++;
	}
}

static bool stall_is_due(wr_us_t since, bool told, wr_us_t now)
{
	return since != 0 && !told && now >= since + STALL_US;
}

static void stall_tell(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct session_moving *m = &s->moving;

	if (stall_is_due(m->client_stalled_us, m->client_told, now)) {
		m->client_told = true;
		session_tell(p, s, true, WR_EV_conn_stalled, 0, now);
	}
	if (stall_is_due(m->server_stalled_us, m->server_told, now)) {
		m->server_told = true;
		session_tell(p, s, false, WR_EV_conn_stalled, 0, now);
	}
}

// What an event makes worth trying: payload that a lack of room left unread is moved when there is
// some (a peer that stalls may have made a little before), and a connection that is over in order
// told of all its payload before.
static bool has_payload(uint32_t events)
{
	return (events & WR_TCP_EV_READABLE) != 0;
}

static bool has_room(uint32_t events)
{
	return (events & ~(uint32_t)(WR_TCP_EV_READABLE | WR_TCP_EV_CLOSED)) != 0;
}

void session_client_event(struct wr_proxy *p, struct session *s, uint32_t events, wr_us_t now)
{
	if (events & WR_TCP_EV_CLOSED) {
		if (wr_tcp_end(p->tcp, s->client) != WR_TCP_END_CLOSED) {
			side_lost(p, s, true, now);
			return;
		}
		s->client_over = true;
	}
	if (session_is_moving(s)) {
		stall_note(p, s, true, events, now);
		if (s->drains)
			drop_unread(p, s->client, s->server, now);
		else
			pump(p, s, has_payload(events), has_room(events), now);
	}
	end_when_over(p, s, now);
}

static void server_connected(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, s->backend);
	struct wr_backend_counters *bc = wr_backend_counters(be, p->cfg.worker);

	bc->sessions_total++;
	bc->connect_us_sum += now - s->connecting.since_us;
	if (++bc->sessions > bc->sessions_peak)
		bc->sessions_peak = bc->sessions;
	s->counted = true;
	session_set_state(p, s, WR_SESSION_OPEN, now);
	if (s->deferred)
		wr_tcp_accept(p->tcp, s->client, now);
}

void session_server_event(struct wr_proxy *p, struct session *s, uint32_t events, wr_us_t now)
{
	if ((events & WR_TCP_EV_CONNECTED) && s->state == WR_SESSION_CONNECTING)
		server_connected(p, s, now);
	if (events & WR_TCP_EV_CLOSED) {
		enum wr_tcp_end end = wr_tcp_end(p->tcp, s->server);

		if (s->state == WR_SESSION_CONNECTING) {
			connect_failed(p, s, end, now);
			return;
		}
		if (end != WR_TCP_END_CLOSED) {
			side_lost(p, s, false, now);
			return;
		}
		s->server_over = true;
	}
	if (session_is_moving(s)) {
		stall_note(p, s, false, events, now);
		if (s->drains)
			drop_unread(p, s->server, s->client, now);
		else
			pump(p, s, has_room(events), has_payload(events), now);
	}
	end_when_over(p, s, now);
}

// A slow reader acknowledges what we queued long ago without an event of ours: that is not idling.
// Asked at expiry only, against the last expiry.
static bool still_moves(struct wr_proxy *p, struct session *s)
{
	struct wr_tcp_info client, server;
	uint64_t acked;

	if (!wr_tcp_info(p->tcp, s->client, &client) || !wr_tcp_info(p->tcp, s->server, &server) ||
		client.send_queue_bytes + server.send_queue_bytes == 0)
		return false;
	acked = client.bytes_out + server.bytes_out;
	if (acked == s->moving.acked_bytes)
		return false;
	s->moving.acked_bytes = acked;
	return true;
}

// Who is kept from moving does not idle. True: nothing is left to do, the session may have ended.
static bool paused(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	if (s->moving.paused_until_us == 0)
		return false;
	s->moved_us = now;
	if (now >= s->moving.paused_until_us)
		pump_resume(p, s, now);
	session_arm(p, s, now);
	end_when_over(p, s, now);
	return true;
}

void session_timer(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	if (session_is_moving(s)) {
		stall_tell(p, s, now);
		if (paused(p, s, now))
			return;
	}
	if (now < deadline(p, s)) {
		session_arm(p, s, now);
		return;
	}
	if (s->state == WR_SESSION_CONNECTING) {
		wr_stats_add(p->stats, WR_CTR_connect_timeouts, 1);
		connect_failed(p, s, WR_TCP_END_TIMEOUT, now);
		return;
	}
	if (still_moves(p, s)) {
		s->moved_us = now;
		session_arm(p, s, now);
		return;
	}
	p->services[s->service].timeouts++;
	if (s->state == WR_SESSION_OPEN)
		wr_stats_add(p->stats, WR_CTR_idle_timeouts, 1);
	else if (s->state == WR_SESSION_HALF_CLOSED)
		wr_stats_add(p->stats, WR_CTR_half_closed_timeouts, 1);
	else
		wr_stats_add(p->stats, WR_CTR_close_timeouts, 1);
	session_abort(p, s, now);
}

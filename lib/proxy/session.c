/* SPDX-License-Identifier: BSD-3-Clause */

// The life of a session: opened by a client's connection, moved on by events of either side and by
// its one timer, ended when both connections are given back.

#include "proxy_priv.h"

const char *wr_session_state_name(enum wr_session_state st)
{
	static const char *const names[WR_SESSION_STATES] = {
		"header", "pending", "connecting", "open", "half_closed", "closing"};

	return st < WR_SESSION_STATES ? names[st] : "?";
}

// When the time-out of its state ends it.
static wr_us_t deadline(const struct wr_proxy *p, const struct session *s)
{
	const struct wr_conf_service *sv = session_service(p, s);

	switch (s->state) {
	case WR_SESSION_HEADER:
		return s->began_us + sv->header_us;
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
		wr_us_t took = now - s->connecting.since_us;

		p->connecting--;
		s->moving = (struct session_moving){
			.connect_us = (uint32_t)RTE_MIN(took, (wr_us_t)UINT32_MAX)};
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

void session_abort(struct wr_proxy *p, struct session *s, enum wr_record_cause why, wr_us_t now)
{
	note_end(p, s, why, note_phase(p, s), now);
	header_drop(p, s, now);
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

// A session for a connection. NULL: refused.
static struct session *session_get(
	struct wr_proxy *p, uint16_t service, wr_handle_t conn, bool deferred, wr_us_t now)
{
	struct session *s = NULL;
	wr_handle_t self;

	if (p->stopped) {
		wr_stats_drop(p->stats, WR_DROP_draining, 1);
		refuse(p, service, conn, now);
		return NULL;
	}
	s = wr_pool_get(&p->sessions, &self);
	if (s == NULL) {
		wr_stats_drop(p->stats, WR_DROP_session_pool_full, 1);
		refuse(p, service, conn, now);
		return NULL;
	}
	*s = (struct session){.self = self,
		.client = conn,
		.service = service,
		.backend = WR_MAGLEV_NONE,
		.state = WR_SESSION_CONNECTING,
		.began_us = now,
		.moved_us = now,
		.class = (uint8_t)p->conf->services[service].class,
		.connecting.since_us = now,
		.client_index = WR_CLIENT_NONE,
		.deferred = deferred};
	s->timer.owner = wr_handle_index(self);
	s->timer.kind = TIMER_SESSION;
	return s;
}

// It counts from now on.
static void session_begin(struct wr_proxy *p, struct session *s)
{
	struct wr_service_counters *sc = &p->services[s->service];

	wr_tcp_set_user(p->tcp, s->client, USER_SESSION | wr_handle_index(s->self));
	sc->sessions_total++;
	if (++sc->sessions > sc->sessions_peak)
		sc->sessions_peak = sc->sessions;
	wr_stats_add(p->stats, WR_CTR_sessions_opened, 1);
}

// Behind a balancer that tells first who its client is. A header cannot come before the handshake,
// so nobody is kept waiting with that.
static void session_open_proxied(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	session_begin(p, s);
	if (s->deferred)
		wr_tcp_accept(p->tcp, s->client, now);
	s->deferred = false;
	s->state = WR_SESSION_HEADER;
	s->header = (struct session_header){0};
	session_arm(p, s, now);
	header_take(p, s, now); // it may have come with the handshake
}

void session_open(struct wr_proxy *p, const struct wr_tcp_ready *r, wr_us_t now)
{
	uint16_t service = proxy_service_of(p, r->listener);
	const struct wr_conf_service *sv;
	struct wr_tcp_info client;
	struct session *s;

	if (service == WR_PROXY_NO_SERVICE || !wr_tcp_info(p->tcp, r->conn, &client)) {
		wr_tcp_abort(p->tcp, r->conn, now);
		return;
	}
	s = session_get(p, service, r->conn, (r->events & WR_TCP_EV_SYN) != 0, now);
	if (s == NULL)
		return;
	note_begin(p, s, &client);
	sv = session_service(p, s);
	if (unlikely(sv->proxied_count > 0) && header_expected(sv, &client.tuple.remote)) {
		session_open_proxied(p, s, now);
		return;
	}
	if (!admit_session(p, s, &client.tuple.remote, now)) {
		note_end(p, s, WR_RECORD_PROXY, WR_RECORD_CONNECT, now);
		wr_tcp_abort(p->tcp, r->conn, now);
		wr_pool_put(&p->sessions, s->self);
		return;
	}
	p->connecting++;
	session_begin(p, s);
	connect_first(p, s, &client, now);
}

void session_known(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct session_note *n = note_of(p, s);
	struct wr_tcp_info client;

	n->at_us = (uint32_t)RTE_MIN(now - s->began_us, (wr_us_t)UINT32_MAX);
	s->connecting = (struct session_connecting){.since_us = now};
	s->state = WR_SESSION_CONNECTING;
	s->moved_us = now;
	p->connecting++;
	if (wr_tcp_info(p->tcp, s->client, &client) && admit_session(p, s, &n->client, now))
		connect_first(p, s, &client, now);
	else
		session_abort(p, s, WR_RECORD_PROXY, now);
}

// Both streams ended and were acknowledged: give the connections back; the engine keeps TIME-WAIT.
static void end_when_over(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	if (!s->client_over || !s->server_over)
		return;
	note_end(p, s, WR_RECORD_NORMAL, WR_RECORD_DONE, now);
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
	struct session_note *n = note_of(p, s);
	struct wr_mq there = {0};

	n->cause = client ? WR_RECORD_CLIENT : WR_RECORD_SERVER;
	n->phase = (uint8_t)note_phase(p, s);
	note_not_waiting(p, s);
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

static enum wr_record_cause lost_cause(bool client, enum wr_tcp_end end)
{
	if (end == WR_TCP_END_EVICTED)
		return WR_RECORD_RESOURCE;
	return client ? WR_RECORD_CLIENT : WR_RECORD_SERVER;
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
		note_server_reset(p, s);
	} else if (end == WR_TCP_END_TIMEOUT) {
		sc->timeouts++;
		if (!client)
			note_fault(p, s);
	}
	if (s->state == WR_SESSION_PENDING)
		wait_left(p, s, now);
	if (end == WR_TCP_END_RESET && session_is_moving(s) && !s->drains &&
		session_service(p, s)->on_reset == WR_CONF_ON_RESET_DRAIN)
		drain_and_close(p, s, client, now);
	else
		session_abort(p, s, lost_cause(client, end), now);
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
	if (s->state == WR_SESSION_HEADER) {
		header_take(p, s, now);
		return;
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

// False: the session has ended.
static bool server_connected(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct rte_mbuf *rest = note_of(p, s)->rest;

	note_connected(p, s, now);
	session_set_state(p, s, WR_SESSION_OPEN, now);
	if (!header_send(p, s, rest, now)) {
		session_abort(p, s, WR_RECORD_RESOURCE, now);
		return false;
	}
	if (s->deferred)
		wr_tcp_accept(p->tcp, s->client, now);
	return true;
}

void session_server_event(struct wr_proxy *p, struct session *s, uint32_t events, wr_us_t now)
{
	if ((events & WR_TCP_EV_CONNECTED) && s->state == WR_SESSION_CONNECTING &&
		!server_connected(p, s, now))
		return;
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
	if (s->state == WR_SESSION_HEADER) {
		header_refuse(p, s, now);
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
	session_abort(p, s, note_idle_cause(p, s), now);
}

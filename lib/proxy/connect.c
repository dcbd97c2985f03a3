/* SPDX-License-Identifier: BSD-3-Clause */

// A backend for a session: take a place, take a source port, connect; another one when that fails,
// a wait when all have no room. The client's bytes wait unread in its connection meanwhile, so none
// is lost.

#include "proxy_priv.h"

#include <errno.h>

#define LEVEL_NO_RETRIES 2 // of pressure: what failed is not multiplied

#define PORT_TRIES 8 // source ports whose tuple still rests in TIME-WAIT, before giving up

uint16_t path_mss(const struct wr_proxy *p, const struct wr_addr *dst)
{
	uint16_t port, mtu, overhead = wr_addr_is_v4(dst) ? 40 : 60;

	if (!wr_l3_path(p->cfg.l3, dst, &port, &mtu) || mtu <= overhead)
		return 0;
	return (uint16_t)(mtu - overhead);
}

void connect_release_port(struct wr_proxy *p, struct session *s)
{
	if (s->lport == 0)
		return;
	sources_put(p, wr_backends_get(p->cfg.backends, s->backend), s->source, s->lport);
	s->lport = 0;
}

uint64_t connect_key(const struct wr_proxy *p, const struct session *s)
{
	const struct session_note *n = note_of(p, s);
	struct wr_endpoint client = {n->client, n->client_port};
	uint16_t pool = (uint16_t)session_service(p, s)->pool;

	return wr_backends_key(p->cfg.backends, wr_backends_route(p->cfg.backends, pool), &client);
}

// Begin a connect to one backend, mirroring what the client negotiated so that segments pass whole.
static int connect_to(struct wr_proxy *p, struct session *s, const struct wr_tcp_info *client,
	struct wr_backend *be, wr_us_t now)
{
	struct wr_tcp_connect_opts opts = {.user = USER_SESSION | wr_handle_index(s->self)};
	struct wr_tuple t;
	int rc = -EADDRNOTAVAIL;

	opts.opts = client->opts & (WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS);
	opts.mss = sources_mss(p, be);
	if (client->peer_mss != 0 && client->peer_mss < opts.mss)
		opts.mss = client->peer_mss;
	for (uint32_t k = 0; k < PORT_TRIES; k++) {
		if (!sources_get(p, be, &t, &s->source)) {
			wr_stats_add(p->stats, WR_CTR_source_ports_exhausted, 1);
			return -EADDRNOTAVAIL;
		}
		rc = wr_tcp_connect(p->tcp, &t, &opts, now, &s->server);
		if (rc == 0) {
			s->lport = t.lport;
			return 0;
		}
		sources_put(p, be, s->source, t.lport);
		if (rc != -EADDRINUSE)
			return rc;
	}
	// Those that are free rest in TIME-WAIT, all that were tried.
	wr_stats_add(p->stats, WR_CTR_source_ports_exhausted, 1);
	return rc;
}

void connect_give_up(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_service_counters *sc = &p->services[s->service];
	enum wr_record_cause why = note_of(p, s)->cause; // of the last failure

	note_waited(p, s, now);
	if (s->tries == 0) {
		wr_stats_add(p->stats, WR_CTR_no_backend, 1);
		sc->refused++;
		why = WR_RECORD_NO_BACKEND;
	} else {
		sc->failed++;
	}
	session_abort(p, s, why, now);
}

uint32_t connect_most(const struct wr_proxy *p, const struct session *s)
{
	uint32_t most = p->conf->pools[session_service(p, s)->pool].retries + 1;

	if (p->level >= LEVEL_NO_RETRIES)
		return 1;
	return RTE_MIN(most, (uint32_t)TRIES_MAX);
}

// Begin a connect at the place that the session holds. False: it could not begin, and the place was
// given back.
static bool connect_here(
	struct wr_proxy *p, struct session *s, const struct wr_tcp_info *client, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, s->backend);

	if (s->tries > 0)
		wr_stats_add(p->stats, WR_CTR_connect_retries, 1);
	s->connecting.tried[s->tries++] = s->backend;
	s->connecting.since_us = now;
	wr_backend_counters(be, p->cfg.worker)->picks++;
	if (connect_to(p, s, client, be, now) == 0) {
		session_arm(p, s, now);
		return true;
	}
	wr_backend_counters(be, p->cfg.worker)->connect_failed++;
	note_of(p, s)->cause = WR_RECORD_RESOURCE;
	place_put(p, s);
	return false;
}

static void wait_begin(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	note_wait(p, s, now);
	wait_join(p, s, now);
}

static void connect_on(
	struct wr_proxy *p, struct session *s, const struct wr_tcp_info *client, wr_us_t now)
{
	uint64_t key = connect_key(p, s);
	uint32_t most = connect_most(p, s);

	while (s->tries < most) {
		enum place_found found = place_take(p, s, s->connecting.tried, key);

		if (found == PLACE_NONE)
			break;
		if (found == PLACE_FULL) {
			wait_begin(p, s, now);
			return;
		}
		if (connect_here(p, s, client, now))
			return;
	}
	connect_give_up(p, s, now);
}

void connect_first(
	struct wr_proxy *p, struct session *s, const struct wr_tcp_info *client, wr_us_t now)
{
	uint16_t pool = (uint16_t)session_service(p, s)->pool;

	// Nobody overtakes those that wait; without a backend waiting leads nowhere.
	if (p->pool_waiting[pool] > 0 &&
		wr_backends_usable(p->cfg.backends, wr_backends_route(p->cfg.backends, pool)) > 0)
		wait_begin(p, s, now);
	else
		connect_on(p, s, client, now);
}

void connect_placed(
	struct wr_proxy *p, struct session *s, const struct wr_tcp_info *client, wr_us_t now)
{
	note_waited(p, s, now);
	if (!connect_here(p, s, client, now))
		connect_on(p, s, client, now);
}

// Whether our SYN ever left.
static bool syn_sent(struct wr_proxy *p, const struct session *s)
{
	struct wr_tcp_info server;

	return !wr_tcp_info(p->tcp, s->server, &server) || server.snd_nxt != server.iss;
}

// Count a connect that failed where it belongs: at the backend's door, or at ours.
static enum wr_record_cause blame(struct wr_proxy *p, struct session *s, enum wr_tcp_end end)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, s->backend);
	struct wr_backend_counters *bc = wr_backend_counters(be, p->cfg.worker);

	if (end == WR_TCP_END_REFUSED) {
		bc->connect_refused++;
	} else if (end == WR_TCP_END_NO_ROUTE) {
		bc->connect_unreachable++;
	} else if (end == WR_TCP_END_TIMEOUT && syn_sent(p, s)) {
		bc->connect_timeout++;
	} else {
		bc->connect_failed++;
		return WR_RECORD_RESOURCE;
	}
	note_fault(p, s);
	return end == WR_TCP_END_TIMEOUT ? WR_RECORD_SERVER_TIMEOUT : WR_RECORD_SERVER;
}

static void leave_and_go_on(
	struct wr_proxy *p, struct session *s, enum wr_record_cause why, wr_us_t now)
{
	struct wr_tcp_info client;

	note_of(p, s)->cause = (uint8_t)why;
	wr_tcp_abort(p->tcp, s->server, now);
	s->server = WR_HANDLE_NONE;
	connect_release_port(p, s);
	place_put(p, s);
	if (wr_tcp_info(p->tcp, s->client, &client))
		connect_on(p, s, &client, now);
	else
		connect_give_up(p, s, now);
}

void connect_failed(struct wr_proxy *p, struct session *s, enum wr_tcp_end end, wr_us_t now)
{
	leave_and_go_on(p, s, blame(p, s, end), now);
}

void connect_elsewhere(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, s->backend);

	wr_backend_counters(be, p->cfg.worker)->connect_failed++;
	leave_and_go_on(p, s, WR_RECORD_DOWN, now);
}

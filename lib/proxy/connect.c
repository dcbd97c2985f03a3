/* SPDX-License-Identifier: BSD-3-Clause */

// A backend for a session: pick, take a source port, connect; another one when that fails. The
// client's bytes wait unread in its connection meanwhile, so none is lost.

#include "proxy_priv.h"

#include <errno.h>

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

static void give_up(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_service_counters *sc = &p->services[s->service];

	if (s->tries == 0)
		sc->refused++;
	else
		sc->failed++;
	session_abort(p, s, now);
}

void connect_next(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	uint16_t pool = (uint16_t)session_service(p, s)->pool;
	uint32_t most = p->conf->pools[pool].retries + 1;
	struct wr_tcp_info client;
	uint64_t key; // picks the backend

	if (!wr_tcp_info(p->tcp, s->client, &client)) {
		give_up(p, s, now);
		return;
	}
	key = wr_maglev_key(&client.tuple.remote, client.tuple.rport);
	if (most > TRIES_MAX)
		most = TRIES_MAX;
	while (s->tries < most) {
		uint16_t id =
			wr_backends_pick(p->cfg.backends, pool, key, s->connecting.tried, s->tries);
		struct wr_backend *be;

		if (id == WR_MAGLEV_NONE)
			break;
		be = wr_backends_get(p->cfg.backends, id);
		if (s->tries > 0)
			wr_stats_add(p->stats, WR_CTR_connect_retries, 1);
		s->connecting.tried[s->tries++] = id;
		s->backend = id;
		s->connecting.since_us = now;
		wr_backend_counters(be, p->cfg.worker)->picks++;
		if (connect_to(p, s, &client, be, now) == 0) {
			session_arm(p, s, now);
			return;
		}
		wr_backend_counters(be, p->cfg.worker)->connect_failed++;
	}
	if (s->tries == 0)
		wr_stats_add(p->stats, WR_CTR_no_backend, 1);
	give_up(p, s, now);
}

void connect_failed(struct wr_proxy *p, struct session *s, enum wr_tcp_end end, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, s->backend);
	struct wr_backend_counters *bc = wr_backend_counters(be, p->cfg.worker);

	if (end == WR_TCP_END_REFUSED)
		bc->connect_refused++;
	else if (end == WR_TCP_END_TIMEOUT)
		bc->connect_timeout++;
	else
		bc->connect_failed++;
	wr_tcp_abort(p->tcp, s->server, now);
	s->server = WR_HANDLE_NONE;
	connect_release_port(p, s);
	connect_next(p, s, now);
}

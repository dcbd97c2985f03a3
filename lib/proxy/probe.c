/* SPDX-License-Identifier: BSD-3-Clause */

// Active TCP checks through the data path, on reserved connections: a completed handshake passes;
// it is reset at once, so that the backend's accept queue and our ports stay free.

#include "proxy_priv.h"

#include <errno.h>
#include <stdlib.h>

#define PORT_TRIES 8

int probes_create(struct wr_proxy *p)
{
	p->probe_count = p->cfg.max_probes;
	p->probes = calloc(p->probe_count, sizeof(*p->probes));
	if (p->probes == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->probe_count; i++) {
		p->probes[i].timer.owner = i;
		p->probes[i].timer.kind = TIMER_PROBE;
	}
	return 0;
}

static void probe_end(struct wr_proxy *p, struct probe *pr, int err, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, pr->backend);

	wr_wheel_cancel(&p->wheel, &pr->timer);
	if (pr->conn != WR_HANDLE_NONE)
		wr_tcp_abort(p->tcp, pr->conn, now);
	pr->conn = WR_HANDLE_NONE;
	if (pr->lport != 0)
		sources_put(p, be, pr->source, pr->lport);
	pr->lport = 0;
	pr->busy = false;
	if (err != 0)
		wr_stats_add(p->stats, WR_CTR_probes_failed, 1);
	wr_backend_probe_answer(be, pr->asked, err);
}

static int probe_connect(
	struct wr_proxy *p, struct probe *pr, struct wr_backend *be, uint32_t index, wr_us_t now)
{
	struct wr_tcp_connect_opts opts = {.flags = WR_TCP_CONNECT_F_RESERVED,
		.user = USER_PROBE | index,
		.opts = WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS,
		.mss = sources_mss(p, be)};
	struct wr_tuple t;
	int rc = -EADDRNOTAVAIL;

	if (!sources_reach(p, be))
		return -ENETUNREACH;
	for (uint32_t k = 0; k < PORT_TRIES; k++) {
		if (!sources_get(p, be, &t, &pr->source))
			return -EADDRNOTAVAIL;
		rc = wr_tcp_connect(p->tcp, &t, &opts, now, &pr->conn);
		if (rc == 0) {
			pr->lport = t.lport;
			return 0;
		}
		sources_put(p, be, pr->source, t.lport);
		if (rc != -EADDRINUSE)
			break;
	}
	return rc;
}

void wr_proxy_probe(
	struct wr_proxy *p, uint16_t backend, uint32_t asked, wr_us_t timeout, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, backend);
	struct probe *pr = NULL;
	uint32_t index;
	int rc;

	if (be == NULL)
		return;
	for (index = 0; index < p->probe_count && pr == NULL; index++)
		if (!p->probes[index].busy)
			pr = &p->probes[index];
	if (pr == NULL) {
		wr_backend_probe_answer(be, asked, ENOBUFS);
		return;
	}
	index--;
	pr->busy = true;
	pr->backend = backend;
	pr->asked = asked;
	pr->conn = WR_HANDLE_NONE;
	pr->lport = 0;
	wr_stats_add(p->stats, WR_CTR_probes_sent, 1);
	rc = probe_connect(p, pr, be, index, now);
	if (rc < 0) {
		probe_end(p, pr, -rc, now);
		return;
	}
	wr_wheel_arm(&p->wheel, &pr->timer, now + timeout);
}

void probe_event(struct wr_proxy *p, uint32_t index, wr_handle_t conn, uint32_t events, wr_us_t now)
{
	struct probe *pr = &p->probes[index];

	if (index >= p->probe_count || !pr->busy || pr->conn != conn)
		return;
	if (events & WR_TCP_EV_CONNECTED) {
		probe_end(p, pr, 0, now);
	} else if (events & WR_TCP_EV_CLOSED) {
		enum wr_tcp_end end = wr_tcp_end(p->tcp, conn);

		probe_end(p, pr,
			end == WR_TCP_END_REFUSED   ? ECONNREFUSED
			: end == WR_TCP_END_TIMEOUT ? ETIMEDOUT
						    : ECONNRESET,
			now);
	}
}

void probe_timer(struct wr_proxy *p, uint32_t index, wr_us_t now)
{
	if (p->probes[index].busy)
		probe_end(p, &p->probes[index], ETIMEDOUT, now);
}

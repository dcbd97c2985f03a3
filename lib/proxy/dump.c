/* SPDX-License-Identifier: BSD-3-Clause */

// Sessions shown to operators, and the proxy's gauges.

#include "proxy_priv.h"

#define LOOK_MAX      4096 // slots looked at in one call: bounds its time inside the loop
#define ADDRESS_LOOKS 256u // slots that one question about an address looks at

static bool stalled_client(const struct session *s)
{
	const struct session_moving *m = session_moving(s);

	return m != NULL && m->client_stalled_us != 0;
}

static bool stalled_server(const struct session *s)
{
	const struct session_moving *m = session_moving(s);

	return m != NULL && m->server_stalled_us != 0;
}

static bool matches(const struct wr_session_filter *f, const struct session *s)
{
	if (f->id >= 0 && (uint32_t)f->id != s->self)
		return false;
	if (f->service >= 0 && f->service != s->service)
		return false;
	if (f->backend >= 0 && f->backend != s->backend)
		return false;
	return !f->stalled || stalled_client(s) || stalled_server(s);
}

static bool fill(struct wr_proxy *p, const struct session *s, const struct wr_session_filter *f,
	struct wr_session_info *out, wr_us_t now)
{
	const struct session_note *n = note_of(p, s);

	*out = (struct wr_session_info){.id = s->self,
		.worker = p->cfg.worker,
		.service = s->service,
		.backend = s->backend,
		.state = s->state,
		.tries = s->tries,
		.class = s->class,
		.stalled_client = stalled_client(s),
		.stalled_backend = stalled_server(s),
		.age_us = now - s->began_us,
		.idle_us = now - s->moved_us};
	if (s->proxied)
		out->proxied = (struct wr_endpoint){n->client, n->client_port};
	if (s->answered)
		out->first_byte_us = n->first_byte_us;
	if (!wr_tcp_info(p->tcp, s->client, &out->client))
		return false;
	// By either name: the other end of its connection, or who it is for.
	if (f->has_peer && !wr_addr_eq(&f->peer, &out->client.tuple.remote) &&
		!wr_addr_eq(&f->peer, &n->client))
		return false;
	out->has_server =
		s->server != WR_HANDLE_NONE && wr_tcp_info(p->tcp, s->server, &out->server);
	return true;
}

uint32_t wr_proxy_dump(struct wr_proxy *p, const struct wr_session_filter *f, uint32_t *cursor,
	struct wr_session_info *out, uint32_t max, wr_us_t now)
{
	uint32_t n = 0, looked = 0;

	for (; *cursor < p->sessions.capacity && n < max && looked < LOOK_MAX;
		(*cursor)++, looked++) {
		struct session *s = session_at(p, *cursor);

		if (wr_pool_handle_at(&p->sessions, *cursor) != WR_HANDLE_NONE && matches(f, s) &&
			fill(p, s, f, &out[n], now))
			n++;
	}
	if (*cursor >= p->sessions.capacity)
		*cursor = UINT32_MAX;
	return n;
}

static bool has_address(struct wr_proxy *p, wr_handle_t conn, const struct wr_addr *a)
{
	struct wr_tcp_info info;

	return conn != WR_HANDLE_NONE && wr_tcp_info(p->tcp, conn, &info) &&
	       wr_addr_eq(&info.tuple.local, a);
}

bool wr_proxy_uses_address(struct wr_proxy *p, const struct wr_addr *a, uint32_t *cursor)
{
	for (uint32_t k = 0; k < ADDRESS_LOOKS && *cursor < p->sessions.capacity;
		k++, (*cursor)++) {
		const struct session *s = session_at(p, *cursor);

		if (wr_pool_handle_at(&p->sessions, *cursor) == WR_HANDLE_NONE)
			continue;
		if (has_address(p, s->client, a) || has_address(p, s->server, a))
			return true;
	}
	if (*cursor >= p->sessions.capacity)
		*cursor = UINT32_MAX;
	return false;
}

void wr_proxy_gauges(struct wr_proxy *p, struct wr_proxy_gauges *out)
{
	*out = (struct wr_proxy_gauges){.sessions = wr_pool_used(&p->sessions),
		.sessions_max = p->sessions.capacity,
		.connecting = p->connecting};
	sources_gauges(p, out);
}

void wr_proxy_depths(struct wr_proxy *p, struct wr_proxy_depths *out)
{
	struct wr_tcp_info recv, send;

	p->recv.now = 0;
	p->send.now = 0;
	if (wr_tcp_info(p->tcp, p->recv.conn, &recv))
		p->recv.now = fullness(
			recv.recv_queue_bytes, recv.rcv_buf_bytes, p->cfg.rcv_buf_max_bytes);
	if (wr_tcp_info(p->tcp, p->send.conn, &send))
		p->send.now = fullness(
			send.send_queue_bytes, send.snd_buf_bytes, p->cfg.snd_buf_max_bytes);
	*out = (struct wr_proxy_depths){.sessions = wr_pool_used(&p->sessions),
		.connecting = p->connecting,
		.recv_bytes = RTE_MAX(p->recv.peak, p->recv.now),
		.send_bytes = RTE_MAX(p->send.peak, p->send.now)};
	p->recv.peak = 0;
	p->send.peak = 0;
}

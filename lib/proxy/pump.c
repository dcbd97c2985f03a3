/* SPDX-License-Identifier: BSD-3-Clause */

// Moving payload: buffers read from one connection are written to the other, as many as the other's
// send queue has room for. What does not fit stays unread, so the sender's window closes: that is
// the backpressure.

#include "proxy_priv.h"

#define LIMITED_BYTES (32u << 10)        // read at a time where bytes are limited
#define TURN_US       (2 * WR_US_PER_MS) // two ticks of the wheel

static void note(struct fullest *f, wr_handle_t conn, uint32_t depth)
{
	f->peak = RTE_MAX(f->peak, depth);
	if (depth < f->now && conn != f->conn)
		return;
	f->conn = conn;
	f->now = depth;
}

// Keep the fullest queues seen, for the classes conn_send and conn_recv. `left` is the send queue's
// room after the write; only when there is none does payload stay unread. A limit only grows, so
// the one that a connection began with tells how full its queue is at least; what the limit is now
// is asked where that is half full.
static void note_depths(struct wr_proxy *p, wr_handle_t from, wr_handle_t to, uint32_t left)
{
	const struct wr_proxy_config *cfg = &p->cfg;
	uint32_t start = cfg->snd_buf_bytes, full = start - RTE_MIN(left, start);
	struct wr_tcp_info info;

	if (full < start / 2)
		note(&p->send, to, fullness(full, start, cfg->snd_buf_max_bytes));
	else if (wr_tcp_info(p->tcp, to, &info))
		note(&p->send, to,
			fullness(
				info.send_queue_bytes, info.snd_buf_bytes, cfg->snd_buf_max_bytes));
	if (left == 0 && wr_tcp_info(p->tcp, from, &info))
		note(&p->recv, from,
			fullness(
				info.recv_queue_bytes, info.rcv_buf_bytes, cfg->rcv_buf_max_bytes));
}

// One direction. Returns bytes moved; *fin tells that the end of the stream was passed on.
static uint32_t pump_one(
	struct wr_proxy *p, wr_handle_t from, wr_handle_t to, uint32_t most, bool *fin, wr_us_t now)
{
	struct wr_mq q = {0};
	uint32_t space, moved = 0;

	space = wr_tcp_send_space(p->tcp, to);
	if (space > 0) {
		moved = wr_tcp_read(p->tcp, from, &q, RTE_MIN(space, most), now);
		if (moved > 0)
			wr_tcp_write(p->tcp, to, &q, now);
	}
	note_depths(p, from, to, space > moved ? space - moved : 0);
	if (wr_tcp_eof(p->tcp, from)) {
		wr_tcp_shutdown(p->tcp, to, now);
		*fin = true;
	}
	return moved;
}

static uint32_t pump_both(
	struct wr_proxy *p, struct session *s, bool up, bool down, uint32_t most, wr_us_t now)
{
	struct wr_service_counters *sc = &p->services[s->service];
	struct wr_backend *be = wr_backends_held_slot(p->cfg.backends, s->backend);
	struct wr_backend_counters *bc = wr_backend_counters(be, p->cfg.worker);
	uint32_t in = 0, out = 0;
	bool fin = false;

	if (up && !s->client_fin) {
		in = pump_one(p, s->client, s->server, most, &fin, now);
		sc->bytes_in += in;
		bc->bytes_out += in;
		if (in > 0 && !s->owed)
			note_request(p, s, now);
		s->client_fin = fin;
	}
	fin = false;
	if (down && !s->server_fin) {
		out = pump_one(p, s->server, s->client, most, &fin, now);
		sc->bytes_out += out;
		bc->bytes_in += out;
		if (out > 0) {
			bc->last_byte_us = now;
			s->owed = false;
			if (unlikely(!s->answered))
				note_answer(p, s, now);
		}
		s->server_fin = fin;
		if (fin)
			note_server_fin(p, s);
	}
	return in + out;
}

// Up to an eighth longer than it has to be, or thousands that pause for one limit wake together.
static void pause_for(struct wr_proxy *p, struct session *s, wr_us_t wait, wr_us_t now)
{
	uint32_t spread = (uint32_t)RTE_MIN(wait / 8 + 1, (wr_us_t)UINT32_MAX);

	wr_stats_add(p->stats, WR_CTR_limits_paused, 1);
	note_not_waiting(p, s); // what the backend sends now lies unread by our own will
	s->moving.paused_until_us = now + wait + wr_rng_below(&p->rng, spread);
	session_arm(p, s, now);
}

// As much as the limits of bytes let pass, a little at a time: a limit is overdrawn by one read.
static void pump_limited(struct wr_proxy *p, struct session *s, bool up, bool down, wr_us_t now)
{
	wr_us_t wait = admit_bytes_wait(p, s, now);
	uint32_t n;

	if (wait > 0) {
		pause_for(p, s, wait, now);
		return;
	}
	while ((n = pump_both(p, s, up, down, LIMITED_BYTES, now)) > 0) {
		wait = admit_bytes(p, s, n, now);
		if (wait > 0) {
			// Behind those that have been waiting for the same limit.
			pause_for(p, s, wait + TURN_US, now);
			return;
		}
	}
}

void pump(struct wr_proxy *p, struct session *s, bool up, bool down, wr_us_t now)
{
	bool fins = s->client_fin || s->server_fin;

	// Any event counts as activity: an acknowledgement that makes room moves the stream on too.
	// The timer finds out when it expires.
	s->moved_us = now;
	if (!p->runs[s->service].bytes)
		pump_both(p, s, up, down, UINT32_MAX, now);
	else if (s->moving.paused_until_us == 0)
		pump_limited(p, s, up, down, now);
	if (s->client_fin && s->server_fin) {
		if (s->state != WR_SESSION_CLOSING)
			session_set_state(p, s, WR_SESSION_CLOSING, now);
	} else if (!fins && (s->client_fin || s->server_fin)) {
		session_set_state(p, s, WR_SESSION_HALF_CLOSED, now);
	}
}

void pump_resume(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	s->moving.paused_until_us = 0;
	pump(p, s, true, true, now);
}

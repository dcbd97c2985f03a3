/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Segments for a connection in TIME-WAIT.

// A new connection may replace the old one when its SYN is surely newer: by timestamp (RFC 6191) or
// by sequence number (RFC 1122 4.2.2.13).
static bool is_newer(const struct wr_tcp_conn *c, const struct wr_tcp_seg *g)
{
	if (!(c->flags & F_TS_VALID) && (g->p->opts & WR_TCPOPT_TS))
		return true;
	if ((c->flags & F_TS_VALID) && (g->p->opts & WR_TCPOPT_TS)) {
		if (wr_seq_gt(g->p->ts_val, c->ts_recent))
			return true;
		if (wr_seq_lt(g->p->ts_val, c->ts_recent))
			return false;
	}
	return wr_seq_gt(g->seq, c->rcv_nxt);
}

static enum wr_drop syn(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	// where a cookie would have to answer, which cannot be numbered above the old connection
	if (s->half_open >= s->cfg.max_half_open)
		return WR_DROP_syn_backlog_full;
	if ((g->flags & WR_TCP_ACK) || !is_newer(c, g) ||
		wr_tcp_listener_lookup(s, &c->t.local, c->t.lport) == NULL) {
		wr_tcp_challenge(s, c, now);
		return WR_DROP_tcp_syn_challenge;
	}
	return wr_tcp_input_listen(s, g, c, now);
}

enum wr_drop wr_tcp_input_time_wait(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	bool old_ts = (c->flags & F_TS_VALID) && (g->p->opts & WR_TCPOPT_TS) &&
	              wr_seq_lt(g->p->ts_val, c->ts_recent);

	// a reset must not end TIME-WAIT early (RFC 1337)
	if (g->flags & WR_TCP_RST)
		return WR_DROP_tcp_rst_ignored;
	if (g->flags & WR_TCP_SYN)
		return syn(s, c, g, now);
	if (!(g->flags & WR_TCP_ACK))
		return WR_DROP_tcp_no_ack;
	if (g->len > 0 || (g->flags & WR_TCP_FIN)) {
		wr_tcp_ack_now(s, c);
		// the peer's FIN again: our last ACK was lost (RFC 9293 3.10.7.4)
		if ((g->flags & WR_TCP_FIN) && !old_ts && g->seq + g->len + 1 == c->rcv_nxt)
			wr_tcp_timer_life(s, c, now + s->cfg.time_wait_us);
		return WR_DROP_tcp_old;
	}
	if (g->seq != c->rcv_nxt) {
		wr_tcp_challenge(s, c, now);
		return WR_DROP_tcp_old;
	}
	return WR_TCP_STOP;
}

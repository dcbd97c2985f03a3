/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// What an acceptable ACK does to the send side (RFC 9293 3.10.7.4, fifth; RFC 5681).

// The peer's window, by SND.WL1 and WL2, so that an old segment cannot shrink it (tcp-cases 7).
static bool update_window(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g)
{
	uint8_t shift = g->p->flags & WR_TCP_SYN ? 0 : c->peer_wscale;
	uint32_t wnd = (uint32_t)g->p->window << shift;
	bool changed;

	if (!(wr_seq_lt(c->snd_wl1, g->p->seq) ||
		    (c->snd_wl1 == g->p->seq && wr_seq_leq(c->snd_wl2, g->ack))))
		return false;
	changed = wnd != c->snd_wnd;
	c->snd_wnd = wnd;
	c->snd_wl1 = g->p->seq;
	c->snd_wl2 = g->ack;
	c->max_snd_wnd = max32(c->max_snd_wnd, wnd);
	return changed;
}

static void window_opened(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if (c->flags & F_PERSIST) {
		c->flags &= ~(F_PERSIST | F_PROBE_DUE);
		c->rtx_at = WR_US_NEVER;
		c->backoff = 0;
		wr_tcp_rto_set(s, c);
	}
	if (c->flags & F_STALLED) {
		c->flags &= ~F_STALLED;
		wr_tcp_conn_event(s, c, WR_TCP_EV_RESUMED);
	}
}

// RFC 5681 2: nothing new, no payload, no change of the window, data outstanding.
static bool is_dupack(const struct wr_tcp_conn *c, const struct wr_tcp_seg *g, bool wnd_changed)
{
	return g->ack == c->snd_una && g->p->payload_len == 0 && !(g->flags & WR_TCP_FIN) &&
	       !wnd_changed && c->snd_nxt != c->snd_una;
}

// Karn's problem solved by timestamps: the echo tells which copy was acknowledged (RFC 7323 4.1).
// When it is the first one although several time-outs went by, ACKs were lost and the time says
// nothing about the path; after one time-out it may be the path that has become slower.
static uint32_t rtt_by_timestamp(
	const struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t resent_us, wr_us_t now)
{
	uint32_t ms;

	if (!(c->opts & WR_TCPOPT_TS) || !(g->p->opts & WR_TCPOPT_TS) || g->p->ts_ecr == 0)
		return 0;
	ms = wr_tcp_ts_now(c, now) - g->p->ts_ecr;
	if (ms > 3600u * 1000u)
		return 0;
	if (c->backoff > 1 && ms > (now - resent_us) / WR_US_PER_MS + 1)
		return 0;
	return max32(ms, 1) * (uint32_t)WR_US_PER_MS;
}

static void advanced(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now)
{
	struct wr_tcp_sample sample;
	uint32_t acked, rtt_us;
	bool was_full = c->flags & F_WANT_WRITE;

	acked = wr_tcp_sendq_acked(s, c, g->ack, now, &sample);
	rtt_us = sample.rtt_us != 0 ? sample.rtt_us : rtt_by_timestamp(c, g, sample.resent_us, now);
	c->snd_una = g->ack;
	if (wr_seq_lt(c->rtx_nxt, c->snd_una)) {
		c->rtx_nxt = c->snd_una;
		c->rtx_cur = c->sndq.head;
		// old marks follow, or they would look like new ones 2 GiB later
		c->rtx_end = wr_seq_max(c->rtx_end, c->snd_una);
	}
	// new data was acknowledged: back-off ends (RFC 6298 5.7 and tcp-cases 37)
	c->backoff = 0;
	c->rtx_since_us = 0;
	if (rtt_us != 0)
		wr_tcp_rtt_sample(s, c, rtt_us);
	else
		wr_tcp_rto_set(s, c);
	// lazily: the wheel is not touched here, the deadline moves later (RFC 6298 5.2, 5.3);
	// during recovery the first partial ACK alone restarts it
	if (c->snd_una == c->snd_nxt)
		c->rtx_at = WR_US_NEVER;
	else if (c->ca_state != WR_TCP_CA_RECOVERY)
		wr_tcp_timer_rtx(s, c, now + c->rto_us);
	wr_tcp_recovery_acked(s, c, acked, now);
	if (was_full && wr_tcp_unacked_payload(c) < c->snd_buf / 2) {
		c->flags &= ~F_WANT_WRITE;
		wr_tcp_conn_event(s, c, WR_TCP_EV_WRITABLE);
	}
}

void wr_tcp_ack(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now)
{
	bool changed = false, behind;

	if (unlikely(wr_seq_lt(g->ack, c->snd_una)))
		return; // old, but within what RFC 5961 accepts
	changed = update_window(s, c, g);
	if (unlikely(c->flags & F_PERSIST))
		c->rtx_since_us = now; // probes are answered: never give up (RFC 9293 3.8.6.1)
	if (c->snd_wnd > 0 && (c->flags & (F_PERSIST | F_STALLED)))
		window_opened(s, c);
	if (unlikely(g->p->sack_count > 0 && (c->opts & WR_TCPOPT_SACKOK)))
		wr_tcp_sack_mark(s, c, g->p);
	if (wr_seq_gt(g->ack, c->snd_una))
		advanced(s, c, g, now);
	else if (is_dupack(c, g, changed))
		wr_tcp_recovery_dupack(s, c, now);
	behind = wr_seq_lt(c->snd_nxt, c->snd_end) || wr_seq_lt(c->rtx_nxt, c->rtx_end) ||
	         (c->flags & (F_RTX_HEAD | F_FIN_QUEUED));
	if (behind)
		wr_tcp_conn_dirty(s, c);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// What an acceptable ACK does to the send side (RFC 9293 3.10.7.4, fifth; RFC 5681).

// The peer's window, by SND.WL1 and WL2, so that an old segment cannot shrink it (tcp-cases 7).
static bool update_window(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g)
{
	uint8_t shift = g->p->flags & WR_TCP_SYN ? 0 : c->peer_wscale;
	uint32_t wnd = (uint32_t)g->p->window << shift;
	bool changed;

	// SND.WL2 =< SEG.ACK holds: it is at most SND.UNA. A segment that fills a hole has an older
	// number than those behind the hole, but what it acknowledges tells that it is newer.
	if (wr_seq_gt(c->snd_wl1, g->p->seq) && wr_seq_leq(g->ack, c->snd_una))
		return false;
	changed = wnd != c->snd_wnd;
	c->snd_wnd = wnd;
	c->snd_wl1 = g->p->seq;
	c->max_snd_wnd = max32(c->max_snd_wnd, wnd);
	return changed;
}

static void window_opened(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if (c->rtx == WR_TCP_RTX_PERSIST) {
		c->flags &= ~F_PROBE_DUE;
		c->rtx = WR_TCP_RTX_RTO;
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

// The number that the ACK moves SND.UNA to; 32 bits of the payload count wrap with it.
static void move_una(struct wr_tcp_conn *c, uint32_t ack)
{
	uint32_t before = c->snd_una - c->iss - 1, after = ack - c->iss - 1;

	c->out_wraps = (uint16_t)(c->out_wraps + (after < before));
	c->snd_una = ack;
	if (c->rtx_cur == NULL || wr_seq_lt(c->rtx_nxt, ack))
		c->rtx_nxt = ack; // an old mark must not look new 2 GiB later
}

static void advanced(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g,
	struct wr_tcp_acked *a, wr_us_t now)
{
	struct wr_tcp_sample sample;

	wr_tcp_sendq_acked(s, c, g, now, a, &sample);
	if (sample.rtt_us != 0)
		a->rtt_us = sample.rtt_us;
	else if (sample.resent_us != 0 || sample.fin_only)
		a->rtt_us = rtt_by_timestamp(c, g,
			sample.fin_only ? (wr_us_t)c->send_tick << WR_WHEEL_TICK_SHIFT
					: sample.resent_us,
			now);
	a->advanced = true;
	move_una(c, g->ack);
	c->dupacks = 0;
	// new data was acknowledged: back-off ends (RFC 6298 5.7 and tcp-cases 37)
	c->backoff = 0;
	c->rtx_since = 0;
	if (wr_tcp_fin_acked(c))
		c->flags &= ~F_FIN_LOST;
}

static void make_room(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	wr_tcp_window_tune_send(s, c);
	if ((c->flags & F_WANT_WRITE) && wr_tcp_send_charge(c) < c->snd_buf / 2) {
		c->flags &= ~F_WANT_WRITE;
		wr_tcp_conn_event(s, c, WR_TCP_EV_WRITABLE);
	}
}

static void note_fack(struct wr_tcp_acked *a, const struct wr_tcp_disorder *d)
{
	if (likely(d == NULL || d->sack_top == NULL))
		return;
	a->had_fack = true;
	a->fack = wr_mbuf_priv(d->sack_top)->seq + d->sack_top->data_len;
}

void wr_tcp_ack(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now)
{
	struct wr_tcp_acked a = {0};
	bool changed, had_sacked = c->sacked_bytes > 0;

	if (unlikely(wr_seq_lt(g->ack, c->snd_una)))
		return; // old, but within what RFC 5961 accepts
	note_fack(&a, wr_tcp_disorder_of(s, c));
	changed = update_window(s, c, g);
	// a peer that answers from behind a closed window is never given up (RFC 9293 3.8.6.1),
	// also when it closed it over what was sent
	if (unlikely(c->rtx == WR_TCP_RTX_PERSIST || (c->snd_wnd == 0 && c->rtx_since != 0)))
		c->rtx_since = 0;
	if (c->snd_wnd > 0 && (c->rtx == WR_TCP_RTX_PERSIST || (c->flags & F_STALLED)))
		window_opened(s, c);
	if (unlikely(g->p->sack_count > 0 && (c->opts & WR_TCPOPT_SACKOK)))
		wr_tcp_sack_mark(s, c, g, &a, now);
	if (wr_seq_gt(g->ack, c->snd_una))
		advanced(s, c, g, &a, now);
	else
		a.dup = is_dupack(c, g, changed);
	if (a.dup)
		c->dupacks += c->dupacks < UINT8_MAX; // saturates (tcp-cases 9)
	if (a.rtt_us != 0)
		wr_tcp_rtt_sample(s, c, a.rtt_us);
	else if (a.advanced)
		wr_tcp_rto_set(s, c);
	if (a.advanced || a.dup || a.sacked || unlikely(a.dsack))
		wr_tcp_recovery_acked(s, c, g, &a, now);
	if (a.advanced)
		make_room(s, c);
	if (unlikely(c->disorder != WR_HANDLE_NONE))
		wr_tcp_disorder_done(s, c);
	if (wr_seq_lt(c->snd_nxt, c->snd_end) || c->lost_bytes > 0 || had_sacked ||
		(c->flags & (F_FIN_LOST | F_FIN_QUEUED)))
		wr_tcp_conn_dirty(s, c);
}

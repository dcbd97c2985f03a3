/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// SEGMENT ARRIVES for synchronised connections, in the steps of RFC 9293 3.10.7.4. A step returns 0
// to go on, WR_TCP_STOP when the segment is done with, or the reason of its drop.

void wr_tcp_ack_now(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	c->flags |= F_ACK_DUE;
	wr_tcp_conn_dirty(s, c);
}

// RFC 5961 7, per connection so that one cannot be used to probe another (CVE-2016-5696).
void wr_tcp_challenge(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	uint8_t second = (uint8_t)(now >> 20);

	if (c->challenge_s != second) {
		c->challenge_s = second;
		c->challenges = 0;
	}
	if (c->challenges >= WR_TCP_CHALLENGES)
		return;
	c->challenges++;
	wr_tcp_count(s, WR_CTR_tcp_challenge_acks, 1);
	wr_tcp_ack_now(s, c);
}

// RFC 7323 5.3 R1: older than the last timestamp, which is valid for 24 days.
static bool paws_rejects(const struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now)
{
	if (!(g->p->opts & WR_TCPOPT_TS))
		return true; // RFC 7323 3.2: a segment without the option SHOULD be dropped
	return (c->flags & F_TS_VALID) && wr_seq_lt(g->p->ts_val, c->ts_recent) &&
	       (uint16_t)((now >> WR_TCP_PAWS_SHIFT) - c->ts_recent_at) < WR_TCP_PAWS_IDLE;
}

// RFC 7323 4.3: the timestamp to echo is that of the segment at the left edge.
void wr_tcp_ts_update(struct wr_tcp_conn *c, const struct wr_tcp_seg *g, wr_us_t now)
{
	if (!(c->opts & WR_TCPOPT_TS) || !(g->p->opts & WR_TCPOPT_TS) ||
		wr_seq_gt(g->seq, c->last_ack_sent))
		return;
	c->ts_recent = g->p->ts_val;
	c->ts_recent_at = (uint16_t)(now >> WR_TCP_PAWS_SHIFT);
	c->flags |= F_TS_VALID;
}

static uint32_t seg_len(const struct wr_tcp_seg *g)
{
	return g->len + !!(g->flags & WR_TCP_FIN) + !!(g->flags & WR_TCP_SYN);
}

// Whether any part of the segment lies in the window (RFC 9293 3.4). An empty segment at the
// right edge counts: a peer that filled the window sends its ACKs there. With a window of zero
// the segment at RCV.NXT is let through for its ACK and FIN; its payload is cut off later.
static bool in_window(const struct wr_tcp_conn *c, const struct wr_tcp_seg *g)
{
	uint32_t len = seg_len(g);

	if (len == 0)
		return wr_seq_geq(g->seq, c->rcv_nxt) && wr_seq_leq(g->seq, c->rcv_adv);
	if (c->rcv_adv == c->rcv_nxt)
		return g->seq == c->rcv_nxt;
	return wr_seq_lt(g->seq, c->rcv_adv) && wr_seq_gt(g->seq + len, c->rcv_nxt);
}

// First: the sequence number, with PAWS before it.
static enum wr_drop check_seq(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	bool rst = g->flags & WR_TCP_RST;

	if (unlikely((c->opts & WR_TCPOPT_TS) && !rst && paws_rejects(c, g, now))) {
		if (!(g->p->opts & WR_TCPOPT_TS))
			return WR_DROP_tcp_paws;
		if (g->len > 0)
			wr_tcp_ack_now(s, c);
		else
			wr_tcp_challenge(s, c, now);
		return WR_DROP_tcp_paws;
	}
	if (likely(in_window(c, g))) {
		c->recv_tick = wr_tcp_tick(now);
		c->keep_probes = 0;
		return WR_DROP_NONE;
	}
	if (rst)
		return WR_DROP_tcp_rst_ignored;
	if (g->len > 0 && wr_seq_geq(g->seq, c->rcv_adv)) {
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_trimmed, g->len);
		g->len = 0;
		wr_tcp_ack_now(s, c);
		return WR_DROP_tcp_old;
	}
	if (g->len > 0)
		wr_tcp_sack_duplicate(s, c, g->seq, g->seq + g->len);
	// data is always answered, empty segments within a rate (tcp-cases 6 and 20)
	if (g->len > 0 || (g->flags & WR_TCP_FIN))
		wr_tcp_ack_now(s, c);
	else
		wr_tcp_challenge(s, c, now);
	return WR_DROP_tcp_old;
}

// Second: RST, by the rules of RFC 5961 3.2.
static enum wr_drop check_rst(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	bool opening = c->state == WR_TCP_ST_SYN_RECEIVED;

	if (likely(!(g->flags & WR_TCP_RST)))
		return WR_DROP_NONE;
	if (wr_seq_lt(g->seq, c->rcv_nxt)) // its payload reaches into the window, it does not
		return WR_DROP_tcp_rst_ignored;
	if (g->seq != c->rcv_nxt) {
		wr_tcp_challenge(s, c, now);
		return WR_DROP_tcp_rst_challenge;
	}
	wr_tcp_count(s, WR_CTR_tcp_rst_in, 1);
	wr_tcp_conn_over(
		s, c, opening && !(c->flags & F_PASSIVE) ? WR_TCP_END_REFUSED : WR_TCP_END_RESET);
	return WR_TCP_STOP;
}

// Fourth (the third, security, is left out by every stack): SYN, by RFC 5961 4.2.
static enum wr_drop check_syn(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	if (likely(!(g->flags & WR_TCP_SYN)))
		return WR_DROP_NONE;
	// back to LISTEN: the peer begins anew (RFC 9293 3.10.7.4)
	if (c->state == WR_TCP_ST_SYN_RECEIVED && (c->flags & F_PASSIVE)) {
		wr_tcp_conn_over(s, c, WR_TCP_END_RESET);
		return WR_DROP_tcp_dup_syn;
	}
	wr_tcp_challenge(s, c, now);
	return WR_DROP_tcp_syn_challenge;
}

// The ACK of our SYN makes the connection synchronised; any other is answered with a reset.
static enum wr_drop check_ack_opening(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	if (wr_seq_leq(g->ack, c->snd_una) || wr_seq_gt(g->ack, c->snd_nxt))
		return wr_tcp_reset_half_open(s, c, g, now) ? WR_DROP_tcp_ack_unacceptable
		                                            : WR_DROP_reset_rate;
	wr_tcp_conn_established(s, c, g, now);
	return WR_DROP_NONE;
}

// What an ACK of our FIN changes.
static enum wr_drop check_fin_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (likely(!wr_tcp_fin_acked(c)))
		return WR_DROP_NONE;
	switch (c->state) {
	case WR_TCP_ST_FIN_WAIT_1:
		wr_tcp_conn_set_state(s, c, WR_TCP_ST_FIN_WAIT_2);
		if (!(c->flags & F_OWNED))
			wr_tcp_timer_life(s, c, now + WR_TCP_ORPHAN_US);
		return WR_DROP_NONE;
	case WR_TCP_ST_CLOSING:
		wr_tcp_conn_time_wait(s, c, now);
		return WR_TCP_STOP;
	case WR_TCP_ST_LAST_ACK:
		wr_tcp_conn_over(s, c, WR_TCP_END_CLOSED);
		return WR_TCP_STOP;
	default:
		return WR_DROP_NONE;
	}
}

// Fifth: ACK.
static enum wr_drop check_ack(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	enum wr_drop v;

	if (unlikely(!(g->flags & WR_TCP_ACK)))
		return WR_DROP_tcp_no_ack;
	if (unlikely(c->state == WR_TCP_ST_SYN_RECEIVED)) {
		v = check_ack_opening(s, c, g, now);
		if (v != WR_DROP_NONE)
			return v;
	}
	// RFC 5961 5.2
	if (unlikely(wr_seq_gt(g->ack, c->snd_nxt) ||
		     wr_seq_lt(g->ack, c->snd_una - c->max_snd_wnd))) {
		wr_tcp_challenge(s, c, now);
		return WR_DROP_tcp_ack_unacceptable;
	}
	wr_tcp_ts_update(c, g, now);
	wr_tcp_ack(s, c, g, now);
	return check_fin_acked(s, c, now);
}

// Eighth: the peer's FIN was reached.
static void fin_reached(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	uint64_t beyond = wr_tcp_reasm_purge(s, c);

	if (beyond > 0)
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_ooo_evicted, beyond);
	c->rcv_nxt++;
	c->rcv_adv = wr_seq_max(c->rcv_adv, c->rcv_nxt);
	c->flags |= F_FIN_RCVD;
	// our own FIN, which often follows soon, can carry the ACK
	if (c->state == WR_TCP_ST_ESTABLISHED && c->disorder == WR_HANDLE_NONE)
		wr_tcp_ack_in_order(s, c, 1, now);
	else
		wr_tcp_ack_now(s, c);
	wr_tcp_conn_event(s, c, WR_TCP_EV_READABLE);
	if (c->state == WR_TCP_ST_ESTABLISHED)
		wr_tcp_conn_set_state(s, c, WR_TCP_ST_CLOSE_WAIT);
	else if (c->state == WR_TCP_ST_FIN_WAIT_1)
		wr_tcp_conn_set_state(s, c, WR_TCP_ST_CLOSING);
	else
		wr_tcp_conn_time_wait(s, c, now);
	wr_tcp_window_promise(s, c);
}

static void cut_to_window(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g)
{
	const struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	uint32_t right = c->rcv_adv;
	uint32_t cut;

	if (unlikely((c->flags & F_FIN_SEEN) && d != NULL))
		right = wr_seq_min(right, d->fin_seq);
	if (unlikely(wr_seq_lt(g->seq, c->rcv_nxt))) {
		cut = min32(c->rcv_nxt - g->seq, g->len);
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_duplicate, cut);
		wr_tcp_sack_duplicate(s, c, g->seq, g->seq + cut);
		g->seq += cut;
		g->off += cut;
		g->len -= cut;
	}
	if (unlikely(g->len > 0 && wr_seq_gt(g->seq + g->len, right))) {
		cut = min32(g->seq + g->len - right, g->len);
		wr_stats_drop_bytes(s->stats, WR_DROP_pay_trimmed, cut);
		g->len -= cut;
	}
}

// Sixth is URG: urgent data is data like any other (RFC 6093). Seventh: the text; then FIN.
enum wr_drop wr_tcp_input_payload(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	uint32_t fin_seq = g->seq + g->len;
	struct wr_tcp_disorder *d;
	uint32_t taken;
	// what is not in order is answered at once (RFC 5681 4.2)
	bool in_order = g->seq == c->rcv_nxt && c->disorder == WR_HANDLE_NONE;

	if (g->len == 0 && !(g->flags & WR_TCP_FIN))
		return WR_DROP_NONE;
	if (!in_order)
		wr_tcp_ack_now(s, c);
	if (unlikely(!wr_tcp_can_receive(c))) {
		wr_tcp_ack_now(s, c);
		return WR_TCP_STOP;
	}
	cut_to_window(s, c, g);
	if (g->len > 0) {
		// RFC 1122 4.2.2.13: nobody will ever read this
		if (unlikely(!(c->flags & F_OWNED))) {
			wr_tcp_reset_conn(s, c);
			wr_tcp_conn_over(s, c, WR_TCP_END_RESET);
			return WR_DROP_tcp_after_close;
		}
		taken = g->len;
		wr_tcp_reasm(s, c, g, now);
		if (likely(in_order && c->rcv_nxt == fin_seq))
			wr_tcp_ack_in_order(s, c, taken, now);
		else
			wr_tcp_ack_now(s, c);
	} else if (fin_seq != c->rcv_nxt) {
		wr_tcp_ack_now(s, c); // all of it lies outside the window
	}
	if ((g->flags & WR_TCP_FIN) && !(c->flags & F_FIN_SEEN) &&
		wr_seq_geq(fin_seq, c->rcv_nxt) && wr_seq_leq(fin_seq, c->rcv_adv)) {
		if (likely(c->rcv_nxt == fin_seq)) {
			fin_reached(s, c, now);
			return WR_DROP_NONE;
		}
		wr_tcp_ack_now(s, c);
		d = wr_tcp_disorder_need(s, c);
		if (d != NULL) { // else it comes again
			d->fin_seq = fin_seq;
			c->flags |= F_FIN_SEEN;
		}
	}
	if (unlikely(c->flags & F_FIN_SEEN) && c->rcv_nxt == wr_tcp_disorder_of(s, c)->fin_seq)
		fin_reached(s, c, now);
	return WR_DROP_NONE;
}

// Crossing SYNs: the peer's SYN-ACK carries the SYN that we know already and the ACK of ours
// (RFC 9293 3.5, figure 8). A repeated SYN means that our SYN-ACK was lost.
static enum wr_drop check_opening(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g)
{
	if (!(g->flags & WR_TCP_SYN) || (g->flags & WR_TCP_RST) || g->seq != c->irs)
		return WR_DROP_NONE;
	if ((g->flags & WR_TCP_ACK) && g->ack == c->snd_nxt) {
		g->flags &= (uint8_t)~WR_TCP_SYN;
		g->seq++;
		return WR_DROP_NONE;
	}
	if (g->flags & WR_TCP_ACK)
		return WR_DROP_NONE;
	c->flags |= F_SYN_DUE | (c->snd_nxt != c->iss ? F_SYN_RTX : 0);
	wr_tcp_conn_dirty(s, c);
	return WR_DROP_tcp_dup_syn;
}

enum wr_drop wr_tcp_input_synchronised(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	enum wr_drop v;

	if (unlikely(c->state == WR_TCP_ST_SYN_RECEIVED)) {
		v = check_opening(s, c, g);
		if (v != WR_DROP_NONE)
			return v;
	}
	v = check_seq(s, c, g, now);
	if (unlikely(v != WR_DROP_NONE))
		return v;
	v = check_rst(s, c, g, now);
	if (unlikely(v != WR_DROP_NONE))
		return v;
	v = check_syn(s, c, g, now);
	if (unlikely(v != WR_DROP_NONE))
		return v;
	v = check_ack(s, c, g, now);
	if (unlikely(v != WR_DROP_NONE))
		return v;
	return wr_tcp_input_payload(s, c, g, now);
}

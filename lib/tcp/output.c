/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Output: each dirty connection once, what its windows allow and at most one ACK besides the
// duplicate ones that fast retransmit of the peer needs.

static enum wr_tcp_sent output_syn(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	bool first = c->snd_nxt == c->iss;
	uint8_t flags = WR_TCP_SYN;
	enum wr_tcp_sent r;

	if (c->state == WR_TCP_ST_SYN_RECEIVED)
		flags |= WR_TCP_ACK;
	r = wr_tcp_segment_bare(s, c, tx, c->iss, flags, now);
	if (r != WR_TCP_SENT)
		return r;
	c->flags &= ~F_SYN_DUE;
	if (first) {
		c->snd_nxt = c->iss + 1;
		c->pace_us = (uint32_t)now;
		wr_tcp_timer_rtx(s, c, now + c->rto_us);
	} else if (c->flags & F_SYN_RTX) { // not the first SYN-ACK of crossing SYNs
		c->retrans++;
		wr_tcp_count(s, WR_CTR_tcp_retrans_segs, 1);
	}
	return r;
}

// How much of the lost entries from rtx_nxt on makes one segment.
static uint32_t lost_run(const struct wr_tcp_conn *c, struct rte_mbuf *m)
{
	uint32_t end = c->rtx_nxt;

	for (; m != NULL && (wr_mbuf_priv(m)->flags & WR_MBUF_F_LOST) && end - c->rtx_nxt < c->mss;
		m = wr_mbuf_priv(m)->next)
		end = wr_seq_min(wr_mbuf_priv(m)->seq + m->data_len, c->snd_nxt);
	return min32(wr_seq_min(end, c->snd_end) - c->rtx_nxt, (uint32_t)c->mss);
}

// A segment that ends where our data ends carries the FIN again.
static void with_fin(const struct wr_tcp_conn *c, struct wr_tcp_out *o)
{
	if ((c->flags & F_FIN_SENT) && o->seq + o->len == c->snd_end)
		o->flags = WR_TCP_FIN;
}

// The sent part of [from, to) is on its way again.
static void sent_again(
	struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m, uint32_t to)
{
	c->lost_bytes -= min32(c->lost_bytes, to - c->rtx_nxt);
	c->rtx_nxt = to;
	for (; m != NULL &&
		wr_seq_leq(wr_seq_min(wr_mbuf_priv(m)->seq + m->data_len, c->snd_nxt), to);
		m = wr_mbuf_priv(m)->next) {
		if (wr_seq_geq(wr_mbuf_priv(m)->seq, to))
			break;
		wr_mbuf_priv(m)->flags &= (uint16_t)~WR_MBUF_F_LOST;
		c->rtx_cur = wr_mbuf_priv(m)->next;
		if (d != NULL)
			wr_tcp_inflight_sent(d, m);
	}
}

// A FIN that was sent alone, or of which only the data arrived.
static enum wr_tcp_sent output_fin_again(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	struct wr_tcp_out o = {.seq = c->snd_end, .flags = WR_TCP_FIN, .again = true};
	enum wr_tcp_sent r = wr_tcp_segment_data(s, c, tx, &o, now);

	if (r == WR_TCP_SENT)
		c->flags &= ~(F_FIN_LOST | F_FAST_RTX);
	return r;
}

// What was lost, oldest first, as far as cwnd allows; one segment in any case when recovery begins.
static enum wr_tcp_sent output_lost(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	// a closed or shrunken window does not stop the first segment (tcp-cases 4)
	uint32_t edge = c->snd_una + max32(c->snd_wnd, (uint32_t)c->mss);
	struct rte_mbuf *m;

	while ((m = wr_tcp_inflight_next_lost(c)) != NULL) {
		struct wr_tcp_out o = {.seq = c->rtx_nxt, .again = true, .cur = m};
		uint32_t from = c->rtx_nxt;
		enum wr_tcp_sent r;

		o.len = lost_run(c, m);
		if (!(c->flags & F_FAST_RTX) &&
			(wr_tcp_pipe(c) + o.len > c->cwnd || wr_seq_gt(from + o.len, edge)))
			return WR_TCP_SENT;
		with_fin(c, &o);
		r = wr_tcp_segment_data(s, c, tx, &o, now);
		if (r != WR_TCP_SENT)
			return r;
		c->flags &= ~F_FAST_RTX;
		if (o.flags & WR_TCP_FIN) {
			c->flags &= ~F_FIN_LOST;
			o.seq--;
		}
		sent_again(c, wr_tcp_disorder_of(s, c), m, o.seq);
		wr_tcp_recovery_sent(s, c, from, o.seq - from, true, now);
	}
	if (unlikely(c->flags & F_FIN_LOST))
		return output_fin_again(s, c, tx, now);
	return WR_TCP_SENT;
}

// How much new payload may go now, up to one segment (RFC 9293 3.8.6.2.1). *by_cwnd tells that
// congestion control said no.
static uint32_t allowed(const struct wr_tcp_conn *c, bool *by_cwnd)
{
	uint32_t flight = wr_tcp_flight(c);
	uint32_t len = min32(c->snd_end - c->snd_nxt, (uint32_t)c->mss);
	uint32_t room;

	*by_cwnd = false;
	if (wr_tcp_pipe(c) + len > c->cwnd) {
		*by_cwnd = true;
		return 0;
	}
	// RFC 9293 3.7.4, where the application asks for it: what is spliced was shaped by its
	// sender
	if (unlikely(c->flags & F_NAGLE) && len < c->mss && flight > 0 &&
		!(c->flags & F_FIN_QUEUED))
		return 0;
	room = c->snd_wnd > flight ? c->snd_wnd - flight : 0;
	if (likely(room >= len))
		return len;
	// silly windows are waited out, unless they are as large as this peer's ever get
	if (room > 0 && (room >= c->max_snd_wnd / 2 || (c->flags & F_SWS_OVERRIDE)))
		return room;
	return 0;
}

// A segment that is nearly full ends with a whole queue entry, so that payload that was cut to
// almost our size by its sender passes as it is instead of being cut anew for ever.
static uint32_t at_boundary(const struct wr_tcp_conn *c, uint32_t len)
{
	struct rte_mbuf *m = c->snd_cur;
	uint32_t sum = wr_mbuf_priv(m)->seq + m->data_len - c->snd_nxt;

	if (likely(sum >= len))
		return len;
	for (m = wr_mbuf_priv(m)->next; m != NULL && sum + m->data_len <= len;
		m = wr_mbuf_priv(m)->next)
		sum += m->data_len;
	return sum >= len - len / 8 ? sum : len;
}

static void sent_new(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_out *o, wr_us_t now)
{
	uint32_t from = c->snd_nxt;
	bool idle = c->rtx_at == WR_US_NEVER;

	c->snd_nxt = o->seq;
	c->snd_cur = o->cur;
	if (o->flags & WR_TCP_FIN)
		c->flags |= F_FIN_SENT;
	if (unlikely(c->disorder != WR_HANDLE_NONE))
		wr_tcp_recovery_sent(s, c, from, o->seq - from, false, now);
	if (unlikely(c->rtx == WR_TCP_RTX_PERSIST)) {
		c->flags &= ~F_PROBE_DUE;
		c->rtx_since = 0;
		idle = true;
	}
	// the probe's timer runs from the last segment (RFC 8985 7.2), the other from the first
	if (idle || c->rtx == WR_TCP_RTX_PTO)
		wr_tcp_timer_restart(s, c, now);
}

// What cwnd was good for, as of this output (tcp-cases 38).
static void note_limit(struct wr_tcp_conn *c, bool by_cwnd)
{
	uint32_t pipe = wr_tcp_pipe(c);

	if (by_cwnd || (c->cwnd < c->ssthresh ? pipe * 2 >= c->cwnd : pipe + c->mss > c->cwnd))
		c->flags |= F_CWND_LIMITED;
	else
		c->flags &= ~F_CWND_LIMITED;
}

// Large windows leave in steps of a timer tick instead of at once: twice as fast as the path takes
// them in slow start, a quarter faster afterwards. UINT32_MAX: not paced; 0: not yet.
static uint32_t pace_quota(struct wr_tcp_conn *c, wr_us_t now)
{
	uint64_t bytes;

	if (c->cwnd < WR_TCP_PACE_SEGS * (uint32_t)c->mss ||
		c->srtt_us < 4u << WR_WHEEL_TICK_SHIFT) {
		c->flags &= ~F_PACED;
		return UINT32_MAX;
	}
	if ((c->flags & F_PACED) && (int32_t)(c->pace_us - (uint32_t)now) > 0)
		return 0;
	c->flags &= ~F_PACED;
	bytes = c->cwnd < c->ssthresh ? 2ULL * c->cwnd : c->cwnd + c->cwnd / 4;
	bytes = (bytes << WR_WHEEL_TICK_SHIFT) / c->srtt_us;
	return (uint32_t)min64(max64(bytes, 2u * c->mss), UINT32_MAX - 1);
}

static enum wr_tcp_sent output_new(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	enum wr_tcp_sent r = WR_TCP_SENT;
	bool by_cwnd = false, any = false;
	uint32_t quota, first = c->snd_nxt;

	if (!wr_seq_lt(c->snd_nxt, c->snd_end))
		goto out;
	if (c->snd_una == c->snd_nxt &&
		(uint64_t)(wr_tcp_tick(now) - c->send_tick) << WR_WHEEL_TICK_SHIFT > c->rto_us)
		wr_tcp_cc(c)->restart(c, now);
	quota = pace_quota(c, now);
	while (wr_seq_lt(c->snd_nxt, c->snd_end)) {
		struct wr_tcp_out o = {.seq = c->snd_nxt, .cur = c->snd_cur};

		if (unlikely(c->snd_nxt - first >= quota)) {
			if (quota > 0) {
				c->pace_us = (uint32_t)now + (1u << WR_WHEEL_TICK_SHIFT);
				c->flags |= F_PACED;
			}
			wr_tcp_timer_pace(s, c, now + (uint32_t)(c->pace_us - (uint32_t)now));
			any = false; // cwnd was not the limit, nor did it go unused
			break;
		}
		o.len = allowed(c, &by_cwnd);
		if (o.len == 0)
			break;
		o.len = at_boundary(c, o.len);
		if ((c->flags & F_FIN_QUEUED) && o.seq + o.len == c->snd_end)
			o.flags = WR_TCP_FIN;
		r = wr_tcp_segment_data(s, c, tx, &o, now);
		if (r != WR_TCP_SENT)
			break;
		sent_new(s, c, &o, now);
		any = true;
	}
out:
	c->flags &= ~F_SWS_OVERRIDE;
	if (any || by_cwnd)
		note_limit(c, by_cwnd);
	return r;
}

// The entry that ends the flight.
static struct rte_mbuf *highest_sent(const struct wr_tcp_conn *c, uint32_t end)
{
	struct rte_mbuf *m = c->snd_cur == NULL ? c->sndq.tail : c->sndq.head;

	while (wr_seq_lt(wr_mbuf_priv(m)->seq + m->data_len, end))
		m = wr_mbuf_priv(m)->next;
	return m;
}

// RFC 8985 7.3: new payload if the window has room for it, else what was sent last.
static enum wr_tcp_sent output_tlp(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	uint32_t flight = wr_tcp_flight(c), end = wr_seq_min(c->snd_nxt, c->snd_end);
	struct wr_tcp_out o = {.seq = c->snd_nxt, .cur = c->snd_cur};
	uint32_t room = c->snd_wnd > flight ? c->snd_wnd - flight : 0;
	enum wr_tcp_sent r;

	o.len = min32(min32(c->snd_end - end, (uint32_t)c->mss), room);
	if (flight == 0 || !wr_tcp_tlp_wanted(c)) {
		c->flags &= ~F_TLP_DUE;
		return WR_TCP_SENT;
	}
	o.again = o.len == 0;
	if (o.again && wr_seq_lt(c->snd_una, end)) {
		o.cur = highest_sent(c, end);
		o.seq = wr_seq_max(wr_mbuf_priv(o.cur)->seq, c->snd_una);
		o.len = end - o.seq;
		if (o.len > c->mss) {
			o.len = c->mss;
			o.seq = end - o.len;
		}
		with_fin(c, &o);
	} else if (o.again) {
		o.seq = c->snd_end;
		o.flags = WR_TCP_FIN;
	} else if ((c->flags & F_FIN_QUEUED) && o.seq + o.len == c->snd_end) {
		o.flags = WR_TCP_FIN;
	}
	r = wr_tcp_segment_data(s, c, tx, &o, now);
	if (r != WR_TCP_SENT)
		return r;
	c->flags &= ~F_TLP_DUE;
	c->tlp = o.again ? WR_TCP_TLP_AGAIN : WR_TCP_TLP_NEW;
	if (!o.again)
		sent_new(s, c, &o, now);
	c->tlp_end = c->snd_nxt;
	wr_tcp_count(s, WR_CTR_tcp_tlp, 1);
	wr_tcp_timer_restart(s, c, now);
	return WR_TCP_SENT;
}

// A FIN without data needs no window: it costs the peer no memory.
static enum wr_tcp_sent output_fin(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	struct wr_tcp_out o = {.seq = c->snd_nxt, .flags = WR_TCP_FIN};
	enum wr_tcp_sent r;

	if ((c->flags & (F_FIN_QUEUED | F_FIN_SENT)) != F_FIN_QUEUED || c->snd_nxt != c->snd_end)
		return WR_TCP_SENT;
	r = wr_tcp_segment_data(s, c, tx, &o, now);
	if (r == WR_TCP_SENT)
		sent_new(s, c, &o, now);
	return r;
}

// Nothing is out and nothing may go: only the peer's window can change that, and its announcement
// may get lost.
static void check_persist(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (likely(c->snd_una != c->snd_nxt || c->snd_nxt == c->snd_end))
		return;
	if (c->snd_wnd == 0 && !(c->flags & F_STALLED)) {
		c->flags |= F_STALLED;
		wr_tcp_conn_event(s, c, WR_TCP_EV_STALLED);
	}
	if (c->rtx == WR_TCP_RTX_PERSIST || (c->flags & F_PACED))
		return;
	c->rtx = WR_TCP_RTX_PERSIST;
	c->backoff = 0;
	c->rtx_since = 0;
	wr_tcp_timer_rtx(s, c, now + c->rto_us);
}

// SND.UNA - 1 is outside of any window, so that the peer answers with its ACK and window without
// having to take anything.
static enum wr_tcp_sent output_probe(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	enum wr_tcp_sent r = wr_tcp_segment_bare(s, c, tx, c->snd_una - 1, WR_TCP_ACK, now);

	if (r == WR_TCP_SENT) {
		c->flags &= ~F_PROBE_DUE;
		if (c->rtx == WR_TCP_RTX_PERSIST && c->rtx_at != WR_US_NEVER) {
			wr_tcp_count(s, WR_CTR_tcp_persist_probes, 1);
		} else {
			c->keep_probes++;
			wr_tcp_count(s, WR_CTR_tcp_keepalive_probes, 1);
		}
	}
	return r;
}

static enum wr_tcp_sent output_send_side(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	enum wr_tcp_sent r = WR_TCP_SENT;

	if (unlikely(c->lost_bytes > 0 || (c->flags & F_FIN_LOST)))
		r = output_lost(s, c, tx, now);
	if (unlikely(r == WR_TCP_SENT && (c->flags & F_TLP_DUE)))
		r = output_tlp(s, c, tx, now);
	if (r != WR_TCP_SENT || c->lost_bytes > 0)
		return r;
	r = output_new(s, c, tx, now);
	if (r == WR_TCP_SENT)
		r = output_fin(s, c, tx, now);
	if (r == WR_TCP_SENT)
		check_persist(s, c, now);
	return r;
}

static enum wr_tcp_sent output_conn(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	enum wr_tcp_sent r = WR_TCP_SENT;

	if (unlikely(c->flags & F_SYN_DUE)) {
		r = output_syn(s, c, tx, now);
		if (r != WR_TCP_SENT)
			return r;
	}
	// data would hide duplicate ACKs from the peer's loss detection (RFC 5681 2)
	for (; unlikely(c->dup_acks_due > 0); c->dup_acks_due--) {
		r = wr_tcp_segment_bare(s, c, tx, c->snd_nxt, WR_TCP_ACK, now);
		if (r != WR_TCP_SENT)
			return r;
	}
	if (wr_tcp_can_send(c)) {
		r = output_send_side(s, c, tx, now);
		if (r != WR_TCP_SENT)
			return r;
	}
	if (unlikely(c->flags & F_PROBE_DUE)) {
		r = output_probe(s, c, tx, now);
		if (r != WR_TCP_SENT)
			return r;
	}
	if ((c->flags & F_ACK_DUE) && c->state != WR_TCP_ST_SYN_SENT)
		r = wr_tcp_segment_bare(s, c, tx, c->snd_nxt, WR_TCP_ACK, now);
	if (unlikely(c->disorder != WR_HANDLE_NONE))
		wr_tcp_disorder_done(s, c);
	return r;
}

static bool output_answers(struct wr_tcp_stack *s, struct wr_tcp_tx *tx)
{
	for (; s->answer_count > 0; s->answer_count--) {
		if (tx->count >= tx->room)
			return false;
		tx->pkts[tx->count++] = s->answers[s->answer_head];
		s->answer_head = (s->answer_head + 1) % WR_TCP_ANSWERS;
	}
	return true;
}

uint32_t wr_tcp_output(struct wr_tcp_stack *s, struct wr_tcp_tx *tx, uint32_t budget, wr_us_t now)
{
	const size_t off = offsetof(struct wr_tcp_conn, dirty);
	uint32_t todo = min32(budget, s->dirty.count), done = 0;

	if (unlikely(s->level >= 2))
		s->share = s->cfg.held_budget / max32(wr_pool_used(&s->conns), 1u);
	if (!output_answers(s, tx))
		return 0;
	while (done < todo) {
		struct wr_tcp_conn *c = wr_tcp_conn_at(s, s->dirty.head);
		wr_handle_t next = c->dirty.next;
		enum wr_tcp_sent r;

		if (next != WR_HANDLE_NONE) {
			const char *n = wr_pool_at(&s->conns, wr_handle_index(next));

			rte_prefetch0(n);
			rte_prefetch0(n + 64);
			rte_prefetch0(n + 128);
		}
		r = output_conn(s, c, tx, now);
		if (unlikely(r == WR_TCP_NO_ROOM))
			break; // keeps its place
		wr_tcp_list_remove(&s->dirty, &s->conns, c->handle, off);
		if (unlikely(r == WR_TCP_NO_MBUF))
			wr_tcp_list_append(&s->dirty, &s->conns, c->handle, off);
		else
			c->flags &= ~F_DIRTY;
		done++;
	}
	return done;
}

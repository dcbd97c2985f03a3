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
		c->syn_us = now;
		wr_tcp_timer_rtx(s, c, now + c->rto_us);
	} else if (c->flags & F_SYN_RTX) { // not the first SYN-ACK of crossing SYNs
		c->retrans++;
		wr_tcp_count(s, WR_CTR_tcp_retrans_segs, 1);
	}
	return r;
}

// A retransmitted segment that ends where our data ends carries the FIN again.
static void again(struct wr_tcp_conn *c, struct wr_tcp_out *o, uint32_t seq, uint32_t end,
	struct rte_mbuf *cur)
{
	uint32_t data_end = wr_seq_min(end, c->snd_end);

	*o = (struct wr_tcp_out){.seq = seq, .again = true, .cur = cur};
	if (wr_seq_lt(seq, data_end))
		o->len = min32(data_end - seq, (uint32_t)c->mss);
	if ((c->flags & F_FIN_SENT) && seq + o->len == c->snd_end && wr_seq_gt(end, c->snd_end))
		o->flags = WR_TCP_FIN;
}

// The segment that fast recovery asks for, whatever cwnd says (tcp-cases 39).
static enum wr_tcp_sent output_head(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	struct wr_tcp_out o;
	enum wr_tcp_sent r = WR_TCP_SENT;

	if (c->snd_una != c->snd_nxt) {
		again(c, &o, c->snd_una, c->snd_nxt, c->sndq.head);
		r = wr_tcp_segment_data(s, c, tx, &o, now);
	}
	if (r == WR_TCP_SENT)
		c->flags &= ~F_RTX_HEAD;
	return r;
}

static void skip_sacked(struct wr_tcp_conn *c)
{
	while (c->rtx_cur != NULL && wr_seq_lt(c->rtx_nxt, c->rtx_end) &&
		(wr_mbuf_priv(c->rtx_cur)->flags & WR_MBUF_F_SACKED)) {
		c->rtx_nxt = wr_mbuf_priv(c->rtx_cur)->seq + c->rtx_cur->data_len;
		c->rtx_cur = wr_mbuf_priv(c->rtx_cur)->next;
	}
}

// After a time-out: everything that was outstanding, oldest first, as slow start allows.
static enum wr_tcp_sent output_again(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	// a closed or shrunken window does not stop the first segment (tcp-cases 4)
	uint32_t limit = min32(c->cwnd, max32(c->snd_wnd, (uint32_t)c->mss));
	struct wr_tcp_out o;
	enum wr_tcp_sent r;

	for (;;) {
		skip_sacked(c);
		if (!wr_seq_lt(c->rtx_nxt, c->rtx_end) || c->rtx_nxt - c->snd_una >= limit)
			return WR_TCP_SENT;
		again(c, &o, c->rtx_nxt, c->rtx_end, c->rtx_cur);
		r = wr_tcp_segment_data(s, c, tx, &o, now);
		if (r != WR_TCP_SENT)
			return r;
		c->rtx_nxt = o.seq;
		c->rtx_cur = o.cur;
	}
}

// How much new payload may go now, up to one segment (RFC 9293 3.8.6.2.1; no Nagle: what is spliced
// was shaped by its sender). *by_cwnd tells that congestion control said no.
static uint32_t allowed(const struct wr_tcp_conn *c, bool *by_cwnd)
{
	uint32_t flight = wr_tcp_flight(c);
	uint32_t len = min32(c->snd_end - c->snd_nxt, (uint32_t)c->mss);
	uint32_t cwnd = c->cwnd, room;

	// limited transmit (RFC 3042)
	if (unlikely(c->dupacks > 0 && c->ca_state == WR_TCP_CA_OPEN))
		cwnd += min32(c->dupacks, 2u) * c->mss;
	*by_cwnd = false;
	if (flight + len > cwnd) {
		*by_cwnd = true;
		return 0;
	}
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
	c->snd_nxt = o->seq;
	c->snd_cur = o->cur;
	if (o->flags & WR_TCP_FIN)
		c->flags |= F_FIN_SENT;
	if (c->rtx_at == WR_US_NEVER || (c->flags & F_PERSIST)) {
		c->flags &= ~(F_PERSIST | F_PROBE_DUE);
		c->rtx_since_us = 0;
		wr_tcp_timer_rtx(s, c, now + c->rto_us);
	}
}

// What cwnd was good for, as of this output (tcp-cases 38).
static void note_limit(struct wr_tcp_conn *c, bool by_cwnd)
{
	uint32_t flight = wr_tcp_flight(c);

	if (by_cwnd || (c->cwnd < c->ssthresh ? flight * 2 >= c->cwnd : flight + c->mss > c->cwnd))
		c->flags |= F_CWND_LIMITED;
	else
		c->flags &= ~F_CWND_LIMITED;
}

static enum wr_tcp_sent output_new(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	enum wr_tcp_sent r = WR_TCP_SENT;
	bool by_cwnd = false, any = false;

	if (c->snd_una == c->snd_nxt && now - c->last_send_us > c->rto_us)
		c->cc->restart(c, now);
	while (wr_seq_lt(c->snd_nxt, c->snd_end)) {
		struct wr_tcp_out o = {.seq = c->snd_nxt, .cur = c->snd_cur};

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
	c->flags &= ~F_SWS_OVERRIDE;
	if (any || by_cwnd)
		note_limit(c, by_cwnd);
	return r;
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
	if (c->flags & F_PERSIST)
		return;
	c->flags |= F_PERSIST;
	c->backoff = 0;
	c->rtx_since_us = 0;
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
		wr_tcp_count(s, WR_CTR_tcp_persist_probes, 1);
	}
	return r;
}

static enum wr_tcp_sent output_send_side(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx, wr_us_t now)
{
	enum wr_tcp_sent r = WR_TCP_SENT;

	if (unlikely(c->flags & F_RTX_HEAD))
		r = output_head(s, c, tx, now);
	if (unlikely(r == WR_TCP_SENT && wr_seq_lt(c->rtx_nxt, c->rtx_end)))
		r = output_again(s, c, tx, now);
	if (r != WR_TCP_SENT || wr_seq_lt(c->rtx_nxt, c->rtx_end))
		return r;
	r = output_new(s, c, tx, now);
	if (r == WR_TCP_SENT)
		r = output_fin(s, c, tx, now);
	if (r == WR_TCP_SENT)
		check_persist(s, c, now);
	if (r == WR_TCP_SENT && unlikely(c->flags & F_PROBE_DUE))
		r = output_probe(s, c, tx, now);
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
	if ((c->flags & F_ACK_DUE) && c->state != WR_TCP_ST_SYN_SENT)
		r = wr_tcp_segment_bare(s, c, tx, c->snd_nxt, WR_TCP_ACK, now);
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

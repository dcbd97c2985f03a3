/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Reassembly: in-order payload goes straight to the receive queue; the rest is kept as buffers
// sorted by sequence number without overlap. Bytes received first are the ones kept (tcp-cases 30).
// The store is bounded per connection and per stack, the highest sequence numbers give way first,
// and the segment at RCV.NXT is always taken (case 31).

static uint32_t entry_seq(const struct rte_mbuf *m)
{
	return wr_mbuf_priv((struct rte_mbuf *)(uintptr_t)m)->seq;
}

static uint32_t entry_end(const struct rte_mbuf *m)
{
	return entry_seq(m) + m->data_len;
}

// Put all of `in` (contiguous from `seq`) behind `prev`, or first when that is NULL.
// Returns the last one.
static struct rte_mbuf *insert_after(struct wr_tcp_stack *s, struct wr_tcp_conn *c,
	struct rte_mbuf *prev, struct wr_mq *in, uint32_t seq)
{
	struct wr_mq *q = &wr_tcp_disorder_of(s, c)->ooo;
	struct rte_mbuf *m;

	q->bytes += in->bytes;
	q->count += in->count;
	s->ooo_bytes += in->bytes;
	s->ooo_count += in->count;
	while ((m = wr_mq_pop(in)) != NULL) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

		priv->seq = seq;
		seq += m->data_len;
		priv->next = prev != NULL ? wr_mbuf_priv(prev)->next : q->head;
		if (prev != NULL)
			wr_mbuf_priv(prev)->next = m;
		else
			q->head = m;
		if (q->tail == prev)
			q->tail = m;
		prev = m;
	}
	return prev;
}

static void evict_tail(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	struct wr_mq *q = &d->ooo;
	struct rte_mbuf *m = q->head, *prev = NULL;

	for (; m != q->tail; m = wr_mbuf_priv(m)->next)
		prev = m;
	q->tail = prev;
	if (prev != NULL)
		wr_mbuf_priv(prev)->next = NULL;
	else
		q->head = NULL;
	q->bytes -= m->data_len;
	q->count--;
	s->ooo_bytes -= m->data_len;
	s->ooo_count--;
	wr_stats_drop_bytes(s->stats, WR_DROP_pay_ooo_evicted, m->data_len);
	wr_tcp_sack_cut(d, entry_seq(m));
	wr_tcp_buf_free(s, m);
}

uint64_t wr_tcp_reasm_purge(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);

	if (likely(d == NULL))
		return 0;
	s->ooo_bytes -= d->ooo.bytes;
	s->ooo_count -= d->ooo.count;
	d->sack_count = 0;
	return wr_tcp_mq_free(s, &d->ooo);
}

static void discard(struct wr_tcp_stack *s, struct wr_tcp_seg *g, uint32_t len, enum wr_drop why)
{
	wr_stats_drop_bytes(s->stats, why, len);
	g->seq += len;
	g->off += len;
	g->len -= len;
}

// Take [g->seq, +len) off the segment into buffers; `keep` when nothing of it is needed afterwards.
// Without credit or buffers it is discarded unacknowledged.
static bool take(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, uint32_t len,
	bool keep, bool at_edge, struct wr_mq *out)
{
	const struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	uint32_t bufs = keep && len >= WR_COPY_BYTES ? g->p->m->nb_segs : 0;

	while (bufs > 0 && !wr_tcp_credit(s, bufs, at_edge)) {
		// what waits behind the edge gives way to the edge
		if (!at_edge || d == NULL || d->ooo.count == 0) {
			discard(s, g, len, WR_DROP_pay_no_credit);
			return false;
		}
		evict_tail(s, c);
	}
	if (unlikely(!wr_tcp_payload_take(s, &g->p->m, g->off, len, keep, out))) {
		discard(s, g, len, WR_DROP_pay_no_credit);
		return false;
	}
	wr_tcp_count(s, WR_CTR_pay_rx_bytes, len);
	g->seq += len;
	g->off += len;
	g->len -= len;
	return true;
}

static void advance(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t bytes)
{
	uint32_t before = c->rcv_nxt - c->irs - 1;

	c->rcv_nxt += bytes;
	c->in_wraps = (uint16_t)(c->in_wraps + (before + bytes < before));
	s->recv_queue_bytes += bytes;
}

// The common case: next in sequence, nothing waits behind it.
static void accept_in_order(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g)
{
	struct wr_mq in = {0};
	uint32_t len = g->len;
	bool copy = len < WR_COPY_BYTES;

	if (unlikely(s->level >= 2))
		copy = wr_tcp_payload_compacts(s, g->p->m, len);
	if (copy && c->rcvq.tail != NULL &&
		wr_tcp_payload_append(s, c->rcvq.tail, g->p->m, g->off, len)) {
		c->rcvq.bytes += len;
		wr_tcp_count(s, WR_CTR_pay_rx_bytes, len);
		g->len = 0;
	} else {
		if (!take(s, c, g, len, !copy, true, &in))
			return;
		wr_mq_concat(&c->rcvq, &in);
	}
	advance(s, c, len);
	wr_tcp_conn_event(s, c, WR_TCP_EV_READABLE);
}

// Room in the store for buffers from `seq` on. False: there is none; *evicted tells that entries
// above seq went.
static bool make_room(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t seq, bool *evicted)
{
	const struct wr_mq *q = &wr_tcp_disorder_of(s, c)->ooo;

	*evicted = false;
	while (q->count >= s->cfg.ooo_segs_max || s->ooo_count >= s->cfg.ooo_total_max) {
		if (q->tail == NULL || wr_seq_leq(entry_seq(q->tail), seq))
			return false;
		evict_tail(s, c);
		*evicted = true;
	}
	return true;
}

// Take one piece [g->seq, stop) into the store behind prev. False when the rest of the segment is
// settled too.
static bool store_piece(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g,
	uint32_t stop, bool last, struct rte_mbuf **prev)
{
	uint32_t seq = g->seq;
	bool edge = seq == c->rcv_nxt;
	bool copy = s->level >= 2 && wr_tcp_payload_compacts(s, g->p->m, stop - seq);
	struct wr_mq in = {0};

	if (!take(s, c, g, stop - seq, last && !copy, edge, &in)) {
		// without its first bytes the rest of an edge segment is not worth its room
		if (edge && g->len > 0)
			discard(s, g, g->len, WR_DROP_pay_no_credit);
		return g->len > 0;
	}
	*prev = insert_after(s, c, *prev, &in, seq);
	wr_tcp_sack_note(wr_tcp_disorder_of(s, c), seq, stop);
	if (last && g->len > 0)
		discard(s, g, g->len, WR_DROP_pay_duplicate);
	return g->len > 0;
}

// Insert what is new of the segment between the entries of the store.
static void store(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, bool at_edge)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_need(s, c);
	struct rte_mbuf *prev = NULL, *e;
	uint32_t end = g->seq + g->len;

	if (unlikely(d == NULL)) {
		discard(s, g, g->len, WR_DROP_pay_ooo_limit);
		return;
	}
	if (d->ooo.tail != NULL && wr_seq_geq(g->seq, entry_end(d->ooo.tail)))
		prev = d->ooo.tail;
	while (g->len > 0) {
		uint32_t stop = end;
		bool evicted, last;

		e = prev != NULL ? wr_mbuf_priv(prev)->next : d->ooo.head;
		for (; e != NULL && wr_seq_leq(entry_end(e), g->seq); e = wr_mbuf_priv(e)->next)
			prev = e;
		if (e != NULL && wr_seq_leq(entry_seq(e), g->seq)) {
			uint32_t dup = wr_seq_min(end, entry_end(e)) - g->seq;

			wr_tcp_sack_duplicate(s, c, g->seq, g->seq + dup);
			discard(s, g, dup, WR_DROP_pay_duplicate);
			continue;
		}
		if (!at_edge && !make_room(s, c, g->seq, &evicted)) {
			discard(s, g, g->len, WR_DROP_pay_ooo_limit);
			return;
		}
		if (!at_edge && evicted)
			continue;
		if (e != NULL)
			stop = wr_seq_min(end, entry_seq(e));
		// the buffer itself can only be kept for the last piece of it that is new
		last = stop == end || wr_seq_geq(entry_end(e), end);
		if (!store_piece(s, c, g, stop, last, &prev))
			return;
	}
}

// Move what has become contiguous to the receive queue.
static void drain(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	bool moved = false;

	while (d != NULL && d->ooo.head != NULL && entry_seq(d->ooo.head) == c->rcv_nxt) {
		struct rte_mbuf *m = wr_mq_pop(&d->ooo);

		s->ooo_bytes -= m->data_len;
		s->ooo_count--;
		wr_mq_append(&c->rcvq, m);
		advance(s, c, m->data_len);
		moved = true;
	}
	if (moved) {
		d->progress = wr_tcp_since(s->wheel.now_us);
		wr_tcp_sack_advance(d, c->rcv_nxt);
		wr_tcp_conn_event(s, c, WR_TCP_EV_READABLE);
	}
}

void wr_tcp_reasm(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	const struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	bool at_edge = g->seq == c->rcv_nxt;

	if (likely(at_edge && (d == NULL || d->ooo.head == NULL))) {
		accept_in_order(s, c, g);
	} else {
		if (!at_edge) {
			wr_tcp_count(s, WR_CTR_tcp_ooo_segs, 1);
			if (c->dup_acks_due < WR_TCP_DUPACKS_OUT)
				c->dup_acks_due++;
		}
		store(s, c, g, at_edge);
		drain(s, c);
	}
	wr_tcp_window_promise(s, c);
}

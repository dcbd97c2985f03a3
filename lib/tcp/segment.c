/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include "wr_build.h"

// One segment from the state of a connection and a piece of its send queue. Nothing of the
// connection changes before all buffers are there.

static void fill_header(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_hdr *h,
	uint32_t seq, uint8_t flags, wr_us_t now)
{
	*h = (struct wr_tcp_hdr){.t = &c->t, .seq = seq, .flags = flags};
	if (flags & WR_TCP_ACK) {
		h->ack = c->rcv_nxt;
		h->ts_ecr = c->ts_recent;
	}
	if (c->opts & WR_TCPOPT_TS) {
		h->opts = WR_TCPOPT_TS;
		h->ts_val = wr_tcp_ts_now(c, now);
	}
	if (unlikely(flags & WR_TCP_SYN)) {
		h->opts = c->opts | WR_TCPOPT_MSS;
		h->mss = c->rcv_mss;
		h->wscale = c->our_wscale;
		// never scaled in a SYN (RFC 7323 2.2)
		h->window = (uint16_t)min32(c->rcv_adv - c->rcv_nxt, (uint32_t)UINT16_MAX);
		return;
	}
	h->window = wr_tcp_window_advertise(s, c);
}

// Build headers in front of m and put it out. The ACK that it carries is what was due.
static enum wr_tcp_sent emit(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_tx *tx,
	struct rte_mbuf *m, const struct wr_tcp_hdr *h)
{
	if (unlikely(wr_build_tcp(m, h) != 0)) {
		rte_pktmbuf_free(m);
		wr_stats_drop(s->stats, WR_DROP_no_mbuf, 1);
		return WR_TCP_NO_MBUF;
	}
	m->hash.usr = c->path;
	tx->pkts[tx->count++] = m;
	if (h->flags & WR_TCP_ACK) {
		c->last_ack_sent = c->rcv_nxt;
		c->flags &= ~F_ACK_DUE;
	}
	wr_tcp_count(s, WR_CTR_tcp_segs_out, 1);
	return WR_TCP_SENT;
}

// A duplicate is reported first and once (RFC 2883 4), then what is held.
static void fill_sack(struct wr_tcp_disorder *d, struct wr_tcp_hdr *h, struct wr_sack_block *blocks)
{
	uint32_t n = 0;

	if (d->dsack.left != d->dsack.right)
		blocks[n++] = d->dsack;
	for (uint32_t i = 0; i < d->sack_count && n < WR_TCP_MAX_SACK; i++)
		blocks[n++] = d->sack[i];
	d->dsack = (struct wr_sack_block){0};
	if (n == 0)
		return;
	h->opts |= WR_TCPOPT_SACK;
	h->sack = blocks;
	h->sack_count = (uint8_t)n;
}

enum wr_tcp_sent wr_tcp_segment_bare(struct wr_tcp_stack *s, struct wr_tcp_conn *c,
	struct wr_tcp_tx *tx, uint32_t seq, uint8_t flags, wr_us_t now)
{
	struct wr_sack_block blocks[WR_TCP_MAX_SACK];
	struct wr_tcp_hdr h;
	struct rte_mbuf *m;

	if (unlikely(tx->count >= tx->room))
		return WR_TCP_NO_ROOM;
	m = rte_pktmbuf_alloc(s->small);
	if (unlikely(m == NULL)) {
		wr_stats_drop(s->stats, WR_DROP_no_mbuf, 1);
		return WR_TCP_NO_MBUF;
	}
	fill_header(s, c, &h, seq, flags, now);
	if (unlikely(c->disorder != WR_HANDLE_NONE && (c->opts & WR_TCPOPT_SACKOK) &&
		     !(flags & WR_TCP_SYN)))
		fill_sack(wr_tcp_disorder_of(s, c), &h, blocks);
	if (flags == WR_TCP_ACK)
		wr_tcp_count(s, WR_CTR_tcp_acks_out, 1);
	return emit(s, c, tx, m, &h);
}

// Copy the payload behind the header's room: cheaper than chaining for little.
static void copy_payload(struct wr_tcp_stack *s, struct rte_mbuf *m, const struct wr_tcp_out *o)
{
	struct rte_mbuf *cur = o->cur;
	uint32_t off = o->seq - wr_mbuf_priv(cur)->seq, left = o->len;
	char *to = rte_pktmbuf_append(m, (uint16_t)left);

	while (left > 0) {
		uint32_t part = min32(left, cur->data_len - off);

		memcpy(to, rte_pktmbuf_mtod_offset(cur, char *, off), part);
		to += part;
		left -= part;
		off = 0;
		cur = wr_mbuf_priv(cur)->next;
	}
	wr_tcp_count(s, WR_CTR_pay_copied_bytes, o->len);
}

// A queue entry may go into the chain itself only if all of it goes, for the first time, at the
// chain's end (its `next` must stay NULL), and no other chain holds it. Otherwise an indirect mbuf
// stands for it, so that no buffer that a TX ring may hold is ever changed (tcp-cases 34).
static struct rte_mbuf *link_of(
	struct wr_tcp_stack *s, struct rte_mbuf *cur, uint32_t off, uint32_t len, bool direct)
{
	struct rte_mbuf *i;

	if (direct && off == 0 && len == cur->data_len && rte_mbuf_refcnt_read(cur) == 1) {
		rte_mbuf_refcnt_update(cur, 1);
		return cur;
	}
	i = rte_pktmbuf_alloc(s->small);
	if (unlikely(i == NULL))
		return NULL;
	rte_pktmbuf_attach(i, cur);
	i->data_off = (uint16_t)(i->data_off + off);
	i->data_len = (uint16_t)len;
	i->pkt_len = len;
	return i;
}

// Chain the payload behind header mbuf m; o->len is cut where the chain is full.
static bool chain_payload(struct wr_tcp_stack *s, struct rte_mbuf *m, struct wr_tcp_out *o)
{
	struct rte_mbuf *cur = o->cur, *last = m;
	uint32_t off = o->seq - wr_mbuf_priv(cur)->seq, left = o->len;

	while (left > 0 && m->nb_segs < WR_CHAIN_SEGS) {
		uint32_t part = min32(left, cur->data_len - off);
		bool end = part == left || m->nb_segs + 1 == WR_CHAIN_SEGS;
		struct rte_mbuf *seg = link_of(s, cur, off, part, end && !o->again);

		if (unlikely(seg == NULL))
			return false;
		last->next = seg;
		last = seg;
		m->nb_segs++;
		m->pkt_len += part;
		left -= part;
		off = 0;
		cur = wr_mbuf_priv(cur)->next;
	}
	o->len -= left;
	return true;
}

// Note on each entry that it was sent, and move o past what was.
static void mark_sent(
	struct wr_tcp_stack *s, struct wr_tcp_disorder *d, struct wr_tcp_out *o, wr_us_t now)
{
	uint32_t end = o->seq + o->len;

	if (o->len > 0)
		wr_mbuf_priv(o->cur)->flags |= WR_MBUF_F_BEGIN;
	while (o->len > 0) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(o->cur);
		uint32_t off = o->seq - priv->seq;
		uint32_t part = min32(o->len, o->cur->data_len - off);

		if (o->again)
			priv->sent += priv->sent < UINT16_MAX;
		else if (priv->sent == 0)
			priv->sent = 1;
		priv->sent_us = now;
		// a lost entry is back in flight when all of it was sent again
		if (unlikely(d != NULL) && !(priv->flags & WR_MBUF_F_LOST))
			wr_tcp_inflight_sent(d, o->cur);
		if (!o->again && off == 0 && part < o->cur->data_len)
			wr_tcp_count(s, WR_CTR_resegmented, 1);
		o->seq += part;
		o->len -= part;
		if (off + part == o->cur->data_len)
			o->cur = priv->next;
	}
	o->seq = end;
}

enum wr_tcp_sent wr_tcp_segment_data(struct wr_tcp_stack *s, struct wr_tcp_conn *c,
	struct wr_tcp_tx *tx, struct wr_tcp_out *o, wr_us_t now)
{
	uint8_t flags = WR_TCP_ACK;
	struct wr_tcp_hdr h;
	struct rte_mbuf *m;
	enum wr_tcp_sent r;
	bool fin = o->flags & WR_TCP_FIN;
	uint32_t wanted = o->len;

	if (unlikely(tx->count >= tx->room))
		return WR_TCP_NO_ROOM;
	m = rte_pktmbuf_alloc(s->small);
	if (unlikely(m == NULL))
		goto no_mbuf;
	if (o->len > 0 && o->len < WR_COPY_BYTES)
		copy_payload(s, m, o);
	else if (o->len > 0 && !chain_payload(s, m, o))
		goto no_mbuf;
	if (o->len == wanted && fin)
		flags |= WR_TCP_FIN;
	if (o->len > 0 && o->seq + o->len == c->snd_end)
		flags |= WR_TCP_PSH; // what we hold ends here (RFC 9293 3.9.1.2)
	fill_header(s, c, &h, o->seq, flags, now);
	wanted = o->len;
	r = emit(s, c, tx, m, &h);
	if (unlikely(r != WR_TCP_SENT))
		return r;
	if (wanted > 0)
		wr_tcp_ack_carried(s, c, now);
	if (o->again) {
		c->retrans++;
		wr_tcp_count(s, WR_CTR_tcp_retrans_segs, 1);
		wr_tcp_count(s, WR_CTR_tcp_retrans_bytes, wanted);
	}
	mark_sent(s, wr_tcp_disorder_of(s, c), o, now);
	o->seq += !!(flags & WR_TCP_FIN);
	o->flags = flags;
	c->send_tick = wr_tcp_tick(now);
	return WR_TCP_SENT;

no_mbuf:
	if (m != NULL)
		rte_pktmbuf_free(m); // with what was chained
	wr_stats_drop(s->stats, WR_DROP_no_mbuf, 1);
	return WR_TCP_NO_MBUF;
}

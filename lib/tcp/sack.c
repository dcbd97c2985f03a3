/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Selective acknowledgement (RFC 2018, 2883): the blocks we report, kept up to date as the store
// changes, and the blocks the peer reports, marked on the send queue.

static bool touches(const struct wr_sack_block *b, uint32_t left, uint32_t right)
{
	return wr_seq_leq(left, b->right) && wr_seq_geq(right, b->left);
}

// [left, right) arrived out of order: it joins the block that it touches, and that block comes
// first (RFC 2018 4).
void wr_tcp_sack_note(struct wr_tcp_disorder *d, uint32_t left, uint32_t right)
{
	struct wr_sack_block kept[WR_TCP_MAX_SACK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->sack_count; i++) {
		if (touches(&d->sack[i], left, right)) {
			left = wr_seq_min(left, d->sack[i].left);
			right = wr_seq_max(right, d->sack[i].right);
		} else {
			kept[n++] = d->sack[i];
		}
	}
	if (n == WR_TCP_MAX_SACK)
		n--; // the oldest is forgotten; the peer has heard of it
	d->sack[0] = (struct wr_sack_block){left, right};
	for (uint32_t i = 0; i < n; i++)
		d->sack[i + 1] = kept[i];
	d->sack_count = (uint8_t)(n + 1);
}

// RCV.NXT moved: blocks below it are acknowledged now.
void wr_tcp_sack_advance(struct wr_tcp_disorder *d, uint32_t rcv_nxt)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->sack_count; i++)
		if (wr_seq_gt(d->sack[i].left, rcv_nxt))
			d->sack[n++] = d->sack[i];
	d->sack_count = (uint8_t)n;
}

// The store was cut off from `from` on: what is reported must be held.
void wr_tcp_sack_cut(struct wr_tcp_disorder *d, uint32_t from)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->sack_count; i++) {
		if (wr_seq_geq(d->sack[i].left, from))
			continue;
		d->sack[n] = d->sack[i];
		d->sack[n].right = wr_seq_min(d->sack[n].right, from);
		n++;
	}
	d->sack_count = (uint8_t)n;
}

// The first duplicate since the last ACK is reported (RFC 2883 4).
void wr_tcp_sack_duplicate(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t left, uint32_t right)
{
	struct wr_tcp_disorder *d;

	if (!(c->opts & WR_TCPOPT_SACKOK) || left == right)
		return;
	d = wr_tcp_disorder_need(s, c);
	if (d != NULL && d->dsack.left == d->dsack.right)
		d->dsack = (struct wr_sack_block){left, right};
}

// RFC 2883 4: a first block below the ACK, or inside of the second block, reports a duplicate.
static bool is_dsack(const struct wr_pkt *p, uint32_t ack)
{
	const struct wr_sack_block *b = p->sack;

	if (!wr_seq_lt(b[0].left, b[0].right))
		return false;
	if (wr_seq_leq(b[0].right, ack))
		return true;
	return p->sack_count > 1 && wr_seq_geq(b[0].left, b[1].left) &&
	       wr_seq_leq(b[0].right, b[1].right);
}

// Where the walk for what begins at `from` may start.
static struct rte_mbuf *start_of(
	const struct wr_tcp_conn *c, const struct wr_tcp_disorder *d, uint32_t from)
{
	if (d->sack_top != NULL && wr_seq_leq(wr_mbuf_priv(d->sack_top)->seq, from))
		return d->sack_top;
	if (d->sack_cur != NULL && wr_seq_leq(wr_mbuf_priv(d->sack_cur)->seq, from))
		return d->sack_cur;
	return c->sndq.head;
}

static void mark_entry(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m,
	const struct wr_pkt *p, struct wr_tcp_acked *a, wr_us_t now)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
	uint32_t bytes = wr_tcp_inflight_bytes(c, m);

	wr_tcp_rack_delivered(c, d, m, p, a, now);
	if (priv->sent == 1)
		a->rtt_us = (uint32_t)max64(min64(now - priv->sent_us, UINT32_MAX), 1u);
	wr_tcp_inflight_not_lost(c, m);
	wr_tcp_inflight_gone(d, m);
	priv->flags |= WR_MBUF_F_SACKED;
	if ((priv->flags & WR_MBUF_F_BEGIN) && d->sacked_segs < UINT8_MAX)
		d->sacked_segs++;
	c->sacked_bytes += bytes;
	a->delivered += bytes;
	a->sacked = true;
	if (d->sack_top == NULL || wr_seq_gt(priv->seq, wr_mbuf_priv(d->sack_top)->seq))
		d->sack_top = m;
	else
		d->sack_cur = m;
}

// Mark the whole entries inside of block b, from the one that holds `from` up to `to`.
static void mark_range(struct wr_tcp_conn *c, struct wr_tcp_disorder *d,
	const struct wr_sack_block *b, uint32_t from, uint32_t to, const struct wr_pkt *p,
	struct wr_tcp_acked *a, wr_us_t now)
{
	struct rte_mbuf *m = start_of(c, d, from);

	for (; m != NULL; m = wr_mbuf_priv(m)->next) {
		const struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
		uint32_t end = priv->seq + m->data_len;

		if (wr_seq_geq(priv->seq, to))
			return;
		if (wr_seq_leq(end, from) || (priv->flags & WR_MBUF_F_SACKED))
			continue;
		if (wr_seq_geq(wr_seq_max(priv->seq, c->snd_una), b->left) &&
			wr_seq_leq(end, b->right))
			mark_entry(c, d, m, p, a, now);
	}
}

// What the last ACK said already is not looked at again; a block that has grown is looked at where
// it did.
static void mark_block(struct wr_tcp_conn *c, struct wr_tcp_disorder *d,
	const struct wr_sack_block *b, const struct wr_pkt *p, struct wr_tcp_acked *a, wr_us_t now)
{
	uint32_t from = b->left, to = b->right;

	for (uint32_t i = 0; i < d->seen_count; i++) {
		const struct wr_sack_block *o = &d->seen[i];

		if (wr_seq_leq(o->left, from) && wr_seq_geq(o->right, to))
			return;
		if (wr_seq_leq(o->left, from) && wr_seq_gt(o->right, from))
			from = o->right;
		else if (wr_seq_geq(o->right, to) && wr_seq_lt(o->left, to))
			to = o->left;
	}
	if (wr_seq_lt(from, to))
		mark_range(c, d, b, from, to, p, a, now);
}

// Blocks that are inverted, acknowledged already or beyond what was sent are ignored (tcp-cases
// 28).
void wr_tcp_sack_mark(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g,
	struct wr_tcp_acked *a, wr_us_t now)
{
	const struct wr_pkt *p = g->p;
	struct wr_sack_block good[WR_TCP_MAX_SACK];
	struct wr_tcp_disorder *d;
	uint32_t n = 0, i = 0;

	if (is_dsack(p, g->ack)) {
		a->dsack = true;
		a->dsack_block = p->sack[i++];
		wr_tcp_count(s, WR_CTR_tcp_dsack_in, 1);
	}
	for (; i < p->sack_count; i++) {
		uint32_t left = p->sack[i].left, right = p->sack[i].right;

		if (wr_seq_lt(left, right) && wr_seq_gt(left, wr_seq_max(c->snd_una, g->ack)) &&
			wr_seq_leq(right, c->snd_nxt))
			good[n++] = p->sack[i];
	}
	if (n == 0)
		return;
	d = wr_tcp_disorder_need(s, c);
	if (unlikely(d == NULL))
		return;
	for (i = 0; i < n; i++)
		mark_block(c, d, &good[i], p, a, now);
	memcpy(d->seen, good, n * sizeof(good[0]));
	d->seen_count = (uint8_t)n;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Selective acknowledgement (RFC 2018): the blocks we report, kept up to date as the store changes,
// and the blocks the peer reports, marked on the send queue.

static bool touches(const struct wr_sack_block *b, uint32_t left, uint32_t right)
{
	return wr_seq_leq(left, b->right) && wr_seq_geq(right, b->left);
}

// [left, right) arrived out of order: it joins the block that it touches, and that block comes
// first (RFC 2018 4).
void wr_tcp_sack_note(struct wr_tcp_conn *c, uint32_t left, uint32_t right)
{
	struct wr_sack_block kept[WR_TCP_MAX_SACK];
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->sack_count; i++) {
		if (touches(&c->sack[i], left, right)) {
			left = wr_seq_min(left, c->sack[i].left);
			right = wr_seq_max(right, c->sack[i].right);
		} else {
			kept[n++] = c->sack[i];
		}
	}
	if (n == WR_TCP_MAX_SACK)
		n--; // the oldest is forgotten; the peer has heard of it
	c->sack[0] = (struct wr_sack_block){left, right};
	for (uint32_t i = 0; i < n; i++)
		c->sack[i + 1] = kept[i];
	c->sack_count = (uint8_t)(n + 1);
}

// RCV.NXT moved: blocks below it are acknowledged now.
void wr_tcp_sack_advance(struct wr_tcp_conn *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->sack_count; i++)
		if (wr_seq_gt(c->sack[i].left, c->rcv_nxt))
			c->sack[n++] = c->sack[i];
	c->sack_count = (uint8_t)n;
}

// The store was cut off from `from` on: what is reported must be held.
void wr_tcp_sack_cut(struct wr_tcp_conn *c, uint32_t from)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->sack_count; i++) {
		if (wr_seq_geq(c->sack[i].left, from))
			continue;
		c->sack[n] = c->sack[i];
		c->sack[n].right = wr_seq_min(c->sack[n].right, from);
		n++;
	}
	c->sack_count = (uint8_t)n;
}

static bool covered(const struct wr_sack_block *b, uint32_t n, uint32_t left, uint32_t right)
{
	for (uint32_t i = 0; i < n; i++)
		if (wr_seq_geq(left, b[i].left) && wr_seq_leq(right, b[i].right))
			return true;
	return false;
}

// Mark whole queue entries that the peer holds, in one pass. Blocks that are inverted, acknowledged
// already or beyond what was sent are ignored (tcp-cases 28); a first block below SND.UNA is a
// D-SACK (RFC 2883) and marks nothing.
void wr_tcp_sack_mark(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_pkt *p)
{
	struct wr_sack_block good[WR_TCP_MAX_SACK];
	uint32_t n = 0, end = c->snd_una;
	struct rte_mbuf *m;

	for (uint32_t i = 0; i < p->sack_count; i++) {
		uint32_t left = p->sack[i].left, right = p->sack[i].right;

		if (!wr_seq_lt(left, right) || !wr_seq_gt(left, c->snd_una) ||
			!wr_seq_leq(right, c->snd_nxt))
			continue;
		good[n++] = p->sack[i];
		end = wr_seq_max(end, right);
	}
	if (n == 0)
		return;
	wr_mq_foreach (m, &c->sndq) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
		uint32_t right = priv->seq + m->data_len;

		if (wr_seq_gt(right, end))
			return;
		if ((priv->flags & WR_MBUF_F_SACKED) || !covered(good, n, priv->seq, right))
			continue;
		priv->flags |= WR_MBUF_F_SACKED;
		c->sacked_bytes += m->data_len;
	}
}

// The peer may renege (RFC 2018 8): after a time-out nothing counts as held (tcp-cases 27).
void wr_tcp_sack_forget(struct wr_tcp_conn *c)
{
	struct rte_mbuf *m;

	if (c->sacked_bytes == 0)
		return;
	wr_mq_foreach (m, &c->sndq)
		wr_mbuf_priv(m)->flags &= (uint16_t)~WR_MBUF_F_SACKED;
	c->sacked_bytes = 0;
}

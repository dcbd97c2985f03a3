/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// The send queue: written payload until it is acknowledged. Entries are numbered by priv.seq and
// are never changed: one that is acknowledged in part is the head, and SND.UNA tells how far.

void wr_tcp_sendq_append(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_mq *in)
{
	struct rte_mbuf *m;

	while ((m = wr_mq_pop(in)) != NULL) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

		// buffers that the application made count from here on
		if (!(priv->flags & (WR_MBUF_F_RX | WR_MBUF_F_COPY))) {
			bool small = m->pool == s->small;

			priv->flags = small ? WR_MBUF_F_COPY : WR_MBUF_F_RX;
			s->held_small += small;
			s->held_rx += !small;
		}
		if (unlikely(m->data_len == 0)) {
			wr_tcp_buf_free(s, m);
			continue;
		}
		priv->flags &= WR_MBUF_F_RX | WR_MBUF_F_COPY;
		priv->seq = c->snd_end;
		priv->sent = 0;
		priv->sent_us = 0;
		c->snd_end += m->data_len;
		s->send_queue_bytes += m->data_len;
		wr_mq_append(&c->sndq, m);
		if (c->snd_cur == NULL)
			c->snd_cur = m;
	}
}

// All of the entry arrived.
static void entry_acked(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m,
	const struct wr_tcp_seg *g, struct wr_tcp_acked *a, wr_us_t now)
{
	uint32_t bytes = wr_tcp_inflight_bytes(c, m);

	if (wr_mbuf_priv(m)->flags & WR_MBUF_F_SACKED) {
		c->sacked_bytes -= bytes;
	} else {
		a->delivered += bytes;
		wr_tcp_inflight_not_lost(c, m);
		if (d != NULL)
			wr_tcp_rack_delivered(c, d, m, g->p, a, now);
	}
	if (c->rtx_cur == m)
		wr_tcp_inflight_not_lost(c, m); // moves the hint on
	if (d == NULL)
		return;
	wr_tcp_inflight_gone(d, m);
	if (d->sack_cur == m)
		d->sack_cur = NULL;
	if (d->sack_top == m) {
		d->sack_top = NULL;
		d->sacked_segs = 0;
	}
}

// A part of the head arrived; the rest keeps its marks.
static void head_acked(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m,
	uint32_t upto, struct wr_tcp_acked *a)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
	uint32_t from = wr_seq_max(priv->seq, c->snd_una);
	uint32_t bytes;

	if (wr_seq_leq(upto, from))
		return;
	bytes = upto - from;
	if (priv->flags & WR_MBUF_F_SACKED) {
		c->sacked_bytes -= bytes;
		return;
	}
	a->delivered += bytes;
	if (upto == c->snd_nxt) { // nothing more of it is out
		wr_tcp_inflight_not_lost(c, m);
		if (d != NULL)
			wr_tcp_inflight_gone(d, m);
	}
	if (!(priv->flags & WR_MBUF_F_LOST))
		return;
	if (m == c->rtx_cur && wr_seq_gt(c->rtx_nxt, from)) {
		bytes -= min32(bytes, c->rtx_nxt - from);
		c->rtx_nxt = wr_seq_max(c->rtx_nxt, upto);
	}
	c->lost_bytes -= bytes;
}

void wr_tcp_sendq_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_seg *g,
	wr_us_t now, struct wr_tcp_acked *a, struct wr_tcp_sample *sample)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	uint32_t upto = wr_seq_min(g->ack, c->snd_end);
	struct rte_mbuf *m;

	*sample = (struct wr_tcp_sample){.resent_us = 0};
	if (unlikely(wr_seq_leq(upto, c->snd_una))) {
		sample->fin_only = true;
		return;
	}
	a->bytes = upto - c->snd_una;
	while ((m = c->sndq.head) != NULL) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

		if (wr_seq_gt(priv->seq + m->data_len, upto))
			break;
		if (priv->sent == 1 && !(priv->flags & WR_MBUF_F_SACKED))
			sample->rtt_us =
				(uint32_t)max64(min64(now - priv->sent_us, UINT32_MAX), 1u);
		if (priv->sent > 1)
			sample->resent_us = max64(sample->resent_us, priv->sent_us);
		entry_acked(c, d, m, g, a, now);
		wr_mq_pop(&c->sndq);
		wr_tcp_buf_free(s, m);
	}
	if (m != NULL)
		head_acked(c, d, m, upto, a);
	// Karn: an ACK that covers anything sent twice gives no sample, also not of the rest, which
	// may have waited at the peer for what was repeated
	if (m != NULL && wr_mbuf_priv(m)->sent > 1 && wr_seq_lt(wr_mbuf_priv(m)->seq, upto))
		sample->resent_us = max64(sample->resent_us, wr_mbuf_priv(m)->sent_us);
	if (sample->resent_us != 0)
		sample->rtt_us = 0;
	s->send_queue_bytes -= a->bytes;
	wr_tcp_count(s, WR_CTR_pay_tx_bytes, a->bytes);
}

uint64_t wr_tcp_sendq_purge(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	uint64_t bytes = wr_tcp_unacked_payload(c);

	if (d != NULL) {
		d->sent = NULL;
		d->sack_cur = NULL;
		d->sack_top = NULL;
	}
	wr_tcp_mq_free(s, &c->sndq);
	s->send_queue_bytes -= bytes;
	c->snd_end -= (uint32_t)bytes;
	c->snd_cur = NULL;
	c->rtx_cur = NULL;
	c->sacked_bytes = 0;
	c->lost_bytes = 0;
	return bytes;
}

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

uint32_t wr_tcp_sendq_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t ack,
	wr_us_t now, struct wr_tcp_sample *sample)
{
	uint32_t upto = wr_seq_min(ack, c->snd_end);
	uint32_t bytes = upto - c->snd_una;
	struct rte_mbuf *m;

	*sample = (struct wr_tcp_sample){.resent_us = c->last_send_us};
	if (unlikely(wr_seq_leq(upto, c->snd_una)))
		return 0; // only the FIN
	sample->resent_us = 0;
	while ((m = c->sndq.head) != NULL) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

		if (wr_seq_gt(priv->seq + m->data_len, upto))
			break;
		if (priv->flags & WR_MBUF_F_SACKED)
			c->sacked_bytes -= m->data_len;
		else if (priv->sent == 1)
			sample->rtt_us =
				(uint32_t)max64(min64(now - priv->sent_us, UINT32_MAX), 1u);
		if (priv->sent > 1)
			sample->resent_us = max64(sample->resent_us, priv->sent_us);
		wr_mq_pop(&c->sndq);
		wr_tcp_buf_free(s, m);
	}
	// Karn: an ACK that covers anything sent twice gives no sample, also not of the rest, which
	// may have waited at the peer for what was repeated
	if (m != NULL && wr_mbuf_priv(m)->sent > 1 && wr_seq_lt(wr_mbuf_priv(m)->seq, upto))
		sample->resent_us = max64(sample->resent_us, wr_mbuf_priv(m)->sent_us);
	if (sample->resent_us != 0)
		sample->rtt_us = 0;
	s->send_queue_bytes -= bytes;
	c->bytes_out += bytes;
	wr_tcp_count(s, WR_CTR_pay_tx_bytes, bytes);
	return bytes;
}

uint64_t wr_tcp_sendq_purge(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint64_t bytes = wr_tcp_unacked_payload(c);

	wr_tcp_mq_free(s, &c->sndq);
	s->send_queue_bytes -= bytes;
	c->snd_end -= (uint32_t)bytes;
	c->snd_cur = NULL;
	c->rtx_cur = NULL;
	c->sacked_bytes = 0;
	return bytes;
}

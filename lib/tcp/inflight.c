/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Which queue entries are in the network, and which are deemed lost. The ring holds what was sent
// and is neither SACKed nor lost, in the order of sending, so that time-based loss detection looks
// at no entry twice (RFC 8985 6.2). Lost entries keep their place in the queue; a hint tells where
// the first one is.

void wr_tcp_inflight_gone(struct wr_tcp_disorder *d, struct rte_mbuf *m)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

	if (!(priv->flags & WR_MBUF_F_SENT))
		return;
	priv->flags &= (uint16_t)~WR_MBUF_F_SENT;
	if (priv->later == m) {
		d->sent = NULL;
		return;
	}
	wr_mbuf_priv(priv->later)->earlier = priv->earlier;
	wr_mbuf_priv(priv->earlier)->later = priv->later;
	if (d->sent == m)
		d->sent = priv->later;
}

void wr_tcp_inflight_sent(struct wr_tcp_disorder *d, struct rte_mbuf *m)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
	struct rte_mbuf *before;

	wr_tcp_inflight_gone(d, m);
	priv->flags |= WR_MBUF_F_SENT;
	if (d->sent == NULL) {
		d->sent = priv->later = priv->earlier = m;
		return;
	}
	// the newest one, but for what an undone recovery puts back
	before = wr_mbuf_priv(d->sent)->earlier;
	while (unlikely(wr_mbuf_priv(before)->sent_us > priv->sent_us) && before != d->sent)
		before = wr_mbuf_priv(before)->earlier;
	if (unlikely(wr_mbuf_priv(before)->sent_us > priv->sent_us)) {
		before = wr_mbuf_priv(before)->earlier;
		d->sent = m;
	}
	priv->earlier = before;
	priv->later = wr_mbuf_priv(before)->later;
	wr_mbuf_priv(priv->later)->earlier = m;
	wr_mbuf_priv(before)->later = m;
}

// Without disorder, the order of sending is that of the numbers.
void wr_tcp_inflight_build(struct wr_tcp_conn *c, struct wr_tcp_disorder *d)
{
	struct rte_mbuf *m;

	wr_mq_foreach (m, &c->sndq) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

		if (wr_seq_geq(priv->seq, c->snd_nxt))
			return;
		if (wr_tcp_inflight_bytes(c, m) > 0 &&
			!(priv->flags & (WR_MBUF_F_SACKED | WR_MBUF_F_LOST)))
			wr_tcp_inflight_sent(d, m);
	}
}

static struct wr_mbuf_priv *priv_of(const struct rte_mbuf *m)
{
	return wr_mbuf_priv((struct rte_mbuf *)(uintptr_t)m);
}

uint32_t wr_tcp_inflight_bytes(const struct wr_tcp_conn *c, const struct rte_mbuf *m)
{
	uint32_t seq = priv_of(m)->seq;
	uint32_t from = wr_seq_max(seq, c->snd_una);
	uint32_t to = wr_seq_min(seq + m->data_len, c->snd_nxt);

	return wr_seq_gt(to, from) ? to - from : 0;
}

// Of a lost entry, what was not sent again yet.
static uint32_t lost_part(const struct wr_tcp_conn *c, const struct rte_mbuf *m)
{
	uint32_t bytes = wr_tcp_inflight_bytes(c, m);
	uint32_t from = wr_seq_max(priv_of(m)->seq, c->snd_una);

	if (m == c->rtx_cur && wr_seq_gt(c->rtx_nxt, from))
		bytes -= min32(bytes, c->rtx_nxt - from);
	return bytes;
}

static void hint_at(struct wr_tcp_conn *c, struct rte_mbuf *m)
{
	c->rtx_cur = m;
	c->rtx_nxt = m != NULL ? wr_seq_max(wr_mbuf_priv(m)->seq, c->snd_una) : c->snd_una;
}

uint32_t wr_tcp_inflight_lost(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
	uint32_t bytes = wr_tcp_inflight_bytes(c, m);

	if (bytes == 0 || (priv->flags & (WR_MBUF_F_SACKED | WR_MBUF_F_LOST)))
		return 0;
	if (d != NULL)
		wr_tcp_inflight_gone(d, m);
	if (c->rtx_cur == NULL || wr_seq_lt(priv->seq, wr_mbuf_priv(c->rtx_cur)->seq)) {
		// the entry that was being sent again is to be sent as a whole later
		if (c->rtx_cur != NULL && (wr_mbuf_priv(c->rtx_cur)->flags & WR_MBUF_F_LOST))
			c->lost_bytes +=
				wr_tcp_inflight_bytes(c, c->rtx_cur) - lost_part(c, c->rtx_cur);
		hint_at(c, m);
	} else if (c->rtx_cur == m) {
		hint_at(c, m);
	}
	priv->flags |= WR_MBUF_F_LOST;
	c->lost_bytes += bytes;
	return bytes;
}

void wr_tcp_inflight_not_lost(struct wr_tcp_conn *c, struct rte_mbuf *m)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

	if (priv->flags & WR_MBUF_F_LOST)
		c->lost_bytes -= lost_part(c, m);
	priv->flags &= (uint16_t)~WR_MBUF_F_LOST;
	if (c->rtx_cur == m)
		hint_at(c, priv->next);
}

void wr_tcp_inflight_all_lost(struct wr_tcp_conn *c, struct wr_tcp_disorder *d)
{
	struct rte_mbuf *m;

	c->lost_bytes = 0;
	hint_at(c, c->sndq.head);
	wr_mq_foreach (m, &c->sndq) {
		struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

		if (wr_seq_geq(priv->seq, c->snd_nxt))
			return;
		if (d != NULL)
			wr_tcp_inflight_gone(d, m);
		if (priv->flags & WR_MBUF_F_SACKED)
			continue;
		priv->flags |= WR_MBUF_F_LOST;
		c->lost_bytes += wr_tcp_inflight_bytes(c, m);
	}
}

void wr_tcp_inflight_none_lost(struct wr_tcp_conn *c, struct wr_tcp_disorder *d)
{
	struct rte_mbuf *m;

	wr_mq_foreach (m, &c->sndq) {
		if (wr_seq_geq(wr_mbuf_priv(m)->seq, c->snd_nxt))
			break;
		wr_mbuf_priv(m)->flags &= (uint16_t)~WR_MBUF_F_LOST;
	}
	c->lost_bytes = 0;
	hint_at(c, NULL);
	while (d->sent != NULL)
		wr_tcp_inflight_gone(d, d->sent);
	wr_tcp_inflight_build(c, d);
}

struct rte_mbuf *wr_tcp_inflight_next_lost(struct wr_tcp_conn *c)
{
	if (c->lost_bytes == 0)
		return NULL;
	while (c->rtx_cur != NULL && !(wr_mbuf_priv(c->rtx_cur)->flags & WR_MBUF_F_LOST))
		hint_at(c, wr_mbuf_priv(c->rtx_cur)->next);
	if (c->rtx_cur != NULL && wr_seq_lt(c->rtx_nxt, c->snd_una))
		c->rtx_nxt = c->snd_una;
	return c->rtx_cur;
}

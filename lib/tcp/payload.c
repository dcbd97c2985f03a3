/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Payload buffers: which received ones may be kept, and how the rest is copied.

void wr_tcp_buf_free(struct wr_tcp_stack *s, struct rte_mbuf *m)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

	if (priv->flags & WR_MBUF_F_RX)
		s->held_rx--;
	else
		s->held_small--;
	// whoever finds the buffer in its pool next trusts that flags are clear
	priv->flags = 0;
	priv->next = NULL;
	rte_pktmbuf_free_seg(m);
}

uint64_t wr_tcp_mq_free(struct wr_tcp_stack *s, struct wr_mq *q)
{
	uint64_t bytes = q->bytes;
	struct rte_mbuf *m;

	while ((m = wr_mq_pop(q)) != NULL)
		wr_tcp_buf_free(s, m);
	return bytes;
}

void wr_tcp_payload_copy(void *to, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	const void *from = rte_pktmbuf_read(m, off, len, to);

	if (from != to && from != NULL)
		memcpy(to, from, len);
}

// Under pressure payload is copied when it fills less than a quarter of the room that it would pin,
// while there are small buffers to copy to.
bool wr_tcp_payload_compacts(struct wr_tcp_stack *s, const struct rte_mbuf *m, uint32_t len)
{
	uint32_t room = m->buf_len > RTE_PKTMBUF_HEADROOM ? m->buf_len - RTE_PKTMBUF_HEADROOM : 0;

	if (len < WR_COPY_BYTES)
		return true;
	if (len >= m->nb_segs * room / 4 || s->held_small >= s->cfg.small_budget)
		return false;
	wr_tcp_count(s, WR_CTR_pay_compacted, 1);
	return true;
}

// A buffer may be kept when nobody else can see it and it has our private area: not indirect,
// shared or external.
static bool keepable(const struct rte_mbuf *m)
{
	return RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 &&
	       m->priv_size >= WR_MBUF_PRIV_SIZE;
}

static void mark_held(struct wr_tcp_stack *s, struct rte_mbuf *m)
{
	struct wr_mbuf_priv *priv = wr_mbuf_priv(m);

	if (m->pool != s->small) {
		priv->flags = WR_MBUF_F_RX;
		s->held_rx++;
	} else {
		priv->flags = WR_MBUF_F_COPY;
		s->held_small++;
	}
	priv->sent = 0;
	priv->sent_us = 0;
}

// Copy [off, off + len) of m to small buffers at the end of *out. On failure *out has what was
// copied so far; the caller takes it back.
static bool copy_out(struct wr_tcp_stack *s, const struct rte_mbuf *m, uint32_t off, uint32_t len,
	struct wr_mq *out)
{
	while (len > 0) {
		struct rte_mbuf *n = NULL;
		uint32_t part;

		if (likely(s->held_small < s->cfg.small_budget))
			n = rte_pktmbuf_alloc(s->small);
		if (unlikely(n == NULL))
			return false;
		part = min32(len, (uint32_t)rte_pktmbuf_tailroom(n));
		wr_tcp_payload_copy(rte_pktmbuf_append(n, (uint16_t)part), m, off, part);
		mark_held(s, n);
		wr_mq_append(out, n);
		off += part;
		len -= part;
	}
	return true;
}

// Trim a segment of a chain, taken out of it already, to [off, off + len) and hold it.
static void hold(
	struct wr_tcp_stack *s, struct rte_mbuf *m, uint32_t off, uint32_t len, struct wr_mq *out)
{
	m->data_off = (uint16_t)(m->data_off + off);
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	m->nb_segs = 1;
	m->next = NULL;
	mark_held(s, m);
	wr_mq_append(out, m);
}

// Every segment of a chain that can be kept is; the others are copied first, so that failure
// leaves the chain whole. What is kept is decided once: another thread may drop its reference
// to a shared segment meanwhile.
static bool take_chain(struct wr_tcp_stack *s, struct rte_mbuf **chain, uint32_t off, uint32_t len,
	struct wr_mq *out)
{
	struct wr_mq copies = {0};
	uint64_t keep = 0, bit = 1;
	uint32_t at = 0;
	struct rte_mbuf *m, *next;

	for (m = *chain; m != NULL; at += m->data_len, m = m->next, bit <<= 1) {
		uint32_t from = max32(at, off), to = min32(at + m->data_len, off + len);

		if (from >= to)
			continue;
		if (bit != 0 && to - from >= WR_COPY_BYTES && keepable(m)) {
			keep |= bit;
		} else if (!copy_out(s, m, from - at, to - from, &copies)) {
			wr_tcp_mq_free(s, &copies);
			return false;
		}
	}
	wr_tcp_count(s, WR_CTR_pay_copied_bytes, copies.bytes);
	at = 0;
	bit = 1;
	for (m = *chain; m != NULL; m = next, bit <<= 1) {
		uint32_t from = max32(at, off), to = min32(at + m->data_len, off + len);

		next = m->next;
		if (keep & bit) {
			uint32_t whole = m->data_len;

			hold(s, m, from - at, to - from, out);
			at += whole;
			continue;
		}
		at += m->data_len;
		for (uint32_t got = 0; from < to && got < to - from;) {
			struct rte_mbuf *n = wr_mq_pop(&copies);

			got += n->data_len;
			wr_mq_append(out, n);
		}
		rte_pktmbuf_free_seg(m);
	}
	*chain = NULL;
	return true;
}

bool wr_tcp_payload_take(struct wr_tcp_stack *s, struct rte_mbuf **m, uint32_t off, uint32_t len,
	bool keep, struct wr_mq *out)
{
	struct wr_mq copies = {0};

	if (keep && len >= WR_COPY_BYTES) {
		if (unlikely((*m)->nb_segs > 1))
			return take_chain(s, m, off, len, out);
		if (likely(keepable(*m))) {
			hold(s, *m, off, len, out);
			*m = NULL;
			return true;
		}
	}
	if (unlikely(!copy_out(s, *m, off, len, &copies))) {
		wr_tcp_mq_free(s, &copies);
		return false;
	}
	wr_tcp_count(s, WR_CTR_pay_copied_bytes, len);
	wr_mq_concat(out, &copies);
	return true;
}

bool wr_tcp_payload_append(struct wr_tcp_stack *s, struct rte_mbuf *tail, const struct rte_mbuf *m,
	uint32_t off, uint32_t len)
{
	if (!(wr_mbuf_priv(tail)->flags & WR_MBUF_F_COPY) || rte_mbuf_refcnt_read(tail) != 1 ||
		rte_pktmbuf_tailroom(tail) < len)
		return false;
	wr_tcp_payload_copy(rte_pktmbuf_mtod_offset(tail, void *, tail->data_len), m, off, len);
	tail->data_len = (uint16_t)(tail->data_len + len);
	tail->pkt_len = tail->data_len;
	wr_tcp_count(s, WR_CTR_pay_copied_bytes, len);
	return true;
}

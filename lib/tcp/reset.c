/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include "wr_build.h"

// Answers without a connection, built at once and sent first by the next output: they need no
// connection afterwards. The ring is bounded; one too many is dropped and counted, since the peer's
// next segment asks again.

bool wr_tcp_answer(struct wr_tcp_stack *s, const struct wr_tcp_hdr *h, uint32_t path)
{
	struct rte_mbuf *m = NULL;

	if (likely(s->answer_count < WR_TCP_ANSWERS))
		m = rte_pktmbuf_alloc(s->small);
	if (unlikely(m == NULL || wr_build_tcp(m, h) != 0)) {
		rte_pktmbuf_free(m);
		return false;
	}
	m->hash.usr = path;
	s->answers[(s->answer_head + s->answer_count) % WR_TCP_ANSWERS] = m;
	s->answer_count++;
	wr_tcp_count(s, WR_CTR_tcp_segs_out, 1);
	return true;
}

static void reset(struct wr_tcp_stack *s, const struct wr_tcp_hdr *h, uint32_t path)
{
	if (likely(wr_tcp_answer(s, h, path)))
		wr_tcp_count(s, WR_CTR_tcp_rst_out, 1);
	else
		wr_stats_drop(s->stats, WR_DROP_no_mbuf, 1);
}

// RFC 9293 3.10.7.1
void wr_tcp_reset_answer(struct wr_tcp_stack *s, const struct wr_tcp_seg *g, uint32_t path)
{
	const struct wr_pkt *p = g->p;
	struct wr_tcp_hdr h = {.t = &p->t};

	if (p->flags & WR_TCP_RST)
		return;
	if (p->flags & WR_TCP_ACK) {
		h.seq = p->ack;
		h.flags = WR_TCP_RST;
	} else {
		h.ack = p->seq + p->payload_len + !!(p->flags & WR_TCP_SYN) +
		        !!(p->flags & WR_TCP_FIN);
		h.flags = WR_TCP_RST | WR_TCP_ACK;
	}
	reset(s, &h, path);
}

void wr_tcp_reset_conn(struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	struct wr_tcp_hdr h = {.t = &c->t,
		.seq = c->state == WR_TCP_ST_LISTEN ? 0 : c->snd_nxt,
		.ack = c->rcv_nxt,
		.flags = WR_TCP_RST | WR_TCP_ACK};

	reset(s, &h, c->path);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include "wr_build.h"

// Answers without a connection, built at once and sent first by the next output: they need no
// connection afterwards. The ring is bounded; one too many is dropped and counted, since the peer's
// next segment asks again. Some of it is for the resets of connections alone: those end what holds
// memory, here and there.

bool wr_tcp_answer(struct wr_tcp_stack *s, const struct wr_tcp_hdr *h, uint32_t path, uint32_t most)
{
	struct rte_mbuf *m = NULL;

	if (likely(s->answer_count < most))
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

enum wr_drop wr_tcp_answer_lost(const struct wr_tcp_stack *s)
{
	bool full = s->answer_count >= WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT;

	return full ? WR_DROP_answers_full : WR_DROP_no_mbuf;
}

static bool reset(struct wr_tcp_stack *s, const struct wr_tcp_hdr *h, uint32_t path, uint32_t most)
{
	if (unlikely(!wr_tcp_answer(s, h, path, most)))
		return false;
	wr_tcp_count(s, WR_CTR_tcp_rst_out, 1);
	return true;
}

static void count_unsent(struct wr_tcp_stack *s, bool sent)
{
	if (unlikely(!sent))
		wr_stats_drop(s->stats, wr_tcp_answer_lost(s), 1);
}

// A token bucket, kept as the time at which the next token is due.
static bool within_rate(struct wr_tcp_stack *s, wr_us_t now)
{
	int64_t now_ns;

	if (likely(s->reset_step_ns == 0))
		return true;
	now_ns = (int64_t)now * 1000;
	if (s->reset_ns > now_ns) {
		wr_tcp_count(s, WR_CTR_resets_withheld, 1);
		return false;
	}
	s->reset_ns = RTE_MAX(s->reset_ns, now_ns - s->reset_ahead_ns) + s->reset_step_ns;
	return true;
}

// RFC 9293 3.10.7.1
static inline bool answer(
	struct wr_tcp_stack *s, const struct wr_tcp_seg *g, uint32_t path, uint32_t most)
{
	const struct wr_pkt *p = g->p;
	struct wr_tcp_hdr h = {.t = &p->t};

	if (p->flags & WR_TCP_ACK) {
		h.seq = p->ack;
		h.flags = WR_TCP_RST;
	} else {
		h.ack = p->seq + p->payload_len + !!(p->flags & WR_TCP_SYN) +
		        !!(p->flags & WR_TCP_FIN);
		h.flags = WR_TCP_RST | WR_TCP_ACK;
	}
	return reset(s, &h, path, most);
}

bool wr_tcp_reset_answer(struct wr_tcp_stack *s, const struct wr_tcp_seg *g, wr_us_t now)
{
	bool sent;

	if (g->p->flags & WR_TCP_RST)
		return true;
	if (unlikely(!within_rate(s, now)))
		return false;
	sent = answer(s, g, 0, WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT);
	count_unsent(s, sent);
	return true;
}

bool wr_tcp_reset_refused(
	struct wr_tcp_stack *s, const struct wr_tcp_seg *g, bool limited, wr_us_t now)
{
	if (limited && !within_rate(s, now))
		return false;
	return answer(s, g, 0, WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT);
}

void wr_tcp_reset_opening(
	struct wr_tcp_stack *s, const struct wr_tcp_conn *c, const struct wr_tcp_seg *g)
{
	if (!(g->p->flags & WR_TCP_RST))
		count_unsent(s, answer(s, g, c->path, WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT));
}

bool wr_tcp_reset_half_open(struct wr_tcp_stack *s, const struct wr_tcp_conn *c,
	const struct wr_tcp_seg *g, wr_us_t now)
{
	if (!(g->p->flags & WR_TCP_RST) && unlikely(!within_rate(s, now)))
		return false;
	wr_tcp_reset_opening(s, c, g);
	return true;
}

void wr_tcp_reset_conn(struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	struct wr_tcp_hdr h = {.t = &c->t,
		.seq = c->state == WR_TCP_ST_LISTEN ? 0 : c->snd_nxt,
		.ack = c->rcv_nxt,
		.flags = WR_TCP_RST | WR_TCP_ACK};

	count_unsent(s, reset(s, &h, c->path, WR_TCP_ANSWERS));
}

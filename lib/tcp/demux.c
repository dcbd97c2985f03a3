/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// From a burst of parsed packets to the connection that each belongs to, with everything that the
// steps will touch prefetched; and the books of what the steps did not take.

// RFC 9293 3.10.7.1 and .2: no connection; a SYN may begin one.
static enum wr_drop input_unknown(struct wr_tcp_stack *s, struct wr_tcp_seg *g, wr_us_t now)
{
	if (g->flags & WR_TCP_RST)
		return WR_DROP_tcp_no_conn_rst;
	if ((g->flags & (WR_TCP_SYN | WR_TCP_ACK | WR_TCP_FIN)) == 0)
		return WR_DROP_tcp_flags;
	if ((g->flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN)
		return wr_tcp_input_listen(s, g, 0, false, now);
	wr_tcp_reset_answer(s, g, 0);
	return WR_DROP_tcp_no_conn;
}

static enum wr_drop input_known(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_seg *g, wr_us_t now)
{
	switch (c->state) {
	case WR_TCP_ST_LISTEN:
		return wr_tcp_input_deferred(s, c, g, now);
	case WR_TCP_ST_SYN_SENT:
		return wr_tcp_input_syn_sent(s, c, g, now);
	case WR_TCP_ST_TIME_WAIT:
		return wr_tcp_input_time_wait(s, c, g, now);
	default:
		return wr_tcp_input_synchronised(s, c, g, now);
	}
}

// Every byte of payload that was not taken is told apart here.
static enum wr_drop payload_reason(enum wr_drop v)
{
	switch (v) {
	case WR_DROP_tcp_old:
	case WR_DROP_tcp_paws:
		return WR_DROP_pay_duplicate;
	case WR_DROP_tcp_no_conn:
	case WR_DROP_tcp_no_conn_rst:
	case WR_DROP_tcp_after_close:
	case WR_TCP_STOP:
		return WR_DROP_pay_closed;
	default:
		return WR_DROP_pay_trimmed;
	}
}

static void input_one(struct wr_tcp_stack *s, struct wr_pkt *p, uint64_t hash, wr_us_t now)
{
	struct wr_tcp_seg g = {.p = p,
		.seq = p->seq,
		.ack = p->ack,
		.len = p->payload_len,
		.off = wr_pkt_payload_offset(p),
		.flags = p->flags};
	struct wr_tcp_conn *c = wr_tcp_conn_lookup(s, hash, &p->t);
	enum wr_drop v;

	if (unlikely((g.flags & WR_TCP_SYN) && (g.flags & (WR_TCP_FIN | WR_TCP_RST))))
		v = WR_DROP_tcp_flags;
	else if (likely(c != NULL))
		v = input_known(s, c, &g, now);
	else
		v = input_unknown(s, &g, now);
	if (v != WR_DROP_NONE && v != WR_TCP_STOP)
		wr_stats_drop(s->stats, v, 1);
	if (g.len > 0)
		wr_stats_drop_bytes(s->stats, payload_reason(v), g.len);
	if (p->m != NULL)
		rte_pktmbuf_free(p->m);
}

void wr_tcp_input_burst(struct wr_tcp_stack *s, struct wr_pkt *pkts, uint16_t n, wr_us_t now)
{
	uint64_t hash[WR_TCP_PREFETCH];

	wr_tcp_count(s, WR_CTR_tcp_segs_in, n);
	while (n > 0) {
		uint16_t part = min32(n, (uint16_t)WR_TCP_PREFETCH);

		for (uint16_t i = 0; i < part; i++) {
			hash[i] = wr_hash_tuple(&s->cfg.secret[2], &pkts[i].t);
			wr_tcp_flow_prefetch(&s->flow, hash[i]);
		}
		for (uint16_t i = 0; i < part; i++) {
			wr_handle_t h = wr_tcp_flow_guess(&s->flow, hash[i]);
			char *c = wr_pool_at(&s->conns, wr_handle_index(h));

			rte_prefetch0(c);
			rte_prefetch0(c + 64);
			rte_prefetch0(c + 128);
		}
		for (uint16_t i = 0; i < part; i++)
			input_one(s, &pkts[i], hash[i], now);
		pkts += part;
		n = (uint16_t)(n - part);
	}
}

bool wr_tcp_owns(struct wr_tcp_stack *s, const struct wr_pkt *p)
{
	uint64_t hash = wr_hash_tuple(&s->cfg.secret[2], &p->t);

	return wr_tcp_conn_lookup(s, hash, &p->t) != NULL ||
	       wr_tcp_listener_lookup(s, &p->t.local, p->t.lport) != NULL;
}

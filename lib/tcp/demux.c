/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// From a burst of parsed packets to the connection that each belongs to, with everything that the
// steps will touch prefetched; and the books of what the steps did not take.

// RFC 9293 3.10.7.1 and .2: no connection; a SYN may begin one.
static enum wr_drop input_unknown(struct wr_tcp_stack *s, struct wr_tcp_seg *g, wr_us_t now)
{
	enum wr_drop v;

	if (g->flags & WR_TCP_RST)
		return WR_DROP_tcp_no_conn_rst;
	if ((g->flags & (WR_TCP_SYN | WR_TCP_ACK | WR_TCP_FIN)) == 0)
		return WR_DROP_tcp_flags;
	if ((g->flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN)
		return wr_tcp_input_listen(s, g, NULL, now);
	if (wr_tcp_cookie_input(s, g, now, &v))
		return v;
	// a listener answers only what has an ACK (RFC 9293 3.10.7.2)
	if (!(g->flags & WR_TCP_ACK) &&
		wr_tcp_listener_lookup(s, &g->p->t.local, g->p->t.lport) != NULL)
		return WR_DROP_tcp_no_ack;
	return wr_tcp_reset_answer(s, g, now) ? WR_DROP_tcp_no_conn : WR_DROP_reset_rate;
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
	case WR_DROP_reset_rate:
	case WR_DROP_tcp_cookie_wait:
	case WR_DROP_tcp_after_close:
	case WR_TCP_STOP:
		return WR_DROP_pay_closed;
	default:
		return WR_DROP_pay_trimmed;
	}
}

static void input_one(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_pkt *p, wr_us_t now)
{
	struct wr_tcp_seg g = {.p = p,
		.seq = p->seq,
		.ack = p->ack,
		.len = p->payload_len,
		.off = wr_pkt_payload_offset(p),
		.flags = p->flags};
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

static struct wr_tcp_conn *lookup_one(struct wr_tcp_stack *s, const struct wr_pkt *p)
{
	return wr_tcp_conn_lookup(s, wr_hash_tuple(&s->cfg.secret[2], &p->t), &p->t);
}

// The object may have been freed since, and may even be another connection by now.
static bool is_still(const struct wr_tcp_conn *c, const struct wr_pkt *p)
{
	return c != NULL && (c->flags & F_HASHED) && wr_tuple_eq(&c->t, &p->t);
}

// The first line came with the lookup; a segment with payload touches all the others.
static void prefetch_rest(void *const *conns, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uintptr_t c = (uintptr_t)conns[i]; // nothing behind NULL is read either

		for (size_t at = 64; at < sizeof(struct wr_tcp_conn); at += 64)
			rte_prefetch0((const void *)(c + at));
	}
}

void wr_tcp_input_burst(struct wr_tcp_stack *s, struct wr_pkt *pkts, uint16_t n, wr_us_t now)
{
	void *found[WR_TCP_FLOW_BURST];
	uint32_t changes;

	static_assert(offsetof(struct wr_tcp_conn, t) == 0, "the flow table compares it there");
	wr_tcp_count(s, WR_CTR_tcp_segs_in, n);
	while (n > 0) {
		uint16_t part = (uint16_t)min32(n, WR_TCP_FLOW_BURST);

		wr_tcp_flow_lookup_bulk(&s->flow, &s->conns, &s->cfg.secret[2], pkts, part, found);
		prefetch_rest(found, part);
		changes = s->flow.changes;
		for (uint16_t i = 0; i < part; i++) {
			struct wr_tcp_conn *c = found[i];

			// a packet before this one began or ended a connection
			if (unlikely(s->flow.changes != changes) && !is_still(c, &pkts[i]))
				c = lookup_one(s, &pkts[i]);
			input_one(s, c, &pkts[i], now);
		}
		pkts += part;
		n = (uint16_t)(n - part);
	}
}

bool wr_tcp_owns(struct wr_tcp_stack *s, const struct wr_pkt *p)
{
	return lookup_one(s, p) != NULL ||
	       wr_tcp_listener_lookup(s, &p->t.local, p->t.lport) != NULL;
}

bool wr_tcp_knows(struct wr_tcp_stack *s, const struct wr_pkt *p)
{
	const struct wr_tcp_conn *c = lookup_one(s, p);

	return c != NULL && c->state != WR_TCP_ST_TIME_WAIT;
}

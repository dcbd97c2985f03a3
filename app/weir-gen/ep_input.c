/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_priv.h"

#include <rte_mbuf.h>

// RFC 9293 3.10.7, with the reset and SYN checks of RFC 5961. Each step gives WR_DROP_NONE or the
// reason for which the segment, or its payload, went no further.

// --- no connection --------------------------------------------------------------------------

static uint32_t segment_len(const struct wr_pkt *p)
{
	return p->payload_len + ((p->flags & WR_TCP_SYN) ? 1u : 0) +
	       ((p->flags & WR_TCP_FIN) ? 1u : 0);
}

// RFC 9293 3.10.7.1
static void reset_for(struct ep_stack *s, const struct wr_pkt *p)
{
	if (p->flags & WR_TCP_RST)
		return;
	if (p->flags & WR_TCP_ACK)
		ep_reply(s, &p->t, p->ack, 0, WR_TCP_RST);
	else
		ep_reply(s, &p->t, 0, p->seq + segment_len(p), WR_TCP_RST | WR_TCP_ACK);
}

static enum wr_drop stray(struct ep_stack *s, const struct wr_pkt *p, const struct gen_now *now)
{
	const struct ep_listener *l;

	if ((p->flags & (WR_TCP_SYN | WR_TCP_ACK | WR_TCP_RST | WR_TCP_FIN)) == WR_TCP_SYN)
		return ep_syn(s, p, now);
	if (s->hooks > 0) {
		l = ep_listener_lookup(s, &p->t.local, p->t.lport);
		if (l != NULL && ep_listener_dead(s, l, &p->t, now))
			return WR_DROP_no_service;
	}
	s->counters.stray++;
	reset_for(s, p);
	return (p->flags & WR_TCP_RST) ? WR_DROP_tcp_no_conn_rst : WR_DROP_tcp_no_conn;
}

// --- opening --------------------------------------------------------------------------------

// False: the user ended it.
static bool opened(struct ep_conn *c, const struct gen_now *now)
{
	wr_handle_t h = c->handle;

	c->state = EP_ESTABLISHED;
	c->flags = (uint16_t)((c->flags | EP_F_TOLD) & ~EP_F_SYN);
	if (c->snd_nxt != ep_send_edge(c))
		ep_dirty(c);
	if (c->ops->opened != NULL)
		c->ops->opened(c, now);
	return c->handle == h;
}

// Our SYN is acknowledged.
static void syn_acked(struct ep_conn *c, const struct wr_pkt *p)
{
	struct ep_stack *s = c->s;

	c->snd_una = c->snd_nxt = c->iss + 1;
	c->snd_max = wr_seq_max(c->snd_max, c->snd_nxt);
	c->flags &= (uint16_t) ~(EP_F_RTO | EP_F_STUCK | EP_F_TIMED | EP_F_SYN);
	if (c->backoff == 0 && !(c->flags & EP_F_PASSIVE)) // Karn: sent once only
		c->srtt8 =
			(uint16_t)(RTE_MIN(RTE_MAX((uint16_t)((uint16_t)s->tick - c->rtt_tick), 1),
					   EP_RTT_MAX_TICKS)
				   << 3);
	c->rttvar4 = c->srtt8 >> 2;
	c->backoff = 0;
	c->wl1 = p->seq;
}

// RFC 9293 3.10.7.3
static enum wr_drop syn_sent(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now)
{
	bool good = (p->flags & WR_TCP_ACK) && p->ack == c->iss + 1 && c->snd_max == p->ack;

	if ((p->flags & WR_TCP_ACK) && !good) {
		reset_for(c->s, p);
		return WR_DROP_tcp_ack_unacceptable;
	}
	if (p->flags & WR_TCP_RST) {
		if (!good)
			return WR_DROP_tcp_rst_ignored;
		ep_conn_end(c, EP_END_REFUSED, now);
		return WR_DROP_NONE;
	}
	if (!(p->flags & WR_TCP_SYN) || (p->flags & WR_TCP_FIN))
		return WR_DROP_tcp_flags;
	ep_conn_options(c, p);
	if (good) {
		syn_acked(c, p);
		ep_ack_now(c);
		opened(c, now);
	} else {
		// RFC 9293 3.5: simultaneous open, answered by a SYN-ACK
		c->state = EP_SYN_RECEIVED;
		c->flags |= EP_F_SYN;
		ep_dirty(c);
	}
	return WR_DROP_NONE;
}

// --- checks ---------------------------------------------------------------------------------

static enum wr_drop challenge(struct ep_conn *c, enum wr_drop why)
{
	ep_ack_now(c);
	return why;
}

// RFC 5961 3.2
static enum wr_drop reset_in(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now)
{
	if (p->seq != c->rcv_nxt) {
		if (p->seq - c->rcv_nxt < ep_rcv_wnd(c))
			return challenge(c, WR_DROP_tcp_rst_challenge);
		return WR_DROP_tcp_rst_ignored;
	}
	if (c->state == EP_SYN_RECEIVED && !(c->flags & EP_F_PASSIVE))
		ep_conn_end(c, EP_END_REFUSED, now);
	else
		ep_conn_end(c, EP_END_RESET, now);
	return WR_DROP_NONE;
}

// Whether a SYN may replace what waits in TIME-WAIT (RFC 9293 3.10.7.4, RFC 6191).
static bool reuses(const struct ep_conn *c, const struct wr_pkt *p)
{
	if ((p->flags & (WR_TCP_SYN | WR_TCP_ACK | WR_TCP_RST | WR_TCP_FIN)) != WR_TCP_SYN)
		return false;
	if ((c->flags & EP_F_TS) && (p->opts & WR_TCPOPT_TS) &&
		(int32_t)(p->ts_val - c->ts_recent) > 0)
		return true;
	return wr_seq_geq(p->seq, c->rcv_nxt);
}

static bool paws(const struct ep_conn *c, const struct wr_pkt *p)
{
	return (c->flags & EP_F_TS) && (p->opts & WR_TCPOPT_TS) &&
	       (int32_t)(p->ts_val - c->ts_recent) < 0;
}

// Is there anything in the window, or an ACK at its edge (RFC 9293 3.4)?
static bool acceptable(const struct ep_conn *c, const struct wr_pkt *p)
{
	uint32_t wnd = ep_rcv_wnd(c);

	if (p->seq == c->rcv_nxt)
		return true; // also when the window is shut: its ACK counts
	if (wr_seq_lt(p->seq, c->rcv_nxt))
		return wr_seq_gt(p->seq + segment_len(p), c->rcv_nxt);
	return p->seq - c->rcv_nxt < wnd || (segment_len(p) == 0 && p->seq == c->rcv_adv);
}

static enum wr_drop check(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now)
{
	if (unlikely(p->flags & WR_TCP_RST))
		return reset_in(c, p, now);
	if (unlikely(p->flags & WR_TCP_SYN)) {
		if (c->state == EP_SYN_RECEIVED && p->seq == c->irs && !(p->flags & WR_TCP_ACK)) {
			if (!(c->flags & EP_F_HELD)) {
				c->flags |= EP_F_SYN;
				ep_dirty(c);
			}
			return WR_DROP_tcp_dup_syn;
		}
		return challenge(c, WR_DROP_tcp_syn_challenge); // RFC 5961 4.2
	}
	if (unlikely(paws(c, p)))
		return challenge(c, WR_DROP_tcp_paws); // RFC 7323 5.3
	if (unlikely(!acceptable(c, p))) {
		c->s->counters.duplicate += p->payload_len > 0 && wr_seq_lt(p->seq, c->rcv_nxt);
		if (c->state == EP_TIME_WAIT && (p->flags & WR_TCP_FIN) && c->s->time_wait > 0)
			ep_rto_in(c, c->s->time_wait);
		return challenge(c, WR_DROP_tcp_old);
	}
	if (unlikely(!(p->flags & WR_TCP_ACK)))
		return WR_DROP_tcp_no_ack;
	if (unlikely(wr_seq_gt(p->ack, c->snd_max))) {
		if (c->state == EP_SYN_RECEIVED)
			reset_for(c->s, p);
		else
			ep_ack_now(c);
		return WR_DROP_tcp_ack_unacceptable;
	}
	// RFC 7323 4.3: echo the earliest of what is not acknowledged yet
	if ((c->flags & EP_F_TS) && (p->opts & WR_TCPOPT_TS) && wr_seq_leq(p->seq, c->rcv_nxt) &&
		!(c->flags & (EP_F_ACK_NOW | EP_F_ACK_LATER)))
		c->ts_recent = p->ts_val;
	return WR_DROP_NONE;
}

// --- payload --------------------------------------------------------------------------------

// Show `len` bytes from offset `skip` of the payload, as pieces when the frame comes in some.
// False: the user ended the connection.
static bool show(struct ep_conn *c, const struct wr_pkt *p, uint32_t skip, uint32_t len,
	const struct gen_now *now)
{
	uint32_t offset = c->rcv_nxt - c->irs - 1, at = wr_pkt_payload_offset(p) + skip;
	const struct rte_mbuf *m = p->m;
	wr_handle_t h = c->handle;

	c->rcv_nxt += len;
	c->dups_due = 0;
	c->s->counters.bytes_in += len;
	if (c->flags & EP_F_HOLD)
		c->unread += len;
	if (c->ops->data == NULL)
		return true;
	for (; m != NULL && len > 0; m = m->next) {
		uint32_t n;

		if (at >= m->data_len) {
			at -= m->data_len;
			continue;
		}
		n = RTE_MIN(len, m->data_len - at);
		c->ops->data(c, rte_pktmbuf_mtod_offset(m, const uint8_t *, at), offset, n, now);
		if (c->handle != h)
			return false;
		offset += n;
		len -= n;
		at = 0;
	}
	return true;
}

// RFC 5681 4.2: every second large segment at once, others may wait for an answer to carry it.
static void acknowledge(struct ep_conn *c, uint32_t len)
{
	if (2 * len < c->mss) {
		ep_ack_later(c);
		return;
	}
	if (c->flags & EP_F_FULL) {
		ep_ack_now(c);
		return;
	}
	c->flags |= EP_F_FULL;
	ep_ack_later(c);
}

static void fin_in(struct ep_conn *c, const struct gen_now *now)
{
	wr_handle_t h = c->handle;

	c->rcv_nxt++;
	ep_ack_now(c);
	if (c->state == EP_ESTABLISHED)
		c->state = EP_CLOSE_WAIT;
	else if (c->state == EP_FIN_WAIT_1)
		c->state = EP_CLOSING;
	if (c->ops->fin != NULL)
		c->ops->fin(c, now);
	if (c->handle == h && c->state == EP_FIN_WAIT_2)
		ep_conn_time_wait(c, now);
}

static enum wr_drop payload(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now)
{
	uint32_t skip = c->rcv_nxt - p->seq, wnd = ep_rcv_wnd(c), len;
	bool fin = p->flags & WR_TCP_FIN;

	if (c->state != EP_ESTABLISHED && c->state != EP_FIN_WAIT_1 && c->state != EP_FIN_WAIT_2)
		return WR_DROP_pay_closed;
	if (unlikely(wr_seq_gt(p->seq, c->rcv_nxt))) {
		c->s->counters.out_of_order++;
		c->dups_due += c->dups_due < EP_DUPS_MAX;
		return challenge(c, WR_DROP_pay_ooo_limit);
	}
	c->s->counters.duplicate += skip > 0;
	len = p->payload_len - skip;
	if (unlikely(len > wnd)) {
		len = wnd;
		fin = false;
		ep_ack_now(c);
	}
	if (len > 0) {
		acknowledge(c, len);
		if (!show(c, p, skip, len, now))
			return WR_DROP_NONE;
	}
	if (fin && (c->state == EP_ESTABLISHED || c->state == EP_FIN_WAIT_1 ||
			   c->state == EP_FIN_WAIT_2))
		fin_in(c, now);
	return len == 0 && p->payload_len > skip ? WR_DROP_pay_trimmed : WR_DROP_NONE;
}

// --- dispatch -------------------------------------------------------------------------------

// A SYN in place of what waited in TIME-WAIT.
static enum wr_drop again(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now)
{
	struct ep_stack *s = c->s;
	uint32_t past = c->snd_max;
	enum wr_drop why;

	ep_conn_free(c);
	why = ep_syn(s, p, now);
	c = ep_table_lookup(s, (uint32_t)wr_hash_tuple(s->key, &p->t), &p->t);
	if (c != NULL)
		ep_conn_begin_after(c, past);
	return why;
}

static enum wr_drop segment(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now)
{
	enum wr_drop why;

	if (c->state == EP_SYN_SENT)
		return syn_sent(c, p, now);
	if (c->state == EP_TIME_WAIT && reuses(c, p) &&
		ep_listener_lookup(c->s, &p->t.local, p->t.lport) != NULL)
		return again(c, p, now);
	why = check(c, p, now);
	if (why != WR_DROP_NONE || (p->flags & WR_TCP_RST))
		return why;
	if (c->state == EP_SYN_RECEIVED) {
		if (p->ack != c->iss + 1) {
			reset_for(c->s, p);
			return WR_DROP_tcp_ack_unacceptable;
		}
		syn_acked(c, p);
		c->snd_wnd = (uint32_t)p->window << c->wscale;
		if (!opened(c, now))
			return WR_DROP_NONE;
	} else if (!ep_ack(c, p, now)) {
		return WR_DROP_NONE;
	}
	return p->payload_len > 0 || (p->flags & WR_TCP_FIN) ? payload(c, p, now) : WR_DROP_NONE;
}

static enum wr_drop packet(
	struct ep_stack *s, const struct wr_pkt *p, uint32_t hash, const struct gen_now *now)
{
	struct ep_conn *c = ep_table_lookup(s, hash, &p->t);

	s->counters.segments_in++;
	s->counters.resets_in += (p->flags & WR_TCP_RST) != 0;
	if (c == NULL)
		return stray(s, p, now);
	if (ep_conn_dead(c, now))
		return WR_DROP_no_service;
	return segment(c, p, now);
}

static void burst(struct ep_stack *s, struct wr_pkt *pkts, uint16_t n, const struct gen_now *now)
{
	struct rte_mbuf *done[EP_BURST];
	uint32_t hash[EP_BURST];
	enum wr_drop why;

	for (uint16_t i = 0; i < n; i++) {
		hash[i] = (uint32_t)wr_hash_tuple(s->key, &pkts[i].t);
		ep_table_prefetch(s, hash[i]);
	}
	for (uint16_t i = 0; i < n; i++)
		ep_table_prefetch_conn(s, hash[i]);
	for (uint16_t i = 0; i < n; i++) {
		why = packet(s, &pkts[i], hash[i], now);
		if (unlikely(why != WR_DROP_NONE))
			wr_stats_drop(s->cfg.stats, why, 1);
		done[i] = pkts[i].m;
	}
	rte_pktmbuf_free_bulk(done, n);
}

void ep_input(struct ep_stack *s, struct wr_pkt *pkts, uint16_t n, const struct gen_now *now)
{
	ep_clock(s, now);
	for (uint16_t i = 0; i < n; i += EP_BURST)
		burst(s, &pkts[i], (uint16_t)RTE_MIN(n - i, EP_BURST), now);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_priv.h"

#include <rte_mbuf.h>

#include "wr_build.h"

#define AHEAD 4 // connections asked for before their turn

static uint16_t window_field(struct ep_conn *c)
{
	uint32_t shift = (c->flags & EP_F_WSCALE) ? c->s->wscale : 0;
	uint32_t edge = c->rcv_adv + ep_window_growth(c);
	uint32_t field = RTE_MIN((edge - c->rcv_nxt) >> shift, 65535u);

	c->rcv_adv = wr_seq_max(c->rcv_adv, c->rcv_nxt + (field << shift));
	return (uint16_t)field;
}

// SYN windows are not scaled (RFC 7323 2.2).
static uint16_t syn_window(struct ep_conn *c)
{
	uint32_t wnd = RTE_MIN(c->s->window, 65535u);

	c->rcv_adv = c->rcv_nxt + wnd;
	return (uint16_t)wnd;
}

static void put_syn_options(const struct ep_conn *c, struct wr_tcp_hdr *h)
{
	const struct ep_stack *s = c->s;
	bool v4 = wr_addr_is_v4(&c->t.local), answer = h->flags & WR_TCP_ACK;

	h->opts |= WR_TCPOPT_MSS;
	h->mss = v4 ? s->cfg.mss_v4 : s->cfg.mss_v6;
	h->wscale = s->wscale;
	// an answer repeats what was offered only (RFC 7323 1.3)
	if (!answer || (c->flags & EP_F_WSCALE))
		h->opts |= WR_TCPOPT_WSCALE;
	if (!answer && s->cfg.timestamps)
		h->opts |= WR_TCPOPT_TS;
}

// What was sent, and how it is watched over.
static void account(struct ep_conn *c, uint32_t seq, uint32_t end, uint8_t flags)
{
	struct ep_stack *s = c->s;

	s->counters.segments_out++;
	if (flags & WR_TCP_ACK)
		c->flags &= (uint16_t) ~(EP_F_ACK_NOW | EP_F_ACK_LATER | EP_F_FULL);
	if (end == seq)
		return;
	if ((flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN) {
		s->counters.syns++;
		s->counters.syns_again += wr_seq_lt(seq, c->snd_max);
	}
	if (wr_seq_lt(seq, c->snd_max)) {
		s->counters.retransmitted++;
	} else if (!(c->flags & (EP_F_TS | EP_F_TIMED))) {
		c->flags |= EP_F_TIMED;
		c->rtt_seq = end;
		c->rtt_tick = (uint16_t)s->tick;
	}
	c->snd_max = wr_seq_max(c->snd_max, end);
	if (!(c->flags & EP_F_RTO))
		ep_rto_start(c);
}

static struct rte_mbuf *fill_mbuf(struct ep_conn *c, uint32_t seq, uint32_t len)
{
	struct ep_stack *s = c->s;
	struct rte_mbuf *m = rte_pktmbuf_alloc(len > 0 ? s->cfg.large : s->cfg.small);

	if (unlikely(m == NULL)) {
		s->counters.no_mbuf++;
		wr_stats_drop(s->cfg.stats, WR_DROP_no_mbuf, 1);
		return NULL;
	}
	if (len > 0)
		c->ops->fill(
			c, (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len), seq - c->iss - 1, len);
	return m;
}

// One segment. False: no room or no mbuf. Of a dead one nothing leaves, as if it were lost.
static bool emit(
	struct ep_conn *c, struct ep_tx *tx, uint32_t seq, uint8_t flags, uint32_t len, bool dead)
{
	struct ep_stack *s = c->s;
	struct wr_tcp_hdr h = {
		.t = &c->t,
		.seq = seq,
		.ack = (flags & WR_TCP_ACK) ? c->rcv_nxt : 0,
		.flags = flags,
		.opts = (c->flags & EP_F_TS) ? WR_TCPOPT_TS : 0,
		.ts_val = ep_ts_now(s),
		.ts_ecr = c->ts_recent,
		.ip_id = s->ip_id++,
	};
	uint32_t end = seq + len + ((flags & (WR_TCP_SYN | WR_TCP_FIN)) ? 1 : 0);
	struct rte_mbuf *m;

	if (likely(!dead)) {
		if (tx->count == tx->room)
			return false;
		m = fill_mbuf(c, seq, len);
		if (unlikely(m == NULL))
			return false;
		h.window = (flags & WR_TCP_SYN) ? syn_window(c) : window_field(c);
		if (flags & WR_TCP_SYN)
			put_syn_options(c, &h);
		if (unlikely(wr_build_tcp(m, &h) != 0)) { // a pool without headroom
			rte_pktmbuf_free(m);
			return false;
		}
		tx->pkts[tx->count++] = m;
	}
	account(c, seq, end, flags);
	return true;
}

// Bytes that may be sent now at snd_nxt; a probe goes beyond a closed window.
static uint32_t usable(const struct ep_conn *c)
{
	uint32_t wnd = RTE_MIN(c->cwnd, c->snd_wnd), flight = c->snd_nxt - c->snd_una;

	if (c->flags & EP_F_PROBE)
		return 1;
	return wnd > flight ? wnd - flight : 0;
}

// FIN goes out for the first time (RFC 9293 3.10.4).
static void fin_sent(struct ep_conn *c)
{
	if (c->state == EP_ESTABLISHED)
		c->state = EP_FIN_WAIT_1;
	else if (c->state == EP_CLOSE_WAIT)
		c->state = EP_LAST_ACK;
}

// Data and FIN, as far as windows go. False: out of room.
static bool send_stream(struct ep_conn *c, struct ep_tx *tx, bool dead)
{
	uint32_t room, left, len;
	uint8_t flags;

	for (uint32_t i = 0; c->snd_nxt != ep_send_edge(c); i++) {
		room = usable(c);
		left = wr_seq_lt(c->snd_nxt, c->snd_end) ? c->snd_end - c->snd_nxt : 0;
		len = RTE_MIN(RTE_MIN(left, room), (uint32_t)c->mss);
		// RFC 9293 3.8.6.2.1: no small segment while an ACK is to come
		if (room == 0 || (len < left && len < c->mss && c->snd_nxt != c->snd_una))
			break;
		if (i == EP_SEGMENTS_MAX) {
			ep_dirty(c);
			break;
		}
		flags = WR_TCP_ACK | (len == left && len > 0 ? WR_TCP_PSH : 0);
		if (len == left && len < room && (c->flags & EP_F_FIN)) // it takes window too
			flags |= WR_TCP_FIN;
		if (!emit(c, tx, c->snd_nxt, flags, len, dead))
			return false;
		c->snd_nxt += len + ((flags & WR_TCP_FIN) ? 1 : 0);
		if (flags & WR_TCP_FIN)
			fin_sent(c);
		if (c->flags & EP_F_PROBE) {
			c->flags &= (uint16_t)~EP_F_PROBE;
			c->snd_nxt = c->snd_una;
			break;
		}
	}
	// Blocked with nothing under way: the persist timer (RFC 9293 3.8.6.1).
	if (c->snd_nxt != ep_send_edge(c) && !(c->flags & EP_F_RTO))
		ep_rto_start(c);
	return true;
}

// False: out of room, to be visited again first.
static bool send_conn(struct ep_conn *c, struct ep_tx *tx, bool dead)
{
	if (c->flags & EP_F_SYN) {
		uint8_t flags = c->state == EP_SYN_SENT ? WR_TCP_SYN : WR_TCP_SYN | WR_TCP_ACK;

		if (!emit(c, tx, c->iss, flags, 0, dead))
			return false;
		c->snd_nxt = c->iss + 1;
		c->flags &= (uint16_t)~EP_F_SYN;
		return true;
	}
	while (c->dups_due > 0) {
		if (!emit(c, tx, ep_ack_seq(c), WR_TCP_ACK, 0, dead))
			return false;
		c->dups_due--;
	}
	if (c->state >= EP_ESTABLISHED && c->state < EP_TIME_WAIT && !send_stream(c, tx, dead))
		return false;
	if ((c->flags & EP_F_ACK_NOW) && !emit(c, tx, ep_ack_seq(c), WR_TCP_ACK, 0, dead))
		return false;
	if (c->state == EP_TIME_WAIT && c->s->time_wait == 0)
		ep_conn_free(c);
	return true;
}

static bool send_reply(struct ep_stack *s, const struct ep_reply *r, struct ep_tx *tx)
{
	struct wr_tcp_hdr h = {.t = &r->t, .seq = r->seq, .ack = r->ack, .flags = r->flags};
	struct rte_mbuf *m;

	if (tx->count == tx->room)
		return false;
	m = rte_pktmbuf_alloc(s->cfg.small);
	if (m == NULL) {
		s->counters.no_mbuf++;
		wr_stats_drop(s->cfg.stats, WR_DROP_no_mbuf, 1);
		return false;
	}
	h.ip_id = s->ip_id++;
	if (unlikely(wr_build_tcp(m, &h) != 0)) {
		rte_pktmbuf_free(m);
		return false;
	}
	tx->pkts[tx->count++] = m;
	s->counters.segments_out++;
	s->counters.resets_out++;
	return true;
}

static void prefetch_dirty(const struct ep_stack *s)
{
	const char *c;

	if (s->dirty_count <= AHEAD)
		return;
	c = wr_pool_at(&s->conns, s->dirty[(s->dirty_head + AHEAD) & s->dirty_mask]);
	__builtin_prefetch(c);
	__builtin_prefetch(c + 64);
	__builtin_prefetch(c + 128);
}

uint32_t ep_output(struct ep_stack *s, struct ep_tx *tx, uint32_t budget, const struct gen_now *now)
{
	uint32_t done = 0;

	ep_clock(s, now);
	for (; s->reply_count > 0; s->reply_count--, s->reply_head++)
		if (!send_reply(s, &s->replies[s->reply_head % EP_REPLIES], tx))
			return 0;
	for (; done < budget && s->dirty_count > 0; done++) {
		struct ep_conn *c = wr_pool_at(&s->conns, s->dirty[s->dirty_head & s->dirty_mask]);

		prefetch_dirty(s);
		c->queued = false;
		s->dirty_head++;
		s->dirty_count--;
		if (c->handle == WR_HANDLE_NONE || send_conn(c, tx, ep_conn_dead(c, now)))
			continue;
		if (!c->queued) {
			c->queued = true;
			s->dirty[--s->dirty_head & s->dirty_mask] = wr_handle_index(c->handle);
			s->dirty_count++;
		}
		break;
	}
	return done;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_priv.h"

// RFC 6298 2, in ticks; a time below one counts as one.
static void rtt_sample(struct ep_conn *c, uint32_t ticks)
{
	uint32_t rtt = RTE_MIN(RTE_MAX(ticks, 1u), (uint32_t)EP_RTT_MAX_TICKS);
	int32_t err;

	if (c->srtt8 == 0) {
		c->srtt8 = (uint16_t)(rtt << 3);
		c->rttvar4 = (uint16_t)(rtt << 1);
		return;
	}
	err = (int32_t)rtt - (c->srtt8 >> 3);
	c->srtt8 = (uint16_t)(c->srtt8 + err);
	c->rttvar4 = (uint16_t)(c->rttvar4 + (err < 0 ? -err : err) - (c->rttvar4 >> 2));
}

static void take_rtt(struct ep_conn *c, const struct wr_pkt *p)
{
	const struct ep_stack *s = c->s;

	if ((c->flags & EP_F_TS) && (p->opts & WR_TCPOPT_TS)) {
		// RFC 7323 4.1; an echo from the future is none of ours
		if ((int32_t)(ep_ts_now(s) - p->ts_ecr) >= 0)
			rtt_sample(c, ep_ts_now(s) - p->ts_ecr);
	} else if ((c->flags & EP_F_TIMED) && wr_seq_geq(p->ack, c->rtt_seq)) {
		rtt_sample(c, (uint16_t)((uint16_t)s->tick - c->rtt_tick));
		c->flags &= (uint16_t)~EP_F_TIMED;
	}
}

// RFC 5681 3.1, by bytes acknowledged (RFC 3465 with L = 2).
static void grow(struct ep_conn *c, uint32_t acked)
{
	if (c->cwnd < c->ssthresh)
		c->cwnd += RTE_MIN(acked, 2u * c->mss);
	else
		c->cwnd += RTE_MAX((uint32_t)c->mss * RTE_MIN(acked, 2u * c->mss) / c->cwnd, 1u);
	c->cwnd = RTE_MIN(c->cwnd, EP_CWND_MAX);
}

void ep_go_back(struct ep_conn *c, bool timeout)
{
	uint32_t flight = c->snd_max - c->snd_una;

	if (c->backoff == 0) // RFC 5681 3.1: once for the same loss
		c->ssthresh = RTE_MAX(flight / 2, 2u * c->mss);
	c->cwnd = timeout ? c->mss : c->ssthresh;
	c->recover = c->snd_max;
	c->snd_nxt = c->snd_una;
	c->dupacks = 0;
	// RFC 6298 3: what is sent again is not timed
	c->flags = (uint16_t)((c->flags | EP_F_RECOVERY) & ~EP_F_TIMED);
	ep_dirty(c);
}

// RFC 5681 2 and 3.2. In recovery, duplicates come from what was sent twice (RFC 6582 3.2).
static void duplicate(struct ep_conn *c, const struct wr_pkt *p, uint32_t wnd)
{
	if (p->payload_len > 0 || (p->flags & (WR_TCP_FIN | WR_TCP_SYN)) || wnd != c->snd_wnd ||
		c->snd_max == c->snd_una || wnd == 0)
		return;
	if (c->dupacks < 3 && ++c->dupacks == 3 && !(c->flags & EP_F_RECOVERY))
		ep_go_back(c, false);
}

// Data bytes that the ACK is the first to cover: neither SYN nor FIN.
static uint32_t advance(struct ep_conn *c, const struct wr_pkt *p)
{
	uint32_t from = c->snd_una == c->iss ? c->iss + 1 : c->snd_una;
	uint32_t data = wr_seq_min(p->ack, c->snd_end) - from;

	data = (int32_t)data < 0 ? 0 : data;
	take_rtt(c, p);
	grow(c, p->ack - c->snd_una);
	c->snd_una = p->ack;
	c->snd_nxt = wr_seq_max(c->snd_nxt, p->ack);
	c->dupacks = 0;
	c->backoff = 0;
	c->flags &= (uint16_t)~EP_F_STUCK;
	if ((c->flags & EP_F_RECOVERY) && wr_seq_gt(p->ack, c->recover))
		c->flags &= (uint16_t)~EP_F_RECOVERY;
	if (c->snd_una == c->snd_max)
		c->flags &= (uint16_t)~EP_F_RTO;
	else
		ep_rto_start(c);
	c->s->counters.bytes_out += data;
	return data;
}

// RFC 9293 3.10.7.4: SND.WL2 is SND.UNA here, as older ACKs were left out.
static void take_window(struct ep_conn *c, const struct wr_pkt *p, uint32_t wnd)
{
	if (wr_seq_lt(p->seq, c->wl1))
		return;
	c->wl1 = p->seq;
	if (c->snd_wnd == 0) {
		c->flags &= (uint16_t)~EP_F_STUCK; // 3.8.6.1: answered probes are no failure
		if (wnd > 0) {
			c->backoff = 0;
			c->flags &= (uint16_t)~EP_F_PROBE;
			if (c->snd_una != c->snd_max)
				ep_rto_start(c);
		}
	}
	c->snd_wnd = wnd;
}

// Our FIN is acknowledged. False: the connection is over.
static bool fin_acked(struct ep_conn *c, const struct gen_now *now)
{
	switch (c->state) {
	case EP_FIN_WAIT_1:
		c->state = EP_FIN_WAIT_2;
		return true;
	case EP_CLOSING:
		ep_conn_time_wait(c, now);
		return false;
	case EP_LAST_ACK:
		ep_conn_end(c, EP_END_CLOSED, now);
		return false;
	default:
		return true;
	}
}

bool ep_ack(struct ep_conn *c, const struct wr_pkt *p, const struct gen_now *now)
{
	uint32_t wnd = (uint32_t)p->window << c->wscale;
	wr_handle_t h = c->handle;
	uint32_t data = 0;

	if (unlikely(wr_seq_lt(p->ack, c->snd_una)))
		return true; // an older segment that was overtaken
	if (p->ack == c->snd_una)
		duplicate(c, p, wnd);
	else
		data = advance(c, p);
	take_window(c, p, wnd);
	if (c->snd_nxt != ep_send_edge(c))
		ep_dirty(c);
	if (data > 0 && wr_seq_geq(c->snd_una, c->snd_end) && c->ops->acked != NULL) {
		c->ops->acked(c, now);
		if (c->handle != h)
			return false;
	}
	if (unlikely(c->state >= EP_FIN_WAIT_1 && c->state != EP_CLOSE_WAIT) &&
		c->snd_una == c->snd_end + 1)
		return fin_acked(c, now);
	return true;
}

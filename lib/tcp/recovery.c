/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Loss detection by duplicate ACKs and NewReno's fast recovery (RFC 5681 3.2, RFC 6582). How large
// windows become is asked of the congestion control; when something is lost is decided here.

static void enter_recovery(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	c->ssthresh = c->cc->ssthresh(c, wr_tcp_flight(c), now);
	c->cwnd = c->ssthresh + WR_TCP_DUPACKS * c->mss;
	c->recover = c->snd_nxt;
	c->ca_state = WR_TCP_CA_RECOVERY;
	c->flags |= F_RTX_HEAD;
	c->flags &= ~F_PARTIAL_ACK;
	wr_tcp_count(s, WR_CTR_tcp_fast_retrans, 1);
	wr_tcp_timer_rtx(s, c, now + c->rto_us);
}

void wr_tcp_recovery_dupack(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (c->dupacks < UINT8_MAX) // saturates (tcp-cases 9)
		c->dupacks++;
	if (c->ca_state == WR_TCP_CA_RECOVERY) {
		// each one tells that a segment has left the network
		c->cwnd = min32(c->cwnd + c->mss, UINT32_MAX / 4);
	} else if (c->dupacks == WR_TCP_DUPACKS && wr_seq_gt(c->snd_una, c->recover)) {
		enter_recovery(s, c, now);
	}
	wr_tcp_conn_dirty(s, c);
}

// RFC 6582 3.2 step 3
static void partial_ack(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t acked, wr_us_t now)
{
	c->flags |= F_RTX_HEAD;
	c->cwnd -= min32(acked, c->cwnd - min32(c->cwnd, c->mss));
	if (acked >= c->mss)
		c->cwnd += c->mss;
	// the timer restarts on the first partial ACK only ("impatient")
	if (!(c->flags & F_PARTIAL_ACK))
		wr_tcp_timer_rtx(s, c, now + c->rto_us);
	c->flags |= F_PARTIAL_ACK;
}

static void full_ack(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	uint32_t flight = max32(wr_tcp_flight(c), (uint32_t)c->mss);

	// the less bursty choice of RFC 6582 3.2 step 3
	c->cwnd = min32(c->ssthresh, flight + c->mss);
	if (c->snd_una != c->snd_nxt)
		wr_tcp_timer_rtx(s, c, now + c->rto_us);
	c->ca_state = WR_TCP_CA_OPEN;
	c->flags &= ~(F_RTX_HEAD | F_PARTIAL_ACK);
}

void wr_tcp_recovery_acked(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t acked, wr_us_t now)
{
	c->dupacks = 0;
	switch (c->ca_state) {
	case WR_TCP_CA_RECOVERY:
		if (wr_seq_geq(c->snd_una, c->recover))
			full_ack(s, c, now);
		else
			partial_ack(s, c, acked, now);
		return;
	case WR_TCP_CA_LOSS:
		if (wr_seq_geq(c->snd_una, c->recover))
			c->ca_state = WR_TCP_CA_OPEN;
		c->flags &= ~F_RTX_HEAD;
		break;
	default:
		c->recover = wr_seq_max(c->recover, c->snd_una - 1); // it must not wrap
		break;
	}
	// no growth while the application, not cwnd, is the limit (tcp-cases 38)
	if (acked > 0 && (c->flags & F_CWND_LIMITED))
		c->cc->acked(c, acked, now);
}

// RFC 6298 5.4 to 5.6 and RFC 5681 3.1: everything outstanding is deemed lost.
void wr_tcp_recovery_timeout(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	// once per loss: further time-outs without progress leave ssthresh alone
	if (c->backoff == 0)
		c->ssthresh = c->cc->ssthresh(c, wr_tcp_flight(c), now);
	c->cwnd = c->mss;
	c->ca_state = WR_TCP_CA_LOSS;
	c->recover = c->snd_nxt;
	c->dupacks = 0;
	c->flags &= ~(F_RTX_HEAD | F_PARTIAL_ACK);
	c->flags |= F_CWND_LIMITED;
	wr_tcp_sack_forget(c);
	c->rtx_nxt = c->snd_una;
	c->rtx_end = c->snd_nxt;
	c->rtx_cur = c->sndq.head;
	wr_tcp_count(s, WR_CTR_tcp_rto, 1);
	wr_tcp_conn_dirty(s, c);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// What a loss does to the connection: fast recovery (RFC 6675 with RACK's detection; RFC 6582
// without SACK) at the pace of RFC 6937, the time-out (RFC 6298 5.4 to 5.6), and the way back when
// it was none. How large windows become is asked of the congestion control.

static void remember(struct wr_tcp_conn *c, struct wr_tcp_disorder *d)
{
	d->undo_cwnd = c->cwnd;
	d->undo_ssthresh = c->ssthresh;
	d->undo_bytes = 0;
	d->undo_any = false;
	d->undo_ts_valid = false;
	d->undo_until = c->snd_nxt;
}

static bool enter_recovery(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t flight, wr_us_t now)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_need(s, c);

	if (unlikely(d == NULL))
		return false;
	remember(c, d);
	c->ssthresh = wr_tcp_cc(c)->ssthresh(c, flight, now);
	c->recover = c->snd_nxt;
	c->ca_state = WR_TCP_CA_RECOVERY;
	c->flags |= F_FAST_RTX; // whatever cwnd says (tcp-cases 39)
	c->flags &= ~(F_PARTIAL_ACK | F_TLP_DUE);
	d->prr_delivered = 0;
	d->prr_out = 0;
	d->prr_flight = max32(flight, 1u);
	c->tlp = WR_TCP_TLP_NONE;
	wr_tcp_count(s, WR_CTR_tcp_fast_retrans, 1);
	return true;
}

// RFC 6937 3.1, with the slow start part (SSRB) only while losses get repaired.
static void prr(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, const struct wr_tcp_acked *a)
{
	uint32_t pipe = wr_tcp_pipe(c);
	uint64_t may;

	d->prr_delivered += a->delivered;
	if (pipe > c->ssthresh) {
		may = ((uint64_t)d->prr_delivered * c->ssthresh + d->prr_flight - 1) /
		      d->prr_flight;
		may = may > d->prr_out ? may - d->prr_out : 0;
	} else {
		may = d->prr_delivered > d->prr_out ? d->prr_delivered - d->prr_out : 0;
		if (a->advanced && a->lost == 0)
			may = max64(may, a->delivered) + c->mss;
		may = min64(may, c->ssthresh - pipe);
	}
	if (c->flags & F_FAST_RTX)
		may = max64(may, c->mss);
	c->cwnd = (uint32_t)min64(pipe + may, UINT32_MAX / 4);
}

static void leave_recovery(struct wr_tcp_conn *c, struct wr_tcp_disorder *d)
{
	uint32_t flight = max32(wr_tcp_flight(c), (uint32_t)c->mss);

	c->cwnd = c->ssthresh;
	if (!(c->opts & WR_TCPOPT_SACKOK)) {
		// the less bursty choice of RFC 6582 3.2 step 3
		c->cwnd = min32(c->ssthresh, flight + c->mss);
		c->sacked_bytes = 0;
	}
	c->ca_state = WR_TCP_CA_OPEN;
	c->flags &= ~(F_FAST_RTX | F_PARTIAL_ACK);
	d->undo_until = c->snd_nxt;
	if (c->reo_persist > 0 && --c->reo_persist == 0)
		c->reo_wnd = 1;
}

// The reduction was for nothing: everything that was sent again arrived twice.
static void undo(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_disorder *d, wr_us_t now)
{
	c->cwnd = max32(c->cwnd, d->undo_cwnd);
	c->ssthresh = max32(c->ssthresh, d->undo_ssthresh);
	d->undo_cwnd = 0;
	wr_tcp_cc(c)->undo(c, now);
	if (c->ca_state != WR_TCP_CA_OPEN) {
		c->ca_state = WR_TCP_CA_OPEN;
		c->flags &= ~(F_FAST_RTX | F_FIN_LOST | F_PARTIAL_ACK);
		wr_tcp_inflight_none_lost(c, d);
		if (!(c->opts & WR_TCPOPT_SACKOK))
			c->sacked_bytes = 0;
	}
	wr_tcp_count(s, WR_CTR_tcp_spurious, 1);
}

// RFC 3522: the ACK of what was sent again echoes a time before that was done.
static bool eifel(const struct wr_tcp_conn *c, const struct wr_tcp_disorder *d,
	const struct wr_tcp_seg *g, const struct wr_tcp_acked *a)
{
	return a->advanced && d->undo_ts_valid && (g->p->opts & WR_TCPOPT_TS) &&
	       g->p->ts_ecr != 0 && wr_seq_lt(g->p->ts_ecr, d->undo_ts);
}

static void look_for_undo(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_disorder *d,
	const struct wr_tcp_seg *g, const struct wr_tcp_acked *a, wr_us_t now)
{
	if (a->dsack) {
		uint32_t len = a->dsack_block.right - a->dsack_block.left;

		d->undo_bytes -= min32(d->undo_bytes, len);
	}
	if (d->undo_cwnd == 0)
		return;
	if (eifel(c, d, g, a) || (a->dsack && d->undo_any && d->undo_bytes == 0))
		undo(s, c, d, now);
	else if (a->advanced)
		d->undo_ts_valid = false; // it tells of the first ACK only
}

// Without SACK each duplicate ACK stands for a segment that arrived (RFC 6937 2), and the first
// one that is missing is the only one known to be lost.
static void count_without_sack(struct wr_tcp_conn *c, struct wr_tcp_acked *a)
{
	uint32_t out = wr_seq_min(c->snd_nxt, c->snd_end) - c->snd_una;
	uint32_t known;

	// after a time-out the duplicates are of what was sent before it (RFC 6582 4.1)
	if (a->dup && c->ca_state != WR_TCP_CA_LOSS) {
		known = c->lost_bytes + c->sacked_bytes;
		a->delivered = min32(c->mss, (int32_t)(out - known) > 0 ? out - known : 0);
		c->sacked_bytes += a->delivered;
	} else if (a->bytes > 0) {
		known = min32(c->sacked_bytes, a->bytes - min32(a->bytes, c->mss));
		c->sacked_bytes -= known;
		a->delivered = a->bytes - known;
		if (c->ca_state == WR_TCP_CA_OPEN)
			c->sacked_bytes = 0;
		if ((int32_t)out < 0 || c->sacked_bytes + c->lost_bytes > out)
			c->sacked_bytes =
				(int32_t)out > (int32_t)c->lost_bytes ? out - c->lost_bytes : 0;
	}
}

static void head_lost(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_acked *a)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_need(s, c);
	uint32_t out, bytes = 0;
	struct rte_mbuf *m;

	if (d == NULL)
		return;
	for (m = c->sndq.head; m != NULL && bytes < c->mss; m = wr_mbuf_priv(m)->next) {
		uint32_t more = wr_tcp_inflight_lost(c, d, m);

		if (more == 0)
			break;
		bytes += more;
	}
	out = wr_seq_min(c->snd_nxt, c->snd_end) - c->snd_una;
	c->sacked_bytes = min32(c->sacked_bytes, out - min32(out, c->lost_bytes));
	a->lost += bytes;
	if (bytes == 0 && (c->flags & F_FIN_SENT) && c->snd_una == c->snd_end)
		c->flags |= F_FIN_LOST;
}

// RFC 5681 3.2 and RFC 6582 3.2 steps 2 and 3
static void detect_without_sack(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_acked *a)
{
	if (c->ca_state == WR_TCP_CA_RECOVERY && a->advanced && wr_seq_lt(c->snd_una, c->recover)) {
		head_lost(s, c, a);
		c->flags |= F_FAST_RTX;
	} else if (c->ca_state == WR_TCP_CA_OPEN && a->dup && c->dupacks == WR_TCP_DUPACKS &&
		   wr_seq_gt(c->snd_una, c->recover)) {
		head_lost(s, c, a);
	}
}

static wr_us_t detect(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_acked *a, wr_us_t now)
{
	struct wr_tcp_disorder *d;
	wr_us_t again = WR_US_NEVER;

	if (!(c->opts & WR_TCPOPT_SACKOK)) {
		detect_without_sack(s, c, a);
		return WR_US_NEVER;
	}
	d = wr_tcp_disorder_of(s, c);
	if (d != NULL)
		a->lost += wr_tcp_rack_detect(c, d, now, &again);
	return again;
}

// RFC 6298 5.3; in NewReno's recovery the first partial ACK alone restarts it ("impatient").
static void restart_timer(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (c->ca_state == WR_TCP_CA_RECOVERY && !(c->opts & WR_TCPOPT_SACKOK)) {
		if ((c->flags & F_PARTIAL_ACK) && c->snd_una != c->snd_nxt &&
			c->rtx_at <= now + c->rto_us) // and no later than the RTO of today
			return;
		c->flags |= F_PARTIAL_ACK;
	}
	wr_tcp_timer_restart(s, c, now);
}

static void advance_state(struct wr_tcp_stack *s, struct wr_tcp_conn *c, struct wr_tcp_acked *a,
	uint32_t flight, wr_us_t now)
{
	struct wr_tcp_disorder *d;
	bool grows = a->bytes > 0;

	if (c->ca_state != WR_TCP_CA_OPEN && a->advanced && wr_seq_geq(c->snd_una, c->recover)) {
		d = wr_tcp_disorder_of(s, c);
		if (c->ca_state == WR_TCP_CA_RECOVERY && d != NULL) {
			leave_recovery(c, d);
			grows = false;
		}
		c->ca_state = WR_TCP_CA_OPEN;
	}
	if (c->ca_state == WR_TCP_CA_OPEN && a->lost > 0 && !enter_recovery(s, c, flight, now))
		return;
	if (c->ca_state == WR_TCP_CA_RECOVERY)
		prr(c, wr_tcp_disorder_of(s, c), a);
	else if (grows)
		wr_tcp_cc(c)->acked(c, a->bytes, a->rtt_us, c->flags & F_CWND_LIMITED, now);
}

void wr_tcp_recovery_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c,
	const struct wr_tcp_seg *g, struct wr_tcp_acked *a, wr_us_t now)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);
	uint32_t flight = wr_tcp_flight(c) + a->bytes;
	wr_us_t again;

	if (unlikely(a->dsack) &&
		!(c->tlp == WR_TCP_TLP_AGAIN && a->dsack_block.right == c->tlp_end))
		wr_tcp_rack_dsack(c, d);
	if (unlikely(d != NULL))
		look_for_undo(s, c, d, g, a, now);
	if (unlikely(c->tlp != WR_TCP_TLP_NONE))
		wr_tcp_tlp_acked(s, c, a, g->ack, now);
	if (!(c->opts & WR_TCPOPT_SACKOK))
		count_without_sack(c, a);
	again = detect(s, c, a, now);
	advance_state(s, c, a, flight, now);
	if (c->ca_state == WR_TCP_CA_OPEN)
		c->recover = wr_seq_max(c->recover, c->snd_una - 1); // it must not wrap
	if (a->advanced)
		restart_timer(s, c, now);
	if (unlikely(again < c->rtx_at)) {
		c->rtx = WR_TCP_RTX_REO;
		wr_tcp_timer_rtx(s, c, again);
	}
	if (a->lost > 0)
		wr_tcp_conn_dirty(s, c);
}

// RFC 8985 6.3: time alone has made something lost.
void wr_tcp_recovery_reordering(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	struct wr_tcp_acked a = {0};
	wr_us_t again = detect(s, c, &a, now);

	if (a.lost > 0) {
		advance_state(s, c, &a, wr_tcp_flight(c), now);
		wr_tcp_conn_dirty(s, c);
	}
	wr_tcp_timer_restart(s, c, now);
	if (again < c->rtx_at) {
		c->rtx = WR_TCP_RTX_REO;
		wr_tcp_timer_rtx(s, c, again);
	}
}

// The peer may renege (RFC 2018 8): after a time-out nothing counts as held (tcp-cases 27).
static void forget_sacked(struct wr_tcp_conn *c, struct wr_tcp_disorder *d)
{
	struct rte_mbuf *m;

	if (c->sacked_bytes > 0)
		wr_mq_foreach (m, &c->sndq)
			wr_mbuf_priv(m)->flags &= (uint16_t)~WR_MBUF_F_SACKED;
	c->sacked_bytes = 0;
	if (d == NULL)
		return;
	d->seen_count = 0;
	d->sacked_segs = 0;
	d->sack_cur = NULL;
	d->sack_top = NULL;
}

// RFC 5681 3.1: everything outstanding is deemed lost.
void wr_tcp_recovery_timeout(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_need(s, c);

	// once per loss: further time-outs without progress leave ssthresh alone
	if (c->backoff == 0) {
		if (d != NULL && c->ca_state == WR_TCP_CA_OPEN)
			remember(c, d);
		else if (d != NULL)
			d->undo_cwnd = 0;
		if (c->ca_state != WR_TCP_CA_LOSS)
			c->ssthresh = wr_tcp_cc(c)->ssthresh(c, wr_tcp_flight(c), now);
	}
	c->cwnd = c->mss;
	c->ca_state = WR_TCP_CA_LOSS;
	c->recover = c->snd_nxt;
	c->dupacks = 0;
	c->flags &= ~(F_PARTIAL_ACK | F_TLP_DUE);
	c->flags |= F_CWND_LIMITED | F_FAST_RTX;
	if (c->flags & F_FIN_SENT)
		c->flags |= F_FIN_LOST;
	c->tlp = WR_TCP_TLP_NONE;
	if (d != NULL)
		d->rack_valid = false;
	forget_sacked(c, d);
	wr_tcp_inflight_all_lost(c, d);
	wr_tcp_count(s, WR_CTR_tcp_rto, 1);
	wr_tcp_conn_dirty(s, c);
}

void wr_tcp_recovery_sent(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t seq,
	uint32_t bytes, bool again, wr_us_t now)
{
	struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);

	if (d == NULL)
		return;
	if (c->ca_state == WR_TCP_CA_RECOVERY)
		d->prr_out += bytes;
	if (!again || d->undo_cwnd == 0)
		return;
	if (!d->undo_any && seq == c->snd_una && (c->opts & WR_TCPOPT_TS)) {
		d->undo_ts = wr_tcp_ts_now(c, now);
		d->undo_ts_valid = true;
	}
	d->undo_any = true;
	d->undo_bytes += bytes;
}

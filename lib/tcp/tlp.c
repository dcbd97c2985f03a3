/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Tail loss probes (RFC 8985 7): when the last segments of a flight are lost nothing arrives that
// would tell so; one segment more makes the peer report what it has.

// 7.2, with what is in flight and nothing out of order
bool wr_tcp_tlp_wanted(const struct wr_tcp_conn *c)
{
	return (c->opts & WR_TCPOPT_SACKOK) && c->ca_state == WR_TCP_CA_OPEN &&
	       c->sacked_bytes == 0 && c->backoff == 0 && c->srtt_us != 0 &&
	       c->tlp == WR_TCP_TLP_NONE;
}

wr_us_t wr_tcp_tlp_timeout(const struct wr_tcp_conn *c)
{
	wr_us_t pto = 2ULL * c->srtt_us;

	// a single segment may wait for the peer's delayed ACK, others for timers as coarse as ours
	if (c->snd_nxt - c->snd_una <= c->mss)
		pto += WR_TCP_ACK_DELAY_US;
	else
		pto += 2ULL << WR_WHEEL_TICK_SHIFT;
	return min64(pto, c->rto_us);
}

// 7.4: whether the probe itself has repaired a loss, which then needs the answer to a loss.
void wr_tcp_tlp_acked(struct wr_tcp_stack *s, struct wr_tcp_conn *c, const struct wr_tcp_acked *a,
	uint32_t ack, wr_us_t now)
{
	uint8_t tlp = c->tlp;

	if (wr_seq_lt(ack, c->tlp_end))
		return;
	// all of it arrived, or both copies did
	if (tlp == WR_TCP_TLP_NEW || (a->dsack && a->dsack_block.right == c->tlp_end)) {
		c->tlp = WR_TCP_TLP_NONE;
	} else if (wr_seq_gt(ack, c->tlp_end)) {
		c->tlp = WR_TCP_TLP_NONE;
		if (c->ca_state != WR_TCP_CA_OPEN)
			return;
		c->ssthresh = wr_tcp_cc(c)->ssthresh(c, wr_tcp_flight(c) + a->bytes, now);
		c->cwnd = min32(c->cwnd, c->ssthresh);
		wr_tcp_count(s, WR_CTR_tcp_tlp_repaired, 1);
	} else if (a->dup) {
		c->tlp = WR_TCP_TLP_NONE; // an ACK for each copy
	}
}

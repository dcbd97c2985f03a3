/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// RACK (RFC 8985): a segment is lost when one that was sent sufficiently later has arrived.

// RFC 8985 6.2: of two segments, by time and then by number
static bool sent_after(wr_us_t t1, uint32_t end1, wr_us_t t2, uint32_t end2)
{
	return t1 > t2 || (t1 == t2 && wr_seq_gt(end1, end2));
}

// An ACK of what was sent twice may be meant for the first copy (6.2 step 2).
static bool for_first_copy(const struct wr_tcp_conn *c, const struct wr_mbuf_priv *priv,
	const struct wr_pkt *p, uint32_t rtt_us)
{
	if (priv->sent < 2)
		return false;
	if ((c->opts & WR_TCPOPT_TS) && (p->opts & WR_TCPOPT_TS) &&
		wr_seq_lt(p->ts_ecr, wr_tcp_ts_now(c, priv->sent_us)))
		return true;
	return rtt_us < c->min_rtt_us;
}

// Steps 1 to 3. The first reordering seen ends the time of counting duplicates.
void wr_tcp_rack_delivered(struct wr_tcp_conn *c, struct wr_tcp_disorder *d, struct rte_mbuf *m,
	const struct wr_pkt *p, const struct wr_tcp_acked *a, wr_us_t now)
{
	const struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
	uint32_t end = priv->seq + m->data_len;
	uint32_t rtt_us = (uint32_t)min64(now - priv->sent_us, UINT32_MAX);

	if (priv->sent == 1 && a->had_fack && wr_seq_lt(end, a->fack))
		c->flags |= F_REORDERED;
	if (for_first_copy(c, priv, p, rtt_us))
		return;
	d->rack_rtt_us = max32(rtt_us, 1u);
	if (d->rack_valid && !sent_after(priv->sent_us, end, d->rack_sent_us, d->rack_end))
		return;
	d->rack_valid = true;
	d->rack_sent_us = priv->sent_us;
	d->rack_end = end;
}

// Step 4. Until reordering was seen, three segments delivered after a missing one are enough.
static uint32_t reo_wnd(const struct wr_tcp_conn *c, const struct wr_tcp_disorder *d)
{
	uint64_t wnd;

	if (!(c->flags & F_REORDERED) &&
		(c->ca_state != WR_TCP_CA_OPEN || d->sacked_segs >= WR_TCP_DUPACKS ||
			c->sacked_bytes >= WR_TCP_DUPACKS * (uint32_t)c->mss))
		return 0;
	wnd = (uint64_t)max32(c->reo_wnd, 1u) * (c->min_rtt_us / 4);
	return (uint32_t)min64(wnd, c->srtt_us);
}

// Step 5.
uint32_t wr_tcp_rack_detect(
	struct wr_tcp_conn *c, struct wr_tcp_disorder *d, wr_us_t now, wr_us_t *again)
{
	uint32_t lost = 0, wnd;
	struct rte_mbuf *m;

	*again = WR_US_NEVER;
	if (!d->rack_valid)
		return 0;
	wnd = reo_wnd(c, d);
	while ((m = d->sent) != NULL) {
		const struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
		wr_us_t due = priv->sent_us + d->rack_rtt_us + wnd;

		if (!sent_after(
			    d->rack_sent_us, d->rack_end, priv->sent_us, priv->seq + m->data_len))
			break;
		if (due > now) {
			*again = due;
			break;
		}
		lost += wr_tcp_inflight_lost(c, d, m);
	}
	return lost;
}

// 6.2 step 4: a report of a duplicate says that we were too quick, once a round trip.
void wr_tcp_rack_dsack(struct wr_tcp_conn *c, struct wr_tcp_disorder *d)
{
	if (d != NULL && d->dsack_round != 0 && wr_seq_lt(c->snd_una, d->dsack_round))
		return;
	if (d != NULL) // without one, nothing is out that another report could come for
		d->dsack_round = c->snd_nxt;
	c->reo_wnd = (uint8_t)min32(max32(c->reo_wnd, 1u) + 1, UINT8_MAX);
	c->reo_persist = WR_TCP_REO_PERSIST;
}

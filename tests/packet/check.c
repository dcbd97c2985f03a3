/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

// The books of the engine: running counts against walks, the ledger of payload, and an end that
// leaves nothing behind.

static bool same(struct pk_run *r, const char *what, uint64_t count, uint64_t walk)
{
	if (count == walk)
		return true;
	return pk_fail(r, "books: %s is counted as %llu, but is %llu", what,
		(unsigned long long)count, (unsigned long long)walk);
}

static bool ledger(struct pk_run *r, const struct wr_tcp_gauges *w)
{
	const struct wr_stats *st = &r->st;
	const uint64_t *drop = st->drop_bytes;

	return same(r, "payload accepted", st->ctr[WR_CTR_pay_rx_bytes],
		       st->ctr[WR_CTR_pay_read_bytes] + w->recv_queue_bytes + w->ooo_bytes +
			       drop[WR_DROP_pay_aborted_rx] + drop[WR_DROP_pay_ooo_evicted]) &&
	       same(r, "payload written", st->ctr[WR_CTR_pay_written_bytes],
		       st->ctr[WR_CTR_pay_tx_bytes] + w->send_queue_bytes +
			       drop[WR_DROP_pay_aborted_tx]) &&
	       same(r, "payload that arrived", r->payload_in,
		       st->ctr[WR_CTR_pay_rx_bytes] + drop[WR_DROP_pay_duplicate] +
			       drop[WR_DROP_pay_trimmed] + drop[WR_DROP_pay_no_credit] +
			       drop[WR_DROP_pay_ooo_limit] + drop[WR_DROP_pay_closed]);
}

bool pk_check_books(struct pk_run *r)
{
	struct wr_tcp_gauges g, w;

	wr_tcp_gauges(r->s, &g);
	wr_tcp_gauges_walk(r->s, &w);
	return same(r, "connections", g.conns, w.conns) &&
	       same(r, "half-open connections", g.half_open, w.half_open) &&
	       same(r, "connections in TIME-WAIT", g.time_wait, w.time_wait) &&
	       same(r, "promised bytes", g.promised_bytes, w.promised_bytes) &&
	       same(r, "receive queue", g.recv_queue_bytes, w.recv_queue_bytes) &&
	       same(r, "out-of-order store", g.ooo_bytes, w.ooo_bytes) &&
	       same(r, "send queue", g.send_queue_bytes, w.send_queue_bytes) &&
	       same(r, "RX buffers held", g.held_rx_mbufs, w.held_rx_mbufs) &&
	       same(r, "small buffers held", g.held_small_mbufs, w.held_small_mbufs) &&
	       ledger(r, &w);
}

bool pk_check_end(struct pk_run *r)
{
	wr_us_t until = r->now + 3600 * WR_US_PER_S;
	struct wr_tcp_gauges g;

	while (r->starved_count > 0)
		rte_pktmbuf_free(r->starved[--r->starved_count]);
	r->room = 64;
	r->reading = false;
	for (uint32_t i = 0; i < r->owned_count; i++)
		wr_tcp_abort(r->s, r->owned[i], r->now);
	pk_flush(r);
	r->out_first = r->out_count = 0;
	do {
		wr_us_t next = wr_tcp_next_timer(r->s);

		pk_advance(r, RTE_MIN(RTE_MAX(next, r->now + 1), until), false);
		r->out_first = r->out_count = 0;
		wr_tcp_gauges(r->s, &g);
	} while (g.conns > 0 && r->now < until && !r->failed);
	pk_advance(r, r->now + 2 * WR_US_PER_S, false);
	if (g.conns > 0)
		return pk_fail(
			r, "%u connections are left an hour after everything was aborted", g.conns);
	if (wr_tcp_next_timer(r->s) != WR_US_NEVER)
		return pk_fail(r, "a timer is left although no connection is");
	if (g.held_rx_mbufs + g.held_small_mbufs > 0 || g.promised_bytes > 0 || g.half_open > 0)
		return pk_fail(r,
			"%u RX buffers, %u small buffers and %llu promised bytes are left",
			g.held_rx_mbufs, g.held_small_mbufs, (unsigned long long)g.promised_bytes);
	return pk_check_books(r);
}

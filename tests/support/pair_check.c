/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// The books of a stack, compared from outside, and what is said when they are wrong.

// Every connection of a side, for whoever reads a failure.
static void describe(struct pair *p, int side)
{
	struct wr_tcp_info info;
	uint32_t cursor = 0;
	wr_handle_t h;

	while (p->s[side] != NULL && (h = wr_tcp_walk(p->s[side], &cursor)) != WR_HANDLE_NONE) {
		struct wr_tcp_conn *c = wr_tcp_conn_at(p->s[side], h);

		wr_tcp_info(p->s[side], h, &info);
		fprintf(stderr,
			"side %d %s flags %x una +%u nxt +%u end +%u wnd %u cwnd %u mss %u ca %u "
			"dup %u rcv +%u adv +%u recvq %u ooo %u rto %u rtx_at %lld sacked %u lost "
			"%u timer %u\n",
			side, wr_tcp_state_name(info.state), c->flags, c->snd_una - c->iss,
			c->snd_nxt - c->iss, c->snd_end - c->iss, c->snd_wnd, c->cwnd, c->mss,
			c->ca_state, c->dupacks, c->rcv_nxt - c->irs, c->rcv_adv - c->irs,
			c->rcvq.bytes, info.ooo_bytes, c->rto_us,
			c->rtx_at == WR_US_NEVER ? -1 : (long long)(c->rtx_at - p->now),
			c->sacked_bytes, c->lost_bytes, c->rtx);
	}
	for (int i = 0; i < PAIR_CONNS; i++) {
		struct pair_app *a = &p->app[side][i];

		if (a->used)
			fprintf(stderr,
				"side %d app %d written %llu of %llu got %llu eof %d shut %d "
				"closed %d end %s\n",
				side, i, (unsigned long long)a->written,
				(unsigned long long)a->to_send, (unsigned long long)a->got, a->eof,
				a->shut, a->closed, wr_tcp_end_name(a->end));
	}
	for (uint32_t d = 0; d < WR_DROP_COUNT; d++)
		if (p->stats[side].drop[d] > 0)
			fprintf(stderr, "side %d drop %s %llu\n", side, wr_drop_name(d),
				(unsigned long long)p->stats[side].drop[d]);
}

void pair_die(struct pair *p, const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: at %llu us: ", file, line, (unsigned long long)p->now);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	for (int side = 0; side < 2; side++)
		describe(p, side);
	if (p->watch.failed != NULL)
		p->watch.failed(p->watch.arg);
	abort();
}

// Out-of-order store: sorted, without overlap, inside of the window.
static void check_store(
	struct pair *p, const struct wr_tcp_conn *c, const struct wr_tcp_disorder *d)
{
	struct rte_mbuf *m;
	uint32_t seq = c->rcv_nxt, n = 0;

	wr_mq_foreach (m, &d->ooo) {
		PAIR_CHECK(p, wr_seq_gt(wr_mbuf_priv(m)->seq, seq) ||
				      (n > 0 && wr_mbuf_priv(m)->seq == seq));
		seq = wr_mbuf_priv(m)->seq + m->data_len;
		n++;
	}
	PAIR_EQ(p, n, d->ooo.count);
	PAIR_CHECK(p, n == 0 || wr_seq_leq(seq, c->rcv_adv));
}

// Marks and sums of what is in flight, and the ring by time of sending.
static void check_flight(
	struct pair *p, const struct wr_tcp_conn *c, const struct wr_tcp_disorder *d)
{
	uint32_t sacked = 0, lost = 0, in_ring = 0, expected = 0;
	wr_us_t last = 0;
	struct rte_mbuf *m;

	wr_mq_foreach (m, &c->sndq) {
		const struct wr_mbuf_priv *priv = wr_mbuf_priv(m);
		uint32_t bytes = wr_tcp_inflight_bytes(c, m);

		PAIR_CHECK(p, (priv->flags & (WR_MBUF_F_SACKED | WR_MBUF_F_LOST)) !=
				      (WR_MBUF_F_SACKED | WR_MBUF_F_LOST));
		if (priv->flags & WR_MBUF_F_SACKED)
			sacked += bytes;
		if ((priv->flags & WR_MBUF_F_LOST) && m == c->rtx_cur &&
			wr_seq_gt(c->rtx_nxt, wr_seq_max(priv->seq, c->snd_una)))
			bytes -= c->rtx_nxt - wr_seq_max(priv->seq, c->snd_una);
		if (priv->flags & WR_MBUF_F_LOST)
			lost += bytes;
		in_ring += !!(priv->flags & WR_MBUF_F_SENT);
		expected += priv->sent > 0 && bytes > 0 &&
		            !(priv->flags & (WR_MBUF_F_SACKED | WR_MBUF_F_LOST));
		if (priv->flags & WR_MBUF_F_LOST)
			PAIR_CHECK(p, c->rtx_cur != NULL &&
					      wr_seq_leq(wr_mbuf_priv(c->rtx_cur)->seq, priv->seq));
	}
	PAIR_EQ(p, lost, c->lost_bytes);
	if (c->opts & WR_TCPOPT_SACKOK)
		PAIR_EQ(p, sacked, c->sacked_bytes);
	PAIR_EQ(p, in_ring, d != NULL ? expected : 0);
	if (d == NULL || (m = d->sent) == NULL)
		return;
	do {
		PAIR_CHECK(p, wr_mbuf_priv(m)->sent_us >= last);
		last = wr_mbuf_priv(m)->sent_us;
		m = wr_mbuf_priv(m)->later;
		in_ring--;
	} while (m != d->sent);
	PAIR_EQ(p, in_ring, 0);
}

static void check_conn(struct pair *p, int side, const struct wr_tcp_conn *c)
{
	const struct wr_tcp_disorder *d = wr_tcp_disorder_of(p->s[side], c);
	struct rte_mbuf *m;
	uint32_t seq;

	PAIR_CHECK(p, wr_seq_leq(c->snd_una, c->snd_nxt));
	PAIR_CHECK(p, wr_seq_leq(c->snd_nxt, c->snd_end + 1) || c->state == WR_TCP_ST_CLOSED);
	PAIR_CHECK(p, wr_seq_leq(c->rcv_nxt, c->rcv_adv));
	if (d != NULL)
		check_store(p, c, d);
	check_flight(p, c, d);
	if (c->sndq.head != NULL) {
		PAIR_CHECK(p, wr_seq_leq(wr_mbuf_priv(c->sndq.head)->seq, wr_tcp_unacked_seq(c)));
		seq = wr_mbuf_priv(c->sndq.head)->seq;
		wr_mq_foreach (m, &c->sndq) {
			PAIR_EQ(p, wr_mbuf_priv(m)->seq, seq);
			seq += m->data_len;
		}
		PAIR_EQ(p, seq, c->snd_end);
	}
}

void pair_check(struct pair *p, int side)
{
	const struct wr_stats *st = &p->stats[side];
	struct wr_tcp_gauges g, w;

	wr_tcp_gauges(p->s[side], &g);
	wr_tcp_gauges_walk(p->s[side], &w);
	PAIR_EQ(p, g.conns, w.conns);
	PAIR_EQ(p, g.half_open, w.half_open);
	PAIR_EQ(p, g.time_wait, w.time_wait);
	PAIR_EQ(p, g.ready, w.ready);
	PAIR_EQ(p, g.disorders, w.disorders);
	PAIR_EQ(p, g.dirty, w.dirty);
	PAIR_EQ(p, g.promised_bytes, w.promised_bytes);
	PAIR_EQ(p, g.recv_queue_bytes, w.recv_queue_bytes);
	PAIR_EQ(p, g.ooo_bytes, w.ooo_bytes);
	PAIR_EQ(p, g.send_queue_bytes, w.send_queue_bytes);
	PAIR_EQ(p, g.held_rx_mbufs, w.held_rx_mbufs);
	PAIR_EQ(p, g.held_small_mbufs, w.held_small_mbufs);
	PAIR_CHECK(p, g.held_rx_mbufs <= g.held_budget);
	PAIR_EQ(p, st->ctr[WR_CTR_pay_rx_bytes],
		st->ctr[WR_CTR_pay_read_bytes] + w.recv_queue_bytes + w.ooo_bytes +
			st->drop_bytes[WR_DROP_pay_aborted_rx] +
			st->drop_bytes[WR_DROP_pay_ooo_evicted]);
	PAIR_EQ(p, st->ctr[WR_CTR_pay_written_bytes],
		st->ctr[WR_CTR_pay_tx_bytes] + w.send_queue_bytes +
			st->drop_bytes[WR_DROP_pay_aborted_tx]);
	PAIR_EQ(p, p->payload_in[side],
		st->ctr[WR_CTR_pay_rx_bytes] + st->drop_bytes[WR_DROP_pay_duplicate] +
			st->drop_bytes[WR_DROP_pay_trimmed] +
			st->drop_bytes[WR_DROP_pay_no_credit] +
			st->drop_bytes[WR_DROP_pay_ooo_limit] + st->drop_bytes[WR_DROP_pay_closed]);
	for (uint32_t i = 0; i < p->s[side]->conns.capacity; i++)
		if (wr_pool_handle_at(&p->s[side]->conns, i) != WR_HANDLE_NONE)
			check_conn(p, side, wr_pool_at(&p->s[side]->conns, i));
}

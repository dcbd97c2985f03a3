/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static void entries_are_numbered(struct peer *r)
{
	struct rte_mbuf *m;
	uint32_t seq = r->iss + 1;

	peer_open(r);
	peer_write(r, 5000, 700);
	wr_mq_foreach (m, &peer_conn(r)->sndq) {
		assert_int_equal(wr_mbuf_priv(m)->seq, seq);
		seq += m->data_len;
	}
	assert_int_equal(peer_conn(r)->snd_end, seq);
	assert_int_equal(r->s->send_queue_bytes, 5000);
}

// What the application made counts as held until it is acknowledged; empty buffers go at once.
static void own_buffers_count(struct peer *r)
{
	struct wr_mq q = {0};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.rx);

	peer_open(r);
	rte_pktmbuf_append(m, 1000);
	wr_mq_append(&q, m);
	wr_mq_append(&q, rte_pktmbuf_alloc(r->p.small));
	m = rte_pktmbuf_alloc(r->p.small);
	rte_pktmbuf_append(m, 10);
	wr_mq_append(&q, m);
	assert_int_equal(wr_tcp_write(r->s, r->conn, &q, r->p.now), 0);
	assert_int_equal(q.count, 0);
	assert_int_equal(r->s->held_rx, 1);
	assert_int_equal(r->s->held_small, 1);
	r->n = 0;
	peer_flush(r);
	peer_seg(r, A, 1, 1011, 0);
	assert_int_equal(r->s->held_rx + r->s->held_small, 0);
}

// The FIN's number is not payload.
static void fin_is_no_payload(struct peer *r)
{
	peer_open(r);
	peer_write(r, 100, 100);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_seg(r, A, 1, 102, 0);
	assert_int_equal(r->st->ctr[WR_CTR_pay_tx_bytes], 100);
	assert_int_equal(r->s->send_queue_bytes, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
}

static void written_before_established(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_write(r, 3000, 1000);
	assert_int_equal(r->n, 0);
	peer_syn_ack(r);
	assert_true(r->n >= 2);
	peer_expect(r, 0, A, 1, 1, peer_conn(r)->mss);
	peer_seg(r, A, 1, 3001, 0);
	assert_int_equal(r->st->ctr[WR_CTR_pay_tx_bytes], 3000);
}

static void purge_counts_what_is_left(struct peer *r)
{
	peer_open(r);
	peer_write(r, 5000, 1000);
	peer_seg(r, A, 1, 1501, 0);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_tx], 3500);
	assert_int_equal(r->s->send_queue_bytes, 0);
	assert_int_equal(r->s->held_rx + r->s->held_small, 0);
}

// Case 42: nothing that was remembered from the start is mistaken for something new once numbers
// have gone round.
static void sendq_beyond_4_gib(void **state)
{
	struct peer *r = peer_start(&peer_variants[1], NULL);
	struct rte_mbuf *pkts[64];
	struct wr_pkt k = {.kind = WR_PKT_TCP, .flags = A, .window = 65535, .t = r->t};
	uint64_t sent = 0;

	peer_open(r);
	k.seq = r->irs + 1;
	k.opts = r->v.opts & WR_TCPOPT_TS;
	k.ts_val = r->ts_val;
	while (sent < (4ULL << 30) + (1 << 26)) {
		struct wr_tcp_tx tx = {pkts, 0, 64};
		struct wr_mq q = {0};

		for (uint32_t i = 0; i < 10 && sent - r->st->ctr[WR_CTR_pay_tx_bytes] < 60000;
			i++) {
			struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.rx);

			rte_pktmbuf_append(m, 2048);
			wr_mq_append(&q, m);
			sent += 2048;
		}
		assert_int_equal(wr_tcp_write(r->s, r->conn, &q, r->p.now), 0);
		wr_tcp_output(r->s, &tx, 64, r->p.now);
		assert_true(tx.count > 0);
		for (uint16_t i = 0; i < tx.count; i++)
			rte_pktmbuf_free(pkts[i]);
		k.ack = peer_conn(r)->snd_nxt;
		wr_tcp_input_burst(r->s, &k, 1, r->p.now);
	}
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 0);
	assert_int_equal(r->s->send_queue_bytes, sent - r->st->ctr[WR_CTR_pay_tx_bytes]);
	peer_seg(r, A, 1, peer_conn(r)->snd_nxt - r->iss, 0);
	while (wr_tcp_flight(peer_conn(r)) > 0)
		peer_seg(r, A, 1, peer_conn(r)->snd_nxt - r->iss, 0);
	// losses are still repaired
	sent = peer_conn(r)->snd_nxt - r->iss;
	peer_write(r, 10000, 1000);
	r->p.now += 500;
	for (uint32_t i = 1; i <= 3; i++)
		peer_dup(r, (uint32_t)sent, (uint32_t)sent + 1000, (uint32_t)sent + 1000 * (i + 1));
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 1);
	peer_stop(r);
}

static void sendq_receives_beyond_4_gib(void **state)
{
	struct peer *r = peer_start(&peer_variants[1], NULL);
	struct wr_pkt k = {.kind = WR_PKT_TCP, .flags = A, .window = 65535, .t = r->t};
	struct rte_mbuf *pkts[64];
	uint64_t got = 0;

	peer_open(r);
	k.ack = r->iss + 1;
	k.opts = r->v.opts & WR_TCPOPT_TS;
	k.ts_val = r->ts_val;
	k.payload_len = 2048;
	while (got < (4ULL << 30) + (1 << 26)) {
		struct wr_tcp_tx tx = {pkts, 0, 64};
		struct wr_mq q = {0};

		for (int i = 0; i < 8; i++) {
			k.m = rte_pktmbuf_alloc(r->p.rx);
			rte_pktmbuf_append(k.m, 2048);
			k.seq = peer_conn(r)->rcv_nxt;
			r->p.payload_in[1] += 2048;
			wr_tcp_input_burst(r->s, &k, 1, r->p.now);
		}
		got += wr_tcp_read(r->s, r->conn, &q, UINT32_MAX, r->p.now);
		wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
		wr_tcp_output(r->s, &tx, 64, r->p.now);
		for (uint16_t i = 0; i < tx.count; i++)
			rte_pktmbuf_free(pkts[i]);
	}
	assert_int_equal(r->st->ctr[WR_CTR_pay_rx_bytes], got);
	assert_int_equal(r->st->drop[WR_DROP_tcp_old], 0);
	peer_seg(r, A, (uint32_t)got + 1 + 1000, 1, 500); // out of order still works
	assert_int_equal(peer_ooo(r)->bytes, 500);
	peer_stop(r);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(sendq_entries_are_numbered, entries_are_numbered)
EACH(sendq_own_buffers_count, own_buffers_count)
EACH(sendq_fin_is_no_payload, fin_is_no_payload)
EACH(sendq_written_before_established, written_before_established)
EACH(sendq_purge_counts_what_is_left, purge_counts_what_is_left)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sendq_entries_are_numbered),
		cmocka_unit_test(sendq_own_buffers_count),
		cmocka_unit_test(sendq_fin_is_no_payload),
		cmocka_unit_test(sendq_written_before_established),
		cmocka_unit_test(sendq_purge_counts_what_is_left),
		cmocka_unit_test(sendq_beyond_4_gib),
		cmocka_unit_test(sendq_receives_beyond_4_gib),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

// one ACK a connection for a whole burst
static void one_ack_a_burst(struct peer *r)
{
	peer_open(r);
	for (uint32_t i = 0; i < 10; i++) {
		uint8_t data[100] = {0};
		struct pair_seg g = {.t = r->t,
			.seq = r->irs + 1 + i * 100,
			.ack = r->iss + 1,
			.flags = A,
			.window = 1000,
			.opts = r->v.opts & WR_TCPOPT_TS,
			.ts_val = r->ts_val,
			.data = data,
			.len = 100};

		pair_inject(&r->p, 1, &g);
	}
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1001, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_acks_out], 1);
}

// up to three duplicate ACKs of a burst stay apart
static void duplicate_acks_of_a_burst(struct peer *r)
{
	uint8_t data[100] = {0};

	peer_open(r);
	for (uint32_t i = 0; i < 6; i++) {
		struct pair_seg g = {.t = r->t,
			.seq = r->irs + 501 + i * 100,
			.ack = r->iss + 1,
			.flags = A,
			.window = 1000,
			.opts = r->v.opts & WR_TCPOPT_TS,
			.ts_val = r->ts_val,
			.data = data,
			.len = 100};

		pair_inject(&r->p, 1, &g);
	}
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, WR_TCP_DUPACKS_OUT);
	for (uint32_t i = 0; i < r->n; i++)
		peer_expect(r, i, A, 1, 1, 0);
}

// data carries the ACK; no pure one besides
static void data_carries_the_ack(struct peer *r)
{
	struct wr_mq q = {0};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.small);
	uint8_t data[10] = {0};
	struct pair_seg g = {.t = r->t, .flags = A, .window = 1000, .data = data, .len = 10};

	peer_open(r);
	rte_pktmbuf_append(m, 50);
	wr_mq_append(&q, m);
	g.seq = r->irs + 1;
	g.ack = r->iss + 1;
	g.opts = r->v.opts & WR_TCPOPT_TS;
	g.ts_val = r->ts_val;
	pair_inject(&r->p, 1, &g);
	wr_tcp_write(r->s, r->conn, &q, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 11, 50);
}

// case 49: what is small goes at once, whatever is outstanding
static void no_nagle(struct peer *r)
{
	peer_open(r);
	for (uint32_t i = 0; i < 5; i++) {
		peer_write(r, 10, 10);
		assert_int_equal(r->n, 1);
		peer_expect(r, 0, A, 1 + i * 10, 1, 10);
	}
}

// A full tx array stops in the middle; the rest follows from there.
static void tx_is_full(struct peer *r)
{
	struct rte_mbuf *pkts[2];
	struct wr_tcp_tx tx = {pkts, 0, 2};
	struct wr_mq q = {0};
	uint32_t next = 1;

	peer_open(r);
	for (int i = 0; i < 5; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.rx);

		rte_pktmbuf_append(m, peer_conn(r)->mss);
		wr_mq_append(&q, m);
	}
	wr_tcp_write(r->s, r->conn, &q, r->p.now);
	for (int turn = 0; turn < 3; turn++) {
		tx.count = 0;
		wr_tcp_output(r->s, &tx, 10, r->p.now);
		assert_int_equal(tx.count, turn < 2 ? 2 : 1);
		next += tx.count * peer_conn(r)->mss;
		assert_int_equal(peer_conn(r)->snd_nxt - r->iss, next);
		assert_int_equal(r->s->dirty.count, turn < 2 ? 1 : 0);
		for (uint16_t i = 0; i < tx.count; i++)
			rte_pktmbuf_free(pkts[i]);
	}
	tx.room = 0;
	assert_int_equal(wr_tcp_output(r->s, &tx, 10, r->p.now), 0);
}

static void budget_keeps_places(struct peer *r)
{
	struct rte_mbuf *pkts[64];
	struct wr_tcp_tx tx = {pkts, 0, 64};
	uint16_t port = 0;

	for (int i = 0; i < 6; i++) {
		struct pair_seg g = {.t = r->t, .seq = 1, .flags = WR_TCP_SYN, .window = 1000};

		g.t.rport = (uint16_t)(2000 + i);
		pair_inject(&r->p, 1, &g);
	}
	for (int turn = 0; turn < 3; turn++) {
		tx.count = 0;
		assert_int_equal(wr_tcp_output(r->s, &tx, 2, r->p.now), 2);
		for (uint16_t i = 0; i < tx.count; i++) {
			struct wr_pkt k;

			wr_parse_frame(&k, pkts[i], WR_PARSE_F_NO_L2 | WR_PARSE_F_TRUST_CK);
			assert_int_equal(k.t.lport, 2000 + port);
			port++;
			rte_pktmbuf_free(pkts[i]);
		}
	}
	assert_int_equal(port, 6);
}

static void path_is_told(struct peer *r)
{
	struct rte_mbuf *pkts[4];
	struct wr_tcp_tx tx = {pkts, 0, 4};

	peer_open(r);
	wr_tcp_set_path(r->s, r->conn, 77);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, 1);
	assert_int_equal(pkts[0]->hash.usr, 77);
	rte_pktmbuf_free(pkts[0]);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	tx.count = 0;
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, 1);
	assert_int_equal(pkts[0]->hash.usr, 77);
	rte_pktmbuf_free(pkts[0]);
}

// RFC 5681 4.1
static void idle_restart(struct peer *r)
{
	uint32_t m, seq = 1;

	peer_open(r);
	m = peer_conn(r)->mss;
	for (int i = 0; i < 4; i++) {
		uint32_t flight;

		peer_write(r, 40 * m, m);
		while ((flight = wr_tcp_flight(peer_conn(r))) > 0) {
			seq += flight;
			peer_seg(r, A, 1, seq, 0);
		}
	}
	assert_true(peer_conn(r)->cwnd > 11 * m);
	peer_wait(r, 10 * WR_US_PER_S);
	peer_write(r, 40 * m, 40 * m > 2000 ? 2000 : m);
	assert_true(wr_tcp_flight(peer_conn(r)) <= RTE_MAX(14600u, 2 * m) + 2000);
	assert_true(peer_conn(r)->cwnd <= RTE_MAX(14600u, 2 * m));
}

// the FIN rides on the last segment
static void fin_rides(struct peer *r)
{
	struct wr_mq q = {0};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->p.small);

	peer_open(r);
	rte_pktmbuf_append(m, 50);
	wr_mq_append(&q, m);
	wr_tcp_write(r->s, r->conn, &q, r->p.now);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 50);
	peer_wait(r, 300000);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 50);
	peer_seg(r, A, 1, 51, 0); // the data, but not the FIN
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_1);
	peer_seg(r, A, 1, 52, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(output_one_ack_a_burst, one_ack_a_burst)
EACH(output_duplicate_acks_of_a_burst, duplicate_acks_of_a_burst)
EACH(output_data_carries_the_ack, data_carries_the_ack)
EACH(output_no_nagle, no_nagle)
EACH(output_tx_is_full, tx_is_full)
EACH(output_budget_keeps_places, budget_keeps_places)
EACH(output_path_is_told, path_is_told)
EACH(output_idle_restart, idle_restart)
EACH(output_fin_rides, fin_rides)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_one_ack_a_burst),
		cmocka_unit_test(output_duplicate_acks_of_a_burst),
		cmocka_unit_test(output_data_carries_the_ack),
		cmocka_unit_test(output_no_nagle),
		cmocka_unit_test(output_tx_is_full),
		cmocka_unit_test(output_budget_keeps_places),
		cmocka_unit_test(output_path_is_told),
		cmocka_unit_test(output_idle_restart),
		cmocka_unit_test(output_fin_rides),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

// RFC 9293 3.10.7.1
static void unknown(struct peer *r)
{
	peer_seg(r, A, 500, 600, 40);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, WR_TCP_RST, 600, 0, 0);
	peer_seg(r, A | WR_TCP_FIN, 500, 600, 0);
	peer_expect(r, 0, WR_TCP_RST, 600, 0, 0);
	peer_seg(r, WR_TCP_FIN, 500, 0, 40); // a listener answers only ACKs (3.10.7.2)
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_ack], 1);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_trimmed], 40);
	r->t.lport++;
	peer_seg(r, WR_TCP_FIN, 500, 0, 40); // no ACK: everything is acknowledged
	peer_expect(r, 0, WR_TCP_RST | A, (uint32_t)-r->iss, 541, 0);
	peer_seg(r, WR_TCP_RST | A, 500, 600, 0);
	assert_int_equal(r->n, 0);
	peer_seg(r, WR_TCP_PSH, 500, 0, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_flags], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rst_out], 3);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_closed], 80);
}

static void the_ring_is_bounded(struct peer *r)
{
	struct rte_mbuf *pkts[WR_TCP_ANSWERS + 44];
	struct wr_tcp_tx tx = {pkts, 0, WR_TCP_ANSWERS + 44};

	for (uint32_t i = 0; i < WR_TCP_ANSWERS + 44; i++) {
		struct pair_seg g = {.t = r->t, .seq = i, .ack = i, .flags = A, .window = 1000};

		pair_inject(&r->p, 1, &g);
	}
	assert_int_equal(r->s->answer_count, WR_TCP_ANSWERS);
	assert_int_equal(r->st->drop[WR_DROP_no_mbuf], WR_TCP_ANSWERS + 44 - WR_TCP_ANSWERS);
	tx.room = 100;
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, 100);
	tx.room = WR_TCP_ANSWERS + 44;
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, WR_TCP_ANSWERS);
	for (uint16_t i = 0; i < tx.count; i++) {
		struct wr_pkt k;

		wr_parse_frame(&k, pkts[i], WR_PARSE_F_NO_L2 | WR_PARSE_F_TRUST_CK);
		assert_int_equal(k.seq, i); // in order
		assert_int_equal(pkts[i]->hash.usr, 0);
		rte_pktmbuf_free(pkts[i]);
	}
}

static void abort_tells_the_peer(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 10);
	peer_write(r, 20, 20);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, WR_TCP_RST | A, 21, 11, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_rx], 10);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_tx], 20);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(reset_unknown, unknown)
EACH(reset_ring_is_bounded, the_ring_is_bounded)
EACH(reset_abort_tells_the_peer, abort_tells_the_peer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_unknown),
		cmocka_unit_test(reset_ring_is_bounded),
		cmocka_unit_test(reset_abort_tells_the_peer),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

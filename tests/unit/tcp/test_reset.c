/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

// That may wait, of those to no connection.
#define ANSWERS (WR_TCP_ANSWERS - WR_TCP_ANSWERS_KEPT)

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
	struct rte_mbuf *pkts[ANSWERS + 44];
	struct wr_tcp_tx tx = {pkts, 0, ANSWERS + 44};

	for (uint32_t i = 0; i < ANSWERS + 44; i++) {
		struct pair_seg g = {.t = r->t, .seq = i, .ack = i, .flags = A, .window = 1000};

		pair_inject(&r->p, 1, &g);
	}
	assert_int_equal(r->s->answer_count, ANSWERS);
	assert_int_equal(r->st->drop[WR_DROP_answers_full], ANSWERS + 44 - ANSWERS);
	tx.room = 100;
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, 100);
	tx.room = ANSWERS + 44;
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, ANSWERS);
	for (uint16_t i = 0; i < tx.count; i++) {
		struct wr_pkt k;

		wr_parse_frame(&k, pkts[i], WR_PARSE_F_NO_L2 | WR_PARSE_F_TRUST_CK);
		assert_int_equal(k.seq, i); // in order
		assert_int_equal(pkts[i]->hash.usr, 0);
		rte_pktmbuf_free(pkts[i]);
	}
}

// What connections have to say finds room when strays have taken theirs.
static void the_ring_keeps_room(struct peer *r)
{
	struct rte_mbuf *pkts[WR_TCP_ANSWERS];
	struct wr_tcp_tx tx = {pkts, 0, WR_TCP_ANSWERS};

	peer_open(r);
	for (uint32_t i = 0; i < WR_TCP_ANSWERS; i++) {
		struct pair_seg g = {.t = r->t, .seq = i, .ack = i, .flags = A, .window = 1000};

		g.t.rport += 7;
		pair_inject(&r->p, 1, &g);
	}
	assert_int_equal(r->s->answer_count, ANSWERS);
	assert_int_equal(r->st->drop[WR_DROP_answers_full], WR_TCP_ANSWERS_KEPT);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	assert_int_equal(r->s->answer_count, ANSWERS + 1);
	assert_int_equal(r->st->drop[WR_DROP_answers_full], WR_TCP_ANSWERS_KEPT);
	wr_tcp_output(r->s, &tx, 10, r->p.now);
	assert_int_equal(tx.count, ANSWERS + 1);
	for (uint16_t i = 0; i < tx.count; i++)
		rte_pktmbuf_free(pkts[i]);
}

// One stray segment; whether it was answered.
static bool stray(struct peer *r)
{
	uint64_t before = r->st->ctr[WR_CTR_tcp_rst_out];

	peer_seg(r, A, 77, 99, 0);
	assert_int_equal(r->n, r->st->ctr[WR_CTR_tcp_rst_out] - before);
	return r->n > 0;
}

static void reset_rate_is_kept(void **state)
{
	static const struct {
		uint32_t rate, burst;
	} rows[] = {{1, 1}, {10, 1}, {19, 1}, {25, 2}, {1000, 100}, {3000000, 2000}};

	for (uint32_t i = 0; i < RTE_DIM(rows); i++) {
		struct wr_tcp_config cfg = pair_config();
		uint32_t asked = 0, sent = 0;
		struct peer *r;

		cfg.resets_per_s = rows[i].rate;
		r = peer_start(&peer_variants[i % peer_variant_count], &cfg);
		for (; sent < rows[i].burst && stray(r); sent++)
			asked++;
		assert_int_equal(sent, rows[i].burst); // from the start
		if (rows[i].rate <= 1000) {
			assert_false(stray(r));
			// over a while it is the rate
			for (uint32_t ms = 0; ms < 2000; ms++) {
				r->p.now += WR_US_PER_MS;
				sent += stray(r);
			}
			assert_in_range(sent, rows[i].burst + 2 * rows[i].rate - 1,
				rows[i].burst + 2 * rows[i].rate + 1);
			asked += 2001;
			// a pause gives the burst again and no more
			r->p.now += 1000 * WR_US_PER_S;
			for (sent = 0; stray(r); sent++)
				;
			assert_int_equal(sent, rows[i].burst);
		}
		assert_int_equal(
			r->st->drop[WR_DROP_reset_rate], r->st->ctr[WR_CTR_resets_withheld]);
		assert_true(r->st->drop[WR_DROP_tcp_no_conn] > 0);
		peer_stop(r);
	}
}

static void reset_rate_none(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);

	for (uint32_t i = 0; i < 500; i++)
		assert_true(stray(r));
	assert_int_equal(r->st->ctr[WR_CTR_resets_withheld], 0);
	peer_stop(r);
}

// What we say to end a connection is said all the same. A half-open one is anyone's to have.
static void reset_rate_spares_connections(void **state)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.resets_per_s = 1;
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);

		assert_true(stray(r));
		assert_false(stray(r));
		peer_seg(r, WR_TCP_RST, 77, 0, 0); // takes no answer, so none is withheld
		assert_int_equal(r->st->ctr[WR_CTR_resets_withheld], 1);
		peer_syn(r);
		peer_seg(r, A, 1, 2, 0);
		assert_int_equal(r->n, 0);
		assert_int_equal(r->st->drop[WR_DROP_reset_rate], 2);
		assert_int_equal(r->st->drop[WR_DROP_tcp_ack_unacceptable], 0);
		r->p.now += WR_US_PER_S / 2;
		peer_seg(r, A, 1, 2, 0);
		assert_int_equal(r->n, 0);
		r->p.now += WR_US_PER_S / 2;
		peer_seg(r, A, 1, 2, 0);
		peer_expect(r, 0, WR_TCP_RST, 2, 0, 0);
		assert_int_equal(r->st->drop[WR_DROP_tcp_ack_unacceptable], 1);
		assert_int_equal(r->st->ctr[WR_CTR_resets_withheld], 3);
		peer_seg(r, A, 1, 1, 0);
		wr_tcp_abort(r->s, r->conn, r->p.now);
		r->n = 0;
		peer_flush(r);
		peer_expect(r, 0, WR_TCP_RST | A, 1, 1, 0);
		assert_int_equal(r->st->ctr[WR_CTR_resets_withheld], 3);
		peer_stop(r);
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
EACH(reset_ring_keeps_room, the_ring_keeps_room)
EACH(reset_abort_tells_the_peer, abort_tells_the_peer)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reset_unknown),
		cmocka_unit_test(reset_ring_is_bounded),
		cmocka_unit_test(reset_ring_keeps_room),
		cmocka_unit_test(reset_rate_is_kept),
		cmocka_unit_test(reset_rate_none),
		cmocka_unit_test(reset_rate_spares_connections),
		cmocka_unit_test(reset_abort_tells_the_peer),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

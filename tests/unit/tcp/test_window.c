/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static uint32_t edge(const struct peer *r)
{
	const struct wr_tcp_conn *c = wr_pool_lookup(&r->s->conns, r->conn);

	return r->out[0].ack + ((uint32_t)r->out[0].k.window << c->our_wscale);
}

// case 5: the reader announces the room that it makes
static void reader_opens(struct peer *r)
{
	uint32_t seq = 1;

	peer_open(r);
	while (peer_conn(r)->rcv_adv != peer_conn(r)->rcv_nxt) {
		uint32_t len = RTE_MIN(1460u, peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt);

		peer_seg(r, A, seq, 1, len);
		seq += len;
	}
	assert_int_equal(r->out[0].k.window, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_zero_window], 1);
	assert_true(peer_read(r, 1) > 60000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, seq, 0);
	assert_true(r->out[0].k.window > 0);
	assert_int_equal(r->s->promised_bytes, peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt);
}

// RFC 9293 3.8.6.2.2: no announcement of little
static void small_reads_are_silent(struct peer *r)
{
	struct wr_mq q = {0};

	peer_open(r);
	for (uint32_t i = 0; i < 20; i++)
		peer_seg(r, A, 1 + i * 1000, 1, 1000);
	wr_tcp_read(r->s, r->conn, &q, 1000, r->p.now);
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 0);
	wr_tcp_read(r->s, r->conn, &q, 10000, r->p.now);
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, peer_conn(r)->our_wscale > 0 ? 1 : 0);
}

// The edge that was shown stays, whatever arrives and whatever is short.
static void edge_is_not_withdrawn(struct peer *r)
{
	uint32_t last = 0, seq = 1;

	peer_open(r);
	for (uint32_t i = 0; i < 60; i++) {
		uint32_t len = 300 + i * 7;

		if (i == 20)
			wr_tcp_set_pressure(r->s, 4, 1);
		peer_seg(r, A, seq, 1, len);
		seq += len;
		assert_true(i == 0 || edge(r) + 3 >= last);
		last = RTE_MAX(edge(r), last);
	}
	assert_int_equal(peer_read(r, 1), seq - 1);
}

// Single bytes do not push the edge on by rounding up: the buffer bounds it.
static void window_rounding_does_not_creep(void **state)
{
	struct wr_tcp_config cfg = pair_config();

	cfg.rcv_buf_bytes = 100000; // in units of 2 bytes
	for (uint32_t v = 0; v < peer_variant_count; v++) {
		struct peer *r = peer_start(&peer_variants[v], &cfg);
		uint32_t n = 0;

		peer_open(r);
		while (peer_conn(r)->rcv_adv != peer_conn(r)->rcv_nxt && n < 400000) {
			uint32_t len = n < 90000 ? 999 : 1;

			len = RTE_MIN(len, peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt);
			peer_seg(r, A, 1 + n, 1, len);
			n += len;
		}
		assert_in_range(n, 65535, 100001);
		peer_stop(r);
	}
}

static void pressure_slows_new_windows(struct peer *r)
{
	wr_tcp_set_pressure(r->s, 1, 4);
	peer_open(r);
	assert_in_range(peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt, 1, WR_TCP_SLOW_WND);
	peer_seg(r, A, 1, 1, 1000);
	peer_read(r, 1);
	assert_in_range(peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt, 1, WR_TCP_SLOW_WND);
}

// promised + held <= k x budget, with a floor of two segments a connection
static void window_credit_bounds_promises(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct peer *r;
	struct wr_tcp_conn *c = NULL;

	cfg.held_budget = 50;
	cfg.held_reserve = 4;
	r = peer_start(&peer_variants[1], &cfg);
	wr_tcp_set_pressure(r->s, 0, 2);
	for (int i = 0; i < 5; i++) {
		r->t.rport++;
		r->conn = WR_HANDLE_NONE;
		peer_open(r);
		c = peer_conn(r);
		assert_true(c->rcv_adv - c->rcv_nxt >= 2u * c->rcv_mss - 4);
	}
	// the first two took what there was
	assert_in_range(c->rcv_adv - c->rcv_nxt, 2u * c->rcv_mss - 4, 2u * c->rcv_mss);
	assert_in_range(r->s->promised_segs, 100 - 4, 100 + 3 * 3);
	peer_stop(r);
}

static void window_promises_end_with_the_stream(void **state)
{
	struct peer *r = peer_start(&peer_variants[1], NULL);

	peer_open(r);
	assert_true(r->s->promised_bytes > 0);
	peer_seg(r, A | WR_TCP_FIN, 1, 1, 0);
	assert_int_equal(r->s->promised_bytes, 0);
	assert_int_equal(r->s->promised_segs, 0);
	peer_stop(r);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(window_reader_opens, reader_opens)
EACH(window_small_reads_are_silent, small_reads_are_silent)
EACH(window_edge_is_not_withdrawn, edge_is_not_withdrawn)
EACH(window_pressure_slows_new_windows, pressure_slows_new_windows)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(window_reader_opens),
		cmocka_unit_test(window_small_reads_are_silent),
		cmocka_unit_test(window_edge_is_not_withdrawn),
		cmocka_unit_test(window_rounding_does_not_creep),
		cmocka_unit_test(window_pressure_slows_new_windows),
		cmocka_unit_test(window_credit_bounds_promises),
		cmocka_unit_test(window_promises_end_with_the_stream),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

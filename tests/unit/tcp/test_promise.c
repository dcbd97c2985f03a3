/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static struct wr_tcp_gauges books(struct peer *r)
{
	struct wr_tcp_gauges g, w;

	wr_tcp_gauges(r->s, &g);
	wr_tcp_gauges_walk(r->s, &w);
	assert_int_equal(g.promised_bytes, w.promised_bytes);
	assert_int_equal(g.stale_promise_bytes, w.stale_promise_bytes);
	return g;
}

static uint32_t shown(struct peer *r)
{
	return peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt;
}

static void expect_stale(struct peer *r)
{
	struct wr_tcp_gauges g = books(r);
	uint32_t two = 2u * peer_conn(r)->rcv_mss;

	assert_int_equal(g.promised_bytes, two);
	assert_int_equal(g.stale_promise_bytes, shown(r) - two);
	assert_in_range(r->s->promised_segs, 2, 3);
}

static void expect_full(struct peer *r)
{
	struct wr_tcp_gauges g = books(r);

	assert_int_equal(g.promised_bytes, shown(r));
	assert_int_equal(g.stale_promise_bytes, 0);
	assert_in_range(r->s->promised_segs, shown(r) / peer_conn(r)->rcv_mss,
		shown(r) / peer_conn(r)->rcv_mss + 1);
}

// A request whose connection nobody was told of yet.
static void half_open(struct peer *r)
{
	uint32_t cursor = 0;

	peer_syn(r);
	r->conn = wr_tcp_walk(r->s, &cursor);
}

static void stale_promise(struct peer *r)
{
	peer_open(r);
	peer_wait(r, 990 * WR_US_PER_MS);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_full(r);
	peer_wait(r, 12 * WR_US_PER_MS);
	for (uint32_t i = 0; i < 3; i++) { // once is as good as three times
		wr_tcp_promise_walk(r->s, 64, r->p.now);
		expect_stale(r);
	}
	peer_seg(r, A, 1, 1, 10);
	peer_read(r, 1);
	expect_full(r);
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_stale(r);
	peer_write(r, 100, 100); // what we send shows the window anew
	expect_full(r);
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now); // it holds what is not acknowledged
	expect_full(r);
	peer_seg(r, A, 11, 101, 0);
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_stale(r);
	peer_seg(r, A, 11, 101, 0); // an ACK alone: at the next look
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_full(r);
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_stale(r);
	peer_seg(r, A | WR_TCP_FIN, 11, 101, 0);
	assert_int_equal(books(r).promised_bytes, 0);
	assert_int_equal(r->s->promised_segs, 0);
	assert_int_equal(r->s->stale_promise_bytes, 0);
}

// Payload that waits to be read, or for a hole, is held; a peer that is reset takes all with it.
static void stale_promise_of_holders(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 300);
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_full(r);
	peer_read(r, 1);
	peer_seg(r, A, 401, 1, 300);
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_full(r);
	peer_seg(r, A, 301, 1, 100);
	peer_read(r, 301);
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_stale(r);
	wr_tcp_abort(r->s, r->conn, r->p.now);
	peer_flush(r);
	assert_int_equal(books(r).promised_bytes, 0);
	assert_int_equal(r->s->promised_segs, 0);
	assert_int_equal(r->s->stale_promise_bytes, 0);
}

// Requests that are not completed promise as well; and the one that is charged in part finds its
// own share of the credit when it asks for a window.
static void stale_promise_half_open(struct peer *r)
{
	half_open(r);
	r->p.now += 900 * WR_US_PER_MS;
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_full(r);
	r->p.now += 101 * WR_US_PER_MS;
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	expect_stale(r);
	peer_seg(r, A, 1, 1, 100);
	assert_int_equal(books(r).stale_promise_bytes, 0);
	peer_read(r, 1);
	assert_in_range(shown(r), 60000, r->s->cfg.rcv_buf_bytes);
}

// A window at the floor has nothing that could be stale.
static void stale_promise_floor(struct peer *r)
{
	wr_tcp_set_pressure(r->s, 4, 1);
	r->s->cfg.held_budget = 1;
	r->s->cfg.held_reserve = 0;
	half_open(r);
	r->p.now += 2 * WR_US_PER_S;
	assert_in_range(shown(r), 1, 2u * peer_conn(r)->rcv_mss);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	assert_int_equal(books(r).stale_promise_bytes, 0);
	assert_int_equal(books(r).promised_bytes, shown(r));
}

// The walk takes its steps and comes round.
static void promise_walk_in_steps(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	uint64_t before = 0;

	for (int i = 0; i < 20; i++) {
		r->t.rport++;
		r->conn = WR_HANDLE_NONE;
		peer_open(r);
	}
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 0, r->p.now);
	assert_int_equal(r->s->stale_promise_bytes, 0);
	for (uint32_t i = 0; i < 2 * r->s->conns.capacity / 3; i++) {
		wr_tcp_promise_walk(r->s, 3, r->p.now);
		// three connections at most
		assert_true(books(r).stale_promise_bytes <= before + 3 * 65536);
		before = books(r).stale_promise_bytes;
	}
	assert_int_equal(books(r).promised_bytes, 20 * 2 * WR_TCP_MSS_V4);
	peer_stop(r);
}

// What nobody uses is there for others.
static void promise_stale_gives_credit(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct peer *r;

	cfg.held_budget = 120;
	r = peer_start(&peer_variants[0], &cfg);
	wr_tcp_set_pressure(r->s, 0, 1);
	for (int i = 0; i < 4; i++) {
		r->t.rport++;
		r->conn = WR_HANDLE_NONE;
		peer_open(r);
	}
	assert_in_range(shown(r), 1, 2u * WR_TCP_MSS_V4); // all is promised
	peer_wait(r, 2 * WR_US_PER_S);
	wr_tcp_promise_walk(r->s, 64, r->p.now);
	r->t.rport++;
	r->conn = WR_HANDLE_NONE;
	peer_open(r);
	assert_in_range(shown(r), 60000, 65536);
	peer_stop(r);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(promise_stale, stale_promise)
EACH(promise_stale_of_holders, stale_promise_of_holders)
EACH(promise_stale_half_open, stale_promise_half_open)
EACH(promise_stale_floor, stale_promise_floor)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(promise_stale),
		cmocka_unit_test(promise_stale_of_holders),
		cmocka_unit_test(promise_stale_half_open),
		cmocka_unit_test(promise_stale_floor),
		cmocka_unit_test(promise_walk_in_steps),
		cmocka_unit_test(promise_stale_gives_credit),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

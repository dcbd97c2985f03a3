/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK
#define S WR_TCP_SYN
#define F WR_TCP_FIN

// Our FIN first, then theirs: the connection waits in TIME-WAIT with both streams at 2.
static void into_time_wait(struct peer *r)
{
	peer_open(r);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, F | A, 1, 1, 0);
	peer_seg(r, A, 1, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_2);
	peer_seg(r, F | A, 1, 2, 0);
	peer_expect(r, 0, A, 2, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
	assert_int_equal(r->events & WR_TCP_EV_CLOSED, WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_CLOSED);
	r->events = 0;
}

// case 14
static void fin_again_restarts(struct peer *r)
{
	into_time_wait(r);
	peer_wait(r, 50 * WR_US_PER_S);
	peer_seg(r, F | A, 1, 2, 0);
	peer_expect(r, 0, A, 2, 2, 0);
	peer_wait(r, 50 * WR_US_PER_S);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
	wr_tcp_release(r->s, r->conn, r->p.now);
	assert_int_equal(r->s->aged.count, 1);
	peer_wait(r, 11 * WR_US_PER_S);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

// RFC 1337
static void reset_is_ignored(struct peer *r)
{
	into_time_wait(r);
	peer_seg(r, WR_TCP_RST, 2, 0, 0);
	peer_seg(r, WR_TCP_RST | A, 2, 2, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
	assert_int_equal(r->st->drop[WR_DROP_tcp_rst_ignored], 2);
}

static void other_segments(struct peer *r)
{
	into_time_wait(r);
	peer_seg(r, A, 2, 2, 0);
	assert_int_equal(r->n, 0); // nothing to say
	peer_seg(r, A, 2, 2, 50);
	peer_expect(r, 0, A, 2, 2, 0);
	peer_seg(r, A, 90, 2, 0);
	peer_expect(r, 0, A, 2, 2, 0);
	peer_seg(r, WR_TCP_PSH, 2, 0, 5);
	assert_int_equal(r->n, 0);
	peer_seg(r, S | A, 5000, 2, 0);
	peer_expect(r, 0, A, 2, 2, 0);
}

// case 43
static void reuse(struct peer *r)
{
	wr_handle_t old;

	into_time_wait(r);
	old = r->conn;
	r->ts_val--;
	peer_seg(r, S, 0, 0, 0); // lower sequence number, older timestamp
	peer_expect(r, 0, A, 2, 2, 0);
	peer_seg(r, S, 1, 0, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	r->ts_val += 2;
	r->irs += 100000;
	peer_syn(r);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_timewait_reused], 1);
	assert_int_equal(r->out[0].k.flags, S | A);
	peer_syn(r); // several of them make one connection
	assert_int_equal(r->out[0].k.flags, S | A);
	assert_int_equal(wr_pool_used(&r->s->conns), 2); // the old one belongs to its owner still
	assert_int_equal(wr_tcp_end(r->s, old), WR_TCP_END_CLOSED);
	peer_seg(r, A, 1, 1, 0);
	assert_true(r->events & WR_TCP_EV_ACCEPTED);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	wr_tcp_release(r->s, old, r->p.now);
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	peer_seg(r, A, 1, 1, 10);
	assert_int_equal(peer_read(r, 1), 10);
}

static void newer_timestamp_is_enough(struct peer *r)
{
	into_time_wait(r);
	if (!(r->v.opts & WR_TCPOPT_TS))
		return;
	r->ts_val++;
	r->irs -= 5000;
	peer_syn(r);
	assert_int_equal(r->out[0].k.flags, S | A);
}

// RFC 1122 4.2.2.13: the new numbers are above the old ones
static void input_tw_iss_is_higher(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_tcp_conn *c;
	struct pair_seg g = {.t = r->t, .flags = S, .window = 1000};
	uint32_t last;

	into_time_wait(r);
	last = peer_conn(r)->snd_nxt;
	g.seq = r->irs + 70000;
	pair_inject(&r->p, 1, &g);
	c = wr_tcp_conn_lookup(r->s, wr_hash_tuple(&r->s->cfg.secret[2], &r->t), &r->t);
	assert_non_null(c);
	assert_int_equal(c->state, WR_TCP_ST_SYN_RECEIVED);
	assert_true(wr_seq_gt(c->iss, last));
	peer_stop(r);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(input_tw_fin_again_restarts, fin_again_restarts)
EACH(input_tw_reset_is_ignored, reset_is_ignored)
EACH(input_tw_other_segments, other_segments)
EACH(input_tw_reuse, reuse)
EACH(input_tw_newer_timestamp_is_enough, newer_timestamp_is_enough)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_tw_fin_again_restarts),
		cmocka_unit_test(input_tw_reset_is_ignored),
		cmocka_unit_test(input_tw_other_segments),
		cmocka_unit_test(input_tw_reuse),
		cmocka_unit_test(input_tw_newer_timestamp_is_enough),
		cmocka_unit_test(input_tw_iss_is_higher),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "peer.h"

#define A WR_TCP_ACK

static void close_both_ways(struct peer *r)
{
	peer_open(r);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_seg(r, A | WR_TCP_FIN, 1, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
}

// A full pool gives up the oldest connection that only waits; case 43.
static void conn_full_pool_takes_time_wait(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct peer *r;
	wr_handle_t owned;

	cfg.max_conns = 3;
	r = peer_start(&peer_variants[0], &cfg);
	close_both_ways(r);
	owned = r->conn;
	for (int i = 0; i < 2; i++) {
		r->t.rport++;
		r->conn = WR_HANDLE_NONE;
		close_both_ways(r);
		wr_tcp_release(r->s, r->conn, r->p.now);
	}
	assert_int_equal(r->s->time_wait, 3);
	for (int i = 0; i < 2; i++) {
		r->t.rport++;
		r->conn = WR_HANDLE_NONE;
		peer_open(r);
		assert_int_equal(r->s->time_wait, 2u - (uint32_t)i);
	}
	r->t.rport++; // what the application holds is not taken
	peer_syn(r);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_conn_pool_full], 1);
	assert_int_equal(wr_tcp_end(r->s, owned), WR_TCP_END_CLOSED);
	wr_tcp_release(r->s, owned, r->p.now);
	peer_syn(r);
	assert_int_equal(r->n, 1);
	peer_stop(r);
}

static void conn_reserved_are_for_probes(void **state)
{
	struct wr_tcp_config cfg = pair_config();
	struct wr_tcp_connect_opts o = {0};
	wr_handle_t h;
	struct peer *r;

	cfg.max_conns = 3;
	cfg.reserved_conns = 2;
	r = peer_start(&peer_variants[0], &cfg);
	peer_open(r);
	r->t.rport++;
	peer_syn(r);
	assert_int_equal(r->st->drop[WR_DROP_conn_pool_full], 1);
	assert_int_equal(wr_tcp_connect(r->s, &r->t, &o, r->p.now, &h), -ENOBUFS);
	o.flags = WR_TCP_CONNECT_F_RESERVED;
	assert_int_equal(wr_tcp_connect(r->s, &r->t, &o, r->p.now, &h), 0);
	peer_stop(r);
}

// RFC 6528: keyed by the tuple, moved by a clock of 4 us
static void conn_initial_sequence_numbers(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_tcp_conn a = {.t = r->t}, b = {.t = r->t};
	struct wr_tuple t = r->t;

	wr_tcp_conn_keys(r->s, &a, 1000000);
	wr_tcp_conn_keys(r->s, &b, 1004000);
	assert_int_equal(b.iss - a.iss, 1000);
	assert_int_equal(a.ts_offset, b.ts_offset);
	t.rport++;
	b.t = t;
	wr_tcp_conn_keys(r->s, &b, 1000000);
	assert_int_not_equal(b.iss, a.iss);
	assert_int_not_equal(b.ts_offset, a.ts_offset);
	r->s->cfg.secret[0]++;
	wr_tcp_conn_keys(r->s, &b, 1000000);
	b.t = r->t;
	wr_tcp_conn_keys(r->s, &b, 1000000);
	assert_int_not_equal(b.iss, a.iss);
	peer_stop(r);
}

static void conn_limits_choose_the_shift(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_tcp_conn c = {.t = r->t};

	wr_tcp_conn_limits(r->s, &c, 0, 65535, 1000);
	assert_int_equal(c.our_wscale, 0);
	assert_int_equal(c.rcv_mss, 1460);
	wr_tcp_conn_limits(r->s, &c, 1, 65536, 0);
	assert_int_equal(c.our_wscale, 1);
	assert_int_equal(c.rcv_mss, WR_TCP_MSS_MIN);
	assert_int_equal(c.snd_buf, 128 << 10);
	wr_tcp_conn_limits(r->s, &c, 8960, 1 << 29, 0);
	assert_int_equal(c.our_wscale, 14);
	peer_stop(r);
}

// Events are for owners, and each connection is listed once.
static void conn_events_are_gathered(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_tcp_ready e;
	struct pair_seg g = {.t = r->t, .flags = A, .window = 1000, .data = "x", .len = 1};

	peer_open(r);
	wr_tcp_set_user(r->s, r->conn, 123);
	for (uint32_t i = 0; i < 3; i++) {
		g.seq = r->irs + 1 + i;
		g.ack = r->iss + 1;
		pair_inject(&r->p, 1, &g);
	}
	assert_int_equal(r->s->ready.count, 1);
	assert_true(wr_tcp_ready_pop(r->s, &e));
	assert_int_equal(e.conn, r->conn);
	assert_int_equal(e.events, WR_TCP_EV_READABLE);
	assert_int_equal(e.user, 123);
	assert_int_equal(e.listener, 0); // told until the user is set
	assert_false(wr_tcp_ready_pop(r->s, &e));
	g.seq++;
	pair_inject(&r->p, 1, &g);
	wr_tcp_release(r->s, r->conn, r->p.now);
	assert_false(wr_tcp_ready_pop(r->s, &e)); // released ones never appear
	peer_stop(r);
}

static void conn_full_table_is_told(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	uint64_t h = wr_hash_tuple(&r->s->cfg.secret[2], &r->t);

	while (wr_tcp_flow_add(&r->s->flow, h, 123))
		;
	peer_syn(r);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_flow_table_full], 1);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	peer_stop(r);
}

static void conn_size_is_bounded(void **state)
{
	// with two flow slots of 8 bytes at half load: 440 at most for an idle connection
	assert_true(wr_tcp_conn_size() + 16 <= 440);
	assert_true(wr_tcp_conn_size() >= sizeof(struct wr_tcp_conn));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conn_full_pool_takes_time_wait),
		cmocka_unit_test(conn_reserved_are_for_probes),
		cmocka_unit_test(conn_initial_sequence_numbers),
		cmocka_unit_test(conn_limits_choose_the_shift),
		cmocka_unit_test(conn_events_are_gathered),
		cmocka_unit_test(conn_full_table_is_told),
		cmocka_unit_test(conn_size_is_bounded),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

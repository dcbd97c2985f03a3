/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static void info_names(void **state)
{
	assert_string_equal(wr_tcp_state_name(WR_TCP_ST_ESTABLISHED), "ESTABLISHED");
	assert_string_equal(wr_tcp_state_name(WR_TCP_ST_TIME_WAIT), "TIME-WAIT");
	assert_string_equal(wr_tcp_state_name(WR_TCP_ST_COUNT), "?");
	for (int i = 0; i < WR_TCP_ST_COUNT; i++)
		assert_non_null(wr_tcp_state_name((enum wr_tcp_state)i));
	assert_string_equal(wr_tcp_end_name(WR_TCP_END_REFUSED), "refused");
	assert_string_equal(wr_tcp_end_name(WR_TCP_END_EVICTED), "evicted");
	assert_string_equal(wr_tcp_end_name((enum wr_tcp_end)99), "?");
}

static void shows_the_connection(struct peer *r)
{
	struct wr_tcp_info i;

	peer_open(r);
	peer_seg(r, A, 1, 1, 400);
	peer_seg(r, A, 901, 1, 300);
	peer_write(r, 1000, 1000);
	assert_true(wr_tcp_info(r->s, r->conn, &i));
	assert_true(wr_tuple_eq(&i.tuple, &r->t));
	assert_int_equal(i.recv_queue_bytes, 400);
	assert_int_equal(i.ooo_bytes, 300);
	assert_int_equal(i.send_queue_bytes, 1000);
	assert_int_equal(i.in_flight_bytes, 1000);
	assert_int_equal(i.bytes_in, 400);
	assert_int_equal(i.iss, r->iss);
	assert_int_equal(i.irs, r->irs);
	assert_int_equal(i.rcv_nxt, r->irs + 401);
	assert_int_equal(i.snd_una, r->iss + 1);
	assert_int_equal(i.snd_nxt, r->iss + 1001);
	assert_int_equal(i.peer_mss, 1460);
}

static void gauges_agree(struct peer *r)
{
	struct wr_tcp_gauges g, w;

	peer_open(r);
	peer_seg(r, A, 1, 1, 400);
	peer_seg(r, A, 901, 1, 30);
	peer_write(r, 1000, 300);
	peer_seg(r, A, 401, 151, 0);
	wr_tcp_gauges(r->s, &g);
	wr_tcp_gauges_walk(r->s, &w);
	assert_int_equal(g.recv_queue_bytes, 400);
	assert_int_equal(g.ooo_bytes, 30);
	assert_int_equal(g.send_queue_bytes, 850);
	assert_int_equal(g.conns_max, 1);
	assert_int_equal(g.half_open_max, 1);
	assert_memory_equal(&g, &w, sizeof(g));
}

static void info_walk_sees_each_once(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	uint32_t cursor = 0, n = 0;
	wr_handle_t h;

	for (int i = 0; i < 7; i++) {
		r->t.rport++;
		peer_syn(r);
	}
	while ((h = wr_tcp_walk(r->s, &cursor)) != WR_HANDLE_NONE) {
		assert_non_null(wr_tcp_conn_at(r->s, h));
		n++;
	}
	assert_int_equal(n, 7);
	assert_int_equal(wr_tcp_walk(r->s, &cursor), WR_HANDLE_NONE);
	peer_stop(r);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(info_shows_the_connection, shows_the_connection)
EACH(info_gauges_agree, gauges_agree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(info_names),
		cmocka_unit_test(info_shows_the_connection),
		cmocka_unit_test(info_gauges_agree),
		cmocka_unit_test(info_walk_sees_each_once),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

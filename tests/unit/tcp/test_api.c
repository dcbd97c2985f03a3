/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "peer.h"

#define A WR_TCP_ACK

static struct wr_mq one(struct peer *r, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(len > 500 ? r->p.rx : r->p.small);
	struct wr_mq q = {0};

	rte_pktmbuf_append(m, (uint16_t)len);
	wr_mq_append(&q, m);
	return q;
}

static void read_moves_whole_buffers(struct peer *r)
{
	struct wr_mq q = {0};

	peer_open(r);
	for (uint32_t i = 0; i < 4; i++)
		peer_seg(r, A, 1 + i * 1000, 1, 1000);
	assert_int_equal(wr_tcp_read(r->s, r->conn, &q, 1, r->p.now), 1000);
	assert_int_equal(wr_tcp_read(r->s, r->conn, &q, 1001, r->p.now), 2000);
	assert_int_equal(q.bytes, 3000);
	assert_int_equal(r->s->held_rx, 4); // read ones count until they are given back
	wr_tcp_free_mq(r->s, &q, WR_DROP_pay_closed);
	assert_int_equal(r->s->held_rx, 1);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_closed], 3000);
	r->st->drop_bytes[WR_DROP_pay_closed] = 0; // not of the ledger that peer_stop() checks
	assert_int_equal(wr_tcp_read(r->s, r->conn, &q, 5000, r->p.now), 1000);
	assert_int_equal(wr_tcp_read(r->s, r->conn, &q, 5000, r->p.now), 0);
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE);
	wr_tcp_free_mq(r->s, &q, WR_DROP_NONE); // empty: nothing
}

static void spliced(struct peer *r)
{
	struct wr_mq q = {0};

	peer_open(r);
	peer_seg(r, A, 1, 1, 1000);
	assert_int_equal(wr_tcp_read(r->s, r->conn, &q, UINT32_MAX, r->p.now), 1000);
	assert_int_equal(wr_tcp_write(r->s, r->conn, &q, r->p.now), 0);
	assert_int_equal(r->s->held_rx, 1);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, A, 1, 1001, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(r->out[0].data[i], peer_byte(1 + i));
	assert_int_equal(r->st->ctr[WR_CTR_pay_copied_bytes], 0);
	peer_seg(r, A, 1001, 1001, 0);
	assert_int_equal(r->s->held_rx, 0);
}

static void stale_handles_do_nothing(struct peer *r)
{
	struct wr_tcp_info i;
	struct wr_mq q;
	wr_handle_t h;

	peer_open(r);
	h = r->conn;
	wr_tcp_abort(r->s, h, r->p.now);
	q = one(r, 100);
	assert_int_equal(wr_tcp_write(r->s, h, &q, r->p.now), -ESTALE);
	assert_int_equal(q.count, 0);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_tx], 100);
	assert_int_equal(wr_tcp_read(r->s, h, &q, 1, r->p.now), 0);
	assert_int_equal(wr_tcp_shutdown(r->s, h, r->p.now), -ESTALE);
	assert_int_equal(wr_tcp_accept(r->s, h, r->p.now), -ESTALE);
	assert_int_equal(wr_tcp_send_space(r->s, h), 0);
	assert_false(wr_tcp_eof(r->s, h));
	assert_false(wr_tcp_info(r->s, h, &i));
	assert_int_equal(wr_tcp_end(r->s, h), WR_TCP_END_NONE);
	wr_tcp_release(r->s, h, r->p.now);
	wr_tcp_abort(r->s, h, r->p.now);
	wr_tcp_fail(r->s, h, r->p.now);
	wr_tcp_set_user(r->s, h, 1);
	wr_tcp_set_path(r->s, h, 1);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

static void write_after_shutdown(struct peer *r)
{
	struct wr_mq q;

	peer_open(r);
	assert_int_equal(wr_tcp_shutdown(r->s, r->conn, r->p.now), 0);
	assert_int_equal(wr_tcp_shutdown(r->s, r->conn, r->p.now), 0); // idempotent
	q = one(r, 700);
	assert_int_equal(wr_tcp_write(r->s, r->conn, &q, r->p.now), -EPIPE);
	assert_int_equal(q.count, 0);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 0);
}

static void release_with_unread_resets(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 100);
	wr_tcp_release(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A | WR_TCP_RST, 1, 101, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_rx], 100);
}

// What was written before is still delivered.
static void release_delivers(struct peer *r)
{
	peer_open(r);
	peer_write(r, 3000, 1000);
	wr_tcp_release(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_true(r->n >= 1);
	peer_seg(r, A, 1, 3002, 0);
	peer_seg(r, A | WR_TCP_FIN, 1, 3002, 0);
	assert_int_equal(r->s->time_wait, 1);
	assert_int_equal(r->s->aged.count, 1);
	assert_int_equal(r->s->ready.count, 0);
	peer_wait(r, 61 * WR_US_PER_S);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

static void release_after_peer_closed(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A | WR_TCP_FIN, 1, 1, 0);
	wr_tcp_release(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 2, 0);
	peer_seg(r, A, 2, 2, 0);
	assert_int_equal(wr_pool_used(&r->s->conns), 0); // no TIME-WAIT on this side
	assert_int_equal(r->st->ctr[WR_CTR_tcp_closed], 1);
}

static void release_while_connecting(struct peer *r)
{
	peer_connect(r, r->v.opts);
	wr_tcp_release(r->s, r->conn, r->p.now);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 0); // the peer has nothing to forget
	peer_syn_ack(r);
	peer_expect(r, 0, WR_TCP_RST, 1, 0, 0);
}

static void shutdown_while_connecting(struct peer *r)
{
	peer_connect(r, r->v.opts);
	peer_write(r, 100, 100);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_syn_ack(r);
	peer_expect(r, 0, A | WR_TCP_FIN, 1, 1, 100);
	assert_int_equal(peer_state(r), WR_TCP_ST_FIN_WAIT_1);
}

static void connect_errors(struct peer *r)
{
	struct wr_tcp_connect_opts o = {0};
	struct wr_tuple t = r->t;
	wr_handle_t h;

	peer_open(r);
	assert_int_equal(wr_tcp_connect(r->s, &t, &o, r->p.now, &h), -EADDRINUSE);
	t.rport = 0;
	assert_int_equal(wr_tcp_connect(r->s, &t, &o, r->p.now, &h), -EINVAL);
	t = r->t;
	t.remote = t.local;
	t.rport = t.lport;
	assert_int_equal(wr_tcp_connect(r->s, &t, &o, r->p.now, &h), -EINVAL);
	t = r->t;
	t.remote = r->v.v6 ? wr_addr_from_v4(0x0100000a)
	                   : wr_addr_from_v6("\x20\x01\x0d\xb8"
					     "aaaaaaaaaaaa");
	assert_int_equal(wr_tcp_connect(r->s, &t, &o, r->p.now, &h), -EINVAL);
	assert_int_equal(
		wr_tcp_connect(r->s, &(struct wr_tuple){.lport = 1, .rport = 1}, &o, r->p.now, &h),
		-EINVAL);
}

// RFC 6191: with timestamps, and once their clock has moved
static void connect_over_time_wait(struct peer *r)
{
	struct wr_tcp_connect_opts o = {.opts = r->v.opts};
	bool ts = r->v.opts & WR_TCPOPT_TS;
	uint32_t last;
	wr_handle_t h;

	peer_connect(r, r->v.opts);
	peer_syn_ack(r);
	wr_tcp_shutdown(r->s, r->conn, r->p.now);
	peer_flush(r);
	peer_seg(r, A | WR_TCP_FIN, 1, 2, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_TIME_WAIT);
	last = peer_conn(r)->snd_nxt;
	wr_tcp_release(r->s, r->conn, r->p.now);
	assert_int_equal(wr_tcp_connect(r->s, &r->t, &o, r->p.now, &h), -EADDRINUSE);
	peer_wait(r, 1100000);
	assert_int_equal(wr_tcp_connect(r->s, &r->t, &o, r->p.now, &h), ts ? 0 : -EADDRINUSE);
	if (!ts)
		return;
	assert_true(wr_seq_gt(wr_tcp_conn_at(r->s, h)->iss, last));
	assert_int_equal(wr_pool_used(&r->s->conns), 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_timewait_reused], 1);
	r->p.tap = NULL; // the SYN leaves by itself at the end
	wr_tcp_abort(r->s, h, r->p.now);
}

static void fail_ends_without_a_word(struct peer *r)
{
	peer_connect(r, r->v.opts);
	wr_tcp_fail(r->s, r->conn, r->p.now);
	r->n = 0;
	peer_flush(r);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->events, WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_NO_ROUTE);
	wr_tcp_release(r->s, r->conn, r->p.now);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

// case 18: what came before a reset can still be read
static void unread_survives_a_reset(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 400);
	peer_seg(r, A, 1001, 1, 400);
	peer_seg(r, WR_TCP_RST, 401, 0, 0);
	assert_int_equal(peer_read(r, 1), 400);
	assert_false(wr_tcp_eof(r->s, r->conn));
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_aborted_rx], 400); // the rest had a gap
	wr_tcp_release(r->s, r->conn, r->p.now);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(api_read_moves_whole_buffers, read_moves_whole_buffers)
EACH(api_spliced, spliced)
EACH(api_stale_handles_do_nothing, stale_handles_do_nothing)
EACH(api_write_after_shutdown, write_after_shutdown)
EACH(api_release_with_unread_resets, release_with_unread_resets)
EACH(api_release_delivers, release_delivers)
EACH(api_release_after_peer_closed, release_after_peer_closed)
EACH(api_release_while_connecting, release_while_connecting)
EACH(api_shutdown_while_connecting, shutdown_while_connecting)
EACH(api_connect_errors, connect_errors)
EACH(api_connect_over_time_wait, connect_over_time_wait)
EACH(api_fail_ends_without_a_word, fail_ends_without_a_word)
EACH(api_unread_survives_a_reset, unread_survives_a_reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(api_read_moves_whole_buffers),
		cmocka_unit_test(api_spliced),
		cmocka_unit_test(api_stale_handles_do_nothing),
		cmocka_unit_test(api_write_after_shutdown),
		cmocka_unit_test(api_release_with_unread_resets),
		cmocka_unit_test(api_release_delivers),
		cmocka_unit_test(api_release_after_peer_closed),
		cmocka_unit_test(api_release_while_connecting),
		cmocka_unit_test(api_shutdown_while_connecting),
		cmocka_unit_test(api_connect_errors),
		cmocka_unit_test(api_connect_over_time_wait),
		cmocka_unit_test(api_fail_ends_without_a_word),
		cmocka_unit_test(api_unread_survives_a_reset),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

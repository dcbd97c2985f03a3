/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

// case 16: a reset counts only exactly at RCV.NXT
static void rst(struct peer *r)
{
	peer_open(r);
	peer_seg(r, WR_TCP_RST, 0, 0, 0); // left of the window
	assert_int_equal(r->n, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_rst_ignored], 1);
	peer_seg(r, WR_TCP_RST, 1 + 200000, 0, 0); // right of it
	assert_int_equal(r->n, 0);
	peer_seg(r, WR_TCP_RST, 2, 0, 0); // inside
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	assert_int_equal(r->st->drop[WR_DROP_tcp_rst_challenge], 1);
	peer_seg(r, WR_TCP_RST, 1, 0, 0);
	assert_int_equal(r->n, 0);
	assert_int_equal(r->events, WR_TCP_EV_CLOSED);
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_RESET);
	wr_tcp_release(r->s, r->conn, r->p.now);
}

// cases 19 and 21
static void syn_is_challenged(struct peer *r)
{
	peer_open(r);
	for (int i = 0; i < 50; i++) {
		peer_seg(r, WR_TCP_SYN, 1 + (uint32_t)i, 0, 0);
		assert_int_equal(r->n, i < WR_TCP_CHALLENGES ? 1 : 0);
	}
	assert_int_equal(r->st->ctr[WR_CTR_tcp_challenge_acks], WR_TCP_CHALLENGES);
	peer_wait(r, 1100000);
	peer_seg(r, WR_TCP_SYN, 1, 0, 0);
	assert_int_equal(r->n, 1);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
}

// case 20: the limit never starves the ACK of repeated data
static void old_data_is_always_acknowledged(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 500);
	for (int i = 0; i < 50; i++) {
		peer_seg(r, A, 1, 1, 500);
		assert_int_equal(r->n, 1);
		peer_expect(r, 0, A, 1, 501, 0);
	}
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_duplicate], 50 * 500);
	assert_int_equal(peer_read(r, 1), 500);
}

// cases 2 and 48: keep-alive probes with and without a byte
static void keepalive_is_answered(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 300);
	peer_seg(r, A, 300, 1, 0);
	peer_expect(r, 0, A, 1, 301, 0);
	peer_seg(r, A, 300, 1, 1);
	peer_expect(r, 0, A, 1, 301, 0);
	assert_int_equal(peer_read(r, 1), 300);
}

// case 6: empty segments outside of the window do not start an endless exchange
static void empty_old_segments_are_limited(struct peer *r)
{
	uint32_t answers = 0;

	peer_open(r);
	for (int i = 0; i < 1000; i++) {
		peer_seg(r, A, 0, 1, 0);
		answers += r->n;
	}
	assert_int_equal(answers, WR_TCP_CHALLENGES);
}

// case 22
static void ack_out_of_range(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 2, 100);
	peer_expect(r, 0, A, 1, 1, 0);
	peer_seg(r, A, 1, (uint32_t)(1 - (65535 << 2) - 1), 100);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->st->drop[WR_DROP_tcp_ack_unacceptable], 2);
	peer_seg(r, A, 1, 0, 100); // old, but plausible
	assert_int_equal(peer_read(r, 1), 100);
}

static void no_ack_flag(struct peer *r)
{
	peer_open(r);
	peer_seg(r, WR_TCP_PSH, 1, 0, 100);
	assert_int_equal(r->st->drop[WR_DROP_tcp_no_ack], 1);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_trimmed], 100);
	assert_int_equal(r->n, 0);
}

// case 23
static void paws(struct peer *r)
{
	peer_open(r);
	if (!(r->v.opts & WR_TCPOPT_TS))
		return;
	r->ts_val += 10;
	peer_seg(r, A, 1, 1, 100);
	r->ts_val -= 11;
	peer_seg(r, A, 101, 1, 100); // older than the last in-order one
	peer_expect(r, 0, A, 1, 101, 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_paws], 1);
	r->ts_val += 0x2000; // wraps
	peer_seg(r, A, 101, 1, 100);
	peer_expect(r, 0, A, 1, 201, 0);
	assert_int_equal(r->out[0].k.ts_ecr, r->ts_val);
	r->no_ts = true;
	peer_seg(r, A, 201, 1, 100);
	assert_int_equal(r->n, 0);
	r->no_ts = false;
	// after 24 idle days an old value is taken again
	r->p.now += 25ULL * 24 * 3600 * WR_US_PER_S;
	r->ts_val -= 1000;
	peer_seg(r, A, 201, 1, 100);
	peer_expect(r, 0, A, 1, 301, 0);
	assert_int_equal(peer_read(r, 1), 300);
	r->ts_val -= 1000;
	peer_seg(r, WR_TCP_RST, 301, 0, 0); // resets are exempt
	assert_int_equal(wr_tcp_end(r->s, r->conn), WR_TCP_END_RESET);
}

// case 13: a FIN counts when everything before it is there
static void fin_out_of_order(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A | WR_TCP_FIN, 301, 1, 200);
	assert_int_equal(peer_state(r), WR_TCP_ST_ESTABLISHED);
	peer_expect(r, 0, A, 1, 1, 0);
	peer_seg(r, A, 1, 1, 300);
	peer_expect(r, 0, A, 1, 502, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSE_WAIT);
	assert_false(wr_tcp_eof(r->s, r->conn));
	assert_int_equal(peer_read(r, 1), 500);
	assert_true(wr_tcp_eof(r->s, r->conn));
	peer_seg(r, A | WR_TCP_FIN, 501, 1, 0); // again
	peer_expect(r, 0, A, 1, 502, 0);
}

// cases 2 and 13: a full window still lets probes be answered and a FIN in
static void zero_window(struct peer *r)
{
	uint32_t seq = 1;

	peer_open(r);
	while (peer_conn(r)->rcv_adv != peer_conn(r)->rcv_nxt) {
		uint32_t len = RTE_MIN(1460u, peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt);

		peer_seg(r, A, seq, 1, len);
		seq += len;
	}
	assert_int_equal(r->out[0].k.window, 0);
	peer_seg(r, A, seq, 1, 1); // one byte beyond
	peer_expect(r, 0, A, 1, seq, 0);
	assert_int_equal(r->out[0].k.window, 0);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_trimmed], 1);
	peer_seg(r, A, seq - 1, 1, 0);
	assert_int_equal(r->n, 1);
	peer_seg(r, A | WR_TCP_FIN, seq, 1, 0);
	peer_expect(r, 0, A, 1, seq + 1, 0);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSE_WAIT);
	assert_int_equal(peer_read(r, 1), seq - 1);
}

static void fin_beyond_the_window_is_cut(struct peer *r)
{
	uint32_t wnd;

	peer_open(r);
	wnd = peer_conn(r)->rcv_adv - peer_conn(r)->rcv_nxt;
	peer_seg(r, A | WR_TCP_FIN, 1 + wnd - 100, 1, 300);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_trimmed], 200);
	assert_false(peer_conn(r)->flags & F_FIN_SEEN);
	assert_int_equal(peer_ooo(r)->bytes, 100);
}

// case 64
static void urgent_is_data(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A | WR_TCP_URG, 1, 1, 10);
	assert_int_equal(peer_read(r, 1), 10);
}

static void payload_after_fin(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A | WR_TCP_FIN, 1, 1, 0);
	peer_seg(r, A, 2, 1, 100);
	peer_expect(r, 0, A, 1, 2, 0);
	assert_int_equal(r->st->drop_bytes[WR_DROP_pay_closed], 100);
	assert_int_equal(peer_state(r), WR_TCP_ST_CLOSE_WAIT);
}

// RFC 1122 4.2.2.13
static void payload_for_an_orphan(struct peer *r)
{
	peer_open(r);
	wr_tcp_release(r->s, r->conn, r->p.now);
	peer_flush(r);
	r->n = 0;
	peer_seg(r, A, 1, 2, 100);
	assert_int_equal(r->n, 1);
	assert_int_equal(r->out[0].k.flags & WR_TCP_RST, WR_TCP_RST);
	assert_int_equal(wr_pool_used(&r->s->conns), 0);
	assert_int_equal(r->st->drop[WR_DROP_tcp_after_close], 1);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(input_rst_positions, rst)
EACH(input_syn_is_challenged, syn_is_challenged)
EACH(input_old_data_is_always_acknowledged, old_data_is_always_acknowledged)
EACH(input_keepalive_is_answered, keepalive_is_answered)
EACH(input_empty_old_segments_are_limited, empty_old_segments_are_limited)
EACH(input_ack_out_of_range, ack_out_of_range)
EACH(input_no_ack_flag, no_ack_flag)
EACH(input_paws, paws)
EACH(input_fin_out_of_order, fin_out_of_order)
EACH(input_zero_window, zero_window)
EACH(input_fin_beyond_the_window_is_cut, fin_beyond_the_window_is_cut)
EACH(input_urgent_is_data, urgent_is_data)
EACH(input_payload_after_fin, payload_after_fin)
EACH(input_payload_for_an_orphan, payload_for_an_orphan)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_rst_positions),
		cmocka_unit_test(input_syn_is_challenged),
		cmocka_unit_test(input_old_data_is_always_acknowledged),
		cmocka_unit_test(input_keepalive_is_answered),
		cmocka_unit_test(input_empty_old_segments_are_limited),
		cmocka_unit_test(input_ack_out_of_range),
		cmocka_unit_test(input_no_ack_flag),
		cmocka_unit_test(input_paws),
		cmocka_unit_test(input_fin_out_of_order),
		cmocka_unit_test(input_zero_window),
		cmocka_unit_test(input_fin_beyond_the_window_is_cut),
		cmocka_unit_test(input_urgent_is_data),
		cmocka_unit_test(input_payload_after_fin),
		cmocka_unit_test(input_payload_for_an_orphan),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

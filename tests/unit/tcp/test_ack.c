/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static uint32_t shown(const struct peer *r)
{
	return (uint32_t)r->window << (r->v.opts & WR_TCPOPT_WSCALE ? 2 : 0);
}

static void frees_and_counts(struct peer *r)
{
	struct wr_tcp_info i;

	peer_open(r);
	peer_write(r, 3000, 1000);
	assert_int_equal(r->s->send_queue_bytes, 3000);
	peer_seg(r, A, 1, 1501, 0); // in the middle of a buffer (case 33)
	assert_int_equal(r->s->send_queue_bytes, 1500);
	assert_int_equal(peer_conn(r)->sndq.count, 2);
	assert_int_equal(r->st->ctr[WR_CTR_pay_tx_bytes], 1500);
	peer_seg(r, A, 1, 3001, 0);
	assert_int_equal(r->s->held_rx + r->s->held_small, 0);
	assert_true(wr_tcp_info(r->s, r->conn, &i));
	assert_int_equal(i.bytes_out, 3000);
	assert_int_equal(i.in_flight_bytes, 0);
}

// case 7
static void old_window_is_ignored(struct peer *r)
{
	peer_open(r);
	peer_seg(r, A, 1, 1, 100);
	r->window = 20000;
	peer_seg(r, A, 101, 1, 100);
	assert_int_equal(peer_conn(r)->snd_wnd, shown(r));
	r->window = 10;
	peer_seg(r, A, 50, 1, 200); // older by its sequence number
	assert_int_not_equal(peer_conn(r)->snd_wnd, shown(r));
	peer_seg(r, A, 250, 1, 0);
	assert_int_equal(peer_conn(r)->snd_wnd, shown(r));
}

// case 8
static void window_updates_are_no_duplicates(struct peer *r)
{
	peer_open(r);
	peer_write(r, 10000, 1000);
	for (int i = 0; i < 10; i++) {
		r->window = (uint16_t)(30000 + i);
		peer_seg(r, A, 1, 1, 0);
	}
	assert_int_equal(peer_conn(r)->dupacks, 0);
	peer_seg(r, A, 1, 1, 50); // payload is none either
	assert_int_equal(peer_conn(r)->dupacks, 0);
	peer_seg(r, A, 51, 1, 0);
	assert_int_equal(peer_conn(r)->dupacks, 1);
}

// case 4
static void window_shrinks_below_flight(struct peer *r)
{
	uint32_t sent, cwnd;

	peer_open(r);
	peer_write(r, 10000, 1000);
	sent = wr_tcp_flight(peer_conn(r));
	assert_int_equal(sent, 10000);
	r->window = 500;
	peer_seg(r, A, 1, 1001, 0);
	cwnd = peer_conn(r)->cwnd;
	peer_write(r, 5000, 1000);
	assert_int_equal(r->n, 0);
	peer_wait(r, 300000);
	assert_true(
		r->n >= 1); // the first one again, from SND.UNA, perhaps behind a tail loss probe
	assert_int_equal(r->out[r->n - 1].seq, 1001);
	assert_true(peer_conn(r)->cwnd <= cwnd);
	r->window = 65535;
	peer_seg(r, A, 1, 10001, 0);
	assert_true(r->n >= 1);
	assert_int_equal(r->out[0].seq, 10001);
}

static void writable_below_half(struct peer *r)
{
	uint32_t buf;

	peer_open(r);
	buf = peer_conn(r)->snd_buf;
	peer_write(r, buf, 1400);
	assert_int_equal(wr_tcp_send_space(r->s, r->conn), 0);
	for (uint32_t acked = 0; acked < buf;) {
		acked += wr_tcp_flight(peer_conn(r));
		r->events = 0;
		peer_seg(r, A, 1, 1 + acked, 0);
		if (buf - acked >= buf / 2)
			assert_false(r->events & WR_TCP_EV_WRITABLE);
		else
			break;
	}
	assert_int_equal(r->events, WR_TCP_EV_WRITABLE);
}

// The first sample is of the SYN; later ones of what was sent once.
static void samples(struct peer *r)
{
	struct wr_tcp_info i;

	peer_syn(r);
	r->p.now += 40000;
	peer_seg(r, A, 1, 1, 0);
	assert_true(wr_tcp_info(r->s, r->conn, &i));
	assert_int_equal(i.srtt_us, 40000);
	peer_write(r, 1000, 1000);
	r->p.now += 120000;
	peer_seg(r, A, 1, 1001, 0);
	wr_tcp_info(r->s, r->conn, &i);
	assert_int_equal(i.srtt_us, 50000);
}

// Karn: the ACK of a repeated segment tells nothing without timestamps.
static void no_sample_of_repeated(struct peer *r)
{
	struct wr_tcp_info i;

	peer_open(r);
	peer_write(r, 1000, 1000);
	peer_wait(r, 250000);
	assert_int_equal(r->n, 1);
	r->p.now += 5000;
	peer_seg(r, A, 1, 1001, 0);
	wr_tcp_info(r->s, r->conn, &i);
	if (r->v.opts & WR_TCPOPT_TS)
		assert_in_range(i.srtt_us, 6000, 7500); // an eighth of 55 ms: the second copy
	else
		assert_int_equal(i.srtt_us, 1);
	assert_int_equal(i.retrans, 1);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(ack_frees_and_counts, frees_and_counts)
EACH(ack_old_window_is_ignored, old_window_is_ignored)
EACH(ack_window_updates_are_no_duplicates, window_updates_are_no_duplicates)
EACH(ack_window_shrinks_below_flight, window_shrinks_below_flight)
EACH(ack_writable_below_half, writable_below_half)
EACH(ack_samples, samples)
EACH(ack_no_sample_of_repeated, no_sample_of_repeated)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ack_frees_and_counts),
		cmocka_unit_test(ack_old_window_is_ignored),
		cmocka_unit_test(ack_window_updates_are_no_duplicates),
		cmocka_unit_test(ack_window_shrinks_below_flight),
		cmocka_unit_test(ack_writable_below_half),
		cmocka_unit_test(ack_samples),
		cmocka_unit_test(ack_no_sample_of_repeated),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

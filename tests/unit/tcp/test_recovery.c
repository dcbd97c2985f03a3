/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static uint32_t mss(struct peer *r)
{
	return peer_conn(r)->mss;
}

// Ten full segments out, nothing acknowledged.
static void window_out(struct peer *r)
{
	r->window = 65535;
	peer_open(r);
	peer_write(r, 20 * mss(r), mss(r));
	assert_int_equal(r->n, 10);
	assert_int_equal(wr_tcp_flight(peer_conn(r)), 10 * mss(r));
}

static void fast_retransmit(struct peer *r)
{
	uint32_t m;

	window_out(r);
	m = mss(r);
	peer_seg(r, A, 1, 1, 0);
	peer_expect(r, 0, A, 1 + 10 * m, 1, m); // limited transmit (RFC 3042)
	peer_seg(r, A, 1, 1, 0);
	peer_expect(r, 0, A, 1 + 11 * m, 1, m);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	peer_seg(r, A, 1, 1, 0);
	assert_true(r->n >= 1);
	peer_expect(r, 0, A, 1, 1, m); // whatever cwnd says (case 39)
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
	assert_int_equal(peer_conn(r)->ssthresh, 6 * m);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_bytes], m);
	// further duplicates repeat nothing
	peer_seg(r, A, 1, 1, 0);
	for (uint32_t i = 0; i < r->n; i++)
		assert_true(r->out[i].seq > 1);
	// a partial ACK repeats the next hole at once
	peer_seg(r, A, 1, 1 + 4 * m, 0);
	peer_expect(r, 0, A, 1 + 4 * m, 1, m);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
	assert_int_equal(peer_conn(r)->ssthresh, 6 * m); // halved once (case 38)
	peer_seg(r, A, 1, 1 + wr_tcp_flight(peer_conn(r)) + 4 * m, 0);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_true(peer_conn(r)->cwnd <= 6 * m);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 1);
}

// case 9
static void duplicates_saturate(struct peer *r)
{
	window_out(r);
	for (int i = 0; i < 600; i++)
		peer_seg(r, A, 1, 1, 0);
	assert_int_equal(peer_conn(r)->dupacks, UINT8_MAX);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 1);
}

// case 37
static void timeout(struct peer *r)
{
	uint32_t m;

	window_out(r);
	m = mss(r);
	peer_wait(r, 250000);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1, 1, m);
	assert_int_equal(peer_conn(r)->cwnd, m);
	assert_int_equal(peer_conn(r)->ssthresh, 5 * m);
	assert_int_equal(peer_conn(r)->rto_us, 400000);
	peer_wait(r, 410000);
	assert_int_equal(r->n, 1);
	assert_int_equal(peer_conn(r)->ssthresh, 5 * m); // not halved again
	assert_int_equal(peer_conn(r)->rto_us, 800000);
	peer_seg(r, A, 1, 1, 0); // a duplicate does not end the back-off
	assert_int_equal(peer_conn(r)->rto_us, 800000);
	// slow start over what was outstanding, two for one
	peer_seg(r, A, 1, 1 + m, 0);
	assert_int_equal(r->n, 2);
	peer_expect(r, 0, A, 1 + m, 1, m);
	peer_expect(r, 1, A, 1 + 2 * m, 1, m);
	assert_int_equal(peer_conn(r)->backoff, 0);
	assert_true(peer_conn(r)->rto_us < 800000);
	// the rest was there: new data follows
	peer_seg(r, A, 1, 1 + 10 * m, 0);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_int_equal(r->out[0].seq, 1 + 10 * m);
}

// What the peer reported to hold is not sent again.
static void timeout_skips_sacked(struct peer *r)
{
	uint32_t m;

	window_out(r);
	m = mss(r);
	peer_wait(r, 250000);
	if (!(r->v.opts & WR_TCPOPT_SACKOK))
		return;
	r->sack[0] = (struct wr_sack_block){1 + 2 * m, 1 + 4 * m};
	r->sack_count = 1;
	peer_seg(r, A, 1, 1 + m, 0);
	assert_int_equal(r->n, 1);
	peer_expect(r, 0, A, 1 + m, 1, m);
	peer_seg(r, A, 1, 1 + 4 * m, 0);
	assert_true(r->n > 0);
	peer_expect(r, 0, A, 1 + 4 * m, 1, m);
}

// case 38: an application that sends little does not earn a large window
static void no_growth_when_not_limited(struct peer *r)
{
	uint32_t cwnd, seq = 1;

	peer_open(r);
	cwnd = peer_conn(r)->cwnd;
	for (int i = 0; i < 100; i++) {
		peer_write(r, 500, 500);
		seq += 500;
		peer_seg(r, A, 1, seq, 0);
	}
	assert_int_equal(peer_conn(r)->cwnd, cwnd);
}

static void growth_when_limited(struct peer *r)
{
	uint32_t m;

	window_out(r);
	m = mss(r);
	peer_seg(r, A, 1, 1 + 2 * m, 0);
	assert_int_equal(peer_conn(r)->cwnd, 12 * m);
	assert_int_equal(r->n, 4);
}

static void late_duplicates_after_timeout(struct peer *r)
{
	window_out(r);
	peer_wait(r, 250000);
	for (int i = 0; i < 8; i++) // of segments sent before it (RFC 6582 4.1)
		peer_seg(r, A, 1, 1, 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 0);
}

#define EACH(name, body)                                                                           \
	static void name(void **state)                                                             \
	{                                                                                          \
		PEER_EACH(body);                                                                   \
	}
EACH(recovery_fast_retransmit, fast_retransmit)
EACH(recovery_duplicates_saturate, duplicates_saturate)
EACH(recovery_timeout, timeout)
EACH(recovery_timeout_skips_sacked, timeout_skips_sacked)
EACH(recovery_no_growth_when_not_limited, no_growth_when_not_limited)
EACH(recovery_growth_when_limited, growth_when_limited)
EACH(recovery_late_duplicates_after_timeout, late_duplicates_after_timeout)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recovery_fast_retransmit),
		cmocka_unit_test(recovery_duplicates_saturate),
		cmocka_unit_test(recovery_timeout),
		cmocka_unit_test(recovery_timeout_skips_sacked),
		cmocka_unit_test(recovery_no_growth_when_not_limited),
		cmocka_unit_test(recovery_growth_when_limited),
		cmocka_unit_test(recovery_late_duplicates_after_timeout),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

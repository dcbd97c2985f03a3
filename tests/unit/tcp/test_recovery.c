/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "peer.h"

#define A WR_TCP_ACK

static uint32_t mss(struct peer *r)
{
	return peer_conn(r)->mss;
}

// Less than what timers need.
static void peer_pass(struct peer *r, wr_us_t us)
{
	r->p.now += us;
}

// Ten full segments out, nothing acknowledged.
static void window_out(struct peer *r)
{
	r->window = 65535;
	peer_open(r);
	peer_write(r, 20 * mss(r), mss(r));
	assert_int_equal(r->n, 10);
	assert_int_equal(wr_tcp_flight(peer_conn(r)), 10 * mss(r));
	peer_conn(r)->min_rtt_us = 2000; // the handshake took no time
	peer_conn(r)->srtt_us = 2000;
	peer_pass(r, 500);
}

// The i-th duplicate ACK for what begins at `una`: one more segment arrived behind it.
static void duplicate(struct peer *r, uint32_t una, uint32_t i)
{
	peer_dup(r, una, una + mss(r), una + (i + 1) * mss(r));
}

// beta of CUBIC (RFC 9438 4.6)
static void expect_reduced(struct peer *r, uint32_t flight)
{
	assert_in_range(peer_conn(r)->ssthresh, flight * 69 / 100, flight * 71 / 100);
}

static void fast_retransmit(struct peer *r)
{
	uint32_t m, ssthresh, before;

	window_out(r);
	m = mss(r);
	duplicate(r, 1, 1);
	peer_expect(r, 0, A, 1 + 10 * m, 1, m); // limited transmit (RFC 3042)
	duplicate(r, 1, 2);
	peer_expect(r, 0, A, 1 + 11 * m, 1, m);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	duplicate(r, 1, 3);
	assert_true(r->n >= 1);
	peer_expect(r, 0, A, 1, 1, m); // whatever cwnd says (case 39)
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
	expect_reduced(r, 10 * m);
	ssthresh = peer_conn(r)->ssthresh;
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 1);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_bytes], m);
	// further duplicates repeat nothing
	duplicate(r, 1, 4);
	for (uint32_t i = 0; i < r->n; i++)
		assert_true(r->out[i].seq > 1);
	// proportional (RFC 6937): never more sent than delivered while above ssthresh
	before = wr_tcp_pipe(peer_conn(r));
	duplicate(r, 1, 5);
	assert_true(wr_tcp_pipe(peer_conn(r)) <= before);
	if (!(r->v.opts & WR_TCPOPT_SACKOK)) {
		// a partial ACK repeats the next hole at once
		peer_seg(r, A, 1, 1 + 4 * m, 0);
		peer_expect(r, 0, A, 1 + 4 * m, 1, m);
	} else {
		peer_seg(r, A, 1, 1 + 4 * m, 0);
	}
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_RECOVERY);
	assert_int_equal(peer_conn(r)->ssthresh, ssthresh); // reduced once (case 38)
	peer_seg(r, A, 1, 1 + wr_tcp_flight(peer_conn(r)) + 4 * m, 0);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_true(peer_conn(r)->cwnd <= ssthresh);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_fast_retrans], 1);
}

// Two holes are repaired in one round trip when the peer reports them (RFC 6675).
static void two_holes(struct peer *r)
{
	uint32_t m, again = 0;

	window_out(r);
	if (!(r->v.opts & WR_TCPOPT_SACKOK))
		return;
	m = mss(r);
	r->sack[0] = (struct wr_sack_block){1 + 4 * m, 1 + 9 * m};
	r->sack[1] = (struct wr_sack_block){1 + m, 1 + 3 * m};
	r->sack_count = 2;
	peer_seg(r, A, 1, 1, 0);
	for (uint32_t i = 0; i < r->n; i++)
		again += r->out[i].seq == 1 || r->out[i].seq == 1 + 3 * m;
	assert_int_equal(again, 2);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_retrans_segs], 2);
}

// What was repeated and lost again is found without a time-out (RFC 8985).
static void lost_again(struct peer *r)
{
	uint32_t m, next;

	window_out(r);
	if (!(r->v.opts & WR_TCPOPT_SACKOK))
		return;
	m = mss(r);
	peer_wait(r, 1000);
	duplicate(r, 1, 3);
	peer_expect(r, 0, A, 1, 1, m);
	next = peer_conn(r)->snd_nxt - r->iss;
	peer_wait(r, 1000);
	duplicate(r, 1, 9);
	assert_true(peer_conn(r)->snd_nxt - r->iss > next); // sent after the repetition
	peer_wait(r, 3000);
	duplicate(r, 1, (peer_conn(r)->snd_nxt - r->iss - 1) / m - 1);
	peer_wait(r, 10000);
	assert_true(r->st->ctr[WR_CTR_tcp_retrans_segs] >= 2);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_rto], 0);
}

// case 9
static void duplicates_saturate(struct peer *r)
{
	window_out(r);
	for (uint32_t i = 0; i < 600; i++)
		if (r->v.opts & WR_TCPOPT_SACKOK) // any bytes that are new count
			peer_dup(r, 1, 1 + mss(r), 1 + mss(r) + i + 1);
		else
			duplicate(r, 1, 1);
	if (!(r->v.opts & WR_TCPOPT_SACKOK))
		assert_int_equal(peer_conn(r)->dupacks, UINT8_MAX);
	assert_true(r->st->ctr[WR_CTR_tcp_fast_retrans] <= 1);
}

// case 37
static void timeout(struct peer *r)
{
	bool sack = r->v.opts & WR_TCPOPT_SACKOK;
	uint32_t m, last;

	window_out(r);
	m = mss(r);
	peer_wait(r, 250000);
	if (sack) { // new payload probes the tail first (RFC 8985 7.3)
		peer_expect(r, 0, A, 1 + 10 * m, 1, m);
		assert_int_equal(r->st->ctr[WR_CTR_tcp_tlp], 1);
	}
	assert_int_equal(r->n, sack ? 2 : 1);
	peer_expect(r, r->n - 1, A, 1, 1, m);
	assert_int_equal(peer_conn(r)->cwnd, m);
	expect_reduced(r, 10 * m);
	last = peer_conn(r)->ssthresh;
	assert_int_equal(peer_conn(r)->rto_us, 400000);
	peer_wait(r, 410000);
	assert_int_equal(r->n, 1);
	assert_int_equal(peer_conn(r)->ssthresh, last); // not reduced again
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
	peer_seg(r, A, 1, peer_conn(r)->snd_nxt - r->iss, 0);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_int_equal(r->out[0].seq, 1 + (sack ? 11 : 10) * m);
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
	for (uint32_t i = 0; i < r->n; i++)
		assert_false(r->out[i].seq >= 1 + 2 * m && r->out[i].seq < 1 + 4 * m);
	peer_expect(r, 0, A, 1 + m, 1, m);
	peer_seg(r, A, 1, 1 + 4 * m, 0);
	assert_true(r->n > 0);
	assert_true(r->out[0].seq >= 1 + 4 * m);
}

// A path that turned out to be slow, not lossy: the windows come back (RFC 3522).
static void spurious_timeout(struct peer *r)
{
	uint32_t cwnd, echo;

	window_out(r);
	if (!(r->v.opts & WR_TCPOPT_TS))
		return;
	cwnd = peer_conn(r)->cwnd;
	echo = r->ts_ecr;
	peer_wait(r, 250000);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_LOSS);
	r->ts_ecr = echo; // the ACK of the first copy
	peer_seg(r, A, 1, 1 + 4 * mss(r), 0);
	assert_int_equal(r->st->ctr[WR_CTR_tcp_spurious], 1);
	assert_true(peer_conn(r)->cwnd >= cwnd);
	assert_int_equal(peer_conn(r)->ca_state, WR_TCP_CA_OPEN);
	assert_int_equal(peer_conn(r)->lost_bytes, 0);
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
EACH(recovery_two_holes, two_holes)
EACH(recovery_lost_again, lost_again)
EACH(recovery_spurious_timeout, spurious_timeout)
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
		cmocka_unit_test(recovery_two_holes),
		cmocka_unit_test(recovery_lost_again),
		cmocka_unit_test(recovery_spurious_timeout),
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

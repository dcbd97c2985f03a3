/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

// The source itself, as the arithmetic of the curve is proved alone.
#include "cc_cubic.c" // NOLINT

#include "wr_rng.h"

#define MSS 1000u
#define S   WR_US_PER_S

// A connection with a clock, on a path that gives back an ACK for each segment, `rtt` later.
struct path {
	struct wr_tcp_conn c;
	wr_us_t now;
	uint32_t rtt_us;
	uint32_t stretch; // segments that one ACK covers
};

static struct path path_new(uint32_t rtt_us)
{
	struct path p = {.c = {.mss = MSS, .cc = WR_TCP_CUBIC, .srtt_us = rtt_us},
		.now = 0xfffff000u, // the clock's low half wraps soon
		.rtt_us = rtt_us,
		.stretch = 1};

	wr_tcp_cc_cubic.init(&p.c, false, p.now);
	return p;
}

static uint32_t segs(const struct path *p)
{
	return p->c.cwnd / p->c.mss;
}

// One round trip in which the whole window is sent and acknowledged, evenly spread.
static void round_trip(struct path *p, bool limited)
{
	uint32_t n = max32(segs(p) / p->stretch, 1);
	wr_us_t start = p->now;

	for (uint32_t i = 1; i <= n; i++) {
		uint32_t acked = p->stretch * p->c.mss;

		p->now = start + (uint64_t)p->rtt_us * i / n;
		p->c.snd_una += acked;
		p->c.snd_nxt = p->c.snd_una + p->c.cwnd;
		wr_tcp_cc_cubic.acked(&p->c, acked, p->rtt_us, limited, p->now);
	}
}

static void run_until(struct path *p, wr_us_t at)
{
	while (p->now < at)
		round_trip(p, true);
}

// What recovery does with the answer.
static void loss(struct path *p)
{
	p->c.ssthresh = wr_tcp_cc_cubic.ssthresh(&p->c, p->c.cwnd, p->now);
	p->c.cwnd = p->c.ssthresh;
}

static void timeout(struct path *p)
{
	p->c.ssthresh = wr_tcp_cc_cubic.ssthresh(&p->c, p->c.cwnd, p->now);
	p->c.cwnd = p->c.mss;
}

// Out of the first slow start, at `w` bytes behind a loss.
static void settle(struct path *p, uint32_t w)
{
	p->c.cwnd = w;
	loss(p);
}

// The reference, without libm: Newton from above.
static double ref_root(double n)
{
	double r = n > 1 ? n : 1;

	for (int i = 0; n > 0 && i < 200; i++)
		r -= (r * r * r - n) / (3 * r * r);
	return n > 0 ? r : 0;
}

static bool within(double a, double b, double span)
{
	return a - b <= span && b - a <= span;
}

static bool close_to(double a, double b, double share)
{
	return within(a, b, share * b);
}

// --- arithmetic -----------------------------------------------------------------------------

static void cc_cubic_root_whole_range(void **state)
{
	struct wr_rng rng;

	wr_rng_init(&rng, 1);
	for (uint64_t r = 0; r <= 2642245; r += r < 3000 ? 1 : 997) {
		assert_int_equal(cube_root(r * r * r), r);
		if (r > 0)
			assert_int_equal(cube_root(r * r * r - 1), r - 1);
	}
	assert_int_equal(cube_root(UINT64_MAX), 2642245);
	for (int i = 0; i < 50000; i++) {
		uint64_t n = wr_rng_next(&rng) >> (i % 64);

		assert_true(within(cube_root(n), ref_root((double)n) - 0.5, 0.501));
	}
}

// K against floating point, for windows to 1 GiB and segments down to one byte, where K is 23 min.
static void cc_cubic_k_like_reference(void **state)
{
	static const uint32_t mss[] = {1, 52, 536, 1448, 8948, 65535};

	for (unsigned m = 0; m < 6; m++)
		for (uint64_t w = mss[m]; w <= WINDOW_MAX; w = w * 5 / 4 + 1) {
			double k = ref_root((double)w / mss[m] / 0.4);

			assert_true(within(curve_time((uint32_t)w, mss[m]) / 1e6, k, 0.002));
		}
	assert_int_equal(curve_time(0, 1448), 0);
	assert_true(curve_time(UINT32_MAX, 1) > 1300 * 1000000);
}

static double ref_curve(double w_max, double past_s, double mss)
{
	double w = w_max + 0.4 * past_s * past_s * past_s * mss;

	return w < 0 ? 0 : w > WINDOW_MAX ? WINDOW_MAX : w;
}

static void cc_cubic_curve_like_reference(void **state)
{
	static const uint32_t mss[] = {1, 52, 536, 1448, 8948, 65535};
	struct wr_rng rng;

	wr_rng_init(&rng, 2);
	for (int i = 0; i < 60000; i++) {
		uint32_t m = mss[i % 6];
		uint32_t w = (uint32_t)(wr_rng_next(&rng) % WINDOW_MAX) >> (i % 20);
		int64_t t = (int64_t)((wr_rng_next(&rng) >> 33) >> (i % 25)) * (i & 1 ? 1 : -1);
		double got = curve_at(w, t, m), lo, hi;

		// time is cut to 1/1024 s, the result to a byte or two
		lo = ref_curve(w, (double)(t - 1000) / 1e6, m);
		hi = ref_curve(w, (double)(t + 1000) / 1e6, m);
		assert_true(got >= lo - 2 - m / 65536.0 && got <= hi + 2 + m / 65536.0);
	}
	// hours away it is one of the ends
	assert_int_equal(curve_at(1000000, 5LL * 3600 * 1000000, 1448), WINDOW_MAX);
	assert_int_equal(curve_at(1000000, -5LL * 3600 * 1000000, 1448), 0);
	assert_int_equal(curve_at(1000000, INT64_MAX / 32, 1448), WINDOW_MAX);
}

static void cc_cubic_curve_inverts_k(void **state)
{
	for (uint32_t w = 10000; w < WINDOW_MAX; w = w / 4 * 5) {
		double got = curve_at(w, -curve_time(w / 10 * 3, MSS), MSS);

		assert_true(close_to(got, w * 0.7, 0.01));
	}
}

// --- growth ---------------------------------------------------------------------------------

// cwnd follows W(t) within 2 % through the concave and the convex part.
static void grows_like_reference(uint32_t w_max, uint32_t rtt_us, uint32_t stretch)
{
	struct path p = path_new(rtt_us);
	double k = ref_root(w_max / 1000.0 * 0.3 / 0.4);
	wr_us_t start;

	p.stretch = stretch;
	settle(&p, w_max);
	assert_true(close_to(p.c.cwnd, w_max * 0.7, 0.0001));
	round_trip(&p, true);
	start = p.now - p.rtt_us; // of the epoch, but for the first ACK
	while (p.now < start + (wr_us_t)(k * 1.8 * S)) {
		double t = (double)(p.now - start) / 1e6;

		assert_true(close_to(p.c.cwnd, ref_curve(w_max, t - k, MSS), 0.02));
		round_trip(&p, true);
	}
	assert_true(p.c.cwnd > w_max + w_max / 10);
}

static void cc_cubic_growth_curve(void **state)
{
	grows_like_reference(200 * MSS, 100000, 1);
	grows_like_reference(1000 * MSS, 50000, 1);
	grows_like_reference(1000 * MSS, 200000, 2);
	grows_like_reference(20000 * MSS, 100000, 10);
	grows_like_reference(700000 * MSS, 100000, 44); // 0.7 GB
}

// Where the bandwidth-delay product is small Reno would be faster, and its estimate rules: 9/17 of
// a segment each round trip, one after the old window is reached (RFC 9438 4.3).
static void cc_cubic_reno_friendly_region(void **state)
{
	struct path p = path_new(1000);
	uint32_t rounds = 0, before;

	settle(&p, 100 * MSS);
	assert_int_equal(p.c.cwnd, 70 * MSS);
	while (p.c.cwnd < 100 * MSS) {
		round_trip(&p, true);
		rounds++;
	}
	// 30 segments at 9/17; cwnd is not whole segments, which the rounds here are
	assert_true(close_to(rounds, 30.0 * 17 / 9, 0.03));
	// 57 ms: the cubic itself would still be at 75 segments
	before = p.c.cwnd;
	for (int i = 0; i < 50; i++)
		round_trip(&p, true);
	assert_true(close_to(p.c.cwnd - before, 50.0 * MSS, 0.03));
}

// However far the curve has run ahead, an ACK adds half of what it covers (RFC 9438 4.2).
static void cc_cubic_growth_is_limited(void **state)
{
	struct path p = path_new(200000);
	uint32_t before;

	settle(&p, 100 * MSS);
	round_trip(&p, true);
	cubic_of(&p.c)->past_us = 60 * 1000000; // 86400 segments higher
	before = p.c.cwnd;
	wr_tcp_cc_cubic.acked(&p.c, 10 * MSS, 0, true, p.now);
	assert_int_equal(p.c.cwnd, before + 5 * MSS);
	// nor does it fall where the curve is below, nor does a forged ACK count for more
	cubic_of(&p.c)->w_max = MSS;
	cubic_of(&p.c)->w_est = 0;
	cubic_of(&p.c)->past_us = 0;
	before = p.c.cwnd;
	wr_tcp_cc_cubic.acked(&p.c, 10 * MSS, 0, true, p.now);
	assert_int_equal(p.c.cwnd, before);
	cubic_of(&p.c)->past_us = 60 * 1000000;
	wr_tcp_cc_cubic.acked(&p.c, UINT32_MAX, 0, true, p.now);
	assert_int_equal(p.c.cwnd, before + before / 2);
}

static void cc_cubic_window_is_bounded(void **state)
{
	struct path p = path_new(100000);

	settle(&p, WINDOW_MAX - MSS);
	p.c.cwnd = WINDOW_MAX - MSS;
	p.stretch = 10000;
	for (int i = 0; i < 10000; i++) {
		round_trip(&p, true);
		assert_true(p.c.cwnd <= WINDOW_MAX);
	}
	assert_int_equal(p.c.cwnd, WINDOW_MAX);
	// and slow start
	p = path_new(100000);
	for (int i = 0; i < 200000; i++)
		wr_tcp_cc_cubic.acked(&p.c, 8 * MSS, 0, true, 0);
	assert_int_equal(p.c.cwnd, WINDOW_MAX);
}

static void cc_cubic_acked_unlimited(void **state)
{
	struct path p = path_new(50000);

	for (int i = 0; i < 20; i++)
		round_trip(&p, false);
	assert_int_equal(p.c.cwnd, 10 * MSS); // slow start
	settle(&p, 100 * MSS);
	for (int i = 0; i < 200; i++)
		round_trip(&p, false);
	assert_int_equal(p.c.cwnd, 70 * MSS);
	timeout(&p);
	round_trip(&p, false);
	assert_int_equal(p.c.cwnd, MSS);
}

// Time in which cwnd was not the limit is no part of t (RFC 9438 5.8), be there ACKs or not.
static void cc_cubic_epoch_without_pauses(void **state)
{
	struct path p = path_new(50000), q;

	settle(&p, 1000 * MSS);
	run_until(&p, p.now + 2 * S);
	q = p;
	for (int i = 0; i < 400; i++) // 20 s of little to send
		round_trip(&q, false);
	assert_int_equal(q.c.cwnd, p.c.cwnd);
	q.now += 20 * S; // of silence, less than which an RTO may be
	round_trip(&p, true);
	round_trip(&q, true);
	assert_true(close_to(q.c.cwnd, p.c.cwnd, 0.005));
	run_until(&p, p.now + 2 * S);
	run_until(&q, q.now + 2 * S);
	assert_true(close_to(q.c.cwnd, p.c.cwnd, 0.01));
}

// --- reduction ------------------------------------------------------------------------------

static void cc_cubic_loss_to_seven_tenths(void **state)
{
	struct path p = path_new(50000);

	p.c.cwnd = 100 * MSS;
	assert_int_equal(wr_tcp_cc_cubic.ssthresh(&p.c, 100 * MSS, 0), 70 * MSS);
	assert_int_equal(wr_tcp_cc_cubic.ssthresh(&p.c, 50 * MSS, 0), 35 * MSS); // what was in use
	assert_int_equal(wr_tcp_cc_cubic.ssthresh(&p.c, 103 * MSS, 0), 70 * MSS);
	assert_int_equal(wr_tcp_cc_cubic.ssthresh(&p.c, 0, 0), 2 * MSS);
	p.c.cwnd = 2 * MSS;
	assert_int_equal(wr_tcp_cc_cubic.ssthresh(&p.c, 2 * MSS, 0), 2 * MSS);
	p.c.cwnd = WINDOW_MAX;
	assert_int_equal(wr_tcp_cc_cubic.ssthresh(&p.c, UINT32_MAX, 0), WINDOW_MAX / 10ull * 7 + 2);
}

// A loss below the old maximum means that others want a share (RFC 9438 4.7).
static void cc_cubic_fast_convergence(void **state)
{
	struct path p = path_new(100000);

	settle(&p, 1000 * MSS);
	round_trip(&p, true);
	assert_int_equal(cubic_of(&p.c)->w_max, 1000 * MSS);
	p.c.cwnd = 800 * MSS;
	loss(&p);
	assert_int_equal(cubic_of(&p.c)->w_max, 680 * MSS);
	round_trip(&p, true);
	p.c.cwnd = 900 * MSS; // above: as it is
	loss(&p);
	assert_int_equal(cubic_of(&p.c)->w_max, 900 * MSS);
}

// RFC 9438 4.8: slow start to ssthresh, then from the flat point of a curve.
static void cc_cubic_timeout_starts_flat(void **state)
{
	struct path p = path_new(100000);
	uint32_t at;
	double t;

	settle(&p, 1000 * MSS);
	run_until(&p, p.now + 1 * S);
	timeout(&p);
	wr_tcp_cc_cubic.acked(&p.c, 10 * MSS, 0, true, p.now);
	assert_int_equal(p.c.cwnd, 2 * MSS); // one segment an ACK (RFC 3465 2.3)
	while (p.c.cwnd < p.c.ssthresh)
		round_trip(&p, true);
	at = p.c.ssthresh;
	assert_true(p.c.cwnd < at + at / 20);
	t = (double)p.now;
	run_until(&p, p.now + 8 * S);
	t = ((double)p.now - t) / 1e6;
	assert_true(close_to(p.c.cwnd, ref_curve(at, t, MSS), 0.03));
}

static void cc_cubic_restart_returns_to_the_window(void **state)
{
	struct path p = path_new(50000);

	settle(&p, 1000 * MSS);
	run_until(&p, p.now + 6 * S);
	p.c.ssthresh = 20 * MSS; // long ago
	p.c.cwnd = 1000 * MSS;
	wr_tcp_cc_cubic.restart(&p.c, p.now);
	assert_int_equal(p.c.cwnd, 10 * MSS);
	assert_int_equal(p.c.ssthresh, 750 * MSS);
	for (int i = 0; i < 8; i++)
		round_trip(&p, true);
	// the old maximum is still what the curve aims at
	assert_true(p.c.cwnd >= 750 * MSS);
	assert_int_equal(cubic_of(&p.c)->w_max, 1000 * MSS);
	// nothing to take back: nothing changes
	p.c.cwnd = 9 * MSS;
	wr_tcp_cc_cubic.restart(&p.c, p.now);
	assert_int_equal(p.c.cwnd, 9 * MSS);
	// the first slow start goes on as such
	p = path_new(50000);
	p.c.cwnd = 100 * MSS;
	wr_tcp_cc_cubic.restart(&p.c, p.now);
	assert_int_equal(p.c.cwnd, 10 * MSS);
	assert_int_equal(p.c.ssthresh, UINT32_MAX / 2);
	round_trip(&p, true);
	assert_int_equal(p.c.cwnd, 20 * MSS);
}

// --- undo -----------------------------------------------------------------------------------

// A reduction taken back: cwnd grows as on the same path without it. `rounds` of growth come in
// between, 0: the undo is in time.
static void undo_like_nothing(uint32_t w, uint32_t rtt_us, wr_us_t age, int rounds)
{
	struct path p = path_new(rtt_us), q;
	uint32_t cwnd, ssthresh;

	settle(&p, w);
	run_until(&p, p.now + age);
	q = p;
	cwnd = q.c.cwnd;
	ssthresh = q.c.ssthresh;
	loss(&q);
	q.now += rtt_us; // recovery
	for (int i = 0; i < rounds; i++)
		round_trip(&q, true);
	q.c.cwnd = cwnd;
	q.c.ssthresh = ssthresh;
	wr_tcp_cc_cubic.undo(&q.c, q.now);
	assert_int_equal(cubic_of(&q.c)->w_max, cubic_of(&p.c)->w_max);
	if (rounds == 0) {
		assert_int_equal(cubic_of(&q.c)->past_us, cubic_of(&p.c)->past_us);
		assert_int_equal(cubic_of(&q.c)->w_est, cubic_of(&p.c)->w_est);
		assert_int_equal(cubic_of(&q.c)->flags, cubic_of(&p.c)->flags);
	}
	for (int i = 0; i < 40; i++) {
		round_trip(&p, true);
		round_trip(&q, true);
		assert_true(close_to(q.c.cwnd, p.c.cwnd, 0.02));
	}
}

static void cc_cubic_undo_restores(void **state)
{
	undo_like_nothing(1000 * MSS, 50000, 2 * S, 0);  // concave
	undo_like_nothing(1000 * MSS, 50000, 15 * S, 0); // convex
	undo_like_nothing(50 * MSS, 1000, S / 50, 0);    // friendly
}

static void cc_cubic_undo_late(void **state)
{
	undo_like_nothing(1000 * MSS, 50000, 2 * S, 3);
	undo_like_nothing(1000 * MSS, 50000, 15 * S, 3);
	undo_like_nothing(50 * MSS, 1000, S / 50, 3);
}

// The first loss was none: slow start goes on, with HyStart++.
static void cc_cubic_undo_of_the_first(void **state)
{
	struct path p = path_new(50000);

	round_trip(&p, true);
	loss(&p);
	round_trip(&p, true);
	p.c.cwnd = 20 * MSS;
	p.c.ssthresh = UINT32_MAX / 2;
	wr_tcp_cc_cubic.undo(&p.c, p.now);
	round_trip(&p, true);
	assert_int_equal(p.c.cwnd, 40 * MSS);
	round_trip(&p, true);
	for (int i = 0; i < 10 && p.c.ssthresh > WINDOW_MAX; i++) {
		p.rtt_us = 80000; // and still ends by delay
		round_trip(&p, true);
	}
	assert_true(p.c.ssthresh < 500 * MSS);
}

// A time-out within recovery taken back is recovery again, and its end starts the epoch.
static void cc_cubic_undo_the_second_of_two(void **state)
{
	struct path p = path_new(50000), q;

	settle(&p, 1000 * MSS);
	run_until(&p, p.now + 2 * S);
	loss(&p);
	q = p;
	timeout(&q);
	q.c.cwnd = p.c.cwnd;
	q.c.ssthresh = p.c.ssthresh;
	wr_tcp_cc_cubic.undo(&q.c, q.now);
	for (int i = 0; i < 100; i++) {
		round_trip(&p, true);
		round_trip(&q, true);
		assert_int_equal(q.c.cwnd, p.c.cwnd);
	}
}

static void cc_cubic_undo_without_a_reduction(void **state)
{
	struct path p = path_new(50000), q;

	settle(&p, 1000 * MSS);
	wr_tcp_cc_cubic.undo(&p.c, p.now);
	run_until(&p, p.now + S);
	q = p;
	wr_tcp_cc_cubic.undo(&p.c, p.now + S); // once is all
	assert_memory_equal(&p.c, &q.c, sizeof(p.c));
}

// --- slow start -----------------------------------------------------------------------------

static void cc_cubic_initial_window(void **state)
{
	struct path p = path_new(50000);

	assert_int_equal(p.c.cwnd, 10 * MSS);
	wr_tcp_cc_cubic.init(&p.c, true, 0);
	assert_int_equal(p.c.cwnd, MSS);
}

static void cc_cubic_slow_start_doubles(void **state)
{
	struct path p = path_new(50000);

	for (uint32_t w = 10; w < 5000; w *= 2) {
		assert_int_equal(p.c.cwnd, w * MSS);
		round_trip(&p, true);
	}
	// a stretch ACK counts for eight segments (RFC 9406 4.3)
	p = path_new(50000);
	wr_tcp_cc_cubic.acked(&p.c, 30 * MSS, 0, true, 0);
	assert_int_equal(p.c.cwnd, 18 * MSS);
}

// Round trips that rise by more than an eighth end slow start after five careful rounds.
static void cc_cubic_hystart_ends_by_delay(void **state)
{
	struct path p = path_new(80000);
	uint32_t at, rounds = 0;

	for (int i = 0; i < 4; i++)
		round_trip(&p, true);
	at = p.c.cwnd;
	assert_int_equal(at, 160 * MSS);
	p.rtt_us = 91000;
	while (p.c.ssthresh > WINDOW_MAX && rounds < 20) {
		uint32_t before = p.c.cwnd;

		round_trip(&p, true);
		// the eight samples of the first round still count in full
		assert_true(p.c.cwnd <= before + before / 4 + (rounds == 0 ? 8 * MSS : 2 * MSS));
		rounds++;
	}
	assert_in_range(rounds, 5, 6); // rounds here and there do not begin at the same ACK
	assert_true(p.c.cwnd < at * 4);
	// then the flat point of a curve, at which Reno's estimate adds a segment a round
	at = p.c.cwnd;
	round_trip(&p, true);
	assert_in_range(p.c.cwnd, at, at + 2 * MSS);
	assert_true(cubic_of(&p.c)->flags & Q_ALPHA_1);
}

// The caller knew where to stop.
static void cc_cubic_hystart_ends_at_ssthresh(void **state)
{
	struct path p = path_new(80000);

	p.c.ssthresh = 20 * MSS;
	round_trip(&p, true);
	assert_int_equal(p.c.cwnd, 20 * MSS);
	run_until(&p, p.now + 4 * S);
	assert_true(close_to(p.c.cwnd, 20 * MSS + 50 * MSS, 0.05)); // Reno's pace
	assert_int_equal(cubic_of(&p.c)->w_max, 20 * MSS);
}

// The delay falls back: it was jitter, and doubling goes on.
static void cc_cubic_hystart_jitter(void **state)
{
	struct path p = path_new(80000);
	uint32_t at;

	for (int i = 0; i < 3; i++)
		round_trip(&p, true);
	p.rtt_us = 100000;
	round_trip(&p, true);
	round_trip(&p, true);
	assert_true(cubic_of(&p.c)->css_round > 0);
	p.rtt_us = 80000;
	round_trip(&p, true);
	assert_int_equal(cubic_of(&p.c)->css_round, 0);
	at = p.c.cwnd;
	for (int i = 0; i < 6; i++)
		round_trip(&p, true);
	assert_true(p.c.cwnd >= at * 60);
	assert_true(p.c.ssthresh > WINDOW_MAX);
}

static bool hystart_enters(uint32_t rtt_us, uint32_t then_us, unsigned samples)
{
	struct path p = path_new(rtt_us);

	round_trip(&p, true);
	do { // up to where a round begins
		p.c.snd_una += MSS;
		wr_tcp_cc_cubic.acked(&p.c, MSS, rtt_us, true, p.now);
	} while (cubic_of(&p.c)->samples > 0);
	p.c.snd_nxt += 100 * MSS;
	cubic_of(&p.c)->round_end = p.c.snd_nxt;
	for (unsigned i = 0; i < samples; i++) {
		p.c.snd_una += 1;
		wr_tcp_cc_cubic.acked(&p.c, MSS, then_us, true, p.now);
	}
	return cubic_of(&p.c)->css_round > 0;
}

static void cc_cubic_hystart_threshold(void **state)
{
	// an eighth, at least 4 ms, at most 16 ms (RFC 9406 4.3); eight samples
	assert_false(hystart_enters(80000, 89999, 20));
	assert_true(hystart_enters(80000, 90000, 8));
	assert_false(hystart_enters(100, 4099, 20));
	assert_true(hystart_enters(100, 4100, 20));
	assert_false(hystart_enters(1000000, 1015999, 20));
	assert_true(hystart_enters(1000000, 1016000, 20));
	assert_false(hystart_enters(80000, 120000, 7));
	assert_false(hystart_enters(80000, 0, 20)); // no samples
}

// The bursts of the first round rise in delay as a link takes them in; that is no sign.
static void cc_cubic_hystart_first_round(void **state)
{
	struct path p = path_new(20000);

	for (uint32_t i = 1; i <= 10; i++) {
		p.c.snd_una += MSS;
		p.c.snd_nxt = 10 * MSS;
		wr_tcp_cc_cubic.acked(&p.c, MSS, 20000 + i * 12000, true, p.now);
		assert_int_equal(cubic_of(&p.c)->css_round, 0);
	}
	assert_int_equal(cubic_of(&p.c)->last_min_us, 32000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cc_cubic_root_whole_range),
		cmocka_unit_test(cc_cubic_k_like_reference),
		cmocka_unit_test(cc_cubic_curve_like_reference),
		cmocka_unit_test(cc_cubic_curve_inverts_k),
		cmocka_unit_test(cc_cubic_growth_curve),
		cmocka_unit_test(cc_cubic_reno_friendly_region),
		cmocka_unit_test(cc_cubic_growth_is_limited),
		cmocka_unit_test(cc_cubic_window_is_bounded),
		cmocka_unit_test(cc_cubic_acked_unlimited),
		cmocka_unit_test(cc_cubic_epoch_without_pauses),
		cmocka_unit_test(cc_cubic_loss_to_seven_tenths),
		cmocka_unit_test(cc_cubic_fast_convergence),
		cmocka_unit_test(cc_cubic_timeout_starts_flat),
		cmocka_unit_test(cc_cubic_restart_returns_to_the_window),
		cmocka_unit_test(cc_cubic_undo_restores),
		cmocka_unit_test(cc_cubic_undo_late),
		cmocka_unit_test(cc_cubic_undo_of_the_first),
		cmocka_unit_test(cc_cubic_undo_the_second_of_two),
		cmocka_unit_test(cc_cubic_undo_without_a_reduction),
		cmocka_unit_test(cc_cubic_initial_window),
		cmocka_unit_test(cc_cubic_slow_start_doubles),
		cmocka_unit_test(cc_cubic_hystart_ends_by_delay),
		cmocka_unit_test(cc_cubic_hystart_ends_at_ssthresh),
		cmocka_unit_test(cc_cubic_hystart_jitter),
		cmocka_unit_test(cc_cubic_hystart_threshold),
		cmocka_unit_test(cc_cubic_hystart_first_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

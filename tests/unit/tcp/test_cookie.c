/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "cookie.h"
#include "wr_pkt.h"
#include "wr_rng.h"
#include "wr_seq.h"

#define STEP WR_TCP_COOKIE_STEP_US
#define NOW  (1000 * STEP + 12345)
#define ISN  0xfffffff0u

static const uint64_t key_a[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};
static const uint64_t key_b[2] = {1, 2};

static struct wr_tcp_cookie_secret secret(void)
{
	struct wr_tcp_cookie_secret s;

	wr_tcp_cookie_secret_init(&s, key_a);
	return s;
}

static struct wr_tuple tuple(bool v4)
{
	struct wr_tuple t = {.lport = 80, .rport = 40000};

	if (v4) {
		t.local.w[2] = t.remote.w[2] = WR_ADDR_V4_WORD2;
		t.local.w[3] = __builtin_bswap32(0xc6120001u);  // 198.18.0.1
		t.remote.w[3] = __builtin_bswap32(0xc6120002u); // 198.18.0.2
	} else {
		t.local.w[0] = t.remote.w[0] = __builtin_bswap32(0x20010db8u);
		t.local.b[15] = 1;
		t.remote.b[15] = 2;
	}
	return t;
}

static const struct wr_tcp_cookie_opts plain = {.mss = 1460, .opts = WR_TCPOPT_MSS};

static bool check_bare(const struct wr_tcp_cookie_secret *s, const struct wr_tuple *t, uint32_t iss,
	uint32_t isn, wr_us_t now, struct wr_tcp_cookie_opts *out)
{
	struct wr_tcp_cookie_ack a = {.ack = iss + 1, .seq = isn + 1};

	return wr_tcp_cookie_check(s, t, &a, now, out);
}

static void round_trip(bool v4, uint16_t mss, uint16_t kept, uint8_t opts, uint8_t wscale)
{
	struct wr_tcp_cookie_secret s = secret();
	struct wr_tuple t = tuple(v4);
	struct wr_tcp_cookie_opts o = {.mss = mss, .opts = opts, .wscale = wscale}, out;
	struct wr_tcp_cookie_ack a = {.seq = ISN + 1, .ts = opts & WR_TCPOPT_TS};
	uint32_t clock = 0xffffffe0u + wscale; // wraps until the ACK comes

	a.ack = wr_tcp_cookie_make(&s, &t, ISN, &o, NOW) + 1;
	a.ts_ecr = a.ts ? wr_tcp_cookie_ts(clock, &o) : 0;
	a.ts_now = clock + 100;
	assert_true(wr_tcp_cookie_check(&s, &t, &a, NOW + 100000, &out));
	assert_int_equal(out.mss, kept);
	if (!a.ts)
		opts = 0; // no place to keep the others
	assert_int_equal(out.opts, opts | WR_TCPOPT_MSS);
	assert_int_equal(out.wscale, opts & WR_TCPOPT_WSCALE ? wscale : 0);
}

static void cookie_round_trip_everything(void **state)
{
	static const uint16_t v4[] = {64, 536, 1220, 1360, 1400, 1440, 1460, 8960};
	static const uint16_t v6[] = {64, 1220, 1340, 1380, 1400, 1420, 1440, 8940};

	for (unsigned i = 0; i < 8; i++)
		for (unsigned bits = 0; bits < 8; bits++)
			for (uint8_t w = 0; w <= (bits & 1 ? 14 : 0); w++) {
				uint8_t opts = (bits & 1 ? WR_TCPOPT_WSCALE : 0) |
				               (bits & 2 ? WR_TCPOPT_SACKOK : 0) |
				               (bits & 4 ? WR_TCPOPT_TS : 0);

				round_trip(true, v4[i], v4[i], opts, w);
				round_trip(false, v6[i], v6[i], opts, w);
			}
}

static void cookie_mss_rounds_down(void **state)
{
	round_trip(true, 1452, 1440, 0, 0); // PPPoE
	round_trip(true, 1459, 1440, 0, 0);
	round_trip(true, UINT16_MAX, 8960, 0, 0);
	round_trip(true, 535, 64, 0, 0);
	round_trip(true, 1, 64, 0, 0); // the engine's floor
	round_trip(true, 0, 64, 0, 0);
	round_trip(false, 1432, 1420, 0, 0);
	round_trip(false, 1219, 64, 0, 0);
	round_trip(false, 8939, 1440, 0, 0);
}

static void cookie_expires_after_two_steps(void **state)
{
	struct wr_tcp_cookie_secret s = secret();
	struct wr_tcp_cookie_opts out;

	for (int v4 = 0; v4 < 2; v4++) {
		struct wr_tuple t = tuple(v4);
		wr_us_t first = 1000 * STEP;
		uint32_t iss = wr_tcp_cookie_make(&s, &t, ISN, &plain, first);

		assert_int_equal(iss, wr_tcp_cookie_make(&s, &t, ISN, &plain, first + STEP - 1));
		assert_true(check_bare(&s, &t, iss, ISN, first, &out));
		assert_true(check_bare(&s, &t, iss, ISN, first + 2 * STEP - 1, &out));
		assert_false(check_bare(&s, &t, iss, ISN, first + 2 * STEP, &out));
		assert_false(check_bare(&s, &t, iss, ISN, first - 1, &out)); // of the future
		// no short counter that would come round
		assert_false(check_bare(&s, &t, iss, ISN, first + 32 * STEP, &out));
		assert_false(check_bare(&s, &t, iss, ISN, first + 256 * STEP, &out));
		assert_false(check_bare(&s, &t, iss, ISN, first + (STEP << 32), &out));
	}
}

static void cookie_counter_at_its_ends(void **state)
{
	struct wr_tcp_cookie_secret s = secret();
	struct wr_tuple t = tuple(true);
	struct wr_tcp_cookie_opts out;
	static const wr_us_t at[] = {0, STEP - 1, (1ULL << 32) * 1000 - 1, // ms wrap
		(STEP << 8) - 1, (STEP << 32) - 1, UINT64_MAX - STEP};

	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		uint32_t iss = wr_tcp_cookie_make(&s, &t, ISN, &plain, at[i]);

		assert_true(check_bare(&s, &t, iss, ISN, at[i], &out));
		assert_true(check_bare(&s, &t, iss, ISN, at[i] + STEP, &out));
		if (at[i] < UINT64_MAX - 2 * STEP)
			assert_false(check_bare(&s, &t, iss, ISN, at[i] + 2 * STEP, &out));
	}
}

static void cookie_wrong_tuple_or_number(void **state)
{
	struct wr_tcp_cookie_secret s = secret(), other;

	wr_tcp_cookie_secret_init(&other, key_b);
	for (int v4 = 0; v4 < 2; v4++) {
		struct wr_tcp_cookie_opts out = {.mss = 7};
		struct wr_tuple t = tuple(v4), x;
		uint32_t iss = wr_tcp_cookie_make(&s, &t, ISN, &plain, NOW);

		x = t;
		x.rport++;
		assert_false(check_bare(&s, &x, iss, ISN, NOW, &out));
		x = t;
		x.lport++;
		assert_false(check_bare(&s, &x, iss, ISN, NOW, &out));
		x = t;
		x.remote.b[15] ^= 1;
		assert_false(check_bare(&s, &x, iss, ISN, NOW, &out));
		x = t;
		x.local.b[12] ^= 1;
		assert_false(check_bare(&s, &x, iss, ISN, NOW, &out));
		x = (struct wr_tuple){t.remote, t.local, t.rport, t.lport};
		assert_false(check_bare(&s, &x, iss, ISN, NOW, &out));
		assert_false(check_bare(&s, &t, iss, ISN + 1, NOW, &out));
		assert_false(check_bare(&other, &t, iss, ISN, NOW, &out));
		assert_int_equal(out.mss, 7); // untouched
		assert_true(check_bare(&s, &t, iss, ISN, NOW, &out));
	}
}

// Of the numbers around a cookie, the eight that differ in the MSS are good, and no other.
static void cookie_neighbours(void **state)
{
	struct wr_tcp_cookie_secret s = secret();
	struct wr_tuple t = tuple(false);
	uint32_t iss = wr_tcp_cookie_make(&s, &t, ISN, &plain, NOW), good = 0;
	struct wr_tcp_cookie_opts out;

	for (uint32_t i = 0; i < 1u << 16; i++)
		good += check_bare(&s, &t, iss ^ i, ISN, NOW, &out);
	assert_int_equal(good, 8);
	for (unsigned bit = 3; bit < 32; bit++)
		assert_false(check_bare(&s, &t, iss ^ 1u << bit, ISN, NOW, &out));
}

// 10^6 guesses, of which 0.004 should be right.
static void cookie_random_forgeries(void **state)
{
	struct wr_tcp_cookie_secret s = secret();
	struct wr_rng rng;
	unsigned good = 0;

	wr_rng_init(&rng, 42);
	for (unsigned i = 0; i < 1000000; i++) {
		struct wr_tuple t = tuple(i & 1);
		uint64_t r = wr_rng_next(&rng);
		struct wr_tcp_cookie_opts out;

		t.rport = (uint16_t)i;
		good += check_bare(&s, &t, (uint32_t)r, (uint32_t)(r >> 32), NOW, &out);
	}
	assert_true(good <= 1);
}

// Numbers of different peers, ISNs and steps have nothing in common that would help to guess.
static void cookie_bits_are_even(void **state)
{
	struct wr_tcp_cookie_secret s = secret();
	struct wr_tuple t = tuple(true);
	unsigned ones[32] = {0};

	for (uint32_t i = 0; i < 4096; i++) {
		uint32_t iss = wr_tcp_cookie_make(&s, &t, i, &plain, NOW + (i % 64) * STEP);

		for (unsigned bit = 0; bit < 32; bit++)
			ones[bit] += iss >> bit & 1;
	}
	for (unsigned bit = 0; bit < 32; bit++)
		assert_in_range(ones[bit], 2048 - 200, 2048 + 200); // 6 sigma
}

static void cookie_secret_change_keeps_the_last(void **state)
{
	struct wr_tcp_cookie_secret s = secret(), a = secret();
	struct wr_tuple t = tuple(true);
	struct wr_tcp_cookie_opts out;
	uint32_t before = wr_tcp_cookie_make(&s, &t, ISN, &plain, NOW), after;

	wr_tcp_cookie_secret_change(&s, key_b, NOW);
	// the step that runs keeps its key
	assert_int_equal(wr_tcp_cookie_make(&s, &t, ISN, &plain, NOW), before);
	assert_true(check_bare(&s, &t, before, ISN, NOW + STEP, &out));
	assert_false(check_bare(&s, &t, before, ISN, NOW + 2 * STEP, &out));
	after = wr_tcp_cookie_make(&s, &t, ISN, &plain, NOW + STEP);
	assert_int_not_equal(after, wr_tcp_cookie_make(&a, &t, ISN, &plain, NOW + STEP));
	assert_true(check_bare(&s, &t, after, ISN, NOW + 2 * STEP, &out));
	assert_false(check_bare(&a, &t, after, ISN, NOW + 2 * STEP, &out));
}

static void cookie_secret_change_twice_in_a_step(void **state)
{
	struct wr_tcp_cookie_secret s = secret(), a;
	struct wr_tuple t = tuple(true);
	struct wr_tcp_cookie_opts out;
	uint32_t before = wr_tcp_cookie_make(&s, &t, ISN, &plain, NOW);
	static const uint64_t unused[2] = {8, 9};

	wr_tcp_cookie_secret_change(&s, unused, NOW);
	wr_tcp_cookie_secret_change(&s, key_b, NOW + 1);
	assert_true(check_bare(&s, &t, before, ISN, NOW + STEP, &out));
	wr_tcp_cookie_secret_init(&a, key_b);
	assert_int_equal(wr_tcp_cookie_make(&s, &t, ISN, &plain, NOW + STEP),
		wr_tcp_cookie_make(&a, &t, ISN, &plain, NOW + STEP));
}

// Never ahead of the clock, at most 63 ms behind, never back, over the wrap of the clock.
static void cookie_ts_follows_the_clock(void **state)
{
	for (uint8_t w = 0; w <= 14; w++) {
		struct wr_tcp_cookie_opts o = {
			.opts = WR_TCPOPT_TS | WR_TCPOPT_WSCALE, .wscale = w};
		uint32_t last = 0;

		if (w & 1)
			o.opts |= WR_TCPOPT_SACKOK;
		for (uint32_t i = 0; i < 1000; i++) {
			uint32_t clock = (uint32_t)-500 + i;
			uint32_t ts = wr_tcp_cookie_ts(clock, &o);

			assert_true(clock - ts <= 63);
			assert_true(i == 0 || wr_seq_leq(last, ts));
			assert_int_not_equal(ts, 0); // an echo of 0 means none
			last = ts;
		}
	}
}

static void cookie_ts_echo_not_ours(void **state)
{
	struct wr_tcp_cookie_secret s = secret();
	struct wr_tuple t = tuple(true);
	struct wr_tcp_cookie_opts o = {
		.mss = 1460, .opts = WR_TCPOPT_TS | WR_TCPOPT_WSCALE, .wscale = 7};
	struct wr_tcp_cookie_opts out;
	uint32_t clock = 0x80000000u, ts = wr_tcp_cookie_ts(clock, &o);
	struct wr_tcp_cookie_ack a = {.seq = ISN + 1, .ts = true, .ts_ecr = ts, .ts_now = clock};

	a.ack = wr_tcp_cookie_make(&s, &t, ISN, &o, NOW) + 1;
	assert_true(wr_tcp_cookie_check(&s, &t, &a, NOW, &out));
	a.ts_ecr = ts & ~0x20u; // no mark
	assert_false(wr_tcp_cookie_check(&s, &t, &a, NOW, &out));
	a.ts_ecr = 0;
	assert_false(wr_tcp_cookie_check(&s, &t, &a, NOW, &out));
	a.ts_ecr = ts + 64; // ahead of the clock
	assert_false(wr_tcp_cookie_check(&s, &t, &a, NOW, &out));
	a.ts_ecr = ts;
	a.ts_now = ts + 128063; // as old as a cookie gets
	assert_true(wr_tcp_cookie_check(&s, &t, &a, NOW, &out));
	a.ts_now++;
	assert_false(wr_tcp_cookie_check(&s, &t, &a, NOW, &out));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cookie_round_trip_everything),
		cmocka_unit_test(cookie_mss_rounds_down),
		cmocka_unit_test(cookie_expires_after_two_steps),
		cmocka_unit_test(cookie_counter_at_its_ends),
		cmocka_unit_test(cookie_wrong_tuple_or_number),
		cmocka_unit_test(cookie_neighbours),
		cmocka_unit_test(cookie_random_forgeries),
		cmocka_unit_test(cookie_bits_are_even),
		cmocka_unit_test(cookie_secret_change_keeps_the_last),
		cmocka_unit_test(cookie_secret_change_twice_in_a_step),
		cmocka_unit_test(cookie_ts_follows_the_clock),
		cmocka_unit_test(cookie_ts_echo_not_ours),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_rng.h"

static void rng_init_splitmix_known(void **state)
{
	struct wr_rng rng;

	// The published first outputs of splitmix64 for the seed 1234567.
	wr_rng_init(&rng, 1234567);
	assert_true(rng.s[0] == 6457827717110365317ULL);
	assert_true(rng.s[1] == 3203168211198807973ULL);
	assert_true(rng.s[2] == 9817491932198370423ULL);
	assert_true(rng.s[3] == 4593380528125082431ULL);
}

static void rng_next_known(void **state)
{
	// The published first outputs of xoshiro256** for the state 1, 2, 3, 4.
	static const uint64_t expect[] = {11520ULL, 0ULL, 1509978240ULL, 1215971899390074240ULL,
		1216172134540287360ULL, 607988272756665600ULL};
	struct wr_rng rng = {{1, 2, 3, 4}};

	for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++)
		assert_true(wr_rng_next(&rng) == expect[i]);
}

static void rng_next_same_seed(void **state)
{
	struct wr_rng a, b, c;
	int same = 0;

	wr_rng_init(&a, 0);
	wr_rng_init(&b, 0);
	wr_rng_init(&c, 1);
	for (int i = 0; i < 1000; i++) {
		uint64_t v = wr_rng_next(&a);

		assert_true(v == wr_rng_next(&b));
		same += v == wr_rng_next(&c);
	}
	assert_int_equal(same, 0);
}

static void rng_below_bounds(void **state)
{
	struct wr_rng rng;

	wr_rng_init(&rng, 3);
	for (int i = 0; i < 10000; i++) {
		assert_int_equal(wr_rng_below(&rng, 0), 0);
		assert_int_equal(wr_rng_below(&rng, 1), 0);
		assert_in_range(wr_rng_below(&rng, 7), 0, 6);
		assert_true(wr_rng_below(&rng, UINT32_MAX) < UINT32_MAX);
	}
}

static void rng_below_uniform(void **state)
{
	enum {
		BUCKETS = 10,
		DRAWS = 100000
	};
	uint32_t count[BUCKETS] = {0};
	struct wr_rng rng;
	double chi2 = 0;

	wr_rng_init(&rng, 4);
	for (int i = 0; i < DRAWS; i++)
		count[wr_rng_below(&rng, BUCKETS)]++;
	for (int i = 0; i < BUCKETS; i++) {
		double d = (double)count[i] - DRAWS / BUCKETS;

		chi2 += d * d / (DRAWS / BUCKETS);
	}
	assert_true(chi2 < 27.9); // 9 degrees of freedom, 1 in 1,000
}

static void rng_below_uniform_large_bound(void **state)
{
	const uint32_t bound =
		3u << 30; // without redrawing, the lower two thirds would be favoured
	uint32_t low = 0;
	struct wr_rng rng;

	wr_rng_init(&rng, 5);
	for (int i = 0; i < 100000; i++)
		low += wr_rng_below(&rng, bound) % 3 == 0;
	assert_in_range(low, 32700, 33970);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rng_init_splitmix_known),
		cmocka_unit_test(rng_next_known),
		cmocka_unit_test(rng_next_same_seed),
		cmocka_unit_test(rng_below_bounds),
		cmocka_unit_test(rng_below_uniform),
		cmocka_unit_test(rng_below_uniform_large_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

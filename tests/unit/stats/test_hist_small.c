/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <stdlib.h>

#include <rte_common.h>

#include "wr_hist_small.h"
#include "wr_rng.h"

static void hist_small_empty(void **state)
{
	struct wr_hist_small h = {0};

	assert_int_equal(wr_hist_small_count(&h), 0);
	assert_int_equal(wr_hist_small_quantile(&h, 500000), 0);
	assert_int_equal(wr_hist_small_mean(&h), 0);
	assert_int_equal(sizeof(h), 1096);
}

// The quantile of one value is the upper end of its bucket, which the next value leaves.
static void hist_small_buckets_adjoin(void **state)
{
	uint64_t low = 0;

	for (uint32_t i = 0; i < WR_HIST_SMALL_BUCKETS; i++) {
		struct wr_hist_small h = {0};
		uint64_t high;

		wr_hist_small_record(&h, low);
		assert_int_equal(h.bucket[i], 1);
		high = wr_hist_small_quantile(&h, 500000);
		assert_int_equal(wr_hist_small_index(high), i);
		assert_true(high - low <= low / 8);
		low = high + 1;
	}
	assert_int_equal(low, 1ULL << WR_HIST_SMALL_MAX_BITS);
	assert_int_equal(wr_hist_small_index(low), WR_HIST_SMALL_BUCKETS - 1);
	assert_int_equal(wr_hist_small_index(UINT64_MAX), WR_HIST_SMALL_BUCKETS - 1);
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// Against sorted values: never below the true quantile, and above it by less than a bucket.
static void hist_small_quantile_error(void **state)
{
	static uint64_t v[20001];
	const uint32_t ppm[] = {
		0, 1, 250000, 500000, 900000, 990000, 999000, 999900, 1000000, UINT32_MAX};
	struct wr_hist_small h = {0};
	struct wr_rng rng;
	uint64_t sum = 0;

	wr_rng_init(&rng, 7);
	for (uint32_t i = 0; i < RTE_DIM(v); i++) {
		v[i] = wr_rng_next(&rng) >> (29 + wr_rng_below(&rng, 34));
		sum += v[i];
		wr_hist_small_record(&h, v[i]);
	}
	qsort(v, RTE_DIM(v), sizeof(v[0]), order);
	for (uint32_t i = 0; i < RTE_DIM(ppm); i++) {
		uint64_t rank = (RTE_DIM(v) * (uint64_t)ppm[i] + 999999) / 1000000;
		uint64_t got = wr_hist_small_quantile(&h, ppm[i]), truth;

		rank = rank == 0 ? 1 : rank > RTE_DIM(v) ? RTE_DIM(v) : rank;
		truth = v[rank - 1];
		assert_true(got >= truth);
		assert_true(got - truth <= truth / 8);
	}
	assert_int_equal(wr_hist_small_count(&h), RTE_DIM(v));
	assert_int_equal(wr_hist_small_mean(&h), sum / RTE_DIM(v));
}

static void hist_small_too_large_value(void **state)
{
	struct wr_hist_small h = {0};

	wr_hist_small_record(&h, UINT64_MAX / 2);
	assert_int_equal(wr_hist_small_quantile(&h, 1), (1ULL << WR_HIST_SMALL_MAX_BITS) - 1);
	assert_int_equal(wr_hist_small_mean(&h), UINT64_MAX / 2);
}

static void hist_small_add_is_recording_both(void **state)
{
	struct wr_hist_small a = {0}, b = {0}, both = {0};

	for (uint64_t v = 1; v < 1u << 20; v = v * 3 + 1) {
		wr_hist_small_record(v & 1 ? &a : &b, v);
		wr_hist_small_record(&both, v);
	}
	wr_hist_small_add(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
}

static void hist_small_add_stays_at_most(void **state)
{
	struct wr_hist_small a = {0}, b = {0};

	a.bucket[3] = UINT32_MAX - 1;
	b.bucket[3] = 5;
	wr_hist_small_add(&a, &b);
	assert_int_equal(a.bucket[3], UINT32_MAX);
	a.bucket[9] = UINT32_MAX;
	assert_int_equal(wr_hist_small_count(&a), 2ULL * UINT32_MAX);
	assert_int_equal(wr_hist_small_quantile(&a, 500000), 3);
	assert_int_equal(wr_hist_small_quantile(&a, 500001), 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hist_small_empty),
		cmocka_unit_test(hist_small_buckets_adjoin),
		cmocka_unit_test(hist_small_quantile_error),
		cmocka_unit_test(hist_small_too_large_value),
		cmocka_unit_test(hist_small_add_is_recording_both),
		cmocka_unit_test(hist_small_add_stays_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <stdlib.h>

#include <rte_common.h>

#include "wr_hist.h"
#include "wr_rng.h"

static struct wr_hist *fresh(void)
{
	struct wr_hist *h = malloc(sizeof(*h));

	assert_non_null(h);
	wr_hist_reset(h);
	return h;
}

static void hist_empty(void **state)
{
	struct wr_hist *h = fresh();

	assert_int_equal(wr_hist_quantile(h, 500000), 0);
	assert_int_equal(wr_hist_mean(h), 0);
	free(h);
}

// Every bucket begins where the one before it ended, and holds its own ends.
static void hist_buckets_adjoin(void **state)
{
	for (uint32_t i = 0; i < WR_HIST_BUCKETS; i++) {
		assert_int_equal(wr_hist_index(wr_hist_bucket_low(i)), i);
		assert_int_equal(wr_hist_index(wr_hist_bucket_high(i)), i);
		if (i > 0)
			assert_int_equal(wr_hist_bucket_low(i), wr_hist_bucket_high(i - 1) + 1);
	}
	assert_int_equal(wr_hist_index(UINT64_MAX), WR_HIST_BUCKETS - 1);
	assert_int_equal(wr_hist_bucket_high(WR_HIST_BUCKETS - 1), (1ULL << WR_HIST_MAX_BITS) - 1);
}

static int order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

// Against sorted values: never below the true quantile, and above it by less than a bucket.
static void hist_quantile_error(void **state)
{
	static uint64_t v[20001];
	const uint32_t ppm[] = {0, 1, 250000, 500000, 900000, 990000, 999000, 999900, 1000000};
	struct wr_hist *h = fresh();
	struct wr_rng rng;
	uint64_t sum = 0;

	wr_rng_init(&rng, 7);
	for (uint32_t i = 0; i < RTE_DIM(v); i++) {
		v[i] = wr_rng_next(&rng) >> (24 + wr_rng_below(&rng, 36));
		sum += v[i];
		wr_hist_record(h, v[i]);
	}
	qsort(v, RTE_DIM(v), sizeof(v[0]), order);
	for (uint32_t i = 0; i < RTE_DIM(ppm); i++) {
		uint64_t rank = (RTE_DIM(v) * (uint64_t)ppm[i] + 999999) / 1000000;
		uint64_t truth = v[rank > 0 ? rank - 1 : 0], got = wr_hist_quantile(h, ppm[i]);

		assert_true(got >= truth);
		assert_true(got - truth <= truth / 128 + 1);
	}
	assert_int_equal(wr_hist_quantile(h, 1000000), v[RTE_DIM(v) - 1]);
	assert_int_equal(wr_hist_mean(h), sum / RTE_DIM(v));
	free(h);
}

static void hist_add_is_recording_both(void **state)
{
	struct wr_hist *a = fresh(), *b = fresh(), *both = fresh();

	for (uint64_t v = 1; v < 1u << 20; v = v * 3 + 1) {
		wr_hist_record(v & 1 ? a : b, v);
		wr_hist_record(both, v);
	}
	wr_hist_add(a, b);
	assert_memory_equal(a, both, sizeof(*a));
	free(a);
	free(b);
	free(both);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hist_empty),
		cmocka_unit_test(hist_buckets_adjoin),
		cmocka_unit_test(hist_quantile_error),
		cmocka_unit_test(hist_add_is_recording_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "dist.h"

#define DRAWS 200000

static double mean_of(const struct gen_dist *d, uint64_t seed, wr_us_t *most, wr_us_t *least)
{
	struct wr_rng rng;
	double sum = 0;
	wr_us_t v;

	wr_rng_init(&rng, seed);
	*most = 0;
	*least = UINT64_MAX;
	for (uint32_t i = 0; i < DRAWS; i++) {
		v = dist_draw(d, &rng);
		sum += (double)v;
		*most = v > *most ? v : *most;
		*least = v < *least ? v : *least;
	}
	return sum / DRAWS;
}

static void dist_draw_fixed_is_the_mean(void **state)
{
	struct gen_dist d = {.kind = GEN_DIST_FIXED, .mean_us = 1234};
	wr_us_t most, least;

	mean_of(&d, 1, &most, &least);
	assert_int_equal(most, 1234);
	assert_int_equal(least, 1234);
}

static void dist_draw_zero_mean_is_zero(void **state)
{
	wr_us_t most, least;

	for (uint32_t kind = GEN_DIST_FIXED; kind <= GEN_DIST_LOGNORMAL; kind++) {
		struct gen_dist d = {.kind = kind, .shape_permille = 1500};

		mean_of(&d, 1, &most, &least);
		assert_int_equal(most, 0);
	}
}

static void dist_draw_uniform_fills_its_range(void **state)
{
	struct gen_dist d = {.kind = GEN_DIST_UNIFORM, .mean_us = 50};
	wr_us_t most, least;
	double mean = mean_of(&d, 2, &most, &least);

	assert_true(mean > 49.7 && mean < 50.3);
	assert_int_equal(most, 100);
	assert_int_equal(least, 0);
}

static void dist_draw_exponential_has_mean_and_tail(void **state)
{
	struct gen_dist d = {.kind = GEN_DIST_EXPONENTIAL, .mean_us = 1000};
	wr_us_t most, least;
	double mean = mean_of(&d, 3, &most, &least);
	struct wr_rng rng;
	uint32_t beyond = 0;

	assert_true(mean > 990 && mean < 1010);
	assert_true(most > 8000);
	wr_rng_init(&rng, 4);
	for (uint32_t i = 0; i < DRAWS; i++)
		beyond += dist_draw(&d, &rng) > 3000; // e^-3: 4.98 %
	assert_in_range(beyond, DRAWS * 48 / 1000, DRAWS * 52 / 1000);
}

// The mean loses what lies behind the cut (dist.c): 0.25 % at shape 2, nothing to see at shape 3.
static void dist_draw_pareto_has_mean_and_cut(void **state)
{
	struct gen_dist d = {.kind = GEN_DIST_PARETO, .mean_us = 3000, .shape_permille = 3000};
	wr_us_t most, least;
	double mean = mean_of(&d, 5, &most, &least);

	assert_true(mean > 2960 && mean < 3040);
	assert_int_equal(least, 2000);
	d.shape_permille = 1500;
	mean = mean_of(&d, 6, &most, &least);
	assert_true(mean > 3000 * 0.94 && mean < 3000 * 0.985);
	assert_int_equal(most, 300000);
	d.max_us = 9000;
	mean_of(&d, 7, &most, &least);
	assert_int_equal(most, 9000);
}

static void dist_draw_lognormal_has_mean_and_cut(void **state)
{
	struct gen_dist d = {.kind = GEN_DIST_LOGNORMAL, .mean_us = 5000, .shape_permille = 1000};
	wr_us_t most, least;
	double mean = mean_of(&d, 8, &most, &least);
	struct wr_rng rng;
	uint32_t below = 0;

	assert_true(mean > 4900 && mean < 5100);
	wr_rng_init(&rng, 9);
	for (uint32_t i = 0; i < DRAWS; i++)
		below += dist_draw(&d, &rng) < 3033; // median: mean x e^-0.5
	assert_in_range(below, DRAWS * 49 / 100, DRAWS * 51 / 100);
	d.max_us = 6000;
	mean_of(&d, 10, &most, &least);
	assert_int_equal(most, 6000);
}

static void dist_exponential_ns_same_seed_same_draws(void **state)
{
	struct wr_rng a, b;
	double sum = 0;
	uint64_t v;

	wr_rng_init(&a, 11);
	wr_rng_init(&b, 11);
	for (uint32_t i = 0; i < DRAWS; i++) {
		v = dist_exponential_ns(3333, &a);
		assert_int_equal(v, dist_exponential_ns(3333, &b));
		sum += (double)v;
	}
	assert_true(sum / DRAWS > 3300 && sum / DRAWS < 3366);
}

static void dist_check_refuses_bad_parameters(void **state)
{
	const struct gen_dist bad[] = {
		{.kind = GEN_DIST_PARETO, .mean_us = 1, .shape_permille = 1000},
		{.kind = GEN_DIST_PARETO, .mean_us = 1, .shape_permille = 0},
		{.kind = GEN_DIST_PARETO, .mean_us = 1, .shape_permille = 100001},
		{.kind = GEN_DIST_LOGNORMAL, .mean_us = 1, .shape_permille = 0},
		{.kind = GEN_DIST_LOGNORMAL, .mean_us = 1, .shape_permille = 5001},
		{.kind = GEN_DIST_LOGNORMAL, .mean_us = 9, .shape_permille = 500, .max_us = 8},
		{.kind = GEN_DIST_FIXED, .mean_us = 25 * 3600 * WR_US_PER_S},
	};
	const struct gen_dist good[] = {
		{.kind = GEN_DIST_FIXED},
		{.kind = GEN_DIST_PARETO, .mean_us = 1, .shape_permille = 1001},
		{.kind = GEN_DIST_LOGNORMAL, .mean_us = 9, .shape_permille = 500, .max_us = 9},
		{.kind = GEN_DIST_EXPONENTIAL, .mean_us = 9, .max_us = 1},
	};
	struct wr_err err;

	for (uint32_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err.text[0] = 0;
		assert_int_equal(dist_check(&bad[i], &err), -22);
		assert_true(strlen(err.text) > 10);
	}
	for (uint32_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_int_equal(dist_check(&good[i], NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dist_draw_fixed_is_the_mean),
		cmocka_unit_test(dist_draw_zero_mean_is_zero),
		cmocka_unit_test(dist_draw_uniform_fills_its_range),
		cmocka_unit_test(dist_draw_exponential_has_mean_and_tail),
		cmocka_unit_test(dist_draw_pareto_has_mean_and_cut),
		cmocka_unit_test(dist_draw_lognormal_has_mean_and_cut),
		cmocka_unit_test(dist_exponential_ns_same_seed_same_draws),
		cmocka_unit_test(dist_check_refuses_bad_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

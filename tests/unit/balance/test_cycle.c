/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "cycle.h"
#include "wr_rng.h"

#define MOST 4096

static uint16_t weight[MOST];

// Exactly by weight, and at no place a whole turn ahead or behind; so gaps are below two shares.
static void expect_smooth(uint32_t n, uint32_t size)
{
	static uint32_t taken[MOST];
	uint64_t sum = 0;
	uint32_t got;
	uint16_t *c = wr_cycle_build(weight, n, &got);

	assert_non_null(c);
	assert_int_equal(got, size);
	memset(taken, 0, sizeof(taken));
	for (uint32_t i = 0; i < n; i++)
		sum += weight[i];
	for (uint32_t at = 0; at < size; at++) {
		uint32_t i = c[at];
		double due;

		assert_true(i < n);
		due = (double)size * weight[i] / (double)sum * at / size;
		assert_true(taken[i] > due - 1 && taken[i] < due + 1);
		taken[i]++;
	}
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(taken[i], (uint64_t)size * weight[i] / sum);
	free(c);
}

static void cycle_one(void **state)
{
	weight[0] = 7;
	expect_smooth(1, 1);
}

static void cycle_equal_in_turn(void **state)
{
	uint32_t size;
	uint16_t *c;

	for (uint32_t i = 0; i < 5; i++)
		weight[i] = 6;
	c = wr_cycle_build(weight, 5, &size);
	assert_int_equal(size, 5);
	for (uint16_t i = 0; i < 5; i++)
		assert_int_equal(c[i], i);
	free(c);
}

static void cycle_heavy_between_light(void **state)
{
	const char want[] = "0102030405";
	uint32_t size;
	uint16_t *c;

	weight[0] = 10;
	for (uint32_t i = 1; i < 6; i++)
		weight[i] = 2;
	c = wr_cycle_build(weight, 6, &size);
	assert_int_equal(size, 10);
	for (uint32_t i = 0; i < size; i++)
		assert_int_equal(c[i], want[i] - '0');
	free(c);
}

static void cycle_known_weights(void **state)
{
	const struct {
		uint16_t w[4];
		uint32_t n, size;
	} c[] = {{{5, 1, 1}, 3, 7}, {{1, 2, 3, 4}, 4, 10}, {{256, 1}, 2, 257}, {{1, 256}, 2, 257},
		{{256, 255, 254}, 3, 765}, {{6, 10, 15}, 3, 31}, {{65535, 65534}, 2, 131069}};

	for (uint32_t k = 0; k < sizeof(c) / sizeof(c[0]); k++) {
		memcpy(weight, c[k].w, sizeof(c[k].w));
		expect_smooth(c[k].n, c[k].size);
	}
}

static void cycle_random_weights(void **state)
{
	struct wr_rng rng;

	wr_rng_init(&rng, 1);
	for (uint32_t round = 0; round < 200; round++) {
		uint32_t n = 1 + wr_rng_below(&rng, 60), most = 1 + wr_rng_below(&rng, 256),
			 sum = 1;

		weight[0] = 1; // so that there is no common divisor
		for (uint32_t i = 1; i < n; i++) {
			weight[i] = (uint16_t)(1 + wr_rng_below(&rng, most));
			sum += weight[i];
		}
		expect_smooth(n, sum);
	}
}

static void cycle_most_backends(void **state)
{
	uint32_t sum = 0;

	for (uint32_t i = 0; i < MOST; i++) {
		weight[i] = (uint16_t)(1 + i % 256);
		sum += weight[i];
	}
	expect_smooth(MOST, sum);
}

// Too much for the cycle: it stays within its bound, shares are near, and nobody is left out.
static void cycle_bounded_memory(void **state)
{
	uint32_t size, taken[MOST] = {0};
	uint16_t *c;

	for (uint32_t i = 0; i < MOST; i++)
		weight[i] = i % 2 ? 1 : 65535;
	c = wr_cycle_build(weight, MOST, &size);
	assert_non_null(c);
	assert_true(size > WR_CYCLE_MAX / 4 && size <= WR_CYCLE_MAX);
	for (uint32_t i = 0; i < size; i++)
		taken[c[i]]++;
	for (uint32_t i = 0; i < MOST; i++)
		assert_int_equal(taken[i], i % 2 ? 1 : taken[0]);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cycle_one),
		cmocka_unit_test(cycle_equal_in_turn),
		cmocka_unit_test(cycle_heavy_between_light),
		cmocka_unit_test(cycle_known_weights),
		cmocka_unit_test(cycle_random_weights),
		cmocka_unit_test(cycle_most_backends),
		cmocka_unit_test(cycle_bounded_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

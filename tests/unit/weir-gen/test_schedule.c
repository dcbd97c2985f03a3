/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "schedule.h"

#define NS_PER_S 1000000000ULL

static struct schedule start(const struct gen_client *conf, uint64_t at_ns)
{
	struct schedule s;

	schedule_init(&s, conf, 1);
	assert_true(s.next_ns == UINT64_MAX);
	schedule_start(&s, at_ns);
	return s;
}

// Arrivals in [from, to), and on to the first one behind.
static uint32_t count(struct schedule *s, uint64_t to)
{
	uint32_t n = 0;

	for (; s->next_ns < to; n++)
		schedule_advance(s);
	return n;
}

static void schedule_constant_times_are_exact(void **state)
{
	static const uint32_t rates[] = {1, 3, 7, 1000, 300007, 1000000};

	for (uint32_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		struct gen_client conf = {.model = GEN_LOAD_CONSTANT, .rate = rates[r]};
		struct schedule s = start(&conf, 12345);

		for (uint64_t i = 0; i < 20000; i++) {
			assert_int_equal(s.next_ns, 12345 + i * NS_PER_S / rates[r]);
			schedule_advance(&s);
		}
	}
}

static void schedule_constant_stays_exact_after_days(void **state)
{
	struct gen_client conf = {.model = GEN_LOAD_CONSTANT, .rate = 999999};
	struct schedule s = start(&conf, 0);

	s.number = 999999ULL * 86400 * 30 - 1;
	schedule_advance(&s);
	assert_int_equal(s.next_ns, NS_PER_S * 86400 * 30);
}

static void schedule_rate_zero_never_comes(void **state)
{
	static const enum gen_load_model models[] = {GEN_LOAD_CONSTANT, GEN_LOAD_POISSON,
		GEN_LOAD_BURST, GEN_LOAD_STEP, GEN_LOAD_CLOSED};

	for (uint32_t i = 0; i < sizeof(models) / sizeof(models[0]); i++) {
		struct gen_client conf = {.model = models[i], .burst = 3};
		struct schedule s = start(&conf, 5);

		assert_true(s.next_ns == UINT64_MAX);
		schedule_advance(&s);
		assert_true(s.next_ns == UINT64_MAX);
	}
}

static void schedule_burst_comes_at_once(void **state)
{
	struct gen_client conf = {.model = GEN_LOAD_BURST, .rate = 1000, .burst = 30};
	struct schedule s = start(&conf, 0);

	for (uint32_t i = 0; i < 3000; i++) {
		assert_int_equal(s.next_ns, i / 30 * 30000000ULL);
		schedule_advance(&s);
	}
}

static void schedule_poisson_has_mean_and_variance(void **state)
{
	struct gen_client conf = {.model = GEN_LOAD_POISSON, .rate = 300000};
	struct schedule s = start(&conf, 1000);
	uint64_t last = 1000;
	uint32_t short_gaps = 0;
	uint32_t n = 300000;

	for (uint32_t i = 0; i < n; i++) {
		assert_true(s.next_ns >= last);
		short_gaps += s.next_ns - last < 2310; // median: ln 2 / rate
		last = s.next_ns;
		schedule_advance(&s);
	}
	assert_in_range(last, NS_PER_S * 99 / 100, NS_PER_S * 101 / 100);
	assert_in_range(short_gaps, n * 49 / 100, n * 51 / 100);
}

static void schedule_poisson_same_seed_same_times(void **state)
{
	struct gen_client conf = {.model = GEN_LOAD_POISSON, .rate = 1000};
	struct schedule a = start(&conf, 0);
	struct schedule b = start(&conf, 0);

	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(a.next_ns, b.next_ns);
		schedule_advance(&a);
		schedule_advance(&b);
	}
}

// 100 to 300 a second over 10 s: N(t) = 100 t + 10 t^2.
static void schedule_ramp_counts_follow_the_integral(void **state)
{
	struct gen_client conf = {
		.model = GEN_LOAD_RAMP, .rate = 100, .rate_to = 300, .period_us = 10000000};
	struct schedule s = start(&conf, 0);
	uint32_t n = 0;

	for (uint64_t t = 1; t <= 10; t++) {
		n += count(&s, t * NS_PER_S);
		assert_in_range(n, 100 * t + 10 * t * t - 1, 100 * t + 10 * t * t + 1);
	}
	n = count(&s, 20 * NS_PER_S);
	assert_in_range(n, 2999, 3001);
	s = start(&conf, 0);
	for (uint32_t i = 0; i < 375; i++)
		schedule_advance(&s);
	// 100 t + 10 t^2 = 375
	assert_in_range(s.next_ns, 2905694149ULL, 2905694151ULL);
}

static void schedule_ramp_down_to_zero_ends(void **state)
{
	struct gen_client conf = {
		.model = GEN_LOAD_RAMP, .rate = 1000, .rate_to = 0, .period_us = 2000000};
	struct schedule s = start(&conf, NS_PER_S);

	assert_int_equal(s.next_ns, NS_PER_S);
	assert_in_range(count(&s, 100 * NS_PER_S), 999, 1001);
	assert_true(s.next_ns == UINT64_MAX);
	conf.rate = 0;
	conf.rate_to = 1000;
	s = start(&conf, 0);
	assert_in_range(count(&s, 2 * NS_PER_S), 999, 1001);
}

static void schedule_step_counts_by_segment(void **state)
{
	struct gen_client conf = {
		.model = GEN_LOAD_STEP, .rate = 50, .rate_to = 500, .period_us = 2000000};
	struct schedule s = start(&conf, 0);

	assert_int_equal(count(&s, 2 * NS_PER_S), 100);
	assert_int_equal(s.next_ns, 2 * NS_PER_S);
	assert_int_equal(count(&s, 4 * NS_PER_S), 1000);
	assert_int_equal(s.next_ns, 4 * NS_PER_S);
	assert_int_equal(count(&s, 10 * NS_PER_S), 300);
	conf.rate_to = 0; // a gap
	s = start(&conf, 0);
	assert_int_equal(count(&s, 2 * NS_PER_S), 100);
	assert_int_equal(s.next_ns, 4 * NS_PER_S);
}

static void schedule_set_rate_begins_again(void **state)
{
	struct gen_client conf = {.model = GEN_LOAD_CONSTANT, .rate = 10};
	struct schedule s = start(&conf, 0);

	assert_int_equal(count(&s, NS_PER_S), 10);
	schedule_set_rate(&s, 1000, 3 * NS_PER_S + 7);
	assert_int_equal(s.next_ns, 3 * NS_PER_S + 7);
	assert_int_equal(count(&s, 4 * NS_PER_S + 7), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(schedule_constant_times_are_exact),
		cmocka_unit_test(schedule_constant_stays_exact_after_days),
		cmocka_unit_test(schedule_rate_zero_never_comes),
		cmocka_unit_test(schedule_burst_comes_at_once),
		cmocka_unit_test(schedule_poisson_has_mean_and_variance),
		cmocka_unit_test(schedule_poisson_same_seed_same_times),
		cmocka_unit_test(schedule_ramp_counts_follow_the_integral),
		cmocka_unit_test(schedule_ramp_down_to_zero_ends),
		cmocka_unit_test(schedule_step_counts_by_segment),
		cmocka_unit_test(schedule_set_rate_begins_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

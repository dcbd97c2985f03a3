/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit_test.h"

static void limit_rate_none_says_yes(void **state)
{
	struct wr_limit_rule r = {0};
	struct wr_limit l = {0};

	assert_false(wr_limit_rule_any(&r));
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(wr_limit_rate(&l, &r, 5), 0);
		assert_int_equal(wr_limit_rate_within(&l, &r, 0, 5), 0);
		assert_int_equal(wr_limit_bytes(&l, &r, UINT64_MAX, 5), 0);
		assert_int_equal(wr_limit_bytes_wait(&l, &r, 5), 0);
	}
	wr_limit_rate_back(&l, &r);
	assert_int_equal(l.rate_at, 0);
	assert_int_equal(l.bytes_at, 0);
}

// A whole burst at one instant and not one more, at any phase of the clock; the time told is exact.
static void limit_rate_burst_then_wait(void **state)
{
	static const uint64_t rates[] = {1, 3, 7, 1000, 999983, 3000000};
	static const wr_us_t nows[] = {0, 1, 333333, 999999, 1000000, 123456789012345};

	for (uint32_t i = 0; i < RTE_DIM(rates); i++)
		for (uint32_t k = 0; k < RTE_DIM(nows); k++) {
			struct wr_limit_rule r = {.rate_per_s = rates[i], .rate_burst = 10};
			wr_us_t wait, ideal = (T_S + rates[i] - 1) / rates[i];
			struct wr_limit l = {0};

			for (uint32_t n = 0; n < 10; n++)
				assert_int_equal(wr_limit_rate(&l, &r, nows[k]), 0);
			wait = wr_limit_rate(&l, &r, nows[k]);
			assert_in_range(wait, 1, ideal);
			assert_true(wait + 1 >= ideal);
			if (wait > 1)
				assert_int_equal(wr_limit_rate(&l, &r, nows[k] + wait - 1), 1);
			assert_int_equal(wr_limit_rate(&l, &r, nows[k] + wait), 0);
		}
}

// The same of odd rates: rounding takes no token away and gives none.
static void limit_rate_burst_random(void **state)
{
	uint64_t rng = 99;

	for (uint32_t i = 0; i < 3000; i++) {
		struct wr_limit_rule r = {.rate_per_s = 1 + t_random(&rng) % 10000000,
			.rate_burst = 1 + t_random(&rng) % 300};
		wr_us_t now = t_random(&rng) % (1ULL << 50);
		struct wr_limit l = {0};
		uint64_t passed = 0;

		while (wr_limit_rate(&l, &r, now) == 0)
			passed++;
		assert_int_equal(passed, r.rate_burst);
	}
}

static void limit_rate_burst_zero_is_one(void **state)
{
	struct wr_limit_rule r = {.rate_per_s = 2};
	struct wr_limit l = {0};

	assert_int_equal(wr_limit_rate(&l, &r, 100), 0);
	assert_int_equal(wr_limit_rate(&l, &r, 100), 500000);
	assert_int_equal(wr_limit_rate(&l, &r, 500099), 1);
	assert_int_equal(wr_limit_rate(&l, &r, 500100), 0);
}

// Never two within a period, wherever in the second it begins: idle spells give no extra token.
static void limit_rate_idle_keeps_spacing(void **state)
{
	struct wr_limit_rule r = {.rate_per_s = 3, .rate_burst = 1};
	struct wr_limit l = {0};
	uint64_t rng = 7;
	wr_us_t now = 0, last = 0;

	for (uint32_t i = 0; i < 20000; i++) {
		now += t_random(&rng) % 200000;
		if (wr_limit_rate(&l, &r, now) != 0)
			continue;
		assert_true(last == 0 || now - last >= 333333);
		last = now;
	}
}

// Over long virtual time, always hungry: what passes is rate x time + burst to one token.
static void limit_rate_long_run_exact(void **state)
{
	static const struct {
		uint64_t rate, seconds;
	} runs[] = {{1, 300000}, {3, 100000}, {7, 50000}, {999983, 1}, {3000000, 1}, {70000, 7}};

	for (uint32_t i = 0; i < RTE_DIM(runs); i++) {
		struct wr_limit_rule r = {.rate_per_s = runs[i].rate, .rate_burst = 5};
		wr_us_t now = 777, end = now + runs[i].seconds * T_S;
		struct wr_limit l = {0};
		uint64_t passed = 0;

		while (now <= end) {
			wr_us_t wait = wr_limit_rate(&l, &r, now);

			passed += wait == 0;
			now += wait;
		}
		assert_in_range(passed, runs[i].rate * runs[i].seconds + 4,
			runs[i].rate * runs[i].seconds + 6);
	}
}

// A hundred years of charges in large steps leave the time on the grid.
static void limit_bytes_century_exact(void **state)
{
	static const uint64_t rates[] = {3, 999999937, 125000000};

	for (uint32_t i = 0; i < RTE_DIM(rates); i++) {
		struct wr_limit_rule r = {.bytes_per_s = rates[i], .bytes_burst = 1500};
		struct wr_limit l = {0};
		uint64_t total = 0, seconds = 3153600000ULL, ideal;

		for (uint32_t k = 0; k < 1000; k++) {
			// Odd pieces that add up to `seconds` worth of the rate.
			uint64_t n = k < 999 ? rates[i] * (seconds / 1000) + (k * 37) % 11
			                     : rates[i] * seconds - total;

			wr_limit_bytes(&l, &r, n, 0);
			total += n;
		}
		ideal = seconds * 1000000000ULL;
		assert_in_range(l.bytes_at, ideal, ideal + 2);
	}
}

static void limit_rate_back_restores(void **state)
{
	static const uint64_t rates[] = {1, 3, 7, 1000000};

	for (uint32_t i = 0; i < RTE_DIM(rates); i++) {
		struct wr_limit_rule r = {.rate_per_s = rates[i], .rate_burst = 3};
		struct wr_limit l = {0};
		uint64_t at;

		for (uint32_t k = 0; k < 2; k++)
			assert_int_equal(wr_limit_rate(&l, &r, 12345678), 0);
		at = l.rate_at;
		for (uint32_t k = 0; k < 1000; k++) {
			assert_int_equal(wr_limit_rate(&l, &r, 12345678), 0);
			assert_true(wr_limit_rate(&l, &r, 12345678) != 0);
			wr_limit_rate_back(&l, &r);
		}
		assert_in_range(l.rate_at + 2, at, at + 4);
	}
	// Never charged: nothing to give.
	struct wr_limit_rule r = {.rate_per_s = 5, .rate_burst = 1};
	struct wr_limit l = {0};

	wr_limit_rate_back(&l, &r);
	assert_int_equal(l.rate_at, 0);
}

// Those that may wait get times one behind the other, up to `most`; beyond it nothing is charged.
static void limit_within_queues_up(void **state)
{
	struct wr_limit_rule r = {.rate_per_s = 100, .rate_burst = 2};
	struct wr_limit l = {0};
	uint64_t at;

	assert_int_equal(wr_limit_rate_within(&l, &r, 35000, 1000), 0);
	assert_int_equal(wr_limit_rate_within(&l, &r, 35000, 1000), 0);
	for (uint32_t k = 1; k <= 3; k++)
		assert_int_equal(wr_limit_rate_within(&l, &r, 35000, 1000), k * 10000);
	at = l.rate_at;
	assert_true(wr_limit_rate_within(&l, &r, 35000, 1000) == WR_US_NEVER);
	assert_int_equal(l.rate_at, at);
	assert_int_equal(wr_limit_rate(&l, &r, 1000), 40000);
	assert_int_equal(wr_limit_rate_within(&l, &r, 35000, 6000), 35000);
	assert_true(wr_limit_rate_within(&l, &r, WR_US_NEVER, 6000) == 45000);
}

static void limit_connections_counted(void **state)
{
	struct wr_limit_rule r = {.connections = 2}, none = {0};
	struct wr_limit l = {0};

	assert_true(wr_limit_rule_any(&r));
	assert_true(wr_limit_enter(&l, &r));
	assert_true(wr_limit_enter(&l, &r));
	assert_false(wr_limit_enter(&l, &r));
	assert_int_equal(l.connections, 2);
	wr_limit_leave(&l);
	assert_true(wr_limit_enter(&l, &r));
	// A limit that went away, and came back lower than what is there.
	assert_true(wr_limit_enter(&l, &none));
	assert_false(wr_limit_enter(&l, &r));
	for (uint32_t i = 0; i < 5; i++)
		wr_limit_leave(&l);
	assert_int_equal(l.connections, 0);
}

static void limit_bytes_overdrawn_by_one_read(void **state)
{
	struct wr_limit_rule r = {.bytes_per_s = 1000, .bytes_burst = 3000};
	struct wr_limit l = {0};

	assert_int_equal(wr_limit_bytes(&l, &r, 2999, 50), 0);
	assert_int_equal(wr_limit_bytes_wait(&l, &r, 50), 0);
	// 1499 bytes above: 1 s for each thousand, and the first microsecond with credit.
	assert_int_equal(wr_limit_bytes(&l, &r, 1500, 50), 1499001);
	assert_int_equal(wr_limit_bytes_wait(&l, &r, 50), 1499001);
	assert_int_equal(wr_limit_bytes(&l, &r, 0, 50), 1499001);
	assert_int_equal(wr_limit_bytes_wait(&l, &r, 1499050), 1);
	assert_int_equal(wr_limit_bytes_wait(&l, &r, 1499051), 0);
	// Credit does not pile up beyond the burst.
	assert_int_equal(wr_limit_bytes(&l, &r, 2999, 1000 * T_S), 0);
	assert_int_equal(wr_limit_bytes(&l, &r, 1, 1000 * T_S), 1);
}

// A pump that obeys the waits moves what the rate says, at rates above one byte a nanosecond too.
static void limit_bytes_long_run(void **state)
{
	static const uint64_t rates[] = {1000, 1234567, 125000000, 1250000000, 12500000000};

	for (uint32_t i = 0; i < RTE_DIM(rates); i++) {
		struct wr_limit_rule r = {.bytes_per_s = rates[i], .bytes_burst = 65536};
		wr_us_t now = 999, end = now + 1460ULL * 100000 * T_S / rates[i];
		uint64_t moved = 0, due = (end - now) * rates[i] / T_S;
		struct wr_limit l = {0};

		while (now <= end) {
			moved += 1460;
			now += wr_limit_bytes(&l, &r, 1460, now);
		}
		// A nanosecond of 12.5 bytes is charged too much a read, at most.
		assert_in_range(moved, due - due / 100, due + 65536 + 2 * 1460);
		if (rates[i] <= 1000000000)
			assert_true(moved >= due + 65536 - 1460);
	}
}

// Clocks and limits at the ends of their types: no wrap, so never a free ride or an endless one.
static void limit_extremes_do_not_wrap(void **state)
{
	static const wr_us_t nows[] = {0, WR_US_NEVER / 1000 - 1, WR_US_NEVER / 1000,
		WR_US_NEVER / 1000 + 1, WR_US_NEVER - 1, WR_US_NEVER};
	struct wr_limit_rule slow = {1, 2, 0, 1, 1500};
	struct wr_limit_rule vast = {UINT64_MAX, UINT64_MAX, UINT32_MAX, UINT64_MAX, UINT64_MAX};
	struct wr_limit_rule odd = {1, UINT64_MAX, 1, 1, UINT64_MAX};

	for (uint32_t i = 0; i < RTE_DIM(nows); i++) {
		struct wr_limit l = {0}, m = {0};
		uint64_t before = 0;

		assert_int_equal(wr_limit_rate(&l, &slow, nows[i]), 0);
		assert_int_equal(wr_limit_rate(&l, &slow, nows[i]), 0);
		assert_in_range(wr_limit_rate(&l, &slow, nows[i]), 1, T_S);
		assert_true(wr_limit_bytes(&l, &slow, UINT64_MAX, nows[i]) > T_S);
		for (uint32_t k = 0; k < 4; k++) {
			wr_limit_bytes(&l, &slow, UINT64_MAX / 2, nows[i]);
			assert_true(l.bytes_at >= before && l.bytes_at <= LIMIT_AT_MAX);
			before = l.bytes_at;
		}
		l = (struct wr_limit){0};
		for (uint32_t k = 0; k < 100; k++) {
			assert_int_equal(wr_limit_rate(&l, &vast, nows[i]), 0);
			assert_int_equal(wr_limit_bytes(&l, &vast, 1 << 20, nows[i]), 0);
			assert_int_equal(wr_limit_rate(&m, &odd, nows[i]), 0);
			assert_int_equal(wr_limit_bytes(&m, &odd, 1 << 20, nows[i]), 0);
		}
	}
}

// An operator lowers and raises the rate while it is used: times carry over.
static void limit_rate_changed(void **state)
{
	struct wr_limit_rule fast = {.rate_per_s = 1000, .rate_burst = 100};
	struct wr_limit_rule slow = {.rate_per_s = 1, .rate_burst = 1};
	struct wr_limit l = {0};

	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(wr_limit_rate(&l, &fast, 10), 0);
	assert_int_equal(wr_limit_rate(&l, &slow, 10), 100000);
	assert_int_equal(wr_limit_rate(&l, &slow, 100010), 0);
	assert_int_equal(wr_limit_rate(&l, &fast, 100010), 901000);
}

struct racer {
	struct wr_limit *l;
	const struct wr_limit_rule *r;
	uint32_t *inside;
	uint64_t passed;
	uint32_t seed;
	bool above;
};

static void *race(void *arg)
{
	struct racer *me = arg;

	for (uint32_t i = 0; i < 30000; i++) {
		// Virtual time, the same few instants for all.
		me->passed += wr_limit_rate(me->l, me->r, i / 300) == 0;
		wr_limit_bytes(me->l, me->r, 3, 0);
		if (!wr_limit_enter(me->l, me->r))
			continue;
		if (__atomic_add_fetch(me->inside, 1, __ATOMIC_SEQ_CST) > me->r->connections)
			me->above = true;
		__atomic_sub_fetch(me->inside, 1, __ATOMIC_SEQ_CST);
		wr_limit_leave(me->l);
	}
	return NULL;
}

// Exact across threads: what passes is what one thread would have got.
static void limit_threads_exact(void **state)
{
	struct wr_limit_rule r = {
		.rate_per_s = 300, .rate_burst = 5000, .connections = 2, .bytes_per_s = 9};
	struct wr_limit l = {0};
	struct racer racers[4];
	uint32_t inside = 0;
	uint64_t passed = 0;

	for (uint32_t i = 0; i < 4; i++)
		racers[i] = (struct racer){&l, &r, &inside};
	t_threads(4, race, racers, sizeof(racers[0]));
	for (uint32_t i = 0; i < 4; i++) {
		passed += racers[i].passed;
		assert_false(racers[i].above);
	}
	assert_int_equal(passed, 5000);
	assert_int_equal(l.connections, 0);
	assert_int_equal(l.bytes_at, 4ULL * 30000 * 3 * 1000000000 / 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_rate_none_says_yes),
		cmocka_unit_test(limit_rate_burst_then_wait),
		cmocka_unit_test(limit_rate_burst_random),
		cmocka_unit_test(limit_rate_burst_zero_is_one),
		cmocka_unit_test(limit_rate_idle_keeps_spacing),
		cmocka_unit_test(limit_rate_long_run_exact),
		cmocka_unit_test(limit_bytes_century_exact),
		cmocka_unit_test(limit_rate_back_restores),
		cmocka_unit_test(limit_within_queues_up),
		cmocka_unit_test(limit_connections_counted),
		cmocka_unit_test(limit_bytes_overdrawn_by_one_read),
		cmocka_unit_test(limit_bytes_long_run),
		cmocka_unit_test(limit_extremes_do_not_wrap),
		cmocka_unit_test(limit_rate_changed),
		cmocka_unit_test(limit_threads_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

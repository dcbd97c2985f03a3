/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "pace.h"

#define SECOND 1000000000ULL

// Packets that fall due until `ns`, of this size.
static uint64_t run(struct pace *p, uint64_t ns, uint32_t bytes)
{
	uint64_t n = 0;

	while (pace_due(p, ns)) {
		pace_step(p, bytes);
		n++;
	}
	return n;
}

static void pace_packets_exact(void **state)
{
	static const uint64_t rates[] = {1, 3, 7, 999, 123457, 1488095, 3000000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct pace p;

		pace_start(&p, rates[i], false, 500);
		assert_int_equal(run(&p, 500, 60), 1); // the first at once
		assert_int_equal(run(&p, 500 + SECOND - 1, 60), rates[i] - 1);
		assert_int_equal(p.next_ns, 500 + SECOND); // no drift
		assert_int_equal(p.carry, 0);
	}
}

static void pace_packets_above_one_a_ns(void **state)
{
	struct pace p;

	pace_start(&p, 3 * SECOND, false, 0);
	assert_int_equal(run(&p, 999, 60), 3000);
}

// 10 Gbit/s of 64-byte frames are 14,880,952.38 a second, 1 Gbit/s of 1518-byte ones 81,274.38.
static void pace_bits_line_rate(void **state)
{
	struct pace p;

	pace_start(&p, 10 * SECOND, true, 0);
	assert_int_equal(run(&p, SECOND / 10 - 1, 60), 1488096);
	pace_start(&p, SECOND, true, 0);
	assert_int_equal(run(&p, SECOND - 1, 1514), 81275);
	pace_start(&p, SECOND, true, 0);
	assert_int_equal(run(&p, SECOND - 1, 42), 1488096); // padded on the wire
}

static void pace_bits_mixed_sizes(void **state)
{
	struct pace p;
	uint64_t bits = 0;

	pace_start(&p, 123456789, true, 0);
	for (uint32_t i = 0; i < 5000; i++) {
		uint32_t bytes = 60 + i * 37 % 1455;

		assert_int_equal(p.next_ns, bits * SECOND / 123456789);
		pace_step(&p, bytes);
		bits += (bytes + 24) * 8;
	}
}

static void pace_late_says_how_far(void **state)
{
	static const uint64_t rates[] = {3, 1000, 1488095};

	for (int i = 0; i < 3 * 4; i++) {
		struct pace p;
		uint64_t now, behind;

		pace_start(&p, rates[i / 4], i & 1, 0);
		for (int k = 0; k < 7; k++) // to some carry
			pace_step(&p, 60);
		now = p.next_ns + (i & 2 ? 0 : (SECOND * 5) / 3);
		assert_int_equal(pace_backlog(&p, p.next_ns - 1), 0);
		behind = pace_backlog(&p, now);
		assert_true(behind > 0);
		assert_int_equal(run(&p, now, 60), behind);
		assert_int_equal(pace_backlog(&p, now), 0);
	}
}

// Before the first frame: as if of the least size.
static void pace_late_at_start(void **state)
{
	struct pace p;

	pace_start(&p, 84 * 8 * 1000, true, 0);
	assert_int_equal(pace_backlog(&p, 10000000), 11);
	pace_start(&p, 1000, false, 0);
	assert_int_equal(pace_backlog(&p, 10000000), 11);
}

static void pace_no_rate_always_due(void **state)
{
	struct pace p;

	pace_start(&p, 0, true, 77);
	for (int i = 0; i < 100; i++) {
		assert_true(pace_due(&p, 77));
		pace_step(&p, 60);
	}
	assert_int_equal(pace_backlog(&p, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pace_packets_exact),
		cmocka_unit_test(pace_packets_above_one_a_ns),
		cmocka_unit_test(pace_bits_line_rate),
		cmocka_unit_test(pace_bits_mixed_sizes),
		cmocka_unit_test(pace_late_says_how_far),
		cmocka_unit_test(pace_late_at_start),
		cmocka_unit_test(pace_no_rate_always_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

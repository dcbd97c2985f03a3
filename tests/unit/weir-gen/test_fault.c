/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "fault.h"

#define S WR_US_PER_S

static struct wr_tuple tuple(uint32_t i, bool v6)
{
	struct wr_tuple t = {.lport = 80, .rport = (uint16_t)(1024 + i)};

	assert_int_equal(wr_addr_parse(v6 ? "2001:db8::1" : "198.18.0.1", &t.local), 0);
	assert_int_equal(wr_addr_parse(v6 ? "2001:db8::2" : "198.18.0.2", &t.remote), 0);
	return t;
}

static struct fault_plan plan(const struct gen_fault *f, uint32_t n)
{
	struct fault_plan p;

	assert_int_equal(fault_init(&p, f, n, 5, NULL), 0);
	return p;
}

static void fault_plan_empty(void **state)
{
	struct fault_plan p = plan(NULL, 0);
	struct wr_tuple t = tuple(0, false);
	wr_us_t delay = 0;

	fault_start(&p, 7);
	assert_false(fault_strikes(&p, GEN_FAULT_RESET, &t, 100 * S, NULL));
	assert_int_equal(fault_admit(&p, &t, &delay, 100 * S), EP_ADMIT);
	assert_int_equal(p.struck, 0);
}

static void fault_schedule_begins_and_ends(void **state)
{
	struct gen_fault f = {
		.kind = GEN_FAULT_STALL, .at_us = 2 * S, .for_us = 3 * S, .permille = 1000};
	struct fault_plan p = plan(&f, 1);
	struct wr_tuple t = tuple(0, true);
	wr_us_t until = 0;

	assert_false(fault_strikes(&p, GEN_FAULT_STALL, &t, 3 * S, NULL)); // not started
	fault_start(&p, 10 * S);
	assert_false(fault_strikes(&p, GEN_FAULT_STALL, &t, 12 * S - 1, NULL));
	assert_true(fault_strikes(&p, GEN_FAULT_STALL, &t, 12 * S, &until));
	assert_true(until == 15 * S);
	assert_false(fault_strikes(&p, GEN_FAULT_RESET, &t, 13 * S, NULL));
	assert_true(fault_strikes(&p, GEN_FAULT_STALL, &t, 15 * S - 1, NULL));
	assert_false(fault_strikes(&p, GEN_FAULT_STALL, &t, 15 * S, NULL));
	assert_true(p.change_us == WR_US_NEVER);
}

static void fault_schedule_without_end(void **state)
{
	struct gen_fault f = {.kind = GEN_FAULT_GARBAGE, .permille = 1000};
	struct fault_plan p = plan(&f, 1);
	struct wr_tuple t = tuple(0, false);
	wr_us_t until = 0;

	fault_start(&p, S);
	assert_true(fault_strikes(&p, GEN_FAULT_GARBAGE, &t, 1000 * S, &until));
	assert_true(until == WR_US_NEVER);
}

static void fault_flap_takes_turns(void **state)
{
	struct gen_fault f = {.kind = GEN_FAULT_FLAP,
		.at_us = S,
		.for_us = 4 * S + S / 2,
		.delay_us = S,
		.permille = 1000};
	const enum ep_admit want[] = {EP_ADMIT, EP_ADMIT_RESET, EP_ADMIT, EP_ADMIT_RESET, EP_ADMIT,
		EP_ADMIT_RESET, EP_ADMIT, EP_ADMIT};
	struct fault_plan p = plan(&f, 1);
	struct wr_tuple t = tuple(0, false);
	wr_us_t delay = 0;

	fault_start(&p, 0);
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(fault_admit(&p, &t, &delay, i * S), want[i]);
		assert_int_equal(fault_admit(&p, &t, &delay, i * S + S / 4), want[i]);
	}
	// Cut short by its end, in the middle of a turn.
	assert_int_equal(fault_admit(&p, &t, &delay, 5 * S + S / 2), EP_ADMIT);
}

static void fault_share_strikes_same_connections(void **state)
{
	struct gen_fault f = {.kind = GEN_FAULT_RESET, .permille = 250};
	struct fault_plan p = plan(&f, 1);
	uint32_t struck = 0;

	fault_start(&p, 0);
	for (uint32_t i = 0; i < 4000; i++) {
		struct wr_tuple t = tuple(i, i % 2);
		bool first = fault_strikes(&p, GEN_FAULT_RESET, &t, S, NULL);

		assert_int_equal(fault_strikes(&p, GEN_FAULT_RESET, &t, 9 * S, NULL), first);
		struck += first;
	}
	assert_in_range(struck, 850, 1150); // 1000, 5 standard deviations of 27
}

static void fault_shares_of_two_are_independent(void **state)
{
	struct gen_fault f[] = {{.kind = GEN_FAULT_RESET, .permille = 500},
		{.kind = GEN_FAULT_STALL, .permille = 500}};
	struct fault_plan p = plan(f, 2);
	uint32_t both = 0;

	fault_start(&p, 0);
	for (uint32_t i = 0; i < 4000; i++) {
		struct wr_tuple t = tuple(i, false);

		both += fault_strikes(&p, GEN_FAULT_RESET, &t, 0, NULL) &&
		        fault_strikes(&p, GEN_FAULT_STALL, &t, 0, NULL);
	}
	assert_in_range(both, 860, 1140);
}

static void fault_share_of_none(void **state)
{
	struct gen_fault f = {.kind = GEN_FAULT_REFUSE, .permille = 0};
	struct fault_plan p = plan(&f, 1);
	wr_us_t delay = 0;

	fault_start(&p, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct wr_tuple t = tuple(i, false);

		assert_int_equal(fault_admit(&p, &t, &delay, S), EP_ADMIT);
	}
}

static void fault_admit_kinds(void **state)
{
	struct gen_fault f[] = {
		{.kind = GEN_FAULT_SLOW_ACCEPT, .for_us = S, .delay_us = 70, .permille = 1000},
		{.kind = GEN_FAULT_REFUSE, .at_us = S, .for_us = S, .permille = 1000},
		{.kind = GEN_FAULT_BLACKHOLE, .at_us = 2 * S, .for_us = S, .permille = 1000},
		{.kind = GEN_FAULT_STALL, .at_us = 3 * S, .permille = 1000}, // not of the SYN
	};
	struct fault_plan p = plan(f, 4);
	struct wr_tuple t = tuple(0, false);
	wr_us_t delay = 0;

	fault_start(&p, 0);
	assert_int_equal(fault_admit(&p, &t, &delay, 0), EP_ADMIT);
	assert_int_equal(delay, 70);
	delay = 0;
	assert_int_equal(fault_admit(&p, &t, &delay, S), EP_ADMIT_RESET);
	assert_int_equal(fault_admit(&p, &t, &delay, 2 * S), EP_ADMIT_DROP);
	assert_int_equal(fault_admit(&p, &t, &delay, 3 * S), EP_ADMIT);
	assert_int_equal(delay, 0);
}

// Without a place for the delay it is no SYN: only a black hole matters to it.
static void fault_admit_of_open_connection(void **state)
{
	struct gen_fault f[] = {{.kind = GEN_FAULT_REFUSE, .for_us = S, .permille = 1000},
		{.kind = GEN_FAULT_BLACKHOLE, .at_us = S, .permille = 1000}};
	struct fault_plan p = plan(f, 2);
	struct wr_tuple t = tuple(0, false);

	fault_start(&p, 0);
	assert_int_equal(fault_admit(&p, &t, NULL, 0), EP_ADMIT);
	assert_int_equal(p.struck, 0);
	assert_int_equal(fault_admit(&p, &t, NULL, S), EP_ADMIT_DROP);
	assert_int_equal(p.struck, 1);
}

static void fault_admit_counts_connections(void **state)
{
	struct gen_fault f = {.kind = GEN_FAULT_REFUSE, .permille = 1000};
	struct fault_plan p = plan(&f, 1);
	wr_us_t delay = 0;

	fault_start(&p, 0);
	for (uint32_t i = 0; i < 50; i++) {
		struct wr_tuple t = tuple(i, false);

		fault_admit(&p, &t, &delay, i);
		fault_admit(&p, &t, &delay, i); // the SYN again
	}
	assert_int_equal(p.struck, 50);
}

static void fault_init_refuses_nonsense(void **state)
{
	struct gen_fault f = {.kind = GEN_FAULT_FLAP, .permille = 1000, .line = 12};
	struct fault_plan p;
	struct wr_err err = {0};

	assert_int_equal(fault_init(&p, &f, 1, 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "line 12"));
	f.kind = GEN_FAULT_SLOW_ACCEPT;
	assert_int_equal(fault_init(&p, &f, 1, 1, NULL), -EINVAL);
	f.delay_us = 1;
	assert_int_equal(fault_init(&p, &f, 1, 1, NULL), 0);
	f.permille = 1001;
	err.text[0] = '\0';
	assert_int_equal(fault_init(&p, &f, 1, 1, &err), -EINVAL);
	assert_non_null(strstr(err.text, "1001"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_plan_empty),
		cmocka_unit_test(fault_schedule_begins_and_ends),
		cmocka_unit_test(fault_schedule_without_end),
		cmocka_unit_test(fault_flap_takes_turns),
		cmocka_unit_test(fault_share_strikes_same_connections),
		cmocka_unit_test(fault_shares_of_two_are_independent),
		cmocka_unit_test(fault_share_of_none),
		cmocka_unit_test(fault_admit_kinds),
		cmocka_unit_test(fault_admit_of_open_connection),
		cmocka_unit_test(fault_admit_counts_connections),
		cmocka_unit_test(fault_init_refuses_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

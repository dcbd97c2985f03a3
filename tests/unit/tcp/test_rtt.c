/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "tcp_priv.h"

static struct wr_tcp_stack *stack(void)
{
	static struct wr_tcp_stack s;

	s.cfg.rto_initial_us = WR_US_PER_S;
	s.cfg.rto_min_us = 200000;
	s.cfg.rto_max_us = 60 * WR_US_PER_S;
	return &s;
}

static void rtt_first_sample_sets_both(void **state)
{
	struct wr_tcp_conn c = {0};

	wr_tcp_rtt_sample(stack(), &c, 100000);
	assert_int_equal(c.srtt_us, 100000);
	assert_int_equal(c.rttvar_us, 50000);
	assert_int_equal(c.rto_us, 300000); // RFC 6298 2.2
}

static void rtt_later_samples_are_smoothed(void **state)
{
	struct wr_tcp_conn c = {0};

	wr_tcp_rtt_sample(stack(), &c, 80000);
	wr_tcp_rtt_sample(stack(), &c, 160000);
	assert_int_equal(c.srtt_us, 90000);
	assert_int_equal(c.rttvar_us, 50000);
	assert_int_equal(c.rto_us, 290000);
}

// case 41
static void rtt_of_a_microsecond_stays_usable(void **state)
{
	struct wr_tcp_conn c = {0};

	for (int i = 0; i < 100; i++)
		wr_tcp_rtt_sample(stack(), &c, i & 1);
	assert_true(c.srtt_us >= 1);
	assert_int_equal(c.rto_us, 200000);
}

static void rtt_rto_doubles_up_to_its_limit(void **state)
{
	struct wr_tcp_conn c = {0};

	wr_tcp_rto_set(stack(), &c);
	assert_int_equal(c.rto_us, WR_US_PER_S); // no sample yet
	wr_tcp_rto_back_off(stack(), &c);
	assert_int_equal(c.rto_us, 2 * WR_US_PER_S);
	for (int i = 0; i < 300; i++)
		wr_tcp_rto_back_off(stack(), &c);
	assert_int_equal(c.rto_us, 60 * WR_US_PER_S);
	assert_int_equal(c.backoff, UINT8_MAX);
	wr_tcp_rtt_sample(stack(), &c, 3600u * 1000000u);
	assert_int_equal(c.rto_us, 60 * WR_US_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rtt_first_sample_sets_both),
		cmocka_unit_test(rtt_later_samples_are_smoothed),
		cmocka_unit_test(rtt_of_a_microsecond_stays_usable),
		cmocka_unit_test(rtt_rto_doubles_up_to_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

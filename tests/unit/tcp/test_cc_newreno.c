/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "tcp_priv.h"

static struct wr_tcp_conn conn(uint16_t mss)
{
	struct wr_tcp_conn c = {.mss = mss, .cc = &wr_tcp_cc_newreno};

	c.cc->init(&c, false, 0);
	return c;
}

static void cc_newreno_initial_window(void **state)
{
	struct wr_tcp_conn c = conn(1460);

	assert_int_equal(c.cwnd, 14600); // RFC 6928
	assert_int_equal(conn(536).cwnd, 5360);
	assert_int_equal(conn(8960).cwnd, 17920);
	c.cc->init(&c, true, 0);
	assert_int_equal(c.cwnd, 1460); // after a lost SYN
}

static void cc_newreno_slow_start_doubles(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	for (int i = 0; i < 10; i++)
		c.cc->acked(&c, 1000, 0);
	assert_int_equal(c.cwnd, 20000);
	c.cc->acked(&c, 50000, 0); // a stretch ACK adds two segments at most
	assert_int_equal(c.cwnd, 22000);
}

static void cc_newreno_avoidance_adds_one_a_window(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	c.ssthresh = 5000;
	for (int i = 0; i < 10; i++)
		c.cc->acked(&c, 1000, 0);
	assert_int_equal(c.cwnd, 11000);
	for (int i = 0; i < 11; i++)
		c.cc->acked(&c, 1000, 0);
	assert_int_equal(c.cwnd, 12000);
}

static void cc_newreno_loss_halves_the_flight(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	assert_int_equal(c.cc->ssthresh(&c, 30000, 0), 15000);
	assert_int_equal(c.cc->ssthresh(&c, 1000, 0), 2000);
}

static void cc_newreno_restart_after_idle(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	c.cwnd = 100000;
	c.cc->restart(&c, 0);
	assert_int_equal(c.cwnd, 10000);
	c.cwnd = 3000;
	c.cc->restart(&c, 0);
	assert_int_equal(c.cwnd, 3000);
}

static void cc_newreno_window_is_bounded(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	c.cwnd = UINT32_MAX / 4;
	c.ssthresh = 2000;
	c.cc_priv.word[0] = UINT32_MAX;
	c.cc->acked(&c, 1000, 0);
	assert_true(c.cwnd <= UINT32_MAX / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cc_newreno_initial_window),
		cmocka_unit_test(cc_newreno_slow_start_doubles),
		cmocka_unit_test(cc_newreno_avoidance_adds_one_a_window),
		cmocka_unit_test(cc_newreno_loss_halves_the_flight),
		cmocka_unit_test(cc_newreno_restart_after_idle),
		cmocka_unit_test(cc_newreno_window_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

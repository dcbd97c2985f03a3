/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "tcp_priv.h"

static struct wr_tcp_conn conn(uint16_t mss)
{
	struct wr_tcp_conn c = {.mss = mss, .cc = WR_TCP_NEWRENO};

	wr_tcp_cc_newreno.init(&c, false, 0);
	return c;
}

static void cc_newreno_initial_window(void **state)
{
	struct wr_tcp_conn c = conn(1460);

	assert_int_equal(c.cwnd, 14600); // RFC 6928
	assert_int_equal(conn(536).cwnd, 5360);
	assert_int_equal(conn(8960).cwnd, 17920);
	wr_tcp_cc_newreno.init(&c, true, 0);
	assert_int_equal(c.cwnd, 1460); // after a lost SYN
}

static void cc_newreno_slow_start_doubles(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	for (int i = 0; i < 10; i++)
		wr_tcp_cc_newreno.acked(&c, 1000, 0, true, 0);
	assert_int_equal(c.cwnd, 20000);
	wr_tcp_cc_newreno.acked(&c, 50000, 0, true, 0); // a stretch ACK adds two segments at most
	assert_int_equal(c.cwnd, 22000);
}

static void cc_newreno_avoidance_adds_one_a_window(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	c.ssthresh = 5000;
	for (int i = 0; i < 10; i++)
		wr_tcp_cc_newreno.acked(&c, 1000, 0, true, 0);
	assert_int_equal(c.cwnd, 11000);
	for (int i = 0; i < 11; i++)
		wr_tcp_cc_newreno.acked(&c, 1000, 0, true, 0);
	assert_int_equal(c.cwnd, 12000);
}

static void cc_newreno_loss_halves_the_flight(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	assert_int_equal(wr_tcp_cc_newreno.ssthresh(&c, 30000, 0), 15000);
	assert_int_equal(wr_tcp_cc_newreno.ssthresh(&c, 1000, 0), 2000);
}

static void cc_newreno_restart_after_idle(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	c.cwnd = 100000;
	wr_tcp_cc_newreno.restart(&c, 0);
	assert_int_equal(c.cwnd, 10000);
	c.cwnd = 3000;
	wr_tcp_cc_newreno.restart(&c, 0);
	assert_int_equal(c.cwnd, 3000);
}

static void cc_newreno_window_is_bounded(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	c.cwnd = UINT32_MAX / 4;
	c.ssthresh = 2000;
	c.cc_priv.word[0] = UINT32_MAX;
	wr_tcp_cc_newreno.acked(&c, 1000, 0, true, 0);
	assert_true(c.cwnd <= UINT32_MAX / 4);
}

static void cc_newreno_acked_unlimited(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	wr_tcp_cc_newreno.acked(&c, 1000, 0, false, 0);
	assert_int_equal(c.cwnd, 10000);
	c.ssthresh = 5000;
	for (int i = 0; i < 30; i++)
		wr_tcp_cc_newreno.acked(&c, 1000, 0, false, 0);
	assert_int_equal(c.cwnd, 10000);
}

static void cc_newreno_undo_counts_anew(void **state)
{
	struct wr_tcp_conn c = conn(1000);

	c.ssthresh = 5000;
	wr_tcp_cc_newreno.acked(&c, 9000, 0, true, 0);
	wr_tcp_cc_newreno.undo(&c, 0);
	wr_tcp_cc_newreno.acked(&c, 9000, 0, true, 0);
	assert_int_equal(c.cwnd, 10000);
	wr_tcp_cc_newreno.acked(&c, 1000, 0, true, 0);
	assert_int_equal(c.cwnd, 11000);
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
		cmocka_unit_test(cc_newreno_acked_unlimited),
		cmocka_unit_test(cc_newreno_undo_counts_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

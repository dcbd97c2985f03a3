/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "worker_priv.h"

// The sums, from counts made by hand. That they close over real traffic is checked by every test of
// the triple.

static void ledger_names(void **state)
{
	assert_string_equal(wr_ledger_name(WR_LEDGER_FRAMES_IN), "frames_in");
	assert_string_equal(wr_ledger_name(WR_LEDGER_MBUFS), "mbufs");
	assert_string_equal(wr_ledger_name(WR_LEDGER_COUNT), "?");
	assert_string_equal(wr_ledger_unit(WR_LEDGER_PAYLOAD_OUT), "bytes");
	assert_string_equal(wr_ledger_unit(WR_LEDGER_FRAMES_OUT), "frames");
	assert_string_equal(wr_ledger_unit(WR_LEDGER_COUNT), "?");
}

static void ledger_empty_closes(void **state)
{
	static struct wr_stats_snapshot s;
	struct wr_ledger_row row[WR_LEDGER_COUNT];

	wr_ledger_compute(&s, row);
	for (int k = 0; k < WR_LEDGER_COUNT; k++)
		assert_int_equal(row[k].in | row[k].out | row[k].held | row[k].dropped |
					 (uint64_t)row[k].residual,
			0);
}

static void ledger_frames_in(void **state)
{
	static struct wr_stats_snapshot s;
	struct wr_ledger_row row[WR_LEDGER_COUNT];

	memset(&s, 0, sizeof(s));
	s.stats.ctr[WR_CTR_rx_frames] = 100;
	s.stats.ctr[WR_CTR_rx_handoff_in] = 20;
	s.stats.ctr[WR_CTR_rx_tcp] = 70;
	s.stats.ctr[WR_CTR_rx_l3] = 10;
	s.stats.ctr[WR_CTR_rx_exception] = 5;
	s.stats.ctr[WR_CTR_rx_handoff_out] = 15;
	s.stats.drop[WR_DROP_not_for_us] = 12;
	s.stats.drop[WR_DROP_tcp_checksum] = 8;
	s.stats.drop[WR_DROP_tcp_old] = 1000; // inside TCP: not a frame's end
	wr_ledger_compute(&s, row);
	assert_int_equal(row[WR_LEDGER_FRAMES_IN].in, 120);
	assert_int_equal(row[WR_LEDGER_FRAMES_IN].out, 100);
	assert_int_equal(row[WR_LEDGER_FRAMES_IN].dropped, 20);
	assert_int_equal(row[WR_LEDGER_FRAMES_IN].residual, 0);
	s.stats.ctr[WR_CTR_rx_tcp]++; // one too many out
	wr_ledger_compute(&s, row);
	assert_int_equal(row[WR_LEDGER_FRAMES_IN].residual, -1);
}

static void ledger_payload(void **state)
{
	static struct wr_stats_snapshot s;
	struct wr_ledger_row row[WR_LEDGER_COUNT];

	memset(&s, 0, sizeof(s));
	s.stats.ctr[WR_CTR_pay_rx_bytes] = 1000;
	s.stats.ctr[WR_CTR_pay_read_bytes] = 600;
	s.gauges.pay_recv_held_bytes = 150;
	s.stats.drop_bytes[WR_DROP_pay_aborted_rx] = 200;
	s.stats.drop_bytes[WR_DROP_pay_ooo_evicted] = 50;
	s.stats.drop_bytes[WR_DROP_pay_duplicate] = 12345; // was never taken
	s.stats.ctr[WR_CTR_pay_written_bytes] = 600;
	s.stats.ctr[WR_CTR_pay_tx_bytes] = 400;
	s.gauges.pay_send_held_bytes = 100;
	s.stats.drop_bytes[WR_DROP_pay_aborted_tx] = 90;
	wr_ledger_compute(&s, row);
	assert_int_equal(row[WR_LEDGER_PAYLOAD_IN].residual, 0);
	assert_int_equal(row[WR_LEDGER_PAYLOAD_IN].dropped, 250);
	assert_int_equal(row[WR_LEDGER_PAYLOAD_OUT].held, 100);
	assert_int_equal(row[WR_LEDGER_PAYLOAD_OUT].residual, 10); // ten bytes nobody knows of
}

static void ledger_frames_out(void **state)
{
	static struct wr_stats_snapshot s;
	struct wr_ledger_row row[WR_LEDGER_COUNT];

	memset(&s, 0, sizeof(s));
	s.stats.ctr[WR_CTR_tx_made] = 50;
	s.stats.ctr[WR_CTR_tx_handoff_in] = 10;
	s.stats.ctr[WR_CTR_tx_frames] = 30;
	s.stats.ctr[WR_CTR_tx_handoff_out] = 9;
	s.gauges.tx_backlog = 7;
	s.gauges.l3_queued = 4;
	s.stats.drop[WR_DROP_no_route] = 6;
	s.stats.drop[WR_DROP_neigh_unreachable] = 4;
	wr_ledger_compute(&s, row);
	assert_int_equal(row[WR_LEDGER_FRAMES_OUT].in, 60);
	assert_int_equal(row[WR_LEDGER_FRAMES_OUT].out, 39);
	assert_int_equal(row[WR_LEDGER_FRAMES_OUT].held, 11);
	assert_int_equal(row[WR_LEDGER_FRAMES_OUT].dropped, 10);
	assert_int_equal(row[WR_LEDGER_FRAMES_OUT].residual, 0);
}

// Every reason for which a frame can end outside TCP is in exactly one of the two frame ledgers.
static void ledger_knows_every_reason(void **state)
{
	static struct wr_stats_snapshot s;
	struct wr_ledger_row row[WR_LEDGER_COUNT];

	for (int d = WR_DROP_short_frame; d < WR_DROP_tcp_no_conn; d++) {
		memset(&s, 0, sizeof(s));
		s.stats.drop[d] = 1;
		wr_ledger_compute(&s, row);
		if (row[WR_LEDGER_FRAMES_IN].dropped + row[WR_LEDGER_FRAMES_OUT].dropped != 1)
			fail_msg("%s is in no frame ledger, or in both",
				wr_drop_name((enum wr_drop)d));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ledger_names),
		cmocka_unit_test(ledger_empty_closes),
		cmocka_unit_test(ledger_frames_in),
		cmocka_unit_test(ledger_payload),
		cmocka_unit_test(ledger_frames_out),
		cmocka_unit_test(ledger_knows_every_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

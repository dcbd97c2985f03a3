/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ep_raw.h"

static void opened(struct raw *w, uint32_t to_send)
{
	w->app->to_send = to_send;
	raw_send(w, WR_TCP_SYN, 0, 0, 0);
	raw_output(w);
	w->irs = w->seen[0].seq;
	raw_send(w, WR_TCP_ACK, 0, 0, 0);
	raw_output(w);
}

// RFC 5681 3.2, going back to the first that is missing.
static void ack_three_duplicates(void **state)
{
	struct raw w;

	raw_start(&w, false, false);
	opened(&w, 1400 * 10);
	raw_send(&w, WR_TCP_ACK, 0, 1400, 0);
	for (uint32_t i = 0; i < 2; i++)
		raw_send(&w, WR_TCP_ACK, 0, 1400, 0);
	assert_int_equal(raw_output(&w), 0);
	raw_send(&w, WR_TCP_ACK, 0, 1400, 0);
	assert_int_equal(raw_output(&w), 4); // half of the nine in flight
	assert_int_equal(w.seen[0].seq, w.irs + 1 + 1400);
	assert_int_equal(ep_counters(w.s)->retransmitted, 4);
	assert_int_equal(ep_counters(w.s)->syns, 0);
	for (uint32_t i = 0; i < 6; i++) // of what was sent twice
		raw_send(&w, WR_TCP_ACK, 0, 1400, 0);
	assert_int_equal(raw_output(&w), 0);
	raw_send(&w, WR_TCP_ACK, 0, 1400 * 9, 0); // the peer had kept the others
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].seq, w.irs + 1 + 1400 * 9);
	raw_send(&w, WR_TCP_ACK, 0, 1400 * 10, 0);
	assert_true(w.app->acked);
	assert_int_equal(ep_counters(w.s)->bytes_out, 14000);
	raw_stop(&w);
}

// Data, changed windows and nothing in flight make no duplicates (RFC 5681 2).
static void ack_not_duplicates(void **state)
{
	struct raw w;

	raw_start(&w, false, false);
	opened(&w, 1400 * 5);
	for (uint32_t i = 0; i < 6; i++)
		raw_send(&w, WR_TCP_ACK, i, 0, 1);
	for (uint32_t i = 0; i < 6; i++) {
		w.window -= 10;
		raw_send(&w, WR_TCP_ACK, 6, 0, 0);
	}
	raw_output(&w);
	assert_int_equal(ep_counters(w.s)->retransmitted, 0);
	raw_send(&w, WR_TCP_ACK, 6, 7000, 0);
	for (uint32_t i = 0; i < 6; i++)
		raw_send(&w, WR_TCP_ACK, 6, 7000, 0);
	assert_int_equal(raw_output(&w), 0);
	raw_stop(&w);
}

// A window that an older segment carries is not taken (RFC 9293 3.10.7.4).
static void ack_window_updates(void **state)
{
	struct raw w;

	raw_start(&w, false, false);
	w.window = 0;
	opened(&w, 1000);
	assert_int_equal(ep_counters(w.s)->segments_out, 1);
	w.window = 500;
	raw_send(&w, WR_TCP_ACK, 0, 0, 10);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].payload_len, 500);
	w.window = 60000;
	raw_send(&w, WR_TCP_ACK, -5u, 0, 7); // begins before the last one
	assert_int_equal(ep_unsent(raw_conn(&w)), 1000);
	raw_output(&w);
	raw_send(&w, WR_TCP_ACK, 10, 500, 0);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].payload_len, 500);
	raw_send(&w, WR_TCP_ACK, 10, 800, 0);
	assert_int_equal(ep_unsent(raw_conn(&w)), 200);
	assert_false(w.app->acked);
	raw_send(&w, WR_TCP_ACK, 10, 1000, 0);
	assert_true(w.app->acked);
	raw_stop(&w);
}

// The states of closing, by hand (RFC 9293 3.6).
static void ack_closing_states(void **state)
{
	for (uint32_t i = 0; i < 3; i++) {
		struct raw w;

		raw_start(&w, i & 1, false);
		w.app->fin_when_done = true;
		opened(&w, 10);
		assert_int_equal(w.seen[0].flags, WR_TCP_ACK | WR_TCP_PSH | WR_TCP_FIN);
		if (i == 0) { // FINs cross: CLOSING
			raw_send(&w, WR_TCP_ACK | WR_TCP_FIN, 0, 0, 0);
			assert_true(w.app->eof);
			assert_false(w.app->over);
			raw_send(&w, WR_TCP_ACK, 1, 11, 0);
		} else if (i == 1) { // one after the other: FIN-WAIT-2
			raw_send(&w, WR_TCP_ACK, 0, 11, 0);
			raw_send(&w, WR_TCP_ACK, 0, 11, 20);
			assert_int_equal(w.app->got, 20);
			assert_false(w.app->over);
			raw_send(&w, WR_TCP_ACK | WR_TCP_FIN, 20, 11, 0);
		} else { // at once
			raw_send(&w, WR_TCP_ACK | WR_TCP_FIN, 0, 11, 0);
		}
		assert_int_equal(w.app->end, EP_END_CLOSED);
		assert_int_equal(ep_open(w.s), 1); // until the last ACK is out
		assert_int_equal(raw_output(&w), 1);
		assert_int_equal(ep_open(w.s), 0);
		raw_stop(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ack_three_duplicates),
		cmocka_unit_test(ack_not_duplicates),
		cmocka_unit_test(ack_window_updates),
		cmocka_unit_test(ack_closing_states),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

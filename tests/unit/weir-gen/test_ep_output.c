/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ep_raw.h"

// What is sent, how much at once, and what happens without room or buffers.

static void opened(struct raw *w, uint32_t to_send)
{
	w->app->to_send = to_send;
	raw_send(w, WR_TCP_SYN, 0, 0, 0);
	raw_output(w);
	w->irs = w->seen[0].seq;
	raw_send(w, WR_TCP_ACK, 0, 0, 0);
}

// SYN-ACKs carry what was offered and nothing else.
static void output_syn_options(void **state)
{
	struct raw w;

	for (uint32_t i = 0; i < 8; i++) {
		struct rig_seg g;

		raw_start(&w, i & 1, i & 2);
		g = (struct rig_seg){.t = w.t, .seq = 5, .flags = WR_TCP_SYN, .window = 1000};
		g.opts = WR_TCPOPT_MSS | WR_TCPOPT_TS | WR_TCPOPT_SACKOK |
		         (i & 4 ? WR_TCPOPT_WSCALE : 0);
		g.mss = 9000;
		g.wscale = 2;
		g.ts_val = 55;
		rig_inject(w.r, 1, &g);
		assert_int_equal(raw_output(&w), 1);
		assert_int_equal(w.seen[0].opts, WR_TCPOPT_MSS | (i & 2 ? WR_TCPOPT_TS : 0) |
							 (i & 4 ? WR_TCPOPT_WSCALE : 0));
		assert_int_equal(w.seen[0].mss, i & 1 ? 1440 : 1460);
		assert_int_equal(w.seen[0].window, 65535);
		if (i & 4)
			assert_int_equal(w.seen[0].wscale, 3); // 256 KiB
		if (i & 2)
			assert_int_equal(w.seen[0].ts_ecr, 55);
		raw_stop(&w);
	}
}

// The first flight: 10 segments, the last PSH only at the end of what was given; then FIN with it.
static void output_first_window(void **state)
{
	struct raw w;

	raw_start(&w, false, true);
	opened(&w, 100000);
	assert_int_equal(raw_output(&w), 10);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(w.seen[i].flags, WR_TCP_ACK);
		assert_int_equal(w.seen[i].payload_len, 1388); // 1,400 less timestamps
		assert_int_equal(w.seen[i].seq, w.irs + 1 + i * 1388);
	}
	raw_send(&w, WR_TCP_ACK, 0, 2776, 0); // slow start
	assert_int_equal(raw_output(&w), 4);
	raw_stop(&w);
	raw_start(&w, true, false);
	w.app->fin_when_done = true;
	opened(&w, 1500);
	assert_int_equal(raw_output(&w), 2);
	assert_int_equal(w.seen[0].flags, WR_TCP_ACK);
	assert_int_equal(w.seen[1].flags, WR_TCP_ACK | WR_TCP_PSH | WR_TCP_FIN);
	assert_int_equal(w.seen[1].payload_len, 100);
	raw_stop(&w);
}

// Never beyond the peer's window, FIN included.
static void output_window_honoured(void **state)
{
	struct raw w;

	raw_start(&w, false, false);
	w.window = 2800;
	w.app->fin_when_done = true;
	opened(&w, 2800);
	assert_int_equal(raw_output(&w), 2);
	assert_int_equal(w.seen[1].flags, WR_TCP_ACK | WR_TCP_PSH);
	raw_send(&w, WR_TCP_ACK, 0, 2800, 0);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].flags, WR_TCP_ACK | WR_TCP_FIN);
	raw_send(&w, WR_TCP_ACK, 0, 2801, 0);
	raw_send(&w, WR_TCP_ACK | WR_TCP_FIN, 0, 2801, 0);
	assert_int_equal(w.app->end, EP_END_CLOSED);
	raw_stop(&w);
}

// RFC 9293 3.8.6.2.1
static void output_no_silly_segments(void **state)
{
	struct raw w;

	raw_start(&w, false, false);
	w.window = 2000;
	opened(&w, 10000);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].payload_len, 1400);
	raw_send(&w, WR_TCP_ACK, 0, 0, 0);
	assert_int_equal(raw_output(&w), 0);
	raw_send(&w, WR_TCP_ACK, 0, 1400, 0);
	assert_int_equal(raw_output(&w), 1);
	raw_stop(&w);
}

// One slot at a time, and the order is kept.
static void output_little_room(void **state)
{
	struct raw w;
	struct rte_mbuf *m[4];
	struct ep_tx tx = {m, 0, 0};

	raw_start(&w, false, false);
	opened(&w, 5000);
	assert_int_equal(ep_output(w.s, &tx, 64, &w.r->now), 0);
	assert_int_equal(tx.count, 0);
	w.r->room = 1;
	assert_int_equal(raw_output(&w), 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(w.seen[i].seq, w.irs + 1 + i * 1400);
	raw_stop(&w);
}

static void output_no_buffers(void **state)
{
	struct rte_mbuf *m, *list = NULL;
	struct raw w;

	raw_start(&w, false, false);
	opened(&w, 5000);
	while ((m = rte_pktmbuf_alloc(w.r->large)) != NULL) {
		m->next = list;
		list = m;
	}
	assert_int_equal(raw_output(&w), 0);
	assert_true(ep_counters(w.s)->no_mbuf > 0);
	for (; list != NULL; list = m) {
		m = list->next;
		list->next = NULL;
		rte_pktmbuf_free(list);
	}
	assert_int_equal(raw_output(&w), 4);
	raw_stop(&w);
}

static void output_budget(void **state)
{
	struct rte_mbuf *m[8];
	struct ep_tx tx = {m, 0, 8};
	struct rig_kind k = {.seed = 3};
	struct rig *r = rig_start(&k);

	for (uint32_t i = 0; i < 5; i++)
		rig_connect(r, i);
	assert_int_equal(ep_output(r->side[0].ep, &tx, 3, &r->now), 3);
	assert_int_equal(ep_output(r->side[0].ep, &tx, 3, &r->now), 2);
	assert_int_equal(ep_output(r->side[0].ep, &tx, 3, &r->now), 0);
	assert_int_equal(tx.count, 5);
	rte_pktmbuf_free_bulk(m, 5);
	rig_stop_any(r);
}

// One connection with one exchange costs few packets: SYN, request, FIN and the last ACK from the
// client; SYN-ACK, answer and FIN from the server.
static void output_packets_of_a_short_connection(void **state)
{
	struct rig_kind k = {.seed = 3, .timestamps = true};
	struct rig *r = rig_start(&k);
	struct rig_app *a, *b = rig_peer(r, 0);

	rig_listen(r);
	a = rig_connect(r, 0);
	a->to_send = 100;
	rig_run(r, 3900);
	assert_int_equal(b->got, 100);
	ep_send(rig_conn(r, 1, 0), b->given = b->to_send = 1000);
	rig_run(r, 3000);
	assert_int_equal(a->got, 1000);
	a->fin_when_done = b->fin_on_eof = true;
	rig_run(r, WR_US_PER_S);
	assert_true(a->over && b->over);
	assert_int_equal(r->side[0].frames, 4);
	assert_int_equal(r->side[1].frames, 3);
	rig_stop(r);
}

// Resets that wait go first, and leave after their connection is gone.
static void output_abort(void **state)
{
	struct raw w;

	raw_start(&w, true, false);
	opened(&w, 3000);
	raw_output(&w);
	ep_abort(raw_conn(&w), &w.r->now);
	assert_int_equal(ep_open(w.s), 0);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].flags, WR_TCP_RST | WR_TCP_ACK);
	assert_int_equal(w.seen[0].seq, w.irs + 1 + 3000);
	assert_false(w.app->over);
	raw_stop(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_syn_options),
		cmocka_unit_test(output_first_window),
		cmocka_unit_test(output_window_honoured),
		cmocka_unit_test(output_no_silly_segments),
		cmocka_unit_test(output_little_room),
		cmocka_unit_test(output_no_buffers),
		cmocka_unit_test(output_budget),
		cmocka_unit_test(output_packets_of_a_short_connection),
		cmocka_unit_test(output_abort),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

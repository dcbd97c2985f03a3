/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ep_raw.h"

// An ACK that no answer carries leaves 40 ms later; the second large segment's at once.
static void timers_delayed_ack(void **state)
{
	struct raw w;

	raw_start(&w, false, false);
	raw_open(&w);
	raw_send(&w, WR_TCP_ACK, 0, 0, 100);
	raw_wait(&w, 38000);
	assert_int_equal(raw_output(&w), 0);
	raw_wait(&w, 4000);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].ack, w.iss + 101);
	raw_send(&w, WR_TCP_ACK, 100, 0, 1400);
	assert_int_equal(raw_output(&w), 0);
	raw_send(&w, WR_TCP_ACK, 1500, 0, 1400);
	assert_int_equal(raw_output(&w), 1);
	raw_send(&w, WR_TCP_ACK, 2900, 0, 100);
	w.app->given += 50;
	ep_send(raw_conn(&w), 50);
	assert_int_equal(raw_output(&w), 1); // it rides along
	assert_int_equal(w.seen[0].ack, w.iss + 3001);
	raw_send(&w, WR_TCP_ACK, 3000, 50, 0);
	raw_wait(&w, 100000);
	assert_int_equal(raw_output(&w), 0);
	raw_stop(&w);
}

// Times of the next `n` segments, relative to now.
static void times(struct raw *w, uint32_t n, uint32_t *ms)
{
	wr_us_t from = w->r->now.us;

	for (uint32_t i = 0; i < n; i++) {
		while (raw_output(w) == 0) {
			raw_wait(w, 1000);
			assert_true(w->r->now.us - from < 200 * WR_US_PER_S);
		}
		assert_int_equal(w->count, 1);
		ms[i] = (uint32_t)((w->r->now.us - from) / 1000);
	}
}

static void timers_retransmission_backs_off(void **state)
{
	uint32_t ms[5];
	struct raw w;

	raw_start(&w, false, true);
	raw_open(&w);
	w.ts++;
	ep_send(raw_conn(&w), w.app->given = 100);
	raw_output(&w);
	raw_wait(&w, 10000);
	w.r->tap_arg = &w;
	{ // a sample of 10 ms: the floor of 200 ms counts
		struct rig_seg g = {.t = w.t,
			.seq = w.iss + 1,
			.ack = w.irs + 101,
			.flags = WR_TCP_ACK,
			.opts = WR_TCPOPT_TS,
			.window = 1000,
			.ts_val = w.ts,
			.ts_ecr = w.seen[0].ts_val};
		rig_inject(w.r, 1, &g);
	}
	assert_int_equal(ep_unsent(raw_conn(&w)), 0);
	ep_send(raw_conn(&w), 100);
	w.app->given += 100;
	assert_int_equal(raw_output(&w), 1);
	times(&w, 5, ms);
	assert_in_range(ms[0], 200, 204);
	assert_in_range(ms[1] - ms[0], 400, 406);
	assert_in_range(ms[2] - ms[1], 800, 810);
	assert_in_range(ms[3] - ms[2], 1600, 1610);
	assert_int_equal(w.seen[0].payload_len, 100);
	raw_wait(&w, 40 * WR_US_PER_S);
	raw_output(&w);
	raw_wait(&w, 60 * WR_US_PER_S);
	assert_int_equal(w.app->end, EP_END_TIMEOUT);
	assert_int_equal(ep_open(w.s), 0);
	raw_stop(&w);
}

// Nobody answers: SYNs at 1, 3, 7 s ... until it is given up.
static void timers_connect_gives_up(void **state)
{
	struct rig_kind k = {.seed = 1};
	struct rig *r = rig_start(&k);
	struct rig_app *a = rig_connect(r, 0);

	r->cut = true;
	rig_run(r, 20 * WR_US_PER_S);
	assert_int_equal(r->side[0].frames, 5); // 0, 1, 3, 7, 15 s
	assert_int_equal(ep_counters(r->side[0].ep)->syns, 5);
	assert_int_equal(ep_counters(r->side[0].ep)->syns_again, 4);
	assert_false(a->over);
	rig_run(r, 60 * WR_US_PER_S);
	assert_int_equal(a->end, EP_END_TIMEOUT);
	rig_stop(r);
}

// A passive open of which nothing more is heard goes away untold.
static void timers_half_open_gives_up(void **state)
{
	struct raw w;

	raw_start(&w, true, true);
	raw_send(&w, WR_TCP_SYN, 0, 0, 0);
	raw_output(&w);
	for (uint32_t i = 0; i < 100; i++) {
		raw_wait(&w, WR_US_PER_S);
		raw_output(&w);
	}
	assert_int_equal(ep_open(w.s), 0);
	assert_int_equal(w.app->ends, 0);
	raw_stop(&w);
}

// A closed window is asked about for as long as the answer comes.
static void timers_persist(void **state)
{
	uint32_t probes = 0;
	struct raw w;

	raw_start(&w, false, false);
	w.window = 0;
	raw_open(&w);
	w.app->given = w.app->to_send = 5000;
	ep_send(raw_conn(&w), 5000);
	for (uint32_t i = 0; i < 300; i++) {
		raw_wait(&w, WR_US_PER_S);
		if (raw_output(&w) == 0)
			continue;
		assert_int_equal(w.count, 1);
		assert_int_equal(w.seen[0].seq, w.irs + 1);
		assert_int_equal(w.seen[0].payload_len, 1);
		probes++;
		raw_send(&w, WR_TCP_ACK, 0, 0, 0);
	}
	assert_in_range(probes, 7, 12);
	assert_false(w.app->over);
	w.window = 60000;
	raw_send(&w, WR_TCP_ACK, 0, 1, 0); // and takes it in the end
	assert_int_equal(raw_output(&w), 4);
	assert_int_equal(w.seen[0].seq, w.irs + 2);
	w.window = 0;
	raw_send(&w, WR_TCP_ACK, 0, 5000, 0);
	ep_fin(raw_conn(&w)); // FIN alone as the probe
	assert_int_equal(raw_output(&w), 0);
	raw_wait(&w, 2 * WR_US_PER_S);
	assert_int_equal(raw_output(&w), 1);
	assert_int_equal(w.seen[0].flags, WR_TCP_ACK | WR_TCP_FIN);
	raw_send(&w, WR_TCP_ACK | WR_TCP_FIN, 0, 5001, 0);
	assert_int_equal(w.app->end, EP_END_CLOSED);
	raw_stop(&w);
}

// TIME-WAIT answers a FIN again, keeps its tuple, and gives it to who may have it (RFC 6191).
static void timers_time_wait(void **state)
{
	for (uint32_t i = 0; i < 4; i++) {
		struct rig_kind k = {.seed = 1 + i,
			.time_wait_us = 5 * WR_US_PER_S,
			.v6 = i & 1,
			.timestamps = i & 2};
		struct rig *r = rig_start(&k);
		struct rig_app *a, *b = rig_peer(r, 0);

		rig_listen(r);
		a = rig_connect(r, 0);
		b->fin_when_done = a->fin_on_eof = true;
		rig_run(r, WR_US_PER_S);
		assert_int_equal(a->end, EP_END_CLOSED);
		assert_int_equal(b->end, EP_END_CLOSED);
		assert_int_equal(ep_open(r->side[0].ep), 0);
		assert_int_equal(ep_open(r->side[1].ep), 1);
		a = rig_connect(r, 0); // the passive side takes it back
		a->to_send = 100;
		a->fin_when_done = b->fin_on_eof = true;
		rig_run(r, WR_US_PER_S);
		assert_int_equal(b->got, 100);
		assert_int_equal(b->end, EP_END_CLOSED);
		assert_int_equal(ep_open(r->side[0].ep), 1);
		a = rig_connect(r, 0); // and the active one
		assert_non_null(a);
		a->to_send = 200;
		a->fin_when_done = b->fin_on_eof = true;
		rig_run(r, WR_US_PER_S);
		assert_int_equal(b->got, 200);
		assert_int_equal(a->end, EP_END_CLOSED);
		assert_int_equal(ep_counters(r->side[0].ep)->resets_in, 0);
		rig_run(r, 6 * WR_US_PER_S);
		rig_stop(r);
	}
}

// The server's FIN is lost at the client in TIME-WAIT's place: it comes again and is answered.
static bool lose_one(struct rig *r, int from, const struct wr_pkt *p)
{
	uint32_t *n = r->tap_arg;

	return !(from == 0 && p->payload_len == 0 && p->flags == WR_TCP_ACK && p->window != 0 &&
		 *n > 0 && (*n)-- > 0);
}

static void timers_time_wait_answers(void **state)
{
	struct rig_kind k = {.seed = 1, .time_wait_us = 5 * WR_US_PER_S};
	struct rig *r = rig_start(&k);
	struct rig_app *a, *b = rig_peer(r, 0);
	uint32_t lose = 0;

	rig_listen(r);
	a = rig_connect(r, 0);
	rig_run(r, WR_US_PER_S);
	r->tap = lose_one;
	r->tap_arg = &lose;
	lose = 1;
	a->fin_when_done = b->fin_on_eof = true;
	rig_run(r, 10000);
	assert_int_equal(a->end, EP_END_CLOSED);
	assert_false(b->over);
	assert_int_equal(lose, 0);
	rig_run(r, 2 * WR_US_PER_S);
	assert_int_equal(b->end, EP_END_CLOSED);
	assert_int_equal(ep_counters(r->side[0].ep)->resets_out, 0);
	rig_run(r, 6 * WR_US_PER_S);
	rig_stop(r);
}

static void timers_budget(void **state)
{
	struct rig_kind k = {.seed = 3};
	struct rig *r = rig_start(&k);

	for (uint32_t i = 0; i < 9; i++)
		rig_connect(r, i);
	r->cut = true;
	rig_flush(r, 0);
	assert_true(ep_next_timer(r->side[0].ep) > r->now.us);
	rig_set_time(r, r->now.us + 2 * WR_US_PER_S);
	assert_int_equal(ep_timers(r->side[0].ep, 4, &r->now), 4);
	assert_int_equal(ep_timers(r->side[0].ep, 64, &r->now), 5);
	assert_int_equal(ep_timers(r->side[0].ep, 64, &r->now), 0);
	rig_stop_any(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_delayed_ack),
		cmocka_unit_test(timers_retransmission_backs_off),
		cmocka_unit_test(timers_connect_gives_up),
		cmocka_unit_test(timers_half_open_gives_up),
		cmocka_unit_test(timers_persist),
		cmocka_unit_test(timers_time_wait),
		cmocka_unit_test(timers_time_wait_answers),
		cmocka_unit_test(timers_budget),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

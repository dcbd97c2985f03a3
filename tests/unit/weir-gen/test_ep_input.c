/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ep_raw.h"

#define COUNTERS(w) ep_counters((w)->s)

static void for_each_family(void (*test)(struct raw *w))
{
	struct raw w;

	for (uint32_t i = 0; i < 4; i++) {
		raw_start(&w, i & 1, i & 2);
		test(&w);
		raw_stop(&w);
	}
}

static void only(struct raw *w, uint8_t flags, uint32_t ack)
{
	assert_int_equal(raw_output(w), 1);
	assert_int_equal(w->seen[0].flags, flags);
	assert_int_equal(w->seen[0].ack, w->iss + 1 + ack);
}

// RFC 5961 3.2
static void resets(struct raw *w)
{
	raw_open(w);
	raw_send(w, WR_TCP_RST, 1000, 0, 0); // in the window
	only(w, WR_TCP_ACK, 0);
	raw_send(w, WR_TCP_RST, 10u << 20, 0, 0); // beyond it
	raw_send(w, WR_TCP_RST, -1u, 0, 0);       // before it
	assert_int_equal(raw_output(w), 0);
	assert_false(w->app->over);
	raw_send(w, WR_TCP_RST, 0, 0, 0);
	assert_int_equal(w->app->end, EP_END_RESET);
	assert_int_equal(ep_open(w->s), 0);
	assert_int_equal(raw_output(w), 0);
	assert_int_equal(COUNTERS(w)->resets_in, 4);
}

static void input_reset_by_sequence(void **state)
{
	for_each_family(resets);
}

static void half_open_reset(struct raw *w)
{
	raw_send(w, WR_TCP_SYN, 0, 0, 0);
	assert_int_equal(raw_output(w), 1);
	raw_send(w, WR_TCP_SYN, 0, 0, 0); // again
	assert_int_equal(raw_output(w), 1);
	assert_int_equal(w->seen[0].flags, WR_TCP_SYN | WR_TCP_ACK);
	w->irs = w->seen[0].seq;
	raw_send(w, WR_TCP_ACK, 0, 77, 0); // of nothing that was sent
	assert_int_equal(raw_output(w), 1);
	assert_int_equal(w->seen[0].flags, WR_TCP_RST);
	assert_int_equal(w->seen[0].seq, w->irs + 78);
	assert_int_equal(ep_open(w->s), 1);
	raw_send(w, WR_TCP_RST, 0, 0, 0);
	assert_int_equal(ep_open(w->s), 0);
	assert_false(w->app->opened || w->app->over);
}

static void input_half_open_reset(void **state)
{
	for_each_family(half_open_reset);
}

static void strays(struct raw *w)
{
	raw_send(w, WR_TCP_ACK, 5, 100, 10);
	assert_int_equal(raw_output(w), 1);
	assert_int_equal(w->seen[0].flags, WR_TCP_RST);
	assert_int_equal(w->seen[0].seq, w->irs + 101);
	raw_send(w, WR_TCP_FIN, 5, 0, 10); // no ACK
	only(w, WR_TCP_RST | WR_TCP_ACK, 16);
	assert_int_equal(w->seen[0].seq, 0);
	raw_send(w, WR_TCP_RST, 5, 0, 0);
	assert_int_equal(raw_output(w), 0);
	w->t.lport = 81; // nobody listens
	raw_send(w, WR_TCP_SYN, 0, 0, 0);
	only(w, WR_TCP_RST | WR_TCP_ACK, 0);
	assert_int_equal(COUNTERS(w)->stray, 4);
	assert_int_equal(COUNTERS(w)->resets_out, 3);
	assert_int_equal(ep_open(w->s), 0);
}

static void input_stray_segments(void **state)
{
	for_each_family(strays);
}

// Resets that find no room on their list are not sent, and nothing breaks.
static void input_stray_flood(void **state)
{
	struct raw w;

	raw_start(&w, false, false);
	w.r->tap = NULL;
	for (uint32_t i = 0; i < 3000; i++)
		raw_send(&w, WR_TCP_ACK, i, i, 0);
	w.r->cut = true;
	raw_output(&w);
	assert_int_equal(COUNTERS(&w)->stray, 3000);
	assert_int_equal(COUNTERS(&w)->resets_out, 1024);
	raw_send(&w, WR_TCP_ACK, 1, 1, 0);
	raw_output(&w);
	assert_int_equal(COUNTERS(&w)->resets_out, 1025);
	raw_stop(&w);
}

// RFC 5961 4.2
static void syn_on_open(struct raw *w)
{
	raw_open(w);
	raw_send(w, WR_TCP_SYN, 5, 0, 0);
	only(w, WR_TCP_ACK, 0);
	raw_send(w, WR_TCP_SYN | WR_TCP_ACK, 0, 0, 0); // our SYN-ACK's echo
	only(w, WR_TCP_ACK, 0);
	assert_false(w->app->over);
}

static void input_syn_challenged(void **state)
{
	for_each_family(syn_on_open);
}

// Duplicate ACKs for each that is out of order, none of which is kept.
static void disorder(struct raw *w)
{
	raw_open(w);
	for (uint32_t i = 1; i < 4; i++)
		raw_send(w, WR_TCP_ACK, i * 100, 0, 100);
	assert_int_equal(raw_output(w), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(w->seen[i].ack, w->iss + 1);
	assert_int_equal(COUNTERS(w)->out_of_order, 3);
	raw_send(w, WR_TCP_ACK, 0, 0, 150); // overlaps in front
	raw_send(w, WR_TCP_ACK, 100, 0, 100);
	assert_int_equal(w->app->got, 200);
	raw_send(w, WR_TCP_ACK, 50, 0, 100); // all old
	only(w, WR_TCP_ACK, 200);
	assert_int_equal(w->app->got, 200);
	assert_true(COUNTERS(w)->duplicate >= 2);
	raw_send(w, WR_TCP_ACK | WR_TCP_FIN, 150, 0, 100); // FIN behind old and new
	assert_int_equal(w->app->got, 250);
	assert_true(w->app->eof);
	only(w, WR_TCP_ACK, 251);
	raw_send(w, WR_TCP_ACK | WR_TCP_FIN, 150, 0, 100); // again
	only(w, WR_TCP_ACK, 251);
}

static void input_disorder(void **state)
{
	for_each_family(disorder);
}

static void acks(struct raw *w)
{
	raw_open(w);
	raw_send(w, WR_TCP_ACK, 0, 1, 50); // of a byte never sent
	only(w, WR_TCP_ACK, 0);
	assert_int_equal(w->app->got, 0);
	raw_send(w, 0, 0, 0, 50);
	assert_int_equal(raw_output(w), 0);
	assert_int_equal(w->app->got, 0);
	raw_send(w, WR_TCP_ACK, 10u << 20, 0, 50); // beyond the window
	only(w, WR_TCP_ACK, 0);
	raw_send(w, WR_TCP_ACK, 0, -1u, 50); // an old ACK with new data
	assert_int_equal(w->app->got, 50);
}

static void input_unacceptable(void **state)
{
	for_each_family(acks);
}

// RFC 7323 5.3
static void input_paws(void **state)
{
	struct raw w;

	raw_start(&w, false, true);
	raw_open(&w);
	w.ts = 2000;
	raw_send(&w, WR_TCP_ACK, 0, 0, 50);
	w.ts = 1500;
	raw_send(&w, WR_TCP_ACK, 50, 0, 50);
	only(&w, WR_TCP_ACK, 50);
	assert_int_equal(w.seen[0].ts_ecr, 2000);
	assert_int_equal(w.app->got, 50);
	assert_int_equal(w.r->side[1].stats.drop[WR_DROP_tcp_paws], 1);
	raw_send(&w, WR_TCP_RST, 50, 0, 0); // resets are exempt
	assert_int_equal(w.app->end, EP_END_RESET);
	raw_stop(&w);
}

// The window is honoured to the byte while nothing is read.
static void held(struct raw *w)
{
	uint32_t at = 0, edge = 0;

	w->app->read_from = WR_US_NEVER;
	raw_open(w);
	for (; at < (1u << 20); at += 1300) {
		raw_send(w, WR_TCP_ACK, at, 0, 1300);
		if (raw_output(w) > 0)
			edge = w->seen[0].ack + w->seen[0].window - w->iss - 1;
	}
	assert_int_equal(w->app->got, edge);
	assert_int_equal(w->app->got, 65535); // no window scale from this peer
	assert_int_equal(ep_unread(raw_conn(w)), w->app->got);
	assert_int_equal(w->seen[0].window, 0);
	ep_read(raw_conn(w), 1000); // too little to tell
	assert_int_equal(raw_output(w), 0);
	ep_read(raw_conn(w), 1000);
	only(w, WR_TCP_ACK, edge);
	assert_int_equal(w->seen[0].window, 2000);
	ep_read(raw_conn(w), UINT32_MAX);
	assert_int_equal(ep_unread(raw_conn(w)), 0);
}

static void input_window_held(void **state)
{
	for_each_family(held);
}

static uint8_t any_flags(struct wr_rng *rng)
{
	static const uint8_t usual[] = {WR_TCP_ACK, WR_TCP_SYN, WR_TCP_SYN | WR_TCP_ACK,
		WR_TCP_FIN | WR_TCP_ACK, WR_TCP_RST, WR_TCP_RST | WR_TCP_ACK,
		WR_TCP_ACK | WR_TCP_PSH};
	uint32_t i = wr_rng_below(rng, RTE_DIM(usual) + 1);

	return i < RTE_DIM(usual) ? usual[i] : (uint8_t)wr_rng_next(rng);
}

static uint32_t near(struct wr_rng *rng)
{
	static const uint32_t reach[] = {2, 4, 3000, 140000, 1u << 20, UINT32_MAX};
	uint32_t n = reach[wr_rng_below(rng, RTE_DIM(reach))];

	return wr_rng_below(rng, n) - (wr_rng_below(rng, 3) == 0 ? n / 2 : 0);
}

// Whatever comes, in whatever order: nothing breaks, nothing leaks.
static void input_random_segments(void **state)
{
	uint32_t opened = 0, data = 0;
	struct raw w;

	for (uint32_t seed = 0; seed < 40; seed++) {
		struct wr_rng rng;

		raw_start(&w, seed & 1, seed & 2);
		wr_rng_init(&rng, seed);
		for (uint32_t i = 0; i < 2000; i++) {
			struct rig_seg g;
			struct ep_conn *c = raw_conn(&w);

			memset(w.app, 0, sizeof(*w.app) * (c == NULL));
			w.app->used = true;
			w.app->to_send = wr_rng_below(&rng, 30000);
			if (c != NULL && wr_rng_below(&rng, 50) == 0)
				ep_fin(c), w.app->shut = true;
			if (c != NULL && wr_rng_below(&rng, 100) == 0)
				ep_abort(c, &w.r->now);
			g = (struct rig_seg){.t = w.t,
				.seq = w.iss + 1 + w.app->got + near(&rng),
				.ack = w.irs + 1 + near(&rng),
				.flags = any_flags(&rng),
				.opts = (uint8_t)wr_rng_below(&rng, 16),
				.window = (uint16_t)wr_rng_next(&rng),
				.mss = (uint16_t)wr_rng_next(&rng),
				.wscale = (uint8_t)wr_rng_below(&rng, 15),
				.ts_val = near(&rng),
				.ts_ecr = near(&rng),
				.len = wr_rng_below(&rng, 3) ? 0 : wr_rng_below(&rng, 1400)};
			g.offset = g.seq - w.iss - 1;
			if (g.flags & WR_TCP_SYN)
				g.seq = w.iss;
			rig_inject(w.r, 1, &g);
			opened += w.app->opened;
			data += w.app->got > 0;
			raw_output(&w);
			for (uint32_t k = 0; k < w.count; k++)
				if (w.seen[k].flags & WR_TCP_SYN)
					w.irs = w.seen[k].seq;
			raw_wait(&w, wr_rng_below(&rng, 8) == 0 ? wr_rng_below(&rng, 400000) : 0);
		}
		raw_wait(&w, 40 * WR_US_PER_S);
		raw_stop(&w);
	}
	assert_true(opened > 10000 && data > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_reset_by_sequence),
		cmocka_unit_test(input_half_open_reset),
		cmocka_unit_test(input_stray_segments),
		cmocka_unit_test(input_stray_flood),
		cmocka_unit_test(input_syn_challenged),
		cmocka_unit_test(input_disorder),
		cmocka_unit_test(input_unacceptable),
		cmocka_unit_test(input_paws),
		cmocka_unit_test(input_window_held),
		cmocka_unit_test(input_random_segments),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

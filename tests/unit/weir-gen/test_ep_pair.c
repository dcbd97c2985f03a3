/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ep_rig.h"

// The endpoint against itself and against the engine, as client and as server, over both families,
// with and without timestamps, over clean and over bad links.

#define MB (1u << 20)

static void for_each_kind(uint32_t link, void (*test)(struct rig *r))
{
	for (uint32_t i = 0; i < 3 * 4; i++) {
		struct rig_kind k = {.engine = {i / 4 == 1, i / 4 == 2},
			.v6 = i & 1,
			.timestamps = i & 2,
			.loss = link,
			.dup = link,
			.reorder = link,
			// or a lost last ACK would be answered with a reset
			.time_wait_us = link > 0 ? 20 * WR_US_PER_S : 0,
			.seed = 1 + i + link};
		struct rig *r = rig_start(&k);

		rig_listen(r);
		test(r);
		rig_run(r, 61 * WR_US_PER_S); // the engine's TIME-WAIT
		rig_stop(r);
	}
}

static uint64_t retransmitted(const struct rig *r)
{
	uint64_t n = 0;

	for (int i = 0; i < 2; i++)
		n += r->side[i].ep != NULL ? ep_counters(r->side[i].ep)->retransmitted
		                           : r->side[i].stats.ctr[WR_CTR_tcp_retrans_segs];
	return n;
}

// Both directions at once.
static void bulk(struct rig *r)
{
	struct rig_app *a = rig_connect(r, 3), *b = rig_peer(r, 3);

	a->to_send = b->to_send = MB;
	a->fin_when_done = b->fin_when_done = true;
	rig_run(r, 600 * WR_US_PER_S);
	assert_int_equal(b->got, MB);
	assert_int_equal(a->got, MB);
	assert_true(a->eof && b->eof);
	assert_int_equal(a->end, EP_END_CLOSED);
	assert_int_equal(b->end, EP_END_CLOSED);
	assert_true(a->acked || r->kind.engine[0]);
	assert_true(b->acked || r->kind.engine[1]);
	if (r->kind.loss == 0)
		assert_int_equal(retransmitted(r), 0);
	else
		assert_true(retransmitted(r) > 0);
	for (int i = 0; i < 2; i++) {
		if (r->side[i].ep == NULL)
			continue;
		assert_int_equal(ep_counters(r->side[i].ep)->bytes_in, MB);
		assert_int_equal(ep_counters(r->side[i].ep)->bytes_out, MB);
		// late duplicates find nobody in LAST-ACK any more
		if (r->kind.loss == 0)
			assert_int_equal(ep_counters(r->side[i].ep)->resets_in, 0);
	}
}

static void pair_bulk_clean(void **state)
{
	for_each_kind(0, bulk);
}

static void pair_bulk_one_percent(void **state)
{
	for_each_kind(10, bulk);
}

static void pair_bulk_five_percent(void **state)
{
	for_each_kind(50, bulk);
}

static void short_ones(struct rig *r)
{
	for (uint32_t round = 0; round < 8; round++) {
		for (uint32_t i = 0; i < 50; i++) {
			struct rig_app *a = rig_connect(r, i), *b = rig_peer(r, i);

			assert_non_null(a);
			a->to_send = 100 + i;
			b->to_send = 10 * i * round;
			// the end that closes first changes
			a->fin_when_done = i & 1;
			a->fin_on_eof = !(i & 1);
			b->fin_on_eof = i & 1;
			b->fin_when_done = !(i & 1);
		}
		rig_run(r, (r->kind.loss > 0 ? 200 : 61) * WR_US_PER_S);
		for (uint32_t i = 0; i < 50; i++) {
			assert_int_equal(rig_peer(r, i)->got, 100 + i);
			assert_int_equal(r->side[0].app[i].got, 10 * i * round);
			assert_int_equal(r->side[0].app[i].end, EP_END_CLOSED);
			assert_int_equal(rig_peer(r, i)->end, EP_END_CLOSED);
		}
	}
}

static void pair_short_clean(void **state)
{
	for_each_kind(0, short_ones);
}

static void half_close(struct rig *r)
{
	struct rig_app *a = rig_connect(r, 0), *b = rig_peer(r, 0);

	a->to_send = 1000;
	a->fin_when_done = true;
	rig_run(r, WR_US_PER_S);
	assert_true(b->eof && !a->eof && !a->over && !b->over);
	assert_int_equal(b->got, 1000);
	b->to_send = 300000;
	b->fin_when_done = true;
	rig_run(r, (r->kind.loss > 0 ? 200 : 10) * WR_US_PER_S);
	assert_int_equal(a->got, 300000);
	assert_int_equal(a->end, EP_END_CLOSED);
	assert_int_equal(b->end, EP_END_CLOSED);
}

static void pair_half_close(void **state)
{
	for_each_kind(0, half_close);
	for_each_kind(30, half_close);
}

static void abort_by(struct rig *r, int side)
{
	struct rig_app *a = rig_connect(r, 1), *b = rig_peer(r, 1);
	struct rig_app *other = side == 0 ? b : a;

	a->to_send = b->to_send = 20000;
	rig_run(r, WR_US_PER_S);
	assert_int_equal(a->got + b->got, 40000);
	rig_abort(r, side, 1);
	rig_run(r, WR_US_PER_S);
	assert_true(other->over);
	assert_int_equal(other->end, EP_END_RESET);
	assert_int_equal(side == 0 ? a->ends : b->ends, 0);
}

static void abort_both(struct rig *r)
{
	abort_by(r, 0);
	abort_by(r, 1);
}

static void pair_abort(void **state)
{
	for_each_kind(0, abort_both);
}

// In the middle of a transfer.
static void abort_busy(struct rig *r)
{
	for (int side = 0; side < 2; side++) {
		struct rig_app *a = rig_connect(r, 1), *b = rig_peer(r, 1);

		a->to_send = b->to_send = 40 * MB;
		rig_run(r, 40000);
		assert_true(a->got > 0 && b->got > 0);
		rig_abort(r, side, 1);
		rig_run(r, 2 * WR_US_PER_S);
		assert_int_equal((side == 0 ? b : a)->end, EP_END_RESET);
	}
}

static void pair_abort_busy(void **state)
{
	for_each_kind(0, abort_busy);
}

// One side reads nothing for a while: the window closes, is probed, and opens again.
static void slow_reader(struct rig *r, int side)
{
	struct rig_app *a = rig_connect(r, 2), *b = rig_peer(r, 2);
	struct rig_app *reader = side == 0 ? a : b, *writer = side == 0 ? b : a;

	reader->read_from = r->now.us + 100 * WR_US_PER_S; // longer than give_up
	writer->to_send = MB;
	writer->fin_when_done = true;
	reader->fin_on_eof = true;
	rig_run(r, 99 * WR_US_PER_S);
	assert_false(writer->over);
	assert_false(reader->eof);
	rig_run(r, (r->kind.loss > 0 ? 300 : 20) * WR_US_PER_S);
	assert_int_equal(reader->got, MB);
	assert_int_equal(a->end, EP_END_CLOSED);
	assert_int_equal(b->end, EP_END_CLOSED);
}

static void slow_readers(struct rig *r)
{
	slow_reader(r, 0);
	rig_run(r, 61 * WR_US_PER_S);
	slow_reader(r, 1);
}

static void pair_zero_window(void **state)
{
	for_each_kind(0, slow_readers);
}

static void pair_zero_window_lossy(void **state)
{
	for_each_kind(30, slow_readers);
}

static void refused(struct rig *r)
{
	struct rig_app *a = rig_connect(r, 9);

	rig_run(r, WR_US_PER_S);
	assert_int_equal(a->end, EP_END_REFUSED);
	assert_true(a->over && !a->opened);
}

static void pair_refused(void **state)
{
	for (uint32_t i = 0; i < 6; i++) {
		struct rig_kind k = {.engine = {i / 2 == 1, i / 2 == 2}, .v6 = i & 1, .seed = i};
		struct rig *r = rig_start(&k);

		refused(r); // nobody listens
		rig_stop(r);
	}
}

// FINs cross.
static void close_together(struct rig *r)
{
	struct rig_app *a = rig_connect(r, 5), *b = rig_peer(r, 5);

	rig_run(r, WR_US_PER_S);
	assert_true(a->opened && b->opened);
	a->fin_when_done = b->fin_when_done = true;
	rig_run(r, 1500);
	rig_run(r, WR_US_PER_S);
	assert_true(a->eof && b->eof);
	assert_int_equal(a->end, EP_END_CLOSED);
	assert_int_equal(b->end, EP_END_CLOSED);
}

static void pair_simultaneous_close(void **state)
{
	for_each_kind(0, close_together);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pair_bulk_clean),
		cmocka_unit_test(pair_bulk_one_percent),
		cmocka_unit_test(pair_bulk_five_percent),
		cmocka_unit_test(pair_short_clean),
		cmocka_unit_test(pair_half_close),
		cmocka_unit_test(pair_abort),
		cmocka_unit_test(pair_abort_busy),
		cmocka_unit_test(pair_zero_window),
		cmocka_unit_test(pair_zero_window_lossy),
		cmocka_unit_test(pair_refused),
		cmocka_unit_test(pair_simultaneous_close),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

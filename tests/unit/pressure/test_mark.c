/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_test.h"

// Marks of one queue and its refusals. The queue is a gauge, so that no level event comes between.

#define CAP 100 // tx_backlog: low 50, high 75, critical 90

static struct rig *gauge_create(uint32_t slots)
{
	struct rig *r = rig_create(slots);

	r->p.queue[wr_pressure_add(&r->p, WR_Q_tx_backlog, 9, CAP)].gauge_only = true;
	return r;
}

static void set(struct rig *r, uint64_t depth)
{
	wr_pressure_depth(&r->p, 0, depth);
	rig_tick(r);
}

static void mark_high_and_back(void **state)
{
	struct rig *r = gauge_create(16);
	struct wr_event ev;

	set(r, 74);
	rig_no_event(r);
	set(r, 75);
	ev = rig_event(r, WR_EV_queue_high);
	assert_int_equal(ev.at_us, 1000);
	assert_int_equal(ev.worker, 3);
	assert_int_equal(ev.queue, WR_Q_tx_backlog);
	assert_int_equal(ev.scope, 9);
	assert_int_equal(ev.depth, 75);
	assert_int_equal(ev.capacity, CAP);
	assert_int_equal(r->p.queue[0].above_since_us, 1000);
	set(r, 76);
	set(r, 50);
	rig_no_event(r); // still not below low
	r->now = 51000;
	set(r, 49);
	ev = rig_event(r, WR_EV_queue_normal);
	assert_int_equal(ev.extra, 50);
	assert_int_equal(r->p.queue[0].above_total_us, 50000);
	assert_int_equal(r->p.queue[0].above_since_us, 0);
	assert_int_equal(r->stats.ctr[WR_CTR_events_raised], 2);
	rig_destroy(r);
}

static void mark_critical_hysteresis(void **state)
{
	struct rig *r = gauge_create(16);

	set(r, 80);
	rig_event(r, WR_EV_queue_high);
	set(r, 90);
	rig_event(r, WR_EV_queue_critical);
	set(r, 76);
	set(r, 95);
	rig_no_event(r); // not below high in between
	set(r, 74);
	rig_no_event(r);
	assert_int_equal(r->p.queue[0].mark, WR_MARK_HIGH);
	set(r, 100);
	rig_event(r, WR_EV_queue_critical);
	set(r, 0);
	rig_event(r, WR_EV_queue_normal);
	rig_no_event(r);
	rig_destroy(r);
}

static void mark_jump_tells_both(void **state)
{
	struct rig *r = gauge_create(16);

	set(r, 100);
	rig_event(r, WR_EV_queue_high);
	rig_event(r, WR_EV_queue_critical);
	rig_no_event(r);
	rig_destroy(r);
}

static void mark_capacity_one(void **state)
{
	struct rig *r = rig_create(16);

	r->p.queue[wr_pressure_add(&r->p, WR_Q_handoff, 0, 1)].gauge_only = true;
	set(r, 1);
	rig_event(r, WR_EV_queue_high);
	rig_event(r, WR_EV_queue_critical);
	set(r, 0);
	rig_event(r, WR_EV_queue_normal);
	rig_destroy(r);
}

static void mark_events_lost(void **state)
{
	struct rig *r = gauge_create(1);

	set(r, 100);
	assert_int_equal(r->stats.ctr[WR_CTR_events_raised], 1);
	assert_int_equal(r->stats.ctr[WR_CTR_events_lost], 1);
	rig_destroy(r);
}

static void mark_class_high_when_standing(void **state)
{
	struct rig *r = rig_create(16);
	int i = wr_pressure_add(&r->p, WR_Q_conn_recv, 0, 1000);

	wr_pressure_fullest(&r->p, i, 300);
	wr_pressure_fullest(&r->p, i, 1000);
	wr_pressure_fullest(&r->p, i, 20);
	assert_int_equal(rig_tick(r), 0);
	assert_int_equal(r->p.queue[i].depth, 1000);
	assert_int_equal(r->p.queue[i].mark, WR_MARK_NORMAL);
	for (wr_us_t t = 0; t <= WR_PRESSURE_STANDING_US; t += WR_PRESSURE_TICK_US) {
		assert_int_equal(r->stats.ctr[WR_CTR_events_raised], 0);
		wr_pressure_fullest(&r->p, i, 1000);
		rig_tick(r);
	}
	rig_event(r, WR_EV_queue_high);
	rig_event(r, WR_EV_queue_critical);
	assert_int_equal(rig_tick(r), 0);
	assert_int_equal(r->p.queue[i].depth, 0);
	assert_int_equal(r->p.queue[i].peak, 1000);
	rig_event(r, WR_EV_queue_normal);
	rig_destroy(r);
}

static void refusals_first_at_once(void **state)
{
	struct rig *r = gauge_create(16);
	struct wr_event ev;

	wr_pressure_refuse(&r->p, 0, 2, WR_DROP_no_mbuf);
	wr_pressure_refuse(&r->p, 0, 3, WR_DROP_tx_error);
	rig_tick(r);
	ev = rig_event(r, WR_EV_works_queue_full);
	assert_int_equal(ev.count, 5);
	assert_int_equal(ev.reason, WR_DROP_tx_error);
	assert_int_equal(ev.queue, WR_Q_tx_backlog);
	assert_int_equal(ev.scope, 9);
	assert_int_equal(r->stats.ctr[WR_CTR_works_queue_full], 5);
	rig_no_event(r);
	rig_destroy(r);
}

static void refusals_coalesced_100ms(void **state)
{
	struct rig *r = gauge_create(16);

	for (int i = 0; i < 1000; i++) {
		wr_pressure_refuse(&r->p, 0, 1, WR_DROP_no_mbuf);
		rig_tick(r);
	}
	// At 0 ms the first, then one each 100 ms.
	assert_int_equal(rig_event(r, WR_EV_works_queue_full).count, 1);
	for (int i = 1; i < 10; i++)
		assert_int_equal(rig_event(r, WR_EV_works_queue_full).count, i == 1 ? 101 : 100);
	rig_no_event(r);
	wr_pressure_flush(&r->p, r->now);
	assert_int_equal(rig_event(r, WR_EV_works_queue_full).count, 1000 - 1 - 101 - 8 * 100);
	wr_pressure_flush(&r->p, r->now);
	rig_no_event(r);
	rig_destroy(r);
}

static void refusals_ring_full_delays(void **state)
{
	struct rig *r = gauge_create(1);

	set(r, 80);
	wr_pressure_refuse(&r->p, 0, 4, WR_DROP_no_mbuf);
	rig_run(r, 200000);
	rig_event(r, WR_EV_queue_high);
	wr_pressure_refuse(&r->p, 0, 1, WR_DROP_no_mbuf);
	rig_tick(r);
	assert_int_equal(rig_event(r, WR_EV_works_queue_full).count, 5);
	assert_int_equal(r->stats.ctr[WR_CTR_events_lost], 0);
	rig_destroy(r);
}

static void refusals_more_than_an_event_holds(void **state)
{
	struct rig *r = gauge_create(16);

	wr_pressure_refuse(&r->p, 0, (1ULL << 32) + 5, WR_DROP_no_mbuf);
	rig_run(r, 102000);
	assert_int_equal(rig_event(r, WR_EV_works_queue_full).count, UINT32_MAX);
	assert_int_equal(rig_event(r, WR_EV_works_queue_full).count, 6);
	rig_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mark_high_and_back),
		cmocka_unit_test(mark_critical_hysteresis),
		cmocka_unit_test(mark_jump_tells_both),
		cmocka_unit_test(mark_capacity_one),
		cmocka_unit_test(mark_events_lost),
		cmocka_unit_test(mark_class_high_when_standing),
		cmocka_unit_test(refusals_first_at_once),
		cmocka_unit_test(refusals_coalesced_100ms),
		cmocka_unit_test(refusals_ring_full_delays),
		cmocka_unit_test(refusals_more_than_an_event_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

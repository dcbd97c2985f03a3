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

	set(r, 69);
	rig_no_event(r);
	set(r, 74);
	rig_event(r, WR_EV_queue_warning);
	rig_no_event(r);
	set(r, 75);
	ev = rig_event(r, WR_EV_queue_high);
	assert_int_equal(ev.at_us, 2000);
	assert_int_equal(ev.worker, 3);
	assert_int_equal(ev.queue, WR_Q_tx_backlog);
	assert_int_equal(ev.scope, 9);
	assert_int_equal(ev.depth, 75);
	assert_int_equal(ev.capacity, CAP);
	assert_int_equal(r->p.queue[0].above_since_us, 2000);
	set(r, 76);
	set(r, 50);
	rig_no_event(r); // still not below low
	r->now = 52000;
	set(r, 49);
	ev = rig_event(r, WR_EV_queue_normal);
	assert_int_equal(ev.extra, 50);
	assert_int_equal(r->p.queue[0].above_total_us, 50000);
	assert_int_equal(r->p.queue[0].above_since_us, 0);
	assert_int_equal(r->stats.ctr[WR_CTR_events_raised], 3);
	rig_destroy(r);
}

static void mark_critical_hysteresis(void **state)
{
	struct rig *r = gauge_create(16);

	set(r, 80);
	rig_event(r, WR_EV_queue_warning);
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

static void mark_jump_tells_all(void **state)
{
	struct rig *r = gauge_create(16);

	set(r, 100);
	rig_event(r, WR_EV_queue_warning);
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
	rig_event(r, WR_EV_queue_warning);
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
	assert_int_equal(r->stats.ctr[WR_CTR_events_lost], 2);
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

static void mark_warning_once_a_spell(void **state)
{
	struct rig *r = gauge_create(16);
	struct wr_event ev;

	set(r, 0);
	for (uint64_t depth = 50; depth < 75; depth++) // 1 a millisecond
		set(r, depth);
	ev = rig_event(r, WR_EV_queue_warning);
	assert_int_equal(ev.depth, 70);
	assert_int_equal(ev.capacity, CAP);
	assert_int_equal(ev.queue, WR_Q_tx_backlog);
	assert_int_equal(ev.scope, 9);
	assert_in_range(ev.extra, 1, 60); // 30 to go; 70 came in 21 ms
	set(r, 50);
	set(r, 72);
	rig_no_event(r); // it was not below low
	set(r, 49);
	set(r, 70);
	rig_event(r, WR_EV_queue_warning);
	rig_no_event(r);
	rig_destroy(r);
}

static void mark_warning_not_rising(void **state)
{
	struct rig *r = gauge_create(16);

	set(r, 65);
	rig_run(r, 100 * WR_US_PER_S);
	wr_pressure_resize(&r->p, 0, 90); // 65 is above 70 % of 90
	rig_tick(r);
	assert_int_equal(rig_event(r, WR_EV_queue_warning).extra, 0);
	rig_destroy(r);
}

// Low is 80 %, the warning stays at 70 %.
static void mark_warning_below_low_mark(void **state)
{
	struct rig *r = rig_create(64);
	int i = wr_pressure_add(&r->p, WR_Q_backend_inflight, 0, 1000);

	for (int n = 0; n < 5; n++) {
		wr_pressure_depth(&r->p, i, 700 + (uint64_t)n);
		rig_tick(r);
		if (n == 0)
			assert_int_equal(rig_event(r, WR_EV_queue_warning).depth, 700);
		wr_pressure_depth(&r->p, i, 690); // around the mark: one warning
		rig_tick(r);
	}
	rig_no_event(r);
	wr_pressure_depth(&r->p, i, 600);
	rig_tick(r);
	wr_pressure_depth(&r->p, i, 700);
	rig_tick(r);
	rig_event(r, WR_EV_queue_warning);
	rig_destroy(r);
}

static void mark_warning_not_by_classes(void **state)
{
	const enum wr_queue_kind silent[] = {WR_Q_conn_recv, WR_Q_conn_send, WR_Q_cpu};

	for (size_t i = 0; i < 3; i++) {
		struct rig *r = rig_create(16);

		wr_pressure_add(&r->p, silent[i], 0, 1000);
		for (int t = 0; t < 5; t++) {
			wr_pressure_depth(&r->p, 0, 720);
			wr_pressure_fullest(&r->p, 0, 720);
			rig_tick(r);
		}
		rig_no_event(r);
		rig_destroy(r);
	}
}

static void mark_capacity_gone(void **state)
{
	struct rig *r = gauge_create(16);

	set(r, 80);
	rig_forget(r);
	wr_pressure_resize(&r->p, 0, 0); // no marks any more
	rig_tick(r);
	rig_event(r, WR_EV_queue_normal);
	rig_run(r, 10000);
	rig_no_event(r);
	assert_int_equal(r->p.queue[0].above_since_us, 0);
	rig_destroy(r);
}

static void mark_event_level_of_domain(void **state)
{
	struct rig *r = rig_create(16);

	wr_pressure_add_service(&r->p, WR_Q_pending, 2, 2, 100);
	set(r, 50);
	assert_int_equal(rig_event(r, WR_EV_service_level).level, 2);
	assert_int_equal(rig_event(r, WR_EV_queue_high).level, 2);
	assert_int_equal(r->p.own.level, 0);
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

	r->p.queue[0].warned = true;
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
		cmocka_unit_test(mark_jump_tells_all),
		cmocka_unit_test(mark_capacity_one),
		cmocka_unit_test(mark_events_lost),
		cmocka_unit_test(mark_class_high_when_standing),
		cmocka_unit_test(mark_warning_once_a_spell),
		cmocka_unit_test(mark_warning_not_rising),
		cmocka_unit_test(mark_warning_below_low_mark),
		cmocka_unit_test(mark_warning_not_by_classes),
		cmocka_unit_test(mark_capacity_gone),
		cmocka_unit_test(mark_event_level_of_domain),
		cmocka_unit_test(refusals_first_at_once),
		cmocka_unit_test(refusals_coalesced_100ms),
		cmocka_unit_test(refusals_ring_full_delays),
		cmocka_unit_test(refusals_more_than_an_event_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

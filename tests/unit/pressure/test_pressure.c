/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_test.h"

#include "wr_rng.h"

#define CAP 100 // tx_backlog: low 50, high 75, critical 90

static struct rig *one_queue(void)
{
	struct rig *r = rig_create(4096);

	wr_pressure_add(&r->p, WR_Q_tx_backlog, 9, CAP);
	return r;
}

static void pressure_high_at_once(void **state)
{
	struct rig *r = one_queue();
	struct wr_event ev;

	wr_pressure_depth(&r->p, 0, 75);
	assert_int_equal(rig_tick(r), 2);
	ev = rig_event(r, WR_EV_level_change);
	assert_int_equal(ev.level, 2);
	assert_int_equal(ev.extra, 0);
	assert_int_equal(ev.queue, WR_Q_tx_backlog);
	assert_int_equal(ev.scope, 9);
	assert_int_equal(ev.depth, 75);
	rig_event(r, WR_EV_queue_warning);
	ev = rig_event(r, WR_EV_queue_high);
	assert_int_equal(ev.level, 2);
	assert_int_equal(r->p.own.cause, 0);
	rig_destroy(r);
}

static void pressure_severe_when_high_stands(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 75);
	assert_int_equal(rig_run(r, 100000), 2);
	assert_int_equal(rig_run(r, 2000), 3);
	rig_event(r, WR_EV_level_change);
	assert_int_equal(rig_find(r, WR_EV_level_change).level, 3);
	wr_pressure_depth(&r->p, 0, 89); // not critical
	assert_int_equal(rig_run(r, 1000000), 3);
	rig_destroy(r);
}

// What stands is the worker's pressure, not one queue's.
static void pressure_severe_by_queues_in_turn(void **state)
{
	struct rig *r = one_queue();
	uint8_t level = 0;

	wr_pressure_add(&r->p, WR_Q_tx_backlog, 8, CAP);
	for (int i = 0; i < 110; i++) {
		wr_pressure_depth(&r->p, 0, i % 2 ? 80 : 0);
		wr_pressure_depth(&r->p, 1, i % 2 ? 0 : 80);
		level = rig_tick(r);
	}
	assert_int_equal(level, 3);
	rig_destroy(r);
}

static void pressure_severe_by_cut(void **state)
{
	struct rig *r = one_queue();
	struct wr_event ev;

	wr_pressure_cut(&r->p, 499);
	assert_int_equal(rig_run(r, 10000), 0);
	wr_pressure_cut(&r->p, 500);
	assert_int_equal(rig_tick(r), 3);
	ev = rig_event(r, WR_EV_level_change);
	assert_int_equal(ev.level, 3);
	assert_int_equal(ev.queue, UINT16_MAX);
	assert_int_equal(r->p.own.cause, UINT16_MAX);
	assert_int_equal(r->p.service[0].level, 0);
	assert_int_equal(rig_run(r, 3000000), 3);
	wr_pressure_cut(&r->p, 0);
	assert_int_equal(rig_run(r, 600001), 2); // 500 ms + 20 % at most
	rig_destroy(r);
}

static void pressure_critical_at_once(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 90);
	wr_pressure_cut(&r->p, 1000);
	assert_int_equal(rig_tick(r), 4);
	assert_int_equal(rig_event(r, WR_EV_level_change).depth, 90);
	rig_destroy(r);
}

static void pressure_low_needs_two_ticks(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 50);
	assert_int_equal(rig_tick(r), 0);
	wr_pressure_depth(&r->p, 0, 49);
	assert_int_equal(rig_tick(r), 0);
	wr_pressure_depth(&r->p, 0, 50);
	assert_int_equal(rig_tick(r), 0);
	assert_int_equal(rig_tick(r), 1);
	assert_int_equal(rig_event(r, WR_EV_level_change).level, 1);
	rig_destroy(r);
}

static void pressure_tick_not_due(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 50);
	assert_int_equal(wr_pressure_tick(&r->p, 1000), 0);
	assert_int_equal(wr_pressure_tick(&r->p, 1000), 0);
	assert_int_equal(wr_pressure_tick(&r->p, 1999), 0);
	assert_int_equal(wr_pressure_tick(&r->p, 2000), 1);
	rig_destroy(r);
}

static void pressure_down_by_dwells(void **state)
{
	static const wr_us_t most[] = {0, 120000, 300000, 600000, 1200000};
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 100);
	assert_int_equal(rig_tick(r), 4);
	wr_pressure_depth(&r->p, 0, 0);
	for (uint8_t level = 4; level > 0; level--) {
		assert_int_equal(rig_run(r, most[level] * 2 / 3 - 2000), level);
		while (rig_tick(r) == level)
			assert_true(r->now - r->p.own.level_since_us <= most[level] + 3000);
		assert_int_equal(r->p.own.level, level - 1);
	}
	rig_destroy(r);
}

static void pressure_stays_between_marks(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_depth(&r->p, 0, 80);
	rig_tick(r);
	wr_pressure_depth(&r->p, 0, 50); // below high, not below low
	assert_int_equal(rig_run(r, 2000000), 2);
	wr_pressure_depth(&r->p, 0, 49);
	assert_int_equal(rig_run(r, r->p.own.dwell_us - 2000), 2);
	wr_pressure_depth(&r->p, 0, 50); // the calm begins anew
	rig_tick(r);
	wr_pressure_depth(&r->p, 0, 49);
	assert_int_equal(rig_run(r, r->p.own.dwell_us - 2000), 2);
	assert_int_equal(rig_run(r, 4000), 1);
	rig_destroy(r);
}

static void pressure_maximum_of_queues(void **state)
{
	struct rig *r = one_queue();
	int conns = wr_pressure_add(&r->p, WR_Q_conns, 1, 1000); // 700, 850, 950

	wr_pressure_depth(&r->p, 0, 60);
	wr_pressure_depth(&r->p, conns, 900);
	assert_int_equal(rig_tick(r), 2);
	assert_int_equal(rig_event(r, WR_EV_level_change).queue, WR_Q_conns);
	assert_int_equal(r->p.own.cause, conns);
	wr_pressure_depth(&r->p, conns, 0);
	assert_int_equal(rig_run(r, 1000000), 2); // the other one is not below its low mark
	rig_destroy(r);
}

static void pressure_cause_is_fullest(void **state)
{
	struct rig *r = rig_create(64);

	for (uint16_t i = 0; i < 5; i++) {
		wr_pressure_add(&r->p, WR_Q_handoff, i, 100 * (i + 1ULL));
		wr_pressure_depth(&r->p, i, (i == 3 ? 99 : 90 + i) * (i + 1ULL));
	}
	rig_tick(r);
	assert_int_equal(r->p.own.cause, 3);
	rig_destroy(r);
}

static void pressure_gauge_ignored(void **state)
{
	const enum wr_queue_kind gauges[] = {WR_Q_events, WR_Q_cpu, WR_Q_clients, WR_Q_disorder};
	struct rig *r = rig_create(64);

	for (int i = 0; i < 4; i++) {
		wr_pressure_add(&r->p, gauges[i], 0, 10);
		wr_pressure_depth(&r->p, i, 10);
	}
	assert_int_equal(rig_run(r, 200000), 0);
	assert_int_equal(r->p.own.cause, UINT16_MAX);
	for (int i = 0; i < 4; i++)
		assert_int_equal(rig_find(r, WR_EV_queue_high).queue, gauges[i]);
	rig_destroy(r);
}

static void pressure_service_contained(void **state)
{
	struct rig *r = one_queue();
	int i = wr_pressure_add_service(&r->p, WR_Q_pending, 2, 2, 100); // 25, 50, 95
	struct wr_event ev;

	wr_pressure_depth(&r->p, i, 50);
	assert_int_equal(rig_tick(r), 0);
	ev = rig_event(r, WR_EV_service_level);
	assert_int_equal(ev.scope, 2);
	assert_int_equal(ev.level, 2);
	assert_int_equal(ev.extra, 0);
	assert_int_equal(ev.queue, WR_Q_pending);
	assert_int_equal(ev.depth, 50);
	assert_int_equal(r->p.service[2].cause, i);
	assert_int_equal(rig_run(r, 110000), 0);
	assert_int_equal(r->p.service[2].level, 3);
	wr_pressure_depth(&r->p, i, 100);
	assert_int_equal(rig_run(r, 10000), 0);
	assert_int_equal(r->p.service[2].level, 4);
	assert_int_equal(r->p.service[1].level + r->p.service[3].level, 0);
	wr_pressure_depth(&r->p, i, 0);
	rig_run(r, 2300000); // 1.85 s + 20 % at most
	assert_int_equal(r->p.service[2].level, 0);
	rig_destroy(r);
}

// The scope of the event is the service, whatever the queue's own scope is.
static void pressure_service_event_names_service(void **state)
{
	struct rig *r = rig_create(64);
	struct wr_event ev;

	wr_pressure_add_service(&r->p, WR_Q_backend_inflight, 77, 3, 100);
	wr_pressure_depth(&r->p, 0, 100);
	rig_tick(r);
	ev = rig_event(r, WR_EV_service_level);
	assert_int_equal(ev.scope, 3);
	assert_int_equal(ev.level, 4);
	assert_int_equal(ev.queue, WR_Q_backend_inflight);
	assert_int_equal(rig_find(r, WR_EV_queue_high).scope, 77);
	rig_destroy(r);
}

static void pressure_worker_spares_services(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_add_service(&r->p, WR_Q_pending, 0, 0, 100);
	wr_pressure_depth(&r->p, 0, 100);
	assert_int_equal(rig_run(r, 5000), 4);
	assert_int_equal(r->p.service[0].level, 0);
	rig_destroy(r);
}

static void pressure_forced_and_released(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_force(&r->p, WR_PRESSURE_WORKER, 4);
	assert_int_equal(rig_tick(r), 4);
	assert_int_equal(rig_event(r, WR_EV_level_change).queue, UINT16_MAX);
	assert_int_equal(rig_run(r, 3000000), 4);
	wr_pressure_force(&r->p, WR_PRESSURE_WORKER, -1);
	assert_int_equal(rig_run(r, r->p.own.dwell_us - 1000), 4);
	assert_int_equal(rig_run(r, 3000), 3);
	wr_pressure_force(&r->p, WR_PRESSURE_WORKER, 0);
	wr_pressure_depth(&r->p, 0, 100);
	assert_int_equal(rig_tick(r), 0);
	wr_pressure_force(&r->p, WR_PRESSURE_WORKER, 200);
	assert_int_equal(rig_tick(r), 4);
	rig_destroy(r);
}

static void pressure_forced_one_domain(void **state)
{
	struct rig *r = one_queue();

	wr_pressure_force(&r->p, 1, 3);
	wr_pressure_force(&r->p, 4, 2);    // there is no such service
	wr_pressure_force(&r->p, 6000, 2); // nor this one
	assert_int_equal(rig_tick(r), 0);
	assert_int_equal(r->p.service[1].level, 3);
	assert_int_equal(rig_event(r, WR_EV_service_level).scope, 1);
	rig_no_event(r);
	wr_pressure_force(&r->p, 1, -1);
	rig_run(r, 1100000);
	assert_int_equal(r->p.service[1].level, 0);
	rig_destroy(r);
}

// The same seed gives workers dwells of their own.
static void pressure_workers_not_in_step(void **state)
{
	struct rig *a = one_queue(), *b = one_queue();

	wr_pressure_init(
		&b->p, &(struct wr_pressure_config){.worker = 4, .seed = 1}, b->ring, &b->stats);
	wr_pressure_force(&a->p, WR_PRESSURE_WORKER, 4);
	wr_pressure_force(&b->p, WR_PRESSURE_WORKER, 4);
	rig_tick(a);
	rig_tick(b);
	assert_int_not_equal(a->p.own.dwell_us, b->p.own.dwell_us);
	rig_destroy(a);
	rig_destroy(b);
}

static void overcommit_by_level(void **state)
{
	const uint32_t k[] = {4, 3, 2, 1, 1, 1};

	for (uint8_t level = 0; level < 6; level++)
		assert_int_equal(wr_pressure_overcommit(level), k[level]);
}

// Random depths and refusals on eight queues; the rules hold at every tick, and the events account
// for everything.
struct history {
	uint64_t told[8], refused[8], above_ms[8];
	wr_us_t last_full_us[8], last_down_us;
	uint32_t mark[8], warned[8];
	uint8_t level;
	bool low_before;
};

static void take_level(struct history *h, const struct wr_event *ev)
{
	static const wr_us_t dwell[] = {0, 80000, 200000, 400000, 800000}; // 80 %

	assert_int_equal(ev->extra, h->level);
	assert_int_not_equal(ev->level, h->level);
	if (ev->level < h->level) {
		assert_int_equal(ev->level + 1, h->level);
		assert_true(ev->at_us - h->last_down_us >= dwell[h->level]);
	}
	h->last_down_us = ev->at_us;
	h->level = (uint8_t)ev->level;
}

static void take_events(struct rig *r, struct history *h)
{
	struct wr_event ev;

	while (wr_event_pop(r->ring, &ev)) {
		switch (ev.kind) {
		case WR_EV_level_change:
			take_level(h, &ev);
			break;
		case WR_EV_works_queue_full:
			if (h->told[ev.scope])
				assert_true(ev.at_us - h->last_full_us[ev.scope] >= 100000);
			h->last_full_us[ev.scope] = ev.at_us;
			h->told[ev.scope] += ev.count;
			break;
		case WR_EV_queue_high:
			assert_int_equal(h->mark[ev.scope]++, 0);
			break;
		case WR_EV_queue_warning:
			h->warned[ev.scope]++;
			break;
		case WR_EV_queue_critical:
			assert_true(h->mark[ev.scope] >= 1);
			break;
		case WR_EV_queue_normal:
			assert_int_equal(h->mark[ev.scope]--, 1);
			h->above_ms[ev.scope] += ev.extra;
			break;
		default:
			fail_msg("unexpected event %u", ev.kind);
		}
	}
}

static void check_tick(struct rig *r, struct history *h, uint8_t level)
{
	bool low = false, high = false, critical = false;

	for (int i = 0; i < 8; i++) {
		low |= r->p.queue[i].depth >= r->p.queue[i].low;
		high |= r->p.queue[i].depth >= r->p.queue[i].high;
		critical |= r->p.queue[i].depth >= r->p.queue[i].critical;
	}
	if (critical)
		assert_int_equal(level, 4);
	if (high)
		assert_true(level >= 2);
	if (low && h->low_before)
		assert_true(level >= 1);
	if (low)
		assert_true(level >= h->level); // down only while all are calm
	h->low_before = low;
}

static void property_run(uint64_t seed)
{
	struct rig *r = rig_create(4096);
	static const enum wr_queue_kind kinds[8] = {WR_Q_rx_ring, WR_Q_lag, WR_Q_syn_hold,
		WR_Q_handoff, WR_Q_rx_pool, WR_Q_small_pool, WR_Q_conns, WR_Q_sessions};
	struct history h = {0};
	struct wr_rng rng;

	r->now = WR_US_PER_S;
	wr_rng_init(&rng, seed);
	for (uint16_t i = 0; i < 8; i++)
		wr_pressure_add(&r->p, kinds[i], i, 1 + wr_rng_below(&rng, 2000));
	for (int t = 0; t < 20000; t++) {
		// Busy and calm spells, so that every level is entered and left: from P4 down it
		// takes 2.2 s at most.
		bool busy = t % 4000 < 1000;

		for (int i = 0; i < 8; i++) {
			uint64_t capacity = r->p.queue[i].capacity, n = wr_rng_below(&rng, 50);

			if (busy && wr_rng_below(&rng, 20) == 0)
				wr_pressure_depth(
					&r->p, i, wr_rng_below(&rng, (uint32_t)capacity + 1));
			if (!busy)
				wr_pressure_depth(&r->p, i, 0);
			if (busy && n > 45) {
				wr_pressure_refuse(&r->p, i, n, WR_DROP_no_mbuf);
				h.refused[i] += n;
			}
		}
		check_tick(r, &h, rig_tick(r));
		take_events(r, &h);
		assert_int_equal(h.level, r->p.own.level);
	}
	assert_int_equal(h.level, 0);
	r->now += 100000;
	wr_pressure_flush(&r->p, r->now);
	take_events(r, &h);
	for (int i = 0; i < 8; i++) {
		assert_true(h.refused[i] > 0);
		assert_true(h.warned[i] > 0);
		assert_int_equal(h.told[i], h.refused[i]);
		assert_int_equal(h.above_ms[i] * 1000, r->p.queue[i].above_total_us);
	}
	assert_int_equal(r->stats.ctr[WR_CTR_events_lost], 0);
	rig_destroy(r);
}

static void pressure_property_random(void **state)
{
	for (uint64_t seed = 1; seed <= 10; seed++)
		property_run(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pressure_high_at_once),
		cmocka_unit_test(pressure_severe_when_high_stands),
		cmocka_unit_test(pressure_severe_by_queues_in_turn),
		cmocka_unit_test(pressure_severe_by_cut),
		cmocka_unit_test(pressure_critical_at_once),
		cmocka_unit_test(pressure_low_needs_two_ticks),
		cmocka_unit_test(pressure_tick_not_due),
		cmocka_unit_test(pressure_down_by_dwells),
		cmocka_unit_test(pressure_stays_between_marks),
		cmocka_unit_test(pressure_maximum_of_queues),
		cmocka_unit_test(pressure_cause_is_fullest),
		cmocka_unit_test(pressure_gauge_ignored),
		cmocka_unit_test(pressure_service_contained),
		cmocka_unit_test(pressure_service_event_names_service),
		cmocka_unit_test(pressure_worker_spares_services),
		cmocka_unit_test(pressure_forced_and_released),
		cmocka_unit_test(pressure_forced_one_domain),
		cmocka_unit_test(pressure_workers_not_in_step),
		cmocka_unit_test(overcommit_by_level),
		cmocka_unit_test(pressure_property_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

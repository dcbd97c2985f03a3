/* SPDX-License-Identifier: BSD-3-Clause */
#include "door_model.h"

// The door: verdicts, the ladder of refusals, orders; and the worker's gate proved on a core.

static struct wr_door *create(const struct wr_door_config *cfg)
{
	struct wr_door *d = wr_door_create(cfg, 0, SOCKET_ID_ANY);

	assert_non_null(d);
	return d;
}

static enum wr_door_verdict ask(struct wr_door *d, uint16_t service, uint8_t class, uint32_t client,
	wr_us_t now, enum wr_drop *why)
{
	struct wr_addr a = model_client(client);

	return wr_door_ask(d, service, class, &a, now, why);
}

static void tick(struct wr_door *d, wr_us_t lag, uint8_t level, wr_us_t now)
{
	static const struct wr_door_service none[WR_MAX_SERVICES];
	struct wr_door_signals s = {.lag_us = lag, .level = level};

	wr_door_tick(d, &s, none, now);
}

static void door_open_admits_all(void **state)
{
	struct wr_door *d = create(&model_config);
	const struct wr_gate *own = wr_door_gate(d, WR_DOOR_WORKER), *g = wr_door_gate(d, 0);
	struct wr_addr v6;
	enum wr_drop why = WR_DROP_no_mbuf;

	assert_int_equal(wr_addr_parse("2001:db8::7", &v6), 0);
	assert_int_equal(wr_door_ask(d, 0, 7, &v6, 1, &why), WR_DOOR_ADMIT);
	assert_int_equal(why, WR_DROP_NONE);
	for (uint32_t i = 0; i < 9999; i++)
		assert_int_equal(ask(d, 0, (uint8_t)(i % 10), i, i, &why), WR_DOOR_ADMIT);
	assert_int_equal(ask(d, WR_DOOR_WORKER, 0, 1, 1, &why), WR_DOOR_ADMIT); // of no service
	assert_int_equal(own->offered, 10001);
	assert_int_equal(own->admitted, 10001);
	assert_int_equal(g->offered, 10000);
	assert_int_equal(g->admitted, 10000);
	assert_false(own->limited || g->limited);
	assert_int_equal(own->rate_per_s, 0);
	assert_int_equal(own->cut, WR_DOOR_RANKS);
	assert_int_equal(wr_door_release(d, 17, 17, 5), 17); // nothing holds them any more
	wr_door_destroy(d);
	wr_door_destroy(NULL);
}

static void door_due_each_period(void **state)
{
	struct wr_door *d = create(&model_config);

	assert_false(wr_door_due(d, 9999));
	assert_true(wr_door_due(d, 10000));
	tick(d, 0, 0, 12000);
	assert_false(wr_door_due(d, 21999));
	assert_true(wr_door_due(d, 22000));
	tick(d, 0, 0, 12000); // no time has passed
	wr_door_destroy(d);
}

static void door_order_of_service_and_all(void **state)
{
	struct wr_door_config cfg = model_config;
	struct wr_door *d;
	enum wr_drop why;

	cfg.services = 2;
	cfg.drop[1] = true;
	d = create(&cfg);
	wr_door_order(d, 0, 5);
	assert_int_equal(wr_door_ordered(d, 0), 5);
	assert_int_equal(wr_door_ordered(d, 1), WR_CLASSES);
	assert_int_equal(ask(d, 0, 5, 1, 1, &why), WR_DOOR_RESET);
	assert_int_equal(why, WR_DROP_syn_operator);
	assert_int_equal(ask(d, 0, 4, 1, 1, &why), WR_DOOR_ADMIT);
	assert_int_equal(ask(d, 1, 5, 1, 1, &why), WR_DOOR_ADMIT);
	wr_door_order(d, WR_DOOR_WORKER, 1);
	assert_int_equal(ask(d, 1, 1, 1, 1, &why), WR_DOOR_DROP); // its refusals are silent
	assert_int_equal(why, WR_DROP_syn_operator);
	assert_int_equal(ask(d, 0, 0, 1, 1, &why), WR_DOOR_ADMIT);
	assert_int_equal(wr_door_gate(d, 0)->refused_of[5], 1);
	assert_int_equal(wr_door_gate(d, WR_DOOR_WORKER)->refused_of[1], 1);
	wr_door_order(d, WR_DOOR_WORKER, WR_CLASSES);
	wr_door_order(d, 0, 200);
	assert_int_equal(wr_door_ordered(d, 0), WR_CLASSES);
	assert_int_equal(ask(d, 0, 7, 1, 1, &why), WR_DOOR_ADMIT);
	for (wr_us_t t = 10000; t <= 300000; t += 10000)
		tick(d, 0, 0, t);
	assert_int_equal(wr_door_gate(d, 0)->cut_permille, 0); // an order is no cut
	wr_door_destroy(d);
}

static void door_ladder_resets_then_drops(void **state)
{
	struct wr_door *d = create(&model_config);
	uint32_t resets = 0;

	// 1000 a second: a tenth of a second's worth at once, then as they come.
	for (uint32_t i = 0; i < 500; i++)
		resets += wr_door_refuse(d, 0, 1) == WR_DOOR_RESET;
	assert_int_equal(resets, 100);
	for (wr_us_t t = 2000; t <= 101000; t += 100)
		resets += wr_door_refuse(d, WR_DOOR_WORKER, t) == WR_DOOR_RESET;
	assert_in_range(resets, 200, 201);
	assert_int_equal(wr_door_refuse(d, 0, 3600 * WR_US_PER_S), WR_DOOR_RESET);
	wr_door_destroy(d);
}

static void door_ladder_without_budget(void **state)
{
	struct wr_door_config cfg = model_config;
	struct wr_door *d;

	cfg.resets_per_s = 0;
	d = create(&cfg);
	assert_int_equal(wr_door_refuse(d, 0, 1), WR_DOOR_DROP);
	tick(d, 0, 0, 100000);
	assert_true(wr_door_early(d));
	tick(d, 0, 0, 200000);
	assert_false(wr_door_early(d));
	wr_door_destroy(d);
}

static void door_early_with_hysteresis(void **state)
{
	static const struct {
		uint32_t refusals; // of a period whose budget is 100
		bool early;
	} step[] = {{100, false}, {101, true}, {70, true}, {51, true}, {50, false}, {99, false}};
	struct wr_door *d = create(&model_config);
	wr_us_t now = 0;

	for (uint32_t i = 0; i < RTE_DIM(step); i++) {
		for (uint32_t n = 0; n < step[i].refusals; n++)
			wr_door_refuse(d, 0, now);
		for (uint32_t n = 0; n < 10; n++)
			tick(d, 0, 0, now += 10000);
		assert_int_equal(wr_door_early(d), step[i].early);
	}
	wr_door_destroy(d);
}

// Requests that find no token are held, in order of class and bucket, and released at the rate.
static void door_hold_and_release_at_rate(void **state)
{
	struct wr_door *d = create(&model_config);
	const struct wr_gate *own = wr_door_gate(d, WR_DOOR_WORKER);
	uint32_t held = 0, released = 0;
	enum wr_drop why;
	wr_us_t now = 0;

	for (; now < 2000000; now += 10000) {
		for (uint32_t i = 0; i < 40; i++)
			assert_int_equal(ask(d, 0, 4, i, now, &why), WR_DOOR_ADMIT);
		tick(d, 0, 0, now);
	}
	tick(d, 20000, 0, now);
	assert_true(own->limited);
	assert_int_equal(own->limited_since_us, now);
	assert_in_range(own->rate_per_s, 2400, 3200); // 4000 a second, and the brake at 4 targets
	tick(d, 0, 0, now += 10000);
	assert_in_range(own->rate_per_s, 3920, 4080);
	for (uint32_t i = 0; i < 240; i++)
		held += ask(d, 0, 4, i, now, &why) == WR_DOOR_HOLD;
	assert_in_range(held, 200, 240);
	assert_int_equal(own->held, held);
	assert_int_equal(ask(d, 0, 0, 1, now, &why), WR_DOOR_HOLD); // the others were first
	for (uint32_t i = 0; i < 20; i++)
		released += wr_door_release(d, held - released, UINT32_MAX, now += 1000);
	assert_in_range(released, 72, 84);
	assert_int_equal(own->offered, own->admitted + held + 1 - released);
	wr_door_destroy(d);
}

static void door_hour_rotates_places(void **state)
{
	struct wr_door_config cfg = model_config;
	struct wr_door *d;
	uint32_t first = 0, second = 0, both = 0;
	enum wr_drop why;
	bool in[1000];

	// A service that completes nothing lets in whom its cut leaves room for.
	cfg.services = 1;
	cfg.resets_per_s = 1000000;
	d = create(&cfg);
	for (int hour = 0; hour < 2; hour++) {
		wr_us_t now = hour * 3600 * WR_US_PER_S + 10000;
		struct wr_door_signals s = {0};
		struct wr_door_service sv = {
			.pending = 40, .waits = true, .completed = hour * 5000};

		for (uint32_t n = 0; n < 300; n++, now += 10000) {
			sv.completed += 5;
			for (uint32_t i = 0; i < 10; i++)
				ask(d, 0, 4, n % 100 * 10 + i, now, &why);
			wr_door_tick(d, &s, &sv, now);
		}
		assert_in_range(wr_door_gate(d, 0)->cut, 4 * 128 + 40, 4 * 128 + 90);
		for (uint32_t i = 0; i < 1000; i++) {
			bool yes = ask(d, 0, 4, i, now, &why) == WR_DOOR_ADMIT;

			first += hour == 0 && yes;
			second += hour == 1 && yes;
			both += hour == 1 && yes && in[i];
			in[i] = yes;
		}
	}
	assert_in_range(first, 300, 700);
	assert_in_range(second, 300, 700);
	assert_true(both < 0.75 * first); // chance: half of them
	wr_door_destroy(d);
}

// --- the worker's gate on a core ---

static const double rtts[] = {100, 10000, 100000};

static void core_keeps_goodput(void **state)
{
	static const double loads[] = {0.5, 1, 2, 10};

	for (uint32_t r = 0; r < RTE_DIM(rtts); r++) {
		for (uint32_t l = 0; l < RTE_DIM(loads); l++) {
			struct model_core *m = model_core_create(rtts[r], 0.7, 1);
			double share;

			model_run(m, 5e5);
			m->offered_per_s = loads[l] * 20000;
			model_run(m, 1.5e6);
			model_forget(m);
			model_run(m, 1e6);
			share = (double)m->served / model_best(m, 1e6);
			print_message("rtt %g us, load %g: %.3f of the best, wait %.1f ms, hold "
				      "%.1f ms\n",
				rtts[r], loads[l], share, m->longest_wait / 1e3,
				m->longest_hold / 1e3);
			assert_true(share >= 0.95);
			assert_int_equal(m->expired, 0);
			if (loads[l] <= 1)
				assert_int_equal(m->refused, 0);
			model_core_destroy(m);
		}
	}
}

// Sessions that stay tell nothing of capacity: the queues alone steer.
static void core_sessions_that_stay(void **state)
{
	struct model_core *m = model_core_create(10000, 0.7, 1);
	double share;

	m->stays = true;
	model_run(m, 5e5);
	m->offered_per_s = 40000;
	model_run(m, 1.5e6);
	model_forget(m);
	model_run(m, 2e6);
	share = (double)m->served / model_best(m, 2e6);
	print_message("load 2, no session ends: %.3f of the best\n", share);
	assert_true(share >= 0.93);
	model_core_destroy(m);
}

static void core_steady_rate(void **state)
{
	struct model_core *m = model_core_create(100, 2, 1);
	const struct wr_gate *g = wr_door_gate(m->door, WR_DOOR_WORKER);
	double sum = 0, squares = 0, mean, variance;

	model_run(m, 1e6);
	for (uint32_t i = 0; i < 20; i++) {
		uint64_t before = g->admitted;
		double n;

		model_run(m, 1e5);
		n = (double)(g->admitted - before);
		sum += n;
		squares += n * n;
	}
	mean = sum / 20;
	variance = squares / 20 - mean * mean;
	print_message("load 2, admitted in bins of 100 ms: %.0f, variance %.0f\n", mean, variance);
	assert_true(variance <= 0.05 * mean * 0.05 * mean);
	model_core_destroy(m);
}

static void core_step_up_and_down(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct model_core *m = model_core_create(100, 0.7, seed);
		double back;

		model_run(m, 5e5);
		m->offered_per_s = 28000;
		model_forget(m);
		model_run(m, 1e6);
		back = m->wait_back - m->wait_above_since;
		print_message("step up: wait %.1f ms, back in %.1f ms\n", m->longest_wait / 1e3,
			back / 1e3);
		assert_true(m->wait_above_since > 0 && m->wait_back > 0);
		assert_true(back <= 50000);
		m->offered_per_s = 14000;
		model_run(m, 5e5);
		model_forget(m);
		model_run(m, 1e6);
		assert_int_equal(m->refused + m->expired + m->held_count, 0);
		assert_false(wr_door_gate(m->door, WR_DOOR_WORKER)->limited);
		model_core_destroy(m);
	}
}

static void core_burst_is_held(void **state)
{
	for (uint32_t r = 0; r < RTE_DIM(rtts); r++) {
		struct model_core *m = model_core_create(rtts[r], 0.6, 5);

		model_run(m, 1e6);
		m->offered_per_s = 36000;
		model_run(m, 50000);
		m->offered_per_s = 12000;
		model_run(m, 1e6);
		print_message("burst, rtt %g us: hold %.1f ms\n", rtts[r], m->longest_hold / 1e3);
		assert_int_equal(m->refused + m->expired, 0);
		assert_true(m->longest_hold <= 300000);
		model_core_destroy(m);
	}
}

static void core_pause_of_host_refuses_nobody(void **state)
{
	for (uint32_t r = 0; r < RTE_DIM(rtts); r++) {
		struct model_core *m = model_core_create(rtts[r], 0.6, 5);

		model_run(m, 1e6);
		for (uint32_t i = 0; i < 4; i++) {
			m->stall_at = m->now;
			m->stall_us = i < 3 ? 20000 : 60000;
			model_run(m, 4e5);
		}
		assert_true(m->longest_wait >= 20000);
		assert_int_equal(m->refused + m->expired, 0);
		model_core_destroy(m);
	}
}

static void core_below_90_percent_refuses_nobody(void **state)
{
	for (uint32_t r = 0; r < RTE_DIM(rtts); r++) {
		struct model_core *m = model_core_create(rtts[r], 0.89, 3);

		model_run(m, 4e6);
		assert_true(m->offered > 70000);
		assert_int_equal(m->refused + m->expired, 0);
		assert_true(m->longest_hold < 20000);
		model_core_destroy(m);
	}
}

// Everybody behind one address: one bucket, let in at the rate and not all or nothing.
static void core_one_client(void **state)
{
	for (uint32_t r = 0; r < RTE_DIM(rtts); r++) {
		struct model_core *m = model_core_create(rtts[r], 2, 1);
		double share;

		m->clients = 1;
		model_run(m, 3e6);
		model_forget(m);
		model_run(m, 2e6);
		share = (double)m->served / model_best(m, 2e6);
		print_message("one client, rtt %g us: %.3f of the best\n", rtts[r], share);
		assert_true(share >= 0.95);
		assert_true(m->refused > 30000);
		model_core_destroy(m);
	}
}

static uint8_t mostly_worst(struct wr_rng *rng)
{
	return wr_rng_below(rng, 20) == 0 ? 0 : 7;
}

static void core_best_class_is_served(void **state)
{
	struct model_core *m = model_core_create(10000, 10, 1);

	m->class_of = mostly_worst;
	model_run(m, 1e6);
	model_forget(m);
	model_run(m, 1e6);
	print_message("best class at load 10: %lu of %lu\n", m->served_of[0], m->offered_of[0]);
	assert_true((double)m->served_of[0] >= 0.99 * (double)m->offered_of[0]);
	assert_true(wr_door_gate(m->door, WR_DOOR_WORKER)->cut_permille > 850);
	assert_true(wr_door_early(m->door));
	model_core_destroy(m);
}

// A load that begins while the host pauses now and then: the core has time to spare, so the limit
// that a pause led to gives way before anybody is refused.
static void core_pauses_while_load_begins(void **state)
{
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct model_core *m = model_core_create(100, 0.5, seed);

		m->stall_us = 8000;
		m->stall_at = 20000;
		m->stall_every = 150000;
		model_run(m, 2e6);
		print_message("pauses of 8 ms: %lu of %lu refused, %lu gone\n", m->refused,
			m->offered, m->expired);
		assert_true(m->refused + m->expired <= m->offered / 1000);
		model_core_destroy(m);
	}
}

// Leaving P3: the rate restarts at what completes, and climbs by a tenth in 100 ms.
static void core_leaves_p3_slowly(void **state)
{
	struct model_core *m = model_core_create(100, 0.3, 1);
	const struct wr_gate *g = wr_door_gate(m->door, WR_DOOR_WORKER);
	uint64_t rate;

	model_run(m, 1e6);
	m->level = 3;
	model_run(m, 20000);
	assert_false(g->limited);
	m->level = 2;
	m->offered_per_s = 18000;
	model_run(m, 20000);
	assert_true(g->limited);
	assert_in_range(g->rate_per_s, 5500, 7000);
	rate = g->rate_per_s;
	model_run(m, 100000);
	assert_in_range(g->rate_per_s, rate * 108 / 100, rate * 112 / 100);
	model_run(m, 3e6);
	assert_false(g->limited);
	model_core_destroy(m);
}

static int setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(door_open_admits_all),
		cmocka_unit_test(door_due_each_period),
		cmocka_unit_test(door_order_of_service_and_all),
		cmocka_unit_test(door_ladder_resets_then_drops),
		cmocka_unit_test(door_ladder_without_budget),
		cmocka_unit_test(door_early_with_hysteresis),
		cmocka_unit_test(door_hold_and_release_at_rate),
		cmocka_unit_test(door_hour_rotates_places),
		cmocka_unit_test(core_keeps_goodput),
		cmocka_unit_test(core_sessions_that_stay),
		cmocka_unit_test(core_steady_rate),
		cmocka_unit_test(core_step_up_and_down),
		cmocka_unit_test(core_burst_is_held),
		cmocka_unit_test(core_pause_of_host_refuses_nobody),
		cmocka_unit_test(core_below_90_percent_refuses_nobody),
		cmocka_unit_test(core_one_client),
		cmocka_unit_test(core_best_class_is_served),
		cmocka_unit_test(core_pauses_while_load_begins),
		cmocka_unit_test(core_leaves_p3_slowly),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

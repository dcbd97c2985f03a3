/* SPDX-License-Identifier: BSD-3-Clause */
#include "door_model.h"

#include "gate.h"

// One gate by itself: tokens, cut, when it limits and opens; and the gate of a service proved on
// backends.

#define MS WR_US_PER_MS

static struct gate *make(wr_us_t target)
{
	struct gate *g = malloc(sizeof(*g));

	assert_non_null(g);
	gate_init(g, target, 0, 0);
	return g;
}

// A limited gate with a rate, as a controller leaves it.
static struct gate *make_limited(uint64_t rate, uint16_t cut)
{
	struct gate *g = make(5 * MS);

	g->pub.limited = true;
	g->pub.rate_per_s = rate;
	g->pub.cut = cut;
	return g;
}

static void gate_tokens_at_rate(void **state)
{
	struct gate *g = make_limited(1000, WR_DOOR_RANKS);
	uint32_t n = 0;

	for (wr_us_t t = 0; t < WR_US_PER_S; t += 100) {
		if (gate_judge(g, 0, t) == WR_DOOR_ADMIT) {
			gate_admit(g, 1);
			n++;
		}
	}
	assert_in_range(n, 998, 1000);
	// What is saved up is bounded, and a long time does not overflow.
	gate_refill(g, 365 * 86400 * WR_US_PER_S);
	assert_int_equal(g->tokens / GATE_TOKEN, 10);
	gate_refill(g, 5); // the clock of another burst
	assert_int_equal(g->tokens / GATE_TOKEN, 10);
	free(g);
}

static void gate_tokens_of_slow_rate(void **state)
{
	struct gate *g = make_limited(5, WR_DOOR_RANKS);

	assert_int_equal(gate_judge(g, 0, 199 * MS), WR_DOOR_HOLD);
	assert_int_equal(gate_judge(g, 0, 200 * MS), WR_DOOR_ADMIT);
	gate_refill(g, 10 * WR_US_PER_S);
	assert_int_equal(g->tokens, 2 * GATE_TOKEN);
	for (uint32_t i = 0; i < 100; i++)
		gate_admit(g, 1);
	assert_int_equal(g->tokens, -2 * GATE_TOKEN); // and so is what is owed
	free(g);
}

static void gate_judge_by_rank(void **state)
{
	struct gate *g = make_limited(1000, 300);

	assert_int_equal(gate_judge(g, 299, 0), WR_DOOR_HOLD);
	assert_int_equal(gate_judge(g, 300, 0), WR_DOOR_DROP);
	assert_int_equal(gate_judge(g, 301, 0), WR_DOOR_DROP);
	assert_int_equal(gate_judge(g, 299, 5 * MS), WR_DOOR_ADMIT);
	assert_int_equal(gate_judge(g, 300, 5 * MS), WR_DOOR_ADMIT); // a token is left
	assert_int_equal(gate_judge(g, 301, 5 * MS), WR_DOOR_DROP);
	g->held_now = 1; // who is held was first
	assert_int_equal(gate_judge(g, 299, 5 * MS), WR_DOOR_HOLD);
	assert_int_equal(gate_judge(g, 300, 5 * MS), WR_DOOR_DROP);
	free(g);
}

static void gate_cut_where_demand_exceeds(void **state)
{
	struct gate *g = make_limited(1000, WR_DOOR_RANKS);

	// Each rank of classes 0 and 1 asks for 50 a second; 1000 fit: the first 20 ranks.
	g->cutting = true;
	g->cut_rate = 1000;
	for (uint32_t period = 1; period <= 30; period++) {
		for (uint16_t r = 0; r < 256; r++) {
			for (uint32_t n = 0; n < 5; n++)
				gate_offer(g, r);
		}
		gate_tick_cut(g, period * WR_DOOR_CUT_US);
		assert_in_range(g->pub.cut, 19, 20);
	}
	// A third of the demand goes away: the cut follows in a few periods.
	for (uint32_t period = 31; period <= 40; period++) {
		for (uint16_t r = 0; r < 256; r += 3) {
			for (uint32_t n = 0; n < 5; n++)
				gate_offer(g, r);
		}
		gate_tick_cut(g, period * WR_DOOR_CUT_US);
	}
	assert_in_range(g->pub.cut, 57, 61);
	free(g);
}

static void gate_cut_of_few(void **state)
{
	struct gate *g = make_limited(5, WR_DOOR_RANKS);
	struct wr_rng rng;
	uint32_t sum = 0;

	// Ten a second over all buckets of a class where 5 fit: half of the buckets, on average.
	wr_rng_init(&rng, 1);
	g->cutting = true;
	g->cut_rate = 5;
	for (uint32_t period = 1; period <= 3000; period++) {
		gate_offer(g, (uint16_t)wr_rng_below(&rng, 128));
		gate_tick_cut(g, period * WR_DOOR_CUT_US);
		if (period > 1000)
			sum += g->pub.cut;
	}
	assert_in_range(sum / 2000, 57, 71);
	free(g);
}

static void gate_cut_share_and_rest(void **state)
{
	struct gate *g = make_limited(1000, WR_DOOR_RANKS);

	for (uint32_t period = 1; period <= 5; period++) {
		for (uint32_t n = 0; n < 1000; n++) {
			gate_offer(g, 7);
			if (n % 4 == 0)
				gate_refuse(g, 0, true);
		}
		gate_tick_cut(g, period * WR_DOOR_CUT_US);
		assert_int_equal(g->pub.cut_permille, 250);
	}
	assert_int_equal(g->pub.refused_of[0], 1250);
	assert_int_equal(g->pub.refused_limited, 1250);
	// Nobody comes for an hour: all is forgotten.
	for (uint32_t period = 6; period < 36000; period++)
		gate_tick_cut(g, period * WR_DOOR_CUT_US);
	assert_int_equal(g->pub.cut_permille, 0);
	assert_true(g->window == 0);
	free(g);
}

static void gate_shuffle_keeps_classes(void **state)
{
	struct gate *g = make(5 * MS);
	float sum = 0;

	for (uint32_t n = 0; n < 640; n++)
		gate_offer(g, 2 * WR_DOOR_BUCKETS + 5);
	gate_shuffle(g);
	for (uint32_t b = 0; b < WR_DOOR_BUCKETS; b++) {
		assert_true(g->aged[2 * WR_DOOR_BUCKETS + b] == 5);
		sum += g->aged[2 * WR_DOOR_BUCKETS + b];
	}
	assert_true(sum == 640);
	assert_int_equal(g->demand[2 * WR_DOOR_BUCKETS + 5], 0);
	free(g);
}

static void tick_service(struct gate *g, uint32_t pending, bool waits, uint64_t *completed,
	uint32_t ticks, wr_us_t *now)
{
	for (uint32_t i = 0; i < ticks; i++) {
		struct wr_door_service s = {.pending = pending, .waits = waits};

		s.completed = *completed += 10;
		*now += 10 * MS;
		gate_tick_service(g, &s, 10 * MS, *now);
	}
}

static void gate_service_limits_and_opens(void **state)
{
	struct gate *g = make(50 * MS);
	uint64_t completed = 0;
	wr_us_t now = 0;

	tick_service(g, 0, false, &completed, 300, &now); // 1000 a second: 50 in the target
	assert_in_range(g->pub.completed_per_s, 990, 1000);
	tick_service(g, 50, true, &completed, 1, &now);
	assert_false(g->pub.limited);
	tick_service(g, 52, false, &completed, 1, &now);
	assert_false(g->pub.limited);
	tick_service(g, 52, true, &completed, 1, &now);
	assert_true(g->pub.limited);
	assert_int_equal(g->pub.limited_since_us, now);
	assert_in_range(g->pub.rate_per_s, 710, 750); // 1000 + (25 - 52) / 0.1
	tick_service(g, 500, true, &completed, 1, &now);
	assert_int_equal(g->pub.rate_per_s, 1);
	tick_service(g, 0, true, &completed, 1, &now);
	assert_in_range(g->pub.rate_per_s, 1230, 1260);
	tick_service(g, 0, false, &completed, 50, &now);
	assert_true(g->pub.limited);
	assert_true(g->pub.rate_per_s > 100000); // backends have room
	tick_service(g, 0, false, &completed, 1, &now);
	assert_false(g->pub.limited);
	assert_int_equal(g->pub.rate_per_s, 0);
	assert_int_equal(g->pub.cut, WR_DOOR_RANKS);
	free(g);
}

static void gate_worker_opens_after_a_second(void **state)
{
	struct gate *g = make(5 * MS);
	struct wr_door_signals s = {.lag_us = 6 * MS};
	wr_us_t now = 10 * MS;

	g->hold_us = 300 * MS;
	g->hold_requests = 4096;
	gate_tick_worker(g, &s, 10 * MS, now);
	assert_true(g->pub.limited);
	assert_true(g->pub.rate_per_s >= 19); // somebody is always let in
	s.lag_us = 0;
	while (now < 1010 * MS) {
		assert_true(g->pub.limited);
		gate_tick_worker(g, &s, 10 * MS, now += 10 * MS);
	}
	gate_tick_worker(g, &s, 10 * MS, now += 10 * MS);
	assert_false(g->pub.limited);
	free(g);
}

// --- the gate of a service before its backends ---

static uint8_t mostly_worst(struct wr_rng *rng)
{
	return wr_rng_below(rng, 20) == 0 ? 0 : 7;
}

struct service_case {
	uint32_t places;
	double stay_us;
	wr_us_t target;
	double load, warm_us, run_us;
	double busy,
		best; // at least: share of time that places are used; of class 0 that is served
};

static void check_service(const struct service_case *c)
{
	struct model_service *m = model_service_create(c->places, c->stay_us, c->load, c->target);
	double busy, best, start;

	m->class_of = mostly_worst;
	model_service_run(m, c->warm_us);
	model_service_forget(m);
	start = m->now;
	model_service_run(m, c->run_us);
	busy = m->used_us / (m->now - start) / c->places;
	best = (double)m->served_of[0] / (double)RTE_MAX(m->offered_of[0], 1u);
	print_message(
		"%u places of %g ms, load %g: busy %.3f, class 0 %.3f, pending %.1f, %lu refused, "
		"%lu gone of %lu\n",
		c->places, c->stay_us / 1e3, c->load, busy, best, m->pending_us / (m->now - start),
		m->refused, m->gone, m->offered);
	assert_true(busy >= c->busy);
	assert_true(best >= c->best);
	if (c->load < 0.7)
		assert_int_equal(m->refused, 0);
	model_service_destroy(m);
}

static void service_keeps_backends_busy(void **state)
{
	static const struct service_case cases[] = {
		{24, 20000, 50000, 0.6, 1e6, 5e6, 0.57, 0.995},
		{24, 20000, 50000, 2, 2e6, 5e6, 0.97, 0.995},
		{24, 20000, 50000, 10, 2e6, 5e6, 0.97, 0.995},
		{4, 1e7, 20000000, 2, 3e8, 3e9, 0.97, 0.9},
		{4, 1e7, 20000000, 10, 3e8, 3e9, 0.97, 0.9},
		// Nobody waits long enough for a place here: what Erlang's formula B says of 8 and
	        // 40 erlangs on 4 places, 0.85 and 0.97, is all there is.
		{4, 1e7, 50000, 2, 6e7, 1e9, 0.83, 0},
		{4, 1e7, 50000, 10, 6e7, 1e9, 0.95, 0},
	};

	for (uint32_t i = 0; i < RTE_DIM(cases); i++)
		check_service(&cases[i]);
}

// Sessions that never end: a few at a time are let in to wait, the rest is refused.
static void service_without_completions(void **state)
{
	struct model_service *m = model_service_create(8, 1e15, 1, 50000);

	m->offered_per_s = 100;
	model_service_run(m, 5e6);
	model_service_forget(m);
	model_service_run(m, 6e7);
	print_message(
		"no session ends: %lu refused, %lu gone of %lu\n", m->refused, m->gone, m->offered);
	assert_int_equal(m->served, 0);
	assert_true(m->refused > m->offered / 2);
	assert_true(m->pending_us / 6e7 < 5);
	model_service_destroy(m);
}

// Backends stand still for 5 s: when they work again, so does the service.
static void service_recovers_from_stall(void **state)
{
	struct model_service *m = model_service_create(24, 20000, 0.85, 50000);
	uint64_t served;

	model_service_run(m, 3e6);
	for (uint32_t i = 0; i < m->used; i++)
		m->ends[i] += 5e6;
	m->stay_us = 1e12;
	model_service_run(m, 5e6);
	m->stay_us = 20000;
	for (uint32_t i = 0; i < m->used; i++)
		m->ends[i] = m->now + 1;
	model_service_run(m, 3e5);
	model_service_forget(m);
	model_service_run(m, 4e6);
	served = m->served;
	print_message("0.3 s after a stall: %lu of %lu served\n", served, m->offered);
	assert_true((double)served >= 0.98 * (double)m->offered);
	model_service_destroy(m);
}

static int setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gate_tokens_at_rate),
		cmocka_unit_test(gate_tokens_of_slow_rate),
		cmocka_unit_test(gate_judge_by_rank),
		cmocka_unit_test(gate_cut_where_demand_exceeds),
		cmocka_unit_test(gate_cut_of_few),
		cmocka_unit_test(gate_cut_share_and_rest),
		cmocka_unit_test(gate_shuffle_keeps_classes),
		cmocka_unit_test(gate_service_limits_and_opens),
		cmocka_unit_test(gate_worker_opens_after_a_second),
		cmocka_unit_test(service_keeps_backends_busy),
		cmocka_unit_test(service_without_completions),
		cmocka_unit_test(service_recovers_from_stall),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

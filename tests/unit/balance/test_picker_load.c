/* SPDX-License-Identifier: BSD-3-Clause */
#include "picker_test.h"

// Picks while sessions come and go: a worker's own sessions and those of the others, who begin and
// end at the same time.

#define SESSIONS 20000u

struct t_load {
	struct t_pool *t;
	struct wr_picker *p;
	struct wr_rng rng;
	uint32_t count;
	uint16_t at[4 * SESSIONS]; // backend of each session
};

static struct t_load *load_new(struct t_pool *t, enum wr_balance how, uint64_t seed)
{
	struct t_load *l = calloc(1, sizeof(*l));

	assert_non_null(l);
	l->t = t;
	l->p = t_build(t, how);
	wr_rng_init(&l->rng, seed);
	return l;
}

static void load_end(struct t_load *l)
{
	wr_picker_destroy(l->p);
	free(l->t);
	free(l);
}

// One in four is another worker's.
static uint32_t *load_side(struct t_load *l, uint32_t session)
{
	return session % 4 ? l->t->own : l->t->others;
}

static uint16_t load_begin(struct t_load *l, uint64_t hash)
{
	struct t_pool *t = l->t;
	uint16_t id = wr_picker_pick(l->p, &t->s, &t->turn, hash, 0);

	load_side(l, l->count)[id]++;
	l->at[l->count++] = id;
	t->s.sessions++;
	t->picked[id]++;
	return id;
}

// Most leave early, the longest stay thousands of times as long.
static void load_leave(struct t_load *l)
{
	uint32_t young = 1 + l->count / 8, last = l->count - 1;
	uint32_t i = wr_rng_below(&l->rng, 4) ? last - wr_rng_below(&l->rng, young)
	                                      : wr_rng_below(&l->rng, l->count);

	load_side(l, i)[l->at[i]]--;
	if (i != last) { // which takes its place
		load_side(l, last)[l->at[last]]--;
		l->at[i] = l->at[last];
		load_side(l, i)[l->at[i]]++;
	}
	l->count--;
	l->t->s.sessions--;
}

static uint32_t load_of(const struct t_pool *t, uint32_t i)
{
	return t->own[t->b[i].id] + t->others[t->b[i].id];
}

static void t_expect_levels(const struct t_load *l, double percent)
{
	for (uint32_t i = 0; i < l->t->n; i++)
		l->t->picked[l->t->b[i].id] = load_of(l->t, i);
	t_expect_shares(l->t, l->count, percent);
}

// --- bounded
// --------------------------------------------------------------------------------------

static uint64_t bound_of(const struct t_load *l, uint16_t weight, uint32_t percent)
{
	uint64_t all = 100ULL * t_weight(l->t);

	return (l->t->s.sessions * percent * weight + all - 1) / all;
}

static void expect_bounds(const struct t_load *l)
{
	for (uint32_t i = 0; i < l->t->n; i++)
		assert_true(load_of(l->t, i) <= bound_of(l, l->t->b[i].weight, 125));
}

// As many sessions all the time, half of them of three clients: nobody is ever above the bound.
static void bounded_never_above(void **state)
{
	struct t_pool *t = t_pool(50);
	struct t_load *l;

	for (uint32_t i = 0; i < t->n; i++)
		t->b[i].weight = (uint16_t)(1 + i % 4);
	l = load_new(t, WR_BALANCE_BOUNDED, 1);
	for (uint32_t i = 0; i < T_PICKS; i++) {
		uint64_t hash = wr_rng_next(&l->rng);
		uint16_t id;

		if (hash % 2)
			hash = (1 + hash % 3) * 0x9e3779b97f4a7c15ULL;
		if (l->count == 2000)
			load_leave(l);
		id = load_begin(l, hash);
		assert_true((uint64_t)t->own[id] + t->others[id] <=
			    bound_of(l, t->b[id - T_ID].weight, 125));
		if (i % 1000 == 0 && l->count == 2000)
			expect_bounds(l);
	}
	load_end(l);
}

// A number of sessions that rises and falls: whoever gets one is within the bound.
static void bounded_random_length(void **state)
{
	struct t_pool *t = t_pool(100);
	struct t_load *l = load_new(t, WR_BALANCE_BOUNDED, 2);

	for (uint32_t i = 0; i < T_PICKS; i++) {
		bool rising = i / 40000 % 2 == 0;
		uint16_t id = load_begin(l, wr_rng_next(&l->rng) >> 40 << 40);

		assert_true((uint64_t)t->own[id] + t->others[id] <= bound_of(l, 1, 125));
		for (uint32_t k = wr_rng_below(&l->rng, rising ? 2 : 4); k > 0 && l->count > 1; k--)
			load_leave(l);
	}
	load_end(l);
}

static void bounded_by_weight(void **state)
{
	struct t_pool *t = t_pool(8);
	struct t_load *l;

	for (uint32_t i = 0; i < t->n; i++)
		t->b[i].weight = (uint16_t)(1 + i % 3);
	l = load_new(t, WR_BALANCE_BOUNDED, 3);
	for (uint32_t i = 0; i < T_PICKS; i++) {
		if (l->count == SESSIONS)
			load_leave(l);
		load_begin(l, wr_rng_next(&l->rng));
	}
	t_expect_shares(t, T_PICKS, 1);
	load_end(l);
}

// Below its bound a backend keeps its keys, whatever the others hold.
static void bounded_stays_with_hash(void **state)
{
	struct t_pool *t = t_pool(10);
	struct wr_picker *p = t_build(t, WR_BALANCE_BOUNDED), *m = t_build(t, WR_BALANCE_MAGLEV);
	struct wr_rng rng;

	wr_rng_init(&rng, 4);
	t->s.sessions = 1000;
	for (uint32_t i = 0; i < t->n; i++)
		t->own[T_ID + i] = i == 0 ? 126 : 97;
	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t hash = wr_rng_next(&rng);
		uint16_t id = wr_picker_pick(m, &t->s, &t->turn, hash, 0);

		if (id == T_ID)
			assert_int_not_equal(wr_picker_pick(p, &t->s, &t->turn, hash, 0), T_ID);
		else
			assert_int_equal(wr_picker_pick(p, &t->s, &t->turn, hash, 0), id);
	}
	wr_picker_destroy(p);
	wr_picker_destroy(m);
	free(t);
}

// --- least
// ----------------------------------------------------------------------------------------

static void least_spread_at_most_one(void **state)
{
	const uint32_t ns[] = {2, 10, 64};

	for (uint32_t k = 0; k < 3; k++) {
		struct t_load *l = load_new(t_pool(ns[k]), WR_BALANCE_LEAST, 5);
		uint32_t most = 0, least_count = ns[k], least = 0;

		for (uint32_t i = 0; i < SESSIONS; i++) {
			uint16_t id = load_begin(l, wr_rng_next(&l->rng));
			uint32_t now = l->t->own[id] + l->t->others[id];

			most = now > most ? now : most;
			if (now == least + 1 && --least_count == 0) {
				least++;
				least_count = ns[k];
				for (uint32_t j = 0; j < ns[k]; j++)
					least_count -= load_of(l->t, j) > least;
			}
			assert_true(most <= least + 1);
		}
		load_end(l);
	}
}

// More than are looked at: 64 of a thousand are enough.
static void least_many_backends(void **state)
{
	struct t_load *l = load_new(t_pool(1000), WR_BALANCE_LEAST, 6);
	uint32_t most = 0, least = UINT32_MAX;

	for (uint32_t i = 0; i < SESSIONS; i++)
		load_begin(l, wr_rng_next(&l->rng));
	for (uint32_t i = 0; i < l->t->n; i++) {
		most = load_of(l->t, i) > most ? load_of(l->t, i) : most;
		least = load_of(l->t, i) < least ? load_of(l->t, i) : least;
	}
	assert_true(most <= 21 && least >= 19);
	load_end(l);
}

static void least_by_weight_steady(void **state)
{
	const uint16_t weights[] = {1, 2, 3, 10, 50, 100, 256};
	struct t_pool *t = t_pool(7);
	struct t_load *l;

	for (uint32_t i = 0; i < t->n; i++)
		t->b[i].weight = weights[i];
	l = load_new(t, WR_BALANCE_LEAST, 7);
	for (uint32_t i = 0; i < T_PICKS; i++) {
		if (l->count == 3 * SESSIONS)
			load_leave(l);
		load_begin(l, wr_rng_next(&l->rng));
	}
	t_expect_levels(l, 1);
	load_end(l);
}

static void least_heaviest_first(void **state)
{
	struct t_pool *t = t_pool(3);
	struct t_load *l;

	t->b[1].weight = 10;
	l = load_new(t, WR_BALANCE_LEAST, 8);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(load_begin(l, wr_rng_next(&l->rng)), T_ID + 1);
	load_end(l);
}

// Attempts go through the least loaded ones in order.
static void least_attempts_in_order(void **state)
{
	struct t_pool *t = t_pool(5);
	struct wr_picker *p = t_build(t, WR_BALANCE_LEAST);
	struct wr_rng rng;

	wr_rng_init(&rng, 9);
	for (uint32_t i = 0; i < t->n; i++)
		t->own[T_ID + i] = 10 - i;
	for (uint32_t i = 0; i < 1000; i++) {
		uint64_t hash = wr_rng_next(&rng);

		for (uint32_t a = 0; a < 4; a++)
			assert_int_equal(wr_picker_pick(p, &t->s, &t->turn, hash, a), T_ID + 4 - a);
	}
	wr_picker_destroy(p);
	free(t);
}

// --- two choices
// ----------------------------------------------------------------------------------

static uint32_t most_above_mean(enum wr_balance how, uint32_t n)
{
	struct t_load *l = load_new(t_pool(n), how, 10);
	uint32_t most = 0;

	for (uint32_t i = 0; i < 4 * SESSIONS; i++)
		load_begin(l, wr_rng_next(&l->rng));
	for (uint32_t i = 0; i < n; i++)
		most = load_of(l->t, i) > most ? load_of(l->t, i) : most;
	load_end(l);
	return most - 4 * SESSIONS / n;
}

// Random: sqrt(2 m ln n / n) above the mean, 33 here; two choices: ln ln n / ln 2, 3 (Azar et al.).
static void two_choices_below_random(void **state)
{
	assert_true(most_above_mean(WR_BALANCE_MAGLEV, 1000) > 20);
	assert_true(most_above_mean(WR_BALANCE_TWO_CHOICES, 1000) <= 5);
}

static void two_choices_by_weight(void **state)
{
	struct t_pool *t = t_pool(6);
	struct t_load *l;

	for (uint32_t i = 0; i < t->n; i++)
		t->b[i].weight = (uint16_t)(1 + i);
	l = load_new(t, WR_BALANCE_TWO_CHOICES, 11);
	for (uint32_t i = 0; i < T_PICKS; i++) {
		if (l->count == SESSIONS)
			load_leave(l);
		load_begin(l, wr_rng_next(&l->rng));
	}
	t_expect_levels(l, 1);
	load_end(l);
}

// Two backends, so that both are always the choices: the rule itself.
static void two_choices_rule(void **state)
{
	const struct {
		uint32_t sessions[2], latency[2], hot, want;
	} c[] = {
		{{5, 6}, {100, 90}, 100, 1}, // cold: the faster
		{{5, 6}, {90, 100}, 100, 0},
		{{6, 5}, {90, 0}, 100, 1}, // latency unknown: fewer sessions
		{{5, 6}, {90, 0}, 100, 0},
		{{6, 5}, {90, 90}, 100, 1},     // equal
		{{101, 5}, {1, 90000}, 100, 1}, // one hot
		{{5, 101}, {90000, 1}, 100, 0},
		{{100, 5}, {1, 90000}, 100, 0},   // not yet
		{{102, 101}, {1, 90000}, 100, 1}, // both hot: fewer sessions
		{{101, 102}, {90000, 1}, 100, 0},
	};
	struct t_pool *t = t_pool(2);
	struct wr_picker *p;
	struct wr_rng rng;

	t->b[0].weight = t->b[1].weight = 256;
	p = t_build(t, WR_BALANCE_TWO_CHOICES);
	wr_rng_init(&rng, 12);
	for (uint32_t k = 0; k < sizeof(c) / sizeof(c[0]); k++) {
		memcpy(t->own + T_ID, c[k].sessions, sizeof(c[k].sessions));
		memcpy(t->latency_us + T_ID, c[k].latency, sizeof(c[k].latency));
		t->s.hot = c[k].hot;
		for (uint32_t i = 0; i < 1000; i++)
			assert_int_equal(wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), 0),
				T_ID + c[k].want);
	}
	wr_picker_destroy(p);
	free(t);
}

static void two_choices_avoids_hot(void **state)
{
	struct t_pool *t = t_pool(20);
	struct wr_picker *p = t_build(t, WR_BALANCE_TWO_CHOICES);
	struct wr_rng rng;

	wr_rng_init(&rng, 13);
	t->s.hot = 100 * 256;
	for (uint32_t i = 0; i < t->n; i++) {
		t->own[T_ID + i] = i == 3 ? 101 : 100;
		t->latency_us[T_ID + i] = i == 3 ? 1 : 5000;
	}
	for (uint32_t i = 0; i < 100000; i++)
		assert_int_not_equal(
			wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), 0), T_ID + 3);
	wr_picker_destroy(p);
	free(t);
}

// A backend that fails at once has no sessions and answers in no time; with the penalty that is
// counted for it, it gets next to nothing. Latencies are smoothed as lib/backend does.
static void two_choices_sinkhole(void **state)
{
	struct t_pool *t = t_pool(10);
	struct t_load *l = load_new(t, WR_BALANCE_TWO_CHOICES, 14);
	uint32_t *us = t->latency_us;

	t->s.hot = 400 * 256;
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t took = 2000 + wr_rng_below(&l->rng, 1000);
		uint16_t id;

		if (l->count == 2000)
			load_leave(l);
		id = load_begin(l, wr_rng_next(&l->rng));
		if (id == T_ID) { // ends at once
			load_side(l, --l->count)[id]--;
			t->s.sessions--;
			took = 1000000;
		}
		us[id] = us[id] ? us[id] - us[id] / 8 + took / 8 : took;
	}
	assert_true(t->picked[T_ID] < 200000 / 1000);
	load_end(l);
}

// A much faster backend is preferred only until it is hot.
static void two_choices_fast_one_not_flooded(void **state)
{
	struct t_pool *t = t_pool(10);
	struct t_load *l = load_new(t, WR_BALANCE_TWO_CHOICES, 15);

	t->s.hot = 150 * 256;
	for (uint32_t i = 0; i < t->n; i++)
		t->latency_us[T_ID + i] = i ? 5000 : 50;
	for (uint32_t i = 0; i < 200000; i++) {
		if (l->count == 1000)
			load_leave(l);
		load_begin(l, wr_rng_next(&l->rng));
		assert_true(load_of(t, 0) <= 151);
	}
	assert_true(load_of(t, 0) > 120);
	load_end(l);
}

// --- round robin
// ----------------------------------------------------------------------------------

static void round_robin_exact_cycle(void **state)
{
	const uint16_t weights[] = {5, 1, 2, 8};
	struct t_pool *t = t_pool(4);
	uint32_t last[4] = {0}, gap[4] = {0};
	struct wr_picker *p;

	for (uint32_t i = 0; i < 4; i++)
		t->b[i].weight = weights[i];
	p = t_build(t, WR_BALANCE_ROUND_ROBIN);
	for (uint32_t i = 1; i <= 160; i++) {
		uint32_t k = wr_picker_pick(p, &t->s, &t->turn, i * 77, 0) - (uint32_t)T_ID;

		gap[k] = i - last[k] > gap[k] ? i - last[k] : gap[k];
		last[k] = i;
		t->picked[T_ID + k]++;
		if (i % 16 == 0)
			for (uint32_t m = 0; m < 4; m++)
				assert_int_equal(t->picked[T_ID + m], i / 16 * weights[m]);
	}
	for (uint32_t m = 0; m < 4; m++)
		assert_true(gap[m] <= 2 * 16u / weights[m]);
	wr_picker_destroy(p);
	free(t);
}

// Any number is a place to begin: of a longer cycle before, or random so that workers differ.
static void round_robin_any_turn(void **state)
{
	const uint32_t turns[] = {0, 9, 10, 11, UINT32_MAX / 2, UINT32_MAX};
	struct t_pool *t = t_pool(10);
	struct wr_picker *p = t_build(t, WR_BALANCE_ROUND_ROBIN);

	for (uint32_t k = 0; k < 6; k++) {
		t->turn.next = turns[k];
		for (uint32_t i = 0; i < 20; i++)
			t->picked[wr_picker_pick(p, &t->s, &t->turn, 0, 0)]++;
		assert_true(t->turn.next < 10);
	}
	t_expect_shares(t, 120, 0);
	wr_picker_destroy(p);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bounded_never_above),
		cmocka_unit_test(bounded_random_length),
		cmocka_unit_test(bounded_by_weight),
		cmocka_unit_test(bounded_stays_with_hash),
		cmocka_unit_test(least_spread_at_most_one),
		cmocka_unit_test(least_many_backends),
		cmocka_unit_test(least_by_weight_steady),
		cmocka_unit_test(least_heaviest_first),
		cmocka_unit_test(least_attempts_in_order),
		cmocka_unit_test(two_choices_below_random),
		cmocka_unit_test(two_choices_by_weight),
		cmocka_unit_test(two_choices_rule),
		cmocka_unit_test(two_choices_avoids_hot),
		cmocka_unit_test(two_choices_sinkhole),
		cmocka_unit_test(two_choices_fast_one_not_flooded),
		cmocka_unit_test(round_robin_exact_cycle),
		cmocka_unit_test(round_robin_any_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

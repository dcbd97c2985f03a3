/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "search.h"
#include "wr_rng.h"

#define MS 1000000ULL

// A target of capacity `target`, a generator that keeps its schedule up to `generator`; both vary
// by `noise_permille` in either direction.
struct model {
	uint64_t target, generator;
	uint32_t noise_permille;
	uint32_t hiccup;   // this trial (from 1) finds the generator late for once
	uint32_t drift_to; // from this trial on ...
	uint64_t drift;    // ... the target has this capacity
	uint32_t trials;
	uint64_t highest; // load that was tried
	struct wr_rng rng;
};

static uint64_t noisy(struct model *m, uint64_t v)
{
	uint32_t span = 2 * m->noise_permille + 1;

	return v * (1000 - m->noise_permille + wr_rng_below(&m->rng, span)) / 1000;
}

static struct search_trial offer(struct model *m, uint64_t load)
{
	struct search_trial t = {.requests = load * 3, .good_ppm = 1000000, .quantile_ns = 2 * MS};
	uint64_t target, generator = noisy(m, m->generator);

	m->trials++;
	if (m->drift_to > 0 && m->trials >= m->drift_to)
		m->target = m->drift;
	target = noisy(m, m->target);
	if (load > m->highest)
		m->highest = load;
	t.idle_permille = load >= generator ? 0 : (uint32_t)(1000 - load * 1000 / generator);
	if (load > generator || m->trials == m->hiccup) {
		t.late_ppm = 100000;
		t.quantile_ns = 500 * MS; // lateness is part of the latency
		t.good_ppm = 500000;
	}
	if (load > target) {
		t.quantile_ns = 900 * MS;
		t.good_ppm = (uint32_t)(target * 1000000 / load);
	}
	return t;
}

static void find(struct search *s, struct model *m, const struct gen_search *conf)
{
	const struct search_step *step;
	uint32_t runs = 0;

	wr_rng_init(&m->rng, 7);
	search_init(s, conf, 10000, 42);
	while ((step = search_next(s)) != NULL) {
		struct search_trial t = offer(m, step->load);
		bool on;

		assert_in_range(step->load, 1, SEARCH_MAX_LOAD);
		assert_int_equal(step->load, search_next_load(s));
		assert_true(step->run >= runs); // never back to an earlier one
		runs = step->run;
		on = search_judge(s, &t);
		assert_int_equal(on, search_next(s) != NULL);
		assert_true(m->trials < 600);
	}
	assert_int_equal(search_next_load(s), 0);
	assert_int_equal(s->trial_count, m->trials);
}

static const struct gen_search conf = {
	.on = true,
	.low = 1000,
	.tolerance_permille = 30,
	.runs = 3,
	.good_permille = 990,
	.objective_permille = 990,
};

static void search_target_exact(void **state)
{
	static struct search s;

	// Every capacity in some decades, on grid points and beside them.
	for (uint64_t c = 1000; c < 100000000; c += c / 7 + 1) {
		struct model m = {.target = c, .generator = 1ULL << 50};

		find(&s, &m, &conf);
		assert_int_equal(s.outcome, SEARCH_FOUND);
		assert_true(s.load <= c);
		assert_true(s.load * 1030 >= c * 1000);
		assert_true(s.over > c);
		assert_int_equal(s.spread_permille, 0);
		assert_int_equal(s.run_count, 3);
		assert_true(m.highest <= 2 * c); // never far beyond: overload may leave a mark
	}
}

static void search_target_noisy(void **state)
{
	static struct search s;
	struct model m = {.target = 61234, .generator = 1 << 30, .noise_permille = 10};

	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_FOUND);
	assert_true(s.load > 61234 * 95 / 100 && s.load < 61234 * 103 / 100);
	assert_true(s.spread_permille <= 30);
	assert_in_range(s.run_count, 3, 5);
}

static void search_target_wild(void **state)
{
	static struct search s;
	struct model m = {.target = 60000, .generator = 1 << 30, .noise_permille = 400};
	char text[1024];

	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_NOT_REPRODUCIBLE);
	assert_int_equal(s.run_count, 5); // two extra ones, not more
	assert_true(s.spread_permille > 30);
	for (uint32_t i = 0; i < s.run_count; i++)
		assert_true(s.load <= s.run[i].load);
	assert_non_null(
		strstr(search_text(&s, "connections/s", text, sizeof(text)), "not reproducible"));
}

// One run of the first three lies apart; a fourth settles it.
static void search_run_outlier(void **state)
{
	static struct search s;
	struct model m = {.target = 40000, .generator = 1 << 30};
	const struct search_step *step;

	search_init(&s, &conf, 10000, 42);
	while ((step = search_next(&s)) != NULL) {
		struct search_trial t;

		m.target = step->run == 1 ? 20000 : 40000;
		t = offer(&m, step->load);
		search_judge(&s, &t);
	}
	assert_int_equal(s.outcome, SEARCH_FOUND);
	assert_int_equal(s.run_count, 4);
	assert_true(s.load > 38800 && s.load <= 40000);
	assert_true(s.run[1].load <= 20000);
}

// Four runs, two and two: the lower of the two in the middle is told, and they do not agree.
static void search_runs_even(void **state)
{
	static struct search s;
	struct gen_search c = conf;
	struct model m = {.generator = 1 << 30};
	const struct search_step *step;

	c.runs = 2;
	search_init(&s, &c, 10000, 42);
	while ((step = search_next(&s)) != NULL) {
		struct search_trial t;

		m.target = step->run == 0 ? 20000 : 40000;
		t = offer(&m, step->load);
		search_judge(&s, &t);
	}
	// 20, 40, 40: the median has a neighbour that agrees.
	assert_int_equal(s.run_count, 3);
	assert_true(s.load > 38800);
	c.runs = 4;
	search_init(&s, &c, 10000, 42);
	while ((step = search_next(&s)) != NULL && s.run_count < 5) {
		struct search_trial t;

		m.target = step->run % 2 == 0 ? 39000 : 40000; // within the tolerance
		t = offer(&m, step->load);
		search_judge(&s, &t);
	}
	assert_int_equal(s.outcome, SEARCH_FOUND);
	assert_int_equal(s.run_count, 4);
	assert_true(s.load <= 39000);
}

static void search_generator_limit(void **state)
{
	static struct search s;
	struct model m = {.target = 1 << 30, .generator = 50000};
	char text[1024];

	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_GENERATOR_BOUND);
	// The load that it vouches for was offered and passed.
	assert_true(s.load <= 50000 && s.load > 48000);
	for (uint32_t i = 0; i < s.trial_count; i++)
		assert_int_not_equal(s.trial[i].judgement, SEARCH_FAILED);
	search_text(&s, "connections/s", text, sizeof(text));
	assert_non_null(strstr(text, "generator-bound"));
	assert_non_null(strstr(text, "vouches for"));
}

// The target fails where the generator still has room: its failure counts, though doubling went
// past the generator's limit before.
static void search_generator_limit_above_target(void **state)
{
	static struct search s;
	struct model m = {.target = 70000, .generator = 100000};

	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_FOUND);
	assert_true(s.load <= 70000 && s.load * 1030 >= 70000000);
}

// Target and generator end at nearly the same load: it must not be called the target's.
static void search_generator_busy_at_limit(void **state)
{
	static struct search s;
	struct model m = {.target = 70000, .generator = 75000};

	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_GENERATOR_BOUND);
	assert_true(s.load <= 70000);
}

static void search_generator_hiccup(void **state)
{
	static struct search s;

	// Whichever trial it hits is repeated.
	for (uint32_t at = 1; at < 20; at++) {
		struct model m = {.target = 30000, .generator = 1 << 30, .hiccup = at};

		find(&s, &m, &conf);
		assert_int_equal(s.outcome, SEARCH_FOUND);
		assert_true(s.load <= 30000 && s.load * 1030 >= 30000000);
		assert_int_equal(s.trial[at - 1].judgement, SEARCH_GENERATOR);
		assert_int_equal(s.trial[at].load, s.trial[at - 1].load);
		assert_int_equal(s.trial[at].repeat, 1);
	}
}

static void search_generator_below_low(void **state)
{
	static struct search s;
	struct model m = {.target = 1 << 30, .generator = 900};
	char text[1024];

	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_GENERATOR_BOUND);
	assert_int_equal(s.load, 0);
	assert_int_equal(m.trials, 6); // each run: once and repeated
	search_text(&s, "connections/s", text, sizeof(text));
	assert_non_null(strstr(text, "even at 1000"));
}

static void search_objective_never_met(void **state)
{
	static struct search s;
	struct model m = {.target = 999, .generator = 1 << 30};
	char text[1024];

	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_NOT_MET);
	assert_int_equal(s.load, 0);
	assert_int_equal(m.trials, 3);
	search_text(&s, "users", text, sizeof(text));
	assert_non_null(strstr(text, "not met even at 1000 users"));
}

static void search_objective_always_met(void **state)
{
	static struct search s;
	struct gen_search c = conf;
	struct model m = {.target = 1ULL << 50, .generator = 1ULL << 52};

	c.high = 50000;
	find(&s, &m, &c);
	assert_int_equal(s.outcome, SEARCH_ALWAYS_MET);
	assert_int_equal(s.load, 50000);
	assert_int_equal(m.highest, 50000);
	// Without a limit doubling ends all the same.
	m = (struct model){.target = 1ULL << 50, .generator = 1ULL << 52};
	find(&s, &m, &conf);
	assert_int_equal(s.outcome, SEARCH_ALWAYS_MET);
	assert_int_equal(s.load, SEARCH_MAX_LOAD);
}

static void search_high_bounds(void **state)
{
	static struct search s;
	struct gen_search c = conf;
	struct model m = {.target = 45000, .generator = 1 << 30};

	c.high = 50000;
	find(&s, &m, &c);
	assert_int_equal(s.outcome, SEARCH_FOUND);
	assert_true(s.load <= 45000 && s.load * 1030 >= 45000000);
	assert_true(m.highest <= 50000);
}

// The target got slower between runs: the way back down ends at `low` at the latest.
static void search_target_sinks(void **state)
{
	static struct search s;
	struct gen_search c = conf;
	struct model m = {.target = 64000, .generator = 1 << 30, .drift_to = 14, .drift = 1500};

	c.runs = 1;
	find(&s, &m, &c);
	assert_int_equal(s.outcome, SEARCH_FOUND);
	c.runs = 3;
	m = (struct model){.target = 64000, .generator = 1 << 30, .drift_to = 14, .drift = 1500};
	find(&s, &m, &c);
	assert_true(s.run[s.run_count - 1].load <= 1500 && s.run[s.run_count - 1].load > 1400);
}

// Later runs need not climb from `low` again.
static void search_later_runs_short(void **state)
{
	static struct search s;
	struct model m = {.target = 900000, .generator = 1 << 30};
	uint32_t of_run[3] = {0};

	find(&s, &m, &conf);
	for (uint32_t i = 0; i < s.trial_count; i++)
		of_run[s.trial[i].run]++;
	assert_int_equal(of_run[0], 11 + 5); // 1,000 to 1,024,000, then a factor of 2 to 1.03
	assert_int_equal(of_run[1], 2 + 5);
	assert_int_equal(of_run[2], 2 + 5);
}

static void search_small_loads(void **state)
{
	static struct search s;
	struct gen_search c = conf;

	c.low = 0; // taken as 1
	for (uint64_t users = 1; users < 40; users++) {
		struct model m = {.target = users, .generator = 1 << 30};

		find(&s, &m, &c);
		assert_int_equal(s.outcome, SEARCH_FOUND);
		assert_int_equal(s.load, users); // no finer step than one
	}
}

static void search_verdict_of_trial(void **state)
{
	static struct search s;
	static const struct {
		struct search_trial t;
		enum search_judgement as;
	} row[] = {
		{{1000, 990000, 10 * MS, 0, 500}, SEARCH_PASSED},      // exactly the objective
		{{1000, 989999, 1 * MS, 0, 500}, SEARCH_FAILED},       // too little good
		{{1000, 1000000, 10 * MS + 1, 0, 500}, SEARCH_FAILED}, // too late
		{{0, 1000000, 0, 0, 1000}, SEARCH_FAILED},      // nothing asked, nothing shown
		{{1000, 0, 99 * MS, 0, 199}, SEARCH_GENERATOR}, // its core was full
		{{1000, 0, 99 * MS, 0, 200}, SEARCH_FAILED},
		{{1000, 0, 99 * MS, 1001, 900}, SEARCH_GENERATOR}, // it was late
		{{1000, 0, 99 * MS, 1000, 900}, SEARCH_FAILED},
		{{1000, 1000000, 1 * MS, 10001, 900}, SEARCH_GENERATOR}, // not the load
		{{1000, 1000000, 1 * MS, 10000, 0}, SEARCH_PASSED}, // was there, for all the effort
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		search_init(&s, &conf, 10000, 1);
		search_judge(&s, &row[i].t);
		assert_int_equal(s.trial[0].judgement, row[i].as);
	}
}

static void search_no_latency_objective(void **state)
{
	static struct search s;
	struct search_trial t = {1000, 1000000, 999 * MS, 0, 500};

	search_init(&s, &conf, 0, 1); // packets: the share that returned alone
	assert_true(search_judge(&s, &t));
	assert_int_equal(s.trial[0].judgement, SEARCH_PASSED);
}

static void search_seeds_differ(void **state)
{
	static struct search s;
	struct model m = {.target = 5000, .generator = 1 << 30};

	find(&s, &m, &conf);
	for (uint32_t i = 1; i < s.trial_count; i++)
		for (uint32_t k = 0; k < i; k++)
			assert_true(s.trial[i].seed != s.trial[k].seed);
}

static void search_interrupted(void **state)
{
	static struct search s;
	struct search_trial good = {1000, 1000000, 1 * MS, 0, 500};
	char text[1024];

	search_init(&s, &conf, 10000, 1);
	search_judge(&s, &good);
	search_interrupt(&s);
	assert_null(search_next(&s));
	assert_false(search_judge(&s, &good));
	assert_int_equal(s.outcome, SEARCH_INTERRUPTED);
	assert_int_equal(s.load, 1000);
	assert_non_null(strstr(search_text(&s, "connections/s", text, sizeof(text)), "1,000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(search_target_exact),
		cmocka_unit_test(search_target_noisy),
		cmocka_unit_test(search_target_wild),
		cmocka_unit_test(search_run_outlier),
		cmocka_unit_test(search_runs_even),
		cmocka_unit_test(search_generator_limit),
		cmocka_unit_test(search_generator_limit_above_target),
		cmocka_unit_test(search_generator_busy_at_limit),
		cmocka_unit_test(search_generator_hiccup),
		cmocka_unit_test(search_generator_below_low),
		cmocka_unit_test(search_objective_never_met),
		cmocka_unit_test(search_objective_always_met),
		cmocka_unit_test(search_high_bounds),
		cmocka_unit_test(search_target_sinks),
		cmocka_unit_test(search_later_runs_short),
		cmocka_unit_test(search_small_loads),
		cmocka_unit_test(search_verdict_of_trial),
		cmocka_unit_test(search_no_latency_objective),
		cmocka_unit_test(search_seeds_differ),
		cmocka_unit_test(search_interrupted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

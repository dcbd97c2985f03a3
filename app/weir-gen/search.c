/* SPDX-License-Identifier: BSD-3-Clause */
#include "search.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "figure.h"

const char *search_judgement_name(enum search_judgement j)
{
	static const char *const name[] = {"passed", "failed", "generator"};

	return name[j];
}

const char *search_outcome_name(enum search_outcome o)
{
	static const char *const name[] = {"running", "found", "always_met", "not_met",
		"generator_bound", "not_reproducible", "interrupted"};

	return name[o];
}

static void step_set(struct search *s, uint64_t load, uint32_t repeat)
{
	s->step.load = load;
	s->step.repeat = repeat;
	s->step.run = s->run_count;
	// Every trial its own: neighbouring seeds are far apart behind splitmix64.
	s->step.seed = s->seed + s->trial_count + 1;
}

static void run_start(struct search *s)
{
	s->lo = 0;
	s->hi = 0;
	s->hi_generator = false;
	step_set(s, s->base, 0);
}

void search_init(
	struct search *s, const struct gen_search *conf, wr_us_t objective_us, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->conf = *conf;
	if (s->conf.low == 0)
		s->conf.low = 1;
	if (s->conf.high == 0 || s->conf.high > SEARCH_MAX_LOAD)
		s->conf.high = SEARCH_MAX_LOAD;
	if (s->conf.high < s->conf.low)
		s->conf.high = s->conf.low;
	if (s->conf.runs == 0)
		s->conf.runs = 1;
	if (s->conf.runs > SEARCH_MAX_RUNS)
		s->conf.runs = SEARCH_MAX_RUNS;
	s->runs_wanted = s->conf.runs;
	s->objective_ns = objective_us * 1000;
	s->seed = seed;
	s->base = s->conf.low;
	run_start(s);
}

const struct search_step *search_next(const struct search *s)
{
	return s->outcome == SEARCH_RUNNING ? &s->step : NULL;
}

uint64_t search_next_load(const struct search *s)
{
	return s->outcome == SEARCH_RUNNING ? s->step.load : 0;
}

static enum search_judgement judge(const struct search *s, const struct search_trial *saw)
{
	bool met = saw->requests > 0 && saw->good_ppm >= s->conf.good_permille * 1000 &&
	           (s->objective_ns == 0 || saw->quantile_ns <= s->objective_ns);

	// A met objective is the target's merit however busy the generator was, so long as the load
	// was there; a missed one is its fault only if the generator had room.
	if (met)
		return saw->late_ppm > SEARCH_LATE_PASS_PPM ? SEARCH_GENERATOR : SEARCH_PASSED;
	if (saw->late_ppm > SEARCH_LATE_FAIL_PPM || saw->idle_permille < SEARCH_IDLE_MIN_PERMILLE)
		return SEARCH_GENERATOR;
	return SEARCH_FAILED;
}

static uint64_t root(unsigned __int128 v)
{
	uint64_t r = 0;

	for (int bit = 63; bit >= 0; bit--) {
		uint64_t t = r | (1ULL << bit);

		if ((unsigned __int128)t * t <= v)
			r = t;
	}
	return r;
}

// Where the bracket is cut next; 0 when it is narrow enough.
static uint64_t middle(const struct search *s)
{
	uint64_t mid;

	if ((unsigned __int128)s->hi * 1000 <=
		(unsigned __int128)s->lo * (1000 + s->conf.tolerance_permille))
		return 0;
	mid = root((unsigned __int128)s->lo * s->hi);
	if (mid <= s->lo)
		mid = s->lo + 1;
	return mid < s->hi ? mid : 0;
}

static int run_compare(const void *a, const void *b)
{
	const struct search_run *x = a, *y = b;

	return x->load < y->load ? -1 : x->load > y->load;
}

// Of the `runs` results next to each other that contain the median, those that lie closest.
static uint32_t spread(const struct search_run *sorted, uint32_t n, uint32_t runs)
{
	uint32_t middle_at = (n - 1) / 2, best = UINT32_MAX;
	uint64_t median = sorted[middle_at].load;

	for (uint32_t i = 0; i + runs <= n; i++) {
		uint64_t apart, permille;

		if (i > middle_at || i + runs <= middle_at)
			continue;
		apart = sorted[i + runs - 1].load - sorted[i].load;
		permille = apart == 0    ? 0
		           : median == 0 ? UINT32_MAX
		                         : (apart * 1000 + median - 1) / median;
		if (permille < best)
			best = (uint32_t)permille;
	}
	return best;
}

static void conclude(struct search *s)
{
	struct search_run sorted[SEARCH_MAX_RUNS + SEARCH_EXTRA_RUNS];
	uint32_t n = s->run_count;
	const struct search_run *median;

	memcpy(sorted, s->run, n * sizeof(sorted[0]));
	qsort(sorted, n, sizeof(sorted[0]), run_compare);
	median = &sorted[(n - 1) / 2]; // of an even number the lower: never flattering
	s->load = median->load;
	s->over = median->over;
	s->spread_permille = spread(sorted, n, s->conf.runs);
	if (s->spread_permille <= s->conf.tolerance_permille) {
		s->outcome = median->outcome;
		return;
	}
	if (n < s->conf.runs + SEARCH_EXTRA_RUNS) {
		s->runs_wanted = n + 1;
		return;
	}
	s->load = sorted[0].load;
	s->outcome = median->outcome == SEARCH_GENERATOR_BOUND ? SEARCH_GENERATOR_BOUND
	                                                       : SEARCH_NOT_REPRODUCIBLE;
}

static void run_end(struct search *s, enum search_outcome outcome)
{
	s->run[s->run_count++] =
		(struct search_run){.load = s->lo, .over = s->hi, .outcome = outcome};
	if (s->run_count >= s->runs_wanted)
		conclude(s);
	if (s->outcome == SEARCH_RUNNING)
		run_start(s);
}

static void step_next(struct search *s)
{
	uint64_t load;

	if (s->hi == 0) { // nothing failed yet: double
		if (s->lo >= s->conf.high) {
			run_end(s, SEARCH_ALWAYS_MET);
			return;
		}
		load = s->lo > s->conf.high / 2 ? s->conf.high : s->lo * 2;
		// Later runs begin here, which saves them the way up; the grid stays the same.
		s->base = s->lo;
	} else if (s->lo == 0) { // nothing passed yet: back down to `low`
		if (s->hi <= s->conf.low) {
			run_end(s, s->hi_generator ? SEARCH_GENERATOR_BOUND : SEARCH_NOT_MET);
			return;
		}
		load = s->hi / 2 > s->conf.low ? s->hi / 2 : s->conf.low;
		s->base = load;
	} else {
		load = middle(s);
		if (load == 0) {
			run_end(s, s->hi_generator ? SEARCH_GENERATOR_BOUND : SEARCH_FOUND);
			return;
		}
	}
	step_set(s, load, 0);
}

bool search_judge(struct search *s, const struct search_trial *saw)
{
	if (s->outcome != SEARCH_RUNNING)
		return false;
	s->step.saw = *saw;
	s->step.judgement = judge(s, saw);
	if (s->trial_count < SEARCH_MAX_TRIALS)
		s->trial[s->trial_count] = s->step;
	s->trial_count++;
	if (s->step.judgement == SEARCH_GENERATOR && s->step.repeat == 0) {
		step_set(s, s->step.load, 1);
		return true;
	}
	if (s->step.judgement == SEARCH_PASSED) {
		s->lo = s->step.load;
	} else {
		s->hi = s->step.load;
		s->hi_generator = s->step.judgement == SEARCH_GENERATOR;
	}
	step_next(s);
	return s->outcome == SEARCH_RUNNING;
}

void search_interrupt(struct search *s)
{
	if (s->outcome != SEARCH_RUNNING)
		return;
	s->outcome = SEARCH_INTERRUPTED;
	s->load = s->lo;
	s->over = s->hi;
}

static void text_runs(const struct search *s, char *buf, size_t len)
{
	char a[FIGURE_LEN];
	size_t at = 0;

	buf[0] = '\0';
	for (uint32_t i = 0; i < s->run_count && at < len; i++)
		at += (size_t)snprintf(buf + at, len - at, "%s%s%s", i > 0 ? "; " : "",
			figure_exact(s->run[i].load, a),
			s->run[i].outcome == SEARCH_GENERATOR_BOUND ? " (generator-bound)" : "");
}

static void text_objective(const struct search *s, char *buf, size_t len)
{
	char a[FIGURE_LEN], c[FIGURE_LEN];

	if (s->objective_ns == 0)
		snprintf(buf, len, "%s good", figure_share(s->conf.good_permille * 1000ULL, a));
	else
		snprintf(buf, len, "%s good and p%g within %s",
			figure_share(s->conf.good_permille * 1000ULL, a),
			s->conf.objective_permille / 10.0, figure_time(s->objective_ns, c));
}

static uint64_t best_run(const struct search *s)
{
	uint64_t best = 0;

	for (uint32_t i = 0; i < s->run_count; i++)
		best = s->run[i].load > best ? s->run[i].load : best;
	return best;
}

char *search_text(const struct search *s, const char *unit, char *buf, size_t len)
{
	char load[FIGURE_LEN], over[FIGURE_LEN], runs[512], aim[96];

	figure_exact(s->load, load);
	figure_exact(s->over, over);
	text_runs(s, runs, sizeof(runs));
	text_objective(s, aim, sizeof(aim));
	switch (s->outcome) {
	case SEARCH_FOUND:
		snprintf(buf, len,
			"%s %s is the highest load that meets the objective (%s): median of %u "
			"runs (%s), spread %.1f %%; %s failed",
			load, unit, aim, s->run_count, runs, s->spread_permille / 10.0, over);
		break;
	case SEARCH_ALWAYS_MET:
		snprintf(buf, len,
			"the objective (%s) is met at every load tried, up to %s %s: give a higher "
			"search.high",
			aim, load, unit);
		break;
	case SEARCH_NOT_MET:
		snprintf(buf, len,
			"the objective (%s) is not met even at %" PRIu64 " %s: give a lower "
			"search.low, or look at the errors",
			aim, s->conf.low, unit);
		break;
	case SEARCH_GENERATOR_BOUND:
		if (s->load == 0) {
			uint64_t best = best_run(s);
			char also[64] = "nothing is known of the target";

			if (best > 0)
				snprintf(also, sizeof(also),
					"its best run met the objective at %" PRIu64, best);
			snprintf(buf, len,
				"generator-bound: it could not keep its own schedule even at "
				"%" PRIu64 " %s; %s: give a lower search.low, or the generator "
				"more of its core (runs: %s)",
				s->conf.low, unit, also, runs);
			break;
		}
		snprintf(buf, len,
			"generator-bound: it vouches for %s %s, which meets the objective (%s); at "
			"%s it could not keep its own schedule, so the target's limit is not known "
			"(runs: %s)",
			load, unit, aim, over, runs);
		break;
	case SEARCH_NOT_REPRODUCIBLE:
		snprintf(buf, len,
			"not reproducible: %u runs met the objective (%s) at %s %s, a spread of "
			"%.1f %% where %.1f %% are allowed; the lowest is %s",
			s->run_count, aim, runs, unit, s->spread_permille / 10.0,
			s->conf.tolerance_permille / 10.0, load);
		break;
	case SEARCH_INTERRUPTED:
		snprintf(buf, len,
			"interrupted in run %u of %u: %s %s met the objective so far (%s); "
			"complete runs: %s",
			s->run_count + 1, s->runs_wanted, load, unit, aim,
			s->run_count > 0 ? runs : "none");
		break;
	case SEARCH_RUNNING:
		snprintf(buf, len, "run %u of %u: next trial at %" PRIu64 " %s", s->run_count + 1,
			s->runs_wanted, s->step.load, unit);
		break;
	}
	return buf;
}

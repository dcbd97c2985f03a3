/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen.h"

// The search for the highest load that meets the objective. Pure: the caller runs the trials.
//
// A run doubles the load from `low` until a trial fails (or `high` passes) and halves the bracket
// geometrically until hi / lo <= 1 + tolerance; its result is lo, the highest load that passed. The
// result of the search is the median of `runs` runs with different seeds. When they lie further
// apart than the tolerance, up to two more runs are made, and if no `runs` of them around the
// median agree, the search says so.
//
// A trial in which the generator itself was late or bound is never the target's failure: it is
// repeated once, and then counts as the generator's limit.

#define SEARCH_MAX_RUNS          16
#define SEARCH_EXTRA_RUNS        2
#define SEARCH_MAX_TRIALS        1024         // kept for the report; more are judged all the same
#define SEARCH_MAX_LOAD          (1ULL << 40) // where doubling ends
#define SEARCH_IDLE_MIN_PERMILLE 200          // below: the generator is bound
// A share of late starts that excuses a failed trial: the generator may have caused it.
#define SEARCH_LATE_FAIL_PPM 1000
// And one that spoils a passed trial: the load was not offered as it should have been.
#define SEARCH_LATE_PASS_PPM 10000

// What a trial showed.
struct search_trial {
	uint64_t requests;      // intended in its window; 0 is never a pass
	uint32_t good_ppm;      // share of them that was good
	uint64_t quantile_ns;   // latency at the quantile of the objective
	uint32_t late_ppm;      // share that began late or not at all, by the generator's fault
	uint32_t idle_permille; // of the generator's core
};

enum search_judgement {
	SEARCH_PASSED,
	SEARCH_FAILED,
	SEARCH_GENERATOR, // the generator's limit
};
const char *search_judgement_name(enum search_judgement j);

enum search_outcome {
	SEARCH_RUNNING,
	SEARCH_FOUND,
	SEARCH_ALWAYS_MET, // even at `high`
	SEARCH_NOT_MET,    // not even at `low`
	SEARCH_GENERATOR_BOUND,
	SEARCH_NOT_REPRODUCIBLE,
	SEARCH_INTERRUPTED,
};
const char *search_outcome_name(enum search_outcome o);

struct search_step { // one trial to be made, or that was made
	uint64_t load;
	uint64_t seed;
	uint32_t run;    // from 0
	uint32_t repeat; // 1: again, since the generator was at its limit
	struct search_trial saw;
	enum search_judgement judgement;
};

struct search_run {
	uint64_t load;               // highest that passed; 0: none
	uint64_t over;               // lowest that did not; 0: none
	enum search_outcome outcome; // FOUND, ALWAYS_MET, NOT_MET, GENERATOR_BOUND
};

struct search {
	struct gen_search conf;
	uint64_t objective_ns; // 0: no latency objective
	uint64_t seed;
	struct search_step step; // the trial under way
	uint64_t lo, hi, base;   // bracket; where the next run begins to double
	bool hi_generator;       // hi is the generator's limit
	uint32_t run_count, runs_wanted;
	struct search_run run[SEARCH_MAX_RUNS + SEARCH_EXTRA_RUNS];
	uint32_t trial_count;
	struct search_step trial[SEARCH_MAX_TRIALS];
	// the result
	enum search_outcome outcome;
	uint64_t load;            // median (generator-bound and scattered: the lowest)
	uint64_t over;            // lowest load that failed in the median run
	uint32_t spread_permille; // of the `runs` results around the median that lie closest
};

// `objective_us` is the effective one (conf's, or the population's); 0: none.
void search_init(
	struct search *s, const struct gen_search *conf, wr_us_t objective_us, uint64_t seed);
// The trial to make; NULL when the search is over.
const struct search_step *search_next(const struct search *s);
uint64_t search_next_load(const struct search *s); // 0 when over
// Judge the trial that search_next() gave. Returns whether the search goes on.
bool search_judge(struct search *s, const struct search_trial *saw);
// End early; what was found so far stays in `run`, lo of the run under way in `load`.
void search_interrupt(struct search *s);
// One or two sentences; `unit` is "connections/s", "users" or "packets/s". Returns buf.
char *search_text(const struct search *s, const char *unit, char *buf, size_t len);

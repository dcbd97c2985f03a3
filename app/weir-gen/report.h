/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

#include "result.h"
#include "series.h"

// What a run tells its operator: a line for every interval and population while it goes on, and
// tables at its end. Main thread only; it takes snapshots that the loop's thread filled.

struct report {
	const struct gen_conf *conf;
	FILE *out;
	struct gen_snapshot *before; // the snapshot before this one
	struct gen_snapshot *base, *end, *last;
	struct series series;
	uint32_t lines; // since the header was printed last
	struct result result;
	const struct search *search; // to be reported too, or NULL
};

// The snapshots that come to it have at_ns counted from the start of the schedule. `out` stays the
// caller's. NULL with a sentence when memory is short.
struct report *report_create(const struct gen_conf *conf, FILE *out, struct wr_err *err);
void report_destroy(struct report *r);

// An interval or a phase is over: a row in the series and, unless conf->quiet, a live line. An
// empty interval only marks the end of its phase.
void report_add(struct report *r, const struct gen_snapshot *now);

// A schedule is about to begin at its time 0, and the statistics of clients, backends and packets
// were reset by the time of `now`: another trial of a search; or the first one, so that what the
// loop did before is not counted to it. The series goes on. `load` is what was set in place of the
// configured one, or 0.
void report_restart(struct report *r, const struct gen_snapshot *now, uint64_t load);

// The run, or trial, is over: judge it. Until then `result` is not filled.
const struct result *report_finish(
	struct report *r, const struct gen_snapshot *last, bool interrupted);

// The tables, and the verdicts last, where they are not overlooked.
void report_print(struct report *r);
// One line on a trial that is over; and what the search (r->search) found.
void report_trial(struct report *r, const struct search_step *step);
void report_search(struct report *r);

const char *report_unit(const struct gen_conf *conf); // of the load that a search varies

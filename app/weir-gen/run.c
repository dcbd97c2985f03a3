/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "export.h"

#define NAP_NS 1000000 // of the main thread, between looks

struct runner {
	struct instance *in;
	struct report *report;
	struct gen_snapshot *snapshot;
	run_signals signals;
	bool interrupted;
};

static uint64_t since_start(const struct runner *r)
{
	return loop_clock(r->in->loop.start).ns - r->in->loop.schedule_ns;
}

static void look(struct runner *r, enum gen_phase phase)
{
	struct loop_order o = {.kind = LOOP_SNAPSHOT, .a = phase, .ptr = r->snapshot};

	loop_order(&r->in->loop, &o);
	report_add(r->report, r->snapshot);
}

static int order(struct runner *r, enum loop_order_kind kind, uint64_t a, uint64_t b)
{
	struct loop_order o = {.kind = kind, .a = a, .b = b};

	return loop_order(&r->in->loop, &o);
}

static bool asked_to_end(struct runner *r)
{
	r->interrupted = r->interrupted || r->signals() > 0;
	return r->interrupted;
}

// Until `end_ns` of the schedule, with a look at the end of each interval and of the phase.
static void pass_phase(struct runner *r, enum gen_phase phase, uint64_t begin_ns, uint64_t end_ns)
{
	uint64_t interval = r->in->conf->interval_us * 1000, next = begin_ns + interval;
	struct timespec nap = {.tv_nsec = NAP_NS};

	while (!asked_to_end(r) && since_start(r) < end_ns) {
		if (since_start(r) >= next && next + interval / 2 < end_ns) {
			look(r, phase);
			next += interval;
		}
		nanosleep(&nap, NULL);
	}
	if (end_ns > begin_ns)
		look(r, phase);
}

// What still runs after the last arrival may end by itself, for as long as runtime.drain says.
static void drain(struct runner *r)
{
	uint64_t end = since_start(r) + r->in->conf->drain_us * 1000;
	uint64_t interval = r->in->conf->interval_us * 1000, next = since_start(r) + interval;
	struct timespec nap = {.tv_nsec = NAP_NS};

	order(r, LOOP_STOP, 0, 0);
	while (!order(r, LOOP_IDLE, 0, 0) && since_start(r) < end && r->signals() < 2) {
		if (since_start(r) >= next) {
			look(r, GEN_PHASE_DRAIN);
			next += interval;
		}
		nanosleep(&nap, NULL);
	}
	if (!order(r, LOOP_IDLE, 0, 0))
		order(r, LOOP_ABORT, 0, 0);
}

// Statistics from here on are those of a run, or of a trial with this load.
static void begin(struct runner *r, uint64_t load)
{
	struct loop_order o = {.kind = LOOP_SNAPSHOT, .a = GEN_PHASE_DRAIN, .ptr = r->snapshot};

	order(r, LOOP_RESET, 0, 0);
	loop_order(&r->in->loop, &o);
	report_restart(r->report, r->snapshot, load);
}

static const struct result *trial(struct runner *r)
{
	const struct gen_conf *c = r->in->conf;
	uint64_t warm = c->warmup_us * 1000, end = warm + c->duration_us * 1000;

	if (c->duration_us == 0)
		end = UINT64_MAX / 2;
	order(r, LOOP_START, c->warmup_us, (end - warm) / 1000);
	pass_phase(r, GEN_PHASE_WARMUP, 0, warm);
	if (!r->interrupted)
		pass_phase(r, GEN_PHASE_MEASURE, warm, end);
	drain(r);
	look(r, GEN_PHASE_DRAIN);
	return report_finish(r->report, r->snapshot, r->interrupted);
}

static void search(struct runner *r, struct search *s)
{
	const struct gen_conf *c = r->in->conf;
	wr_us_t objective = c->search.objective_us;
	const struct search_step *step;

	if (objective == 0 && c->client_count > 0)
		objective = c->clients[0].objective_us;
	search_init(s, &c->search, objective, c->seed);
	r->report->search = s;
	while ((step = search_next(s)) != NULL) {
		struct search_step made = *step;

		order(r, LOOP_SET_LOAD, step->load, 0);
		begin(r, step->load);
		result_trial(trial(r), &made.saw);
		if (r->interrupted) {
			search_interrupt(s);
			break;
		}
		search_judge(s, &made.saw);
		if (s->trial_count > 0 && s->trial_count <= SEARCH_MAX_TRIALS)
			made = s->trial[s->trial_count - 1];
		report_trial(r->report, &made);
	}
	report_search(r->report);
}

int run(struct instance *in, run_signals signals, struct wr_err *err)
{
	struct runner r = {.in = in, .signals = signals};
	struct search *s = calloc(1, sizeof(*s));
	int rc = -ENOMEM;

	r.report = report_create(in->conf, stdout, err);
	r.snapshot = gen_snapshot_create(in->conf, err);
	if (s == NULL || r.report == NULL || r.snapshot == NULL) {
		wr_err_set(err, ENOMEM, "out of memory");
	} else {
		if (in->conf->search.on) {
			search(&r, s);
		} else {
			begin(&r, 0); // time before the schedule is not the run's
			trial(&r);
		}
		report_print(r.report);
		rc = export_write(r.report, err);
	}
	gen_snapshot_destroy(r.snapshot);
	report_destroy(r.report);
	free(s);
	return rc;
}

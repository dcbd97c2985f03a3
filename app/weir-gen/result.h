/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "search.h"
#include "snapshot.h"

// What a run amounts to, from the snapshots at the start and the end of its measured window and at
// its very end; and the verdicts on whether its figures mean what they seem to mean.

#define RESULT_VERDICTS    64
#define RESULT_VERDICT_LEN 320
// More late requests than this: the offered load was not reached.
#define RESULT_LATE_PPM 1000

struct result {
	const struct gen_conf *conf;
	const struct gen_snapshot *base; // start of the window; all zero without a warm-up
	const struct gen_snapshot *end;  // end of the window
	const struct gen_snapshot *last; // when everything was over
	uint64_t load;                   // that was set in place of the configured one; 0: none
	bool measured;                   // the window began
	bool interrupted;
	bool generator_bound, behind; // among the verdicts
	uint32_t verdict_count, verdict_lost /* that found no room */;
	char verdict[RESULT_VERDICTS][RESULT_VERDICT_LEN];
};

// Fill the verdicts from the snapshots.
void result_judge(struct result *r);

// The measured window of the schedule: what clients count as `measured` belongs to it.
uint64_t result_window_ns(const struct result *r);
// Between the snapshots at its ends, which come a little later: for what is their difference.
uint64_t result_span_ns(const struct result *r);
uint32_t result_busy_permille(const struct result *r); // of the loop's core in the window

// Rates a second over the window.
double result_offered_per_s(const struct result *r, uint32_t client);
double result_answers_per_s(const struct result *r, uint32_t client);
double result_goodput_per_s(const struct result *r, uint32_t client); // inside the objective
double result_connections_per_s(const struct result *r, uint32_t client);
double result_backend_requests_per_s(const struct result *r, uint32_t backend);
double result_packets_sent_per_s(const struct result *r, uint32_t stream);
double result_per_s(uint64_t count, uint64_t ns);
double result_gbit_per_s(uint64_t bytes, uint64_t ns);

const char *result_error_name(uint32_t e); // of enum gen_error
const char *result_error_text(uint32_t e);
uint64_t result_errors(const struct gen_client_stats *c); // of the whole run, all kinds
uint64_t result_errors_measured(const struct gen_client_stats *c);
uint64_t result_port_lost(const struct gen_port_count *p); // frames, either direction
uint32_t result_busy(const struct gen_loop_stats *from, const struct gen_loop_stats *to);

// Requests of the window that began late or, though the schedule called for them, not at all, in
// millionths of those it called for.
uint32_t result_late_ppm(const struct result *r, uint32_t client);
// Arrivals that the schedule of a population calls for in the window; 0 for closed ones.
double result_scheduled(const struct result *r, uint32_t client);

// The run as a trial of a search: of clients[0], or of packets[0] when there are no clients.
void result_trial(const struct result *r, struct search_trial *out);

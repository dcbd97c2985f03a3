/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ep.h"
#include "gen.h"
#include "wr_hist.h"

// A population of stateful clients: arrivals by schedule, requests, verification, time-outs and
// retries, measured from the time at which each request was intended to start.

// How a request can fail, one counter each: symbol (name in JSON), sentence.
#define GEN_ERRORS(X)                                                                              \
	X(connect_refused, "the SYN was reset")                                                    \
	X(connect_timeout, "no connection within timeouts.connect")                                \
	X(reset, "the connection was reset before the answer was complete")                        \
	X(closed_early, "FIN before the answer was complete")                                      \
	X(answer_timeout, "no complete answer within timeouts.answer")                             \
	X(wrong_bytes, "the answer was not what was asked for")                                    \
	X(queue_full, "the backend said that its work queue was full")                             \
	X(http_status, "an HTTP status other than 2xx or 503")                                     \
	X(refused_local, "the generator had no room: max_open, ports or connections")

enum gen_error {
#define X(sym, text) GEN_ERROR_##sym,
	GEN_ERRORS(X)
#undef X
	GEN_ERROR_COUNT
};
const char *gen_error_name(enum gen_error e);
const char *gen_error_text(enum gen_error e);

// All counts are cumulative. `measured` ones belong to requests whose intended time lies in the
// measured window; the others to the whole run.
struct gen_client_stats {
	uint64_t intended;    // requests that the schedule called for (closed: that users began)
	uint64_t connections; // opened
	uint64_t answers;     // complete and right
	uint64_t good;        // of these inside the objective
	uint64_t errors[GEN_ERROR_COUNT]; // a request that failed for good, by its last error
	uint64_t attempts_failed;         // tries that failed, retried ones too
	uint64_t retries;
	uint64_t aborted; // requests cut off by the client itself (abort_after): neither of the
	                  // above
	uint64_t bytes_up, bytes_down; // of messages
	uint64_t late;      // started more than 1 ms after the intended time: the generator lags
	uint64_t open;      // now
	uint64_t in_flight; // requests now
	struct {
		uint64_t intended, answers, good, errors[GEN_ERROR_COUNT], connections, late;
		struct wr_hist *answer_ns;  // from the intended time to the last byte
		struct wr_hist *connect_ns; // from the SYN to the established connection
		struct wr_hist *lag_ns;     // from the intended time to the start
	} measured;
};

struct client;

// `stack` gives connections app_bytes >= client_app_bytes(). Sentence on error.
uint32_t client_app_bytes(void);
struct client *client_create(const struct gen_client *conf, bool verify, struct ep_stack *stack,
	uint64_t seed, struct wr_err *err);
void client_destroy(struct client *c);

// The schedule begins at `now`; requests intended in [from, to) are measured.
void client_start(struct client *c, wr_us_t from, wr_us_t to, const struct gen_now *now);
// Change the load in place (search): rate or users, from now on.
void client_set_load(struct client *c, uint64_t load, const struct gen_now *now);
// Begin what is due, run timers of requests; at most `budget` starts. Returns what it did.
uint32_t client_poll(struct client *c, uint32_t budget, const struct gen_now *now);
void client_stop(struct client *c); // no new arrivals; what runs goes on
void client_abort(struct client *c,
	const struct gen_now *now); // end what still runs, counted as answer_timeout
bool client_idle(const struct client *c);
wr_us_t client_next(const struct client *c); // earliest time of work; for virtual clocks
const struct gen_client_stats *client_stats(const struct client *c);
// Counts and histograms to zero (search: between trials).
void client_reset_stats(struct client *c);

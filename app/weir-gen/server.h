/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ep.h"
#include "gen.h"
#include "wr_hist.h"

// An emulated backend: requests are worked on for a random time, by at most `concurrency` at once;
// others wait in a bounded queue, and what finds it full is told so.

// Requests are whole ones that were read, answers those whose last byte was given to TCP; bytes_out
// too are bytes given. A request is answered, told queue_full, or its client left.
struct gen_server_stats {
	uint64_t accepted, requests, answers, queue_full, wrong_bytes;
	uint64_t resets;        // by the peer
	uint64_t early_closes;  // connections that ended with a request unanswered or incomplete
	uint64_t bad_requests;  // not of the protocol: HTTP 400, raw reset
	uint64_t ahead_full;    // resets: too many requests sent ahead on one connection
	uint64_t faults_struck; // connections or requests that a fault of the schedule struck
	uint64_t bytes_in, bytes_out;
	uint64_t open, working, waiting, waiting_peak;
	struct wr_hist *wait_ns;    // in the queue
	struct wr_hist *service_ns; // of work
};

struct server;

uint32_t server_app_bytes(void);
// Listens on all of conf->listen. Sentence on error.
struct server *server_create(const struct gen_backend *conf, bool verify, struct ep_stack *stack,
	uint64_t seed, struct wr_err *err);
void server_destroy(struct server *v);
void server_start(struct server *v, const struct gen_now *now); // faults count from here
uint32_t server_poll(struct server *v, uint32_t budget, const struct gen_now *now);
wr_us_t server_next(const struct server *v);
const struct gen_server_stats *server_stats(const struct server *v);
void server_reset_stats(struct server *v);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "snapshot.h"

// What happened in each interval, a row for every population, backend and packet stream: the
// difference of two snapshots.

enum series_kind {
	SERIES_CLIENT,
	SERIES_BACKEND,
	SERIES_PACKETS,
};
const char *series_kind_name(enum series_kind k);

// Counts are of the interval. Of a backend: requests in `intended` and `started`, queue_full in
// its error. Of a stream: sent in `started`, returned in `answers`, lost and corrupted in `lost`.
struct series_row {
	enum series_kind kind;
	enum gen_phase phase;
	uint32_t trial;          // of a search, from 1; 0: before any restart
	uint32_t index;          // into conf's clients, backends or packets
	uint64_t at_ns, span_ns; // end and length of the interval
	uint64_t intended, started, connections, answers, good, errors[GEN_ERROR_COUNT];
	uint64_t error_sum, attempts_failed, retries, late, lost;
	uint64_t bytes_up, bytes_down;
	uint64_t open, in_flight; // at its end
	// answers of the measured window that came in the interval (backend: time in the queue)
	uint64_t latency_count, p50_ns, p99_ns, max_ns;
	uint64_t lag_count, lag_p99_ns, lag_max_ns; // of requests that began in it
	// of the generator as a whole
	uint64_t rx_frames, tx_frames, rx_bytes, tx_bytes, frames_lost;
	uint32_t busy_permille;
	uint64_t longest_loop_ns;
};

// The configured name of what a row is of.
const char *series_row_name(const struct gen_conf *c, const struct series_row *row);

struct series {
	struct series_row *row;
	size_t count, room;
	uint32_t trial; // of the rows added from now on
	bool lost;      // memory ran out: later rows are missing
	struct wr_hist scratch;
};

void series_init(struct series *s);
void series_fini(struct series *s);
// Add the rows of the interval from `before` to `now`. Returns how many.
size_t series_add(
	struct series *s, const struct gen_snapshot *before, const struct gen_snapshot *now);

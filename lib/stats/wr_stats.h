/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_common.h>

// The catalogue of counters and drop reasons, and one worker's storage of them.
// A worker counts in its own block without atomics; it publishes a copy at a loop boundary, so that
// readers on other threads see one consistent set (double-buffered with a sequence number).

enum wr_severity {
	WR_SEV_INFO,
	WR_SEV_WARN,
	WR_SEV_FAULT,
};

// Reasons: WR_DROP_NONE (0) means "continue"; a verdict function returns one of these.
enum wr_drop {
	WR_DROP_NONE,
#define WR_DROP(sym, sev, text) WR_DROP_##sym,
#include "wr_drop.def"
#undef WR_DROP
	WR_DROP_COUNT
};

enum wr_counter {
#define WR_COUNTER(sym, text) WR_CTR_##sym,
#include "wr_counter.def"
#undef WR_COUNTER
	WR_CTR_COUNT
};

// One worker's counters. Plain 64-bit adds by the owner only.
struct wr_stats {
	uint64_t ctr[WR_CTR_COUNT];
	uint64_t drop[WR_DROP_COUNT];       // frames, segments or requests
	uint64_t drop_bytes[WR_DROP_COUNT]; // payload bytes, for the reasons named pay_*
};

static inline void wr_stats_add(struct wr_stats *s, enum wr_counter c, uint64_t n)
{
	s->ctr[c] += n;
}

static inline void wr_stats_drop(struct wr_stats *s, enum wr_drop d, uint64_t n)
{
	s->drop[d] += n;
}

static inline void wr_stats_drop_bytes(struct wr_stats *s, enum wr_drop d, uint64_t bytes)
{
	s->drop[d]++;
	s->drop_bytes[d] += bytes;
}

// What a worker shows to other threads: its counters and its gauges at one loop boundary.
// `held`, `depth` and the like come from walks and pool counts, never from the counters above.
struct wr_stats_gauges {
	uint64_t now_us;
	uint64_t conns;           // engine connections of all states
	uint64_t conns_half_open; // SYN-RECEIVED
	uint64_t conns_time_wait;
	uint64_t sessions;
	uint64_t pay_recv_held_bytes; // in receive queues, in order
	uint64_t pay_send_held_bytes; // in send queues, not yet acknowledged
	uint64_t held_rx_mbufs;       // RX-pool buffers held by connections
	uint64_t promised_bytes;      // advertised and not yet used
	uint64_t tx_backlog;          // frames waiting for a port
	uint64_t l3_queued;           // frames waiting for a neighbour
	uint64_t handoff_queued;      // frames in rings towards this worker (rx) and from it (tx)
	uint64_t syns_held;           // connection requests whose answer is held back
	uint64_t stale_promise_bytes; // promised to connections that make no use of it
};

struct wr_stats_snapshot {
	struct wr_stats stats;
	struct wr_stats_gauges gauges;
};

// Publication slot: written by one worker, read by any thread.
struct wr_stats_pub {
	uint32_t seq; // even: stable; index of the stable copy is (seq >> 1) & 1
	struct wr_stats_snapshot copy[2];
};

// Publish; owner only, at a loop boundary.
void wr_stats_publish(struct wr_stats_pub *pub, const struct wr_stats *stats,
	const struct wr_stats_gauges *gauges);

// Read a consistent copy; any thread, retries while the writer is at it.
void wr_stats_read(const struct wr_stats_pub *pub, struct wr_stats_snapshot *out);

// Add b to a, field by field (gauges too, but now_us: the later).
void wr_stats_sum(struct wr_stats_snapshot *a, const struct wr_stats_snapshot *b);

// Catalogue: name (as in telemetry), sentence, severity. NULL for an index out of range.
const char *wr_drop_name(enum wr_drop d);
const char *wr_drop_text(enum wr_drop d);
enum wr_severity wr_drop_severity(enum wr_drop d);
const char *wr_drop_cure(
	enum wr_drop d); // what an operator does first, in a sentence (wr_cure.def)
const char *wr_counter_name(enum wr_counter c);
const char *wr_counter_text(enum wr_counter c);

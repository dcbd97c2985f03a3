/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_units.h"

// Limits: a rate of new connections, a number of them at the same time, a rate of bytes; of the
// instance, of a service, of a client of a service. One state is shared by all workers, and holds
// exactly: rates are GCRA (ITU-T I.371, the "virtual scheduling" form) in one 64-bit word each,
// changed by compare-and-swap; connections are one counter. A limit that is not configured costs
// nothing.

struct wr_limit_rule {        // 0: no such limit
	uint64_t rate_per_s;  // new connections
	uint64_t rate_burst;  // that may come at once; at least 1 where there is a rate
	uint32_t connections; // at the same time
	uint64_t bytes_per_s; // payload, both directions together
	uint64_t bytes_burst; // that may pass at once; at least one segment
};

static inline bool wr_limit_rule_any(const struct wr_limit_rule *r)
{
	return (r->rate_per_s | r->connections | r->bytes_per_s) != 0;
}

// State of one limit. Zeroed: unused. All fields are changed by atomic operations.
struct wr_limit {
	uint64_t rate_at;  // GCRA's theoretical arrival time, nanoseconds
	uint64_t bytes_at; // the same of bytes
	uint32_t connections;
	uint32_t pad;
};

// --- one limit; any worker
// -------------------------------------------------------------------------

// One more connection wants to come: 0 and it is charged to the rate, else the time from now after
// which it would conform (microseconds, at least 1), and nothing was charged.
wr_us_t wr_limit_rate(struct wr_limit *l, const struct wr_limit_rule *r, wr_us_t now);
// The same for one that may wait: charged when the time is at most `most`, and let in after it;
// else WR_US_NEVER, and nothing was charged. Those that wait get times one behind the other.
wr_us_t wr_limit_rate_within(
	struct wr_limit *l, const struct wr_limit_rule *r, wr_us_t most, wr_us_t now);
// Take the charge back: another limit refused the same connection.
void wr_limit_rate_back(struct wr_limit *l, const struct wr_limit_rule *r);

// Count a connection, with or without a limit. False: the limit is reached, nothing was counted.
// What was counted is given back once.
bool wr_limit_enter(struct wr_limit *l, const struct wr_limit_rule *r);
void wr_limit_leave(struct wr_limit *l);

// Charge n bytes that passed already. Returns for how long from now nothing more should pass (0: go
// on), so a limit is overdrawn by one read at most.
wr_us_t wr_limit_bytes(struct wr_limit *l, const struct wr_limit_rule *r, uint64_t n, wr_us_t now);
// The same question without a charge.
wr_us_t wr_limit_bytes_wait(const struct wr_limit *l, const struct wr_limit_rule *r, wr_us_t now);

// --- clients
// ---------------------------------------------------------------------------------------

// A fixed table of clients by (service, prefix), shared by all workers, 8 ways a bucket. An entry
// is in use while it counts connections or one of its rates has not run out; others give way to new
// clients, and where a bucket has no other, the one without connections whose rates run out first.
// Bounded in memory and in work; no lock.
struct wr_clients;

#define WR_CLIENT_NONE UINT32_MAX

// `entries` is rounded up to a power of two. `key` against clients that choose their addresses to
// collide. NULL: out of memory.
struct wr_clients *wr_clients_create(uint32_t entries, const uint64_t key[2], int numa_node);
void wr_clients_destroy(struct wr_clients *c);

// The entry of a client, made when there is none. `bits` of its address count (of 32 or 128).
// WR_CLIENT_NONE: every entry of its bucket is held or counts connections. The entry is held until
// wr_clients_put().
uint32_t wr_clients_get(struct wr_clients *c, uint16_t service, const struct wr_addr *client,
	uint8_t bits_v4, uint8_t bits_v6, wr_us_t now);
void wr_clients_put(struct wr_clients *c, uint32_t index); // index may be WR_CLIENT_NONE
struct wr_limit *wr_clients_limit(struct wr_clients *c, uint32_t index);

// For telemetry and pressure: any thread, approximate while workers run.
struct wr_client_row {
	uint16_t service;
	struct wr_prefix client;
	uint32_t connections;
	wr_us_t rate_ahead_us; // by how much its rate is used ahead of time
	wr_us_t bytes_ahead_us;
};
uint32_t wr_clients_capacity(const struct wr_clients *c);
uint32_t wr_clients_used(const struct wr_clients *c, wr_us_t now); // walks all of them
// The same in parts, at most max entries a call: *cursor (0 at first) and *sum are the caller's,
// and kept between calls. True: the walk is complete, *sum is what was in use; the next call begins
// anew.
bool wr_clients_count_some(
	const struct wr_clients *c, uint32_t *cursor, uint32_t max, uint32_t *sum, wr_us_t now);
// Rows in use from *cursor (0 at first; UINT32_MAX at the end), looking at no more than 4096
// entries.
uint32_t wr_clients_dump(const struct wr_clients *c, uint32_t *cursor, struct wr_client_row *out,
	uint32_t max, wr_us_t now);

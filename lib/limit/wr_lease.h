/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_limits.h"
#include "wr_units.h"

// A number that workers share without ever exceeding it: connections of a backend or a pool.
// Credits lie in one common pot; a worker leases some at a time from there, uses them, and gives
// back what it does not use. used + leased + pot = limit at any time, so the sum over workers never
// exceeds the limit, and a worker that holds none may only have to wait for the others' next tick.

struct wr_lease_share {   // of one worker; its own cache line
	uint32_t used;    // written by its owner only; read by any thread
	uint32_t have;    // leased and not used
	uint32_t waiters; // 1: its last take found none; until it does, nobody keeps one for later
} __attribute__((aligned(64)));

struct wr_lease {
	uint32_t limit; // 0: no limit; every take says yes (the pot has 2^40)
	uint32_t batch; // leased at a time; 1 where the limit is small
	uint16_t workers;
	int64_t pot __attribute__((aligned(64))); // atomic; below 0 after the limit was lowered
	uint32_t wanting;                         // atomic: workers whose `waiters` is set
	struct wr_lease_share share[];
};

// NULL: out of memory.
struct wr_lease *wr_lease_create(uint32_t limit, uint16_t workers);
void wr_lease_destroy(struct wr_lease *l);

// Take one for this worker. False: none is free here or in the pot.
bool wr_lease_take(struct wr_lease *l, uint16_t worker);
// Give one back that was taken.
void wr_lease_put(struct wr_lease *l, uint16_t worker);
// Once a millisecond and worker: what is leased and not used goes back; while there is no limit all
// but a batch, so a worker that has some goes on calling this, for the limit that may be set.
void wr_lease_tick(struct wr_lease *l, uint16_t worker);
// Whether a take might succeed; for a worker with waiters, each turn.
bool wr_lease_may(const struct wr_lease *l, uint16_t worker);

// Control thread: a new limit, or 0 for none, at any time. What is in use above a lower one is not
// taken away. Always 0.
int wr_lease_set(struct wr_lease *l, uint32_t limit);

uint32_t wr_lease_used(const struct wr_lease *l); // sum; any thread
uint32_t wr_lease_out(const struct wr_lease *l);  // used and leased: never above the limit

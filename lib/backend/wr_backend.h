/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "wr_addr.h"
#include "wr_conf.h"
#include "wr_err.h"
#include "wr_limits.h"
#include "wr_maglev.h"
#include "wr_units.h"

// Pools and backends in stable slots: identity, state, per-worker counters, and each pool's picking
// table as an immutable snapshot swapped under RCU. The control thread owns every write; workers
// pick and count; other threads read state under the control mutex.

enum wr_backend_admin {
	WR_ADMIN_ENABLED,
	WR_ADMIN_DRAINING, // no new sessions; those that exist go on
};

enum wr_backend_health {
	WR_HEALTH_UNCHECKED, // no checks configured
	WR_HEALTH_UP,
	WR_HEALTH_DOWN,
};

// What one worker counts about one backend; plain adds by its owner.
struct wr_backend_counters {
	uint64_t sessions; // now
	uint64_t sessions_peak;
	uint64_t sessions_total; // established to this backend
	uint64_t picks;          // chosen, retries included
	uint64_t connect_refused;
	uint64_t connect_timeout;
	uint64_t connect_failed; // no route, no port
	uint64_t resets;         // by the backend, after establishment
	uint64_t bytes_in;       // from the backend
	uint64_t bytes_out;      // to the backend
	uint64_t connect_us_sum; // of established connects
	uint64_t stalled;        // its window closed while we had data: spells
} __attribute__((aligned(64)));

struct wr_backend {
	uint16_t id; // slot
	uint16_t pool;
	char name[WR_NAME_LEN];
	struct wr_endpoint addr;
	uint32_t weight; // written by control, read by control
	enum wr_backend_admin admin;
	enum wr_backend_health health;
	uint32_t streak;        // results in a row that contradict `health`
	bool checked;           // at least one probe ended
	wr_us_t state_since_us; // of admin or health
	wr_us_t next_probe_us;  // control schedule
	wr_us_t last_probe_us;
	int last_probe_err;   // 0 passed, else errno
	uint32_t transitions; // up <-> down
	// Probe hand-over: control sets `probe_asked` to a new number and tells a worker; the
	// worker stores err+1 in the high half and that number in the low half, atomically.
	uint32_t probe_asked;
	uint64_t probe_answer;
	struct wr_backend_counters *per_worker; // [workers]
};

struct wr_pool_slot {
	uint16_t id;
	char name[WR_NAME_LEN];
	const struct wr_conf_pool *conf;
	uint16_t first, count;   // backends are first .. first + count - 1
	struct wr_maglev *table; // swapped atomically, freed after a grace period
	uint32_t usable;         // backends in the table
	uint64_t generation;     // rebuilds
};

struct wr_backends; // all pools of an instance

// Make slots from a checked configuration, everything enabled, tables built. Health starts UP with
// one failure missing to DOWN, as HAProxy does. NULL: out of memory.
struct wr_backends *wr_backends_create(
	const struct wr_conf *conf, uint16_t workers, struct wr_err *err);
void wr_backends_destroy(struct wr_backends *b);

uint32_t wr_backends_pool_count(const struct wr_backends *b);
uint32_t wr_backends_count(const struct wr_backends *b);
struct wr_pool_slot *wr_backends_pool(struct wr_backends *b, uint16_t pool);
struct wr_backend *wr_backends_get(struct wr_backends *b, uint16_t id);

// Slot id by "pool/name", or -1.
int wr_backends_find(const struct wr_backends *b, const char *path);

// The RCU variable that workers report to: thread id = worker number.
struct rte_rcu_qsbr *wr_backends_rcu(struct wr_backends *b);

// --- workers --------------------------------------------------------------------------------

// Pick a backend for a key hash, skipping ids in tried[0..n_tried). Returns a slot id or
// WR_MAGLEV_NONE. Between two quiescent reports of the worker; no lock.
uint16_t wr_backends_pick(const struct wr_backends *b, uint16_t pool, uint64_t hash,
	const uint16_t *tried, uint32_t n_tried);

// Pick the first backend that `takes` says yes to, which it says once at most; asked for usable
// ones only, some of them more than once: the hash's choices first, then every slot of the pool
// from a place that depends on the hash, so that none is missed. WR_MAGLEV_NONE: all said no, or
// there is none.
typedef bool (*wr_backends_takes)(void *arg, uint16_t id);
uint16_t wr_backends_pick_if(const struct wr_backends *b, uint16_t pool, uint64_t hash,
	wr_backends_takes takes, void *arg);

// Backends of a pool that may be picked.
uint32_t wr_backends_usable(const struct wr_backends *b, uint16_t pool);

static inline struct wr_backend_counters *wr_backend_counters(
	struct wr_backend *be, uint16_t worker)
{
	return &be->per_worker[worker];
}

// Store a probe's result: err 0 or errno. By the worker that ran it.
void wr_backend_probe_answer(struct wr_backend *be, uint32_t asked, int err);

// --- control thread -------------------------------------------------------------------------

enum wr_backend_change {
	WR_BACKEND_SAME,
	WR_BACKEND_WENT_UP,
	WR_BACKEND_WENT_DOWN,
};

// Take an answer if there is a new one and judge it (rise, fall). *err gets the result; returns
// whether the state changed (the table is rebuilt then), or -1 when there was no answer. Errors for
// lack of resources of ours (EADDRNOTAVAIL, EADDRINUSE, ENOBUFS, ENOMEM) are no verdict.
int wr_backends_probe_take(struct wr_backends *b, uint16_t id, wr_us_t now, int *err);

// Change administration; rebuilds the pool's table. 0, -ENOENT, -ENOMEM.
int wr_backends_set_admin(
	struct wr_backends *b, uint16_t id, enum wr_backend_admin admin, wr_us_t now);
int wr_backends_set_weight(
	struct wr_backends *b, uint16_t id, uint32_t weight, wr_us_t now); // -EINVAL above 256

// Free tables that no worker can still read. Never blocks.
void wr_backends_reclaim(struct wr_backends *b);

// Sum of per-worker counters (peak: the sum of peaks). Any thread; values may be a loop old.
void wr_backend_sum(
	const struct wr_backends *b, const struct wr_backend *be, struct wr_backend_counters *out);

// "up", "down", "unchecked", "drain": as operators say it.
const char *wr_backend_state_name(const struct wr_backend *be);

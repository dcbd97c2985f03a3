/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_backend.h"
#include "wr_conf.h"
#include "wr_event.h"
#include "wr_l3.h"
#include "wr_rss.h"
#include "wr_stats.h"
#include "wr_tcp.h"
#include "wr_access.h"
#include "wr_lease.h"
#include "wr_limit.h"
#include "wr_record.h"

// Sessions: each pairs a client's connection with a backend's and moves payload buffers between
// them. One proxy a worker, on that worker's TCP stack; no thread of its own, no lock.

struct wr_proxy;

// What one worker counts about one service; plain adds by its owner.
struct wr_service_counters {
	uint64_t sessions; // now
	uint64_t sessions_peak;
	uint64_t sessions_total;
	uint64_t refused;   // no backend, no source port, no session, denied, stopping: reset
	uint64_t failed;    // accepted, but no backend answered
	uint64_t bytes_in;  // from clients
	uint64_t bytes_out; // to clients
	uint64_t resets_client;
	uint64_t resets_backend;
	uint64_t timeouts;
	uint64_t completed; // sessions that gave the place at their backend back
	uint64_t pending_timeouts, pending_evicted, pending_full, pending_left;
	uint64_t limited; // refused by a limit of connections
} __attribute__((aligned(64)));

// What all workers share of limits; made once by wr_proxy_shared_create(), not owned by a proxy.
struct wr_proxy_shared {
	struct wr_access *access;   // never NULL
	struct wr_clients *clients; // NULL: no service limits clients
	struct wr_limit *limits; // [0]: the instance's, [1 + service]: a service's, WR_MAX_SERVICES
	struct wr_lease **pools; // [WR_MAX_POOLS]; limit 0: none; NULL: no such pool yet
	struct wr_lease **backends; // [WR_MAX_BACKENDS], by slot; both live as long as this
	bool *limited; // [WR_MAX_POOLS], atomic: sessions take places there, as one has a limit
	uint16_t workers;
};

static inline bool wr_proxy_shared_limited(const struct wr_proxy_shared *sh, uint16_t pool)
{
	return __atomic_load_n(&sh->limited[pool], __ATOMIC_RELAXED);
}

// Control thread: a limit at run time, 0 none, of a backend, or of the pool itself
// (WR_BACKEND_NONE). Where nothing of the pool was limited, what began before is not counted.
// 0 or -ENOENT.
int wr_proxy_shared_limit(
	struct wr_proxy_shared *sh, uint16_t pool, uint16_t backend, uint32_t limit);

// Access rules from the configuration included. NULL with a sentence.
struct wr_proxy_shared *wr_proxy_shared_create(const struct wr_conf *conf,
	struct wr_backends *backends, uint16_t workers, const uint64_t key[2], int numa_node,
	struct wr_err *err);
void wr_proxy_shared_destroy(struct wr_proxy_shared *sh);
// Towards the next configuration, before workers are told: leases for new slots, the table of
// clients when it is needed for the first time. 0 or -ENOMEM with a sentence.
int wr_proxy_shared_prepare(struct wr_proxy_shared *sh, const struct wr_conf *fresh,
	const uint64_t key[2], int numa_node, struct wr_err *err);
// And after they have it: access rules of the file, limits of leases where the file's own value
// changed against `before`. 0, or -ENOMEM with a sentence: then the old access rules hold.
int wr_proxy_shared_commit(struct wr_proxy_shared *sh, const struct wr_conf *before,
	const struct wr_conf *fresh, struct wr_err *err);

// A rule of the configuration in the words of lib/limit, defaults of bursts filled in.
struct wr_limit_rule wr_proxy_limit_rule(const struct wr_conf_limit *c);

struct wr_proxy_config {
	const struct wr_conf *conf;
	struct wr_proxy_shared *shared;
	struct wr_backends *backends;
	struct wr_tcp_stack *tcp;
	struct rte_mempool *small; // the stack's: headers and requests of our own
	const struct wr_l3_net *l3;
	const struct wr_rss *const *port_rss; // by port id; NULL entries: one worker
	uint16_t worker;
	uint16_t workers;
	uint32_t max_sessions; // of this worker
	uint32_t max_probes;
	uint32_t snd_buf_bytes;     // send queue limit that a connection begins with, and what
	uint32_t rcv_buf_max_bytes; // limits may become, as given to the stack
	uint32_t snd_buf_max_bytes;
	struct wr_stats *stats;
	struct wr_event_ring *events;
	struct wr_record_ring *records; // NULL: sessions leave no record
	uint64_t seed;
	int numa_node;
};

// Make the sessions, the listeners on the stack and the source-port bitmaps. Sentence on error.
struct wr_proxy *wr_proxy_create(
	const struct wr_proxy_config *cfg, wr_us_t now, struct wr_err *err);
void wr_proxy_destroy(struct wr_proxy *p);

// One turn: take ready connections (at most budget), run session timers. Returns items handled.
uint32_t wr_proxy_poll(struct wr_proxy *p, uint32_t budget, wr_us_t now);

wr_us_t wr_proxy_next_timer(const struct wr_proxy *p);

// The worker's pressure level, each time it changes. From P2 on a failed connect is not retried at
// another backend, peers that stall are closed after pressure.stall; from P3 on the sessions that
// hold most above their share and move nothing are reset, pressure.evictions of them a tick.
void wr_proxy_set_pressure(struct wr_proxy *p, uint8_t level);
// Once a tick of pressure (1 ms): leases that are not used go back, slow peers are looked for.
void wr_proxy_tick(struct wr_proxy *p, wr_us_t now);

// --- control, run inside the worker by message ------------------------------------------------

// Begin a check; the answer goes through wr_backend_check_answer(), also when it cannot begin.
void wr_proxy_check(struct wr_proxy *p, const struct wr_check *c, wr_us_t now);

// Reset all sessions of a backend that came to it up to `asked`, some a turn until done.
void wr_proxy_kill_backend(struct wr_proxy *p, uint16_t backend, wr_us_t asked);

// Taking over a configuration in three steps, so that a worker neither allocates nor frees.
// create(): by the control thread, while the worker runs, from what never changes in `p` and from
// `fresh` (wr_conf_plan()ned against the one in force; backends prepared): source ports for new
// backends, the changes of listeners, wait queues and limits. NULL with a sentence.
// adopt(): by the worker between two turns; what it replaces it leaves in the change. Sessions of
// services and pools that are LEAVING go on with the configuration of theirs that `fresh` holds.
// destroy(): by the control thread, once adopted or given up. `fresh` must outlive its time in
// force.
struct wr_proxy_change;
struct wr_proxy_change *wr_proxy_change_create(
	struct wr_proxy *p, const struct wr_conf *fresh, struct wr_err *err);
void wr_proxy_adopt(struct wr_proxy *p, struct wr_proxy_change *c, wr_us_t now);
void wr_proxy_change_destroy(struct wr_proxy_change *c);
// What adopting it could not do, once it was adopted: a sentence, or "".
const char *wr_proxy_change_trouble(const struct wr_proxy_change *c);
// Sessions of a service now, by any thread; those of a LEAVING one must end before its slot is
// free.
uint64_t wr_proxy_service_sessions(const struct wr_proxy *p, uint16_t service);

// Reset one session by id, as shown by wr_proxy_dump(). False when there is none.
bool wr_proxy_kill(struct wr_proxy *p, uint32_t session, wr_us_t now);

// Refuse new connections from now on (shutdown); listeners answer SYNs with a reset.
void wr_proxy_stop(struct wr_proxy *p);
// Reset every session, a hundred a turn until done.
void wr_proxy_abort_all(struct wr_proxy *p);

enum wr_session_state {
	WR_SESSION_HEADER,      // its PROXY header has not come yet
	WR_SESSION_PENDING,     // waits for a backend with room
	WR_SESSION_CONNECTING,  // no backend connection is established yet
	WR_SESSION_OPEN,        // both directions
	WR_SESSION_HALF_CLOSED, // one direction ended
	WR_SESSION_CLOSING,     // both ended; the last bytes are on their way
	WR_SESSION_STATES
};
const char *wr_session_state_name(enum wr_session_state st);

struct wr_session_info {
	uint32_t id; // unique in this worker while it lives
	uint16_t worker;
	uint16_t service;
	uint16_t backend; // WR_MAGLEV_NONE while none
	uint8_t state;    // enum wr_session_state
	uint8_t tries;
	uint8_t class;
	bool stalled_client; // its window is closed while we have bytes for it
	bool stalled_backend;
	wr_us_t age_us;
	wr_us_t idle_us;
	struct wr_endpoint proxied; // who the client is by its PROXY header; port 0: there was none
	wr_us_t first_byte_us;      // from the connect to the backend's first byte; 0: none yet
	struct wr_tcp_info client;
	struct wr_tcp_info server;
	bool has_server;
};

struct wr_session_filter {
	int32_t service; // -1: any
	int32_t backend; // -1: any
	bool stalled;    // only sessions with a stalled side
	bool has_peer;   // only this client address
	struct wr_addr peer;
	int64_t id; // only this id; -1: any
};

// Copy matching sessions from a cursor (start 0) into out, at most max, looking at no more than
// 4096 slots. Returns how many; *cursor moves on, UINT32_MAX at the end.
uint32_t wr_proxy_dump(struct wr_proxy *p, const struct wr_session_filter *f, uint32_t *cursor,
	struct wr_session_info *out, uint32_t max, wr_us_t now);

// Whether a session has a connection whose own address this is, among some hundred slots from a
// cursor (start 0); *cursor moves on, UINT32_MAX at the end.
bool wr_proxy_uses_address(struct wr_proxy *p, const struct wr_addr *a, uint32_t *cursor);

// --- gauges -----------------------------------------------------------------------------------
struct wr_proxy_gauges {
	uint32_t sessions, sessions_max;
	uint32_t connecting; // sessions without an established backend; not those that are pending
	uint32_t ports_used, ports_max;  // of the most used (source, backend) pair
	uint64_t connects_per_s_ceiling; // ports x sources x backends / TIME-WAIT
};
// Looks at every pair of source and backend: not for every turn.
void wr_proxy_gauges(struct wr_proxy *p, struct wr_proxy_gauges *out);

// What changes fast, cheap enough for every tick of pressure.
struct wr_proxy_depths {
	uint32_t sessions;
	uint32_t connecting;
	// Fullest queues of connections since the last call. A connection's limit is its own and
	// grows, so this is the share of its limit that is used, in bytes of the largest limit.
	uint32_t recv_bytes, send_bytes;
};
void wr_proxy_depths(struct wr_proxy *p, struct wr_proxy_depths *out);

// The queue of sessions that wait for a backend with room, of a service in this worker.
struct wr_proxy_pending {
	uint32_t depth, items_max;
	wr_us_t oldest_us; // how long the oldest has waited
	bool waits;        // there are some, or the last pick found every backend at its limit
	uint64_t arrivals, waited_us; // for Little's law
};
void wr_proxy_pending(
	struct wr_proxy *p, uint16_t service, wr_us_t now, struct wr_proxy_pending *out);

// The service that listens there, or WR_PROXY_NO_SERVICE.
#define WR_PROXY_NO_SERVICE UINT16_MAX
uint16_t wr_proxy_service_at(const struct wr_proxy *p, const struct wr_addr *addr, uint16_t port);

// Counters of a service in this worker; read by any thread.
const struct wr_service_counters *wr_proxy_service(const struct wr_proxy *p, uint16_t service);

uint32_t wr_proxy_session_size(void);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "wr_addr.h"
#include "wr_conf.h"
#include "wr_err.h"
#include "wr_event.h"
#include "wr_hist_small.h"
#include "wr_limits.h"
#include "wr_picker.h"
#include "wr_units.h"

// Pools and backends in stable slots: identity, state, per-worker counters, and each pool's view
// (tiers with their pickers) as an immutable snapshot swapped under RCU. The control thread owns
// every write but counters and answers to checks; workers pick and count; other threads read state
// under the control mutex. Time is an argument, randomness a seed.

#define WR_BACKEND_NONE WR_MAGLEV_NONE

enum wr_backend_admin {
	WR_ADMIN_ENABLED,
	WR_ADMIN_DRAINING, // no new sessions; those that exist go on, until a deadline if there is
	                   // one
	WR_ADMIN_DISABLED, // no new sessions and no checks
};

enum wr_backend_health {
	WR_HEALTH_UNCHECKED, // no checks configured
	WR_HEALTH_UP,
	WR_HEALTH_DOWN,
};

enum wr_breaker_state {
	WR_BREAKER_CLOSED,
	WR_BREAKER_OPEN,      // takes no sessions
	WR_BREAKER_HALF_OPEN, // a check decides
};

// What a backend is, in one word; the first that applies, from the top.
enum wr_backend_state {
	WR_BACKEND_LEAVING,    // removed, has sessions
	WR_BACKEND_DISABLED,   // by an operator
	WR_BACKEND_DRAINING,   // by an operator or its agent
	WR_BACKEND_DOWN,       // by checks or its agent
	WR_BACKEND_OPEN,       // breaker
	WR_BACKEND_HALF_OPEN,  // breaker
	WR_BACKEND_SLOW_START, // came back a moment ago
	WR_BACKEND_UP,
	WR_BACKEND_NOCHECK, // no checks configured
	WR_BACKEND_STATES
};
const char *wr_backend_state_word(
	enum wr_backend_state st); // "leaving", "disabled", "drain", "down", "open", "half_open",
                                   // "slow_start", "up", "unchecked"

// What one worker counts about one backend; plain adds by its owner, a cache line of its own.
struct wr_backend_counters {
	// What every pump of the downward path writes: one line.
	uint64_t bytes_in;           // from the backend
	uint64_t bytes_out;          // to the backend
	wr_us_t last_byte_us;        // of any session
	uint64_t unanswered;         // sessions now that wait for their first byte, a request sent
	wr_us_t unanswered_since_us; // when that number was last 0, or the last answer began
	uint64_t answered;           // sessions that got a first byte
	uint64_t sessions;           // now, established
	uint64_t sessions_peak;
	// Once a session.
	uint64_t sessions_total; // established to this backend
	uint64_t picks;          // chosen, retries included
	// Rare.
	uint64_t stalled;      // its window closed while we had data: spells
	uint64_t resets;       // by the backend, after it had sent something
	uint64_t resets_early; // by the backend, before its first byte
	uint64_t closes_early; // closed in order by the backend, a request sent, no byte answered
	uint64_t connect_refused;
	uint64_t connect_timeout;
	uint64_t connect_unreachable; // ICMP said so
	uint64_t connect_failed; // for a reason of ours: no route, no port, no memory, ended by us
	struct wr_hist_small connect_us;    // of established connects
	struct wr_hist_small first_byte_us; // from established to first byte
	struct wr_hist_small session_us;    // from accepted to ended
} __attribute__((aligned(64)));

// --- checks ---------------------------------------------------------------------------------

enum wr_check_kind {
	WR_CHECK_TCP,
	WR_CHECK_HTTP,
	WR_CHECK_AGENT, // HAProxy's agent-check: a line of words
};
enum wr_check_slot { // of a backend: health and agent are asked independently
	WR_CHECK_SLOT_HEALTH,
	WR_CHECK_SLOT_AGENT,
	WR_CHECK_SLOTS
};

struct wr_check { // one to be made
	uint16_t backend;
	uint8_t kind; // enum wr_check_kind
	uint8_t slot; // enum wr_check_slot
	uint32_t asked;
	wr_us_t timeout_us;
};

// What an agent's line said (HAProxy configuration manual, agent-check).
#define WR_AGENT_WEIGHT  0x01 // weight_percent
#define WR_AGENT_MAXCONN 0x02
#define WR_AGENT_READY   0x04 // out of drain and maint
#define WR_AGENT_DRAIN   0x08
#define WR_AGENT_MAINT   0x10
#define WR_AGENT_DOWN    0x20 // "down", "failed", "stopped"
#define WR_AGENT_UP      0x40

struct wr_check_answer {
	int err;         // 0: passed; else errno. EPROTO: an answer that does not fit
	uint16_t status; // of HTTP, 0: none
	uint16_t agent;  // WR_AGENT_*
	uint16_t weight_percent;
	uint32_t maxconn;
	uint32_t took_us;
	char text[64]; // in words: "HTTP 503", "body lacks 'ok'", "agent: 75% up"
};

struct wr_backend_check {  // one slot's state
	uint32_t asked;    // number of the last question
	uint32_t answered; // written by the worker (release) behind `answer`; = asked: it is there
	bool out;          // asked, not judged
	wr_us_t next_us;   // when to ask again
	wr_us_t lost_us;   // when a missing answer is given up
	wr_us_t last_us;   // of the last answer
	bool known;        // at least one ended
	struct wr_check_answer answer;
	struct wr_check_answer last; // judged: the control thread's copy
};

// --- slots ----------------------------------------------------------------------------------

struct wr_backend {
	uint16_t id; // slot
	uint16_t pool;
	char name[WR_NAME_LEN];
	struct wr_endpoint addr;
	enum wr_conf_slot slot;
	bool ready;           // workers know it
	uint32_t weight;      // in force before slow start and agent: the operator's or the file's
	uint32_t weight_conf; // of the file
	uint8_t priority;     // tier
	enum wr_backend_admin admin;
	wr_us_t drain_until_us; // 0: no deadline
	uint16_t agent_percent; // of weight; 100
	bool agent_drain, agent_down;
	enum wr_backend_health health;
	uint32_t streak; // results in a row that contradict `health`
	enum wr_breaker_state breaker;
	uint32_t breaker_opens; // in a row: the back-off doubles with each
	wr_us_t breaker_until_us;
	char breaker_why[64];                   // "5 connect failures in a row", ...
	wr_us_t slow_since_us;                  // start of the ramp; 0: none
	wr_us_t state_since_us;                 // of what wr_backend_state() says
	enum wr_backend_state state;            // as last judged
	uint64_t time_in_us[WR_BACKEND_STATES]; // up to state_since_us
	uint32_t transitions;                   // up <-> down
	uint32_t ejections;                     // times the breaker opened
	struct wr_backend_check check[WR_CHECK_SLOTS];
	struct wr_backend_counters *per_worker; // [workers]
	struct wr_backend_seen *seen;           // control's: counters at the last look
};

struct wr_pool_view; // private

struct wr_pool_slot {
	uint16_t id;
	char name[WR_NAME_LEN];
	enum wr_conf_slot slot;
	const struct wr_conf_pool *conf; // of the configuration in force
	uint32_t count;
	uint16_t *member; // [count] backend ids, LEAVING ones included; control and its mutex
	struct wr_pool_view *view; // swapped atomically, freed after a grace period
	uint32_t usable;           // backends that may be picked
	uint16_t tier_share[8];    // of 256, by priority: where new sessions go
	bool failing_open;
	int32_t serving;          // pool that serves in its place (its backup), or itself
	uint64_t generation;      // rebuilds
	uint64_t spills, returns; // moves between tiers, and to and from the backup
};

struct wr_backends; // all pools of an instance

// Make slots from a checked configuration, tables built. Health starts UP with one failure missing
// to DOWN, as HAProxy does. NULL: out of memory.
struct wr_backends *wr_backends_create(
	const struct wr_conf *conf, uint16_t workers, uint64_t seed, struct wr_err *err);
void wr_backends_destroy(struct wr_backends *b);

// High-water marks: slots below may be vacant (NULL).
uint32_t wr_backends_pool_count(const struct wr_backends *b);
uint32_t wr_backends_count(const struct wr_backends *b);
struct wr_pool_slot *wr_backends_pool(struct wr_backends *b, uint16_t pool);
struct wr_backend *wr_backends_get(struct wr_backends *b, uint16_t id);

// Slot id by "pool/name", or -1; one that is not leaving first.
int wr_backends_find(const struct wr_backends *b, const char *path);

// The RCU variable that workers report to: thread id = worker number.
struct rte_rcu_qsbr *wr_backends_rcu(struct wr_backends *b);

// --- workers --------------------------------------------------------------------------------

// The pool that serves for this one at present: itself, or its backup (or that one's) while none
// of its own may be picked.
uint16_t wr_backends_route(const struct wr_backends *b, uint16_t pool);

// The hash of a client for a pool, as pools[].hash says.
uint64_t wr_backends_key(
	const struct wr_backends *b, uint16_t pool, const struct wr_endpoint *client);

// Pick the first backend that `takes` says yes to, which it says once at most; asked for usable
// ones only, some of them more than once: the algorithm's choice first, its alternatives, then
// every usable one of the pool (all tiers, best first), so that none is missed. WR_BACKEND_NONE:
// all said no, or there is none. Between two quiescent reports of the worker; no lock.
typedef bool (*wr_backends_takes)(void *arg, uint16_t id);
uint16_t wr_backends_pick_if(struct wr_backends *b, uint16_t pool, uint16_t worker, uint64_t hash,
	wr_backends_takes takes, void *arg);

// The same, skipping ids in tried[0..n_tried).
uint16_t wr_backends_pick(struct wr_backends *b, uint16_t pool, uint16_t worker, uint64_t hash,
	const uint16_t *tried, uint32_t n_tried);

// Backends of a pool that may be picked.
uint32_t wr_backends_usable(const struct wr_backends *b, uint16_t pool);

// A session begins or stops to point at a backend (from pick to end): a slot is not reused while
// there are any, and picks count them at once.
void wr_backends_hold(struct wr_backends *b, uint16_t worker, uint16_t id);
void wr_backends_release(struct wr_backends *b, uint16_t worker, uint16_t id);

// Time to first byte of a session, or a penalty for a failure: smoothed for two_choices.
void wr_backends_latency(struct wr_backends *b, uint16_t worker, uint16_t id, wr_us_t us);

static inline struct wr_backend_counters *wr_backend_counters(
	struct wr_backend *be, uint16_t worker)
{
	return &be->per_worker[worker];
}

// The slot of one that is held: never NULL, in range, and nobody else's meanwhile.
static inline struct wr_backend *wr_backends_held_slot(struct wr_backends *b, uint16_t id)
{
	return *(struct wr_backend **)b + id;
}

// Store a check's result. By the worker that made it, or by control in its place when it is lost.
void wr_backend_check_answer(
	struct wr_backend *be, uint8_t slot, uint32_t asked, const struct wr_check_answer *a);

// --- control thread -------------------------------------------------------------------------

// Everything that is due: answers are judged (rise, fall, agent), breakers opened and tried again,
// ramps moved on, drains ended, tiers spilled and returned, signals of load collected (every 5 ms),
// views of pools that changed rebuilt (at most once in 20 ms a pool), old ones freed. Errors of
// checks for lack of resources of ours (EADDRNOTAVAIL, EADDRINUSE, ENOBUFS, ENOMEM, ENETUNREACH)
// and answers that do not come are no verdict. Returns when it wants to be called again.
wr_us_t wr_backends_turn(struct wr_backends *b, wr_us_t now);

// The next check that is due; it counts as asked then. Health of disabled and leaving backends is
// not asked. False: none is due.
bool wr_backends_next_check(struct wr_backends *b, wr_us_t now, struct wr_check *out);
// It could not be handed to a worker: ask again soon.
void wr_backends_check_unsent(struct wr_backends *b, const struct wr_check *c, wr_us_t now);

// What happened in turns and changes since: events to be raised, in order (scope: backend or pool;
// text: reason in words). False: none left. At most 1024 wait; more are counted into the next one's
// `count`.
bool wr_backends_next_event(struct wr_backends *b, struct wr_event *out);

// A backend all of whose sessions are to be reset now (on_down: reset, end of a drain). False:
// none.
bool wr_backends_next_kill(struct wr_backends *b, uint16_t *id);

// A limit that an agent set (maxconn): for the owner of leases. False: none.
bool wr_backends_next_limit(struct wr_backends *b, uint16_t *id, uint32_t *limit);

// Administration; visible to workers with the next rebuild (20 ms at most). `until` of a drain: its
// deadline, 0 none. 0, -ENOENT, -EINVAL (weight above 256).
int wr_backends_set_admin(struct wr_backends *b, uint16_t id, enum wr_backend_admin admin,
	wr_us_t until, wr_us_t now);
int wr_backends_set_weight(struct wr_backends *b, uint16_t id, uint32_t weight, wr_us_t now);

// Whether no other backend of its pool could take new sessions without this one.
bool wr_backends_is_last(const struct wr_backends *b, uint16_t id);

// To the next configuration, as laid out by wr_conf_plan(), in two steps. prepare() makes slots for
// what is new, which workers are then told of, and all memory that commit() needs; 0 or -ENOMEM.
// commit() makes new ones pickable, takes what is LEAVING out of the views (its drain deadline from
// pools[].drain), moves every `conf` pointer and applies changed weights, limits and states: after
// it the old configuration is not read any more. What an operator had set (admin, weight) stays
// unless the file's own value changed. abandon(): back to before prepare().
int wr_backends_prepare(struct wr_backends *b, const struct wr_conf *fresh, struct wr_err *err);
void wr_backends_commit(struct wr_backends *b, const struct wr_conf *fresh, wr_us_t now);
void wr_backends_abandon(struct wr_backends *b);

// Whether sessions, checks or workers still point at a slot; for struct wr_conf_use.
bool wr_backends_backend_used(const struct wr_backends *b, uint16_t id);
bool wr_backends_pool_used(const struct wr_backends *b, uint16_t pool);

// Free what no worker can still read. Never blocks; part of every turn.
void wr_backends_reclaim(struct wr_backends *b);

// Rebuild everything that is dirty at once, whatever the window (start, tests).
void wr_backends_flush(struct wr_backends *b, wr_us_t now);

// Sum of per-worker counters (peak: the sum of peaks). Any thread; values may be a loop old.
void wr_backend_sum(
	const struct wr_backends *b, const struct wr_backend *be, struct wr_backend_counters *out);

enum wr_backend_state wr_backend_state(const struct wr_backend *be);
// Time in a state until now.
wr_us_t wr_backend_time_in(const struct wr_backend *be, enum wr_backend_state st, wr_us_t now);
// "b1 is down since 12 s: HTTP 503 (3 of 3)": for operators. Returns buf.
char *wr_backend_words(const struct wr_backends *b, const struct wr_backend *be, wr_us_t now,
	char *buf, size_t len);

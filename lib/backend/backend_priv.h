/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "wr_backend.h"
#include "wr_rng.h"

#define TIERS       8 // priorities 0-7
#define WHOLE       256
#define LOOK_US     5000  // counters, loads, ramps and deadlines are looked at so often
#define WINDOW_US   20000 // a pool's view is rebuilt once in so long at most
#define NOTES       1024  // events that may wait
#define RATE_PARTS  8     // a breaker's window is counted in so many parts
#define SHARE_FIRST 26    // slow start begins with 10 % of 256

// What the control thread remembers of a backend beside what others may see.
struct wr_backend_seen {
	bool file_disabled, file_draining; // what the file in force says
	bool pickable;                     // as the last rebuild was asked to have it
	bool drained;                      // its end was told
	bool withheld;                     // its breaker would be open; was told
	wr_us_t withheld_us;               // when that was so last
	uint32_t decides;                  // half-open: the first question whose answer decides
	wr_us_t asked_us[WR_CHECK_SLOTS];
	wr_us_t timeout_us[WR_CHECK_SLOTS];
	// Sums over workers at the last look.
	uint64_t connect_bad, resets_early, closes_early, established, answered;
	uint64_t row_connect, row_early; // failures since the last success of their kind
	uint32_t tries[RATE_PARTS], bad[RATE_PARTS];
	uint64_t part;      // number of the part that is being counted
	wr_us_t since_us;   // usable since then: silence before it is not held against it
	wr_us_t enough_us;  // since when enough sessions wait for it to be silent; 0: too few
	bool heard;         // it answered a session once
	bool fell_silent;   // why its breaker opened; no check has failed since
	wr_us_t closed_us;  // when the breaker closed
	wr_us_t backoff_us; // how long it was open the last time
	bool agent_limited; // its agent gave it a limit
	uint32_t agent_limit;
};

// One tier's picker, shared by views one after another while it would come out the same.
struct tier_table {
	struct wr_picker *picker;
	uint64_t sign; // of what it was built from
	uint32_t refs;
};

struct wr_pool_view {
	uint32_t tiers;
	uint32_t usable;
	struct view_tier {
		uint32_t until; // of 256: hashes below belong here
		uint8_t priority;
		const struct wr_picker *picker;
		struct tier_table *table;
	} tier[TIERS];
};

// Loads of a pool's tiers, written by control, read by every worker.
struct pool_load {
	uint64_t sessions[TIERS];
	uint32_t hot[TIERS];
} __attribute__((aligned(64)));

// How well a tier is, whether checks and breakers are heeded or not.
struct tier_well {
	uint32_t candidates, usable;
};

// Of a pool, beside what others may see.
struct pool_more {
	bool dirty;
	bool built;  // events are for changes, not for the first view
	bool before; // made by prepare(): all its backends are pickable for those who know it
	bool owes;   // its view could not be built at the last commit
	wr_us_t rebuilt_us;
	struct tier_well tier_well[TIERS]; // at the last rebuild
	uint32_t live, open;               // backends, at the last look
	uint32_t key;                      // what of a client is hashed, packed: workers read it
	uint16_t well[TIERS]; // health of tiers, of 256, as heeded: falls at once, rises after a
	                      // hold
	uint16_t rising[TIERS];
	wr_us_t rising_us[TIERS];
	wr_us_t hold_due_us;
	uint8_t had;          // tiers that had backends, a bit each
	uint16_t told[TIERS]; // shares in the last event
};

// What one worker writes with every session; nobody else's cache lines.
struct own_load {
	uint32_t sessions[WR_MAX_BACKENDS];
	uint32_t latency_us[WR_MAX_BACKENDS];
	struct wr_picker_turn turn[WR_MAX_POOLS][TIERS];
} __attribute__((aligned(128)));

struct others_load { // written by control
	uint32_t sessions[WR_MAX_BACKENDS];
} __attribute__((aligned(128)));

// What was replaced, and the grace period after which no worker reads it.
struct retired {
	void *what;
	void (*end)(void *what);
	uint64_t token;
};

struct flags_queue { // of slot ids, each in it once at most
	uint16_t id[WR_MAX_BACKENDS];
	bool in[WR_MAX_BACKENDS];
	uint32_t head, count;
};

struct change; // adopt.c

struct wr_backends {
	struct wr_backend *backends; // [WR_MAX_BACKENDS]; first: see wr_backends_held_slot()
	uint16_t workers;
	uint32_t pool_count, count; // high-water marks
	struct wr_pool_slot pools[WR_MAX_POOLS];
	bool pool_used[WR_MAX_POOLS];
	struct pool_more more[WR_MAX_POOLS];
	uint16_t route[WR_MAX_POOLS];
	bool used[WR_MAX_BACKENDS];
	struct own_load *own;       // [workers]
	struct others_load *others; // [workers]
	struct pool_load *load;     // [WR_MAX_POOLS]
	uint16_t *share;            // [WR_MAX_BACKENDS]
	uint32_t *scratch;          // [WR_MAX_BACKENDS] of the control thread
	struct rte_rcu_qsbr *rcu;
	struct retired *retired;
	uint32_t retired_count, retired_max;
	uint64_t commit_token; // grace after the last commit
	struct change *change; // prepared
	struct wr_rng rng;
	bool started; // a first `now` was seen
	wr_us_t look_us;
	// Checks: when each is due; questions that are out.
	wr_us_t due_us[WR_MAX_BACKENDS][WR_CHECK_SLOTS];
	wr_us_t due_first_us; // none is due before
	uint32_t due_at;      // where the search goes on
	uint32_t out[WR_MAX_BACKENDS * WR_CHECK_SLOTS];
	uint32_t out_count;
	struct wr_event note[NOTES + 1]; // one to write in vain
	uint32_t note_head, note_count, note_lost;
	struct flags_queue kills, limits;
};

static inline const struct wr_conf_pool *pool_conf(
	const struct wr_backends *b, const struct wr_backend *be)
{
	return b->pools[be->pool].conf;
}

_Static_assert(offsetof(struct wr_backends, backends) == 0, "wr_backends_held_slot() counts on it");

// NULL: between prepare() and commit() a slot that left is another pool's already.
static inline const struct wr_backend *wr_pool_member(
	const struct wr_backends *b, const struct wr_pool_slot *ps, uint32_t i)
{
	const struct wr_backend *be = &b->backends[ps->member[i]];

	return be->pool == ps->id ? be : NULL;
}

// adopt.c: all that stood in a slot is gone
void wr_backend_vacate(struct wr_backends *b, uint16_t id);

// slots.c: counters of a new slot. -ENOMEM.
int wr_backend_memory(const struct wr_backends *b, struct wr_backend *be);
void wr_backend_fill(struct wr_backend *be, const struct wr_conf_backend *bc,
	const struct wr_conf_pool *pc, uint16_t pool);
void wr_pool_fill(struct wr_backends *b, uint16_t i, const struct wr_conf_pool *pc);
// The first `now`: times before it are not known.
void wr_backends_start(struct wr_backends *b, wr_us_t now);

// view.c
bool wr_backend_candidate(const struct wr_backend *be); // may be picked, health and breaker apart
bool wr_backend_usable(const struct wr_backend *be);
uint32_t wr_backend_share_weight(const struct wr_backend *be); // the agent's percentage included
// Build and swap in a pool's view. 0 or -ENOMEM (the old one stays, and the pool dirty).
int wr_backends_rebuild(struct wr_backends *b, uint16_t pool, wr_us_t now);
// Rebuild what is due. Returns when the next is.
wr_us_t wr_backends_views(struct wr_backends *b, wr_us_t now, bool all);
int wr_backends_reserve(struct wr_backends *b, uint32_t n); // room to retire so many
void wr_backends_retire(struct wr_backends *b, void *what, void (*end)(void *what));
void wr_view_destroy(void *view);

// tier.c
struct tier_sum {
	uint64_t weight, usable; // weights of the file or operator: of LIVE ones, of pickable ones
	uint32_t count;          // pickable backends
};
void wr_pool_shares(struct wr_backends *b, uint16_t pool, const struct tier_sum sum[TIERS],
	uint16_t share[TIERS], wr_us_t now);
void wr_pool_tell_shares(
	struct wr_backends *b, uint16_t pool, const uint16_t share[TIERS], wr_us_t now);
// Last of all: neither a tier of it nor a backup is well at or above its fail_open.
bool wr_pool_has_to_open(const struct wr_backends *b, uint16_t pool);
void wr_backends_reroute(struct wr_backends *b, wr_us_t now, bool tell);

// words.c: after a change of any of its fields: state, times, ramp; the pool when it has to be
// rebuilt.
void wr_backend_settle(struct wr_backends *b, struct wr_backend *be, wr_us_t now);

// check.c
void wr_checks_plan(struct wr_backends *b, struct wr_backend *be, wr_us_t now); // first ones
void wr_checks_at(struct wr_backends *b, struct wr_backend *be, uint8_t slot, wr_us_t when);
bool wr_checks_wanted(const struct wr_backends *b, const struct wr_backend *be, uint8_t slot);
void wr_checks_judge(struct wr_backends *b, wr_us_t now);
// agent.c
void wr_agent_judge(
	struct wr_backends *b, struct wr_backend *be, const struct wr_check_answer *a, wr_us_t now);
// Its agent is not asked any more: `limit` is the file's.
void wr_agent_forget(struct wr_backends *b, struct wr_backend *be, uint32_t limit);

// breaker.c
void wr_breaker_look(struct wr_backends *b, struct wr_backend *be, wr_us_t now);
void wr_breaker_count(struct wr_backends *b); // live and open ones of each pool
void wr_breaker_trim(struct wr_backends *b, uint16_t pool, wr_us_t now);
// Half-open: a check's verdict.
void wr_breaker_verdict(struct wr_backends *b, struct wr_backend *be, bool passed, wr_us_t now);
void wr_breaker_forget(struct wr_backends *b, struct wr_backend *be); // closed, nothing counted

// ramp.c
void wr_ramp_begin(struct wr_backends *b, struct wr_backend *be, wr_us_t now);
void wr_ramp_stop(struct wr_backends *b, struct wr_backend *be);
void wr_ramp_look(struct wr_backends *b, struct wr_backend *be, wr_us_t now);

// drain.c
void wr_drain_look(struct wr_backends *b, struct wr_backend *be, wr_us_t now);
uint32_t wr_backend_held(const struct wr_backends *b, uint16_t id);

// load.c
void wr_load_collect(struct wr_backends *b);
void wr_load_forget(struct wr_backends *b, uint16_t id);

// note.c
struct wr_event *wr_note(struct wr_backends *b, uint16_t kind, uint32_t scope, wr_us_t now);
void wr_note_text(struct wr_event *ev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void wr_queue_add(struct flags_queue *q, uint16_t id);
bool wr_queue_take(struct flags_queue *q, uint16_t *id);
void wr_queue_remove(struct flags_queue *q, uint16_t id);

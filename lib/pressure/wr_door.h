/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_limits.h"
#include "wr_stats.h"
#include "wr_units.h"
#include "wr_waitq.h"

// The door of a worker: what becomes of a connection request. Two kinds of gate decide: the
// worker's own (its core is behind) and one a service (its sessions wait for backends). A gate is
// open, or lets new connections in at a rate; who they are is decided by class, and inside a class
// by client buckets that take turns: counts of what is offered, by 8 classes x 128 buckets, give
// every 100 ms the rank up to which demand fits the rate (DAGOR: Zhou et al., SoCC 2018; Cinnamon's
// target). Under that rank a request is let in, at it by the tokens that are left, above it it is
// refused.
//
// The rate of the worker's gate follows its lag: how long the worker has been behind, that is, has
// not both emptied its receive queues and served every ready connection (queue kind lag).
// Breakwater (Cho et al., OSDI 2020): add a little while it is below the target, cut in proportion
// to its excess above; while the core has time to spare, add more. The rate of a service's gate is
// what its backends complete, corrected so that the queue before them settles at its target
// (Little's law). Each gate has one controller; refusals of one are no input of the other.
//
// Nothing here sends, allocates or reads a clock. One thread: the worker's.

#define WR_DOOR_BUCKETS   128
#define WR_DOOR_PERIOD_US (10 * WR_US_PER_MS)  // of rates
#define WR_DOOR_CUT_US    (100 * WR_US_PER_MS) // of cuts
#define WR_DOOR_WORKER    UINT16_MAX           // the worker's own gate, where a service is named
#define WR_DOOR_RANKS     (WR_CLASSES * WR_DOOR_BUCKETS)

enum wr_door_verdict {
	WR_DOOR_ADMIT,
	WR_DOOR_HOLD,  // admitted by class, but there is no token yet: hold the SYN-ACK back
	WR_DOOR_RESET, // refuse with a reset
	WR_DOOR_DROP,  // refuse unanswered: the budget of refusals is spent, or the service says so
};

struct wr_door_config {
	uint16_t worker;
	uint16_t services;
	uint32_t resets_per_s;  // refusals by reset that this worker may send; beyond them: drop
	wr_us_t target_us;      // lag that the worker's gate aims at; 0: 5 ms
	wr_us_t hold_us;        // longest that the worker holds a request back; 0: it holds none
	uint32_t hold_requests; // most that it holds
	uint64_t key[2];        // of client buckets
	bool drop[WR_MAX_SERVICES];                 // services[].refuse is drop
	wr_us_t service_target_us[WR_MAX_SERVICES]; // services[].wait.target; 0: 50 ms
};

// One gate, for sight. Its counts of demand are the door's own.
struct wr_gate {
	bool limited;
	uint16_t cut_permille; // share of its requests that its cut refused lately
	uint16_t cut; // rank from which requests are refused: class * 128 + place of its bucket;
	              // WR_DOOR_RANKS: none
	uint64_t rate_per_s; // let in while limited; 0: not limited
	wr_us_t limited_since_us;
	uint64_t offered, admitted, refused, held; // since start
	uint64_t refused_of[WR_CLASSES];
	uint64_t refused_limited; // since it is limited; after that, of the last time
	uint64_t completed_per_s; // smoothed
};

struct wr_door;

struct wr_door *wr_door_create(const struct wr_door_config *cfg, wr_us_t now, int numa_node);
void wr_door_destroy(struct wr_door *d);

// Judge a request. `client` gives the bucket (its /24 or /56 is not used: its whole address is).
// *why gets the drop reason of a refusal: syn_operator, syn_refused or syn_dropped.
enum wr_door_verdict wr_door_ask(struct wr_door *d, uint16_t service, uint8_t class,
	const struct wr_addr *client, wr_us_t now, enum wr_drop *why);

// Whether the cut alone refuses a request: asked before it is parsed, while wr_door_early(). True:
// it is refused, and counted. False: nothing was counted; ask again when it was parsed.
bool wr_door_cuts(struct wr_door *d, uint16_t service, uint8_t class, const struct wr_addr *client,
	wr_us_t now);

// How many of those that are held may be released now, at most `most`; charges them. Each turn
// while some are: a period without this call, or without one held, counts as nobody held.
uint32_t wr_door_release(struct wr_door *d, uint32_t held, uint32_t most, wr_us_t now);

// A refusal that the caller decided on (time in the hold, limits): reset while the budget lasts,
// else drop. Counted by the caller.
enum wr_door_verdict wr_door_refuse(struct wr_door *d, uint16_t service, wr_us_t now);

// Whether requests are refused so much that looking at them closely is too dear: the caller then
// asks before it verifies checksums, and drops unanswered what is refused.
bool wr_door_early(const struct wr_door *d);

// What the gates are steered by, each period.
struct wr_door_signals {
	wr_us_t lag_us;          // how long the worker has been behind; the longest of the period
	uint64_t sessions_ended; // of the worker, since start
	uint32_t busy_permille;  // share of the period that moved something, polling left out
	uint8_t level;           // of the worker
};
struct wr_door_service {
	uint32_t pending;   // sessions that wait for a backend with room
	bool waits;         // all backends are at their limits
	uint64_t completed; // sessions that gave their place back, since start
};

// True when a period has passed: then give the signals. Cheap otherwise.
bool wr_door_due(const struct wr_door *d, wr_us_t now);
// Rates, cuts, and whether gates are limited. The caller compares `limited` of each gate with
// before and tells of changes.
void wr_door_tick(struct wr_door *d, const struct wr_door_signals *s,
	const struct wr_door_service *service, wr_us_t now);

const struct wr_gate *wr_door_gate(const struct wr_door *d, uint16_t service);

// --- a new configuration; in the worker ---

// Services below `n` have gates from now on.
void wr_door_set_services(struct wr_door *d, uint16_t n);
// What the configuration says of the worker's own gate now.
void wr_door_set_worker(
	struct wr_door *d, wr_us_t target_us, wr_us_t hold_us, uint32_t hold_requests);
// Nothing is to be limited any more: all gates begin anew. Orders stay.
void wr_door_open_all(struct wr_door *d, wr_us_t now);
// What the configuration says of a service now; `other`: it is another service than before, whose
// gate begins anew, without orders.
void wr_door_set_service(
	struct wr_door *d, uint16_t service, wr_us_t target_us, bool drop, bool other, wr_us_t now);

// --- an operator's orders; by message in the worker ---

// Refuse classes `class` and worse of a service (WR_DOOR_WORKER: of all); WR_CLASSES takes the
// order back.
void wr_door_order(struct wr_door *d, uint16_t service, uint8_t class);
uint8_t wr_door_ordered(const struct wr_door *d, uint16_t service);

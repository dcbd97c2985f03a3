/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <http_parser.h>

#include "client.h"
#include "client_sources.h"
#include "dist.h"
#include "message.h"
#include "schedule.h"
#include "wr_rng.h"
#include "wr_wheel.h"

// A visit is one connection of a client with its requests, one after the other. It lives in the
// connection's own bytes. What has no connection yet or any more (a user who thinks, a request that
// waits for its retry) is a waiter of the client. Every visit and every waiter hangs in the
// client's wheel at all times, so that client_abort() finds them there.

#define CLIENT_CLOSING_US (10 * WR_US_PER_S)       // patience with a close, without answer_timeout
#define CLIENT_IDLE_US    (4 * 3600 * WR_US_PER_S) // in reach of the wheel, and then again
#define CLIENT_PACE_US    (20 * WR_US_PER_MS)      // slow senders and readers go on so often
#define CLIENT_REFUSED_US (10 * WR_US_PER_MS)      // a user whom the generator had no room for
#define CLIENT_LATE_NS    1000000u
#define CLIENT_HTTP_ID    10 // digits of the id in a request's head

enum client_timer { // wr_wheel_node.kind
	CLIENT_TIMER_VISIT,
	CLIENT_TIMER_WAITER,
};

enum visit_state {
	VISIT_CONNECTING,
	VISIT_ANSWER,  // a request is on its way
	VISIT_DRAIN,   // its answer has arrived, and the slow reader has not read it yet
	VISIT_PAUSE,   // before the next request
	VISIT_IDLE,    // close: never
	VISIT_CLOSING, // the FIN of one side is awaited
};

// visit.flags
#define VISIT_F_USER     0x01 // a user of the closed loop is at work on it
#define VISIT_F_LAST     0x02 // the current request is the last
#define VISIT_F_FIN      0x04 // we sent ours
#define VISIT_F_PEER_FIN 0x08
#define VISIT_F_GONE     0x10 // the answer says that the server closes
#define VISIT_F_ORPHAN   0x20 // given up: what still arrives does not count

// A request to be made on a new connection, and how many in all are to be made on it.
struct ask {
	uint64_t intended_ns;
	uint32_t left;
	uint32_t attempts; // that failed
	bool begun;        // counted as intended already
	bool user;
};

struct waiter {
	struct wr_wheel_node timer;
	struct ask ask;
	struct waiter *next; // free ones
};

struct visit_http {
	http_parser parser;
	uint32_t body; // bytes of it so far
	uint32_t id;
	uint8_t field; // matching bytes of the header's name
	bool in_value, has_id, wrong, complete;
};

struct visit {
	struct wr_wheel_node timer; // never later than deadline_us, but maybe earlier
	uint64_t intended_ns;       // of the current request
	uint64_t syn_ns;
	wr_us_t deadline_us;
	wr_us_t begun_us; // the current request
	wr_us_t read_us;  // up to here the slow reader used its rate
	uint32_t id;      // of the current request; the one before had one less
	uint32_t left;    // requests, the current one included
	uint32_t attempts;
	uint32_t tx_base; // stream offset of the current request
	uint32_t given;   // bytes of it given to ep_send()
	uint32_t got;     // bytes of the answer
	uint32_t want;    // its length, once known
	uint8_t state;
	uint8_t flags;
	uint8_t outcome; // what the answer means: GEN_ERROR_COUNT is a good one
	union {
		uint8_t header[MESSAGE_HEADER];
		struct visit_http http;
	};
};
_Static_assert(sizeof(struct visit) <= 192, "a part of every connection");

enum client_take {
	CLIENT_TAKE_MORE,  // all was used, the answer is not complete
	CLIENT_TAKE_DONE,  // *used bytes were, and it is
	CLIENT_TAKE_WRONG, // not an answer to what was asked
};

// What differs between protocols.
struct client_protocol {
	void (*begin)(struct visit *v); // a request
	enum client_take (*take)(
		struct client *c, struct visit *v, const uint8_t *at, uint32_t len, uint32_t *used);
	// The peer's FIN came within an answer.
	enum client_take (*end)(struct client *c, struct visit *v);
	// Bytes [offset, offset + len) of request `id`.
	void (*fill)(const struct client *c, uint32_t id, bool last, uint8_t *to, uint32_t offset,
		uint32_t len);
};
extern const struct client_protocol client_raw, client_http;

struct client {
	const struct client_protocol *protocol;
	struct ep_stack *stack;
	uint64_t from_ns, to_ns;   // measured
	uint64_t objective_ns;     // UINT64_MAX: none
	uint32_t request_bytes[2]; // on the wire; [1]: of the last request
	uint32_t next_id;
	bool verify, stopped, closed;
	struct schedule schedule;
	struct wr_rng rng;
	struct client_sources sources;
	struct gen_client_stats stats;
	uint64_t users, users_wanted;
	uint64_t closing; // visits that are
	struct waiter *free;
	struct waiter_slab *slabs;
	uint64_t waiters;
	char *head[2]; // HTTP request, without its body; [1]: of the last one
	uint32_t head_bytes[2];
	uint32_t head_id; // offset of the id's digits, the same in both
	struct wr_wheel wheel;
	struct gen_client conf;
};

static inline bool client_measures(const struct client *c, uint64_t intended_ns)
{
	return intended_ns >= c->from_ns && intended_ns < c->to_ns;
}

// Pauses end at ticks of the wheel, and what comes next is intended for then: what the wheel rounds
// off is part of the pause and not of a latency.
static inline wr_us_t client_tick(wr_us_t us)
{
	const wr_us_t tick = 1u << WR_WHEEL_TICK_SHIFT;

	return (us + tick - 1) & ~(tick - 1);
}

// --- client.c --------------------------------------------------------------------------------

// Make the request at `at_us`. False: no waiter is left.
bool client_wait(struct client *c, const struct ask *ask, wr_us_t at_us);
// A user of the closed loop has no request or connection any more, and begins again.
void client_user_free(struct client *c, wr_us_t least_us, const struct gen_now *now);
// Count.
void client_count_intended(struct client *c, uint64_t intended_ns, const struct gen_now *now);
void client_count_answer(struct client *c, uint64_t intended_ns, const struct gen_now *now);
void client_count_error(struct client *c, uint64_t intended_ns, enum gen_error e);

// --- client_http.c ---------------------------------------------------------------------------

// The text of requests. 0 or -ENOMEM.
int client_http_init(struct client *c, struct wr_err *err);
void client_http_fini(struct client *c);

// --- visit.c ---------------------------------------------------------------------------------

void visit_begin(struct client *c, const struct ask *ask, const struct gen_now *now);
void visit_timer(struct client *c, struct visit *v, const struct gen_now *now);
// The run is over.
void visit_abort(struct client *c, struct visit *v, const struct gen_now *now);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <assert.h>

#include "wr_pool.h"
#include "wr_ports.h"
#include "wr_proxy.h"
#include "wr_rng.h"
#include "wr_waitq.h"
#include "wr_wheel.h"

#define TRIES_MAX         17 // backends tried for one session: the first, and at most 16 retries
#define PENDING_TRIES_MAX 12 // a session that failed at more of them does not wait

// Marks of a connection's user word; none: it is new.
#define USER_CHECK   0x80000000u // behind it: check index
#define USER_SESSION 0x40000000u // session index

#define TIMER_SESSION 1
#define TIMER_CHECK   2

// Needed while its PROXY header is awaited.
struct session_header {
	struct wr_mq got; // of it so far
};

// Needed while no backend has room.
struct session_pending {
	struct wr_waitq_node node;
	uint16_t tried[PENDING_TRIES_MAX];
};

// Needed while no backend has answered.
struct session_connecting {
	wr_us_t since_us; // when the current connect began
	uint16_t tried[TRIES_MAX];
};

// Needed from then on.
struct session_moving {
	uint64_t acked_bytes;      // by both sides, when the timer last expired
	wr_us_t client_stalled_us; // since when its window is closed; 0: it is not
	wr_us_t server_stalled_us;
	wr_us_t paused_until_us;       // by a limit of bytes: neither side is read; 0: they are
	bool client_told, server_told; // by an event
	uint32_t connect_us;           // what its backend, the last one tried, took to answer
};

// One client connection and its backend connection. Two cache lines: what an idle pair costs beside
// its connections.
struct session {
	struct wr_wheel_node timer; // one node: the nearest of the time-outs of its state
	wr_handle_t client;         // NONE once released
	wr_handle_t server;
	wr_handle_t self;
	uint32_t source; // index into its backend's sources
	wr_us_t began_us;
	wr_us_t moved_us; // when payload last moved, or the state last changed
	uint16_t service;
	uint16_t backend; // slot, WR_MAGLEV_NONE while none
	uint16_t lport;   // source port held, 0: none
	uint8_t state;    // enum wr_session_state
	uint8_t tries;
	uint8_t class;
	bool deferred : 1;   // the client's SYN waits for our answer
	bool counted : 1;    // in the backend's counters
	bool placed : 1;     // points at its backend
	bool leased : 1;     // and holds a lease of that one's pool and one of itself
	uint8_t limited : 3; // COUNTED_*: the limits of connections that count it
	bool client_fin : 1; // end of the client's stream passed on to the backend
	bool server_fin : 1;
	bool client_over : 1; // connection over (both FINs acknowledged); may be released
	bool server_over : 1;
	bool drains : 1;       // one side was reset: the other gets what had arrived
	bool proxied : 1;      // the client is from a PROXY header
	bool requested : 1;    // bytes of the client's were passed on
	bool answered : 1;     // a byte of the backend's came
	bool unanswered : 1;   // counted by the backend as such
	bool owed : 1;         // by the backend: the last bytes that moved were the client's
	uint32_t client_index; // in the table of clients, WR_CLIENT_NONE: it has no entry
	union {                // by state: which one, session.c and wait.c decide
		struct session_header header;
		struct session_pending pending;
		struct session_connecting connecting;
		struct session_moving moving;
	};
};

#define COUNTED_INSTANCE 0x1
#define COUNTED_SERVICE  0x2
#define COUNTED_CLIENT   0x4

static_assert(sizeof(struct session) <= 128, "a session grew beyond its budget");

// What of a session is looked at a few times in its life: a cache line beside it, by the same
// index.
struct session_note {
	struct wr_addr client; // who it is for: by its PROXY header, or as it came
	uint16_t client_port;
	uint16_t header_bytes; // of its PROXY header
	bool told;             // the header's destination lies in the headroom of `rest`
	uint8_t cause;         // WR_RECORD_*: why the last connect failed; of a session that
	uint8_t phase;         // drains: how it ended
	wr_us_t since_us;      // waits: since when, 0 it does not; moves: when its backend answered
	uint32_t wait_us;      // for a backend with room
	uint32_t at_us;        // connects: from its begin to its PROXY header; moves: from its
	                       // backend's answer to its first byte passed on
	union {
		struct rte_mbuf *rest; // before it moves: what came with the PROXY header, or NULL;
		                       // without bytes where only the destination is kept
		struct {               // from then on
			uint32_t connect_us;
			uint32_t first_byte_us;
		};
	};
};

static_assert(sizeof(struct session_note) == 48, "an idle pair is to fit in a KiB");

// The fullest queue of one direction over all connections, as wr_proxy_depths: the deepest seen
// since the last look, and the connection that it was, since a queue that stands still raises no
// event to see it by.
struct fullest {
	wr_handle_t conn;
	uint32_t now;
	uint32_t peak;
};

// Source addresses towards one backend, each with its ports. One block of memory.
struct source_pairs {
	uint32_t sources;
	uint32_t rotor;
	uint16_t mss;           // path_mss(), as routes do not change
	bool own;               // the port's own address, for want of configured ones
	struct wr_addr *source; // [sources]
	struct wr_ports *ports; // [sources]
	bool *usable;           // [sources]: same family, and a way there
	uint64_t *bitmaps;
};

// A listener on the stack. Its id there is its place here and a generation, so that what came by
// one that is gone is told from what comes by its successor.
struct listener {
	struct wr_endpoint at;
	uint16_t service; // WR_PROXY_NO_SERVICE: nobody's any more
	uint16_t gen;
	uint16_t mss_v4, mss_v6;
	bool deferred;
	bool on; // else its place is free, and `service` whose it was
};

// What making of pairs needs; the control thread's.
struct sources_maker {
	struct wr_ports_order *orders[WR_MAX_PORTS][2]; // by port and family (0: IPv6, 1: IPv4)
	struct wr_rng rng;
};

struct check; // check.c

// A service in this worker: its limits in the words of lib/limit, and who waits.
struct service_run {
	struct wr_limit_rule limit, client;
	bool counts;  // connections are limited: by the instance, the service or the client
	bool bytes;   // bytes are
	bool clients; // its clients are kept in the table
	bool full;    // the last search found every backend at its limit
	bool blocked; // in this turn
	struct wr_waitq wait;
};

// An event that stands for many, raised at most once a second.
struct telling {
	wr_us_t told_us;
	uint32_t count;
	uint32_t scope;
	uint16_t reason;
	struct wr_endpoint a;
};

struct wr_proxy {
	struct wr_proxy_config cfg;
	const struct wr_conf *conf;
	struct wr_tcp_stack *tcp;
	struct wr_stats *stats;
	struct wr_pool sessions;
	struct session_note *notes; // by session index
	uint32_t records;           // ended sessions, to sample them under pressure
	struct wr_wheel wheel;
	struct wr_rng rng;
	struct listener listeners[WR_MAX_LISTENERS];
	uint32_t listener_next;               // place where the control thread looks for a free one
	struct wr_service_counters *services; // [WR_MAX_SERVICES]
	struct source_pairs *pairs[WR_MAX_BACKENDS]; // by slot, NULL: vacant
	uint32_t backend_slots;                      // above those
	struct sources_maker maker;
	struct check *checks;
	uint32_t check_count, checks_busy, check_free; // the last: index + 1 of a list, 0: none
	wr_us_t killing[WR_MAX_BACKENDS]; // sessions picked for it up to then are reset; 0: none
	bool aborting;                    // all sessions are being reset
	uint32_t kill_cursor, kill_left;
	uint32_t connecting;
	struct fullest recv, send;
	bool stopped;
	uint8_t level;              // of pressure; 0 while the configuration wants no reactions
	struct service_run *runs;   // [WR_MAX_SERVICES]
	struct wr_limit_rule limit; // of the instance
	uint32_t waiting;           // sessions that are PENDING, and by pool
	uint32_t pool_waiting[WR_MAX_POOLS];
	uint32_t wait_rotor;                      // service that is served first
	wr_us_t wait_next_us;                     // when to look at those that wait again
	uint64_t leased_pools[WR_MAX_POOLS / 64]; // a bit each: the next tick has to look
	uint64_t leased_backends[WR_MAX_BACKENDS / 64];
	uint32_t slow_cursor;
	struct telling limited, evicted, bad_header;
};

static inline struct session *session_at(struct wr_proxy *p, uint32_t index)
{
	return wr_pool_at(&p->sessions, index);
}

static inline struct session_note *note_of(const struct wr_proxy *p, const struct session *s)
{
	return &p->notes[wr_handle_index(s->self)];
}

static inline bool session_is_moving(const struct session *s)
{
	return s->state > WR_SESSION_CONNECTING;
}

// What is known once a backend answered; NULL before.
static inline const struct session_moving *session_moving(const struct session *s)
{
	return session_is_moving(s) ? &s->moving : NULL;
}

// Whose listener a connection came by, from wr_tcp_ready.listener; WR_PROXY_NO_SERVICE: one that is
// gone, and its service too.
static inline uint16_t proxy_service_of(const struct wr_proxy *p, uint32_t listener)
{
	const struct listener *l = &p->listeners[listener % WR_MAX_LISTENERS];

	return l->gen == listener / WR_MAX_LISTENERS ? l->service : WR_PROXY_NO_SERVICE;
}

static inline const struct wr_conf_service *session_service(
	const struct wr_proxy *p, const struct session *s)
{
	return &p->conf->services[s->service];
}

// proxy.c
void proxy_raise(struct wr_proxy *p, const struct wr_event *ev);
// Raise what was counted, when the last such event is a second ago.
void proxy_tell(struct wr_proxy *p, struct telling *t, enum wr_event_kind kind, wr_us_t now);

// session.c: life
void session_open(struct wr_proxy *p, const struct wr_tcp_ready *r, wr_us_t now);
void session_client_event(struct wr_proxy *p, struct session *s, uint32_t events, wr_us_t now);
void session_server_event(struct wr_proxy *p, struct session *s, uint32_t events, wr_us_t now);
void session_timer(struct wr_proxy *p, struct session *s, wr_us_t now);
// End both sides by reset; why goes on record, with where it was.
void session_abort(struct wr_proxy *p, struct session *s, enum wr_record_cause why, wr_us_t now);
// Its PROXY header is there.
void session_known(struct wr_proxy *p, struct session *s, wr_us_t now);
void session_set_state(
	struct wr_proxy *p, struct session *s, enum wr_session_state st, wr_us_t now);
void session_arm(struct wr_proxy *p, struct session *s, wr_us_t now);

// slow.c: windows that stay closed
// When one is worth an event.
wr_us_t stall_due(const struct session *s);
void stall_note(struct wr_proxy *p, struct session *s, bool client, uint32_t events, wr_us_t now);
void stall_tell(struct wr_proxy *p, struct session *s, wr_us_t now);

// admit.c: who may open a session, how many, and how many bytes
// What a configuration makes of a service; leaves who waits alone.
void admit_plan(struct service_run *r, const struct wr_conf *conf, uint16_t service);
// False: refused, and counted; nothing is held then.
bool admit_session(
	struct wr_proxy *p, struct session *s, const struct wr_addr *client, wr_us_t now);
void admit_leave(struct wr_proxy *p, struct session *s);
// For how long nothing of a session may pass: 0, it may. Where service_run.bytes is set.
wr_us_t admit_bytes_wait(struct wr_proxy *p, const struct session *s, wr_us_t now);
// The same, after n bytes passed, which are charged.
wr_us_t admit_bytes(struct wr_proxy *p, const struct session *s, uint64_t n, wr_us_t now);

// place.c: places at backends
enum place_found {
	PLACE_FOUND,
	PLACE_FULL, // there are backends, all at their limits
	PLACE_NONE, // there are none
};
// A place of the pool that serves and one of a backend that was not tried, picked by key; held
// (wr_backends_hold) from then on, s->placed tells.
enum place_found place_take(
	struct wr_proxy *p, struct session *s, const uint16_t *tried, uint64_t key);
// The backend's number stays in the session, for its record.
void place_put(struct wr_proxy *p, struct session *s);
void place_tick(struct wr_proxy *p);

// wait.c: sessions that wait for a backend with room
struct wr_waitq_config wait_plan(const struct wr_proxy *p, const struct wr_conf_service *sv);
// Services moved to other pools.
void wait_recount(struct wr_proxy *p);
// Another configuration: there may be room now.
void wait_again(struct wr_proxy *p, wr_us_t now);
void wait_join(struct wr_proxy *p, struct session *s, wr_us_t now);
// It ends: counted as pending_ended where it was not counted otherwise.
void wait_leave(struct wr_proxy *p, struct session *s, wr_us_t now);
// Its client left.
void wait_left(struct wr_proxy *p, struct session *s, wr_us_t now);
uint32_t wait_turn(struct wr_proxy *p, wr_us_t now);

// connect.c: a backend for a session
void connect_first(
	struct wr_proxy *p, struct session *s, const struct wr_tcp_info *client, wr_us_t now);
// A session that waited has its place now.
void connect_placed(
	struct wr_proxy *p, struct session *s, const struct wr_tcp_info *client, wr_us_t now);
void connect_give_up(struct wr_proxy *p, struct session *s, wr_us_t now);
// How many backends a session may try now.
uint32_t connect_most(const struct wr_proxy *p, const struct session *s);
void connect_failed(struct wr_proxy *p, struct session *s, enum wr_tcp_end end, wr_us_t now);
// Its backend is taken away while it connects: another one is tried.
void connect_elsewhere(struct wr_proxy *p, struct session *s, wr_us_t now);
void connect_release_port(struct wr_proxy *p, struct session *s);
// What a session is hashed by at the pool that serves it.
uint64_t connect_key(const struct wr_proxy *p, const struct session *s);

// header.c: PROXY headers, from clients and to backends
// Whether a connection from there begins with one.
bool header_expected(const struct wr_conf_service *sv, const struct wr_addr *from);
// What came of it is looked at. It goes on by session_known(), or the session is ended.
void header_take(struct wr_proxy *p, struct session *s, wr_us_t now);
// None, or no good one.
void header_refuse(struct wr_proxy *p, struct session *s, wr_us_t now);
// What goes before all else to a backend that has answered: the header that its pool wants, and
// what came behind the client's own (consumed). False: no buffer; the session has to end.
bool header_send(struct wr_proxy *p, struct session *s, struct rte_mbuf *rest, wr_us_t now);
// What was read and is not passed on.
void header_drop(struct wr_proxy *p, struct session *s, wr_us_t now);

// note.c: what sessions leave behind
int notes_create(struct wr_proxy *p);
void notes_destroy(struct wr_proxy *p);
void note_begin(struct wr_proxy *p, const struct session *s, const struct wr_tcp_info *client);
// A wait began or is over.
void note_wait(struct wr_proxy *p, const struct session *s, wr_us_t now);
void note_waited(struct wr_proxy *p, const struct session *s, wr_us_t now);
// Its backend answered.
void note_connected(struct wr_proxy *p, struct session *s, wr_us_t now);
// Bytes of the client's were passed on, the first ones or after some of the backend's.
void note_request(struct wr_proxy *p, struct session *s, wr_us_t now);
// The first byte of the backend's came.
void note_answer(struct wr_proxy *p, struct session *s, wr_us_t now);
// The backend ended its stream in order; and it reset.
void note_server_fin(struct wr_proxy *p, struct session *s);
void note_server_reset(struct wr_proxy *p, struct session *s);
// The session does not wait for the backend any more, or not by its fault.
void note_not_waiting(struct wr_proxy *p, struct session *s);
// The backend did something wrong: dear in the eyes of two_choices.
void note_fault(struct wr_proxy *p, const struct session *s);
// Where a session is.
enum wr_record_phase note_phase(const struct wr_proxy *p, const struct session *s);
// Who let a time-out of its state pass.
enum wr_record_cause note_idle_cause(struct wr_proxy *p, const struct session *s);
// It ends: its record, while its connections are there.
void note_end(struct wr_proxy *p, struct session *s, enum wr_record_cause why,
	enum wr_record_phase phase, wr_us_t now);

// change.c: what a listener lacked when a change was adopted; NULL: nothing
const struct wr_err *change_err(const struct wr_proxy_change *c);

// pump.c: bytes, from the client, to the client or both
void pump(struct wr_proxy *p, struct session *s, bool up, bool down, wr_us_t now);
// A pause is over: both directions go on.
void pump_resume(struct wr_proxy *p, struct session *s, wr_us_t now);

// sources.c: source addresses and ports
// Pairs of one backend, by the control thread: from what never changes in `p`. NULL: out of memory.
struct source_pairs *sources_create(
	struct wr_proxy *p, const struct wr_conf_pool *pc, const struct wr_conf_backend *bc);
void sources_destroy(struct source_pairs *sp); // may be NULL
// Whether `sp` is what sources_create() would make.
bool sources_match(const struct source_pairs *sp, const struct wr_conf_pool *pc);
// How many pairs a backend of a pool has.
uint32_t sources_count(const struct wr_conf_pool *pc);
// Next source with a free port towards a backend: fills the tuple's local side and *source. False:
// none.
bool sources_get(
	struct wr_proxy *p, const struct wr_backend *be, struct wr_tuple *t, uint32_t *source);
void sources_put(struct wr_proxy *p, const struct wr_backend *be, uint32_t source, uint16_t port);
// Largest MSS on the path to a backend, without options; 0: no route.
uint16_t sources_mss(const struct wr_proxy *p, const struct wr_backend *be);
// Whether any source can reach the backend at all.
bool sources_reach(struct wr_proxy *p, const struct wr_backend *be);
void sources_gauges(const struct wr_proxy *p, struct wr_proxy_gauges *out);

// check.c: health and agents
int checks_create(struct wr_proxy *p);
void checks_destroy(struct wr_proxy *p);
void check_event(
	struct wr_proxy *p, uint32_t index, wr_handle_t conn, uint32_t events, wr_us_t now);
void check_timer(struct wr_proxy *p, uint32_t index, wr_us_t now);

// What is used of a connection's own limit, in bytes of the largest limit.
static inline uint32_t fullness(uint32_t bytes, uint32_t limit, uint32_t limit_max)
{
	return bytes >= limit ? limit_max : (uint32_t)((uint64_t)bytes * limit_max / limit);
}

// Largest MSS on the path to an address, without options; 0: no route.
uint16_t path_mss(const struct wr_proxy *p, const struct wr_addr *dst);

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
#define USER_PROBE   0x80000000u // behind it: probe index
#define USER_SESSION 0x40000000u // session index

#define TIMER_SESSION 1
#define TIMER_PROBE   2

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
};

// One client connection and its backend connection. Two cache lines: what an idle pair costs beside
// its connections.
struct session {
	struct wr_wheel_node timer; // one node: the nearest of the time-outs of its state
	wr_handle_t client;         // NONE once released
	wr_handle_t server;
	wr_handle_t self;
	uint32_t source; // index into the pool's sources x backends
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
	bool placed : 1;     // holds a lease of its pool and one of its backend
	bool limited : 1;    // counted by the limits of connections
	bool client_fin : 1; // end of the client's stream passed on to the backend
	bool server_fin : 1;
	bool client_over : 1; // connection over (both FINs acknowledged); may be released
	bool server_over : 1;
	bool drains : 1;       // one side was reset: the other gets what had arrived
	uint32_t client_index; // in the table of clients, WR_CLIENT_NONE: it has no entry
	union {                // by state: which one, session.c and wait.c decide
		struct session_pending pending;
		struct session_connecting connecting;
		struct session_moving moving;
	};
};

static_assert(sizeof(struct session) <= 128, "a session grew beyond its budget");

// The fullest queue of one direction over all connections, as wr_proxy_depths: the deepest seen
// since the last look, and the connection that it was, since a queue that stands still raises no
// event to see it by.
struct fullest {
	wr_handle_t conn;
	uint32_t now;
	uint32_t peak;
};

// Free source ports of each (source, backend) pair of a pool.
struct source_pairs {
	struct wr_addr *source; // [sources]
	uint32_t sources;
	uint32_t rotor;
	uint32_t first; // slot of the pool's first backend
	uint32_t backends;
	uint16_t *mss;          // [backends]: path_mss(), as routes do not change
	struct wr_ports *ports; // [backends][sources]
	bool *usable;           // [backends][sources]: same family
	uint64_t *bitmaps;
};

struct probe {
	struct wr_wheel_node timer;
	wr_handle_t conn;
	uint32_t asked;
	uint32_t source;
	uint16_t backend;
	uint16_t lport;
	bool busy;
};

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
};

struct wr_proxy {
	struct wr_proxy_config cfg;
	const struct wr_conf *conf;
	struct wr_tcp_stack *tcp;
	struct wr_stats *stats;
	struct wr_pool sessions;
	struct wr_wheel wheel;
	struct wr_rng rng;
	uint16_t service_of_listener[WR_MAX_LISTENERS];
	struct wr_service_counters *services;
	struct wr_ports_order *orders[WR_MAX_PORTS][2]; // by port and family (0: IPv6, 1: IPv4)
	struct source_pairs *pairs;                     // by pool
	struct probe *probes;
	uint32_t probe_count;
	bool killing[WR_MAX_BACKENDS]; // backends whose sessions are being reset
	bool aborting;                 // all sessions are being reset
	uint32_t kill_cursor, kill_left;
	uint32_t connecting;
	struct fullest recv, send;
	bool stopped;
	uint8_t level; // of pressure; 0 while the configuration wants no reactions
	struct service_run *runs;
	struct wr_limit_rule limit; // of the instance
	uint32_t waiting;           // sessions that are PENDING, and by pool
	uint32_t pool_waiting[WR_MAX_POOLS];
	uint32_t wait_rotor;                      // service that is served first
	wr_us_t wait_next_us;                     // when to look at those that wait again
	bool limited_pools[WR_MAX_POOLS];         // that have places, or whose backends have
	uint64_t leased_pools[WR_MAX_POOLS / 64]; // a bit each: the next tick has to look
	uint64_t leased_backends[WR_MAX_BACKENDS / 64];
	uint32_t slow_cursor;
	struct telling limited, evicted;
};

static inline struct session *session_at(struct wr_proxy *p, uint32_t index)
{
	return wr_pool_at(&p->sessions, index);
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
void session_abort(struct wr_proxy *p, struct session *s, wr_us_t now);
void session_set_state(
	struct wr_proxy *p, struct session *s, enum wr_session_state st, wr_us_t now);
void session_arm(struct wr_proxy *p, struct session *s, wr_us_t now);
// An event about one side: who it is and what is held for it.
void session_tell(struct wr_proxy *p, const struct session *s, bool client, enum wr_event_kind kind,
	uint64_t ms, wr_us_t now);

// admit.c: who may open a session, how many, and how many bytes
void admit_init(struct wr_proxy *p);
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
// A place of the pool and one of a backend that was not tried, picked by key; s->placed tells.
enum place_found place_take(
	struct wr_proxy *p, struct session *s, const uint16_t *tried, uint64_t key);
void place_put(struct wr_proxy *p, struct session *s);
void place_tick(struct wr_proxy *p);

// wait.c: sessions that wait for a backend with room
void wait_init(struct wr_proxy *p);
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
void connect_release_port(struct wr_proxy *p, struct session *s);

// pump.c: bytes, from the client, to the client or both
void pump(struct wr_proxy *p, struct session *s, bool up, bool down, wr_us_t now);
// A pause is over: both directions go on.
void pump_resume(struct wr_proxy *p, struct session *s, wr_us_t now);

// sources.c: source addresses and ports
int sources_create(struct wr_proxy *p, struct wr_err *err);
void sources_destroy(struct wr_proxy *p);
// Next source with a free port towards a backend: fills the tuple's local side and *source. False:
// none.
bool sources_get(
	struct wr_proxy *p, const struct wr_backend *be, struct wr_tuple *t, uint32_t *source);
void sources_put(struct wr_proxy *p, const struct wr_backend *be, uint32_t source, uint16_t port);
// Largest MSS on the path to a backend, without options; 0: no route.
uint16_t sources_mss(const struct wr_proxy *p, const struct wr_backend *be);
// Whether any source of the pool can reach the backend at all.
bool sources_reach(struct wr_proxy *p, const struct wr_backend *be);
void sources_gauges(const struct wr_proxy *p, struct wr_proxy_gauges *out);

// probe.c: health
int probes_create(struct wr_proxy *p);
void probe_event(
	struct wr_proxy *p, uint32_t index, wr_handle_t conn, uint32_t events, wr_us_t now);
void probe_timer(struct wr_proxy *p, uint32_t index, wr_us_t now);

// What is used of a connection's own limit, in bytes of the largest limit.
static inline uint32_t fullness(uint32_t bytes, uint32_t limit, uint32_t limit_max)
{
	return bytes >= limit ? limit_max : (uint32_t)((uint64_t)bytes * limit_max / limit);
}

// Largest MSS on the path to an address, without options; 0: no route.
uint16_t path_mss(const struct wr_proxy *p, const struct wr_addr *dst);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <assert.h>

#include "wr_pool.h"
#include "wr_ports.h"
#include "wr_proxy.h"
#include "wr_rng.h"
#include "wr_wheel.h"

#define TRIES_MAX 17 // backends tried for one session: the first, and at most 16 retries

// Marks of a connection's user word; none: it is new.
#define USER_PROBE   0x80000000u // behind it: probe index
#define USER_SESSION 0x40000000u // session index

#define TIMER_SESSION 1
#define TIMER_PROBE   2

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
	bool deferred;   // the client's SYN waits for our answer
	bool counted;    // in the backend's counters
	bool client_fin; // end of the client's stream passed on to the backend
	bool server_fin;
	bool client_over; // connection over (both FINs acknowledged); may be released
	bool server_over;
	union { // by state: which one, session_set_state() decides
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
};

static inline struct session *session_at(struct wr_proxy *p, uint32_t index)
{
	return wr_pool_at(&p->sessions, index);
}

// What is known once a backend answered; NULL before.
static inline const struct session_moving *session_moving(const struct session *s)
{
	return s->state != WR_SESSION_CONNECTING ? &s->moving : NULL;
}

static inline const struct wr_conf_service *session_service(
	const struct wr_proxy *p, const struct session *s)
{
	return &p->conf->services[s->service];
}

// session.c: life
void session_open(struct wr_proxy *p, const struct wr_tcp_ready *r, wr_us_t now);
void session_client_event(struct wr_proxy *p, struct session *s, uint32_t events, wr_us_t now);
void session_server_event(struct wr_proxy *p, struct session *s, uint32_t events, wr_us_t now);
void session_timer(struct wr_proxy *p, struct session *s, wr_us_t now);
void session_abort(struct wr_proxy *p, struct session *s, wr_us_t now);
void session_set_state(
	struct wr_proxy *p, struct session *s, enum wr_session_state st, wr_us_t now);
void session_arm(struct wr_proxy *p, struct session *s, wr_us_t now);

// connect.c: a backend for a session
void connect_next(struct wr_proxy *p, struct session *s, wr_us_t now);
void connect_failed(struct wr_proxy *p, struct session *s, enum wr_tcp_end end, wr_us_t now);
void connect_release_port(struct wr_proxy *p, struct session *s);

// pump.c: bytes, from the client, to the client or both
void pump(struct wr_proxy *p, struct session *s, bool up, bool down, wr_us_t now);

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

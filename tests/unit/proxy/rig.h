/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// A proxy on its own TCP stack and all its peers on another one, joined by a link without delay, on
// a virtual clock that the test moves: pressure levels and ticks are the test's to give.

#include "wr_test.h"

#include "proxy_priv.h"

#define RIG_MS       WR_US_PER_MS
#define RIG_S        WR_US_PER_S
#define RIG_BACKENDS 4
#define RIG_APPS     20000
#define RIG_FIRST    256 // bytes kept of what an end got

// One end of a connection at a peer.
struct rig_app {
	wr_handle_t h;
	bool used, client, connected, eof, closed;
	bool deaf;        // does not read
	uint16_t backend; // of a backend's end
	uint64_t to_send; // bytes
	uint64_t sent, got;
	uint8_t first[RIG_FIRST]; // of what it got
	enum wr_tcp_end end;      // once closed
};

struct rig_config {
	int family;            // of clients and backends: 4 (default) or 6
	uint32_t backends;     // of pool 0; default 2
	uint32_t services;     // default 1; each with pool 0
	uint32_t max_sessions; // default 256
	uint32_t held_budget;  // of the proxy's stack; default 4000
	uint16_t workers;      // that share limits
	uint16_t worker;       // which of them the proxy is
	bool deferred;
	void (*tune)(struct wr_conf *c);
};

struct rig {
	struct rig_config cfg;
	wr_us_t now, next_tick;
	struct wr_conf *conf;
	struct wr_l3_net *l3;
	struct wr_backends *backends;
	struct wr_proxy_shared *shared;
	struct wr_tcp_stack *tcp, *peer;
	struct wr_stats stats, peer_stats;
	struct wr_event_ring *events;
	struct wr_record_ring *records;
	struct wr_proxy *p;
	struct rte_mempool *rx, *small, *peer_rx, *peer_small;
	struct rig_app *app; // [RIG_APPS]
	uint32_t apps;
	uint64_t bulk;           // what a backend sends when it accepts
	uint32_t client_rcv_buf; // of clients that connect from now on; 0: the stack's
	bool backend_deaf;       // what it accepts from now on it does not read
	bool dead[RIG_BACKENDS]; // takes no packet
	bool muted;              // the proxy's port takes none to send
	uint16_t next_port;
	uint64_t event_count[WR_EV_COUNT];
	uint64_t event_stands_for[WR_EV_COUNT];
	struct wr_event last[WR_EV_COUNT];
	uint64_t headers_in;  // bytes of PROXY headers that the proxy took, by the test's own count
	uint64_t headers_out; // and sent
	uint32_t held_peak;   // receive buffers held by the proxy's stack
};

void rig_open(struct rig *r, const struct rig_config *cfg);
// End all, see that nothing is left anywhere, and free.
void rig_close(struct rig *r);
// Everything that can happen now; the clock onwards by so much, with a tick each millisecond.
void rig_settle(struct rig *r);
void rig_run(struct rig *r, wr_us_t us);

// A client of a service, from the n-th client address.
struct rig_app *rig_connect(struct rig *r, uint16_t service, uint32_t from, uint64_t to_send);
// The backend's end that was accepted last.
struct rig_app *rig_backend_end(struct rig *r);
// These bytes, as one segment once the rig settles.
void rig_send(struct rig *r, struct rig_app *a, const void *data, uint32_t len);
// The record of the session that ended longest ago. False: there is none.
bool rig_record(struct rig *r, struct wr_record *rec);
struct wr_backend_counters *rig_backend(struct rig *r, uint32_t backend);
void rig_reset(struct rig *r, struct rig_app *a);
void rig_fin(struct rig *r, struct rig_app *a);
void rig_listen(struct rig *r, uint32_t backend, bool on);
// End it in order, from the client's side, and the backend's.
void rig_end(struct rig *r, struct rig_app *a);

struct wr_addr rig_client_addr(const struct rig *r, uint32_t from);
struct wr_session_info rig_session(struct rig *r, const struct rig_app *a); // as dumped
bool rig_refused(const struct rig_app *a);                   // reset, before or after its handshake
uint32_t rig_open_at(const struct rig *r, uint32_t backend); // ends that a backend has

static inline uint64_t rig_ctr(const struct rig *r, enum wr_counter c)
{
	return r->stats.ctr[c];
}

static inline const struct wr_service_counters *rig_service(const struct rig *r, uint16_t service)
{
	return wr_proxy_service(r->p, service);
}

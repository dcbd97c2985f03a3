/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_backend.h"
#include "wr_conf.h"
#include "wr_mempool.h"
#include "wr_parse.h"
#include "wr_port.h"
#include "wr_worker.h"

// Whole operations through one real worker, for callgrind: two simulated ports, a virtual clock,
// and far ends that answer every frame at once. Only the worker's turns are counted. Every
// operation has a world of its own, so that none changes what another costs.

#define OPS_WAN     0
#define OPS_LAN     1
#define OPS_CLIENTS 8192u // connections of a world, ever
#define OPS_BURST   32u   // operations under way at a time
#define OPS_REQUEST 64u   // bytes of a request
#define OPS_SEGMENT 1448u // payload of a full frame with timestamps, IPv4
#define OPS_TURN_US 20    // of the virtual clock, each turn

// What the far ends of a world do.
struct ops_mode {
	bool v6;
	bool backend_closes; // behind its answer
	bool client_closes;  // when it has the whole answer
	bool deaf;           // clients answer nothing
	bool bulk;           // one connection; segments are acknowledged, two at a time
	bool offload;        // the ports check and make checksums, as a NIC does
	uint16_t answer;     // bytes for a request
	const char *runtime; // more lines of the configuration, 2 spaces deep
};

// One far end of a connection; a tuple's local side is its own.
struct ops_far {
	struct wr_tuple t;
	uint32_t seq, una, ack; // next to send, acknowledged, next expected
	uint32_t window;        // that Weir offers, bytes
	uint32_t ts_ecr;
	uint32_t got; // bytes of this answer
	uint8_t wscale, unacked;
	bool fin;
};

struct ops {
	struct ops_mode mode;
	wr_us_t now;
	bool counting;
	struct wr_mempools pools;
	struct wr_conf *conf;
	struct wr_backends *backends;
	struct wr_port *port[2];
	struct wr_fabric *fabric;
	struct wr_worker *worker;
	uint32_t clients; // used of `client`
	uint32_t answers; // whole ones that arrived
	uint32_t closed;  // connections whose client saw the end
	uint32_t resets;  // that clients got
	uint32_t synacks;
	uint32_t arps;                  // answers to what we asked
	uint32_t pending;               // frames put in since the last turn
	uint64_t frames_in, frames_out; // while counting
	struct ops_far backend;         // bulk: its only connection
	struct ops_far client[OPS_CLIENTS];
};

void ops_die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

// ops_world.c
void ops_eal(void);
struct ops *ops_open(const struct ops_mode *mode);
void ops_close(struct ops *o);
uint32_t ops_turn(struct ops *o); // one turn of the worker, counted when `counting`
void ops_settle(struct ops *o);   // turns until nothing moves
void ops_expire(struct ops *o);   // until TIME-WAIT is over
void ops_inject(struct ops *o, uint8_t side, struct rte_mbuf *m); // a whole frame

// ops_far.c
uint32_t ops_client(struct ops *o, uint16_t port); // a new one: its SYN leaves; returns its number
void ops_request(struct ops *o, uint32_t client);
void ops_data(struct ops *o, uint8_t side, struct ops_far *f, uint32_t n); // n full segments
void ops_ask_arp(struct ops *o);                                           // who has our address
void ops_absorb(struct ops *o); // frames that Weir sent, and what the far ends say to them
struct rte_mbuf *ops_frame(struct ops *o, uint8_t side, const struct ops_far *f, uint8_t flags,
	uint32_t len, struct rte_mempool *from);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "client.h"
#include "host.h"
#include "packets.h"
#include "server.h"
#include "snapshot.h"

// The loop: hosts, clients, backends and packet streams of one core, and the orders that the main
// thread gives it. One turn:
//   order -> rx and input of every host -> timers -> clients -> backends -> output of every host ->
//   packet streams

struct loop_packets {
	struct packets *p;
	struct host *host;
};

enum loop_order_kind {
	LOOP_START,    // schedules begin; a: warm-up, b: measured time, in microseconds
	LOOP_SET_LOAD, // a: of clients[0], or of packets[0]
	LOOP_RESET,    // statistics to zero
	LOOP_STOP,     // no new arrivals
	LOOP_ABORT,    // end what still runs
	LOOP_IDLE,     // result: whether nothing is in flight
	LOOP_SNAPSHOT, // ptr: struct gen_snapshot, a: enum gen_phase
	LOOP_END,      // leave the loop
};

struct loop_order {
	enum loop_order_kind kind;
	uint64_t a, b;
	void *ptr;
	int result;
};

struct loop {
	const struct gen_conf *conf;
	struct rte_mempool *small;
	struct host *hosts[GEN_MAX_PORTS];
	struct client *clients[GEN_MAX_CLIENTS];
	struct host *client_host[GEN_MAX_CLIENTS];
	struct server *servers[GEN_MAX_BACKENDS];
	struct loop_packets packets[GEN_MAX_PACKETS];
	uint32_t packets_count; // made so far
	bool stamped;           // a stream has stamps: arriving frames are looked at
	uint64_t cycles, cycles_busy, loops, longest_ns;
	struct loop_order *order; // atomic: from the main thread, NULL when done
	uint64_t rx_ns;           // when something arrived last
	bool ended;
	uint64_t start;       // of the clock, in cycles
	uint64_t schedule_ns; // when the schedules began
};

// One turn at `now`. Returns items handled (0: idle).
uint32_t loop_turn(struct loop *l, const struct gen_now *now);

// Ask for the next hops of all targets; how many are not known yet, and the first of them. Before
// the loop runs, with turns in between.
uint32_t loop_ask(struct loop *l, const struct gen_now *now, struct wr_addr *first);

// What weir-gen's clock says, from a start in time-stamp counter cycles.
struct gen_now loop_clock(uint64_t start);

// Turns until LOOP_END, on the clock; for rte_eal_remote_launch(). arg: struct loop.
int loop_run(void *arg);

// Give an order and wait until the loop has carried it out; main thread. Returns its result.
int loop_order(struct loop *l, struct loop_order *o);

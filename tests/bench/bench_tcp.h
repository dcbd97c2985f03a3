/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"

// What one thing costs: cycles by the time-stamp counter (median of many bursts), instructions by
// callgrind, which counts inside the functions whose names begin with "measured_" and nowhere else.

#define BENCH_BURST  32
#define BENCH_BURSTS 500 // of a round
#define BENCH_ROUNDS 24

// Cycles of many bursts, in rounds. A round gives its median burst, and the result is that of the
// least disturbed round: what shares the machine only ever adds.
struct bench {
	uint32_t bursts;               // in this round so far
	double best;                   // cycles of an item, of the best round so far
	uint64_t cycles[BENCH_BURSTS]; // hundredths of a cycle an item, of each burst of this round
};

// What is measured. One function each, named measured_<what>: callgrind tells them apart by it.
enum bench_what {
	BENCH_data_in,
	BENCH_ack_in,
	BENCH_data_out,
	BENCH_conn_setup,
	BENCH_conn_teardown,
	BENCH_timer_fire,
	BENCH_lookup,
	BENCH_rte_hash,
	BENCH_memory,
	BENCH_WHATS
};
extern uint64_t bench_items[BENCH_WHATS];

#define BENCH_MEASURED __attribute__((noinline))
// At the end of a measured function: counts what it did, keeps its last call inside of it and the
// function apart from others with the same body.
#define BENCH_END(what, n)                                                                         \
	do {                                                                                       \
		bench_items[BENCH_##what] += (n);                                                  \
		__asm__ volatile("# " #what ::: "memory");                                         \
	} while (0)

// How it runs: for callgrind, which counts instructions, few bursts.
extern bool bench_counts;

uint64_t bench_clock(void);
uint32_t bench_rounds(void); // to be done of each row
uint32_t bench_bursts(void); // to be done of each round
// One burst of `items` took `cycles`, with `clocks` pairs of bench_clock() in it.
void bench_burst(struct bench *b, uint64_t cycles, uint32_t clocks, uint32_t items);
void bench_round_end(struct bench *b);
// Print "name <tab> cycles <tab> value".
void bench_print(const struct bench *b, const char *name);
// By what callgrind's sums are divided.
void bench_print_items(void);
// What taking the time takes, to be taken off.
void bench_calibrate(void);
void bench_die(const char *what) __attribute__((noreturn));

// Connection i as seen from here: a client's address and port, and ours.
struct wr_tuple bench_tuple(uint32_t i);

// bench_flow.c: the flow table and rte_hash beside it.
void bench_flow(uint32_t conns, const char *label);

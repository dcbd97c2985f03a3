/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_maglev.h"

// Picking: one immutable snapshot for one tier of a pool, whatever the algorithm. What changes with
// every session (who has how many) is given to each pick as signals of the worker that asks.
//
// Two boxes with one configuration agree: maglev and bounded (while nobody is above the bound) pick
// by names, weights and the client's hash alone, with fixed keys; the two candidates of two_choices
// and the order in which alternatives are tried come from the same tables. least and round_robin
// depend on what a worker did before.

enum wr_balance {
	WR_BALANCE_MAGLEV,
	WR_BALANCE_BOUNDED, // Mirrokni et al. 2018: the hash's choice, unless it holds more than
	                    // bound x the mean for its weight; then the hash's next ones
	WR_BALANCE_LEAST,   // fewest sessions for its weight; the hash decides between equals
	WR_BALANCE_TWO_CHOICES, // of the hash's first two: both hot, the one with fewer sessions;
	                        // one hot, the other; both cold, the one with the shorter latency
	                        // (Wydrowski et al., NSDI 2024)
	WR_BALANCE_ROUND_ROBIN, // smooth, by weight: a cycle computed when built
};

struct wr_picker; // opaque; immutable

// `size_of`: as wr_maglev_size() over the tier as configured, so that a table keeps its size while
// health changes. `b` holds usable backends with their weights and, with weight 0, the rest. At
// most WR_MAX_BACKENDS. NULL: out of memory. Control thread.
struct wr_picker *wr_picker_build(enum wr_balance how, uint32_t bound_percent,
	const struct wr_maglev_backend *b, uint32_t n, uint32_t size_of);
void wr_picker_destroy(struct wr_picker *p);

uint32_t wr_picker_usable(const struct wr_picker *p); // backends with weight
uint32_t wr_picker_weight(const struct wr_picker *p); // their sum
enum wr_balance wr_picker_how(const struct wr_picker *p);
// Usable backends, for a last search: id of the i-th, i < wr_picker_usable().
uint16_t wr_picker_at(const struct wr_picker *p, uint32_t i);

// What a worker knows about backends, by slot id. Written by others while it is read: any value
// that was true a moment ago will do.
struct wr_picker_signals {
	const uint32_t *own;    // sessions of this worker now
	const uint32_t *others; // of the other workers, some milliseconds old
	const uint32_t
		*latency_us;   // smoothed time to the first byte, penalties included; 0: unknown
	const uint16_t *share; // 256: all its weight says; less: while it starts slowly
	uint64_t sessions;     // of the tier, all workers: the mean is sessions / weight
	uint32_t hot;          // above so many sessions per 256 of weight a backend is hot
};

struct wr_picker_turn { // of one worker and tier, for round_robin; zero at first
	uint32_t next;
};

// The `attempt`-th preference for a key, 0 the first; WR_MAGLEV_NONE when the picker is empty.
// May repeat an id at later attempts: the caller skips what it has tried. Attempts above 0 do not
// move `turn`. A backend whose share is below 256 is passed over for that part of the hashes, by
// the hash alone, while another one is whole. No division, no branch on the number of backends but
// in least, which looks at no more than 64 of them from the hash's place on.
uint16_t wr_picker_pick(const struct wr_picker *p, const struct wr_picker_signals *s,
	struct wr_picker_turn *turn, uint64_t hash, uint32_t attempt);

// The key of a client, with a fixed key so that boxes agree (SipHash-2-4): its address masked to
// `bits` of the 128 (v4-mapped addresses: 96 + prefix length), and its port or 0.
uint64_t wr_picker_key(const struct wr_addr *client, uint8_t bits, uint16_t port);

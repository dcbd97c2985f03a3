/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "wr_addr.h"

// Maglev hashing (Eisenbud et al., NSDI 2016, section 3.4) with weights: an immutable table from a
// key's hash to a backend. Built from names, not from positions, so that two boxes with one
// configuration build one table, whatever the order.

#define WR_MAGLEV_NONE UINT16_MAX // table of no usable backend

struct wr_maglev_backend {
	const char *name; // identity: hashed for offset and skip
	uint16_t id;      // what a lookup returns (slot id)
	uint16_t weight;  // 0: not in the table
};

struct wr_maglev {
	uint32_t size;    // prime
	uint32_t usable;  // backends in the table
	uint16_t entry[]; // slot ids, `size` of them
};

// Prime table size for n backends: the smallest of a fixed list that is >= 100 x the sum of weights
// reduced by their greatest divisor, so that imbalance stays about 1 % (at least 1021, at most
// 655373). Another size is another table: size it by the pool as configured and keep it while
// health changes.
uint32_t wr_maglev_size(const struct wr_maglev_backend *b, uint32_t n);

// Build. `size` must be prime (0: wr_maglev_size()). NULL: out of memory. With no usable backend
// every entry is WR_MAGLEV_NONE. Control thread; free with wr_maglev_destroy() once no reader is
// left.
struct wr_maglev *wr_maglev_build(const struct wr_maglev_backend *b, uint32_t n, uint32_t size);
void wr_maglev_destroy(struct wr_maglev *m);

// Pick for a 64-bit key hash: multiply-shift instead of a division. Any thread.
static inline uint16_t wr_maglev_pick(const struct wr_maglev *m, uint64_t hash)
{
	return m->entry[(uint32_t)(((hash >> 32) * m->size) >> 32)];
}

// The n-th alternative for the same key (1, 2, ...): another deterministic position, so that a
// retry reaches another backend where there is one. May return the same id by chance: the caller
// skips it.
static inline uint16_t wr_maglev_pick_next(const struct wr_maglev *m, uint64_t hash, uint32_t n)
{
	return wr_maglev_pick(m, (hash ^ (0x9e3779b97f4a7c15ULL * n)) * 0xbf58476d1ce4e5b9ULL);
}

// Hash of a client for picking: source address and port, with a documented fixed key so that boxes
// agree. (SipHash-2-4.)
uint64_t wr_maglev_key(const struct wr_addr *src, uint16_t sport);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_prefetch.h>

#include "wr_pool.h"

// Flow table: from the hash of a tuple to the handle of a connection. Buckets of one cache line
// with eight ways; an entry may live in either of two buckets, computed from the hash alone, so
// that nothing ever moves. The key itself is compared in the connection, by the caller.

#define WR_TCP_FLOW_WAYS 8

struct wr_tcp_flow_bucket {
	uint32_t sig[WR_TCP_FLOW_WAYS]; // 0: free
	wr_handle_t handle[WR_TCP_FLOW_WAYS];
} __attribute__((aligned(64)));

struct wr_tcp_flow {
	struct wr_tcp_flow_bucket *buckets;
	uint32_t mask;
	uint32_t count;
};

// Room for `entries` connections at half load or less. 0 or -ENOMEM.
int wr_tcp_flow_init(struct wr_tcp_flow *f, uint32_t entries, int numa_node);
void wr_tcp_flow_fini(struct wr_tcp_flow *f);

// False when both buckets are full.
bool wr_tcp_flow_add(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h);

// False when it was not there.
bool wr_tcp_flow_del(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h);

static inline uint32_t wr_tcp_flow_sig(uint64_t hash)
{
	return (uint32_t)hash | 1;
}

static inline struct wr_tcp_flow_bucket *wr_tcp_flow_first(
	const struct wr_tcp_flow *f, uint64_t hash)
{
	return &f->buckets[(uint32_t)(hash >> 32) & f->mask];
}

static inline struct wr_tcp_flow_bucket *wr_tcp_flow_second(
	const struct wr_tcp_flow *f, uint64_t hash)
{
	uint32_t other = (uint32_t)(hash >> 32) ^ ((wr_tcp_flow_sig(hash) * 0x5bd1e995U) | 1);

	return &f->buckets[other & f->mask];
}

// Ways of a bucket that carry the signature, as bits.
static inline uint32_t wr_tcp_flow_match(const struct wr_tcp_flow_bucket *b, uint32_t sig)
{
	uint32_t bits = 0;

	for (uint32_t i = 0; i < WR_TCP_FLOW_WAYS; i++)
		bits |= (uint32_t)(b->sig[i] == sig) << i;
	return bits;
}

static inline void wr_tcp_flow_prefetch(const struct wr_tcp_flow *f, uint64_t hash)
{
	rte_prefetch0(wr_tcp_flow_first(f, hash));
	rte_prefetch0(wr_tcp_flow_second(f, hash));
}

// A connection that is probably meant, for prefetching it; WR_HANDLE_NONE when there is none.
static inline wr_handle_t wr_tcp_flow_guess(const struct wr_tcp_flow *f, uint64_t hash)
{
	uint32_t sig = wr_tcp_flow_sig(hash);
	const struct wr_tcp_flow_bucket *b = wr_tcp_flow_first(f, hash);
	uint32_t bits = wr_tcp_flow_match(b, sig);

	if (bits == 0) {
		b = wr_tcp_flow_second(f, hash);
		bits = wr_tcp_flow_match(b, sig);
	}
	return bits != 0 ? b->handle[__builtin_ctz(bits)] : WR_HANDLE_NONE;
}

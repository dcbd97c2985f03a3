/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wr_pkt.h"
#include "wr_pool.h"

// Flow table: from the hash of a tuple to the index of a connection. Buckets of one cache line with
// sixteen ways of four bytes, a tag beside the index; an entry may live in either of two buckets,
// computed from the hash alone, so that nothing ever moves. The key itself is not here: connections
// begin with their tuple, and that is what a lookup compares.
//
// An entry goes into its first bucket unless that is nearly full, and then into the emptier of the
// two. With 10 ways of 16 in use on average, one lookup in 13 has to look at the second bucket, and
// no entry was refused in 12 million additions and removals at a table full to the number that it
// was made for.

#define WR_TCP_FLOW_WAYS  16
#define WR_TCP_FLOW_LOAD  10 // ways of a bucket in use when the table is full
#define WR_TCP_FLOW_FULL  14 // ways in use from which the second bucket is considered
#define WR_TCP_FLOW_BURST 32 // looked up at once: as many cache misses are under way

struct wr_tcp_flow_bucket {
	uint32_t way[WR_TCP_FLOW_WAYS]; // tag << WR_HANDLE_INDEX_BITS | index; tag 0: free
} __attribute__((aligned(64)));

struct wr_tcp_flow {
	struct wr_tcp_flow_bucket *buckets;
	uint32_t bucket_count; // at least 2
	uint32_t count;
	uint32_t changes; // entries added and removed: what was looked up before may be outdated
};

// Bytes of a table with room for `entries`.
size_t wr_tcp_flow_bytes(uint32_t entries);

// Room for `entries` connections. 0 or -ENOMEM.
int wr_tcp_flow_init(struct wr_tcp_flow *f, uint32_t entries, int numa_node);
void wr_tcp_flow_fini(struct wr_tcp_flow *f);

// False when both buckets are full.
bool wr_tcp_flow_add(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h);

// False when it was not there.
bool wr_tcp_flow_del(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h);

// The object of `conns` that begins with the tuple, which has this hash (wr_hash_tuple()); NULL
// when there is none.
void *wr_tcp_flow_lookup(const struct wr_tcp_flow *f, const struct wr_pool *conns, uint64_t hash,
	const struct wr_tuple *t);

// The same for `n` packets, at most WR_TCP_FLOW_BURST, with their cache misses side by side:
// out[i] for pkts[i]. `key` is that of wr_hash_tuple(). Exact until `changes` moves on.
void wr_tcp_flow_lookup_bulk(const struct wr_tcp_flow *f, const struct wr_pool *conns,
	const uint64_t key[2], const struct wr_pkt *pkts, uint32_t n, void **out);

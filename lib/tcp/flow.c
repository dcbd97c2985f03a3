/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow.h"

#include <emmintrin.h>
#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_debug.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include "wr_hash.h"

static uint32_t buckets_for(uint32_t entries)
{
	return RTE_MAX((entries + WR_TCP_FLOW_LOAD - 1) / WR_TCP_FLOW_LOAD, 2u);
}

size_t wr_tcp_flow_bytes(uint32_t entries)
{
	return buckets_for(entries) * sizeof(struct wr_tcp_flow_bucket);
}

int wr_tcp_flow_init(struct wr_tcp_flow *f, uint32_t entries, int numa_node)
{
	f->buckets = rte_zmalloc_socket(
		"wr_tcp_flow", wr_tcp_flow_bytes(entries), RTE_CACHE_LINE_SIZE, numa_node);
	if (f->buckets == NULL)
		return -ENOMEM;
	f->bucket_count = buckets_for(entries);
	f->count = 0;
	f->changes = 0;
	return 0;
}

void wr_tcp_flow_fini(struct wr_tcp_flow *f)
{
	rte_free(f->buckets);
	f->buckets = NULL;
	f->count = 0;
}

// --- places ---------------------------------------------------------------------------------
// The upper half of the hash picks the first bucket, the lower half the tag and, by other bits, the
// distance to the second bucket. A multiplication maps 32 bits onto any count (Lemire 2019), so
// that the table is as large as asked and no larger.

static inline uint32_t scale(uint32_t bits, uint32_t count)
{
	return (uint32_t)(((uint64_t)bits * count) >> 32);
}

static inline uint32_t tag_of(uint64_t hash)
{
	uint32_t tag = (uint32_t)hash >> WR_HANDLE_INDEX_BITS;

	return tag != 0 ? tag : 1;
}

static inline struct wr_tcp_flow_bucket *first(const struct wr_tcp_flow *f, uint64_t hash)
{
	return &f->buckets[scale((uint32_t)(hash >> 32), f->bucket_count)];
}

static inline struct wr_tcp_flow_bucket *second(const struct wr_tcp_flow *f, uint64_t hash)
{
	uint32_t at = scale((uint32_t)(hash >> 32), f->bucket_count) + 1 +
	              scale((uint32_t)hash << WR_HANDLE_GEN_BITS, f->bucket_count - 1);

	return &f->buckets[at < f->bucket_count ? at : at - f->bucket_count];
}

// Ways that carry the tag, as bits. SSE2 is part of the baseline; AVX2 was measured to save one
// cycle of a lookup, not worth a second copy of this file.
static inline uint32_t match(const struct wr_tcp_flow_bucket *b, uint32_t tag)
{
	const __m128i *at = (const __m128i *)b->way;
	__m128i want = _mm_set1_epi32((int)tag);
	__m128i eq[4];

	for (int i = 0; i < 4; i++)
		eq[i] = _mm_cmpeq_epi32(
			_mm_srli_epi32(_mm_load_si128(at + i), WR_HANDLE_INDEX_BITS), want);
	return (uint32_t)_mm_movemask_epi8(
		_mm_packs_epi16(_mm_packs_epi32(eq[0], eq[1]), _mm_packs_epi32(eq[2], eq[3])));
}

static inline uint32_t free_ways(const struct wr_tcp_flow_bucket *b)
{
	return match(b, 0);
}

// --- entries --------------------------------------------------------------------------------

bool wr_tcp_flow_add(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h)
{
	struct wr_tcp_flow_bucket *b = first(f, hash);
	uint32_t room = free_ways(b);

	if (__builtin_popcount(room) <= WR_TCP_FLOW_WAYS - WR_TCP_FLOW_FULL) {
		// the emptier bucket: two choices keep the fullest one short (Azar et al. 1994)
		struct wr_tcp_flow_bucket *b2 = second(f, hash);
		uint32_t room2 = free_ways(b2);

		if (__builtin_popcount(room2) > __builtin_popcount(room)) {
			b = b2;
			room = room2;
		}
	}
	if (unlikely(room == 0))
		return false;
	b->way[__builtin_ctz(room)] = tag_of(hash) << WR_HANDLE_INDEX_BITS | wr_handle_index(h);
	f->count++;
	f->changes++;
	return true;
}

static bool bucket_del(struct wr_tcp_flow_bucket *b, uint32_t tag, uint32_t index)
{
	for (uint32_t bits = match(b, tag); bits != 0; bits &= bits - 1) {
		uint32_t *way = &b->way[__builtin_ctz(bits)];

		if (wr_handle_index(*way) == index) {
			*way = 0;
			return true;
		}
	}
	return false;
}

bool wr_tcp_flow_del(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h)
{
	uint32_t tag = tag_of(hash), index = wr_handle_index(h);

	if (!bucket_del(first(f, hash), tag, index) && !bucket_del(second(f, hash), tag, index))
		return false;
	f->count--;
	f->changes++;
	return true;
}

// --- lookup ---------------------------------------------------------------------------------
// An entry is in the table as long as its object lives, so indices need no generation.

static inline void *object(const struct wr_pool *conns, uint32_t way)
{
	return wr_pool_at(conns, wr_handle_index(way));
}

static void *bucket_find(const struct wr_tcp_flow_bucket *b, const struct wr_pool *conns,
	uint32_t tag, const struct wr_tuple *t)
{
	for (uint32_t bits = match(b, tag); bits != 0; bits &= bits - 1) {
		uint32_t way = b->way[__builtin_ctz(bits)];

		if (wr_tuple_eq(object(conns, way), t))
			return object(conns, way);
	}
	return NULL;
}

void *wr_tcp_flow_lookup(const struct wr_tcp_flow *f, const struct wr_pool *conns, uint64_t hash,
	const struct wr_tuple *t)
{
	uint32_t tag = tag_of(hash);
	void *c = bucket_find(first(f, hash), conns, tag, t);

	return c != NULL ? c : bucket_find(second(f, hash), conns, tag, t);
}

// The first way with the tag, which is the one in 199 of 200 cases, its object prefetched. NULL: no
// way has it.
static inline void *guess(
	const struct wr_tcp_flow_bucket *b, const struct wr_pool *conns, uint32_t tag)
{
	uint32_t bits = match(b, tag);
	void *c;

	if (bits == 0)
		return NULL;
	c = object(conns, b->way[__builtin_ctz(bits)]);
	rte_prefetch0(c);
	return c;
}

// In stages, each of which asks for the memory that the next one reads, for the whole burst.
void wr_tcp_flow_lookup_bulk(const struct wr_tcp_flow *f, const struct wr_pool *conns,
	const uint64_t key[2], const struct wr_pkt *pkts, uint32_t n, void **out)
{
	uint64_t hash[WR_TCP_FLOW_BURST];
	uint64_t missed = 0; // bits of those that are not in their first bucket

	RTE_ASSERT(n <= WR_TCP_FLOW_BURST);
	for (uint32_t i = 0; i < n; i++) {
		hash[i] = wr_hash_tuple(key, &pkts[i].t);
		rte_prefetch0(first(f, hash[i]));
	}
	for (uint32_t i = 0; i < n; i++) {
		out[i] = guess(first(f, hash[i]), conns, tag_of(hash[i]));
		if (out[i] == NULL) {
			rte_prefetch0(second(f, hash[i]));
			missed |= 1ULL << i;
		}
	}
	for (; missed != 0; missed &= missed - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(missed);

		out[i] = guess(second(f, hash[i]), conns, tag_of(hash[i]));
	}
	for (uint32_t i = 0; i < n; i++)
		if (out[i] != NULL && unlikely(!wr_tuple_eq(out[i], &pkts[i].t)))
			out[i] = wr_tcp_flow_lookup(f, conns, hash[i], &pkts[i].t);
}

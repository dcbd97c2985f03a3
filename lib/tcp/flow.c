/* SPDX-License-Identifier: BSD-3-Clause */
#include "flow.h"

#include <errno.h>

#include <rte_common.h>
#include <rte_malloc.h>

int wr_tcp_flow_init(struct wr_tcp_flow *f, uint32_t entries, int numa_node)
{
	uint32_t buckets = rte_align32pow2(RTE_MAX(entries / (WR_TCP_FLOW_WAYS / 2), 2u));

	f->buckets = rte_zmalloc_socket("wr_tcp_flow", (size_t)buckets * sizeof(*f->buckets),
		RTE_CACHE_LINE_SIZE, numa_node);
	if (f->buckets == NULL)
		return -ENOMEM;
	f->mask = buckets - 1;
	f->count = 0;
	return 0;
}

void wr_tcp_flow_fini(struct wr_tcp_flow *f)
{
	rte_free(f->buckets);
	f->buckets = NULL;
	f->count = 0;
}

bool wr_tcp_flow_add(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h)
{
	struct wr_tcp_flow_bucket *b = wr_tcp_flow_first(f, hash);
	struct wr_tcp_flow_bucket *b2 = wr_tcp_flow_second(f, hash);
	uint32_t free1 = wr_tcp_flow_match(b, 0);
	uint32_t free2 = wr_tcp_flow_match(b2, 0);
	uint32_t way;

	// the emptier bucket: two choices keep the fullest one short (Azar et al. 1994)
	if (__builtin_popcount(free2) > __builtin_popcount(free1)) {
		b = b2;
		free1 = free2;
	}
	if (unlikely(free1 == 0))
		return false;
	way = (uint32_t)__builtin_ctz(free1);
	b->sig[way] = wr_tcp_flow_sig(hash);
	b->handle[way] = h;
	f->count++;
	return true;
}

static bool bucket_del(struct wr_tcp_flow_bucket *b, uint32_t sig, wr_handle_t h)
{
	for (uint32_t bits = wr_tcp_flow_match(b, sig); bits != 0; bits &= bits - 1) {
		uint32_t way = (uint32_t)__builtin_ctz(bits);

		if (b->handle[way] == h) {
			b->sig[way] = 0;
			b->handle[way] = WR_HANDLE_NONE;
			return true;
		}
	}
	return false;
}

bool wr_tcp_flow_del(struct wr_tcp_flow *f, uint64_t hash, wr_handle_t h)
{
	uint32_t sig = wr_tcp_flow_sig(hash);

	if (!bucket_del(wr_tcp_flow_first(f, hash), sig, h) &&
		!bucket_del(wr_tcp_flow_second(f, hash), sig, h))
		return false;
	f->count--;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_event.h"

#include <stddef.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_malloc.h>

// One writer, one reader, structs by value. Each side keeps its own index and a stale copy of the
// other's on its own cache line, so that an event costs a shared line only when the copy runs out.
struct wr_event_ring {
	uint32_t mask;
	struct {
		uint32_t tail;      // next slot to write
		uint32_t head_seen; // reader's index, as last looked at
	} prod __rte_cache_aligned;
	struct {
		uint32_t head;      // next slot to read
		uint32_t tail_seen; // writer's index, as last looked at
	} cons __rte_cache_aligned;
	struct wr_event slot[] __rte_cache_aligned;
};

struct wr_event_ring *wr_event_ring_create(uint32_t slots, int numa_node)
{
	struct wr_event_ring *r;
	size_t bytes = sizeof(*r) + (size_t)slots * sizeof(r->slot[0]);

	if (slots == 0 || (slots & (slots - 1)) != 0)
		return NULL;
	r = rte_zmalloc_socket("wr_event_ring", bytes, RTE_CACHE_LINE_SIZE, numa_node);
	if (r != NULL)
		r->mask = slots - 1;
	return r;
}

void wr_event_ring_destroy(struct wr_event_ring *r)
{
	rte_free(r);
}

bool wr_event_push(struct wr_event_ring *r, const struct wr_event *ev)
{
	uint32_t tail = r->prod.tail;

	if (unlikely(tail - r->prod.head_seen > r->mask)) {
		r->prod.head_seen = __atomic_load_n(&r->cons.head, __ATOMIC_ACQUIRE);
		if (tail - r->prod.head_seen > r->mask)
			return false;
	}
	r->slot[tail & r->mask] = *ev;
	__atomic_store_n(&r->prod.tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}

bool wr_event_pop(struct wr_event_ring *r, struct wr_event *out)
{
	uint32_t head = r->cons.head;

	if (head == r->cons.tail_seen) {
		r->cons.tail_seen = __atomic_load_n(&r->prod.tail, __ATOMIC_ACQUIRE);
		if (head == r->cons.tail_seen)
			return false;
	}
	*out = r->slot[head & r->mask];
	__atomic_store_n(&r->cons.head, head + 1, __ATOMIC_RELEASE);
	return true;
}

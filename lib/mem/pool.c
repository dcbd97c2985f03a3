/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_pool.h"

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_prefetch.h>

#include <errno.h>

#define GEN_MASK ((1u << WR_HANDLE_GEN_BITS) - 1)

#define AHEAD          4u   // objects handed out before the one that is fetched into cache
#define PREFETCH_BYTES 512u // of it

int wr_pool_init(struct wr_pool *p, const char *name, uint32_t capacity, size_t size, int numa_node)
{
	size_t stride;

	*p = (struct wr_pool){.numa_node = numa_node};
	if (capacity == 0 || capacity > WR_HANDLE_INDEX_MASK + 1 || size == 0 ||
		size > UINT32_MAX - RTE_CACHE_LINE_SIZE)
		return -EINVAL;
	stride = RTE_ALIGN_CEIL(size, (size_t)RTE_CACHE_LINE_SIZE);
	p->base = rte_zmalloc_socket(name, capacity * stride, RTE_CACHE_LINE_SIZE, numa_node);
	p->gen = rte_zmalloc_socket(
		name, capacity * sizeof(*p->gen), RTE_CACHE_LINE_SIZE, numa_node);
	p->free = rte_zmalloc_socket(
		name, capacity * sizeof(*p->free), RTE_CACHE_LINE_SIZE, numa_node);
	if (p->base == NULL || p->gen == NULL || p->free == NULL) {
		wr_pool_fini(p);
		return -ENOMEM;
	}
	p->capacity = capacity;
	p->stride = (uint32_t)stride;
	p->bytes = capacity * (stride + sizeof(*p->gen) + sizeof(*p->free));
	// Low indices first: a walk that stops at the peak sees every object.
	for (uint32_t i = 0; i < capacity; i++)
		p->free[i] = capacity - 1 - i;
	p->free_count = capacity;
	return 0;
}

void wr_pool_fini(struct wr_pool *p)
{
	rte_free(p->base);
	rte_free(p->gen);
	rte_free(p->free);
	*p = (struct wr_pool){.numa_node = p->numa_node};
}

// What is on top of the stack may have rested for long.
static void prefetch(const struct wr_pool *p, uint32_t index)
{
	const char *object = wr_pool_at(p, index);
	uint32_t bytes = RTE_MIN(p->stride, PREFETCH_BYTES);

	rte_prefetch0(&p->gen[index]);
	for (uint32_t at = 0; at < bytes; at += RTE_CACHE_LINE_SIZE)
		rte_prefetch0(object + at);
}

void *wr_pool_get(struct wr_pool *p, wr_handle_t *handle)
{
	uint32_t index;

	if (p->free_count == 0) {
		*handle = WR_HANDLE_NONE;
		return NULL;
	}
	index = p->free[--p->free_count];
	if (p->free_count >= AHEAD)
		prefetch(p, p->free[p->free_count - AHEAD]);
	p->gen[index] = (p->gen[index] + 1) & GEN_MASK;
	p->peak = RTE_MAX(p->peak, p->capacity - p->free_count);
	*handle = wr_pool_handle_at(p, index);
	return wr_pool_at(p, index);
}

bool wr_pool_put(struct wr_pool *p, wr_handle_t handle)
{
	uint32_t index = wr_handle_index(handle);
	uint32_t deep;

	if (wr_pool_lookup(p, handle) == NULL)
		return false;
	p->gen[index] = (p->gen[index] + 1) & GEN_MASK;
	p->free[p->free_count] = index;
	if (p->gen[index] == 0) {
		// All its handles were used once: swap it into a place that moves through the whole
		// stack.
		deep = p->rotate++ % (p->free_count + 1);
		p->free[p->free_count] = p->free[deep];
		p->free[deep] = index;
	}
	p->free_count++;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A pool of objects of one size, owned by one worker. Objects are named by 32-bit handles: an index
// and a generation, so that a stale reference (a timer or message for an object freed since) is
// detected instead of followed. 0 is never a valid handle. O(1), no system call after creation.
// The last object given back is the next one taken, as its memory is still in cache; but one whose
// generations ran out (after 512 uses) waits deep in the stack, so that a stale handle cannot soon
// look valid again.

typedef uint32_t wr_handle_t;

#define WR_HANDLE_NONE       0u
#define WR_HANDLE_INDEX_BITS 22 // 4 M objects a worker
#define WR_HANDLE_GEN_BITS   10
#define WR_HANDLE_INDEX_MASK ((1u << WR_HANDLE_INDEX_BITS) - 1)

// Public so that the hot accessors inline; fields are the pool's own.
struct wr_pool {
	char *base;     // objects, `stride` apart
	uint16_t *gen;  // current generation by index; odd while allocated
	uint32_t *free; // stack of free indices
	uint32_t free_count;
	uint32_t capacity;
	uint32_t stride; // object size, rounded up to 64
	uint32_t peak;   // most objects ever in use
	uint32_t rotate; // where in the stack the next object with a used-up generation goes
	size_t bytes;    // memory taken, all in
	int numa_node;
};

// Make a pool of `capacity` (1 to 4 M) zeroed objects of `size` bytes on a NUMA node (or
// SOCKET_ID_ANY) with rte_malloc. Returns 0, -EINVAL or -ENOMEM.
int wr_pool_init(
	struct wr_pool *p, const char *name, uint32_t capacity, size_t size, int numa_node);
void wr_pool_fini(struct wr_pool *p);

// Take an object; its content is what the last user left (zero at first). NULL when empty.
// *handle gets its name.
void *wr_pool_get(struct wr_pool *p, wr_handle_t *handle);

// Give an object back; its handle goes stale. A stale handle is refused with false.
bool wr_pool_put(struct wr_pool *p, wr_handle_t handle);

static inline uint32_t wr_handle_index(wr_handle_t h)
{
	return h & WR_HANDLE_INDEX_MASK;
}

// The object by index, live or not: for walks, together with wr_pool_handle_at().
static inline void *wr_pool_at(const struct wr_pool *p, uint32_t index)
{
	return p->base + (size_t)index * p->stride;
}

// The handle of a live object by index, or WR_HANDLE_NONE when it is free.
static inline wr_handle_t wr_pool_handle_at(const struct wr_pool *p, uint32_t index)
{
	uint32_t gen = p->gen[index];

	return (gen & 1) ? (gen << WR_HANDLE_INDEX_BITS) | index : WR_HANDLE_NONE;
}

// The object of a handle, or NULL when the handle is NONE or stale.
static inline void *wr_pool_lookup(const struct wr_pool *p, wr_handle_t h)
{
	uint32_t index = h & WR_HANDLE_INDEX_MASK;

	if (index >= p->capacity || h != wr_pool_handle_at(p, index) || h == WR_HANDLE_NONE)
		return NULL;
	return wr_pool_at(p, index);
}

static inline uint32_t wr_pool_used(const struct wr_pool *p)
{
	return p->capacity - p->free_count;
}

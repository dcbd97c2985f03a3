/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_record.h"

#include <assert.h>
#include <stddef.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_malloc.h>

// One writer, one reader, structs by value, as wr_event_ring: each side has its own index and a
// stale copy of the other's on a cache line of its own.
struct wr_record_ring {
	uint32_t mask;
	struct {
		uint32_t tail;      // next slot to write
		uint32_t head_seen; // reader's index, as last looked at
	} prod __rte_cache_aligned;
	struct {
		uint32_t head;      // next slot to read
		uint32_t tail_seen; // writer's index, as last looked at
	} cons __rte_cache_aligned;
	struct wr_record slot[] __rte_cache_aligned;
};

static const struct cause {
	char letter;
	const char *words;
} causes[] = {
	[WR_RECORD_NORMAL] = {'-', "both sides ended in order"},
	[WR_RECORD_CLIENT] = {'C', "the client reset or vanished"},
	[WR_RECORD_SERVER] = {'S', "the backend reset, refused or vanished"},
	[WR_RECORD_CLIENT_TIMEOUT] = {'c', "time-out: the client took or sent nothing"},
	[WR_RECORD_SERVER_TIMEOUT] = {'s', "time-out: the backend took or sent nothing"},
	[WR_RECORD_PROXY] = {'P', "refused by a rule, a limit or for its PROXY header"},
	[WR_RECORD_RESOURCE] = {'R', "out of source ports, connections or memory"},
	[WR_RECORD_DOWN] = {'D', "its backend went down, was drained or removed"},
	[WR_RECORD_KILLED] = {'K', "ended by an operator or by stopping"},
	[WR_RECORD_PRESSURE] = {'L', "ended to relieve pressure"},
	[WR_RECORD_NO_BACKEND] = {'U', "no usable backend"},
};
static_assert(RTE_DIM(causes) == WR_RECORD_CAUSES, "a cause has no letter");

static const char phases[] = {
	[WR_RECORD_HEADER] = 'H',
	[WR_RECORD_QUEUE] = 'Q',
	[WR_RECORD_CONNECT] = 'C',
	[WR_RECORD_REQUEST] = 'R',
	[WR_RECORD_DATA] = 'D',
	[WR_RECORD_LAST] = 'L',
	[WR_RECORD_DONE] = '-',
};
static_assert(RTE_DIM(phases) == WR_RECORD_PHASES, "a phase has no letter");

char wr_record_cause_letter(enum wr_record_cause c)
{
	return (unsigned int)c < WR_RECORD_CAUSES ? causes[c].letter : '?';
}

const char *wr_record_cause_words(enum wr_record_cause c)
{
	return (unsigned int)c < WR_RECORD_CAUSES ? causes[c].words : "unknown";
}

char wr_record_phase_letter(enum wr_record_phase p)
{
	return (unsigned int)p < WR_RECORD_PHASES ? phases[p] : '?';
}

struct wr_record_ring *wr_record_ring_create(uint32_t slots, int numa_node)
{
	struct wr_record_ring *r;
	size_t bytes = sizeof(*r) + (size_t)slots * sizeof(r->slot[0]);

	if (slots == 0 || (slots & (slots - 1)) != 0)
		return NULL;
	r = rte_zmalloc_socket("wr_record_ring", bytes, RTE_CACHE_LINE_SIZE, numa_node);
	if (r != NULL)
		r->mask = slots - 1;
	return r;
}

void wr_record_ring_destroy(struct wr_record_ring *r)
{
	rte_free(r);
}

bool wr_record_push(struct wr_record_ring *r, const struct wr_record *rec)
{
	uint32_t tail = r->prod.tail;

	if (unlikely(tail - r->prod.head_seen > r->mask)) {
		r->prod.head_seen = __atomic_load_n(&r->cons.head, __ATOMIC_ACQUIRE);
		if (tail - r->prod.head_seen > r->mask)
			return false;
	}
	r->slot[tail & r->mask] = *rec;
	__atomic_store_n(&r->prod.tail, tail + 1, __ATOMIC_RELEASE);
	return true;
}

bool wr_record_pop(struct wr_record_ring *r, struct wr_record *out)
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

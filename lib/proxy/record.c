/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_record.h"

#include <assert.h>
#include <stddef.h>

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

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
	ssize_t bytes = rte_ring_get_memsize_elem(sizeof(struct wr_record), slots);
	struct rte_ring *r;

	if (bytes < 0 || slots < 2)
		return NULL;
	r = rte_zmalloc_socket("wr_record_ring", (size_t)bytes, RTE_CACHE_LINE_SIZE, numa_node);
	// In memory of ours: no name in EAL is taken.
	if (r != NULL && rte_ring_init(r, "wr_record", slots, RING_F_SP_ENQ | RING_F_SC_DEQ) < 0) {
		rte_free(r);
		return NULL;
	}
	return (struct wr_record_ring *)r;
}

void wr_record_ring_destroy(struct wr_record_ring *r)
{
	rte_free(r);
}

bool wr_record_push(struct wr_record_ring *r, const struct wr_record *rec)
{
	return rte_ring_sp_enqueue_elem(
		       (struct rte_ring *)r, (void *)(uintptr_t)rec, sizeof(*rec)) == 0;
}

bool wr_record_pop(struct wr_record_ring *r, struct wr_record *out)
{
	return rte_ring_sc_dequeue_elem((struct rte_ring *)r, out, sizeof(*out)) == 0;
}

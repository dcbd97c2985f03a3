/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_lease.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#define BATCH_MAX 32
// The pot of a number without limit. It is kept all the same, so that a limit can be set later.
#define POT_NO_LIMIT (INT64_C(1) << 40)

static int64_t pot_of(uint32_t limit)
{
	return limit != 0 ? (int64_t)limit : POT_NO_LIMIT;
}

// So small that what lies leased and unused is at most a quarter of the limit.
static uint32_t batch_of(uint32_t limit, uint16_t workers)
{
	uint32_t batch = limit / (4u * workers);

	if (limit == 0 || batch > BATCH_MAX)
		return BATCH_MAX;
	return RTE_MAX(batch, 1u);
}

struct wr_lease *wr_lease_create(uint32_t limit, uint16_t workers)
{
	struct wr_lease *l;
	size_t size;

	if (workers == 0)
		return NULL;
	size = sizeof(*l) + workers * sizeof(l->share[0]);
	l = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(size, RTE_CACHE_LINE_SIZE));
	if (l == NULL)
		return NULL;
	memset(l, 0, size);
	l->limit = limit;
	l->batch = batch_of(limit, workers);
	l->workers = workers;
	l->pot = pot_of(limit);
	return l;
}

void wr_lease_destroy(struct wr_lease *l)
{
	free(l);
}

static inline int64_t pot(const struct wr_lease *l)
{
	return __atomic_load_n(&l->pot, __ATOMIC_RELAXED);
}

static inline void used_set(struct wr_lease_share *s, uint32_t used)
{
	__atomic_store_n(&s->used, used, __ATOMIC_RELAXED);
}

// What is leased and not used goes to the pot, all but `keep`.
static void give_back_above(struct wr_lease *l, struct wr_lease_share *s, uint32_t keep)
{
	uint32_t n = s->have;

	if (n <= keep)
		return;
	s->have = keep;
	__atomic_fetch_add(&l->pot, n - keep, __ATOMIC_ACQ_REL);
}

static void give_back(struct wr_lease *l, struct wr_lease_share *s)
{
	give_back_above(l, s, 0);
}

// Note whether this worker wants one and found none.
static void want(struct wr_lease *l, struct wr_lease_share *s, bool wants)
{
	if (s->waiters == wants)
		return;
	s->waiters = wants;
	if (wants)
		__atomic_fetch_add(&l->wanting, 1, __ATOMIC_RELAXED);
	else
		__atomic_fetch_sub(&l->wanting, 1, __ATOMIC_RELAXED);
}

static bool anyone_wants(const struct wr_lease *l)
{
	return __atomic_load_n(&l->wanting, __ATOMIC_RELAXED) != 0;
}

// Lease a batch, or what is there, for `have`. False: nothing is there.
static bool lease(struct wr_lease *l, struct wr_lease_share *s)
{
	uint32_t batch = anyone_wants(l) ? 1 : __atomic_load_n(&l->batch, __ATOMIC_RELAXED);
	int64_t there = pot(l), n;

	do {
		if (there <= 0)
			return false;
		n = RTE_MIN(there, (int64_t)batch);
	} while (!__atomic_compare_exchange_n(
		&l->pot, &there, there - n, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	s->have += (uint32_t)n;
	return true;
}

bool wr_lease_take(struct wr_lease *l, uint16_t worker)
{
	struct wr_lease_share *s = &l->share[worker];

	// Below 0 the limit was lowered: what was leased under the old one is owed.
	if (s->have > 0 && pot(l) < 0)
		give_back(l, s);
	if (s->have == 0 && !lease(l, s)) {
		want(l, s, true);
		return false;
	}
	s->have--;
	used_set(s, s->used + 1);
	want(l, s, false);
	return true;
}

void wr_lease_put(struct wr_lease *l, uint16_t worker)
{
	struct wr_lease_share *s = &l->share[worker];

	if (s->used == 0)
		return;
	used_set(s, s->used - 1);
	s->have++;
	if (anyone_wants(l) || pot(l) < 0)
		give_back(l, s);
}

void wr_lease_tick(struct wr_lease *l, uint16_t worker)
{
	struct wr_lease_share *s = &l->share[worker];

	// Without a limit a batch saves the next one the way to the pot.
	if (__atomic_load_n(&l->limit, __ATOMIC_RELAXED) != 0)
		give_back(l, s);
	else
		give_back_above(l, s, __atomic_load_n(&l->batch, __ATOMIC_RELAXED));
	// There is some: whoever wanted one may ask again, or has left.
	if (s->waiters != 0 && pot(l) > 0)
		want(l, s, false);
}

bool wr_lease_may(const struct wr_lease *l, uint16_t worker)
{
	return pot(l) + l->share[worker].have > 0;
}

int wr_lease_set(struct wr_lease *l, uint32_t limit)
{
	int64_t change = pot_of(limit) - pot_of(l->limit);

	__atomic_store_n(&l->batch, batch_of(limit, l->workers), __ATOMIC_RELAXED);
	// In an order in which wr_lease_out() is never too large meanwhile.
	if (change > 0)
		__atomic_fetch_add(&l->pot, change, __ATOMIC_SEQ_CST);
	__atomic_store_n(&l->limit, limit, __ATOMIC_SEQ_CST);
	if (change < 0)
		__atomic_fetch_add(&l->pot, change, __ATOMIC_SEQ_CST);
	return 0;
}

uint32_t wr_lease_used(const struct wr_lease *l)
{
	uint32_t used = 0;

	for (uint16_t i = 0; i < l->workers; i++)
		used += __atomic_load_n(&l->share[i].used, __ATOMIC_RELAXED);
	// One may be seen where it was given back and where it was taken since.
	return RTE_MIN(used, wr_lease_out(l));
}

uint32_t wr_lease_out(const struct wr_lease *l)
{
	int64_t out = pot_of(__atomic_load_n(&l->limit, __ATOMIC_SEQ_CST)) - pot(l);

	return (uint32_t)RTE_MAX(out, 0);
}

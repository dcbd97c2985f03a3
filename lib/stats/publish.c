/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_stats.h"

#include <rte_pause.h>

#include <assert.h>
#include <stddef.h>

#define STATS_WORDS    (sizeof(struct wr_stats) / sizeof(uint64_t))
#define GAUGES_WORDS   (sizeof(struct wr_stats_gauges) / sizeof(uint64_t))
#define SNAPSHOT_WORDS (sizeof(struct wr_stats_snapshot) / sizeof(uint64_t))

static_assert(SNAPSHOT_WORDS == STATS_WORDS + GAUGES_WORDS &&
		      sizeof(struct wr_stats_snapshot) % sizeof(uint64_t) == 0,
	"a snapshot is copied and summed as 64-bit words");

// Word by word with relaxed atomics: on x86-64 plain moves, and defined while the other side runs.
static void store_words(void *dst, const void *src, size_t words)
{
	const uint64_t *from = src;
	uint64_t *to = dst;

	for (size_t i = 0; i < words; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

static void load_words(void *dst, const void *src, size_t words)
{
	const uint64_t *from = src;
	uint64_t *to = dst;

	for (size_t i = 0; i < words; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

void wr_stats_publish(struct wr_stats_pub *pub, const struct wr_stats *stats,
	const struct wr_stats_gauges *gauges)
{
	uint32_t seq = pub->seq; // only this thread writes it
	struct wr_stats_snapshot *next = &pub->copy[((seq >> 1) + 1) & 1];

	// Odd while the copy that is not the stable one changes. The fence keeps its stores behind.
	__atomic_store_n(&pub->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store_words(&next->stats, stats, STATS_WORDS);
	store_words(&next->gauges, gauges, GAUGES_WORDS);
	__atomic_store_n(&pub->seq, seq + 2, __ATOMIC_RELEASE);
}

void wr_stats_read(const struct wr_stats_pub *pub, struct wr_stats_snapshot *out)
{
	uint32_t before, after;

	for (;;) {
		before = __atomic_load_n(&pub->seq, __ATOMIC_ACQUIRE) & ~1u;
		load_words(out, &pub->copy[(before >> 1) & 1], SNAPSHOT_WORDS);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&pub->seq, __ATOMIC_RELAXED);
		// One publication may have gone by (it wrote the other copy); the second one reuses
		// ours.
		if (after - before <= 2)
			return;
		rte_pause();
	}
}

void wr_stats_sum(struct wr_stats_snapshot *a, const struct wr_stats_snapshot *b)
{
	uint64_t now_us = RTE_MAX(a->gauges.now_us, b->gauges.now_us);
	const uint64_t *from = (const uint64_t *)b;
	uint64_t *to = (uint64_t *)a;

	for (size_t i = 0; i < SNAPSHOT_WORDS; i++)
		to[i] += from[i];
	a->gauges.now_us = now_us;
}

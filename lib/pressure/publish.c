/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_pressure.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>
#include <rte_pause.h>

#define WORDS(type) (sizeof(type) / sizeof(uint64_t))
#define HEAD_WORDS  (offsetof(struct wr_pressure, service) / sizeof(uint64_t))
#define LEVEL_WORDS WORDS(struct wr_level)
#define QUEUE_WORDS WORDS(struct wr_queue)

static_assert(offsetof(struct wr_pressure, service) % sizeof(uint64_t) == 0 &&
		      sizeof(struct wr_level) % sizeof(uint64_t) == 0 &&
		      sizeof(struct wr_queue) % sizeof(uint64_t) == 0,
	"pressure is copied as 64-bit words");

// Two copies and a sequence number: the writer never waits, a reader repeats when it was overtaken.
struct wr_pressure_pub {
	uint32_t seq; // odd while a copy is written; the stable copy is (seq >> 1) & 1
	struct wr_pressure copy[2];
};

struct wr_pressure_pub *wr_pressure_pub_create(void)
{
	return calloc(1, sizeof(struct wr_pressure_pub));
}

void wr_pressure_pub_destroy(struct wr_pressure_pub *pub)
{
	free(pub);
}

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

void wr_pressure_publish(struct wr_pressure_pub *pub, const struct wr_pressure *p)
{
	uint32_t seq = pub->seq;
	struct wr_pressure *next = &pub->copy[((seq >> 1) + 1) & 1];

	__atomic_store_n(&pub->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store_words(next, p, HEAD_WORDS);
	store_words(next->service, p->service, p->services * LEVEL_WORDS);
	store_words(next->queue, p->queue, p->queue_count * QUEUE_WORDS);
	__atomic_store_n(&pub->seq, seq + 2, __ATOMIC_RELEASE);
}

void wr_pressure_read(const struct wr_pressure_pub *pub, struct wr_pressure *out)
{
	const struct wr_pressure *stable;
	uint32_t before, after;

	memset(out, 0, sizeof(*out));
	for (;;) {
		before = __atomic_load_n(&pub->seq, __ATOMIC_ACQUIRE) & ~1U;
		stable = &pub->copy[(before >> 1) & 1];
		load_words(out, stable, HEAD_WORDS);
		// A torn count is caught below; until then it must not reach past the array.
		load_words(out->service, stable->service,
			RTE_MIN(out->services, WR_MAX_SERVICES) * LEVEL_WORDS);
		load_words(out->queue, stable->queue,
			RTE_MIN(out->queue_count, WR_PRESSURE_QUEUES_MAX) * QUEUE_WORDS);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		after = __atomic_load_n(&pub->seq, __ATOMIC_RELAXED);
		// The second publication after `before` is the first that writes the copy just
		// read, and its odd number shows first.
		if (after - before <= 2)
			break;
		rte_pause();
	}
	out->events = NULL;
	out->stats = NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_recorder.h"

#include <assert.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>
#include <rte_pause.h>

#define QUIET_US     (3600 * WR_US_PER_S) // without P4 for so long, the next one is a new story
#define RECORD_WORDS (sizeof(struct wr_recorder_row) / sizeof(uint64_t))

static_assert(sizeof(struct wr_recorder_row) % sizeof(uint64_t) == 0,
	"records are copied as 64-bit words");
static_assert((WR_RECORDER_SLOTS & (WR_RECORDER_SLOTS - 1)) == 0, "slots are found by a mask");

struct slot {
	uint64_t seq; // of record n: 2n + 1 while it is written, 2n + 2 when it is whole
	struct wr_recorder_row rec;
};

// Records are numbered from 0 on; record n is in slot n mod WR_RECORDER_SLOTS. The writer never
// waits. A reader that was overtaken in a slot sees it by the number there, and goes on with the
// oldest record that is left. The copy has one number for all of it, odd while it is made: it is
// made so seldom that readers repeat the whole.
struct wr_recorder {
	uint64_t count; // ever put
	wr_us_t next_us;
	wr_us_t critical_us; // when the last record at P4 was put
	bool was_critical;   // there was one
	struct slot slot[WR_RECORDER_SLOTS];
	uint64_t saved_seq;
	uint64_t saved_first, saved_count; // numbers of the records in the copy
	wr_us_t saved_us;
	struct wr_recorder_row saved[WR_RECORDER_SLOTS];
};

struct wr_recorder *wr_recorder_create(int numa_node)
{
	return rte_zmalloc_socket(
		"wr_recorder", sizeof(struct wr_recorder), RTE_CACHE_LINE_SIZE, numa_node);
}

void wr_recorder_destroy(struct wr_recorder *r)
{
	rte_free(r);
}

static void store_record(struct wr_recorder_row *dst, const struct wr_recorder_row *src)
{
	uint64_t from[RECORD_WORDS], *to = (uint64_t *)dst;

	memcpy(from, src, sizeof(from));
	for (size_t i = 0; i < RECORD_WORDS; i++)
		__atomic_store_n(&to[i], from[i], __ATOMIC_RELAXED);
}

static void load_record(struct wr_recorder_row *dst, const struct wr_recorder_row *src)
{
	const uint64_t *from = (const uint64_t *)src;
	uint64_t to[RECORD_WORDS] = {0};

	for (size_t i = 0; i < RECORD_WORDS; i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	memcpy(dst, to, sizeof(to));
}

static uint64_t oldest(uint64_t count)
{
	return count > WR_RECORDER_SLOTS ? count - WR_RECORDER_SLOTS : 0;
}

static void save(struct wr_recorder *r, wr_us_t now)
{
	uint64_t first = oldest(r->count), n = r->count - first, seq = r->saved_seq;

	__atomic_store_n(&r->saved_seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&r->saved_first, first, __ATOMIC_RELAXED);
	__atomic_store_n(&r->saved_count, n, __ATOMIC_RELAXED);
	for (uint64_t i = 0; i < n; i++)
		store_record(&r->saved[i], &r->slot[(first + i) % WR_RECORDER_SLOTS].rec);
	__atomic_store_n(&r->saved_us, RTE_MAX(now, (wr_us_t)1), __ATOMIC_RELAXED);
	__atomic_store_n(&r->saved_seq, seq + 2, __ATOMIC_RELEASE);
}

bool wr_recorder_due(const struct wr_recorder *r, wr_us_t now)
{
	return now >= r->next_us;
}

bool wr_recorder_put(struct wr_recorder *r, const struct wr_recorder_row *rec)
{
	uint64_t n = r->count;
	struct slot *s = &r->slot[n % WR_RECORDER_SLOTS];
	bool first;

	__atomic_store_n(&s->seq, 2 * n + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	store_record(&s->rec, rec);
	__atomic_store_n(&s->seq, 2 * n + 2, __ATOMIC_RELEASE);
	__atomic_store_n(&r->count, n + 1, __ATOMIC_RELEASE);

	// A change between two periodic records does not put the next one off.
	if (rec->at_us >= r->next_us) {
		r->next_us += WR_RECORD_EVERY_US;
		if (r->next_us <= rec->at_us)
			r->next_us = rec->at_us + WR_RECORD_EVERY_US;
	}
	if (rec->level < 4)
		return false;
	first = !r->was_critical || rec->at_us >= r->critical_us + QUIET_US;
	r->was_critical = true;
	r->critical_us = rec->at_us;
	if (first)
		save(r, rec->at_us);
	return first;
}

// False: record n is not there any more (or not yet).
static bool read_slot(const struct wr_recorder *r, uint64_t n, struct wr_recorder_row *out)
{
	const struct slot *s = &r->slot[n % WR_RECORDER_SLOTS];

	if (__atomic_load_n(&s->seq, __ATOMIC_ACQUIRE) != 2 * n + 2)
		return false;
	load_record(out, &s->rec);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&s->seq, __ATOMIC_RELAXED) == 2 * n + 2;
}

static uint32_t read_ring(
	const struct wr_recorder *r, uint64_t *from, struct wr_recorder_row *out, uint32_t max)
{
	uint64_t count = __atomic_load_n(&r->count, __ATOMIC_ACQUIRE);
	uint64_t n = RTE_MAX(*from, oldest(count));
	uint32_t got = 0;

	while (n < count && got < max) {
		if (read_slot(r, n, &out[got])) {
			got++;
			n++;
			continue;
		}
		// Overtaken: what was being read is lost, and so is all before it.
		count = __atomic_load_n(&r->count, __ATOMIC_ACQUIRE);
		n = RTE_MAX(n + 1, oldest(count));
	}
	*from = RTE_MAX(*from, n);
	return got;
}

static uint32_t copy_saved(
	const struct wr_recorder *r, uint64_t *from, struct wr_recorder_row *out, uint32_t max)
{
	uint64_t first = __atomic_load_n(&r->saved_first, __ATOMIC_RELAXED);
	// A torn count is caught by the caller; until then it must not reach past the array.
	uint64_t count = RTE_MIN(
		__atomic_load_n(&r->saved_count, __ATOMIC_RELAXED), (uint64_t)WR_RECORDER_SLOTS);
	uint64_t at = *from > first ? *from - first : 0;
	uint32_t got = 0;

	for (; at < count && got < max; at++)
		load_record(&out[got++], &r->saved[at]);
	*from = RTE_MAX(*from, first + at);
	return got;
}

static uint32_t read_saved(
	const struct wr_recorder *r, uint64_t *from, struct wr_recorder_row *out, uint32_t max)
{
	for (;;) {
		uint64_t before = __atomic_load_n(&r->saved_seq, __ATOMIC_ACQUIRE), next = *from;
		uint32_t got = copy_saved(r, &next, out, max);

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (before % 2 == 0 && __atomic_load_n(&r->saved_seq, __ATOMIC_RELAXED) == before) {
			*from = next;
			return got;
		}
		rte_pause();
	}
}

uint32_t wr_recorder_read(const struct wr_recorder *r, bool saved, uint64_t *from,
	struct wr_recorder_row *out, uint32_t max)
{
	return saved ? read_saved(r, from, out, max) : read_ring(r, from, out, max);
}

uint32_t wr_recorder_count(const struct wr_recorder *r, bool saved)
{
	uint64_t count;

	if (saved)
		return (uint32_t)__atomic_load_n(&r->saved_count, __ATOMIC_RELAXED);
	count = __atomic_load_n(&r->count, __ATOMIC_ACQUIRE);
	return (uint32_t)(count - oldest(count));
}

wr_us_t wr_recorder_saved_us(const struct wr_recorder *r)
{
	return __atomic_load_n(&r->saved_us, __ATOMIC_RELAXED);
}

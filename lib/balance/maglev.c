/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_maglev.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "wr_hash.h"

// Fixed keys, so that boxes agree: the bytes of "weir maglev name" and "weir maglev pick".
static const uint64_t name_key[2] = {0x67616d2072696577ULL, 0x656d616e2076656cULL};
static const uint64_t pick_key[2] = {0x67616d2072696577ULL, 0x6b6369702076656cULL};

static const uint32_t primes[] = {
	1021, 2039, 4093, 8191, 16381, 32749, 65537, 131071, 262139, 524287, 655373};

#define PRIME_COUNT (sizeof(primes) / sizeof(primes[0]))

// A backend while the table is built. Its positions are offset, offset + skip, ... modulo size: the
// permutation of section 3.4, walked instead of stored.
struct turn {
	const char *name;
	uint16_t id;
	uint16_t weight;
	uint32_t rank; // by name: decides ties, so that the order of the input does not
	uint32_t at;   // next position to try
	uint32_t skip;
	uint32_t taken;
};

static uint64_t gcd(uint64_t a, uint64_t b)
{
	while (b) {
		uint64_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

uint32_t wr_maglev_size(const struct wr_maglev_backend *b, uint32_t n)
{
	uint64_t sum = 0, divisor = 0;

	for (uint32_t i = 0; i < n; i++) {
		sum += b[i].weight;
		divisor = gcd(divisor, b[i].weight);
	}
	if (divisor)
		sum /= divisor;
	for (uint32_t i = 0; i < PRIME_COUNT; i++) {
		if (primes[i] >= sum * 100)
			return primes[i];
	}
	return primes[PRIME_COUNT - 1];
}

static int by_name(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->id - (int)y->id;
}

// Positions from the name; backends of one name are told apart by how many came before.
static void place(struct turn *t, uint32_t same_before, uint32_t size)
{
	uint64_t salted[2] = {name_key[0] ^ same_before, name_key[1]};
	uint64_t h = wr_siphash(salted, t->name, strlen(t->name));

	t->at = (uint32_t)((h >> 32) % size);
	t->skip = (uint32_t)h % (size - 1) + 1;
}

static uint32_t make_turns(
	struct turn *turns, const struct wr_maglev_backend *b, uint32_t n, uint32_t size)
{
	uint32_t count = 0, same = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (b[i].weight)
			turns[count++] = (struct turn){
				.name = b[i].name, .id = b[i].id, .weight = b[i].weight};
	}
	qsort(turns, count, sizeof(*turns), by_name);
	for (uint32_t i = 0; i < count; i++) {
		same = i && strcmp(turns[i].name, turns[i - 1].name) == 0 ? same + 1 : 0;
		turns[i].rank = i;
		place(&turns[i], same, size);
	}
	return count;
}

// Whose turn comes first? The k-th turn (from 0) of a backend is due at (2k + 1) / weight, which
// rounds shares to the nearest; the first of each is due at 0, so that the lightest is in the
// table. The order of two backends does not depend on a third: that is what keeps a removal cheap.
static bool sooner(const struct turn *a, const struct turn *b)
{
	uint64_t due_a = a->taken ? (2ULL * a->taken + 1) * b->weight : 0;
	uint64_t due_b = b->taken ? (2ULL * b->taken + 1) * a->weight : 0;

	return due_a != due_b ? due_a < due_b : a->rank < b->rank;
}

// Restore the heap after its first element changed.
static void sift(struct turn **heap, uint32_t n)
{
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < n) {
		struct turn *t = heap[i];

		if (child + 1 < n && sooner(heap[child + 1], heap[child]))
			child++;
		if (!sooner(heap[child], t))
			return;
		heap[i] = heap[child];
		heap[child] = t;
		i = child;
	}
}

static void fill(struct wr_maglev *m, struct turn **heap)
{
	// WR_MAGLEV_NONE may be nobody's id, so it marks what is free.
	for (uint32_t filled = 0; filled < m->size; filled++) {
		struct turn *t = heap[0];

		while (m->entry[t->at] != WR_MAGLEV_NONE) {
			t->at += t->skip;
			if (t->at >= m->size)
				t->at -= m->size;
		}
		m->entry[t->at] = t->id;
		t->taken++;
		sift(heap, m->usable);
	}
}

struct wr_maglev *wr_maglev_build(const struct wr_maglev_backend *b, uint32_t n, uint32_t size)
{
	struct turn *turns = calloc(n + 1, sizeof(*turns));
	struct turn **heap = calloc(n + 1, sizeof(*heap));
	struct wr_maglev *m;

	if (!size)
		size = wr_maglev_size(b, n);
	m = malloc(sizeof(*m) + size * sizeof(m->entry[0]));
	if (turns && heap && m) {
		m->size = size;
		memset(m->entry, 0xff, size * sizeof(m->entry[0]));
		m->usable = make_turns(turns, b, n, size);
		// In order of rank with nothing taken, which is a heap already.
		for (uint32_t i = 0; i < m->usable; i++)
			heap[i] = &turns[i];
		if (m->usable)
			fill(m, heap);
	} else {
		free(m);
		m = NULL;
	}
	free(heap);
	free(turns);
	return m;
}

void wr_maglev_destroy(struct wr_maglev *m)
{
	free(m);
}

uint64_t wr_maglev_key(const struct wr_addr *src, uint16_t sport)
{
	uint8_t data[18];

	memcpy(data, src->b, 16);
	data[16] = (uint8_t)(sport >> 8);
	data[17] = (uint8_t)sport;
	return wr_siphash(pick_key, data, sizeof(data));
}

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
	uint32_t at; // next position to try
	uint32_t skip;
	uint16_t id;
	uint16_t weight;
	uint32_t group;
};

// All of one weight: their turns are due together, and they take them by rank.
struct group {
	uint16_t weight;
	uint32_t first, count; // in `member`
	uint32_t at;           // whose turn it is
	uint32_t taken;        // turns that all of them had
};

struct build {
	struct wr_maglev_backend *b; // usable ones, by name: what decides ties is the rank there
	struct turn *turn;           // by rank
	uint32_t *member;            // ranks, by weight
	struct group *group;
	uint64_t *heap; // of the next turn of each group
	uint64_t *used; // positions, a bit each
	uint32_t n, groups, shift;
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
	const struct wr_maglev_backend *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->id - (int)y->id;
}

static int by_weight(const void *a, const void *b, void *arg)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const struct turn *turn = arg;

	if (turn[x].weight != turn[y].weight)
		return turn[x].weight < turn[y].weight ? -1 : 1;
	return x < y ? -1 : 1;
}

// Positions from the name; backends of one name are told apart by how many came before.
static void place(struct turn *t, const char *name, uint32_t same_before, uint32_t size)
{
	uint64_t salted[2] = {name_key[0] ^ same_before, name_key[1]};
	uint64_t h = wr_siphash(salted, name, strlen(name));

	t->at = (uint32_t)((h >> 32) % size);
	t->skip = (uint32_t)h % (size - 1) + 1;
}

static void make_turns(
	struct build *w, const struct wr_maglev_backend *b, uint32_t n, uint32_t size)
{
	uint32_t same = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (b[i].weight)
			w->b[w->n++] = b[i];
	}
	qsort(w->b, w->n, sizeof(*w->b), by_name);
	for (uint32_t i = 0; i < w->n; i++) {
		same = i && strcmp(w->b[i].name, w->b[i - 1].name) == 0 ? same + 1 : 0;
		w->turn[i].id = w->b[i].id;
		w->turn[i].weight = w->b[i].weight;
		place(&w->turn[i], w->b[i].name, same, size);
	}
}

static void make_groups(struct build *w)
{
	for (uint32_t i = 0; i < w->n; i++)
		w->member[i] = i;
	qsort_r(w->member, w->n, sizeof(*w->member), by_weight, w->turn);
	for (uint32_t i = 0; i < w->n; i++) {
		struct turn *t = &w->turn[w->member[i]];

		if (i == 0 || t->weight != w->group[w->groups - 1].weight)
			w->group[w->groups++] = (struct group){.weight = t->weight, .first = i};
		w->group[w->groups - 1].count++;
		t->group = w->groups - 1;
	}
	// Shares of different weights differ by 1 / (a x b) at least: with so many bits behind the
	// point those that are equal stay equal, and no others become so.
	if (w->groups)
		w->shift = 2 * (32 - (uint32_t)__builtin_clz(w->group[w->groups - 1].weight));
}

// Whose turn comes first? The k-th turn (from 0) of a backend is due at (2k + 1) / weight, which
// rounds shares to the nearest; the first of each is due at 0, so that the lightest is in the
// table. Between equals the rank decides. The order of two backends does not depend on a third:
// that is what keeps a removal cheap. In one number: no turn of a table is due after 2^39.
static uint64_t due(const struct build *w, const struct group *g)
{
	uint64_t at = g->taken ? ((2ULL * g->taken + 1) << w->shift) / g->weight : 0;

	return at << 16 | w->member[g->first + g->at];
}

// Restore the heap after its first element became `key`.
static void sift(struct build *w, uint64_t key)
{
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < w->groups) {
		child += child + 1 < w->groups && w->heap[child + 1] < w->heap[child];
		if (key < w->heap[child])
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = key;
}

static int by_key(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void fill(struct wr_maglev *m, struct build *w)
{
	for (uint32_t i = 0; i < w->groups; i++)
		w->heap[i] = due(w, &w->group[i]);
	qsort(w->heap, w->groups, sizeof(*w->heap), by_key); // which is a heap
	for (uint32_t filled = 0; filled < m->size; filled++) {
		struct turn *t = &w->turn[(uint16_t)w->heap[0]];
		struct group *g = &w->group[t->group];
		uint32_t at = t->at;

		while (w->used[at / 64] >> at % 64 & 1) {
			at += t->skip;
			at -= at >= m->size ? m->size : 0;
		}
		w->used[at / 64] |= 1ULL << at % 64;
		m->entry[at] = t->id;
		t->at = at;
		if (++g->at == g->count) {
			g->at = 0;
			g->taken++;
		}
		sift(w, due(w, g));
	}
}

struct wr_maglev *wr_maglev_build(const struct wr_maglev_backend *b, uint32_t n, uint32_t size)
{
	struct build w = {
		.b = calloc(n + 1, sizeof(*w.b)),
		.turn = calloc(n + 1, sizeof(*w.turn)),
		.member = calloc(n + 1, sizeof(*w.member)),
		.group = calloc(n + 1, sizeof(*w.group)),
		.heap = calloc(n + 1, sizeof(*w.heap)),
	};
	struct wr_maglev *m;

	if (!size)
		size = wr_maglev_size(b, n);
	w.used = calloc(size / 64 + 1, sizeof(*w.used));
	m = malloc(sizeof(*m) + size * sizeof(m->entry[0]));
	if (w.b && w.turn && w.member && w.group && w.heap && w.used && m) {
		make_turns(&w, b, n, size);
		make_groups(&w);
		m->size = size;
		m->usable = w.n;
		memset(m->entry, 0xff, size * sizeof(m->entry[0]));
		if (w.n)
			fill(m, &w);
	} else {
		free(m);
		m = NULL;
	}
	free(w.used);
	free(w.heap);
	free(w.group);
	free(w.member);
	free(w.turn);
	free(w.b);
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

/* SPDX-License-Identifier: BSD-3-Clause */
#include "cycle.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NOBODY UINT32_MAX

// All of one weight: they take turns among themselves, so that there are few to choose from.
struct group {
	uint32_t weight; // of one
	uint32_t first;  // in `order`
	uint32_t count;
	uint32_t at;   // whose turn it is
	uint32_t turn; // turns taken
	uint32_t next; // in the list of those that are released in one slot
};

struct cycle {
	uint32_t size;
	uint32_t groups;
	uint32_t waiting;   // in heap
	uint32_t *weight;   // reduced
	uint32_t *order;    // indices, by weight
	uint32_t *released; // [size] first group whose next turn may come in this slot
	uint64_t *heap;     // deadline << 32 | group
	struct group *group;
};

static uint32_t gcd(uint32_t a, uint32_t b)
{
	while (b) {
		uint32_t r = a % b;

		a = b;
		b = r;
	}
	return a;
}

// Weights without their common divisor, halved until the cycle has room. Returns their sum.
static uint32_t reduce(uint32_t *out, const uint16_t *weight, uint32_t n)
{
	uint32_t divisor = 0;
	uint64_t sum;

	for (uint32_t i = 0; i < n; i++)
		divisor = gcd(divisor, weight[i]);
	for (uint32_t shift = 0;; shift++) {
		sum = 0;
		for (uint32_t i = 0; i < n; i++) {
			out[i] = (weight[i] / divisor) >> shift;
			out[i] += out[i] == 0;
			sum += out[i];
		}
		if (sum <= WR_CYCLE_MAX)
			return (uint32_t)sum;
	}
}

static int by_weight(const void *a, const void *b, void *arg)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	const uint32_t *weight = arg;

	if (weight[x] != weight[y])
		return weight[x] < weight[y] ? 1 : -1;
	return x < y ? -1 : 1;
}

static void make_groups(struct cycle *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		c->order[i] = i;
	qsort_r(c->order, n, sizeof(*c->order), by_weight, c->weight);
	for (uint32_t i = 0; i < n; i++) {
		uint32_t w = c->weight[c->order[i]];

		if (i == 0 || w != c->group[c->groups - 1].weight)
			c->group[c->groups++] = (struct group){.weight = w, .first = i};
		c->group[c->groups - 1].count++;
	}
}

static void push(struct cycle *c, uint64_t key)
{
	uint32_t i = c->waiting++;

	while (i > 0 && c->heap[(i - 1) / 2] > key) {
		c->heap[i] = c->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	c->heap[i] = key;
}

static uint64_t pop(struct cycle *c)
{
	uint64_t top = c->heap[0], last = c->heap[--c->waiting];
	uint32_t i = 0, child;

	while ((child = 2 * i + 1) < c->waiting) {
		child += child + 1 < c->waiting && c->heap[child + 1] < c->heap[child];
		if (c->heap[child] >= last)
			break;
		c->heap[i] = c->heap[child];
		i = child;
	}
	c->heap[i] = last;
	return top;
}

static void release(struct cycle *c, uint32_t g, uint32_t slot)
{
	c->group[g].next = c->released[slot];
	c->released[slot] = g;
}

// The k-th turn of a share of w in L slots belongs between k L / w and (k + 1) L / w. Of the turns
// that may come the one that must come soonest is taken, which keeps all of them (Tijdeman's
// chairman assignment, 1980): after any number of slots nobody is a whole turn ahead or behind, and
// there is always one that may come.
static void fill(struct cycle *c, uint16_t *out)
{
	for (uint32_t slot = 0; slot < c->size; slot++) {
		struct group *g;
		uint64_t share;
		uint32_t i;

		for (i = c->released[slot]; i != NOBODY; i = c->group[i].next) {
			g = &c->group[i];
			share = (uint64_t)g->weight * g->count;
			push(c, ((g->turn + 1ULL) * c->size + share - 1) / share << 32 | i);
		}
		i = (uint32_t)pop(c);
		g = &c->group[i];
		out[slot] = (uint16_t)c->order[g->first + g->at];
		g->at = g->at + 1 == g->count ? 0 : g->at + 1;
		share = (uint64_t)g->weight * g->count;
		if (++g->turn < share) {
			uint32_t from = (uint32_t)((uint64_t)g->turn * c->size / share);

			release(c, i, from > slot ? from : slot + 1);
		}
	}
}

static void undo(struct cycle *c)
{
	free(c->weight);
	free(c->order);
	free(c->released);
	free(c->heap);
	free(c->group);
}

uint16_t *wr_cycle_build(const uint16_t *weight, uint32_t n, uint32_t *size)
{
	struct cycle c = {
		.weight = calloc(n + 1, sizeof(*c.weight)),
		.order = calloc(n + 1, sizeof(*c.order)),
		.heap = calloc(n + 1, sizeof(*c.heap)),
		.group = calloc(n + 1, sizeof(*c.group)),
	};
	uint16_t *out = NULL;

	if (c.weight && c.order && c.heap && c.group) {
		c.size = reduce(c.weight, weight, n);
		c.released = malloc((c.size + 1) * sizeof(*c.released));
		out = malloc((c.size + 1) * sizeof(*out));
	}
	if (c.released && out) {
		memset(c.released, 0xff, (c.size + 1) * sizeof(*c.released));
		make_groups(&c, n);
		for (uint32_t g = 0; g < c.groups; g++)
			release(&c, g, 0);
		fill(&c, out);
		*size = c.size;
	} else {
		free(out);
		out = NULL;
	}
	undo(&c);
	return out;
}

/* SPDX-License-Identifier: BSD-3-Clause */

#include "wr_ports.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#define CLASSES_MAX WR_RSS_RETA_MAX
#define WORDS       ((WR_PORTS_COUNT + 63) / 64)

struct wr_ports_order {
	uint32_t classes;
	uint32_t start[CLASSES_MAX + 1]; // of each class in `port`
	uint16_t port[WR_PORTS_COUNT];   // sorted by class
	uint16_t at[WR_PORTS_COUNT];     // place of port WR_PORTS_FIRST + i in `port`
};

static uint32_t class_of(const struct wr_rss *rss, bool v4, uint32_t port)
{
	return rss == NULL ? 0 : wr_rss_port_class(rss, v4, (uint16_t)port);
}

struct wr_ports_order *wr_ports_order_create(const struct wr_rss *rss, bool v4)
{
	struct wr_ports_order *o = calloc(1, sizeof(*o));
	uint32_t fill[CLASSES_MAX] = {0};

	if (o == NULL)
		return NULL;
	o->classes = rss == NULL ? 1 : wr_rss_reta_size(rss);
	for (uint32_t p = WR_PORTS_FIRST; p < 65536; p++)
		o->start[class_of(rss, v4, p) + 1]++;
	for (uint32_t c = 0; c < o->classes; c++) {
		o->start[c + 1] += o->start[c];
		fill[c] = o->start[c];
	}
	for (uint32_t p = WR_PORTS_FIRST; p < 65536; p++) {
		uint32_t i = fill[class_of(rss, v4, p)]++;

		o->port[i] = (uint16_t)p;
		o->at[p - WR_PORTS_FIRST] = (uint16_t)i;
	}
	return o;
}

void wr_ports_order_destroy(struct wr_ports_order *o)
{
	free(o);
}

size_t wr_ports_bitmap_bytes(void)
{
	return WORDS * sizeof(uint64_t);
}

static bool bit(const uint64_t *map, uint32_t i)
{
	return (map[i >> 6] >> (i & 63)) & 1;
}

static uint32_t class_at(const struct wr_ports_order *o, uint32_t i)
{
	uint32_t lo = 0, hi = o->classes;

	while (hi - lo > 1) {
		uint32_t mid = (lo + hi) / 2;

		if (o->start[mid] <= i)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

void wr_ports_init(struct wr_ports *p, const struct wr_ports_order *order, const struct wr_rss *rss,
	const struct wr_tuple *t, uint16_t me, uint64_t *bitmap, struct wr_rng *rng)
{
	struct wr_tuple base = *t;
	uint32_t h0;

	memset(p, 0, sizeof(*p));
	p->order = order;
	p->used = bitmap;
	base.lport = 0;
	h0 = rss == NULL ? 0 : wr_rss_hash(rss, &base);
	for (uint32_t c = 0; c < order->classes; c++) {
		uint32_t reta = (h0 ^ c) & (order->classes - 1);

		if (rss != NULL && wr_rss_reta(rss, reta) != me)
			continue;
		p->mine[c >> 6] |= 1ULL << (c & 63);
		p->capacity += order->start[c + 1] - order->start[c];
	}
	p->next = wr_rng_below(rng, WR_PORTS_COUNT);
	p->class = class_at(order, p->next);
}

// First clear bit in [from, end), or end.
static uint32_t first_clear(const uint64_t *map, uint32_t from, uint32_t end)
{
	while (from < end) {
		uint64_t word = ~map[from >> 6] >> (from & 63);

		if (word != 0) {
			from += (uint32_t)__builtin_ctzll(word);
			return from < end ? from : end;
		}
		from = (from | 63) + 1;
	}
	return end;
}

// The next class at or after c, around, that is ours and has a free port; classes when none.
static uint32_t next_class(const struct wr_ports *p, uint32_t c)
{
	uint32_t n = p->order->classes;

	for (uint32_t k = 0; k <= n;) {
		uint32_t at = (c + k) & (n - 1);
		uint64_t word = (p->mine[at >> 6] & ~p->full[at >> 6]) >> (at & 63);

		if (word != 0) {
			at += (uint32_t)__builtin_ctzll(word);
			return at;
		}
		k += RTE_MIN(64 - (at & 63), n - at);
	}
	return n;
}

uint16_t wr_ports_get(struct wr_ports *p)
{
	const struct wr_ports_order *o = p->order;
	uint32_t c = p->class;
	uint32_t from = p->next;

	// At most: the rest of this class, each other class once, and this class from its start.
	for (uint32_t tries = 0; tries < o->classes + 2; tries++) {
		uint32_t ours = next_class(p, c);
		uint32_t i;

		if (ours == o->classes)
			return 0;
		if (ours != c)
			from = o->start[ours];
		c = ours;
		i = first_clear(p->used, from, o->start[c + 1]);
		if (i < o->start[c + 1]) {
			p->used[i >> 6] |= 1ULL << (i & 63);
			p->in_use++;
			p->next = i + 1;
			p->class = c;
			return o->port[i];
		}
		if (from == o->start[c]) { // searched whole: full
			p->full[c >> 6] |= 1ULL << (c & 63);
			p->fulls++;
		}
		c = (c + 1) & (o->classes - 1);
		from = o->start[c];
	}
	return 0;
}

void wr_ports_put(struct wr_ports *p, uint16_t port)
{
	uint32_t i, c;

	if (port < WR_PORTS_FIRST)
		return;
	i = p->order->at[port - WR_PORTS_FIRST];
	if (!bit(p->used, i))
		return;
	p->used[i >> 6] &= ~(1ULL << (i & 63));
	p->in_use--;
	if (p->fulls == 0)
		return;
	c = class_at(p->order, i);
	if (bit(p->full, c)) {
		p->full[c >> 6] &= ~(1ULL << (c & 63));
		p->fulls--;
	}
}

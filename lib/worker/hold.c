/* SPDX-License-Identifier: BSD-3-Clause */
#include "hold.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

// The queue stands when it has not been empty for so long.
#define STANDING_US (100 * WR_US_PER_MS)

int hold_init(struct hold *h, uint32_t items, uint32_t delayed, wr_us_t time_us, int numa_node,
	wr_us_t now)
{
	// No shorter time for those that stand: the cut keeps the queue short, and a burst is to
	// fit in.
	struct wr_waitq_config qc = {.items = items,
		.time_us = time_us,
		.target_us = time_us,
		.standing_us = STANDING_US,
		.stride = sizeof(struct hold_slot)};
	uint32_t slots;

	memset(h, 0, sizeof(*h));
	wr_wheel_init(&h->wheel, now);
	h->delayed_max = delayed;
	// One more: a newcomer has its slot before the one that leaves for it gives its own back.
	slots = items + delayed + 1;
	h->slot = rte_zmalloc_socket(
		"wr_hold", sizeof(*h->slot) * slots, RTE_CACHE_LINE_SIZE, numa_node);
	if (h->slot == NULL)
		return -ENOMEM;
	h->free = WR_WAITQ_NONE;
	for (uint32_t i = slots; i-- > 0;) {
		h->slot[i].timer.owner = i;
		h->slot[i].next_free = h->free;
		h->free = i;
	}
	qc.nodes = &h->slot[0].node;
	wr_waitq_init(&h->q, &qc);
	return 0;
}

void hold_set(struct hold *h, uint32_t items, wr_us_t time_us)
{
	struct wr_waitq_config qc = h->q.cfg;

	qc.items = items;
	qc.time_us = time_us;
	qc.target_us = time_us;
	wr_waitq_change(&h->q, &qc);
}

void hold_fini(struct hold *h)
{
	rte_free(h->slot);
	h->slot = NULL;
}

static uint32_t take(struct hold *h, const struct wr_pkt *p, uint16_t service, uint8_t class)
{
	uint32_t i = h->free;
	struct hold_slot *s = &h->slot[i];

	h->free = s->next_free;
	h->used++;
	s->pkt = *p;
	s->pkt.m = NULL;
	s->pkt.payload_len = 0;
	s->service = service;
	s->class = class;
	return i;
}

void hold_put(struct hold *h, uint32_t slot)
{
	h->slot[slot].next_free = h->free;
	h->free = slot;
	h->used--;
}

bool hold_queue(struct hold *h, const struct wr_pkt *p, uint16_t service, uint8_t class,
	wr_us_t now, uint32_t *out)
{
	uint32_t i = take(h, p, service, class);

	*out = WR_WAITQ_NONE;
	if (wr_waitq_push(&h->q, i, class, now, out))
		return true;
	hold_put(h, i);
	return false;
}

bool hold_refuses(const struct hold *h, uint8_t class)
{
	uint32_t worse = 0;

	for (uint32_t c = class + 1u; c < WR_CLASSES; c++)
		worse += h->q.depth_of[c];
	return worse == 0 && h->q.depth >= h->q.cfg.items;
}

bool hold_until(struct hold *h, const struct wr_pkt *p, uint16_t service, uint8_t class, wr_us_t at)
{
	if (h->delayed >= h->delayed_max)
		return false;
	h->delayed++;
	wr_wheel_arm(&h->wheel, &h->slot[take(h, p, service, class)].timer, at);
	return true;
}

uint32_t hold_expired(struct hold *h, wr_us_t now)
{
	return wr_waitq_expire(&h->q, now);
}

uint32_t hold_next(struct hold *h, wr_us_t now)
{
	return wr_waitq_pop(&h->q, now);
}

uint32_t hold_due(struct hold *h, wr_us_t now)
{
	struct wr_wheel_node *n = h->delayed > 0 ? wr_wheel_poll(&h->wheel, now) : NULL;

	if (n == NULL)
		return WR_WAITQ_NONE;
	h->delayed--;
	return n->owner;
}

wr_us_t hold_next_timer(const struct hold *h, wr_us_t now)
{
	wr_us_t due = h->delayed > 0 ? wr_wheel_next(&h->wheel) : WR_US_NEVER;

	return RTE_MIN(due, wr_waitq_next(&h->q, now));
}

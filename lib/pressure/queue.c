/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_priv.h"

#include <errno.h>
#include <stddef.h>

struct kind {
	const char *name, *unit, *text;
	uint8_t low, high, critical; // percent of capacity
};

static const struct kind kinds[WR_Q_COUNT] = {
#define WR_QUEUE(sym, name, unit, low, high, critical, text)                                       \
	[WR_Q_##sym] = {name, unit, text, low, high, critical},
#include "wr_queue.def"
#undef WR_QUEUE
};

const char *wr_queue_name(enum wr_queue_kind k)
{
	return (unsigned int)k < WR_Q_COUNT ? kinds[k].name : NULL;
}

const char *wr_queue_unit(enum wr_queue_kind k)
{
	return (unsigned int)k < WR_Q_COUNT ? kinds[k].unit : NULL;
}

const char *wr_queue_text(enum wr_queue_kind k)
{
	return (unsigned int)k < WR_Q_COUNT ? kinds[k].text : NULL;
}

static uint64_t percent_of(uint64_t capacity, uint8_t percent)
{
	return (uint64_t)(((__uint128_t)capacity * percent + 99) / 100);
}

// A mark is below the one above it where there is room, and at least 1.
static uint64_t below(uint64_t mark, uint64_t above)
{
	if (mark >= above)
		mark = above - 1;
	return mark > 0 ? mark : 1;
}

static void set_marks(struct wr_queue *q, const struct kind *k)
{
	if (q->capacity == 0) {
		q->low = q->high = q->critical = UINT64_MAX;
		return;
	}
	q->critical = percent_of(q->capacity, k->critical);
	q->high = below(percent_of(q->capacity, k->high), q->critical);
	q->low = below(percent_of(q->capacity, k->low), q->high);
}

int wr_pressure_add(
	struct wr_pressure *p, enum wr_queue_kind kind, uint16_t scope, uint64_t capacity)
{
	struct wr_queue *q = &p->queue[p->queue_count];

	if (p->queue_count == WR_PRESSURE_QUEUES_MAX)
		return -ENOSPC;
	*q = (struct wr_queue){.kind = (uint16_t)kind, .scope = scope, .capacity = capacity};
	// A full receive queue of one slow peer is flow control at work, and lost telemetry is no
	// reason to refuse clients.
	q->gauge_only = pressure_is_class(q) || kind == WR_Q_events;
	set_marks(q, &kinds[kind]);
	return p->queue_count++;
}

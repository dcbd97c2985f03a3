/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_priv.h"

#include <errno.h>
#include <stddef.h>

#include <rte_common.h>

#define WARN_PERMILLE 700 // of capacity: queue_warning

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

void wr_pressure_set_marks(struct wr_pressure *p, const struct wr_pressure_marks *own)
{
	for (uint32_t k = 0; k < WR_Q_COUNT; k++) {
		p->marks[k] = own[k];
		if (own[k].low == 0 && own[k].high == 0 && own[k].critical == 0)
			p->marks[k] = (struct wr_pressure_marks){.low = kinds[k].low * 10,
				.high = kinds[k].high * 10,
				.critical = kinds[k].critical * 10};
	}
}

// A mark above capacity could not be reached.
static uint64_t share_of(uint64_t capacity, uint16_t permille)
{
	return (uint64_t)(((__uint128_t)capacity * RTE_MIN(permille, 1000) + 999) / 1000);
}

// A mark is below the one above it, where there is room for it.
static uint64_t below(uint64_t mark, uint64_t above, uint64_t least)
{
	return RTE_MAX(RTE_MIN(mark, above - 1), least);
}

static void place_marks(struct wr_queue *q, const struct wr_pressure_marks *m)
{
	bool room = q->capacity >= 3; // for three marks that differ

	if (q->capacity == 0) {
		q->low = q->high = q->critical = q->warn = UINT64_MAX;
		return;
	}
	q->critical = RTE_MAX(share_of(q->capacity, m->critical), room ? 3UL : 1UL);
	q->high = below(share_of(q->capacity, m->high), q->critical, room ? 2 : 1);
	q->low = below(share_of(q->capacity, m->low), q->high, 1);
	q->warn = share_of(q->capacity, WARN_PERMILLE);
}

// Shown only. A full receive queue of one slow peer is flow control at work; lost telemetry, a
// client that is not told apart from others, lost segments that are sent again, and a core that is
// busy are no reasons to refuse clients.
static bool is_gauge(enum wr_queue_kind kind)
{
	switch (kind) {
	case WR_Q_conn_recv:
	case WR_Q_conn_send:
	case WR_Q_events:
	case WR_Q_disorder:
	case WR_Q_clients:
	case WR_Q_cpu:
		return true;
	default:
		return false;
	}
}

static int add(struct wr_pressure *p, const struct wr_queue *like)
{
	struct wr_queue *q = &p->queue[p->queue_count];

	if (p->queue_count == WR_PRESSURE_QUEUES_MAX)
		return -ENOSPC;
	*q = *like;
	q->gauge_only = is_gauge(q->kind);
	q->full_in_ms = UINT32_MAX;
	q->little_permille = UINT32_MAX;
	place_marks(q, &p->marks[q->kind]);
	return p->queue_count++;
}

int wr_pressure_add(
	struct wr_pressure *p, enum wr_queue_kind kind, uint16_t scope, uint64_t capacity)
{
	return add(p, &(struct wr_queue){.kind = (uint16_t)kind,
			      .scope = scope,
			      .domain = WR_PRESSURE_WORKER,
			      .capacity = capacity});
}

int wr_pressure_add_service(struct wr_pressure *p, enum wr_queue_kind kind, uint16_t scope,
	uint16_t service, uint64_t capacity)
{
	if (service >= p->services)
		return -EINVAL;
	return add(p, &(struct wr_queue){.kind = (uint16_t)kind,
			      .scope = scope,
			      .domain = service,
			      .capacity = capacity});
}

void wr_pressure_remark(struct wr_pressure *p, const struct wr_pressure_marks *marks)
{
	wr_pressure_set_marks(p, marks);
	for (uint16_t i = 0; i < p->queue_count; i++)
		wr_pressure_resize(p, i, p->queue[i].capacity);
}

void wr_pressure_resize(struct wr_pressure *p, int index, uint64_t capacity)
{
	struct wr_queue *q = &p->queue[index];

	q->capacity = capacity;
	place_marks(q, &p->marks[q->kind]);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// The flight recorder: what a worker's last minute looked like, ten times a second and at each
// change of level.

#include "worker_priv.h"

// The queue nearest to full, and the soonest forecast.
static void nearest(const struct wr_pressure *p, struct wr_recorder_row *r)
{
	const struct wr_queue *q;

	r->nearest = UINT16_MAX;
	r->full_in_ms = UINT32_MAX;
	if (p->nearest < p->queue_count) {
		q = &p->queue[p->nearest];
		r->nearest = q->kind;
		r->nearest_scope = q->scope;
		r->nearest_permille = (uint16_t)RTE_MIN(
			q->depth * 1000 / RTE_MAX(q->capacity, 1ul), (uint64_t)UINT16_MAX);
	}
	if (p->soonest < p->queue_count)
		r->full_in_ms = p->queue[p->soonest].full_in_ms;
}

static uint32_t since(uint64_t now, uint64_t *before)
{
	uint64_t n = now - *before;

	*before = now;
	return (uint32_t)RTE_MIN(n, (uint64_t)UINT32_MAX);
}

static void flows(struct wr_worker *w, struct wr_recorder_row *r)
{
	const uint64_t *c = w->stats.ctr;
	struct recorded *was = &w->recorded;

	r->offered = since(c[WR_CTR_door_asked], &was->asked);
	r->admitted = since(c[WR_CTR_door_admitted], &was->admitted);
	r->reset = since(c[WR_CTR_door_reset], &was->reset);
	r->dropped = since(c[WR_CTR_door_dropped], &was->dropped);
	r->completed = since(c[WR_CTR_sessions_closed], &was->completed);
	r->queue_full = since(c[WR_CTR_works_queue_full], &was->queue_full);
	r->lag_us = was->lag_us;
	was->lag_us = 0;
}

void worker_record(struct wr_worker *w, wr_us_t now)
{
	const struct wr_pressure *p = &w->pressure;
	const struct wr_gate *g = wr_door_gate(w->door, WR_DOOR_WORKER);
	struct wr_tcp_gauges tg;
	struct wr_recorder_row r;

	if (!wr_recorder_due(w->recorder, now) && p->own.level == w->recorded.level)
		return;
	wr_tcp_gauges(w->tcp, &tg);
	r = (struct wr_recorder_row){.at_us = now,
		.level = p->own.level,
		.level_before = w->recorded.level,
		.cut_class = (uint8_t)(g->cut / WR_DOOR_BUCKETS),
		.early = wr_door_early(w->door),
		.cause = UINT16_MAX,
		.cpu_permille = (uint16_t)w->cpu_permille,
		.rate_per_s = (uint32_t)RTE_MIN(g->rate_per_s, (uint64_t)UINT32_MAX),
		.sessions = w->recorded.sessions,
		.pending = w->recorded.pending,
		.held_syns = w->hold.used,
		.half_open = tg.half_open,
		.held_mbufs = tg.held_rx_mbufs,
		.promised_kib = (uint32_t)(tg.promised_bytes / 1024)};
	if (p->own.level > 0 && p->own.cause < p->queue_count) {
		r.cause = p->queue[p->own.cause].kind;
		r.cause_scope = p->queue[p->own.cause].scope;
	}
	nearest(p, &r);
	flows(w, &r);
	w->recorded.level = p->own.level;
	if (wr_recorder_put(w->recorder, &r)) {
		struct wr_event ev = {.at_us = now,
			.kind = WR_EV_recorded,
			.worker = w->id,
			.queue = UINT16_MAX,
			.level = p->own.level,
			.extra = wr_recorder_count(w->recorder, true)};

		wr_stats_add(&w->stats, WR_CTR_events_raised, 1);
		if (!wr_event_push(w->events, &ev))
			wr_stats_add(&w->stats, WR_CTR_events_lost, 1);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <stdlib.h>
#include <string.h>

// Queues: how close to full, since when, how soon, and who was refused.

struct near {
	struct wr_queue q;
	uint16_t worker;
	uint64_t permille;
	uint64_t now_us; // of the worker's block
};

static const char *mark_name(uint32_t mark)
{
	switch (mark) {
	case WR_MARK_NORMAL:
		return "normal";
	case WR_MARK_HIGH:
		return "high";
	default:
		return "critical";
	}
}

uint64_t wr_ctl_permille(const struct wr_queue *q)
{
	if (q->capacity == 0)
		return 0;
	return (uint64_t)((double)q->depth * 1000 / (double)q->capacity);
}

// Nearest to full first; of equally full ones those that can be full before gauges; then by
// refusals, worker, kind, scope, so that the order is total.
static int nearer(const void *a, const void *b)
{
	const struct near *x = a, *y = b;

	if (x->permille != y->permille)
		return x->permille < y->permille ? 1 : -1;
	if (x->q.gauge_only != y->q.gauge_only)
		return x->q.gauge_only ? 1 : -1;
	if (x->q.refusals != y->q.refusals)
		return x->q.refusals < y->q.refusals ? 1 : -1;
	if (x->worker != y->worker)
		return x->worker < y->worker ? -1 : 1;
	if (x->q.kind != y->q.kind)
		return x->q.kind < y->q.kind ? -1 : 1;
	return x->q.scope < y->q.scope ? -1 : x->q.scope > y->q.scope;
}

// A mark that no depth reaches is none; as a number it would be more than JSON's readers take.
static void put_mark(struct wr_reply *r, const char *key, uint64_t mark)
{
	if (mark <= INT64_MAX)
		wr_reply_uint(r, key, mark);
}

static void queue_row(struct wr_ctl *c, struct wr_reply *r, const struct near *n)
{
	const struct wr_queue *q = &n->q;
	char scope[WR_SCOPE_LEN];
	uint64_t above = q->above_total_us;
	uint64_t spell = 0;

	if (q->above_since_us != 0 && n->now_us > q->above_since_us)
		spell = n->now_us - q->above_since_us;
	wr_reply_str(r, "queue", wr_queue_name(q->kind));
	wr_reply_str(r, "unit", wr_queue_unit(q->kind));
	wr_reply_uint(r, "worker", n->worker);
	wr_reply_str(r, "scope", wr_ctl_queue_scope(c, q, scope, sizeof(scope)));
	wr_reply_str(r, "domain", wr_ctl_domain(c, q->domain));
	wr_reply_uint(r, "used_permille", n->permille);
	// No forecast is no number: 0 would be "now".
	if (q->full_in_ms != UINT32_MAX)
		wr_reply_uint(r, "full_in_ms", q->full_in_ms);
	wr_reply_int(r, "fill_per_s", q->fill_per_s);
	wr_reply_uint(r, "depth", q->depth);
	wr_reply_uint(r, "capacity", q->capacity);
	wr_reply_uint(r, "peak", q->peak);
	put_mark(r, "low", q->low);
	put_mark(r, "high", q->high);
	put_mark(r, "critical", q->critical);
	wr_reply_str(r, "state", mark_name(q->mark));
	wr_reply_uint(r, "above_now_ms", spell / WR_US_PER_MS);
	wr_reply_uint(r, "above_ms", (above + spell) / WR_US_PER_MS);
	wr_reply_uint(r, "refusals", q->refusals);
	wr_reply_str(r, "last_reason", q->refusals > 0 ? wr_drop_name(q->last_reason) : "");
	if (q->little_permille != UINT32_MAX)
		wr_reply_uint(r, "little_permille", q->little_permille);
	wr_reply_uint(r, "warned", q->warned);
	wr_reply_uint(r, "gauge_only", q->gauge_only);
}

static bool known_queue(const char *name)
{
	for (uint32_t k = 0; k < WR_Q_COUNT; k++)
		if (strcmp(wr_queue_name(k), name) == 0)
			return true;
	return false;
}

void wr_show_queues(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const char *kind = wr_params_get(p, "queue");
	struct wr_pressure pr;
	struct near *near;
	uint64_t only;
	uint32_t n = 0;

	if (!wr_ctl_param_worker(c, p, r, &only))
		return;
	if (kind != NULL && !known_queue(kind)) {
		wr_reply_error(r, "see /weir/queues for the names", "no queue '%.64s'", kind);
		return;
	}
	near = calloc((size_t)c->workers * WR_PRESSURE_QUEUES_MAX, sizeof(*near));
	if (near == NULL) {
		wr_reply_error(r, "free some memory", "no memory to sort the queues");
		return;
	}
	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_stats_snapshot s;

		if (only != UINT64_MAX && only != w)
			continue;
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		wr_worker_pressure(wr_fabric_worker(c->fabric, w), &pr);
		for (uint16_t i = 0; i < pr.queue_count; i++) {
			const struct wr_queue *q = &pr.queue[i];

			if (kind != NULL && strcmp(wr_queue_name(q->kind), kind) != 0)
				continue;
			near[n++] = (struct near){.q = *q,
				.worker = w,
				.permille = wr_ctl_permille(q),
				.now_us = s.gauges.now_us};
		}
	}
	qsort(near, n, sizeof(*near), nearer);
	for (uint32_t i = 0; i < n; i++)
		if (wr_reply_row(r))
			queue_row(c, r, &near[i]);
	free(near);
}

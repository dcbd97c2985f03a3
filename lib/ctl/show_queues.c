/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <stdlib.h>
#include <string.h>

// Queues and pressure: how close to full, since when, and who was refused.

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

static uint64_t permille(const struct wr_queue *q)
{
	if (q->capacity == 0)
		return 0;
	return (uint64_t)((double)q->depth * 1000 / (double)q->capacity);
}

// Nearest to full first; then by refusals, worker, kind, scope, so that the order is total.
static int nearer(const void *a, const void *b)
{
	const struct near *x = a, *y = b;

	if (x->permille != y->permille)
		return x->permille < y->permille ? 1 : -1;
	if (x->q.refusals != y->q.refusals)
		return x->q.refusals < y->q.refusals ? 1 : -1;
	if (x->worker != y->worker)
		return x->worker < y->worker ? -1 : 1;
	if (x->q.kind != y->q.kind)
		return x->q.kind < y->q.kind ? -1 : 1;
	return x->q.scope < y->q.scope ? -1 : x->q.scope > y->q.scope;
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
	wr_reply_uint(r, "used_permille", n->permille);
	wr_reply_uint(r, "depth", q->depth);
	wr_reply_uint(r, "capacity", q->capacity);
	wr_reply_uint(r, "peak", q->peak);
	wr_reply_uint(r, "low", q->low);
	wr_reply_uint(r, "high", q->high);
	wr_reply_uint(r, "critical", q->critical);
	wr_reply_str(r, "state", mark_name(q->mark));
	wr_reply_uint(r, "above_now_ms", spell / WR_US_PER_MS);
	wr_reply_uint(r, "above_ms", (above + spell) / WR_US_PER_MS);
	wr_reply_uint(r, "refusals", q->refusals);
	wr_reply_str(r, "last_reason", q->refusals > 0 ? wr_drop_name(q->last_reason) : "");
	wr_reply_uint(r, "gauge_only", q->gauge_only);
}

static bool parse_worker(
	struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r, uint64_t *worker)
{
	struct wr_err err = {0};

	if (wr_params_uint(p, "worker", UINT64_MAX, c->workers - 1u, worker, &err) == 0)
		return true;
	wr_reply_error(r, "see /weir/workers for the numbers", "%s", err.text);
	return false;
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

	if (!parse_worker(c, p, r, &only))
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
				.permille = permille(q),
				.now_us = s.gauges.now_us};
		}
	}
	qsort(near, n, sizeof(*near), nearer);
	for (uint32_t i = 0; i < n; i++)
		if (wr_reply_row(r))
			queue_row(c, r, &near[i]);
	free(near);
}

static void pressure_row(
	struct wr_ctl *c, struct wr_reply *r, const struct wr_pressure *pr, uint64_t now_us)
{
	char scope[WR_SCOPE_LEN];
	uint32_t marks[3] = {0};
	uint64_t refusals = 0;

	for (uint16_t i = 0; i < pr->queue_count; i++) {
		marks[RTE_MIN(pr->queue[i].mark, (uint32_t)WR_MARK_CRITICAL)]++;
		refusals += pr->queue[i].refusals;
	}
	wr_reply_uint(r, "worker", pr->worker);
	wr_reply_uint(r, "level", pr->level);
	wr_reply_uint(r, "level_for_ms",
		now_us > pr->level_since_us ? (now_us - pr->level_since_us) / WR_US_PER_MS : 0);
	wr_reply_str(r, "forced", pr->forced != 0 ? "by operator" : "no");
	if (pr->level > 0 && pr->cause < pr->queue_count) {
		const struct wr_queue *q = &pr->queue[pr->cause];

		wr_reply_str(r, "cause", wr_queue_name(q->kind));
		wr_reply_str(r, "cause_scope", wr_ctl_queue_scope(c, q, scope, sizeof(scope)));
		wr_reply_uint(r, "cause_permille", permille(q));
	} else {
		wr_reply_str(r, "cause", "");
	}
	wr_reply_uint(r, "overcommit", wr_pressure_overcommit(pr->level));
	wr_reply_uint(r, "queues", pr->queue_count);
	wr_reply_uint(r, "queues_normal", marks[WR_MARK_NORMAL]);
	wr_reply_uint(r, "queues_high", marks[WR_MARK_HIGH]);
	wr_reply_uint(r, "queues_critical", marks[WR_MARK_CRITICAL]);
	wr_reply_uint(r, "refusals", refusals);
}

void wr_show_pressure(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_pressure pr;
	struct wr_stats_snapshot s;

	for (uint16_t w = 0; w < c->workers; w++) {
		if (!wr_reply_row(r))
			continue;
		wr_worker_pressure(wr_fabric_worker(c->fabric, w), &pr);
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		pressure_row(c, r, &pr, s.gauges.now_us);
	}
}

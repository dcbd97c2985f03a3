/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

// Pressure and admission: levels and their causes, gates and their orders, and the flight recorder.

bool wr_ctl_param_worker(
	struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r, uint64_t *worker)
{
	struct wr_err err = {0};

	if (wr_params_uint(p, "worker", UINT64_MAX, c->workers - 1u, worker, &err) == 0)
		return true;
	wr_reply_error(r, "see /weir/workers for the numbers", "%s", err.text);
	return false;
}

bool wr_ctl_param_service(
	struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r, int *service)
{
	const char *name = wr_params_get(p, "service");

	*service = name == NULL ? -1 : wr_conf_find_service(c->conf, name);
	if (name == NULL || *service >= 0)
		return true;
	wr_reply_error(r, "see /weir/services for the names", "no service '%.64s'", name);
	return false;
}

void wr_ctl_waits(struct wr_ctl *c, struct wr_ctl_wait *out)
{
	struct wr_pressure pr;

	memset(out, 0, WR_MAX_SERVICES * sizeof(*out));
	for (uint16_t w = 0; w < c->workers; w++) {
		wr_worker_pressure(wr_fabric_worker(c->fabric, w), &pr);
		for (uint16_t s = 0; s < c->conf->service_count; s++)
			out[s].level = RTE_MAX(out[s].level, pr.service[s].level);
		for (uint16_t i = 0; i < pr.queue_count; i++) {
			const struct wr_queue *q = &pr.queue[i];
			struct wr_ctl_wait *s = &out[q->domain % WR_MAX_SERVICES];

			if (q->domain >= WR_MAX_SERVICES)
				continue;
			if (q->kind == WR_Q_pending_wait)
				s->oldest_us = RTE_MAX(s->oldest_us, q->depth);
			if (q->kind != WR_Q_pending)
				continue;
			s->depth += q->depth;
			s->peak += q->peak;
			s->capacity += q->capacity;
			s->arrivals += q->arrivals;
			s->waited_us += q->waited_us;
		}
	}
}

// "none", or the first class that is cut and the place in it from which: "4.37".
static void put_cut(struct wr_reply *r, uint16_t cut)
{
	if (cut >= WR_DOOR_RANKS) {
		wr_reply_str(r, "cut", "none");
		return;
	}
	wr_reply_fmt(r, "cut", "%u.%u", cut / WR_DOOR_BUCKETS, cut % WR_DOOR_BUCKETS);
	wr_reply_uint(r, "cut_class", cut / WR_DOOR_BUCKETS);
	wr_reply_uint(r, "cut_place", cut % WR_DOOR_BUCKETS);
}

void wr_ctl_put_gate(struct wr_reply *r, const struct wr_gate *g)
{
	wr_reply_str(r, "gate", g->limited ? "limited" : "open");
	wr_reply_uint(r, "limited", g->limited);
	wr_reply_uint(r, "rate_per_s", g->rate_per_s);
	put_cut(r, g->cut);
	wr_reply_uint(r, "offered", g->offered);
	wr_reply_uint(r, "admitted", g->admitted);
	wr_reply_uint(r, "refused", g->refused);
	wr_reply_uint(r, "held", g->held);
	wr_reply_uint(r, "completed_per_s", g->completed_per_s);
}

// --- /weir/pressure
// -------------------------------------------------------------------------------

static void put_level(struct wr_ctl *c, struct wr_reply *r, const struct wr_pressure *pr,
	const struct wr_level *lv, uint64_t now_us)
{
	char scope[WR_SCOPE_LEN];

	wr_reply_uint(r, "level", lv->level);
	wr_reply_uint(r, "level_for_ms",
		now_us > lv->level_since_us ? (now_us - lv->level_since_us) / WR_US_PER_MS : 0);
	wr_reply_str(r, "forced", lv->forced != 0 ? "by operator" : "no");
	if (lv->level > 0 && lv->cause < pr->queue_count) {
		const struct wr_queue *q = &pr->queue[lv->cause];

		wr_reply_str(r, "cause", wr_queue_name(q->kind));
		wr_reply_str(r, "cause_scope", wr_ctl_queue_scope(c, q, scope, sizeof(scope)));
		wr_reply_uint(r, "cause_permille", wr_ctl_permille(q));
	} else {
		wr_reply_str(r, "cause", "");
	}
}

// The queues of a domain: how many at which mark, and who was refused.
static void put_marks(struct wr_reply *r, const struct wr_pressure *pr, uint16_t domain)
{
	uint32_t marks[3] = {0}, count = 0;
	uint64_t refusals = 0;

	for (uint16_t i = 0; i < pr->queue_count; i++) {
		const struct wr_queue *q = &pr->queue[i];

		if (q->domain != domain)
			continue;
		count++;
		marks[RTE_MIN(q->mark, (uint32_t)WR_MARK_CRITICAL)]++;
		refusals += q->refusals;
	}
	wr_reply_uint(r, "queues", count);
	wr_reply_uint(r, "queues_normal", marks[WR_MARK_NORMAL]);
	wr_reply_uint(r, "queues_high", marks[WR_MARK_HIGH]);
	wr_reply_uint(r, "queues_critical", marks[WR_MARK_CRITICAL]);
	wr_reply_uint(r, "refusals", refusals);
}

static void put_order(struct wr_reply *r, uint8_t class)
{
	if (class >= WR_CLASSES) {
		wr_reply_str(r, "order", "none");
		return;
	}
	wr_reply_fmt(r, "order", "class %u and worse refused", class);
	wr_reply_uint(r, "order_class", class);
}

static void pressure_row(struct wr_ctl *c, struct wr_reply *r, struct wr_worker *worker,
	const struct wr_pressure *pr, uint16_t domain, uint64_t now_us)
{
	bool own = domain == WR_PRESSURE_WORKER;
	const struct wr_level *lv = own ? &pr->own : &pr->service[domain];

	wr_reply_uint(r, "worker", pr->worker);
	wr_reply_str(r, "domain", wr_ctl_domain(c, domain));
	put_level(c, r, pr, lv, now_us);
	put_marks(r, pr, domain);
	wr_ctl_put_gate(r, wr_worker_gate(worker, own ? WR_DOOR_WORKER : domain));
	put_order(r, wr_worker_ordered(worker, own ? WR_DOOR_WORKER : domain));
	if (!own)
		return;
	wr_reply_uint(r, "overcommit", wr_pressure_overcommit(lv->level));
	wr_reply_uint(r, "drops_early", wr_worker_drops_early(worker));
}

// A service without pressure and without an order is no news.
static bool worth_a_row(struct wr_worker *worker, const struct wr_pressure *pr, uint16_t service)
{
	const struct wr_level *lv = &pr->service[service];

	return lv->level > 0 || lv->forced != 0 || wr_worker_gate(worker, service)->limited ||
	       wr_worker_ordered(worker, service) < WR_CLASSES;
}

void wr_show_pressure(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_pressure pr;
	struct wr_stats_snapshot s;

	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_worker *worker = wr_fabric_worker(c->fabric, w);

		wr_worker_pressure(worker, &pr);
		wr_worker_stats(worker, &s);
		if (wr_reply_row(r))
			pressure_row(c, r, worker, &pr, WR_PRESSURE_WORKER, s.gauges.now_us);
		for (uint16_t i = 0; i < c->conf->service_count; i++)
			if (wr_ctl_has_service(c, i) && worth_a_row(worker, &pr, i) &&
				wr_reply_row(r))
				pressure_row(c, r, worker, &pr, i, s.gauges.now_us);
	}
}

// --- /weir/admission
// ------------------------------------------------------------------------------

static void admission_row(
	struct wr_ctl *c, struct wr_reply *r, uint16_t w, uint16_t domain, uint64_t now_us)
{
	struct wr_worker *worker = wr_fabric_worker(c->fabric, w);
	uint16_t service = domain == WR_CTL_WORKERS ? WR_DOOR_WORKER : domain;
	const struct wr_gate *g = wr_worker_gate(worker, service);
	const struct wr_ctl_orders *o = &c->orders;
	char key[16];

	wr_reply_uint(r, "worker", w);
	wr_reply_str(r, "domain", wr_ctl_domain(c, service));
	wr_ctl_put_gate(r, g);
	if (g->limited) {
		wr_reply_uint(r, "limited_for_ms",
			now_us > g->limited_since_us ? (now_us - g->limited_since_us) / WR_US_PER_MS
						     : 0);
		wr_reply_uint(r, "refused_limited", g->refused_limited);
	}
	for (uint32_t k = 0; k < WR_CLASSES; k++) {
		snprintf(key, sizeof(key), "refused_%u", k);
		wr_reply_uint(r, key, g->refused_of[k]);
	}
	put_order(r, wr_worker_ordered(worker, service));
	if (o->level[domain] > 0)
		wr_reply_fmt(r, "forced", "P%u", o->level[domain] - 1u);
	else
		wr_reply_str(r, "forced", "no");
	// An order that did not reach this worker yet.
	wr_reply_uint(r, "order_owed",
		((o->level_owed[domain] | o->refuse_owed[domain]) & (1u << w)) != 0);
}

void wr_show_admission(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_stats_snapshot s;
	uint64_t only;
	int service;

	if (!wr_ctl_param_worker(c, p, r, &only) || !wr_ctl_param_service(c, p, r, &service))
		return;
	for (uint16_t w = 0; w < c->workers; w++) {
		if (only != UINT64_MAX && only != w)
			continue;
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		if (service < 0 && wr_reply_row(r))
			admission_row(c, r, w, WR_CTL_WORKERS, s.gauges.now_us);
		for (uint16_t i = 0; i < c->conf->service_count; i++)
			if (wr_ctl_has_service(c, i) && (service < 0 || service == i) &&
				wr_reply_row(r))
				admission_row(c, r, w, i, s.gauges.now_us);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <stdio.h>

#include "wr_hash.h"

#define FIRST_SPREAD_US          (250 * WR_US_PER_MS) // first probes are spread over this or one interval
#define RETRY_US                 (10 * WR_US_PER_MS) // a full mailbox is tried again after this
#define ANSWER_GRACE_US          WR_US_PER_S         // past its time-out an answer may be this late
#define JITTER_DIVISOR           10                  // up to a tenth of the interval
#define KILL_EVERYWHERE(workers) ((uint32_t)(((uint64_t)1 << (workers)) - 1))

// One worker probes a backend, so that it sees one prober (DESIGN 2).
static struct wr_worker *prober(struct wr_ctl *c, uint16_t backend)
{
	uint64_t h = wr_hash_mum(backend + 1, 0x9e3779b97f4a7c15ULL);

	return wr_fabric_worker(c->fabric, (uint16_t)(h % c->workers));
}

static wr_us_t jitter(struct wr_ctl *c, wr_us_t span)
{
	return span == 0 ? 0 : wr_rng_next(&c->rng) % span;
}

static void event(struct wr_ctl *c, enum wr_event_kind kind, const struct wr_backend *be,
	uint32_t count, int err)
{
	struct wr_event ev = {
		.kind = kind,
		.worker = UINT16_MAX,
		.queue = UINT16_MAX,
		.scope = be->id,
		.count = count,
		.extra = (uint32_t)err,
		.a = be->addr,
	};

	wr_ctl_event_add(c, &ev);
}

// Tell workers that have not been told yet to reset a backend's sessions.
static void kill_sessions(struct wr_ctl *c, uint16_t backend)
{
	struct wr_ctl_probe *pr = &c->probe[backend];
	const struct wr_msg m = {.kind = WR_MSG_KILL_BACKEND, .a = backend};

	for (uint16_t w = 0; w < c->workers; w++) {
		if ((pr->kill & (1u << w)) == 0)
			continue;
		if (wr_worker_post(wr_fabric_worker(c->fabric, w), &m) == 0)
			pr->kill &= ~(1u << w);
	}
}

static void judge(
	struct wr_ctl *c, struct wr_backend *be, const struct wr_conf_pool *pool, wr_us_t now)
{
	struct wr_ctl_probe *pr = &c->probe[be->id];
	struct wr_backend_counters sum;
	int err = 0;
	int change = wr_backends_probe_take(c->backends, be->id, now, &err);

	if (change < 0)
		return;
	pr->out = false;
	be->last_probe_us = now;
	if (change == WR_BACKEND_SAME) {
		// The first failure and the first success are news; their repetition is not.
		if (pr->last_err != err && (pr->last_err >= 0 || err != 0))
			event(c, WR_EV_backend_probe, be, 0, err);
	} else if (change == WR_BACKEND_WENT_UP) {
		event(c, WR_EV_backend_up, be, 0, 0);
		pr->kill = 0;
	} else {
		wr_backend_sum(c->backends, be, &sum);
		event(c, WR_EV_backend_down, be, (uint32_t)sum.sessions, err);
		if (pool->on_down == WR_CONF_ON_DOWN_RESET)
			pr->kill = KILL_EVERYWHERE(c->workers);
	}
	pr->last_err = err;
}

static void ask(
	struct wr_ctl *c, struct wr_backend *be, const struct wr_conf_pool *pool, wr_us_t now)
{
	struct wr_ctl_probe *pr = &c->probe[be->id];
	uint32_t number = be->probe_asked + 1;
	struct wr_msg m = {
		.kind = WR_MSG_PROBE,
		.a = be->id,
		.b = number,
		.t = pool->health_timeout_us,
	};

	// Before the message: the worker's answer is compared with it.
	__atomic_store_n(&be->probe_asked, number, __ATOMIC_RELEASE);
	if (wr_worker_post(prober(c, be->id), &m) != 0) {
		be->next_probe_us = now + RETRY_US;
		return;
	}
	pr->out = true;
	pr->lost_us = now + pool->health_timeout_us + ANSWER_GRACE_US;
	be->next_probe_us = now + pool->health_interval_us +
	                    jitter(c, pool->health_interval_us / JITTER_DIVISOR);
}

static wr_us_t turn_backend(
	struct wr_ctl *c, struct wr_backend *be, const struct wr_conf_pool *pool, wr_us_t now)
{
	struct wr_ctl_probe *pr = &c->probe[be->id];

	if (!pr->scheduled) {
		pr->scheduled = true;
		be->next_probe_us =
			now + jitter(c, RTE_MIN(pool->health_interval_us, FIRST_SPREAD_US));
	}
	if (pr->out) {
		// A worker that is stuck must not keep its backends up.
		if (now >= pr->lost_us)
			wr_backend_probe_answer(be, be->probe_asked, ETIMEDOUT);
		judge(c, be, pool, now);
	}
	if (pr->kill != 0)
		kill_sessions(c, be->id);
	if (!pr->out && now >= be->next_probe_us)
		ask(c, be, pool, now);
	return pr->out ? pr->lost_us : be->next_probe_us;
}

wr_us_t wr_ctl_health_turn(struct wr_ctl *c, wr_us_t now)
{
	wr_us_t next = WR_US_NEVER;

	for (uint32_t p = 0; p < wr_backends_pool_count(c->backends); p++) {
		struct wr_pool_slot *pool = wr_backends_pool(c->backends, (uint16_t)p);

		if (pool->conf->health == WR_CONF_HEALTH_NONE)
			continue;
		for (uint16_t i = 0; i < pool->count; i++) {
			struct wr_backend *be =
				wr_backends_get(c->backends, (uint16_t)(pool->first + i));
			wr_us_t at = turn_backend(c, be, pool->conf, now);

			next = RTE_MIN(next, at);
		}
	}
	return next;
}

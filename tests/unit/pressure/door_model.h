/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// A core before whose door clients queue, and a service with backends, on a virtual clock: the
// plants that the door's controllers are proved on. Time is microseconds as doubles.

#include "wr_test.h"

#include <rte_common.h>
#include <rte_memory.h>

#include "wr_door.h"
#include "wr_rng.h"

#define MODEL_RING  (1u << 17) // frames that may be on their way or wait; never reached
#define MODEL_CALLS 4          // frames of a connection, each a round trip after the one before
#define MODEL_HOLD  4096
#define MODEL_NODES 8192

static const struct wr_door_config model_config = {
	.worker = 0,
	.services = 1,
	.resets_per_s = 1000,
	.target_us = 5000,
	.hold_us = 300000,
	.hold_requests = 4096,
	.key = {0x1234567890abcdefULL, 0xfedcba0987654321ULL},
};

struct model_frame {
	double at;
	uint8_t left; // calls that follow; MODEL_CALLS: a connection request
	uint8_t class;
	uint16_t client;
};

struct model_ring {
	struct model_frame f[MODEL_RING];
	uint32_t head, tail;
};

struct model_core {
	struct wr_door *door;
	struct wr_rng rng;
	double now, next_arrival;
	double rtt, offered_per_s;
	double cost, refusal_cost; // of one call; of looking at a request
	uint32_t clients;
	uint8_t (*class_of)(struct wr_rng *rng);
	struct model_ring rx, wire;
	double emptied, stall_at, stall_us, stall_every; // every: 0: once
	double busy, ticked; // worked since the last period, and when that was
	struct wr_waitq hold;
	struct model_frame held[MODEL_NODES];
	struct wr_waitq_node node[MODEL_NODES];
	uint32_t next_node;
	uint64_t ended;
	uint64_t offered, served, refused, expired, held_count;
	uint64_t offered_of[WR_CLASSES], served_of[WR_CLASSES];
	double longest_hold, longest_wait;
	double wait_above_since, wait_back; // when lag passed its target, and was first back
	double rate_sum, rate_sq;
	uint32_t ticks;
	uint32_t bin_admitted; // in 1 s bins
	uint8_t level;
	bool stays; // no session ends
};

static inline double model_uniform(struct wr_rng *rng)
{
	return (double)(wr_rng_next(rng) >> 11) / 9007199254740992.0;
}

// An exponential time by comparisons only (von Neumann 1951), so that no library rounds it.
static inline double model_exp(struct wr_rng *rng, double mean)
{
	for (double whole = 0;; whole++) {
		double first = model_uniform(rng), last = first, u;
		uint32_t n = 2;

		while ((u = model_uniform(rng)) <= last) {
			last = u;
			n++;
		}
		if (n % 2 == 0)
			return (whole + first) * mean;
	}
}

static inline struct wr_addr model_client(uint32_t n)
{
	return wr_addr_from_v4(__builtin_bswap32(0xc6120000u + n)); // 198.18.0.0
}

static inline uint8_t model_one_class(struct wr_rng *rng)
{
	return 4;
}

static inline void model_put(struct model_ring *r, struct model_frame f)
{
	assert_true(r->tail - r->head < MODEL_RING);
	r->f[r->tail++ % MODEL_RING] = f;
}

// 20000 connections a second keep it busy; looking at a request that is refused costs 1 % of one.
static inline struct model_core *model_core_create(double rtt, double load, uint64_t seed)
{
	struct model_core *m = calloc(1, sizeof(*m));
	struct wr_waitq_config wc = {.items = MODEL_HOLD,
		.time_us = 300000,
		.target_us = 300000,
		.standing_us = 100000,
		.stride = sizeof(m->node[0])};

	assert_non_null(m);
	wc.nodes = m->node;
	wr_waitq_init(&m->hold, &wc);
	wr_rng_init(&m->rng, seed);
	m->door = wr_door_create(&model_config, 0, SOCKET_ID_ANY);
	assert_non_null(m->door);
	m->cost = 50.0 / MODEL_CALLS;
	m->refusal_cost = 0.5;
	m->rtt = rtt;
	m->offered_per_s = load * 20000;
	m->clients = 20000;
	m->class_of = model_one_class;
	m->next_arrival = 1;
	m->stall_at = 1e18;
	return m;
}

static inline void model_core_destroy(struct model_core *m)
{
	wr_door_destroy(m->door);
	free(m);
}

static inline void model_call(struct model_core *m, struct model_frame f)
{
	m->now += m->cost;
	if (f.left == 1) {
		m->ended += !m->stays;
		m->served++;
		m->served_of[f.class]++;
		return;
	}
	f.left--;
	f.at = m->now + m->rtt;
	model_put(&m->wire, f);
}

static inline void model_request(struct model_core *m, struct model_frame f)
{
	struct wr_addr client = model_client(f.client);
	uint32_t out, i;
	enum wr_drop why;

	m->offered++;
	m->offered_of[f.class]++;
	switch (wr_door_ask(m->door, 0, f.class, &client, (wr_us_t)m->now, &why)) {
	case WR_DOOR_ADMIT:
		model_call(m, f);
		return;
	case WR_DOOR_HOLD:
		m->now += m->refusal_cost;
		m->held_count++;
		while (m->node[i = m->next_node++ % MODEL_NODES].queued)
			;
		m->held[i] = f;
		if (!wr_waitq_push(&m->hold, i, f.class, (wr_us_t)m->now, &out))
			m->expired++;
		if (out != WR_WAITQ_NONE)
			m->expired++;
		return;
	default:
		m->now += m->refusal_cost;
		m->refused++;
	}
}

static inline void model_release(struct model_core *m)
{
	wr_us_t now = (wr_us_t)m->now;
	uint32_t n;

	while (wr_waitq_expire(&m->hold, now) != WR_WAITQ_NONE)
		m->expired++;
	if (m->hold.depth == 0)
		return;
	n = wr_door_release(m->door, m->hold.depth, UINT32_MAX, now);
	for (; n > 0; n--) {
		uint32_t i = wr_waitq_pop(&m->hold, now);

		m->longest_hold = RTE_MAX(m->longest_hold, m->now - (double)m->node[i].at_us);
		model_call(m, m->held[i]);
	}
}

// What has come by now.
static inline void model_arrive(struct model_core *m)
{
	while (m->wire.head != m->wire.tail && m->wire.f[m->wire.head % MODEL_RING].at <= m->now)
		model_put(&m->rx, m->wire.f[m->wire.head++ % MODEL_RING]);
	while (m->next_arrival <= m->now) {
		struct model_frame f = {.at = m->next_arrival, .left = MODEL_CALLS};

		f.class = m->class_of(&m->rng);
		f.client = (uint16_t)wr_rng_below(&m->rng, m->clients);
		model_put(&m->rx, f);
		m->next_arrival += model_exp(&m->rng, 1e6 / m->offered_per_s);
	}
}

static inline void model_tick(struct model_core *m)
{
	struct wr_door_signals s = {.sessions_ended = m->ended, .level = m->level};
	struct wr_door_service sv = {.completed = m->ended};
	double wait = m->now - m->emptied, rate;

	s.lag_us = (wr_us_t)wait;
	s.busy_permille = (uint32_t)RTE_MIN(1000 * m->busy / (m->now - m->ticked), 1000.0);
	m->busy = 0;
	m->ticked = m->now;
	wr_door_tick(m->door, &s, &sv, (wr_us_t)m->now);
	m->longest_wait = RTE_MAX(m->longest_wait, wait);
	if (wait > 5000) {
		if (m->wait_above_since == 0)
			m->wait_above_since = m->now;
	} else if (m->wait_above_since > 0 && m->wait_back == 0) {
		m->wait_back = m->now;
	}
	rate = (double)wr_door_gate(m->door, WR_DOOR_WORKER)->rate_per_s;
	m->rate_sum += rate;
	m->rate_sq += rate * rate;
	m->ticks++;
}

static inline void model_run(struct model_core *m, double us)
{
	double end = m->now + us;

	while (m->now < end) {
		uint32_t n = 0;
		double before = m->now, next;

		if (m->now >= m->stall_at) {
			m->now += m->stall_us;
			m->stall_at = m->stall_every > 0 ? m->now + m->stall_every : 1e18;
		}
		model_arrive(m);
		while (n < 32 && m->rx.head != m->rx.tail) {
			struct model_frame f = m->rx.f[m->rx.head++ % MODEL_RING];

			if (f.left == MODEL_CALLS)
				model_request(m, f);
			else
				model_call(m, f);
			n++;
		}
		if (n < 32)
			m->emptied = before;
		model_release(m);
		if (wr_door_due(m->door, (wr_us_t)m->now))
			model_tick(m);
		m->busy += m->now - before;
		if (m->now > before)
			continue;
		next = RTE_MIN(m->next_arrival, m->now + 1000); // idle until something comes
		if (m->wire.head != m->wire.tail)
			next = RTE_MIN(next, m->wire.f[m->wire.head % MODEL_RING].at);
		if (m->hold.depth > 0)
			next = RTE_MIN(next, m->now + 50);
		m->now = RTE_MAX(next, m->now + 1);
		m->emptied = m->now;
	}
}

// Forget what was counted so far.
static inline void model_forget(struct model_core *m)
{
	m->offered = m->served = m->refused = m->expired = m->held_count = 0;
	memset(m->offered_of, 0, sizeof(m->offered_of));
	memset(m->served_of, 0, sizeof(m->served_of));
	m->longest_hold = m->longest_wait = m->wait_above_since = m->wait_back = 0;
	m->rate_sum = m->rate_sq = m->ticks = 0;
}

// Connections that it could serve of `offered` in so long: all others cost their refusal.
static inline double model_best(const struct model_core *m, double us)
{
	double call = m->cost * MODEL_CALLS;
	double best = (us - (double)m->offered * m->refusal_cost) / (call - m->refusal_cost);

	return RTE_MIN(best, (double)m->offered);
}

// A service: places at backends, sessions that stay for a random time, a queue of those that wait.
struct model_service {
	struct wr_door *door;
	struct wr_rng rng;
	double now, next_arrival, next_tick;
	double offered_per_s, stay_us;
	uint32_t places, used;
	double ends[64];
	uint8_t (*class_of)(struct wr_rng *rng);
	struct wr_waitq waitq;
	struct wr_waitq_node node[MODEL_NODES];
	uint8_t class[MODEL_NODES];
	uint32_t next_node;
	bool waits;
	uint64_t completed, offered, refused, served, gone;
	uint64_t offered_of[WR_CLASSES], served_of[WR_CLASSES];
	double used_us, pending_us, longest_wait;
};

static inline struct model_service *model_service_create(
	uint32_t places, double stay_us, double load, wr_us_t target)
{
	struct model_service *m = calloc(1, sizeof(*m));
	struct wr_waitq_config wc = {.items = 1024,
		.time_us = 20 * target,
		.target_us = target,
		.standing_us = 2 * target,
		.stride = sizeof(m->node[0])};
	struct wr_door_config dc = model_config;

	assert_non_null(m);
	dc.service_target_us[0] = target;
	wc.nodes = m->node;
	wr_waitq_init(&m->waitq, &wc);
	wr_rng_init(&m->rng, 1);
	m->door = wr_door_create(&dc, 0, SOCKET_ID_ANY);
	assert_non_null(m->door);
	m->places = places;
	m->stay_us = stay_us;
	m->offered_per_s = load * places * 1e6 / stay_us;
	m->class_of = model_one_class;
	m->next_arrival = 1;
	m->next_tick = WR_DOOR_PERIOD_US;
	return m;
}

static inline void model_service_destroy(struct model_service *m)
{
	wr_door_destroy(m->door);
	free(m);
}

static inline void model_service_start(struct model_service *m, uint8_t class, double at)
{
	m->ends[m->used++] = m->now + model_exp(&m->rng, m->stay_us);
	m->served++;
	m->served_of[class]++;
	m->longest_wait = RTE_MAX(m->longest_wait, m->now - at);
}

static inline void model_service_fill(struct model_service *m)
{
	while (wr_waitq_expire(&m->waitq, (wr_us_t)m->now) != WR_WAITQ_NONE)
		m->gone++;
	m->waits = m->used == m->places;
	while (m->used < m->places && m->waitq.depth > 0) {
		uint32_t i = wr_waitq_pop(&m->waitq, (wr_us_t)m->now);

		model_service_start(m, m->class[i], (double)m -> node[i].at_us);
	}
}

static inline void model_service_arrive(struct model_service *m)
{
	uint8_t class = m->class_of(&m->rng);
	struct wr_addr client = model_client(wr_rng_below(&m->rng, 20000));
	uint32_t i, out;
	enum wr_drop why;

	m->next_arrival += model_exp(&m->rng, 1e6 / m->offered_per_s);
	m->offered++;
	m->offered_of[class]++;
	if (wr_door_ask(m->door, 0, class, &client, (wr_us_t)m->now, &why) != WR_DOOR_ADMIT) {
		m->refused++;
		return;
	}
	if (m->used < m->places && m->waitq.depth == 0) {
		model_service_start(m, class, m->now);
		return;
	}
	while (m->node[i = m->next_node++ % MODEL_NODES].queued)
		;
	m->class[i] = class;
	if (!wr_waitq_push(&m->waitq, i, class, (wr_us_t)m->now, &out) || out != WR_WAITQ_NONE)
		m->gone++;
}

static inline void model_service_tick(struct model_service *m)
{
	struct wr_door_signals s = {.sessions_ended = m->completed};
	struct wr_door_service sv = {.pending = m->waitq.depth,
		.waits = m->waits || m->waitq.depth > 0,
		.completed = m->completed};

	m->next_tick += WR_DOOR_PERIOD_US;
	wr_door_tick(m->door, &s, &sv, (wr_us_t)m->now);
}

static inline void model_service_run(struct model_service *m, double us)
{
	double end = m->now + us;

	while (m->now < end) {
		double next = RTE_MIN(m->next_arrival, m->next_tick);
		uint32_t first = 0;

		for (uint32_t i = 1; i < m->used; i++)
			first = m->ends[i] < m->ends[first] ? i : first;
		if (m->used > 0)
			next = RTE_MIN(next, m->ends[first]);
		m->used_us += (next - m->now) * m->used;
		m->pending_us += (next - m->now) * m->waitq.depth;
		m->now = next;
		if (m->used > 0 && m->now == m->ends[first]) {
			m->ends[first] = m->ends[--m->used];
			m->completed++;
		} else if (m->now == m->next_arrival) {
			model_service_arrive(m);
		} else {
			model_service_tick(m);
		}
		model_service_fill(m);
	}
}

static inline void model_service_forget(struct model_service *m)
{
	m->offered = m->refused = m->served = m->gone = 0;
	m->used_us = m->pending_us = m->longest_wait = 0;
	memset(m->offered_of, 0, sizeof(m->offered_of));
	memset(m->served_of, 0, sizeof(m->served_of));
}

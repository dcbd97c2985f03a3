/* SPDX-License-Identifier: BSD-3-Clause */

// Sessions that wait for a backend with room: one queue a service, bounded in sessions and in time.
// They are served each turn as places are given back, in this worker or in another.

#include "proxy_priv.h"

#define STANDING_US     (100 * WR_US_PER_MS) // CoDel's interval, RFC 8289 4.2
#define SERVED_PER_TURN 32u                  // each may end in a reset
#define LOST_PER_TURN   32u
#define LOOK_US         WR_US_PER_MS // what other workers give back is looked for this often

// This worker's part of a number that is one for all, in which each worker takes one at least.
static uint32_t part(const struct wr_proxy *p, uint32_t n)
{
	uint32_t each = n / p->cfg.workers + (p->cfg.worker < n % p->cfg.workers);

	return RTE_MAX(each, 1u);
}

struct wr_waitq_config wait_plan(const struct wr_proxy *p, const struct wr_conf_service *sv)
{
	struct session *first = wr_pool_at(&p->sessions, 0);

	return (struct wr_waitq_config){.items = part(p, sv->wait_sessions),
		.time_us = sv->wait_time_us,
		.target_us = RTE_MIN(sv->wait_target_us, sv->wait_time_us),
		.standing_us = STANDING_US,
		.nodes = &first->pending.node,
		.stride = p->sessions.stride};
}

// The queue of a service was `before` deep.
static void recount(struct wr_proxy *p, uint16_t service, uint32_t before)
{
	uint16_t pool = (uint16_t)p->conf->services[service].pool;
	uint32_t depth = p->runs[service].wait.depth;

	p->waiting += depth - before;
	p->pool_waiting[pool] += depth - before;
}

void wait_recount(struct wr_proxy *p)
{
	memset(p->pool_waiting, 0, sizeof(p->pool_waiting));
	for (uint32_t i = 0; i < p->conf->service_count; i++)
		if (p->conf->services[i].slot != WR_CONF_VACANT)
			p->pool_waiting[p->conf->services[i].pool] += p->runs[i].wait.depth;
}

void wait_again(struct wr_proxy *p, wr_us_t now)
{
	if (p->wait_rotor >= p->conf->service_count)
		p->wait_rotor = 0;
	if (p->waiting > 0)
		p->wait_next_us = now;
}

static void refuse(struct wr_proxy *p, struct session *s, enum wr_counter why, uint64_t *of_service,
	wr_us_t now)
{
	wr_stats_add(p->stats, why, 1);
	++*of_service;
	session_abort(p, s, WR_RECORD_PRESSURE, now);
}

void wait_join(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_service_counters *sc = &p->services[s->service];
	struct wr_waitq *q = &p->runs[s->service].wait;
	uint32_t before = q->depth, out = WR_WAITQ_NONE;
	struct session_pending pending = {0};
	uint16_t service = s->service;
	bool joined;

	if (s->tries > PENDING_TRIES_MAX) {
		connect_give_up(p, s, now);
		return;
	}
	memcpy(pending.tried, s->connecting.tried, s->tries * sizeof(pending.tried[0]));
	s->pending = pending;
	s->state = WR_SESSION_PENDING;
	s->backend = WR_MAGLEV_NONE;
	s->moved_us = now;
	p->connecting--;
	wr_wheel_cancel(&p->wheel, &s->timer); // its time is the queue's
	joined = wr_waitq_push(q, wr_handle_index(s->self), s->class, now, &out);
	recount(p, service, before);
	p->wait_next_us = now;
	if (joined)
		wr_stats_add(p->stats, WR_CTR_pending_begun, 1);
	else
		refuse(p, s, WR_CTR_pending_full, &sc->pending_full, now);
	if (joined && out != WR_WAITQ_NONE)
		refuse(p, session_at(p, out), WR_CTR_pending_evicted, &sc->pending_evicted, now);
}

// Out of the queue. False: it was out already.
static bool leave(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_waitq *q = &p->runs[s->service].wait;
	uint32_t before = q->depth;

	wr_waitq_remove(q, wr_handle_index(s->self), now);
	recount(p, s->service, before);
	return q->depth != before;
}

void wait_leave(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	if (leave(p, s, now))
		wr_stats_add(p->stats, WR_CTR_pending_ended, 1);
}

void wait_left(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	if (!leave(p, s, now))
		return;
	wr_stats_add(p->stats, WR_CTR_pending_left, 1);
	p->services[s->service].pending_left++;
}

static uint32_t expire(struct wr_proxy *p, uint16_t service, uint32_t most, wr_us_t now)
{
	struct wr_service_counters *sc = &p->services[service];
	struct wr_waitq *q = &p->runs[service].wait;
	uint32_t n;

	for (n = 0; n < most; n++) {
		uint32_t before = q->depth, i = wr_waitq_expire(q, now);

		if (i == WR_WAITQ_NONE)
			break;
		recount(p, service, before);
		refuse(p, session_at(p, i), WR_CTR_pending_timeouts, &sc->pending_timeouts, now);
	}
	return n;
}

// Out of the queue, to connect or to be given up.
static void leave_for_connect(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_waitq *q = &p->runs[s->service].wait;
	struct session_connecting c = {.since_us = now};
	uint32_t before = q->depth;

	wr_waitq_pop(q, now);
	recount(p, s->service, before);
	memcpy(c.tried, s->pending.tried, s->tries * sizeof(c.tried[0]));
	s->connecting = c;
	s->state = WR_SESSION_CONNECTING;
	s->moved_us = now;
	p->connecting++;
}

// The next one of a service. False: there is no room for it.
static bool serve(struct wr_proxy *p, uint16_t service, wr_us_t now)
{
	uint32_t i = wr_waitq_peek(&p->runs[service].wait, now);
	enum place_found found = PLACE_NONE;
	struct wr_tcp_info client;
	struct session *s;

	if (i == WR_WAITQ_NONE)
		return false;
	s = session_at(p, i);
	if (wr_tcp_info(p->tcp, s->client, &client) && s->tries < connect_most(p, s))
		found = place_take(p, s, s->pending.tried, connect_key(p, s));
	if (found == PLACE_FULL)
		return false;
	leave_for_connect(p, s, now);
	if (found == PLACE_NONE) {
		wr_stats_add(p->stats, WR_CTR_pending_ended, 1);
		connect_give_up(p, s, now);
		return true;
	}
	wr_stats_add(p->stats, WR_CTR_pending_served, 1);
	connect_placed(p, s, &client, now);
	return true;
}

// One of each service in turns, so that none waits for another's queue; the next turn begins behind
// the service that was served last.
static uint32_t serve_all(struct wr_proxy *p, wr_us_t now)
{
	uint32_t services = p->conf->service_count, served = 0, idle = 0;

	for (uint32_t i = p->wait_rotor; idle < services && served < SERVED_PER_TURN;
		i = i + 1 == services ? 0 : i + 1) {
		struct service_run *r = &p->runs[i];

		idle++;
		if (r->wait.depth == 0 || r->blocked)
			continue;
		r->blocked = !serve(p, (uint16_t)i, now);
		if (r->blocked)
			continue;
		idle = 0;
		served++;
		p->wait_rotor = i + 1 == services ? 0 : i + 1;
	}
	return served;
}

uint32_t wait_turn(struct wr_proxy *p, wr_us_t now)
{
	uint32_t lost = 0, served;

	if (p->waiting == 0) {
		p->wait_next_us = WR_US_NEVER;
		return 0;
	}
	for (uint32_t i = 0; i < p->conf->service_count; i++) {
		p->runs[i].blocked = false;
		if (p->runs[i].wait.depth > 0)
			lost += expire(p, (uint16_t)i, LOST_PER_TURN - lost, now);
	}
	served = serve_all(p, now);
	p->wait_next_us = now + (served == SERVED_PER_TURN ? 0 : LOOK_US);
	for (uint32_t i = 0; i < p->conf->service_count; i++)
		if (p->runs[i].wait.depth > 0)
			p->wait_next_us =
				RTE_MIN(p->wait_next_us, wr_waitq_next(&p->runs[i].wait, now));
	if (p->waiting == 0)
		p->wait_next_us = WR_US_NEVER;
	return lost + served;
}

void wr_proxy_pending(
	struct wr_proxy *p, uint16_t service, wr_us_t now, struct wr_proxy_pending *out)
{
	const struct service_run *r = &p->runs[service];
	const struct wr_waitq *q = &r->wait;

	*out = (struct wr_proxy_pending){.depth = q->depth,
		.items_max = q->cfg.items,
		.oldest_us = wr_waitq_oldest_us(q, now),
		.waits = q->depth > 0 || r->full,
		.arrivals = q->arrivals,
		.waited_us = q->waited_us};
}

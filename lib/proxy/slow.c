/* SPDX-License-Identifier: BSD-3-Clause */

// Slow peers: a window that stays closed is told by an event. Under pressure those that take
// nothing for long are closed, and under severe pressure those that hold most memory above their
// share and move nothing.

#include "proxy_priv.h"

// A window that closes for a moment is what a slower reader does all the time.
#define STALL_US (500 * WR_US_PER_MS)

#define LEVEL_STALLS    2
#define LEVEL_EVICTS    3
#define LOOKS_PER_TICK  256u // slots
#define ASKS_PER_TICK   64u  // of which connections are asked about
#define STALLS_PER_TICK 8u   // each ends two connections by reset, as kills do (proxy.c)
#define EVICTS_PER_TICK 16u
#define STILL_US        WR_US_PER_S // what moved since is not slow
#define SEGMENT_BYTES   1448u       // of payload that a buffer holds: an Ethernet segment's
// Evictions end where the rx_pool queue is below its low mark: memory is not short then.
#define HELD_PERCENT 60u

struct slow {
	struct session *s;
	uint64_t held_bytes;
};

struct slow_list { // largest first
	struct slow at[EVICTS_PER_TICK];
	uint32_t count, most;
	uint32_t asks;
	uint64_t share_bytes;
};

// When a closed window is worth an event.
wr_us_t stall_due(const struct session *s)
{
	const struct session_moving *m = session_moving(s);
	wr_us_t due = WR_US_NEVER;

	if (m == NULL)
		return due;
	if (m->client_stalled_us != 0 && !m->client_told)
		due = m->client_stalled_us + STALL_US;
	if (m->server_stalled_us != 0 && !m->server_told)
		due = RTE_MIN(due, m->server_stalled_us + STALL_US);
	return due;
}

static void stall_event(struct wr_proxy *p, const struct session *s, bool client,
	enum wr_event_kind kind, uint64_t ms, wr_us_t now)
{
	struct wr_tcp_info info;
	struct wr_event ev = {.at_us = now,
		.kind = (uint16_t)kind,
		.worker = p->cfg.worker,
		.queue = UINT16_MAX,
		.scope = client ? s->service : s->backend,
		.extra = (uint32_t)RTE_MIN(ms, (uint64_t)UINT32_MAX),
		.count = 1};

	if (wr_tcp_info(p->tcp, client ? s->client : s->server, &info)) {
		ev.a.addr = info.tuple.remote;
		ev.a.port = info.tuple.rport;
		ev.depth = info.send_queue_bytes;
	}
	proxy_raise(p, &ev);
}

void stall_note(struct wr_proxy *p, struct session *s, bool client, uint32_t events, wr_us_t now)
{
	wr_us_t *since = client ? &s->moving.client_stalled_us : &s->moving.server_stalled_us;
	bool *told = client ? &s->moving.client_told : &s->moving.server_told;

	if (events & WR_TCP_EV_RESUMED) {
		if (*told)
			stall_event(p, s, client, WR_EV_conn_resumed, (now - *since) / WR_US_PER_MS,
				now);
		*told = false;
		*since = 0;
	} else if ((events & WR_TCP_EV_STALLED) && *since == 0) {
		*since = RTE_MAX(now, (wr_us_t)1);
		session_arm(p, s, now);
		if (!client)
			wr_backend_counters(
				wr_backends_get(p->cfg.backends, s->backend), p->cfg.worker)
				->stalled++;
	}
}

static bool stall_is_due(wr_us_t since, bool told, wr_us_t now)
{
	return since != 0 && !told && now >= since + STALL_US;
}

void stall_tell(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct session_moving *m = &s->moving;

	if (stall_is_due(m->client_stalled_us, m->client_told, now)) {
		m->client_told = true;
		stall_event(p, s, true, WR_EV_conn_stalled, 0, now);
	}
	if (stall_is_due(m->server_stalled_us, m->server_told, now)) {
		m->server_told = true;
		stall_event(p, s, false, WR_EV_conn_stalled, 0, now);
	}
}

void wr_proxy_set_pressure(struct wr_proxy *p, uint8_t level)
{
	p->level = p->conf->pressure.enabled ? level : 0;
}

static bool stalled(wr_us_t since, wr_us_t most, wr_us_t now)
{
	return most != 0 && since != 0 && now >= since + most; // 0: never
}

static bool close_stalled(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	wr_us_t most = p->conf->pressure.stall_us;
	bool client = stalled(s->moving.client_stalled_us, most, now);

	if (!client && !stalled(s->moving.server_stalled_us, most, now))
		return false;
	wr_stats_add(p->stats, WR_CTR_stall_closed, 1);
	stall_event(p, s, client, WR_EV_stall_closed, 0, now);
	session_abort(p, s, WR_RECORD_PRESSURE, now);
	return true;
}

static uint64_t held_bytes(struct wr_proxy *p, wr_handle_t conn)
{
	struct wr_tcp_info i;

	if (!wr_tcp_info(p->tcp, conn, &i))
		return 0;
	return (uint64_t)i.recv_queue_bytes + i.ooo_bytes + i.send_queue_bytes;
}

static void consider(struct wr_proxy *p, struct slow_list *l, struct session *s, wr_us_t now)
{
	uint64_t held;
	uint32_t i;

	if (l->most == 0 || now < s->moved_us + STILL_US)
		return;
	l->asks++;
	held = held_bytes(p, s->client) + held_bytes(p, s->server);
	if (held <= l->share_bytes)
		return;
	if (l->count == l->most && held <= l->at[l->count - 1].held_bytes)
		return;
	i = l->count < l->most ? l->count++ : l->count - 1;
	for (; i > 0 && l->at[i - 1].held_bytes < held; i--)
		l->at[i] = l->at[i - 1];
	l->at[i] = (struct slow){s, held};
}

// How many may be evicted in this tick, and what is above the share: half of what would be
// everyone's if all held the same, or a crowd of equals would hold all memory with nobody above it.
static void list_init(struct wr_proxy *p, struct slow_list *l)
{
	struct wr_tcp_gauges g;

	*l = (struct slow_list){0};
	if (p->level < LEVEL_EVICTS)
		return;
	wr_tcp_gauges(p->tcp, &g);
	if ((uint64_t)g.held_rx_mbufs * 100 < (uint64_t)g.held_budget * HELD_PERCENT)
		return;
	l->most = RTE_MIN(p->conf->pressure.evictions, EVICTS_PER_TICK);
	l->share_bytes = (uint64_t)g.held_budget * SEGMENT_BYTES / 2 /
	                 RTE_MAX(wr_pool_used(&p->sessions), 1u);
}

static void evict(struct wr_proxy *p, const struct slow_list *l, wr_us_t now)
{
	for (uint32_t i = 0; i < l->count; i++) {
		wr_stats_add(p->stats, WR_CTR_slow_evicted, 1);
		p->evicted.count++;
		p->evicted.scope = l->at[i].s->service;
		session_abort(p, l->at[i].s, WR_RECORD_PRESSURE, now);
	}
}

static void walk(struct wr_proxy *p, wr_us_t now)
{
	uint32_t looks = RTE_MIN(LOOKS_PER_TICK, p->sessions.capacity), closed = 0;
	struct slow_list l;

	list_init(p, &l);
	for (; looks > 0 && closed < STALLS_PER_TICK && l.asks < ASKS_PER_TICK; looks--) {
		uint32_t i = p->slow_cursor;
		struct session *s = session_at(p, i);

		p->slow_cursor = i + 1 == p->sessions.capacity ? 0 : i + 1;
		if (wr_pool_handle_at(&p->sessions, i) == WR_HANDLE_NONE || !session_is_moving(s))
			continue;
		if (s->moving.paused_until_us != 0) // by our own limits: its peers are not slow
			continue;
		if (close_stalled(p, s, now))
			closed++;
		else
			consider(p, &l, s, now);
	}
	evict(p, &l, now);
}

void wr_proxy_tick(struct wr_proxy *p, wr_us_t now)
{
	place_tick(p);
	if (p->level >= LEVEL_STALLS)
		walk(p, now);
	proxy_tell(p, &p->limited, WR_EV_limit_reached, now);
	proxy_tell(p, &p->evicted, WR_EV_slow_evicted, now);
	proxy_tell(p, &p->bad_header, WR_EV_proxy_header_bad, now);
}

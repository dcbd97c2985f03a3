/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Pools and backends from configurations filled by hand, driven in virtual time, without EAL.

#include "wr_test.h"

#include <errno.h>

#include "backend_priv.h"

#define T_WORKERS 2
#define T_S       WR_US_PER_S
#define T_MS      WR_US_PER_MS
#define T_KEYS    20000

struct rig {
	struct wr_conf *conf;
	struct wr_backends *b;
	wr_us_t now;
	int err[WR_MAX_BACKENDS];   // what checks of a backend find; -1: no answer
	bool mute;                  // nobody answers checks, nor are they asked
	uint32_t told[WR_EV_COUNT]; // events by kind
	struct wr_event last[WR_EV_COUNT];
	uint32_t kills[WR_MAX_BACKENDS];
};

static inline struct wr_conf_pool *conf_pool(
	struct wr_conf *c, const char *name, uint32_t n, const char *prefix, uint16_t first_id)
{
	struct wr_conf_pool *pc = &c->pools[c->pool_count++];

	*pc = (struct wr_conf_pool){
		.hash_prefix_v4 = 24,
		.hash_prefix_v6 = 56,
		.bound_percent = 125,
		.breaker = {true, 5, 500, 20, 10 * T_S, 10 * T_S, 3, 5 * T_S, 300 * T_S, 333},
		.slow_start_us = 10 * T_S,
		.spill_percent = 70,
		.spill_hold_us = 10 * T_S,
		.backup = -1,
		.tunnel = -1,
		.drain_us = 300 * T_S,
		.health = WR_CONF_HEALTH_TCP,
		.health_interval_us = T_S,
		.agent_interval_us = 2 * T_S,
		.health_timeout_us = T_S,
		.health_rise = 2,
		.health_fall = 3,
		.backend_count = n,
		.backends = calloc(n + 1, sizeof(struct wr_conf_backend)),
	};
	snprintf(pc->name, sizeof(pc->name), "%s", name);
	for (uint32_t i = 0; i < n; i++) {
		struct wr_conf_backend *bc = &pc->backends[i];
		uint8_t v6[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = (uint8_t)(i >> 8), (uint8_t)i};

		snprintf(bc->name, sizeof(bc->name), "%s%u", prefix, i + 1);
		bc->address.addr = i % 2 ? wr_addr_from_v6(v6)
		                         : wr_addr_from_v4(__builtin_bswap32(0xc6120a00u + i));
		bc->address.port = 80;
		bc->weight = 1;
		bc->id = (uint16_t)(first_id + i);
	}
	return pc;
}

static inline struct wr_conf *conf_copy(const struct wr_conf *c)
{
	struct wr_conf *n = malloc(sizeof(*n));

	*n = *c;
	for (uint32_t i = 0; i < n->pool_count; i++) {
		struct wr_conf_pool *pc = &n->pools[i];
		size_t bytes = (pc->backend_count + 1) * sizeof(*pc->backends);

		if (pc->backends == NULL)
			continue;
		pc->backends = malloc(bytes);
		memcpy(pc->backends, c->pools[i].backends, bytes);
	}
	return n;
}

static inline void conf_free(struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->pool_count; i++)
		free(c->pools[i].backends);
	free(c);
}

// Another backend at the end of a pool, copied from its first.
static inline struct wr_conf_backend *conf_add(
	struct wr_conf_pool *pc, const char *name, uint16_t id)
{
	struct wr_conf_backend *bc;

	pc->backends = realloc(pc->backends, (pc->backend_count + 2) * sizeof(*pc->backends));
	bc = &pc->backends[pc->backend_count++];
	*bc = (struct wr_conf_backend){.weight = 1, .id = id, .address.port = 80};
	bc->address.addr = wr_addr_from_v4(__builtin_bswap32(0xc6130000u + id));
	snprintf(bc->name, sizeof(bc->name), "%s", name);
	return bc;
}

static inline void rig_start(struct rig *r)
{
	struct wr_err err = {0};

	r->b = wr_backends_create(r->conf, T_WORKERS, 7, &err);
	if (r->b == NULL)
		fail_msg("%s", err.text);
	r->now = T_S;
}

// One pool "web" of n backends b1, b2, ...; change r->conf, then rig_start().
static inline struct wr_conf_pool *rig_conf(struct rig *r, uint32_t n)
{
	memset(r, 0, sizeof(*r));
	r->conf = calloc(1, sizeof(*r->conf));
	return conf_pool(r->conf, "web", n, "b", 0);
}

static inline void rig_open(struct rig *r, uint32_t n)
{
	rig_conf(r, n);
	rig_start(r);
}

static inline void rig_close(struct rig *r)
{
	wr_backends_destroy(r->b);
	conf_free(r->conf);
}

static inline struct wr_backend *be_of(struct rig *r, uint16_t id)
{
	return wr_backends_get(r->b, id);
}

static inline void rig_hear(struct rig *r)
{
	struct wr_event ev;
	uint16_t id;

	while (wr_backends_next_event(r->b, &ev)) {
		assert_in_range(ev.kind, 0, WR_EV_COUNT - 1);
		r->told[ev.kind]++;
		r->last[ev.kind] = ev;
	}
	while (wr_backends_next_kill(r->b, &id))
		r->kills[id]++;
}

static inline void rig_turn(struct rig *r)
{
	struct wr_check c;

	wr_backends_turn(r->b, r->now);
	while (!r->mute && wr_backends_next_check(r->b, r->now, &c)) {
		struct wr_check_answer a = {.err = r->err[c.backend]};

		if (a.err < 0)
			continue;
		snprintf(a.text, sizeof(a.text), "%s", a.err ? "HTTP 503" : "HTTP 200");
		wr_backend_check_answer(be_of(r, c.backend), c.slot, c.asked, &a);
	}
	wr_backends_turn(r->b, r->now);
	rig_hear(r);
}

// Until `for_us` later, in turns 10 ms apart.
static inline void rig_run(struct rig *r, wr_us_t for_us)
{
	wr_us_t end = r->now + for_us;

	rig_turn(r);
	while (r->now < end) {
		r->now += 10 * T_MS;
		rig_turn(r);
	}
}

static inline uint64_t t_key(uint32_t i)
{
	struct wr_addr a = wr_addr_from_v4(0xc6120000u + i * 2654435761u);

	return wr_picker_key(&a, 128, (uint16_t)(i * 7));
}

// Where T_KEYS clients go.
static inline void rig_map(struct rig *r, uint16_t pool, uint16_t map[T_KEYS])
{
	for (uint32_t i = 0; i < T_KEYS; i++)
		map[i] = wr_backends_pick(r->b, pool, 0, t_key(i), NULL, 0);
}

static inline uint32_t map_count(const uint16_t map[T_KEYS], uint16_t id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < T_KEYS; i++)
		n += map[i] == id;
	return n;
}

// The next configuration, as a copy to be edited.
static inline struct wr_conf *rig_next(const struct rig *r)
{
	return conf_copy(r->conf);
}

static inline void rig_adopt(struct rig *r, struct wr_conf *fresh)
{
	struct wr_err err = {0};
	int rc = wr_backends_prepare(r->b, fresh, &err);

	if (rc != 0)
		fail_msg("%d: %s", rc, err.text);
	wr_backends_commit(r->b, fresh, r->now);
	conf_free(r->conf);
	r->conf = fresh;
}

// A backend is out through failures that its sessions saw.
static inline void rig_fail_connects(struct rig *r, uint16_t id, uint32_t n)
{
	wr_backend_counters(be_of(r, id), 0)->connect_refused += n;
}

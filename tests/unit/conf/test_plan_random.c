/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_test.h"

#include <stdlib.h>

// Configurations that come and go by seed, each laid over the one before.

#define GENERATIONS 2000
#define SERVICES    10
#define POOLS       8
#define BACKENDS    6 // of a pool

struct world { // what there is, by number; a name is the number
	struct {
		bool there;
		uint32_t pool;
	} service[SERVICES];
	struct {
		bool there;
		int backup;
		uint32_t source;
		struct {
			bool there;
			uint32_t address;
		} backend[BACKENDS];
	} pool[POOLS];
};

struct run {
	uint64_t seed;
	struct world w;
	struct wr_conf *base, *running;
	uint64_t used; // bits by a hash of kind and slot
};

static uint32_t roll(struct run *r, uint32_t below)
{
	r->seed = r->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(r->seed >> 33) % below;
}

static bool used(const struct run *r, uint32_t kind, uint16_t slot)
{
	return r->used >> ((kind * 21 + slot * 7U) & 63) & 1;
}
static bool service_used(void *arg, uint16_t slot)
{
	const struct run *r = arg;

	assert_int_equal(r->running->services[slot].slot, WR_CONF_LEAVING);
	return used(r, 0, slot);
}
static bool pool_used(void *arg, uint16_t slot)
{
	const struct run *r = arg;

	assert_int_equal(r->running->pools[slot].slot, WR_CONF_LEAVING);
	return used(r, 1, slot);
}
static bool backend_used(void *arg, uint16_t id)
{
	return used(arg, 2, id);
}

// A few changes; what is left is a world of one service at least, whose pools have backends.
static void change(struct run *r)
{
	struct world *w = &r->w;
	uint32_t i = roll(r, POOLS), j = roll(r, BACKENDS);

	switch (roll(r, 6)) {
	case 0:
		w->pool[i].there = !w->pool[i].there;
		break;
	case 1:
		w->pool[i].backend[j].there = !w->pool[i].backend[j].there;
		break;
	case 2:
		w->pool[i].backend[j].address ^= 1;
		break;
	case 3:
		w->pool[i].source ^= roll(r, 4) == 0;
		break;
	case 4:
		w->pool[i].backup = (int)roll(r, POOLS + 1) - 1;
		break;
	default:
		i = roll(r, SERVICES);
		w->service[i].there = !w->service[i].there;
		w->service[i].pool = roll(r, POOLS);
	}
	w->service[0].there = true;
	for (i = 0; i < SERVICES; i++) {
		if (w->service[i].there)
			w->pool[w->service[i].pool].there = true;
	}
	for (i = 0; i < POOLS; i++) {
		w->pool[i].backend[0].there = true;
		if (w->pool[i].backup >= 0 && !w->pool[w->pool[i].backup].there)
			w->pool[i].backup = -1;
	}
}

static void put_pool(struct run *r, struct wr_conf_pool *p, uint32_t i)
{
	snprintf(p->name, sizeof(p->name), "p%u", i);
	p->backup = -1;
	p->tunnel = -1;
	p->source_count = 1;
	p->source[0].first.b[15] = p->source[0].last.b[15] = (uint8_t)(1 + r->w.pool[i].source);
	p->backends = calloc(BACKENDS, sizeof(*p->backends));
	for (uint32_t n = 0, first = roll(r, BACKENDS); n < BACKENDS; n++) {
		uint32_t j = (first + n) % BACKENDS;
		struct wr_conf_backend *b = &p->backends[p->backend_count];

		if (!r->w.pool[i].backend[j].there)
			continue;
		snprintf(b->name, sizeof(b->name), "b%u", j);
		b->address.port = (uint16_t)(1 + r->w.pool[i].backend[j].address);
		b->id = (uint16_t)p->backend_count++; // as good as any
	}
}

// The world as a file would have it, in any order.
static struct wr_conf *fresh_of(struct run *r)
{
	struct wr_conf *c = calloc(1, sizeof(*c));
	uint32_t at[POOLS];

	memcpy(c, r->base, offsetof(struct wr_conf, services));
	c->marks = NULL;
	c->service_count = 0;
	for (uint32_t n = 0, first = roll(r, POOLS); n < POOLS; n++) {
		uint32_t i = (first + n) % POOLS;

		if (!r->w.pool[i].there)
			continue;
		at[i] = c->pool_count;
		put_pool(r, &c->pools[c->pool_count++], i);
	}
	for (uint32_t i = 0; i < POOLS; i++) {
		if (r->w.pool[i].there && r->w.pool[i].backup >= 0)
			c->pools[at[i]].backup = (int)at[r->w.pool[i].backup];
	}
	for (uint32_t n = 0, first = roll(r, SERVICES); n < SERVICES; n++) {
		uint32_t i = (first + n) % SERVICES;
		struct wr_conf_service *s = &c->services[c->service_count];

		if (!r->w.service[i].there)
			continue;
		snprintf(s->name, sizeof(s->name), "s%u", i);
		s->listen_count = 1;
		s->pool = at[r->w.service[i].pool];
		c->service_count++;
	}
	return c;
}

static void check_ids(const struct wr_conf *c)
{
	static bool seen[WR_MAX_BACKENDS];

	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < c->pool_count; i++) {
		for (uint32_t j = 0; j < c->pools[i].backend_count; j++) {
			uint16_t id = c->pools[i].backends[j].id;

			assert_in_range(id, 0, wr_conf_backend_slots(c) - 1);
			assert_false(seen[id]);
			seen[id] = true;
		}
	}
}

static void check_service(
	const struct run *r, const struct wr_conf *c, const struct wr_conf *was, uint32_t i)
{
	char name[8];
	const struct wr_conf_service *s = &c->services[i];
	const struct wr_conf_pool *p = &c->pools[s->pool];
	uint32_t n;

	if (i < was->service_count && was->services[i].slot != WR_CONF_VACANT) {
		const struct wr_conf_service *x = &was->services[i];
		bool there = r->w.service[atoi(x->name + 1)].there;

		if (there || x->slot == WR_CONF_LIVE || used(r, 0, (uint16_t)i)) {
			assert_string_equal(s->name, x->name);
			assert_int_equal(s->slot, there ? WR_CONF_LIVE : WR_CONF_LEAVING);
		}
		if (s->slot == WR_CONF_LEAVING)
			assert_string_equal(p->name, was->pools[x->pool].name);
	}
	if (s->slot == WR_CONF_VACANT) {
		assert_int_equal(s->name[0], 0);
		return;
	}
	assert_int_equal(s->listen_count, s->slot == WR_CONF_LIVE);
	assert_in_range(s->pool, 0, c->pool_count - 1);
	assert_int_not_equal(p->slot, WR_CONF_VACANT);
	n = (uint32_t)atoi(s->name + 1);
	snprintf(name, sizeof(name), "p%u", r->w.service[n].pool);
	if (s->slot == WR_CONF_LIVE)
		assert_string_equal(p->name, name);
}

static const struct wr_conf_backend *find_id(const struct wr_conf_pool *p, uint16_t id)
{
	for (uint32_t j = 0; j < p->backend_count; j++) {
		if (p->backends[j].id == id)
			return &p->backends[j];
	}
	return NULL;
}

// What was in the pool keeps its id, as LIVE when it is still the same.
static void check_backends(
	const struct run *r, const struct wr_conf_pool *p, const struct wr_conf_pool *was)
{
	uint32_t n = (uint32_t)atoi(was->name + 1);
	bool moved = memcmp(&p->source[0], &was->source[0], sizeof(p->source[0])) != 0;

	for (uint32_t j = 0; j < was->backend_count; j++) {
		const struct wr_conf_backend *x = &was->backends[j], *b = find_id(p, x->id);
		uint32_t m = (uint32_t)atoi(x->name + 1);
		bool same = r->w.pool[n].there && r->w.pool[n].backend[m].there &&
		            x->address.port == 1 + r->w.pool[n].backend[m].address && !moved &&
		            !x->old_source;

		if (same || x->slot == WR_CONF_LIVE || used(r, 2, x->id)) {
			assert_non_null(b);
			assert_string_equal(b->name, x->name);
			assert_int_equal(b->address.port, x->address.port);
			assert_int_equal(b->slot, same ? WR_CONF_LIVE : WR_CONF_LEAVING);
			assert_int_equal(b->old_source, !same && (moved || x->old_source));
		}
	}
}

static void check_pool(
	const struct run *r, const struct wr_conf *c, const struct wr_conf *was, uint32_t i)
{
	const struct wr_conf_pool *p = &c->pools[i];
	uint32_t n = (uint32_t)atoi(p->name + 1), live = 0, want = 0;
	char name[8];

	if (i < was->pool_count && was->pools[i].slot != WR_CONF_VACANT) {
		const struct wr_conf_pool *x = &was->pools[i];
		bool there = r->w.pool[atoi(x->name + 1)].there;

		if (there || x->slot == WR_CONF_LIVE || used(r, 1, (uint16_t)i)) {
			assert_string_equal(p->name, x->name);
			assert_int_equal(p->slot, there ? WR_CONF_LIVE : WR_CONF_LEAVING);
		}
		for (uint32_t j = 0; j < x->backend_count; j++) {
			if (x->backends[j].slot == WR_CONF_LIVE || used(r, 2, x->backends[j].id))
				assert_string_equal(p->name, x->name);
		}
		if (strcmp(p->name, x->name) == 0)
			check_backends(r, p, x);
	}
	if (p->slot != WR_CONF_LIVE) {
		assert_true(p->backup == -1 || c->pools[p->backup].slot != WR_CONF_VACANT);
		return;
	}
	for (uint32_t j = 0; j < p->backend_count; j++)
		live += p->backends[j].slot == WR_CONF_LIVE;
	for (uint32_t j = 0; j < BACKENDS; j++)
		want += r->w.pool[n].backend[j].there;
	assert_int_equal(live, want);
	snprintf(name, sizeof(name), "p%d", r->w.pool[n].backup);
	assert_string_equal(p->backup < 0 ? "p-1" : c->pools[p->backup].name, name);
}

static void check_all(const struct run *r, const struct wr_conf *c)
{
	uint32_t services = 0, pools = 0, want_services = 0, want_pools = 0;

	check_ids(c);
	for (uint32_t i = 0; i < c->service_count; i++) {
		services += c->services[i].slot == WR_CONF_LIVE;
		check_service(r, c, r->running, i);
	}
	for (uint32_t i = 0; i < c->pool_count; i++) {
		pools += c->pools[i].slot == WR_CONF_LIVE;
		check_pool(r, c, r->running, i);
	}
	for (uint32_t i = 0; i < SERVICES; i++)
		want_services += r->w.service[i].there;
	for (uint32_t i = 0; i < POOLS; i++)
		want_pools += r->w.pool[i].there;
	assert_int_equal(services, want_services);
	assert_int_equal(pools, want_pools);
}

// A refused one leaves the running one as it was.
static void refuse(struct run *r, const struct wr_conf_use *use)
{
	struct wr_conf *fresh = fresh_of(r), *was = wr_conf_copy(r->running);
	struct wr_err err = {{0}};

	fresh->runtime.max_sessions++;
	assert_true(wr_conf_plan(fresh, r->running, use, &err) < 0);
	assert_non_null(strstr(err.text, "runtime.max_sessions: value '100001' is in force as"));
	wr_conf_free(fresh);
	assert_int_equal(wr_conf_diff(was, r->running, NULL, 0), 0);
	assert_memory_equal(was->services, r->running->services, sizeof(was->services));
	for (uint32_t i = 0; i < was->pool_count; i++)
		assert_memory_equal(was->pools[i].backends, r->running->pools[i].backends,
			was->pools[i].backend_count * sizeof(*was->pools[i].backends));
	wr_conf_free(was);
}

static void plan_random(void **state)
{
	struct run r = {.seed = 20240611};
	const struct wr_conf_use use = {
		.service = service_used, .pool = pool_used, .backend = backend_used, .arg = &r};
	struct wr_conf *fresh, *again;
	struct wr_err err = {{0}};

	r.base = conf_take((struct conf_parts){0});
	for (uint32_t i = 0; i < 40; i++)
		change(&r);
	r.running = fresh_of(&r);
	for (uint32_t i = 0, id = 0; i < r.running->pool_count; i++) {
		for (uint32_t j = 0; j < r.running->pools[i].backend_count; j++)
			r.running->pools[i].backends[j].id = (uint16_t)id++;
	}
	for (uint32_t g = 0; g < GENERATIONS; g++) {
		for (uint32_t i = roll(&r, 6); i > 0; i--)
			change(&r);
		r.used = (uint64_t)roll(&r, UINT32_MAX) * 0x9e3779b97f4a7c15ULL;
		if (g % 100 == 0)
			refuse(&r, &use);
		fresh = fresh_of(&r);
		again = g % 100 == 0 ? wr_conf_copy(fresh) : NULL;
		if (wr_conf_plan(fresh, r.running, &use, &err) < 0)
			fail_msg("generation %u: %s", g, err.text);
		check_all(&r, fresh);
		if (again) {
			assert_true(wr_conf_id(again) == wr_conf_id(fresh));
			assert_int_equal(wr_conf_diff(again, fresh, NULL, 0), 0);
		}
		wr_conf_free(again);
		wr_conf_free(r.running);
		r.running = fresh;
	}
	wr_conf_free(r.running);
	wr_conf_free(r.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plan_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

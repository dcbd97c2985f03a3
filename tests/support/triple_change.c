/* SPDX-License-Identifier: BSD-3-Clause */

// What control does for a fabric: configurations, one after another, and the turns of backends.

#include "triple.h"

#include <stdlib.h>
#include <string.h>

struct wr_conf *tri_edit(const struct triple *t)
{
	struct wr_conf *c = wr_conf_copy(t->conf);

	if (c == NULL)
		abort();
	return c;
}

// Whoever still reads it meets nonsense, also without a sanitizer.
static void bury(struct wr_conf *c)
{
	struct wr_conf *copy = malloc(sizeof(*copy));

	if (copy == NULL)
		abort();
	memcpy(copy, c, sizeof(*copy));
	memset(c, 0xa5, sizeof(*c));
	free(c);
	wr_conf_free(copy);
}

int tri_change_begin(struct triple *t, struct wr_conf *fresh, struct wr_err *err)
{
	struct wr_conf_use use = wr_fabric_conf_use(t->f);
	int rc;

	TRI_CHECK(t, t->change == NULL);
	rc = wr_conf_plan(fresh, t->conf, &use, err);
	if (rc == 0) {
		t->change = wr_fabric_change_begin(t->f, fresh, err);
		rc = t->change != NULL ? 0 : -1;
	}
	if (rc < 0) {
		wr_conf_free(fresh);
		return rc;
	}
	t->fresh = fresh;
	return 0;
}

bool tri_change_turn(struct triple *t)
{
	if (t->change == NULL || !wr_fabric_change_turn(t->change, t->now))
		return false;
	wr_fabric_change_end(t->change, t->now);
	bury(t->conf);
	t->conf = t->fresh;
	t->change = NULL;
	t->fresh = NULL;
	t->changes++;
	return true;
}

void tri_change(struct triple *t, struct wr_conf *fresh)
{
	struct wr_err err = {0};

	if (tri_change_begin(t, fresh != NULL ? fresh : tri_edit(t), &err) < 0)
		tri_fail(t, "%s", err.text);
	for (uint32_t i = 0; !tri_change_turn(t); i++) {
		TRI_CHECK(t, i < 1000);
		tri_settle(t);
	}
	wr_backends_flush(t->backends, t->now);
}

struct wr_conf_service *tri_add_service(
	struct triple *t, struct wr_conf *c, const char *name, uint32_t n, uint32_t pool)
{
	struct wr_conf_service *sv = &c->services[c->service_count++];
	char text[64];

	*sv = c->services[0];
	sv->sources = NULL;
	sv->source_count = 0;
	sv->proxied = NULL;
	sv->proxied_count = 0;
	sv->slot = WR_CONF_LIVE;
	snprintf(sv->name, sizeof(sv->name), "%s", name);
	sv->listen_count = 2;
	for (uint32_t k = 0; k < 2; k++) {
		snprintf(text, sizeof(text), k == 0 ? "198.18.0.%u" : "2001:db8::%u", 100 + n);
		TRI_EQ(t, wr_addr_parse(text, &sv->listen[k].addr), 0);
		sv->listen[k].port = 80;
	}
	sv->pool = pool;
	return sv;
}

struct wr_conf_pool *tri_add_pool(struct wr_conf *c, const char *name)
{
	struct wr_conf_pool *pc = &c->pools[c->pool_count++];

	*pc = c->pools[0];
	snprintf(pc->name, sizeof(pc->name), "%s", name);
	pc->slot = WR_CONF_LIVE;
	pc->backends = NULL;
	pc->backend_count = 0;
	pc->max_connections = 0;
	return pc;
}

struct wr_conf_backend *tri_add_backend(
	struct triple *t, struct wr_conf *c, uint32_t pool, uint32_t i)
{
	struct wr_conf_pool *pc = &c->pools[pool];
	const struct tri_peer *p = &t->peer[1 + i];
	bool v4 = t->cfg.family == 4 || (t->cfg.family == 0 && i % 2 == 0);
	struct wr_conf_backend *bc;

	pc->backends = realloc(pc->backends, (pc->backend_count + 1) * sizeof(*bc));
	TRI_CHECK(t, pc->backends != NULL);
	bc = &pc->backends[pc->backend_count++];
	*bc = (struct wr_conf_backend){.weight = 1, .slot = WR_CONF_LIVE};
	snprintf(bc->name, sizeof(bc->name), "b%u", i);
	bc->address = (struct wr_endpoint){v4 ? p->addr4 : p->addr6, 80};
	return bc;
}

static void hand_out_checks(struct triple *t)
{
	struct wr_check k;

	while (wr_backends_next_check(t->backends, t->now, &k)) {
		const struct wr_msg m = {.kind = WR_MSG_CHECK,
			.a = k.backend,
			.b = k.asked,
			.c = k.kind | (uint32_t)k.slot << 8,
			.t = k.timeout_us};

		if (wr_worker_post(wr_fabric_worker(t->f, k.backend % t->cfg.workers), &m) != 0)
			wr_backends_check_unsent(t->backends, &k, t->now);
	}
}

void tri_control(struct triple *t)
{
	struct wr_event ev;
	uint32_t limit;
	uint16_t id;

	tri_change_turn(t);
	wr_backends_turn(t->backends, t->now);
	while (wr_backends_next_event(t->backends, &ev))
		t->event_count[ev.kind]++;
	while (wr_backends_next_kill(t->backends, &id)) {
		if (wr_backends_get(t->backends, id) == NULL)
			continue;
		t->kills += tri_backend_counters(t, id).sessions;
		tri_post(t, &(struct wr_msg){.kind = WR_MSG_KILL_BACKEND, .a = id});
	}
	while (wr_backends_next_limit(t->backends, &id, &limit))
		;
	hand_out_checks(t);
	wr_fabric_turn(t->f, t->now);
}

void tri_run_controlled(struct triple *t, wr_us_t us, wr_us_t each)
{
	wr_us_t end = t->now + us;

	while (t->now < end) {
		tri_control(t);
		tri_run(t, RTE_MIN(each, end - t->now));
	}
	tri_control(t);
	tri_settle(t);
}

static void check_slots(struct triple *t)
{
	const struct wr_conf *c = t->conf;

	for (uint32_t i = 0; i < c->service_count; i++)
		TRI_CHECK(t, c->services[i].slot != WR_CONF_LEAVING);
	for (uint32_t i = 0; i < c->pool_count; i++) {
		TRI_CHECK(t, c->pools[i].slot != WR_CONF_LEAVING);
		for (uint32_t k = 0; k < c->pools[i].backend_count; k++)
			TRI_CHECK(t, c->pools[i].backends[k].slot == WR_CONF_LIVE);
	}
}

static void check_places(struct triple *t)
{
	const struct wr_proxy_shared *sh = t->f->shared;

	for (uint32_t i = 0; i < WR_MAX_POOLS; i++)
		if (sh->pools[i] != NULL)
			TRI_EQ(t, wr_lease_used(sh->pools[i]), 0);
	for (uint32_t i = 0; i < WR_MAX_BACKENDS; i++)
		if (sh->backends[i] != NULL)
			TRI_EQ(t, wr_lease_used(sh->backends[i]), 0);
}

static void check_vips(struct triple *t)
{
	const struct vips *v = &t->f->vips;

	for (uint32_t i = 0; i < v->count; i++) {
		enum wr_l3_class is = wr_l3_classify(t->f->l3, &v->list[i].addr);

		if (v->list[i].wanted)
			TRI_CHECK(t, is == WR_L3_VIP || is == WR_L3_OWN);
		else
			TRI_EQ(t, is, WR_L3_NOT_OURS);
	}
}

void tri_check_left(struct triple *t)
{
	for (uint32_t i = 0; t->change != NULL; i++) {
		TRI_CHECK(t, i < 1000);
		tri_change_turn(t);
		tri_settle(t);
	}
	tri_change(t, NULL);
	// Checks of those that left end by themselves.
	tri_run_controlled(t, 20 * TRI_S, TRI_S);
	tri_change(t, NULL);
	tri_run_controlled(t, t->conf->runtime.drain_timeout_us + 10 * TRI_S, TRI_S);
	check_slots(t);
	check_places(t);
	check_vips(t);
}

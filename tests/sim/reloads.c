/* SPDX-License-Identifier: BSD-3-Clause */
#include "reloads.h"

#include <errno.h>
#include <string.h>

#define CHANGES_MOST 24
#define TURNS_UNTIL  (240 * TRI_S) // the rest of a long scenario goes without: checks are many

static uint32_t pick(struct reloads *r, uint32_t low, uint32_t high)
{
	return low + wr_rng_below(&r->rng, high - low + 1);
}

static bool one_in(struct reloads *r, uint32_t n)
{
	return wr_rng_below(&r->rng, n) == 0;
}

void reloads_init(struct reloads *r, uint64_t seed)
{
	*r = (struct reloads){0};
	wr_rng_init(&r->rng, seed ^ 0x4e10ad);
	r->on = one_in(r, 2);
	r->left = pick(r, 1, CHANGES_MOST);
	if (!r->on)
		r->next_turn = WR_US_NEVER;
}

void reloads_configure(struct reloads *r, struct tri_config *c)
{
	static const char *const pools[] = {
		"    health: {type: tcp, rise: 1, fall: 1, interval: 5s}\n    drain: off\n",
		"    health: {type: tcp, rise: 2, fall: 3, interval: 2s}\n    slow_start: 3s\n"
		"    drain: off\n",
		"    health: {type: tcp, rise: 1, fall: 2, interval: 10s}\n    on_down: drain\n"
		"    drain: 3s\n    breaker: {failures: 2, open: 500ms, open_max: 5s}\n",
		"    health: {type: none}\n    drain: 5s\n",
	};

	if (!r->on)
		return;
	c->pool = pools[wr_rng_below(&r->rng, RTE_DIM(pools))];
	c->spare = pick(r, 1, 2);
	r->next_change = TRI_S + pick(r, 1000, 1000000); // the clock begins at a second
}

// --- edits ------------------------------------------------------------------------------------

static struct wr_conf_service *find_second(struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->service_count; i++)
		if (c->services[i].slot == WR_CONF_LIVE && strcmp(c->services[i].name, "two") == 0)
			return &c->services[i];
	return NULL;
}

static void toggle_second(struct reloads *r, struct triple *t, struct wr_conf *c)
{
	struct wr_conf_service *sv = find_second(c);
	uint32_t pool = 0;

	if (sv != NULL) {
		sv->slot = WR_CONF_LEAVING;
		if (sv->pool != 0)
			c->pools[sv->pool].slot = WR_CONF_LEAVING;
		return;
	}
	if (one_in(r, 2)) {
		tri_add_pool(c, "two");
		pool = c->pool_count - 1;
		tri_add_backend(t, c, pool, 0);
		if (one_in(r, 2))
			tri_add_backend(t, c, pool, t->peers - 2);
	}
	tri_add_service(t, c, "two", 1, pool);
}

// Any but the first, which always stays.
static void toggle_backend(struct reloads *r, struct triple *t, struct wr_conf *c)
{
	struct wr_conf_pool *pc = &c->pools[0];
	uint32_t i = pick(r, 1, t->peers - 2);
	char name[16];

	snprintf(name, sizeof(name), "b%u", i);
	for (uint32_t k = 0; k < pc->backend_count; k++) {
		if (pc->backends[k].slot != WR_CONF_LIVE || strcmp(pc->backends[k].name, name) != 0)
			continue;
		pc->backends[k].slot = WR_CONF_LEAVING;
		return;
	}
	tri_add_backend(t, c, 0, i)->weight = pick(r, 1, 5);
}

static void edit(struct reloads *r, struct triple *t, struct wr_conf *c)
{
	struct wr_conf_pool *pc = &c->pools[0];
	struct wr_conf_backend *b = &pc->backends[wr_rng_below(&r->rng, pc->backend_count)];

	switch (wr_rng_below(&r->rng, 8)) {
	case 0:
	case 1:
		toggle_backend(r, t, c);
		break;
	case 2:
		b->weight = strcmp(b->name, "b0") == 0 || one_in(r, 2) ? pick(r, 1, 10) : 0;
		break;
	case 3:
		pc->max_connections = one_in(r, 2) ? 0 : pick(r, 1, 30);
		r->limited |= pc->max_connections > 0;
		break;
	case 4:
		b->max_connections = one_in(r, 2) ? 0 : pick(r, 1, 10);
		r->limited |= b->max_connections > 0;
		break;
	case 5:
		c->services[0].accept =
			one_in(r, 2) ? WR_CONF_ACCEPT_EAGER : WR_CONF_ACCEPT_DEFERRED;
		c->services[0].wait_sessions = pick(r, 1, 1024);
		break;
	default:
		toggle_second(r, t, c);
		break;
	}
}

// One that is refused leaves everything as it is.
static void refused(struct triple *t)
{
	struct wr_conf *c = tri_edit(t);
	struct wr_err err = {0};

	c->runtime.max_sessions++;
	TRI_EQ(t, tri_change_begin(t, c, &err), -EBUSY);
	TRI_CHECK(t, t->change == NULL && err.text[0] != '\0');
}

static void change(struct reloads *r, struct triple *t)
{
	struct wr_conf *c;
	struct wr_err err = {0};

	if (one_in(r, 10)) {
		refused(t);
		return;
	}
	c = tri_edit(t);
	for (uint32_t n = pick(r, 1, 3); n > 0; n--)
		edit(r, t, c);
	r->second_up = r->second_up && find_second(c) != NULL;
	if (tri_change_begin(t, c, &err) < 0)
		tri_fail(t, "%s", err.text);
}

void reloads_turn(struct reloads *r, struct triple *t)
{
	if (t->now < r->next_turn)
		return;
	tri_control(t);
	if (t->change == NULL)
		r->second_up = find_second(t->conf) != NULL;
	if (t->change == NULL && r->left > 0 && t->now >= r->next_change) {
		r->left--;
		r->next_change = t->now + pick(r, 1000, one_in(r, 3) ? 20000 : 5000000);
		change(r, t);
	}
	if (t->change == NULL && t->now > TURNS_UNTIL) {
		r->next_turn = WR_US_NEVER;
		return;
	}
	r->next_turn = t->now + (t->change != NULL ? pick(r, 1, 50000) : pick(r, 20000, 500000));
}

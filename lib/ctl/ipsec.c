/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "wr_log.h"

#define SOON_US WR_US_PER_MS // while workers are waited for

enum {
	IN,
	OUT
};

void wr_ctl_ipsec_event(struct wr_ctl *c, uint32_t tunnel, enum wr_event_kind kind, uint32_t extra,
	const char *text)
{
	struct wr_event ev = {.kind = (uint16_t)kind,
		.worker = UINT16_MAX,
		.queue = UINT16_MAX,
		.scope = tunnel,
		.extra = extra};

	snprintf(ev.text, sizeof(ev.text), "%.*s", (int)sizeof(ev.text) - 1, text);
	wr_ctl_event_add(c, &ev);
}

struct ipsec_generation *wr_ctl_ipsec_find(struct ipsec_tunnel *t, enum ipsec_stage stage)
{
	for (uint32_t i = 0; i < IPSEC_GENERATIONS; i++)
		if (t->generation[i].number != 0 && t->generation[i].stage == stage)
			return &t->generation[i];
	return NULL;
}

static struct ipsec_generation *find_free(struct ipsec_tunnel *t)
{
	for (uint32_t i = 0; i < IPSEC_GENERATIONS; i++)
		if (t->generation[i].number == 0)
			return &t->generation[i];
	return NULL;
}

static uint32_t index_of(const struct wr_ctl *c, const struct ipsec_tunnel *t)
{
	return (uint32_t)(t - c->ipsec->tunnel);
}

// --- rounds: every worker is asked, and answers
// ---------------------------------------------------

static void round_begin(struct ipsec_round *r, uint16_t workers)
{
	r->owed = (uint32_t)(((uint64_t)1 << workers) - 1);
	memset(r->done, 0, sizeof(r->done));
}

// Ask who was not asked yet. True: all have answered.
static bool round_turn(struct wr_ctl *c, struct ipsec_round *r, enum wr_msg_kind kind,
	uint32_t tunnel, struct wr_ipsec_sa **sa)
{
	bool all = true;

	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_msg m = {.kind = kind,
			.a = tunnel,
			.ptr = sa != NULL ? sa[w] : NULL,
			.done = &r->done[w]};

		if ((r->owed & (1u << w)) != 0 &&
			wr_worker_post(wr_fabric_worker(c->fabric, w), &m) == 0)
			r->owed &= ~(1u << w);
		all = all && __atomic_load_n(&r->done[w], __ATOMIC_ACQUIRE) != 0;
	}
	return all;
}

// --- making and leaving
// ---------------------------------------------------------------------------

// The port that a tunnel's packets arrive at; NULL: it cannot say to which worker.
static struct wr_port *port_of(struct wr_ctl *c, const struct ipsec_tunnel *t)
{
	for (uint16_t i = 0; i < c->conf->port_count; i++)
		for (uint32_t k = 0; k < c->conf->ports[i].addr_count; k++) {
			struct wr_port *p = wr_fabric_port(c->fabric, i);

			if (!wr_addr_eq(&c->conf->ports[i].addr[k].addr, &t->t->local))
				continue;
			// With fewer queues than workers queue q is not that of worker q.
			return c->workers > 1 && wr_port_rx_queues(p) >= c->workers ? p : NULL;
		}
	return NULL;
}

// Ask the NIC to give a worker what is its. That it cannot is normal: then workers hand it over.
static void steer(struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g)
{
	struct wr_port *port = port_of(c, t);
	struct wr_ipsec_sa_info info;
	int rc = 0;

	for (uint16_t w = 0; port != NULL && rc == 0 && w < c->workers; w++) {
		wr_ipsec_sa_info(g->in[w], &info);
		rc = wr_port_steer_spi(
			port, &t->t->local, t->t->udp_port, info.spi, w, &g->rule[w]);
	}
	if (rc < 0 && rc != -ENOTSUP)
		wr_log(WR_LOG_WARN, "tunnel %s: the NIC does not steer all of its packets: %s",
			t->t->name, strerror(-rc));
}

static void unsteer(struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g)
{
	struct wr_port *port = port_of(c, t);

	for (uint16_t w = 0; w < c->workers; w++) {
		if (g->rule[w] != NULL)
			wr_port_unsteer(port, g->rule[w]);
		g->rule[w] = NULL;
	}
}

// Its arriving packets are not accepted any more; what it is made of is freed when no worker looks
// at it.
static void leave(
	struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g, bool retiring)
{
	struct wr_ipsec_sad *sad = wr_fabric_ipsec_sad(c->fabric);

	unsteer(c, t, g);
	for (uint16_t w = 0; w < c->workers; w++)
		if (g->in[w] != NULL && g->stage != IPSEC_LEAVING)
			wr_ipsec_sad_remove(sad, g->in[w]);
	// The round that begins here is answered by each worker after its turn, as the table asks.
	if (c->ipsec->compacted == NULL) {
		wr_ipsec_sad_compact(sad);
		c->ipsec->compacted = g;
	}
	g->stage = IPSEC_LEAVING;
	g->retiring = retiring;
	round_begin(&g->left, c->workers);
}

// No worker knows it.
static void generation_free(struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g)
{
	struct wr_ipsec_sa_info info;

	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_ipsec_sa *both[] = {g->in[w], g->out[w]};

		for (uint32_t i = 0; i < 2; i++) {
			if (both[i] == NULL)
				continue;
			wr_ipsec_sa_info(both[i], &info);
			wr_ctl_ipsec_add(&t->gone, &info);
			wr_ipsec_sa_destroy(both[i]);
		}
	}
	if (c->ipsec->compacted == g)
		c->ipsec->compacted = NULL;
	*g = (struct ipsec_generation){0};
}

static int generation_fill(struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g,
	const struct wr_ipsec_keys *k, struct wr_err *err)
{
	struct wr_ipsec_device *d = wr_fabric_ipsec_device(c->fabric);
	uint16_t tunnel = (uint16_t)index_of(c, t);

	for (uint16_t w = 0; w < c->workers; w++) {
		g->in[w] =
			wr_ipsec_sa_create(d, t->t, tunnel, &k->in[w], g->number, g->made_us, err);
		g->out[w] =
			wr_ipsec_sa_create(d, t->t, tunnel, &k->out[w], g->number, g->made_us, err);
		if (g->in[w] == NULL || g->out[w] == NULL)
			return -EIO;
	}
	return 0;
}

// Accept its packets. Only what is in the table may be taken out of it.
static int generation_accept(
	struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g, struct wr_err *err)
{
	struct wr_ipsec_sad *sad = wr_fabric_ipsec_sad(c->fabric);

	for (uint16_t w = 0; w < c->workers; w++) {
		int rc = wr_ipsec_sad_add(sad, g->in[w]);

		if (rc == 0)
			continue;
		for (uint16_t i = 0; i < w; i++)
			wr_ipsec_sad_remove(sad, g->in[i]);
		g->stage = IPSEC_LEAVING;
		leave(c, t, g, false);
		return wr_err_set(err, -rc,
			"tunnel %s: the arriving association of worker %u finds no place in the "
			"table: %s",
			t->t->name, w, strerror(-rc));
	}
	return 0;
}

// NULL with a sentence.
static struct ipsec_generation *generation_make(struct wr_ctl *c, struct ipsec_tunnel *t,
	const struct wr_ipsec_keys *k, wr_us_t now, struct wr_err *err)
{
	struct ipsec_generation *g = find_free(t);

	if (g == NULL) {
		wr_err_set(err, EBUSY,
			"tunnel %s: workers have not let go of its keys before; see weirctl "
			"workers",
			t->t->name);
		return NULL;
	}
	*g = (struct ipsec_generation){.number = t->made + 1, .stage = IPSEC_NEXT, .made_us = now};
	wr_ctl_ipsec_print_keys(c, k, g);
	if (generation_fill(c, t, g, k, err) < 0) {
		generation_free(c, t, g);
		return NULL;
	}
	if (generation_accept(c, t, g, err) < 0)
		return NULL;
	t->made = g->number;
	wr_ctl_ipsec_remember(c, g);
	steer(c, t, g);
	return g;
}

// --- switching
// ------------------------------------------------------------------------------------

static void switch_to(
	struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g, const char *why)
{
	struct ipsec_generation *before = wr_ctl_ipsec_find(t, IPSEC_CURRENT);
	struct ipsec_generation *old = wr_ctl_ipsec_find(t, IPSEC_OLD);

	if (old != NULL)
		leave(c, t, old, true);
	if (before != NULL)
		before->stage = IPSEC_OLD;
	g->stage = IPSEC_CURRENT;
	snprintf(t->why, sizeof(t->why), "%s", why);
	t->telling = true;
	round_begin(&t->told, c->workers);
}

// Whether the far side sends with it.
static bool is_heard(const struct wr_ctl *c, const struct ipsec_generation *g)
{
	struct wr_ipsec_sa_info info;

	for (uint16_t w = 0; w < c->workers; w++) {
		wr_ipsec_sa_info(g->in[w], &info);
		if (info.packets > 0)
			return true;
	}
	return false;
}

// Why to send with new keys now; NULL: not yet.
static const char *why_now(
	struct wr_ctl *c, struct ipsec_tunnel *t, const struct ipsec_generation *next, wr_us_t now)
{
	const struct ipsec_generation *before = wr_ctl_ipsec_find(t, IPSEC_CURRENT);
	const struct wr_conf_tunnel *conf = &c->conf->tunnels[index_of(c, t)];
	struct ipsec_life life;

	if (before == NULL)
		return "there are no others";
	wr_ctl_ipsec_life(t, c->workers, before, now, &life);
	if (life.ended > 0)
		return "the ones before have reached their end";
	if (is_heard(c, next))
		return "the far side sends with them";
	// A switch ends what is old, and the far side may still send with that.
	if (wr_ctl_ipsec_find(t, IPSEC_OLD) != NULL && now < before->switched_us + conf->keep_us)
		return NULL;
	if (now >= next->made_us + conf->switch_us)
		return "rekey.switch_after is over";
	return NULL;
}

static void require(struct wr_ctl *c, const struct ipsec_tunnel *t)
{
	uint32_t i = index_of(c, t);

	wr_l3_tunnel_require(c->l3, (uint16_t)i, t->ever || wr_conf_tunnel_required(c->conf, i));
}

// Every worker sends with the current ones.
static void switched(struct wr_ctl *c, struct ipsec_tunnel *t, wr_us_t now)
{
	struct ipsec_generation *g = wr_ctl_ipsec_find(t, IPSEC_CURRENT);

	t->telling = false;
	g->switched_us = now;
	wr_ctl_ipsec_event(c, index_of(c, t), WR_EV_ipsec_switched, g->number, t->why);
	if (!t->ever || t->closed)
		wr_ctl_ipsec_event(c, index_of(c, t), WR_EV_ipsec_open, g->number, "");
	t->ever = true;
	t->closed = false;
	require(c, t);
}

static void left(struct wr_ctl *c, struct ipsec_tunnel *t, struct ipsec_generation *g)
{
	uint32_t number = g->number;
	bool retiring = g->retiring;

	generation_free(c, t, g);
	if (retiring)
		wr_ctl_ipsec_event(c, index_of(c, t), WR_EV_ipsec_retired, number, "");
}

static wr_us_t tunnel_turn(struct wr_ctl *c, struct ipsec_tunnel *t, wr_us_t now)
{
	wr_us_t keep = c->conf->tunnels[index_of(c, t)].keep_us;
	struct ipsec_generation *g = wr_ctl_ipsec_find(t, IPSEC_NEXT), *old;
	bool waits = false;
	const char *why;

	if (!t->telling && g != NULL && (why = why_now(c, t, g, now)) != NULL)
		switch_to(c, t, g, why);
	g = wr_ctl_ipsec_find(t, IPSEC_CURRENT);
	if (t->telling && round_turn(c, &t->told, WR_MSG_IPSEC_OUT, index_of(c, t), g->out))
		switched(c, t, now);
	old = wr_ctl_ipsec_find(t, IPSEC_OLD);
	if (!t->telling && old != NULL && now >= g->switched_us + keep)
		leave(c, t, old, true);
	for (uint32_t i = 0; i < IPSEC_GENERATIONS; i++) {
		g = &t->generation[i];
		if (g->number == 0 || g->stage != IPSEC_LEAVING)
			continue;
		if (round_turn(c, &g->left, WR_MSG_NONE, 0, NULL))
			left(c, t, g);
		else
			waits = true;
	}
	return t->telling || waits ? now + SOON_US : WR_US_NEVER;
}

wr_us_t wr_ctl_ipsec_turn(struct wr_ctl *c, wr_us_t now)
{
	struct wr_ctl_ipsec *x = c->ipsec;
	wr_us_t next = WR_US_NEVER;

	if (x == NULL)
		return WR_US_NEVER;
	for (uint32_t i = 0; i < x->count; i++) {
		wr_us_t at = tunnel_turn(c, &x->tunnel[i], now);

		next = RTE_MIN(next, at);
		if (x->reloads != c->reload->done)
			require(c, &x->tunnel[i]);
	}
	x->reloads = c->reload->done;
	if (now >= x->next_us) {
		x->next_us = now + WR_US_PER_S;
		for (uint32_t i = 0; i < x->count; i++)
			wr_ctl_ipsec_watch(c, i, now);
	}
	return next;
}

// --- new keys
// -------------------------------------------------------------------------------------

// 1: made, 0: nothing is new.
static int install(struct wr_ctl *c, struct ipsec_tunnel *t, const struct wr_ipsec_keys *k,
	wr_us_t now, struct wr_err *err)
{
	struct ipsec_generation *next = wr_ctl_ipsec_find(t, IPSEC_NEXT);
	struct ipsec_generation *newest = next != NULL ? next : wr_ctl_ipsec_find(t, IPSEC_CURRENT);
	struct ipsec_generation *g;

	if (newest != NULL && wr_ctl_ipsec_is_made_of(c, newest, k))
		return 0;
	if (wr_ctl_ipsec_check_keys(c, t, k, err) < 0)
		return -EEXIST;
	g = generation_make(c, t, k, now, err);
	if (g == NULL)
		return -EBUSY;
	if (next != NULL)
		leave(c, t, next, false);
	wr_ctl_ipsec_event(c, index_of(c, t), WR_EV_ipsec_keys, g->number, "");
	return 1;
}

static int load(struct wr_ctl *c, struct ipsec_tunnel *t, wr_us_t now, struct wr_err *err)
{
	struct wr_ipsec_keys k;
	int rc;

	memset(&k, 0, sizeof(k));
	rc = wr_ipsec_keys_load_as(c->conf->runtime.user, c->conf->tunnels[index_of(c, t)].keys,
		t->t->cipher, c->workers, &k, err);
	if (rc == 0)
		rc = install(c, t, &k, now, err);
	wr_ipsec_keys_wipe(&k);
	return rc;
}

int wr_ctl_ipsec_rekey(struct wr_ctl *c, uint32_t tunnel, struct wr_err *err)
{
	struct ipsec_tunnel *t = &c->ipsec->tunnel[tunnel];
	int rc = load(c, t, c->now_us, err);

	if (rc < 0) {
		wr_ctl_ipsec_event(c, tunnel, WR_EV_ipsec_keys_refused, 0, err->text);
		wr_log(WR_LOG_ERROR, "new keys of tunnel %s are refused: %s", t->t->name,
			err->text);
	}
	if (rc == 1)
		tunnel_turn(c, t, c->now_us);
	return rc;
}

// --- beginning and end
// ----------------------------------------------------------------------------

// What the workers' clock said last; 0, its beginning, before they run.
static wr_us_t clock_of(struct wr_ctl *c)
{
	struct wr_stats_snapshot s;

	wr_worker_stats(wr_fabric_worker(c->fabric, 0), &s);
	return s.gauges.now_us;
}

int wr_ctl_ipsec_init(struct wr_ctl *c, struct wr_err *err)
{
	const struct wr_ipsec_tunnel *t = wr_fabric_tunnels(c->fabric);
	struct wr_ctl_ipsec *x;
	int rc = 0;

	if (t == NULL || c->conf->tunnel_count == 0)
		return 0;
	x = calloc(1, sizeof(*x));
	c->ipsec = x;
	if (x != NULL) {
		x->count = c->conf->tunnel_count;
		x->tunnel = calloc(x->count, sizeof(*x->tunnel));
		x->print = calloc(IPSEC_PRINTS, sizeof(*x->print));
	}
	if (x == NULL || x->tunnel == NULL || x->print == NULL)
		rc = wr_err_set(err, ENOMEM, "no memory for the keys of tunnels");
	else if (getrandom(x->secret, sizeof(x->secret), 0) != sizeof(x->secret))
		rc = wr_err_set(err, EIO, "the kernel gives no random numbers");
	for (uint32_t i = 0; rc == 0 && i < x->count; i++)
		x->tunnel[i].t = &t[i];
	for (uint32_t i = 0; rc >= 0 && i < x->count; i++) {
		require(c, &x->tunnel[i]);
		rc = load(c, &x->tunnel[i], clock_of(c), err);
		if (rc > 0)
			tunnel_turn(c, &x->tunnel[i], clock_of(c));
	}
	if (rc < 0)
		wr_ctl_ipsec_fini(c);
	return RTE_MIN(rc, 0);
}

static void tunnel_fini(struct wr_ctl *c, struct ipsec_tunnel *t)
{
	struct wr_msg m = {.kind = WR_MSG_IPSEC_OUT, .a = index_of(c, t)};

	// For those that turn once more although nobody waits for them.
	for (uint16_t w = 0; t->made > 0 && w < c->workers; w++)
		(void)wr_worker_post(wr_fabric_worker(c->fabric, w), &m);
	for (uint32_t i = 0; i < IPSEC_GENERATIONS; i++) {
		struct ipsec_generation *g = &t->generation[i];

		if (g->number == 0)
			continue;
		leave(c, t, g, false);
		generation_free(c, t, g);
	}
}

void wr_ctl_ipsec_fini(struct wr_ctl *c)
{
	struct wr_ctl_ipsec *x = c->ipsec;

	if (x == NULL)
		return;
	for (uint32_t i = 0; x->tunnel != NULL && i < x->count; i++)
		if (x->tunnel[i].t != NULL)
			tunnel_fini(c, &x->tunnel[i]);
	free(x->tunnel);
	free(x->print);
	free(x);
	c->ipsec = NULL;
}

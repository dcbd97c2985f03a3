/* SPDX-License-Identifier: BSD-3-Clause */

// From one configuration to the next: the control thread compares the two and makes what is new, so
// that the worker only puts things in their places, and the control thread frees what was there.

#include "proxy_priv.h"

#include <errno.h>
#include <stdlib.h>

#define PAIRS_MAX 65536 // 8 KiB of bitmap each: 512 MiB a worker

struct pairs_op {
	uint16_t backend;
	struct source_pairs *sp; // to be put there; then what was there
};

struct run_op {
	uint16_t service;
	bool begins; // another one has the slot, or nobody
	bool moved;  // to another pool
	struct service_run run;
	struct wr_waitq_config wait;
};

struct wr_proxy_change {
	struct wr_proxy *p;
	const struct wr_conf *fresh;
	struct wr_limit_rule limit;
	uint32_t backend_slots;
	struct pairs_op *pairs; // [pairs_count]
	uint32_t pairs_count;
	struct run_op *runs; // [runs_count]
	uint32_t runs_count;
	bool moved; // one of them is
	struct listener listeners[WR_MAX_LISTENERS];
	uint16_t off[WR_MAX_LISTENERS], on[WR_MAX_LISTENERS]; // places of those that end, begin
	uint16_t put[WR_MAX_LISTENERS];                       // and that differ in any way
	uint32_t off_count, on_count, put_count;
	struct wr_err err; // what a listener lacked
};

// The service that has a slot. NULL: vacant.
static const struct wr_conf_service *service_at(const struct wr_conf *c, uint32_t i)
{
	if (c == NULL || i >= c->service_count || c->services[i].slot == WR_CONF_VACANT)
		return NULL;
	return &c->services[i];
}

static bool same_service(const struct wr_conf_service *a, const struct wr_conf_service *b)
{
	return a != NULL && b != NULL && strcmp(a->name, b->name) == 0;
}

// --- source ports of backends
// ---------------------------------------------------------------------

struct backend_row {
	const struct wr_conf_pool *pool;
	const struct wr_conf_backend *backend;
	uint32_t pool_slot;
};

static void rows_fill(const struct wr_conf *c, struct backend_row rows[WR_MAX_BACKENDS])
{
	for (uint32_t i = 0; c != NULL && i < c->pool_count; i++) {
		const struct wr_conf_pool *pc = &c->pools[i];

		if (pc->slot == WR_CONF_VACANT)
			continue;
		for (uint32_t k = 0; k < pc->backend_count; k++)
			if (pc->backends[k].slot != WR_CONF_VACANT)
				rows[pc->backends[k].id] =
					(struct backend_row){pc, &pc->backends[k], i};
	}
}

// Whether the ports of a slot are those of its backend in the next configuration. One that leaves
// keeps what it has: its pool's sources may have changed.
static bool pairs_hold(
	const struct source_pairs *sp, const struct backend_row *was, const struct backend_row *is)
{
	if (sp == NULL || was->backend == NULL)
		return false;
	if (is->backend->slot == WR_CONF_LEAVING)
		return true;
	return was->pool_slot == is->pool_slot &&
	       strcmp(was->backend->name, is->backend->name) == 0 &&
	       wr_addr_eq(&was->backend->address.addr, &is->backend->address.addr) &&
	       was->backend->address.port == is->backend->address.port &&
	       sources_match(sp, is->pool);
}

static int pairs_make(struct wr_proxy_change *c, uint16_t id, const struct backend_row *is,
	uint32_t *total, struct wr_err *err)
{
	uint32_t n = sources_count(is->pool);
	struct source_pairs *sp;

	if (n > WR_MAX_SOURCES)
		return wr_err_set(err, EINVAL,
			"pool %s: more than %u source addresses; give fewer or a second pool",
			is->pool->name, WR_MAX_SOURCES);
	*total += n;
	if (*total > PAIRS_MAX)
		return wr_err_set(err, EINVAL,
			"pool %s: %u sources x %u backends bring the pairs to more than %u, which "
			"is the most (8 KiB of port bitmap each)",
			is->pool->name, n, is->pool->backend_count, PAIRS_MAX);
	sp = sources_create(c->p, is->pool, is->backend);
	if (sp == NULL)
		return wr_err_set(err, ENOMEM,
			"backend %s/%s: out of memory for the ports of %u sources in worker %u",
			is->pool->name, is->backend->name, n, c->p->cfg.worker);
	c->pairs[c->pairs_count++] = (struct pairs_op){id, sp};
	return 0;
}

static int pairs_plan(struct wr_proxy_change *c, struct backend_row *was, struct backend_row *is,
	struct wr_err *err)
{
	uint32_t total = 0;
	int rc;

	c->pairs = calloc(WR_MAX_BACKENDS, sizeof(*c->pairs));
	if (c->pairs == NULL)
		return wr_err_set(err, ENOMEM, "out of memory for a change of configuration");
	rows_fill(c->p->conf, was);
	rows_fill(c->fresh, is);
	for (uint32_t i = 0; i < WR_MAX_BACKENDS; i++) {
		struct source_pairs *sp = c->p->pairs[i];

		if (is[i].backend == NULL) {
			if (sp != NULL)
				c->pairs[c->pairs_count++] = (struct pairs_op){(uint16_t)i, NULL};
		} else if (pairs_hold(sp, &was[i], &is[i])) {
			total += sp->sources;
		} else {
			rc = pairs_make(c, (uint16_t)i, &is[i], &total, err);
			if (rc < 0)
				return rc;
		}
	}
	return 0;
}

static int pairs_compare(struct wr_proxy_change *c, struct wr_err *err)
{
	struct backend_row *rows = calloc(2 * WR_MAX_BACKENDS, sizeof(*rows));
	int rc;

	if (rows == NULL)
		return wr_err_set(err, ENOMEM, "out of memory for a change of configuration");
	rc = pairs_plan(c, rows, rows + WR_MAX_BACKENDS, err);
	free(rows);
	return rc;
}

// --- listeners
// ------------------------------------------------------------------------------------

// What the paths to the backends of a pool take, and of those that serve when it cannot.
static uint16_t pool_mss(const struct wr_proxy *p, const struct wr_conf *c, uint32_t pool)
{
	uint16_t least = UINT16_MAX;
	int32_t at = (int32_t)pool;

	for (uint32_t hops = 0; at >= 0 && hops < WR_MAX_POOLS; hops++) {
		const struct wr_conf_pool *pc = &c->pools[at];

		for (uint32_t i = 0; i < pc->backend_count; i++) {
			uint16_t mss = pc->backends[i].slot == WR_CONF_LIVE
			                       ? path_mss(p, &pc->backends[i].address.addr)
			                       : 0;

			if (mss != 0 && mss < least)
				least = mss;
		}
		at = pc->backup == (int32_t)pool ? -1 : pc->backup;
	}
	return least;
}

// Largest MSS to show to clients of a service: what the path to every backend of its pool takes, so
// that a segment of the client's goes on whole; never above what the client's own path takes.
static uint16_t listener_mss(const struct wr_conf *c, uint16_t least, bool v4)
{
	uint16_t most = 0;

	for (uint32_t i = 0; i < c->port_count; i++) {
		uint16_t mtu = c->ports[i].mtu != 0 ? c->ports[i].mtu : 1500;
		uint16_t mss = (uint16_t)(mtu - (v4 ? 40 : 60));

		if (mss > most)
			most = mss;
	}
	return RTE_MIN(most, least);
}

static void begins(struct wr_proxy_change *c, uint16_t at)
{
	c->on[c->on_count++] = at;
}

static void ends(struct wr_proxy_change *c, uint16_t at)
{
	c->off[c->off_count++] = at;
}

// A place for one more: the one that was freed longest ago is likely the next behind the last one
// taken. -1: none is free.
static int place_free(const struct wr_proxy_change *c)
{
	for (uint32_t k = 0; k < WR_MAX_LISTENERS; k++) {
		uint32_t at = (c->p->listener_next + k) % WR_MAX_LISTENERS;

		if (!c->listeners[at].on)
			return (int)at;
	}
	return -1;
}

// Those that are on now, chained by service.
struct chains {
	int32_t first[WR_MAX_SERVICES], next[WR_MAX_LISTENERS];
	bool wanted[WR_MAX_LISTENERS];
};

static int listener_find(
	const struct wr_proxy_change *c, const struct chains *ch, const struct listener *want)
{
	int32_t at = -1;

	if (same_service(
		    service_at(c->p->conf, want->service), service_at(c->fresh, want->service)))
		at = ch->first[want->service];
	for (; at >= 0; at = ch->next[at]) {
		const struct listener *l = &c->p->listeners[at];

		if (l->at.port == want->at.port && wr_addr_eq(&l->at.addr, &want->at.addr))
			break;
	}
	return at;
}

// One that was there, as it is to be.
static int listener_keep(
	struct wr_proxy_change *c, struct chains *ch, struct listener *want, struct wr_err *err)
{
	int32_t at = listener_find(c, ch, want);
	struct listener *l;

	if (at < 0)
		return 0;
	l = &c->listeners[at];
	if (l->mss_v4 != want->mss_v4 || l->mss_v6 != want->mss_v6 ||
		l->deferred != want->deferred) {
		ends(c, (uint16_t)at);
		begins(c, (uint16_t)at);
	}
	ch->wanted[at] = true;
	want->gen = l->gen;
	*l = *want;
	return 0;
}

// One that was not there, in a place of its own.
static int listener_add(
	struct wr_proxy_change *c, struct chains *ch, struct listener *want, struct wr_err *err)
{
	int at;

	if (listener_find(c, ch, want) >= 0)
		return 0;
	at = place_free(c);
	if (at < 0)
		return wr_err_set(err, ENOSPC,
			"service %s: more than %u listeners over all services; give fewer "
			"addresses",
			c->fresh->services[want->service].name, WR_MAX_LISTENERS);
	c->p->listener_next = (uint32_t)at + 1;
	want->gen = (uint16_t)(c->listeners[at].gen + 1);
	c->listeners[at] = *want;
	begins(c, (uint16_t)at);
	return 0;
}

// Those that nobody wants. A service that stays has the connections that began there; what comes
// for one that leaves is too late, or its slot could not be given away.
static void listeners_drop(struct wr_proxy_change *c, const bool *wanted)
{
	for (uint32_t i = 0; i < WR_MAX_LISTENERS; i++) {
		struct listener *l = &c->listeners[i];
		const struct wr_conf_service *is;

		if (wanted[i] || l->service == WR_PROXY_NO_SERVICE)
			continue;
		is = service_at(c->fresh, l->service);
		if (l->on)
			ends(c, (uint16_t)i);
		l->on = false;
		if (!same_service(service_at(c->p->conf, l->service), is) ||
			is->slot != WR_CONF_LIVE)
			l->service = WR_PROXY_NO_SERVICE;
	}
}

typedef int (*listener_do)(
	struct wr_proxy_change *c, struct chains *ch, struct listener *want, struct wr_err *err);

static int listeners_each(
	struct wr_proxy_change *c, struct chains *ch, listener_do each, struct wr_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < c->fresh->service_count; i++) {
		const struct wr_conf_service *sv = &c->fresh->services[i];
		struct listener want = {.service = (uint16_t)i, .on = true};
		uint16_t least;

		if (sv->slot != WR_CONF_LIVE)
			continue;
		least = pool_mss(c->p, c->fresh, sv->pool);
		want.deferred = sv->accept == WR_CONF_ACCEPT_DEFERRED;
		want.mss_v4 = listener_mss(c->fresh, least, true);
		want.mss_v6 = listener_mss(c->fresh, least, false);
		for (uint32_t k = 0; k < sv->listen_count && rc == 0; k++) {
			want.at = sv->listen[k];
			rc = each(c, ch, &want, err);
		}
	}
	return rc;
}

static bool listener_eq(const struct listener *a, const struct listener *b)
{
	return a->service == b->service && a->gen == b->gen && a->mss_v4 == b->mss_v4 &&
	       a->mss_v6 == b->mss_v6 && a->deferred == b->deferred && a->on == b->on &&
	       a->at.port == b->at.port && wr_addr_eq(&a->at.addr, &b->at.addr);
}

static int listeners_compare(struct wr_proxy_change *c, struct wr_err *err)
{
	const struct listener *now = c->p->listeners;
	struct chains ch = {.wanted = {false}};
	int rc;

	memcpy(c->listeners, now, sizeof(c->listeners));
	memset(ch.first, -1, sizeof(ch.first));
	for (int32_t i = 0; i < WR_MAX_LISTENERS; i++) {
		if (!now[i].on)
			continue;
		ch.next[i] = ch.first[now[i].service];
		ch.first[now[i].service] = i;
	}
	// What ends makes room for what begins.
	listeners_each(c, &ch, listener_keep, err);
	listeners_drop(c, ch.wanted);
	rc = listeners_each(c, &ch, listener_add, err);
	for (uint32_t i = 0; i < WR_MAX_LISTENERS && rc == 0; i++)
		if (!listener_eq(&now[i], &c->listeners[i]))
			c->put[c->put_count++] = (uint16_t)i;
	return rc;
}

// --- limits and queues of services
// ----------------------------------------------------------------

static bool rule_eq(const struct wr_limit_rule *a, const struct wr_limit_rule *b)
{
	return a->rate_per_s == b->rate_per_s && a->rate_burst == b->rate_burst &&
	       a->connections == b->connections && a->bytes_per_s == b->bytes_per_s &&
	       a->bytes_burst == b->bytes_burst;
}

static bool run_eq(const struct service_run *a, const struct service_run *b)
{
	return rule_eq(&a->limit, &b->limit) && rule_eq(&a->client, &b->client) &&
	       a->counts == b->counts && a->bytes == b->bytes && a->clients == b->clients;
}

static bool wait_eq(const struct wr_waitq_config *a, const struct wr_waitq_config *b)
{
	return a->items == b->items && a->time_us == b->time_us && a->target_us == b->target_us;
}

static void run_compare(struct wr_proxy_change *c, uint16_t service)
{
	static const struct wr_conf_service nobody;
	const struct wr_conf_service *was = service_at(c->p->conf, service);
	const struct wr_conf_service *is = service_at(c->fresh, service);
	const struct service_run *now = &c->p->runs[service];
	struct run_op op = {.service = service};

	if (was == NULL && is == NULL)
		return;
	op.begins = !same_service(was, is);
	op.moved = !op.begins && was->pool != is->pool;
	op.wait = wait_plan(c->p, is != NULL ? is : &nobody);
	if (is != NULL)
		admit_plan(&op.run, c->fresh, service);
	if (!op.begins && !op.moved && run_eq(&op.run, now) && wait_eq(&op.wait, &now->wait.cfg))
		return;
	c->moved = c->moved || op.moved;
	c->runs[c->runs_count++] = op;
}

static int runs_compare(struct wr_proxy_change *c, struct wr_err *err)
{
	c->limit = wr_proxy_limit_rule(&c->fresh->limit);
	c->runs = calloc(WR_MAX_SERVICES, sizeof(*c->runs));
	if (c->runs == NULL)
		return wr_err_set(err, ENOMEM, "out of memory for a change of configuration");
	for (uint32_t i = 0; i < WR_MAX_SERVICES; i++)
		run_compare(c, (uint16_t)i);
	return 0;
}

struct wr_proxy_change *wr_proxy_change_create(
	struct wr_proxy *p, const struct wr_conf *fresh, struct wr_err *err)
{
	struct wr_proxy_change *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		wr_err_set(err, ENOMEM, "out of memory for a change of configuration");
		return NULL;
	}
	c->p = p;
	c->fresh = fresh;
	c->backend_slots = wr_conf_backend_slots(fresh);
	if (pairs_compare(c, err) == 0 && listeners_compare(c, err) == 0 &&
		runs_compare(c, err) == 0)
		return c;
	wr_proxy_change_destroy(c);
	return NULL;
}

void wr_proxy_change_destroy(struct wr_proxy_change *c)
{
	if (c == NULL)
		return;
	for (uint32_t i = 0; i < c->pairs_count; i++)
		sources_destroy(c->pairs[i].sp);
	free(c->pairs);
	free(c->runs);
	free(c);
}

// --- by the worker
// --------------------------------------------------------------------------------

static void pairs_adopt(struct wr_proxy *p, struct wr_proxy_change *c)
{
	for (uint32_t i = 0; i < c->pairs_count; i++) {
		struct pairs_op *op = &c->pairs[i];
		struct source_pairs *was = p->pairs[op->backend];

		p->pairs[op->backend] = op->sp;
		op->sp = was;
		p->killing[op->backend] = 0; // that was of another one
	}
	p->backend_slots = c->backend_slots;
}

static void listener_begin(struct wr_proxy *p, struct wr_proxy_change *c, uint16_t at)
{
	const struct listener *l = &p->listeners[at];
	struct wr_tcp_listen_opts o = {.user = (uint32_t)l->gen * WR_MAX_LISTENERS + at,
		.deferred = l->deferred,
		.mss_v4 = l->mss_v4,
		.mss_v6 = l->mss_v6};
	char text[WR_ENDPOINT_STR];
	int rc = wr_tcp_listen(p->tcp, &l->at, &o);

	if (rc < 0)
		wr_err_set(&c->err, -rc, "service %s: cannot listen on %s: %s",
			c->fresh->services[l->service].name,
			wr_endpoint_format(&l->at, text, sizeof(text)),
			rc == -EADDRINUSE ? "another service has it"
			: rc == -EINVAL   ? "it is no address to listen on"
					  : "out of memory");
	else if (p->stopped)
		wr_tcp_set_admit(p->tcp, &l->at, WR_TCP_REFUSE_RST);
}

static void listeners_adopt(struct wr_proxy *p, struct wr_proxy_change *c)
{
	for (uint32_t i = 0; i < c->off_count; i++)
		wr_tcp_unlisten(p->tcp, &p->listeners[c->off[i]].at);
	for (uint32_t i = 0; i < c->put_count; i++)
		p->listeners[c->put[i]] = c->listeners[c->put[i]];
	for (uint32_t i = 0; i < c->on_count; i++)
		listener_begin(p, c, c->on[i]);
}

static void run_adopt(struct wr_proxy *p, const struct run_op *op)
{
	struct service_run *r = &p->runs[op->service];

	if (op->begins) {
		*r = (struct service_run){0};
		wr_waitq_init(&r->wait, &op->wait);
		memset(&p->services[op->service], 0, sizeof(p->services[0]));
	} else {
		wr_waitq_change(&r->wait, &op->wait);
	}
	r->limit = op->run.limit;
	r->client = op->run.client;
	r->counts = op->run.counts;
	r->bytes = op->run.bytes;
	r->clients = op->run.clients;
	r->full = r->full && !op->moved;
}

void wr_proxy_adopt(struct wr_proxy *p, struct wr_proxy_change *c, wr_us_t now)
{
	pairs_adopt(p, c);
	listeners_adopt(p, c);
	p->limit = c->limit;
	for (uint32_t i = 0; i < c->runs_count; i++)
		run_adopt(p, &c->runs[i]);
	if (!c->fresh->pressure.enabled)
		p->level = 0;
	p->cfg.conf = c->fresh;
	__atomic_store_n(&p->conf, c->fresh, __ATOMIC_RELEASE);
	if (c->moved)
		wait_recount(p);
	wait_again(p, now);
}

const char *wr_proxy_change_trouble(const struct wr_proxy_change *c)
{
	return c->err.text;
}

const struct wr_err *change_err(const struct wr_proxy_change *c)
{
	return c->err.text[0] != '\0' ? &c->err : NULL;
}

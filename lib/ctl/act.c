/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What an operator may do. Each action is an event with an id; the reply says what was done.

#define WEIGHT_MAX 256      // as the configuration allows
#define LIMIT_MAX  16777216 // connections at the same time; more is a typing error

void wr_act_done(struct wr_ctl *c, struct wr_reply *r, struct wr_event *ev, const char *verb,
	const char *target, const char *what)
{
	ev->worker = UINT16_MAX;
	ev->queue = UINT16_MAX;
	wr_ctl_event_add(c, ev);
	if (!wr_reply_row(r))
		return;
	wr_reply_text(r, "done", what);
	wr_reply_str(r, "verb", verb);
	wr_reply_str(r, "target", target);
	wr_reply_uint(r, "event_id", ev->id);
}

void wr_act_confirm(struct wr_reply *r, const char *request, const char *fmt, ...)
{
	char text[384], remedy[384];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(remedy, sizeof(remedy), "if that is meant, ask with %s", request);
	wr_reply_error(r, remedy, "%s; nothing was done", text);
	wr_reply_text(r, "confirm", request);
}

uint32_t wr_act_split(const char *arg, char *buf, size_t len, char **piece, uint32_t max)
{
	uint32_t n = 0;
	char *at = buf;

	if (strlen(arg) >= len)
		return 0;
	memcpy(buf, arg, strlen(arg) + 1);
	while (at != NULL && n < max) {
		piece[n++] = at;
		at = n < max ? strchr(at, ',') : NULL;
		if (at != NULL)
			*at++ = '\0';
	}
	return n;
}

// "web/b1,5": a path and a number up to `max`. False: not of this form.
static bool split_number(const char *arg, char *path, size_t len, uint64_t max, uint64_t *number)
{
	const char *comma = strrchr(arg, ',');

	if (comma == NULL || (size_t)(comma - arg) >= len)
		return false;
	memcpy(path, arg, (size_t)(comma - arg));
	path[comma - arg] = '\0';
	return wr_params_number(comma + 1, max, number) == 0;
}

static void act(
	struct wr_ctl *c, const char *verb, const char *path, uint64_t weight, struct wr_reply *r)
{
	int id = wr_backends_find(c->backends, path);
	struct wr_event ev = {.kind = WR_EV_backend_admin};
	struct wr_backend *be;
	int rc;

	if (id < 0) {
		wr_reply_error(r, "see /weir/backends; a backend is POOL/NAME",
			"no backend '%.64s'; nothing was done", path);
		return;
	}
	be = wr_backends_get(c->backends, (uint16_t)id);
	if (strcmp(verb, "weight") == 0) {
		snprintf(ev.text, sizeof(ev.text), "weight from %u to %u", be->weight,
			(uint32_t)weight);
		rc = wr_backends_set_weight(c->backends, be->id, (uint32_t)weight, c->now_us);
	} else {
		bool drain = strcmp(verb, "drain") == 0;

		snprintf(ev.text, sizeof(ev.text), "%s",
			drain ? "drained: no new sessions" : "enabled: takes new sessions");
		rc = wr_backends_set_admin(c->backends, be->id,
			drain ? WR_ADMIN_DRAINING : WR_ADMIN_ENABLED, c->now_us);
	}
	if (rc != 0) {
		wr_reply_error(r, "free some memory and repeat the request",
			"%s of %.64s failed: %s", verb, path, strerror(-rc));
		return;
	}
	ev.scope = be->id;
	ev.a = be->addr;
	wr_act_done(c, r, &ev, verb, path, ev.text);
}

// The limit of a backend's or a pool's connections. NULL: neither, said.
static struct wr_lease *find_lease(
	struct wr_ctl *c, const char *path, struct wr_event *ev, uint32_t *pool, struct wr_reply *r)
{
	int id = wr_backends_find(c->backends, path);

	if (id >= 0) {
		ev->kind = WR_EV_backend_admin;
		ev->scope = (uint32_t)id;
		ev->a = wr_backends_get(c->backends, (uint16_t)id)->addr;
		*pool = wr_backends_get(c->backends, (uint16_t)id)->pool;
		return c->shared->backends[id];
	}
	id = wr_conf_find_pool(c->conf, path);
	*pool = (uint32_t)id;
	if (id >= 0)
		return c->shared->pools[id];
	wr_reply_error(r, "see /weir/backends and /weir/pools; a backend is POOL/NAME",
		"no backend and no pool '%.64s'; nothing was done", path);
	return NULL;
}

static void act_limit(
	struct wr_ctl *c, const char *verb, const char *path, uint32_t limit, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	struct wr_lease *lease;
	char of[48] = "", text[160];
	uint32_t before, used, pool = 0;

	lease = find_lease(c, path, &ev, &pool, r);
	if (lease == NULL)
		return;
	// Queues are registered at start: a limit that none shows would refuse in silence.
	if (limit != 0 && !wr_conf_pool_limited(c->conf, pool)) {
		wr_reply_error(r,
			"give the pool or one of its backends a max_connections in the file; a "
			"high one will do",
			"pool of %.64s had no limit at start, so nothing would show who waits; "
			"nothing was done",
			path);
		return;
	}
	before = lease->limit;
	used = wr_lease_used(lease);
	(void)wr_lease_set(lease, limit);
	if (ev.kind == WR_EV_operator)
		snprintf(of, sizeof(of), "pool %.36s: ", path);
	snprintf(text, sizeof(text), "%slimit from %u to %u, %u in use%s", of, before, limit, used,
		limit != 0 && used > limit ? ", which end by themselves" : "");
	snprintf(ev.text, sizeof(ev.text), "%.*s", (int)sizeof(ev.text) - 1, text);
	wr_act_done(c, r, &ev, verb, path, ev.text);
}

void wr_act_backend(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	char path[2 * WR_NAME_LEN + 2];
	bool limit = strcmp(verb, "limit") == 0;
	uint64_t number = 0;

	if (!limit && strcmp(verb, "weight") != 0) {
		act(c, verb, arg, 0, r);
		return;
	}
	if (!split_number(arg, path, sizeof(path), limit ? LIMIT_MAX : WEIGHT_MAX, &number)) {
		if (limit)
			wr_reply_error(r,
				"write limit=POOL/NAME,N or limit=POOL,N with N up to 16777216; 0: "
				"none",
				"'%.64s' is not a backend or pool and a limit; nothing was done",
				arg);
		else
			wr_reply_error(r, "write weight=POOL/NAME,N with N from 0 to 256",
				"'%.64s' is not a backend and a weight; nothing was done", arg);
		return;
	}
	if (limit)
		act_limit(c, verb, path, (uint32_t)number, r);
	else
		act(c, verb, path, number, r);
}

void wr_act_conn(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_conn_killed};
	struct wr_msg m = {.kind = WR_MSG_KILL_SESSION};
	struct wr_err err = {0};
	uint16_t worker;
	int rc;

	if (wr_params_conn_id(arg, &worker, &m.a) != 0 || worker >= c->workers) {
		wr_reply_error(r, "ids are WORKER.NUMBER, as /weir/conns shows them",
			"'%.64s' is not the id of a connection; nothing was done", arg);
		return;
	}
	rc = wr_ctl_ask(c, worker, &m, NULL, &err);
	if (rc < 0) {
		wr_reply_error(
			r, "look with /weir/conns whether it is gone, and repeat", "%s", err.text);
		return;
	}
	if (rc == 0) {
		wr_reply_error(r, "see /weir/conns for those that live",
			"no connection %.64s; nothing was done", arg);
		return;
	}
	snprintf(ev.text, sizeof(ev.text), "%.64s", arg);
	pthread_mutex_lock(&c->lock);
	wr_act_done(c, r, &ev, verb, arg, "both of its connections were reset");
	pthread_mutex_unlock(&c->lock);
}

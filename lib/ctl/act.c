/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// What an operator may do. Each action is an event with an id; the reply says what was done.

#define WEIGHT_MAX 256 // as the configuration allows

static void done(struct wr_ctl *c, struct wr_reply *r, struct wr_event *ev, const char *verb,
	const char *target, const char *what)
{
	ev->worker = UINT16_MAX;
	ev->queue = UINT16_MAX;
	wr_ctl_event_add(c, ev);
	if (!wr_reply_row(r))
		return;
	wr_reply_str(r, "done", what);
	wr_reply_str(r, "verb", verb);
	wr_reply_str(r, "target", target);
	wr_reply_uint(r, "event_id", ev->id);
}

// "web/b1" or, for weight, "web/b1,5". False: not of this form.
static bool split_weight(const char *arg, char *path, size_t len, uint64_t *weight)
{
	const char *comma = strrchr(arg, ',');

	if (comma == NULL || (size_t)(comma - arg) >= len)
		return false;
	memcpy(path, arg, (size_t)(comma - arg));
	path[comma - arg] = '\0';
	return wr_params_number(comma + 1, WEIGHT_MAX, weight) == 0;
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
	done(c, r, &ev, verb, path, ev.text);
}

void wr_act_backend(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	char path[2 * WR_NAME_LEN + 2];
	uint64_t weight = 0;

	if (strcmp(verb, "weight") != 0) {
		act(c, verb, arg, 0, r);
		return;
	}
	if (!split_weight(arg, path, sizeof(path), &weight)) {
		wr_reply_error(r, "write weight=POOL/NAME,N with N from 0 to 256",
			"'%.64s' is not a backend and a weight; nothing was done", arg);
		return;
	}
	act(c, verb, path, weight, r);
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
	done(c, r, &ev, verb, arg, "both of its connections were reset");
	pthread_mutex_unlock(&c->lock);
}

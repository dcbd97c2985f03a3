/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

// What an operator may do with backends. What would leave a pool without a backend that takes
// sessions is asked back, unless the verb begins with force_.

#define FORCE        "force_"
#define WEIGHT_MAX   256      // as the configuration allows
#define PRIORITY_MAX 7        // as well
#define LIMIT_MAX    16777216 // connections at the same time; more is a typing error
#define ARG_LEN      384
#define PATH_LEN     (2 * WR_NAME_LEN + 2)

struct request {
	const char *verb;  // as asked
	const char *plain; // without force_
	const char *arg;
	bool force;
	char buf[ARG_LEN]; // what `piece` points to
	char *piece[5];
	uint32_t pieces;
};

static void usage(struct wr_reply *r, const struct request *q, const char *form)
{
	wr_reply_error(r, form, "'%.64s' is not what %s takes; nothing was done", q->arg, q->verb);
}

// The backend that the request is about, NULL: said.
static struct wr_backend *find_backend(struct wr_ctl *c, const char *path, struct wr_reply *r)
{
	int id = wr_backends_find(c->backends, path);
	struct wr_backend *be = id < 0 ? NULL : wr_backends_get(c->backends, (uint16_t)id);

	if (be == NULL)
		wr_reply_error(r, "see /weir/backends; a backend is POOL/NAME",
			"no backend '%.64s'; nothing was done", path);
	else if (be->slot == WR_CONF_LEAVING)
		wr_reply_error(r, "it is gone once its sessions have ended; /weir/backend,add=",
			"%.64s was removed and takes no orders; nothing was done", path);
	else
		return be;
	return NULL;
}

// True: without it the pool could take no sessions, and nobody said that this is meant.
static bool asked_back(
	struct wr_ctl *c, const struct request *q, const struct wr_backend *be, struct wr_reply *r)
{
	char again[ARG_LEN + 16];
	const struct wr_pool_slot *pool;

	if (q->force || !wr_backends_is_last(c->backends, be->id))
		return false;
	pool = wr_backends_pool(c->backends, be->pool);
	snprintf(again, sizeof(again), FORCE "%s=%s", q->plain, q->arg);
	wr_act_confirm(r, again,
		"%.64s is the last backend of pool %.64s that can take sessions: new ones would "
		"%s",
		be->name, pool->name,
		pool->conf->backup >= 0 ? "go to its backup pool" : "be refused");
	return true;
}

static void done(struct wr_ctl *c, const struct request *q, const struct wr_backend *be,
	const char *what, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_backend_admin, .scope = be->id, .a = be->addr};

	snprintf(ev.text, sizeof(ev.text), "%.*s", (int)sizeof(ev.text) - 1, what);
	wr_act_done(c, r, &ev, q->verb, q->piece[0], what);
}

static void failed(const struct request *q, int rc, struct wr_reply *r)
{
	wr_reply_error(r, "look at /weir/backends and repeat the request", "%s of %.64s failed: %s",
		q->verb, q->piece[0], strerror(-rc));
}

// The configuration cannot be edited so.
static void refused(struct wr_reply *r, int rc, const struct wr_err *err)
{
	wr_reply_error(r, "see /weir/backends and /weir/config; then repeat the request",
		"%.400s; nothing was done", err->text[0] != '\0' ? err->text : strerror(-rc));
}

// --- drain, enable, disable ----------------------------------------------------------------------

// "30s", "5m"; "0" or "never": no deadline. What is not said is the pool's drain.
static bool parse_drain(const struct wr_ctl *c, const struct request *q,
	const struct wr_conf_pool *pool, wr_us_t *drain)
{
	if (q->pieces < 2) {
		*drain = pool->drain_us;
		return true;
	}
	if (strcmp(q->piece[1], "0") == 0 || strcmp(q->piece[1], "never") == 0) {
		*drain = 0;
		return true;
	}
	return wr_units_parse_time(q->piece[1], drain) == 0;
}

static void act_drain(struct wr_ctl *c, const struct request *q, struct wr_reply *r)
{
	struct wr_backend *be;
	char what[96], time[32];
	wr_us_t drain;
	int rc;

	be = find_backend(c, q->piece[0], r);
	if (be == NULL)
		return;
	if (q->pieces > 2 ||
		!parse_drain(c, q, wr_backends_pool(c->backends, be->pool)->conf, &drain)) {
		usage(r, q,
			"write drain=POOL/NAME or drain=POOL/NAME,TIME with a time as 30s or 5m, "
			"or never");
		return;
	}
	if (asked_back(c, q, be, r))
		return;
	rc = wr_backends_set_admin(c->backends, be->id, WR_ADMIN_DRAINING,
		drain != 0 ? c->now_us + drain : 0, c->now_us);
	if (rc != 0) {
		failed(q, rc, r);
		return;
	}
	if (drain != 0)
		snprintf(what, sizeof(what), "drained: no new sessions; those left after %s end",
			wr_units_format_time(drain, time, sizeof(time)));
	else
		snprintf(what, sizeof(what), "drained: no new sessions, no deadline for others");
	done(c, q, be, what, r);
}

static void act_admin(struct wr_ctl *c, const struct request *q, struct wr_reply *r)
{
	bool enable = strcmp(q->plain, "enable") == 0;
	struct wr_backend *be;
	int rc;

	if (q->pieces != 1) {
		usage(r, q, "write enable=POOL/NAME or disable=POOL/NAME");
		return;
	}
	be = find_backend(c, q->piece[0], r);
	if (be == NULL || (!enable && asked_back(c, q, be, r)))
		return;
	rc = wr_backends_set_admin(
		c->backends, be->id, enable ? WR_ADMIN_ENABLED : WR_ADMIN_DISABLED, 0, c->now_us);
	if (rc != 0)
		failed(q, rc, r);
	else
		done(c, q, be,
			enable ? "enabled: takes new sessions"
			       : "disabled: no new sessions and no checks; those that exist go on",
			r);
}

// --- weight and limits ---------------------------------------------------------------------------

static void act_weight(struct wr_ctl *c, const struct request *q, struct wr_reply *r)
{
	struct wr_backend *be;
	uint64_t weight;
	char what[64];
	int rc;

	if (q->pieces != 2 || wr_params_number(q->piece[1], WEIGHT_MAX, &weight) != 0) {
		usage(r, q, "write weight=POOL/NAME,N with N from 0 to 256");
		return;
	}
	be = find_backend(c, q->piece[0], r);
	if (be == NULL || (weight == 0 && be->weight != 0 && asked_back(c, q, be, r)))
		return;
	snprintf(what, sizeof(what), "weight from %u to %u", be->weight, (uint32_t)weight);
	rc = wr_backends_set_weight(c->backends, be->id, (uint32_t)weight, c->now_us);
	if (rc != 0)
		failed(q, rc, r);
	else
		done(c, q, be, what, r);
}

// The limit of a backend's or a pool's connections, of which *backend may be none. NULL: neither
// exists, said.
static const struct wr_lease *find_lease(
	struct wr_ctl *c, const char *path, uint16_t *pool, uint16_t *backend, struct wr_reply *r)
{
	const struct wr_backend *be;
	int id;

	*backend = WR_BACKEND_NONE;
	if (strchr(path, '/') != NULL) {
		be = find_backend(c, path, r);
		if (be == NULL)
			return NULL;
		*pool = be->pool;
		*backend = be->id;
		return c->shared->backends[be->id];
	}
	id = wr_conf_find_pool(c->conf, path);
	if (id >= 0 && c->shared->pools[id] != NULL) {
		*pool = (uint16_t)id;
		return c->shared->pools[id];
	}
	wr_reply_error(r, "see /weir/backends and /weir/pools; a backend is POOL/NAME",
		"no backend and no pool '%.64s'; nothing was done", path);
	return NULL;
}

// Part of the configuration from now on, so that who waits for a place is shown; and at once.
static int set_limit(
	struct wr_ctl *c, uint16_t pool, uint16_t backend, uint32_t limit, struct wr_err *err)
{
	const char *name =
		backend != WR_BACKEND_NONE ? wr_backends_get(c->backends, backend)->name : NULL;
	int rc = wr_ctl_edit_limit(c, wr_backends_pool(c->backends, pool)->name, name, limit, err);

	return rc != 0 ? rc : wr_proxy_shared_limit(c->shared, pool, backend, limit);
}

static void act_limit(struct wr_ctl *c, const struct request *q, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	const struct wr_lease *lease;
	uint16_t pool = 0, backend;
	char of[48] = "", text[160];
	struct wr_err err = {0};
	uint64_t limit;
	uint32_t before, used;
	int rc;

	if (q->pieces != 2 || wr_params_number(q->piece[1], LIMIT_MAX, &limit) != 0) {
		usage(r, q,
			"write limit=POOL/NAME,N or limit=POOL,N with N up to 16777216; 0: none");
		return;
	}
	lease = find_lease(c, q->piece[0], &pool, &backend, r);
	if (lease == NULL)
		return;
	before = lease->limit;
	used = wr_lease_used(lease);
	rc = set_limit(c, pool, backend, (uint32_t)limit, &err);
	if (rc != 0) {
		refused(r, rc, &err);
		return;
	}
	if (backend != WR_BACKEND_NONE) {
		ev.kind = WR_EV_backend_admin;
		ev.scope = backend;
		ev.a = wr_backends_get(c->backends, backend)->addr;
	} else {
		snprintf(of, sizeof(of), "pool %.36s: ", q->piece[0]);
	}
	snprintf(text, sizeof(text), "%slimit from %u to %u, %u in use%s", of, before,
		(uint32_t)limit, used,
		limit != 0 && used > limit ? ", which end by themselves" : "");
	snprintf(ev.text, sizeof(ev.text), "%.*s", (int)sizeof(ev.text) - 1, text);
	wr_act_done(c, r, &ev, q->verb, q->piece[0], ev.text);
}

// --- add and remove: edits of the configuration --------------------------------------------------

// "web/b1" into two names. False: not of this form.
static bool split_path(const char *path, char *pool, char *name)
{
	const char *slash = strchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) : 0;

	if (len == 0 || len >= WR_NAME_LEN || slash[1] == '\0' || strlen(slash + 1) >= WR_NAME_LEN)
		return false;
	memcpy(pool, path, len);
	pool[len] = '\0';
	memcpy(name, slash + 1, strlen(slash + 1) + 1);
	return true;
}

// "weight=3"
static bool parse_option(const char *text, struct wr_conf_backend *b)
{
	const struct {
		const char *key;
		uint64_t max;
		uint32_t *to;
	} options[] = {
		{"weight=", WEIGHT_MAX, &b->weight},
		{"priority=", PRIORITY_MAX, &b->priority},
		{"limit=", LIMIT_MAX, &b->max_connections},
	};
	uint64_t value;

	for (size_t i = 0; i < RTE_DIM(options); i++) {
		size_t len = strlen(options[i].key);

		if (strncmp(text, options[i].key, len) != 0)
			continue;
		if (wr_params_number(text + len, options[i].max, &value) != 0)
			return false;
		*options[i].to = (uint32_t)value;
		return true;
	}
	return false;
}

// What was done to the configuration, or why not.
static void edited(struct wr_ctl *c, const struct request *q, int rc, const struct wr_err *err,
	const char *what, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};

	if (rc != 0) {
		refused(r, rc, err);
		return;
	}
	snprintf(ev.text, sizeof(ev.text), "backend %.48s %.36s", q->piece[0], what);
	wr_act_done(c, r, &ev, q->verb, q->piece[0], what);
}

static void act_add(struct wr_ctl *c, const struct request *q, struct wr_reply *r)
{
	struct wr_conf_backend b = {.weight = 1};
	char pool[WR_NAME_LEN], addr[WR_ENDPOINT_STR], what[96];
	struct wr_err err = {0};
	bool well = q->pieces >= 2 && split_path(q->piece[0], pool, b.name) &&
	            wr_endpoint_parse(q->piece[1], &b.address) == 0;
	int rc;

	for (uint32_t i = 2; well && i < q->pieces; i++)
		well = parse_option(q->piece[i], &b);
	if (!well) {
		usage(r, q,
			"write add=POOL/NAME,ADDRESS:PORT and, if wanted, ,weight=N (0-256) "
			",priority=N (0-7) ,limit=N");
		return;
	}
	rc = wr_ctl_edit_add(c, pool, &b, &err);
	snprintf(what, sizeof(what), "added: %s, weight %u",
		wr_endpoint_format(&b.address, addr, sizeof(addr)), b.weight);
	edited(c, q, rc, &err, what, r);
}

static void act_remove(struct wr_ctl *c, const struct request *q, struct wr_reply *r)
{
	char pool[WR_NAME_LEN], name[WR_NAME_LEN], what[96], time[32];
	struct wr_err err = {0};
	struct wr_backend *be;
	wr_us_t drain;
	int rc;

	be = find_backend(c, q->piece[0], r);
	if (be == NULL)
		return;
	if (q->pieces > 2 || !split_path(q->piece[0], pool, name) ||
		!parse_drain(c, q, wr_backends_pool(c->backends, be->pool)->conf, &drain)) {
		usage(r, q,
			"write remove=POOL/NAME or remove=POOL/NAME,TIME with a time as 30s or "
			"5m, or never");
		return;
	}
	// What cannot be forced is not offered.
	rc = wr_ctl_edit_may_remove(c, pool, name, &err);
	if (rc != 0) {
		refused(r, rc, &err);
		return;
	}
	if (asked_back(c, q, be, r))
		return;
	rc = wr_ctl_edit_remove(c, pool, name, drain, &err);
	if (drain != 0)
		snprintf(what, sizeof(what), "removed; sessions left after %s end",
			wr_units_format_time(drain, time, sizeof(time)));
	else
		snprintf(what, sizeof(what), "removed; its sessions have no deadline");
	edited(c, q, rc, &err, what, r);
}

void wr_act_backend(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	static const struct {
		const char *verb;
		void (*act)(struct wr_ctl *c, const struct request *q, struct wr_reply *r);
	} verbs[] = {
		{"drain", act_drain},
		{"enable", act_admin},
		{"disable", act_admin},
		{"weight", act_weight},
		{"limit", act_limit},
		{"add", act_add},
		{"remove", act_remove},
	};
	struct request q = {.verb = verb, .plain = verb, .arg = arg};

	q.force = strncmp(verb, FORCE, strlen(FORCE)) == 0;
	if (q.force)
		q.plain = verb + strlen(FORCE);
	q.pieces = wr_act_split(arg, q.buf, sizeof(q.buf), q.piece, RTE_DIM(q.piece));
	if (q.pieces == 0 || strlen(q.piece[0]) >= PATH_LEN) {
		wr_reply_error(r, "see /weir/backends; a backend is POOL/NAME",
			"'%.64s' is too long for the name of a backend; nothing was done", arg);
		return;
	}
	for (size_t i = 0; i < RTE_DIM(verbs); i++)
		if (strcmp(verbs[i].verb, q.plain) == 0)
			verbs[i].act(c, &q, r);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// A new configuration while the instance runs: from the file, from edits, or back to an older one.
// Compiled beside the running one and refused whole when anything is wrong; otherwise every worker
// takes it over between two turns, and only then is the old one freed.

#include "ctl_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wr_log.h"

#define EDIT_WINDOW_US (20 * WR_US_PER_MS) // edits that come within it are taken over together
#define FILE_MOST      (16u << 20)
#define SOON_US        WR_US_PER_MS
#define SWEEP_US       WR_US_PER_S // between looks for what has left
#define AGAIN_US       WR_US_PER_S // between tries to take one back

static void event(
	struct wr_ctl *c, enum wr_event_kind kind, uint32_t extra, uint32_t count, const char *text)
{
	struct wr_event ev = {.kind = (uint16_t)kind,
		.worker = UINT16_MAX,
		.queue = UINT16_MAX,
		.extra = extra,
		.count = count};

	snprintf(ev.text, sizeof(ev.text), "%.*s", (int)sizeof(ev.text) - 1, text);
	wr_ctl_event_add(c, &ev);
}

static void refused(struct wr_ctl *c, const struct wr_err *err)
{
	c->reload->failed++;
	c->reload->last_error = *err;
	event(c, WR_EV_config_refused, c->reload->in_force, 1, err->text);
	wr_log(WR_LOG_ERROR, "the new configuration is refused, number %u goes on: %s",
		c->reload->in_force, err->text);
}

int wr_reload_init(struct wr_ctl *c)
{
	char from[80];

	c->reload = calloc(1, sizeof(*c->reload));
	if (c->reload == NULL)
		return -ENOMEM;
	snprintf(from, sizeof(from), "start: %.60s", c->conf->file);
	return wr_version_keep(c->reload, NULL, c->conf, from, time(NULL));
}

void wr_reload_fini(struct wr_ctl *c)
{
	struct wr_reload *r = c->reload;

	if (r == NULL)
		return;
	// Workers do not run any more: what they had taken over or not makes no difference.
	if (r->change != NULL)
		wr_fabric_change_end(r->change, c->now_us);
	wr_fabric_keep_conf(c->fabric, r->owned);
	wr_fabric_keep_conf(c->fabric, r->fresh);
	wr_conf_free(r->edited);
	wr_versions_free(r);
	free(r->good.text);
	free(r->next.text);
	free(r->look.line);
	free(r);
	c->reload = NULL;
}

// --- the file -------------------------------------------------------------------------------

static int read_whole(FILE *in, const char *file, char **text, size_t *len, struct wr_err *err)
{
	struct stat before, after;

	if (fstat(fileno(in), &before) < 0 || !S_ISREG(before.st_mode) ||
		before.st_size > (off_t)FILE_MOST)
		return wr_err_set(err, EINVAL, "%s: is no regular file of at most 16 MiB", file);
	*text = malloc((size_t)before.st_size + 1);
	if (*text == NULL)
		return wr_err_set(err, ENOMEM, "%s: out of memory", file);
	*len = fread(*text, 1, (size_t)before.st_size, in);
	(*text)[*len] = '\0';
	if (fstat(fileno(in), &after) < 0 || after.st_size != (off_t)*len ||
		after.st_mtim.tv_sec != before.st_mtim.tv_sec ||
		after.st_mtim.tv_nsec != before.st_mtim.tv_nsec)
		return wr_err_set(err, EAGAIN,
			"%s: is being written; write another file and rename it to this one", file);
	if (*len == 0 || (*text)[*len - 1] != '\n')
		return wr_err_set(err, EINVAL,
			"%s: does not end with a line feed, as if it were written in part; add one "
			"if it is whole",
			file);
	return 0;
}

static struct wr_conf *load(const char *file, struct wr_err *err)
{
	// Control's lock is held: a FIFO without a writer must not block.
	int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
	struct wr_conf *conf = NULL;
	char *text = NULL;
	size_t len = 0;

	if (in == NULL) {
		wr_err_set(err, errno, "%s: cannot be read: %s", file, strerror(errno));
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	if (read_whole(in, file, &text, &len, err) == 0)
		conf = wr_conf_parse(file, text, len, err);
	free(text);
	fclose(in);
	return conf;
}

// --- taking over ----------------------------------------------------------------------------

// Begin with `fresh`, which is owned from here on. 0 or negative errno with a sentence.
static int begin(struct wr_ctl *c, struct wr_conf *fresh, enum wr_change_kind kind,
	const char *from, struct wr_err *err)
{
	struct wr_reload *r = c->reload;
	struct wr_conf_use use = wr_fabric_conf_use(c->fabric);
	int rc = wr_conf_plan(fresh, c->conf, &use, err);

	if (rc == 0) {
		// A slot that nobody uses may be another one's from here on.
		wr_ctl_records_all(c, c->now_us);
		r->change = wr_fabric_change_begin(c->fabric, fresh, err);
		rc = r->change != NULL ? 0 : -ENOMEM;
	}
	if (rc < 0) {
		wr_conf_free(fresh);
		return rc;
	}
	r->fresh = fresh;
	r->kind = kind;
	snprintf(r->from, sizeof(r->from), "%.*s", (int)sizeof(r->from) - 1, from);
	wr_fabric_change_turn(r->change, c->now_us);
	return 0;
}

// --- what waits for a confirmation ----------------------------------------------------------

static void good_free(struct wr_reload_good *g)
{
	free(g->text);
	*g = (struct wr_reload_good){0};
}

static void confirm_end(struct wr_reload *r)
{
	r->confirm_us = r->back_us = 0;
	r->confirm_id = 0;
	good_free(&r->good);
}

// A file is in force: it ends what waited, and may wait itself. What stood behind one that nobody
// confirmed stands behind this one, too.
static void confirm_begin(struct wr_ctl *c, wr_us_t now)
{
	struct wr_reload *r = c->reload;
	struct wr_reload_good next = r->next;
	char text[64];

	r->next = (struct wr_reload_good){0};
	if (r->confirm_us != 0) {
		snprintf(text, sizeof(text), "%u, which nobody had confirmed, was replaced",
			r->confirm_id);
		event(c, WR_EV_operator, r->confirm_id, 1, text);
		if (r->confirm_s != 0) {
			good_free(&next);
			next = r->good;
			r->good = (struct wr_reload_good){0};
		}
		confirm_end(r);
	}
	if (r->confirm_s == 0) {
		good_free(&next);
		return;
	}
	r->good = next;
	r->confirm_us = now + r->confirm_s * WR_US_PER_S;
	r->confirm_id = r->in_force;
	r->confirm_s = 0;
}

static void mark_rolled_back(struct wr_reload *r, uint32_t id)
{
	for (uint32_t i = 0; i < WR_VERSIONS; i++)
		if (id != 0 && r->version[i].id == id)
			r->version[i].rolled_back = true;
}

// What operators had ordered of a service whose slot belongs to another one now, or to none.
static void forget_orders(struct wr_ctl *c, const struct wr_conf *before)
{
	for (uint16_t i = 0; i < before->service_count; i++) {
		bool gone = i >= c->conf->service_count ||
		            strcmp(before->services[i].name, c->conf->services[i].name) != 0;

		if (before->services[i].slot == WR_CONF_VACANT || !gone)
			continue;
		c->orders.level[i] = 0;
		c->orders.refuse[i] = WR_CLASSES;
		c->orders.level_owed[i] = c->orders.refuse_owed[i] = 0;
	}
}

static int keep_version(struct wr_ctl *c, const struct wr_conf *before, wr_us_t now)
{
	struct wr_reload *r = c->reload;

	return r->kind == WR_CHANGE_EDITS
	               ? wr_version_keep_edits(
				 r, before, c->conf, r->edits_under_way, time(NULL), now)
	               : wr_version_keep(r, before, c->conf, r->from, time(NULL));
}

static void finish(struct wr_ctl *c, wr_us_t now)
{
	struct wr_reload *r = c->reload;
	const struct wr_conf *before = c->conf;
	const struct wr_version *v;
	uint32_t left = r->in_force;

	wr_ctl_records_all(c, now); // names that are gone with it
	wr_fabric_change_end(r->change, now);
	r->change = NULL;
	c->conf = r->fresh;
	r->fresh = NULL;
	if (r->kind != WR_CHANGE_SWEEP && keep_version(c, before, now) < 0)
		wr_log(WR_LOG_WARN, "no memory to keep this configuration for a rollback");
	forget_orders(c, before);
	wr_conf_free(r->owned);
	r->owned = (struct wr_conf *)(uintptr_t)c->conf;
	r->done++;
	if (r->kind == WR_CHANGE_SWEEP)
		return;
	v = wr_reload_version(r, r->in_force);
	if (r->kind == WR_CHANGE_BACK) {
		mark_rolled_back(r, left);
		if (r->confirm_id != r->target) // what was edited since is left, not it
			mark_rolled_back(r, r->confirm_id);
		confirm_end(r);
		event(c, WR_EV_config_rolled_back, r->target, v != NULL ? v->lines : 0,
			r->why_back);
		return;
	}
	if (r->kind == WR_CHANGE_FILE)
		confirm_begin(c, now);
	event(c, WR_EV_config_loaded, r->in_force, v != NULL ? v->lines : 0, r->from);
}

int wr_reload_file(struct wr_ctl *c, const char *who, uint32_t confirm_s, struct wr_err *err)
{
	struct wr_reload *r = c->reload;
	struct wr_conf *fresh;
	char from[80];
	int rc;

	if (r->change != NULL)
		return wr_err_set(err, EBUSY, "another configuration is just being taken over");
	if (c->stopping)
		return wr_err_set(err, EBUSY, "the instance is stopping");
	fresh = load(c->conf->file, err);
	if (fresh == NULL) {
		refused(c, err);
		return -EINVAL;
	}
	// The file is the whole truth: what was edited since, in force or not, is part of the
	// difference.
	if (wr_conf_diff(c->conf, fresh, NULL, 0) == 0) {
		wr_edits_drop(c);
		wr_conf_free(fresh);
		return 0;
	}
	if (confirm_s != 0) {
		if (wr_version_text(c->conf, &r->next.text, &r->next.len) < 0) {
			wr_conf_free(fresh);
			return wr_err_set(err, ENOMEM, "no memory to take it back");
		}
		r->next.id = r->in_force;
	}
	snprintf(from, sizeof(from), "%s: %.60s", who, c->conf->file);
	rc = begin(c, fresh, WR_CHANGE_FILE, from, err);
	if (rc < 0) {
		good_free(&r->next);
		refused(c, err);
		return rc;
	}
	wr_edits_drop(c);
	r->confirm_s = confirm_s;
	return 1;
}

// Back to a text, which was version `id`. As wr_reload_file(), but who is refused says so.
static int go_back(struct wr_ctl *c, const char *text, size_t len, uint32_t id, const char *why,
	struct wr_err *err)
{
	struct wr_reload *r = c->reload;
	struct wr_conf *fresh = wr_conf_parse(c->conf->file, text, len, err);
	char from[80];
	int rc;

	if (fresh == NULL)
		return -EINVAL;
	if (wr_conf_diff(c->conf, fresh, NULL, 0) == 0) {
		wr_edits_drop(c);
		wr_conf_free(fresh);
		return 0;
	}
	snprintf(from, sizeof(from), "rollback to %u: %.50s", id, why);
	rc = begin(c, fresh, WR_CHANGE_BACK, from, err);
	if (rc < 0)
		return rc;
	wr_edits_drop(c);
	r->target = id;
	snprintf(r->why_back, sizeof(r->why_back), "%.*s", (int)sizeof(r->why_back) - 1, why);
	return 1;
}

int wr_reload_back(struct wr_ctl *c, uint32_t id, const char *why, struct wr_err *err)
{
	struct wr_reload *r = c->reload;
	const struct wr_version *v;
	int rc;

	if (r->change != NULL)
		return wr_err_set(err, EBUSY, "another configuration is just being taken over");
	v = id == 0 ? wr_reload_version_before(r, r->in_force) : wr_reload_version(r, id);
	if (v == NULL)
		return wr_err_set(err, ENOENT,
			"configuration %u is not kept (the last %u are); see /weir/config/history",
			id != 0 ? id : r->in_force - 1, WR_VERSIONS);
	rc = go_back(c, v->text, v->len, v->id, why, err);
	if (rc < 0)
		refused(c, err);
	return rc;
}

int wr_reload_confirm(struct wr_ctl *c, uint32_t id, struct wr_err *err)
{
	struct wr_reload *r = c->reload;

	if (r->confirm_us == 0)
		return wr_err_set(
			err, ENOENT, "configuration %u waits for no confirmation", r->in_force);
	if (id != r->confirm_id)
		return wr_err_set(err, ENOENT,
			"configuration %u waits for its confirmation, not %u", r->confirm_id, id);
	confirm_end(r);
	event(c, WR_EV_config_confirmed, id, 1, "");
	return 0;
}

int wr_reload_preview(
	struct wr_ctl *c, char (*line)[WR_CONF_DIFF_LEN], uint32_t max, struct wr_err *err)
{
	struct wr_conf *fresh = load(c->conf->file, err);
	struct wr_conf_use use = wr_fabric_conf_use(c->fabric);
	uint32_t n;
	int rc;

	if (fresh == NULL)
		return -EINVAL;
	n = wr_conf_diff(c->conf, fresh, line, max);
	rc = wr_conf_plan(fresh, c->conf, &use, err);
	wr_conf_free(fresh);
	return rc < 0 ? rc : (int)n;
}

// --- what waits ---------------------------------------------------------------------------

static void begin_edited(struct wr_ctl *c)
{
	struct wr_reload *r = c->reload;
	struct wr_conf *conf = NULL;
	struct wr_err err = {0};
	char from[80];

	snprintf(from, sizeof(from), "operator: %u edits", r->edits);
	if (wr_conf_diff(c->conf, r->edited, NULL, 0) == 0) {
		wr_edits_drop(c);
		return;
	}
	r->edits_under_way = r->edits;
	conf = wr_conf_copy(r->edited); // begin() takes it, and what was edited tells what to undo
	if (conf == NULL)
		wr_err_set(&err, ENOMEM, "out of memory for an edited configuration");
	if (conf == NULL || begin(c, conf, WR_CHANGE_EDITS, from, &err) < 0) {
		wr_edits_drop(c);
		refused(c, &err);
		return;
	}
	wr_conf_free(r->edited);
	r->edited = NULL;
	r->edits = 0;
}

// Nobody confirmed it. Tried until it is done; one that fails is told once.
static void take_back(struct wr_ctl *c, wr_us_t now)
{
	struct wr_reload *r = c->reload;
	struct wr_err err = {0};
	int rc = go_back(c, r->good.text, r->good.len, r->good.id, "nobody confirmed it", &err);

	if (rc < 0) {
		if (r->back_us == 0)
			refused(c, &err);
		r->back_us = now + AGAIN_US;
	} else if (rc == 0) {
		wr_log(WR_LOG_NOTICE, "nobody confirmed configuration %u, and edits undid it",
			r->confirm_id);
		confirm_end(r);
	}
}

static void signalled(struct wr_ctl *c)
{
	struct wr_err err = {0};
	int rc = wr_reload_file(c, "SIGHUP", 0, &err);

	if (rc == 0)
		wr_log(WR_LOG_NOTICE, "reload: the file says what is in force");
	else if (rc < 0 && c->stopping)
		wr_log(WR_LOG_WARN, "SIGHUP: the file is not read: %s", err.text);
}

// --- what has left --------------------------------------------------------------------------

static bool backend_left(const struct wr_conf_pool *p, const struct wr_conf_use *use)
{
	for (uint32_t k = 0; k < p->backend_count; k++)
		if (p->backends[k].slot == WR_CONF_LEAVING &&
			!use->backend(use->arg, p->backends[k].id))
			return true;
	return false;
}

// A pool goes when its backends and the services that it served have gone.
static bool pool_left(const struct wr_conf *conf, uint16_t pool, const struct wr_conf_use *use)
{
	if (conf->pools[pool].slot != WR_CONF_LEAVING || conf->pools[pool].backend_count > 0 ||
		use->pool(use->arg, pool))
		return false;
	for (uint32_t i = 0; i < conf->service_count; i++)
		if (conf->services[i].slot == WR_CONF_LEAVING && conf->services[i].pool == pool)
			return false;
	return true;
}

// Whether something that was removed is needed no more.
static bool has_left(struct wr_ctl *c)
{
	struct wr_conf_use use = wr_fabric_conf_use(c->fabric);

	for (uint16_t i = 0; i < c->conf->service_count; i++)
		if (c->conf->services[i].slot == WR_CONF_LEAVING && !use.service(use.arg, i))
			return true;
	for (uint16_t i = 0; i < c->conf->pool_count; i++)
		if (backend_left(&c->conf->pools[i], &use) || pool_left(c->conf, i, &use))
			return true;
	return false;
}

// Take over the same configuration without what has left, so that it is listed no more. That it
// cannot be done now does no harm.
static void sweep(struct wr_ctl *c, wr_us_t now)
{
	struct wr_err err = {0};
	struct wr_conf *same;

	c->reload->sweep_us = now + SWEEP_US;
	if (c->stopping || !has_left(c))
		return;
	same = wr_conf_copy(c->conf);
	if (same != NULL && begin(c, same, WR_CHANGE_SWEEP, "", &err) < 0)
		wr_log(WR_LOG_DEBUG, "what has left stays listed: %s", err.text);
}

wr_us_t wr_reload_turn(struct wr_ctl *c, wr_us_t now)
{
	struct wr_reload *r = c->reload;
	wr_us_t back;

	if (r->change != NULL && wr_fabric_change_turn(r->change, now))
		finish(c, now);
	if (r->change != NULL)
		return now + SOON_US;
	if (r->asked) {
		r->asked = false;
		signalled(c);
	} else if (r->confirm_us != 0 && now >= RTE_MAX(r->confirm_us, r->back_us)) {
		take_back(c, now);
	} else if (r->edited != NULL && now >= r->edited_us + EDIT_WINDOW_US) {
		begin_edited(c);
	} else if (now >= r->sweep_us) {
		sweep(c, now);
	}
	if (r->change != NULL)
		return now + SOON_US;
	back = r->confirm_us != 0 ? RTE_MAX(r->confirm_us, r->back_us) : WR_US_NEVER;
	return r->edited != NULL ? RTE_MIN(back, r->edited_us + EDIT_WINDOW_US) : back;
}

void wr_ctl_ask_reload(struct wr_ctl *c)
{
	pthread_mutex_lock(&c->lock);
	c->reload->asked = true;
	pthread_mutex_unlock(&c->lock);
}

void wr_ctl_summary(struct wr_ctl *c, struct wr_ctl_summary *out)
{
	const struct wr_reload *r = c->reload;

	pthread_mutex_lock(&c->lock);
	*out = (struct wr_ctl_summary){.reloading = r->asked || r->change != NULL,
		.config = r->in_force,
		.refused = r->failed,
		.refusal = r->last_error};
	pthread_mutex_unlock(&c->lock);
}

const struct wr_conf *wr_ctl_conf(struct wr_ctl *c)
{
	return c->conf;
}

/* SPDX-License-Identifier: BSD-3-Clause */

// /weir/config/...: reload, confirm, roll back, and what changed when.

#include "ctl_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONFIRM_MOST_S 86400
#define WAIT_ANSWERS   2 // times as long as for an answer: all workers take a configuration over
#define LOOK_US        2000
#define LOOK_AGAIN_US  WR_US_PER_S // at the file, for who only asks what it would change

// Wait, without the lock, until what was begun is over. False: it goes on.
static bool wait_done(struct wr_ctl *c, uint32_t done, struct wr_err *err)
{
	struct timespec pause = {.tv_nsec = LOOK_US * 1000};
	uint32_t most = WAIT_ANSWERS * c->answer_ms;
	bool over = false;

	for (uint32_t ms = 0; !over && ms < most; ms += LOOK_US / 1000) {
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&c->lock);
		over = c->reload->done != done;
		pthread_mutex_unlock(&c->lock);
	}
	if (!over)
		wr_err_set(err, ETIMEDOUT,
			"workers have not taken the configuration over within %u ms; it goes on",
			most);
	return over;
}

static void told(struct wr_ctl *c, struct wr_reply *r, const char *verb, int rc)
{
	const struct wr_reload *rl = c->reload;
	const struct wr_version *v = wr_reload_version(rl, rl->in_force);

	if (!wr_reply_row(r))
		return;
	wr_reply_str(r, "done",
		rc == 0 ? "nothing differs: the configuration in force stays" : "in force");
	wr_reply_str(r, "verb", verb);
	wr_reply_uint(r, "id", rl->in_force);
	wr_reply_uint(r, "changes", rc == 0 || v == NULL ? 0 : v->lines);
	if (rl->confirm_us > c->now_us)
		wr_reply_uint(r, "confirm_within_s",
			(rl->confirm_us - c->now_us + WR_US_PER_S - 1) / WR_US_PER_S);
	for (uint32_t i = 0; rc != 0 && v != NULL && i < RTE_MIN(v->lines, (uint32_t)WR_DIFF_LINES);
		i++) {
		if (!wr_reply_row(r))
			continue;
		wr_reply_text(r, "change", v->line[i]);
	}
}

// Take the lock when no change is under way, as far as that comes soon: what has left is swept away
// now and then without anybody asking.
static void lock_between(struct wr_ctl *c)
{
	struct timespec pause = {.tv_nsec = LOOK_US * 1000};

	pthread_mutex_lock(&c->lock);
	for (uint32_t ms = 0; c->reload->change != NULL && ms < c->answer_ms;
		ms += LOOK_US / 1000) {
		pthread_mutex_unlock(&c->lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&c->lock);
	}
}

// Lock not held. `id` of rollback, `confirm_s` of reload.
static void change(
	struct wr_ctl *c, const char *verb, bool back, uint32_t number, struct wr_reply *r)
{
	struct wr_err err = {0};
	uint32_t done;
	bool busy;
	int rc;

	lock_between(c);
	busy = c->reload->change != NULL || c->stopping;
	done = c->reload->done;
	rc = back ? wr_reload_back(c, number, "an operator asked for it", &err)
	          : wr_reload_file(c, "operator", number, &err);
	pthread_mutex_unlock(&c->lock);
	if (rc == 1 && !wait_done(c, done, &err))
		rc = -ETIMEDOUT;
	pthread_mutex_lock(&c->lock);
	if (rc < 0)
		wr_reply_error(r,
			busy               ? "ask again in a moment"
			: rc == -ETIMEDOUT ? "see /weir/config/history"
					   : "mend it and ask again; the running one goes on",
			"%s", err.text);
	else
		told(c, r, verb, rc);
	pthread_mutex_unlock(&c->lock);
}

void wr_act_reload(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	uint64_t s = 0;

	if (strcmp(arg, "now") != 0 && (wr_params_number(arg, CONFIRM_MOST_S, &s) != 0 || s == 0)) {
		wr_reply_error(r,
			"write reload=now, or reload=SECONDS up to 86400 within which "
			"/weir/config/confirm must follow",
			"'%.64s' is neither; nothing was done", arg);
		return;
	}
	change(c, verb, false, (uint32_t)s, r);
}

void wr_act_rollback(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	uint64_t id = 0;

	if (strcmp(arg, "previous") != 0 &&
		(wr_params_number(arg, UINT32_MAX, &id) != 0 || id == 0)) {
		wr_reply_error(r,
			"write rollback=previous, or rollback=ID with one of /weir/config/history",
			"'%.64s' is neither; nothing was done", arg);
		return;
	}
	change(c, verb, true, (uint32_t)id, r);
}

void wr_act_confirm_config(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	struct wr_err err = {0};
	uint64_t id = 0;

	pthread_mutex_lock(&c->lock);
	if (wr_params_number(arg, UINT32_MAX, &id) != 0)
		wr_reply_error(r, "write confirm=ID, as reload answered",
			"'%.64s' is no number; nothing was done", arg);
	else if (wr_reload_confirm(c, (uint32_t)id, &err) < 0)
		wr_reply_error(r, "see /weir/config/history", "%s", err.text);
	else if (wr_reply_row(r)) {
		wr_reply_str(r, "done", "it stays");
		wr_reply_str(r, "verb", verb);
		wr_reply_uint(r, "id", id);
	}
	pthread_mutex_unlock(&c->lock);
}

void wr_show_history(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const struct wr_reload *rl = c->reload;

	for (const struct wr_version *v = wr_reload_version_before(rl, UINT32_MAX); v != NULL;
		v = wr_reload_version_before(rl, v->id)) {
		bool waits = rl->confirm_us != 0 && v->id == rl->confirm_id;
		char at[32];
		struct tm tm;

		if (!wr_reply_row(r))
			continue;
		gmtime_r(&v->at, &tm);
		strftime(at, sizeof(at), "%Y-%m-%dT%H:%M:%SZ", &tm);
		wr_reply_uint(r, "id", v->id);
		wr_reply_str(r, "at", at);
		wr_reply_str(r, "from", v->from);
		wr_reply_uint(r, "changes", v->lines);
		wr_reply_str(r, "state",
			waits                   ? "to be confirmed"
			: v->id == rl->in_force ? "in force"
			: v->rolled_back        ? "rolled back"
						: "replaced");
		wr_reply_fmt(r, "sum", "%016llx", (unsigned long long)v->sum);
		if (waits && rl->confirm_us > c->now_us)
			wr_reply_uint(r, "confirm_within_s",
				(rl->confirm_us - c->now_us + WR_US_PER_S - 1) / WR_US_PER_S);
	}
}

static void put_lines(struct wr_reply *r, char (*line)[WR_CONF_DIFF_LEN], uint32_t n, uint32_t all)
{
	for (uint32_t i = 0; i < n; i++)
		if (wr_reply_row(r))
			wr_reply_text(r, "change", line[i]);
	if (all > n && wr_reply_row(r))
		wr_reply_fmt(r, "change", "and %u more", all - n);
}

// What the file would change. Reading it takes long under the lock, and any reader may ask: the
// last answer holds for a second while neither the file nor what is in force is another.
static int look_at_file(struct wr_ctl *c, struct wr_reload_look *l)
{
	struct stat now = {0};

	if (stat(c->conf->file, &now) != 0)
		now = (struct stat){0};
	if (l->there && c->now_us < l->at + LOOK_AGAIN_US && l->done == c->reload->done &&
		l->file.st_ino == now.st_ino && l->file.st_size == now.st_size &&
		l->file.st_mtim.tv_sec == now.st_mtim.tv_sec &&
		l->file.st_mtim.tv_nsec == now.st_mtim.tv_nsec)
		return l->rc;
	if (l->line == NULL)
		l->line = calloc(WR_DIFF_LINES, sizeof(*l->line));
	if (l->line == NULL)
		return wr_err_set(&l->err, ENOMEM, "out of memory");
	l->err = (struct wr_err){0};
	l->rc = wr_reload_preview(c, l->line, WR_DIFF_LINES, &l->err);
	l->file = now;
	l->at = c->now_us;
	l->done = c->reload->done;
	l->there = true;
	return l->rc;
}

static void show_file_diff(struct wr_ctl *c, struct wr_reply *r)
{
	struct wr_reload_look *l = &c->reload->look;
	int n = look_at_file(c, l);

	if (n < 0)
		wr_reply_error(r, "mend it; the running configuration goes on", "%s", l->err.text);
	else
		put_lines(r, l->line, RTE_MIN((uint32_t)n, (uint32_t)WR_DIFF_LINES), (uint32_t)n);
}

void wr_show_diff(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const struct wr_version *v;
	struct wr_err err = {0};
	uint64_t id;
	bool file;

	if (wr_params_bool(p, "file", &file, &err) != 0 ||
		wr_params_uint(p, "id", c->reload->in_force, UINT32_MAX, &id, &err) != 0) {
		wr_ctl_bad_param(r, &err, "file id");
		return;
	}
	if (file) {
		show_file_diff(c, r);
		return;
	}
	v = wr_reload_version(c->reload, (uint32_t)id);
	if (v == NULL)
		wr_reply_error(r, "see /weir/config/history", "configuration %llu is not kept",
			(unsigned long long)id);
	else
		put_lines(r, v->line, RTE_MIN(v->lines, (uint32_t)WR_DIFF_LINES), v->lines);
}

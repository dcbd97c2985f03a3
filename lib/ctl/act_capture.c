/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"
#include "ctl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

// /weir/capture. Without the lock: sessions are asked for, filters compiled and rings made before
// it is taken.

#define SPEC_REMEDY                                                                                \
	"start=key=value;...: port=, filter=, packets=, seconds=, snap=, dir=in|out|both, conn=ID"

// Request and answer in one piece: a late worker may still write there.
struct one {
	struct wr_dump_request req;
	struct wr_session_info info;
};

// The filter of the session that was named. False: an error row was written.
static bool ask_session(struct wr_ctl *c, struct wr_capture_spec *s, struct wr_reply *r)
{
	struct wr_err err = {0};
	struct one *o = NULL;
	int rc = s->worker < c->workers ? 0 : -ENOENT;

	if (rc == 0 && (o = calloc(1, sizeof(*o))) == NULL)
		rc = wr_err_set(&err, ENOMEM, "no memory for the worker's answer");
	if (rc == 0) {
		o->req.filter =
			(struct wr_session_filter){.service = -1, .backend = -1, .id = s->conn};
		o->req.max = 1;
		o->req.out = &o->info;
	}
	while (rc == 0 && o->req.cursor != UINT32_MAX) {
		struct wr_msg m = {.kind = WR_MSG_DUMP_SESSIONS};

		rc = wr_ctl_ask(c, s->worker, &m, o, &err);
	}
	if (rc > 0)
		wr_capture_spec_session(s, &o->info);
	else if (rc == 0 || rc == -ENOENT)
		wr_reply_error(r, "see /weir/conns for those that live",
			"no connection %u.%u; nothing was done", s->worker, s->conn);
	else
		wr_reply_error(r, "look with /weir/workers what that worker does, and repeat", "%s",
			err.text);
	if (rc != -ETIMEDOUT)
		free(o);
	return rc > 0;
}

static void begin(struct wr_ctl *c, const char *verb, const struct wr_capture_spec *s,
	struct wr_capture **ring, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	struct wr_err err = {0};
	struct wr_tape *t;
	char id[16];

	pthread_mutex_lock(&c->lock);
	t = wr_ctl_capture_start(c, s, ring, &err);
	if (t == NULL) {
		wr_reply_error(r,
			"see /weir/capture; end one with stop=ID, drop one with remove=ID",
			"%s; nothing was done", err.text);
	} else {
		snprintf(id, sizeof(id), "%u", t->id);
		snprintf(ev.text, sizeof(ev.text), "capture %u started: %.60s", t->id,
			s->filter[0] != '\0' ? s->filter : "everything");
		wr_act_done(c, r, &ev, verb, id, ev.text);
		if (r->row != NULL) {
			wr_reply_uint(r, "id", t->id);
			wr_reply_text(r, "file", t->file);
			wr_reply_text(r, "filter", s->filter);
		}
	}
	pthread_mutex_unlock(&c->lock);
}

static void start(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	struct wr_capture *ring[WR_MAX_WORKERS];
	struct bpf_program prog;
	struct wr_capture_spec s;
	struct wr_err err = {0};
	int rc;

	pthread_mutex_lock(&c->lock);
	rc = wr_capture_spec_parse(&s, arg, c->conf, &err);
	pthread_mutex_unlock(&c->lock);
	if (rc != 0) {
		wr_reply_error(r, SPEC_REMEDY, "%s; nothing was done", err.text);
		return;
	}
	if (s.has_conn && !ask_session(c, &s, r))
		return;
	if (wr_capture_spec_compile(&s, &prog, &err) != 0) {
		wr_reply_error(r, "write it as for tcpdump (man pcap-filter)",
			"%s; nothing was done", err.text);
		return;
	}
	if (wr_ctl_capture_rings(c, &s, &prog, ring, &err)) {
		begin(c, verb, &s, ring, r);
		wr_ctl_capture_rings_free(ring);
	} else {
		wr_reply_error(r, "free some memory, or give a smaller filter",
			"%s; nothing was done", err.text);
	}
	pcap_freecode(&prog);
}

static void end(
	struct wr_ctl *c, const char *verb, const char *arg, uint32_t id, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	bool stop = strcmp(verb, "stop") == 0;
	int rc;

	pthread_mutex_lock(&c->lock);
	rc = stop ? wr_ctl_capture_stop(c, id, "stopped by an operator")
	          : wr_ctl_capture_remove(c, id);
	snprintf(ev.text, sizeof(ev.text), "capture %u %s", id,
		stop ? "is told to end" : "was removed, its file too");
	if (rc == 0)
		wr_act_done(c, r, &ev, verb, arg, ev.text);
	else if (rc == -EBUSY)
		wr_reply_error(r, "end it first, with stop=ID",
			"capture %u has not ended; nothing was done", id);
	else if (rc == -ENOENT)
		wr_reply_error(r, "see /weir/capture for those that there are",
			stop ? "no capture %u runs; nothing was done"
			     : "no capture %u; nothing was done",
			id);
	else
		wr_reply_error(r, "see to the runtime directory", "the file of capture %u: %s", id,
			strerror(-rc));
	pthread_mutex_unlock(&c->lock);
}

void wr_act_capture(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	uint64_t id;

	if (strcmp(verb, "start") == 0)
		start(c, verb, arg, r);
	else if (wr_params_number(arg, UINT32_MAX, &id) == 0)
		end(c, verb, arg, (uint32_t)id, r);
	else
		wr_reply_error(r, "ids are numbers, as /weir/capture shows them",
			"'%.64s' is not the id of a capture; nothing was done", arg);
}

static void tape_row(struct wr_ctl *c, struct wr_reply *r, const struct wr_tape *t)
{
	static const char *const states[] = {"running", "stopping", "ended"};
	bool timed = t->state == WR_TAPE_RUNNING && t->until_us > c->now_us;

	wr_reply_uint(r, "id", t->id);
	wr_reply_str(r, "state", states[t->state]);
	wr_reply_str(r, "why", t->why);
	wr_reply_uint(r, "packets", t->packets);
	wr_reply_uint(r, "packets_max", t->spec.packets);
	wr_reply_uint(r, "lost", t->lost);
	wr_reply_uint(r, "bytes", t->bytes);
	wr_reply_uint(r, "left_ms", timed ? (t->until_us - c->now_us) / 1000 : 0);
	wr_reply_str(r, "port", t->spec.port < 0 ? "all" : c->conf->ports[t->spec.port].name);
	wr_reply_str(r, "dir", t->spec.in && t->spec.out ? "both" : t->spec.in ? "in" : "out");
	wr_reply_uint(r, "snap", t->spec.snap);
	wr_reply_text(r, "file", t->file);
	wr_reply_text(r, "filter", t->spec.filter);
}

void wr_show_capture(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	pthread_mutex_lock(&c->lock);
	for (uint32_t i = 0; c->captures != NULL && i < c->captures->count; i++)
		if (wr_reply_row(r))
			tape_row(c, r, &c->captures->tape[i]);
	pthread_mutex_unlock(&c->lock);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// What an operator may do. Each action is an event with an id; the reply says what was done.

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

/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wr_pressure.h"
#include "wr_stats.h"

// A sentence that grows; what does not fit is cut.
struct sentence {
	char *buf;
	size_t len;
	size_t used;
};

static void say(struct sentence *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void say(struct sentence *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->buf + s->used, s->len - s->used, fmt, ap);
	va_end(ap);
	if (n > 0)
		s->used += (size_t)n < s->len - s->used ? (size_t)n : s->len - s->used - 1;
}

static void say_worker(struct sentence *s, const struct wr_event *ev)
{
	if (ev->worker != UINT16_MAX)
		say(s, " of worker %u", ev->worker);
}

static void say_queue(struct sentence *s, const struct wr_event *ev, const char *scope)
{
	const char *name = ev->queue < WR_Q_COUNT ? wr_queue_name(ev->queue) : NULL;

	say(s, "queue %s", name != NULL ? name : "?");
	if (scope[0] != '\0')
		say(s, " (%s)", scope);
	say_worker(s, ev);
}

static void say_depth(struct sentence *s, const struct wr_event *ev)
{
	const char *unit = ev->queue < WR_Q_COUNT ? wr_queue_unit(ev->queue) : NULL;

	say(s, "%" PRIu64 " of %" PRIu64 " %s", ev->depth, ev->capacity,
		unit != NULL ? unit : "items");
}

static void queue_full(struct sentence *s, const struct wr_event *ev, const char *scope)
{
	const char *reason = wr_drop_name(ev->reason);

	say(s, "works queue_full: ");
	say_queue(s, ev, scope);
	say(s, " holds ");
	say_depth(s, ev);
	say(s, " at level P%u; %u refused", ev->level, ev->count > 0 ? ev->count : 1);
	if (ev->reason != WR_DROP_NONE && reason != NULL)
		say(s, ", %s: %s", reason, wr_drop_text(ev->reason));
}

static void queue_mark(struct sentence *s, const struct wr_event *ev, const char *scope)
{
	say_queue(s, ev, scope);
	if (ev->kind == WR_EV_queue_normal)
		say(s, " is below its low mark again after %u ms: ", ev->extra);
	else
		say(s, " went above its %s mark: ",
			ev->kind == WR_EV_queue_critical ? "critical" : "high");
	say_depth(s, ev);
}

static void level_change(struct sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "worker %u goes from level P%u to P%u", ev->worker, ev->extra, ev->level);
	if (ev->queue >= WR_Q_COUNT)
		return;
	say(s, "; the cause is queue %s", wr_queue_name(ev->queue));
	if (scope[0] != '\0')
		say(s, " (%s)", scope);
	if (ev->capacity > 0) {
		say(s, " with ");
		say_depth(s, ev);
	}
}

static void say_peer(struct sentence *s, const struct wr_event *ev)
{
	char peer[WR_ENDPOINT_STR];

	if (ev->a.port != 0)
		say(s, "%s", wr_endpoint_format(&ev->a, peer, sizeof(peer)));
	else
		say(s, "%s", wr_addr_format(&ev->a.addr, peer, sizeof(peer)));
}

static void conn(struct sentence *s, const struct wr_event *ev, const char *scope)
{
	if (ev->kind == WR_EV_conn_killed) {
		say(s, "an operator ended connection %s", ev->text);
		return;
	}
	say(s, "peer ");
	say_peer(s, ev);
	if (scope[0] != '\0')
		say(s, " of %s", scope);
	if (ev->kind == WR_EV_conn_resumed)
		say(s, " takes data again after %u ms", ev->extra);
	else
		say(s, " keeps its window closed; its connection pauses the other side");
	if (ev->depth > 0)
		say(s, "; %" PRIu64 " bytes wait for it", ev->depth);
	if (ev->worker != UINT16_MAX)
		say(s, " (worker %u)", ev->worker);
}

static void backend(struct sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "backend %s ", scope);
	switch (ev->kind) {
	case WR_EV_backend_up:
		say(s, "is up: it passed its checks");
		break;
	case WR_EV_backend_down:
		say(s, "is down: it failed its checks");
		if (ev->extra != 0)
			say(s, " (%s)", strerror((int)ev->extra));
		say(s, "; it had %u sessions", ev->count);
		break;
	case WR_EV_backend_probe:
		if (ev->extra == 0)
			say(s, "passed a health probe");
		else
			say(s, "failed a health probe: %s", strerror((int)ev->extra));
		break;
	default:
		say(s, "was changed by an operator: %s", ev->text);
		break;
	}
}

static void neighbour(struct sentence *s, const struct wr_event *ev)
{
	switch (ev->kind) {
	case WR_EV_neigh_conflict:
		say(s, "another station claims our address ");
		say_peer(s, ev);
		if (ev->text[0] != '\0')
			say(s, ": %s", ev->text);
		break;
	case WR_EV_neigh_failed:
		say(s, "next hop ");
		say_peer(s, ev);
		say(s, " does not answer");
		break;
	default:
		say(s, "address ");
		say_peer(s, ev);
		say(s, " passed duplicate detection and is served");
		break;
	}
}

static void port(struct sentence *s, const struct wr_event *ev, const char *scope)
{
	switch (ev->kind) {
	case WR_EV_port_checksum:
		say(s, "%s: frames arrive with unfinished checksums; on the peer's side: ", scope);
		say(s, "ethtool -K DEV tx off");
		break;
	case WR_EV_port_truncated:
		say(s, "%s: frames arrive cut short by segmentation offload; ", scope);
		say(s, "on the peer's side: ethtool -K DEV tso off gso off gro off");
		break;
	case WR_EV_port_loss:
		say(s, "%s: the kernel side lost %u frames", scope, ev->count);
		break;
	case WR_EV_port_link:
		say(s, "%s: link is %s", scope, ev->extra != 0 ? "up" : "down");
		break;
	default:
		say(s, "%s: an answer arrived on another worker than predicted", scope);
		if (ev->worker != UINT16_MAX)
			say(s, " (seen by worker %u)", ev->worker);
		break;
	}
}

static void instance(struct sentence *s, const struct wr_event *ev)
{
	if (ev->kind == WR_EV_started)
		say(s, "the instance serves");
	else if (ev->kind == WR_EV_stopping)
		say(s, "the instance refuses new connections and drains");
	else
		say(s, "the instance ended");
	if (ev->text[0] != '\0')
		say(s, " (%s)", ev->text);
}

// A kind of the catalogue that has no words here yet.
static void other(struct sentence *s, const struct wr_event *ev)
{
	const char *text = wr_event_text(ev->kind);

	say(s, "%s", text != NULL ? text : "unknown event");
	if (ev->text[0] != '\0')
		say(s, ": %s", ev->text);
}

bool wr_words_has_queue(enum wr_event_kind kind)
{
	switch (kind) {
	case WR_EV_works_queue_full:
	case WR_EV_queue_high:
	case WR_EV_queue_critical:
	case WR_EV_queue_normal:
	case WR_EV_level_change:
		return true;
	default:
		return false;
	}
}

char *wr_words_event(const struct wr_event *ev, const char *scope, char *buf, size_t len)
{
	struct sentence s = {.buf = buf, .len = len};

	buf[0] = '\0';
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_works_queue_full:
		queue_full(&s, ev, scope);
		break;
	case WR_EV_queue_high:
	case WR_EV_queue_critical:
	case WR_EV_queue_normal:
		queue_mark(&s, ev, scope);
		break;
	case WR_EV_level_change:
		level_change(&s, ev, scope);
		break;
	case WR_EV_conn_stalled:
	case WR_EV_conn_resumed:
	case WR_EV_conn_killed:
		conn(&s, ev, scope);
		break;
	case WR_EV_backend_up:
	case WR_EV_backend_down:
	case WR_EV_backend_probe:
	case WR_EV_backend_admin:
		backend(&s, ev, scope);
		break;
	case WR_EV_neigh_conflict:
	case WR_EV_neigh_failed:
	case WR_EV_addr_ready:
		neighbour(&s, ev);
		break;
	case WR_EV_port_checksum:
	case WR_EV_port_truncated:
	case WR_EV_port_loss:
	case WR_EV_port_link:
	case WR_EV_steer_miss:
		port(&s, ev, scope);
		break;
	case WR_EV_started:
	case WR_EV_stopping:
	case WR_EV_stopped:
		instance(&s, ev);
		break;
	default:
		other(&s, ev);
		break;
	}
	return buf;
}

enum wr_log_level wr_words_level(const struct wr_event *ev)
{
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_neigh_conflict:
		return WR_LOG_ERROR;
	case WR_EV_works_queue_full:
	case WR_EV_queue_critical:
	case WR_EV_backend_down:
	case WR_EV_neigh_failed:
	case WR_EV_port_checksum:
	case WR_EV_port_truncated:
	case WR_EV_port_loss:
	case WR_EV_steer_miss:
		return WR_LOG_WARN;
	case WR_EV_port_link:
		return ev->extra != 0 ? WR_LOG_NOTICE : WR_LOG_WARN;
	case WR_EV_queue_high:
	case WR_EV_level_change:
	case WR_EV_backend_up:
	case WR_EV_backend_admin:
	case WR_EV_conn_killed:
	case WR_EV_started:
	case WR_EV_stopping:
	case WR_EV_stopped:
		return WR_LOG_NOTICE;
	case WR_EV_backend_probe:
		return ev->extra != 0 ? WR_LOG_INFO : WR_LOG_DEBUG;
	default:
		return WR_LOG_INFO;
	}
}

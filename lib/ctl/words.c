/* SPDX-License-Identifier: BSD-3-Clause */
#include "words.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wr_pressure.h"
#include "wr_stats.h"

#include "words_priv.h"

#define say wr_words_say

void wr_words_say(struct wr_sentence *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->buf + s->used, s->len - s->used, fmt, ap);
	va_end(ap);
	if (n > 0)
		s->used += (size_t)n < s->len - s->used ? (size_t)n : s->len - s->used - 1;
}

static void say_worker(struct wr_sentence *s, const struct wr_event *ev)
{
	if (ev->worker != UINT16_MAX)
		say(s, " of worker %u", ev->worker);
}

static void say_on_worker(struct wr_sentence *s, const struct wr_event *ev)
{
	if (ev->worker != UINT16_MAX)
		say(s, " on worker %u", ev->worker);
}

static void say_queue(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	const char *name = ev->queue < WR_Q_COUNT ? wr_queue_name(ev->queue) : NULL;

	say(s, "queue %s", name != NULL ? name : "?");
	if (scope[0] != '\0')
		say(s, " (%s)", scope);
	say_worker(s, ev);
}

static void say_depth(struct wr_sentence *s, const struct wr_event *ev)
{
	const char *unit = ev->queue < WR_Q_COUNT ? wr_queue_unit(ev->queue) : NULL;

	say(s, "%" PRIu64 " of %" PRIu64 " %s", ev->depth, ev->capacity,
		unit != NULL ? unit : "items");
}

// What an operator can do about a full queue, in the words of the configuration and of weirctl.
static const char *cure(uint16_t queue)
{
	switch ((enum wr_queue_kind)queue) {
	case WR_Q_rx_ring:
	case WR_Q_lag:
	case WR_Q_handoff:
	case WR_Q_cpu:
		return "the worker is behind: give it a CPU of its own, or add workers";
	case WR_Q_answers:
		return "if this is a flood: weirctl deny PREFIX; if it is demand: add workers";
	case WR_Q_tx_backlog:
	case WR_Q_ipsec_buffers:
		return "the port does not take more: look at its link in weirctl ports";
	case WR_Q_conns:
	case WR_Q_sessions:
	case WR_Q_backend_wait:
	case WR_Q_disorder:
		return "raise runtime.max_sessions, or add an instance";
	case WR_Q_rx_pool:
	case WR_Q_small_pool:
		return "raise runtime.rx_mbufs; weirctl conns stalled=1 shows who holds much";
	case WR_Q_syn_hold:
	case WR_Q_syn_backlog:
		return "if this is a flood: weirctl deny PREFIX; if it is demand: add workers";
	case WR_Q_pending:
	case WR_Q_pending_wait:
	case WR_Q_backend_inflight:
	case WR_Q_pool_inflight:
		return "add backends, or raise max_connections (weirctl limit) if they can do "
		       "more";
	case WR_Q_clients:
		return "raise pressure.clients";
	case WR_Q_source_ports:
		return "add addresses to the pool's source";
	case WR_Q_crypto:
		return "a burst should never exceed the crypto queue: report it with weirctl dump";
	case WR_Q_neigh_wait:
		return "a next hop does not answer: see weirctl neighbours";
	default:
		return NULL;
	}
}

static void queue_full(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	const char *reason = wr_drop_name(ev->reason);

	say(s, "works queue_full: ");
	say_queue(s, ev, scope);
	say(s, " holds ");
	say_depth(s, ev);
	say(s, " at level P%u; %u refused", ev->level, ev->count > 0 ? ev->count : 1);
	if (ev->reason != WR_DROP_NONE && reason != NULL)
		say(s, ", %s: %s", reason, wr_drop_text(ev->reason));
	if (cure(ev->queue) != NULL)
		say(s, "; %s", cure(ev->queue));
}

static void queue_mark(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say_queue(s, ev, scope);
	if (ev->kind == WR_EV_queue_normal)
		say(s, " is below its low mark again after %u ms: ", ev->extra);
	else
		say(s, " went above its %s mark: ",
			ev->kind == WR_EV_queue_critical ? "critical" : "high");
	say_depth(s, ev);
}

static void queue_warning(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say_queue(s, ev, scope);
	say(s, " is filling: ");
	say_depth(s, ev);
	if (ev->extra == 0)
		say(s, ", not rising now");
	else
		say(s, ", full in %u.%u s at this rate", ev->extra / 1000, ev->extra % 1000 / 100);
	if (cure(ev->queue) != NULL)
		say(s, "; %s", cure(ev->queue));
}

static void say_cause(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
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

static void service_level(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "%s goes from level P%u to P%u", scope[0] != '\0' ? scope : "a service", ev->extra,
		ev->level);
	say_on_worker(s, ev);
	say_cause(s, ev, "");
}

static void door(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	if (scope[0] != '\0')
		say(s, "%s", scope);
	else if (ev->worker != UINT16_MAX)
		say(s, "worker %u", ev->worker);
	else
		say(s, "an unknown gate");
	if (ev->kind == WR_EV_door_limited)
		say(s, " lets in %u new connections a second now", ev->extra);
	else
		say(s, " lets in every new connection again after %u ms; %u were refused",
			ev->extra, ev->count);
	if (scope[0] != '\0')
		say_on_worker(s, ev);
	if (ev->kind == WR_EV_door_limited)
		say(s, scope[0] != '\0' ? ": its backends have no room for more"
					: ": it is behind with what arrives");
}

static void recorded(struct wr_sentence *s, const struct wr_event *ev)
{
	say(s, "the flight recorder");
	say_worker(s, ev);
	say(s,
		" was saved at its first critical mark: %u records of the last minute; read them "
		"with weirctl recorder --saved",
		ev->extra);
	if (ev->worker != UINT16_MAX)
		say(s, " worker=%u", ev->worker);
}

static void limit_reached(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	const char *reason = wr_drop_name(ev->reason);

	say(s, "a limit of %s is reached: %u connections refused or delayed",
		scope[0] != '\0' ? scope : "a service", ev->count > 0 ? ev->count : 1);
	if (ev->reason != WR_DROP_NONE && reason != NULL)
		say(s, ", %s: %s", reason, wr_drop_text(ev->reason));
	say(s, "; see weirctl limits and weirctl clients");
}

static void level_change(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s, "worker %u goes from level P%u to P%u", ev->worker, ev->extra, ev->level);
	say_cause(s, ev, scope);
}

static void say_peer(struct wr_sentence *s, const struct wr_event *ev)
{
	char peer[WR_ENDPOINT_STR];

	if (ev->a.port != 0)
		say(s, "%s", wr_endpoint_format(&ev->a, peer, sizeof(peer)));
	else
		say(s, "%s", wr_addr_format(&ev->a.addr, peer, sizeof(peer)));
}

static void conn(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
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
	else if (ev->kind == WR_EV_stall_closed)
		say(s, " took nothing for too long under pressure; its session was reset");
	else
		say(s, " keeps its window closed; its connection pauses the other side");
	if (ev->depth > 0)
		say(s, "; %" PRIu64 " bytes %s for it", ev->depth,
			ev->kind == WR_EV_stall_closed ? "were held" : "wait");
	if (ev->worker != UINT16_MAX)
		say(s, " (worker %u)", ev->worker);
}

static void neighbour(struct wr_sentence *s, const struct wr_event *ev)
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

static void port(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
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

static void instance(struct wr_sentence *s, const struct wr_event *ev)
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

static void admission(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	switch (ev->kind) {
	case WR_EV_service_level:
		service_level(s, ev, scope);
		break;
	case WR_EV_door_limited:
	case WR_EV_door_open:
		door(s, ev, scope);
		break;
	case WR_EV_operator:
		say(s, "an operator's order: %s", ev->text);
		break;
	case WR_EV_access_expired:
		say(s, "an access rule ended, its time being over: %s", ev->text);
		break;
	case WR_EV_recorded:
		recorded(s, ev);
		break;
	case WR_EV_slow_evicted:
		say(s, "%u sessions were reset under severe pressure", ev->count);
		say_on_worker(s, ev);
		say(s, ": they held more than their share and moved nothing");
		break;
	default:
		limit_reached(s, ev, scope);
		break;
	}
}

static void log_lost(struct wr_sentence *s, const struct wr_event *ev)
{
	say(s, "%u lines about ended sessions were not written: %s; see weirctl log", ev->count,
		ev->text);
}

static void capture_ended(struct wr_sentence *s, const struct wr_event *ev)
{
	say(s, "a capture ended with %u packets: %s", ev->count, ev->text);
}

static void header_bad(struct wr_sentence *s, const struct wr_event *ev, const char *scope)
{
	say(s,
		"%u connections to %s began without a good PROXY header and were reset, the last "
		"from ",
		ev->count > 0 ? ev->count : 1, scope[0] != '\0' ? scope : "a service");
	say_peer(s, ev);
	say(s, ": is that balancer set to send it?");
}

// A kind of the catalogue that has no words of its own here.
static void other(struct wr_sentence *s, const struct wr_event *ev)
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
	case WR_EV_queue_warning:
	case WR_EV_service_level:
	case WR_EV_level_change:
		return true;
	default:
		return false;
	}
}

char *wr_words_event(const struct wr_event *ev, const char *scope, char *buf, size_t len)
{
	struct wr_sentence s = {.buf = buf, .len = len};

	buf[0] = '\0';
	if (wr_words_backend(&s, ev, scope) || wr_words_ipsec(&s, ev, scope))
		return buf;
	switch ((enum wr_event_kind)ev->kind) {
	case WR_EV_works_queue_full:
		queue_full(&s, ev, scope);
		break;
	case WR_EV_queue_high:
	case WR_EV_queue_critical:
	case WR_EV_queue_normal:
		queue_mark(&s, ev, scope);
		break;
	case WR_EV_queue_warning:
		queue_warning(&s, ev, scope);
		break;
	case WR_EV_service_level:
	case WR_EV_door_limited:
	case WR_EV_door_open:
	case WR_EV_operator:
	case WR_EV_access_expired:
	case WR_EV_recorded:
	case WR_EV_slow_evicted:
	case WR_EV_limit_reached:
		admission(&s, ev, scope);
		break;
	case WR_EV_level_change:
		level_change(&s, ev, scope);
		break;
	case WR_EV_conn_stalled:
	case WR_EV_conn_resumed:
	case WR_EV_conn_killed:
	case WR_EV_stall_closed:
		conn(&s, ev, scope);
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
	case WR_EV_log_lost:
		log_lost(&s, ev);
		break;
	case WR_EV_capture_ended:
		capture_ended(&s, ev);
		break;
	case WR_EV_proxy_header_bad:
		header_bad(&s, ev, scope);
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
	case WR_EV_config_refused:
	case WR_EV_pool_empty:
	case WR_EV_ipsec_keys_refused:
	case WR_EV_ipsec_closed:
		return WR_LOG_ERROR;
	case WR_EV_works_queue_full:
	case WR_EV_queue_critical:
	case WR_EV_queue_warning:
	case WR_EV_door_limited:
	case WR_EV_recorded:
	case WR_EV_slow_evicted:
	case WR_EV_backend_down:
	case WR_EV_breaker_open:
	case WR_EV_breaker_withheld:
	case WR_EV_pool_spill:
	case WR_EV_pool_fail_open:
	case WR_EV_config_rolled_back:
	case WR_EV_log_lost:
	case WR_EV_proxy_header_bad:
	case WR_EV_neigh_failed:
	case WR_EV_port_checksum:
	case WR_EV_port_truncated:
	case WR_EV_port_loss:
	case WR_EV_steer_miss:
	case WR_EV_ipsec_ending:
	case WR_EV_ipsec_refused:
		return WR_LOG_WARN;
	case WR_EV_port_link:
		return ev->extra != 0 ? WR_LOG_NOTICE : WR_LOG_WARN;
	case WR_EV_queue_high:
	case WR_EV_level_change:
	case WR_EV_service_level:
	case WR_EV_door_open:
	case WR_EV_operator:
	case WR_EV_access_expired:
	case WR_EV_backend_up:
	case WR_EV_backend_admin:
	case WR_EV_backend_agent:
	case WR_EV_backend_drained:
	case WR_EV_breaker_half_open:
	case WR_EV_breaker_closed:
	case WR_EV_pool_return:
	case WR_EV_pool_fail_open_end:
	case WR_EV_config_loaded:
	case WR_EV_config_confirmed:
	case WR_EV_capture_ended:
	case WR_EV_conn_killed:
	case WR_EV_ipsec_keys:
	case WR_EV_ipsec_switched:
	case WR_EV_ipsec_retired:
	case WR_EV_ipsec_open:
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

/* SPDX-License-Identifier: BSD-3-Clause */

// The control thread of a running instance: its turns, and what a service manager hears of them.

#include "weir.h"

#include <stdio.h>
#include <time.h>

#include "wr_event.h"
#include "wr_version.h"

static void raise_event(struct instance *in, enum wr_event_kind kind, const char *text)
{
	struct wr_event ev = {.at_us = wr_clock_now(),
		.kind = (uint16_t)kind,
		.worker = UINT16_MAX,
		.queue = UINT16_MAX,
		.count = 1};

	snprintf(ev.text, sizeof(ev.text), "%s", text);
	wr_ctl_event(in->ctl, &ev);
}

// --- the service manager
// -------------------------------------------------------------------------

struct sight {
	struct wr_ctl_summary of; // as it was last told
	bool refused;             // what came after the configuration in force
	bool stopping;
	wr_us_t next_us; // when its line is made again
};

#define LINE_EVERY_US WR_US_PER_S

static uint64_t look_at_workers(struct instance *in, uint64_t clock[WR_MAX_WORKERS])
{
	struct wr_stats_snapshot s;
	uint64_t sessions = 0;

	for (uint16_t i = 0; i < wr_fabric_workers(in->fabric); i++) {
		wr_worker_stats(wr_fabric_worker(in->fabric, i), &s);
		clock[i] = s.gauges.now_us;
		sessions += s.gauges.sessions;
	}
	return sessions;
}

static void put_status(struct instance *in, const struct sight *s, char buf[NOTIFY_STATUS_LEN])
{
	uint64_t clock[WR_MAX_WORKERS];
	uint64_t sessions = look_at_workers(in, clock);

	if (s->refused)
		snprintf(buf, NOTIFY_STATUS_LEN,
			"serves with configuration %u: the new one was "
			"refused: %.160s",
			s->of.config, s->of.refusal.text);
	else
		snprintf(buf, NOTIFY_STATUS_LEN, "%s: %llu sessions, configuration %u",
			s->stopping ? "stopping" : "serves", (unsigned long long)sessions,
			s->of.config);
}

static void tell(struct instance *in, struct sight *s, wr_us_t now)
{
	struct notify *n = &in->notify;
	uint64_t clock[WR_MAX_WORKERS];
	struct wr_ctl_summary of;
	char line[NOTIFY_STATUS_LEN];
	bool moved;

	if (n->fd < 0)
		return;
	wr_ctl_summary(in->ctl, &of);
	moved = of.config != s->of.config || of.refused != s->of.refused;
	if (moved)
		s->refused = of.refused != s->of.refused;
	s->of = of;
	notify_reload(n, of.reloading && !s->stopping);
	// What the workers count is copied for a line, so not each turn.
	if (moved || now >= s->next_us) {
		s->next_us = now + LINE_EVERY_US;
		put_status(in, s, line);
		notify_status(n, line, moved, now);
	}
	if (!notify_watchdog_due(n, now))
		return;
	look_at_workers(in, clock);
	notify_watchdog(n, clock, wr_fabric_workers(in->fabric), now);
}

// --- turns
// ---------------------------------------------------------------------------------------

static void turn(struct instance *in)
{
	wr_us_t wait = wr_ctl_turn(in->ctl, wr_clock_now());
	struct timespec ts = {.tv_nsec = (long)(wait < 10000 ? wait : 10000) * 1000};

	if (ts.tv_nsec > 0)
		nanosleep(&ts, NULL);
}

static void abort_sessions(struct instance *in)
{
	wr_us_t limit;

	for (uint16_t i = 0; i < wr_fabric_workers(in->fabric); i++) {
		struct wr_msg m = {.kind = WR_MSG_ABORT_ALL};

		wr_worker_call(wr_fabric_worker(in->fabric, i), &m, 2000);
	}
	// Workers end some sessions a turn; the last resets leave with the turn after.
	limit = wr_clock_now() + 2 * WR_US_PER_S;
	while (!wr_ctl_drained(in->ctl) && wr_clock_now() < limit)
		turn(in);
	for (wr_us_t end = wr_clock_now() + 20 * WR_US_PER_MS; wr_clock_now() < end;)
		turn(in);
}

static void started(struct instance *in, struct sight *s)
{
	char line[NOTIFY_STATUS_LEN];

	raise_event(in, WR_EV_started, WR_VERSION);
	wr_ctl_summary(in->ctl, &s->of);
	put_status(in, s, line);
	notify_ready(&in->notify, line, wr_clock_now());
}

static void end(struct instance *in, struct sight *s, const volatile sig_atomic_t *ends)
{
	wr_us_t limit = wr_ctl_conf(in->ctl)->runtime.drain_timeout_us, deadline;

	raise_event(in, WR_EV_stopping, "signal");
	s->stopping = true;
	notify_stopping(&in->notify, limit);
	wr_ctl_begin_stop(in->ctl, wr_clock_now());
	deadline = wr_clock_now() + limit;
	while (*ends == 1 && !wr_ctl_drained(in->ctl) && wr_clock_now() < deadline) {
		turn(in);
		tell(in, s, wr_clock_now());
	}
	if (!wr_ctl_drained(in->ctl))
		abort_sessions(in);
	raise_event(in, WR_EV_stopped,
		*ends > 1                   ? "at once, by a second signal"
		: wr_clock_now() < deadline ? "drained"
					    : "drain time over, the rest reset");
	turn(in);
}

void serve(struct instance *in, volatile sig_atomic_t *ends, volatile sig_atomic_t *reload)
{
	struct sight s = {0};
	bool ready = false;

	while (*ends == 0) {
		if (*reload) {
			*reload = 0;
			wr_ctl_ask_reload(in->ctl);
			if (ready) // before the turn, which may end it
				tell(in, &s, wr_clock_now());
		}
		turn(in);
		if (ready) {
			tell(in, &s, wr_clock_now());
		} else if (wr_l3_ready(wr_fabric_l3(in->fabric))) {
			ready = true;
			started(in, &s);
		}
	}
	end(in, &s, ends);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <assert.h>
#include <time.h>

#include "words.h"

static_assert(WR_HISTORY_SCOPE >= WR_SCOPE_LEN, "the history cuts names");

#define COLLECT_MAX 512 // events of one worker a turn

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void log_event(struct wr_ctl *c, const struct wr_history_entry *e)
{
	const struct wr_event *ev = &e->ev;
	char words[WR_WORDS_LEN];
	uint32_t hidden;

	if (!wr_history_may_log(&c->history, ev->kind, e->unix_ms, &hidden))
		return;
	wr_words_event(ev, e->scope, words, sizeof(words));
	wr_log(wr_words_level(ev), "%s", words);
	if (hidden > 0)
		wr_log(WR_LOG_NOTICE,
			"%u more %s events came too fast for the log; /weir/events has them",
			hidden, wr_event_name(ev->kind));
}

void wr_ctl_event_add(struct wr_ctl *c, struct wr_event *ev)
{
	struct wr_history_entry *e;

	if (ev->at_us == 0)
		ev->at_us = c->now_us;
	e = wr_history_add(&c->history, ev, wall_ms());
	wr_ctl_event_scope(c, ev, e->scope, sizeof(e->scope));
	log_event(c, e);
}

void wr_ctl_event(struct wr_ctl *c, struct wr_event *ev)
{
	ev->worker = UINT16_MAX;
	pthread_mutex_lock(&c->lock);
	wr_ctl_event_add(c, ev);
	pthread_mutex_unlock(&c->lock);
}

bool wr_ctl_events_collect(struct wr_ctl *c)
{
	bool more = false;

	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_event_ring *ring = wr_worker_events(wr_fabric_worker(c->fabric, w));
		struct wr_event ev;
		uint32_t n;

		for (n = 0; n < COLLECT_MAX && wr_event_pop(ring, &ev); n++)
			wr_ctl_event_add(c, &ev);
		more = more || n == COLLECT_MAX;
	}
	return more;
}

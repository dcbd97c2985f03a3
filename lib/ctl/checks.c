/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>

#include "wr_hash.h"

// What lib/backend has decided goes to those whom it concerns.

#define CHECKS_MAX 256 // handed out in one turn; the rest follows in the next

// One worker checks a backend, so that it sees one checker (DESIGN 2).
static struct wr_worker *prober(struct wr_ctl *c, uint16_t backend)
{
	uint64_t h = wr_hash_mum(backend + 1, 0x9e3779b97f4a7c15ULL);

	return wr_fabric_worker(c->fabric, (uint16_t)(h % c->workers));
}

static uint32_t everyone(const struct wr_ctl *c)
{
	return (uint32_t)(((uint64_t)1 << c->workers) - 1);
}

static void take_events(struct wr_ctl *c)
{
	struct wr_event ev;

	while (wr_backends_next_event(c->backends, &ev)) {
		ev.worker = UINT16_MAX;
		ev.queue = UINT16_MAX;
		// Who came back must not lose the sessions that it gets now.
		if (ev.kind == WR_EV_backend_up && ev.scope < WR_MAX_BACKENDS)
			c->watch[ev.scope].kill = 0;
		wr_ctl_event_add(c, &ev);
	}
}

// Tell workers that have not been told yet to reset a backend's sessions.
static void kill_sessions(struct wr_ctl *c, uint16_t backend)
{
	struct wr_ctl_watch *w = &c->watch[backend];
	const struct wr_msg m = {.kind = WR_MSG_KILL_BACKEND, .a = backend, .t = w->kill_us};

	// Nobody is there any more, so there is nothing to reset.
	if (wr_backends_get(c->backends, backend) == NULL)
		w->kill = 0;
	for (uint16_t i = 0; w->kill != 0 && i < c->workers; i++)
		if ((w->kill & (1u << i)) != 0 &&
			wr_worker_post(wr_fabric_worker(c->fabric, i), &m) == 0)
			w->kill &= ~(1u << i);
	c->kills_owed |= w->kill != 0;
}

// A worker that is told at once ends what is there when it hears of it, and by then picks nobody
// else for that backend. One that is told later must spare those who came when it was back.
static void take_kills(struct wr_ctl *c, wr_us_t now)
{
	bool owed = c->kills_owed;
	uint16_t id;

	c->kills_owed = false;
	for (uint32_t i = 0; owed && i < wr_backends_count(c->backends); i++)
		if (c->watch[i].kill != 0) {
			if (c->watch[i].kill_us == 0)
				c->watch[i].kill_us = now;
			kill_sessions(c, (uint16_t)i);
		}
	while (wr_backends_next_kill(c->backends, &id)) {
		c->watch[id].kill = everyone(c);
		c->watch[id].kill_us = 0;
		kill_sessions(c, id);
	}
}

static void take_limits(struct wr_ctl *c)
{
	uint32_t limit;
	uint16_t id;

	while (wr_backends_next_limit(c->backends, &id, &limit)) {
		const struct wr_backend *be = wr_backends_get(c->backends, id);

		// Who left meanwhile has no limit to set.
		if (be != NULL)
			(void)wr_proxy_shared_limit(c->shared, be->pool, id, limit);
	}
}

// Errors of ours are no verdict on a backend; lib/backend does not count them either.
static bool our_fault(int err)
{
	return err == EADDRNOTAVAIL || err == EADDRINUSE || err == ENOBUFS || err == ENOMEM ||
	       err == ENETUNREACH;
}

// A new check is asked once the one before is judged, so that each is counted once.
static void count_last(struct wr_ctl *c, const struct wr_check *check)
{
	const struct wr_backend *be = wr_backends_get(c->backends, check->backend);
	struct wr_ctl_watch *w = &c->watch[check->backend];

	if (be == NULL || check->slot != WR_CHECK_SLOT_HEALTH || !be->check[check->slot].known ||
		our_fault(be->check[check->slot].last.err))
		return;
	w->checks++;
	w->checks_failed += be->check[check->slot].last.err != 0;
}

// False: its mailbox is full, so that it is asked again soon.
static bool hand_out(struct wr_ctl *c, const struct wr_check *check)
{
	const struct wr_msg m = {
		.kind = WR_MSG_CHECK,
		.a = check->backend,
		.b = check->asked,
		.c = check->kind | (uint32_t)check->slot << 8,
		.t = check->timeout_us,
	};

	if (wr_worker_post(prober(c, check->backend), &m) != 0)
		return false;
	count_last(c, check);
	return true;
}

wr_us_t wr_ctl_checks_turn(struct wr_ctl *c, wr_us_t now)
{
	wr_us_t next = wr_backends_turn(c->backends, now);
	struct wr_check check;

	take_events(c);
	take_kills(c, now);
	take_limits(c);
	for (uint32_t n = 0; wr_backends_next_check(c->backends, now, &check); n++) {
		if (!hand_out(c, &check))
			wr_backends_check_unsent(c->backends, &check, now);
		if (n == CHECKS_MAX)
			return now;
	}
	return next;
}

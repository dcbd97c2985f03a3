/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TURN_MAX_US (10 * WR_US_PER_MS)
#define ANSWER_MS   1000 // a worker answers between two turns; this is for one that hangs

// Only jitter hangs on it; two boxes with one configuration must not probe in step.
static uint64_t jitter_seed(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_nsec ^ ((uint64_t)getpid() << 32);
}

struct wr_ctl *wr_ctl_create(struct wr_fabric *f, struct wr_err *err)
{
	struct wr_ctl *c = calloc(1, sizeof(*c));
	uint32_t backends;

	if (c == NULL)
		goto err_out;
	c->fabric = f;
	c->conf = wr_fabric_conf(f);
	c->backends = wr_fabric_backends(f);
	c->l3 = wr_fabric_l3(f);
	c->workers = wr_fabric_workers(f);
	c->shared = wr_fabric_shared(f);
	wr_ctl_orders_init(&c->orders);
	c->answer_ms = ANSWER_MS;
	wr_rng_init(&c->rng, jitter_seed());
	backends = wr_backends_count(c->backends);
	c->probe = calloc(backends + 1, sizeof(*c->probe));
	if (c->probe == NULL || wr_history_init(&c->history) != 0)
		goto err_free;
	for (uint32_t i = 0; i < backends; i++)
		c->probe[i].last_err = -1;
	pthread_mutex_init(&c->lock, NULL);
	if (wr_ctl_commands_attach(c, err) != 0)
		goto err_destroy_lock;
	return c;

err_destroy_lock:
	pthread_mutex_destroy(&c->lock);
	wr_history_fini(&c->history);
err_free:
	free(c->probe);
	free(c);
err_out:
	wr_err_set(err, ENOMEM, "no memory for the control thread's tables");
	return NULL;
}

void wr_ctl_destroy(struct wr_ctl *c)
{
	if (c == NULL)
		return;
	wr_ctl_commands_detach(c);
	// Workers do not run any more, so that nobody writes there.
	for (uint32_t i = 0; i < c->limbo_count; i++)
		free(c->limbo[i]);
	pthread_mutex_destroy(&c->lock);
	wr_history_fini(&c->history);
	free(c->probe);
	free(c);
}

static void tell_stop(struct wr_ctl *c)
{
	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_msg m = {.kind = WR_MSG_STOP_ACCEPT, .done = &c->stop_done[w]};

		if ((c->stop_owed & (1u << w)) == 0)
			continue;
		if (wr_worker_post(wr_fabric_worker(c->fabric, w), &m) == 0)
			c->stop_owed &= ~(1u << w);
	}
}

wr_us_t wr_ctl_turn(struct wr_ctl *c, wr_us_t now)
{
	wr_us_t next, wait;
	bool more;

	pthread_mutex_lock(&c->lock);
	c->now_us = now;
	if (!c->turned) {
		c->turned = true;
		c->started_us = now;
	}
	more = wr_ctl_events_collect(c);
	next = wr_ctl_health_turn(c, now);
	wr_ctl_losses_turn(c, now);
	wr_ctl_rules_turn(c, now);
	wr_ctl_orders_turn(c);
	wr_backends_reclaim(c->backends);
	wr_access_reclaim(c->shared->access);
	if (c->stop_owed != 0)
		tell_stop(c);
	pthread_mutex_unlock(&c->lock);
	if (more || next <= now)
		return 0;
	wait = next - now;
	return RTE_MIN(wait, TURN_MAX_US);
}

void wr_ctl_begin_stop(struct wr_ctl *c, wr_us_t now)
{
	pthread_mutex_lock(&c->lock);
	c->now_us = now;
	if (!c->stopping) {
		c->stopping = true;
		c->stop_owed = (uint32_t)(((uint64_t)1 << c->workers) - 1);
		tell_stop(c);
	}
	pthread_mutex_unlock(&c->lock);
}

// A worker is empty when a block that it published after it stopped accepting says so.
static bool drained(struct wr_ctl *c, uint16_t w)
{
	struct wr_stats_snapshot s;

	if (__atomic_load_n(&c->stop_done[w], __ATOMIC_ACQUIRE) == 0)
		return false;
	wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
	if (c->stop_seen[w] == 0) {
		c->stop_seen[w] = s.gauges.now_us + 1;
		return false;
	}
	return s.gauges.now_us >= c->stop_seen[w] && s.gauges.sessions == 0 &&
	       s.gauges.pay_send_held_bytes == 0;
}

bool wr_ctl_drained(struct wr_ctl *c)
{
	bool all;

	pthread_mutex_lock(&c->lock);
	all = c->stopping;
	// Every worker is asked each time: the first look at one only notes its clock.
	for (uint16_t w = 0; c->stopping && w < c->workers; w++)
		all &= drained(c, w);
	pthread_mutex_unlock(&c->lock);
	return all;
}

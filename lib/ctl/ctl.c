/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"
#include "ipsec.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN_MAX_US (10 * WR_US_PER_MS)
#define ANSWER_MS   1000 // a worker answers between two turns; this is for one that hangs

struct wr_ctl *wr_ctl_create(struct wr_fabric *f, struct wr_err *err)
{
	struct wr_ctl *c = calloc(1, sizeof(*c));

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
	c->watch = calloc(WR_MAX_BACKENDS, sizeof(*c->watch));
	if (c->watch == NULL || wr_sink_init(&c->sink) != 0)
		goto err_free;
	if (wr_history_init(&c->history) != 0)
		goto err_fini_sink;
	if (wr_reload_init(c) != 0)
		goto err_fini_history;
	if (wr_ctl_ipsec_init(c, err) != 0)
		goto err_fini_history;
	pthread_mutex_init(&c->lock, NULL);
	if (wr_ctl_commands_attach(c, err) != 0)
		goto err_destroy_lock;
	return c;

err_destroy_lock:
	pthread_mutex_destroy(&c->lock);
	wr_ctl_ipsec_fini(c);
err_fini_history:
	wr_reload_fini(c);
	wr_history_fini(&c->history);
err_fini_sink:
	wr_sink_fini(&c->sink);
err_free:
	free(c->watch);
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
	wr_ctl_capture_fini(c);
	// Before the fabric, which owns the device and the table of associations.
	wr_ctl_ipsec_fini(c);
	wr_reload_fini(c);
	pthread_mutex_destroy(&c->lock);
	wr_history_fini(&c->history);
	wr_sink_fini(&c->sink);
	free(c->watch);
	free(c);
}

void wr_ctl_set_key(struct wr_ctl *c, const char *hex)
{
	if (strlen(hex) != WR_CTL_KEY_LEN || strspn(hex, "0123456789abcdef") != WR_CTL_KEY_LEN)
		hex = "";
	pthread_mutex_lock(&c->lock);
	snprintf(c->act_key, sizeof(c->act_key), "%s", hex);
	pthread_mutex_unlock(&c->lock);
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
	next = wr_ctl_checks_turn(c, now);
	wr_ctl_rates_turn(c, now);
	more |= wr_ctl_records_turn(c, now);
	wr_ctl_losses_turn(c, now);
	wr_ctl_rules_turn(c, now);
	wr_ctl_orders_turn(c);
	next = RTE_MIN(next, wr_reload_turn(c, now));
	next = RTE_MIN(next, wr_ctl_ipsec_turn(c, now));
	next = RTE_MIN(next, wr_ctl_capture_turn(c, now));
	wr_fabric_turn(c->fabric, now);
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

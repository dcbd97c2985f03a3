/* SPDX-License-Identifier: BSD-3-Clause */

// The one place that reads a clock: the loop as a thread.

#include "worker_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include <rte_cycles.h>

#define NAP_AFTER_US 200   // without work for so long
#define NAP_NS       50000 // short enough for any timer of the engine
#define STAGE_EVERY  16    // turns, of which one measures its stages

wr_us_t wr_clock_now(void)
{
	// Control and worker threads; set once before workers start, by the first call.
	static uint64_t start, scale;

	if (scale == 0) {
		start = rte_get_tsc_cycles();
		scale = (WR_US_PER_S << 32) / rte_get_tsc_hz();
	}
	return (wr_us_t)(((__uint128_t)(rte_get_tsc_cycles() - start) * scale) >> 32) + 1;
}

// Whether the kernel keeps other work off this CPU (isolcpus): then the loop never naps.
static bool cpu_is_isolated(uint16_t cpu)
{
	FILE *f = fopen("/sys/devices/system/cpu/isolated", "r");
	char list[1024] = "";
	bool found = false;

	if (f == NULL)
		return false;
	if (fgets(list, sizeof(list), f) != NULL) {
		for (char *at = list, *end; *at >= '0' && *at <= '9' && !found;
			at = end + (*end == ',')) {
			unsigned long first = strtoul(at, &end, 10), last = first;

			if (*end == '-')
				last = strtoul(end + 1, &end, 10);
			found = cpu >= first && cpu <= last;
		}
	}
	fclose(f);
	return found;
}

int wr_worker_run(void *arg)
{
	struct wr_worker *w = arg;
	struct wr_fabric *f = w->fabric;
	struct rte_rcu_qsbr *rcu = wr_backends_rcu(f->cfg.backends);
	struct timespec nap = {.tv_nsec = NAP_NS};
	bool may_nap = !cpu_is_isolated(w->cpu);
	wr_us_t worked = wr_clock_now();
	uint64_t before = rte_get_tsc_cycles();
	uint32_t turns = 0;

	prctl(PR_SET_TIMERSLACK, 1000UL, 0, 0, 0);
	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		wr_us_t now = wr_clock_now();
		uint32_t done;
		uint64_t after;

		w->measure = turns++ % STAGE_EVERY == 0;
		done = wr_worker_turn(w, now);
		after = rte_get_tsc_cycles();

		wr_stats_add(&w->stats, WR_CTR_cycles, after - before);
		if (done > 0) {
			wr_stats_add(&w->stats, WR_CTR_cycles_busy, after - before);
			worked = now;
		} else if (may_nap && now - worked > NAP_AFTER_US) {
			rte_rcu_qsbr_thread_offline(rcu, w->id);
			nanosleep(&nap, NULL);
			rte_rcu_qsbr_thread_online(rcu, w->id);
			after = rte_get_tsc_cycles(); // sleep is not work
		}
		before = after;
	}
	wr_pressure_flush(&w->pressure, wr_clock_now());
	worker_publish(w, wr_clock_now());
	rte_rcu_qsbr_thread_offline(rcu, w->id);
	return 0;
}

void wr_fabric_stop(struct wr_fabric *f)
{
	__atomic_store_n(&f->stop, true, __ATOMIC_RELAXED);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_cycles.h>

#include "worker_priv.h"

// Where the loop's cycles go: one turn in 16 of a running worker reads the time-stamp counter
// between its phases, and what it measured is counted if the turn moved anything. A turn that
// measures nothing pays a test a phase.

static inline void stage_begin(struct wr_worker *w)
{
	if (w->measure)
		w->lap_from = rte_rdtsc();
}

// The phase that ends here took the cycles since the one before it.
static inline void stage_end(struct wr_worker *w, enum wr_counter stage)
{
	uint64_t now;

	if (!w->measure)
		return;
	now = rte_rdtsc();
	w->lap[stage - WR_CTR_stage_port_rx] += now - w->lap_from;
	w->lap_from = now;
}

// The turn is over; `frames` moved in it, received and sent.
static inline void stage_turn(struct wr_worker *w, uint64_t frames, bool moved)
{
	if (!w->measure)
		return;
	for (uint32_t i = 0; i < RTE_DIM(w->lap); i++) {
		if (moved)
			wr_stats_add(
				&w->stats, (enum wr_counter)(WR_CTR_stage_port_rx + i), w->lap[i]);
		w->lap[i] = 0;
	}
	if (moved)
		wr_stats_add(&w->stats, WR_CTR_stage_frames, frames);
}

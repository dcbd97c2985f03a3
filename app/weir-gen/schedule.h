/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "gen.h"
#include "wr_rng.h"

// When the arrivals of an open loop are intended, in nanoseconds. Each time follows from the model
// and the number of the arrival alone, never from when the loop got around to the one before.

struct schedule {
	enum gen_load_model model;
	uint32_t rate, rate_to, burst;
	uint64_t period_ns;
	uint64_t origin_ns;
	uint64_t number;   // of the next arrival
	uint64_t next_ns;  // its time; UINT64_MAX: none comes
	uint64_t carry_ps; // poisson: what is left of a nanosecond
	struct wr_rng rng;
};

// Nothing is due before the start.
void schedule_init(struct schedule *s, const struct gen_client *conf, uint64_t seed);

// Arrival 0 of constant, burst, ramp and step comes at `at_ns`, of poisson one gap later.
void schedule_start(struct schedule *s, uint64_t at_ns);

// A new `rate`; the model begins again at `at_ns`.
void schedule_set_rate(struct schedule *s, uint32_t rate, uint64_t at_ns);

// Go on to the next arrival.
void schedule_advance(struct schedule *s);

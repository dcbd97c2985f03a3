/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "triple.h"

// The control thread of a random scenario: real checks, verdicts and breakers, and configurations
// that change at random times. It draws numbers of its own, so that all else of a seed is what it
// is without.

struct reloads {
	struct wr_rng rng;
	bool on;
	bool second_up; // the second service is there, for who comes now
	bool limited;   // a limit was in force once: somebody may have been refused
	uint32_t left;  // changes still to come
	wr_us_t next_turn, next_change;
};

// Half of the seeds have one.
void reloads_init(struct reloads *r, uint64_t seed);
// What a scenario is made with: lines of the pool, stations to spare.
void reloads_configure(struct reloads *r, struct tri_config *c);
// What is due now.
void reloads_turn(struct reloads *r, struct triple *t);

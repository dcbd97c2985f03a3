/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

// A seeded random source owned by its caller: xoshiro256** (Blackman, Vigna 2018). The same seed
// gives the same run. Not for secrets: keys come from getrandom(2) at start, as parameters.
struct wr_rng {
	uint64_t s[4];
};

// Fill the state from a seed through splitmix64; any seed is good.
void wr_rng_init(struct wr_rng *rng, uint64_t seed);

uint64_t wr_rng_next(struct wr_rng *rng);

// Uniform in [0, bound) (Lemire's multiply-shift); 0 when bound is 0.
uint32_t wr_rng_below(struct wr_rng *rng, uint32_t bound);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "gen.h"
#include "wr_rng.h"

// Random times. wr_rng_next() is the only source.

wr_us_t dist_draw(const struct gen_dist *d, struct wr_rng *rng);

// Exponential with this mean, in nanoseconds: gaps of a Poisson process.
uint64_t dist_exponential_ns(uint64_t mean_ns, struct wr_rng *rng);

// Check the parameters (pareto needs a shape above 1, ...). 0 or -EINVAL with a sentence.
int dist_check(const struct gen_dist *d, struct wr_err *err);

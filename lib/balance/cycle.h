/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

// A cycle for weighted round robin: everybody as often as its weight says, as evenly spread as
// integers allow.

#define WR_CYCLE_MAX (1u << 20) // slots: 4096 backends of weight 256

// A cycle of the indices of `weight`, as long as the sum of weights divided by their greatest
// divisor; weights above 0. A sum above WR_CYCLE_MAX is made to fit by halving the weights: shares
// are near then, not exact. NULL: out of memory. Control thread; free() it.
uint16_t *wr_cycle_build(const uint16_t *weight, uint32_t n, uint32_t *size);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

// Arithmetic of 32-bit sequence numbers and timestamps, modulo 2^32 (RFC 9293 3.4, RFC 7323 5.2).

static inline bool wr_seq_lt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static inline bool wr_seq_leq(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) <= 0;
}

static inline bool wr_seq_gt(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static inline bool wr_seq_geq(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) >= 0;
}

static inline uint32_t wr_seq_max(uint32_t a, uint32_t b)
{
	return wr_seq_gt(a, b) ? a : b;
}

static inline uint32_t wr_seq_min(uint32_t a, uint32_t b)
{
	return wr_seq_lt(a, b) ? a : b;
}

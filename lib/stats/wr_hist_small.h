/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

// A histogram of times small enough to keep one per backend and worker: eight buckets a power of
// two (values are exact to 12.5 %), of 32 bits each, from 0 to 2^36 us (19 hours). One writer; any
// thread adds them up and may be a count behind. 1,096 bytes.

#define WR_HIST_SMALL_SUB_BITS 3
#define WR_HIST_SMALL_MAX_BITS 36
#define WR_HIST_SMALL_BUCKETS                                                                      \
	((WR_HIST_SMALL_MAX_BITS - WR_HIST_SMALL_SUB_BITS + 1) << WR_HIST_SMALL_SUB_BITS)

struct wr_hist_small {
	uint64_t sum;
	uint32_t bucket[WR_HIST_SMALL_BUCKETS];
};

static inline uint32_t wr_hist_small_index(uint64_t v)
{
	uint32_t top;

	if (v < (1u << WR_HIST_SMALL_SUB_BITS))
		return (uint32_t)v;
	if (v >> WR_HIST_SMALL_MAX_BITS)
		return WR_HIST_SMALL_BUCKETS - 1;
	top = 63u - (uint32_t)__builtin_clzll(v);
	return ((top - WR_HIST_SMALL_SUB_BITS + 1) << WR_HIST_SMALL_SUB_BITS) +
	       (uint32_t)((v >> (top - WR_HIST_SMALL_SUB_BITS)) &
			  ((1u << WR_HIST_SMALL_SUB_BITS) - 1));
}

static inline void wr_hist_small_record(struct wr_hist_small *h, uint64_t v)
{
	h->sum += v;
	h->bucket[wr_hist_small_index(v)]++;
}

void wr_hist_small_add(struct wr_hist_small *to, const struct wr_hist_small *from);
uint64_t wr_hist_small_count(const struct wr_hist_small *h);
// As wr_hist_quantile(): the upper end of the bucket where ppm / 1e6 of the values lie; 0: empty.
uint64_t wr_hist_small_quantile(const struct wr_hist_small *h, uint32_t ppm);
uint64_t wr_hist_small_mean(const struct wr_hist_small *h);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

// A histogram in the manner of HdrHistogram (Tene 2012): buckets of equal width inside each power
// of two, so that the relative error is the same everywhere. Fixed memory, O(1) to record, no
// division. One writer; histograms of several writers are added together.

#define WR_HIST_SUB_BITS 7  // 128 buckets a power of two: error below 0.8 %
#define WR_HIST_MAX_BITS 42 // values up to 2^42 - 1 (73 minutes in ns)
#define WR_HIST_BUCKETS  ((WR_HIST_MAX_BITS - WR_HIST_SUB_BITS + 1) << WR_HIST_SUB_BITS)

struct wr_hist {
	uint64_t count;
	uint64_t sum;
	uint64_t min, max; // exact; min is UINT64_MAX while empty
	uint64_t bucket[WR_HIST_BUCKETS];
};

// Index of the bucket of a value; larger values fall into the last one.
static inline uint32_t wr_hist_index(uint64_t v)
{
	uint32_t top;

	if (v < (1u << WR_HIST_SUB_BITS))
		return (uint32_t)v;
	if (v >> WR_HIST_MAX_BITS)
		return WR_HIST_BUCKETS - 1;
	top = 63u - (uint32_t)__builtin_clzll(v); // >= SUB_BITS
	return ((top - WR_HIST_SUB_BITS + 1) << WR_HIST_SUB_BITS) +
	       (uint32_t)((v >> (top - WR_HIST_SUB_BITS)) & ((1u << WR_HIST_SUB_BITS) - 1));
}

static inline void wr_hist_record(struct wr_hist *h, uint64_t v)
{
	h->count++;
	h->sum += v;
	if (v < h->min)
		h->min = v;
	if (v > h->max)
		h->max = v;
	h->bucket[wr_hist_index(v)]++;
}

void wr_hist_reset(struct wr_hist *h); // also the first call
void wr_hist_add(struct wr_hist *to, const struct wr_hist *from);

// Smallest and largest value of a bucket.
uint64_t wr_hist_bucket_low(uint32_t index);
uint64_t wr_hist_bucket_high(uint32_t index);

// The value below or at which `permille_of_1e6` / 1e6 of all values lie (999,000: p99.9): the upper
// end of its bucket, never above max. 0 while empty.
uint64_t wr_hist_quantile(const struct wr_hist *h, uint32_t ppm);

uint64_t wr_hist_mean(const struct wr_hist *h); // 0 while empty

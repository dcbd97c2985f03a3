/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_hist.h"

#include <string.h>

void wr_hist_reset(struct wr_hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

void wr_hist_add(struct wr_hist *to, const struct wr_hist *from)
{
	to->count += from->count;
	to->sum += from->sum;
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
	for (uint32_t i = 0; i < WR_HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

uint64_t wr_hist_bucket_low(uint32_t index)
{
	uint32_t row = index >> WR_HIST_SUB_BITS;
	uint64_t column = index & ((1u << WR_HIST_SUB_BITS) - 1);

	if (row == 0)
		return column;
	return ((1ULL << WR_HIST_SUB_BITS) + column) << (row - 1);
}

uint64_t wr_hist_bucket_high(uint32_t index)
{
	uint32_t row = index >> WR_HIST_SUB_BITS;

	return wr_hist_bucket_low(index) + (row == 0 ? 0 : (1ULL << (row - 1)) - 1);
}

uint64_t wr_hist_quantile(const struct wr_hist *h, uint32_t ppm)
{
	// The smallest rank that covers the share; at least the first value.
	uint64_t want = (uint64_t)(((__uint128_t)h->count * ppm + 999999) / 1000000);
	uint64_t seen = 0;

	if (h->count == 0)
		return 0;
	if (want == 0)
		return h->min;
	if (want >= h->count)
		return h->max;
	for (uint32_t i = 0; i < WR_HIST_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want) {
			uint64_t high = wr_hist_bucket_high(i);

			return high < h->max ? high : h->max;
		}
	}
	return h->max;
}

uint64_t wr_hist_mean(const struct wr_hist *h)
{
	return h->count == 0 ? 0 : h->sum / h->count;
}

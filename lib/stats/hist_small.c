/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_hist_small.h"

// Of several writers more may come together than one bucket holds.
void wr_hist_small_add(struct wr_hist_small *to, const struct wr_hist_small *from)
{
	to->sum += from->sum;
	for (uint32_t i = 0; i < WR_HIST_SMALL_BUCKETS; i++) {
		uint32_t sum = to->bucket[i] + from->bucket[i];

		to->bucket[i] = sum < to->bucket[i] ? UINT32_MAX : sum;
	}
}

uint64_t wr_hist_small_count(const struct wr_hist_small *h)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < WR_HIST_SMALL_BUCKETS; i++)
		count += h->bucket[i];
	return count;
}

static uint64_t bucket_high(uint32_t index)
{
	uint32_t row = index >> WR_HIST_SMALL_SUB_BITS;
	uint64_t column = index & ((1u << WR_HIST_SMALL_SUB_BITS) - 1);

	if (row == 0)
		return column;
	return (((1ULL << WR_HIST_SMALL_SUB_BITS) + column + 1) << (row - 1)) - 1;
}

uint64_t wr_hist_small_quantile(const struct wr_hist_small *h, uint32_t ppm)
{
	uint64_t count = wr_hist_small_count(h), seen = 0;
	// The smallest rank that covers the share; at least the first value, at most the last.
	uint64_t want = (count * ppm + 999999) / 1000000;

	if (count == 0)
		return 0;
	want = want == 0 ? 1 : want < count ? want : count;
	for (uint32_t i = 0; i < WR_HIST_SMALL_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= want)
			return bucket_high(i);
	}
	// Counted while others were added up: the last one then.
	return bucket_high(WR_HIST_SMALL_BUCKETS - 1);
}

uint64_t wr_hist_small_mean(const struct wr_hist_small *h)
{
	uint64_t count = wr_hist_small_count(h);

	return count == 0 ? 0 : h->sum / count;
}

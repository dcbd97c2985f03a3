/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ipsec_priv.h"

// Anti-replay window (RFC 4303 3.4.3), a ring of words in the manner of RFC 6479. rte_ipsec 22.11
// has one too, but it does not keep numbers whose low six bits are 32 and above (it cuts their bit
// to 32), so that half of all replays pass. It stays on, since it rebuilds extended numbers. Its
// ring has no spare word either, and would refuse late packets at the end of the window: it gets a
// larger one than ours.
#define WINDOW_SPARE 64

// Words for a window of `packets`: one more than it spans, a power of two.
static inline uint32_t window_words(uint32_t packets)
{
	return rte_align32pow2((packets + 63) / 64 + 1);
}

// The whole number that 32 bits stand for (RFC 4304 A2, as rte_ipsec does it for authentication).
static inline uint64_t window_number(const struct wr_ipsec_sa *sa, uint32_t low)
{
	uint32_t w = sa->window_size + WINDOW_SPARE, top = (uint32_t)sa->sequence,
		 bottom = top - w + 1;
	uint64_t high = sa->sequence >> 32;

	if (!sa->t->esn)
		return low;
	if (top >= w - 1)
		high += low < bottom;
	else if (high != 0)
		high -= low >= bottom;
	return high << 32 | low;
}

// Whether a number may still come.
static inline bool window_open(const struct wr_ipsec_sa *sa, uint64_t number)
{
	if (number > sa->sequence)
		return true;
	if (number == 0 || sa->sequence - number >= sa->window_size)
		return false;
	return (sa->window[number / 64 & sa->window_mask] >> (number % 64) & 1) == 0;
}

// A number has come, and was authentic. False: it had before.
static inline bool window_take(struct wr_ipsec_sa *sa, uint64_t number)
{
	uint64_t *word = &sa->window[number / 64 & sa->window_mask];

	if (!window_open(sa, number))
		return false;
	if (number > sa->sequence) {
		uint64_t from = sa->sequence / 64, n = number / 64 - from;

		for (uint64_t i = 1; i <= n && i <= sa->window_mask + 1ULL; i++)
			sa->window[(from + i) & sa->window_mask] = 0;
		__atomic_store_n(&sa->sequence, number, __ATOMIC_RELAXED);
	}
	*word |= 1ULL << (number % 64);
	return true;
}

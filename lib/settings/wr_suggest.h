/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

// "Did you mean": the word of a list that a mistyped one is nearest to.

struct wr_settings_suggest {
	const char *wrong; // what was written
	const char *best;  // nearest so far; NULL: none is near
	uint32_t distance; // of best
};

void wr_settings_suggest_init(struct wr_settings_suggest *s, const char *wrong);

// Offer a candidate; it must outlive `s`.
void wr_settings_suggest_add(struct wr_settings_suggest *s, const char *candidate);

// Edit distance with swaps of neighbours counted as one; both words cut at 63 characters.
uint32_t wr_settings_suggest_distance(const char *a, const char *b);

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_suggest.h"

#include <string.h>

#define WORD_MAX 63

static uint32_t min2(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint32_t wr_settings_suggest_distance(const char *a, const char *b)
{
	uint8_t row[3][WORD_MAX + 1];
	uint32_t la = (uint32_t)strnlen(a, WORD_MAX), lb = (uint32_t)strnlen(b, WORD_MAX);

	for (uint32_t j = 0; j <= lb; j++)
		row[0][j] = (uint8_t)j;
	for (uint32_t i = 1; i <= la; i++) {
		uint8_t *cur = row[i % 3], *prev = row[(i + 2) % 3], *prev2 = row[(i + 1) % 3];

		cur[0] = (uint8_t)i;
		for (uint32_t j = 1; j <= lb; j++) {
			uint32_t d = prev[j - 1] + (a[i - 1] != b[j - 1]);

			d = min2(d, min2(prev[j] + 1U, cur[j - 1] + 1U));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = min2(d, prev2[j - 2] + 1U);
			cur[j] = (uint8_t)d;
		}
	}
	return row[la % 3][lb];
}

void wr_settings_suggest_init(struct wr_settings_suggest *s, const char *wrong)
{
	s->wrong = wrong;
	s->best = NULL;
	// A third of the letters may be wrong: beyond that a guess confuses more than it helps.
	s->distance = ((uint32_t)strnlen(wrong, WORD_MAX) + 2) / 3 + 1;
}

void wr_settings_suggest_add(struct wr_settings_suggest *s, const char *candidate)
{
	uint32_t d = wr_settings_suggest_distance(s->wrong, candidate);

	if (d >= s->distance)
		return;
	s->distance = d;
	s->best = candidate;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_rng.h"

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

// splitmix64 (Steele, Lea, Flood 2014): its outputs are never all zero, which xoshiro could not
// leave.
static uint64_t splitmix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

void wr_rng_init(struct wr_rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++)
		rng->s[i] = splitmix(&seed);
}

uint64_t wr_rng_next(struct wr_rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

uint32_t wr_rng_below(struct wr_rng *rng, uint32_t bound)
{
	uint64_t m;
	uint32_t floor;

	if (bound == 0)
		return 0;
	m = (wr_rng_next(rng) >> 32) * bound;
	if ((uint32_t)m >= bound)
		return (uint32_t)(m >> 32);
	// Lemire 2019: of the 2^32 inputs, 2^32 mod bound are one too many and drawn again.
	floor = -bound % bound;
	while ((uint32_t)m < floor)
		m = (wr_rng_next(rng) >> 32) * bound;
	return (uint32_t)(m >> 32);
}

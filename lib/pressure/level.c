/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_priv.h"

#include <rte_common.h>

#define STANDING_US (100 * WR_US_PER_MS) // a high mark that stands for so long asks for P3

// How long every queue must stay below its low mark before a level is left, by level.
static const uint32_t dwell_us[PRESSURE_LEVEL_MAX + 1] = {
	0, 100 * WR_US_PER_MS, 250 * WR_US_PER_MS, 500 * WR_US_PER_MS, 1000 * WR_US_PER_MS};

void wr_pressure_level_init(struct wr_level *l)
{
	*l = (struct wr_level){.cause = UINT16_MAX};
}

// splitmix64 (Steele, Lea, Flood 2014): one word of state, which is published with the rest.
static uint32_t chance(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return (uint32_t)((z ^ (z >> 31)) >> 32);
}

// Between 80 and 120 % of the level's dwell: workers that went up together do not come down
// together.
static uint32_t jittered(uint8_t level, uint64_t *rng)
{
	uint32_t base = dwell_us[level], span = base / 5;

	return base - span + (uint32_t)(((uint64_t)chance(rng) * (2 * span + 1)) >> 32);
}

static void set_level(struct wr_level *l, uint8_t level, uint64_t *rng, wr_us_t now)
{
	l->level = level;
	l->level_since_us = now;
	l->calm_since_us = 0;
	l->dwell_us = jittered(level, rng);
}

// The level asked for now: 1 when two ticks in a row ask for it, so that one burst does not; 3 when
// a high mark has stood.
static uint8_t asked(struct wr_level *l, const struct pressure_demand *d, wr_us_t now)
{
	bool confirmed = d->level >= 2 || (d->level == 1 && l->elevated_since_us);
	wr_us_t at = RTE_MAX(now, (wr_us_t)1); // 0 says that it is not so

	if (d->level == 0)
		l->elevated_since_us = 0;
	else if (!l->elevated_since_us)
		l->elevated_since_us = at;
	if (!d->high)
		l->high_since_us = 0;
	else if (!l->high_since_us)
		l->high_since_us = at;
	if (!confirmed)
		return d->floor;
	if (d->high && now >= l->high_since_us + STANDING_US)
		return RTE_MAX(d->level, 3);
	return RTE_MAX(d->level, d->floor);
}

// Down one level when every queue has been below its low mark for the level's dwell. The next dwell
// begins then, not at the start of the calm.
static bool step_down(
	struct wr_level *l, const struct pressure_demand *d, uint64_t *rng, wr_us_t now)
{
	if (d->level > 0 || l->level <= d->floor) {
		l->calm_since_us = 0;
		return false;
	}
	if (!l->calm_since_us)
		l->calm_since_us = RTE_MAX(now, (wr_us_t)1);
	if (now - l->calm_since_us < l->dwell_us || now - l->level_since_us < l->dwell_us)
		return false;
	set_level(l, (uint8_t)(l->level - 1), rng, now);
	l->calm_since_us = RTE_MAX(now, (wr_us_t)1);
	return true;
}

static bool obey(struct wr_level *l, uint64_t *rng, wr_us_t now)
{
	uint8_t forced = (uint8_t)RTE_MIN(l->forced - 1, PRESSURE_LEVEL_MAX);

	l->calm_since_us = 0;
	l->elevated_since_us = 0;
	l->high_since_us = 0;
	if (l->level == forced)
		return false;
	set_level(l, forced, rng, now);
	l->cause = UINT16_MAX;
	return true;
}

bool wr_pressure_level_step(
	struct wr_level *l, const struct pressure_demand *d, uint64_t *rng, wr_us_t now)
{
	uint8_t level;

	if (l->forced)
		return obey(l, rng, now);
	level = asked(l, d, now);
	if (level <= l->level)
		return step_down(l, d, rng, now);
	set_level(l, level, rng, now);
	l->cause = d->queue;
	return true;
}

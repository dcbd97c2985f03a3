/* SPDX-License-Identifier: BSD-3-Clause */
#include "schedule.h"

#include <math.h>

#include "dist.h"

#define NS_PER_S 1000000000ULL
#define NEVER    UINT64_MAX

// number / rate seconds, rounded down, without overflow.
static uint64_t evenly(uint64_t number, uint32_t rate)
{
	if (rate == 0)
		return NEVER;
	return number / rate * NS_PER_S + number % rate * NS_PER_S / rate;
}

// The time at which the integral of the rate reaches `number`. While the rate goes from r0 to r1
// over p seconds that is r0 t + (r1 - r0) t^2 / 2p; the root is written so that it does not cancel.
static double ramp_s(const struct schedule *s)
{
	double p = (double)s->period_ns / NS_PER_S;
	double n = (double)s->number;
	double slope = ((double)s->rate_to - s->rate) / p;
	double whole = p * ((double)s->rate + s->rate_to) / 2;

	if (n == 0)
		return 0;
	if (s->period_ns != 0 && n < whole)
		return 2 * n / (s->rate + sqrt((double)s->rate * s->rate + 2 * slope * n));
	if (s->rate_to == 0)
		return INFINITY;
	return p + (n - whole) / s->rate_to;
}

// The same for `rate` up to p, `rate_to` up to 2 p, and `rate` again.
static double step_s(const struct schedule *s)
{
	double p = (double)s->period_ns / NS_PER_S;
	double n = (double)s->number;
	double first = p * s->rate;
	double second = p * s->rate_to;

	if (n < first)
		return n / s->rate;
	if (n - first < second)
		return p + (n - first) / s->rate_to;
	if (s->rate == 0)
		return INFINITY;
	return 2 * p + (n - first - second) / s->rate;
}

static uint64_t from_seconds(double t)
{
	// Beyond 31 years is never.
	return t < 1e9 ? (uint64_t)(t * NS_PER_S) : NEVER;
}

// In picoseconds, as a gap of whole nanoseconds would be off by 0.1 % at a million a second.
static uint64_t poisson(struct schedule *s)
{
	uint64_t gap_ps;

	if (s->rate == 0)
		return NEVER;
	gap_ps = dist_exponential_ns(1000 * NS_PER_S / s->rate, &s->rng) + s->carry_ps;
	s->carry_ps = gap_ps % 1000;
	return gap_ps / 1000;
}

static uint64_t offset(struct schedule *s)
{
	switch (s->model) {
	case GEN_LOAD_CONSTANT:
		return evenly(s->number, s->rate);
	case GEN_LOAD_BURST:
		return evenly(s->number - s->number % s->burst, s->rate);
	case GEN_LOAD_RAMP:
		return from_seconds(ramp_s(s));
	case GEN_LOAD_STEP:
		return from_seconds(step_s(s));
	case GEN_LOAD_POISSON: // from the arrival before, see place()
	case GEN_LOAD_CLOSED:
		break;
	}
	return NEVER;
}

static void place(struct schedule *s)
{
	uint64_t base = s->origin_ns;
	uint64_t after;

	if (s->model == GEN_LOAD_POISSON) {
		base = s->number == 0 ? s->origin_ns : s->next_ns;
		after = base == NEVER ? NEVER : poisson(s);
	} else {
		after = offset(s);
	}
	s->next_ns = after == NEVER ? NEVER : base + after;
}

void schedule_init(struct schedule *s, const struct gen_client *conf, uint64_t seed)
{
	*s = (struct schedule){
		.model = conf->model,
		.rate = conf->rate,
		.rate_to = conf->rate_to,
		.burst = conf->burst != 0 ? conf->burst : 1,
		.period_ns = conf->period_us * 1000,
		.next_ns = NEVER,
	};
	wr_rng_init(&s->rng, seed);
}

void schedule_start(struct schedule *s, uint64_t at_ns)
{
	s->origin_ns = at_ns;
	s->number = 0;
	place(s);
}

void schedule_set_rate(struct schedule *s, uint32_t rate, uint64_t at_ns)
{
	s->rate = rate;
	schedule_start(s, at_ns);
}

void schedule_advance(struct schedule *s)
{
	s->number++;
	place(s);
}

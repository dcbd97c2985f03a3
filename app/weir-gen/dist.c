/* SPDX-License-Identifier: BSD-3-Clause */
#include "dist.h"

#include <errno.h>
#include <math.h>

#define CUT_DEFAULT  100  // times the mean
#define SIGMA_MAX    5000 // permille; beyond, nearly all of the mean would lie behind the cut
#define SHAPE_MAX    100000
#define LONGEST_MEAN (24 * 3600 * WR_US_PER_S)

// In (0, 1]: its logarithm is finite.
static double unit(struct wr_rng *rng)
{
	return (double)((wr_rng_next(rng) >> 11) + 1) * 0x1p-53;
}

// Standard normal (Box, Muller 1958); the second value is not kept, so that a draw has no state.
static double normal(struct wr_rng *rng)
{
	double radius = sqrt(-2.0 * log(unit(rng)));

	return radius * cos(2.0 * M_PI * unit(rng));
}

// Values above the cut become the cut, and the mean falls by the tail behind it. With the
// parameters here the mean is as asked before the cut; at the default cut of 100 x mean it loses
//   pareto     shape 1.1: 45 %   1.5: 3.8 %   2: 0.25 %   3: 0.0015 %
//   lognormal  sigma 1: 0.0004 %   1.5: 0.35 %   2: 4.8 %   3: 37 %
static wr_us_t cut(const struct gen_dist *d, double us)
{
	wr_us_t max = d->max_us != 0 ? d->max_us : CUT_DEFAULT * d->mean_us;

	return us >= (double)max ? max : (wr_us_t)(us + 0.5);
}

// By inversion; the mean is the least value x shape / (shape - 1).
static wr_us_t pareto(const struct gen_dist *d, struct wr_rng *rng)
{
	double shape = d->shape_permille / 1000.0;
	double least = (double)d->mean_us * (shape - 1.0) / shape;

	return cut(d, least * pow(unit(rng), -1.0 / shape));
}

// The mean of exp(mu + sigma z) is exp(mu + sigma^2 / 2).
static wr_us_t lognormal(const struct gen_dist *d, struct wr_rng *rng)
{
	double sigma = d->shape_permille / 1000.0;

	return cut(d, (double)d->mean_us * exp(sigma * normal(rng) - sigma * sigma / 2.0));
}

uint64_t dist_exponential_ns(uint64_t mean_ns, struct wr_rng *rng)
{
	return (uint64_t)(-log(unit(rng)) * (double)mean_ns + 0.5);
}

wr_us_t dist_draw(const struct gen_dist *d, struct wr_rng *rng)
{
	if (d->mean_us == 0)
		return 0;
	switch (d->kind) {
	case GEN_DIST_UNIFORM:
		return (wr_us_t)(((__uint128_t)wr_rng_next(rng) * (2 * d->mean_us + 1)) >> 64);
	case GEN_DIST_EXPONENTIAL:
		return (dist_exponential_ns(d->mean_us * 1000, rng) + 500) / 1000;
	case GEN_DIST_PARETO:
		return pareto(d, rng);
	case GEN_DIST_LOGNORMAL:
		return lognormal(d, rng);
	case GEN_DIST_FIXED:
		break;
	}
	return d->mean_us;
}

int dist_check(const struct gen_dist *d, struct wr_err *err)
{
	bool tailed = d->kind == GEN_DIST_PARETO || d->kind == GEN_DIST_LOGNORMAL;

	if (d->mean_us > LONGEST_MEAN)
		return wr_err_set(err, EINVAL, "the mean is longer than 24 hours");
	if (d->kind == GEN_DIST_PARETO &&
		(d->shape_permille <= 1000 || d->shape_permille > SHAPE_MAX))
		return wr_err_set(err, EINVAL,
			"the shape of a pareto distribution is %u.%03u; it has no mean at 1 and "
			"below, "
			"so give 1.001 to 100",
			d->shape_permille / 1000, d->shape_permille % 1000);
	if (d->kind == GEN_DIST_LOGNORMAL &&
		(d->shape_permille == 0 || d->shape_permille > SIGMA_MAX))
		return wr_err_set(err, EINVAL,
			"the shape (sigma) of a lognormal distribution is %u.%03u; give 0.001 to 5",
			d->shape_permille / 1000, d->shape_permille % 1000);
	if (tailed && d->max_us != 0 && d->max_us < d->mean_us)
		return wr_err_set(err, EINVAL, "the cut (max) lies below the mean");
	return 0;
}

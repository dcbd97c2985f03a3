/* SPDX-License-Identifier: BSD-3-Clause */

// Rates as GCRA in virtual scheduling form (ITU-T I.371 Annex A), and counts of connections.

#include "limit_priv.h"

#include <rte_common.h>

#define SECOND_NS   1000000000ULL
#define SECONDS_MAX (LIMIT_AT_MAX / SECOND_NS)
// Rounding to whole nanoseconds adds up to this, however long a spell lasts (see step()).
#define SLACK_NS 2

static uint64_t narrow(unsigned __int128 wide)
{
	return wide >> 64 != 0 ? UINT64_MAX : (uint64_t)wide;
}

// a x mul / div, rounded down or up; UINT64_MAX when it does not fit.
static inline uint64_t scale(uint64_t a, uint64_t mul, uint64_t div)
{
	uint64_t product;

	if (likely(!__builtin_mul_overflow(a, mul, &product)))
		return product / div;
	return narrow((unsigned __int128)a * mul / div);
}

static inline uint64_t scale_up(uint64_t a, uint64_t mul, uint64_t div)
{
	uint64_t product;

	if (likely(!__builtin_mul_overflow(a, mul, &product) && product <= UINT64_MAX - div))
		return (product + div - 1) / div;
	return narrow(((unsigned __int128)a * mul + div - 1) / div);
}

// Where a time lies on the grid of the rate: its second, the token's number in it, and how long
// after the token's time. A second holds a whole number of tokens, so the grid has no drift.
struct place {
	uint64_t second;
	uint64_t token;
	uint64_t phase;
};

static inline struct place place_of(uint64_t at, uint64_t rate)
{
	uint64_t ns = at % SECOND_NS;
	uint64_t token = scale(ns, rate, SECOND_NS);

	return (struct place){at / SECOND_NS, token, ns - scale_up(token, SECOND_NS, rate)};
}

static inline uint64_t time_of(const struct place *p, uint64_t rate)
{
	return p->second * SECOND_NS + scale_up(p->token, SECOND_NS, rate) + p->phase;
}

// The time n tokens after `at`. Adding n x 1 s / rate in whole nanoseconds would lose a fraction
// each time; moving along the grid at the same phase loses none. Above 1e9 tokens a second up to
// 1 ns is charged too much.
static uint64_t step(uint64_t at, uint64_t n, uint64_t rate)
{
	struct place p = place_of(at, rate);
	uint64_t token, seconds;

	if (__builtin_add_overflow(p.token, n, &token))
		return LIMIT_AT_MAX;
	seconds = token / rate;
	if (p.second + 2 > SECONDS_MAX || seconds > SECONDS_MAX - 2 - p.second)
		return LIMIT_AT_MAX;
	p.second += seconds;
	p.token = token - seconds * rate;
	return time_of(&p, rate);
}

static uint64_t step_back(uint64_t at, uint64_t rate)
{
	struct place p = place_of(at, rate);

	if (p.token > 0) {
		p.token--;
	} else {
		if (p.second == 0)
			return 0;
		p.second--;
		p.token = rate - 1;
	}
	return time_of(&p, rate);
}

// How far ahead of now the time may be: n tokens.
static uint64_t tolerance(uint64_t n, uint64_t rate)
{
	uint64_t ns = scale_up(n, SECOND_NS, rate);

	return RTE_MIN(ns, LIMIT_AT_MAX - SLACK_NS) + SLACK_NS;
}

// Charge one connection when its time comes within `most`. Returns when it comes.
static wr_us_t charge(struct wr_limit *l, const struct wr_limit_rule *r, wr_us_t most, wr_us_t now)
{
	uint64_t rate = r->rate_per_s, burst = RTE_MAX(r->rate_burst, 1u);
	uint64_t tol = tolerance(burst - 1, rate), ns = limit_ns(now);
	uint64_t at = __atomic_load_n(&l->rate_at, __ATOMIC_RELAXED), base;
	wr_us_t wait;

	do {
		base = RTE_MAX(at, ns);
		wait = limit_ahead_us(base, ns + tol);
		if (wait > most)
			break;
	} while (!__atomic_compare_exchange_n(
		&l->rate_at, &at, step(base, 1, rate), false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return wait;
}

wr_us_t wr_limit_rate(struct wr_limit *l, const struct wr_limit_rule *r, wr_us_t now)
{
	return r->rate_per_s != 0 ? charge(l, r, 0, now) : 0;
}

wr_us_t wr_limit_rate_within(
	struct wr_limit *l, const struct wr_limit_rule *r, wr_us_t most, wr_us_t now)
{
	wr_us_t wait = r->rate_per_s != 0 ? charge(l, r, most, now) : 0;

	return wait <= most ? wait : WR_US_NEVER;
}

void wr_limit_rate_back(struct wr_limit *l, const struct wr_limit_rule *r)
{
	uint64_t at = __atomic_load_n(&l->rate_at, __ATOMIC_RELAXED);

	if (r->rate_per_s == 0)
		return;
	while (!__atomic_compare_exchange_n(&l->rate_at, &at, step_back(at, r->rate_per_s), false,
		__ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		;
}

bool wr_limit_enter(struct wr_limit *l, const struct wr_limit_rule *r)
{
	uint32_t n = __atomic_load_n(&l->connections, __ATOMIC_RELAXED);

	// Without a limit they are counted all the same: one may be set later.
	do {
		if (r->connections != 0 && n >= r->connections)
			return false;
	} while (!__atomic_compare_exchange_n(
		&l->connections, &n, n + 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return true;
}

void wr_limit_leave(struct wr_limit *l)
{
	uint32_t n = __atomic_load_n(&l->connections, __ATOMIC_RELAXED);

	do {
		if (n == 0)
			return;
	} while (!__atomic_compare_exchange_n(
		&l->connections, &n, n - 1, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

// Until there is credit again; none is left at a whole burst ahead of now.
static wr_us_t bytes_wait(const struct wr_limit_rule *r, uint64_t at, uint64_t ns)
{
	uint64_t until = ns + tolerance(RTE_MAX(r->bytes_burst, 1u), r->bytes_per_s) - SLACK_NS;

	return at >= until ? (at - until) / 1000 + 1 : 0;
}

wr_us_t wr_limit_bytes(struct wr_limit *l, const struct wr_limit_rule *r, uint64_t n, wr_us_t now)
{
	uint64_t at = __atomic_load_n(&l->bytes_at, __ATOMIC_RELAXED), next;
	uint64_t ns = limit_ns(now);

	if (r->bytes_per_s == 0)
		return 0;
	if (n == 0)
		return bytes_wait(r, at, ns);
	do {
		next = step(RTE_MAX(at, ns), n, r->bytes_per_s);
	} while (!__atomic_compare_exchange_n(
		&l->bytes_at, &at, next, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return bytes_wait(r, next, ns);
}

wr_us_t wr_limit_bytes_wait(const struct wr_limit *l, const struct wr_limit_rule *r, wr_us_t now)
{
	if (r->bytes_per_s == 0)
		return 0;
	return bytes_wait(r, __atomic_load_n(&l->bytes_at, __ATOMIC_RELAXED), limit_ns(now));
}

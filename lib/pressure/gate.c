/* SPDX-License-Identifier: BSD-3-Clause */
#include "gate.h"

#include <string.h>

#include <rte_common.h>

#define BURST_US     10000                // tokens of so long may be saved up
#define DEBT_US      50000                // and owed, by those under the cut of a service
#define OPEN_US      (1 * WR_US_PER_S)    // a worker's limit that was not needed for so long ends
#define SERVICE_US   (500 * WR_US_PER_MS) // the same of a service
#define GRACE_US     (300 * WR_US_PER_MS) // in which completions and history say little
#define SETTLE_S     0.1 // in which the queue of a service is steered to where it should be
#define CUT_SETTLE_S 0.2 // the same by its cut
#define AIM          0.5 // where it should be, in targets: who waits longer than one is lost
#define FEW          3.0 // sessions that wait where backends complete but a few a second
#define FEW_S        1.0 // over which their rate is smoothed
// Of a worker's gate: whatever its queues say, so many are let in, since what keeps a core behind
// may be connections that live, and no refusal helps against those.
#define CEILING_PER_S 1e8 // more than any core can see
#define FLOOR_PER_S   1000.0
#define SPARE         700   // permille of a core's time: below it there is time to spare
#define FULL          800   // and what it is soon filled to
#define TELLING       300   // and that tells something of the rest
#define BUSY_S        0.1   // over which that time is smoothed, like what completes
#define MOST_RAISE    1.25  // of the cap, in a period
#define DRAIN_S       0.5   // in which the cut lets those that are held go
#define UNTIL_CUT     2     // a cut begins when those held would wait for hold_us / 2
#define FIRST_CUT     256   // requests that tell enough for a first cut
#define TRACE         0.01f // of a request: forgotten

// Over at least `min_s`, or as long as `count` events take: rates of a few a second are smoothed
// long. At first the mean of what there is. `hint`: a rate that is known to be reached now.
static void flow_add(
	struct gate_flow *f, uint64_t total, double min_s, double count, double hint, double dt_s)
{
	double events = (double)(total - f->seen), rate = RTE_MAX(f->per_s, hint);
	double over = rate > 2 ? count / rate : count / 2;

	over = RTE_MIN(RTE_MAX(over, min_s), f->age_s);
	f->age_s += dt_s;
	f->seen = total;
	f->per_s += (events / dt_s - f->per_s) * dt_s / (over + dt_s);
}

void gate_init(struct gate *g, wr_us_t target_us, wr_us_t now, uint32_t stagger)
{
	memset(g, 0, sizeof(*g));
	g->target_us = target_us;
	g->pub.cut = WR_DOOR_RANKS;
	g->cut_us = now;
	g->next_cut_us = now + WR_DOOR_CUT_US - stagger % 10 * WR_DOOR_PERIOD_US;
}

void gate_refill(struct gate *g, wr_us_t now)
{
	int64_t most = RTE_MAX((int64_t)(g->pub.rate_per_s * BURST_US), 2 * GATE_TOKEN);
	wr_us_t dt = now > g->tokens_us ? now - g->tokens_us : 0;

	if (dt == 0)
		return;
	g->tokens_us = now;
	// A long time is as good as a second; it must not overflow.
	g->tokens += (int64_t)(g->pub.rate_per_s * RTE_MIN(dt, WR_US_PER_S));
	g->tokens = RTE_MIN(g->tokens, most);
}

enum wr_door_verdict gate_judge(struct gate *g, uint16_t rank, wr_us_t now)
{
	bool token;

	if (rank > g->pub.cut)
		return WR_DOOR_DROP;
	gate_refill(g, now);
	// Those who are held were first.
	token = g->tokens >= GATE_TOKEN && g->held_now == 0;
	if (token)
		return WR_DOOR_ADMIT;
	return rank < g->pub.cut ? WR_DOOR_HOLD : WR_DOOR_DROP;
}

void gate_admit(struct gate *g, uint32_t n)
{
	int64_t owed = RTE_MAX((int64_t)(g->pub.rate_per_s * DEBT_US), 2 * GATE_TOKEN);

	g->pub.admitted += n;
	if (g->pub.limited)
		g->tokens = RTE_MAX(g->tokens - (int64_t)n * GATE_TOKEN, -owed);
}

void gate_refuse(struct gate *g, uint8_t class, bool by_cut)
{
	g->pub.refused++;
	g->pub.refused_of[class]++;
	if (g->pub.limited)
		g->pub.refused_limited++;
	g->refused_now += by_cut;
	g->cut_total += by_cut;
}

static void limit(struct gate *g, wr_us_t now)
{
	g->pub.limited = true;
	g->pub.limited_since_us = now;
	g->pub.refused_limited = 0;
	g->pub.cut = WR_DOOR_RANKS;
	g->tokens = 0;
	g->tokens_us = now;
	g->held_now = 0;
	g->cutting = false;
	g->calm = 0;
	g->needless_since_us = 0;
}

static void open_gate(struct gate *g)
{
	g->pub.limited = false;
	g->pub.rate_per_s = 0;
	g->pub.cut = WR_DOOR_RANKS;
	g->cutting = false;
	g->held_now = 0;
}

// Whether the limit was not needed for `us`.
static bool needless(struct gate *g, bool needed, wr_us_t us, wr_us_t now)
{
	if (needed)
		g->needless_since_us = 0;
	else if (g->needless_since_us == 0)
		g->needless_since_us = RTE_MAX(now, (wr_us_t)1);
	return !needed && now >= g->needless_since_us + us;
}

// --- the worker's gate ---

// Connections that come and go: what ends is what the core can do.
static bool balanced(const struct gate *g)
{
	return g->completed_slow.per_s > 0.7 * g->admitted_slow.per_s;
}

// The first rate: what was let in lately is too much, half of it is enough, and what ends is a
// hint. Not below what came before, so that a pause of the host's is no reason to refuse.
static double first_cap(const struct gate *g)
{
	double most = g->admitted.per_s;
	double cap = balanced(g) ? 1.1 * g->completed.per_s : most;

	cap = RTE_MIN(RTE_MAX(cap, most / 2), most);
	return RTE_MAX(cap, g->admitted_slow.per_s);
}

// The queues are too long, while the limit binds or for a second tick. What came before the limit
// is let in for a while in any case: the brake sees to queues that a pause left.
static void lower_cap(struct gate *g, wr_us_t now)
{
	bool grace = now < g->pub.limited_since_us + GRACE_US;
	double hint = 0.99 * g->completed.per_s;

	if (grace && !g->settled)
		return; // a queue from before the limit says nothing of the first rate
	// At first the brake alone: near capacity queues grow and go by chance.
	if (grace || !balanced(g) || hint < g->cap / 2)
		g->cap *= g->behind ? 0.98 : 0.99;
	else if (g->behind && hint < g->cap)
		g->cap += 0.2 * (hint - g->cap);
	g->ceiling = g->cap / 0.99;
	g->calm = 0;
	if (grace && g->cap < g->before) {
		g->cap = g->before;
		g->ceiling = 0;
	}
}

// 1 % a period until the queues first grow; after that carefully around the rate at which they did,
// since what is let in now may make work much later (CUBIC's shape: RFC 9438 4.1).
// A core with time to spare has not met its limit yet: towards what would fill it.
static void raise_cap(struct gate *g, uint32_t busy_permille)
{
	double by = 0.01;

	if (busy_permille < SPARE) {
		g->cap *= RTE_MIN((double)FULL / RTE_MAX(busy_permille, 1u), MOST_RAISE);
		g->ceiling = 0;
		return;
	}
	if (g->ceiling > 0 && g->cap > 0.95 * g->ceiling) {
		g->calm++;
		by = RTE_MIN(0.00003 * g->calm, 0.01);
	}
	g->cap *= 1 + by;
}

// Share of the cap that is let in while the queues are this long: all at the target, half at 6
// targets, a tenth from 20 on. It has no memory: a pause of the host's ends with the queue that it
// left.
static double brake(const struct gate *g, wr_us_t wait)
{
	double over = (double)wait / (double)g->target_us;

	if (over <= 1)
		return 1;
	if (over <= 6)
		return 1 - (over - 1) / 10;
	return RTE_MAX(0.1, 0.5 - (over - 6) * 0.4 / 14);
}

// Connections that come and go tell what a full core would do: what ends, over the share of the
// time that it takes. The cap stays near that, so that it does not run away while work is on its
// way.
static void cover_cap(struct gate *g)
{
	double most = 1.1 * g->completed.per_s * 1000 / RTE_MAX(g->busy, 1.0);

	if (balanced(g) && g->busy >= TELLING)
		g->cap = RTE_MIN(g->cap, most);
}

static void steer_cap(struct gate *g, wr_us_t wait, uint32_t busy_permille, wr_us_t now)
{
	bool behind = wait > g->target_us;

	if (!behind && g->bound)
		raise_cap(g, now < g->slow_until_us ? 1000 : busy_permille);
	else if (behind && (g->bound || g->behind))
		lower_cap(g, now);
	g->behind = behind;
	g->settled |= !behind;
	cover_cap(g);
	g->cap = RTE_MIN(RTE_MAX(g->cap, FLOOR_PER_S), CEILING_PER_S);
}

// A burst is held and not refused: a cut begins when those held would wait too long.
static void begin_cut(struct gate *g)
{
	double wait_us = g->held_now * 1e6 / g->cap;

	if (g->cutting || (wait_us < (double)g->hold_us / UNTIL_CUT &&
				  g->held_now < g->hold_requests / UNTIL_CUT))
		return;
	g->cutting = true;
	g->next_cut_us = 0;
	if (g->offered_now >= FIRST_CUT)
		g->window = 0; // what came before the rush says nothing of it
}

void gate_tick_worker(struct gate *g, const struct wr_door_signals *s, wr_us_t dt, wr_us_t now)
{
	double dt_s = (double)dt / 1e6;
	uint64_t pressed = g->pub.held + g->cut_total;
	bool left_p3 = g->level >= 3 && s->level < 3;

	flow_add(&g->admitted, g->pub.admitted, 0.1, 20, 0, dt_s);
	flow_add(&g->admitted_slow, g->pub.admitted, 1, 20, 0, dt_s);
	flow_add(&g->completed, s->sessions_ended, 0.1, 100, 0, dt_s);
	flow_add(&g->completed_slow, s->sessions_ended, 1, 100, 0, dt_s);
	g->pub.completed_per_s = (uint64_t)g->completed.per_s;
	g->busy += (s->busy_permille - g->busy) * dt_s / (BUSY_S + dt_s);
	if (!g->held_told)
		g->held_now = 0;
	g->held_told = false;
	g->bound = pressed > g->pressed_seen || g->held_now > 0;
	g->pressed_seen = pressed;
	g->level = s->level;
	if (left_p3 || (!g->pub.limited && s->lag_us > g->target_us)) {
		if (!g->pub.limited)
			limit(g, now);
		g->cap = left_p3 ? RTE_MAX(g->completed.per_s, g->admitted.per_s) : first_cap(g);
		g->cap = RTE_MAX(g->cap, FLOOR_PER_S);
		g->before = g->admitted_slow.per_s;
		g->slow_until_us = left_p3 ? now + OPEN_US : 0;
		g->ceiling = 0;
		g->behind = g->settled = false;
	} else if (g->pub.limited) {
		steer_cap(g, s->lag_us, s->busy_permille, now);
	}
	if (!g->pub.limited)
		return;
	if (needless(g, g->bound || s->lag_us > g->target_us, OPEN_US, now)) {
		open_gate(g);
		return;
	}
	gate_refill(g, now);
	g->pub.rate_per_s = (uint64_t)RTE_MAX(g->cap * brake(g, s->lag_us), FLOOR_PER_S);
	g->cut_rate = RTE_MAX(g->cap - g->held_now / DRAIN_S, 0);
	begin_cut(g);
}

// --- the gate of a service ---

// Backends have room and nobody waits: what they completed lately was too little to judge them by.
static double use_room(struct gate *g, bool room, double rate)
{
	if (!room) {
		g->cap = 0;
		return rate;
	}
	g->cap = RTE_MIN(RTE_MAX(rate, g->cap * 1.25), CEILING_PER_S);
	g->cut_rate = RTE_MAX(g->cut_rate, g->cap);
	g->next_cut_us = 0;
	return g->cap;
}

// The rate that lets the queue settle at `aim`, and the one that the cut reckons with.
static void steer_rate(struct gate *g, const struct wr_door_service *s, double aim, double dt_s)
{
	double done = g->completed_slow.per_s, ahead = aim - s->pending;
	double rate = RTE_MAX(done + ahead / SETTLE_S, 0);
	// Classes are cut by what lasts; a queue of three is no reason to refuse the best.
	double settle = RTE_MAX(CUT_SETTLE_S, done > 0.1 ? 4 / done : 40);

	g->cut_rate = RTE_MAX(done + ahead / settle, 0.9 * done);
	// Few wait, and not for long: most of what is let in takes the place of those who left.
	g->few_rate += (rate - g->few_rate) * dt_s / (FEW_S + dt_s);
	if (aim <= FEW)
		g->cut_rate = RTE_MAX(g->cut_rate, g->few_rate);
	rate = use_room(g, !s->waits && s->pending == 0, rate);
	g->pub.rate_per_s = (uint64_t)rate + 1;
}

void gate_tick_service(struct gate *g, const struct wr_door_service *s, wr_us_t dt, wr_us_t now)
{
	double dt_s = (double)dt / 1e6, target;

	// Smoothed over some hundreds, and quick to follow when backends work again.
	flow_add(&g->completed, s->completed, 0.1, 20, 0, dt_s);
	flow_add(&g->completed_slow, s->completed, 0.1, 400, g->completed.per_s, dt_s);
	g->pub.completed_per_s = (uint64_t)g->completed_slow.per_s;
	// Little's law: so many wait when each waits for the target.
	target = RTE_MAX(g->completed_slow.per_s * (double)g->target_us / 1e6, FEW);
	if (!g->pub.limited) {
		if (!s->waits || s->pending <= target)
			return;
		limit(g, now);
		g->cap = 0;
		g->few_rate = FEW / SETTLE_S;
		g->cutting = true;
		g->next_cut_us = 0;
	} else if (needless(g, s->waits || s->pending > 0, SERVICE_US, now)) {
		open_gate(g);
		return;
	}
	gate_refill(g, now);
	steer_rate(g, s, RTE_MAX(AIM * target, FEW), dt_s);
}

// --- the cut ---

// Let demand before this period fade: by half where there is much of it, slowly where a period says
// little.
static void age(struct gate *g)
{
	double keep = 1 - RTE_MIN(RTE_MAX(g->offered_now / 512.0, 1.0 / 512), 0.5);

	if (g->window == 0)
		keep = 0;
	g->window *= keep;
	g->seen_offered = g->seen_offered * keep + g->offered_now;
	g->seen_refused = g->seen_refused * keep + g->refused_now;
	g->offered_now = g->refused_now = 0;
	for (uint32_t r = 0; r < WR_DOOR_RANKS; r++) {
		float old = g->aged[r] * (float)keep;

		g->aged[r] = (old < TRACE ? 0 : old) + (float)g->demand[r];
	}
	memset(g->demand, 0, sizeof(g->demand));
}

// The rank at which demand exceeds `room` requests; WR_DOOR_RANKS when all of it fits.
static uint16_t find_cut(const struct gate *g, double room)
{
	double sum = 0;
	uint16_t r;

	for (r = 0; r < WR_DOOR_RANKS; r++) {
		sum += g->aged[r];
		if (sum > room)
			break;
	}
	return r;
}

void gate_tick_cut(struct gate *g, wr_us_t now)
{
	double period;

	if (now < g->next_cut_us || now <= g->cut_us)
		return;
	// What came after a long sleep came just now.
	period = RTE_MIN((double)(now - g->cut_us) / WR_DOOR_CUT_US, 10.0);
	if (g->offered_now > 0 || g->seen_offered > TRACE) {
		age(g);
		g->window += period;
	} else {
		g->window = 0; // a gate at rest costs nothing
	}
	g->cut_us = now;
	g->next_cut_us = now + WR_DOOR_CUT_US;
	g->pub.cut_permille =
		(uint16_t)(g->seen_offered >= 1 ? 1000 * g->seen_refused / g->seen_offered : 0);
	if (!g->cutting)
		return;
	g->pub.cut = find_cut(g, g->cut_rate * g->window * WR_DOOR_CUT_US / 1e6);
	// A worker's requests wait again, before any is refused.
	if (g->hold_us > 0 && g->pub.cut == WR_DOOR_RANKS && !g->bound)
		g->cutting = false;
}

void gate_shuffle(struct gate *g)
{
	for (uint32_t c = 0; c < WR_CLASSES; c++) {
		float *aged = &g->aged[c * WR_DOOR_BUCKETS], sum = 0;

		for (uint32_t b = 0; b < WR_DOOR_BUCKETS; b++)
			sum += aged[b] + (float)g->demand[c * WR_DOOR_BUCKETS + b];
		for (uint32_t b = 0; b < WR_DOOR_BUCKETS; b++) {
			aged[b] = sum / WR_DOOR_BUCKETS;
			g->demand[c * WR_DOOR_BUCKETS + b] = 0;
		}
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */

// The breaker: a backend is taken out for what its sessions saw, and a check brings it back.

#include "backend_priv.h"

#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#define MAX_DOUBLINGS 32

struct sight { // sums over workers
	uint64_t connect_bad, resets_early, closes_early, established, answered;
	uint64_t unanswered;
	bool silent; // no worker heard a byte for long enough
};

static struct sight see(
	const struct wr_backends *b, const struct wr_backend *be, wr_us_t silence, wr_us_t now)
{
	struct sight s = {.silent = true};

	for (uint16_t w = 0; w < b->workers; w++) {
		const struct wr_backend_counters *c = &be->per_worker[w];
		wr_us_t last = RTE_MAX(c->last_byte_us, be->seen->since_us);

		s.connect_bad += c->connect_refused + c->connect_timeout + c->connect_unreachable;
		s.resets_early += c->resets_early;
		s.closes_early += c->closes_early;
		s.established += c->sessions_total;
		s.answered += c->answered;
		s.unanswered += c->unanswered;
		if (c->unanswered > 0)
			last = RTE_MAX(last, c->unanswered_since_us);
		if (now < last + silence)
			s.silent = false;
	}
	return s;
}

static uint32_t delta(uint64_t now, uint64_t *before)
{
	uint64_t d = now > *before ? now - *before : 0;

	*before = now;
	return (uint32_t)RTE_MIN(d, (uint64_t)UINT32_MAX);
}

// The parts of the window that have passed begin anew.
static void turn_parts(struct wr_backend_seen *s, wr_us_t window, wr_us_t now)
{
	uint64_t part = now / RTE_MAX(window / RATE_PARTS, (wr_us_t)1);
	uint64_t passed = part - s->part;

	if (part < s->part || passed > RATE_PARTS)
		passed = RATE_PARTS;
	for (uint64_t i = 0; i < passed; i++) {
		s->tries[(part - i) % RATE_PARTS] = 0;
		s->bad[(part - i) % RATE_PARTS] = 0;
	}
	s->part = part;
}

static void forget_counts(struct wr_backend_seen *s)
{
	s->row_connect = s->row_early = 0;
	memset(s->tries, 0, sizeof(s->tries));
	memset(s->bad, 0, sizeof(s->bad));
}

// What is new since the last look. An established connection ends a row of failed connects; only a
// session that got an answer ends a row of early ends, since a process that stands still has its
// kernel complete handshakes. Within one look the order is not known: a success counts as the last.
// A close in order says something of a backend that is known to answer, and nothing of one whose
// protocol has no answers.
static void count(struct wr_backend_seen *s, const struct sight *now_seen, bool usable,
	wr_us_t window, wr_us_t now)
{
	uint32_t connect_bad = delta(now_seen->connect_bad, &s->connect_bad);
	uint32_t early_bad = delta(now_seen->resets_early, &s->resets_early);
	uint32_t closes = delta(now_seen->closes_early, &s->closes_early);
	uint32_t established = delta(now_seen->established, &s->established);
	uint32_t answered = delta(now_seen->answered, &s->answered);
	uint32_t at;

	s->heard |= usable && answered > 0;
	if (s->heard)
		early_bad += closes;
	s->row_connect = established > 0 || answered > 0 ? 0 : s->row_connect + connect_bad;
	s->row_early = answered > 0 ? 0 : s->row_early + early_bad;
	turn_parts(s, window, now);
	at = s->part % RATE_PARTS;
	s->tries[at] += connect_bad + established;
	s->bad[at] += connect_bad + early_bad;
}

// One that waits for long may be a long poll: of the others nobody knows anything before they have
// waited for as long together.
static void see_enough(const struct wr_conf_breaker *cb, struct wr_backend_seen *s,
	const struct sight *seen, wr_us_t now)
{
	if (seen->unanswered < RTE_MAX(cb->silence_sessions, 1u))
		s->enough_us = 0;
	else if (s->enough_us == 0)
		s->enough_us = RTE_MAX(now, (wr_us_t)1);
}

// Of a backend that was never heard nobody knows whether its protocol has answers at all.
static bool is_silent(const struct wr_conf_breaker *cb, const struct wr_backend_seen *s,
	const struct sight *seen, wr_us_t now)
{
	return cb->silence_us > 0 && s->heard && seen->silent && s->enough_us != 0 &&
	       now >= s->enough_us + cb->silence_us;
}

// Whether it should be open, and why.
static bool is_bad(const struct wr_conf_breaker *cb, const struct wr_backend_seen *s,
	const struct sight *seen, wr_us_t now, char *why, size_t len)
{
	uint64_t tries = 0, bad = 0, row = s->row_connect + s->row_early;

	for (uint32_t i = 0; i < RATE_PARTS; i++) {
		tries += s->tries[i];
		bad += s->bad[i];
	}
	tries = RTE_MAX(tries, bad); // a session may have begun before the window
	if (cb->failures > 0 && row >= cb->failures) {
		snprintf(why, len, "%u %s in a row", (unsigned)row,
			s->row_early == 0     ? "connect failures"
			: s->row_connect == 0 ? "sessions ended before a byte"
					      : "failures");
		return true;
	}
	if (cb->rate_permille > 0 && tries >= RTE_MAX(cb->rate_min, 1u) &&
		bad * 1000 >= cb->rate_permille * tries) {
		snprintf(why, len, "%u of %u connections failed in %u s", (unsigned)bad,
			(unsigned)tries, (unsigned)(cb->window_us / WR_US_PER_S));
		return true;
	}
	if (is_silent(cb, s, seen, now)) {
		snprintf(why, len, "no byte for %u s, %u sessions wait",
			(unsigned)(cb->silence_us / WR_US_PER_S), (unsigned)seen->unanswered);
		return true;
	}
	return false;
}

static uint32_t most_open(const struct wr_conf_breaker *cb, uint32_t live)
{
	if (live < 2)
		return 0;
	return RTE_MAX((uint32_t)((uint64_t)live * cb->share_permille / 1000), 1u);
}

static bool is_out(const struct wr_backend *be)
{
	return be->slot == WR_CONF_LIVE && be->breaker != WR_BREAKER_CLOSED;
}

void wr_breaker_count(struct wr_backends *b)
{
	for (uint32_t i = 0; i < b->pool_count; i++)
		b->more[i].live = b->more[i].open = 0;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct wr_backend *be = &b->backends[i];

		if (!b->used[i])
			continue;
		b->more[be->pool].live += be->slot == WR_CONF_LIVE;
		b->more[be->pool].open += is_out(be);
	}
}

// Open_us doubled with each time in a row, up to open_max_us, 10 % more or less.
static wr_us_t back_off(struct wr_backends *b, const struct wr_conf_breaker *cb, uint32_t opens)
{
	wr_us_t t = cb->open_us, max = RTE_MAX(cb->open_max_us, cb->open_us);

	for (uint32_t i = 1; i < RTE_MIN(opens, (uint32_t)MAX_DOUBLINGS) && t < max; i++)
		t *= 2;
	t = RTE_MIN(t, max);
	return t - t / 10 + wr_rng_below(&b->rng, (uint32_t)RTE_MIN(t / 5, UINT32_MAX - 1) + 1);
}

static void open_it(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	const struct wr_conf_breaker *cb = &pool_conf(b, be)->breaker;
	struct wr_event *ev;

	b->more[be->pool].open += be->breaker == WR_BREAKER_CLOSED;
	be->breaker = WR_BREAKER_OPEN;
	be->breaker_opens++;
	be->ejections++;
	be->seen->backoff_us = back_off(b, cb, be->breaker_opens);
	be->seen->withheld = false;
	be->breaker_until_us = now + be->seen->backoff_us;
	forget_counts(be->seen);
	wr_backend_settle(b, be, now);
	ev = wr_note(b, WR_EV_breaker_open, be->id, now);
	ev->count = be->breaker_opens;
	ev->extra = (uint32_t)(be->seen->backoff_us / WR_US_PER_MS);
	wr_note_text(ev, "%s", be->breaker_why);
}

static void close_it(struct wr_backends *b, struct wr_backend *be, const char *why, wr_us_t now)
{
	if (b->more[be->pool].open > 0)
		b->more[be->pool].open--;
	be->breaker = WR_BREAKER_CLOSED;
	be->breaker_until_us = 0;
	be->seen->closed_us = now;
	be->seen->fell_silent = false;
	forget_counts(be->seen);
	wr_ramp_begin(b, be, now);
	wr_backend_settle(b, be, now);
	wr_note_text(wr_note(b, WR_EV_breaker_closed, be->id, now), "%s", why);
}

void wr_breaker_forget(struct wr_backends *b, struct wr_backend *be)
{
	if (is_out(be) && b->more[be->pool].open > 0)
		b->more[be->pool].open--;
	be->breaker = WR_BREAKER_CLOSED;
	be->breaker_until_us = 0;
	be->breaker_opens = 0;
	be->seen->backoff_us = 0;
	be->seen->withheld = false;
	be->seen->fell_silent = false;
	forget_counts(be->seen);
}

static void try_again(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	struct wr_backend_check *c = &be->check[WR_CHECK_SLOT_HEALTH];

	be->breaker = WR_BREAKER_HALF_OPEN;
	be->seen->decides = c->asked + 1;
	if (!c->out)
		wr_checks_at(b, be, WR_CHECK_SLOT_HEALTH, now);
	wr_backend_settle(b, be, now);
	wr_note(b, WR_EV_breaker_half_open, be->id, now);
}

void wr_breaker_verdict(struct wr_backends *b, struct wr_backend *be, bool passed, wr_us_t now)
{
	if (be->breaker != WR_BREAKER_HALF_OPEN)
		return;
	if (passed) {
		close_it(b, be, "a check passed", now);
		return;
	}
	open_it(b, be, now);
	// Silence alone may be a long poll. It stands still, and so would every session that it
	// has.
	if (be->seen->fell_silent && pool_conf(b, be)->on_down == WR_CONF_ON_DOWN_RESET)
		wr_queue_add(&b->kills, be->id);
	be->seen->fell_silent = false;
}

static void judge_closed(
	struct wr_backends *b, struct wr_backend *be, const struct sight *seen, wr_us_t now)
{
	const struct wr_conf_breaker *cb = &pool_conf(b, be)->breaker;
	struct wr_backend_seen *s = be->seen;
	char why[sizeof(be->breaker_why)];

	if (be->breaker_opens > 0 && now >= s->closed_us + cb->window_us + s->backoff_us)
		be->breaker_opens = 0;
	if (!is_bad(cb, s, seen, now, why, sizeof(why))) {
		if (now >= s->withheld_us + cb->window_us)
			s->withheld = false; // the spell is over
		return;
	}
	memcpy(be->breaker_why, why, sizeof(why));
	if (b->more[be->pool].open < most_open(cb, b->more[be->pool].live)) {
		s->fell_silent = is_silent(cb, s, seen, now);
		open_it(b, be, now);
		return;
	}
	s->withheld_us = now;
	if (s->withheld)
		return;
	s->withheld = true;
	wr_note_text(wr_note(b, WR_EV_breaker_withheld, be->id, now), "%s", why);
}

void wr_breaker_look(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	const struct wr_conf_breaker *cb = &pool_conf(b, be)->breaker;
	struct sight seen = see(b, be, cb->silence_us, now);

	count(be->seen, &seen, wr_backend_usable(be), cb->window_us, now);
	see_enough(cb, be->seen, &seen, now);
	if (!cb->enabled) {
		if (be->breaker != WR_BREAKER_CLOSED)
			close_it(b, be, "its pool has no breakers any more", now);
		return;
	}
	if (be->breaker == WR_BREAKER_OPEN && now >= be->breaker_until_us)
		try_again(b, be, now);
	// What is out for another reason has nothing to lose; late ends of its sessions are no
	// verdict on what it is when it comes back.
	if (be->breaker == WR_BREAKER_CLOSED && wr_backend_usable(be))
		judge_closed(b, be, &seen, now);
	else
		forget_counts(be->seen);
}

void wr_breaker_trim(struct wr_backends *b, uint16_t pool, wr_us_t now)
{
	const struct wr_pool_slot *ps = &b->pools[pool];
	uint32_t most = most_open(&ps->conf->breaker, b->more[pool].live);

	while (b->more[pool].open > most) {
		struct wr_backend *first = NULL;

		for (uint32_t i = 0; i < ps->count; i++) {
			struct wr_backend *be = &b->backends[ps->member[i]];

			if (wr_pool_member(b, ps, i) != NULL && is_out(be) &&
				(first == NULL || be->breaker_until_us < first->breaker_until_us))
				first = be;
		}
		if (first == NULL)
			return;
		close_it(b, first, "too many of its pool would be out", now);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */

// Checks: when the next is due, what its answer means.

#include "backend_priv.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#define SPREAD_US  250000  // the first checks lie within so long
#define LOST_US    1000000 // beyond its own time-out an answer is not waited for longer
#define UNSENT_US  10000   // until a check that could not be handed over is tried again
#define RETRY_US   1000000 // of half-open ones when nothing of ours was free, at most
#define JITTER_PER 10      // intervals are up to a tenth shorter

bool wr_checks_wanted(const struct wr_backends *b, const struct wr_backend *be, uint8_t slot)
{
	const struct wr_conf_pool *pc = pool_conf(b, be);

	if (pc == NULL || !be->ready || be->slot != WR_CONF_LIVE || be->admin == WR_ADMIN_DISABLED)
		return false;
	if (slot == WR_CHECK_SLOT_AGENT)
		return pc->agent_port != 0;
	return pc->health != WR_CONF_HEALTH_NONE || be->breaker == WR_BREAKER_HALF_OPEN;
}

void wr_checks_at(struct wr_backends *b, struct wr_backend *be, uint8_t slot, wr_us_t when)
{
	be->check[slot].next_us = when;
	b->due_us[be->id][slot] = when;
	b->due_first_us = RTE_MIN(b->due_first_us, when);
}

static wr_us_t interval(const struct wr_backends *b, const struct wr_backend *be, uint8_t slot)
{
	const struct wr_conf_pool *pc = pool_conf(b, be);
	wr_us_t t = pc->health_interval_us;

	if (slot == WR_CHECK_SLOT_AGENT)
		return pc->agent_interval_us;
	if (be->streak > 0 && pc->health_interval_fast_us != 0)
		return pc->health_interval_fast_us;
	if (be->health == WR_HEALTH_DOWN && pc->health_interval_down_us != 0)
		return pc->health_interval_down_us;
	if (be->breaker == WR_BREAKER_HALF_OPEN)
		return RTE_MIN(t, (wr_us_t)RETRY_US);
	return t;
}

void wr_checks_plan(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	for (uint8_t s = 0; s < WR_CHECK_SLOTS; s++) {
		wr_us_t t;

		if (be->check[s].out || !wr_checks_wanted(b, be, s))
			continue;
		t = RTE_MIN(interval(b, be, s), (wr_us_t)SPREAD_US);
		wr_checks_at(b, be, s, now + wr_rng_below(&b->rng, (uint32_t)t + 1));
	}
}

static void ask(struct wr_backends *b, struct wr_backend *be, uint8_t slot, wr_us_t now,
	struct wr_check *out)
{
	static const uint8_t kinds[] = {
		[WR_CONF_HEALTH_NONE] = WR_CHECK_TCP, // a breaker asks
		[WR_CONF_HEALTH_TCP] = WR_CHECK_TCP,
		[WR_CONF_HEALTH_HTTP] = WR_CHECK_HTTP,
	};
	const struct wr_conf_pool *pc = pool_conf(b, be);
	struct wr_backend_check *c = &be->check[slot];

	b->due_us[be->id][slot] = WR_US_NEVER;
	__atomic_store_n(&c->asked, c->asked + 1, __ATOMIC_RELAXED);
	c->out = true;
	c->lost_us = now + pc->health_timeout_us + LOST_US;
	be->seen->asked_us[slot] = now;
	b->out[b->out_count++] = (uint32_t)be->id * WR_CHECK_SLOTS + slot;
	*out = (struct wr_check){
		.backend = be->id,
		.kind = slot == WR_CHECK_SLOT_AGENT ? WR_CHECK_AGENT : kinds[pc->health],
		.slot = slot,
		.asked = c->asked,
		.timeout_us = pc->health_timeout_us,
	};
}

bool wr_backends_next_check(struct wr_backends *b, wr_us_t now, struct wr_check *out)
{
	wr_us_t first = WR_US_NEVER;

	wr_backends_start(b, now);
	if (now < b->due_first_us)
		return false;
	for (uint32_t n = 0; n < b->count; n++) {
		uint16_t id = (uint16_t)(b->due_at < b->count ? b->due_at : 0);

		for (uint8_t s = 0; s < WR_CHECK_SLOTS; s++) {
			wr_us_t due = b->due_us[id][s];

			if (due > now) {
				first = RTE_MIN(first, due);
			} else if (!wr_checks_wanted(b, &b->backends[id], s)) {
				b->due_us[id][s] = WR_US_NEVER;
			} else {
				ask(b, &b->backends[id], s, now, out);
				return true;
			}
		}
		b->due_at = id + 1u;
	}
	b->due_first_us = first;
	return false;
}

static void out_remove(struct wr_backends *b, uint32_t at)
{
	b->out[at] = b->out[--b->out_count];
}

void wr_backends_check_unsent(struct wr_backends *b, const struct wr_check *c, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(b, c->backend);

	if (be == NULL || be->check[c->slot].asked != c->asked || !be->check[c->slot].out)
		return;
	for (uint32_t i = 0; i < b->out_count; i++)
		if (b->out[i] == (uint32_t)c->backend * WR_CHECK_SLOTS + c->slot) {
			out_remove(b, i);
			break;
		}
	be->check[c->slot].out = false;
	wr_checks_at(b, be, c->slot, now + UNSENT_US);
}

void wr_backend_check_answer(
	struct wr_backend *be, uint8_t slot, uint32_t asked, const struct wr_check_answer *a)
{
	struct wr_backend_check *c = &be->check[slot];

	if (__atomic_load_n(&c->asked, __ATOMIC_RELAXED) != asked)
		return; // too late: counted as lost
	c->answer = *a;
	__atomic_store_n(&c->answered, asked, __ATOMIC_RELEASE);
}

// Errors of ours, for lack of ports, connections or a route: they tell nothing about the backend,
// and in an overload would take the whole pool down.
static bool is_ours(int err)
{
	return err == EADDRNOTAVAIL || err == EADDRINUSE || err == ENOBUFS || err == ENOMEM ||
	       err == ENETUNREACH;
}

static void went_down(struct wr_backends *b, struct wr_backend *be, const char *text, wr_us_t now)
{
	const struct wr_conf_pool *pc = pool_conf(b, be);
	struct wr_event *ev;

	be->health = WR_HEALTH_DOWN;
	be->transitions++;
	be->streak = 0;
	wr_backend_settle(b, be, now);
	ev = wr_note(b, WR_EV_backend_down, be->id, now);
	ev->count = wr_backend_held(b, be->id);
	ev->extra = (uint32_t)be->check[WR_CHECK_SLOT_HEALTH].last.err;
	wr_note_text(ev, "%s", text);
	if (pc->on_down == WR_CONF_ON_DOWN_RESET)
		wr_queue_add(&b->kills, be->id);
}

static void went_up(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	be->health = WR_HEALTH_UP;
	be->transitions++;
	be->streak = 0;
	wr_ramp_begin(b, be, now);
	wr_backend_settle(b, be, now);
	wr_note_text(wr_note(b, WR_EV_backend_up, be->id, now), "%s",
		be->check[WR_CHECK_SLOT_HEALTH].last.text);
}

// A verdict: rise and fall, then a breaker that waits for it.
static void judge_health(
	struct wr_backends *b, struct wr_backend *be, uint32_t asked, bool first, wr_us_t now)
{
	const struct wr_conf_pool *pc = pool_conf(b, be);
	const struct wr_check_answer *a = &be->check[WR_CHECK_SLOT_HEALTH].last;
	bool passed = a->err == 0;
	char text[96];

	if (be->health != WR_HEALTH_UNCHECKED && passed == (be->health == WR_HEALTH_UP)) {
		be->streak = 0;
	} else if (be->health != WR_HEALTH_UNCHECKED) {
		be->streak++;
		if (passed && be->streak >= pc->health_rise) {
			went_up(b, be, now);
		} else if (!passed && be->streak >= pc->health_fall) {
			snprintf(text, sizeof(text), first ? "%s (first check)" : "%s (%u of %u)",
				a->text[0] != '\0' ? a->text : strerror(a->err), be->streak,
				pc->health_fall);
			went_down(b, be, text, now);
		}
	}
	if ((int32_t)(asked - be->seen->decides) >= 0)
		wr_breaker_verdict(b, be, passed, now);
}

static void judge(struct wr_backends *b, struct wr_backend *be, uint8_t slot,
	const struct wr_check_answer *a, uint32_t asked, wr_us_t now)
{
	struct wr_backend_check *c = &be->check[slot];
	bool first = !c->known;
	wr_us_t t, next;

	c->out = false;
	c->known = true;
	c->last = *a;
	c->last.text[sizeof(c->last.text) - 1] = '\0';
	c->last_us = now;
	if (!wr_checks_wanted(b, be, slot))
		return;
	// An agent that is not there changes nothing: the health check is for that.
	if (slot == WR_CHECK_SLOT_AGENT && a->err == 0)
		wr_agent_judge(b, be, &c->last, now);
	else if (slot == WR_CHECK_SLOT_HEALTH && !is_ours(a->err))
		judge_health(b, be, asked, first, now);
	if (!wr_checks_wanted(b, be, slot))
		return;
	if (slot == WR_CHECK_SLOT_HEALTH && be->breaker == WR_BREAKER_HALF_OPEN &&
		(int32_t)(asked - be->seen->decides) < 0) {
		wr_checks_at(b, be, slot, now); // this one was asked before
		return;
	}
	t = interval(b, be, slot);
	next = be->seen->asked_us[slot] + t -
	       wr_rng_below(&b->rng, (uint32_t)RTE_MIN(t / JITTER_PER, UINT32_MAX - 1) + 1);
	wr_checks_at(b, be, slot, RTE_MAX(next, now));
}

// An answer that does not come: every check ends by its own time-out, so the worker that has it
// stands still, and the backend has no part in that. Its number is given up as well, so that it may
// come late.
static void lost(struct wr_backends *b, struct wr_backend *be, uint8_t slot, wr_us_t now)
{
	struct wr_backend_check *c = &be->check[slot];
	struct wr_check_answer a = {.err = ENOBUFS, .text = "not known: no worker answered"};
	uint32_t asked = c->asked;

	a.took_us = (uint32_t)(now - be->seen->asked_us[slot]);
	__atomic_store_n(&c->asked, asked + 1, __ATOMIC_RELAXED);
	judge(b, be, slot, &a, asked, now);
}

void wr_checks_judge(struct wr_backends *b, wr_us_t now)
{
	uint32_t i = 0;

	while (i < b->out_count) {
		struct wr_backend *be = &b->backends[b->out[i] / WR_CHECK_SLOTS];
		uint8_t slot = b->out[i] % WR_CHECK_SLOTS;
		struct wr_backend_check *c = &be->check[slot];
		bool there = __atomic_load_n(&c->answered, __ATOMIC_ACQUIRE) == c->asked;

		if (!there && now < c->lost_us) {
			i++;
			continue;
		}
		out_remove(b, i);
		if (there)
			judge(b, be, slot, &c->answer, c->asked, now);
		else
			lost(b, be, slot, now);
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */

// Tiers of a pool and its backup: where new sessions go, and what is told of moves.

#include "backend_priv.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#define TELL 13 // of 256: smaller moves (5 %) are not worth an event, unless they reach an end

// Part of 256 that a tier could take: all of it down to spill_percent of its weight.
static uint16_t health(const struct wr_conf_pool *pc, const struct tier_sum *t)
{
	uint64_t part;

	if (t->count == 0 || t->weight == 0)
		return 0;
	if (pc->spill_percent == 0)
		return WHOLE;
	part = t->usable * 100 * WHOLE / (t->weight * pc->spill_percent);
	if (part == 0)
		return 1;
	return (uint16_t)RTE_MIN(part, (uint64_t)WHOLE);
}

// Falls at once, and rises when it has not fallen for as long as the hold.
static void heed(struct pool_more *m, const struct wr_conf_pool *pc, uint32_t p, uint16_t h,
	bool first, wr_us_t now)
{
	if (first || h <= m->well[p] || pc->spill_hold_us == 0) {
		m->well[p] = h;
		m->rising_us[p] = WR_US_NEVER;
		return;
	}
	if (m->rising_us[p] == WR_US_NEVER || h < m->rising[p])
		m->rising_us[p] = now;
	m->rising[p] = h;
	if (now >= m->rising_us[p] + pc->spill_hold_us) {
		m->well[p] = h;
		m->rising_us[p] = WR_US_NEVER;
		return;
	}
	m->hold_due_us = RTE_MIN(m->hold_due_us, m->rising_us[p] + pc->spill_hold_us);
}

void wr_pool_shares(struct wr_backends *b, uint16_t pool, const struct tier_sum sum[TIERS],
	uint16_t share[TIERS], wr_us_t now)
{
	const struct wr_conf_pool *pc = b->pools[pool].conf;
	struct pool_more *m = &b->more[pool];
	uint32_t left = WHOLE, total = 0, given = 0, best = TIERS;
	uint16_t h[TIERS];

	m->hold_due_us = WR_US_NEVER;
	for (uint32_t p = 0; p < TIERS; p++) {
		h[p] = health(pc, &sum[p]);
		// A tier that was not there before has nothing to prove.
		heed(m, pc, p, h[p], !m->built || !(m->had & 1u << p), now);
		m->had = (uint8_t)((m->had & ~(1u << p)) | (sum[p].weight > 0) << p);
		share[p] = (uint16_t)RTE_MIN((uint32_t)m->well[p], left);
		left -= share[p];
	}
	// What nobody takes for having been well long enough goes to who is well now, and stays
	// there: else it would go to another that had been well a little longer, and come back.
	for (uint32_t p = 0; p < TIERS && left > 0; p++) {
		uint32_t more = RTE_MIN((uint32_t)(h[p] - m->well[p]), left);

		share[p] = (uint16_t)(share[p] + more);
		m->well[p] = (uint16_t)(m->well[p] + more);
		left -= more;
	}
	for (uint32_t p = 0; p < TIERS; p++) {
		total += share[p];
		if (share[p] > 0 && best == TIERS)
			best = p;
	}
	if (left == 0 || best == TIERS)
		return;
	// All together are not well enough: each bears its part of the rest.
	for (uint32_t p = 0; p < TIERS; p++) {
		share[p] = (uint16_t)(share[p] * WHOLE / total);
		given += share[p];
	}
	share[best] = (uint16_t)(share[best] + WHOLE - given);
}

static uint32_t percent(uint16_t share)
{
	return (share * 100u + WHOLE / 2) / WHOLE;
}

static void worth(struct wr_backends *b, uint16_t pool, uint32_t *usable, uint32_t *live)
{
	const struct wr_pool_slot *ps = &b->pools[pool];

	*usable = *live = 0;
	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = wr_pool_member(b, ps, i);

		if (be == NULL)
			continue;
		*live += be->slot == WR_CONF_LIVE;
		*usable += wr_backend_usable(be);
	}
}

void wr_pool_tell_shares(
	struct wr_backends *b, uint16_t pool, const uint16_t share[TIERS], wr_us_t now)
{
	struct wr_pool_slot *ps = &b->pools[pool];
	uint16_t *told = b->more[pool].told;
	uint32_t p = 0, other, usable, live;
	int move, most = 0;
	bool falls;

	while (p < TIERS && share[p] == told[p])
		p++;
	if (p == TIERS)
		return;
	move = (int)share[p] - (int)told[p];
	if (abs(move) < TELL && share[p] != 0 && share[p] != WHOLE && told[p] != WHOLE)
		return;
	falls = move < 0;
	other = p;
	for (uint32_t q = p + 1; q < TIERS; q++) {
		int gain = ((int)share[q] - (int)told[q]) * (falls ? 1 : -1);

		if (gain > most) {
			most = gain;
			other = q;
		}
	}
	worth(b, pool, &usable, &live);
	ps->spills += falls;
	ps->returns += !falls;
	wr_note_text(wr_note(b, falls ? WR_EV_pool_spill : WR_EV_pool_return, pool, now),
		"tier %u to tier %u: tier %u has %u %% of new sessions now; %u of %u backends well",
		falls ? p : other, falls ? other : p, p, percent(share[p]), usable, live);
	memcpy(told, share, TIERS * sizeof(*told));
}

// The pool behind this one in the chain of backups, or -1.
static int32_t backup_of(const struct wr_backends *b, uint16_t pool)
{
	int32_t next = b->pools[pool].conf->backup;

	if (next < 0 || next >= WR_MAX_POOLS || !b->pool_used[next] || b->pools[next].conf == NULL)
		return -1;
	return next;
}

// Whether a tier of it is well enough by itself.
static bool has_capacity(const struct pool_more *m, uint32_t percent)
{
	for (uint32_t p = 0; p < TIERS; p++) {
		const struct tier_well *t = &m->tier_well[p];

		if (t->usable > 0 && t->usable * 100 >= percent * t->candidates)
			return true;
	}
	return false;
}

bool wr_pool_has_to_open(const struct wr_backends *b, uint16_t pool)
{
	uint32_t percent = b->pools[pool].conf->fail_open_percent, candidates = 0;
	int32_t at = pool;

	for (uint32_t p = 0; p < TIERS; p++)
		candidates += b->more[pool].tier_well[p].candidates;
	if (percent == 0 || candidates == 0)
		return false;
	for (uint32_t hops = 0; at >= 0 && hops < b->pool_count; hops++) {
		if (has_capacity(&b->more[at], percent))
			return false;
		at = backup_of(b, (uint16_t)at);
	}
	return true;
}

// Along the chain of backups to the first pool that may be picked from.
static uint16_t serving(const struct wr_backends *b, uint16_t pool)
{
	uint16_t at = pool;

	for (uint32_t hops = 0; hops < b->pool_count; hops++) {
		int32_t next = backup_of(b, at);

		if (b->pools[at].usable > 0)
			return at;
		if (next < 0)
			return pool;
		at = (uint16_t)next;
	}
	return pool;
}

void wr_backends_reroute(struct wr_backends *b, wr_us_t now, bool tell)
{
	for (uint16_t i = 0; i < b->pool_count; i++) {
		struct wr_pool_slot *ps = &b->pools[i];
		uint16_t before = b->route[i], to;
		uint32_t usable, live;
		bool back;

		if (!b->pool_used[i] || ps->conf == NULL)
			continue;
		to = serving(b, i);
		ps->serving = to;
		if (to == before)
			continue;
		__atomic_store_n(&b->route[i], to, __ATOMIC_RELAXED);
		back = to == i;
		// Back without a backend: the backup failed as well, which is no return.
		if (!tell || (back && ps->usable == 0))
			continue;
		ps->spills += !back;
		ps->returns += back;
		worth(b, i, &usable, &live);
		wr_note_text(wr_note(b, back ? WR_EV_pool_return : WR_EV_pool_spill, i, now),
			"pool %.24s to pool %.24s: all new sessions; %u of %u backends well",
			b->pools[before].name, b->pools[to].name, usable, live);
	}
}

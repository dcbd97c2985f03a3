/* SPDX-License-Identifier: BSD-3-Clause */

// A pool's view as a snapshot: tiers and their pickers, built beside the running one, swapped,
// retired under RCU.

#include "backend_priv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

#include "wr_hash.h"

bool wr_backend_candidate(const struct wr_backend *be)
{
	return be->slot == WR_CONF_LIVE && be->admin == WR_ADMIN_ENABLED && !be->agent_drain &&
	       wr_backend_share_weight(be) > 0;
}

bool wr_backend_usable(const struct wr_backend *be)
{
	return wr_backend_candidate(be) && be->health != WR_HEALTH_DOWN && !be->agent_down &&
	       be->breaker == WR_BREAKER_CLOSED;
}

uint32_t wr_backend_share_weight(const struct wr_backend *be)
{
	uint32_t w = (be->weight * be->agent_percent + 50) / 100;

	if (be->weight > 0 && be->agent_percent > 0)
		w = RTE_MAX(w, 1u);
	return RTE_MIN(w, 256u);
}

// Sizes of tables are few and far apart, so that a pool that grows by a backend mostly keeps its
// table's size, and with it nearly all its clients' places.
static uint32_t table_size(uint32_t wanted)
{
	static const uint32_t sizes[] = {4093, 16381, 65537, 131071, 262139, 655373};
	uint32_t i = 0;

	while (i + 1 < RTE_DIM(sizes) && sizes[i] < wanted)
		i++;
	return sizes[i];
}

// From what is configured, not from what is up: a table that changes its size would move every
// client. An operator's weights count only where the file's would be far too coarse.
static uint32_t size_of_tier(const struct wr_backends *b, const struct wr_pool_slot *ps,
	uint8_t tier, struct wr_maglev_backend *rows)
{
	uint32_t n = 0, by_file, by_weight;

	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = wr_pool_member(b, ps, i);

		if (be != NULL && be->slot == WR_CONF_LIVE && be->priority == tier)
			rows[n++] = (struct wr_maglev_backend){
				be->name, be->id, (uint16_t)be->weight_conf};
	}
	by_file = wr_maglev_size(rows, n);
	for (uint32_t i = 0; i < n; i++)
		rows[i].weight = (uint16_t)b->backends[rows[i].id].weight;
	by_weight = wr_maglev_size(rows, n);
	return table_size(by_weight > 4 * by_file ? by_weight : by_file);
}

struct survey {
	struct tier_sum tier[TIERS];
	struct tier_well well[TIERS];
	uint32_t candidates, usable;
	uint16_t share[TIERS];
};

static bool pickable(const struct wr_backends *b, const struct wr_backend *be, bool fail_open)
{
	if (!be->ready && !b->more[be->pool].before)
		return false;
	return fail_open ? wr_backend_candidate(be) : wr_backend_usable(be);
}

static void survey(
	const struct wr_backends *b, const struct wr_pool_slot *ps, struct survey *sv, bool open)
{
	memset(sv, 0, sizeof(*sv));
	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = wr_pool_member(b, ps, i);
		struct tier_sum *t;

		if (be == NULL || be->slot != WR_CONF_LIVE)
			continue;
		t = &sv->tier[be->priority];
		t->weight += be->weight;
		sv->well[be->priority].candidates += pickable(b, be, true);
		sv->well[be->priority].usable += pickable(b, be, false);
		if (pickable(b, be, open)) {
			t->usable += be->weight;
			t->count++;
		}
	}
	for (uint32_t p = 0; p < TIERS; p++) {
		sv->candidates += sv->well[p].candidates;
		sv->usable += sv->well[p].usable;
	}
}

static uint32_t tier_rows(const struct wr_backends *b, const struct wr_pool_slot *ps, uint8_t tier,
	bool fail_open, struct wr_maglev_backend *rows)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = wr_pool_member(b, ps, i);

		if (be == NULL || be->slot != WR_CONF_LIVE || be->priority != tier)
			continue;
		rows[n++] = (struct wr_maglev_backend){be->name, be->id,
			pickable(b, be, fail_open) ? (uint16_t)wr_backend_share_weight(be) : 0};
	}
	return n;
}

// A number of everything that a picker is built from.
static uint64_t sign_of(const struct wr_pool_slot *ps, const struct wr_maglev_backend *rows,
	uint32_t n, uint32_t size)
{
	uint64_t key[2] = {(uint64_t)ps->conf->balance << 32 | ps->conf->bound_percent, size};

	for (uint32_t i = 0; i < n; i++) {
		key[0] = wr_siphash(key, rows[i].name, strlen(rows[i].name));
		key[1] ^= (uint64_t)rows[i].id << 32 | rows[i].weight;
	}
	return wr_siphash(key, key, sizeof(key));
}

static void table_put(struct tier_table *t)
{
	if (t == NULL || --t->refs > 0)
		return;
	wr_picker_destroy(t->picker);
	free(t);
}

void wr_view_destroy(void *view)
{
	struct wr_pool_view *v = view;

	for (uint32_t i = 0; v != NULL && i < v->tiers; i++)
		table_put(v->tier[i].table);
	free(v);
}

static enum wr_balance how(const struct wr_conf_pool *pc)
{
	static const enum wr_balance of[] = {
		[WR_CONF_BALANCE_MAGLEV] = WR_BALANCE_MAGLEV,
		[WR_CONF_BALANCE_BOUNDED] = WR_BALANCE_BOUNDED,
		[WR_CONF_BALANCE_LEAST] = WR_BALANCE_LEAST,
		[WR_CONF_BALANCE_TWO_CHOICES] = WR_BALANCE_TWO_CHOICES,
		[WR_CONF_BALANCE_ROUND_ROBIN] = WR_BALANCE_ROUND_ROBIN,
	};

	return of[pc->balance];
}

// The running view's table for the same rows, or a new one. NULL: out of memory.
static struct tier_table *table_get(const struct wr_pool_slot *ps, uint8_t tier,
	const struct wr_maglev_backend *rows, uint32_t n, uint32_t size)
{
	uint64_t sign = sign_of(ps, rows, n, size);
	struct tier_table *t;

	for (uint32_t i = 0; ps->view != NULL && i < ps->view->tiers; i++) {
		t = ps->view->tier[i].table;
		if (ps->view->tier[i].priority == tier && t->sign == sign) {
			t->refs++;
			return t;
		}
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return NULL;
	t->sign = sign;
	t->refs = 1;
	t->picker = wr_picker_build(how(ps->conf), ps->conf->bound_percent, rows, n, size);
	if (t->picker == NULL) {
		free(t);
		return NULL;
	}
	return t;
}

static struct wr_pool_view *build(const struct wr_backends *b, const struct wr_pool_slot *ps,
	const struct survey *sv, bool open)
{
	struct wr_maglev_backend *rows = calloc(ps->count + 1, sizeof(*rows));
	struct wr_pool_view *v = calloc(1, sizeof(*v));
	uint32_t until = 0;

	if (rows == NULL || v == NULL)
		goto fail;
	for (uint8_t p = 0; p < TIERS; p++) {
		struct view_tier *t = &v->tier[v->tiers];
		uint32_t n, size;

		if (sv->tier[p].count == 0)
			continue;
		size = size_of_tier(b, ps, p, rows);
		n = tier_rows(b, ps, p, open, rows);
		t->table = table_get(ps, p, rows, n, size);
		if (t->table == NULL)
			goto fail;
		t->picker = t->table->picker;
		t->priority = p;
		t->until = until += sv->share[p];
		v->tiers++;
		v->usable += sv->tier[p].count;
	}
	free(rows);
	return v;

fail:
	free(rows);
	wr_view_destroy(v);
	return NULL;
}

static bool same(const struct wr_pool_view *x, const struct wr_pool_view *y)
{
	if (x == NULL || x->tiers != y->tiers)
		return false;
	for (uint32_t i = 0; i < x->tiers; i++)
		if (x->tier[i].table != y->tier[i].table || x->tier[i].until != y->tier[i].until)
			return false;
	return true;
}

int wr_backends_reserve(struct wr_backends *b, uint32_t n)
{
	uint32_t max = b->retired_max > 0 ? b->retired_max : 16;
	struct retired *grown;

	while (max < b->retired_count + n)
		max *= 2;
	if (max == b->retired_max)
		return 0;
	grown = realloc(b->retired, max * sizeof(*grown));
	if (grown == NULL)
		return -ENOMEM;
	b->retired = grown;
	b->retired_max = max;
	return 0;
}

void wr_backends_retire(struct wr_backends *b, void *what, void (*end)(void *what))
{
	if (what != NULL)
		b->retired[b->retired_count++] =
			(struct retired){what, end, rte_rcu_qsbr_start(b->rcu)};
}

void wr_backends_reclaim(struct wr_backends *b)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < b->retired_count; i++) {
		if (rte_rcu_qsbr_check(b->rcu, b->retired[i].token, false) == 1)
			b->retired[i].end(b->retired[i].what);
		else
			b->retired[kept++] = b->retired[i];
	}
	b->retired_count = kept;
}

static const struct wr_backend *last_changed(
	const struct wr_backends *b, const struct wr_pool_slot *ps)
{
	const struct wr_backend *last = NULL;

	for (uint32_t i = 0; i < ps->count; i++) {
		const struct wr_backend *be = wr_pool_member(b, ps, i);

		if (be != NULL && (last == NULL || be->state_since_us > last->state_since_us))
			last = be;
	}
	return last;
}

// What a rebuilt view means for who looks at the whole pool.
static void tell(struct wr_backends *b, struct wr_pool_slot *ps, const struct survey *sv,
	uint32_t usable_before, bool open, wr_us_t now)
{
	const struct wr_backend *last = last_changed(b, ps);
	char words[80];

	if (open != ps->failing_open)
		wr_note_text(wr_note(b, open ? WR_EV_pool_fail_open : WR_EV_pool_fail_open_end,
				     ps->id, now),
			"%u of %u well, %u %% needed", sv->usable, sv->candidates,
			ps->conf->fail_open_percent);
	if (ps->usable == 0 && usable_before > 0)
		wr_note_text(wr_note(b, WR_EV_pool_empty, ps->id, now), "%s",
			last != NULL ? wr_backend_words(b, last, now, words, sizeof(words))
				     : "it has no backend");
	else if (ps->usable > 0 && usable_before > 0)
		wr_pool_tell_shares(b, ps->id, sv->share, now);
	else
		memcpy(b->more[ps->id].told, sv->share, sizeof(sv->share));
}

static void swap_view(struct wr_backends *b, struct wr_pool_slot *ps, struct wr_pool_view *fresh)
{
	if (same(ps->view, fresh)) {
		wr_view_destroy(fresh);
		return;
	}
	ps->generation++;
	wr_backends_retire(
		b, __atomic_exchange_n(&ps->view, fresh, __ATOMIC_ACQ_REL), wr_view_destroy);
}

int wr_backends_rebuild(struct wr_backends *b, uint16_t pool, wr_us_t now)
{
	struct wr_pool_slot *ps = &b->pools[pool];
	struct pool_more *more = &b->more[pool];
	uint32_t usable_before = ps->usable;
	struct wr_pool_view *fresh;
	struct survey sv;
	bool open;

	more->dirty = true;
	more->rebuilt_us = now;
	survey(b, ps, &sv, false);
	memcpy(more->tier_well, sv.well, sizeof(sv.well));
	open = wr_pool_has_to_open(b, pool);
	if (open)
		survey(b, ps, &sv, true);
	wr_pool_shares(b, pool, sv.tier, sv.share, now);
	if (wr_backends_reserve(b, 1) < 0)
		return -ENOMEM;
	fresh = build(b, ps, &sv, open);
	if (fresh == NULL)
		return -ENOMEM;
	ps->usable = fresh->usable;
	swap_view(b, ps, fresh);
	more->dirty = false;
	if (more->owes) {
		more->owes = false;
		b->commit_token = rte_rcu_qsbr_start(b->rcu);
	}
	if (more->built)
		tell(b, ps, &sv, usable_before, open, now);
	else
		memcpy(more->told, sv.share, sizeof(sv.share));
	more->built = true;
	ps->failing_open = open;
	memcpy(ps->tier_share, sv.share, sizeof(sv.share));
	return 0;
}

wr_us_t wr_backends_views(struct wr_backends *b, wr_us_t now, bool all)
{
	wr_us_t next = WR_US_NEVER;
	bool any = false;

	for (uint16_t i = 0; i < b->pool_count; i++) {
		struct pool_more *m = &b->more[i];

		if (!b->pool_used[i] || b->pools[i].conf == NULL)
			continue;
		if (!m->dirty && now >= m->hold_due_us)
			m->dirty = true;
		if (m->dirty && (all || now >= m->rebuilt_us + WINDOW_US)) {
			// Without memory the old view goes on: connects to a dead backend fail
			// over.
			wr_backends_rebuild(b, i, now);
			any = true;
		}
		next = RTE_MIN(next, m->dirty ? m->rebuilt_us + WINDOW_US : m->hold_due_us);
	}
	if (!any)
		return next;
	// Who failed open, or did not, for what its backups were: at once, whatever the window.
	for (uint16_t i = 0; i < b->pool_count; i++)
		if (b->pool_used[i] && b->pools[i].conf != NULL && !b->more[i].dirty &&
			b->pools[i].failing_open != wr_pool_has_to_open(b, i)) {
			wr_backends_rebuild(b, i, now);
			next = RTE_MIN(
				next, b->more[i].dirty ? now + WINDOW_US : b->more[i].hold_due_us);
		}
	wr_backends_reroute(b, now, true);
	return next;
}

void wr_backends_flush(struct wr_backends *b, wr_us_t now)
{
	wr_backends_start(b, now);
	wr_backends_views(b, now, true);
}

uint32_t wr_backends_usable(const struct wr_backends *b, uint16_t pool)
{
	const struct wr_pool_view *v =
		pool < WR_MAX_POOLS ? __atomic_load_n(&b->pools[pool].view, __ATOMIC_ACQUIRE)
				    : NULL;

	return v != NULL ? v->usable : 0;
}

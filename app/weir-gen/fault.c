/* SPDX-License-Identifier: BSD-3-Clause */
#include "fault.h"

#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include "wr_hash.h"
#include "wr_rng.h"

static int check(const struct gen_fault *f, struct wr_err *err)
{
	bool timed = f->kind == GEN_FAULT_SLOW_ACCEPT || f->kind == GEN_FAULT_FLAP;

	if (timed && f->delay_us == 0)
		return wr_err_set(err, EINVAL,
			"line %u: a fault of kind slow_accept or flap needs a delay above 0",
			f->line);
	if (f->permille > 1000)
		return wr_err_set(err, EINVAL,
			"line %u: a fault cannot strike %u of 1000 connections: 1000 is all",
			f->line, f->permille);
	return 0;
}

int fault_init(struct fault_plan *p, const struct gen_fault *fault, uint32_t count, uint64_t seed,
	struct wr_err *err)
{
	struct wr_rng rng;
	int rc;

	memset(p, 0, sizeof(*p));
	for (uint32_t i = 0; i < count; i++) {
		rc = check(&fault[i], err);
		if (rc < 0)
			return rc;
	}
	wr_rng_init(&rng, seed);
	p->key[0] = wr_rng_next(&rng);
	p->key[1] = wr_rng_next(&rng);
	p->fault = fault;
	p->count = count;
	p->change_us = WR_US_NEVER;
	return 0;
}

void fault_start(struct fault_plan *p, wr_us_t now_us)
{
	p->started = true;
	p->origin_us = now_us;
	fault_refresh(p, now_us);
}

// Whether it is active `t` after the start; *next gets the time of its next change, *end that of
// its end.
static bool active_at(const struct gen_fault *f, wr_us_t t, wr_us_t *next, wr_us_t *end)
{
	wr_us_t turn;

	*end = f->for_us == 0 ? WR_US_NEVER : f->at_us + f->for_us;
	*next = WR_US_NEVER;
	if (t < f->at_us) {
		*next = f->at_us;
		return false;
	}
	if (t >= *end)
		return false;
	*next = *end;
	if (f->kind != GEN_FAULT_FLAP)
		return true;
	turn = (t - f->at_us) / f->delay_us;
	*next = RTE_MIN(*end, f->at_us + (turn + 1) * f->delay_us);
	return turn % 2 == 0;
}

void fault_refresh(struct fault_plan *p, wr_us_t now_us)
{
	wr_us_t t = now_us - p->origin_us;
	wr_us_t change = WR_US_NEVER;
	wr_us_t next, end;

	p->mask = 0;
	if (!p->started)
		return;
	for (uint32_t i = 0; i < p->count; i++) {
		if (active_at(&p->fault[i], t, &next, &end))
			p->mask |= 1u << p->fault[i].kind;
		change = RTE_MIN(change, next);
	}
	p->change_us = change == WR_US_NEVER ? WR_US_NEVER : p->origin_us + change;
}

// Each fault chooses its connections apart from the others.
static bool chosen(const struct fault_plan *p, uint32_t index, uint64_t hash)
{
	uint64_t h = wr_hash_mum(hash ^ p->key[0], p->key[1] + 2 * index + 1);

	return (((h >> 32) * 1000) >> 32) < p->fault[index].permille;
}

static const struct gen_fault *find(const struct fault_plan *p, enum gen_fault_kind kind,
	uint64_t hash, wr_us_t now_us, wr_us_t *until_us)
{
	wr_us_t next, end;

	for (uint32_t i = 0; i < p->count; i++) {
		const struct gen_fault *f = &p->fault[i];

		if (f->kind != kind || !active_at(f, now_us - p->origin_us, &next, &end) ||
			!chosen(p, i, hash))
			continue;
		if (until_us != NULL)
			*until_us = end == WR_US_NEVER ? end : p->origin_us + end;
		return f;
	}
	return NULL;
}

bool fault_find(const struct fault_plan *p, enum gen_fault_kind kind, const struct wr_tuple *t,
	wr_us_t now_us, wr_us_t *until_us)
{
	return find(p, kind, wr_hash_tuple(p->key, t), now_us, until_us) != NULL;
}

static enum ep_admit strike(struct fault_plan *p, uint64_t hash, enum ep_admit how)
{
	uint64_t *seen = &p->seen[hash & (FAULT_SEEN - 1)];

	if (*seen != hash) {
		*seen = hash;
		p->struck++;
	}
	return how;
}

enum ep_admit fault_admit(
	struct fault_plan *p, const struct wr_tuple *t, wr_us_t *delay_us, wr_us_t now_us)
{
	const struct gen_fault *slow;
	uint64_t hash;

	if (now_us >= p->change_us)
		fault_refresh(p, now_us);
	if (p->mask == 0)
		return EP_ADMIT;
	hash = wr_hash_tuple(p->key, t);
	if (find(p, GEN_FAULT_BLACKHOLE, hash, now_us, NULL) != NULL)
		return strike(p, hash, EP_ADMIT_DROP);
	if (delay_us == NULL)
		return EP_ADMIT;
	if (find(p, GEN_FAULT_REFUSE, hash, now_us, NULL) != NULL ||
		find(p, GEN_FAULT_FLAP, hash, now_us, NULL) != NULL)
		return strike(p, hash, EP_ADMIT_RESET);
	slow = find(p, GEN_FAULT_SLOW_ACCEPT, hash, now_us, NULL);
	if (slow == NULL)
		return EP_ADMIT;
	*delay_us = slow->delay_us;
	return strike(p, hash, EP_ADMIT);
}

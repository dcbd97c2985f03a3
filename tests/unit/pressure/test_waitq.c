/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <rte_common.h>

#include "wr_rng.h"
#include "wr_waitq.h"

// The queue of those that wait, case by case, and against a naive model of it.

#define OBJECTS 64
#define MS      WR_US_PER_MS

struct object {
	uint64_t before;
	struct wr_waitq_node node;
	uint64_t after;
};

struct rig {
	struct object o[OBJECTS];
	struct wr_waitq q;
};

static struct rig make(uint32_t items, wr_us_t time, wr_us_t target, wr_us_t standing)
{
	return (struct rig){.q.cfg = {
				    .items = items,
				    .time_us = time,
				    .target_us = target,
				    .standing_us = standing,
			    }};
}

static void rig_init(struct rig *r)
{
	struct wr_waitq_config cfg = r->q.cfg;

	cfg.nodes = &r->o[0].node;
	cfg.stride = sizeof(r->o[0]);
	wr_waitq_init(&r->q, &cfg);
}

static void push(struct rig *r, uint32_t i, uint8_t class, wr_us_t now)
{
	uint32_t out;

	assert_true(wr_waitq_push(&r->q, i, class, now, &out));
	assert_int_equal(out, WR_WAITQ_NONE);
}

static void waitq_empty_has_nothing(void **state)
{
	struct rig r = make(4, 1000 * MS, 50 * MS, 100 * MS);

	rig_init(&r);
	assert_int_equal(wr_waitq_pop(&r.q, 5), WR_WAITQ_NONE);
	assert_int_equal(wr_waitq_peek(&r.q, 5), WR_WAITQ_NONE);
	assert_int_equal(wr_waitq_expire(&r.q, 5), WR_WAITQ_NONE);
	assert_int_equal(wr_waitq_oldest_us(&r.q, 5), 0);
	assert_true(wr_waitq_next(&r.q, 5) == WR_US_NEVER);
	assert_false(wr_waitq_standing(&r.q, 5));
	wr_waitq_remove(&r.q, 3, 5);
	assert_int_equal(r.q.removed, 0);
}

static void waitq_pop_best_class_first_come(void **state)
{
	struct rig r = make(8, 1000 * MS, 50 * MS, 100 * MS);
	static const uint32_t order[] = {2, 5, 1, 3, 0};

	rig_init(&r);
	push(&r, 0, 7, 0);
	push(&r, 1, 4, 1);
	push(&r, 2, 0, 2);
	push(&r, 3, 4, 3);
	push(&r, 5, 0, 4);
	assert_int_equal(r.q.depth, 5);
	assert_int_equal(r.q.depth_of[4], 2);
	for (uint32_t i = 0; i < RTE_DIM(order); i++) {
		assert_int_equal(wr_waitq_peek(&r.q, 10), order[i]);
		assert_int_equal(wr_waitq_pop(&r.q, 10), order[i]);
		assert_false(r.o[order[i]].node.queued);
	}
	assert_int_equal(r.q.served, 5);
	assert_int_equal(r.q.waited_us, 10 + 9 + 8 + 7 + 6);
	assert_int_equal(r.q.busy_since_us, 0);
}

static void waitq_stands_needs_both(void **state)
{
	struct rig r = make(8, 1000 * MS, 50 * MS, 100 * MS);

	rig_init(&r);
	// Busy for long, but nobody waits long.
	push(&r, 0, 4, MS);
	for (uint32_t i = 1; i < 20; i++) {
		push(&r, i % 2, 4, MS + i * 10 * MS);
		assert_int_equal(wr_waitq_pop(&r.q, MS + i * 10 * MS), (i - 1) % 2);
	}
	assert_false(wr_waitq_standing(&r.q, 200 * MS));
	// The one that is left has waited 50 ms by then.
	assert_true(wr_waitq_standing(&r.q, 241 * MS));
	assert_int_equal(wr_waitq_pop(&r.q, 200 * MS), 1);
	// Somebody waits long, but the queue is not busy for long.
	push(&r, 2, 4, 300 * MS);
	assert_false(wr_waitq_standing(&r.q, 399 * MS));
	assert_true(wr_waitq_standing(&r.q, 400 * MS));
	assert_int_equal(wr_waitq_next(&r.q, 300 * MS), 400 * MS);
	assert_int_equal(wr_waitq_peek(&r.q, 399 * MS), 2);
	assert_int_equal(wr_waitq_peek(&r.q, 400 * MS), WR_WAITQ_NONE);
	assert_int_equal(wr_waitq_expire(&r.q, 399 * MS), WR_WAITQ_NONE);
	assert_int_equal(wr_waitq_expire(&r.q, 400 * MS), 2);
}

static void waitq_stands_newest_first_until_empty(void **state)
{
	struct rig r = make(8, 1000 * MS, 50 * MS, 100 * MS);

	rig_init(&r);
	push(&r, 0, 4, 1);
	push(&r, 1, 4, 60 * MS);
	push(&r, 2, 4, 70 * MS);
	push(&r, 3, 2, 80 * MS);
	push(&r, 4, 2, 90 * MS);
	assert_int_equal(
		wr_waitq_pop(&r.q, 95 * MS), 3); // not busy for 100 ms yet: first comes first
	assert_int_equal(wr_waitq_expire(&r.q, 101 * MS), 0);
	assert_true(r.q.late);
	assert_int_equal(wr_waitq_pop(&r.q, 101 * MS), 4);
	assert_int_equal(wr_waitq_pop(&r.q, 101 * MS), 2);
	assert_true(wr_waitq_standing(&r.q, 101 * MS));
	assert_int_equal(wr_waitq_next(&r.q, 101 * MS), 110 * MS);
	assert_int_equal(wr_waitq_pop(&r.q, 101 * MS), 1);
	assert_false(r.q.late);
	push(&r, 5, 4, 102 * MS);
	push(&r, 6, 4, 103 * MS);
	assert_int_equal(wr_waitq_pop(&r.q, 104 * MS), 5); // empty in between: first comes first
}

static void waitq_full_worse_leaves(void **state)
{
	struct rig r = make(3, 1000 * MS, 50 * MS, 100 * MS);
	uint32_t out;

	rig_init(&r);
	push(&r, 0, 5, 1);
	push(&r, 1, 6, 2);
	push(&r, 2, 6, 3);
	assert_false(wr_waitq_push(&r.q, 3, 6, 4, &out));
	assert_int_equal(out, WR_WAITQ_NONE);
	assert_true(wr_waitq_push(&r.q, 3, 4, 4, &out));
	assert_int_equal(out, 1);
	assert_true(wr_waitq_push(&r.q, 4, 5, 5, &out));
	assert_int_equal(out, 2);
	assert_false(wr_waitq_push(&r.q, 5, 5, 6, &out));
	assert_int_equal(r.q.depth, 3);
	assert_int_equal(r.q.evicted, 2);
	// While it stands, equals give way too, and never better ones.
	assert_true(wr_waitq_push(&r.q, 5, 5, 200 * MS, &out));
	assert_int_equal(out, 0);
	assert_false(wr_waitq_push(&r.q, 6, 6, 200 * MS, &out));
}

static void waitq_full_of_one_stays_busy(void **state)
{
	struct rig r = make(1, 1000 * MS, 50 * MS, 100 * MS);
	uint32_t out;

	rig_init(&r);
	push(&r, 0, 7, 7);
	assert_true(wr_waitq_push(&r.q, 1, 0, 90 * MS, &out));
	assert_int_equal(out, 0);
	assert_int_equal(r.q.busy_since_us, 7);
	assert_int_equal(r.q.depth, 1);
	r = make(0, 1000 * MS, 50 * MS, 100 * MS);
	rig_init(&r);
	assert_false(wr_waitq_push(&r.q, 0, 0, 1, &out));
}

static void waitq_expire_oldest_over_classes(void **state)
{
	struct rig r = make(8, 30 * MS, 50 * MS, 100 * MS);

	rig_init(&r);
	assert_int_equal(r.q.cfg.target_us, 30 * MS); // not above the time
	push(&r, 0, 0, 3 * MS);
	push(&r, 1, 3, 1 * MS);
	push(&r, 2, 7, 2 * MS);
	assert_int_equal(wr_waitq_next(&r.q, 4 * MS), 31 * MS);
	assert_int_equal(wr_waitq_oldest_us(&r.q, 4 * MS), 3 * MS);
	assert_int_equal(wr_waitq_expire(&r.q, 31 * MS - 1), WR_WAITQ_NONE);
	assert_int_equal(wr_waitq_expire(&r.q, 40 * MS), 1);
	assert_int_equal(wr_waitq_expire(&r.q, 40 * MS), 2);
	assert_int_equal(wr_waitq_pop(&r.q, 40 * MS), WR_WAITQ_NONE); // its time is over
	assert_int_equal(wr_waitq_expire(&r.q, 40 * MS), 0);
	assert_int_equal(r.q.expired, 3);
}

static void waitq_clock_behind_is_no_wait(void **state)
{
	struct rig r = make(8, 30 * MS, 20 * MS, 100 * MS);

	rig_init(&r);
	push(&r, 0, 0, 50 * MS);
	assert_int_equal(wr_waitq_oldest_us(&r.q, 40 * MS), 0);
	assert_int_equal(wr_waitq_pop(&r.q, 40 * MS), 0);
	assert_int_equal(r.q.waited_us, 0);
}

// --- against a model: an array in order of arrival ---

struct model {
	struct {
		uint32_t index;
		uint8_t class;
		wr_us_t at;
	} w[OBJECTS];
	uint32_t n;
	wr_us_t busy_since;
	bool late;
	uint64_t waited, arrivals, left;
};

static void model_take(struct model *m, const struct wr_waitq_config *cfg, uint32_t k, wr_us_t now)
{
	m->waited += now - m->w[k].at;
	m->late |= now - m->w[k].at >= cfg->target_us;
	m->left++;
	m->n--;
	memmove(&m->w[k], &m->w[k + 1], (m->n - k) * sizeof(m->w[0]));
	if (m->n == 0)
		m->late = false;
}

static bool model_stands(const struct model *m, const struct wr_waitq_config *cfg, wr_us_t now)
{
	return m->n > 0 && now - m->busy_since >= cfg->standing_us &&
	       (m->late || now - m->w[0].at >= cfg->target_us);
}

// Whom a newcomer meets: its place in the array, or -1.
static int model_victim(
	const struct model *m, const struct wr_waitq_config *cfg, uint8_t class, wr_us_t now)
{
	int best = -1;

	for (uint32_t k = 0; k < m->n; k++) {
		if (m->w[k].class < class)
			continue;
		if (m->w[k].class == class && !model_stands(m, cfg, now))
			continue;
		if (best < 0 || m->w[k].class > m->w[best].class)
			best = (int)k;
	}
	return best;
}

static int model_next(const struct model *m, const struct wr_waitq_config *cfg, wr_us_t now)
{
	bool stands = model_stands(m, cfg, now);
	wr_us_t limit = stands ? cfg->target_us : cfg->time_us;

	for (uint8_t c = 0; c < WR_CLASSES; c++) {
		int best = -1;

		for (uint32_t k = 0; k < m->n; k++) {
			if (m->w[k].class == c && (best < 0 || stands))
				best = (int)k;
		}
		if (best >= 0 && now - m->w[best].at < limit)
			return best;
	}
	return -1;
}

static void model_push(struct rig *r, struct model *m, uint32_t i, uint8_t class, wr_us_t now)
{
	int victim = -1;
	uint32_t out;
	bool in = wr_waitq_push(&r->q, i, class, now, &out);

	if (m->n == r->q.cfg.items)
		victim = model_victim(m, &r->q.cfg, class, now);
	assert_int_equal(in, m->n < r->q.cfg.items || victim >= 0);
	assert_int_equal(out, victim < 0 ? WR_WAITQ_NONE : m->w[victim].index);
	if (!in)
		return;
	m->arrivals++;
	if (m->n == 0)
		m->busy_since = now;
	m->w[m->n].index = i;
	m->w[m->n].class = class;
	m->w[m->n++].at = now;
	if (victim >= 0)
		model_take(m, &r->q.cfg, (uint32_t)victim, now);
}

static void model_step(struct rig *r, struct model *m, struct wr_rng *rng, wr_us_t now)
{
	const struct wr_waitq_config *cfg = &r->q.cfg;
	uint32_t i = wr_rng_below(rng, OBJECTS);
	int k;

	switch (wr_rng_below(rng, 8)) {
	case 0:
	case 1:
	case 2:
		if (!r->o[i].node.queued)
			model_push(r, m, i, (uint8_t)wr_rng_below(rng, WR_CLASSES), now);
		break;
	case 3:
	case 4:
		k = model_next(m, cfg, now);
		assert_int_equal(wr_waitq_pop(&r->q, now), k < 0 ? WR_WAITQ_NONE : m->w[k].index);
		if (k >= 0)
			model_take(m, cfg, (uint32_t)k, now);
		break;
	case 5:
		for (k = 0; m->n > 0 && m->w[k].index != i && k < (int)m->n - 1;)
			k++;
		wr_waitq_remove(&r->q, i, now);
		if (m->n > 0 && m->w[k].index == i)
			model_take(m, cfg, (uint32_t)k, now);
		break;
	default:
		if (m->n > 0 && now - m->w[0].at >= (model_stands(m, cfg, now) ? cfg->target_us
									       : cfg->time_us)) {
			assert_int_equal(wr_waitq_expire(&r->q, now), m->w[0].index);
			model_take(m, cfg, 0, now);
		} else {
			assert_int_equal(wr_waitq_expire(&r->q, now), WR_WAITQ_NONE);
		}
	}
	assert_int_equal(r->q.depth, m->n);
	assert_int_equal(wr_waitq_standing(&r->q, now), model_stands(m, cfg, now));
	assert_int_equal(wr_waitq_oldest_us(&r->q, now), m->n > 0 ? now - m->w[0].at : 0);
}

static void waitq_agrees_with_model(void **state)
{
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct rig r = make((uint32_t)(seed * 3 % 41), 400, seed % 2 ? 90 : 400, 300);
		struct model m = {0};
		struct wr_rng rng;
		wr_us_t now = 1;

		rig_init(&r);
		wr_rng_init(&rng, seed);
		for (uint32_t n = 0; n < 5000; n++) {
			// Strictly later, so that two are never equally old.
			now += 1 + wr_rng_below(&rng, seed % 3 ? 12 : 60);
			model_step(&r, &m, &rng, now);
		}
		assert_int_equal(r.q.arrivals, m.arrivals);
		assert_int_equal(r.q.waited_us, m.waited);
		assert_int_equal(r.q.served + r.q.expired + r.q.evicted + r.q.removed, m.left);
	}
}

// The time that is told in advance is the first at which somebody expires.
static void waitq_next_is_exact(void **state)
{
	struct wr_rng rng;

	wr_rng_init(&rng, 7);
	for (uint32_t n = 0; n < 1000; n++) {
		wr_us_t time = 50 + wr_rng_below(&rng, 200);
		wr_us_t target = 1 + wr_rng_below(&rng, 90);
		wr_us_t standing = wr_rng_below(&rng, 300);
		struct rig r = make(16, time, target, standing);
		wr_us_t now = 1, next;

		rig_init(&r);
		for (uint32_t i = 0; i < 8; i++) {
			now += wr_rng_below(&rng, 5);
			push(&r, i, (uint8_t)wr_rng_below(&rng, WR_CLASSES), now);
		}
		next = wr_waitq_next(&r.q, now);
		if (next > now)
			assert_int_equal(wr_waitq_expire(&r.q, next - 1), WR_WAITQ_NONE);
		assert_int_not_equal(wr_waitq_expire(&r.q, RTE_MAX(next, now)), WR_WAITQ_NONE);
	}
}

// Little's law over a run: the depth's integral is the sum of waits, once all have left.
static void waitq_counts_little(void **state)
{
	struct rig r = make(32, 700, 200, 500);
	uint64_t area = 0;
	struct wr_rng rng;
	uint32_t out;
	wr_us_t now = 1;

	rig_init(&r);
	wr_rng_init(&rng, 3);
	for (; now < 100000 || r.q.depth > 0; now++) {
		uint32_t i = wr_rng_below(&rng, OBJECTS);

		if (now < 100000 && !r.o[i].node.queued && wr_rng_below(&rng, 2) == 0)
			wr_waitq_push(&r.q, i, (uint8_t)(i % WR_CLASSES), now, &out);
		if (wr_rng_below(&rng, 4) == 0)
			wr_waitq_pop(&r.q, now);
		while (wr_waitq_expire(&r.q, now) != WR_WAITQ_NONE)
			;
		area += r.q.depth;
	}
	assert_true(r.q.arrivals > 10000);
	assert_true(r.q.expired > 100 && r.q.evicted > 100);
	assert_int_equal(r.q.waited_us, area);
	assert_int_equal(r.q.arrivals, r.q.served + r.q.expired + r.q.evicted);
}

// Other bounds while some wait: nobody leaves by it, nobody is lost.
static void waitq_change_keeps_who_waits(void **state)
{
	struct rig r = make(4, 1000 * MS, 500 * MS, 100 * MS);
	struct wr_waitq_config c;
	uint32_t out;

	rig_init(&r);
	c = r.q.cfg;
	for (uint32_t i = 0; i < 4; i++)
		push(&r, i, 4, i * MS);
	c.items = 2;
	wr_waitq_change(&r.q, &c);
	assert_int_equal(r.q.depth, 4);
	assert_false(wr_waitq_push(&r.q, 4, 4, 10 * MS, &out));
	assert_true(wr_waitq_push(&r.q, 4, 3, 10 * MS, &out));
	assert_int_equal(out, 0);
	assert_int_equal(r.q.depth, 4);
	c.time_us = 20 * MS;
	wr_waitq_change(&r.q, &c);
	assert_int_equal(r.q.cfg.target_us, 20 * MS);
	assert_int_equal(wr_waitq_expire(&r.q, 15 * MS), WR_WAITQ_NONE);
	assert_int_equal(wr_waitq_next(&r.q, 15 * MS), 21 * MS);
	assert_int_equal(wr_waitq_expire(&r.q, 21 * MS), 1);
	assert_int_equal(wr_waitq_expire(&r.q, 21 * MS), WR_WAITQ_NONE);
	c.time_us = 1000 * MS;
	c.items = 10;
	wr_waitq_change(&r.q, &c);
	for (uint32_t i = 5; i < 12; i++)
		push(&r, i, 4, 30 * MS);
	assert_int_equal(wr_waitq_pop(&r.q, 30 * MS), 4);
	assert_int_equal(wr_waitq_pop(&r.q, 30 * MS), 2);
	assert_int_equal(r.q.depth, 8);
	assert_int_equal(
		r.q.arrivals, r.q.depth + r.q.served + r.q.expired + r.q.evicted + r.q.removed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waitq_empty_has_nothing),
		cmocka_unit_test(waitq_pop_best_class_first_come),
		cmocka_unit_test(waitq_stands_needs_both),
		cmocka_unit_test(waitq_stands_newest_first_until_empty),
		cmocka_unit_test(waitq_full_worse_leaves),
		cmocka_unit_test(waitq_full_of_one_stays_busy),
		cmocka_unit_test(waitq_expire_oldest_over_classes),
		cmocka_unit_test(waitq_clock_behind_is_no_wait),
		cmocka_unit_test(waitq_agrees_with_model),
		cmocka_unit_test(waitq_next_is_exact),
		cmocka_unit_test(waitq_counts_little),
		cmocka_unit_test(waitq_change_keeps_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

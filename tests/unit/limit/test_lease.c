/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit_test.h"

#include <sched.h>

#include "wr_lease.h"

static void check(const struct wr_lease *l)
{
	int64_t sum = l->pot;

	for (uint16_t i = 0; i < l->workers; i++)
		sum += (int64_t)l->share[i].used + l->share[i].have;
	assert_int_equal(sum, l->limit != 0 ? (int64_t)l->limit : INT64_C(1) << 40);
}

static uint32_t take_all(struct wr_lease *l, uint16_t worker, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && wr_lease_take(l, worker))
		n++;
	check(l);
	return n;
}

static void lease_none_says_yes(void **state)
{
	struct wr_lease *l = wr_lease_create(0, 2);

	assert_int_equal(take_all(l, 0, 100000), 100000);
	assert_int_equal(take_all(l, 1, 10), 10);
	assert_true(wr_lease_may(l, 0));
	wr_lease_tick(l, 0);
	assert_int_equal(wr_lease_used(l), 100010);
	wr_lease_put(l, 1);
	assert_int_equal(wr_lease_used(l), 100009);
	check(l);
	wr_lease_destroy(l);
	wr_lease_destroy(NULL);
	assert_null(wr_lease_create(5, 0));
}

static void lease_limit_reached_exactly(void **state)
{
	static const uint32_t limits[] = {1, 2, 7, 100, 1000, 4096};

	for (uint32_t i = 0; i < RTE_DIM(limits); i++) {
		struct wr_lease *l = wr_lease_create(limits[i], 3);

		assert_int_equal(take_all(l, i % 3, UINT32_MAX), limits[i]);
		for (uint16_t w = 0; w < 3; w++) {
			assert_false(wr_lease_may(l, w));
			assert_false(wr_lease_take(l, w));
		}
		assert_int_equal(wr_lease_used(l), limits[i]);
		assert_int_equal(wr_lease_out(l), limits[i]);
		// One that comes back does not stay where nobody asked for it.
		wr_lease_put(l, i % 3);
		check(l);
		assert_true(wr_lease_may(l, (i + 1) % 3));
		assert_true(wr_lease_take(l, (i + 1) % 3));
		assert_false(wr_lease_take(l, i % 3));
		check(l);
		wr_lease_destroy(l);
	}
}

// What one worker leased and does not use is everyone's after its tick.
static void lease_tick_gives_back(void **state)
{
	struct wr_lease *l = wr_lease_create(100, 2);

	assert_true(wr_lease_take(l, 0));
	assert_int_equal(l->share[0].have, l->batch - 1);
	assert_int_equal(wr_lease_out(l), l->batch);
	assert_int_equal(take_all(l, 1, UINT32_MAX), 100 - l->batch);
	assert_int_equal(l->share[1].waiters, 1);
	assert_int_equal(l->wanting, 1);
	assert_false(wr_lease_may(l, 1));
	wr_lease_tick(l, 0);
	check(l);
	assert_true(wr_lease_may(l, 1));
	assert_int_equal(take_all(l, 1, UINT32_MAX), l->batch - 1);
	assert_int_equal(wr_lease_used(l), 100);
	wr_lease_destroy(l);
}

// Without a limit a worker keeps a batch; once there is one it gives back all that it does not use.
static void lease_tick_without_a_limit(void **state)
{
	struct wr_lease *l = wr_lease_create(0, 2);

	assert_int_equal(take_all(l, 0, 200), 200);
	for (uint32_t i = 0; i < 199; i++)
		wr_lease_put(l, 0);
	assert_true(l->share[0].have > l->batch);
	wr_lease_tick(l, 0);
	check(l);
	assert_int_equal(l->share[0].have, l->batch);
	assert_int_equal(wr_lease_set(l, 20), 0);
	wr_lease_tick(l, 0);
	check(l);
	assert_int_equal(l->share[0].have, 0);
	assert_int_equal(take_all(l, 1, UINT32_MAX), 19);
	wr_lease_destroy(l);
}

// A worker that wanted one and no longer does is forgotten once there is some.
static void lease_want_forgotten(void **state)
{
	struct wr_lease *l = wr_lease_create(8, 2);

	assert_int_equal(take_all(l, 0, 8), 8);
	assert_false(wr_lease_take(l, 1));
	wr_lease_tick(l, 1);
	assert_int_equal(l->wanting, 1);
	wr_lease_put(l, 0);
	assert_int_equal(l->pot, 1);
	wr_lease_tick(l, 1);
	assert_int_equal(l->wanting, 0);
	wr_lease_put(l, 0);
	assert_int_equal(l->share[0].have, 1);
	check(l);
	wr_lease_destroy(l);
}

static void lease_put_without_take_ignored(void **state)
{
	struct wr_lease *l = wr_lease_create(5, 1);

	wr_lease_put(l, 0);
	check(l);
	assert_int_equal(wr_lease_used(l), 0);
	assert_int_equal(take_all(l, 0, UINT32_MAX), 5);
	wr_lease_destroy(l);
}

// Below what is in use the pot goes negative; each one that comes back pays, then takes succeed.
static void lease_set_below_use(void **state)
{
	struct wr_lease *l = wr_lease_create(100, 2);

	assert_int_equal(take_all(l, 0, 60), 60);
	assert_int_equal(take_all(l, 1, 1), 1);
	assert_true(l->share[0].have + l->share[1].have > 0);
	assert_int_equal(wr_lease_set(l, 10), 0);
	check(l);
	assert_true(l->pot < 0);
	// Not even what was leased under the old limit.
	assert_false(wr_lease_may(l, 0));
	assert_false(wr_lease_take(l, 0));
	assert_false(wr_lease_take(l, 1));
	check(l);
	assert_int_equal(wr_lease_out(l), 61);
	for (uint32_t i = 0; i < 51; i++) {
		assert_false(wr_lease_take(l, 0));
		wr_lease_put(l, 0);
		check(l);
	}
	assert_int_equal(wr_lease_used(l), 10);
	assert_false(wr_lease_take(l, 1));
	wr_lease_put(l, 0);
	assert_true(wr_lease_take(l, 1));
	assert_int_equal(wr_lease_used(l), 10);
	check(l);
	wr_lease_destroy(l);
}

static void lease_set_raise_none_and_back(void **state)
{
	struct wr_lease *l = wr_lease_create(4, 2);

	assert_int_equal(take_all(l, 0, UINT32_MAX), 4);
	assert_int_equal(wr_lease_set(l, 6), 0);
	assert_int_equal(take_all(l, 1, UINT32_MAX), 2);
	assert_int_equal(wr_lease_set(l, 0), 0);
	assert_int_equal(take_all(l, 1, 50), 50);
	assert_int_equal(wr_lease_used(l), 56);
	assert_int_equal(wr_lease_set(l, UINT32_MAX), 0);
	assert_int_equal(take_all(l, 1, 4), 4);
	assert_int_equal(wr_lease_set(l, 5), 0);
	check(l);
	assert_false(wr_lease_take(l, 0));
	for (uint32_t i = 0; i < 56; i++)
		wr_lease_put(l, 1);
	wr_lease_tick(l, 1);
	check(l);
	assert_int_equal(wr_lease_used(l), 4);
	assert_int_equal(take_all(l, 1, UINT32_MAX), 1);
	wr_lease_destroy(l);
}

// Any order of calls of several workers, and of new limits: the sum holds after each.
static void lease_interleaved_model(void **state)
{
	for (uint64_t seed = 1; seed <= 40; seed++) {
		uint64_t rng = seed * 0x9e3779b97f4a7c15ULL;
		uint32_t limit = 1 + t_random(&rng) % 200, used[4] = {0};
		struct wr_lease *l = wr_lease_create(limit, 4);

		for (uint32_t i = 0; i < 3000; i++) {
			uint16_t w = t_random(&rng) % 4;
			uint32_t sum = used[0] + used[1] + used[2] + used[3];

			switch (t_random(&rng) % 16) {
			case 0:
				wr_lease_tick(l, w);
				break;
			case 1:
				if (i % 50 == 0)
					limit = 1 + t_random(&rng) % 200;
				assert_int_equal(wr_lease_set(l, limit), 0);
				break;
			case 2 ... 9: {
				bool may = wr_lease_may(l, w), got = wr_lease_take(l, w);

				assert_true(!got || sum < limit);
				assert_true(may || !got);
				assert_true(!may || got);
				used[w] += got;
				break;
			}
			default:
				if (used[w] > 0) {
					wr_lease_put(l, w);
					used[w]--;
				}
			}
			check(l);
			assert_int_equal(wr_lease_used(l), used[0] + used[1] + used[2] + used[3]);
		}
		wr_lease_destroy(l);
	}
}

struct taker {
	struct wr_lease *l;
	uint32_t *inside, *stop;
	uint16_t worker;
	uint32_t limit;
	uint64_t taken;
	bool above;
};

static void *take_and_put(void *arg)
{
	struct taker *me = arg;
	uint64_t rng = me->worker + 1;
	uint32_t mine = 0;

	for (uint32_t i = 0; i < 60000; i++) {
		if (t_random(&rng) % 5 != 0 || mine == 0) {
			if (!wr_lease_take(me->l, me->worker)) {
				if (!wr_lease_may(me->l, me->worker))
					sched_yield();
			} else {
				mine++;
				me->taken++;
				if (__atomic_add_fetch(me->inside, 1, __ATOMIC_SEQ_CST) > me->limit)
					me->above = true;
			}
		}
		if (mine > 0 && t_random(&rng) % 2 == 0) {
			__atomic_sub_fetch(me->inside, 1, __ATOMIC_SEQ_CST);
			wr_lease_put(me->l, me->worker);
			mine--;
		}
		if (i % 64 == 0)
			wr_lease_tick(me->l, me->worker);
	}
	for (; mine > 0; mine--) {
		__atomic_sub_fetch(me->inside, 1, __ATOMIC_SEQ_CST);
		wr_lease_put(me->l, me->worker);
	}
	wr_lease_tick(me->l, me->worker);
	__atomic_add_fetch(me->stop, 1, __ATOMIC_SEQ_CST);
	return NULL;
}

// The control thread: reads, and moves the limit below what the takers were told.
static void *watch(void *arg)
{
	struct taker *me = arg;

	for (uint32_t i = 0; __atomic_load_n(me->stop, __ATOMIC_SEQ_CST) < 3; i++) {
		if (wr_lease_used(me->l) > me->limit || wr_lease_out(me->l) > me->limit)
			me->above = true;
		if (i % 100 == 0)
			wr_lease_set(me->l, me->limit - (i / 100) % 5);
	}
	wr_lease_set(me->l, me->limit);
	return NULL;
}

static void *take_or_watch(void *arg)
{
	struct taker *me = arg;

	return me->worker == 3 ? watch(me) : take_and_put(me);
}

static void lease_threads_never_above(void **state)
{
	static const uint32_t limits[] = {6, 40, 500};

	for (uint32_t k = 0; k < RTE_DIM(limits); k++) {
		struct wr_lease *l = wr_lease_create(limits[k], 3);
		uint32_t inside = 0, stop = 0;
		struct taker t[4];

		for (uint16_t i = 0; i < 4; i++)
			t[i] = (struct taker){l, &inside, &stop, i, limits[k]};
		t_threads(4, take_or_watch, t, sizeof(t[0]));
		for (uint32_t i = 0; i < 4; i++)
			assert_false(t[i].above);
		assert_true(t[0].taken + t[1].taken + t[2].taken > limits[k]);
		check(l);
		assert_int_equal(l->pot, limits[k]);
		assert_int_equal(wr_lease_used(l), 0);
		wr_lease_destroy(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lease_none_says_yes),
		cmocka_unit_test(lease_limit_reached_exactly),
		cmocka_unit_test(lease_tick_gives_back),
		cmocka_unit_test(lease_tick_without_a_limit),
		cmocka_unit_test(lease_want_forgotten),
		cmocka_unit_test(lease_put_without_take_ignored),
		cmocka_unit_test(lease_set_below_use),
		cmocka_unit_test(lease_set_raise_none_and_back),
		cmocka_unit_test(lease_interleaved_model),
		cmocka_unit_test(lease_threads_never_above),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

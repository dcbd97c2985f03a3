/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static uint64_t key_of(uint32_t i)
{
	struct wr_addr a = wr_addr_from_v4(i * 2654435761u);

	return wr_maglev_key(&a, (uint16_t)i);
}

static void table_spread_by_weight(void **state)
{
	uint32_t share[4];
	struct rig r;

	rig_open(&r, T_POOL);
	rig_spread(&r, 0, 40000, share, 3);
	assert_in_range(share[0], 9300, 10700);
	assert_in_range(share[1], 9300, 10700);
	assert_in_range(share[2], 19000, 21000);
	assert_int_equal(share[3], 0);
	rig_close(&r);
}

// A backend that leaves takes few others' clients with it, and gets its own back.
static void table_drain_moves_its_own_only(void **state)
{
	enum {
		N = 20000
	};
	static uint16_t before[N];
	uint32_t moved = 0;
	struct rig r;

	rig_open(&r, T_POOL);
	for (uint32_t i = 0; i < N; i++)
		before[i] = wr_backends_pick(r.b, 0, key_of(i), NULL, 0);
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, 5 * T_S), 0);
	assert_int_equal(wr_backends_get(r.b, 0)->state_since_us, 5 * T_S);
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 2);
	for (uint32_t i = 0; i < N; i++) {
		uint16_t now = wr_backends_pick(r.b, 0, key_of(i), NULL, 0);

		assert_int_not_equal(now, 0);
		moved += before[i] != 0 && now != before[i];
	}
	assert_true(moved < N / 6);
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, 6 * T_S), 0);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(wr_backends_pick(r.b, 0, key_of(i), NULL, 0), before[i]);
	rig_close(&r);
}

static void table_weight_changes(void **state)
{
	uint32_t share[4];
	uint64_t generation;
	struct rig r;

	rig_open(&r, T_POOL);
	generation = wr_backends_pool(r.b, 0)->generation;
	assert_int_equal(wr_backends_set_weight(r.b, 0, 257, T_S), -EINVAL);
	assert_int_equal(wr_backends_set_weight(r.b, 9, 1, T_S), -ENOENT);
	assert_int_equal(wr_backends_set_admin(r.b, 9, WR_ADMIN_ENABLED, T_S), -ENOENT);
	assert_int_equal(wr_backends_set_weight(r.b, 0, 1, T_S), 0); // as it is: no rebuild
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_ENABLED, T_S), 0);
	assert_int_equal(wr_backends_pool(r.b, 0)->generation, generation);
	assert_int_equal(wr_backends_set_weight(r.b, 0, 0, T_S), 0);
	assert_int_equal(wr_backends_pool(r.b, 0)->generation, generation + 1);
	rig_spread(&r, 0, 10000, share, 3);
	assert_int_equal(share[0], 0);
	assert_int_equal(wr_backends_set_weight(r.b, 0, 256, T_S), 0);
	rig_spread(&r, 0, 10000, share, 3);
	assert_true(share[0] > 9500);
	rig_close(&r);
}

// Each try gets a backend that was not tried, as long as there is one.
static void table_pick_skips_tried(void **state)
{
	struct rig r;

	rig_open(&r, T_POOL);
	for (uint32_t i = 0; i < 5000; i++) {
		uint16_t tried[4];

		for (uint32_t n = 0; n < 3; n++) {
			tried[n] = wr_backends_pick(r.b, 0, key_of(i), tried, n);
			assert_int_not_equal(tried[n], WR_MAGLEV_NONE);
			for (uint32_t k = 0; k < n; k++)
				assert_int_not_equal(tried[n], tried[k]);
		}
		assert_int_equal(wr_backends_pick(r.b, 0, key_of(i), tried, 3), WR_MAGLEV_NONE);
	}
	rig_close(&r);
}

// One tried backend has left the table since: the others still get their turn.
static void table_pick_tried_one_down(void **state)
{
	uint16_t tried[3] = {1, 2};
	struct rig r;

	rig_open(&r, T_POOL);
	assert_int_equal(wr_backends_set_admin(r.b, 1, WR_ADMIN_DRAINING, T_S), 0);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(wr_backends_pick(r.b, 0, key_of(i), tried, 2), 0);
	tried[2] = 0;
	assert_int_equal(wr_backends_pick(r.b, 0, key_of(1), tried, 3), WR_MAGLEV_NONE);
	rig_close(&r);
}

// Few slots among many: alternatives miss it, the walk does not.
static void table_pick_needle(void **state)
{
	char pools[4096] = "  - name: web\n    health: {type: none}\n    backends:\n"
			   "      - {name: heavy, address: \"198.18.0.11:80\", weight: 50}\n"
			   "      - {name: light, address: \"198.18.0.12:80\", weight: 1}\n";
	uint16_t tried[1] = {0};
	struct rig r;

	rig_open(&r, pools);
	for (uint32_t i = 0; i < 1000; i++)
		assert_int_equal(wr_backends_pick(r.b, 0, key_of(i), tried, 1), 1);
	rig_close(&r);
}

struct asked {
	uint16_t only; // says yes to this one
	uint32_t times[4];
};

static bool takes_only(void *arg, uint16_t id)
{
	struct asked *a = arg;

	a->times[id]++;
	return id == a->only;
}

// What a pick is asked with decides; the first choice is the plain pick's.
static void table_pick_if(void **state)
{
	struct rig r;

	rig_open(&r, T_POOL);
	for (uint32_t i = 0; i < 3000; i++) {
		uint16_t plain = wr_backends_pick(r.b, 0, key_of(i), NULL, 0);
		struct asked a = {.only = (uint16_t)(i % 3)};

		assert_int_equal(wr_backends_pick_if(r.b, 0, key_of(i), takes_only, &a), i % 3);
		assert_int_equal(a.times[a.only], 1);
		assert_true(a.times[plain] >= 1);
		assert_int_equal(plain == a.only, a.times[0] + a.times[1] + a.times[2] == 1);
		a.only = WR_MAGLEV_NONE;
		assert_int_equal(
			wr_backends_pick_if(r.b, 0, key_of(i), takes_only, &a), WR_MAGLEV_NONE);
		assert_true(a.times[0] > 0 && a.times[1] > 0 && a.times[2] > 0);
	}
	rig_close(&r);
}

// Who may not be picked is not asked.
static void table_pick_if_drained(void **state)
{
	struct asked a = {.only = WR_MAGLEV_NONE};
	struct rig r;

	rig_open(&r, T_POOL);
	assert_int_equal(wr_backends_usable(r.b, 0), 3);
	assert_int_equal(wr_backends_set_admin(r.b, 1, WR_ADMIN_DRAINING, T_S), 0);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(
			wr_backends_pick_if(r.b, 0, key_of(i), takes_only, &a), WR_MAGLEV_NONE);
	assert_int_equal(a.times[1], 0);
	for (uint16_t i = 0; i < 3; i += 2)
		assert_int_equal(wr_backends_set_admin(r.b, i, WR_ADMIN_DRAINING, T_S), 0);
	assert_int_equal(wr_backends_usable(r.b, 0), 0);
	a = (struct asked){0};
	assert_int_equal(wr_backends_pick_if(r.b, 0, key_of(1), takes_only, &a), WR_MAGLEV_NONE);
	assert_int_equal(a.times[0], 0);
	rig_close(&r);
}

static void table_all_down_is_none(void **state)
{
	uint32_t share[4];
	struct rig r;

	rig_open(&r, T_POOL);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(wr_backends_set_admin(r.b, i, WR_ADMIN_DRAINING, T_S), 0);
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 0);
	rig_spread(&r, 0, 1000, share, 3);
	assert_int_equal(share[3], 1000);
	rig_close(&r);
}

// A table lives until every worker that may have seen it was quiet once.
static void table_retire_and_reclaim(void **state)
{
	struct rte_rcu_qsbr *rcu;
	struct rig r;

	rig_open(&r, T_POOL);
	rcu = wr_backends_rcu(r.b);
	assert_int_equal(rte_rcu_qsbr_thread_register(rcu, 0), 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	assert_int_equal(wr_backends_set_weight(r.b, 0, 7, T_S), 0);
	assert_int_equal(r.b->retired_count, 1);
	wr_backends_reclaim(r.b);
	assert_int_equal(r.b->retired_count, 1); // worker 0 may still read it
	rte_rcu_qsbr_quiescent(rcu, 0);
	assert_int_equal(wr_backends_set_weight(r.b, 0, 8, T_S), 0);
	assert_int_equal(r.b->retired_count, 2);
	wr_backends_reclaim(r.b);
	assert_int_equal(r.b->retired_count, 1); // the first one only
	rte_rcu_qsbr_thread_offline(rcu, 0);     // a worker that sleeps holds nothing
	wr_backends_reclaim(r.b);
	assert_int_equal(r.b->retired_count, 0);
	rte_rcu_qsbr_thread_unregister(rcu, 0);
	rig_close(&r);
}

// More changes than the list of retired tables first has room for, with a reader that never rests.
static void table_many_retired(void **state)
{
	struct rte_rcu_qsbr *rcu;
	struct rig r;

	rig_open(&r, T_POOL);
	rcu = wr_backends_rcu(r.b);
	rte_rcu_qsbr_thread_register(rcu, 1);
	rte_rcu_qsbr_thread_online(rcu, 1);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(wr_backends_set_weight(r.b, 0, 2 + i, T_S), 0);
	assert_int_equal(r.b->retired_count, 100);
	assert_int_not_equal(wr_backends_pick(r.b, 0, 1, NULL, 0), WR_MAGLEV_NONE);
	rig_close(&r); // frees what is retired
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_spread_by_weight),
		cmocka_unit_test(table_drain_moves_its_own_only),
		cmocka_unit_test(table_weight_changes),
		cmocka_unit_test(table_pick_skips_tried),
		cmocka_unit_test(table_pick_tried_one_down),
		cmocka_unit_test(table_pick_needle),
		cmocka_unit_test(table_pick_if),
		cmocka_unit_test(table_pick_if_drained),
		cmocka_unit_test(table_all_down_is_none),
		cmocka_unit_test(table_retire_and_reclaim),
		cmocka_unit_test(table_many_retired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

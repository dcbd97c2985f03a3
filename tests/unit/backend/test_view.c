/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

#include <time.h>

static void view_weights_are_honoured(void **state)
{
	static uint16_t map[T_KEYS];
	struct rig r;

	rig_conf(&r, 3)->backends[2].weight = 2;
	rig_start(&r);
	rig_map(&r, 0, map);
	assert_in_range(map_count(map, 0), T_KEYS / 4 * 97 / 100, T_KEYS / 4 * 103 / 100);
	assert_in_range(map_count(map, 2), T_KEYS / 2 * 98 / 100, T_KEYS / 2 * 102 / 100);
	rig_close(&r);
}

// A backend that goes takes nobody else's clients along, and gets its own back.
static void view_disruption_is_minimal(void **state)
{
	static uint16_t before[T_KEYS], away[T_KEYS], back[T_KEYS];
	uint32_t moved = 0;
	struct rig r;

	rig_conf(&r, 20)->slow_start_us = 0;
	rig_start(&r);
	rig_run(&r, T_S);
	rig_map(&r, 0, before);
	wr_backends_set_admin(r.b, 4, WR_ADMIN_DISABLED, 0, r.now);
	rig_run(&r, 20 * T_MS);
	rig_map(&r, 0, away);
	for (uint32_t i = 0; i < T_KEYS; i++)
		moved += before[i] != 4 && before[i] != away[i];
	assert_int_equal(map_count(away, 4), 0);
	assert_in_range(moved, 0, T_KEYS / 50);
	wr_backends_set_admin(r.b, 4, WR_ADMIN_ENABLED, 0, r.now);
	rig_run(&r, 20 * T_MS);
	rig_map(&r, 0, back);
	assert_memory_equal(before, back, sizeof(before));
	rig_close(&r);
}

// An old view lives until the last worker was quiet.
static void view_freed_after_grace(void **state)
{
	struct rte_rcu_qsbr *rcu;
	struct rig r;

	rig_open(&r, 3);
	rig_run(&r, T_S);
	rcu = wr_backends_rcu(r.b);
	for (uint16_t w = 0; w < 2; w++) {
		rte_rcu_qsbr_thread_register(rcu, w);
		rte_rcu_qsbr_thread_online(rcu, w);
	}
	wr_backends_set_weight(r.b, 0, 2, r.now);
	rig_run(&r, 100 * T_MS);
	assert_int_equal(r.b->retired_count, 1);
	rte_rcu_qsbr_quiescent(rcu, 0);
	wr_backends_reclaim(r.b);
	assert_int_equal(r.b->retired_count, 1);
	rte_rcu_qsbr_thread_offline(rcu, 1); // asleep: not in the way
	wr_backends_reclaim(r.b);
	assert_int_equal(r.b->retired_count, 0);
	rte_rcu_qsbr_thread_offline(rcu, 0);
	rig_close(&r);
}

// A change of one tier leaves the other's table as it is.
static void view_tiers_share_tables(void **state)
{
	const struct wr_picker *second;
	struct wr_conf_pool *pc;
	struct rig r;

	pc = rig_conf(&r, 6);
	for (uint32_t i = 3; i < 6; i++)
		pc->backends[i].priority = 5;
	rig_start(&r);
	rig_run(&r, T_S);
	second = wr_backends_pool(r.b, 0)->view->tier[1].picker;
	wr_backends_set_weight(r.b, 0, 2, r.now);
	rig_run(&r, 50 * T_MS);
	assert_ptr_equal(wr_backends_pool(r.b, 0)->view->tier[1].picker, second);
	assert_int_equal(wr_backends_pool(r.b, 0)->view->tier[1].priority, 5);
	rig_close(&r);
}

static void view_flush_is_at_once(void **state)
{
	struct rig r;

	rig_open(&r, 3);
	rig_run(&r, T_S);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_DISABLED, 0, r.now);
	wr_backends_flush(r.b, r.now);
	wr_backends_set_admin(r.b, 1, WR_ADMIN_DISABLED, 0, r.now);
	wr_backends_flush(r.b, r.now);
	assert_int_equal(wr_backends_usable(r.b, 0), 1);
	assert_int_equal(wr_backends_pick(r.b, 0, 0, 3, NULL, 0), 2);
	wr_backends_set_admin(r.b, 2, WR_ADMIN_DISABLED, 0, r.now);
	wr_backends_flush(r.b, r.now);
	assert_int_equal(wr_backends_pick(r.b, 0, 0, 3, NULL, 0), WR_BACKEND_NONE);
	rig_hear(&r);
	assert_int_equal(r.told[WR_EV_pool_empty], 1);
	assert_non_null(strstr(r.last[WR_EV_pool_empty].text, "is disabled"));
	rig_close(&r);
}

// A thousand backends in well under the window; generous, for slow machines under sanitizers.
static void view_of_a_thousand(void **state)
{
	struct timespec a, z;
	struct rig r;
	long us;

	rig_open(&r, 1000);
	rig_run(&r, 300 * T_MS);
	wr_backends_set_admin(r.b, 500, WR_ADMIN_DISABLED, 0, r.now);
	clock_gettime(CLOCK_MONOTONIC, &a);
	wr_backends_flush(r.b, r.now);
	clock_gettime(CLOCK_MONOTONIC, &z);
	us = (z.tv_sec - a.tv_sec) * 1000000 + (z.tv_nsec - a.tv_nsec) / 1000;
	print_message("1000 backends rebuilt in %ld us\n", us);
	assert_in_range(us, 0, 1000000);
	assert_int_equal(wr_backends_usable(r.b, 0), 999);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(view_weights_are_honoured),
		cmocka_unit_test(view_disruption_is_minimal),
		cmocka_unit_test(view_freed_after_grace),
		cmocka_unit_test(view_tiers_share_tables),
		cmocka_unit_test(view_flush_is_at_once),
		cmocka_unit_test(view_of_a_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

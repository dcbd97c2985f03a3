/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void open_and_run(struct rig *r, uint32_t n)
{
	rig_open(r, n);
	rig_run(r, 3 * T_S);
	memset(r->told, 0, sizeof(r->told));
}

// A new backend takes its part of the clients; all others keep theirs.
static void adopt_add_moves_few(void **state)
{
	static uint16_t before[T_KEYS], after[T_KEYS];
	struct wr_conf *next;
	uint32_t moved = 0;
	struct rig r;

	open_and_run(&r, 10);
	rig_map(&r, 0, before);
	next = rig_next(&r);
	conf_add(&next->pools[0], "b11", 10);
	rig_adopt(&r, next);
	rig_map(&r, 0, after);
	for (uint32_t i = 0; i < T_KEYS; i++)
		moved += before[i] != after[i] && after[i] != 10;
	assert_in_range(map_count(after, 10), T_KEYS / 11 * 9 / 10, T_KEYS / 11 * 11 / 10);
	assert_in_range(moved, 0, T_KEYS / 25);
	assert_int_equal(be_of(&r, 10)->state_since_us, r.now);
	assert_int_equal(wr_backends_pool(r.b, 0)->count, 11);
	rig_close(&r);
}

static void adopt_same_moves_nobody(void **state)
{
	static uint16_t before[T_KEYS], after[T_KEYS];
	uint64_t generation;
	struct rig r;

	open_and_run(&r, 10);
	rig_map(&r, 0, before);
	generation = wr_backends_pool(r.b, 0)->generation;
	rig_adopt(&r, rig_next(&r));
	rig_map(&r, 0, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(wr_backends_pool(r.b, 0)->generation, generation);
	rig_close(&r);
}

// What leaves gets no new sessions at once; its slot is another's when its last session is gone.
static void adopt_slot_is_reused_when_free(void **state)
{
	static uint16_t before[T_KEYS], after[T_KEYS];
	uint32_t moved = 0, asked;
	struct wr_err err = {0};
	struct wr_conf *next;
	struct rig r;

	open_and_run(&r, 10);
	wr_backends_hold(r.b, 1, 3);
	rig_map(&r, 0, before);
	next = rig_next(&r);
	next->pools[0].backends[3].slot = WR_CONF_LEAVING;
	rig_adopt(&r, next);
	rig_map(&r, 0, after);
	assert_int_equal(map_count(after, 3), 0);
	for (uint32_t i = 0; i < T_KEYS; i++)
		moved += before[i] != 3 && before[i] != after[i];
	assert_in_range(moved, 0, T_KEYS / 25);
	rig_run(&r, T_S);
	assert_true(wr_backends_backend_used(r.b, 3));
	assert_int_equal(wr_backend_state(be_of(&r, 3)), WR_BACKEND_LEAVING);
	assert_int_equal(be_of(&r, 3)->drain_until_us, be_of(&r, 3)->state_since_us + 300 * T_S);
	// While it is used nobody else gets its slot.
	next = rig_next(&r);
	snprintf(next->pools[0].backends[3].name, WR_NAME_LEN, "new");
	next->pools[0].backends[3].slot = WR_CONF_LIVE;
	assert_int_equal(wr_backends_prepare(r.b, next, &err), -EBUSY);
	assert_non_null(strstr(err.text, "still used"));
	assert_string_equal(be_of(&r, 3)->name, "b4");
	asked = be_of(&r, 3)->check[0].asked;
	wr_backends_release(r.b, 1, 3);
	assert_false(wr_backends_backend_used(r.b, 3));
	rig_adopt(&r, next);
	assert_string_equal(be_of(&r, 3)->name, "new");
	assert_int_equal(wr_backend_state(be_of(&r, 3)), WR_BACKEND_UP);
	assert_int_equal(wr_backend_counters(be_of(&r, 3), 1)->picks, 0);
	assert_true(be_of(&r, 3)->check[0].asked > asked); // old answers are none of its
	assert_int_equal(wr_backends_find(r.b, "web/b4"), -1);
	rig_close(&r);
}

// A worker that has not been quiet since may still pick it.
static void adopt_slot_waits_for_workers(void **state)
{
	struct wr_conf *next;
	struct rig r;

	open_and_run(&r, 3);
	rte_rcu_qsbr_thread_register(wr_backends_rcu(r.b), 0);
	rte_rcu_qsbr_thread_online(wr_backends_rcu(r.b), 0);
	next = rig_next(&r);
	next->pools[0].backends[2].slot = WR_CONF_LEAVING;
	rig_adopt(&r, next);
	assert_true(wr_backends_backend_used(r.b, 2));
	rig_run(&r, T_S);
	assert_true(wr_backends_backend_used(r.b, 2));
	rte_rcu_qsbr_quiescent(wr_backends_rcu(r.b), 0);
	assert_false(wr_backends_backend_used(r.b, 2));
	next = rig_next(&r);
	next->pools[0].backends[2].slot = WR_CONF_VACANT;
	rig_adopt(&r, next);
	assert_null(wr_backends_get(r.b, 2));
	assert_int_equal(wr_backends_pool(r.b, 0)->count, 2);
	assert_true(r.b->retired_count > 0); // its counters, for who reads them
	rte_rcu_qsbr_quiescent(wr_backends_rcu(r.b), 0);
	rig_run(&r, 10 * T_MS);
	assert_int_equal(r.b->retired_count, 0);
	rte_rcu_qsbr_thread_offline(wr_backends_rcu(r.b), 0);
	rig_close(&r);
}

static void adopt_keeps_what_operators_set(void **state)
{
	struct wr_conf *next;
	struct rig r;

	open_and_run(&r, 3);
	wr_backends_set_weight(r.b, 0, 9, r.now);
	wr_backends_set_admin(r.b, 1, WR_ADMIN_DISABLED, 0, r.now);
	rig_adopt(&r, rig_next(&r));
	assert_int_equal(be_of(&r, 0)->weight, 9);
	assert_int_equal(be_of(&r, 1)->admin, WR_ADMIN_DISABLED);
	// The file's own word, once it changes, counts.
	next = rig_next(&r);
	next->pools[0].backends[0].weight = 4;
	next->pools[0].backends[2].draining = true;
	rig_adopt(&r, next);
	assert_int_equal(be_of(&r, 0)->weight, 4);
	assert_int_equal(be_of(&r, 1)->admin, WR_ADMIN_DISABLED);
	assert_int_equal(be_of(&r, 2)->admin, WR_ADMIN_DRAINING);
	next = rig_next(&r);
	next->pools[0].backends[2].draining = false;
	rig_adopt(&r, next);
	assert_int_equal(be_of(&r, 2)->admin, WR_ADMIN_ENABLED);
	rig_close(&r);
}

static void adopt_revives_what_left(void **state)
{
	struct wr_conf *next;
	struct rig r;

	open_and_run(&r, 3);
	wr_backends_hold(r.b, 0, 1);
	next = rig_next(&r);
	next->pools[0].backends[1].slot = WR_CONF_LEAVING;
	rig_adopt(&r, next);
	rig_run(&r, T_S);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	next = rig_next(&r);
	next->pools[0].backends[1].slot = WR_CONF_LIVE;
	rig_adopt(&r, next);
	assert_int_equal(wr_backends_usable(r.b, 0), 3);
	assert_int_equal(be_of(&r, 1)->drain_until_us, 0);
	rig_run(&r, 5 * T_S);
	assert_true(be_of(&r, 1)->check[0].last_us > r.now - 2 * T_S);
	rig_close(&r);
}

// Who knows a new pool may pick from it before all know it; others are as before.
static void adopt_new_pool_serves_at_once(void **state)
{
	struct wr_conf *next;
	struct wr_err err = {0};
	struct rig r;

	open_and_run(&r, 2);
	next = rig_next(&r);
	conf_pool(next, "more", 2, "m", 2);
	conf_add(&next->pools[0], "b3", 4);
	assert_int_equal(wr_backends_prepare(r.b, next, &err), 0);
	assert_int_equal(wr_backends_route(r.b, 1), 1);
	assert_in_range(wr_backends_pick(r.b, 1, 0, 5, NULL, 0), 2, 3);
	assert_non_null(be_of(&r, 4));
	assert_false(be_of(&r, 4)->ready);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	rig_run(&r, T_S);
	assert_int_equal(be_of(&r, 4)->check[0].asked, 0 + 1); // its number went on, nobody asked
	assert_false(be_of(&r, 4)->check[0].known);
	assert_int_equal(wr_backends_prepare(r.b, next, &err), -EBUSY);
	wr_backends_commit(r.b, next, r.now);
	conf_free(r.conf);
	r.conf = next;
	assert_int_equal(wr_backends_usable(r.b, 0), 3);
	rig_run(&r, T_S);
	assert_true(be_of(&r, 4)->check[0].known);
	assert_true(be_of(&r, 2)->check[0].known);
	rig_close(&r);
}

static void adopt_abandoned_is_as_before(void **state)
{
	static uint16_t before[T_KEYS], after[T_KEYS];
	struct wr_conf *next;
	struct wr_err err = {0};
	struct rig r;

	open_and_run(&r, 5);
	rig_map(&r, 0, before);
	next = rig_next(&r);
	conf_pool(next, "more", 2, "m", 6);
	conf_add(&next->pools[0], "b6", 5);
	assert_int_equal(wr_backends_prepare(r.b, next, &err), 0);
	wr_backends_abandon(r.b);
	conf_free(next);
	assert_null(wr_backends_get(r.b, 5));
	assert_null(wr_backends_get(r.b, 6));
	assert_null(wr_backends_pool(r.b, 1));
	rig_run(&r, 2 * T_S);
	rig_map(&r, 0, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(r.b->retired_count, 0);
	rig_adopt(&r, rig_next(&r));
	rig_close(&r);
}

static void adopt_pool_leaves_and_is_replaced(void **state)
{
	struct wr_conf *next;
	struct rig r;

	rig_conf(&r, 2);
	conf_pool(r.conf, "old", 2, "o", 2);
	rig_start(&r);
	rig_run(&r, T_S);
	next = rig_next(&r);
	next->pools[1].slot = WR_CONF_LEAVING;
	next->pools[1].backends[0].slot = next->pools[1].backends[1].slot = WR_CONF_LEAVING;
	assert_true(wr_backends_pool_used(r.b, 1));
	rig_adopt(&r, next);
	assert_int_equal(wr_backends_pick(r.b, 1, 0, 1, NULL, 0), WR_BACKEND_NONE);
	rig_run(&r, T_S);
	assert_false(wr_backends_pool_used(r.b, 1));
	next = rig_next(&r);
	snprintf(next->pools[1].name, WR_NAME_LEN, "new");
	next->pools[1].slot = WR_CONF_LIVE;
	for (uint32_t i = 0; i < 2; i++) {
		next->pools[1].backends[i].slot = WR_CONF_LIVE;
		snprintf(next->pools[1].backends[i].name, WR_NAME_LEN, "n%u", i);
	}
	rig_adopt(&r, next);
	assert_in_range(wr_backends_find(r.b, "new/n0"), 2, 2);
	assert_int_equal(wr_backends_usable(r.b, 1), 2);
	next = rig_next(&r);
	next->pools[1].slot = WR_CONF_LEAVING;
	next->pools[1].backends[0].slot = next->pools[1].backends[1].slot = WR_CONF_LEAVING;
	rig_adopt(&r, next);
	rig_run(&r, T_S);
	next = rig_next(&r);
	next->pools[1].slot = WR_CONF_VACANT;
	free(next->pools[1].backends);
	next->pools[1].backends = NULL;
	next->pools[1].backend_count = 0;
	rig_adopt(&r, next);
	rig_run(&r, T_S);
	assert_null(wr_backends_pool(r.b, 1));
	assert_null(wr_backends_get(r.b, 2));
	assert_int_equal(wr_backends_pick(r.b, 1, 0, 1, NULL, 0), WR_BACKEND_NONE);
	rig_close(&r);
}

// An id that left one pool is a new pool's before the change is complete: the one that it left has
// nothing to do with it, though it is still listed there.
static void adopt_id_moves_to_a_new_pool(void **state)
{
	struct wr_conf *next;
	struct wr_err err = {0};
	struct rig r;

	open_and_run(&r, 3);
	next = rig_next(&r);
	next->pools[0].backends[2].slot = WR_CONF_LEAVING;
	rig_adopt(&r, next);
	rig_run(&r, T_S);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	next = rig_next(&r);
	next->pools[0].backend_count = 2;
	conf_pool(next, "more", 1, "m", 2)->backends[0].priority = 3;
	assert_int_equal(wr_backends_prepare(r.b, next, &err), 0);
	assert_int_equal(wr_backends_pick(r.b, 1, 0, 5, NULL, 0), 2);
	wr_backends_set_admin(r.b, 0, WR_ADMIN_DISABLED, 0, r.now);
	rig_run(&r, 50 * T_MS);
	assert_int_equal(wr_backends_usable(r.b, 0), 1);
	assert_int_equal(wr_backends_pool(r.b, 0)->view->tiers, 1);
	assert_true(wr_backends_is_last(r.b, 1));
	wr_backends_set_admin(r.b, 1, WR_ADMIN_DISABLED, 0, r.now);
	rig_run(&r, 50 * T_MS);
	assert_int_equal(wr_backends_pick(r.b, 0, 0, 5, NULL, 0), WR_BACKEND_NONE);
	assert_int_equal(r.told[WR_EV_pool_empty], 1);
	assert_non_null(strstr(r.last[WR_EV_pool_empty].text, "b2 is disabled"));
	wr_backends_commit(r.b, next, r.now);
	conf_free(r.conf);
	r.conf = next;
	rig_run(&r, T_S);
	assert_int_equal(wr_backends_pick(r.b, 1, 0, 5, NULL, 0), 2);
	assert_int_equal(wr_backends_pool(r.b, 0)->count, 2);
	rig_close(&r);
}

// Checks and their intervals follow.
static void adopt_checks_change(void **state)
{
	struct wr_conf *next;
	struct rig r;

	rig_conf(&r, 2)->health_interval_us = 3600 * T_S;
	rig_start(&r);
	rig_run(&r, T_S);
	next = rig_next(&r);
	next->pools[0].health_interval_us = T_S;
	rig_adopt(&r, next);
	r.err[0] = ETIMEDOUT;
	rig_run(&r, 5 * T_S);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_DOWN);
	next = rig_next(&r);
	next->pools[0].health = WR_CONF_HEALTH_NONE;
	rig_adopt(&r, next);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_UNCHECKED);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	next = rig_next(&r);
	next->pools[0].health = WR_CONF_HEALTH_HTTP;
	rig_adopt(&r, next);
	rig_run(&r, 2 * T_S);
	assert_int_equal(be_of(&r, 0)->health, WR_HEALTH_DOWN);
	assert_int_equal(be_of(&r, 1)->health, WR_HEALTH_UP);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adopt_add_moves_few),
		cmocka_unit_test(adopt_same_moves_nobody),
		cmocka_unit_test(adopt_slot_is_reused_when_free),
		cmocka_unit_test(adopt_slot_waits_for_workers),
		cmocka_unit_test(adopt_keeps_what_operators_set),
		cmocka_unit_test(adopt_revives_what_left),
		cmocka_unit_test(adopt_new_pool_serves_at_once),
		cmocka_unit_test(adopt_abandoned_is_as_before),
		cmocka_unit_test(adopt_pool_leaves_and_is_replaced),
		cmocka_unit_test(adopt_id_moves_to_a_new_pool),
		cmocka_unit_test(adopt_checks_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

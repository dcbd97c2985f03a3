/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

// Ten in tier 0, ten in tier 1.
static void open_tiers(struct rig *r)
{
	struct wr_conf_pool *pc = rig_conf(r, 20);

	for (uint32_t i = 10; i < 20; i++)
		pc->backends[i].priority = 1;
	rig_start(r);
	rig_run(r, 2 * T_S);
	memset(r->told, 0, sizeof(r->told));
}

static uint32_t part_of_second(struct rig *r)
{
	static uint16_t map[T_KEYS];
	uint32_t n = 0;

	rig_map(r, 0, map);
	for (uint32_t i = 0; i < T_KEYS; i++)
		n += map[i] >= 10;
	return n * 1000 / T_KEYS;
}

static void set_down(struct rig *r, uint32_t first, uint32_t n, int err)
{
	for (uint32_t i = first; i < first + n; i++)
		r->err[i] = err;
	rig_run(r, 4 * T_S);
}

static void tier_first_has_all_while_well(void **state)
{
	struct rig r;

	open_tiers(&r);
	assert_int_equal(part_of_second(&r), 0);
	set_down(&r, 0, 3, ECONNREFUSED); // 70 %
	assert_int_equal(part_of_second(&r), 0);
	assert_int_equal(r.told[WR_EV_pool_spill], 0);
	rig_close(&r);
}

static void tier_spills_by_share_and_returns_after_hold(void **state)
{
	static uint16_t before[T_KEYS], after[T_KEYS];
	uint32_t moved = 0;
	struct rig r;

	open_tiers(&r);
	rig_map(&r, 0, before);
	set_down(&r, 0, 5, ECONNREFUSED); // 50 of 70
	assert_in_range(part_of_second(&r), 270, 300);
	assert_int_equal(r.told[WR_EV_pool_spill] > 0, 1);
	assert_non_null(strstr(r.last[WR_EV_pool_spill].text, "tier 0 to tier 1"));
	assert_in_range(r.told[WR_EV_pool_spill], 1, 3); // one a step
	rig_map(&r, 0, after);
	for (uint32_t i = 0; i < T_KEYS; i++) // who stays in the tier stays with its backend
		moved += before[i] >= 5 && after[i] < 10 && before[i] != after[i];
	assert_in_range(moved, 0, T_KEYS / 20);
	r.told[WR_EV_pool_spill] = 0;
	set_down(&r, 0, 5, 0);
	rig_run(&r, 4 * T_S);
	assert_in_range(part_of_second(&r), 270, 300); // not well for long enough
	rig_run(&r, 8 * T_S);
	assert_int_equal(part_of_second(&r), 0);
	assert_in_range(r.told[WR_EV_pool_return], 1, 3);
	assert_int_equal(r.told[WR_EV_pool_spill], 0);
	rig_close(&r);
}

// The first tier is gone altogether: all go to the second at once, and back by the rule.
static void tier_all_of_one_gone(void **state)
{
	struct rig r;

	open_tiers(&r);
	set_down(&r, 0, 10, ECONNREFUSED);
	assert_int_equal(part_of_second(&r), 1000);
	assert_int_equal(wr_backends_pool(r.b, 0)->tier_share[1], 256);
	set_down(&r, 10, 10, ECONNREFUSED);
	assert_int_equal(wr_backends_usable(r.b, 0), 0);
	assert_int_equal(r.told[WR_EV_pool_empty], 1);
	// Nobody else is there: no hold.
	set_down(&r, 0, 10, 0);
	assert_int_equal(wr_backends_usable(r.b, 0), 10);
	assert_int_equal(part_of_second(&r), 0);
	rig_close(&r);
}

// Nothing was left; the second comes back first, so the first one has to be well for the hold, and
// sessions move once.
static void tier_back_from_nothing_moves_once(void **state)
{
	struct rig r;

	open_tiers(&r);
	set_down(&r, 0, 20, ECONNREFUSED);
	memset(r.told, 0, sizeof(r.told));
	set_down(&r, 10, 10, 0);
	assert_int_equal(part_of_second(&r), 1000);
	set_down(&r, 0, 10, 0);
	assert_int_equal(part_of_second(&r), 1000);
	rig_run(&r, 6 * T_S); // the hold of the second has passed by now
	assert_int_equal(r.told[WR_EV_pool_spill], 0);
	rig_run(&r, 6 * T_S);
	assert_int_equal(part_of_second(&r), 0);
	rig_run(&r, 20 * T_S);
	assert_int_equal(part_of_second(&r), 0);
	assert_int_equal(r.told[WR_EV_pool_spill], 0);
	rig_close(&r);
}

// Both are too weak: they share everything by what they can.
static void tier_all_are_weak(void **state)
{
	struct rig r;

	open_tiers(&r);
	set_down(&r, 0, 8, ECONNREFUSED); // 20 of 70
	set_down(&r, 10, 8, ECONNREFUSED);
	assert_in_range(part_of_second(&r), 450, 550);
	rig_close(&r);
}

static void tier_agrees_between_boxes(void **state)
{
	struct rig x, y;

	open_tiers(&x);
	open_tiers(&y);
	set_down(&x, 0, 5, ECONNREFUSED);
	set_down(&y, 0, 5, ECONNREFUSED);
	for (uint32_t i = 0; i < 5000; i++)
		assert_int_equal(wr_backends_pick(x.b, 0, 0, t_key(i), NULL, 0),
			wr_backends_pick(y.b, 0, 1, t_key(i), NULL, 0));
	rig_close(&x);
	rig_close(&y);
}

static void tier_backup_serves_when_none_can(void **state)
{
	struct rig r;

	rig_conf(&r, 2)->backup = 1;
	conf_pool(r.conf, "second", 2, "s", 2)->backup = 2;
	conf_pool(r.conf, "third", 2, "t", 4)->backup = 0; // in a ring: it ends
	rig_start(&r);
	rig_run(&r, 2 * T_S);
	assert_int_equal(wr_backends_route(r.b, 0), 0);
	set_down(&r, 0, 1, ECONNREFUSED);
	assert_int_equal(wr_backends_route(r.b, 0), 0); // one is left
	set_down(&r, 1, 1, ECONNREFUSED);
	assert_int_equal(wr_backends_route(r.b, 0), 1);
	assert_int_equal(wr_backends_pool(r.b, 0)->serving, 1);
	assert_int_equal(r.told[WR_EV_pool_spill], 1);
	assert_int_equal(r.told[WR_EV_pool_empty], 1);
	assert_non_null(strstr(r.last[WR_EV_pool_spill].text, "pool web to pool second"));
	set_down(&r, 2, 2, ECONNREFUSED);
	assert_int_equal(wr_backends_route(r.b, 0), 2);
	assert_int_equal(wr_backends_route(r.b, 1), 2);
	set_down(&r, 4, 2, ECONNREFUSED);
	for (uint16_t p = 0; p < 3; p++)
		assert_int_equal(wr_backends_route(r.b, p), p); // nobody serves for nobody
	set_down(&r, 0, 1, 0);
	assert_int_equal(wr_backends_route(r.b, 0), 0);
	assert_int_equal(wr_backends_route(r.b, 2), 0);
	rig_close(&r);
}

static void tier_fail_open(void **state)
{
	struct rig r;

	rig_conf(&r, 4)->fail_open_percent = 50;
	rig_start(&r);
	rig_run(&r, 2 * T_S);
	wr_backends_set_admin(r.b, 3, WR_ADMIN_DRAINING, 0, r.now);
	set_down(&r, 0, 1, ECONNREFUSED); // 2 of 3 that count
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	set_down(&r, 1, 1, ECONNREFUSED);
	assert_true(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_usable(r.b, 0), 3); // not the one that drains
	assert_int_equal(r.told[WR_EV_pool_fail_open], 1);
	assert_string_equal(r.last[WR_EV_pool_fail_open].text, "1 of 3 well, 50 % needed");
	assert_int_equal(wr_backend_state(be_of(&r, 0)), WR_BACKEND_DOWN);
	set_down(&r, 0, 2, 0);
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(r.told[WR_EV_pool_fail_open_end], 1);
	assert_int_equal(r.told[WR_EV_pool_empty], 0);
	rig_close(&r);
}

// A dead tier is not heeded again as long as another one is well, however few they are of all.
static void tier_fail_open_is_below_every_tier(void **state)
{
	struct rig r;

	rig_conf(&r, 20)->fail_open_percent = 60;
	for (uint32_t i = 10; i < 20; i++)
		r.conf->pools[0].backends[i].priority = 1;
	rig_start(&r);
	rig_run(&r, 2 * T_S);
	set_down(&r, 0, 10, ECONNREFUSED); // 10 of 20
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(part_of_second(&r), 1000);
	set_down(&r, 10, 4, ECONNREFUSED);
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_usable(r.b, 0), 6);
	set_down(&r, 14, 1, ECONNREFUSED);
	assert_true(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_usable(r.b, 0), 20);
	set_down(&r, 0, 6, 0); // the first has enough, the second has not
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_usable(r.b, 0), 11);
	rig_close(&r);
}

// Nor as long as one that serves in its place is; when that goes, at once.
static void tier_fail_open_is_behind_the_backup(void **state)
{
	struct rig r;

	rig_conf(&r, 4)->fail_open_percent = 50;
	r.conf->pools[0].backup = 1;
	conf_pool(r.conf, "second", 2, "s", 4)->backup = 2;
	conf_pool(r.conf, "third", 2, "t", 6)->backup = 0;
	rig_start(&r);
	rig_run(&r, 2 * T_S);
	set_down(&r, 0, 4, ECONNREFUSED);
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_route(r.b, 0), 1);
	set_down(&r, 4, 2, ECONNREFUSED);
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_route(r.b, 0), 2);
	set_down(&r, 6, 2, ECONNREFUSED);
	assert_true(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(r.told[WR_EV_pool_fail_open], 1);
	assert_int_equal(wr_backends_usable(r.b, 0), 4);
	assert_int_equal(wr_backends_route(r.b, 0), 0);
	assert_int_equal(wr_backends_route(r.b, 1), 0); // who has no such rule goes there
	set_down(&r, 7, 1, 0);
	assert_false(wr_backends_pool(r.b, 0)->failing_open);
	assert_int_equal(wr_backends_route(r.b, 0), 2);
	assert_int_equal(r.told[WR_EV_pool_fail_open_end], 1);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tier_first_has_all_while_well),
		cmocka_unit_test(tier_spills_by_share_and_returns_after_hold),
		cmocka_unit_test(tier_all_of_one_gone),
		cmocka_unit_test(tier_back_from_nothing_moves_once),
		cmocka_unit_test(tier_all_are_weak),
		cmocka_unit_test(tier_agrees_between_boxes),
		cmocka_unit_test(tier_backup_serves_when_none_can),
		cmocka_unit_test(tier_fail_open),
		cmocka_unit_test(tier_fail_open_is_below_every_tier),
		cmocka_unit_test(tier_fail_open_is_behind_the_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

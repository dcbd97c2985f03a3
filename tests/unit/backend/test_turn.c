/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void turn_says_when_to_come_again(void **state)
{
	struct wr_check c;
	wr_us_t next;
	struct rig r;

	rig_open(&r, 3);
	next = wr_backends_turn(r.b, r.now);
	assert_in_range(next, r.now, r.now + 5 * T_MS);
	while (wr_backends_next_check(r.b, r.now + 250 * T_MS, &c))
		;
	next = wr_backends_turn(r.b, r.now + 250 * T_MS);
	assert_int_equal(next, r.now + 255 * T_MS); // counters are looked at
	wr_backends_set_weight(r.b, 0, 2, r.now + 251 * T_MS);
	wr_backends_turn(r.b, r.now + 251 * T_MS);
	wr_backends_set_weight(r.b, 0, 3, r.now + 252 * T_MS);
	next = wr_backends_turn(r.b, r.now + 256 * T_MS);
	assert_int_equal(next, r.now + 261 * T_MS);
	rig_close(&r);
}

static void turn_administration_refused(void **state)
{
	struct rig r;

	rig_open(&r, 2);
	assert_int_equal(wr_backends_set_weight(r.b, 2, 1, r.now), -ENOENT);
	assert_int_equal(wr_backends_set_weight(r.b, 0, 257, r.now), -EINVAL);
	assert_int_equal(wr_backends_set_weight(r.b, 0, 256, r.now), 0);
	assert_int_equal(wr_backends_set_admin(r.b, 7, WR_ADMIN_DISABLED, 0, r.now), -ENOENT);
	assert_int_equal(
		wr_backends_set_admin(r.b, UINT16_MAX, WR_ADMIN_DISABLED, 0, r.now), -ENOENT);
	rig_close(&r);
}

static void turn_weight_of_nothing(void **state)
{
	static uint16_t map[T_KEYS];
	struct rig r;

	rig_open(&r, 3);
	rig_run(&r, T_S);
	wr_backends_set_weight(r.b, 1, 0, r.now);
	rig_run(&r, 20 * T_MS);
	assert_int_equal(wr_backends_usable(r.b, 0), 2);
	rig_map(&r, 0, map);
	assert_int_equal(map_count(map, 1), 0);
	wr_backends_set_weight(r.b, 1, 2, r.now);
	rig_run(&r, 20 * T_MS);
	rig_map(&r, 0, map);
	assert_in_range(map_count(map, 1), T_KEYS / 2 * 98 / 100, T_KEYS / 2 * 102 / 100);
	rig_close(&r);
}

static void turn_last_of_its_pool(void **state)
{
	struct rig r;

	rig_conf(&r, 3)->backends[2].disabled = true;
	conf_pool(r.conf, "one", 1, "o", 3);
	rig_start(&r);
	assert_false(wr_backends_is_last(r.b, 0));
	wr_backends_set_admin(r.b, 1, WR_ADMIN_DRAINING, 0, r.now);
	assert_true(wr_backends_is_last(r.b, 0));
	assert_true(wr_backends_is_last(r.b, 3));
	assert_false(wr_backends_is_last(r.b, 99));
	rig_close(&r);
}

// A thousand changes in a second: few rebuilds, each visible within 50 ms.
static void turn_changes_are_coalesced(void **state)
{
	uint64_t generation;
	struct rig r;

	rig_open(&r, 10);
	rig_run(&r, T_S);
	generation = wr_backends_pool(r.b, 0)->generation;
	for (uint32_t i = 0; i < 1000; i++) {
		if (i % 2)
			wr_backends_set_weight(r.b, (uint16_t)(i / 2 % 10), 1 + i % 7, r.now);
		else
			wr_backends_set_admin(
				r.b, 0, i % 4 ? WR_ADMIN_DRAINING : WR_ADMIN_ENABLED, 0, r.now);
		r.now += T_MS;
		wr_backends_turn(r.b, r.now);
		assert_true(!r.b->more[0].dirty || r.now < r.b->more[0].rebuilt_us + 50 * T_MS);
	}
	assert_in_range(wr_backends_pool(r.b, 0)->generation - generation, 20, 52);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turn_says_when_to_come_again),
		cmocka_unit_test(turn_administration_refused),
		cmocka_unit_test(turn_weight_of_nothing),
		cmocka_unit_test(turn_last_of_its_pool),
		cmocka_unit_test(turn_changes_are_coalesced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

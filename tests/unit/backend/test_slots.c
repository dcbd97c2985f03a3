/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

#define TWO                                                                                        \
	T_POOL "  - name: web2\n"                                                                  \
	       "    health: {type: none}\n"                                                        \
	       "    backends:\n"                                                                   \
	       "      - {name: b1, address: \"198.18.0.21:80\", weight: 0}\n"                      \
	       "      - {name: b4, address: \"198.18.0.22:80\"}\n"

static void slots_from_conf(void **state)
{
	struct rig r;
	struct wr_backend *be;

	rig_open(&r, TWO);
	assert_int_equal(wr_backends_pool_count(r.b), 2);
	assert_int_equal(wr_backends_count(r.b), 5);
	assert_null(wr_backends_pool(r.b, 2));
	assert_null(wr_backends_get(r.b, 5));
	assert_int_equal(wr_backends_pool(r.b, 1)->first, 3);
	assert_int_equal(wr_backends_pool(r.b, 1)->count, 2);
	assert_int_equal(wr_backends_pool(r.b, 1)->usable, 1); // weight 0 takes no new sessions
	be = wr_backends_get(r.b, 2);
	assert_string_equal(be->name, "b3");
	assert_int_equal(be->id, 2);
	assert_int_equal(be->pool, 0);
	assert_int_equal(be->weight, 2);
	assert_false(wr_addr_is_v4(&be->addr.addr));
	assert_int_equal(be->addr.port, 80);
	rig_close(&r);
}

static void slots_find_by_path(void **state)
{
	struct rig r;

	rig_open(&r, TWO);
	assert_int_equal(wr_backends_find(r.b, "web/b1"), 0);
	assert_int_equal(wr_backends_find(r.b, "web2/b1"), 3);
	assert_int_equal(wr_backends_find(r.b, "web2/b4"), 4);
	assert_int_equal(wr_backends_find(r.b, "web/b4"), -1);
	assert_int_equal(wr_backends_find(r.b, "we/b1"), -1);
	assert_int_equal(wr_backends_find(r.b, "web2/"), -1);
	assert_int_equal(wr_backends_find(r.b, "/b1"), -1);
	assert_int_equal(wr_backends_find(r.b, "b1"), -1);
	assert_int_equal(wr_backends_find(r.b, ""), -1);
	rig_close(&r);
}

static void slots_state_names(void **state)
{
	struct rig r;

	rig_open(&r, TWO);
	assert_string_equal(wr_backend_state_name(wr_backends_get(r.b, 0)), "up");
	assert_string_equal(wr_backend_state_name(wr_backends_get(r.b, 4)), "unchecked");
	assert_int_equal(wr_backends_set_admin(r.b, 0, WR_ADMIN_DRAINING, T_S), 0);
	assert_string_equal(wr_backend_state_name(wr_backends_get(r.b, 0)), "drain");
	wr_backends_get(r.b, 1)->health = WR_HEALTH_DOWN;
	assert_string_equal(wr_backend_state_name(wr_backends_get(r.b, 1)), "down");
	rig_close(&r);
}

static void slots_counters_by_worker(void **state)
{
	struct wr_backend_counters sum;
	struct wr_backend *be;
	struct rig r;

	rig_open(&r, TWO);
	be = wr_backends_get(r.b, 1);
	for (uint16_t w = 0; w < T_WORKERS; w++) {
		struct wr_backend_counters *c = wr_backend_counters(be, w);
		uint64_t *v = (uint64_t *)c;

		assert_int_equal((uintptr_t)c % 64, 0); // no line is shared between workers
		for (uint32_t i = 0; i < 12; i++)
			v[i] = 100 * (w + 1) + i;
	}
	wr_backend_sum(r.b, be, &sum);
	for (uint32_t i = 0; i < 12; i++)
		assert_int_equal(((uint64_t *)&sum)[i], 300 + 2 * i);
	wr_backend_sum(r.b, wr_backends_get(r.b, 0), &sum);
	assert_int_equal(sum.sessions + sum.stalled + sum.picks, 0);
	wr_backend_sum(r.b, wr_backends_get(r.b, 2), &sum);
	assert_int_equal(sum.sessions + sum.stalled + sum.picks, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_from_conf),
		cmocka_unit_test(slots_find_by_path),
		cmocka_unit_test(slots_state_names),
		cmocka_unit_test(slots_counters_by_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

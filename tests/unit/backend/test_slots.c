/* SPDX-License-Identifier: BSD-3-Clause */
#include "backend_test.h"

static void slots_created_as_configured(void **state)
{
	struct wr_conf_pool *pc;
	struct rig r;

	pc = rig_conf(&r, 3);
	pc->backends[1].weight = 7;
	pc->backends[2].disabled = true;
	pc->backends[2].priority = 2;
	conf_pool(r.conf, "other", 2, "b", 3)->backends[1].draining = true;
	rig_start(&r);
	assert_int_equal(wr_backends_count(r.b), 5);
	assert_int_equal(wr_backends_pool_count(r.b), 2);
	assert_int_equal(be_of(&r, 1)->weight, 7);
	assert_int_equal(be_of(&r, 2)->admin, WR_ADMIN_DISABLED);
	assert_int_equal(be_of(&r, 2)->priority, 2);
	assert_int_equal(be_of(&r, 4)->admin, WR_ADMIN_DRAINING);
	assert_int_equal(be_of(&r, 4)->pool, 1);
	assert_true(be_of(&r, 0)->ready);
	assert_int_equal(wr_backends_pool(r.b, 0)->usable, 2);
	assert_int_equal(wr_backends_pool(r.b, 1)->count, 2);
	assert_string_equal(wr_backends_pool(r.b, 1)->name, "other");
	rig_run(&r, T_S);
	// What drains from the start ends nothing.
	assert_int_equal(r.told[WR_EV_backend_drained], 0);
	rig_close(&r);
}

static void slots_found_by_path(void **state)
{
	struct rig r;

	rig_conf(&r, 3);
	conf_pool(r.conf, "web2", 1, "b", 3);
	rig_start(&r);
	assert_int_equal(wr_backends_find(r.b, "web/b2"), 1);
	assert_int_equal(wr_backends_find(r.b, "web2/b1"), 3);
	assert_int_equal(wr_backends_find(r.b, "web/b4"), -1);
	assert_int_equal(wr_backends_find(r.b, "we/b1"), -1);
	assert_int_equal(wr_backends_find(r.b, "b1"), -1);
	assert_int_equal(wr_backends_find(r.b, ""), -1);
	rig_close(&r);
}

static void slots_vacant_are_null(void **state)
{
	struct wr_conf_pool *pc;
	struct rig r;

	pc = rig_conf(&r, 2);
	pc->backends[1].id = 5; // rows between are nobody's
	r.conf->pool_count = 3;
	r.conf->pools[1].slot = WR_CONF_VACANT;
	r.conf->pool_count = 2;
	conf_pool(r.conf, "last", 1, "c", 9);
	rig_start(&r);
	assert_int_equal(wr_backends_count(r.b), 10);
	assert_int_equal(wr_backends_pool_count(r.b), 3);
	assert_null(wr_backends_get(r.b, 1));
	assert_null(wr_backends_get(r.b, WR_MAX_BACKENDS));
	assert_null(wr_backends_get(r.b, WR_BACKEND_NONE));
	assert_non_null(wr_backends_get(r.b, 5));
	assert_ptr_equal(wr_backends_held_slot(r.b, 5), wr_backends_get(r.b, 5));
	assert_null(wr_backends_pool(r.b, 1));
	assert_non_null(wr_backends_pool(r.b, 2));
	rig_run(&r, T_S);
	assert_int_equal(wr_backends_pick(r.b, 2, 0, 1, NULL, 0), 9);
	rig_close(&r);
}

static void slots_sum_over_workers(void **state)
{
	struct wr_backend_counters sum, *c0, *c1;
	struct rig r;

	rig_open(&r, 2);
	c0 = wr_backend_counters(be_of(&r, 1), 0);
	c1 = wr_backend_counters(be_of(&r, 1), 1);
	*c0 = (struct wr_backend_counters){.sessions = 1,
		.picks = 10,
		.bytes_in = 5,
		.unanswered = 2,
		.unanswered_since_us = 70,
		.last_byte_us = 30};
	*c1 = (struct wr_backend_counters){.sessions = 2,
		.picks = 20,
		.resets_early = 3,
		.unanswered = 1,
		.unanswered_since_us = 50,
		.last_byte_us = 90};
	wr_hist_small_record(&c0->connect_us, 100);
	wr_hist_small_record(&c1->connect_us, 200);
	wr_backend_sum(r.b, be_of(&r, 1), &sum);
	assert_int_equal(sum.sessions, 3);
	assert_int_equal(sum.picks, 30);
	assert_int_equal(sum.bytes_in, 5);
	assert_int_equal(sum.resets_early, 3);
	assert_int_equal(sum.unanswered, 3);
	assert_int_equal(sum.unanswered_since_us, 50);
	assert_int_equal(sum.last_byte_us, 90);
	assert_int_equal(wr_hist_small_count(&sum.connect_us), 2);
	assert_int_equal(sum.connect_us.sum, 300);
	wr_backend_sum(r.b, be_of(&r, 0), &sum);
	assert_int_equal(sum.picks, 0);
	rig_close(&r);
}

// Accounting shares no cache line between workers.
static void slots_counters_lie_apart(void **state)
{
	struct rig r;

	rig_open(&r, 1);
	assert_int_equal((uintptr_t)wr_backend_counters(be_of(&r, 0), 0) % 64, 0);
	assert_int_equal((uintptr_t)wr_backend_counters(be_of(&r, 0), 1) % 64, 0);
	// What a byte from the backend changes is one line.
	assert_in_range(offsetof(struct wr_backend_counters, bytes_in), 0, 56);
	assert_in_range(offsetof(struct wr_backend_counters, last_byte_us), 0, 56);
	assert_in_range(offsetof(struct wr_backend_counters, unanswered), 0, 56);
	assert_in_range(offsetof(struct wr_backend_counters, unanswered_since_us), 0, 56);
	assert_in_range(offsetof(struct wr_backend_counters, answered), 0, 56);
	assert_int_equal((uintptr_t)&r.b->own[0] % 128, 0);
	assert_int_equal(sizeof(r.b->own[0]) % 128, 0);
	assert_int_equal(sizeof(r.b->others[0]) % 128, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_created_as_configured),
		cmocka_unit_test(slots_found_by_path),
		cmocka_unit_test(slots_vacant_are_null),
		cmocka_unit_test(slots_sum_over_workers),
		cmocka_unit_test(slots_counters_lie_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

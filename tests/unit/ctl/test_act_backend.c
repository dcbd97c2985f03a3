/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void backend_drain_and_enable(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);

	rig_expect_done("/weir/backend,drain=web/b0", "drain", "web/b0", "no new sessions");
	assert_int_equal(be->admin, WR_ADMIN_DRAINING);
	// Without a time the pool's drain holds: 5 minutes unless it says otherwise.
	assert_in_range(
		be->drain_until_us, rig.t->now + 299 * WR_US_PER_S, rig.t->now + 301 * WR_US_PER_S);
	assert_int_equal(rig_event(WR_EV_backend_admin)->scope, be->id);
	assert_int_equal(rig_event(WR_EV_backend_admin)->worker, UINT16_MAX);
	rig_run(50 * WR_US_PER_MS);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 1);
	rig_expect_done("/weir/backend,enable=web/b0", "enable", "web/b0", "takes new sessions");
	assert_int_equal(be->admin, WR_ADMIN_ENABLED);
	rig_run(50 * WR_US_PER_MS);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 2);
	rig_expect_done("/weir/backend,disable=web/b0", "disable", "web/b0", "no checks");
	assert_int_equal(be->admin, WR_ADMIN_DISABLED);
}

static void backend_drain_has_a_deadline(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);

	rig_expect_done("/weir/backend,drain=web/b0,30s", "drain", "web/b0", "after 30s");
	assert_int_equal(be->drain_until_us, rig.c->now_us + 30 * WR_US_PER_S);
	rig_expect_done("/weir/backend,drain=web/b0,never", "drain", "web/b0", "no deadline");
	assert_int_equal(be->drain_until_us, 0);
	rig_expect_error("/weir/backend,drain=web/b0,30", "nothing was done", "30s or 5m");
	rig_expect_error("/weir/backend,drain=web/b0,30s,x", "nothing was done", "30s or 5m");
}

static void backend_drain_ends_sessions_at_its_deadline(void **state)
{
	struct tri_conn *c[8];
	uint32_t closed = 0;

	for (size_t i = 0; i < RTE_DIM(c); i++) {
		c[i] = tri_connect(rig.t, &(struct tri_want){.hold = true});
		TRI_WAIT(rig.t, tri_other(rig.t, c[i]) != NULL, TRI_S);
	}
	rig_expect_done("/weir/backend,drain=web/b0,2s", "drain", "web/b0", "2s");
	rig_run(WR_US_PER_S);
	for (size_t i = 0; i < RTE_DIM(c); i++)
		assert_false(c[i]->closed);
	rig_run(3 * WR_US_PER_S);
	for (size_t i = 0; i < RTE_DIM(c); i++) {
		bool there = tri_other(rig.t, c[i])->peer == 1;

		assert_int_equal(c[i]->closed, there);
		closed += there;
	}
	assert_in_range(closed, 1, RTE_DIM(c) - 1);
	assert_int_equal(rig_event_count(WR_EV_backend_drained), 1);
}

static void backend_last_one_is_asked_back(void **state)
{
	struct wr_backend *b0 = tri_backend(rig.t, 0), *b1 = tri_backend(rig.t, 1);

	rig_expect_done("/weir/backend,drain=web/b0", "drain", "web/b0", "no new sessions");
	rig_run(50 * WR_US_PER_MS);
	rig_expect_confirm("/weir/backend,drain=web/b1", "force_drain=web/b1", "the last backend");
	rig_expect_confirm("/weir/backend,drain=web/b1,5s", "force_drain=web/b1,5s", "pool web");
	rig_expect_confirm("/weir/backend,disable=web/b1", "force_disable=web/b1", "be refused");
	rig_expect_confirm("/weir/backend,weight=web/b1,0", "force_weight=web/b1,0", "the last");
	rig_expect_confirm("/weir/backend,remove=web/b1", "force_remove=web/b1", "the last");
	assert_int_equal(b1->admin, WR_ADMIN_ENABLED);
	assert_int_equal(b1->weight, 1);
	// Another weight takes nothing away, and so does one that is out already.
	rig_expect_done("/weir/backend,weight=web/b1,5", "weight", "web/b1", "from 1 to 5");
	rig_expect_done("/weir/backend,disable=web/b0", "disable", "web/b0", "disabled");
	rig_expect_done("/weir/backend,force_drain=web/b1", "force_drain", "web/b1", "drained");
	assert_int_equal(b0->admin, WR_ADMIN_DISABLED);
	assert_int_equal(b1->admin, WR_ADMIN_DRAINING);
}

static void backend_weight_limits(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 1);

	rig_expect_done("/weir/backend,weight=web/b1,256", "weight", "web/b1", "from 1 to 256");
	assert_int_equal(be->weight, 256);
	rig_expect_done("/weir/backend,weight=web/b1,0", "weight", "web/b1", "from 256 to 0");
	rig_expect_error("/weir/backend,weight=web/b1,257", "nothing was done", "0 to 256");
	rig_expect_error("/weir/backend,weight=web/b1,-1", "nothing was done", "0 to 256");
	rig_expect_error("/weir/backend,weight=web/b1", "nothing was done", "0 to 256");
	rig_expect_error("/weir/backend,weight=web/b1,", "nothing was done", "0 to 256");
	assert_int_equal(be->weight, 0);
	assert_int_equal(rig_event_count(WR_EV_backend_admin), 2);
}

static int setup_limited(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1,
		.family = 4,
		.pool = "    health: {type: none}\n    max_connections: 10\n"});
	return 0;
}

static void backend_limit_of_a_pool(void **state)
{
	struct wr_lease *lease = rig.c->shared->pools[0];

	assert_int_equal(lease->limit, 10);
	rig_expect_done(
		"/weir/backend,limit=web,3", "limit", "web", "pool web: limit from 10 to 3");
	assert_int_equal(lease->limit, 3);
	assert_string_equal(
		rig_event(WR_EV_operator)->text, "pool web: limit from 10 to 3, 0 in use");
	rig_expect_done("/weir/backend,limit=web,0", "limit", "web", "from 3 to 0");
	assert_int_equal(lease->limit, 0);
	rig_run(WR_US_PER_S);
	assert_int_equal(lease->limit, 0);
}

// Whether or not there was a limit at start: it becomes part of the configuration.
static void backend_limit_of_a_pool_without_one(void **state)
{
	rig_expect_done("/weir/backend,limit=web,3", "limit", "web", "limit from 0 to 3");
	assert_int_equal(rig.c->shared->pools[0]->limit, 3);
	rig_expect_done("/weir/backend,limit=web/b1,2", "limit", "web/b1", "limit from 0 to 2");
	rig_run(WR_US_PER_S);
	assert_int_equal(rig.c->shared->pools[0]->limit, 3);
	assert_int_equal(rig.c->shared->backends[tri_backend(rig.t, 1)->id]->limit, 2);
	assert_int_equal(rig.c->conf->pools[0].max_connections, 3);
	assert_int_equal(rig_event_count(WR_EV_config_loaded), 1);
}

static void backend_limit_below_what_is_in_use(void **state)
{
	for (int i = 0; i < 4; i++)
		tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(WR_US_PER_S);
	rig_expect_done("/weir/backend,limit=web,2", "limit", "web", "4 in use, which end by");
	// None, and back: those that live are counted all the while.
	rig_expect_done("/weir/backend,limit=web,0", "limit", "web", "from 2 to 0, 4 in use");
	rig_expect_done("/weir/backend,limit=web,4", "limit", "web", "from 0 to 4, 4 in use");
	assert_int_equal(rig.c->shared->pools[0]->limit, 4);
	assert_int_equal(wr_lease_used(rig.c->shared->pools[0]), 4);
}

static void backend_limit_errors(void **state)
{
	rig_expect_error("/weir/backend,limit=web/b9,7", "no backend 'web/b9'", "/weir/backends");
	rig_expect_error("/weir/backend,limit=x,7", "no backend and no pool", "/weir/pools");
	rig_expect_error("/weir/backend,limit=web", "nothing was done", "16777216");
	rig_expect_error("/weir/backend,limit=web,16777217", "nothing was done", "16777216");
	assert_int_equal(rig_event_count(WR_EV_operator), 0);
}

static void backend_unknown(void **state)
{
	rig_expect_error("/weir/backend,drain=web/b9", "no backend 'web/b9'", "POOL/NAME");
	rig_expect_error("/weir/backend,drain=", "no backend ''", "POOL/NAME");
	rig_expect_error("/weir/backend,weight=x,1", "no backend 'x'", "POOL/NAME");
	rig_expect_error("/weir/backend,remove=web/b9", "no backend 'web/b9'", "POOL/NAME");
	assert_int_equal(rig_event_count(WR_EV_backend_admin), 0);
}

static void backend_add_and_remove(void **state)
{
	int id;

	rig_expect_done("/weir/backend,add=web/b2,198.18.1.22:80,weight=3,limit=9", "add", "web/b2",
		"added: 198.18.1.22:80, weight 3");
	rig_run(WR_US_PER_S);
	id = wr_backends_find(rig.t->backends, "web/b2");
	assert_true(id >= 0);
	assert_int_equal(wr_backends_get(rig.t->backends, (uint16_t)id)->weight, 3);
	assert_int_equal(rig.c->shared->backends[id]->limit, 9);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 3);
	assert_non_null(rig_event(WR_EV_operator));
	rig_expect_error("/weir/backend,add=web/b2,198.18.1.23:80", "nothing was done", "");
	rig_expect_done("/weir/backend,remove=web/b2,1s", "remove", "web/b2", "after 1s");
	rig_run(WR_US_PER_S);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 2);
}

static void backend_remove_of_the_only_one(void **state)
{
	rig_expect_done("/weir/backend,remove=web/b0,4s", "remove", "web/b0", "after 4s");
	rig_run(WR_US_PER_S);
	assert_in_range(tri_backend(rig.t, 0)->drain_until_us, rig.t->now + 2 * WR_US_PER_S,
		rig.t->now + 4 * WR_US_PER_S);
	// Asking for force_remove would be of no use.
	rig_expect_error("/weir/backend,remove=web/b1", "the pool's last one", "/weir/backends");
	rig_expect_error(
		"/weir/backend,force_remove=web/b1", "the pool's last one", "/weir/backends");
	assert_int_equal(tri_backend(rig.t, 1)->admin, WR_ADMIN_ENABLED);
}

static void backend_limit_that_a_file_may_not_have(void **state)
{
	rig_expect_error("/weir/backend,limit=web/b1,16777216", "max_sessions", "repeat");
	assert_int_equal(rig.c->shared->backends[1]->limit, 0);
	rig_expect_error("/weir/backend,limit=web,16777216", "max_sessions", "repeat");
	assert_int_equal(rig.c->shared->pools[0]->limit, 0);
	rig_run(WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_config_refused), 0);
	assert_int_equal(rig_event_count(WR_EV_config_loaded), 0);
}

static void backend_add_malformed(void **state)
{
	rig_expect_error("/weir/backend,add=web/b2", "nothing was done", "ADDRESS:PORT");
	rig_expect_error("/weir/backend,add=b2,198.18.1.22:80", "nothing was done", "POOL/NAME");
	rig_expect_error("/weir/backend,add=web/,198.18.1.22:80", "nothing was done", "POOL/NAME");
	rig_expect_error("/weir/backend,add=web/b2,198.18.1.22", "nothing was done", "ADDRESS");
	rig_expect_error("/weir/backend,add=web/b2,198.18.1.22:80,weight=257", "nothing", "0-256");
	rig_expect_error("/weir/backend,add=web/b2,198.18.1.22:80,priority=8", "nothing", "0-7");
	rig_expect_error("/weir/backend,add=web/b2,198.18.1.22:80,x=1", "nothing", "limit=N");
	rig_expect_error("/weir/backend,add=nopool/b2,198.18.1.22:80", "nothing was done", "");
	rig_expect_error("/weir/backend,remove=web/b1,5", "nothing was done", "30s or 5m");
	rig_run(WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_config_loaded), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(backend_drain_and_enable, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_drain_has_a_deadline, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_drain_ends_sessions_at_its_deadline, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_last_one_is_asked_back, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(backend_weight_limits, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_limit_of_a_pool, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_limit_of_a_pool_without_one, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_limit_below_what_is_in_use, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(backend_limit_errors, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(backend_unknown, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(backend_add_and_remove, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_remove_of_the_only_one, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			backend_limit_that_a_file_may_not_have, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(backend_add_malformed, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void act_drain_and_enable(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);

	rig_expect_done("/weir/backend,drain=web/b0", "drain", "web/b0", "no new sessions");
	assert_int_equal(be->admin, WR_ADMIN_DRAINING);
	assert_int_equal(rig_event(WR_EV_backend_admin)->scope, be->id);
	assert_int_equal(rig_event(WR_EV_backend_admin)->worker, UINT16_MAX);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 1);
	rig_expect_done("/weir/backend,enable=web/b0", "enable", "web/b0", "takes new sessions");
	assert_int_equal(be->admin, WR_ADMIN_ENABLED);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 2);
}

static void act_weight_limits(void **state)
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

static void act_limit_of_a_pool(void **state)
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
}

// Nothing would show who waits there: the queues of those that wait are made at start.
static void act_limit_of_a_pool_without_one(void **state)
{
	rig_expect_error("/weir/backend,limit=web,3", "had no limit at start", "max_connections");
	rig_expect_error(
		"/weir/backend,limit=web/b1,3", "had no limit at start", "max_connections");
	rig_expect_done("/weir/backend,limit=web,0", "limit", "web", "from 0 to 0");
}

static void act_limit_below_what_is_in_use(void **state)
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

static void act_limit_of_a_backend_and_errors(void **state)
{
	rig_expect_done("/weir/backend,limit=web/b1,7", "limit", "web/b1", "limit from 0 to 7");
	assert_int_equal(rig.c->shared->backends[tri_backend(rig.t, 1)->id]->limit, 7);
	assert_int_equal(rig_event(WR_EV_backend_admin)->scope, tri_backend(rig.t, 1)->id);
	rig_expect_error("/weir/backend,limit=web/b9,7", "no backend and no pool", "/weir/pools");
	rig_expect_error("/weir/backend,limit=web", "nothing was done", "limit=POOL");
	rig_expect_error("/weir/backend,limit=web,99999999999", "nothing was done", "16777216");
}

static void act_unknown_backend(void **state)
{
	rig_expect_error("/weir/backend,drain=web/b9", "no backend 'web/b9'", "POOL/NAME");
	rig_expect_error("/weir/backend,drain=", "no backend ''", "POOL/NAME");
	rig_expect_error("/weir/backend,weight=x,1", "no backend 'x'", "POOL/NAME");
	assert_int_equal(rig_event_count(WR_EV_backend_admin), 0);
}

static void act_kill_connection(void **state)
{
	struct tri_conn *conn =
		tri_connect(rig.t, &(struct tri_want){.mode = TRI_ECHO, .hold = true});
	char request[64], id[32];
	json_t *top;

	TRI_WAIT(rig.t, tri_other(rig.t, conn) != NULL, TRI_S);
	rig_run(10 * WR_US_PER_MS);
	top = rig_ask("/weir/conns");
	assert_int_equal(rig_rows(top), 1);
	snprintf(id, sizeof(id), "%s", rig_str(rig_row(top, 0), "id"));
	json_decref(top);
	snprintf(request, sizeof(request), "/weir/conn,kill=%s", id);
	rig_expect_done(request, "kill", id, "reset");
	assert_string_equal(rig_event(WR_EV_conn_killed)->text, id);
	TRI_WAIT(rig.t, conn->closed, TRI_S);
	assert_int_equal(conn->end, WR_TCP_END_RESET);
	rig_expect_error(request, "nothing was done", "/weir/conns");
}

static void act_kill_malformed(void **state)
{
	rig_expect_error("/weir/conn,kill=5", "not the id", "WORKER.NUMBER");
	rig_expect_error("/weir/conn,kill=9.5", "not the id", "WORKER.NUMBER");
	rig_expect_error("/weir/conn,kill=", "not the id", "WORKER.NUMBER");
	rig_expect_error("/weir/conn,kill=0.5", "no connection 0.5", "/weir/conns");
	assert_int_equal(rig_event_count(WR_EV_conn_killed), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(act_drain_and_enable, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_weight_limits, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_limit_of_a_pool, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(
			act_limit_below_what_is_in_use, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(
			act_limit_of_a_backend_and_errors, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(
			act_limit_of_a_pool_without_one, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_unknown_backend, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_kill_connection, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_kill_malformed, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

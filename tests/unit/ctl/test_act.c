/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void expect_done(const char *request, const char *verb, const char *target, const char *part)
{
	json_t *top = rig_ask(request);
	json_t *row = rig_row(top, 0);

	assert_string_equal(rig_str(row, "verb"), verb);
	assert_string_equal(rig_str(row, "target"), target);
	assert_non_null(strstr(rig_str(row, "done"), part));
	assert_int_equal(rig_uint(row, "event_id"), rig.c->history.next_id - 1);
	json_decref(top);
}

static void act_drain_and_enable(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 0);

	expect_done("/weir/backend,drain=web/b0", "drain", "web/b0", "no new sessions");
	assert_int_equal(be->admin, WR_ADMIN_DRAINING);
	assert_int_equal(rig_event(WR_EV_backend_admin)->scope, be->id);
	assert_int_equal(rig_event(WR_EV_backend_admin)->worker, UINT16_MAX);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 1);
	expect_done("/weir/backend,enable=web/b0", "enable", "web/b0", "takes new sessions");
	assert_int_equal(be->admin, WR_ADMIN_ENABLED);
	assert_int_equal(wr_backends_pool(rig.t->backends, 0)->usable, 2);
}

static void act_weight_limits(void **state)
{
	struct wr_backend *be = tri_backend(rig.t, 1);

	expect_done("/weir/backend,weight=web/b1,256", "weight", "web/b1", "from 1 to 256");
	assert_int_equal(be->weight, 256);
	expect_done("/weir/backend,weight=web/b1,0", "weight", "web/b1", "from 256 to 0");
	rig_expect_error("/weir/backend,weight=web/b1,257", "nothing was done", "0 to 256");
	rig_expect_error("/weir/backend,weight=web/b1,-1", "nothing was done", "0 to 256");
	rig_expect_error("/weir/backend,weight=web/b1", "nothing was done", "0 to 256");
	rig_expect_error("/weir/backend,weight=web/b1,", "nothing was done", "0 to 256");
	assert_int_equal(be->weight, 0);
	assert_int_equal(rig_event_count(WR_EV_backend_admin), 2);
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
	expect_done(request, "kill", id, "reset");
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
		cmocka_unit_test_setup_teardown(act_unknown_backend, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_kill_connection, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_kill_malformed, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

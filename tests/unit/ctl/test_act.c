/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void act_split_at_commas(void **state)
{
	char buf[8], *piece[2];

	assert_int_equal(wr_act_split("a,b,c", buf, sizeof(buf), piece, 2), 2);
	assert_string_equal(piece[0], "a");
	assert_string_equal(piece[1], "b,c");
	assert_int_equal(wr_act_split("", buf, sizeof(buf), piece, 2), 1);
	assert_string_equal(piece[0], "");
	assert_int_equal(wr_act_split("12345678", buf, sizeof(buf), piece, 2), 0);
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
		cmocka_unit_test(act_split_at_commas),
		cmocka_unit_test_setup_teardown(act_kill_connection, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(act_kill_malformed, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static struct wr_worker *worker(void)
{
	return wr_fabric_worker(rig.t->f, 0);
}

static void admission_level_by_hand(void **state)
{
	struct wr_pressure p;

	rig_expect_done("/weir/admission,level=web,2", "level", "web", "level of web held at P2");
	rig_expect_done("/weir/admission,level=all,3", "level", "all", "all workers held at P3");
	rig_run(500 * WR_US_PER_MS);
	wr_worker_pressure(worker(), &p);
	assert_int_equal(p.own.level, 3);
	assert_int_equal(p.service[0].level, 2);
	assert_int_equal(rig_event_count(WR_EV_operator), 2);
	assert_int_equal(rig_event(WR_EV_operator)->worker, UINT16_MAX);
	rig_expect_done("/weir/admission,level=all,auto", "level", "all", "follows its queues");
	rig_expect_done("/weir/admission,level=web,auto", "level", "web", "follows its queues");
	rig_run(5 * WR_US_PER_S);
	wr_worker_pressure(worker(), &p);
	assert_int_equal(p.own.level, 0);
	assert_int_equal(p.service[0].level, 0);
}

static void admission_refuse_and_admit(void **state)
{
	rig_expect_done("/weir/admission,refuse=web,5", "refuse", "web", "class 5 and worse");
	rig_expect_done("/weir/admission,refuse=all,6", "refuse", "all", "all workers of class 6");
	rig_run(20 * WR_US_PER_MS);
	assert_int_equal(wr_worker_ordered(worker(), 0), 5);
	assert_int_equal(wr_worker_ordered(worker(), WR_DOOR_WORKER), 6);
	rig_expect_done("/weir/admission,admit=web", "admit", "web", "no class is refused");
	rig_run(20 * WR_US_PER_MS);
	assert_int_equal(wr_worker_ordered(worker(), 0), WR_CLASSES);
	rig_expect_done("/weir/admission,refuse=web,2", "refuse", "web", "class 2");
	// All means all: the services' orders as well.
	rig_expect_done("/weir/admission,admit=all", "admit", "all", "all services");
	rig_run(20 * WR_US_PER_MS);
	assert_int_equal(wr_worker_ordered(worker(), 0), WR_CLASSES);
	assert_int_equal(wr_worker_ordered(worker(), WR_DOOR_WORKER), WR_CLASSES);
}

static void admission_everyone_is_asked_twice(void **state)
{
	struct tri_conn *held = tri_connect(rig.t, &(struct tri_want){.hold = true});
	struct tri_conn *late;

	TRI_WAIT(rig.t, tri_other(rig.t, held) != NULL, TRI_S);
	rig_run(100 * WR_US_PER_MS);
	rig_expect_confirm("/weir/admission,refuse=web,0", "refuse_all=web",
		"every new connection of web; the 1 sessions that live would go on");
	rig_run(20 * WR_US_PER_MS);
	assert_int_equal(wr_worker_ordered(worker(), 0), WR_CLASSES);
	assert_int_equal(rig_event_count(WR_EV_operator), 0);
	rig_expect_done("/weir/admission,refuse_all=web", "refuse_all", "web",
		"every new connection of web is refused; 1 sessions go on");
	rig_run(20 * WR_US_PER_MS);
	assert_int_equal(wr_worker_ordered(worker(), 0), 0);
	late = tri_connect(rig.t, &(struct tri_want){0});
	TRI_WAIT(rig.t, late->closed, TRI_S);
	assert_int_equal(late->end, WR_TCP_END_REFUSED);
	assert_false(held->closed);
}

static void admission_malformed(void **state)
{
	rig_expect_error("/weir/admission,level=web", "nothing was done", "level=SERVICE,N");
	rig_expect_error("/weir/admission,level=web,5", "nothing was done", "0 to 4");
	rig_expect_error("/weir/admission,level=web,-1", "nothing was done", "0 to 4");
	rig_expect_error("/weir/admission,level=x,1", "no service 'x'", "/weir/services");
	rig_expect_error("/weir/admission,refuse=web,8", "nothing was done", "1 to 7");
	rig_expect_error("/weir/admission,refuse=web,2,3", "nothing was done", "1 to 7");
	rig_expect_error("/weir/admission,refuse=x,2", "no service 'x'", "/weir/services");
	rig_expect_error("/weir/admission,admit=", "no service ''", "/weir/services");
	rig_expect_error("/weir/admission,refuse_all=x", "no service 'x'", "/weir/services");
	assert_int_equal(rig_event_count(WR_EV_operator), 0);
}

static void admission_full_mailbox_is_said(void **state)
{
	const struct wr_msg filler = {.kind = WR_MSG_KILL_BACKEND, .a = UINT16_MAX};
	struct wr_reply r;
	struct wr_event *ev;

	while (wr_worker_post(worker(), &filler) == 0)
		;
	assert_true(wr_reply_begin(&r, 0));
	wr_act_admission(rig.c, "level", "web,1", &r);
	assert_true(rig.c->orders.any_owed);
	ev = (struct wr_event *)rig_event(WR_EV_operator);
	assert_non_null(ev);
	assert_non_null(strstr(ev->text, "level of web held at P1"));
	rte_tel_data_free(r.row);
	rte_tel_data_free(r.rows);
	rig_run(WR_US_PER_S);
	assert_false(rig.c->orders.any_owed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(admission_level_by_hand, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			admission_refuse_and_admit, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			admission_everyone_is_asked_twice, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(admission_malformed, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			admission_full_mailbox_is_said, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

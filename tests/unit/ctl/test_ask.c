/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

// Nobody turns the workers here, so that no question is ever answered.

static void ask_worker_that_does_not_answer(void **state)
{
	struct wr_msg m = {.kind = WR_MSG_LEDGER_WALK};
	struct wr_err err = {0};
	void *mem = calloc(1, sizeof(struct wr_tcp_gauges));

	assert_int_equal(wr_ctl_ask(rig.c, 0, &m, mem, &err), -ETIMEDOUT);
	assert_non_null(strstr(err.text, "worker 0 did not answer within"));
	// Kept, since the worker may still write there: and now it does.
	assert_int_equal(rig.c->limbo_count, 1);
	assert_ptr_equal(rig.c->limbo[0], mem);
	rig_run(WR_US_PER_MS);
}

static void ask_refuses_when_too_many_were_never_answered(void **state)
{
	struct wr_msg m = {.kind = WR_MSG_LEDGER_WALK};
	struct wr_err err = {0};
	struct wr_tcp_gauges g;

	rig.c->limbo_count = WR_CTL_LIMBO;
	assert_int_equal(wr_ctl_ask(rig.c, 0, &m, &g, &err), -ENOBUFS);
	assert_non_null(strstr(err.text, "was not asked"));
	rig.c->limbo_count = 0;
}

static void ask_mailbox_full(void **state)
{
	const struct wr_msg filler = {.kind = WR_MSG_KILL_BACKEND, .a = UINT16_MAX};
	struct wr_msg m = {.kind = WR_MSG_LEDGER_WALK};
	struct wr_err err = {0};
	struct wr_tcp_gauges g;

	while (wr_worker_post(wr_fabric_worker(rig.t->f, 0), &filler) == 0)
		;
	assert_int_equal(wr_ctl_ask(rig.c, 0, &m, &g, &err), -ENOBUFS);
	assert_non_null(strstr(err.text, "mailbox of worker 0 is full"));
	assert_int_equal(rig.c->limbo_count, 0);
	rig_run(WR_US_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			ask_worker_that_does_not_answer, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			ask_refuses_when_too_many_were_never_answered, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(ask_mailbox_full, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <unistd.h>

static int setup_missing(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1,
		.runtime = "log:\n  to: file\n  file: /nonexistent/weir/log\n  rate: 50\n"});
	return 0;
}

static void log_off_says_so(void **state)
{
	json_t *top = rig_ask("/weir/log");
	json_t *row = rig_row(top, 0);

	assert_int_equal(rig_rows(top), 1);
	assert_string_equal(rig_str(row, "target"), "none");
	assert_string_equal(rig_str(row, "state"), "off");
	assert_int_equal(rig_uint(row, "written"), 0);
	assert_int_equal(rig_uint(row, "lost"), 0);
	json_decref(top);
}

static void log_losses_by_reason(void **state)
{
	json_t *top, *row;

	rig.c->sink.lost[WR_SINK_LOST_RING] += 4;
	rig.c->sink.lost[WR_SINK_LOST_CLOSED] += 2;
	assert_true(wr_sink_settle(&rig.c->sink, 10000));
	top = rig_ask("/weir/log");
	row = rig_row(top, 0);
	assert_string_equal(rig_str(row, "target"), "file");
	assert_string_equal(rig_str(row, "file"), "/nonexistent/weir/log");
	assert_string_equal(rig_str(row, "state"), "closed");
	assert_string_equal(rig_str(row, "last_error"), "No such file or directory");
	assert_int_equal(rig_uint(row, "rate_limit_per_s"), 50);
	assert_int_equal(rig_uint(row, "lost"), 6);
	assert_int_equal(rig_uint(row, "lost_ring"), 4);
	assert_int_equal(rig_uint(row, "lost_closed"), 2);
	assert_int_equal(rig_uint(row, "lost_rate"), 0);
	json_decref(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(log_off_says_so, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(log_losses_by_reason, setup_missing, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

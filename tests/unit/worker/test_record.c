/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

// The flight recorder as the worker feeds it.

static uint32_t records(struct triple *t, bool saved, struct wr_recorder_row *out, uint32_t max)
{
	uint64_t from = 0;

	return wr_recorder_read(
		wr_worker_recorder(wr_fabric_worker(t->f, 0)), saved, &from, out, max);
}

// Ten a second, with what happened in each tenth.
static void record_ten_a_second(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){0});
	struct wr_recorder_row r[WR_RECORDER_SLOTS];
	uint64_t offered = 0;
	uint32_t n;

	t->tick_us = TRI_MS;
	w_open(t, 5);
	tri_run(t, TRI_S);
	n = records(t, false, r, RTE_DIM(r));
	assert_in_range(n, 10, 13);
	for (uint32_t i = 0; i < n; i++) {
		offered += r[i].offered;
		assert_int_equal(r[i].level, 0);
		if (i > 0)
			assert_in_range(r[i].at_us - r[i - 1].at_us, 99 * TRI_MS, 102 * TRI_MS);
	}
	assert_int_equal(offered, 5);
	assert_int_equal(r[n - 1].sessions, 5);
	assert_int_not_equal(r[n - 1].nearest, UINT16_MAX);
	assert_int_equal(records(t, true, r, RTE_DIM(r)), 0);
	tri_finish(t);
}

// A change of level has a record of its own, and the first critical one keeps what led there.
static void record_critical_is_kept(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){0});
	struct wr_msg m = {.kind = WR_MSG_FORCE_LEVEL, .a = WR_PRESSURE_WORKER, .b = 4 + 1};
	struct wr_recorder_row r[WR_RECORDER_SLOTS];
	uint32_t n;

	t->tick_us = TRI_MS;
	tri_run(t, 500 * TRI_MS);
	tri_post(t, &m);
	tri_run(t, 5 * TRI_MS);
	TRI_EQ(t, t->event_count[WR_EV_recorded], 1);
	n = records(t, true, r, RTE_DIM(r));
	assert_in_range(n, 5, 7);
	assert_int_equal(r[n - 1].level, 4);
	assert_int_equal(r[n - 1].level_before, 0);
	m.b = 0;
	tri_post(t, &m);
	tri_run(t, 10 * TRI_S);
	assert_int_equal(records(t, true, r, RTE_DIM(r)), n); // still what led there
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_ten_a_second),
		cmocka_unit_test(record_critical_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "pressure_test.h"

#include <errno.h>

static void queue_kind_catalogue(void **state)
{
	for (uint32_t k = 0; k < WR_Q_COUNT; k++) {
		assert_true(strlen(wr_queue_name(k)) > 0);
		assert_true(strlen(wr_queue_unit(k)) > 0);
		assert_true(strlen(wr_queue_text(k)) > 10);
		for (uint32_t j = 0; j < k; j++)
			assert_string_not_equal(wr_queue_name(j), wr_queue_name(k));
	}
	assert_string_equal(wr_queue_name(WR_Q_rx_pool), "rx_pool");
	assert_string_equal(wr_queue_unit(WR_Q_rx_pool), "mbufs");
	assert_null(wr_queue_name(WR_Q_COUNT));
	assert_null(wr_queue_unit(WR_Q_COUNT));
	assert_null(wr_queue_text(WR_Q_COUNT));
}

static void queue_marks_percent(void **state)
{
	struct rig *r = rig_create(16);
	int i = wr_pressure_add(&r->p, WR_Q_rx_pool, 7, 1000);

	assert_int_equal(i, 0);
	assert_int_equal(r->p.queue[i].low, 600);
	assert_int_equal(r->p.queue[i].high, 750);
	assert_int_equal(r->p.queue[i].critical, 900);
	assert_int_equal(r->p.queue[i].scope, 7);
	assert_false(r->p.queue[i].gauge_only);
	i = wr_pressure_add(&r->p, WR_Q_rx_pool, 0, UINT64_MAX);
	assert_true(r->p.queue[i].low < r->p.queue[i].high);
	assert_true(r->p.queue[i].high < r->p.queue[i].critical);
	assert_true(r->p.queue[i].critical < UINT64_MAX / 100 * 91);
	rig_destroy(r);
}

static void queue_marks_every_small_capacity(void **state)
{
	for (uint32_t k = 0; k < WR_Q_COUNT; k++) {
		struct rig *r = rig_create(16);

		for (uint64_t capacity = 1; capacity <= 200; capacity++) {
			const struct wr_queue *q =
				&r->p.queue[wr_pressure_add(&r->p, k, 0, capacity)];

			assert_true(q->low >= 1 && q->critical <= capacity);
			if (capacity >= 3)
				assert_true(q->low < q->high);
			assert_true(q->low <= q->high && q->high <= q->critical);
		}
		rig_destroy(r);
	}
}

static void queue_capacity_none(void **state)
{
	struct rig *r = rig_create(16);
	int i = wr_pressure_add(&r->p, WR_Q_tx_backlog, 0, 0);

	wr_pressure_depth(&r->p, i, UINT64_MAX);
	assert_int_equal(rig_run(r, 5000), 0);
	rig_destroy(r);
}

static void queue_table_full(void **state)
{
	struct rig *r = rig_create(16);

	for (int i = 0; i < WR_PRESSURE_QUEUES_MAX; i++)
		assert_int_equal(wr_pressure_add(&r->p, WR_Q_handoff, 0, 10), i);
	assert_int_equal(wr_pressure_add(&r->p, WR_Q_handoff, 0, 10), -ENOSPC);
	assert_int_equal(r->p.queue_count, WR_PRESSURE_QUEUES_MAX);
	rig_destroy(r);
}

static void queue_depth_keeps_peak(void **state)
{
	struct rig *r = rig_create(16);
	int i = wr_pressure_add(&r->p, WR_Q_handoff, 0, 100);

	wr_pressure_depth(&r->p, i, 40);
	wr_pressure_depth(&r->p, i, 10);
	assert_int_equal(r->p.queue[i].depth, 10);
	assert_int_equal(r->p.queue[i].peak, 40);
	rig_destroy(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queue_kind_catalogue),
		cmocka_unit_test(queue_marks_percent),
		cmocka_unit_test(queue_marks_every_small_capacity),
		cmocka_unit_test(queue_capacity_none),
		cmocka_unit_test(queue_table_full),
		cmocka_unit_test(queue_depth_keeps_peak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

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
				assert_true(q->low < q->high && q->high < q->critical);
			assert_true(q->low <= q->high && q->high <= q->critical);
		}
		rig_destroy(r);
	}
}

static void queue_marks_configured(void **state)
{
	struct wr_pressure_config cfg = {.worker = 1};
	struct rig *r = rig_create(16);
	const struct wr_queue *q = r->p.queue;

	cfg.marks[WR_Q_conns] =
		(struct wr_pressure_marks){.low = 105, .high = 300, .critical = 999};
	cfg.marks[WR_Q_handoff] = (struct wr_pressure_marks){.high = 500}; // the rest gives way
	cfg.marks[WR_Q_mailbox] =
		(struct wr_pressure_marks){.low = 2000, .high = 2000, .critical = 2000};
	wr_pressure_init(&r->p, &cfg, r->ring, &r->stats);
	wr_pressure_add(&r->p, WR_Q_conns, 0, 1000);
	wr_pressure_add(&r->p, WR_Q_rx_pool, 0, 1000);
	wr_pressure_add(&r->p, WR_Q_handoff, 0, 1000);
	wr_pressure_add(&r->p, WR_Q_mailbox, 0, 1000);
	assert_true(q[0].low == 105 && q[0].high == 300 && q[0].critical == 999);
	assert_true(q[1].low == 600 && q[1].high == 750 && q[1].critical == 900);
	assert_true(q[2].low == 1 && q[2].high == 2 && q[2].critical == 3);
	assert_true(q[3].low == 998 && q[3].high == 999 && q[3].critical == 1000);
	rig_destroy(r);
}

static void queue_resized_keeps_configured_marks(void **state)
{
	struct wr_pressure_config cfg = {.worker = 1};
	struct rig *r = rig_create(16);
	const struct wr_queue *q = r->p.queue;

	cfg.marks[WR_Q_conns] =
		(struct wr_pressure_marks){.low = 100, .high = 200, .critical = 300};
	wr_pressure_init(&r->p, &cfg, r->ring, &r->stats);
	wr_pressure_add(&r->p, WR_Q_conns, 0, 1000);
	wr_pressure_depth(&r->p, 0, 50);
	assert_int_equal(rig_tick(r), 0);
	wr_pressure_resize(&r->p, 0, 200);
	assert_true(q->capacity == 200 && q->low == 20 && q->high == 40 && q->critical == 60);
	assert_int_equal(q->warn, 140);
	assert_int_equal(q->depth, 50);
	assert_int_equal(rig_tick(r), 2);
	wr_pressure_resize(&r->p, 0, 10); // below what is in use
	assert_int_equal(rig_tick(r), 4);
	wr_pressure_resize(&r->p, 0, 0);
	assert_int_equal(rig_run(r, 5000000), 0);
	rig_destroy(r);
}

static void queue_gauges(void **state)
{
	const bool gauge[WR_Q_COUNT] = {[WR_Q_conn_recv] = true,
		[WR_Q_conn_send] = true,
		[WR_Q_events] = true,
		[WR_Q_cpu] = true,
		[WR_Q_clients] = true,
		[WR_Q_disorder] = true};
	struct rig *r = rig_create(16);

	for (uint32_t k = 0; k < WR_Q_COUNT; k++)
		assert_int_equal(r->p.queue[wr_pressure_add(&r->p, k, 0, 10)].gauge_only, gauge[k]);
	rig_destroy(r);
}

static void queue_service_domain(void **state)
{
	struct rig *r = rig_create(16); // 4 services
	int i = wr_pressure_add_service(&r->p, WR_Q_pending, 7, 3, 100);

	assert_int_equal(i, 0);
	assert_int_equal(r->p.queue[i].domain, 3);
	assert_int_equal(r->p.queue[i].scope, 7);
	assert_int_equal(wr_pressure_add_service(&r->p, WR_Q_pending, 7, 4, 100), -EINVAL);
	assert_int_equal(
		wr_pressure_add_service(&r->p, WR_Q_pending, 7, WR_PRESSURE_WORKER, 100), -EINVAL);
	i = wr_pressure_add(&r->p, WR_Q_conns, 0, 100);
	assert_int_equal(r->p.queue[i].domain, WR_PRESSURE_WORKER);
	rig_destroy(r);
}

static void queue_capacity_none(void **state)
{
	struct rig *r = rig_create(16);
	int i = wr_pressure_add(&r->p, WR_Q_tx_backlog, 0, 0);

	wr_pressure_depth(&r->p, i, UINT64_MAX);
	assert_int_equal(rig_run(r, 200000), 0);
	rig_no_event(r);
	wr_pressure_refuse(&r->p, i, 2, WR_DROP_no_mbuf); // it still can refuse
	rig_tick(r);
	assert_int_equal(rig_event(r, WR_EV_works_queue_full).count, 2);
	rig_destroy(r);
}

static void queue_table_full(void **state)
{
	struct rig *r = rig_create(16);

	for (int i = 0; i < WR_PRESSURE_QUEUES_MAX; i++)
		assert_int_equal(wr_pressure_add(&r->p, WR_Q_handoff, 0, 10), i);
	assert_int_equal(wr_pressure_add(&r->p, WR_Q_handoff, 0, 10), -ENOSPC);
	assert_int_equal(wr_pressure_add_service(&r->p, WR_Q_pending, 0, 0, 10), -ENOSPC);
	wr_pressure_depth(&r->p, WR_PRESSURE_QUEUES_MAX - 1, 10);
	assert_int_equal(rig_tick(r), 4);
	assert_int_equal(r->p.own.cause, WR_PRESSURE_QUEUES_MAX - 1);
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
		cmocka_unit_test(queue_marks_configured),
		cmocka_unit_test(queue_resized_keeps_configured_marks),
		cmocka_unit_test(queue_gauges),
		cmocka_unit_test(queue_service_domain),
		cmocka_unit_test(queue_capacity_none),
		cmocka_unit_test(queue_table_full),
		cmocka_unit_test(queue_depth_keeps_peak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

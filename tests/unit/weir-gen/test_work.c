/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_ep.h"

// The clock of work ticks at 1.024 us, the test's at 1 us.
#define TICK 3

static void start(uint32_t concurrency, uint32_t queue, wr_us_t service)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.concurrency = concurrency;
	fake.conf.queue = queue;
	fake.conf.service.mean_us = service;
	fake_start();
}

static void work_instant_answers_at_once(void **state)
{
	struct ep_conn *c;

	start(0, 0, 0);
	c = fake_open(0);
	fake_request(c, 3, 0);
	assert_true(server_next(fake.server) == WR_US_NEVER); // without a timer
	fake_answer(c, 3, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->answers, 1);
	assert_int_equal(fake_stats()->service_ns->count, 1);
	assert_int_equal(fake_stats()->service_ns->max, 0);
	fake_stop();
}

// Whether the answer comes `us` after the request, to the tick.
static void takes(struct ep_conn *c, uint32_t id, wr_us_t us)
{
	wr_us_t from = fake.now.us;

	fake_request(c, id, 0);
	fake_run(from + us - 1);
	assert_int_equal(fake_owed(c), 0);
	fake_run(from + us + TICK);
	fake_answer(c, id, 64, MESSAGE_OK);
}

static void work_service_time_exact(void **state)
{
	const wr_us_t us[] = {1, 2, 50, 51, 999, 1000, 1024, 40000, 3000000, 60000000};

	for (uint32_t i = 0; i < sizeof(us) / sizeof(us[0]); i++) {
		start(0, 0, us[i]);
		takes(fake_open(0), 1, us[i]);
		takes(fake_open(1), 2, us[i]);
		assert_true(fake_stats()->service_ns->min >= us[i] * 1000);
		assert_true(fake_stats()->service_ns->max < (us[i] + TICK) * 1000);
		fake_stop();
	}
}

static void work_service_time_of_distribution(void **state)
{
	uint64_t mean;

	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.service = (struct gen_dist){.kind = GEN_DIST_EXPONENTIAL, .mean_us = 1000};
	fake_start();
	fake_open(0);
	for (uint32_t i = 0; i < 4000; i++) {
		fake_request(&fake.conn[0], i, 0);
		fake_run(fake.now.us + 20000);
		fake_answer(&fake.conn[0], i, 64, MESSAGE_OK);
	}
	mean = wr_hist_mean(fake_stats()->service_ns);
	assert_in_range(mean, 920000, 1080000); // 5 standard errors
	fake_stop();
}

static void work_concurrency_bounds(void **state)
{
	start(2, 10, 1000);
	for (uint32_t i = 0; i < 6; i++)
		fake_request(fake_open(i), i, 0);
	assert_int_equal(fake_stats()->working, 2);
	assert_int_equal(fake_stats()->waiting, 4);
	assert_int_equal(fake_stats()->waiting_peak, 4);
	for (uint32_t i = 0; i < 6; i += 2) { // first in, first out
		fake_run(1000 + (i / 2 + 1) * (1000 + TICK));
		assert_true(fake_stats()->working <= 2);
		assert_int_equal(fake_stats()->answers, i + 2);
		fake_answer(&fake.conn[i], i, 64, MESSAGE_OK);
		fake_answer(&fake.conn[i + 1], i + 1, 64, MESSAGE_OK);
	}
	assert_int_equal(fake_stats()->wait_ns->count, 6);
	assert_int_equal(fake_stats()->wait_ns->min, 0);
	assert_in_range(fake_stats()->wait_ns->max, 2000000, 2000000 + 2 * TICK * 1000);
	assert_true(fake_stats()->service_ns->max < 1000000 + TICK * 1000); // without the wait
	fake_stop();
}

static void work_queue_full_is_told(void **state)
{
	uint32_t told = 0, right = 0;
	uint8_t bytes[64];
	struct message m;

	start(1, 3, 1000);
	for (uint32_t i = 0; i < 20; i++)
		fake_request(fake_open(i), i, 0);
	fake_run(1000000);
	for (uint32_t i = 0; i < 20; i++) {
		fake_read(&fake.conn[i], bytes, sizeof(bytes), 0);
		assert_true(message_read(bytes, &m));
		assert_int_equal(m.id, i);
		told += m.value == MESSAGE_QUEUE_FULL && m.length == 16;
		right += m.value == MESSAGE_OK && m.length == 64;
	}
	assert_int_equal(right, 4);
	assert_int_equal(told, 16);
	assert_int_equal(fake_stats()->queue_full, told);
	assert_int_equal(fake_stats()->answers, right);
	assert_int_equal(fake_stats()->requests, 20);
	assert_int_equal(fake_stats()->waiting_peak, 3);
	// The connection goes on.
	fake_request(&fake.conn[19], 100, 0);
	fake_run(1100000);
	fake_answer(&fake.conn[19], 100, 64, MESSAGE_OK);
	fake_stop();
}

static void work_queue_of_none(void **state)
{
	start(1, 0, 1000);
	fake_request(fake_open(0), 0, 0);
	fake_request(fake_open(1), 1, 0);
	fake_answer(&fake.conn[1], 1, 16, MESSAGE_QUEUE_FULL);
	assert_int_equal(fake_stats()->queue_full, 1);
	fake_stop();
}

static void work_queue_full_resets(void **state)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.concurrency = 1;
	fake.conf.service.mean_us = 1000;
	fake.conf.on_full = GEN_ON_FULL_RESET;
	fake_start();
	fake_request(fake_open(0), 0, 0);
	fake_request(fake_open(1), 1, 0);
	assert_true(fake.conn[1].aborted);
	assert_int_equal(fake_stats()->queue_full, 1);
	assert_int_equal(fake_stats()->open, 1);
	fake_stop();
}

static void work_queue_full_closes(void **state)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.concurrency = 1;
	fake.conf.service.mean_us = 1000;
	fake.conf.on_full = GEN_ON_FULL_CLOSE;
	fake_start();
	fake_request(fake_open(0), 0, 0);
	fake_request(fake_open(1), 1, 0);
	assert_true(fake.conn[1].fin);
	assert_int_equal(fake.conn[1].given, 0);
	fake_request(&fake.conn[1], 2, 0); // not looked at any more
	assert_int_equal(fake_stats()->requests, 2);
	fake_peer_fin(&fake.conn[1]);
	fake_stop();
}

static void work_leaver_frees_its_place(void **state)
{
	start(1, 2, 1000);
	for (uint32_t i = 0; i < 3; i++)
		fake_request(fake_open(i), i, 0);
	fake_run(1500);
	fake_end(&fake.conn[0], EP_END_RESET); // at work: the next one begins at once
	assert_int_equal(fake_stats()->working, 1);
	assert_int_equal(fake_stats()->waiting, 1);
	fake_end(&fake.conn[2], EP_END_TIMEOUT); // in the queue
	assert_int_equal(fake_stats()->waiting, 0);
	fake_request(fake_open(3), 3, 0);
	assert_int_equal(fake_stats()->waiting, 1);
	fake_run(2499);
	assert_int_equal(fake_owed(&fake.conn[1]), 0);
	fake_run(2500 + TICK);
	fake_answer(&fake.conn[1], 1, 64, MESSAGE_OK);
	fake_run(3500 + 2 * TICK);
	fake_answer(&fake.conn[3], 3, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->answers, 2);
	assert_int_equal(fake_stats()->resets, 1);
	assert_int_equal(fake_stats()->early_closes, 2);
	fake_stop();
}

static void work_leaver_in_the_middle(void **state)
{
	start(1, 5, 1000);
	for (uint32_t i = 0; i < 6; i++)
		fake_request(fake_open(i), i, 0);
	fake_end(&fake.conn[3], EP_END_RESET);
	fake_end(&fake.conn[5], EP_END_RESET);
	fake_end(&fake.conn[1], EP_END_RESET);
	assert_int_equal(fake_stats()->waiting, 2);
	fake_run(10000);
	fake_answer(&fake.conn[2], 2, 64, MESSAGE_OK);
	fake_answer(&fake.conn[4], 4, 64, MESSAGE_OK);
	fake_stop();
}

// Many instant requests behind a slow one neither recurse nor wait for the clock.
static void work_instant_run_behind_slow(void **state)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.concurrency = 1;
	fake.conf.queue = 60;
	fake.conf.service = (struct gen_dist){.kind = GEN_DIST_EXPONENTIAL, .mean_us = 1};
	fake_start();
	for (uint32_t i = 0; i < 60; i++)
		fake_request(fake_open(i), i, 0);
	fake_run(5000);
	for (uint32_t i = 0; i < 60; i++)
		fake_answer(&fake.conn[i], i, 64, MESSAGE_OK);
	fake_stop();
}

static void work_budget_is_kept(void **state)
{
	start(0, 0, 100);
	for (uint32_t i = 0; i < 10; i++)
		fake_request(fake_open(i), i, 0);
	fake_at(2000);
	assert_int_equal(server_poll(fake.server, 4, &fake.now), 4);
	assert_int_equal(fake_stats()->answers, 4);
	assert_true(server_next(fake.server) <= 2000);
	assert_int_equal(server_poll(fake.server, 64, &fake.now), 6);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_instant_answers_at_once),
		cmocka_unit_test(work_service_time_exact),
		cmocka_unit_test(work_service_time_of_distribution),
		cmocka_unit_test(work_concurrency_bounds),
		cmocka_unit_test(work_queue_full_is_told),
		cmocka_unit_test(work_queue_of_none),
		cmocka_unit_test(work_queue_full_resets),
		cmocka_unit_test(work_queue_full_closes),
		cmocka_unit_test(work_leaver_frees_its_place),
		cmocka_unit_test(work_leaver_in_the_middle),
		cmocka_unit_test(work_instant_run_behind_slow),
		cmocka_unit_test(work_budget_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

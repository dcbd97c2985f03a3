/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_test.h"

// One visit, and all that can happen to it.

static const struct gen_dist fixed_10ms = {.kind = GEN_DIST_FIXED, .mean_us = 10240};

static void visit_one(void)
{
	rig_start(true);
	rig_arrivals(1);
}

static uint64_t errors(enum gen_error e)
{
	return stats()->errors[e];
}

static void visit_verify_finds_any_wrong_byte(void **state)
{
	static const int64_t at[] = {0, 3, 4, 7, 8, 10, 11, 12, 15, 16, 17, 1460, 2999};

	for (uint32_t i = 0; i < RTE_DIM(at); i++) {
		rig_init()->answer_bytes = 3000;
		rig.flip = at[i];
		visit_one();
		rig_settle();
		assert_int_equal(errors(GEN_ERROR_wrong_bytes), 1);
		assert_int_equal(stats()->measured.errors[GEN_ERROR_wrong_bytes], 1);
		assert_int_equal(stats()->answers, 0);
		rig_fini();
		assert_int_equal(rig.resets, 1);
	}
}

static void visit_verify_off_counts_only(void **state)
{
	rig_init();
	rig.verify = false;
	rig.flip = 100;
	visit_one();
	assert_int_equal(stats()->answers, 1);
	rig_fini();
	rig_init(); // the header is looked at all the same
	rig.verify = false;
	rig.flip = 5;
	visit_one();
	assert_int_equal(errors(GEN_ERROR_wrong_bytes), 1);
	rig_fini();
}

static void visit_answer_cut_anywhere_is_right(void **state)
{
	for (uint32_t cut = 1; cut < 200; cut++) {
		rig_init()->requests = 2;
		rig.cut = cut;
		visit_one();
		assert_int_equal(stats()->answers, 1 + (stats()->intended == 2));
		rig_fini();
	}
}

static void visit_answer_of_another_length_is_wrong(void **state)
{
	rig_init()->answer_bytes = 0; // as the backend likes
	rig.answer_bytes = 5000;
	visit_one();
	assert_int_equal(stats()->answers, 1);
	assert_int_equal(stats()->bytes_down, 5000);
	rig_fini();
	rig_init()->answer_bytes = 10; // the least is a header
	visit_one();
	assert_int_equal(stats()->answers, 1);
	assert_int_equal(stats()->bytes_down, 16);
	rig_fini();
}

static void visit_bytes_not_asked_for_are_wrong(void **state)
{
	rig_init()->close = GEN_CLOSE_NEVER;
	rig.more = 1;
	visit_one();
	assert_int_equal(stats()->answers, 1);
	assert_int_equal(errors(GEN_ERROR_wrong_bytes), 1);
	assert_int_equal(stats()->open, 0);
	rig_fini();
}

static void visit_connect_times_out(void **state)
{
	rig_init();
	rig.drops = true;
	visit_one();
	rig_until(5000 + 1999999);
	assert_int_equal(stats()->in_flight, 1);
	rig_until(5000 + 2002000);
	assert_int_equal(errors(GEN_ERROR_connect_timeout), 1);
	rig.drops = false;
	rig_fini();
}

static void visit_answer_times_out(void **state)
{
	rig_init()->retries = 1;
	rig.conf.retry_delay = fixed_10ms;
	rig.mode = RIG_SILENT;
	visit_one();
	rig_until(5000 + 2999999);
	assert_int_equal(stats()->attempts_failed, 0);
	rig_until(5000 + 3002000);
	assert_int_equal(stats()->attempts_failed, 1);
	assert_int_equal(stats()->retries, 1);
	assert_int_equal(stats()->open, 0);
	rig_until(5000 + 6020000);
	assert_int_equal(stats()->attempts_failed, 2);
	assert_int_equal(errors(GEN_ERROR_answer_timeout), 1);
	rig_fini();
}

static void visit_without_timeouts_waits(void **state)
{
	rig_init()->connect_timeout_us = 0;
	rig.conf.answer_timeout_us = 0;
	rig.mode = RIG_SILENT;
	visit_one();
	rig_until(36000 * WR_US_PER_S);
	assert_int_equal(stats()->in_flight, 1);
	client_abort(rig.client, &rig.now);
	rig_fini();
}

static void visit_connect_is_refused(void **state)
{
	rig_init();
	rig_start(false);
	rig_arrivals(10);
	assert_int_equal(errors(GEN_ERROR_connect_refused), 10);
	rig_fini();
}

static void visit_retries_keep_the_intended_time(void **state)
{
	struct gen_client *conf = rig_init();

	conf->retries = 3;
	conf->retry_delay = fixed_10ms;
	rig.mode = RIG_RESET;
	rig.bad_conns = 2;
	visit_one();
	rig_until(5000 + 100000);
	assert_int_equal(stats()->intended, 1);
	assert_int_equal(stats()->answers, 1);
	assert_int_equal(stats()->retries, 2);
	assert_int_equal(stats()->attempts_failed, 2);
	assert_int_equal(stats()->connections, 3);
	// two delays, each to the end of a tick
	assert_in_range(stats()->measured.answer_ns->max, 20480000, 22528000);
	assert_int_equal(stats()->measured.lag_ns->count, 1);
	rig_fini();
}

static void visit_retries_run_out(void **state)
{
	static const struct {
		enum rig_mode mode;
		enum gen_error error;
	} cases[] = {
		{RIG_RESET, GEN_ERROR_reset},
		{RIG_CLOSE, GEN_ERROR_closed_early},
		{RIG_PARTIAL, GEN_ERROR_closed_early},
		{RIG_QUEUE_FULL, GEN_ERROR_queue_full},
	};

	for (uint32_t i = 0; i < RTE_DIM(cases); i++) {
		rig_init()->retries = 2;
		rig.mode = cases[i].mode;
		visit_one();
		rig_until(5000 + 100000);
		assert_int_equal(errors(cases[i].error), 1);
		assert_int_equal(stats()->attempts_failed, 3);
		assert_int_equal(stats()->retries, 2);
		assert_int_equal(stats()->connections, 3);
		rig_fini();
	}
}

static void visit_queue_full_without_retry_goes_on(void **state)
{
	struct gen_client *conf = rig_init();

	conf->requests = 3;
	conf->pause = fixed_10ms;
	rig.mode = RIG_QUEUE_FULL;
	rig_start(true);
	conf->rate = 0;
	client_set_load(rig.client, 0, &rig.now);
	rig_settle();
	assert_int_equal(stats()->intended, 0);
	client_set_load(rig.client, 1, &rig.now);
	rig_settle();
	client_set_load(rig.client, 0, &rig.now);
	assert_int_equal(errors(GEN_ERROR_queue_full), 1);
	rig.mode = RIG_OK;
	rig_until(rig.now.us + 100000);
	assert_int_equal(errors(GEN_ERROR_queue_full), 1);
	assert_int_equal(stats()->answers, 2);
	assert_int_equal(stats()->connections, 1);
	client_stop(rig.client);
	rig_fini();
}

// Three requests with pauses: each is intended for the end of the pause.
static void visit_pauses_between_requests(void **state)
{
	struct gen_client *conf = rig_init();

	conf->rate = 1;
	conf->requests = 3;
	conf->pause = fixed_10ms;
	rig_start(true);
	rig_settle();
	assert_int_equal(stats()->answers, 1);
	rig_until(5000 + 10239);
	assert_int_equal(stats()->intended, 1);
	rig_until(5000 + 10240 + 1024);
	assert_int_equal(stats()->answers, 2);
	rig_until(5000 + 100000);
	assert_int_equal(stats()->answers, 3);
	assert_int_equal(stats()->measured.answer_ns->max, 0);
	assert_int_equal(stats()->measured.lag_ns->max, 0);
	assert_int_equal(stats()->connections, 1);
	client_stop(rig.client);
	rig_fini();
	assert_int_equal(rig.fins, 1);
}

static void visit_pause_ends_on_time_for_a_late_loop(void **state)
{
	struct gen_client *conf = rig_init();

	conf->rate = 1;
	conf->requests = 2;
	conf->pause = fixed_10ms;
	rig_start(true);
	rig_settle();
	rig_at(5000 + 60000);
	rig_settle();
	assert_int_equal(stats()->answers, 2);
	assert_int_equal(stats()->late, 1);
	assert_in_range(stats()->measured.answer_ns->max, 48000000, 50000000);
	client_stop(rig.client);
	rig_fini();
}

// Each request has all its retries, on whichever connection.
static void visit_retries_count_for_each_request(void **state)
{
	struct gen_client *conf = rig_init();

	conf->rate = 1;
	conf->requests = 2;
	conf->retries = 1;
	conf->pause = fixed_10ms;
	rig.mode = RIG_RESET;
	rig.bad_conns = 1;
	rig_start(true);
	rig_settle();
	assert_int_equal(stats()->retries, 1);
	assert_int_equal(stats()->answers, 1);
	rig.mode = RIG_RESET;
	rig.bad_conns = 2;
	rig_until(5000 + 100000);
	assert_int_equal(stats()->retries, 2);
	assert_int_equal(stats()->answers, 2);
	assert_int_equal(stats()->connections, 3);
	client_stop(rig.client);
	rig_fini();
}

// A backend may answer before it has all of a request; the rest of that goes out behind the answer,
// and before the next request.
static void visit_early_answers_leave_requests_whole(void **state)
{
	struct gen_client *conf = rig_init();

	conf->rate = 1;
	conf->requests = 5;
	conf->request_bytes = 100000;
	rig.early = true;
	rig_start(true);
	rig_until(5000 + 500000);
	assert_int_equal(stats()->answers, 5);
	assert_int_equal(rig.requests, 5);
	client_stop(rig.client);
	rig_fini();
}

static void visit_goes_on_elsewhere_when_the_server_closes(void **state)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct gen_client *conf = rig_init();

		conf->rate = 1;
		conf->requests = 5;
		conf->pause = fixed_10ms;
		if (i == 1)
			conf->pause.mean_us = 0;
		rig.close_after = true;
		rig_start(true);
		rig_until(5000 + 200000);
		assert_int_equal(stats()->answers, i == 0 ? 5 : stats()->answers);
		assert_int_equal(stats()->attempts_failed, errors(GEN_ERROR_closed_early));
		if (i == 0)
			assert_int_equal(stats()->connections, 5);
		client_stop(rig.client);
		rig_fini();
	}
}

static void visit_closes_as_it_was_told(void **state)
{
	rig_init()->close = GEN_CLOSE_CLIENT;
	visit_one();
	rig_fini();
	assert_int_equal(rig.fins, 1);
	assert_int_equal(rig.fin_before_answer, 0);

	rig_init()->close = GEN_CLOSE_SERVER;
	rig.close_after = true;
	visit_one();
	rig_fini();
	assert_int_equal(rig.fins, 1);
	assert_int_equal(rig.resets, 0);

	rig_init()->close = GEN_CLOSE_RESET;
	visit_one();
	assert_int_equal(stats()->answers, 1);
	rig_fini();
	assert_int_equal(rig.resets, 1);
	assert_int_equal(rig.fins, 0);

	rig_init()->close = GEN_CLOSE_NEVER;
	visit_one();
	rig_until(1000 * WR_US_PER_S);
	assert_int_equal(stats()->open, 1);
	assert_int_equal(rig.fins, 0);
	rig_fini();
}

// The server does not close though it should: given up with a reset, and no error.
static void visit_does_not_wait_for_a_close_for_ever(void **state)
{
	rig_init()->close = GEN_CLOSE_SERVER;
	visit_one();
	assert_int_equal(stats()->answers, 1);
	assert_false(client_idle(rig.client));
	rig_until(5000 + 2999000);
	assert_int_equal(stats()->open, 1);
	rig_until(5000 + 3002000);
	assert_int_equal(stats()->open, 0);
	rig_fini();
	assert_int_equal(rig.resets, 1);
}

static void visit_half_close_still_gets_its_answer(void **state)
{
	rig_init()->close = GEN_CLOSE_HALF;
	rig.conf.answer_bytes = 100000;
	rig.conf.request_bytes = 5000;
	rig.cut = 1000;
	visit_one();
	assert_int_equal(stats()->answers, 1);
	rig_fini();
	assert_int_equal(rig.fins, 1);
}

static void visit_aborts_after_so_many_bytes(void **state)
{
	rig_init()->abort_after = 1000;
	rig.conf.answer_bytes = 1400; // in one segment
	visit_one();
	assert_int_equal(stats()->aborted, 1);
	assert_int_equal(stats()->open, 0);
	rig_fini();
	assert_int_equal(rig.resets, 1);
	rig_init()->abort_after = 1400;
	rig.conf.answer_bytes = 1400;
	visit_one();
	assert_int_equal(stats()->aborted, 0);
	assert_int_equal(stats()->answers, 1);
	rig_fini();
}

static void visit_slow_reader_takes_its_time(void **state)
{
	rig_init()->read_rate = 100000;
	rig.conf.answer_bytes = 1000000;
	rig.conf.answer_timeout_us = 60 * WR_US_PER_S;
	visit_one();
	rig_until(5000 + 9900000);
	assert_int_equal(stats()->answers, 0);
	assert_in_range(stats()->bytes_down, 900000, 1000000); // a window ahead
	rig_until(5000 + 10200000);
	assert_int_equal(stats()->answers, 1);
	assert_in_range(stats()->measured.answer_ns->max, 9900000000ULL, 10200000000ULL);
	rig_fini();
}

static void visit_slow_reader_of_little_takes_its_time_too(void **state)
{
	rig_init()->read_rate = 130;
	rig.conf.answer_bytes = 260;
	visit_one();
	rig_until(5000 + 1900000);
	assert_int_equal(stats()->answers, 0);
	rig_until(5000 + 2100000);
	assert_int_equal(stats()->answers, 1);
	rig_fini();
}

static void visit_slow_sender_takes_its_time(void **state)
{
	rig_init()->send_rate = 1000;
	rig.conf.request_bytes = 2000;
	rig.conf.close = GEN_CLOSE_HALF;
	visit_one();
	rig_until(5000 + 1000000);
	assert_in_range(stats()->bytes_up, 950, 1000);
	rig_until(5000 + 1990000);
	assert_int_equal(rig.requests, 0);
	rig_until(5000 + 2030000);
	assert_int_equal(rig.requests, 1);
	assert_int_equal(stats()->answers, 1);
	rig_fini();
}

static void visit_slow_sender_times_out(void **state)
{
	rig_init()->send_rate = 10;
	visit_one();
	rig_until(5000 + 3002000);
	assert_int_equal(errors(GEN_ERROR_answer_timeout), 1);
	rig_fini();
}

// What is lost is sent again, from requests of before too.
static void visit_mends_loss(void **state)
{
	struct gen_client *conf = rig_init();

	conf->requests = 20;
	conf->request_bytes = 3000;
	conf->answer_bytes = 3000;
	conf->pause = fixed_10ms;
	conf->answer_timeout_us = 20 * WR_US_PER_S;
	rig_start(true);
	for (uint32_t i = 0; i < 300; i++) {
		rig.drops = i % 3 == 1;
		rig_until(rig.now.us + 7001);
	}
	rig.drops = false;
	client_stop(rig.client);
	rig_until(rig.now.us + 60 * WR_US_PER_S);
	assert_true(stats()->answers > 1000);
	assert_int_equal(errors(GEN_ERROR_wrong_bytes), 0);
	assert_true(ep_counters(rig.near)->retransmitted > 50);
	rig_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(visit_verify_finds_any_wrong_byte),
		cmocka_unit_test(visit_verify_off_counts_only),
		cmocka_unit_test(visit_answer_cut_anywhere_is_right),
		cmocka_unit_test(visit_answer_of_another_length_is_wrong),
		cmocka_unit_test(visit_bytes_not_asked_for_are_wrong),
		cmocka_unit_test(visit_connect_times_out),
		cmocka_unit_test(visit_answer_times_out),
		cmocka_unit_test(visit_without_timeouts_waits),
		cmocka_unit_test(visit_connect_is_refused),
		cmocka_unit_test(visit_retries_keep_the_intended_time),
		cmocka_unit_test(visit_retries_run_out),
		cmocka_unit_test(visit_queue_full_without_retry_goes_on),
		cmocka_unit_test(visit_pauses_between_requests),
		cmocka_unit_test(visit_pause_ends_on_time_for_a_late_loop),
		cmocka_unit_test(visit_retries_count_for_each_request),
		cmocka_unit_test(visit_early_answers_leave_requests_whole),
		cmocka_unit_test(visit_goes_on_elsewhere_when_the_server_closes),
		cmocka_unit_test(visit_closes_as_it_was_told),
		cmocka_unit_test(visit_does_not_wait_for_a_close_for_ever),
		cmocka_unit_test(visit_half_close_still_gets_its_answer),
		cmocka_unit_test(visit_aborts_after_so_many_bytes),
		cmocka_unit_test(visit_slow_reader_takes_its_time),
		cmocka_unit_test(visit_slow_reader_of_little_takes_its_time_too),
		cmocka_unit_test(visit_slow_sender_takes_its_time),
		cmocka_unit_test(visit_slow_sender_times_out),
		cmocka_unit_test(visit_mends_loss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_test.h"

// Arrivals, counts and populations; what a single visit does is in test_visit.c.

static void client_short_connections_all_verified(void **state)
{
	rig_init()->rate = 10000;
	rig.conf.answer_bytes = 3000;
	rig_start(true);
	rig_until(5000 + 99900);
	client_stop(rig.client);
	assert_int_equal(stats()->intended, 1000);
	rig_fini();
}

static void client_counts_what_it_did(void **state)
{
	rig_init()->objective_us = 1000;
	rig_start(true);
	rig_arrivals(100);
	assert_int_equal(stats()->intended, 100);
	assert_int_equal(stats()->connections, 100);
	assert_int_equal(stats()->answers, 100);
	assert_int_equal(stats()->good, 100);
	assert_int_equal(stats()->bytes_up, 100 * 100);
	assert_int_equal(stats()->bytes_down, 100 * 200);
	assert_int_equal(stats()->late, 0);
	assert_int_equal(stats()->open, 0);
	assert_int_equal(stats()->measured.answers, 100);
	assert_int_equal(stats()->measured.connections, 100);
	assert_int_equal(stats()->measured.connect_ns->count, 100);
	assert_int_equal(stats()->measured.answer_ns->count, 100);
	assert_int_equal(stats()->measured.lag_ns->max, 0);
	client_reset_stats(rig.client);
	assert_int_equal(stats()->intended, 0);
	assert_int_equal(stats()->measured.answer_ns->count, 0);
	rig_fini();
}

static void client_arrivals_follow_each_model(void **state)
{
	static const struct {
		enum gen_load_model model;
		uint32_t rate, rate_to, expected, tolerance;
	} cases[] = {
		{GEN_LOAD_CONSTANT, 777, 0, 1554, 0},
		{GEN_LOAD_POISSON, 1000, 0, 2000, 200},
		{GEN_LOAD_BURST, 500, 0, 1000, 0},
		{GEN_LOAD_RAMP, 100, 900, 1400, 1}, // 1 s at 500 on average, 1 s at 900
		{GEN_LOAD_STEP, 100, 900, 1000, 0},
	};

	for (uint32_t i = 0; i < RTE_DIM(cases); i++) {
		struct gen_client *conf = rig_init();

		conf->model = cases[i].model;
		conf->rate = cases[i].rate;
		conf->rate_to = cases[i].rate_to;
		conf->burst = 50;
		conf->period_us = WR_US_PER_S;
		rig_start(true);
		rig_until(5000 + 2 * WR_US_PER_S - 1);
		client_stop(rig.client);
		assert_in_range(stats()->intended, cases[i].expected - cases[i].tolerance,
			cases[i].expected + cases[i].tolerance);
		// From event to event, in microseconds: nothing waits for more than one.
		assert_in_range(stats()->measured.lag_ns->max, 0, 1000);
		rig_fini();
		assert_int_equal(rig.opened, rig.requests);
	}
}

// A loop that stands still for half a second owes its clients that time.
static void client_stalled_loop_counts_from_the_intended_time(void **state)
{
	rig_init();
	rig_start(true);
	rig_until(5000 + 100000);
	assert_int_equal(stats()->intended, 101);
	rig_at(5000 + 600000);
	rig_settle();
	client_stop(rig.client);
	assert_int_equal(stats()->intended, 601);
	assert_int_equal(stats()->late, 498); // those within 1 ms are not
	assert_int_equal(stats()->measured.late, 498);
	assert_int_equal(stats()->measured.lag_ns->max, 499000000);
	assert_int_equal(stats()->measured.answer_ns->max, 499000000);
	rig_fini();
}

static void client_budget_bounds_a_poll(void **state)
{
	rig_init();
	rig_start(true);
	rig_at(5000 + 100000);
	assert_int_equal(client_poll(rig.client, 7, &rig.now), 7);
	assert_int_equal(stats()->intended, 7);
	rig_settle();
	assert_int_equal(stats()->intended, 101);
	client_stop(rig.client);
	rig_fini();
}

static void client_window_splits_by_intended_time(void **state)
{
	rig_init();
	rig_start(true);
	client_start(rig.client, 5000 + 20000, 5000 + 50000, &rig.now);
	rig_arrivals(100);
	assert_int_equal(stats()->intended, 100);
	assert_int_equal(stats()->measured.intended, 30);
	assert_int_equal(stats()->measured.answers, 30);
	assert_int_equal(stats()->measured.connections, 30);
	assert_int_equal(stats()->measured.answer_ns->count, 30);
	rig_fini();
}

static void client_objective_parts_good_from_late(void **state)
{
	struct gen_client *conf = rig_init();

	conf->objective_us = 100;
	rig_start(true);
	rig_until(5000);
	rig_at(5000 + 10050); // 10 are due; that of 15,000 is 50 us old
	rig_settle();
	client_stop(rig.client);
	assert_int_equal(stats()->answers, 11);
	assert_int_equal(stats()->good, 2);
	assert_int_equal(stats()->measured.good, 2);
	rig_fini();
	rig_init()->objective_us = 100;
	rig_start(true);
	rig_until(5000);
	rig_at(5000 + 10150); // 150 us
	rig_settle();
	client_stop(rig.client);
	assert_int_equal(stats()->good, 1);
	rig_fini();
}

static void client_closed_population_keeps_its_users(void **state)
{
	struct gen_client *conf = rig_init();

	conf->model = GEN_LOAD_CLOSED;
	conf->users = 50;
	conf->requests = 3;
	conf->think = (struct gen_dist){.kind = GEN_DIST_EXPONENTIAL, .mean_us = 20000};
	conf->pause = (struct gen_dist){.kind = GEN_DIST_FIXED, .mean_us = 5000};
	rig_start(true);
	rig_until(5000 + WR_US_PER_S);
	assert_in_range(rig.most_open, 20, 50);
	// 50 users, about 20.5 + 2 x 5.6 ms a round of 3 requests
	assert_in_range(stats()->answers, 4000, 5500);
	assert_int_equal(stats()->late, 0);
	client_set_load(rig.client, 500, &rig.now);
	rig.most_open = 0;
	rig_until(rig.now.us + WR_US_PER_S);
	assert_in_range(rig.most_open, 150, 500);
	client_set_load(rig.client, 1, &rig.now);
	rig_until(rig.now.us + WR_US_PER_S);
	rig.most_open = 0;
	rig_until(rig.now.us + WR_US_PER_S);
	assert_int_equal(rig.most_open, 1);
	client_stop(rig.client);
	rig_fini();
}

// Without thought: as many at once as there are users, again and again.
static void client_closed_population_without_thought_is_always_there(void **state)
{
	struct gen_client *conf = rig_init();
	uint64_t before;

	conf->model = GEN_LOAD_CLOSED;
	conf->users = 10;
	conf->close = GEN_CLOSE_NEVER;
	rig_start(true);
	rig_until(5000 + WR_US_PER_S);
	assert_int_equal(stats()->open, 10);
	assert_int_equal(stats()->answers, 10);
	before = stats()->connections;
	assert_int_equal(before, 10);
	client_stop(rig.client);
	rig_fini();
}

static void client_closed_users_come_back_after_errors(void **state)
{
	struct gen_client *conf = rig_init();

	conf->model = GEN_LOAD_CLOSED;
	conf->users = 5;
	conf->think = (struct gen_dist){.kind = GEN_DIST_FIXED, .mean_us = 10000};
	conf->retries = 1;
	rig.mode = RIG_RESET;
	rig_start(true);
	rig_until(5000 + WR_US_PER_S);
	assert_true(stats()->errors[GEN_ERROR_reset] > 300);
	assert_int_equal(rig.most_open <= 5, 1);
	rig.mode = RIG_OK;
	rig_until(rig.now.us + WR_US_PER_S);
	assert_true(stats()->answers > 300);
	client_stop(rig.client);
	rig_fini();
}

static void client_max_open_refuses_beyond(void **state)
{
	struct gen_client *conf = rig_init();

	conf->max_open = 30;
	conf->close = GEN_CLOSE_NEVER;
	rig_start(true);
	rig_arrivals(100);
	assert_int_equal(stats()->open, 30);
	assert_int_equal(stats()->answers, 30);
	assert_int_equal(stats()->errors[GEN_ERROR_refused_local], 70);
	rig_fini();
}

static void client_ports_used_up_are_refused(void **state)
{
	struct gen_client *conf = rig_init();

	rig_range(&conf->source[0], "198.18.0.1", "198.18.0.2");
	conf->source_port_first = 2000;
	conf->source_port_last = 2009;
	conf->close = GEN_CLOSE_NEVER;
	rig_start(true);
	rig_arrivals(50);
	assert_int_equal(stats()->open, 20);
	assert_int_equal(stats()->errors[GEN_ERROR_refused_local], 30);
	rig_fini();
}

static void client_connections_used_up_are_refused(void **state)
{
	struct gen_client *conf = rig_init();

	conf->model = GEN_LOAD_BURST;
	conf->burst = RIG_CONNS + 100;
	rig.drops = true;
	rig_start(true);
	rig_until(5001);
	client_stop(rig.client);
	assert_int_equal(stats()->open, RIG_CONNS);
	assert_int_equal(stats()->errors[GEN_ERROR_refused_local], 100);
	rig.drops = false;
	rig_fini();
}

static void client_sources_meet_targets_of_their_family(void **state)
{
	struct gen_client *conf = rig_init();

	conf->source_count = 3;
	rig_range(&conf->source[1], "2001:db8::1", "2001:db8::3:ffff");
	rig_range(&conf->source[2], "198.18.7.1", "198.18.7.1");
	conf->target_count = 3;
	wr_endpoint_parse("[2001:db8:1::1]:443", &conf->target[1]);
	wr_endpoint_parse("[2001:db8:1::2]:443", &conf->target[2]);
	rig_start(true);
	rig_arrivals(300);
	assert_int_equal(stats()->answers, 300);
	rig_fini();
}

static void client_abort_ends_what_runs(void **state)
{
	struct gen_client *conf = rig_init();

	conf->retries = 3;
	conf->retry_delay = (struct gen_dist){.kind = GEN_DIST_FIXED, .mean_us = WR_US_PER_S};
	rig.mode = RIG_RESET;
	rig.bad_conns = 10;
	rig_start(true);
	rig_until(5000 + 9000);
	rig.mode = RIG_SILENT;
	rig.bad_conns = 0;
	rig_arrivals(11);
	assert_int_equal(stats()->in_flight, 20); // the 10th counts in both
	assert_int_equal(stats()->open, 10);
	assert_false(client_idle(rig.client));
	client_abort(rig.client, &rig.now);
	rig_settle();
	assert_true(client_idle(rig.client));
	assert_int_equal(stats()->open, 0);
	assert_int_equal(stats()->errors[GEN_ERROR_answer_timeout], 20);
	rig.mode = RIG_OK;
	client_start(rig.client, 0, WR_US_NEVER, &rig.now); // and again
	rig_arrivals(10);
	assert_int_equal(stats()->answers, 10);
	rig.mode = RIG_SILENT;
	client_start(rig.client, 0, WR_US_NEVER, &rig.now);
	rig_arrivals(1);
	assert_int_equal(client_poll(rig.client, 1000, &rig.now), 0); // time goes on as before
	rig_until(rig.now.us + 2900000);
	assert_int_equal(stats()->in_flight, 1);
	rig_fini();
}

static void client_set_load_changes_the_rate(void **state)
{
	rig_init();
	rig_start(true);
	rig_until(5000 + 999999);
	assert_int_equal(stats()->intended, 1000);
	client_set_load(rig.client, 200, &rig.now);
	rig_until(5000 + 1999998);
	assert_int_equal(stats()->intended, 1200);
	client_stop(rig.client);
	rig_until(rig.now.us + WR_US_PER_S);
	assert_int_equal(stats()->intended, 1200);
	rig_fini();
}

static void client_create_refuses_what_cannot_be(void **state)
{
	struct gen_client good = *rig_init();
	struct gen_client bad[6];
	struct wr_err err;

	for (uint32_t i = 0; i < RTE_DIM(bad); i++)
		bad[i] = good;
	bad[0].requests = 0;
	bad[1].request_bytes = 15;
	bad[2].source_count = 0;
	rig_range(&bad[3].source[0], "2001:db8::1", "2001:db8::2");
	rig_range(&bad[4].source[0], "198.18.0.2", "198.18.0.1");
	bad[5].source_port_first = 3000;
	bad[5].source_port_last = 2999;
	for (uint32_t i = 0; i < RTE_DIM(bad); i++) {
		err.text[0] = 0;
		assert_null(client_create(&bad[i], true, NULL, 1, &err));
		assert_true(strlen(err.text) > 20);
	}
	assert_true(client_app_bytes() <= 192);
}

static void client_errors_have_names_and_sentences(void **state)
{
	for (uint32_t e = 0; e < GEN_ERROR_COUNT; e++) {
		assert_true(strlen(gen_error_name(e)) > 3);
		assert_true(strlen(gen_error_text(e)) > 10);
	}
	assert_string_equal(gen_error_name(GEN_ERROR_wrong_bytes), "wrong_bytes");
	assert_string_equal(gen_error_name(GEN_ERROR_COUNT), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_short_connections_all_verified),
		cmocka_unit_test(client_counts_what_it_did),
		cmocka_unit_test(client_arrivals_follow_each_model),
		cmocka_unit_test(client_stalled_loop_counts_from_the_intended_time),
		cmocka_unit_test(client_budget_bounds_a_poll),
		cmocka_unit_test(client_window_splits_by_intended_time),
		cmocka_unit_test(client_objective_parts_good_from_late),
		cmocka_unit_test(client_closed_population_keeps_its_users),
		cmocka_unit_test(client_closed_population_without_thought_is_always_there),
		cmocka_unit_test(client_closed_users_come_back_after_errors),
		cmocka_unit_test(client_max_open_refuses_beyond),
		cmocka_unit_test(client_ports_used_up_are_refused),
		cmocka_unit_test(client_connections_used_up_are_refused),
		cmocka_unit_test(client_sources_meet_targets_of_their_family),
		cmocka_unit_test(client_abort_ends_what_runs),
		cmocka_unit_test(client_set_load_changes_the_rate),
		cmocka_unit_test(client_create_refuses_what_cannot_be),
		cmocka_unit_test(client_errors_have_names_and_sentences),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_test.h"

#include "server.h"

// Clients against emulated backends, both over their endpoints: what the one says the other does.

static struct gen_backend backend;
static struct server *server;

static uint32_t poll_server(void)
{
	return server_poll(server, 1000, &rig.now);
}

static wr_us_t next_server(void)
{
	return server_next(server);
}

static struct gen_client *traffic_init(enum gen_protocol protocol)
{
	struct gen_client *conf = rig_init();

	memset(&backend, 0, sizeof(backend));
	strcpy(backend.name, "b");
	backend.listen_count = 1;
	backend.listen[0] = conf->target[0];
	backend.protocol = protocol;
	backend.answer_bytes = 1000;
	backend.closes_idle = true;
	backend.service =
		(struct gen_dist){.kind = GEN_DIST_EXPONENTIAL, .mean_us = 2 * WR_US_PER_MS};
	conf->protocol = protocol;
	return conf;
}

static void traffic_run(wr_us_t us)
{
	struct wr_err err = {0};

	rig.far_app = server_app_bytes();
	rig_start(false);
	server = server_create(&backend, true, rig.far, 3, &err);
	assert_string_equal(err.text, "");
	server_start(server, &rig.now);
	rig.poll = poll_server;
	rig.next = next_server;
	rig_until(5000 + us);
	client_stop(rig.client);
	rig_until(rig.now.us + 20 * WR_US_PER_S);
}

static void traffic_fini(void)
{
	rig_fini();
	server_destroy(server);
}

static void client_server_raw_every_request_is_answered(void **state)
{
	struct gen_client *conf = traffic_init(GEN_PROTOCOL_RAW);

	conf->model = GEN_LOAD_POISSON;
	conf->request_bytes = 2000;
	conf->answer_bytes = 5000;
	conf->requests = 3;
	traffic_run(WR_US_PER_S);
	assert_true(stats()->intended > 2400);
	assert_int_equal(stats()->answers, stats()->intended);
	assert_int_equal(server_stats(server)->requests, stats()->answers);
	assert_int_equal(server_stats(server)->wrong_bytes, 0);
	assert_int_equal(server_stats(server)->bytes_in, stats()->bytes_up);
	assert_int_equal(server_stats(server)->bytes_out, stats()->bytes_down);
	assert_in_range(wr_hist_mean(stats()->measured.answer_ns), 1500000, 4000000);
	traffic_fini();
}

static void client_server_http_every_request_is_answered(void **state)
{
	static const enum gen_close closes[] = {
		GEN_CLOSE_CLIENT, GEN_CLOSE_SERVER, GEN_CLOSE_RESET};

	for (uint32_t i = 0; i < RTE_DIM(closes); i++) {
		struct gen_client *conf = traffic_init(GEN_PROTOCOL_HTTP);

		conf->request_bytes = i == 0 ? 0 : 3000;
		conf->requests = 4;
		conf->close = closes[i];
		backend.tokens = i == 1 ? 10 : 0;
		backend.token_bytes = 70;
		backend.first_token = backend.token_gap =
			(struct gen_dist){.kind = GEN_DIST_UNIFORM, .mean_us = 3000};
		traffic_run(WR_US_PER_S / 5);
		assert_in_range(stats()->intended, 400, 804); // some are left out by the stop
		assert_int_equal(stats()->answers, stats()->intended);
		assert_int_equal(stats()->attempts_failed, 0);
		traffic_fini();
	}
}

static void client_server_full_queue_is_told(void **state)
{
	for (uint32_t protocol = 0; protocol < 2; protocol++) {
		struct gen_client *conf = traffic_init(protocol);

		conf->model = GEN_LOAD_BURST;
		conf->burst = 100;
		backend.service.kind = GEN_DIST_FIXED;
		backend.concurrency = 2;
		backend.queue = 8;
		traffic_run(350000); // a burst every 100 ms
		assert_int_equal(stats()->intended, 400);
		assert_int_equal(stats()->answers, 40);
		assert_int_equal(stats()->errors[GEN_ERROR_queue_full], 360);
		assert_int_equal(server_stats(server)->queue_full, 360);
		traffic_fini();
	}
}

static void client_server_faults_are_seen(void **state)
{
	static const struct {
		enum gen_fault_kind kind;
		enum gen_error error;
	} cases[] = {
		{GEN_FAULT_REFUSE, GEN_ERROR_connect_refused},
		{GEN_FAULT_RESET, GEN_ERROR_reset},
		{GEN_FAULT_BLACKHOLE, GEN_ERROR_connect_timeout},
		{GEN_FAULT_STALL, GEN_ERROR_answer_timeout},
		{GEN_FAULT_GARBAGE, GEN_ERROR_wrong_bytes},
	};

	for (uint32_t protocol = 0; protocol < 2; protocol++) {
		for (uint32_t i = 0; i < RTE_DIM(cases); i++) {
			traffic_init(protocol);
			backend.fault_count = 1;
			backend.fault[0] = (struct gen_fault){.kind = cases[i].kind,
				.permille = 1000,
				.for_us = 12 * WR_US_PER_S};
			traffic_run(50000);
			assert_int_equal(stats()->intended, 51);
			assert_int_equal(stats()->errors[cases[i].error], 51);
			traffic_fini();
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_server_raw_every_request_is_answered),
		cmocka_unit_test(client_server_http_every_request_is_answered),
		cmocka_unit_test(client_server_full_queue_is_told),
		cmocka_unit_test(client_server_faults_are_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

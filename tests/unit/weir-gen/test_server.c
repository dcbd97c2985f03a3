/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_ep.h"

#include <errno.h>

// Connections of a server, and the faults that strike them.

static void server_close_after_first_answer(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.close = true;
	fake_start();
	c = fake_open(0);
	fake_request(c, 1, 0);
	assert_true(c->fin); // behind the answer
	fake_request(c, 2, 0);
	fake_answer(c, 1, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->requests, 1);
	fake_peer_fin(c);
	fake_stop();
}

// What was sent ahead of a close is not answered, and does not keep the window shut.
static void server_close_with_requests_ahead(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.close = true;
	fake.conf.service.mean_us = 1000;
	fake_start();
	c = fake_open(0);
	for (uint32_t i = 0; i < 3; i++)
		fake_request(c, i, 0);
	assert_true(c->hold);
	fake_run(2010);
	assert_true(c->fin);
	assert_false(c->hold);
	assert_int_equal(c->unread, 0);
	fake_answer(c, 0, 64, MESSAGE_OK);
	fake_stop();
}

static void server_fin_of_idle_peer(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_RAW);
	fake_start();
	c = fake_open(0);
	fake_request(c, 1, 0);
	fake_peer_fin(c); // answer given, not acknowledged
	assert_true(c->fin);
	fake_answer(c, 1, 64, MESSAGE_OK);
	c = fake_open(1);
	fake_peer_fin(c); // without a request
	assert_true(c->fin);
	assert_int_equal(fake_stats()->early_closes, 0);
	fake_stop();
}

static void server_fin_while_owing(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.service.mean_us = 1000;
	fake_start();
	c = fake_open(0);
	fake_request(c, 1, 0);
	fake_request(c, 2, 0);
	fake_peer_fin(c);
	assert_false(c->fin);
	fake_run(2010);
	assert_false(c->fin); // one more is owed
	fake_answer(c, 1, 64, MESSAGE_OK);
	fake_run(3020);
	assert_true(c->fin);
	fake_answer(c, 2, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->early_closes, 0);
	fake_stop();
}

static void server_fin_closes_at_once(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.service.mean_us = 1000;
	fake.conf.closes_idle = true;
	fake_start();
	c = fake_open(0);
	fake_request(c, 1, 0);
	fake_peer_fin(c);
	assert_true(c->fin);
	assert_int_equal(fake_stats()->working, 0);
	assert_int_equal(fake_stats()->early_closes, 1);
	fake_run(5000);
	assert_int_equal(c->given, 0);
	fake_stop();
}

// Requests sent ahead are answered one by one, and the window closes meanwhile.
static void server_requests_sent_ahead(void **state)
{
	struct ep_conn *c;
	uint8_t bytes[50 * 33];

	fake_init(GEN_PROTOCOL_RAW);
	fake_start();
	c = fake_open(0);
	for (uint32_t cut = 0; cut < 40; cut += 13) {
		for (uint32_t i = 0; i < 50; i++)
			fake_request_bytes(bytes + i * 33, i, 33, 100 + i);
		fake_write(c, bytes, sizeof(bytes), cut);
		assert_true(c->hold);
		for (uint32_t i = 0; i < 50; i++)
			fake_answer(c, i, 100 + i, MESSAGE_OK);
		assert_false(c->hold);
		assert_int_equal(c->unread, 0);
		assert_int_equal(fake_owed(c), 0);
	}
	assert_int_equal(fake_stats()->answers, 200);
	fake_stop();
}

static void server_requests_ahead_http(void **state)
{
	const char *three = "GET /bytes/1 HTTP/1.1\r\n\r\nGET /bytes/2 HTTP/1.1\r\n\r\n"
			    "GET /bytes/3 HTTP/1.1\r\nConnection: close\r\n\r\n";
	char text[256];

	fake_init(GEN_PROTOCOL_HTTP);
	fake_start();
	for (uint32_t cut = 0; cut < 40; cut++) {
		struct ep_conn *c = fake_open(cut);

		fake_write(c, three, (uint32_t)strlen(three), cut);
		for (int i = 1; i <= 3; i++) {
			char length[32];

			memset(text, 0, sizeof(text));
			snprintf(length, sizeof(length), "Content-Length: %d\r\n", i);
			assert_false(i < 3 && c->fin);
			fake_read(c, text, sizeof(text), 0);
			assert_non_null(strstr(text, length));
		}
		assert_true(c->fin);
	}
	fake_stop();
}

static void server_too_many_ahead_of_one(void **state)
{
	struct ep_conn *c;
	uint32_t n = 0;

	fake_init(GEN_PROTOCOL_RAW);
	fake_start();
	c = fake_open(0);
	while (!c->aborted && n < 5000)
		fake_request(c, n++, 0);
	assert_int_equal(n, 1024 + 2); // one in work, 1,024 behind it, one too many
	assert_int_equal(fake_stats()->ahead_full, 1);
	fake_stop();
}

static void server_too_many_ahead_of_all(void **state)
{
	uint32_t reset = 0;

	fake_init(GEN_PROTOCOL_RAW);
	fake_start();
	for (uint32_t i = 0; i < 20; i++) {
		fake_open(i);
		for (uint32_t k = 0; k < 1024 && !fake.conn[i].aborted; k++)
			fake_request(&fake.conn[i], k, 16);
		reset += fake.conn[i].aborted;
	}
	assert_true(reset > 0);
	assert_int_equal(fake_stats()->ahead_full, reset);
	// What one gave up serves another.
	fake_end(&fake.conn[0], EP_END_RESET);
	fake_open(30);
	for (uint32_t k = 0; k < 1000; k++)
		fake_request(&fake.conn[30], k, 16);
	for (uint32_t k = 0; k < 1000; k++)
		fake_answer(&fake.conn[30], k, 16, MESSAGE_OK);
	fake_stop();
}

static void server_counts_how_they_end(void **state)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake_start();
	for (uint32_t i = 0; i < 4; i++)
		fake_open(i);
	assert_int_equal(fake_stats()->accepted, 4);
	assert_int_equal(fake_stats()->open, 4);
	fake_end(&fake.conn[0], EP_END_RESET);
	fake_end(&fake.conn[1], EP_END_TIMEOUT);
	assert_int_equal(fake_stats()->open, 2);
	assert_int_equal(fake_stats()->resets, 1);
	assert_int_equal(fake_stats()->early_closes, 0);
	server_reset_stats(fake.server);
	assert_int_equal(fake_stats()->accepted, 0);
	assert_int_equal(fake_stats()->open, 2);
	fake_stop();
}

// --- faults --------------------------------------------------------------------------------------

static void start_fault(enum gen_fault_kind kind, wr_us_t at, wr_us_t length, wr_us_t service)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.service.mean_us = service;
	fake.conf.fault_count = 1;
	fake.conf.fault[0] = (struct gen_fault){
		.kind = kind, .at_us = at, .for_us = length, .delay_us = 500, .permille = 1000};
	fake_at(1000);
	fake_start();
}

static enum ep_admit syn(uint32_t i, wr_us_t *delay)
{
	struct wr_tuple t = {.lport = 80, .rport = (uint16_t)i};

	*delay = 0;
	return fake.admit(fake.user, &t, delay, &fake.now);
}

static void server_fault_at_the_door(void **state)
{
	const enum gen_fault_kind kind[] = {
		GEN_FAULT_REFUSE, GEN_FAULT_BLACKHOLE, GEN_FAULT_SLOW_ACCEPT, GEN_FAULT_FLAP};
	const enum ep_admit want[] = {EP_ADMIT_RESET, EP_ADMIT_DROP, EP_ADMIT, EP_ADMIT_RESET};
	wr_us_t delay;

	for (int i = 0; i < 4; i++) {
		start_fault(kind[i], 100, 400, 0);
		assert_int_equal(syn(1, &delay), EP_ADMIT);
		fake_at(1100);
		assert_int_equal(syn(1, &delay), want[i]);
		assert_int_equal(syn(2, &delay), want[i]);
		assert_int_equal(syn(2, &delay), want[i]);
		assert_int_equal(delay, kind[i] == GEN_FAULT_SLOW_ACCEPT ? 500 : 0);
		assert_int_equal(fake_stats()->faults_struck, 2);
		fake_at(1500);
		assert_int_equal(syn(3, &delay), EP_ADMIT);
		assert_int_equal(delay, 0);
		fake_stop();
	}
}

static void server_without_faults_has_no_hook(void **state)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake_start();
	assert_null(fake.admit);
	fake_stop();
}

static void server_fault_resets(void **state)
{
	start_fault(GEN_FAULT_RESET, 100, 400, 50);
	fake_request(fake_open(0), 1, 0);
	fake_run(1100);
	fake_answer(&fake.conn[0], 1, 64, MESSAGE_OK);
	assert_false(fake.conn[0].aborted); // until data arrives
	fake_request(&fake.conn[0], 2, 0);
	assert_true(fake.conn[0].aborted);
	fake_open(1);
	fake_run(1500);
	fake_request(&fake.conn[1], 3, 0);
	fake_run(1600);
	fake_answer(&fake.conn[1], 3, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->faults_struck, 1);
	fake_stop();
}

static void server_fault_stalls_until_its_end(void **state)
{
	start_fault(GEN_FAULT_STALL, 100, 1000, 200);
	fake_request(fake_open(0), 1, 0); // in work as it begins
	fake_run(1150);
	fake_request(fake_open(1), 2, 0); // comes while it lasts
	fake_request(fake_open(2), 3, 0);
	fake_run(2099);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fake_owed(&fake.conn[i]), 0);
	assert_int_equal(fake_stats()->faults_struck, 3);
	assert_int_equal(fake_stats()->working, 1);
	fake_end(&fake.conn[2], EP_END_RESET); // gave up
	fake_run(2103);
	fake_answer(&fake.conn[0], 1, 64, MESSAGE_OK);
	fake_run(2299);
	assert_int_equal(fake_owed(&fake.conn[1]), 0);
	fake_run(2306);
	fake_answer(&fake.conn[1], 2, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->faults_struck, 3);
	assert_int_equal(fake_stats()->requests, 3);
	fake_stop();
}

static void server_fault_stalls_for_good(void **state)
{
	start_fault(GEN_FAULT_STALL, 100, 0, 200);
	fake_request(fake_open(0), 1, 0);
	fake_run(1150);
	fake_request(fake_open(1), 2, 0);
	fake_run(WR_US_PER_S * 3600);
	assert_int_equal(fake.conn[0].given + fake.conn[1].given, 0);
	assert_true(server_next(fake.server) == WR_US_NEVER);
	assert_int_equal(fake_stats()->working, 1);
	fake_peer_fin(&fake.conn[0]); // still owed
	assert_false(fake.conn[0].fin);
	fake_stop();
}

// Two stalls one after the other strike one request once.
static void server_fault_stalls_twice(void **state)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.fault_count = 2;
	for (uint32_t i = 0; i < 2; i++)
		fake.conf.fault[i] = (struct gen_fault){.kind = GEN_FAULT_STALL,
			.at_us = i * 1000,
			.for_us = 1000,
			.permille = 1000};
	fake_start();
	fake_request(fake_open(0), 1, 0);
	fake_run(2999);
	assert_int_equal(fake_owed(&fake.conn[0]), 0);
	fake_run(3003);
	fake_answer(&fake.conn[0], 1, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->faults_struck, 1);
	fake_stop();
}

static void server_fault_garbage(void **state)
{
	uint8_t one[64], two[64];
	struct message m;

	start_fault(GEN_FAULT_GARBAGE, 100, 400, 0);
	fake_open(0);
	fake_at(1100);
	fake_request(&fake.conn[0], 1, 0);
	assert_int_equal(fake_owed(&fake.conn[0]), 64); // of the right length
	fake.conn[0].ops->fill(&fake.conn[0], one, 0, 64);
	fake_read(&fake.conn[0], two, 64, 7);
	assert_memory_equal(one, two, 64); // the same when sent again
	assert_false(message_read(one, &m) && m.answer);
	assert_false(message_verify(1, one + 16, 16, 48));
	fake_at(1500);
	fake_request(&fake.conn[0], 2, 0);
	fake_answer(&fake.conn[0], 2, 64, MESSAGE_OK);
	assert_int_equal(fake_stats()->faults_struck, 1);
	fake_stop();
}

// --- life ----------------------------------------------------------------------------------------

static void refused(const char *what)
{
	struct wr_err err = {0};

	assert_null(server_create(&fake.conf, true, NULL, 1, &err));
	assert_non_null(strstr(err.text, "backend b"));
	assert_non_null(strstr(err.text, what));
	fake_init(GEN_PROTOCOL_RAW);
}

static void server_create_refuses_nonsense(void **state)
{
	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.service = (struct gen_dist){.kind = GEN_DIST_PARETO, .mean_us = 5};
	refused("service");
	fake.conf.token_gap = (struct gen_dist){.kind = GEN_DIST_LOGNORMAL, .mean_us = 5};
	refused("token_gap");
	fake.conf.answer_bytes = UINT32_MAX;
	refused("4294967295");
	fake.conf.tokens = 1;
	refused("tokens");
	fake.conf.queue = 5;
	refused("concurrency");
	fake.conf.fault_count = 1;
	fake.conf.fault[0] = (struct gen_fault){.kind = GEN_FAULT_FLAP};
	refused("delay");
	fake.listen_error = -EADDRINUSE;
	refused("198.18.0.1:80 is listened on already");
	fake.listen_error = -ENOMEM;
	refused("no memory");
}

static void server_random_traffic_leaves_nothing(void **state)
{
	uint8_t bytes[64];
	uint64_t left = 0;

	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.concurrency = 3;
	fake.conf.queue = 5;
	fake.conf.service = (struct gen_dist){.kind = GEN_DIST_EXPONENTIAL, .mean_us = 100};
	fake.conf.fault_count = 1;
	fake.conf.fault[0] = (struct gen_fault){
		.kind = GEN_FAULT_STALL, .at_us = 5000, .for_us = 5000, .permille = 300};
	fake_start();
	srand(9);
	for (uint32_t i = 0; i < 50000; i++) {
		struct ep_conn *c = &fake.conn[rand() % FAKE_CONNS];

		if (c->ops == NULL || fake_gone(c))
			c = fake_open((uint32_t)(c - fake.conn));
		switch (rand() % 8) {
		case 0:
			fake_end(c, rand() % 2 ? EP_END_RESET : EP_END_CLOSED);
			break;
		case 1:
			if (!c->fin)
				fake_peer_fin(c);
			break;
		case 2:
			fake_run(fake.now.us + (wr_us_t)(rand() % 100));
			break;
		case 3:
		case 4:
			if (fake_owed(c) > 0)
				fake_read(c, bytes, sizeof(bytes), 0);
			break;
		default:
			fake_request(c, i, 20);
		}
		assert_true(fake_stats()->working <= 3);
		assert_true(fake_stats()->waiting <= 5);
	}
	left = fake_stats()->requests - fake_stats()->answers - fake_stats()->queue_full;
	assert_true(fake_stats()->answers > 1000 && fake_stats()->queue_full > 100 && left > 100);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(server_close_after_first_answer),
		cmocka_unit_test(server_close_with_requests_ahead),
		cmocka_unit_test(server_fin_of_idle_peer),
		cmocka_unit_test(server_fin_while_owing),
		cmocka_unit_test(server_fin_closes_at_once),
		cmocka_unit_test(server_requests_sent_ahead),
		cmocka_unit_test(server_requests_ahead_http),
		cmocka_unit_test(server_too_many_ahead_of_one),
		cmocka_unit_test(server_too_many_ahead_of_all),
		cmocka_unit_test(server_counts_how_they_end),
		cmocka_unit_test(server_fault_at_the_door),
		cmocka_unit_test(server_without_faults_has_no_hook),
		cmocka_unit_test(server_fault_resets),
		cmocka_unit_test(server_fault_stalls_until_its_end),
		cmocka_unit_test(server_fault_stalls_for_good),
		cmocka_unit_test(server_fault_stalls_twice),
		cmocka_unit_test(server_fault_garbage),
		cmocka_unit_test(server_create_refuses_nonsense),
		cmocka_unit_test(server_random_traffic_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

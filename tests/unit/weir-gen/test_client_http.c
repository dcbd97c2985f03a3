/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_test.h"

// HTTP/1.1 answers; in texts # is the request's id and $nnnn,oooo that many bytes of its body.

static const char good[] = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nX-Weir-Gen-Id: #\r\n\r\n"
			   "$0100,0000";

static struct gen_client *http_init(const char *text)
{
	struct gen_client *conf = rig_init();

	conf->protocol = GEN_PROTOCOL_HTTP;
	conf->request_bytes = 0;
	conf->rate = 1;
	strcpy(conf->path, "/p");
	strcpy(conf->host, "h.example");
	rig.mode = RIG_TEXT;
	rig.text = text;
	return conf;
}

static void run_one(void)
{
	rig_start(true);
	rig_until(5000 + 500000);
	client_stop(rig.client);
}

static void http_get_is_written_and_answer_verified(void **state)
{
	http_init(good);
	run_one();
	assert_int_equal(stats()->answers, 1);
	assert_int_equal(memcmp(rig.request, "GET /p HTTP/1.1\r\nX-Weir-Gen-Id: ", 32), 0);
	assert_non_null(strstr(rig.request, "\r\nHost: h.example\r\n\r\n"));
	rig_fini();
}

static void http_post_carries_its_body(void **state)
{
	const char *body;
	uint32_t id;

	http_init(good)->request_bytes = 2000;
	run_one();
	assert_int_equal(stats()->answers, 1);
	assert_int_equal(memcmp(rig.request, "POST /p HTTP/1.1\r\n", 18), 0);
	assert_non_null(strstr(rig.request, "\r\nContent-Length: 2000\r\n\r\n"));
	id = (uint32_t)strtoul(strstr(rig.request, "Id: ") + 4, NULL, 10);
	body = strstr(rig.request, "\r\n\r\n") + 4;
	assert_true(message_verify(id, (const uint8_t *)body, MESSAGE_HEADER, 2000));
	rig_fini();
}

static void http_last_request_asks_the_server_to_close(void **state)
{
	struct gen_client *conf = http_init(good);

	conf->close = GEN_CLOSE_SERVER;
	conf->requests = 2;
	conf->pause = (struct gen_dist){.kind = GEN_DIST_FIXED, .mean_us = 10000};
	rig_start(true);
	rig_settle();
	assert_null(strstr(rig.request, "Connection"));
	rig_until(5000 + 500000);
	assert_non_null(strstr(rig.request, "\r\nConnection: close\r\n"));
	assert_int_equal(stats()->answers, 2);
	client_stop(rig.client);
	rig_fini();
}

static void http_path_asks_for_bytes(void **state)
{
	struct gen_client *conf = http_init(good);

	conf->path[0] = 0;
	conf->answer_bytes = 100;
	run_one();
	assert_int_equal(memcmp(rig.request, "GET /bytes/100 HTTP/1.1\r\n", 25), 0);
	assert_int_equal(stats()->answers, 1);
	rig_fini();
	http_init(good)->answer_bytes = 101; // another length than asked for
	run_one();
	assert_int_equal(stats()->errors[GEN_ERROR_wrong_bytes], 1);
	rig_fini();
}

static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
			      "x-weir-GEN-id: #\r\n\r\n"
			      "28\r\n$0040,0000\r\n3c\r\n$0060,0040\r\n0\r\n\r\n";

static void http_answer_cut_anywhere_is_right(void **state)
{
	const char *texts[] = {good, chunked};

	for (uint32_t i = 0; i < 2; i++) {
		for (uint32_t cut = 1; cut < 220; cut++) {
			http_init(texts[i])->requests = 2;
			rig.cut = cut;
			run_one();
			assert_int_equal(stats()->answers, 2);
			assert_int_equal(stats()->connections, 1);
			rig_fini();
		}
	}
}

static void http_any_wrong_byte_of_a_body_is_found(void **state)
{
	uint32_t head = (uint32_t)strlen(good) - 10;

	for (uint32_t i = 0; i < 100; i += 9) {
		http_init(good);
		rig.flip = head + 9 + i; // # is one byte, an id of ten digits at most
		run_one();
		assert_int_equal(stats()->answers, 0);
		assert_int_equal(stats()->errors[GEN_ERROR_wrong_bytes], 1);
		rig_fini();
	}
}

static void one_error(const char *text, enum gen_error e)
{
	http_init(text);
	run_one();
	rig_until(5000 + 4 * WR_US_PER_S);
	assert_int_equal(stats()->errors[e], 1);
	assert_int_equal(stats()->answers, 0);
	rig_fini();
}

static const char early[] = "HTTP/1.1 103 Early\r\nX-Weir-Gen-Id: #\r\n\r\n"
			    "HTTP/1.1 200 OK\r\nX-Weir-Gen-Id: #\r\n"
			    "Content-Length: 5\r\n\r\n$0005,0000";

static void http_statuses_are_told_apart(void **state)
{
	const char *fine[] = {
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 206 Partial\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		early,
	};

	for (uint32_t i = 0; i < RTE_DIM(fine); i++) {
		http_init(fine[i]);
		run_one();
		assert_int_equal(stats()->answers, 1);
		rig_fini();
	}
	one_error("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", GEN_ERROR_queue_full);
	one_error("HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nabc", GEN_ERROR_http_status);
	one_error("HTTP/1.1 302 Go\r\nContent-Length: 0\r\n\r\n", GEN_ERROR_http_status);
	one_error("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", GEN_ERROR_http_status);
}

static void http_garbage_is_wrong(void **state)
{
	one_error("WGA1 and so on\r\n\r\n", GEN_ERROR_wrong_bytes);
	one_error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Weir-Gen-Id: 7\r\n\r\nabcde",
		GEN_ERROR_wrong_bytes);
	one_error("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Weir-Gen-Id: 7\r\n\r\n",
		GEN_ERROR_wrong_bytes);
	one_error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
		GEN_ERROR_wrong_bytes);
	one_error("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabcde", GEN_ERROR_answer_timeout);
}

static void http_more_than_asked_for_is_wrong(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n\r\n",
	};

	for (uint32_t i = 0; i < RTE_DIM(texts); i++) {
		http_init(texts[i]);
		run_one();
		assert_int_equal(stats()->answers, 1);
		assert_int_equal(stats()->errors[GEN_ERROR_wrong_bytes], 1);
		rig_fini();
	}
}

static void http_body_may_end_with_the_connection(void **state)
{
	http_init("HTTP/1.1 200 OK\r\nX-Weir-Gen-Id: #\r\n\r\n$0300,0000");
	rig.close_after = true;
	run_one();
	assert_int_equal(stats()->answers, 1);
	rig_fini();
	http_init("HTTP/1.1 200 OK\r\nContent-Length: 301\r\n\r\n$0300,0000");
	rig.close_after = true;
	run_one();
	assert_int_equal(stats()->errors[GEN_ERROR_closed_early], 1);
	rig_fini();
}

static void http_goes_on_elsewhere_when_told_of_a_close(void **state)
{
	http_init("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")->requests =
		4;
	rig.close_after = true;
	run_one();
	assert_int_equal(stats()->answers, 4);
	assert_int_equal(stats()->connections, 4);
	assert_int_equal(stats()->attempts_failed, 0);
	rig_fini();
}

static void http_retries_a_full_queue_elsewhere(void **state)
{
	struct gen_client *conf =
		http_init("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n");

	conf->retries = 2;
	run_one();
	assert_int_equal(stats()->errors[GEN_ERROR_queue_full], 1);
	assert_int_equal(stats()->connections, 3);
	assert_int_equal(stats()->retries, 2);
	rig_fini();
	assert_int_equal(rig.resets, 0);
}

static void http_slow_reader_and_sender(void **state)
{
	struct gen_client *conf = http_init(good);

	conf->send_rate = 1000;
	conf->read_rate = 100;
	conf->request_bytes = 500;
	rig_start(true);
	rig_until(5000 + 2700000);
	assert_int_equal(stats()->answers, 1); // about 0.6 s there and 1.7 s back
	assert_in_range(stats()->measured.answer_ns->min, 1500000000, 2700000000);
	client_stop(rig.client);
	rig_fini();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_get_is_written_and_answer_verified),
		cmocka_unit_test(http_post_carries_its_body),
		cmocka_unit_test(http_last_request_asks_the_server_to_close),
		cmocka_unit_test(http_path_asks_for_bytes),
		cmocka_unit_test(http_answer_cut_anywhere_is_right),
		cmocka_unit_test(http_any_wrong_byte_of_a_body_is_found),
		cmocka_unit_test(http_statuses_are_told_apart),
		cmocka_unit_test(http_garbage_is_wrong),
		cmocka_unit_test(http_more_than_asked_for_is_wrong),
		cmocka_unit_test(http_body_may_end_with_the_connection),
		cmocka_unit_test(http_goes_on_elsewhere_when_told_of_a_close),
		cmocka_unit_test(http_retries_a_full_queue_elsewhere),
		cmocka_unit_test(http_slow_reader_and_sender),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_ep.h"

static char text[2 << 20];

static struct ep_conn *start(void)
{
	fake_init(GEN_PROTOCOL_HTTP);
	fake_start();
	return fake_open(0);
}

// The answer as text; its body begins at the result.
static const uint8_t *read_answer(struct ep_conn *c, uint32_t *len, uint32_t cut)
{
	uint32_t n = fake_read(c, text, sizeof(text) - 1, cut);
	char *body;

	text[n] = '\0';
	body = strstr(text, "\r\n\r\n");
	assert_non_null(body);
	*len = n - (uint32_t)(body + 4 - text);
	return (uint8_t *)body + 4;
}

static void expect(struct ep_conn *c, const char *head, uint32_t id, uint32_t body)
{
	const uint8_t *at;
	uint32_t len;

	at = read_answer(c, &len, 0);
	assert_int_equal(len, body);
	assert_memory_equal(text, head, strlen(head));
	assert_int_equal((const char *)at - text, strlen(head));
	assert_true(message_verify(id, at, MESSAGE_HEADER, len));
}

static void http_answer_default(void **state)
{
	struct ep_conn *c = start();

	fake_text(c, "GET / HTTP/1.1\r\nHost: x\r\nX-Weir-Gen-Id: 4000000000\r\n\r\n");
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 4000000000\r\n\r\n",
		4000000000u, 64);
	assert_false(c->fin);
	assert_int_equal(fake_stats()->answers, 1);
	fake_stop();
}

static void http_answer_of_length(void **state)
{
	struct ep_conn *c = start();

	fake_text(c, "GET /bytes/1048576 HTTP/1.1\r\nx-weir-gen-id:7 \r\n\r\n");
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 1048576\r\nX-Weir-Gen-Id: 7\r\n\r\n", 7,
		1048576);
	fake_text(c, "GET /bytes/0 HTTP/1.1\r\nX-WEIR-GEN-ID:\t8\r\n\r\n");
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-Weir-Gen-Id: 8\r\n\r\n", 8, 0);
	// Names that only begin alike are not it.
	fake_text(c, "GET /bytes HTTP/1.1\r\nX-Weir-Gen-Id: 9\r\nX-Weir-Gen-Idx: 1\r\n"
		     "X-Weir-Gen: 2\r\n\r\n");
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 9\r\n\r\n", 9, 64);
	fake_stop();
}

static void http_request_without_id_gets_one(void **state)
{
	struct ep_conn *c = start();
	const uint8_t *at;
	uint32_t len, id;

	for (int i = 0; i < 3; i++) {
		fake_text(c, "GET / HTTP/1.1\r\n\r\n");
		at = read_answer(c, &len, 0);
		id = (uint32_t)strtoul(strstr(text, "X-Weir-Gen-Id: ") + 15, NULL, 10);
		assert_true(message_verify(id, at, MESSAGE_HEADER, len));
	}
	fake_stop();
}

static void http_request_cut_anywhere(void **state)
{
	const char *request = "POST /bytes/123 HTTP/1.1\r\nHost: a.example\r\n"
			      "X-Weir-Gen-Id: 51\r\nContent-Length: 11\r\n\r\nhello world";
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 123\r\nX-Weir-Gen-Id: 51\r\n\r\n";
	uint32_t len = (uint32_t)strlen(request);
	struct ep_conn *c = start();

	for (uint32_t cut = 1; cut < len; cut++) {
		fake_write(c, request, cut, 0);
		assert_int_equal(fake_owed(c), 0);
		fake_write(c, request + cut, len - cut, 0);
		expect(c, head, 51, 123);
	}
	fake_write(c, request, len, 1);
	expect(c, head, 51, 123);
	assert_int_equal(fake_stats()->bad_requests, 0);
	fake_stop();
}

static void http_answer_read_in_pieces(void **state)
{
	struct ep_conn *c = start();
	const uint8_t *at;
	uint32_t len;

	for (uint32_t cut = 1; cut < 100; cut += 7) {
		fake_text(c, "GET /bytes/3000 HTTP/1.1\r\nX-Weir-Gen-Id: 5\r\n\r\n");
		at = read_answer(c, &len, cut);
		assert_int_equal(len, 3000);
		assert_true(message_verify(5, at, MESSAGE_HEADER, len));
	}
	fake_stop();
}

static void http_chunked_request_body(void **state)
{
	struct ep_conn *c = start();

	fake_text(c, "POST / HTTP/1.1\r\nX-Weir-Gen-Id: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
		     "5\r\nhello\r\n");
	assert_int_equal(fake_owed(c), 0);
	fake_text(c, "0\r\n\r\n");
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 2\r\n\r\n", 2, 64);
	fake_stop();
}

static void http_head_has_no_body(void **state)
{
	struct ep_conn *c = start();

	fake_text(c, "HEAD /bytes/500 HTTP/1.1\r\nX-Weir-Gen-Id: 2\r\n\r\n");
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\nX-Weir-Gen-Id: 2\r\n\r\n", 2, 0);
	fake_stop();
}

static void http_connection_close(void **state)
{
	struct ep_conn *c = start();

	fake_text(c, "GET / HTTP/1.1\r\nConnection: close\r\nX-Weir-Gen-Id: 2\r\n\r\nGET / HT");
	expect(c,
		"HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 2\r\n"
		"Connection: close\r\n\r\n",
		2, 64);
	assert_true(c->fin);
	fake_text(c, "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(fake_stats()->requests, 1);
	assert_int_equal(fake_stats()->bad_requests, 0);
	fake_stop();
}

static void http_close_while_at_work(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_HTTP);
	fake.conf.service.mean_us = 1000;
	fake_start();
	c = fake_open(0);
	fake_text(c, "GET / HTTP/1.1\r\nConnection: close\r\n\r\nGET / HTTP/1.1\r\n\r\n");
	fake_text(c, "GET / HTTP/1.1\r\n\r\n");
	fake_run(2010);
	assert_true(c->fin);
	assert_int_equal(fake_stats()->answers, 1);
	assert_int_equal(fake_stats()->requests, 1);
	assert_int_equal(fake_stats()->bad_requests, 0);
	fake_stop();
}

static void http_version_1_0(void **state)
{
	struct ep_conn *c = start();

	fake_text(c, "GET / HTTP/1.0\r\nConnection: keep-alive\r\nX-Weir-Gen-Id: 2\r\n\r\n");
	expect(c,
		"HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 2\r\n"
		"Connection: keep-alive\r\n\r\n",
		2, 64);
	assert_false(c->fin);
	fake_text(c, "GET / HTTP/1.0\r\nX-Weir-Gen-Id: 2\r\n\r\n");
	assert_true(c->fin);
	fake_stop();
}

static void bad(const char *request)
{
	const char *head = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
			   "X-Weir-Gen-Id: 0\r\nConnection: close\r\n\r\n";

	for (uint32_t cut = 0; cut < 3; cut++) {
		struct ep_conn *c = start();

		fake_write(c, request, (uint32_t)strlen(request), cut);
		expect(c, head, 0, 0);
		assert_true(c->fin);
		assert_int_equal(fake_stats()->bad_requests, 1);
		assert_int_equal(fake_stats()->requests, 0);
		fake_text(c, request);
		assert_int_equal(fake_stats()->bad_requests, 1);
		fake_stop();
	}
}

static void http_request_bad(void **state)
{
	bad("\x16\x03\x01 what is this");
	bad("GET /\r\n\r\n");
	bad("GET / HTTP/2.0\r\n\r\n");
	bad("GET /bytes/1x HTTP/1.1\r\n\r\n");
	bad("GET /bytes/1073741825 HTTP/1.1\r\n\r\n");
	bad("GET /bytes/99999999999999999999 HTTP/1.1\r\n\r\n");
	bad("GET / HTTP/1.1\r\nX-Weir-Gen-Id: 4294967296\r\n\r\n");
	bad("GET / HTTP/1.1\r\nX-Weir-Gen-Id: -1\r\n\r\n");
	bad("GET / HTTP/1.1\r\nContent-Length: a\r\n\r\n");
	bad("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n");
	bad("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n");
}

// Random bytes and requests with random changes: each is answered in some way, and nothing is left.
static void http_request_mutated(void **state)
{
	const char *right = "POST /bytes/30 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
			    "X-Weir-Gen-Id: 1\r\n\r\nabcGET / HTTP/1.1\r\n\r\n";
	uint32_t len = (uint32_t)strlen(right);
	char request[256];

	srand(4);
	for (uint32_t i = 0; i < 3000; i++) {
		struct ep_conn *c = i % 60 == 0 ? start() : fake_open(i % 60);

		memcpy(request, right, len);
		for (int k = rand() % 4 + 1; k > 0; k--)
			request[(uint32_t)rand() % len] = (char)rand();
		fake_write(c, request, len, (uint32_t)rand() % 9);
		while (fake_owed(c) > 0)
			fake_read(c, text, sizeof(text), 0);
		if (!c->fin)
			fake_peer_fin(c);
		assert_true(c->fin);
		if (i % 60 == 59)
			fake_stop();
	}
}

static void http_upgrade_is_ignored(void **state)
{
	struct ep_conn *c = start();

	fake_text(c, "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
		     "X-Weir-Gen-Id: 2\r\n\r\nGET / HTTP/1.1\r\nX-Weir-Gen-Id: 3\r\n\r\n");
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 2\r\n\r\n", 2, 64);
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 3\r\n\r\n", 3, 64);
	fake_stop();
}

static void http_queue_full(void **state)
{
	fake_init(GEN_PROTOCOL_HTTP);
	fake.conf.concurrency = 1;
	fake.conf.service.mean_us = 1000;
	fake_start();
	fake_text(fake_open(0), "GET / HTTP/1.1\r\nX-Weir-Gen-Id: 1\r\n\r\n");
	fake_text(fake_open(1), "GET /bytes/9 HTTP/1.1\r\nX-Weir-Gen-Id: 2\r\n\r\n");
	expect(&fake.conn[1],
		"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n"
		"X-Weir-Gen-Id: 2\r\n\r\n",
		2, 0);
	assert_false(fake.conn[1].fin);
	assert_int_equal(fake_stats()->queue_full, 1);
	fake_stop();
}

// Bad behind one that is being worked on: in turn.
static void http_bad_request_behind_another(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_HTTP);
	fake.conf.service.mean_us = 1000;
	fake_start();
	c = fake_open(0);
	fake_text(c, "GET / HTTP/1.1\r\nX-Weir-Gen-Id: 1\r\n\r\n???");
	fake_text(c, "GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(fake_stats()->bad_requests, 1);
	assert_int_equal(fake_stats()->requests, 1);
	assert_int_equal(fake_owed(c), 0);
	fake_run(3000);
	expect(c, "HTTP/1.1 200 OK\r\nContent-Length: 64\r\nX-Weir-Gen-Id: 1\r\n\r\n", 1, 64);
	expect(c,
		"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nX-Weir-Gen-Id: 0\r\n"
		"Connection: close\r\n\r\n",
		0, 0);
	assert_true(c->fin);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_answer_default),
		cmocka_unit_test(http_answer_of_length),
		cmocka_unit_test(http_request_without_id_gets_one),
		cmocka_unit_test(http_request_cut_anywhere),
		cmocka_unit_test(http_answer_read_in_pieces),
		cmocka_unit_test(http_chunked_request_body),
		cmocka_unit_test(http_head_has_no_body),
		cmocka_unit_test(http_connection_close),
		cmocka_unit_test(http_close_while_at_work),
		cmocka_unit_test(http_version_1_0),
		cmocka_unit_test(http_request_bad),
		cmocka_unit_test(http_request_mutated),
		cmocka_unit_test(http_upgrade_is_ignored),
		cmocka_unit_test(http_queue_full),
		cmocka_unit_test(http_bad_request_behind_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_ep.h"

// Answers in pieces: token streams of both protocols.

#define TICK 3

static uint8_t bytes[1 << 20];

static struct ep_conn *start(enum gen_protocol protocol, uint32_t tokens, uint32_t token_bytes)
{
	fake_init(protocol);
	fake.conf.tokens = tokens;
	fake.conf.token_bytes = token_bytes;
	fake.conf.first_token.mean_us = 5000;
	fake.conf.token_gap.mean_us = 200;
	fake_start();
	return fake_open(0);
}

static void answer_raw_tokens_in_time(void **state)
{
	struct ep_conn *c = start(GEN_PROTOCOL_RAW, 10, 7);
	uint32_t pieces = 14; // 93 bytes of body: 13 of 7 and one of 2
	struct message m;

	fake_request(c, 3, 16 + 93);
	fake_run(5999);
	assert_int_equal(c->given, 0);
	for (uint32_t i = 1; i <= pieces; i++) {
		fake_run(6000 + (i - 1) * 200 + TICK);
		assert_int_equal(c->given, i < pieces ? 16 + i * 7 : 16 + 93);
		fake_run(6000 + i * 200 - 1);
		assert_int_equal(c->given, i < pieces ? 16 + i * 7 : 16 + 93);
	}
	assert_int_equal(fake_read(c, bytes, sizeof(bytes), 0), 109);
	assert_true(message_read(bytes, &m));
	assert_int_equal(m.length, 109); // known from the start
	assert_true(message_verify(3, bytes + 16, 16, 93));
	assert_int_equal(fake_stats()->answers, 1);
	assert_in_range(fake_stats()->service_ns->max, 7600000, 7600000 + TICK * 1000);
	fake_stop();
}

// The peer acknowledges each piece; the answer is not over before the last one.
static void answer_tokens_acknowledged_one_by_one(void **state)
{
	struct ep_conn *c = start(GEN_PROTOCOL_RAW, 10, 10);
	uint32_t got = 0;

	fake_request(c, 3, 66);
	fake_request(c, 4, 16);
	for (uint32_t i = 0; i < 5; i++) {
		fake_run(6000 + i * 200 + TICK);
		got += fake_read(c, bytes + got, 1000, 0);
		assert_int_equal(got, 16 + 10 * (i + 1));
		assert_int_equal(fake_stats()->answers, i == 4);
	}
	assert_true(message_verify(3, bytes + 16, 16, 50));
	fake_run(20000);
	fake_answer(c, 4, 16, MESSAGE_OK);
	fake_stop();
}

static void answer_tokens_drawn(void **state)
{
	struct ep_conn *c = start(GEN_PROTOCOL_RAW, 20, 4);
	uint64_t sum = 0;
	struct message m;
	uint32_t n;

	for (uint32_t i = 0; i < 2000; i++) {
		fake_request(c, i, 0);
		fake_run(fake.now.us + 200000);
		n = fake_read(c, bytes, sizeof(bytes), 0);
		assert_true(message_read(bytes, &m));
		assert_int_equal(m.length, n);
		assert_true(n >= 20 && n % 4 == 0);
		sum += (n - 16) / 4;
	}
	assert_in_range(sum / 2000, 18, 22);
	fake_stop();
}

// Take chunks apart (RFC 9112 7.1); returns the bytes of body, moved to the front.
static uint32_t dechunk(uint8_t *at, uint32_t len, uint32_t token_bytes)
{
	uint8_t *end = at + len, *p = at;
	uint32_t body = 0;
	char *rest;

	for (;;) {
		uint32_t size = (uint32_t)strtoul((char *)p, &rest, 16);

		assert_memory_equal(rest, "\r\n", 2);
		p = (uint8_t *)rest + 2;
		assert_true(size <= token_bytes);
		memmove(at + body, p, size);
		body += size;
		p += size;
		assert_memory_equal(p, "\r\n", 2);
		p += 2;
		if (size == 0)
			break;
	}
	assert_ptr_equal(p, end);
	return body;
}

static void chunked(uint32_t body, uint32_t token_bytes, uint32_t cut)
{
	struct ep_conn *c = start(GEN_PROTOCOL_HTTP, 10, token_bytes);
	const char *head =
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Weir-Gen-Id: 6\r\n\r\n";
	uint32_t pieces = body == 0 ? 1 : (body - 1) / token_bytes + 1;
	char request[128];
	uint32_t n;

	snprintf(request, sizeof(request), "GET /bytes/%u HTTP/1.1\r\nX-Weir-Gen-Id: 6\r\n\r\n",
		body);
	fake_text(c, request);
	fake_run(6000 + (pieces - 1) * 200 - 1);
	assert_int_equal(fake_stats()->answers, 0);
	fake_run(6000 + (pieces - 1) * 200 + TICK);
	assert_int_equal(fake_stats()->answers, 1);
	n = fake_read(c, bytes, sizeof(bytes) - 1, cut);
	bytes[n] = '\0';
	assert_memory_equal(bytes, head, strlen(head));
	n = dechunk(bytes + strlen(head), n - (uint32_t)strlen(head), token_bytes);
	assert_int_equal(n, body);
	assert_true(message_verify(6, bytes + strlen(head), MESSAGE_HEADER, n));
	fake_stop();
}

static void answer_http_chunks(void **state)
{
	for (uint32_t cut = 0; cut < 20; cut++) {
		chunked(0, 10, cut);
		chunked(1, 10, cut);
		chunked(10, 10, cut);
		chunked(95, 10, cut);
		chunked(100, 1, cut);
		chunked(5000, 257, cut);
	}
}

// A chunk is whole when its time has come.
static void answer_http_tokens_in_time(void **state)
{
	struct ep_conn *c = start(GEN_PROTOCOL_HTTP, 10, 16);
	uint32_t n;

	fake_text(c, "GET /bytes/40 HTTP/1.1\r\nX-Weir-Gen-Id: 6\r\n\r\n");
	fake_run(6000 + TICK);
	n = fake_read(c, bytes, sizeof(bytes), 0);
	assert_memory_equal(bytes + n - 22, "10\r\n", 4);
	assert_memory_equal(bytes + n - 2, "\r\n", 2);
	fake_run(6200 + TICK);
	assert_int_equal(fake_read(c, bytes, sizeof(bytes), 0), 22);
	fake_run(6400 + TICK);
	assert_int_equal(fake_read(c, bytes, sizeof(bytes), 0), 3 + 8 + 2 + 5);
	assert_memory_equal(bytes, "8\r\n", 3);
	assert_memory_equal(bytes + 13, "0\r\n\r\n", 5);
	fake_stop();
}

static void answer_http_old_version_unchunked(void **state)
{
	struct ep_conn *c = start(GEN_PROTOCOL_HTTP, 10, 16);
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 40\r\nX-Weir-Gen-Id: 6\r\n"
			   "Connection: close\r\n\r\n";

	fake_text(c, "GET /bytes/40 HTTP/1.0\r\nX-Weir-Gen-Id: 6\r\n\r\n");
	fake_run(6000 + TICK);
	assert_int_equal(c->given, strlen(head) + 16);
	fake_run(10000);
	assert_int_equal(fake_read(c, bytes, sizeof(bytes), 0), strlen(head) + 40);
	assert_memory_equal(bytes, head, strlen(head));
	assert_true(c->fin);
	fake_stop();
}

static void answer_tokens_without_gap(void **state)
{
	struct ep_conn *c;

	fake_init(GEN_PROTOCOL_RAW);
	fake.conf.tokens = 1;
	fake.conf.token_bytes = 1;
	fake_start();
	c = fake_open(0);
	fake_request(c, 1, 1 << 20);
	fake_answer(c, 1, 1 << 20, MESSAGE_OK);
	fake_stop();
}

static void answer_leaver_mid_stream(void **state)
{
	struct ep_conn *c = start(GEN_PROTOCOL_RAW, 10, 10);

	fake_request(c, 3, 66);
	fake_run(6300);
	assert_int_equal(fake_stats()->working, 1);
	fake_end(c, EP_END_RESET);
	assert_int_equal(fake_stats()->working, 0);
	assert_int_equal(fake_stats()->answers, 0);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answer_raw_tokens_in_time),
		cmocka_unit_test(answer_tokens_acknowledged_one_by_one),
		cmocka_unit_test(answer_tokens_drawn),
		cmocka_unit_test(answer_http_chunks),
		cmocka_unit_test(answer_http_tokens_in_time),
		cmocka_unit_test(answer_http_old_version_unchunked),
		cmocka_unit_test(answer_tokens_without_gap),
		cmocka_unit_test(answer_leaver_mid_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

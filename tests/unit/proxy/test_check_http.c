/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "check_http.h"

// The judgement of HTTP answers. Each is fed whole, byte by byte and in two halves at every place:
// the verdict is the same.

#define OK_LINE "HTTP/1.1 200 OK\r\n"

static const struct wr_conf_http_check any = {.status_first = 200, .status_last = 399};

static struct wr_conf_http_check want(const char *header, const char *body)
{
	struct wr_conf_http_check w = any;

	snprintf(w.header, sizeof(w.header), "%s", header);
	snprintf(w.body, sizeof(w.body), "%s", body);
	return w;
}

// In pieces of `first` bytes, then `step`; `closes`: the stream ends. Not judged: err -1.
static struct wr_check_answer run(const struct wr_conf_http_check *w, const char *data, size_t len,
	size_t first, size_t step, bool closes)
{
	struct check_http c;
	size_t at = 0;

	check_http_init(&c, w);
	while (at < len) {
		size_t n = at == 0 ? first : step;
		uint8_t *piece;
		bool judged;

		n = n < len - at ? n : len - at;
		piece = malloc(n); // exactly as long: an over-read is seen
		memcpy(piece, data + at, n);
		judged = check_http_feed(&c, piece, (uint32_t)n);
		free(piece);
		assert_int_equal(judged, c.judged);
		at += n;
	}
	if (closes)
		check_http_end(&c);
	if (!c.judged)
		return (struct wr_check_answer){.err = -1};
	return c.answer;
}

static void judged(const struct wr_conf_http_check *w, const char *data, size_t len, bool closes,
	int err, const char *text)
{
	for (size_t first = 1; first <= len; first++) {
		struct wr_check_answer a = run(w, data, len, first, first == 1 ? 1 : len, closes);

		if (a.err != err || strcmp(a.text, err < 0 ? "" : text) != 0)
			fail_msg("cut at %zu: %d '%s', not %d '%s'", first, a.err, a.text, err,
				text);
	}
}

static void expect(const struct wr_conf_http_check *w, const char *data, bool closes, int err,
	const char *text)
{
	judged(w, data, strlen(data), closes, err, text);
}

static void http_status_ranges(void **state)
{
	struct wr_conf_http_check w = any;

	expect(&any, "HTTP/1.1 200 OK\r\n\r\n", false, 0, "HTTP 200");
	expect(&any, "HTTP/1.0 200 OK\r\n\r\n", false, 0, "HTTP 200");
	expect(&any, "HTTP/1.1 399\r\n\r\n", false, 0, "HTTP 399");
	expect(&any, "HTTP/1.1 400 Bad\r\nA: b\r\n\r\n", false, EPROTO, "HTTP 400");
	expect(&any, "HTTP/1.1 503 Service Unavailable\r\n\r\nno", false, EPROTO, "HTTP 503");
	w.status_first = w.status_last = 418;
	expect(&w, "HTTP/1.1 418 I'm a teapot\r\n\r\n", false, 0, "HTTP 418");
	expect(&w, "HTTP/1.1 200 OK\r\n\r\n", false, EPROTO, "HTTP 200");
	assert_int_equal(run(&w, "HTTP/1.1 200 OK\r\n\r\n", 19, 19, 19, false).status, 200);
}

// The header's end is enough; the body may never come.
static void http_status_does_not_wait(void **state)
{
	expect(&any, OK_LINE "Content-Length: 100000\r\n", false, -1, "");
	expect(&any, OK_LINE "Content-Length: 100000\r\n\r\n", false, 0, "HTTP 200");
	expect(&any, OK_LINE "Transfer-Encoding: chunked\r\n\r\n", false, 0, "HTTP 200");
}

static void http_interim_answers(void **state)
{
	struct wr_conf_http_check w = want("X-Ready: yes", "");

	expect(&any, "HTTP/1.1 100 Continue\r\n\r\n" OK_LINE "\r\n", false, 0, "HTTP 200");
	expect(&any, "HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 102 P\r\n\r\n", false, -1,
		"");
	expect(&any, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\n\r\n", false, EPROTO,
		"HTTP 500");
	expect(&any, "HTTP/1.1 100 Continue\r\n\r\n", true, EPIPE,
		"closed in the middle of its answer");
	// 101 is final.
	expect(&any, "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false,
		EPROTO, "HTTP 101");
	// What an interim answer says is not the answer's.
	expect(&w, "HTTP/1.1 103 Early Hints\r\nX-Ready: yes\r\n\r\n" OK_LINE "\r\n", false, EPROTO,
		"no header X-Ready");
}

static void http_header(void **state)
{
	struct wr_conf_http_check w = want("X-State: ready", "");

	expect(&w, OK_LINE "X-State: ready\r\n\r\n", false, 0, "HTTP 200");
	expect(&w, OK_LINE "x-sTATE:not already gone\r\n\r\n", false, 0, "HTTP 200");
	expect(&w, OK_LINE "X-State: Ready\r\n\r\n", false, EPROTO, "header X-State lacks 'ready'");
	expect(&w, OK_LINE "X-State: rea\r\nX-State: dy\r\n\r\n", false, EPROTO,
		"header X-State lacks 'ready'");
	expect(&w, OK_LINE "X-State: a\r\nB: c\r\nx-state: ready\r\nX-State: b\r\n\r\n", false, 0,
		"HTTP 200");
	expect(&w, OK_LINE "X-Stat: ready\r\nX-States: ready\r\n\r\n", false, EPROTO,
		"no header X-State");
	expect(&w, OK_LINE "\r\n", false, EPROTO, "no header X-State");
	// The status is named first.
	expect(&w, "HTTP/1.1 503 No\r\n\r\n", false, EPROTO, "HTTP 503");
}

static void http_header_without_value(void **state)
{
	static const char *const forms[] = {"X-Up", "X-Up:", "X-Up : "};

	for (size_t i = 0; i < RTE_DIM(forms); i++) {
		struct wr_conf_http_check w = want(forms[i], "");

		expect(&w, OK_LINE "X-Up: 1\r\n\r\n", false, 0, "HTTP 200");
		expect(&w, OK_LINE "X-Up:\r\nB: c\r\n\r\n", false, 0, "HTTP 200");
		expect(&w, OK_LINE "X-Up:\r\n\r\n", false, 0, "HTTP 200");
		expect(&w, OK_LINE "X-Down: 1\r\n\r\n", false, EPROTO, "no header X-Up");
	}
}

static void http_body_lengths(void **state)
{
	struct wr_conf_http_check w = want("", "ok");

	expect(&w, OK_LINE "Content-Length: 6\r\n\r\nall ok", false, 0, "HTTP 200");
	expect(&w, OK_LINE "Content-Length: 5\r\n\r\nall o", false, EPROTO, "body lacks 'ok'");
	expect(&w, OK_LINE "Content-Length: 5\r\n\r\nall ok", false, EPROTO, "body lacks 'ok'");
	expect(&w, OK_LINE "Content-Length: 0\r\n\r\n", false, EPROTO, "body lacks 'ok'");
	expect(&w, OK_LINE "Content-Length: 600\r\n\r\nok", false, 0, "HTTP 200");
	expect(&w, OK_LINE "Content-Length: 600\r\n\r\nno", true, EPIPE,
		"closed in the middle of its answer");
	expect(&w, "HTTP/1.1 204 No Content\r\n\r\n", false, EPROTO, "body lacks 'ok'");
}

static void http_body_until_close(void **state)
{
	struct wr_conf_http_check w = want("", "ok");

	expect(&w, OK_LINE "\r\nall", false, -1, "");
	expect(&w, OK_LINE "\r\nall ok", false, 0, "HTTP 200");
	expect(&w, OK_LINE "\r\nall", true, EPROTO, "body lacks 'ok'");
	expect(&w, "HTTP/1.0 200 OK\r\n\r\n", true, EPROTO, "body lacks 'ok'");
}

static void http_body_chunked(void **state)
{
	struct wr_conf_http_check w = want("", "abcabd");

	expect(&w, OK_LINE "Transfer-Encoding: chunked\r\n\r\n4\r\nabca\r\n5;x=y\r\nbcabd\r\n",
		false, 0, "HTTP 200");
	expect(&w, OK_LINE "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nT: abcabd\r\n\r\n",
		false, EPROTO, "body lacks 'abcabd'");
	expect(&w, OK_LINE "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", false, EPROTO,
		"not HTTP: invalid character in chunk size header");
}

static void http_body_of_head(void **state)
{
	struct wr_conf_http_check w = want("", "");

	snprintf(w.method, sizeof(w.method), "HEAD");
	expect(&w, OK_LINE "Content-Length: 10\r\n\r\n", false, 0, "HTTP 200");
	snprintf(w.body, sizeof(w.body), "ok");
	expect(&w, OK_LINE "Content-Length: 10\r\n\r\n", false, EPROTO, "body lacks 'ok'");
}

// The needle's last byte is the last or the first beyond of what is looked at.
static void http_body_limit(void **state)
{
	struct wr_conf_http_check w = want("", "ok");
	static char text[CHECK_HTTP_BODY_MAX + 1000];
	int head = snprintf(text, sizeof(text), OK_LINE "Content-Length: 100000\r\n\r\n");
	size_t all = (size_t)head + CHECK_HTTP_BODY_MAX;
	struct wr_check_answer a;

	for (size_t step = 1; step < 20000; step = step * 3 + 1) {
		memset(text + head, 'k', sizeof(text) - (size_t)head);
		a = run(&w, text, all - 1, step, step, false);
		assert_int_equal(a.err, -1);
		a = run(&w, text, all, step, step, false);
		assert_int_equal(a.err, EPROTO);
		assert_string_equal(a.text, "first 16 KiB of body lack 'ok'");
		text[all - 1] = 'o';
		a = run(&w, text, all + 1, step, step, false);
		assert_int_equal(a.err, EPROTO);
		text[all - 2] = 'o';
		text[all - 1] = 'k';
		a = run(&w, text, all, step, step, false);
		assert_int_equal(a.err, 0);
	}
}

static void http_needle_of_any_length(void **state)
{
	struct wr_conf_http_check w = any;
	char text[400];

	for (size_t len = 1; len < sizeof(w.body); len++) {
		memset(w.body, 'a', len);
		w.body[len - 1] = 'b';
		w.body[len] = '\0';
		snprintf(text, sizeof(text), OK_LINE "\r\naaaaaaaaaaaaaaaaa%s", w.body);
		assert_int_equal(run(&w, text, strlen(text), 7, 11, true).err, 0);
		text[strlen(text) - 1] = 'a';
		assert_int_equal(run(&w, text, strlen(text), 7, 11, true).err, EPROTO);
	}
}

static void http_garbage(void **state)
{
	static const char zeroes[3];

	expect(&any, "SSH-2.0-OpenSSH_9.2\r\n", false, EPROTO, "not HTTP: invalid constant string");
	expect(&any, "HTTP/2.0 200 OK\r\n\r\n", false, EPROTO, "HTTP version 2.0, not 1.0 or 1.1");
	// A status below 100 is no interim answer: a body may follow it.
	expect(&any, "HTTP/1.1 1\r\n\r\nx", false, EPROTO, "HTTP 1");
	expect(&any, "HTTP/1.1 0\r\n\r\nx", false, EPROTO, "HTTP 0");
	expect(&any, "HTTP/1.1 abc\r\n\r\n", false, EPROTO, "not HTTP: invalid HTTP status code");
	expect(&any, OK_LINE "Content-Length: x\r\n\r\n", false, EPROTO,
		"not HTTP: invalid character in content-length header");
	judged(&any, zeroes, sizeof(zeroes), false, EPROTO, "not HTTP: invalid constant string");
}

static void http_early_close(void **state)
{
	struct check_http c;

	check_http_init(&c, &any);
	check_http_end(&c);
	assert_true(c.judged);
	assert_int_equal(c.answer.err, EPIPE);
	assert_string_equal(c.answer.text, "closed before an answer");
	expect(&any, OK_LINE "A: b\r\n", true, EPIPE, "closed in the middle of its answer");
	expect(&any, "H", true, EPIPE, "closed in the middle of its answer");
}

// A header, or interim answers, without an end.
static void http_endless(void **state)
{
	static const char *const lines[] = {"A: b\r\n", "HTTP/1.1 100 C\r\n\r\n"};
	static const char *const begins[] = {OK_LINE, ""};

	for (size_t i = 0; i < RTE_DIM(lines); i++) {
		struct check_http c;
		uint64_t fed = strlen(begins[i]);

		check_http_init(&c, &any);
		if (fed > 0)
			assert_false(
				check_http_feed(&c, (const uint8_t *)begins[i], (uint32_t)fed));
		while (!check_http_feed(&c, (const uint8_t *)lines[i], (uint32_t)strlen(lines[i])))
			fed += strlen(lines[i]);
		assert_in_range(fed, CHECK_HTTP_READ_MAX - 30, CHECK_HTTP_READ_MAX);
		assert_int_equal(c.answer.err, EMSGSIZE);
		assert_string_equal(c.answer.text, "header not over after 64 KiB");
		// Judged is judged.
		assert_true(check_http_feed(&c, (const uint8_t *)OK_LINE, 17));
		check_http_end(&c);
		assert_int_equal(c.answer.err, EMSGSIZE);
	}
}

static void http_text_is_clean(void **state)
{
	struct wr_conf_http_check w = want("", "a\tb\xc3\xa9");

	expect(&w, OK_LINE "Content-Length: 0\r\n\r\n", false, EPROTO,
		"body lacks 'a?b?"
		"?'");
	memset(w.body, 'x', sizeof(w.body) - 1);
	assert_int_equal(
		strlen(run(&w, OK_LINE "Content-Length: 0\r\n\r\n", 38, 38, 1, false).text), 63);
}

static void http_request(void **state)
{
	struct wr_conf_http_check w = any;
	char out[CHECK_HTTP_REQUEST_MAX];
	struct wr_endpoint at;
	uint32_t n;

	assert_int_equal(wr_endpoint_parse("198.18.1.7:80", &at), 0);
	n = check_http_request(&w, &at, out);
	assert_int_equal(n, strlen(out));
	assert_string_equal(out, "GET / HTTP/1.1\r\nHost: 198.18.1.7\r\nConnection: close\r\n"
				 "User-Agent: weir-check\r\n\r\n");
	assert_int_equal(wr_endpoint_parse("[2001:db8::7]:8080", &at), 0);
	snprintf(w.method, sizeof(w.method), "OPTIONS");
	snprintf(w.path, sizeof(w.path), "/health?x=1");
	check_http_request(&w, &at, out);
	assert_non_null(
		strstr(out, "OPTIONS /health?x=1 HTTP/1.1\r\nHost: [2001:db8::7]:8080\r\n"));
	snprintf(w.host, sizeof(w.host), "shop.example");
	check_http_request(&w, &at, out);
	assert_non_null(strstr(out, "\r\nHost: shop.example\r\n"));
	// The longest there can be is whole.
	memset(w.path, 'p', sizeof(w.path) - 1);
	memset(w.host, 'h', sizeof(w.host) - 1);
	n = check_http_request(&w, &at, out);
	assert_int_equal(n, strlen(out));
	assert_string_equal(out + n - 4, "\r\n\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http_status_ranges),
		cmocka_unit_test(http_status_does_not_wait),
		cmocka_unit_test(http_interim_answers),
		cmocka_unit_test(http_header),
		cmocka_unit_test(http_header_without_value),
		cmocka_unit_test(http_body_lengths),
		cmocka_unit_test(http_body_until_close),
		cmocka_unit_test(http_body_chunked),
		cmocka_unit_test(http_body_of_head),
		cmocka_unit_test(http_body_limit),
		cmocka_unit_test(http_needle_of_any_length),
		cmocka_unit_test(http_garbage),
		cmocka_unit_test(http_early_close),
		cmocka_unit_test(http_endless),
		cmocka_unit_test(http_text_is_clean),
		cmocka_unit_test(http_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_priv.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "http_id.h"

// HTTP/1.1 (RFC 9112), as an emulated backend speaks it: any method and path; /bytes/N asks for N
// bytes of body.

#define HEAD_MAX 256 // longest head of ours, checked by head_write()'s parts
#define NO_MATCH UINT8_MAX

static const char url_prefix[] = "/bytes/";
#define URL_LEN (sizeof(url_prefix) - 1)

// What the parser's callbacks need beside the connection.
struct reading {
	struct server *v;
	struct server_conn *s;
	const struct gen_now *now;
	bool reset;
};

static struct http_reader *reader_of(http_parser *p)
{
	return &((struct reading *)p->data)->s->http;
}

// --- requests ------------------------------------------------------------------------------------

static int on_begin(http_parser *p)
{
	struct http_reader *h = reader_of(p);

	h->inside = true;
	h->id = h->asked = 0;
	h->has_id = false;
	h->url = h->field = 0;
	h->in_value = false;
	return 0;
}

// Another decimal digit; false: none, or past what an answer may have.
static bool digit(uint32_t *value, char c, uint32_t max)
{
	uint64_t n;

	if (c < '0' || c > '9')
		return false;
	n = (uint64_t)*value * 10 + (uint32_t)(c - '0');
	*value = (uint32_t)RTE_MIN(n, (uint64_t)max);
	return n <= max;
}

// `url` counts the bytes of the prefix, then stands at URL_LEN + 1 while digits follow.
static int on_url(http_parser *p, const char *at, size_t len)
{
	struct http_reader *h = reader_of(p);

	for (size_t i = 0; i < len && h->url != NO_MATCH; i++) {
		if (h->url < URL_LEN)
			h->url = at[i] == url_prefix[h->url] ? h->url + 1 : NO_MATCH;
		else if (digit(&h->asked, at[i], SERVER_MAX_ANSWER))
			h->url = URL_LEN + 1;
		else
			return 1; // 400: neither a number nor one that is possible
	}
	return 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
	struct http_reader *h = reader_of(p);

	if (h->in_value) {
		h->in_value = false;
		h->field = 0;
	}
	h->field = http_id_match(h->field, at, len);
	return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
	struct http_reader *h = reader_of(p);

	h->in_value = true;
	if (likely(h->field != HTTP_ID_ALL))
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (at[i] == ' ' || at[i] == '\t')
			continue;
		if (!digit(&h->id, at[i], UINT32_MAX))
			return 1;
		h->has_id = true;
	}
	return 0;
}

// RFC 9110 7.8: an upgrade may be ignored; CONNECT cannot. The parser takes HTTP/0.9 as well.
static int on_headers(http_parser *p)
{
	if (p->method == HTTP_CONNECT || p->http_major != 1)
		return -1;
	p->upgrade = 0;
	return 0;
}

static int on_complete(http_parser *p)
{
	struct reading *reading = p->data;
	struct http_reader *h = &reading->s->http;
	struct server_request q = {
		// One without an id gets one, as the body follows from it.
		.id = h->has_id ? h->id : (uint32_t)reading->v->stats.requests,
		.asked = h->asked,
	};

	h->inside = false;
	if (h->url == URL_LEN + 1)
		q.flags |= REQUEST_ASKED;
	if (p->method == HTTP_HEAD)
		q.flags |= REQUEST_HEAD;
	if (!http_should_keep_alive(p))
		q.flags |= REQUEST_LAST;
	if (p->http_major == 1 && p->http_minor == 0)
		q.flags |= REQUEST_OLD;
	reading->reset = !server_request(reading->v, reading->s, &q, reading->now);
	// What follows the last request is not looked at (RFC 9112 9.6).
	if (q.flags & REQUEST_LAST)
		reading->s->ignore = true;
	return reading->reset || reading->s->ignore || reading->s->state == SERVER_OVER;
}

static const http_parser_settings callbacks = {
	.on_message_begin = on_begin,
	.on_url = on_url,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_message_complete = on_complete,
};

static void http_start(struct server_conn *s)
{
	http_parser_init(&s->http.parser, HTTP_REQUEST);
}

static bool http_partial(const struct server_conn *s)
{
	return s->http.inside;
}

static bool http_data(struct server *v, struct server_conn *s, const uint8_t *at, uint32_t len,
	const struct gen_now *now)
{
	struct reading reading = {.v = v, .s = s, .now = now};
	struct server_request bad = {.flags = REQUEST_BAD | REQUEST_LAST};
	http_parser *p = &s->http.parser;
	size_t n;

	p->data = &reading;
	n = http_parser_execute(p, &callbacks, (const char *)at, len);
	p->data = NULL;
	if (likely(n == len && HTTP_PARSER_ERRNO(p) == HPE_OK))
		return true;
	if (reading.reset || s->ignore)
		return !reading.reset;
	return server_request(v, s, &bad, now); // does nothing on a connection that is over
}

// --- answers -------------------------------------------------------------------------------------

static char *put(char *to, const char *text, size_t len)
{
	memcpy(to, text, len);
	return to + len;
}
#define PUT(to, literal) put(to, literal, sizeof(literal) - 1)

static char *put_number(char *to, uint32_t n)
{
	char digits[10];
	uint32_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	return put(to, digits + i, sizeof(digits) - i);
}

// The same bytes as often as it is called for an answer.
static uint16_t head_write(const struct server_conn *s, char head[HEAD_MAX])
{
	const struct server_answer *a = &s->answer;
	char *to = head;

	if (likely(a->status == SERVER_OK))
		to = PUT(to, "HTTP/1.1 200 OK\r\n");
	else if (a->status == SERVER_QUEUE_FULL)
		to = PUT(to, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n");
	else
		to = PUT(to, "HTTP/1.1 400 Bad Request\r\n");
	if (a->flags & ANSWER_CHUNKED) {
		to = PUT(to, "Transfer-Encoding: chunked\r\n");
	} else {
		to = PUT(to, "Content-Length: ");
		to = put_number(to, a->body);
		to = PUT(to, "\r\n");
	}
	to = PUT(to, "X-Weir-Gen-Id: ");
	to = put_number(to, s->request.id);
	if (a->flags & ANSWER_CLOSE)
		to = PUT(to, "\r\nConnection: close\r\n\r\n");
	else if (s->request.flags & REQUEST_OLD)
		to = PUT(to, "\r\nConnection: keep-alive\r\n\r\n");
	else
		to = PUT(to, "\r\n\r\n");
	return (uint16_t)(to - head);
}

// Size in hexadecimal, CRLF; returns its length. RFC 9112 7.1.
static uint32_t chunk_head(uint32_t size, char head[12])
{
	static const char hex[] = "0123456789abcdef";
	char digits[8];
	uint32_t i = sizeof(digits);
	uint32_t n;

	do {
		digits[--i] = hex[size & 15];
		size >>= 4;
	} while (size > 0);
	n = sizeof(digits) - i;
	memcpy(head, digits + i, n);
	head[n] = '\r';
	head[n + 1] = '\n';
	return n + 2;
}

static uint32_t chunk_wire(uint32_t size)
{
	char head[12];

	return size == 0 ? 0 : chunk_head(size, head) + size + 2;
}

static uint64_t chunks_wire(uint32_t body, uint32_t token_bytes)
{
	return (uint64_t)(body / token_bytes) * chunk_wire(token_bytes) +
	       chunk_wire(body % token_bytes) + 5;
}

static void http_layout(const struct server *v, struct server_conn *s)
{
	struct server_answer *a = &s->answer;
	char head[HEAD_MAX];

	// Where tiny chunks make it too long to be sent, it goes without them.
	if (v->conf->tokens > 0 && a->status == SERVER_OK &&
		(s->request.flags & (REQUEST_HEAD | REQUEST_OLD)) == 0 &&
		chunks_wire(a->body, v->conf->token_bytes) <= SERVER_MAX_ANSWER)
		a->flags |= ANSWER_CHUNKED;
	a->head = head_write(s, head);
	a->wire = a->head;
	if (a->flags & ANSWER_CHUNKED)
		a->wire += (uint32_t)chunks_wire(a->body, v->conf->token_bytes);
	else if ((s->request.flags & REQUEST_HEAD) == 0)
		a->wire += a->body;
}

static uint32_t http_piece_end(const struct server *v, const struct server_conn *s, uint32_t k)
{
	uint32_t size = v->conf->token_bytes;

	return s->answer.head + k * (s->answer.flags & ANSWER_CHUNKED ? chunk_wire(size) : size);
}

static void body_fill(const struct server_conn *s, uint8_t *to, uint32_t offset, uint32_t len)
{
	struct message m = {.answer = true, .id = s->request.id};

	m.length = MESSAGE_HEADER + s->answer.body;
	message_write(&m, to, MESSAGE_HEADER + offset, len);
}

// One chunk of `size` bytes of body from `body` on; `offset` counts from its first byte. Returns
// how many of `len` it wrote.
static uint32_t chunk_fill(const struct server_conn *s, uint8_t *to, uint32_t size, uint32_t body,
	uint32_t offset, uint32_t len)
{
	char head[12];
	uint32_t n = chunk_head(size, head);

	if (offset < n) {
		len = RTE_MIN(len, n - offset);
		memcpy(to, head + offset, len);
	} else if (offset < n + size) {
		len = RTE_MIN(len, n + size - offset);
		body_fill(s, to, body + offset - n, len);
	} else {
		len = RTE_MIN(len, n + size + 2 - offset);
		memcpy(to, &"\r\n"[offset - n - size], len);
	}
	return len;
}

// Chunks of one token each, a shorter one for the rest, and the end: a chunk of 0 bytes.
static uint32_t chunks_fill(const struct server *v, const struct server_conn *s, uint8_t *to,
	uint32_t offset, uint32_t len)
{
	uint32_t size = v->conf->token_bytes;
	uint32_t wire = chunk_wire(size);
	uint32_t full = s->answer.body / size;
	uint32_t k = RTE_MIN(offset / wire, full);
	uint32_t rest = s->answer.body - full * size;
	static const char end[] = "0\r\n\r\n";

	offset -= k * wire;
	if (k < full)
		return chunk_fill(s, to, size, k * size, offset, len);
	if (offset < chunk_wire(rest))
		return chunk_fill(s, to, rest, full * size, offset, len);
	offset -= chunk_wire(rest);
	len = RTE_MIN(len, (uint32_t)sizeof(end) - 1 - offset);
	memcpy(to, end + offset, len);
	return len;
}

static void http_fill(const struct server *v, const struct server_conn *s, uint8_t *to,
	uint32_t offset, uint32_t len)
{
	const struct server_answer *a = &s->answer;
	char head[HEAD_MAX];
	uint32_t n;

	if (offset < a->head) {
		head_write(s, head);
		n = RTE_MIN(len, a->head - offset);
		memcpy(to, head + offset, n);
		to += n;
		offset += n;
		len -= n;
	}
	if ((a->flags & ANSWER_CHUNKED) == 0) {
		if (len > 0)
			body_fill(s, to, offset - a->head, len);
		return;
	}
	while (len > 0) {
		n = chunks_fill(v, s, to, offset - a->head, len);
		to += n;
		offset += n;
		len -= n;
	}
}

const struct server_protocol http_server = {
	.start = http_start,
	.data = http_data,
	.partial = http_partial,
	.layout = http_layout,
	.piece_end = http_piece_end,
	.fill = http_fill,
};

/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_http.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "check_answer.h"

// --- a text in a stream -----------------------------------------------------------------------

static void needle_init(struct check_needle *n, const char *text, size_t len)
{
	memset(n, 0, sizeof(*n));
	n->len = (uint8_t)(len < sizeof(n->text) ? len : sizeof(n->text) - 1);
	memcpy(n->text, text, n->len);
	for (uint8_t i = 1, k = 0; i < n->len; i++) {
		while (k > 0 && n->text[i] != n->text[k])
			k = n->back[k - 1];
		k = (uint8_t)(k + (n->text[i] == n->text[k]));
		n->back[i] = k;
	}
}

// A stream begins.
static void needle_begin(struct check_needle *n)
{
	n->at = 0;
	n->found = n->found || n->len == 0;
}

static void needle_feed(struct check_needle *n, const char *at, size_t len)
{
	for (size_t i = 0; i < len && !n->found; i++) {
		while (n->at > 0 && n->text[n->at] != at[i])
			n->at = n->back[n->at - 1];
		n->at = (uint8_t)(n->at + (n->text[n->at] == at[i]));
		n->found = n->at == n->len;
	}
}

// --- the answer --------------------------------------------------------------------------------

// Ends the parser's work: a callback that returns this.
#define STOP (-1)

static struct check_http *check_of(http_parser *p)
{
	return p->data;
}

static int pass(struct check_http *c)
{
	check_answer_set(&c->answer, 0, "HTTP %u", c->answer.status);
	c->judged = true;
	return STOP;
}

static int fail(struct check_http *c)
{
	c->judged = true;
	return STOP;
}

// RFC 9110 15.2: an interim answer is followed by the final one; 101 is none, as after it HTTP is
// over.
static bool interim(const http_parser *p)
{
	return p->status_code / 100 == 1 && p->status_code != HTTP_STATUS_SWITCHING_PROTOCOLS;
}

static int on_begin(http_parser *p)
{
	struct check_http *c = check_of(p);

	c->name_at = 0;
	c->name_differs = c->in_value = c->header_seen = false;
	c->value.found = false;
	return 0;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
	struct check_http *c = check_of(p);

	if (c->in_value) {
		c->in_value = false;
		c->name_at = 0;
		c->name_differs = false;
	}
	// RFC 9110 5.1: names are case-insensitive
	if (c->name_differs || len > (size_t)(c->name_len - c->name_at) ||
		strncasecmp(at, c->name + c->name_at, len) != 0) {
		c->name_differs = true;
		return 0;
	}
	c->name_at = (uint8_t)(c->name_at + len);
	return 0;
}

static bool in_wanted_header(const struct check_http *c)
{
	return c->name_len > 0 && !c->name_differs && c->name_at == c->name_len;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
	struct check_http *c = check_of(p);

	if (c->headers_over) // a trailer
		return 0;
	if (!c->in_value) {
		c->in_value = true;
		if (in_wanted_header(c)) {
			c->header_seen = true;
			needle_begin(&c->value);
		}
	}
	if (in_wanted_header(c))
		needle_feed(&c->value, at, len);
	return 0;
}

static int on_headers(http_parser *p)
{
	struct check_http *c = check_of(p);

	if (p->http_major != 1) {
		check_answer_set(&c->answer, EPROTO, "HTTP version %u.%u, not 1.0 or 1.1",
			p->http_major, p->http_minor);
		return fail(c);
	}
	if (interim(p))
		return 0;
	c->headers_over = true;
	c->answer.status = (uint16_t)p->status_code;
	if (p->status_code < c->status_first || p->status_code > c->status_last) {
		check_answer_set(&c->answer, EPROTO, "HTTP %u", p->status_code);
		return fail(c);
	}
	if (c->name_len > 0 && !c->value.found) {
		if (c->header_seen)
			check_answer_set(
				&c->answer, EPROTO, "header %s lacks '%s'", c->name, c->value.text);
		else
			check_answer_set(&c->answer, EPROTO, "no header %s", c->name);
		return fail(c);
	}
	if (c->content.len == 0)
		return pass(c);
	return c->head ? 1 : 0; // 1: no body, whatever its length says (RFC 9112 6.3)
}

static int on_body(http_parser *p, const char *at, size_t len)
{
	struct check_http *c = check_of(p);
	size_t left = CHECK_HTTP_BODY_MAX - c->body;

	needle_feed(&c->content, at, len < left ? len : left);
	if (c->content.found)
		return pass(c);
	if (len >= left) {
		check_answer_set(&c->answer, EPROTO, "first %u KiB of body lack '%s'",
			CHECK_HTTP_BODY_MAX >> 10, c->content.text);
		return fail(c);
	}
	c->body += (uint32_t)len;
	return 0;
}

static int on_complete(http_parser *p)
{
	struct check_http *c = check_of(p);

	if (!c->headers_over)
		return 0;
	check_answer_set(&c->answer, EPROTO, "body lacks '%s'", c->content.text);
	return fail(c);
}

static const http_parser_settings callbacks = {
	.on_message_begin = on_begin,
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

void check_http_init(struct check_http *c, const struct wr_conf_http_check *want)
{
	const char *colon = strchr(want->header, ':');
	size_t name = colon != NULL ? (size_t)(colon - want->header) : strlen(want->header);
	const char *value = want->header + name + (colon != NULL);
	size_t len;

	memset(c, 0, sizeof(*c));
	http_parser_init(&c->parser, HTTP_RESPONSE);
	c->status_first = want->status_first;
	c->status_last = want->status_last;
	c->head = strcmp(want->method, "HEAD") == 0;
	while (name > 0 && isspace((unsigned char)want->header[name - 1]))
		name--;
	c->name_len = (uint8_t)name;
	memcpy(c->name, want->header, name);
	while (isspace((unsigned char)*value))
		value++;
	len = strlen(value);
	while (len > 0 && isspace((unsigned char)value[len - 1]))
		len--;
	needle_init(&c->value, value, len);
	needle_init(&c->content, want->body, strlen(want->body));
	needle_begin(&c->content);
}

bool check_http_feed(struct check_http *c, const uint8_t *data, uint32_t len)
{
	uint32_t most = CHECK_HTTP_READ_MAX - c->read;
	uint32_t part = len < most ? len : most;
	size_t n;

	if (c->judged || part == 0)
		return c->judged;
	c->parser.data = c;
	n = http_parser_execute(&c->parser, &callbacks, (const char *)data, part);
	c->read += part;
	if (c->judged)
		return true;
	if (n != part || HTTP_PARSER_ERRNO(&c->parser) != HPE_OK) {
		check_answer_set(&c->answer, EPROTO, "not HTTP: %s",
			http_errno_description(HTTP_PARSER_ERRNO(&c->parser)));
		c->judged = true;
	} else if (c->read == CHECK_HTTP_READ_MAX) {
		check_answer_set(&c->answer, EMSGSIZE, "%s after %u KiB",
			c->headers_over ? "answer not over" : "header not over",
			CHECK_HTTP_READ_MAX >> 10);
		c->judged = true;
	}
	return c->judged;
}

void check_http_end(struct check_http *c)
{
	if (c->judged)
		return;
	c->parser.data = c;
	http_parser_execute(&c->parser, &callbacks, NULL, 0);
	// RFC 9112 8: incomplete
	if (!c->judged)
		check_answer_ended(
			&c->answer, WR_TCP_END_CLOSED, c->read == 0 ? CHECK_ASKED : CHECK_READING);
	c->judged = true;
}

// --- the request --------------------------------------------------------------------------------

uint32_t check_http_request(const struct wr_conf_http_check *want, const struct wr_endpoint *at,
	char out[CHECK_HTTP_REQUEST_MAX])
{
	const char *method = want->method[0] != '\0' ? want->method : "GET";
	const char *path = want->path[0] != '\0' ? want->path : "/";
	char addr[WR_ADDR_STR], own[WR_ADDR_STR + 16];
	const char *host = want->host;
	bool v4 = wr_addr_is_v4(&at->addr);
	int n;

	// RFC 3986 3.2.2: IPv6 in brackets; RFC 9110 4.2.1: 80 is the default
	if (host[0] == '\0') {
		n = snprintf(own, sizeof(own), v4 ? "%s" : "[%s]",
			wr_addr_format(&at->addr, addr, sizeof(addr)));
		if (at->port != 80)
			snprintf(own + n, sizeof(own) - (size_t)n, ":%u", at->port);
		host = own;
	}
	n = snprintf(out, CHECK_HTTP_REQUEST_MAX,
		"%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\nUser-Agent: weir-check\r\n\r\n",
		method, path, host);
	return (uint32_t)n < CHECK_HTTP_REQUEST_MAX ? (uint32_t)n : CHECK_HTTP_REQUEST_MAX - 1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "http_id.h"

// HTTP/1.1 (RFC 9112), as a client speaks it. A request carries its id; an answer that carries one
// (a weir-gen backend's does) must carry the same, and its body is verified.

#define HEAD_MAX 1024 // path, host and what is around them

// --- requests --------------------------------------------------------------------------------

static int make_head(struct client *c, bool last, struct wr_err *err)
{
	const struct gen_client *conf = &c->conf;
	bool close = last && conf->close == GEN_CLOSE_SERVER;
	char path[GEN_PATH_LEN];
	char *text = malloc(HEAD_MAX);
	int n;

	if (text == NULL)
		return wr_err_set(err, ENOMEM, "clients %s: out of memory", conf->name);
	c->head[last] = text;
	snprintf(path, sizeof(path), "%s", conf->path[0] != 0 ? conf->path : "/");
	// A weir-gen backend gives as many bytes as such a path says.
	if (conf->answer_bytes != 0 && strcmp(path, "/") == 0)
		snprintf(path, sizeof(path), "/bytes/%u", conf->answer_bytes);
	n = snprintf(text, HEAD_MAX,
		"%s %s HTTP/1.1\r\nX-Weir-Gen-Id: ", conf->request_bytes > 0 ? "POST" : "GET",
		path);
	c->head_id = (uint32_t)n;
	n += snprintf(text + n, HEAD_MAX - (size_t)n, "%0*u\r\nHost: %s\r\n%s", CLIENT_HTTP_ID, 0,
		conf->host[0] != 0 ? conf->host : "weir-gen", close ? "Connection: close\r\n" : "");
	if (conf->request_bytes > 0)
		n += snprintf(text + n, HEAD_MAX - (size_t)n, "Content-Length: %u\r\n",
			conf->request_bytes);
	n += snprintf(text + n, HEAD_MAX - (size_t)n, "\r\n");
	c->head_bytes[last] = (uint32_t)n;
	c->request_bytes[last] = (uint32_t)n + conf->request_bytes;
	return 0;
}

int client_http_init(struct client *c, struct wr_err *err)
{
	int rc = make_head(c, false, err);

	return rc != 0 ? rc : make_head(c, true, err);
}

void client_http_fini(struct client *c)
{
	free(c->head[0]);
	free(c->head[1]);
}

static void write_head(
	const struct client *c, uint32_t id, bool last, uint8_t *to, uint32_t offset, uint32_t len)
{
	char digits[CLIENT_HTTP_ID];
	uint32_t at;

	memcpy(to, c->head[last] + offset, len);
	for (uint32_t i = CLIENT_HTTP_ID; i > 0; i--, id /= 10)
		digits[i - 1] = (char)('0' + id % 10);
	for (uint32_t i = 0; i < CLIENT_HTTP_ID; i++) {
		at = c->head_id + i;
		if (at >= offset && at < offset + len)
			to[at - offset] = (uint8_t)digits[i];
	}
}

static void http_fill(
	const struct client *c, uint32_t id, bool last, uint8_t *to, uint32_t offset, uint32_t len)
{
	struct message m = {.id = id};
	uint32_t head = c->head_bytes[last];
	uint32_t n;

	if (offset < head) {
		n = RTE_MIN(len, head - offset);
		write_head(c, id, last, to, offset, n);
		to += n;
		offset += n;
		len -= n;
	}
	if (len > 0)
		message_write(&m, to, MESSAGE_HEADER + offset - head, len);
}

// --- answers ---------------------------------------------------------------------------------

// What the parser's callbacks need.
struct reading {
	const struct client *c;
	struct visit *v;
};

static struct visit_http *http_of(http_parser *p)
{
	return &((struct reading *)p->data)->v->http;
}

static int on_field(http_parser *p, const char *at, size_t len)
{
	struct visit_http *h = http_of(p);

	if (h->in_value) {
		h->in_value = false;
		h->field = 0;
	}
	h->field = http_id_match(h->field, at, len);
	return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
	struct visit_http *h = http_of(p);

	h->in_value = true;
	if (h->field != HTTP_ID_ALL)
		return 0;
	for (size_t i = 0; i < len; i++) {
		if (at[i] >= '0' && at[i] <= '9') {
			h->id = h->id * 10 + (uint32_t)(at[i] - '0');
			h->has_id = true;
		}
	}
	return 0;
}

// RFC 9110 15.2: an interim answer is followed by the final one.
static bool interim(const http_parser *p)
{
	return p->status_code < 200;
}

static int on_headers(http_parser *p)
{
	const struct reading *r = p->data;
	struct visit_http *h = &r->v->http;

	h->wrong = h->has_id && h->id != r->v->id;
	return h->wrong ? -1 : 0;
}

static int on_body(http_parser *p, const char *at, size_t len)
{
	const struct reading *r = p->data;
	struct visit_http *h = &r->v->http;

	if (h->has_id && r->c->verify)
		h->wrong = !message_verify(
			h->id, (const uint8_t *)at, MESSAGE_HEADER + h->body, (uint32_t)len);
	h->body += (uint32_t)len;
	return h->wrong;
}

static int on_complete(http_parser *p)
{
	const struct reading *r = p->data;
	struct visit *v = r->v;

	if (interim(p)) {
		v->http.field = 0;
		v->http.id = 0;
		v->http.has_id = v->http.in_value = false;
		return 0;
	}
	v->http.complete = true;
	if (!http_should_keep_alive(p))
		v->flags |= VISIT_F_GONE;
	if (p->status_code == 503)
		v->outcome = GEN_ERROR_queue_full;
	else if (p->status_code >= 300)
		v->outcome = GEN_ERROR_http_status;
	else if (r->c->conf.answer_bytes != 0 && v->http.body != r->c->conf.answer_bytes)
		v->http.wrong = true;
	// What follows was not asked for, and must be seen by the caller.
	http_parser_pause(p, 1);
	return 0;
}

static const http_parser_settings callbacks = {
	.on_header_field = on_field,
	.on_header_value = on_value,
	.on_headers_complete = on_headers,
	.on_body = on_body,
	.on_message_complete = on_complete,
};

static void http_begin(struct visit *v)
{
	memset(&v->http, 0, sizeof(v->http));
	http_parser_init(&v->http.parser, HTTP_RESPONSE);
}

static size_t run(struct client *c, struct visit *v, const uint8_t *at, uint32_t len)
{
	struct reading reading = {.c = c, .v = v};
	size_t n;

	v->http.parser.data = &reading;
	n = http_parser_execute(&v->http.parser, &callbacks, (const char *)at, len);
	v->http.parser.data = NULL;
	return n;
}

static enum client_take http_take(
	struct client *c, struct visit *v, const uint8_t *at, uint32_t len, uint32_t *used)
{
	*used = (uint32_t)run(c, v, at, len);
	v->got += *used;
	if (unlikely(v->http.wrong))
		return CLIENT_TAKE_WRONG;
	if (v->http.complete)
		return CLIENT_TAKE_DONE;
	return *used == len && HTTP_PARSER_ERRNO(&v->http.parser) == HPE_OK ? CLIENT_TAKE_MORE
	                                                                    : CLIENT_TAKE_WRONG;
}

// RFC 9112 6.3: without a length the body ends with the connection.
static enum client_take http_end(struct client *c, struct visit *v)
{
	run(c, v, NULL, 0);
	if (unlikely(v->http.wrong))
		return CLIENT_TAKE_WRONG;
	return v->http.complete ? CLIENT_TAKE_DONE : CLIENT_TAKE_MORE;
}

const struct client_protocol client_http = {
	.begin = http_begin,
	.take = http_take,
	.end = http_end,
	.fill = http_fill,
};

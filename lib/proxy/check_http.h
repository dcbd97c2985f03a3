/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <http_parser.h>

#include "wr_backend.h"

// An HTTP/1 check: the request, and the judgement of what comes back (RFC 9112), parsed by
// http-parser. Pure: bytes in, an answer out, as soon as nothing that follows could change it.

#define CHECK_HTTP_READ_MAX    (64u << 10) // bytes of an answer that are looked at
#define CHECK_HTTP_BODY_MAX    (16u << 10) // of its body
#define CHECK_HTTP_REQUEST_MAX 1024        // method 7, path 255, host 255, the rest

// A text looked for in a stream that comes in pieces (Knuth, Morris, Pratt 1977).
struct check_needle {
	char text[128];
	uint8_t back[128]; // longest border of text[0..i]
	uint8_t len, at;
	bool found;
};

struct check_http {
	http_parser parser;
	struct wr_check_answer answer; // once judged
	uint16_t status_first, status_last;
	bool head; // HEAD was asked: no body follows
	bool judged;
	bool headers_over; // of the final answer
	char name[128];    // of the header that must be there; "": any
	uint8_t name_len, name_at;
	bool name_differs, in_value, header_seen;
	uint32_t read, body;
	struct check_needle value, content;
};

// `want` is copied.
void check_http_init(struct check_http *c, const struct wr_conf_http_check *want);
// True: judged; what follows is not looked at.
bool check_http_feed(struct check_http *c, const uint8_t *data, uint32_t len);
// The backend ended its stream: judged now.
void check_http_end(struct check_http *c);

// Write the request for a backend at `at`. Returns its length.
uint32_t check_http_request(const struct wr_conf_http_check *want, const struct wr_endpoint *at,
	char out[CHECK_HTTP_REQUEST_MAX]);

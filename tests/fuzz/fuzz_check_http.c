/* SPDX-License-Identifier: BSD-3-Clause */

// What a backend answers to a check, or an agent writes: flags, a seed of how the stream is cut,
// the header and the text of the body that must be there, each ended by a NUL byte, then the
// stream. Whole, cut and byte by byte it is judged the same, in words that can be shown.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_agent.h"
#include "check_http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define F_AGENT 0x1
#define F_HEAD  0x2
#define F_ENDS  0x4

struct stream {
	struct wr_conf_http_check want;
	bool agent, ends;
	const uint8_t *data;
	size_t len;
};

static void require(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void take_text(const uint8_t **data, size_t *size, char *out, size_t room)
{
	size_t n = strnlen((const char *)*data, *size);

	snprintf(out, room, "%.*s", (int)n, (const char *)*data);
	n += n < *size;
	*data += n;
	*size -= n;
}

static bool feed(struct check_http *h, struct check_agent *a, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len); // exactly as long: an over-read is seen
	bool judged;

	memcpy(copy, data, len);
	judged = a != NULL ? check_agent_feed(a, copy, (uint32_t)len)
	                   : check_http_feed(h, copy, (uint32_t)len);
	free(copy);
	return judged;
}

// `seed` 0: whole; 1: byte by byte; else pieces by chance.
static struct wr_check_answer judge(const struct stream *s, uint32_t seed)
{
	struct check_agent agent, *a = s->agent ? &agent : NULL;
	struct check_http http;
	bool judged = false;

	check_agent_init(&agent);
	check_http_init(&http, &s->want);
	for (size_t at = 0, n; at < s->len && !judged; at += n) {
		n = seed == 0   ? s->len
		    : seed == 1 ? 1
		                : 1 + (seed = seed * 1103515245u + 12345u) % 97;
		n = n < s->len - at ? n : s->len - at;
		judged = feed(&http, a, s->data + at, n);
	}
	if (s->ends) {
		if (a != NULL)
			check_agent_end(a);
		else
			check_http_end(&http);
	}
	if (!(a != NULL ? agent.judged : http.judged)) {
		require(!s->ends, "a stream that ended is not judged");
		return (struct wr_check_answer){.err = -1};
	}
	require(feed(&http, a, (const uint8_t *)"x", 1), "taken back");
	return a != NULL ? agent.answer : http.answer;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stream s = {.want = {.status_first = 200, .status_last = 399}};
	struct wr_check_answer a, b;
	uint32_t seed;

	if (size < 2)
		return 0;
	s.agent = data[0] & F_AGENT;
	s.ends = data[0] & F_ENDS;
	strcpy(s.want.method, data[0] & F_HEAD ? "HEAD" : "GET");
	seed = 2u + data[1];
	data += 2;
	size -= 2;
	take_text(&data, &size, s.want.header, sizeof(s.want.header));
	take_text(&data, &size, s.want.body, sizeof(s.want.body));
	s.data = data;
	s.len = size;
	a = judge(&s, 0);
	b = judge(&s, 1);
	require(memcmp(&a, &b, sizeof(a)) == 0, "byte by byte it is judged otherwise");
	b = judge(&s, seed);
	require(memcmp(&a, &b, sizeof(a)) == 0, "in pieces it is judged otherwise");
	require(a.err != 0 || a.agent == 0 || s.agent, "an agent's word in HTTP");
	require(strnlen(a.text, sizeof(a.text)) < sizeof(a.text), "text without an end");
	require(a.err < 0 || a.text[0] != '\0', "no words");
	for (const char *c = a.text; *c != '\0'; c++)
		require(*c >= ' ' && *c <= '~', "text that cannot be shown");
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_priv.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

// The raw protocol (message.h), as a backend speaks it.

static void raw_start(struct server_conn *s)
{
	s->raw = (struct raw_reader){0};
}

static bool raw_partial(const struct server_conn *s)
{
	return s->raw.got > 0;
}

// Take header bytes in; returns how many. The header is complete when `got` reaches its length.
static uint32_t read_header(struct raw_reader *r, const uint8_t *at, uint32_t len)
{
	uint32_t n = RTE_MIN(len, MESSAGE_HEADER - r->got);

	memcpy(r->header + r->got, at, n);
	r->got += n;
	return n;
}

static bool read_message(struct raw_reader *r)
{
	struct message m;

	if (!message_read(r->header, &m) || m.answer || m.value > SERVER_MAX_ANSWER)
		return false;
	r->id = m.id;
	r->length = m.length;
	r->asked = m.value;
	return true;
}

static uint32_t read_body(struct server *v, struct raw_reader *r, const uint8_t *at, uint32_t len)
{
	uint32_t n = RTE_MIN(len, r->length - r->got);

	if (v->verify && n > 0 && !r->wrong)
		r->wrong = !message_verify(r->id, at, r->got, n);
	r->got += n;
	return n;
}

static bool complete(struct server *v, struct server_conn *s, const struct gen_now *now)
{
	struct raw_reader *r = &s->raw;
	struct server_request q = {.id = r->id, .asked = r->asked};

	if (r->asked != 0)
		q.flags = REQUEST_ASKED;
	if (unlikely(r->wrong))
		v->stats.wrong_bytes++;
	r->got = 0;
	r->wrong = false;
	return server_request(v, s, &q, now);
}

static bool raw_data(struct server *v, struct server_conn *s, const uint8_t *at, uint32_t len,
	const struct gen_now *now)
{
	struct raw_reader *r = &s->raw;
	uint32_t n;

	while (len > 0 && s->state != SERVER_OVER) {
		if (r->got < MESSAGE_HEADER) {
			n = read_header(r, at, len);
			at += n;
			len -= n;
			if (r->got < MESSAGE_HEADER)
				return true;
			if (unlikely(!read_message(r))) {
				v->stats.bad_requests++;
				return false;
			}
		}
		n = read_body(v, r, at, len);
		at += n;
		len -= n;
		if (r->got == r->length && unlikely(!complete(v, s, now)))
			return false;
	}
	return true;
}

static void raw_layout(const struct server *v, struct server_conn *s)
{
	struct server_answer *a = &s->answer;

	a->head = MESSAGE_HEADER;
	a->wire = MESSAGE_HEADER + a->body;
}

static uint32_t raw_piece_end(const struct server *v, const struct server_conn *s, uint32_t k)
{
	return s->answer.head + k * v->conf->token_bytes;
}

static void raw_fill(const struct server *v, const struct server_conn *s, uint8_t *to,
	uint32_t offset, uint32_t len)
{
	struct message m = {
		.answer = true,
		.id = s->request.id,
		.length = s->answer.wire,
		.value = s->answer.status == SERVER_QUEUE_FULL ? MESSAGE_QUEUE_FULL : MESSAGE_OK,
	};

	message_write(&m, to, offset, len);
}

const struct server_protocol raw_server = {
	.start = raw_start,
	.data = raw_data,
	.partial = raw_partial,
	.layout = raw_layout,
	.piece_end = raw_piece_end,
	.fill = raw_fill,
};

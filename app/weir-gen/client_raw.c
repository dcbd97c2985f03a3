/* SPDX-License-Identifier: BSD-3-Clause */
#include "client_priv.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

// The raw protocol (message.h), as a client speaks it.

static void raw_begin(struct visit *v)
{
	v->want = 0;
}

// The header says what the rest is. False: not an answer to what was asked.
static bool read_header(const struct client *c, struct visit *v)
{
	uint32_t asked = c->conf.answer_bytes;
	struct message m;

	if (!message_read(v->header, &m) || !m.answer || m.id != v->id)
		return false;
	v->want = m.length;
	if (m.value == MESSAGE_QUEUE_FULL) {
		v->outcome = GEN_ERROR_queue_full;
		return m.length == MESSAGE_HEADER;
	}
	return m.value == MESSAGE_OK && (asked == 0 || m.length == RTE_MAX(asked, MESSAGE_HEADER));
}

static enum client_take raw_take(
	struct client *c, struct visit *v, const uint8_t *at, uint32_t len, uint32_t *used)
{
	uint32_t n = 0;
	uint32_t body;

	if (v->got < MESSAGE_HEADER) {
		n = RTE_MIN(len, MESSAGE_HEADER - v->got);
		memcpy(v->header + v->got, at, n);
		v->got += n;
		if (v->got < MESSAGE_HEADER) {
			*used = n;
			return CLIENT_TAKE_MORE;
		}
		if (unlikely(!read_header(c, v)))
			return CLIENT_TAKE_WRONG;
	}
	body = RTE_MIN(len - n, v->want - v->got);
	if (c->verify && unlikely(!message_verify(v->id, at + n, v->got, body)))
		return CLIENT_TAKE_WRONG;
	v->got += body;
	*used = n + body;
	return v->got == v->want ? CLIENT_TAKE_DONE : CLIENT_TAKE_MORE;
}

static enum client_take raw_end(struct client *c, struct visit *v)
{
	return CLIENT_TAKE_MORE;
}

static void raw_fill(
	const struct client *c, uint32_t id, bool last, uint8_t *to, uint32_t offset, uint32_t len)
{
	struct message m = {
		.id = id,
		.length = c->request_bytes[0],
		.value = c->conf.answer_bytes,
	};

	message_write(&m, to, offset, len);
}

const struct client_protocol client_raw = {
	.begin = raw_begin,
	.take = raw_take,
	.end = raw_end,
	.fill = raw_fill,
};

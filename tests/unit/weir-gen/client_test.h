/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include <rte_mbuf.h>

#include "client.h"
#include "ep.h"
#include "message.h"
#include "wr_build.h"
#include "wr_parse.h"

// Clients over their real endpoint, a wire without delay, and a small server that does as the test
// says; all on one virtual clock. One rig a program.

#define RIG_CONNS 4096

enum rig_mode {
	RIG_OK,
	RIG_QUEUE_FULL,
	RIG_SILENT,
	RIG_RESET,   // as the request arrives
	RIG_CLOSE,   // FIN in place of the answer
	RIG_PARTIAL, // half of the answer, then FIN
	RIG_TEXT,    // HTTP: rig.text, where each # stands for the request's id
};

struct rig_conn { // the server's, in its endpoint
	uint8_t *in, *out;
	uint32_t in_len, out_len, sent;
	bool fin, closing, answered;
	struct rig_conn *next; // rest of an answer to be sent
	struct ep_conn *conn;
};

static struct rig {
	struct gen_now now;
	struct ep_stack *near, *far;
	struct gen_client conf;
	struct client *client;
	struct wr_stats stats;
	bool verify;
	// another server in place of this one
	uint32_t far_app;
	uint32_t (*poll)(void);
	wr_us_t (*next)(void);
	// the server
	enum rig_mode mode;
	uint32_t bad_conns; // `mode` holds for so many connections, then RIG_OK; 0: always
	uint32_t answer_bytes;
	int64_t flip;     // byte of the answer that is changed; -1: none
	uint32_t cut;     // the answer comes in two pieces, the first of this size
	uint32_t more;    // bytes behind the answer
	bool close_after; // FIN behind each answer
	bool drops;       // the wire loses everything
	bool early;       // answers come as soon as the request's header is there
	const char *text;
	struct rig_conn *rest;
	uint32_t opened, requests, fins, resets, fin_before_answer, ended;
	uint32_t wrong_family;
	uint32_t most_open;
	char request[4096]; // the last one
	uint64_t answered_ns;
} rig;

static struct rte_mempool *rig_pool;

static inline const struct gen_client_stats *stats(void)
{
	return client_stats(rig.client);
}

// --- the server -------------------------------------------------------------------------------

static void rig_opened(struct ep_conn *conn, const struct gen_now *now)
{
	const struct wr_tuple *t = ep_tuple(conn);
	struct rig_conn *s = ep_app(conn);

	s->conn = conn;
	rig.opened++;
	rig.wrong_family += wr_addr_is_v4(&t->local) != wr_addr_is_v4(&t->remote);
}

static void rig_put(struct rig_conn *s, const void *bytes, uint32_t len)
{
	s->out = realloc(s->out, s->out_len + len);
	memcpy(s->out + s->out_len, bytes, len);
	s->out_len += len;
}

static void rig_send(struct rig_conn *s)
{
	uint32_t begin = s->sent;
	uint32_t n = s->out_len - begin;

	if (rig.flip >= 0 && rig.flip < n)
		s->out[begin + rig.flip] ^= 1;
	if (rig.cut > 0 && rig.cut < n) {
		n = rig.cut;
		s->next = rig.rest;
		rig.rest = s;
	}
	ep_send(s->conn, n);
	s->sent += n;
	if (s->sent == s->out_len && s->closing && !s->fin) {
		ep_fin(s->conn);
		s->fin = true;
	}
}

static void rig_answer_raw(struct rig_conn *s, const struct message *q)
{
	struct message a = {.answer = true, .id = q->id};
	uint8_t *bytes;

	a.length = q->value != 0 ? q->value : rig.answer_bytes;
	if (a.length < MESSAGE_HEADER)
		a.length = MESSAGE_HEADER;
	if (rig.mode == RIG_QUEUE_FULL) {
		a.length = MESSAGE_HEADER;
		a.value = MESSAGE_QUEUE_FULL;
	}
	bytes = calloc(1, a.length + rig.more);
	message_write(&a, bytes, 0, a.length);
	if (rig.mode == RIG_PARTIAL)
		a.length /= 2;
	rig_put(s, bytes, a.length + rig.more);
	free(bytes);
}

static void rig_answer_text(struct rig_conn *s, uint32_t id)
{
	uint8_t body[4096];
	char number[16];
	struct message m = {.answer = true, .id = id};
	uint32_t n;

	snprintf(number, sizeof(number), "%u", id);
	for (const char *at = rig.text; *at != 0; at++) {
		if (*at == '#') {
			rig_put(s, number, (uint32_t)strlen(number));
		} else if (*at == '$') { // $nnnn,oooo: that many bytes of body from offset on
			uint32_t offset = (uint32_t)atoi(at + 6);

			n = (uint32_t)atoi(at + 1);
			message_write(&m, body, MESSAGE_HEADER + offset, n);
			rig_put(s, body, n);
			at += 9;
		} else {
			rig_put(s, at, 1);
		}
	}
}

static void rig_answer(struct rig_conn *s, const struct message *q, const struct gen_now *now)
{
	rig.requests++;
	rig.fin_before_answer += s->fin;
	if (rig.bad_conns != 0 && rig.opened > rig.bad_conns)
		rig.mode = RIG_OK;
	switch (rig.mode) {
	case RIG_SILENT:
		return;
	case RIG_RESET:
		free(s->in);
		free(s->out);
		rig.ended++;
		ep_abort(s->conn, now);
		return;
	case RIG_CLOSE:
		ep_fin(s->conn);
		s->fin = true;
		return;
	case RIG_TEXT:
		rig_answer_text(s, q->id);
		break;
	default:
		rig_answer_raw(s, q);
		break;
	}
	s->closing = rig.close_after || rig.mode == RIG_PARTIAL;
	rig_send(s);
}

// False: not complete.
static bool rig_request(struct rig_conn *s, struct message *q, uint32_t *len)
{
	const char *end, *id, *length;

	if (rig.conf.protocol == GEN_PROTOCOL_RAW) {
		if (s->in_len < MESSAGE_HEADER)
			return false;
		assert_true(message_read(s->in, q));
		assert_false(q->answer);
		*len = q->length;
		if (s->in_len < q->length)
			return false;
		assert_true(message_verify(q->id, s->in + 16, 16, q->length - 16));
		return true;
	}
	end = memmem(s->in, s->in_len, "\r\n\r\n", 4);
	if (end == NULL)
		return false;
	id = memmem(s->in, s->in_len, "X-Weir-Gen-Id: ", 15);
	length = memmem(s->in, s->in_len, "Content-Length: ", 16);
	assert_non_null(id);
	q->id = (uint32_t)strtoul(id + 15, NULL, 10);
	*len = (uint32_t)(end + 4 - (char *)s->in) +
	       (length != NULL ? (uint32_t)atoi(length + 16) : 0);
	return s->in_len >= *len;
}

// A request whose header is complete, and which was not answered yet.
static bool rig_head(struct rig_conn *s, struct message *q)
{
	return s->in_len >= MESSAGE_HEADER && !s->answered && message_read(s->in, q);
}

static void rig_data(struct ep_conn *conn, const uint8_t *at, uint32_t offset, uint32_t len,
	const struct gen_now *now)
{
	struct rig_conn *s = ep_app(conn);
	wr_handle_t h = ep_handle(conn);
	struct message q = {0};
	uint32_t n = 0;

	s->in = realloc(s->in, s->in_len + len);
	memcpy(s->in + s->in_len, at, len);
	s->in_len += len;
	while (rig_request(s, &q, &n) || (rig.early && rig_head(s, &q))) {
		if (s->in_len < q.length) {
			s->answered = true;
			rig_answer(s, &q, now);
			return;
		}
		memset(rig.request, 0, sizeof(rig.request));
		memcpy(rig.request, s->in, n < 4000 ? n : 4000);
		memmove(s->in, s->in + n, s->in_len - n);
		s->in_len -= n;
		if (!s->answered)
			rig_answer(s, &q, now);
		s->answered = false;
		if (ep_lookup(rig.far, h) == NULL)
			return;
	}
}

static void rig_fin(struct ep_conn *conn, const struct gen_now *now)
{
	struct rig_conn *s = ep_app(conn);

	rig.fins++;
	// Both directions in one: the answer to a half-closed request is out before ours.
	if (!s->fin && s->sent == s->out_len && rig.mode != RIG_SILENT) {
		ep_fin(conn);
		s->fin = true;
	}
	s->closing = true;
}

static void rig_fill(struct ep_conn *conn, uint8_t *to, uint32_t offset, uint32_t len)
{
	struct rig_conn *s = ep_app(conn);

	assert_true(offset + len <= s->out_len);
	memcpy(to, s->out + offset, len);
}

static void rig_ended(struct ep_conn *conn, enum ep_end how, const struct gen_now *now)
{
	struct rig_conn *s = ep_app(conn);

	rig.ended++;
	rig.resets += how == EP_END_RESET;
	for (struct rig_conn **p = &rig.rest; *p != NULL; p = &(*p)->next) {
		if (*p == s) {
			*p = s->next;
			break;
		}
	}
	free(s->in);
	free(s->out);
}

static const struct ep_ops rig_ops = {
	.opened = rig_opened,
	.data = rig_data,
	.fin = rig_fin,
	.fill = rig_fill,
	.ended = rig_ended,
};

// --- the wire and the clock -------------------------------------------------------------------

static uint32_t rig_carry(struct ep_stack *from, struct ep_stack *to)
{
	struct rte_mbuf *m[64];
	struct ep_tx tx = {.pkts = m, .room = 64};
	struct wr_pkt pkts[64];
	uint16_t n = 0;

	ep_output(from, &tx, 64, &rig.now);
	for (uint16_t i = 0; i < tx.count; i++) {
		if (rig.drops) {
			rte_pktmbuf_free(m[i]);
			continue;
		}
		wr_build_finish_csum(m[i]);
		wr_parse_frame(&pkts[n], m[i], WR_PARSE_F_NO_L2);
		assert_int_equal(pkts[n].kind, WR_PKT_TCP);
		n++;
	}
	if (n > 0)
		ep_input(to, pkts, n, &rig.now);
	return tx.count;
}

static void rig_rest(void)
{
	struct rig_conn *s = rig.rest;

	rig.rest = NULL;
	for (struct rig_conn *next; s != NULL; s = next) {
		uint32_t cut = rig.cut;
		int64_t flip = rig.flip;

		next = s->next;
		rig.cut = 0;
		rig.flip = -1;
		rig_send(s);
		rig.cut = cut;
		rig.flip = flip;
	}
}

// All that happens at this instant.
static inline void rig_settle(void)
{
	uint32_t moved;

	do {
		moved = ep_timers(rig.near, 1000, &rig.now);
		moved += ep_timers(rig.far, 1000, &rig.now);
		moved += client_poll(rig.client, 1000, &rig.now);
		moved += rig.poll != NULL ? rig.poll() : 0;
		if (stats()->open > rig.most_open)
			rig.most_open = (uint32_t)stats()->open;
		moved += rig_carry(rig.near, rig.far);
		moved += rig_carry(rig.far, rig.near);
		if (moved == 0 && rig.rest != NULL) {
			rig_rest();
			moved = 1;
		}
	} while (moved > 0);
}

static inline void rig_at(wr_us_t us)
{
	rig.now.us = us;
	rig.now.ns = us * 1000;
}

// Go from event to event.
static inline void rig_until(wr_us_t us)
{
	wr_us_t next;

	rig_settle();
	while (rig.now.us < us) {
		next = client_next(rig.client);
		next = RTE_MIN(next, ep_next_timer(rig.near));
		next = RTE_MIN(next, ep_next_timer(rig.far));
		if (rig.next != NULL)
			next = RTE_MIN(next, rig.next());
		next = RTE_MAX(next, rig.now.us + 1);
		rig_at(RTE_MIN(next, us));
		rig_settle();
	}
}

// --- a test -----------------------------------------------------------------------------------

static struct ep_stack *rig_stack(uint32_t app_bytes, uint64_t seed)
{
	struct ep_config cfg = {
		.max_conns = RIG_CONNS,
		.app_bytes = app_bytes,
		.window_bytes = 64 << 10,
		.small = rig_pool,
		.large = rig_pool,
		.stats = &rig.stats,
		.seed = seed,
		.numa_node = SOCKET_ID_ANY,
	};
	struct ep_stack *s = ep_create(&cfg, &rig.now);

	assert_non_null(s);
	return s;
}

static inline void rig_range(struct gen_range *r, const char *first, const char *last)
{
	assert_int_equal(wr_addr_parse(first, &r->first), 0);
	assert_int_equal(wr_addr_parse(last, &r->last), 0);
}

// Defaults: one raw request of 100 bytes at 1,000 a second, its answer of 200.
static inline struct gen_client *rig_init(void)
{
	struct gen_client *conf = &rig.conf;

	wr_test_eal_init();
	if (rig_pool == NULL)
		rig_pool = rte_pktmbuf_pool_create("rig", 8191, 0, 0, 2176, SOCKET_ID_ANY);
	assert_non_null(rig_pool);
	memset(&rig, 0, sizeof(rig));
	rig.flip = -1;
	rig.verify = true;
	rig.answer_bytes = 200;
	rig_at(5000);
	strcpy(conf->name, "c");
	conf->source_count = 1;
	rig_range(&conf->source[0], "198.18.0.1", "198.18.0.250");
	conf->target_count = 1;
	assert_int_equal(wr_endpoint_parse("198.19.0.1:80", &conf->target[0]), 0);
	conf->model = GEN_LOAD_CONSTANT;
	conf->rate = 1000;
	conf->requests = 1;
	conf->request_bytes = 100;
	conf->connect_timeout_us = 2 * WR_US_PER_S;
	conf->answer_timeout_us = 3 * WR_US_PER_S;
	return conf;
}

static inline void rig_start(bool listen)
{
	struct wr_err err = {0};

	rig.near = rig_stack(client_app_bytes(), 1);
	rig.far = rig_stack(RTE_MAX((uint32_t)sizeof(struct rig_conn), rig.far_app), 2);
	for (uint32_t i = 0; listen && i < rig.conf.target_count; i++)
		assert_int_equal(ep_listen(rig.far, &rig.conf.target[i], &rig_ops, NULL), 0);
	rig.client = client_create(&rig.conf, rig.verify, rig.near, 42, &err);
	assert_string_equal(err.text, "");
	assert_non_null(rig.client);
	client_start(rig.client, 0, WR_US_NEVER, &rig.now);
}

// Let `count` arrivals of the open loop begin (at 1,000 a second), then no more, and all end.
static inline void rig_arrivals(uint32_t count)
{
	rig_until(rig.now.us + (count - 1) * 1000);
	client_stop(rig.client);
}

// Everything that was counted adds up, nothing is left over.
static inline void rig_fini(void)
{
	const struct gen_client_stats *s = stats();
	uint64_t errors = 0;

	rig_until(rig.now.us + 100 * WR_US_PER_S);
	assert_true(client_idle(rig.client));
	client_abort(rig.client, &rig.now);
	rig_settle();
	rig_until(rig.now.us + 100 * WR_US_PER_S);
	for (uint32_t i = 0; i < GEN_ERROR_COUNT; i++)
		errors += s->errors[i];
	assert_int_equal(s->intended, s->answers + errors + s->aborted);
	assert_int_equal(s->in_flight, 0);
	assert_int_equal(s->open, 0);
	assert_true(client_next(rig.client) == WR_US_NEVER);
	assert_int_equal(rig.opened, rig.ended);
	assert_int_equal(rig.wrong_family, 0);
	assert_int_equal(ep_open(rig.near), 0);
	assert_int_equal(ep_open(rig.far), 0);
	client_destroy(rig.client);
	ep_destroy(rig.near);
	ep_destroy(rig.far);
	assert_int_equal(rte_mempool_avail_count(rig_pool), 8191);
}

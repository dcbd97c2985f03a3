/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "ep.h"
#include "message.h"
#include "server.h"

// The endpoints of a server without TCP: what a test writes arrives at once and whole, what the
// server gives is read and acknowledged when the test says so. One server a test; the clock is the
// test's.

#define FAKE_CONNS 64
#define FAKE_APP   1024

struct ep_conn {
	const struct ep_ops *ops;
	void *user;
	struct wr_tuple t;
	uint32_t in, given, read, unread;
	bool fin, aborted, ended, hold;
	uint8_t app[FAKE_APP] __attribute__((aligned(64)));
};

static struct fake {
	const struct ep_ops *ops;
	void *user;
	ep_admit_fn admit;
	struct ep_conn conn[FAKE_CONNS];
	struct gen_now now;
	struct gen_backend conf;
	struct server *server;
	int listen_error;
} fake;

// --- what the server calls -----------------------------------------------------------------------

int ep_listen(
	struct ep_stack *s, const struct wr_endpoint *local, const struct ep_ops *ops, void *user)
{
	fake.ops = ops;
	fake.user = user;
	return fake.listen_error;
}

int ep_listen_admit(struct ep_stack *s, const struct wr_endpoint *local, ep_admit_fn fn)
{
	fake.admit = fn;
	return 0;
}

void *ep_user(const struct ep_conn *c)
{
	return c->user;
}

void *ep_app(struct ep_conn *c)
{
	return c->app;
}

const struct wr_tuple *ep_tuple(const struct ep_conn *c)
{
	return &c->t;
}

void ep_send(struct ep_conn *c, uint32_t bytes)
{
	assert_false(c->aborted || c->ended || c->fin);
	c->given += bytes;
}

void ep_fin(struct ep_conn *c)
{
	assert_false(c->aborted || c->ended || c->fin);
	c->fin = true;
}

void ep_abort(struct ep_conn *c, const struct gen_now *now)
{
	assert_false(c->aborted || c->ended);
	c->aborted = true;
	memset(c->app, 0xee, sizeof(c->app)); // whoever looks at it now will notice
}

void ep_hold(struct ep_conn *c, bool on)
{
	c->hold = on;
}

void ep_read(struct ep_conn *c, uint32_t bytes)
{
	assert_true(bytes <= c->unread);
	c->unread -= bytes;
}

uint32_t ep_unread(const struct ep_conn *c)
{
	return c->unread;
}

// --- what a test calls ---------------------------------------------------------------------------

static inline void fake_at(wr_us_t us)
{
	fake.now.us = us;
	fake.now.ns = us * 1000;
}

// Defaults of a backend; a test changes fake.conf and then starts it.
static inline void fake_init(enum gen_protocol protocol)
{
	memset(&fake, 0, sizeof(fake));
	strcpy(fake.conf.name, "b");
	fake.conf.protocol = protocol;
	fake.conf.listen_count = 1;
	fake.conf.answer_bytes = 64;
	assert_int_equal(wr_endpoint_parse("198.18.0.1:80", &fake.conf.listen[0]), 0);
	fake_at(1000);
}

static inline struct server *fake_start(void)
{
	struct wr_err err = {0};

	fake.server = server_create(&fake.conf, true, NULL, 7, &err);
	assert_string_equal(err.text, "");
	assert_true(server_app_bytes() <= FAKE_APP);
	server_start(fake.server, &fake.now);
	return fake.server;
}

static inline const struct gen_server_stats *fake_stats(void)
{
	return server_stats(fake.server);
}

static inline struct ep_conn *fake_open(uint32_t i)
{
	struct ep_conn *c = &fake.conn[i];

	memset(c, 0, sizeof(*c));
	c->ops = fake.ops;
	c->user = fake.user;
	c->t.local = fake.conf.listen[0].addr;
	c->t.lport = fake.conf.listen[0].port;
	c->t.remote = wr_addr_from_v4(rte_cpu_to_be_32(0xc6120100u + i));
	c->t.rport = (uint16_t)(2000 + i);
	c->ops->opened(c, &fake.now);
	return c;
}

static inline bool fake_gone(const struct ep_conn *c)
{
	return c->aborted || c->ended;
}

// Write `len` bytes in pieces of `cut` (0: at once).
static inline void fake_write(struct ep_conn *c, const void *bytes, uint32_t len, uint32_t cut)
{
	const uint8_t *at = bytes;
	uint32_t n;

	for (uint32_t done = 0; done < len && !fake_gone(c); done += n) {
		n = cut == 0 || cut > len - done ? len - done : cut;
		if (c->hold)
			c->unread += n;
		// A copy of that size, so that a sanitizer sees what reads past it.
		uint8_t *copy = malloc(n);
		memcpy(copy, at + done, n);
		c->in += n;
		c->ops->data(c, copy, c->in - n, n, &fake.now);
		free(copy);
	}
}

static inline void fake_text(struct ep_conn *c, const char *text)
{
	fake_write(c, text, (uint32_t)strlen(text), 0);
}

static inline uint32_t fake_request_bytes(uint8_t *to, uint32_t id, uint32_t length, uint32_t asked)
{
	struct message m = {.id = id, .length = length, .value = asked};

	message_write(&m, to, 0, length);
	return length;
}

static inline void fake_request(struct ep_conn *c, uint32_t id, uint32_t asked)
{
	uint8_t bytes[16];

	fake_write(c, bytes, fake_request_bytes(bytes, id, sizeof(bytes), asked), 0);
}

// Bytes given and not read.
static inline uint32_t fake_owed(const struct ep_conn *c)
{
	return c->given - c->read;
}

// Read what was given, asking for it in pieces of `cut`, and acknowledge it. Returns how many.
static inline uint32_t fake_read(struct ep_conn *c, void *to, uint32_t room, uint32_t cut)
{
	uint32_t len = fake_owed(c);
	uint8_t again[64];
	uint32_t n;

	assert_true(len <= room);
	for (uint32_t done = 0; done < len; done += n) {
		n = cut == 0 || cut > len - done ? len - done : cut;
		c->ops->fill(c, (uint8_t *)to + done, c->read + done, n);
	}
	if (len > 0) { // as often as it is sent
		n = len < sizeof(again) ? len : sizeof(again);
		c->ops->fill(c, again, c->given - n, n);
		assert_memory_equal(again, (uint8_t *)to + len - n, n);
	}
	c->read = c->given;
	if (len > 0 && c->ops->acked != NULL)
		c->ops->acked(c, &fake.now);
	return len;
}

// Read one whole raw answer of this id and length, with the status.
static inline void fake_answer(struct ep_conn *c, uint32_t id, uint32_t length, uint32_t status)
{
	static uint8_t bytes[1 << 20];
	struct message m;

	assert_int_equal(fake_read(c, bytes, sizeof(bytes), 0), length);
	assert_true(message_read(bytes, &m));
	assert_true(m.answer);
	assert_int_equal(m.id, id);
	assert_int_equal(m.length, length);
	assert_int_equal(m.value, status);
	assert_true(message_verify(id, bytes + 16, 16, length - 16));
}

static inline void fake_peer_fin(struct ep_conn *c)
{
	c->ops->fin(c, &fake.now);
}

static inline void fake_end(struct ep_conn *c, enum ep_end how)
{
	assert_false(fake_gone(c));
	c->ops->ended(c, how, &fake.now);
	c->ended = true;
	memset(c->app, 0xee, sizeof(c->app));
}

// Let time pass, with the server's work done when it is due.
static inline void fake_run(wr_us_t until)
{
	wr_us_t next;

	while ((next = server_next(fake.server)) <= until) {
		fake_at(next > fake.now.us ? next : fake.now.us);
		server_poll(fake.server, 64, &fake.now);
	}
	fake_at(until);
	server_poll(fake.server, 64, &fake.now);
}

// End every connection; nothing may be left.
static inline void fake_stop(void)
{
	for (uint32_t i = 0; i < FAKE_CONNS; i++)
		if (fake.conn[i].ops != NULL && !fake_gone(&fake.conn[i]))
			fake_end(&fake.conn[i], EP_END_CLOSED);
	assert_int_equal(fake_stats()->open, 0);
	assert_int_equal(fake_stats()->working, 0);
	assert_int_equal(fake_stats()->waiting, 0);
	assert_true(server_next(fake.server) == WR_US_NEVER);
	server_destroy(fake.server);
}

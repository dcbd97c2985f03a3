/* SPDX-License-Identifier: BSD-3-Clause */
#include "visit.h"

#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

// The life of a visit: connect, requests and their answers, close; and what happens when one of
// them does not go well.

#define CONNECT_TRIES 256 // tuples in use that are passed over for one connection

static const struct ep_ops visit_ops;

static wr_us_t after(const struct gen_now *now, wr_us_t timeout)
{
	return timeout != 0 ? now->us + timeout : WR_US_NEVER;
}

// --- requests ---------------------------------------------------------------------------------

static void give(struct client *c, struct ep_conn *conn, struct visit *v, uint32_t bytes)
{
	bool last = (v->flags & VISIT_F_LAST) != 0;

	ep_send(conn, bytes);
	v->given += bytes;
	c->stats.bytes_up += bytes;
	if (v->given == c->request_bytes[last] && last && c->conf.close == GEN_CLOSE_HALF) {
		ep_fin(conn);
		v->flags |= VISIT_F_FIN;
	}
}

static bool is_paced(const struct client *c)
{
	return (c->conf.send_rate | c->conf.read_rate) != 0;
}

static void pace_later(struct client *c, struct visit *v, const struct gen_now *now)
{
	wr_wheel_arm(&c->wheel, &v->timer, RTE_MIN(v->deadline_us, now->us + CLIENT_PACE_US));
}

static void request(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	v->state = VISIT_ANSWER;
	v->flags &= (uint8_t)~VISIT_F_GONE;
	if (v->left == 1)
		v->flags |= VISIT_F_LAST;
	v->outcome = GEN_ERROR_COUNT;
	v->given = 0;
	v->got = 0;
	v->begun_us = now->us;
	v->read_us = now->us;
	c->protocol->begin(v);
	visit_arm(c, v, after(now, c->conf.answer_timeout_us), now);
	if (c->conf.send_rate == 0)
		give(c, conn, v, c->request_bytes[v->left == 1]);
	if (unlikely(is_paced(c)))
		pace_later(c, v, now);
}

static void request_next(struct client *c, struct ep_conn *conn, struct visit *v,
	uint64_t intended_ns, const struct gen_now *now)
{
	client_count_intended(c, intended_ns, now);
	v->intended_ns = intended_ns;
	v->tx_base += c->request_bytes[0];
	v->id++;
	request(c, conn, v, now);
}

// False: the connection is gone.
static bool go_on(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	wr_us_t pause;

	if (v->left == 0 || c->stopped)
		return visit_finish(c, conn, v, now);
	pause = dist_draw(&c->conf.pause, &c->rng);
	if (v->flags & (VISIT_F_GONE | VISIT_F_PEER_FIN)) {
		visit_resume(c, v, pause != 0 ? client_tick(now->us + pause) : now->us, now);
		visit_close(c, conn, v, now);
	} else if (pause == 0) {
		request_next(c, conn, v, now->ns, now);
	} else {
		v->state = VISIT_PAUSE;
		visit_arm(c, v, client_tick(now->us + pause), now);
	}
	return true;
}

// The answer is complete, read, and what it should be or a refusal. False: the connection is gone.
static bool answered(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	if (likely(v->outcome == GEN_ERROR_COUNT)) {
		client_count_answer(c, v->intended_ns, now);
	} else if (visit_retry(c, v, now)) {
		v->flags |= VISIT_F_ORPHAN;
		visit_close(c, conn, v, now);
		return true;
	} else {
		client_count_error(c, v->intended_ns, v->outcome);
	}
	v->attempts = 0;
	v->left--;
	return go_on(c, conn, v, now);
}

// Bytes that nobody asked for count as a request with a wrong answer.
static void unasked(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	if (v->state == VISIT_DRAIN) {
		visit_fail_and_drop(c, conn, GEN_ERROR_wrong_bytes, now);
		return;
	}
	client_count_intended(c, now->ns, now);
	c->stats.attempts_failed++;
	client_count_error(c, now->ns, GEN_ERROR_wrong_bytes);
	visit_drop(c, conn, now);
}

// --- the endpoint's calls -----------------------------------------------------------------------

static void on_opened(struct ep_conn *conn, const struct gen_now *now)
{
	struct client *c = ep_user(conn);
	struct visit *v = ep_app(conn);

	if (client_measures(c, v->intended_ns))
		wr_hist_record(c->stats.measured.connect_ns, now->ns - v->syn_ns);
	if (c->conf.read_rate != 0)
		ep_hold(conn, true);
	request(c, conn, v, now);
}

// Take in a piece of the answer, but never past the byte at which the client resets. False: the
// connection is gone or the rest does not matter.
static bool take(struct client *c, struct ep_conn *conn, struct visit *v, const uint8_t *at,
	uint32_t len, uint32_t *used, const struct gen_now *now)
{
	uint32_t limit = c->conf.abort_after;
	uint32_t n = limit != 0 ? RTE_MIN(len, limit - v->got) : len;

	switch (c->protocol->take(c, v, at, n, used)) {
	case CLIENT_TAKE_DONE:
		if (c->conf.read_rate == 0)
			return answered(c, conn, v, now);
		v->state = VISIT_DRAIN;
		return true;
	case CLIENT_TAKE_WRONG:
		visit_fail_and_drop(c, conn, GEN_ERROR_wrong_bytes, now);
		return false;
	case CLIENT_TAKE_MORE:
		break;
	}
	if (limit == 0 || v->got < limit)
		return false;
	c->stats.aborted++;
	c->stats.in_flight--;
	visit_drop(c, conn, now);
	return false;
}

static void on_data(struct ep_conn *conn, const uint8_t *at, uint32_t offset, uint32_t len,
	const struct gen_now *now)
{
	struct client *c = ep_user(conn);
	struct visit *v = ep_app(conn);
	uint32_t used;

	c->stats.bytes_down += len;
	while (len > 0) {
		if (unlikely(v->state != VISIT_ANSWER)) {
			if ((v->flags & VISIT_F_ORPHAN) == 0)
				unasked(c, conn, v, now);
			return;
		}
		if (!take(c, conn, v, at, len, &used, now))
			return;
		at += used;
		len -= used;
	}
}

// The peer's FIN where an answer is due: it may be what ends the answer.
static void end_answer(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	switch (c->protocol->end(c, v)) {
	case CLIENT_TAKE_DONE:
		if (c->conf.read_rate == 0)
			answered(c, conn, v, now);
		else
			v->state = VISIT_DRAIN;
		break;
	case CLIENT_TAKE_WRONG:
		visit_fail_and_drop(c, conn, GEN_ERROR_wrong_bytes, now);
		break;
	case CLIENT_TAKE_MORE:
		visit_fail(c, v, GEN_ERROR_closed_early, now);
		visit_close(c, conn, v, now);
		break;
	}
}

static void on_fin(struct ep_conn *conn, const struct gen_now *now)
{
	struct client *c = ep_user(conn);
	struct visit *v = ep_app(conn);

	v->flags |= VISIT_F_PEER_FIN;
	switch (v->state) {
	case VISIT_ANSWER:
		end_answer(c, conn, v, now);
		break;
	case VISIT_PAUSE:
		visit_resume(c, v, v->deadline_us, now);
		visit_close(c, conn, v, now);
		break;
	case VISIT_IDLE:
	case VISIT_CLOSING:
		visit_close(c, conn, v, now);
		break;
	default: // answered() looks at the flag
		break;
	}
}

static void on_fill(struct ep_conn *conn, uint8_t *to, uint32_t offset, uint32_t len)
{
	const struct client *c = ep_user(conn);
	const struct visit *v = ep_app(conn);
	uint32_t base = v->tx_base;
	uint32_t id = v->id;
	bool last = (v->flags & VISIT_F_LAST) != 0;
	uint32_t n;

	// Sent again from before the current request: those before it were all of one length.
	while (unlikely((int32_t)(offset - base) < 0)) {
		base -= c->request_bytes[0];
		id--;
	}
	while (len > 0) {
		bool is_last = last && id == v->id;

		n = RTE_MIN(len, base + c->request_bytes[is_last] - offset);
		c->protocol->fill(c, id, is_last, to, offset - base, n);
		to += n;
		offset += n;
		len -= n;
		base += c->request_bytes[is_last];
		id++;
	}
}

static enum gen_error error_of(const struct visit *v, enum ep_end how)
{
	if (v->state == VISIT_CONNECTING) {
		return how == EP_END_REFUSED   ? GEN_ERROR_connect_refused
		       : how == EP_END_TIMEOUT ? GEN_ERROR_connect_timeout
		                               : GEN_ERROR_reset;
	}
	return how == EP_END_TIMEOUT  ? GEN_ERROR_answer_timeout
	       : how == EP_END_CLOSED ? GEN_ERROR_closed_early
	                              : GEN_ERROR_reset;
}

static void on_ended(struct ep_conn *conn, enum ep_end how, const struct gen_now *now)
{
	struct client *c = ep_user(conn);
	struct visit *v = ep_app(conn);

	if (v->state <= VISIT_DRAIN)
		visit_fail(c, v, error_of(v, how), now);
	else if (v->state == VISIT_PAUSE)
		visit_resume(c, v, v->deadline_us, now);
	visit_forget(c, v, now);
}

static const struct ep_ops visit_ops = {
	.opened = on_opened,
	.data = on_data,
	.fin = on_fin,
	.fill = on_fill,
	.ended = on_ended,
};

// --- time -------------------------------------------------------------------------------------

static void pace_send(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	uint64_t total = c->request_bytes[(v->flags & VISIT_F_LAST) != 0];
	uint64_t due = (now->us - v->begun_us) * c->conf.send_rate / WR_US_PER_S;

	due = RTE_MIN(due, total);
	if (due > v->given)
		give(c, conn, v, (uint32_t)due - v->given);
}

// What is not used of the rate because nothing was there is lost.
static void pace_read(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	uint64_t rate = c->conf.read_rate;
	uint64_t may = (now->us - v->read_us) * rate / WR_US_PER_S;
	uint32_t unread = ep_unread(conn);

	if (may > unread) {
		ep_read(conn, unread);
		v->read_us = now->us;
	} else if (may > 0) {
		ep_read(conn, (uint32_t)may);
		v->read_us += may * WR_US_PER_S / rate;
	}
}

// False: nothing more is to be done about its timer.
static bool pace(struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	if (c->conf.send_rate != 0)
		pace_send(c, conn, v, now);
	if (c->conf.read_rate != 0)
		pace_read(c, conn, v, now);
	if (v->state == VISIT_DRAIN && ep_unread(conn) == 0) {
		answered(c, conn, v, now);
		return false;
	}
	if (now->us >= v->deadline_us)
		return true;
	pace_later(c, v, now);
	return false;
}

static void expire(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	switch (v->state) {
	case VISIT_CONNECTING:
		visit_fail_and_drop(c, conn, GEN_ERROR_connect_timeout, now);
		break;
	case VISIT_ANSWER:
	case VISIT_DRAIN:
		visit_fail_and_drop(c, conn, GEN_ERROR_answer_timeout, now);
		break;
	case VISIT_PAUSE:
		if (c->stopped)
			visit_finish(c, conn, v, now);
		else
			request_next(c, conn, v, v->deadline_us * 1000, now);
		break;
	default: // the peer does not close
		visit_drop(c, conn, now);
		break;
	}
}

void visit_timer(struct client *c, struct visit *v, const struct gen_now *now)
{
	struct ep_conn *conn = ep_lookup(c->stack, v->timer.owner);

	if (unlikely(is_paced(c)) && (v->state == VISIT_ANSWER || v->state == VISIT_DRAIN) &&
		!pace(c, conn, v, now))
		return;
	if (now->us < v->deadline_us)
		visit_arm(c, v, v->deadline_us, now);
	else
		expire(c, conn, v, now);
}

void visit_abort(struct client *c, struct visit *v, const struct gen_now *now)
{
	struct ep_conn *conn = ep_lookup(c->stack, v->timer.owner);

	if (v->state <= VISIT_DRAIN) {
		c->stats.attempts_failed++;
		client_count_error(c, v->intended_ns, GEN_ERROR_answer_timeout);
	}
	visit_drop(c, conn, now);
}

// --- the beginning ----------------------------------------------------------------------------

static struct ep_conn *connect(struct client *c, const struct gen_now *now)
{
	struct ep_conn *conn = NULL;
	struct wr_tuple t;
	int why = -EADDRINUSE;

	if (c->conf.max_open != 0 && c->stats.open >= c->conf.max_open)
		return NULL;
	for (uint32_t i = 0; i < CONNECT_TRIES && why == -EADDRINUSE; i++) {
		client_sources_next(&c->sources, &t);
		why = 0;
		conn = ep_connect(c->stack, &t, &visit_ops, c, now, &why);
	}
	return conn;
}

// Ids differ in all bits from one visit to the next, as the place of a body's bytes follows from
// them.
static uint32_t first_id(struct client *c)
{
	return c->next_id++ * 0x9e3779b1u;
}

void visit_begin(struct client *c, const struct ask *ask, const struct gen_now *now)
{
	struct ep_conn *conn;
	struct visit *v;

	if (!ask->begun)
		client_count_intended(c, ask->intended_ns, now);
	conn = connect(c, now);
	if (unlikely(conn == NULL)) {
		c->stats.attempts_failed++;
		client_count_error(c, ask->intended_ns, GEN_ERROR_refused_local);
		if (ask->user)
			client_user_free(c, CLIENT_REFUSED_US, now);
		return;
	}
	c->stats.connections++;
	c->stats.measured.connections += client_measures(c, ask->intended_ns);
	c->stats.open++;
	v = ep_app(conn);
	v->timer.owner = ep_handle(conn);
	v->timer.kind = CLIENT_TIMER_VISIT;
	v->intended_ns = ask->intended_ns;
	v->syn_ns = now->ns;
	v->id = first_id(c);
	v->left = ask->left;
	v->attempts = ask->attempts;
	v->flags = ask->user ? VISIT_F_USER : 0;
	v->state = VISIT_CONNECTING;
	visit_arm(c, v, after(now, c->conf.connect_timeout_us), now);
}

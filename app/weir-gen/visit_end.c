/* SPDX-License-Identifier: BSD-3-Clause */
#include "visit.h"

#include <rte_common.h>

// How visits end: closes, failures and retries, and what moves to another connection.

void visit_arm(struct client *c, struct visit *v, wr_us_t deadline, const struct gen_now *now)
{
	wr_us_t wake = RTE_MIN(deadline, now->us + CLIENT_IDLE_US);

	v->deadline_us = deadline;
	if (!wr_wheel_is_armed(&v->timer) || v->timer.deadline_us > wake)
		wr_wheel_arm(&c->wheel, &v->timer, wake);
}

// --- the end of a connection ------------------------------------------------------------------

void visit_forget(struct client *c, struct visit *v, const struct gen_now *now)
{
	wr_wheel_cancel(&c->wheel, &v->timer);
	c->stats.open--;
	if (v->state == VISIT_CLOSING)
		c->closing--;
	if (v->flags & VISIT_F_USER)
		client_user_free(c, 0, now);
}

void visit_drop(struct client *c, struct ep_conn *conn, const struct gen_now *now)
{
	visit_forget(c, ep_app(conn), now);
	ep_abort(conn, now);
}

static void await_end(struct client *c, struct visit *v, const struct gen_now *now)
{
	wr_us_t patience = c->conf.answer_timeout_us;

	if (v->state == VISIT_CLOSING)
		return;
	v->state = VISIT_CLOSING;
	c->closing++;
	visit_arm(c, v, now->us + (patience != 0 ? patience : CLIENT_CLOSING_US), now);
}

void visit_close(struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	if ((v->flags & VISIT_F_FIN) == 0)
		ep_fin(conn);
	v->flags |= VISIT_F_FIN;
	await_end(c, v, now);
}

bool visit_finish(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now)
{
	bool ended = (v->flags & VISIT_F_PEER_FIN) != 0;

	if (c->conf.close == GEN_CLOSE_RESET) {
		visit_drop(c, conn, now);
		return false;
	}
	// A server that was not told that a request is the last does not close.
	if (ended || (c->stopped && v->left > 0)) {
		visit_close(c, conn, v, now);
	} else if (c->conf.close == GEN_CLOSE_SERVER) {
		await_end(c, v, now);
	} else if (c->conf.close == GEN_CLOSE_NEVER && !c->stopped) {
		v->state = VISIT_IDLE;
		visit_arm(c, v, WR_US_NEVER, now);
	} else {
		visit_close(c, conn, v, now);
	}
	return true;
}

void visit_resume(struct client *c, struct visit *v, wr_us_t at_us, const struct gen_now *now)
{
	struct ask ask = {
		.intended_ns = at_us > now->us ? at_us * 1000 : now->ns,
		.left = v->left,
		.user = (v->flags & VISIT_F_USER) != 0,
	};

	if (!c->stopped && client_wait(c, &ask, at_us))
		v->flags &= (uint8_t)~VISIT_F_USER;
	v->flags |= VISIT_F_ORPHAN;
}

// --- failures ---------------------------------------------------------------------------------

bool visit_retry(struct client *c, struct visit *v, const struct gen_now *now)
{
	struct ask ask = {
		.intended_ns = v->intended_ns,
		.left = v->left,
		.attempts = v->attempts + 1,
		.begun = true,
		.user = (v->flags & VISIT_F_USER) != 0,
	};
	wr_us_t delay;

	c->stats.attempts_failed++;
	if (v->attempts >= c->conf.retries)
		return false;
	delay = dist_draw(&c->conf.retry_delay, &c->rng);
	if (!client_wait(c, &ask, delay != 0 ? client_tick(now->us + delay) : now->us))
		return false;
	c->stats.retries++;
	v->flags &= (uint8_t)~VISIT_F_USER;
	return true;
}

void visit_fail(struct client *c, struct visit *v, enum gen_error e, const struct gen_now *now)
{
	if (!visit_retry(c, v, now))
		client_count_error(c, v->intended_ns, e);
	v->flags |= VISIT_F_ORPHAN;
}

void visit_fail_and_drop(
	struct client *c, struct ep_conn *conn, enum gen_error e, const struct gen_now *now)
{
	visit_fail(c, ep_app(conn), e, now);
	visit_drop(c, conn, now);
}

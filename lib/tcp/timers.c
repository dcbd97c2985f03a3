/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// One wheel node a connection. Deadlines live in the connection; the wheel is touched only when the
// nearest one moves earlier than the node, or when the node fires. A node that fires before its
// (since postponed) deadline is armed again.

static void arm(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at)
{
	if (at != WR_US_NEVER && (!wr_wheel_is_armed(&c->timer) || at < c->timer.deadline_us))
		wr_wheel_arm(&s->wheel, &c->timer, at);
}

void wr_tcp_timer_rtx(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at)
{
	c->rtx_at = at;
	arm(s, c, at);
}

void wr_tcp_timer_restart(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	bool probe = wr_tcp_tlp_wanted(c);

	c->rtx = probe ? WR_TCP_RTX_PTO : WR_TCP_RTX_RTO;
	if (c->snd_una == c->snd_nxt)
		c->rtx_at = WR_US_NEVER; // lazily: the wheel is not touched (RFC 6298 5.2, 5.3)
	else
		wr_tcp_timer_rtx(s, c, now + (probe ? wr_tcp_tlp_timeout(c) : c->rto_us));
}

// Pacing has no deadline of its own: the node that fires early finds out why.
void wr_tcp_timer_pace(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at)
{
	arm(s, c, at);
}

void wr_tcp_timer_life(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at)
{
	c->life_at = at;
	c->flags &= ~F_KEEPALIVE;
	arm(s, c, at);
}

// Half-open, orphan or TIME-WAIT life is over. The connection may be gone afterwards.
static void life_expired(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	c->life_at = WR_US_NEVER;
	if (c->state == WR_TCP_ST_TIME_WAIT)
		wr_tcp_conn_over(s, c, WR_TCP_END_CLOSED);
	else
		wr_tcp_conn_over(s, c, WR_TCP_END_TIMEOUT);
}

static void keepalive_at(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t at)
{
	wr_tcp_timer_life(s, c, at);
	c->flags |= F_KEEPALIVE;
}

// RFC 9293 3.8.4: an idle peer is asked for an ACK, and given up after the last question.
static void keepalive_expired(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	wr_us_t idle = (wr_us_t)(wr_tcp_tick(now) - c->recv_tick) << WR_WHEEL_TICK_SHIFT;

	if (c->keep_probes == 0 && idle < s->cfg.keepalive_us) {
		keepalive_at(s, c, now + s->cfg.keepalive_us - idle);
		return;
	}
	if (c->keep_probes >= s->cfg.keepalive_probes) {
		wr_tcp_conn_over(s, c, WR_TCP_END_TIMEOUT);
		return;
	}
	// what is outstanding asks for an ACK by itself
	if (c->rtx_at == WR_US_NEVER) {
		c->flags |= F_PROBE_DUE;
		wr_tcp_conn_dirty(s, c);
	}
	keepalive_at(s, c, now + s->cfg.keepalive_interval_us);
}

void wr_tcp_timer_keepalive(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (s->cfg.keepalive_us == 0)
		return;
	c->recv_tick = wr_tcp_tick(now);
	keepalive_at(s, c, now + s->cfg.keepalive_us);
}

static bool given_up(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	uint16_t unanswered;

	if (c->rtx_since == 0)
		c->rtx_since = wr_tcp_since(now);
	unanswered = (uint16_t)(wr_tcp_since(now) - c->rtx_since);
	if (unanswered < s->cfg.give_up_us >> WR_TCP_SINCE_SHIFT)
		return false;
	wr_tcp_conn_over(s, c, WR_TCP_END_TIMEOUT);
	return true;
}

// RFC 9293 3.8.6.1: probe a closed window, less and less often, for as long as it is answered.
static void persist_expired(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (given_up(s, c, now))
		return;
	// a window that is open but small: send what fits (RFC 9293 3.8.6.2.1)
	c->flags |= c->snd_wnd > 0 ? F_SWS_OVERRIDE : F_PROBE_DUE;
	wr_tcp_rto_back_off(s, c);
	wr_tcp_timer_rtx(s, c, now + c->rto_us);
	wr_tcp_conn_dirty(s, c);
}

static void rto_expired(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	if (c->state == WR_TCP_ST_SYN_SENT || c->state == WR_TCP_ST_SYN_RECEIVED) {
		c->flags |= F_SYN_DUE | F_SYN_RTX;
		wr_tcp_conn_dirty(s, c);
	} else {
		if (given_up(s, c, now))
			return;
		wr_tcp_recovery_timeout(s, c, now);
	}
	wr_tcp_rto_back_off(s, c);
	wr_tcp_timer_rtx(s, c, now + c->rto_us);
}

static void rtx_expired(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	switch (c->rtx) {
	case WR_TCP_RTX_PERSIST:
		persist_expired(s, c, now);
		return;
	case WR_TCP_RTX_PTO:
		c->flags |= F_TLP_DUE;
		c->rtx = WR_TCP_RTX_RTO;
		wr_tcp_timer_rtx(s, c, now + c->rto_us);
		wr_tcp_conn_dirty(s, c);
		return;
	case WR_TCP_RTX_REO:
		wr_tcp_recovery_reordering(s, c, now);
		return;
	default:
		rto_expired(s, c, now);
		return;
	}
}

static void pace_expired(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	int32_t left = (int32_t)(c->pace_us - (uint32_t)now);

	if (left > 0) {
		arm(s, c, now + (uint32_t)left);
		return;
	}
	c->flags &= ~F_PACED;
	wr_tcp_conn_dirty(s, c);
}

uint32_t wr_tcp_timers(struct wr_tcp_stack *s, uint32_t budget, wr_us_t now)
{
	uint32_t n = 0;

	while (n < budget) {
		struct wr_wheel_node *node = wr_wheel_poll(&s->wheel, now);
		struct wr_tcp_conn *c;
		wr_handle_t h;

		if (node == NULL)
			break;
		n++;
		h = node->owner;
		c = wr_tcp_conn_at(s, h);
		if (unlikely(c == NULL)) // nodes are cancelled before their object is freed
			continue;
		if (c->life_at <= now) {
			if (c->flags & F_KEEPALIVE)
				keepalive_expired(s, c, now);
			else
				life_expired(s, c);
		} else if (c->rtx_at <= now) {
			rtx_expired(s, c, now);
		}
		c = wr_tcp_conn_at(s, h);
		if (c == NULL || c->state == WR_TCP_ST_CLOSED)
			continue;
		if (c->flags & F_PACED)
			pace_expired(s, c, now);
		arm(s, c, c->rtx_at);
		arm(s, c, c->life_at);
	}
	return n + wr_tcp_ack_delay_poll(s, budget - n, now);
}

wr_us_t wr_tcp_next_timer(const struct wr_tcp_stack *s)
{
	return min64(wr_wheel_next(&s->wheel), wr_tcp_ack_delay_next(s, s->wheel.now_us));
}

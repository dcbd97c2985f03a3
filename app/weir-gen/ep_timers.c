/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_priv.h"

// One node a connection for all that it waits for. Deadlines that move away, as they do with each
// ACK, leave the node where it is: it fires for nothing then and is armed again.

void ep_timer_within(struct ep_conn *c, uint32_t ticks)
{
	struct ep_stack *s = c->s;
	wr_us_t at = (s->tick + ticks) << EP_TICK_SHIFT;

	if (wr_wheel_is_armed(&c->node) && c->node.deadline_us <= at)
		return;
	wr_wheel_arm(&s->wheel, &c->node, at);
}

void ep_rto_in(struct ep_conn *c, uint32_t ticks)
{
	ticks++; // the present tick is under way: never early
	c->flags |= EP_F_RTO;
	c->rto_tick = (uint32_t)c->s->tick + ticks;
	ep_timer_within(c, ticks);
}

void ep_rto_start(struct ep_conn *c)
{
	const struct ep_stack *s = c->s;
	uint64_t rto = s->rto_first;

	if (c->srtt8 != 0) // RFC 6298 2.3
		rto = RTE_MAX((uint32_t)(c->srtt8 >> 3) + c->rttvar4, s->rto_min);
	rto = RTE_MIN(rto << c->backoff, (uint64_t)EP_RTO_MAX_TICKS);
	ep_rto_in(c, (uint32_t)rto);
}

void ep_ack_later(struct ep_conn *c)
{
	if (c->flags & (EP_F_ACK_LATER | EP_F_ACK_NOW))
		return;
	c->flags |= EP_F_ACK_LATER;
	c->ack_tick = (uint16_t)(c->s->tick + EP_ACK_DELAY_TICKS);
	ep_timer_within(c, EP_ACK_DELAY_TICKS);
}

// RFC 9293 3.8.1 and 3.8.6.1. False: the connection is gone.
static bool retransmit(struct ep_conn *c, const struct gen_now *now)
{
	struct ep_stack *s = c->s;

	c->flags &= (uint16_t)~EP_F_RTO;
	if (c->state == EP_TIME_WAIT) {
		ep_conn_free(c);
		return false;
	}
	ep_dirty(c);
	if (c->flags & EP_F_HELD) {
		c->flags = (uint16_t)((c->flags & ~EP_F_HELD) | EP_F_SYN);
		return true;
	}
	if (!(c->flags & EP_F_STUCK)) {
		c->flags |= EP_F_STUCK;
		c->stuck_tick = (uint32_t)s->tick;
	} else if ((uint32_t)s->tick - c->stuck_tick >= s->give_up) {
		ep_conn_end(c, EP_END_TIMEOUT, now);
		return false;
	}
	c->flags &= (uint16_t)~EP_F_TIMED; // RFC 6298 3: what is sent again is not timed
	if (c->state <= EP_SYN_RECEIVED) {
		c->flags |= EP_F_SYN;
	} else if (c->snd_wnd == 0) {
		c->flags |= EP_F_PROBE;
		c->snd_nxt = c->snd_una;
	} else {
		ep_go_back(c, true);
	}
	c->backoff += c->backoff < 16;
	return true;
}

static void fire(struct ep_conn *c, const struct gen_now *now)
{
	uint32_t tick = (uint32_t)c->s->tick;

	if ((c->flags & EP_F_ACK_LATER) && (int16_t)((uint16_t)tick - c->ack_tick) >= 0) {
		c->flags &= (uint16_t)~EP_F_ACK_LATER;
		ep_ack_now(c);
	}
	if ((c->flags & EP_F_RTO) && (int32_t)(tick - c->rto_tick) >= 0 && !retransmit(c, now))
		return;
	if (c->flags & EP_F_ACK_LATER)
		ep_timer_within(c, (uint16_t)(c->ack_tick - (uint16_t)tick));
	if (c->flags & EP_F_RTO)
		ep_timer_within(c, c->rto_tick - tick);
}

uint32_t ep_timers(struct ep_stack *s, uint32_t budget, const struct gen_now *now)
{
	struct wr_wheel_node *n;
	uint32_t done = 0;

	ep_clock(s, now);
	while (done < budget && (n = wr_wheel_poll(&s->wheel, now->us)) != NULL) {
		fire(RTE_PTR_SUB(n, offsetof(struct ep_conn, node)), now);
		done++;
	}
	return done;
}

wr_us_t ep_next_timer(const struct ep_stack *s)
{
	return wr_wheel_next(&s->wheel);
}

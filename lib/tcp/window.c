/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// The receive window and the memory credit behind it. What is advertised is a promise to hold that
// many bytes; promises are summed in bytes and, by the MSS, in buffers.

// Buffers behind a promise that is not 0.
static uint32_t in_segs(struct wr_tcp_stack *s, const struct wr_tcp_conn *c, uint32_t bytes)
{
	// connections of a stack nearly always have the same MSS: divide once
	if (unlikely(s->inv_mss != c->rcv_mss)) {
		s->inv_mss = c->rcv_mss;
		s->inv = UINT32_MAX / c->rcv_mss;
	}
	return (uint32_t)(((uint64_t)bytes * s->inv) >> 32) + 1;
}

// What a connection is charged for nobody's use of its window.
static uint32_t stale_charge(const struct wr_tcp_conn *c)
{
	return 2u * c->rcv_mss;
}

// The buffers that it is charged for.
static uint32_t charged_segs(struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	if (unlikely((int32_t)c->promised <= 0))
		return c->promised == 0 ? 0 : in_segs(s, c, stale_charge(c));
	return in_segs(s, c, c->promised);
}

// Whether it may receive, now or once it is open.
static bool promises(const struct wr_tcp_conn *c)
{
	return ((1u << c->state) &
		       (1u << WR_TCP_ST_ESTABLISHED | 1u << WR_TCP_ST_FIN_WAIT_1 |
			       1u << WR_TCP_ST_FIN_WAIT_2 | 1u << WR_TCP_ST_SYN_SENT |
			       1u << WR_TCP_ST_SYN_RECEIVED | 1u << WR_TCP_ST_LISTEN)) != 0;
}

// A promise that begins, ends, or was stale.
static __rte_noinline void promise_anew(
	struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t bytes)
{
	uint32_t was = c->promised;

	if (unlikely(was & WR_TCP_STALE)) {
		s->stale_promise_bytes -= (was & ~WR_TCP_STALE) - stale_charge(c);
		was = stale_charge(c);
	}
	if (was > 0)
		s->promised_segs -= in_segs(s, c, was);
	if (bytes > 0)
		s->promised_segs += in_segs(s, c, bytes);
	s->promised_bytes += (uint64_t)bytes - was;
	c->promised = bytes;
}

// Bring the stack's sums in line with what this connection has promised.
void wr_tcp_window_promise(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint32_t was = c->promised, bytes = promises(c) ? c->rcv_adv - c->rcv_nxt : 0;

	if (bytes == was)
		return;
	if (unlikely(bytes == 0 || (int32_t)was <= 0)) {
		promise_anew(s, c, bytes);
		return;
	}
	s->promised_bytes += (uint64_t)bytes - was;
	s->promised_segs += (uint64_t)in_segs(s, c, bytes) - in_segs(s, c, was);
	c->promised = bytes;
}

// Charge only a little of a promise that nobody makes use of.
void wr_tcp_window_stale(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if ((c->promised & WR_TCP_STALE) || c->promised <= stale_charge(c))
		return;
	s->promised_segs -= charged_segs(s, c);
	s->promised_bytes -= c->promised - stale_charge(c);
	s->stale_promise_bytes += c->promised - stale_charge(c);
	c->promised |= WR_TCP_STALE;
	s->promised_segs += charged_segs(s, c);
}

bool wr_tcp_credit(const struct wr_tcp_stack *s, uint32_t bufs, bool at_edge)
{
	uint32_t limit = s->cfg.held_budget - (at_edge ? 0 : s->cfg.held_reserve);

	return s->held_rx + bufs <= limit;
}

static uint32_t ooo_count(struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	const struct wr_tcp_disorder *d = wr_tcp_disorder_of(s, c);

	return d != NULL ? d->ooo.count : 0;
}

// Bytes from RCV.NXT on that we would like to show.
static uint32_t window_target(struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	// a queued buffer costs more than its payload (tcp-cases 32)
	uint32_t used = max32(c->rcvq.bytes, c->rcvq.count * WR_TCP_TRUESIZE);
	uint32_t space = c->rcv_buf > used ? c->rcv_buf - used : 0;
	uint32_t now = c->rcv_adv - c->rcv_nxt;
	uint32_t floor = 2u * c->rcv_mss;
	uint64_t limit = (uint64_t)s->overcommit * s->cfg.held_budget;
	uint64_t taken = s->held_rx + s->promised_segs - charged_segs(s, c);
	uint64_t credit = limit > taken ? (limit - taken) * c->rcv_mss : 0;

	space = min32(space, (uint32_t)UINT16_MAX << c->our_wscale);
	if (unlikely(s->level >= 1))
		space = min32(space, WR_TCP_SLOW_WND);
	if (unlikely(s->level >= 2 && c->rcvq.count + ooo_count(s, c) > s->share))
		space = min32(space, max32(now, floor));
	if (unlikely(space > credit))
		space = max32((uint32_t)credit, min32(space, floor));
	return space;
}

// The first window, shown in our SYN without scaling. In need those who only ask get the floor:
// half-open connections promise nothing that established ones could use.
void wr_tcp_window_open(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint32_t most = s->level >= 3 ? 2u * c->rcv_mss : (uint32_t)UINT16_MAX;

	c->rcv_adv = c->rcv_nxt + min32(window_target(s, c), most);
	wr_tcp_window_promise(s, c);
}

// RFC 9293 3.8.6.2.2: the edge moves by worthwhile steps only.
static uint32_t least_step(const struct wr_tcp_conn *c, uint32_t segs)
{
	return min32(c->rcv_buf / 2, segs * c->rcv_mss);
}

// Whether the reader has made enough room to tell the peer of it.
bool wr_tcp_window_worth_update(struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	uint32_t left = c->rcv_adv - c->rcv_nxt, two = 2u * c->rcv_mss;
	uint32_t edge;

	// With half of it left the ACK that is due soon says so early enough.
	if (s->late_acks.slot != NULL && left >= two && left + two >= c->rcv_buf / 2)
		return false;
	edge = c->rcv_nxt + window_target(s, c);
	return (int32_t)(edge - c->rcv_adv) >= (int32_t)max32(least_step(c, 2), 1u);
}

// Move the right edge if that is worthwhile and return the window field for the next segment.
// The edge is never withdrawn: what scaling would cut off is rounded up, as long as the overshoot
// stays within one unit of the buffer (RFC 7323 2.4).
uint16_t wr_tcp_window_advertise(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint32_t unit = 1u << c->our_wscale;
	uint32_t step = max32(least_step(c, 1), 1u);
	uint32_t edge, wnd;

	if (likely(wr_tcp_can_receive(c) || c->state == WR_TCP_ST_SYN_RECEIVED)) {
		// no target lies beyond the buffer
		if ((int32_t)(c->rcv_nxt + c->rcv_buf - c->rcv_adv) >= (int32_t)step) {
			edge = c->rcv_nxt + (window_target(s, c) & ~(unit - 1));
			if ((int32_t)(edge - c->rcv_adv) >= (int32_t)step)
				c->rcv_adv = edge;
		}
		wnd = c->rcv_adv - c->rcv_nxt;
		if ((wnd & (unit - 1)) != 0 && c->rcvq.bytes + wnd <= c->rcv_buf) {
			wnd = (wnd | (unit - 1)) + 1;
			c->rcv_adv = c->rcv_nxt + wnd;
		}
		wr_tcp_window_promise(s, c);
	} else {
		wnd = c->rcv_adv - c->rcv_nxt;
	}
	wnd = min32(wnd >> c->our_wscale, (uint32_t)UINT16_MAX);
	if (unlikely(wnd == 0) && !(c->flags & F_ZERO_WND))
		wr_tcp_count(s, WR_CTR_tcp_zero_window, 1);
	c->flags = wnd == 0 ? c->flags | F_ZERO_WND : c->flags & ~F_ZERO_WND;
	return (uint16_t)wnd;
}

// What autotuning may raise a buffer to: none may take more than its share of the memory, and none
// grows under pressure.
static uint32_t tuned(const struct wr_tcp_stack *s, const struct wr_tcp_conn *c, uint32_t buf,
	uint64_t want, uint32_t max)
{
	uint64_t share = (uint64_t)(s->cfg.held_budget / WR_TCP_TUNE_SHARE) * c->rcv_mss;

	if (s->level >= 1 || s->held_rx > s->cfg.held_budget / 2)
		return buf;
	return max32(buf, (uint32_t)min64(min64(want, max), share));
}

// Dynamic right-sizing (Fisk, Feng 2001): room for three times what was read in a round trip, so
// that the window never holds back a peer whose cwnd doubles. The buffer gets there a byte for each
// byte read: a window that opened at once would be filled at once, and the queue that this makes
// looks to the peer like the end of slow start.
void wr_tcp_window_tune(struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t bytes, wr_us_t now)
{
	uint32_t round = max32(c->srtt_us, 1u << WR_WHEEL_TICK_SHIFT);
	uint32_t read = c->rcv_nxt - c->rcvq.bytes;
	uint32_t goal = c->recv_goal * WR_TCP_GOAL_UNIT;

	if (unlikely(goal > c->rcv_buf))
		c->rcv_buf = tuned(s, c, c->rcv_buf, min32(goal, c->rcv_buf + bytes),
			s->cfg.rcv_buf_max_bytes);
	if (likely((uint32_t)now - c->recv_us < round))
		return;
	// an idle time in between makes the round longer than it was
	if ((uint32_t)now - c->recv_us < 4 * round) {
		uint64_t want = 3ULL * (read - c->recv_seq) / WR_TCP_GOAL_UNIT + 1;

		c->recv_goal = (uint16_t)min64(max64(want, c->recv_goal), 1u << 15);
	}
	c->recv_seq = read;
	c->recv_us = (uint32_t)now;
}

void wr_tcp_window_tune_send(const struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint64_t want = 2ULL * c->cwnd;

	if (unlikely(want > c->snd_buf) && (c->flags & F_CWND_LIMITED))
		c->snd_buf = tuned(s, c, c->snd_buf, want, s->cfg.snd_buf_max_bytes);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// The receive window and the memory credit behind it. What is advertised is a promise to hold that
// many bytes; promises are summed in bytes and, by the MSS, in buffers.

static uint32_t in_segs(const struct wr_tcp_conn *c, uint32_t bytes)
{
	return bytes == 0 ? 0 : (uint32_t)(((uint64_t)bytes * c->rcv_mss_inv) >> 32) + 1;
}

// Bring the stack's sums in line with what this connection has promised.
void wr_tcp_window_promise(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	bool open = wr_tcp_can_receive(c) || c->state == WR_TCP_ST_SYN_SENT ||
	            c->state == WR_TCP_ST_SYN_RECEIVED || c->state == WR_TCP_ST_LISTEN;
	uint32_t bytes = open ? c->rcv_adv - c->rcv_nxt : 0;
	uint32_t segs = in_segs(c, bytes);

	s->promised_bytes += (uint64_t)bytes - c->promised;
	s->promised_segs += (uint64_t)segs - c->promised_segs;
	c->promised = bytes;
	c->promised_segs = segs;
}

bool wr_tcp_credit(const struct wr_tcp_stack *s, uint32_t bufs, bool at_edge)
{
	uint32_t limit = s->cfg.held_budget - (at_edge ? 0 : s->cfg.held_reserve);

	return s->held_rx + bufs <= limit;
}

// Bytes from RCV.NXT on that we would like to show.
static uint32_t window_target(const struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	// a queued buffer costs more than its payload (tcp-cases 32)
	uint32_t used = max32(c->rcvq.bytes, c->rcvq.count * WR_TCP_TRUESIZE);
	uint32_t space = c->rcv_buf > used ? c->rcv_buf - used : 0;
	uint32_t now = c->rcv_adv - c->rcv_nxt;
	uint32_t floor = 2u * c->rcv_mss;
	uint64_t limit = (uint64_t)s->overcommit * s->cfg.held_budget;
	uint64_t taken = s->held_rx + s->promised_segs - c->promised_segs;
	uint64_t credit = limit > taken ? (limit - taken) * c->rcv_mss : 0;

	space = min32(space, (uint32_t)UINT16_MAX << c->our_wscale);
	if (unlikely(s->level >= 1))
		space = min32(space, WR_TCP_SLOW_WND);
	if (unlikely(s->level >= 2 && c->rcvq.count + c->ooo.count > s->share))
		space = min32(space, max32(now, floor));
	if (unlikely(space > credit))
		space = max32((uint32_t)credit, min32(space, floor));
	return space;
}

// The first window, shown in our SYN without scaling.
void wr_tcp_window_open(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	c->rcv_adv = c->rcv_nxt + min32(window_target(s, c), (uint32_t)UINT16_MAX);
	wr_tcp_window_promise(s, c);
}

// RFC 9293 3.8.6.2.2: the edge moves by worthwhile steps only.
static uint32_t least_step(const struct wr_tcp_conn *c, uint32_t segs)
{
	return min32(c->rcv_buf / 2, segs * c->rcv_mss);
}

// Whether the reader has made enough room to tell the peer of it.
bool wr_tcp_window_worth_update(const struct wr_tcp_stack *s, const struct wr_tcp_conn *c)
{
	uint32_t edge = c->rcv_nxt + window_target(s, c);

	return (int32_t)(edge - c->rcv_adv) >= (int32_t)max32(least_step(c, 2), 1u);
}

// Move the right edge if that is worthwhile and return the window field for the next segment.
// The edge is never withdrawn: what scaling would cut off is rounded up, as long as the overshoot
// stays within one unit of the buffer (RFC 7323 2.4).
uint16_t wr_tcp_window_advertise(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint32_t unit = 1u << c->our_wscale;
	uint32_t edge, wnd;

	if (likely(wr_tcp_can_receive(c) || c->state == WR_TCP_ST_SYN_RECEIVED)) {
		edge = c->rcv_nxt + (window_target(s, c) & ~(unit - 1));
		if ((int32_t)(edge - c->rcv_adv) >= (int32_t)max32(least_step(c, 1), 1u))
			c->rcv_adv = edge;
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

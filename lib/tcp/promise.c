/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Promises that nobody makes use of: windows of peers that are silent keep memory from those who
// have something to send. What was shown cannot be withdrawn, but most of it will not be filled
// soon.

// Whether nothing came from the peer for a while.
static bool is_silent(const struct wr_tcp_stack *s, const struct wr_tcp_conn *c, wr_us_t now)
{
	if (wr_tcp_can_receive(c))
		return wr_tcp_tick(now) - c->recv_tick >= wr_tcp_tick(WR_TCP_SILENT_US);
	// a request that was made so long ago and was not completed
	return (c->flags & F_HALF_OPEN) && (c->flags & F_PASSIVE) && c->life_at != WR_US_NEVER &&
	       c->life_at + WR_TCP_SILENT_US <= now + s->cfg.syn_timeout_us;
}

static void look_at_promise(struct wr_tcp_stack *s, struct wr_tcp_conn *c, wr_us_t now)
{
	bool holds = c->rcvq.count + c->sndq.count > 0 || c->disorder != WR_HANDLE_NONE;

	if (holds || !is_silent(s, c, now))
		wr_tcp_window_promise(s, c); // in full again, if it was not
	else
		wr_tcp_window_stale(s, c);
}

void wr_tcp_promise_walk(struct wr_tcp_stack *s, uint32_t budget, wr_us_t now)
{
	uint64_t slots = min64((uint64_t)budget * WR_TCP_WALK_SLOTS, s->conns.capacity);

	for (; slots > 0 && budget > 0; slots--) {
		if (s->promise_at >= s->conns.capacity)
			s->promise_at = 0;
		if (wr_pool_handle_at(&s->conns, s->promise_at) != WR_HANDLE_NONE) {
			look_at_promise(s, wr_pool_at(&s->conns, s->promise_at), now);
			budget--;
		}
		s->promise_at++;
	}
}

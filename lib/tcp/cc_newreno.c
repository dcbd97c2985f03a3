/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Slow start and congestion avoidance of RFC 5681 with the initial window of RFC 6928.

#define ACKED word[0] // bytes acknowledged towards the next step of congestion avoidance

uint32_t wr_tcp_cc_initial_window(const struct wr_tcp_conn *c)
{
	return min32(10u * c->mss, max32(2u * c->mss, 14600u));
}

static void newreno_init(struct wr_tcp_conn *c, bool syn_lost, wr_us_t now)
{
	// RFC 5681 3.1: one segment after a lost SYN
	c->cwnd = syn_lost ? c->mss : wr_tcp_cc_initial_window(c);
	c->ssthresh = UINT32_MAX / 2;
	c->cc_priv.ACKED = 0;
}

static void newreno_acked(
	struct wr_tcp_conn *c, uint32_t acked, uint32_t rtt_us, bool limited, wr_us_t now)
{
	if (!limited)
		return;
	if (c->cwnd < c->ssthresh) {
		// RFC 3465 with L = 2
		c->cwnd += min32(acked, 2u * c->mss);
		return;
	}
	// one segment a window, counted in bytes (RFC 5681 3.1)
	c->cc_priv.ACKED += acked;
	if (c->cc_priv.ACKED >= c->cwnd) {
		c->cc_priv.ACKED -= c->cwnd;
		c->cwnd += c->mss;
	}
	c->cwnd = min32(c->cwnd, UINT32_MAX / 4);
}

static uint32_t newreno_ssthresh(struct wr_tcp_conn *c, uint32_t flight, wr_us_t now)
{
	c->cc_priv.ACKED = 0;
	return max32(flight / 2, 2u * c->mss); // RFC 5681 (4)
}

static void newreno_restart(struct wr_tcp_conn *c, wr_us_t now)
{
	c->cwnd = min32(c->cwnd, wr_tcp_cc_initial_window(c)); // RFC 5681 4.1
}

static void newreno_undo(struct wr_tcp_conn *c, wr_us_t now)
{
	c->cc_priv.ACKED = 0; // at most one step late
}

const struct wr_tcp_cc_ops wr_tcp_cc_newreno = {
	.name = "newreno",
	.init = newreno_init,
	.acked = newreno_acked,
	.ssthresh = newreno_ssthresh,
	.restart = newreno_restart,
	.undo = newreno_undo,
};

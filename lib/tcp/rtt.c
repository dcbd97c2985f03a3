/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

// Round-trip time and retransmission time-out (RFC 6298), in microseconds.

void wr_tcp_rto_set(const struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint64_t rto;

	if (c->srtt_us == 0) {
		rto = s->cfg.rto_initial_us;
	} else {
		// the clock granularity G of 2.3 is the wheel's tick
		rto = c->srtt_us + max32(4 * c->rttvar_us, 1u << WR_WHEEL_TICK_SHIFT);
	}
	rto = max64(rto, s->cfg.rto_min_us);
	c->rto_us = (uint32_t)min64(rto, s->cfg.rto_max_us);
}

void wr_tcp_rtt_sample(const struct wr_tcp_stack *s, struct wr_tcp_conn *c, uint32_t rtt_us)
{
	uint32_t r = max32(rtt_us, 1u); // 0 means "no sample" (tcp-cases 41)

	if (c->min_rtt_us == 0 || r < c->min_rtt_us)
		c->min_rtt_us = r;
	if (c->srtt_us == 0) {
		c->srtt_us = r; // 2.2
		c->rttvar_us = r / 2;
	} else {
		uint32_t dev = c->srtt_us > r ? c->srtt_us - r : r - c->srtt_us;

		// 2.3, alpha 1/8, beta 1/4
		c->rttvar_us = c->rttvar_us - c->rttvar_us / 4 + dev / 4;
		c->srtt_us = max32(c->srtt_us - c->srtt_us / 8 + r / 8, 1u);
	}
	wr_tcp_rto_set(s, c);
}

// 5.5
void wr_tcp_rto_back_off(const struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	if (c->backoff < UINT8_MAX)
		c->backoff++;
	c->rto_us = (uint32_t)min64((uint64_t)c->rto_us * 2, s->cfg.rto_max_us);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// Slow start: the share of a backend that came back, from 10 % to all of it, in a straight line.
// Workers read shares, so nothing is rebuilt.

#include "backend_priv.h"

#include <rte_common.h>

static void set(struct wr_backends *b, uint16_t id, uint16_t share)
{
	if (b->share[id] != share)
		__atomic_store_n(&b->share[id], share, __ATOMIC_RELAXED);
}

void wr_ramp_begin(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	const struct wr_conf_pool *pc = pool_conf(b, be);

	if (pc == NULL || pc->slow_start_us == 0 || !wr_backend_usable(be) ||
		wr_backends_is_last(b, be->id))
		return;
	be->slow_since_us = RTE_MAX(now, (wr_us_t)1); // 0 means none
	set(b, be->id, SHARE_FIRST);
}

void wr_ramp_stop(struct wr_backends *b, struct wr_backend *be)
{
	be->slow_since_us = 0;
	set(b, be->id, WHOLE);
}

void wr_ramp_look(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	const struct wr_conf_pool *pc = pool_conf(b, be);
	wr_us_t in;

	if (be->slow_since_us == 0)
		return;
	in = now > be->slow_since_us ? now - be->slow_since_us : 0;
	if (pc != NULL && in < pc->slow_start_us) {
		set(b, be->id,
			(uint16_t)(SHARE_FIRST + (WHOLE - SHARE_FIRST) * in / pc->slow_start_us));
		return;
	}
	wr_ramp_stop(b, be);
	wr_backend_settle(b, be, now);
	wr_note(b, WR_EV_slow_start_end, be->id, now);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// What a backend's agent asks for: weight, limit, drain, down (HAProxy configuration manual,
// agent-check). "maint" is taken as "drain": checks go on, since only an operator disables.

#include "backend_priv.h"

static void set_down(struct wr_backends *b, struct wr_backend *be, bool down, wr_us_t now)
{
	be->agent_down = down;
	if (down && pool_conf(b, be)->on_down == WR_CONF_ON_DOWN_RESET)
		wr_queue_add(&b->kills, be->id);
	if (!down)
		wr_ramp_begin(b, be, now);
}

static bool apply_states(struct wr_backends *b, struct wr_backend *be, uint16_t said, wr_us_t now)
{
	bool drain = be->agent_drain, down = be->agent_down;

	if (said & WR_AGENT_READY)
		drain = false;
	if (said & (WR_AGENT_DRAIN | WR_AGENT_MAINT))
		drain = true;
	if (said & WR_AGENT_UP)
		down = false;
	if (said & WR_AGENT_DOWN)
		down = true;
	if (drain == be->agent_drain && down == be->agent_down)
		return false;
	be->agent_drain = drain;
	if (down != be->agent_down)
		set_down(b, be, down, now);
	return true;
}

void wr_agent_judge(
	struct wr_backends *b, struct wr_backend *be, const struct wr_check_answer *a, wr_us_t now)
{
	struct wr_backend_seen *s = be->seen;
	bool changed = apply_states(b, be, a->agent, now);

	if ((a->agent & WR_AGENT_WEIGHT) && a->weight_percent != be->agent_percent) {
		be->agent_percent = a->weight_percent;
		b->more[be->pool].dirty = true;
		changed = true;
	}
	if ((a->agent & WR_AGENT_MAXCONN) && (!s->agent_limited || s->agent_limit != a->maxconn)) {
		s->agent_limited = true;
		s->agent_limit = a->maxconn;
		wr_queue_add(&b->limits, be->id);
		changed = true;
	}
	if (!changed)
		return;
	wr_backend_settle(b, be, now);
	wr_note_text(wr_note(b, WR_EV_backend_agent, be->id, now), "%s", a->text);
}

void wr_agent_forget(struct wr_backends *b, struct wr_backend *be, uint32_t limit)
{
	be->agent_percent = 100;
	be->agent_drain = be->agent_down = false;
	b->more[be->pool].dirty = true;
	if (!be->seen->agent_limited)
		return;
	be->seen->agent_limited = false;
	be->seen->agent_limit = limit;
	wr_queue_add(&b->limits, be->id);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// The end of a drain: no session is left, or its deadline passes. Told once.

#include "backend_priv.h"

uint32_t wr_backend_held(const struct wr_backends *b, uint16_t id)
{
	uint32_t n = 0;

	for (uint16_t w = 0; w < b->workers; w++)
		n += __atomic_load_n(&b->own[w].sessions[id], __ATOMIC_RELAXED);
	return n;
}

void wr_drain_look(struct wr_backends *b, struct wr_backend *be, wr_us_t now)
{
	uint32_t held;
	bool late;

	if (be->slot == WR_CONF_LIVE && be->admin != WR_ADMIN_DRAINING)
		return;
	late = be->drain_until_us != 0 && now >= be->drain_until_us;
	if (be->seen->drained && !late)
		return;
	held = wr_backend_held(b, be->id);
	// A deadline counts also when the drain seemed to be over: a worker may have picked it
	// just before it knew.
	if (late && held > 0)
		wr_queue_add(&b->kills, be->id);
	if (late)
		be->drain_until_us = 0;
	if (be->seen->drained || (!late && held > 0))
		return;
	be->seen->drained = true;
	wr_note(b, WR_EV_backend_drained, be->id, now)->count = held;
}

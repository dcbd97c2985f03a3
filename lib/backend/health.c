/* SPDX-License-Identifier: BSD-3-Clause */

// What probes and operators change: verdicts with rise and fall, administration, weights.

#include "backend_priv.h"

#include <errno.h>

void wr_backend_probe_answer(struct wr_backend *be, uint32_t asked, int err)
{
	uint64_t word = ((uint64_t)(uint32_t)(err + 1) << 32) | asked;

	__atomic_store_n(&be->probe_answer, word, __ATOMIC_RELEASE);
}

// Errors of ours, for lack of ports or connections: they tell nothing about the backend, and in an
// overload would take the whole pool down.
static bool is_ours(int err)
{
	return err == EADDRNOTAVAIL || err == EADDRINUSE || err == ENOBUFS || err == ENOMEM;
}

// Whether this result completes the streak that changes the state.
static bool judge(struct wr_backend *be, const struct wr_conf_pool *pc, bool passed)
{
	uint32_t needed = passed ? pc->health_rise : pc->health_fall;

	if (passed == (be->health == WR_HEALTH_UP)) {
		be->streak = 0;
		return false;
	}
	return ++be->streak >= needed;
}

int wr_backends_probe_take(struct wr_backends *b, uint16_t id, wr_us_t now, int *err)
{
	struct wr_backend *be = &b->backends[id];
	uint64_t word = __atomic_load_n(&be->probe_answer, __ATOMIC_ACQUIRE);
	bool passed;

	if ((uint32_t)word != be->probe_asked || (word >> 32) == 0)
		return -1;
	__atomic_store_n(&be->probe_answer, 0, __ATOMIC_RELAXED);
	*err = (int)(word >> 32) - 1;
	passed = *err == 0;
	be->last_probe_err = *err;
	if (is_ours(*err))
		return WR_BACKEND_SAME;
	be->checked = true;
	if (!judge(be, b->pools[be->pool].conf, passed))
		return WR_BACKEND_SAME;
	be->streak = 0;
	be->health = passed ? WR_HEALTH_UP : WR_HEALTH_DOWN;
	be->state_since_us = now;
	be->transitions++;
	// Without memory for a new table the old one goes on: connects to the dead backend fail
	// over.
	wr_backends_rebuild(b, be->pool);
	return passed ? WR_BACKEND_WENT_UP : WR_BACKEND_WENT_DOWN;
}

int wr_backends_set_admin(
	struct wr_backends *b, uint16_t id, enum wr_backend_admin admin, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(b, id);

	if (be == NULL)
		return -ENOENT;
	if (be->admin == admin)
		return 0;
	be->admin = admin;
	be->state_since_us = now;
	return wr_backends_rebuild(b, be->pool);
}

int wr_backends_set_weight(struct wr_backends *b, uint16_t id, uint32_t weight, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(b, id);

	if (be == NULL)
		return -ENOENT;
	if (weight > 256)
		return -EINVAL;
	if (be->weight == weight)
		return 0;
	be->weight = weight;
	be->state_since_us = now;
	return wr_backends_rebuild(b, be->pool);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "conf_test.h"

#include "wr_conf_plan.h"

// Who needs what, for all slots alike or by a bit each.
struct plan_use {
	bool all;
	uint32_t asked;
};

static inline bool plan_used(void *arg, uint16_t slot)
{
	struct plan_use *u = arg;

	u->asked++;
	return u->all;
}

static inline bool plan_unused(void *arg, uint16_t slot)
{
	return false;
}

// Lay `p` over *c, which it replaces.
static inline int plan_try(struct wr_conf **c, struct conf_parts p, bool used, struct wr_err *err)
{
	struct plan_use u = {.all = used};
	const struct wr_conf_use use = {
		.service = plan_used, .pool = plan_used, .backend = plan_used, .arg = &u};
	struct wr_conf *fresh = conf_take(p);
	int rc = wr_conf_plan(fresh, *c, &use, err);

	if (rc < 0) {
		wr_conf_free(fresh);
		return rc;
	}
	wr_conf_free(*c);
	*c = fresh;
	return 0;
}

static inline void plan_next(struct wr_conf **c, struct conf_parts p, bool used)
{
	struct wr_err err = {{0}};

	if (plan_try(c, p, used, &err) < 0)
		fail_msg("refused: %s", err.text);
	assert_int_equal(err.text[0], 0);
}

// The backend with this name, LIVE ones first; its id, or -1.
static inline int plan_id(
	const struct wr_conf *c, const char *pool, const char *name, enum wr_conf_slot slot)
{
	int at = wr_conf_find_pool(c, pool);

	for (uint32_t i = 0; at >= 0 && i < c->pools[at].backend_count; i++) {
		const struct wr_conf_backend *b = &c->pools[at].backends[i];

		if (b->slot == slot && strcmp(b->name, name) == 0)
			return b->id;
	}
	return -1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

// An operator's orders to workers. What is kept is what should be in force, not the messages: who
// could not be told hears of the newest order, whatever came between.

void wr_ctl_orders_init(struct wr_ctl_orders *o)
{
	*o = (struct wr_ctl_orders){0};
	for (uint32_t d = 0; d < WR_CTL_DOMAINS; d++)
		o->refuse[d] = WR_CLASSES;
}

static uint32_t everyone(const struct wr_ctl *c)
{
	return (uint32_t)(((uint64_t)1 << c->workers) - 1);
}

// Send to those whose bit is set; who took it is no longer owed.
static void tell(struct wr_ctl *c, const struct wr_msg *m, uint32_t *owed)
{
	for (uint16_t w = 0; *owed != 0 && w < c->workers; w++)
		if ((*owed & (1u << w)) != 0 &&
			wr_worker_post(wr_fabric_worker(c->fabric, w), m) == 0)
			*owed &= ~(1u << w);
	c->orders.any_owed |= *owed != 0;
}

static void tell_level(struct wr_ctl *c, uint16_t domain)
{
	const struct wr_msg m = {
		.kind = WR_MSG_FORCE_LEVEL,
		.a = domain == WR_CTL_WORKERS ? WR_PRESSURE_WORKER : domain,
		.b = c->orders.level[domain],
	};

	tell(c, &m, &c->orders.level_owed[domain]);
}

static void tell_refuse(struct wr_ctl *c, uint16_t domain)
{
	const struct wr_msg m = {
		.kind = WR_MSG_DOOR_ORDER,
		.a = domain == WR_CTL_WORKERS ? WR_DOOR_WORKER : domain,
		.b = c->orders.refuse[domain],
	};

	tell(c, &m, &c->orders.refuse_owed[domain]);
}

uint32_t wr_ctl_order_level(struct wr_ctl *c, uint16_t domain, int level)
{
	c->orders.level[domain] = (uint8_t)(level + 1);
	c->orders.level_owed[domain] = everyone(c);
	tell_level(c, domain);
	return (uint32_t)__builtin_popcount(c->orders.level_owed[domain]);
}

uint32_t wr_ctl_order_refuse(struct wr_ctl *c, uint16_t domain, uint8_t class)
{
	c->orders.refuse[domain] = class;
	c->orders.refuse_owed[domain] = everyone(c);
	tell_refuse(c, domain);
	return (uint32_t)__builtin_popcount(c->orders.refuse_owed[domain]);
}

void wr_ctl_orders_turn(struct wr_ctl *c)
{
	if (!c->orders.any_owed)
		return;
	c->orders.any_owed = false;
	for (uint16_t d = 0; d < WR_CTL_DOMAINS; d++) {
		if (c->orders.level_owed[d] != 0)
			tell_level(c, d);
		if (c->orders.refuse_owed[d] != 0)
			tell_refuse(c, d);
	}
}

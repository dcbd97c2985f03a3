/* SPDX-License-Identifier: BSD-3-Clause */
#include "ep_priv.h"

#include <errno.h>

#include <rte_malloc.h>

int ep_table_init(struct ep_stack *s)
{
	uint32_t count = rte_align32pow2(RTE_MAX(2 * s->cfg.max_conns, 16u));

	s->slots = rte_zmalloc_socket(
		"ep_slots", count * sizeof(*s->slots), RTE_CACHE_LINE_SIZE, s->cfg.numa_node);
	s->slot_mask = count - 1;
	return s->slots != NULL ? 0 : -ENOMEM;
}

void ep_table_fini(struct ep_stack *s)
{
	rte_free(s->slots);
	s->slots = NULL;
}

void ep_table_add(struct ep_stack *s, uint32_t hash, const struct ep_conn *c)
{
	uint32_t i = hash & s->slot_mask;

	while (s->slots[i].ref != 0)
		i = (i + 1) & s->slot_mask;
	s->slots[i] = (struct ep_slot){hash, wr_handle_index(c->handle) + 1};
}

void ep_table_del(struct ep_stack *s, uint32_t hash, const struct ep_conn *c)
{
	uint32_t ref = wr_handle_index(c->handle) + 1;
	uint32_t i = hash & s->slot_mask, j;

	while (s->slots[i].ref != ref) {
		if (s->slots[i].ref == 0)
			return;
		i = (i + 1) & s->slot_mask;
	}
	// Close the gap with what follows, unless that would move it before its home.
	for (j = (i + 1) & s->slot_mask; s->slots[j].ref != 0; j = (j + 1) & s->slot_mask) {
		if (((j - s->slots[j].hash) & s->slot_mask) < ((j - i) & s->slot_mask))
			continue;
		s->slots[i] = s->slots[j];
		i = j;
	}
	s->slots[i].ref = 0;
}

struct ep_conn *ep_table_lookup(const struct ep_stack *s, uint32_t hash, const struct wr_tuple *t)
{
	struct ep_conn *c;
	uint32_t i;

	for (i = hash & s->slot_mask; s->slots[i].ref != 0; i = (i + 1) & s->slot_mask) {
		if (s->slots[i].hash != hash)
			continue;
		c = wr_pool_at(&s->conns, s->slots[i].ref - 1);
		if (likely(wr_tuple_eq(&c->t, t)))
			return c;
	}
	return NULL;
}

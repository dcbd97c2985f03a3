/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_waitq.h"

#include <string.h>

#include <rte_common.h>

// In a list of a class the oldest is always at the head, whichever end is served: so what is oldest
// over all is the oldest of eight heads.

static struct wr_waitq_node *node_of(const struct wr_waitq *q, uint32_t index)
{
	return (struct wr_waitq_node *)RTE_PTR_ADD(q->cfg.nodes, (size_t)index * q->cfg.stride);
}

static wr_us_t waited(const struct wr_waitq_node *n, wr_us_t now)
{
	return now > n->at_us ? now - n->at_us : 0;
}

// The oldest of all; WR_WAITQ_NONE when empty.
static uint32_t oldest_of(const struct wr_waitq *q)
{
	uint32_t best = WR_WAITQ_NONE;

	for (uint32_t c = 0; c < WR_CLASSES; c++) {
		uint32_t i = q->head[c];

		if (i != WR_WAITQ_NONE &&
			(best == WR_WAITQ_NONE || node_of(q, i)->at_us < node_of(q, best)->at_us))
			best = i;
	}
	return best;
}

static wr_us_t limit_of(const struct wr_waitq *q, wr_us_t now)
{
	return wr_waitq_standing(q, now) ? q->cfg.target_us : q->cfg.time_us;
}

static void link_newest(struct wr_waitq *q, uint32_t index, uint8_t class, wr_us_t now)
{
	struct wr_waitq_node *n = node_of(q, index);

	*n = (struct wr_waitq_node){.prev = q->tail[class],
		.next = WR_WAITQ_NONE,
		.at_us = now,
		.class = class,
		.queued = true};
	if (n->prev == WR_WAITQ_NONE)
		q->head[class] = index;
	else
		node_of(q, n->prev)->next = index;
	q->tail[class] = index;
	q->depth_of[class]++;
	if (q->depth++ == 0)
		q->busy_since_us = RTE_MAX(now, (wr_us_t)1); // 0 says that it is empty
}

static void unlink_node(struct wr_waitq *q, uint32_t index, wr_us_t now)
{
	struct wr_waitq_node *n = node_of(q, index);

	if (n->prev == WR_WAITQ_NONE)
		q->head[n->class] = n->next;
	else
		node_of(q, n->prev)->next = n->next;
	if (n->next == WR_WAITQ_NONE)
		q->tail[n->class] = n->prev;
	else
		node_of(q, n->next)->prev = n->prev;
	n->queued = false;
	q->waited_us += waited(n, now);
	if (waited(n, now) >= q->cfg.target_us)
		q->late = true;
	q->depth_of[n->class]--;
	if (--q->depth == 0) {
		q->busy_since_us = 0;
		q->late = false;
	}
}

void wr_waitq_init(struct wr_waitq *q, const struct wr_waitq_config *cfg)
{
	memset(q, 0, sizeof(*q));
	q->cfg = *cfg;
	q->cfg.target_us = RTE_MIN(cfg->target_us, cfg->time_us);
	for (uint32_t c = 0; c < WR_CLASSES; c++)
		q->head[c] = q->tail[c] = WR_WAITQ_NONE;
}

void wr_waitq_change(struct wr_waitq *q, const struct wr_waitq_config *cfg)
{
	q->cfg.items = cfg->items;
	q->cfg.time_us = cfg->time_us;
	q->cfg.target_us = RTE_MIN(cfg->target_us, cfg->time_us);
	q->cfg.standing_us = cfg->standing_us;
}

// Whom a newcomer of this class drives out of a full queue.
static uint32_t victim_of(const struct wr_waitq *q, uint8_t class, wr_us_t now)
{
	for (uint32_t c = WR_CLASSES - 1; c > class; c--) {
		if (q->head[c] != WR_WAITQ_NONE)
			return q->head[c];
	}
	return wr_waitq_standing(q, now) ? q->head[class] : WR_WAITQ_NONE;
}

bool wr_waitq_push(struct wr_waitq *q, uint32_t index, uint8_t class, wr_us_t now, uint32_t *out)
{
	*out = WR_WAITQ_NONE;
	class = RTE_MIN(class, (uint8_t)(WR_CLASSES - 1));
	if (q->depth >= q->cfg.items) {
		*out = victim_of(q, class, now);
		if (*out == WR_WAITQ_NONE)
			return false;
	}
	// First in, then out: a queue of one that changes hands has not been empty.
	link_newest(q, index, class, now);
	q->arrivals++;
	if (*out != WR_WAITQ_NONE) {
		unlink_node(q, *out, now);
		q->evicted++;
	}
	return true;
}

uint32_t wr_waitq_peek(const struct wr_waitq *q, wr_us_t now)
{
	bool standing = wr_waitq_standing(q, now);
	wr_us_t limit = standing ? q->cfg.target_us : q->cfg.time_us;

	for (uint32_t c = 0; c < WR_CLASSES; c++) {
		uint32_t i = standing ? q->tail[c] : q->head[c];

		if (i != WR_WAITQ_NONE && waited(node_of(q, i), now) < limit)
			return i;
	}
	return WR_WAITQ_NONE;
}

uint32_t wr_waitq_pop(struct wr_waitq *q, wr_us_t now)
{
	uint32_t i = wr_waitq_peek(q, now);

	if (i != WR_WAITQ_NONE) {
		unlink_node(q, i, now);
		q->served++;
	}
	return i;
}

uint32_t wr_waitq_expire(struct wr_waitq *q, wr_us_t now)
{
	uint32_t i = oldest_of(q);

	if (i == WR_WAITQ_NONE || waited(node_of(q, i), now) < limit_of(q, now))
		return WR_WAITQ_NONE;
	unlink_node(q, i, now);
	q->expired++;
	return i;
}

void wr_waitq_remove(struct wr_waitq *q, uint32_t index, wr_us_t now)
{
	if (!node_of(q, index)->queued)
		return;
	unlink_node(q, index, now);
	q->removed++;
}

bool wr_waitq_standing(const struct wr_waitq *q, wr_us_t now)
{
	if (q->busy_since_us == 0 || now < q->busy_since_us + q->cfg.standing_us)
		return false;
	return q->late || wr_waitq_oldest_us(q, now) >= q->cfg.target_us;
}

wr_us_t wr_waitq_oldest_us(const struct wr_waitq *q, wr_us_t now)
{
	uint32_t i = oldest_of(q);

	return i == WR_WAITQ_NONE ? 0 : waited(node_of(q, i), now);
}

wr_us_t wr_waitq_next(const struct wr_waitq *q, wr_us_t now)
{
	uint32_t i = oldest_of(q);
	wr_us_t at, stands;

	if (i == WR_WAITQ_NONE)
		return WR_US_NEVER;
	at = node_of(q, i)->at_us;
	if (wr_waitq_standing(q, now))
		return at + q->cfg.target_us;
	// It stands at the latest when its oldest has waited for target_us, if it is busy for long
	// enough by then; that ends the oldest's time at once.
	stands = RTE_MAX(q->busy_since_us + q->cfg.standing_us, at + q->cfg.target_us);
	return RTE_MIN(at + q->cfg.time_us, stands);
}

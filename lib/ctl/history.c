/* SPDX-License-Identifier: BSD-3-Clause */
#include "history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int wr_history_init(struct wr_history *h)
{
	memset(h, 0, sizeof(*h));
	h->slot = calloc(WR_HISTORY_EVENTS, sizeof(*h->slot));
	if (h->slot == NULL)
		return -ENOMEM;
	h->next_id = 1;
	return 0;
}

void wr_history_fini(struct wr_history *h)
{
	free(h->slot);
	h->slot = NULL;
}

struct wr_history_entry *wr_history_add(struct wr_history *h, struct wr_event *ev, uint64_t unix_ms)
{
	struct wr_history_entry *e = &h->slot[h->next_id % WR_HISTORY_EVENTS];

	ev->id = h->next_id++;
	e->ev = *ev;
	e->unix_ms = unix_ms;
	e->scope[0] = '\0';
	return e;
}

uint64_t wr_history_oldest(const struct wr_history *h)
{
	return h->next_id > WR_HISTORY_EVENTS ? h->next_id - WR_HISTORY_EVENTS : 1;
}

const struct wr_history_entry *wr_history_get(const struct wr_history *h, uint64_t id)
{
	if (id < wr_history_oldest(h) || id >= h->next_id)
		return NULL;
	return &h->slot[id % WR_HISTORY_EVENTS];
}

bool wr_history_may_log(struct wr_history *h, uint16_t kind, uint64_t now_ms, uint32_t *hidden)
{
	*hidden = 0;
	if (kind >= WR_EV_COUNT)
		return true;
	if (now_ms - h->talk[kind].window_ms >= 1000) {
		h->talk[kind].window_ms = now_ms;
		h->talk[kind].lines = 0;
	}
	if (h->talk[kind].lines >= WR_HISTORY_LINES_MAX) {
		h->talk[kind].hidden++;
		return false;
	}
	h->talk[kind].lines++;
	*hidden = h->talk[kind].hidden;
	h->talk[kind].hidden = 0;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */

// What the control thread is to do or to tell because of a turn: events, kills, limits.

#include "backend_priv.h"

#include <stdarg.h>
#include <string.h>

// Never NULL: without room the event is written where it is not read, and counted.
struct wr_event *wr_note(struct wr_backends *b, uint16_t kind, uint32_t scope, wr_us_t now)
{
	struct wr_event *ev = &b->note[(b->note_head + b->note_count) % (NOTES + 1)];

	if (b->note_count == NOTES)
		b->note_lost++;
	else
		b->note_count++;
	memset(ev, 0, sizeof(*ev));
	ev->kind = kind;
	ev->scope = scope;
	ev->at_us = now;
	ev->worker = UINT16_MAX;
	ev->queue = UINT16_MAX;
	return ev;
}

void wr_note_text(struct wr_event *ev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ev->text, sizeof(ev->text), fmt, ap);
	va_end(ap);
}

bool wr_backends_next_event(struct wr_backends *b, struct wr_event *out)
{
	if (b->note_count == 0)
		return false;
	*out = b->note[b->note_head];
	b->note_head = (b->note_head + 1) % (NOTES + 1);
	b->note_count--;
	out->count += b->note_lost;
	b->note_lost = 0;
	return true;
}

void wr_queue_add(struct flags_queue *q, uint16_t id)
{
	if (q->in[id])
		return;
	q->in[id] = true;
	q->id[(q->head + q->count++) % WR_MAX_BACKENDS] = id;
}

bool wr_queue_take(struct flags_queue *q, uint16_t *id)
{
	if (q->count == 0)
		return false;
	*id = q->id[q->head];
	q->head = (q->head + 1) % WR_MAX_BACKENDS;
	q->count--;
	q->in[*id] = false;
	return true;
}

bool wr_backends_next_kill(struct wr_backends *b, uint16_t *id)
{
	return wr_queue_take(&b->kills, id);
}

bool wr_backends_next_limit(struct wr_backends *b, uint16_t *id, uint32_t *limit)
{
	if (!wr_queue_take(&b->limits, id))
		return false;
	*limit = b->backends[*id].seen->agent_limit;
	return true;
}

void wr_queue_remove(struct flags_queue *q, uint16_t id)
{
	uint32_t kept = 0;

	if (!q->in[id])
		return;
	q->in[id] = false;
	for (uint32_t i = 0; i < q->count; i++) {
		uint16_t at = q->id[(q->head + i) % WR_MAX_BACKENDS];

		if (at != id)
			q->id[(q->head + kept++) % WR_MAX_BACKENDS] = at;
	}
	q->count = kept;
}

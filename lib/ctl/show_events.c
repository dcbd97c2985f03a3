/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <string.h>

#include "words.h"

// The event log; the cursor is an id.

static void put_queue(struct wr_reply *r, const struct wr_event *ev)
{
	if (!wr_words_has_queue(ev->kind) || ev->queue >= WR_Q_COUNT)
		return;
	wr_reply_str(r, "queue", wr_queue_name(ev->queue));
	wr_reply_uint(r, "depth", ev->depth);
	wr_reply_uint(r, "capacity", ev->capacity);
	wr_reply_str(r, "unit", wr_queue_unit(ev->queue));
	wr_reply_uint(r, "level", ev->level);
}

static void event_row(struct wr_reply *r, const struct wr_history_entry *e)
{
	const struct wr_event *ev = &e->ev;
	char words[WR_WORDS_LEN];
	char peer[WR_ENDPOINT_STR];

	wr_reply_uint(r, "id", ev->id);
	wr_reply_uint(r, "unix_ms", e->unix_ms);
	wr_reply_uint(r, "at_us", ev->at_us);
	wr_reply_str(r, "kind", wr_event_name(ev->kind));
	if (ev->worker == UINT16_MAX)
		wr_reply_str(r, "worker", "control");
	else
		wr_reply_fmt(r, "worker", "%u", ev->worker);
	if (e->scope[0] != '\0')
		wr_reply_str(r, "scope", e->scope);
	put_queue(r, ev);
	if (ev->reason != WR_DROP_NONE)
		wr_reply_str(r, "reason", wr_drop_name(ev->reason));
	wr_reply_uint(r, "count", ev->count);
	wr_reply_uint(r, "extra", ev->extra);
	if (!wr_addr_is_unspecified(&ev->a.addr)) {
		if (ev->a.port != 0)
			wr_endpoint_format(&ev->a, peer, sizeof(peer));
		else
			wr_addr_format(&ev->a.addr, peer, sizeof(peer));
		wr_reply_str(r, "peer", peer);
	}
	wr_reply_text(r, "text", wr_words_event(ev, e->scope, words, sizeof(words)));
}

static bool known_kind(const char *name)
{
	for (uint32_t k = 0; k < WR_EV_COUNT; k++)
		if (strcmp(wr_event_name(k), name) == 0)
			return true;
	return false;
}

void wr_show_events(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	const struct wr_history *h = &c->history;
	const char *kind = wr_params_get(p, "kind");
	uint64_t oldest = wr_history_oldest(h);
	uint64_t since, last, from = oldest;
	struct wr_err err = {0};

	if (wr_params_uint(p, "since", 0, UINT64_MAX - 1, &since, &err) != 0 ||
		wr_params_uint(p, "last", 0, WR_HISTORY_EVENTS, &last, &err) != 0) {
		wr_reply_error(
			r, "since is an event's id, last a number of events", "%s", err.text);
		return;
	}
	if (kind != NULL && !known_kind(kind)) {
		wr_reply_error(
			r, "weirctl explain lists the kinds", "no event is called '%.64s'", kind);
		return;
	}
	if (last > 0 && h->next_id > last)
		from = RTE_MAX(from, h->next_id - last);
	from = RTE_MAX(from, since + 1);
	from = RTE_MAX(from, p->cursor);
	for (uint64_t id = from; id < h->next_id; id++) {
		const struct wr_history_entry *e = wr_history_get(h, id);

		if (kind != NULL && strcmp(wr_event_name(e->ev.kind), kind) != 0)
			continue;
		if (wr_reply_row(r))
			event_row(r, e);
		(void)wr_reply_room(r); // ends the row, so that it is known whether it fitted
		if (r->full || r->count == WR_REPLY_ROWS) {
			wr_reply_set_next(r, r->full ? id : id + 1);
			break;
		}
	}
	wr_reply_set_total(r, h->next_id - oldest);
}

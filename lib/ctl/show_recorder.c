/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

// The flight recorder: what workers recorded, oldest first, worker by worker.

#define NUMBER_BITS 40 // of a record's number in a cursor: 10 records a second for 3,000 years

uint64_t wr_ctl_cursor(uint16_t worker, uint64_t number)
{
	return (uint64_t)worker << NUMBER_BITS | (number & (((uint64_t)1 << NUMBER_BITS) - 1));
}

static void put_queue(struct wr_ctl *c, struct wr_reply *r, const char *key, const char *scope_key,
	uint16_t kind, uint16_t scope)
{
	const struct wr_queue q = {.kind = kind, .scope = scope};
	char name[WR_SCOPE_LEN];

	if (kind >= WR_Q_COUNT)
		return;
	wr_reply_str(r, key, wr_queue_name(kind));
	wr_reply_str(r, scope_key, wr_ctl_queue_scope(c, &q, name, sizeof(name)));
}

static void record_row(struct wr_ctl *c, struct wr_reply *r, uint16_t worker,
	const struct wr_recorder_row *rec, uint64_t now_us)
{
	wr_reply_uint(r, "worker", worker);
	wr_reply_uint(r, "at_us", rec->at_us);
	wr_reply_uint(r, "ago_ms", now_us > rec->at_us ? (now_us - rec->at_us) / WR_US_PER_MS : 0);
	wr_reply_uint(r, "level", rec->level);
	wr_reply_uint(r, "level_before", rec->level_before);
	put_queue(c, r, "cause", "cause_scope", rec->cause, rec->cause_scope);
	put_queue(c, r, "nearest", "nearest_scope", rec->nearest, rec->nearest_scope);
	wr_reply_uint(r, "nearest_permille", rec->nearest_permille);
	if (rec->full_in_ms != UINT32_MAX)
		wr_reply_uint(r, "full_in_ms", rec->full_in_ms);
	wr_reply_uint(r, "cpu_permille", rec->cpu_permille);
	wr_reply_uint(r, "lag_us", rec->lag_us);
	wr_reply_uint(r, "rate_per_s", rec->rate_per_s);
	wr_reply_uint(r, "cut_class", rec->cut_class);
	wr_reply_uint(r, "early", rec->early);
	wr_reply_uint(r, "sessions", rec->sessions);
	wr_reply_uint(r, "pending", rec->pending);
	wr_reply_uint(r, "held_syns", rec->held_syns);
	wr_reply_uint(r, "half_open", rec->half_open);
	wr_reply_uint(r, "held_mbufs", rec->held_mbufs);
	wr_reply_uint(r, "promised_kib", rec->promised_kib);
	wr_reply_uint(r, "offered", rec->offered);
	wr_reply_uint(r, "admitted", rec->admitted);
	wr_reply_uint(r, "reset", rec->reset);
	wr_reply_uint(r, "dropped", rec->dropped);
	wr_reply_uint(r, "completed", rec->completed);
	wr_reply_uint(r, "queue_full", rec->queue_full);
}

struct query {
	uint64_t worker; // UINT64_MAX: all
	uint64_t since_us;
	bool saved;
};

// One worker's records from *number on. False: the page is full, and *number is the first record
// that is not in it.
static bool worker_rows(
	struct wr_ctl *c, struct wr_reply *r, uint16_t w, const struct query *q, uint64_t *number)
{
	const struct wr_recorder *rec = wr_worker_recorder(wr_fabric_worker(c->fabric, w));
	struct wr_stats_snapshot s;
	struct wr_recorder_row one;

	if (rec == NULL)
		return true;
	wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
	for (;;) {
		uint64_t at = *number;

		if (wr_recorder_read(rec, q->saved, number, &one, 1) == 0)
			return true;
		if (one.at_us <= q->since_us)
			continue;
		if (wr_reply_row(r))
			record_row(c, r, w, &one, s.gauges.now_us);
		(void)wr_reply_room(r); // ends the row, so that it is known whether it fitted
		if (r->full)
			*number = at;
		if (r->full || r->count == WR_REPLY_ROWS)
			return false;
	}
}

static uint64_t records(struct wr_ctl *c, const struct query *q)
{
	uint64_t n = 0;

	for (uint16_t w = 0; w < c->workers; w++) {
		const struct wr_recorder *rec = wr_worker_recorder(wr_fabric_worker(c->fabric, w));

		if (rec != NULL && (q->worker == UINT64_MAX || q->worker == w))
			n += wr_recorder_count(rec, q->saved);
	}
	return n;
}

void wr_show_recorder(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	uint64_t number = p->cursor & (((uint64_t)1 << NUMBER_BITS) - 1);
	uint64_t w = p->cursor >> NUMBER_BITS;
	struct wr_err err = {0};
	struct query q;

	if (!wr_ctl_param_worker(c, p, r, &q.worker))
		return;
	if (wr_params_uint(p, "since", 0, UINT64_MAX, &q.since_us, &err) != 0 ||
		wr_params_bool(p, "saved", &q.saved, &err) != 0) {
		wr_reply_error(r, "since is an at_us of a record, saved is 0 or 1", "%s", err.text);
		return;
	}
	for (; w < c->workers; w++, number = 0) {
		if (q.worker != UINT64_MAX && q.worker != w)
			continue;
		if (worker_rows(c, r, (uint16_t)w, &q, &number))
			continue;
		wr_reply_set_next(r, wr_ctl_cursor((uint16_t)w, number));
		break;
	}
	wr_reply_set_total(r, records(c, &q));
}

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "rig.h"

// A session brought to a stage of its life, for what it leaves behind from there.

static inline void assert_ended(
	struct rig *r, enum wr_record_cause cause, enum wr_record_phase phase)
{
	struct wr_record rec;

	if (!rig_record(r, &rec))
		fail_msg("no record");
	if (rec.cause != cause || rec.phase != phase)
		fail_msg("ended %c%c, not %c%c", wr_record_cause_letter(rec.cause),
			wr_record_phase_letter(rec.phase), wr_record_cause_letter(cause),
			wr_record_phase_letter(phase));
	assert_false(rig_record(r, &rec));
}

static inline void assert_no_fault(struct rig *r, uint32_t backend)
{
	const struct wr_backend_counters *bc = rig_backend(r, backend);

	assert_int_equal(bc->connect_refused, 0);
	assert_int_equal(bc->connect_timeout, 0);
	assert_int_equal(bc->connect_unreachable, 0);
	assert_int_equal(bc->resets_early, 0);
	assert_int_equal(bc->closes_early, 0);
	assert_int_equal(bc->unanswered, 0);
}

// A session in each state: what came and went before the end.
enum stage {
	NOTHING,  // connected, not a byte
	ASKED,    // a request passed on
	ANSWERED, // and an answer
	HALF,     // and the client's stream has ended; the backend goes on
};

struct end {
	struct rig r;
	struct rig_app *c, *b;
};

static inline void stage(struct end *e, const struct rig_config *cfg, enum stage st)
{
	rig_open(&e->r, cfg);
	e->c = rig_connect(&e->r, 0, 0, st >= ASKED ? 100 : 0);
	rig_settle(&e->r);
	e->b = rig_backend_end(&e->r);
	if (st >= ANSWERED) {
		e->b->to_send += 1000;
		rig_run(&e->r, RIG_MS);
		assert_int_equal(e->c->got, 1000);
	}
	if (st >= HALF) {
		e->b->to_send += 1ull << 40; // so that it does not end its own
		e->b->sent = e->b->to_send - 1;
		e->b->deaf = true;
		rig_fin(&e->r, e->c);
		rig_settle(&e->r);
	}
}

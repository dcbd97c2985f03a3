/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_pressure.h"

// A class of queues, one a connection, of which the deepest is shown.
static inline bool pressure_is_class(const struct wr_queue *q)
{
	return q->kind == WR_Q_conn_recv || q->kind == WR_Q_conn_send;
}

// Raise an event about a queue (index), filled from its state. False when the ring was full; the
// caller decides whether that loses it.
bool wr_pressure_raise(struct wr_pressure *p, enum wr_event_kind kind, uint16_t index,
	struct wr_event *ev, wr_us_t now);

// The same for an event that will not be raised again: a full ring counts it as lost.
void wr_pressure_tell(struct wr_pressure *p, enum wr_event_kind kind, uint16_t index,
	uint32_t extra, wr_us_t now);

// Move the mark of one queue, with its events and its time above.
void wr_pressure_judge_mark(struct wr_pressure *p, uint16_t index, wr_us_t now);

// Tell of refusals, when there are some and the last event is long enough ago.
void wr_pressure_judge_refusals(struct wr_pressure *p, uint16_t index, wr_us_t now, bool at_once);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_units.h"

// Events: what a worker tells the control side, through a bounded ring that it alone writes.
// A full ring loses the event and counts it (events_lost); the hot path never waits.

enum wr_event_kind {
#define WR_EVENT(sym, text) WR_EV_##sym,
#include "wr_event.def"
#undef WR_EVENT
	WR_EV_COUNT
};

// One event. Which fields mean something is in the kind's sentence; others are 0.
struct wr_event {
	uint64_t id;     // given by the control side, from 1, in order of arrival
	wr_us_t at_us;   // worker clock
	uint16_t kind;   // enum wr_event_kind
	uint16_t worker; // who raised it; UINT16_MAX for the control thread
	uint16_t queue;  // queue kind (wr_pressure.h) or UINT16_MAX
	uint16_t reason; // enum wr_drop or 0
	uint32_t scope;  // slot id of a service, backend or port: kind decides
	uint32_t count;  // how many it stands for, when coalesced
	uint64_t depth;
	uint64_t capacity;
	uint32_t level;       // pressure level 0-4
	uint32_t extra;       // kind decides
	struct wr_endpoint a; // kind decides
	char text[96];        // control-side detail; empty from workers
};

struct wr_event_ring; // single producer, single consumer

struct wr_event_ring *wr_event_ring_create(
	uint32_t slots, int numa_node); // power of two; NULL: no memory
void wr_event_ring_destroy(struct wr_event_ring *r);

// Owner only. False when full (the caller counts events_lost).
bool wr_event_push(struct wr_event_ring *r, const struct wr_event *ev);

// Consumer only. False when empty.
bool wr_event_pop(struct wr_event_ring *r, struct wr_event *out);

const char *wr_event_name(enum wr_event_kind k); // "queue_full"
const char *wr_event_text(enum wr_event_kind k); // sentence
const char *wr_event_cure(enum wr_event_kind k); // what an operator does first (wr_cure.def)

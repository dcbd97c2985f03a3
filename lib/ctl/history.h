/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_event.h"

// The last events in order of their ids, and a limit on how many lines a second each kind may log.

#define WR_HISTORY_EVENTS    4096
#define WR_HISTORY_SCOPE     136 // as WR_SCOPE_LEN
#define WR_HISTORY_LINES_MAX 20  // of one kind a second; the rest is counted in one line

struct wr_history_entry {
	struct wr_event ev;
	uint64_t unix_ms;             // wall clock at arrival
	char scope[WR_HISTORY_SCOPE]; // whom it is about, by the name of then: slots get others
};

struct wr_history {
	struct wr_history_entry *slot; // WR_HISTORY_EVENTS
	uint64_t next_id;              // from 1
	struct {
		uint64_t window_ms; // when its second began
		uint32_t lines;
		uint32_t hidden;
	} talk[WR_EV_COUNT];
};

// 0 or -ENOMEM.
int wr_history_init(struct wr_history *h);
void wr_history_fini(struct wr_history *h);

// Keep an event under the next id, which is also written into it; the scope is for the caller to
// fill.
struct wr_history_entry *wr_history_add(
	struct wr_history *h, struct wr_event *ev, uint64_t unix_ms);

// The oldest id kept (next_id when none is), and an entry by id, or NULL.
uint64_t wr_history_oldest(const struct wr_history *h);
const struct wr_history_entry *wr_history_get(const struct wr_history *h, uint64_t id);

// May a line about this kind be logged now? *hidden gets how many were not since the last line that
// was, to be told with this one.
bool wr_history_may_log(struct wr_history *h, uint16_t kind, uint64_t now_ms, uint32_t *hidden);

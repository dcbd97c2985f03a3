/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_pressure.h"
#include "wr_units.h"

// The flight recorder of a worker: the last 60 s of levels, decisions and causes, a record each 100
// ms and one for each change of level, at fixed memory and cost. The ring is copied aside when a
// critical mark is reached for the first time (and again after an hour without one), so that what
// led there is kept. One writer; any thread reads without stopping it.

#define WR_RECORD_EVERY_US (100 * WR_US_PER_MS)
#define WR_RECORDER_SLOTS  1024 // 600 of 60 s, and room for changes

struct wr_recorder_row {
	wr_us_t at_us;
	uint8_t level;
	uint8_t level_before; // differs: this record is a change
	uint8_t cut_class;    // class from which new connections are refused; 8: none
	uint8_t early;        // drops at first parse
	uint16_t cause;       // queue kind that raised the level; UINT16_MAX: none
	uint16_t cause_scope;
	uint16_t nearest; // queue kind nearest to full now
	uint16_t nearest_scope;
	uint16_t nearest_permille;
	uint16_t cpu_permille;
	uint32_t full_in_ms; // soonest forecast of any queue; UINT32_MAX: none
	uint32_t rate_per_s; // let in by the worker's gate; 0: no limit
	uint32_t lag_us;     // longest in the period
	uint32_t sessions, pending, held_syns, half_open;
	uint32_t held_mbufs, promised_kib;
	// of the period
	uint32_t offered, admitted, reset, dropped, completed, queue_full;
};

struct wr_recorder;

struct wr_recorder *wr_recorder_create(int numa_node); // NULL: out of memory
void wr_recorder_destroy(struct wr_recorder *r);

// The writer's: when the next periodic record is due, and putting one. The first record at P4
// copies the ring aside; returns true when it did.
bool wr_recorder_due(const struct wr_recorder *r, wr_us_t now);
bool wr_recorder_put(struct wr_recorder *r, const struct wr_recorder_row *rec);

// Any thread: records, oldest first, from number *from on (0, or one that is gone: the oldest there
// is), at most max; *from moves on. `saved` reads the copy, in which records keep their numbers.
// Returns how many; fewer than max: there are no more yet.
uint32_t wr_recorder_read(const struct wr_recorder *r, bool saved, uint64_t *from,
	struct wr_recorder_row *out, uint32_t max);
// Records that there are, and when the copy was made (0: there is none).
uint32_t wr_recorder_count(const struct wr_recorder *r, bool saved);
wr_us_t wr_recorder_saved_us(const struct wr_recorder *r);

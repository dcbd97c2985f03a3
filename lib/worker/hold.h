/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_pkt.h"
#include "wr_waitq.h"
#include "wr_wheel.h"

// Connection requests whose answer is held back: those that wait for the door to let them in, in a
// queue, and those that a limit of rate delays, each to its own time. Of a request its parsed
// header is kept, and no buffer. Owned by one worker.

struct hold_slot {
	struct wr_waitq_node node;
	struct wr_wheel_node timer;
	struct wr_pkt pkt; // without its frame
	uint16_t service;
	uint8_t class;
	uint32_t next_free;
};

struct hold {
	struct hold_slot *slot;
	uint32_t free, used;
	uint32_t delayed, delayed_max;
	struct wr_waitq q;
	struct wr_wheel wheel;
};

// Room for `items` in the queue, for at most time_us, and for `delayed` besides. 0 or -ENOMEM.
int hold_init(struct hold *h, uint32_t items, uint32_t delayed, wr_us_t time_us, int numa_node,
	wr_us_t now);
void hold_fini(struct hold *h);
// At most so many in the queue from now on, not above what hold_init() was given, and for so long.
// Who is in it stays.
void hold_set(struct hold *h, uint32_t items, wr_us_t time_us);

// Keep a request until the door has room. False: full, and nobody of a worse class. *out gets the
// slot of one that had to leave for it, or WR_WAITQ_NONE; the caller refuses it and gives it back.
bool hold_queue(struct hold *h, const struct wr_pkt *p, uint16_t service, uint8_t class,
	wr_us_t now, uint32_t *out);

// Whether the queue would refuse one of this class: it is full, and nobody in it is of a worse one.
bool hold_refuses(const struct hold *h, uint8_t class);

// Keep a request until `at`. False: full.
bool hold_until(
	struct hold *h, const struct wr_pkt *p, uint16_t service, uint8_t class, wr_us_t at);

// Slots whose request's time in the queue is over, whose turn it is, whose delay is over; each is
// out of the hold then, and given back with hold_put(). WR_WAITQ_NONE: none.
uint32_t hold_expired(struct hold *h, wr_us_t now);
uint32_t hold_next(struct hold *h, wr_us_t now);
uint32_t hold_due(struct hold *h, wr_us_t now);
void hold_put(struct hold *h, uint32_t slot);

// When the hold has something to do next: for virtual clocks.
wr_us_t hold_next_timer(const struct hold *h, wr_us_t now);

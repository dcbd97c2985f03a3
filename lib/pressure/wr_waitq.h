/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_units.h"

// A queue of those that wait for room: bounded in items and in time, by class. Better classes are
// served first. Inside a class the first comes first, until the queue stands: when it has not been
// empty for `standing_us`, and in that time somebody waited longer than `target_us`, the newest
// comes first and nobody waits longer than `target_us` (adaptive LIFO with controlled delay:
// Maurer, "Fail at Scale", ACM Queue 13(8), 2015; CoDel, RFC 8289), until it is empty again. A
// burst is absorbed; a standing queue costs those who are served no time, and those who are not
// learn it early.
//
// Links are indices into the owner's objects, each with a struct wr_waitq_node inside. Nothing here
// allocates or frees; what is refused is handed back to the owner, who tells the client and counts.

#define WR_CLASSES    8 // 0 is served first and refused last
#define WR_WAITQ_NONE UINT32_MAX

struct wr_waitq_node {
	uint32_t prev, next;
	wr_us_t at_us; // when it joined
	uint8_t class;
	bool queued;
};

struct wr_waitq_config {
	uint32_t items;      // most that wait
	wr_us_t time_us;     // longest wait
	wr_us_t target_us;   // longest wait while standing; not above time_us
	wr_us_t standing_us; // not empty for so long: standing
	void *nodes;         // address of the node of object 0
	uint32_t stride;     // bytes from one object's node to the next one's
};

struct wr_waitq {
	struct wr_waitq_config cfg;
	uint32_t head[WR_CLASSES]; // oldest
	uint32_t tail[WR_CLASSES]; // newest
	uint32_t depth;
	uint32_t depth_of[WR_CLASSES];
	wr_us_t busy_since_us; // since when it has not been empty; 0: it is empty
	bool late;             // since then somebody left who had waited for target_us
	uint64_t arrivals;     // for Little's law
	uint64_t waited_us;    // summed over all that left, by whatever way
	uint64_t served, expired, evicted, removed;
};

void wr_waitq_init(struct wr_waitq *q, const struct wr_waitq_config *cfg);

// Other items and times from now on (nodes and stride stay). Nobody leaves by it: who is beyond a
// lower number goes as others come, who is beyond a shorter time with wr_waitq_expire().
void wr_waitq_change(struct wr_waitq *q, const struct wr_waitq_config *cfg);

// Join. True: queued. When the queue is full, the oldest of the worst class that is worse than this
// one has to leave: *out is it, for the caller to refuse (WR_WAITQ_NONE otherwise). While standing,
// an equal class's oldest leaves as well, as it is nearest to its end. False: nobody is worse; the
// caller refuses the newcomer. `index` must not be queued.
bool wr_waitq_push(struct wr_waitq *q, uint32_t index, uint8_t class, wr_us_t now, uint32_t *out);

// The next to be served, taken out; WR_WAITQ_NONE when there is none. Those whose time is over are
// not served: take them out with wr_waitq_expire() first, since they may hide others of their
// class.
uint32_t wr_waitq_pop(struct wr_waitq *q, wr_us_t now);
// The same without taking it out.
uint32_t wr_waitq_peek(const struct wr_waitq *q, wr_us_t now);

// One whose time is over, taken out: WR_WAITQ_NONE when there is none.
uint32_t wr_waitq_expire(struct wr_waitq *q, wr_us_t now);

// Take one out that left by itself. Nothing when it is not queued.
void wr_waitq_remove(struct wr_waitq *q, uint32_t index, wr_us_t now);

bool wr_waitq_standing(const struct wr_waitq *q, wr_us_t now);
wr_us_t wr_waitq_oldest_us(const struct wr_waitq *q, wr_us_t now); // wait of the oldest; 0: empty
// When the next one's time is over, if nobody comes or goes until then: not after now when it is
// over already. WR_US_NEVER: empty.
wr_us_t wr_waitq_next(const struct wr_waitq *q, wr_us_t now);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "ep.h"
#include "gen.h"

// The faults of one backend, on their schedule. Which connections a fault strikes follows from a
// hash of the tuple, so that one is struck always or never.

#define FAULT_SEEN 8192u // a power of two

struct fault_plan {
	const struct gen_fault *fault; // the configuration's
	uint32_t count;
	bool started;
	wr_us_t origin_us;
	wr_us_t change_us; // no fault begins or ends before; NEVER without faults
	uint32_t mask;     // kinds that are active until then
	uint64_t key[2];
	uint64_t struck;           // connections that fault_admit() struck
	uint64_t seen[FAULT_SEEN]; // of those, latest by hash: a SYN sent again counts once
};

// Checks the schedule too: -EINVAL with a sentence.
int fault_init(struct fault_plan *p, const struct gen_fault *fault, uint32_t count, uint64_t seed,
	struct wr_err *err);
void fault_start(struct fault_plan *p, wr_us_t now_us); // the schedule counts from here

void fault_refresh(struct fault_plan *p, wr_us_t now_us);
bool fault_find(const struct fault_plan *p, enum gen_fault_kind kind, const struct wr_tuple *t,
	wr_us_t now_us, wr_us_t *until_us);

// Whether a fault of this kind strikes this connection now; *until_us (may be NULL) gets its end,
// WR_US_NEVER for none. Costs two loads while there is none.
static inline bool fault_strikes(struct fault_plan *p, enum gen_fault_kind kind,
	const struct wr_tuple *t, wr_us_t now_us, wr_us_t *until_us)
{
	if (__builtin_expect(now_us >= p->change_us, 0))
		fault_refresh(p, now_us);
	if (__builtin_expect((p->mask & (1u << kind)) == 0, 1))
		return false;
	return fault_find(p, kind, t, now_us, until_us);
}

// What a SYN of this tuple meets; delay_us NULL: what another segment of it does.
enum ep_admit fault_admit(
	struct fault_plan *p, const struct wr_tuple *t, wr_us_t *delay_us, wr_us_t now_us);

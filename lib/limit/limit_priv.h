/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_access.h"
#include "wr_limit.h"

// --- time of the rates
// ----------------------------------------------------------------------------

#define LIMIT_NOW_MAX (UINT64_MAX / 4) // ns, 146 years; a later clock stands still here
#define LIMIT_AT_MAX  (UINT64_MAX / 2) // ns; what is charged beyond it is lost

static inline uint64_t limit_ns(wr_us_t now)
{
	return now < LIMIT_NOW_MAX / 1000 ? now * 1000 : LIMIT_NOW_MAX;
}

// By how many microseconds, rounded up, `at` is ahead of now.
static inline wr_us_t limit_ahead_us(uint64_t at, uint64_t now_ns)
{
	return at > now_ns ? (at - now_ns + 999) / 1000 : 0;
}

// --- snapshots of access rules
// ----------------------------------------------------------------------

struct snapshot;

// Build from rules in the order of access_rule_cmp(). NULL: out of memory.
struct snapshot *snapshot_create(const struct wr_access_rule *rule, uint32_t n);
void snapshot_destroy(struct snapshot *s); // may be NULL

struct wr_access_verdict snapshot_look(const struct snapshot *s, const struct wr_addr *client,
	uint16_t service, uint8_t otherwise);

// What a rule states: access or a class. One that states both is kept as two.
static inline bool access_rule_is_class(const struct wr_access_rule *r)
{
	return r->action == WR_ACCESS_NONE;
}

// By prefix, service (ANY last) and statement; of equal ones the operator's before the configured.
int access_rule_cmp(const struct wr_access_rule *a, const struct wr_access_rule *b);

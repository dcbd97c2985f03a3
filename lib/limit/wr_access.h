/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_rcu_qsbr.h>

#include "wr_addr.h"
#include "wr_err.h"
#include "wr_units.h"

// Who may connect, and with which class: rules by source prefix, the longest one that says
// something about the question wins. The rules in force are an immutable snapshot (rte_rib,
// rte_rib6), swapped atomically and freed when no worker reads it (rte_rcu_qsbr); the control
// thread owns every write.

#define WR_ACCESS_ANY      UINT16_MAX // of a rule: every service
#define WR_ACCESS_NO_CLASS UINT8_MAX
#define WR_ACCESS_RULES    16384 // most rules, configured and given by operators

enum wr_access_action {
	WR_ACCESS_NONE,  // says nothing about access, only gives a class
	WR_ACCESS_ALLOW, // an exception inside a wider deny
	WR_ACCESS_DENY,
};

struct wr_access_rule {
	struct wr_prefix from;
	uint16_t service; // or WR_ACCESS_ANY; of two rules with one prefix the service's own wins
	uint8_t action;   // enum wr_access_action
	uint8_t class;    // 0 (first) to 7, or WR_ACCESS_NO_CLASS
	bool configured;  // from the file: an operator can override it, and cannot remove it
	wr_us_t until_us; // 0: no end
};

struct wr_access;

// Empty rules. `rcu` as of wr_backends_rcu(); NULL in tests without threads. NULL: out of memory.
struct wr_access *wr_access_create(struct rte_rcu_qsbr *rcu);
void wr_access_destroy(struct wr_access *a);

// --- control thread, or under its mutex
// -----------------------------------------------------------

// Add rules, all or none, in one rebuild; a rule with the same prefix, service and kind of
// statement replaces the older one. One that states access and a class is kept, counted and listed
// as two. An operator's rule stands before the configured one, which holds again when it is gone.
// Host bits are cleared. 0, -EINVAL, -ENOSPC or -ENOMEM with a sentence.
int wr_access_add(
	struct wr_access *a, const struct wr_access_rule *rule, uint32_t n, struct wr_err *err);

// Put these in the place of all configured rules, in one rebuild, or none where nothing changes;
// `configured` is taken as set. What operators gave stays, but of services that `gone` marks
// ([WR_MAX_SERVICES], NULL: none). 0 or an error as of wr_access_add(): the rules before hold then.
int wr_access_configure(struct wr_access *a, const struct wr_access_rule *rule, uint32_t n,
	const bool *gone, struct wr_err *err);

// Remove what an operator gave for this prefix and service, access and class. 0, -ENOENT, -EPERM
// when it is configured, or -ENOMEM, with a sentence.
int wr_access_remove(
	struct wr_access *a, const struct wr_prefix *from, uint16_t service, struct wr_err *err);

// Take out what has ended, at most `max` into `out`; returns how many. Rebuilds once, or not at all
// when nothing has ended. Without memory nothing ends yet: 0.
uint32_t wr_access_expire(
	struct wr_access *a, wr_us_t now, struct wr_access_rule *out, uint32_t max);

// The rules in order of their prefixes: from index `at`, at most max. Returns how many.
uint32_t wr_access_list(
	const struct wr_access *a, uint32_t at, struct wr_access_rule *out, uint32_t max);
uint32_t wr_access_count(const struct wr_access *a);

// Free snapshots that no worker can still read. Never blocks.
void wr_access_reclaim(struct wr_access *a);

// --- workers, between two quiescent reports
// --------------------------------------------------------

struct wr_access_verdict {
	bool denied;
	uint8_t class; // as the rules say, or `otherwise`
};

// What the rules say of a client of a service. Without rules this is one load.
struct wr_access_verdict wr_access_look(const struct wr_access *a, const struct wr_addr *client,
	uint16_t service, uint8_t otherwise);

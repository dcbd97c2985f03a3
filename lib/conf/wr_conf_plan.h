/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "wr_conf.h"

// From one configuration to the next while an instance runs: what may change, in which slots the
// new one lies, and what is different. Control side only, no I/O; everything here is pure.

// Who still needs a slot. Called for LEAVING ones only.
struct wr_conf_use {
	bool (*service)(void *arg, uint16_t slot);
	bool (*pool)(void *arg, uint16_t slot);
	bool (*backend)(void *arg, uint16_t id);
	void *arg;
};

// Lay `fresh` (as loaded, or an edited copy) over `running`: services and pools move to the index
// that they have in `running`, by name; backends keep their id when pool, name, address and the
// pool's sources are the same, also when they were LEAVING. What is not in `fresh` is copied there
// as LEAVING (services with listen_count 0): for one plan at least, then while it is in use or a
// LEAVING service needs the pool. Else its slot is free for new ones, which take slots that are not
// in `running` first. Counts become high-water marks, with VACANT rows between; references
// (services[].pool, pools[].backup) are moved along; a pool's backends are LIVE ones in the order
// of the file, then LEAVING ones, of which one may have the name of a LIVE one. A LEAVING pool may
// have none.
//
// Refused whole, naming file, line and key, are changes that need a restart: runtime (but
// drain_timeout), ports, routes, tunnels, pressure.clients and pressure.hold_requests (-EBUSY); and
// more services, pools, backends or queues of limits than there is room for while the old ones
// leave (-ENOSPC). 0 or negative errno with a sentence; then `fresh` is only fit for
// wr_conf_free(). Runtime, ports, routes and tunnels of `fresh` become those of `running`, in its
// order, to which pools[].tunnel is moved along; lines of the file are those of its services, pools
// and backends only.
int wr_conf_plan(struct wr_conf *fresh, const struct wr_conf *running,
	const struct wr_conf_use *use, struct wr_err *err);

// The difference in words, one line each: "+ pools[web].backends[b4] address 198.18.1.5:80 weight
// 7" (what is not its default), "~ services[web].timeouts.idle 5m -> 1m", "- services[old]". Both
// are as loaded or planned; slots and order do not count. Returns how many lines there are; writes
// at most `max` of them.
#define WR_CONF_DIFF_LEN 200
uint32_t wr_conf_diff(const struct wr_conf *before, const struct wr_conf *after,
	char (*line)[WR_CONF_DIFF_LEN], uint32_t max);

// Edits of one planned configuration, as an operator asks for them at run time; checked as if they
// stood in the file. `pool` is a name. An added one gets the id of one that is LEAVING with the
// same name, address and sources, else the lowest that is free; a removed one is LEAVING. The last
// one of a pool stays. 0, -ENOENT, -EEXIST, -EINVAL, -ENOSPC, -ENOMEM with a sentence; `c` is
// unchanged then.
int wr_conf_add_backend(
	struct wr_conf *c, const char *pool, const struct wr_conf_backend *b, struct wr_err *err);
int wr_conf_remove_backend(
	struct wr_conf *c, const char *pool, const char *backend, struct wr_err *err);
// How long sessions of the LIVE one that is removed may go on (0: no deadline), in place of the
// pool's drain; plan carries it along.
int wr_conf_remove_backend_within(struct wr_conf *c, const char *pool, const char *backend,
	wr_us_t drain, struct wr_err *err);
// max_connections of a backend, or of the pool (`backend` NULL).
int wr_conf_limit_connections(struct wr_conf *c, const char *pool, const char *backend,
	uint32_t limit, struct wr_err *err);

// A number of the whole configuration, the same for two files that mean the same: SipHash of the
// dump with its lists in order. For operators who compare boxes. 0: no memory.
uint64_t wr_conf_id(const struct wr_conf *c);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_err.h"
#include "wr_worker.h"

// The control plane's side: one control thread that owns every write (health verdicts, operator's
// actions, the event log), and the /weir/... telemetry commands, which DPDK runs in threads of its
// own and which read under the control mutex.

struct wr_ctl;

// Make the control side of a running fabric and register the telemetry commands. NULL with a
// sentence.
struct wr_ctl *wr_ctl_create(struct wr_fabric *f, struct wr_err *err);
void wr_ctl_destroy(struct wr_ctl *c);

// The key that acting commands must bring where runtime.act_group is set: 32 hexadecimal digits,
// of a file that only that group may read. Anything else: nobody may act then. Before the first
// turn.
void wr_ctl_set_key(struct wr_ctl *c, const char *hex);

// Read the configuration's file again in the next turn (SIGHUP). Whatever comes of it is an event.
void wr_ctl_ask_reload(struct wr_ctl *c);
// Where configurations stand, for a line to people.
struct wr_ctl_summary {
	bool reloading;        // one is asked for or being taken over
	uint32_t config;       // number of the one in force, from 1
	uint32_t refused;      // how many were refused so far
	struct wr_err refusal; // why, of the last of them
};
void wr_ctl_summary(struct wr_ctl *c, struct wr_ctl_summary *out);
// The configuration in force; until the next turn. Control thread.
const struct wr_conf *wr_ctl_conf(struct wr_ctl *c);

// One turn of the control thread: collect events from workers (log them, keep the last 4096), turn
// the backends (checks, breakers, drains), write lines for sessions that ended, read port losses.
// Call about every millisecond to ten; returns the time until it has something to do, at most 10
// ms.
wr_us_t wr_ctl_turn(struct wr_ctl *c, wr_us_t now);

// Begin the shutdown: refuse new connections, let sessions end. True from wr_ctl_drained() when
// none is left.
void wr_ctl_begin_stop(struct wr_ctl *c, wr_us_t now);
bool wr_ctl_drained(struct wr_ctl *c);

// Add an event of the control thread itself.
struct wr_event;
void wr_ctl_event(struct wr_ctl *c, struct wr_event *ev);

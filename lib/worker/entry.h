/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "worker_priv.h"

// Connection requests on their way in: access list, limits, door, hold. What is decided travels to
// the engine with the request (wr_pkt.admit), as only it knows whether the request begins a
// connection.

// Before frames of a burst are parsed, while refusals are past their budget: those that would be
// refused are dropped here. What is left moves up in m; returns how many.
uint16_t entry_early(struct wr_worker *w, struct rte_mbuf **m, uint16_t n, wr_us_t now);

// Judge a request. False: it is held, and the caller's frame is not needed any more.
bool entry_judge(struct wr_worker *w, struct wr_pkt *p, wr_us_t now);

// Held requests whose time has come: let in, or refused. Returns how many.
uint32_t entry_turn(struct wr_worker *w, wr_us_t now);

// Each tick of pressure: the door's signals, events of gates, refusals told to their queues.
void entry_tick(struct wr_worker *w, wr_us_t now);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_l3.h"

// Inside of lib/l3: what may leave only encrypted, and what waits for that.

// One remote end. All but two words is fixed once made; those are atomic, any thread writes.
struct l3_tunnel {
	struct wr_addr remote;
	uint16_t port; // towards `remote`
	uint16_t mtu;  // atomic; of plain packets, 0: none yet
	uint8_t clear; // atomic; in clear, as if there were no tunnel
};

// A prefix behind a tunnel.
struct l3_behind {
	uint64_t value[2];
	uint64_t mask[2];
	uint16_t tunnel;
	bool v4;
};

// Packets of one worker that the caller encrypts, oldest first.
struct l3_tunnelled {
	uint32_t head, count;
	struct rte_mbuf *m[WR_L3_TUNNELLED];
};

// --- tunnel.c -------------------------------------------------------------------------------
// After routes. 0, or negative with a sentence.
int l3_tunnel_build(struct wr_l3_net *n, const struct wr_l3_config *cfg, struct wr_err *err);
// The tunnel that an address is behind, required or not; -1: none.
int l3_tunnel_find(const struct wr_l3_net *n, const struct wr_addr *a);
// Whether nothing of it may leave in clear, from this very packet on.
bool l3_tunnel_required(const struct wr_l3_net *n, uint16_t tunnel);
// Keep a packet for wr_l3_take_tunnelled(); consumes m.
void l3_tunnel_keep(struct wr_l3 *l, struct rte_mbuf *m, uint16_t tunnel);
void l3_tunnel_fini(struct wr_l3 *l);

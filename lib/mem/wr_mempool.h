/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <rte_mempool.h>

#include "wr_err.h"

// The mbuf pools of a NUMA node, and the budget that keeps reception alive.
//
// Held payload must never stop reception, or the ACKs that would free it cannot arrive:
//   held <= rx pool - RX and TX descriptors - workers x (burst + cache) - reserve
// where a cache counts at 1.5 times its size, as far as DPDK lets it grow.
// Every mbuf of these pools has a struct wr_mbuf_priv as private area.

#define WR_MBUF_CACHE     256  // per-lcore cache of each pool
#define WR_SMALL_DATAROOM 640  // headroom 128 + 512: any header, copied payload under 256 bytes
#define WR_RX_DATAROOM    2176 // headroom 128 + 2048

struct wr_mempools {
	struct rte_mempool *rx;    // what ports receive into; payload stays in it while held
	struct rte_mempool *small; // headers, indirect mbufs, ACKs, probes, small copies
	struct rte_mempool *esp;   // encrypted packets on their way out; NULL: no tunnels
	int numa_node;
	uint32_t rx_count;
	uint32_t small_count;
	uint32_t esp_count;
	uint32_t held_budget; // most RX mbufs that connections of this node may hold
	uint32_t reserve;     // of which the segment at RCV.NXT draws first
	uint64_t bytes;       // memory of all
};

// What the budget is computed from.
struct wr_mempools_need {
	uint32_t rx_count;    // 0: from the other fields and max_sessions
	uint32_t small_count; // 0: likewise
	uint32_t rx_desc;     // sum over ports and queues of this node
	uint32_t tx_desc;
	uint32_t workers;      // workers of this node
	uint32_t max_sessions; // of this node
	uint32_t esp_frames;   // most encrypted packets between workers and ports; 0: no tunnels
	uint32_t rx_dataroom;  // 0: WR_RX_DATAROOM; more for jumbo frames
};

// The arithmetic alone: fill the counts, held_budget, reserve and bytes of `out` (no allocation).
// -EINVAL with a sentence that shows the sum when held_budget would not be positive.
// Automatic sizes: 16 RX and 4 small buffers a session and at least 8,192 of each, together at most
// 512 MiB, beyond what descriptors and workers need in any case.
int wr_mempools_plan(
	struct wr_mempools *out, const struct wr_mempools_need *need, struct wr_err *err);

// Write the sum behind held_budget as one line, for the log at start; returns buf.
char *wr_mempools_format(
	const struct wr_mempools *p, const struct wr_mempools_need *need, char *buf, size_t len);

// Plan and create, after rte_eal_init. `prefix` makes names unique ("weir0"). Returns 0, -EINVAL,
// -ENOMEM (the sentence names the memory wanted and the cure); then nothing is held.
int wr_mempools_create(struct wr_mempools *out, const char *prefix, int numa_node,
	const struct wr_mempools_need *need, struct wr_err *err);
void wr_mempools_destroy(struct wr_mempools *p);

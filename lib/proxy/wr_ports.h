/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_rng.h"
#include "wr_rss.h"

// Source ports towards backends, so that answers come home: a connect takes a free port of any
// class c with reta[h0 ^ c] == me, from a bitmap per (source, backend) ordered by class. O(1), no
// scan of the port space. Ports rotate, so that the one that rested longest comes next (TIME-WAIT).

#define WR_PORTS_FIRST 1024
#define WR_PORTS_COUNT (65536 - WR_PORTS_FIRST)

struct wr_ports_order; // ports sorted by class for one hash and family; shared, read-only

// NULL `rss`: one worker, one class. NULL: out of memory.
struct wr_ports_order *wr_ports_order_create(const struct wr_rss *rss, bool v4);
void wr_ports_order_destroy(struct wr_ports_order *o);

// Free ports of one (source, backend) pair for one worker.
struct wr_ports {
	const struct wr_ports_order *order;
	uint64_t *used; // bitmap in class order
	uint32_t in_use;
	uint32_t capacity; // ports of this worker's classes
	uint32_t next;     // where the next search starts: in this class, or at its end
	uint32_t class;
	uint32_t fulls;   // bits in `full`
	uint64_t mine[8]; // classes whose answers come to this worker
	uint64_t full[8]; // classes without a free port
};

size_t wr_ports_bitmap_bytes(void);

// `bitmap`: zeroed memory of wr_ports_bitmap_bytes(). t: local = source, remote = backend.
void wr_ports_init(struct wr_ports *p, const struct wr_ports_order *order, const struct wr_rss *rss,
	const struct wr_tuple *t, uint16_t me, uint64_t *bitmap, struct wr_rng *rng);

// A free port, or 0 when none is left.
uint16_t wr_ports_get(struct wr_ports *p);
void wr_ports_put(struct wr_ports *p, uint16_t port);

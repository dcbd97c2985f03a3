/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

// Frames in memory of exactly their size. The sanitizer sees bytes, not mbufs: in the data room of
// a pool a read past the end of a packet goes unnoticed. Two remedies, both byte exact: a heap
// block attached as an external buffer (which no stack may keep, so payload is copied), and a
// direct buffer whose data room is poisoned around the data (which may be kept).

#define EXACT_SEGS_MAX 64

struct exact_how {
	bool direct; // in the pool's own buffer, poisoned around the data
	uint8_t cut; // 0: one segment; else seeds where it is cut into several
};

// EAL without huge pages, PCI, telemetry; once a program.
void exact_init(void);
struct rte_mempool *exact_pool(const char *name, uint32_t count, uint16_t dataroom);

// A frame of these bytes; NULL when the pool is empty. rte_pktmbuf_free() frees all of it.
struct rte_mbuf *exact_frame(
	struct rte_mempool *shells, const uint8_t *data, uint32_t len, const struct exact_how *how);

// A direct buffer that may be written whole, as an application makes one: unpoisoned.
struct rte_mbuf *exact_plain(struct rte_mempool *pool);

// Heap blocks that are attached now.
uint32_t exact_live(void);

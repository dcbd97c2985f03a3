/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <rte_byteorder.h>

#include "wr_pkt.h"

// The stamp that a stateless packet carries first in its payload, and the book of those that came
// back. In network order:
//
//   0  magic "WG", 8 bits of the run, 8 bits of the stream
//   4  sequence number, 64 bits
//  12  intended time of sending, ns, 48 bits (78 hours; ages count modulo that)
//
// 18 bytes are what a 64-byte UDP or ICMP echo frame over IPv4 has room for. The L4 checksum guards
// the stamp; behind it the payload is stamp_pattern().
#define STAMP_LEN       18u
#define STAMP_TIME_MASK ((1ULL << 48) - 1)
#define STAMP_WINDOW    (1u << 20) // numbers below the highest of which each is known

struct stamp {
	uint32_t id;
	uint64_t seq;
	uint64_t at_ns; // 48 bits
};

// Identity of a stream's stamps, in host order.
static inline uint32_t stamp_id(uint64_t seed, uint8_t stream)
{
	return 0x57470000u | (uint32_t)((seed * 0x9e3779b97f4a7c15ULL) >> 56) << 8 | stream;
}

// Byte `i` of the payload, for those behind the stamp.
static inline uint8_t stamp_pattern(uint32_t i)
{
	return (uint8_t)(i * 167 + 13);
}

// Write number and time behind an identity that is there already. Returns the sum of the words
// written, for the checksum.
static inline uint64_t stamp_put(uint8_t *to, uint64_t seq, uint64_t at_ns)
{
	uint64_t be_seq = rte_cpu_to_be_64(seq);
	uint16_t be_high = rte_cpu_to_be_16((uint16_t)(at_ns >> 32));
	uint32_t be_low = rte_cpu_to_be_32((uint32_t)at_ns);

	memcpy(to + 4, &be_seq, sizeof(be_seq));
	memcpy(to + 12, &be_high, sizeof(be_high));
	memcpy(to + 14, &be_low, sizeof(be_low));
	return (uint32_t)be_seq + (be_seq >> 32) + be_high + be_low;
}

// Where the payload of a frame lies that may carry a stamp: TCP, UDP, ICMP echo of either family,
// no fragments. False: none, or too short for one. Works on what wr_parse_frame dropped as well, as
// long as the IP header was good.
bool stamp_locate(const struct wr_pkt *pkt, uint32_t *offset, uint32_t *len);

// Read the stamp at `offset` of the frame. False: the frame is too short.
bool stamp_read(const struct wr_pkt *pkt, uint32_t offset, struct stamp *out);

// Whether the frame is unharmed: L4 checksum right where the parser did not say so, and payload
// bytes [STAMP_LEN, len) as `pattern` has them (len bytes, the stamp's place included).
bool stamp_intact(const struct wr_pkt *pkt, uint32_t offset, uint32_t len, const uint8_t *pattern);

// The book.
struct stamp_track {
	uint64_t first; // numbers below do not count
	uint64_t next;  // highest seen and one
	uint64_t returned, reordered, duplicated;
	uint64_t seen[STAMP_WINDOW / 64];
};

// Forget all; numbers from `first` on count.
void stamp_track_reset(struct stamp_track *t, uint64_t first);

// Enter a number. True when it counts as returned for the first time. One so late that it is out of
// the window counts as returned and reordered: whether it was seen before is not known.
bool stamp_track_see(struct stamp_track *t, uint64_t seq);

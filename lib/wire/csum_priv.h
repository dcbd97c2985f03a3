/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>

#include <rte_byteorder.h>

#include "wr_csum.h"

// One's complement sums do not mind the width of the words (RFC 1071 2C): 2^16, 2^32 and 2^64 are
// all 1 modulo 2^16 - 1. So inside lib/wire a sum has 64 bits, takes wide words, each with its
// carry brought back to the low end, and is folded once at the end.

static inline uint64_t csum_word(uint64_t sum, uint64_t w)
{
	uint64_t s = sum + w;

	return s + (s < w);
}

static inline uint64_t csum_load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t csum_load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

// To 16 bits, not complemented. Adding the halves swapped leaves their sum with its carry above.
static inline uint16_t csum_fold(uint64_t sum)
{
	uint32_t w;

	sum += sum >> 32 | sum << 32;
	w = (uint32_t)(sum >> 32);
	w += w >> 16 | w << 16;
	return (uint16_t)(w >> 16);
}

// What a text with a right checksum in it sums to (RFC 1071 1).
static inline bool csum_good(uint64_t sum)
{
	return csum_fold(sum) == UINT16_MAX;
}

// An IPv4 header without options.
static inline uint64_t csum_ip4(const void *ip)
{
	const uint8_t *p = ip;

	return csum_word(csum_word(csum_load64(p), csum_load64(p + 8)), csum_load32(p + 16));
}

// A pseudo-header of either family. The words that a mapped IPv4 address has in front are 0 and
// 0xffff, which is another zero in one's complement, so both families are one sum. Protocol and
// length have the same place modulo 16 bits in both (RFC 9293 3.1, RFC 8200 8.1).
static inline uint64_t csum_pseudo(
	const struct wr_addr *src, const struct wr_addr *dst, uint8_t proto, uint32_t l4_len)
{
	uint64_t sum = (uint64_t)rte_cpu_to_be_32(l4_len) + rte_cpu_to_be_32(proto);

	sum = csum_word(csum_word(sum, src->q[0]), src->q[1]);
	return csum_word(csum_word(sum, dst->q[0]), dst->q[1]);
}

// As wr_csum_add and wr_csum_add_mbuf, wide.
uint64_t csum_text(uint64_t sum, const void *data, uint32_t len);
uint64_t csum_chain(uint64_t sum, const struct rte_mbuf *m, uint32_t off, uint32_t len);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "wr_addr.h"

// Internet checksum (RFC 1071). Sums are native 32-bit partial sums of 16-bit words as stored.

// Add `len` bytes at `data` to a partial sum. Odd lengths only at the end of the whole text.
// Folded to at most 17 bits. Long texts go through AVX2 where the CPU has it.
uint32_t wr_csum_add(uint32_t sum, const void *data, uint32_t len);

// Sum over a chain from `off` for `len` bytes, segments of odd length handled. `sum` must cover an
// even number of bytes. Stops early where the chain ends.
uint32_t wr_csum_add_mbuf(uint32_t sum, const struct rte_mbuf *m, uint32_t off, uint32_t len);

// Partial sum of a TCP or ICMPv6 pseudo-header (RFC 9293 3.1, RFC 8200 8.1).
uint32_t wr_csum_pseudo(
	const struct wr_addr *src, const struct wr_addr *dst, uint8_t proto, uint32_t l4_len);

// Fold to 16 bits, not complemented: what hardware expects in the field for a partial checksum.
uint16_t wr_csum_fold(uint32_t sum);

// Fold and complement: the value to store (network order as stored; never byte-swapped).
uint16_t wr_csum_finish(uint32_t sum);

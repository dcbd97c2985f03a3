/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>
#include <stddef.h>

// Keyed hashes. wr_siphash is for what an attacker sees or aims at and that is rare (initial
// sequence numbers, cookies, picking a backend); wr_hash_tuple for the flow table.

// SipHash-2-4 (Aumasson, Bernstein 2012), 64-bit result.
uint64_t wr_siphash(const uint64_t key[2], const void *data, size_t len);

// 128-bit multiply folded to 64: the mixing step of the flow hash.
static inline uint64_t wr_hash_mum(uint64_t a, uint64_t b)
{
	__uint128_t p = (__uint128_t)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

struct wr_tuple;

// Keyed hash of a connection's four values, the same for both families. About 5 multiplies.
uint64_t wr_hash_tuple(const uint64_t key[2], const struct wr_tuple *t);

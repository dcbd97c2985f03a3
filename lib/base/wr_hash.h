/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "wr_addr.h"

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

// Keyed hash of a connection's four values, the same for both families: four multiplies, of which
// two are independent. In line, since it is a good part of a lookup.
static inline uint64_t wr_hash_tuple(const uint64_t key[2], const struct wr_tuple *t)
{
	// Odd constants with balanced bits (wyhash); they keep the two ends and the ports apart.
	const uint64_t c0 = 0xa0761d6478bd642fULL;
	const uint64_t c1 = 0xe7037ed1a0b428dbULL;
	const uint64_t c2 = 0x8ebc6af09c88c6e3ULL;
	uint64_t ports = (uint64_t)t->lport << 16 | t->rport;
	uint64_t local = wr_hash_mum(t->local.q[0] ^ key[0], t->local.q[1] ^ key[1] ^ c0);
	uint64_t remote = wr_hash_mum(t->remote.q[0] ^ key[1] ^ c1, t->remote.q[1] ^ key[0] ^ c2);

	return wr_hash_mum(wr_hash_mum(local ^ ports ^ c1, remote ^ key[0]) ^ c2, key[1] ^ c0);
}

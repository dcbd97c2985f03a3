/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "wr_addr.h"

// Toeplitz hashing of connections, as NICs do it (Microsoft RSS; DPDK rte_thash.h), and the linear
// method that makes answers come home: the hash is linear over XOR, so
//   H(tuple) = H(tuple with local port 0) ^ H(local port alone)
// and a local port of class c = H(port alone) & (reta_size - 1) lands on reta[h0 ^ c].

#define WR_RSS_KEY_LEN  52 // enough for IPv6 with ports (36 + 4 bytes), and what 52-byte NICs take
#define WR_RSS_RETA_MAX 512

struct wr_rss; // tables made once per key and RETA; read-only afterwards, any thread

// `key` of key_len (40 to 52) bytes; `reta` of `reta_size` (power of two, 1-512) entries, each the
// number of a worker. NULL when out of memory or arguments are out of range.
struct wr_rss *wr_rss_create(
	const uint8_t *key, uint32_t key_len, const uint16_t *reta, uint32_t reta_size);
void wr_rss_destroy(struct wr_rss *r);

// Toeplitz hash of a frame that arrives from t->remote to t->local (source = remote).
uint32_t wr_rss_hash(const struct wr_rss *r, const struct wr_tuple *t);

// The worker that such a frame belongs to.
uint16_t wr_rss_worker(const struct wr_rss *r, uint32_t hash);

// Class of a local port (the destination of arriving frames): low bits of its share of the hash.
// The share depends on the family.
uint32_t wr_rss_port_class(const struct wr_rss *r, bool v4, uint16_t port);

uint32_t wr_rss_reta_size(const struct wr_rss *r);
uint16_t wr_rss_reta(const struct wr_rss *r, uint32_t index);

// The default key: Microsoft's, widely used in NIC documentation, repeated to 52 bytes.
extern const uint8_t wr_rss_default_key[WR_RSS_KEY_LEN];

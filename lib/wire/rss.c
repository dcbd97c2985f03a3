/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_rss.h"

#include <stdlib.h>
#include <string.h>

#include <rte_common.h>

// Bytes of the hashed text: source, destination, source port, destination port, all in network
// order and without gaps. The position alone decides which key bits a byte meets.
#define RSS_INPUT_MAX   36
#define RSS_V4_PORTS    8
#define RSS_V6_PORTS    32
#define RSS_KEY_LEN_MIN (RSS_INPUT_MAX + 4)

struct wr_rss {
	uint32_t byte[RSS_INPUT_MAX][256]; // share of the hash by position and value of a byte
	uint32_t reta_size;
	uint16_t reta[WR_RSS_RETA_MAX];
};

const uint8_t wr_rss_default_key[WR_RSS_KEY_LEN] = {0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2,
	0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3, 0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30,
	0xb4, 0x77, 0xcb, 0x2d, 0xa3, 0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac,
	0x01, 0xfa, 0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d};

// The 32 key bits that begin at bit `bit`, counted from the most significant of the first byte.
static uint32_t key_window(const uint8_t *key, uint32_t bit)
{
	const uint8_t *k = key + bit / 8;
	uint64_t w = 0;

	// The last window begins at bit 287 and ends inside byte 39, the last that every key has.
	for (int i = 0; i < 5; i++)
		w = w << 8 | k[i];
	return (uint32_t)(w >> (8 - bit % 8));
}

static void fill_byte(uint32_t table[256], const uint8_t *key, uint32_t pos)
{
	uint32_t window[8];

	for (uint32_t i = 0; i < 8; i++)
		window[i] = key_window(key, pos * 8 + i);
	for (uint32_t v = 0; v < 256; v++) {
		table[v] = 0;
		for (uint32_t i = 0; i < 8; i++)
			if (v & (0x80u >> i))
				table[v] ^= window[i];
	}
}

struct wr_rss *wr_rss_create(
	const uint8_t *key, uint32_t key_len, const uint16_t *reta, uint32_t reta_size)
{
	struct wr_rss *r;

	if (key_len < RSS_KEY_LEN_MIN || key_len > WR_RSS_KEY_LEN)
		return NULL;
	if (!rte_is_power_of_2(reta_size) || reta_size > WR_RSS_RETA_MAX)
		return NULL;
	r = aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(sizeof(*r), RTE_CACHE_LINE_SIZE));
	if (r == NULL)
		return NULL;
	memset(r, 0, sizeof(*r));
	for (uint32_t pos = 0; pos < RSS_INPUT_MAX; pos++)
		fill_byte(r->byte[pos], key, pos);
	r->reta_size = reta_size;
	memcpy(r->reta, reta, reta_size * sizeof(reta[0]));
	return r;
}

void wr_rss_destroy(struct wr_rss *r)
{
	free(r);
}

static inline uint32_t hash_bytes(
	const struct wr_rss *r, uint32_t pos, const uint8_t *data, uint32_t len)
{
	uint32_t hash = 0;

	for (uint32_t i = 0; i < len; i++)
		hash ^= r->byte[pos + i][data[i]];
	return hash;
}

static inline uint32_t hash_port(const struct wr_rss *r, uint32_t pos, uint16_t port)
{
	return r->byte[pos][port >> 8] ^ r->byte[pos + 1][port & 0xff];
}

uint32_t wr_rss_hash(const struct wr_rss *r, const struct wr_tuple *t)
{
	if (wr_addr_is_v4(&t->local))
		return hash_bytes(r, 0, t->remote.b + 12, 4) ^
		       hash_bytes(r, 4, t->local.b + 12, 4) ^ hash_port(r, RSS_V4_PORTS, t->rport) ^
		       hash_port(r, RSS_V4_PORTS + 2, t->lport);
	return hash_bytes(r, 0, t->remote.b, 16) ^ hash_bytes(r, 16, t->local.b, 16) ^
	       hash_port(r, RSS_V6_PORTS, t->rport) ^ hash_port(r, RSS_V6_PORTS + 2, t->lport);
}

uint16_t wr_rss_worker(const struct wr_rss *r, uint32_t hash)
{
	return r->reta[hash & (r->reta_size - 1)];
}

uint32_t wr_rss_port_class(const struct wr_rss *r, bool v4, uint16_t port)
{
	uint32_t pos = (v4 ? RSS_V4_PORTS : RSS_V6_PORTS) + 2;

	return hash_port(r, pos, port) & (r->reta_size - 1);
}

uint32_t wr_rss_reta_size(const struct wr_rss *r)
{
	return r->reta_size;
}

uint16_t wr_rss_reta(const struct wr_rss *r, uint32_t index)
{
	return r->reta[index & (r->reta_size - 1)];
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "relay_frame.h"

#include <net/ethernet.h>
#include <netinet/in.h>

// splitmix64's finaliser: neighbouring numbers get unrelated values.
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

bool pattern(uint64_t seed, uint64_t salt, uint64_t number, uint64_t share)
{
	return mix(mix(seed * 2 + salt) ^ number) < share;
}

static enum kind tcp_kind(const uint8_t *tcp, uint32_t have, uint32_t l4_len)
{
	uint32_t header;

	if (have < 20)
		return KIND_OTHER;
	header = (tcp[12] >> 4) * 4u;
	return l4_len > header ? KIND_DATA : KIND_OTHER;
}

enum kind frame_kind(const uint8_t *f, uint32_t len)
{
	uint32_t type, header, total;

	if (len < 34)
		return KIND_OTHER;
	type = (uint32_t)f[12] << 8 | f[13];
	if (type == ETH_P_ARP)
		return KIND_NEIGHBOUR;
	if (type == ETH_P_IP && f[23] == IPPROTO_TCP) {
		header = (f[14] & 15) * 4u;
		total = (uint32_t)f[16] << 8 | f[17];
		if (14 + header > len || total < header)
			return KIND_OTHER;
		return tcp_kind(f + 14 + header, len - 14 - header, total - header);
	}
	if (type != ETH_P_IPV6 || len < 55)
		return KIND_OTHER;
	total = (uint32_t)f[18] << 8 | f[19];
	if (f[20] == IPPROTO_TCP)
		return tcp_kind(f + 54, len - 54, total);
	// Router and neighbour solicitation, advertisement, redirect: RFC 4861 4.
	if (f[20] == IPPROTO_ICMPV6 && f[54] >= 133 && f[54] <= 137)
		return KIND_NEIGHBOUR;
	return KIND_OTHER;
}

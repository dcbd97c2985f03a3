/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include "wr_csum.h"
#include "wr_parse.h"

// What is known of a checksum before looking at the bytes.
enum parse_ck {
	PARSE_CK_VERIFY,
	PARSE_CK_GOOD, // the NIC verified it
	PARSE_CK_BAD,
};

// The frame as the parser sees it: plain memory, or a chain whose first segment is `data`.
struct parse_view {
	const struct rte_mbuf *m; // NULL: plain memory
	const uint8_t *data;
	uint32_t contig; // bytes at `data`
	uint32_t len;    // bytes of the whole frame
	uint8_t ip_ck;   // enum parse_ck
	uint8_t l4_ck;
	bool trust;  // WR_PARSE_F_TRUST_CK
	bool tagged; // the NIC took an 802.1Q tag off and told its VLAN
};

// The `n` bytes at `off`, copied to `buf` only when they are cut across segments; NULL when the
// frame is shorter. No alignment.
static inline const void *parse_read(
	const struct parse_view *v, uint32_t off, uint32_t n, void *buf)
{
	if (likely(off + n <= v->contig))
		return v->data + off;
	if (v->m == NULL || off + n > v->len)
		return NULL;
	return rte_pktmbuf_read(v->m, off, n, buf);
}

static inline uint16_t parse_be16(const uint8_t *p)
{
	uint16_t w;

	memcpy(&w, p, sizeof(w));
	return rte_be_to_cpu_16(w);
}

static inline uint32_t parse_be32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return rte_be_to_cpu_32(w);
}

// Sum of `len` bytes at `off`, which the caller knows to be inside the frame.
static inline uint32_t parse_sum(
	const struct parse_view *v, uint32_t sum, uint32_t off, uint32_t len)
{
	if (likely(off + len <= v->contig))
		return wr_csum_add(sum, v->data + off, len);
	return wr_csum_add_mbuf(sum, v->m, off, len);
}

// Each step reads from where the lengths in *p end, fills *p and gives WR_DROP_NONE or the reason.
// On return from the IP steps proto, addresses, l3_len and payload_len (all of L4) are set.
enum wr_drop parse_ip4(struct wr_pkt *p, const struct parse_view *v);
enum wr_drop parse_ip6(struct wr_pkt *p, const struct parse_view *v);
enum wr_drop parse_tcp(struct wr_pkt *p, const struct parse_view *v);

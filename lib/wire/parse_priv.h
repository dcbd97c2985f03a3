/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

#include "csum_priv.h"
#include "wr_parse.h"

// The frame as the parser sees it: plain memory, or a chain whose first segment is `data`.
struct parse_view {
	const struct rte_mbuf *m; // NULL: plain memory
	const uint8_t *data;
	uint32_t contig;   // bytes at `data`
	uint32_t len;      // bytes of the whole frame
	uint64_t ol_flags; // what the NIC told; 0 of plain memory
	uint32_t flags;    // WR_PARSE_F_*
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
static inline uint64_t parse_sum(
	const struct parse_view *v, uint64_t sum, uint32_t off, uint32_t len)
{
	if (likely(off + len <= v->contig))
		return csum_text(sum, v->data + off, len);
	return csum_chain(sum, v->m, off, len);
}

// Each step reads from where the lengths in *p end, fills *p and gives WR_DROP_NONE or the reason.
// On return from the IP steps proto, addresses, l3_len and payload_len (all of L4) are set. Those
// of IPv4 and TCP are in line (parse_ip4.h, parse_tcp.h): nearly every frame goes that way.
enum wr_drop parse_ip4_options(const uint8_t *opt, uint32_t len);
enum wr_drop parse_ip6(struct wr_pkt *p, const struct parse_view *v);

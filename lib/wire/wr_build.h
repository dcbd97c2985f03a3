/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <errno.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "wr_pkt.h"

// Build headers in front of what an mbuf holds. The mbuf needs the headroom; nothing is allocated.

// A TCP segment to build. Sequence numbers in host order; options by the same bits as wr_pkt.opts.
struct wr_tcp_hdr {
	const struct wr_tuple *t; // local is the sender
	uint32_t seq, ack;
	uint16_t window; // as on the wire, scaled already
	uint8_t flags;
	uint8_t opts;
	uint16_t mss;
	uint8_t wscale;
	uint8_t sack_count; // as many as fit are written: 3 with timestamps, else 4
	uint32_t ts_val, ts_ecr;
	const struct wr_sack_block *sack;
	uint8_t tos;
	uint8_t hop_limit; // 0: 64
	uint16_t ip_id;    // IPv4; DF is always set
};

// Length of the TCP header that wr_build_tcp would write, 20-60, a multiple of 4.
uint32_t wr_build_tcp_hdr_len(const struct wr_tcp_hdr *h);

// Prepend TCP and IP headers to m, whose chain (pkt_len) is the payload already; a payload chain
// linked behind an empty first mbuf is the zero-copy case. Sets l3_len, l4_len and the offload
// request RTE_MBUF_F_TX_TCP_CKSUM (with IPV4 and IP_CKSUM, or IPV6) and stores the pseudo-header
// sum in the TCP checksum field, as ethdev wants; a port without the offload finishes it in
// software. The family is that of t->local. Returns 0; -ENOSPC when headroom is short or -EMSGSIZE
// when the IP length field cannot say it, with m unchanged.
int wr_build_tcp(struct rte_mbuf *m, const struct wr_tcp_hdr *h);

// Prepend an IP header (protocol, hop limit or 64 when 0, whole pkt_len as its payload, DF); the
// IPv4 header checksum is computed in software, that of the payload is the caller's. Returns as
// above.
int wr_build_ip(struct rte_mbuf *m, const struct wr_addr *src, const struct wr_addr *dst,
	uint8_t proto, uint8_t hop_limit, uint16_t ip_id);

// Prepend Ethernet with an 802.1Q tag; sets l2_len and keeps the offload request. Returns 0 or
// -ENOSPC.
int wr_build_eth_tagged(struct rte_mbuf *m, const struct rte_ether_addr *src,
	const struct rte_ether_addr *dst, uint16_t ethertype, uint16_t vlan);

// The same, with a tag only when vlan is not 0. In line: every frame sent comes by.
static inline int wr_build_eth(struct rte_mbuf *m, const struct rte_ether_addr *src,
	const struct rte_ether_addr *dst, uint16_t ethertype, uint16_t vlan)
{
	struct rte_ether_hdr *h;

	if (unlikely(vlan != 0))
		return wr_build_eth_tagged(m, src, dst, ethertype, vlan);
	h = (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*h));
	if (unlikely(h == NULL))
		return -ENOSPC;
	h->dst_addr = *dst;
	h->src_addr = *src;
	h->ether_type = rte_cpu_to_be_16(ethertype);
	m->l2_len = sizeof(*h);
	return 0;
}

// Finish in software what ol_flags asks for (IPv4 header and TCP checksum over the chain) and clear
// those flags, for ports without the offload. The headers are as wr_build_tcp left them (IPv4
// without options, its checksum 0), at l2_len as set (0 before wr_build_eth) of the first segment.
void wr_build_finish_csum(struct rte_mbuf *m);

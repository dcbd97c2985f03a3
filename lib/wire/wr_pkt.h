/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <rte_mbuf.h>

#include "wr_addr.h"
#include "wr_stats.h"

// What the parser knows of a frame: a small meta that travels with its mbuf through one loop.

enum wr_pkt_kind {
	WR_PKT_DROP, // `drop` says why
	WR_PKT_TCP,  // complete TCP header, checksum verified
	WR_PKT_ARP,
	WR_PKT_ICMP4, // complete, checksum verified
	WR_PKT_ICMP6, // complete, checksum verified; ND included
	WR_PKT_PUNT,  // for the kernel if there is an exception path (other EtherTypes, protocols)
};

// TCP flags as on the wire.
#define WR_TCP_FIN 0x01
#define WR_TCP_SYN 0x02
#define WR_TCP_RST 0x04
#define WR_TCP_PSH 0x08
#define WR_TCP_ACK 0x10
#define WR_TCP_URG 0x20
#define WR_TCP_ECE 0x40
#define WR_TCP_CWR 0x80

// Options seen, as bits of wr_pkt.opts.
#define WR_TCPOPT_MSS    0x01
#define WR_TCPOPT_WSCALE 0x02
#define WR_TCPOPT_SACKOK 0x04
#define WR_TCPOPT_TS     0x08
#define WR_TCPOPT_SACK   0x10

#define WR_TCP_MAX_SACK 4

struct wr_sack_block {
	uint32_t left;
	uint32_t right;
};

struct wr_pkt {
	struct rte_mbuf *m;
	uint8_t kind;         // enum wr_pkt_kind
	uint8_t drop;         // enum wr_drop, when kind is WR_PKT_DROP
	uint8_t proto;        // IP protocol of the last header
	uint8_t tos;          // DSCP and ECN
	uint16_t l2_len;      // Ethernet and tags
	uint16_t l3_len;      // IP header and extensions
	uint16_t l4_len;      // TCP header with options; ICMP: 0
	uint16_t payload_len; // bytes behind the L4 header, by the IP length; not IP: behind l2_len
	uint16_t vlan;        // tag's VLAN id, 0 when untagged
	uint16_t ethertype;   // host order, behind any tag
	uint8_t hop_limit;    // TTL
	// TCP from here on
	uint8_t flags;  // WR_TCP_*
	uint8_t opts;   // WR_TCPOPT_*
	uint8_t wscale; // shift, 0-14
	uint8_t sack_count;
	uint16_t mss;    // as sent by the peer
	uint16_t window; // as on the wire, unscaled
	uint32_t seq;
	uint32_t ack;
	uint32_t ts_val;
	uint32_t ts_ecr;
	// Of a SYN, by whoever stands at the door: enum wr_tcp_admit, and the drop reason of a
	// refusal. The parser leaves them 0: let in.
	uint8_t admit;
	uint8_t admit_why;
	struct wr_tuple t; // local = destination; ports 0 when not TCP
	struct wr_sack_block sack[WR_TCP_MAX_SACK];
};

// Offset of the payload from the start of the frame.
static inline uint32_t wr_pkt_payload_offset(const struct wr_pkt *p)
{
	return (uint32_t)p->l2_len + p->l3_len + p->l4_len;
}

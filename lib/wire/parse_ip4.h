/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "parse_priv.h"

#include <rte_ip.h>

static inline enum wr_drop parse_ip4_sum(
	const struct parse_view *v, const struct rte_ipv4_hdr *ip, uint32_t hlen)
{
	uint64_t told = v->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK, sum;

	if (told == RTE_MBUF_F_RX_IP_CKSUM_GOOD || v->flags & WR_PARSE_F_TRUST_CK)
		return WR_DROP_NONE;
	if (unlikely(told == RTE_MBUF_F_RX_IP_CKSUM_BAD))
		return WR_DROP_ip_checksum;
	sum = csum_ip4(ip);
	if (unlikely(hlen > sizeof(*ip)))
		sum = csum_text(sum, ip + 1, hlen - sizeof(*ip));
	return likely(csum_good(sum)) ? WR_DROP_NONE : WR_DROP_ip_checksum;
}

static inline enum wr_drop parse_ip4(struct wr_pkt *p, const struct parse_view *v)
{
	uint8_t buf[RTE_IPV4_HDR_IHL_MASK * RTE_IPV4_IHL_MULTIPLIER];
	const struct rte_ipv4_hdr *ip = parse_read(v, p->l2_len, sizeof(*ip), buf);
	uint32_t hlen, total;
	enum wr_drop d;

	if (unlikely(ip == NULL))
		return WR_DROP_short_frame;
	if (unlikely(ip->version_ihl >> 4 != IPVERSION))
		return WR_DROP_ip_version;
	hlen = rte_ipv4_hdr_len(ip);
	total = rte_be_to_cpu_16(ip->total_length);
	if (unlikely(hlen < sizeof(*ip) || total < hlen))
		return WR_DROP_ip_header;
	if (unlikely(total > v->len - p->l2_len))
		return WR_DROP_ip_truncated;
	if (unlikely(hlen > sizeof(*ip)))
		ip = parse_read(v, p->l2_len, hlen, buf); // inside: hlen <= total <= frame
	d = parse_ip4_sum(v, ip, hlen);
	if (unlikely(d != WR_DROP_NONE))
		return d;

	p->l3_len = (uint16_t)hlen;
	p->payload_len = (uint16_t)(total - hlen);
	p->proto = ip->next_proto_id;
	p->tos = ip->type_of_service;
	p->hop_limit = ip->time_to_live;
	p->t.local = wr_addr_from_v4(ip->dst_addr);
	p->t.remote = wr_addr_from_v4(ip->src_addr);
	if (unlikely(ip->fragment_offset &
		     rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK)))
		return WR_DROP_ip_fragment;
	if (unlikely(hlen > sizeof(*ip)))
		return parse_ip4_options((const uint8_t *)(ip + 1), hlen - sizeof(*ip));
	return WR_DROP_NONE;
}

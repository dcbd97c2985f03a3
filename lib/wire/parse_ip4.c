/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse_priv.h"

#include <rte_ip.h>

#define IP4_OPT_EOL  0
#define IP4_OPT_NOP  1
#define IP4_OPT_LSRR 131 // loose source route (RFC 791 3.1)
#define IP4_OPT_SSRR 137 // strict source route

// Source routes let a sender walk around filters: refused (RFC 7126 4.3, 4.4). The others have
// nothing for an end host and are skipped.
static enum wr_drop check_options(const uint8_t *opt, uint32_t len)
{
	uint32_t i = 0;

	while (i < len && opt[i] != IP4_OPT_EOL) {
		uint8_t kind = opt[i];

		if (kind == IP4_OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return WR_DROP_ip_header;
		if (kind == IP4_OPT_LSRR || kind == IP4_OPT_SSRR)
			return WR_DROP_ip_options;
		i += opt[i + 1];
	}
	return WR_DROP_NONE;
}

static enum wr_drop check_sum(const struct parse_view *v, const void *ip, uint32_t hlen)
{
	if (v->trust || v->ip_ck == PARSE_CK_GOOD)
		return WR_DROP_NONE;
	if (v->ip_ck == PARSE_CK_BAD || wr_csum_finish(wr_csum_add(0, ip, hlen)) != 0)
		return WR_DROP_ip_checksum;
	return WR_DROP_NONE;
}

enum wr_drop parse_ip4(struct wr_pkt *p, const struct parse_view *v)
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
	d = check_sum(v, ip, hlen);
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
		return check_options((const uint8_t *)(ip + 1), hlen - sizeof(*ip));
	return WR_DROP_NONE;
}

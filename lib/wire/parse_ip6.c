/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse_priv.h"

#include <netinet/in.h>

#include <rte_ip.h>

#define IP6_EXT_MAX     8  // headers of a chain; real traffic has one or two (RFC 8504 5.3)
#define IP6_EXT_OPT_MAX 32 // options of a header, padding included: bounds the work of a frame
#define IP6_EXT_MIN     8  // bytes of the smallest extension header and unit of the longer ones
#define IP6_OPT_PAD1    0
#define IP6_OPT_ACTION  0xc0 // not 0: discard when the option is not known (RFC 8200 4.2)

// Options of a hop-by-hop or destination header. None is known here but padding, so the two upper
// bits of the type decide.
static enum wr_drop check_options(const struct parse_view *v, uint32_t off, uint32_t end)
{
	uint8_t buf[2];

	for (uint32_t n = 0; off < end; n++) {
		const uint8_t *o = parse_read(v, off, 1, buf);

		if (n == IP6_EXT_OPT_MAX)
			return WR_DROP_ip_ext_header;
		if (o[0] == IP6_OPT_PAD1) {
			off++;
			continue;
		}
		if (end - off < 2 || (o[0] & IP6_OPT_ACTION) != 0)
			return WR_DROP_ip_ext_header;
		o = parse_read(v, off, 2, buf);
		off += 2u + o[1];
	}
	return off == end ? WR_DROP_NONE : WR_DROP_ip_ext_header;
}

// Walk the chain (RFC 8200 4): p->proto and p->l3_len move on, `end` is the packet's end.
static enum wr_drop parse_ext(struct wr_pkt *p, const struct parse_view *v, uint32_t end)
{
	uint8_t buf[IP6_EXT_MIN];
	uint32_t off = p->l2_len + p->l3_len;
	enum wr_drop d;

	for (uint32_t n = 0;; n++) {
		const uint8_t *h;
		uint32_t len;
		uint8_t kind = p->proto;

		if (kind == IPPROTO_FRAGMENT) // atomic ones included (RFC 6946)
			return WR_DROP_ip_fragment;
		if (kind != IPPROTO_HOPOPTS && kind != IPPROTO_DSTOPTS && kind != IPPROTO_ROUTING)
			return WR_DROP_NONE;
		if (n == IP6_EXT_MAX || end - off < IP6_EXT_MIN)
			return WR_DROP_ip_ext_header;
		if (kind == IPPROTO_HOPOPTS && n > 0) // only right behind the IPv6 header
			return WR_DROP_ip_ext_header;
		h = parse_read(v, off, IP6_EXT_MIN, buf);
		len = (h[1] + 1u) * IP6_EXT_MIN;
		if (len > end - off)
			return WR_DROP_ip_ext_header;
		p->proto = h[0];
		if (kind == IPPROTO_ROUTING) {
			if (h[3] != 0) // segments left: we are not a router (RFC 8200 4.4, 5095)
				return WR_DROP_ip_ext_header;
		} else {
			d = check_options(v, off + 2, off + len);
			if (d != WR_DROP_NONE)
				return d;
		}
		off += len;
		p->l3_len += (uint16_t)len;
		p->payload_len -= (uint16_t)len;
	}
}

enum wr_drop parse_ip6(struct wr_pkt *p, const struct parse_view *v)
{
	struct rte_ipv6_hdr buf;
	const struct rte_ipv6_hdr *ip = parse_read(v, p->l2_len, sizeof(*ip), &buf);
	uint32_t plen, vtc;

	if (unlikely(ip == NULL))
		return WR_DROP_short_frame;
	vtc = rte_be_to_cpu_32(ip->vtc_flow);
	if (unlikely(vtc >> 28 != 6))
		return WR_DROP_ip_version;
	plen = rte_be_to_cpu_16(
		ip->payload_len); // 0 of a jumbogram: its hop-by-hop option drops it
	if (unlikely(plen > v->len - p->l2_len - sizeof(*ip)))
		return WR_DROP_ip_truncated;

	p->l3_len = sizeof(*ip);
	p->payload_len = (uint16_t)plen;
	p->proto = ip->proto;
	p->tos = (uint8_t)(vtc >> 20);
	p->hop_limit = ip->hop_limits;
	p->t.local = wr_addr_from_v6(ip->dst_addr);
	p->t.remote = wr_addr_from_v6(ip->src_addr);
	if (likely(p->proto == IPPROTO_TCP || p->proto == IPPROTO_ICMPV6))
		return WR_DROP_NONE;
	return parse_ext(p, v, p->l2_len + sizeof(*ip) + plen);
}

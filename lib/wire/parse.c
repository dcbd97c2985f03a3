/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse_ip4.h"
#include "parse_tcp.h"

#include <rte_ether.h>
#include <rte_prefetch.h>

#define PARSE_PREFETCH  4 // frames ahead; their mbufs were just written by the driver
#define PARSE_VLAN_MASK 0x0fff
#define PARSE_ICMP_MIN  8 // every ICMP message in use has 8 bytes of header (RFC 792, 4443, 4861)

static inline bool is_tag(uint16_t ethertype)
{
	return ethertype == RTE_ETHER_TYPE_VLAN || ethertype == RTE_ETHER_TYPE_QINQ;
}

// Ethernet and at most one 802.1Q tag, in the frame or taken off by the NIC.
static inline enum wr_drop parse_l2(struct wr_pkt *p, const struct parse_view *v)
{
	uint8_t buf[RTE_ETHER_HDR_LEN];
	const uint8_t *h = parse_read(v, 0, RTE_ETHER_HDR_LEN, buf);
	bool tagged;

	if (unlikely(h == NULL))
		return WR_DROP_short_frame;
	p->l2_len = RTE_ETHER_HDR_LEN;
	p->ethertype = parse_be16(h + 12);
	tagged = v->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED;
	if (unlikely(tagged))
		p->vlan = v->m->vlan_tci & PARSE_VLAN_MASK;
	if (likely(!is_tag(p->ethertype)))
		return WR_DROP_NONE;
	if (tagged || p->ethertype == RTE_ETHER_TYPE_QINQ)
		return WR_DROP_vlan_unknown;

	h = parse_read(v, p->l2_len, RTE_VLAN_HLEN, buf);
	if (h == NULL)
		return WR_DROP_short_frame;
	p->l2_len += RTE_VLAN_HLEN;
	p->vlan = parse_be16(h) & PARSE_VLAN_MASK; // 0: a priority tag, untagged all the same
	p->ethertype = parse_be16(h + 2);
	return is_tag(p->ethertype) ? WR_DROP_vlan_unknown : WR_DROP_NONE;
}

// The EtherType that a frame without Ethernet would have, by the version field.
static enum wr_drop parse_no_l2(struct wr_pkt *p, const struct parse_view *v)
{
	uint8_t buf;
	const uint8_t *h = parse_read(v, 0, 1, &buf);

	if (h == NULL)
		return WR_DROP_short_frame;
	if (*h >> 4 == 4)
		p->ethertype = RTE_ETHER_TYPE_IPV4;
	else if (*h >> 4 == 6)
		p->ethertype = RTE_ETHER_TYPE_IPV6;
	else
		return WR_DROP_ip_version;
	return WR_DROP_NONE;
}

// Sources that no packet from a wire may have (RFC 1122 3.2.1.3, RFC 4291 2.5-2.7).
static inline enum wr_drop check_source(const struct wr_pkt *p)
{
	const struct wr_addr *a = &p->t.remote;

	if (p->ethertype == RTE_ETHER_TYPE_IPV4) {
		uint8_t net = a->b[12];

		if (a->w[3] == 0) // DHCP and IGMP may ask without an address (RFC 2131, 3376)
			return p->proto == IPPROTO_TCP || p->proto == IPPROTO_ICMP
			               ? WR_DROP_ip_source
			               : WR_DROP_NONE;
		if (net == 0 || net == IN_LOOPBACKNET || (net & 0xf0) == 0xe0 ||
			a->w[3] == UINT32_MAX)
			return WR_DROP_ip_source;
		return WR_DROP_NONE;
	}
	// A mapped IPv4 address inside IPv6 would pass for the IPv4 host itself.
	if (a->b[0] == 0xff || wr_addr_is_v4(a))
		return WR_DROP_ip_source;
	if (a->q[0] == 0 && a->w[2] == 0) {
		if (a->w[3] == rte_cpu_to_be_32(1))
			return WR_DROP_ip_source;
		// Duplicate address detection asks from :: (RFC 4862 5.4.2).
		if (a->w[3] == 0 && p->proto != IPPROTO_ICMPV6)
			return WR_DROP_ip_source;
	}
	return WR_DROP_NONE;
}

static inline enum wr_drop check_addresses(const struct wr_pkt *p)
{
	enum wr_drop d = check_source(p);

	if (unlikely(d != WR_DROP_NONE))
		return d;
	if (p->ethertype == RTE_ETHER_TYPE_IPV6 && wr_addr_is_v4(&p->t.local))
		return WR_DROP_not_for_us; // mapped, see check_source
	return wr_addr_eq(&p->t.local, &p->t.remote) ? WR_DROP_land : WR_DROP_NONE;
}

// ICMP is always verified here: NICs report "good" for what they did not look into.
static enum wr_drop parse_icmp(struct wr_pkt *p, const struct parse_view *v)
{
	uint64_t sum = 0;

	if (p->payload_len < PARSE_ICMP_MIN)
		return WR_DROP_icmp_malformed;
	p->kind = p->proto == IPPROTO_ICMP ? WR_PKT_ICMP4 : WR_PKT_ICMP6;
	if (v->flags & WR_PARSE_F_TRUST_CK)
		return WR_DROP_NONE;
	if (p->kind == WR_PKT_ICMP6) // RFC 4443 2.3
		sum = csum_pseudo(&p->t.remote, &p->t.local, IPPROTO_ICMPV6, p->payload_len);
	sum = parse_sum(v, sum, p->l2_len + p->l3_len, p->payload_len);
	return csum_good(sum) ? WR_DROP_NONE : WR_DROP_icmp_malformed;
}

static inline enum wr_drop parse_ip(struct wr_pkt *p, const struct parse_view *v)
{
	bool v4 = p->ethertype == RTE_ETHER_TYPE_IPV4;
	enum wr_drop d = v4 ? parse_ip4(p, v) : parse_ip6(p, v);

	if (unlikely(d != WR_DROP_NONE))
		return d;
	d = check_addresses(p);
	if (unlikely(d != WR_DROP_NONE))
		return d;
	if (likely(p->proto == IPPROTO_TCP))
		return parse_tcp(p, v);
	if (p->proto == (v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
		return parse_icmp(p, v);
	p->kind = WR_PKT_PUNT;
	return WR_DROP_NONE;
}

static inline enum wr_drop parse_ethertype(struct wr_pkt *p, const struct parse_view *v)
{
	if (likely(p->ethertype == RTE_ETHER_TYPE_IPV4 || p->ethertype == RTE_ETHER_TYPE_IPV6))
		return parse_ip(p, v);
	p->kind = p->ethertype == RTE_ETHER_TYPE_ARP ? WR_PKT_ARP : WR_PKT_PUNT;
	p->payload_len = (uint16_t)RTE_MIN(v->len - p->l2_len, (uint32_t)UINT16_MAX);
	return WR_DROP_NONE;
}

static inline void parse_view(struct wr_pkt *p, const struct parse_view *v)
{
	enum wr_drop d;

	// sack_count says what of sack is valid. Halves of at most 64 bytes: stores, no loop.
	memset(p, 0, offsetof(struct wr_pkt, t));
	memset(&p->t, 0, offsetof(struct wr_pkt, sack) - offsetof(struct wr_pkt, t));
	d = v->flags & WR_PARSE_F_NO_L2 ? parse_no_l2(p, v) : parse_l2(p, v);
	if (likely(d == WR_DROP_NONE))
		d = parse_ethertype(p, v);
	if (unlikely(d != WR_DROP_NONE)) {
		p->kind = WR_PKT_DROP;
		p->drop = (uint8_t)d;
	}
}

void wr_parse_frame(struct wr_pkt *p, struct rte_mbuf *m, uint32_t flags)
{
	struct parse_view v = {
		.m = m,
		.data = rte_pktmbuf_mtod(m, const uint8_t *),
		.contig = m->data_len,
		.len = m->pkt_len,
		.ol_flags = m->ol_flags,
		.flags = flags,
	};

	parse_view(p, &v);
	p->m = m;
}

void wr_parse_burst(struct wr_pkt *p, struct rte_mbuf **m, uint16_t n, uint32_t flags)
{
	uint16_t i;

	for (i = 0; i < RTE_MIN(n, PARSE_PREFETCH); i++)
		rte_prefetch0(rte_pktmbuf_mtod(m[i], const void *));
	for (i = 0; i < n; i++) {
		if (i + PARSE_PREFETCH < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + PARSE_PREFETCH], const void *));
		wr_parse_frame(&p[i], m[i], flags);
	}
}

void wr_parse_bytes(struct wr_pkt *p, const uint8_t *data, uint32_t len, uint32_t flags)
{
	struct parse_view v = {
		.data = data,
		.contig = len,
		.len = len,
		.flags = flags,
	};

	parse_view(p, &v);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_peek.h"

#include <netinet/in.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>

#include "wr_pkt.h"

static bool peek_tcp(const struct rte_tcp_hdr *h, struct wr_tuple *t)
{
	if ((h->tcp_flags & (WR_TCP_SYN | WR_TCP_ACK | WR_TCP_RST | WR_TCP_FIN)) != WR_TCP_SYN)
		return false;
	t->rport = rte_be_to_cpu_16(h->src_port);
	t->lport = rte_be_to_cpu_16(h->dst_port);
	return true;
}

static bool peek_ip4(const uint8_t *at, uint32_t len, struct wr_tuple *t)
{
	const struct rte_ipv4_hdr *ip = (const struct rte_ipv4_hdr *)at;
	uint32_t hlen;

	if (len < sizeof(*ip) || ip->next_proto_id != IPPROTO_TCP || ip->version_ihl >> 4 != 4)
		return false;
	hlen = rte_ipv4_hdr_len(ip);
	if (hlen < sizeof(*ip) || len < hlen + sizeof(struct rte_tcp_hdr))
		return false;
	if (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK))
		return false;
	if (!peek_tcp((const struct rte_tcp_hdr *)(at + hlen), t))
		return false;
	t->local = wr_addr_from_v4(ip->dst_addr);
	t->remote = wr_addr_from_v4(ip->src_addr);
	return true;
}

static bool peek_ip6(const uint8_t *at, uint32_t len, struct wr_tuple *t)
{
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)at;

	if (len < sizeof(*ip) + sizeof(struct rte_tcp_hdr) || ip->proto != IPPROTO_TCP ||
		at[0] >> 4 != 6)
		return false;
	if (!peek_tcp((const struct rte_tcp_hdr *)(ip + 1), t))
		return false;
	t->local = wr_addr_from_v6(ip->dst_addr);
	t->remote = wr_addr_from_v6(ip->src_addr);
	return true;
}

bool wr_peek_syn(const struct rte_mbuf *m, struct wr_tuple *t)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t len = m->data_len, l2 = sizeof(struct rte_ether_hdr);
	rte_be16_t type;

	if (len < l2 + sizeof(struct rte_vlan_hdr))
		return false;
	type = ((const struct rte_ether_hdr *)data)->ether_type;
	if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN)) {
		type = ((const struct rte_vlan_hdr *)(data + l2))->eth_proto;
		l2 += sizeof(struct rte_vlan_hdr);
	}
	if (type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4))
		return peek_ip4(data + l2, len - l2, t);
	return type == rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6) && peek_ip6(data + l2, len - l2, t);
}

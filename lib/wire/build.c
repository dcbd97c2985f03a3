/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_build.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "csum_priv.h"

#define BUILD_HOP_LIMIT   64 // RFC 1700's default, what hosts send
#define BUILD_TCP_OPT_MAX 40 // 60 bytes of header less 20 (RFC 9293 3.1)
#define BUILD_SACK_LEN    8
#define BUILD_TS_LEN      12          // with two bytes of padding, or SACK-permitted in their place
#define BUILD_TS_HEAD     0x0101080au // two NOPs, kind and length (RFC 7323 A)

// Blocks that fit behind `used` bytes of options; the option's own head with padding is 4 bytes.
static uint32_t sack_fit(const struct wr_tcp_hdr *h, uint32_t used)
{
	uint32_t room = BUILD_TCP_OPT_MAX - used;

	if (!(h->opts & WR_TCPOPT_SACK) || room < 4 + BUILD_SACK_LEN)
		return 0;
	return RTE_MIN((uint32_t)h->sack_count, (room - 4) / BUILD_SACK_LEN);
}

// Length of all options but SACK.
static uint32_t fixed_opt_len(const struct wr_tcp_hdr *h)
{
	uint32_t len = 0;

	if (h->opts & WR_TCPOPT_MSS)
		len += 4;
	if (h->opts & WR_TCPOPT_TS)
		len += BUILD_TS_LEN;
	else if (h->opts & WR_TCPOPT_SACKOK)
		len += 4;
	if (h->opts & WR_TCPOPT_WSCALE)
		len += 4;
	return len;
}

uint32_t wr_build_tcp_hdr_len(const struct wr_tcp_hdr *h)
{
	uint32_t fixed, blocks;

	if (likely(h->opts == WR_TCPOPT_TS)) // a segment of data or an ACK, mostly
		return sizeof(struct rte_tcp_hdr) + BUILD_TS_LEN;
	fixed = fixed_opt_len(h);
	blocks = sack_fit(h, fixed);
	return sizeof(struct rte_tcp_hdr) + fixed + (blocks > 0 ? 4 + blocks * BUILD_SACK_LEN : 0);
}

static uint8_t *put32(uint8_t *o, uint32_t value)
{
	value = rte_cpu_to_be_32(value);
	memcpy(o, &value, sizeof(value));
	return o + sizeof(value);
}

// The usual order, in words: MSS; SACK-permitted or padding with timestamps; window scale; SACK.
static void put_options(uint8_t *o, const struct wr_tcp_hdr *h)
{
	uint32_t blocks;

	if (likely(h->opts == WR_TCPOPT_TS)) {
		put32(put32(put32(o, BUILD_TS_HEAD), h->ts_val), h->ts_ecr);
		return;
	}
	blocks = sack_fit(h, fixed_opt_len(h));
	if (h->opts & WR_TCPOPT_MSS)
		o = put32(o, 0x02040000u | h->mss);
	if (h->opts & WR_TCPOPT_TS) {
		o = put32(o, h->opts & WR_TCPOPT_SACKOK ? 0x0402080au : BUILD_TS_HEAD);
		o = put32(o, h->ts_val);
		o = put32(o, h->ts_ecr);
	} else if (h->opts & WR_TCPOPT_SACKOK) {
		o = put32(o, 0x01010402u);
	}
	if (h->opts & WR_TCPOPT_WSCALE)
		o = put32(o, 0x01030300u | h->wscale);
	if (blocks > 0)
		o = put32(o, 0x01010500u | (2 + blocks * BUILD_SACK_LEN));
	for (uint32_t i = 0; i < blocks; i++) {
		o = put32(o, h->sack[i].left);
		o = put32(o, h->sack[i].right);
	}
}

// What both IP builders need. `payload` is the bytes behind the IP header.
struct ip_args {
	const struct wr_addr *src, *dst;
	uint32_t payload;
	uint16_t ip_id;
	uint8_t proto;
	uint8_t tos;
	uint8_t hop_limit;
};

static __rte_always_inline void put_ip4(struct rte_ipv4_hdr *ip, const struct ip_args *a)
{
	*ip = (struct rte_ipv4_hdr){
		.version_ihl = RTE_IPV4_VHL_DEF,
		.type_of_service = a->tos,
		.total_length = rte_cpu_to_be_16((uint16_t)(sizeof(*ip) + a->payload)),
		.packet_id = rte_cpu_to_be_16(a->ip_id),
		.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
		.time_to_live = a->hop_limit,
		.next_proto_id = a->proto,
		.src_addr = a->src->w[3],
		.dst_addr = a->dst->w[3],
	};
}

static __rte_always_inline void put_ip6(struct rte_ipv6_hdr *ip, const struct ip_args *a)
{
	ip->vtc_flow = rte_cpu_to_be_32(6u << 28 | (uint32_t)a->tos << 20);
	ip->payload_len = rte_cpu_to_be_16((uint16_t)a->payload);
	ip->proto = a->proto;
	ip->hop_limits = a->hop_limit;
	memcpy(ip->src_addr, a->src->b, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, a->dst->b, sizeof(ip->dst_addr));
}

static uint32_t ip_hdr_len(bool v4)
{
	return v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

// Room for `len` bytes in front, which is to begin with an IP header of `l3` bytes and one of `l4`.
// The offload state of an earlier use is cleared.
static void *prepend(struct rte_mbuf *m, uint32_t len, uint32_t l3, uint32_t l4)
{
	void *p = rte_pktmbuf_prepend(m, (uint16_t)len);

	if (likely(p != NULL)) {
		m->ol_flags &= ~RTE_MBUF_F_TX_OFFLOAD_MASK;
		m->tx_offload = rte_mbuf_tx_offload(0, l3, l4, 0, 0, 0, 0);
	}
	return p;
}

// The longest that the IP length field can say: IPv4 counts its header, IPv6 does not.
static bool fits_ip(uint32_t payload, bool v4)
{
	return payload + (v4 ? sizeof(struct rte_ipv4_hdr) : 0) <= UINT16_MAX;
}

static void put_tcp(
	struct rte_tcp_hdr *tcp, const struct wr_tcp_hdr *h, uint32_t hlen, uint32_t len)
{
	*tcp = (struct rte_tcp_hdr){
		.src_port = rte_cpu_to_be_16(h->t->lport),
		.dst_port = rte_cpu_to_be_16(h->t->rport),
		.sent_seq = rte_cpu_to_be_32(h->seq),
		.recv_ack = rte_cpu_to_be_32(h->ack),
		.data_off = (uint8_t)(hlen / 4 << 4),
		.tcp_flags = h->flags,
		.rx_win = rte_cpu_to_be_16(h->window),
		.cksum = csum_fold(csum_pseudo(&h->t->local, &h->t->remote, IPPROTO_TCP, len)),
	};
	put_options((uint8_t *)(tcp + 1), h);
}

int wr_build_tcp(struct rte_mbuf *m, const struct wr_tcp_hdr *h)
{
	bool v4 = wr_addr_is_v4(&h->t->local);
	uint32_t hlen = wr_build_tcp_hdr_len(h), ip_len = ip_hdr_len(v4);
	struct ip_args a = {
		.src = &h->t->local,
		.dst = &h->t->remote,
		.payload = m->pkt_len + hlen,
		.ip_id = h->ip_id,
		.proto = IPPROTO_TCP,
		.tos = h->tos,
		.hop_limit = h->hop_limit ? h->hop_limit : BUILD_HOP_LIMIT,
	};
	uint8_t *ip;

	if (!fits_ip(a.payload, v4))
		return -EMSGSIZE;
	ip = prepend(m, ip_len + hlen, ip_len, hlen);
	if (ip == NULL)
		return -ENOSPC;
	put_tcp((struct rte_tcp_hdr *)(ip + ip_len), h, hlen, a.payload);
	if (v4)
		put_ip4((struct rte_ipv4_hdr *)ip, &a);
	else
		put_ip6((struct rte_ipv6_hdr *)ip, &a);
	m->ol_flags |= RTE_MBUF_F_TX_TCP_CKSUM |
	               (v4 ? RTE_MBUF_F_TX_IPV4 | RTE_MBUF_F_TX_IP_CKSUM : RTE_MBUF_F_TX_IPV6);
	return 0;
}

int wr_build_ip(struct rte_mbuf *m, const struct wr_addr *src, const struct wr_addr *dst,
	uint8_t proto, uint8_t hop_limit, uint16_t ip_id)
{
	bool v4 = wr_addr_is_v4(src);
	struct ip_args a = {
		.src = src,
		.dst = dst,
		.payload = m->pkt_len,
		.ip_id = ip_id,
		.proto = proto,
		.hop_limit = hop_limit ? hop_limit : BUILD_HOP_LIMIT,
	};
	void *ip;

	if (!fits_ip(a.payload, v4))
		return -EMSGSIZE;
	ip = prepend(m, ip_hdr_len(v4), ip_hdr_len(v4), 0);
	if (ip == NULL)
		return -ENOSPC;
	if (!v4) {
		put_ip6(ip, &a);
		return 0;
	}
	put_ip4(ip, &a);
	((struct rte_ipv4_hdr *)ip)->hdr_checksum = (uint16_t)~csum_fold(csum_ip4(ip));
	return 0;
}

int wr_build_eth_tagged(struct rte_mbuf *m, const struct rte_ether_addr *src,
	const struct rte_ether_addr *dst, uint16_t ethertype, uint16_t vlan)
{
	struct tagged {
		struct rte_ether_hdr eth;
		struct rte_vlan_hdr tag;
	} *h = (struct tagged *)rte_pktmbuf_prepend(m, sizeof(*h));

	if (h == NULL)
		return -ENOSPC;
	h->eth.dst_addr = *dst;
	h->eth.src_addr = *src;
	h->eth.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN);
	h->tag.vlan_tci = rte_cpu_to_be_16(vlan);
	h->tag.eth_proto = rte_cpu_to_be_16(ethertype);
	m->l2_len = sizeof(*h);
	return 0;
}

void wr_build_finish_csum(struct rte_mbuf *m)
{
	uint32_t l4 = m->l2_len + m->l3_len;
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, m->l2_len);
	uint64_t sum;

	if (m->ol_flags & RTE_MBUF_F_TX_IP_CKSUM)
		((struct rte_ipv4_hdr *)ip)->hdr_checksum = (uint16_t)~csum_fold(csum_ip4(ip));
	if ((m->ol_flags & RTE_MBUF_F_TX_L4_MASK) == RTE_MBUF_F_TX_TCP_CKSUM) {
		struct rte_tcp_hdr *tcp = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, l4);

		// The field holds the pseudo-header's sum, so the sum of the rest includes it.
		sum = likely(m->nb_segs == 1) ? csum_text(0, tcp, m->pkt_len - l4)
		                              : csum_chain(0, m, l4, m->pkt_len - l4);
		tcp->cksum = (uint16_t)~csum_fold(sum);
	}
	m->ol_flags &= ~(RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK | RTE_MBUF_F_TX_IPV4 |
			 RTE_MBUF_F_TX_IPV6);
}

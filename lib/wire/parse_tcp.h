/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "parse_priv.h"

#include <netinet/in.h>

#include <rte_tcp.h>

#define PARSE_TCP_HDR_MAX 60 // 15 words (RFC 9293 3.1)

// NOP, NOP, timestamps of 10 bytes: what nearly every data segment carries (RFC 7323 A).
#define PARSE_TS_ALIGNED     0x0101080au
#define PARSE_TS_ALIGNED_LEN 12

static inline void parse_tcp_ts(struct wr_pkt *p, const uint8_t *o)
{
	p->opts |= WR_TCPOPT_TS;
	p->ts_val = parse_be32(o);
	p->ts_ecr = parse_be32(o + 4);
}

// `len` bytes of TCP at `off`, `field` the checksum as stored.
static inline enum wr_drop parse_tcp_sum(const struct wr_pkt *p, const struct parse_view *v,
	uint32_t off, uint32_t len, uint16_t field)
{
	uint64_t told = v->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK, pseudo;

	if (told == RTE_MBUF_F_RX_L4_CKSUM_GOOD || v->flags & WR_PARSE_F_TRUST_CK)
		return WR_DROP_NONE;
	pseudo = csum_pseudo(&p->t.remote, &p->t.local, IPPROTO_TCP, len);
	if (likely(told != RTE_MBUF_F_RX_L4_CKSUM_BAD && csum_good(parse_sum(v, pseudo, off, len))))
		return WR_DROP_NONE;
	// Offload was left to a device that never sent: the peer's veth, not the network.
	return field == csum_fold(pseudo) ? WR_DROP_tcp_checksum_partial : WR_DROP_tcp_checksum;
}

static inline enum wr_drop parse_tcp_flags(uint8_t flags)
{
	if (unlikely((flags & WR_TCP_SYN) && (flags & (WR_TCP_FIN | WR_TCP_RST))))
		return WR_DROP_tcp_flags;
	if (unlikely((flags & (WR_TCP_SYN | WR_TCP_FIN | WR_TCP_RST | WR_TCP_ACK)) == 0))
		return WR_DROP_tcp_flags;
	return WR_DROP_NONE;
}

static inline enum wr_drop parse_tcp(struct wr_pkt *p, const struct parse_view *v)
{
	uint8_t buf[PARSE_TCP_HDR_MAX];
	uint32_t off = p->l2_len + p->l3_len, len = p->payload_len, hlen;
	const struct rte_tcp_hdr *tcp;
	const uint8_t *opt;
	enum wr_drop d;

	if (unlikely(len < sizeof(*tcp)))
		return WR_DROP_tcp_header;
	tcp = parse_read(v, off, sizeof(*tcp), buf); // inside: IP length <= frame
	hlen = (tcp->data_off >> 4) * 4u;
	if (unlikely(hlen < sizeof(*tcp) || hlen > len))
		return WR_DROP_tcp_header;
	if (hlen > sizeof(*tcp))
		tcp = parse_read(v, off, hlen, buf);
	d = parse_tcp_sum(p, v, off, len, tcp->cksum);
	if (unlikely(d != WR_DROP_NONE))
		return d;

	p->l4_len = (uint16_t)hlen;
	p->payload_len = (uint16_t)(len - hlen);
	p->flags = tcp->tcp_flags;
	p->window = rte_be_to_cpu_16(tcp->rx_win);
	p->seq = rte_be_to_cpu_32(tcp->sent_seq);
	p->ack = rte_be_to_cpu_32(tcp->recv_ack);
	p->t.lport = rte_be_to_cpu_16(tcp->dst_port);
	p->t.rport = rte_be_to_cpu_16(tcp->src_port);
	if (unlikely(p->t.lport == 0 || p->t.rport == 0))
		return WR_DROP_tcp_port_zero;
	d = parse_tcp_flags(p->flags);
	if (unlikely(d != WR_DROP_NONE))
		return d;
	p->kind = WR_PKT_TCP;
	if (hlen == sizeof(*tcp))
		return WR_DROP_NONE;
	opt = (const uint8_t *)(tcp + 1);
	if (likely(hlen == sizeof(*tcp) + PARSE_TS_ALIGNED_LEN &&
		    parse_be32(opt) == PARSE_TS_ALIGNED)) {
		parse_tcp_ts(p, opt + 4);
		return WR_DROP_NONE;
	}
	return wr_parse_tcp_options(p, opt, hlen - sizeof(*tcp), p->flags & WR_TCP_SYN);
}

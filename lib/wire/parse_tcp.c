/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse_priv.h"

#include <netinet/in.h>

#include <rte_tcp.h>

#define TCP_HDR_MAX 60 // 15 words (RFC 9293 3.1)

#define TCP_KIND_EOL    0
#define TCP_KIND_NOP    1
#define TCP_KIND_MSS    2
#define TCP_KIND_WSCALE 3
#define TCP_KIND_SACKOK 4
#define TCP_KIND_SACK   5
#define TCP_KIND_TS     8

#define TCP_WSCALE_MAX 14 // RFC 7323 2.3

// NOP, NOP, timestamps of 10 bytes: what nearly every data segment carries (RFC 7323 A).
#define TCP_TS_ALIGNED     0x0101080au
#define TCP_TS_ALIGNED_LEN 12

static void parse_ts(struct wr_pkt *p, const uint8_t *o)
{
	p->opts |= WR_TCPOPT_TS;
	p->ts_val = parse_be32(o);
	p->ts_ecr = parse_be32(o + 4);
}

static void parse_sack(struct wr_pkt *p, const uint8_t *o, uint32_t len)
{
	uint32_t n = len / 8;

	if (n == 0 || n > WR_TCP_MAX_SACK || len % 8 != 0)
		return;
	p->opts |= WR_TCPOPT_SACK;
	p->sack_count = (uint8_t)n;
	for (uint32_t i = 0; i < n; i++) {
		p->sack[i].left = parse_be32(o + 8 * i);
		p->sack[i].right = parse_be32(o + 8 * i + 4);
	}
}

// `o` is the option's body of `len` bytes.
static void parse_option(struct wr_pkt *p, uint8_t kind, const uint8_t *o, uint32_t len, bool syn)
{
	switch (kind) {
	case TCP_KIND_MSS:
		if (syn && len == 2) {
			p->opts |= WR_TCPOPT_MSS;
			p->mss = parse_be16(o);
		}
		break;
	case TCP_KIND_WSCALE:
		if (syn && len == 1) {
			p->opts |= WR_TCPOPT_WSCALE;
			p->wscale = RTE_MIN(o[0], TCP_WSCALE_MAX);
		}
		break;
	case TCP_KIND_SACKOK:
		if (syn && len == 0)
			p->opts |= WR_TCPOPT_SACKOK;
		break;
	case TCP_KIND_SACK:
		parse_sack(p, o, len);
		break;
	case TCP_KIND_TS:
		if (len == 8)
			parse_ts(p, o);
		break;
	}
}

enum wr_drop wr_parse_tcp_options(struct wr_pkt *p, const uint8_t *opt, uint32_t len, bool syn)
{
	uint32_t i = 0;

	p->opts = 0;
	p->sack_count = 0;
	if (likely(len == TCP_TS_ALIGNED_LEN && parse_be32(opt) == TCP_TS_ALIGNED)) {
		parse_ts(p, opt + 4);
		return WR_DROP_NONE;
	}
	while (i < len && opt[i] != TCP_KIND_EOL) {
		if (opt[i] == TCP_KIND_NOP) {
			i++;
			continue;
		}
		if (len - i < 2 || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return WR_DROP_tcp_options;
		parse_option(p, opt[i], opt + i + 2, opt[i + 1] - 2u, syn);
		i += opt[i + 1];
	}
	return WR_DROP_NONE;
}

// `len` bytes of TCP at `off`, `field` the checksum as stored.
static enum wr_drop check_sum(const struct wr_pkt *p, const struct parse_view *v, uint32_t off,
	uint32_t len, uint16_t field)
{
	uint32_t pseudo;

	if (v->trust || v->l4_ck == PARSE_CK_GOOD)
		return WR_DROP_NONE;
	pseudo = wr_csum_pseudo(&p->t.remote, &p->t.local, IPPROTO_TCP, len);
	if (likely(v->l4_ck == PARSE_CK_VERIFY &&
		    wr_csum_finish(parse_sum(v, pseudo, off, len)) == 0))
		return WR_DROP_NONE;
	// Offload was left to a device that never sent: the peer's veth, not the network.
	return field == wr_csum_fold(pseudo) ? WR_DROP_tcp_checksum_partial : WR_DROP_tcp_checksum;
}

static enum wr_drop check_flags(uint8_t flags)
{
	if (unlikely((flags & WR_TCP_SYN) && (flags & (WR_TCP_FIN | WR_TCP_RST))))
		return WR_DROP_tcp_flags;
	if (unlikely((flags & (WR_TCP_SYN | WR_TCP_FIN | WR_TCP_RST | WR_TCP_ACK)) == 0))
		return WR_DROP_tcp_flags;
	return WR_DROP_NONE;
}

enum wr_drop parse_tcp(struct wr_pkt *p, const struct parse_view *v)
{
	uint8_t buf[TCP_HDR_MAX];
	uint32_t off = p->l2_len + p->l3_len, len = p->payload_len, hlen;
	const struct rte_tcp_hdr *tcp;
	enum wr_drop d;

	if (unlikely(len < sizeof(*tcp)))
		return WR_DROP_tcp_header;
	tcp = parse_read(v, off, sizeof(*tcp), buf); // inside: IP length <= frame
	hlen = (tcp->data_off >> 4) * 4u;
	if (unlikely(hlen < sizeof(*tcp) || hlen > len))
		return WR_DROP_tcp_header;
	if (hlen > sizeof(*tcp))
		tcp = parse_read(v, off, hlen, buf);
	d = check_sum(p, v, off, len, tcp->cksum);
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
	d = check_flags(p->flags);
	if (unlikely(d != WR_DROP_NONE))
		return d;
	p->kind = WR_PKT_TCP;
	if (hlen == sizeof(*tcp))
		return WR_DROP_NONE;
	return wr_parse_tcp_options(
		p, (const uint8_t *)(tcp + 1), hlen - sizeof(*tcp), p->flags & WR_TCP_SYN);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse_tcp.h"

#define TCP_KIND_EOL    0
#define TCP_KIND_NOP    1
#define TCP_KIND_MSS    2
#define TCP_KIND_WSCALE 3
#define TCP_KIND_SACKOK 4
#define TCP_KIND_SACK   5
#define TCP_KIND_TS     8

#define TCP_WSCALE_MAX 14 // RFC 7323 2.3

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
			parse_tcp_ts(p, o);
		break;
	}
}

enum wr_drop wr_parse_tcp_options(struct wr_pkt *p, const uint8_t *opt, uint32_t len, bool syn)
{
	uint32_t i = 0;

	p->opts = 0;
	p->sack_count = 0;
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

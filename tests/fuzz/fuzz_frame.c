/* SPDX-License-Identifier: BSD-3-Clause */

// One frame through every entrance of the parser. The first byte of the input steers: bit 0 no
// Ethernet header, bit 1 checksums not verified (so that what lies behind them is reached without
// luck), the rest seeds the cuts. Memory of exact size shows a read past the end; one buffer, and a
// chain of segments, must give the same result as plain memory.

#include <stdlib.h>
#include <string.h>

#include "exact.h"
#include "wr_build.h"
#include "wr_parse.h"

#define FUZZ_CHECK(ok)                                                                             \
	do {                                                                                       \
		if (!(ok))                                                                         \
			abort();                                                                   \
	} while (0)

static struct rte_mempool *shells;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	exact_init();
	shells = exact_pool("fuzz_frames", 2 * EXACT_SEGS_MAX - 1, RTE_MBUF_DEFAULT_BUF_SIZE);
	return 0;
}

static void check_result(const struct wr_pkt *p, uint32_t len)
{
	uint32_t end = wr_pkt_payload_offset(p) + p->payload_len;

	FUZZ_CHECK((p->kind == WR_PKT_DROP) == (p->drop != WR_DROP_NONE));
	FUZZ_CHECK(p->drop < WR_DROP_COUNT);
	if (p->kind == WR_PKT_DROP)
		return;
	FUZZ_CHECK(end <= len);
	FUZZ_CHECK(p->sack_count <= WR_TCP_MAX_SACK && p->wscale <= 14);
	if (p->kind != WR_PKT_TCP) {
		FUZZ_CHECK(p->l4_len == 0 && p->t.lport == 0 && p->t.rport == 0);
		return;
	}
	FUZZ_CHECK(p->l4_len >= 20 && p->l4_len <= 60 && p->t.lport != 0 && p->t.rport != 0);
	FUZZ_CHECK(wr_addr_is_v4(&p->t.local) == wr_addr_is_v4(&p->t.remote));
	FUZZ_CHECK(wr_addr_is_v4(&p->t.local) == (p->ethertype == 0x0800));
}

static void check_same(const struct wr_pkt *a, const struct wr_pkt *b)
{
	const size_t from = offsetof(struct wr_pkt, kind), to = offsetof(struct wr_pkt, sack);

	FUZZ_CHECK(memcmp((const char *)a + from, (const char *)b + from, to - from) == 0);
	FUZZ_CHECK(memcmp(a->sack, b->sack, a->sack_count * sizeof(a->sack[0])) == 0);
}

// The frame as a port hands it over, its buffers exactly as large as the bytes in them.
static void parse_mbuf(struct wr_pkt *p, const uint8_t *data, uint32_t len,
	const struct exact_how *how, uint32_t flags)
{
	struct rte_mbuf *m = exact_frame(shells, data, len, how);

	FUZZ_CHECK(m != NULL);
	wr_parse_frame(p, m, flags);
	rte_pktmbuf_free(m);
}

// What the parser understood, built anew, is understood the same.
static void rebuild(const struct wr_pkt *p)
{
	const struct wr_tuple t = {
		.local = p->t.remote,
		.remote = p->t.local,
		.lport = p->t.rport,
		.rport = p->t.lport,
	};
	const struct wr_tcp_hdr h = {
		.t = &t,
		.seq = p->seq,
		.ack = p->ack,
		.window = p->window,
		.flags = p->flags,
		.opts = p->opts,
		.mss = p->mss,
		.wscale = p->wscale,
		.sack_count = p->sack_count,
		.ts_val = p->ts_val,
		.ts_ecr = p->ts_ecr,
		.sack = p->sack,
		.tos = p->tos,
		.hop_limit = p->hop_limit,
	};
	uint8_t buf[RTE_PKTMBUF_HEADROOM];
	struct rte_mbuf m = {.buf_addr = buf, .data_off = sizeof(buf), .buf_len = sizeof(buf)};
	struct wr_pkt q;

	m.nb_segs = 1;
	FUZZ_CHECK(wr_build_tcp(&m, &h) == 0);
	wr_build_finish_csum(&m);
	wr_parse_frame(&q, &m, WR_PARSE_F_NO_L2);
	FUZZ_CHECK(q.kind == WR_PKT_TCP && q.payload_len == 0);
	FUZZ_CHECK(wr_tuple_eq(&q.t, &p->t));
	FUZZ_CHECK(q.seq == p->seq && q.ack == p->ack && q.flags == p->flags);
	FUZZ_CHECK(q.tos == p->tos && q.window == p->window && q.mss == p->mss);
	FUZZ_CHECK(q.wscale == p->wscale && q.ts_val == p->ts_val && q.ts_ecr == p->ts_ecr);
	FUZZ_CHECK((q.opts | WR_TCPOPT_SACK) == (p->opts | WR_TCPOPT_SACK));
	FUZZ_CHECK(q.sack_count <= p->sack_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct exact_how whole = {0}, cut = {0};
	struct wr_pkt p, q;
	uint32_t flags, len;
	uint8_t *exact;

	if (size < 1 || size > UINT16_MAX)
		return 0;
	len = (uint32_t)size - 1;
	flags = (data[0] & 1 ? WR_PARSE_F_NO_L2 : 0) | (data[0] & 2 ? WR_PARSE_F_TRUST_CK : 0);
	exact = malloc(len > 0 ? len : 1);
	memcpy(exact, data + 1, len);
	memset(&p, 0x5a, sizeof(p));
	memset(&q, 0xa5, sizeof(q));
	wr_parse_bytes(&p, exact, len, flags);
	free(exact);
	check_result(&p, len);
	cut.cut = (uint8_t)(1 + (data[0] >> 2));
	cut.direct = len % 2; // both kinds of memory see both forms
	whole.direct = !cut.direct;
	parse_mbuf(&q, data + 1, len, &whole, flags);
	check_same(&p, &q);
	memset(&q, 0xa5, sizeof(q));
	parse_mbuf(&q, data + 1, len, &cut, flags);
	check_same(&p, &q);
	FUZZ_CHECK(exact_live() == 0);
	if (p.kind == WR_PKT_TCP)
		rebuild(&p);
	return 0;
}

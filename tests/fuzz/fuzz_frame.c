/* SPDX-License-Identifier: BSD-3-Clause */

// One frame through every entrance of the parser. The first byte of the input steers: bit 0 no
// Ethernet header, bit 1 checksums not verified (so that what lies behind them is reached without
// luck), the rest seeds the cuts. Memory of exact size shows a read past the end; the chain of
// segments must give the same result as plain memory.

#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "wr_build.h"
#include "wr_parse.h"

#define FUZZ_SEGS_MAX 64
#define FUZZ_CHECK(ok)                                                                             \
	do {                                                                                       \
		if (!(ok))                                                                         \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

// A segment of exact size; there is no pool and nothing is freed through DPDK.
static void segment_init(struct rte_mbuf *m, const uint8_t *data, uint32_t len)
{
	memset(m, 0, sizeof(*m));
	m->buf_addr = malloc(len > 0 ? len : 1);
	if (len > 0)
		memcpy(m->buf_addr, data, len);
	m->buf_len = m->data_len = (uint16_t)len;
	m->pkt_len = len;
	m->nb_segs = 1;
	rte_mbuf_refcnt_set(m, 1);
}

static void parse_chain(
	struct wr_pkt *p, const uint8_t *data, uint32_t len, uint8_t seed, uint32_t flags)
{
	struct rte_mbuf seg[FUZZ_SEGS_MAX];
	uint32_t n = 0, off = 0, state = seed * 2654435761u + 1;

	do {
		// Short pieces first, where the headers are; the last takes what remains.
		uint32_t want = 1 + (state >> 24) % (n < 40 ? 9 : 200);

		if (n == FUZZ_SEGS_MAX - 1 || want > len - off)
			want = len - off;
		state = state * 1664525u + 1013904223u;
		segment_init(&seg[n], data + off, want);
		if (n > 0)
			seg[n - 1].next = &seg[n];
		off += want;
		n++;
	} while (off < len);
	seg[0].nb_segs = (uint16_t)n;
	seg[0].pkt_len = len;
	wr_parse_frame(p, &seg[0], flags);
	for (uint32_t i = 0; i < n; i++)
		free(seg[i].buf_addr);
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
	parse_chain(&q, data + 1, len, data[0], flags);
	check_same(&p, &q);
	if (p.kind == WR_PKT_TCP)
		rebuild(&p);
	return 0;
}

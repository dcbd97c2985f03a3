/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Frames made byte by byte, with a checksum model of its own, and ways to hand them to the parser.

#include "wr_test.h"

#include <netinet/in.h>

#include <rte_mbuf.h>

#include "wr_parse.h"

#define T_SEGS_MAX 10000

// A small random source that needs no library.
static inline uint32_t t_rand(uint64_t *s)
{
	*s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(*s >> 33);
}

// RFC 1071 word by word, as a number in host order.
static inline uint16_t t_naive_sum(uint32_t start, const uint8_t *b, uint32_t len)
{
	uint64_t sum = start;

	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static inline void t_put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void t_put32(uint8_t *p, uint32_t v)
{
	t_put16(p, v >> 16);
	t_put16(p + 2, v & 0xffff);
}

static inline uint16_t t_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

struct t_frame {
	uint8_t b[10000];
	uint32_t len;
	uint32_t l3, l4; // offsets
	bool v6;
	uint8_t proto;
};

static const uint8_t t_v4_src[4] = {198, 18, 0, 1}, t_v4_dst[4] = {198, 18, 0, 100};
static const uint8_t t_v6_src[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
static const uint8_t t_v6_dst[16] = {0x20, 0x01, 0x0d, 0xb8, [14] = 1, [15] = 0};

// Lengths and checksums anew, from what the frame holds behind l3 and l4.
static inline void t_frame_fix(struct t_frame *f)
{
	uint8_t *ip = f->b + f->l3, *l4 = f->b + f->l4;
	uint32_t l4_len = f->len - f->l4, pseudo;
	uint32_t ck = f->proto == IPPROTO_TCP ? 16 : 2;

	if (f->v6) {
		t_put16(ip + 4, f->len - f->l3 - 40);
		pseudo = t_naive_sum(0, ip + 8, 32);
	} else {
		t_put16(ip + 2, f->len - f->l3);
		t_put16(ip + 10, 0);
		t_put16(ip + 10, ~t_naive_sum(0, ip, f->l4 - f->l3) & 0xffff);
		pseudo = t_naive_sum(0, ip + 12, 8);
	}
	if (l4_len < ck + 2)
		return;
	pseudo += f->proto + l4_len;
	if (f->proto == IPPROTO_ICMP)
		pseudo = 0;
	t_put16(l4 + ck, 0);
	t_put16(l4 + ck, ~t_naive_sum(pseudo, l4, l4_len) & 0xffff);
}

// Put `n` bytes in at `off`; offsets behind move. The caller fixes lengths.
static inline void t_frame_insert(struct t_frame *f, uint32_t off, const void *data, uint32_t n)
{
	assert_true(f->len + n <= sizeof(f->b));
	memmove(f->b + off + n, f->b + off, f->len - off);
	memcpy(f->b + off, data, n);
	f->len += n;
	if (off <= f->l3)
		f->l3 += n;
	if (off <= f->l4)
		f->l4 += n;
}

// Ethernet and IP around `n` zero bytes of L4.
static inline void t_frame_ip(struct t_frame *f, bool v6, uint8_t proto, uint32_t n)
{
	memset(f, 0, sizeof(*f));
	f->v6 = v6;
	f->proto = proto;
	f->l3 = 14;
	f->l4 = 14 + (v6 ? 40 : 20);
	f->len = f->l4 + n;
	memcpy(f->b, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01", 12);
	t_put16(f->b + 12, v6 ? 0x86dd : 0x0800);
	if (v6) {
		t_put32(f->b + 14, 6u << 28 | 0xb8u << 20 | 0x12345);
		f->b[20] = proto;
		f->b[21] = 61;
		memcpy(f->b + 22, t_v6_src, 16);
		memcpy(f->b + 38, t_v6_dst, 16);
	} else {
		f->b[14] = 0x45;
		f->b[15] = 0xb8;
		t_put16(f->b + 20, 0x4000);
		f->b[22] = 61;
		f->b[23] = proto;
		memcpy(f->b + 26, t_v4_src, 4);
		memcpy(f->b + 30, t_v4_dst, 4);
	}
	t_frame_fix(f);
}

// A TCP segment 4660 -> 80 with options (a multiple of 4 bytes) and `n` bytes of payload.
static inline void t_frame_tcp(
	struct t_frame *f, bool v6, uint8_t flags, const uint8_t *opt, uint32_t opt_len, uint32_t n)
{
	uint8_t *tcp;

	t_frame_ip(f, v6, IPPROTO_TCP, 20 + opt_len + n);
	tcp = f->b + f->l4;
	t_put16(tcp, 4660);
	t_put16(tcp + 2, 80);
	t_put32(tcp + 4, 0xfffffff0);
	t_put32(tcp + 8, 0x01020304);
	tcp[12] = (uint8_t)((5 + opt_len / 4) << 4);
	tcp[13] = flags;
	t_put16(tcp + 14, 502);
	if (opt_len > 0)
		memcpy(tcp + 20, opt, opt_len);
	for (uint32_t i = 0; i < n; i++)
		tcp[20 + opt_len + i] = (uint8_t)(i * 7 + 1);
	t_frame_fix(f);
}

// An mbuf without a pool over memory of its own, for code that only reads or prepends.
static inline struct rte_mbuf *t_mbuf(const void *data, uint32_t len, uint32_t headroom)
{
	struct rte_mbuf *m = aligned_alloc(RTE_CACHE_LINE_SIZE, sizeof(*m));

	assert_non_null(m);
	memset(m, 0, sizeof(*m));
	m->buf_addr = malloc(headroom + len > 0 ? headroom + len : 1);
	assert_non_null(m->buf_addr);
	m->buf_len = (uint16_t)(headroom + len);
	m->data_off = (uint16_t)headroom;
	m->data_len = (uint16_t)len;
	m->pkt_len = len;
	m->nb_segs = 1;
	rte_mbuf_refcnt_set(m, 1);
	if (len > 0)
		memcpy((uint8_t *)m->buf_addr + headroom, data, len);
	return m;
}

static inline void t_mbuf_free(struct rte_mbuf *m)
{
	while (m != NULL) {
		struct rte_mbuf *next = m->next;

		free(m->buf_addr);
		free(m);
		m = next;
	}
}

// A chain of exact-size segments of 1 to `most` random bytes (or always `most` when seed is NULL).
static inline struct rte_mbuf *t_chain(
	const uint8_t *data, uint32_t len, uint32_t most, uint64_t *seed)
{
	struct rte_mbuf *head = NULL, **tail = &head;
	uint32_t off = 0, segs = 0;

	do {
		uint32_t n = seed != NULL ? 1 + t_rand(seed) % most : most;

		n = RTE_MIN(n, len - off);
		*tail = t_mbuf(data + off, n, 0);
		tail = &(*tail)->next;
		off += n;
		segs++;
	} while (off < len);
	assert_true(segs <= T_SEGS_MAX);
	head->nb_segs = (uint16_t)segs;
	head->pkt_len = len;
	return head;
}

// Equal in all but the mbuf; sack[] as far as it is valid.
static inline void t_assert_same(const struct wr_pkt *a, const struct wr_pkt *b)
{
	const size_t from = offsetof(struct wr_pkt, kind), to = offsetof(struct wr_pkt, sack);

	assert_memory_equal((const char *)a + from, (const char *)b + from, to - from);
	assert_memory_equal(a->sack, b->sack, a->sack_count * sizeof(a->sack[0]));
}

// Parse in every form: plain memory of exact size, one mbuf, chains cut everywhere.
static inline void t_parse(struct wr_pkt *p, const struct t_frame *f)
{
	static const uint32_t cuts[] = {65535, 1, 2, 3, 5, 7, 11, 15, 33, 51, 64};
	uint8_t *exact = malloc(f->len > 0 ? f->len : 1);
	struct wr_pkt q;

	assert_non_null(exact);
	memcpy(exact, f->b, f->len);
	memset(p, 0x5a, sizeof(*p));
	wr_parse_bytes(p, exact, f->len, 0);
	assert_null(p->m);
	free(exact);
	for (size_t i = 0; i < RTE_DIM(cuts); i++) {
		struct rte_mbuf *m = t_chain(f->b, f->len, cuts[i], NULL);

		memset(&q, 0xa5, sizeof(q));
		wr_parse_frame(&q, m, 0);
		assert_ptr_equal(q.m, m);
		t_assert_same(p, &q);
		t_mbuf_free(m);
	}
}

static inline void t_expect_drop(const struct t_frame *f, enum wr_drop reason)
{
	struct wr_pkt p;

	t_parse(&p, f);
	assert_int_equal(p.kind, WR_PKT_DROP);
	assert_int_equal(p.drop, reason);
}

static inline void t_expect_kind(const struct t_frame *f, enum wr_pkt_kind kind)
{
	struct wr_pkt p;

	t_parse(&p, f);
	assert_int_equal(p.drop, WR_DROP_NONE);
	assert_int_equal(p.kind, kind);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_csum.h"

#include <immintrin.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>

// One's complement sums do not mind the width of the words (RFC 1071 2C): 2^16, 2^32 and 2^64 are
// all 1 modulo 2^16 - 1. So the kernels add wide words and fold at the end.

#define CSUM_AVX2_MIN 128 // bytes from which setting up vectors pays

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline uint32_t load32(const uint8_t *p)
{
	uint32_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

// Add with the carry brought back to the low end.
static inline uint64_t add_carry(uint64_t sum, uint64_t w)
{
	uint64_t s = sum + w;

	return s + (s < w);
}

// 64 bits to at most 17.
static inline uint32_t reduce64(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32); // 33 bits
	sum = (sum & 0xffff) + (sum >> 16);     // 18 bits
	return (uint32_t)((sum & 0xffff) + (sum >> 16));
}

static inline uint64_t sum_scalar(uint64_t sum, const uint8_t *p, uint32_t len)
{
	uint64_t second = 0; // two chains, so that additions overlap

	for (; len >= 16; p += 16, len -= 16) {
		sum = add_carry(sum, load64(p));
		second = add_carry(second, load64(p + 8));
	}
	if (len & 8) {
		sum = add_carry(sum, load64(p));
		p += 8;
	}
	if (len & 4) {
		second = add_carry(second, load32(p));
		p += 4;
	}
	if (len & 3) {
		uint8_t tail[4] = {0}; // an odd last byte is padded with zero (RFC 1071 1)

		memcpy(tail, p, len & 3);
		sum = add_carry(sum, load32(tail));
	}
	return add_carry(sum, second);
}

// 32-bit words into 64-bit lanes: no carry is lost below 2^32 words. len is a multiple of 64.
__attribute__((target("avx2"))) static uint64_t sum_avx2(const uint8_t *p, uint32_t len)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i a = zero, b = zero, c = zero, d = zero;
	uint64_t lane[4];

	for (; len > 0; p += 64, len -= 64) {
		__m256i x = _mm256_loadu_si256((const __m256i *)p);
		__m256i y = _mm256_loadu_si256((const __m256i *)(p + 32));

		a = _mm256_add_epi64(a, _mm256_unpacklo_epi32(x, zero));
		b = _mm256_add_epi64(b, _mm256_unpackhi_epi32(x, zero));
		c = _mm256_add_epi64(c, _mm256_unpacklo_epi32(y, zero));
		d = _mm256_add_epi64(d, _mm256_unpackhi_epi32(y, zero));
	}
	a = _mm256_add_epi64(_mm256_add_epi64(a, b), _mm256_add_epi64(c, d));
	_mm256_storeu_si256((__m256i *)lane, a);
	return add_carry(add_carry(lane[0], lane[1]), add_carry(lane[2], lane[3]));
}

uint32_t wr_csum_add(uint32_t sum, const void *data, uint32_t len)
{
	const uint8_t *p = data;
	uint64_t wide = sum;

	// The compiler's own CPU model is filled before main(): a load and a bit test.
	if (len >= CSUM_AVX2_MIN && __builtin_cpu_supports("avx2")) {
		uint32_t body = len & ~63u;

		wide = add_carry(wide, sum_avx2(p, body));
		p += body;
		len -= body;
	}
	return reduce64(sum_scalar(wide, p, len));
}

uint32_t wr_csum_add_mbuf(uint32_t sum, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint64_t wide = sum;
	uint32_t done = 0;

	while (m != NULL && off >= m->data_len) {
		off -= m->data_len;
		m = m->next;
	}
	for (; m != NULL && done < len; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(m->data_len - off, len - done);
		uint32_t part = wr_csum_add(0, rte_pktmbuf_mtod_offset(m, const void *, off), n);

		// Behind an odd number of bytes every byte sits in the other half of its word
		// (RFC 1071 2B).
		if (done & 1)
			part = rte_bswap16(wr_csum_fold(part));
		wide += part;
		done += n;
	}
	return reduce64(wide);
}

uint32_t wr_csum_pseudo(
	const struct wr_addr *src, const struct wr_addr *dst, uint8_t proto, uint32_t l4_len)
{
	uint64_t sum = rte_cpu_to_be_32(l4_len);

	// The words that a mapped IPv4 address has in front are 0 and 0xffff, which is another zero
	// in one's complement, so both families are one sum. Protocol and length have the same
	// place modulo 16 bits in both pseudo-headers (RFC 9293 3.1, RFC 8200 8.1).
	sum += rte_cpu_to_be_32(proto);
	for (int i = 0; i < 4; i++)
		sum += (uint64_t)src->w[i] + dst->w[i];
	return reduce64(sum);
}

uint16_t wr_csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

uint16_t wr_csum_finish(uint32_t sum)
{
	return (uint16_t)~wr_csum_fold(sum);
}

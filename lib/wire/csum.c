/* SPDX-License-Identifier: BSD-3-Clause */
#include "csum_priv.h"

#include <immintrin.h>

#include <rte_branch_prediction.h>

#define CSUM_AVX2_MIN 128u   // bytes of a step, and from which setting up vectors pays
#define CSUM_AVX2_MAX 65536u // 2^15 words of at most 2^15 are within 32 bits

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

	for (; len >= 32; p += 32, len -= 32) {
		sum = csum_word(csum_word(sum, csum_load64(p)), csum_load64(p + 8));
		second = csum_word(csum_word(second, csum_load64(p + 16)), csum_load64(p + 24));
	}
	if (len & 16) {
		sum = csum_word(sum, csum_load64(p));
		second = csum_word(second, csum_load64(p + 8));
		p += 16;
	}
	if (len & 8) {
		sum = csum_word(sum, csum_load64(p));
		p += 8;
	}
	if (len & 4) {
		second = csum_word(second, csum_load32(p));
		p += 4;
	}
	if (len & 2) {
		sum = csum_word(sum, p[0] | p[1] << 8);
		p += 2;
	}
	if (len & 1)
		sum = csum_word(sum, p[0]); // padded with zero (RFC 1071 1)
	return csum_word(sum, second);
}

// `len` is a multiple of CSUM_AVX2_MIN, at most CSUM_AVX2_MAX. Pairs of signed words are multiplied
// and added by one instruction, so each goes in 0x8000 too low, and that is put back at the end.
__attribute__((target("avx2"), noinline)) static uint64_t sum_avx2(const uint8_t *p, uint32_t len)
{
	const __m256i bias = _mm256_set1_epi16(INT16_MIN), one = _mm256_set1_epi16(1);
	__m256i a = _mm256_setzero_si256(), b = a;
	int64_t taken = (int64_t)(len / 2) * INT16_MIN;
	__m128i s;

	for (; len > 0; p += CSUM_AVX2_MIN, len -= CSUM_AVX2_MIN) {
		const __m256i *v = (const __m256i *)p;

		for (int i = 0; i < 4; i += 2) {
			__m256i x = _mm256_xor_si256(_mm256_loadu_si256(v + i), bias);
			__m256i y = _mm256_xor_si256(_mm256_loadu_si256(v + i + 1), bias);

			a = _mm256_add_epi32(a, _mm256_madd_epi16(x, one));
			b = _mm256_add_epi32(b, _mm256_madd_epi16(y, one));
		}
	}
	a = _mm256_add_epi32(a, b);
	s = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
	s = _mm_hadd_epi32(s, s);
	s = _mm_hadd_epi32(s, s);
	return (uint64_t)(_mm_cvtsi128_si32(s) - taken);
}

uint64_t csum_text(uint64_t sum, const void *data, uint32_t len)
{
	const uint8_t *p = data;

	// The compiler's own CPU model is filled before main(): a load and a bit test.
	while (len >= CSUM_AVX2_MIN && __builtin_cpu_supports("avx2")) {
		uint32_t body = RTE_MIN(RTE_ALIGN_FLOOR(len, CSUM_AVX2_MIN), CSUM_AVX2_MAX);

		sum = csum_word(sum, sum_avx2(p, body));
		p += body;
		len -= body;
	}
	return sum_scalar(sum, p, len);
}

uint64_t csum_chain(uint64_t sum, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	uint32_t done = 0;

	while (m != NULL && off >= m->data_len) {
		off -= m->data_len;
		m = m->next;
	}
	for (; m != NULL && done < len; m = m->next, off = 0) {
		uint32_t n = RTE_MIN(m->data_len - off, len - done);
		uint64_t part = csum_text(0, rte_pktmbuf_mtod_offset(m, const void *, off), n);

		// Behind an odd number of bytes every byte sits in the other half of its word
		// (RFC 1071 2B).
		if (done & 1)
			part = rte_bswap16(csum_fold(part));
		sum = csum_word(sum, part);
		done += n;
	}
	return sum;
}

uint32_t wr_csum_add(uint32_t sum, const void *data, uint32_t len)
{
	return reduce64(csum_text(sum, data, len));
}

uint32_t wr_csum_add_mbuf(uint32_t sum, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	return reduce64(csum_chain(sum, m, off, len));
}

uint32_t wr_csum_pseudo(
	const struct wr_addr *src, const struct wr_addr *dst, uint8_t proto, uint32_t l4_len)
{
	return reduce64(csum_pseudo(src, dst, proto, l4_len));
}

uint16_t wr_csum_fold(uint32_t sum)
{
	return csum_fold(sum);
}

uint16_t wr_csum_finish(uint32_t sum)
{
	return (uint16_t)~csum_fold(sum);
}

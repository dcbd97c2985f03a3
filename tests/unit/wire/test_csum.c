/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

#include "wr_csum.h"

// Checksum as a number in host order, from the library's stored form.
static uint16_t lib_sum(const uint8_t *b, uint32_t len)
{
	return rte_be_to_cpu_16(wr_csum_fold(wr_csum_add(0, b, len)));
}

static void csum_add_rfc1071_example(void **state)
{
	const uint8_t b[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7}; // RFC 1071 3

	assert_int_equal(lib_sum(b, sizeof(b)), 0xddf2);
	assert_int_equal(rte_be_to_cpu_16(wr_csum_finish(wr_csum_add(0, b, sizeof(b)))), 0x220d);
}

static void csum_add_every_length_and_alignment(void **state)
{
	uint64_t seed = 1;
	uint8_t b[1200];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)t_rand(&seed);
	for (uint32_t off = 0; off < 40; off++)
		for (uint32_t len = 0; len < 1100; len++)
			assert_int_equal(lib_sum(b + off, len), t_naive_sum(0, b + off, len));
}

static void csum_add_all_ones_never_overflows(void **state)
{
	static uint8_t b[3 * 65536 + 100]; // longer than what is summed at a stretch

	memset(b, 0xff, sizeof(b));
	for (uint32_t len = sizeof(b) - 200; len <= sizeof(b); len++) {
		uint32_t sum = wr_csum_add(UINT32_MAX, b, len);

		assert_true(sum <= 0x1ffff);
		assert_int_equal(rte_be_to_cpu_16(wr_csum_fold(sum)), t_naive_sum(0xffff, b, len));
	}
}

static void csum_add_exact_buffer_not_overread(void **state)
{
	for (uint32_t len = 1; len < 700; len++) {
		uint8_t *b = malloc(len); // a tool that watches the heap sees a read past its end

		memset(b, 0x31, len);
		assert_int_equal(lib_sum(b, len), t_naive_sum(0, b, len));
		free(b);
	}
}

static void csum_add_continues_partial_sum(void **state)
{
	uint8_t b[600];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)(i * 37);
	for (uint32_t cut = 0; cut <= sizeof(b); cut += 2) {
		uint32_t sum = wr_csum_add(wr_csum_add(0, b, cut), b + cut, sizeof(b) - cut);

		assert_int_equal(wr_csum_fold(sum), wr_csum_fold(wr_csum_add(0, b, sizeof(b))));
	}
}

static void csum_mbuf_random_segments(void **state)
{
	uint64_t seed = 7;
	uint8_t b[2000];

	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = (uint8_t)t_rand(&seed);
	for (int round = 0; round < 2000; round++) {
		uint32_t most = 1 + t_rand(&seed) % (round & 1 ? 9 : 700);
		struct rte_mbuf *m = t_chain(b, sizeof(b), most, &seed);
		uint32_t off = t_rand(&seed) % sizeof(b);
		uint32_t len = t_rand(&seed) % (sizeof(b) - off + 1);
		uint32_t start = t_rand(&seed);
		uint32_t sum = wr_csum_add_mbuf(start, m, off, len);

		assert_true(sum <= 0x1ffff);
		assert_int_equal(wr_csum_fold(sum), wr_csum_fold(wr_csum_add(start, b + off, len)));
		t_mbuf_free(m);
	}
}

static void csum_mbuf_empty_segments_and_end(void **state)
{
	const uint8_t b[] = {1, 2, 3, 4, 5};
	struct rte_mbuf *m = t_mbuf(b, 3, 0);

	m->next = t_mbuf(NULL, 0, 0);
	m->next->next = t_mbuf(b + 3, 2, 0);
	m->nb_segs = 3;
	m->pkt_len = 5;
	assert_int_equal(wr_csum_add_mbuf(0, m, 0, 5), wr_csum_add(0, b, 5));
	assert_int_equal(wr_csum_add_mbuf(0, m, 3, 2), wr_csum_add(0, b + 3, 2));
	assert_int_equal(wr_csum_add_mbuf(0, m, 0, 100), wr_csum_add(0, b, 5));
	assert_int_equal(wr_csum_add_mbuf(0, m, 5, 1), 0);
	assert_int_equal(wr_csum_add_mbuf(0, m, 0, 0), 0);
	t_mbuf_free(m);
}

// The pseudo-header written out as RFC 9293 3.1 and RFC 8200 8.1 draw it.
static uint16_t naive_pseudo(
	const uint8_t *src, const uint8_t *dst, uint32_t alen, uint8_t proto, uint32_t len)
{
	uint8_t b[40] = {0};

	memcpy(b, src, alen);
	memcpy(b + alen, dst, alen);
	if (alen == 4) {
		b[9] = proto;
		t_put16(b + 10, len);
		return t_naive_sum(0, b, 12);
	}
	t_put32(b + 32, len);
	b[39] = proto;
	return t_naive_sum(0, b, 40);
}

static void csum_pseudo_both_families(void **state)
{
	uint64_t seed = 11;

	for (int round = 0; round < 20000; round++) {
		uint8_t s[16], d[16];
		uint32_t len = t_rand(&seed) % 65536, w;
		struct wr_addr a, b;

		for (int i = 0; i < 16; i++) {
			s[i] = (uint8_t)t_rand(&seed);
			d[i] = (uint8_t)t_rand(&seed);
		}
		memcpy(&w, s, 4);
		a = wr_addr_from_v4(w);
		memcpy(&w, d, 4);
		b = wr_addr_from_v4(w);
		assert_int_equal(rte_be_to_cpu_16(wr_csum_fold(wr_csum_pseudo(&a, &b, 6, len))),
			naive_pseudo(s, d, 4, 6, len));
		a = wr_addr_from_v6(s);
		b = wr_addr_from_v6(d);
		assert_int_equal(rte_be_to_cpu_16(wr_csum_fold(wr_csum_pseudo(&a, &b, 58, len))),
			naive_pseudo(s, d, 16, 58, len));
	}
}

static void csum_fold_limits(void **state)
{
	assert_int_equal(wr_csum_fold(0), 0);
	assert_int_equal(wr_csum_fold(0xffff), 0xffff);
	assert_int_equal(wr_csum_fold(0x10000), 1);
	assert_int_equal(wr_csum_fold(0x1ffff), 1);
	assert_int_equal(wr_csum_fold(UINT32_MAX), 0xffff);
	assert_int_equal(wr_csum_finish(UINT32_MAX), 0);
	assert_int_equal(wr_csum_finish(0), 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csum_add_rfc1071_example),
		cmocka_unit_test(csum_add_every_length_and_alignment),
		cmocka_unit_test(csum_add_all_ones_never_overflows),
		cmocka_unit_test(csum_add_exact_buffer_not_overread),
		cmocka_unit_test(csum_add_continues_partial_sum),
		cmocka_unit_test(csum_mbuf_random_segments),
		cmocka_unit_test(csum_mbuf_empty_segments_and_end),
		cmocka_unit_test(csum_pseudo_both_families),
		cmocka_unit_test(csum_fold_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

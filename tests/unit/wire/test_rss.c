/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

#include <rte_thash.h>

#include "wr_rss.h"

#define ROUNDS 100000

static struct wr_rss *make(const uint8_t *key, uint32_t reta_size, uint16_t workers)
{
	uint16_t reta[WR_RSS_RETA_MAX];
	struct wr_rss *r;

	for (uint32_t i = 0; i < reta_size; i++)
		reta[i] = (uint16_t)(i * 7 % workers);
	r = wr_rss_create(key, WR_RSS_KEY_LEN, reta, reta_size);
	assert_non_null(r);
	return r;
}

static struct wr_tuple random_tuple(uint64_t *seed, bool v4)
{
	struct wr_tuple t = {
		.lport = (uint16_t)t_rand(seed),
		.rport = (uint16_t)t_rand(seed),
	};

	if (v4) {
		t.local = wr_addr_from_v4(t_rand(seed) << 1 ^ t_rand(seed));
		t.remote = wr_addr_from_v4(t_rand(seed) << 1 ^ t_rand(seed));
		return t;
	}
	for (int i = 0; i < 16; i++) {
		t.local.b[i] = (uint8_t)t_rand(seed);
		t.remote.b[i] = (uint8_t)t_rand(seed);
	}
	return t;
}

// DPDK's own hash of a frame from t->remote to t->local.
static uint32_t softrss(const struct wr_tuple *t, const uint8_t *key, bool be)
{
	union rte_thash_tuple u = {0};
	uint32_t words, ports = (uint32_t)t->rport << 16 | t->lport;

	if (wr_addr_is_v4(&t->local)) {
		u.v4.src_addr = rte_be_to_cpu_32(t->remote.w[3]);
		u.v4.dst_addr = rte_be_to_cpu_32(t->local.w[3]);
		u.v4.sctp_tag = ports;
		words = RTE_THASH_V4_L4_LEN;
	} else {
		for (int i = 0; i < 4; i++) {
			((uint32_t *)u.v6.src_addr)[i] = rte_be_to_cpu_32(t->remote.w[i]);
			((uint32_t *)u.v6.dst_addr)[i] = rte_be_to_cpu_32(t->local.w[i]);
		}
		u.v6.sctp_tag = ports;
		words = RTE_THASH_V6_L4_LEN;
	}
	return be ? rte_softrss_be((uint32_t *)&u, words, key)
	          : rte_softrss((uint32_t *)&u, words, key);
}

static void check_against_dpdk(const uint8_t *key, uint64_t seed)
{
	uint8_t converted[WR_RSS_KEY_LEN] __rte_aligned(4), plain[WR_RSS_KEY_LEN] __rte_aligned(4);
	struct wr_rss *r = make(key, 128, 4);

	memcpy(plain, key, sizeof(plain));
	rte_convert_rss_key((const uint32_t *)plain, (uint32_t *)converted, sizeof(converted));
	for (int i = 0; i < 4000; i++) {
		struct wr_tuple t = random_tuple(&seed, i & 1);
		uint32_t h = wr_rss_hash(r, &t);

		assert_int_equal(h, softrss(&t, plain, false));
		assert_int_equal(h, softrss(&t, converted, true));
	}
	wr_rss_destroy(r);
}

static void rss_hash_matches_softrss(void **state)
{
	uint8_t key[WR_RSS_KEY_LEN];
	uint64_t seed = 5;

	check_against_dpdk(wr_rss_default_key, 1);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)t_rand(&seed);
	check_against_dpdk(key, 2);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = i & 1 ? 0x5a : 0x6d; // the symmetric key
	check_against_dpdk(key, 3);
}

// Values that Microsoft publishes for its key ("Verifying the RSS Hash Calculation").
static void rss_hash_published_vectors(void **state)
{
	struct wr_rss *r = make(wr_rss_default_key, 128, 4);
	const uint8_t s6[16] = {0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x1f, 0xff, [15] = 7};
	const uint8_t d6[16] = {0x3f, 0xfe, 0x25, 0x01, 0x02, 0x00, 0x00, 0x03, [15] = 1};
	struct wr_tuple t = {
		.remote = wr_addr_from_v4(RTE_BE32(66u << 24 | 9 << 16 | 149 << 8 | 187)),
		.local = wr_addr_from_v4(RTE_BE32(161u << 24 | 142 << 16 | 100 << 8 | 80)),
		.rport = 2794,
		.lport = 1766,
	};

	assert_int_equal(wr_rss_hash(r, &t), 0x51ccc178);
	t.rport = t.lport = 0; // addresses alone, as NICs hash what has no ports
	assert_int_equal(wr_rss_hash(r, &t), 0x323e8fc2);
	t = (struct wr_tuple){
		.remote = wr_addr_from_v6(s6),
		.local = wr_addr_from_v6(d6),
		.rport = 2794,
		.lport = 1766,
	};
	assert_int_equal(wr_rss_hash(r, &t), 0x40207d3d);
	t.rport = t.lport = 0;
	assert_int_equal(wr_rss_hash(r, &t), 0x2cc18cd5);
	wr_rss_destroy(r);
}

// Any local port of class c brings the answer to reta[h0 ^ c].
static void check_linear(const uint8_t *key, uint32_t reta_size, bool v4)
{
	struct wr_rss *r = make(key, reta_size, 5);
	uint64_t seed = reta_size + v4;

	for (int i = 0; i < ROUNDS; i++) {
		struct wr_tuple t = random_tuple(&seed, v4);
		uint16_t port = t.lport;
		uint32_t h0, c = wr_rss_port_class(r, v4, port);

		t.lport = 0;
		h0 = wr_rss_hash(r, &t);
		t.lport = port;
		assert_true(c < reta_size);
		assert_int_equal(wr_rss_worker(r, wr_rss_hash(r, &t)),
			wr_rss_reta(r, (h0 ^ c) & (reta_size - 1)));
	}
	wr_rss_destroy(r);
}

static void rss_port_class_predicts_worker(void **state)
{
	check_linear(wr_rss_default_key, 128, true);
	check_linear(wr_rss_default_key, 128, false);
	check_linear(wr_rss_default_key, 512, false);
	check_linear(wr_rss_default_key, 1, true);
}

// With the default key no class of a usual table is without ports.
static void rss_port_class_covers_table(void **state)
{
	struct wr_rss *r = make(wr_rss_default_key, 128, 5);

	for (int v4 = 0; v4 < 2; v4++) {
		uint32_t count[128] = {0};

		for (uint32_t port = 1024; port < 65536; port++)
			count[wr_rss_port_class(r, v4, (uint16_t)port)]++;
		for (int i = 0; i < 128; i++)
			assert_true(count[i] > 0);
	}
	wr_rss_destroy(r);
}

static void rss_create_limits(void **state)
{
	uint16_t reta[WR_RSS_RETA_MAX] = {3, 1};
	const uint8_t *key = wr_rss_default_key;
	struct wr_rss *r;

	assert_null(wr_rss_create(key, 39, reta, 128));
	assert_null(wr_rss_create(key, 53, reta, 128));
	assert_null(wr_rss_create(key, 40, reta, 0));
	assert_null(wr_rss_create(key, 40, reta, 3));
	assert_null(wr_rss_create(key, 40, reta, 1024));
	r = wr_rss_create(key, 40, reta, 2);
	assert_non_null(r);
	assert_int_equal(wr_rss_reta_size(r), 2);
	assert_int_equal(wr_rss_reta(r, 0), 3);
	assert_int_equal(wr_rss_reta(r, 1), 1);
	assert_int_equal(wr_rss_worker(r, 0xfffffffe), 3);
	assert_int_equal(wr_rss_worker(r, 0xffffffff), 1);
	wr_rss_destroy(r);
	wr_rss_destroy(NULL);
}

// Keys of 40 bytes are read no further, and the 12 bytes behind never matter.
static void rss_create_short_key_same_hash(void **state)
{
	uint8_t *key = malloc(40);
	uint16_t reta[1] = {0};
	struct wr_rss *a, *b = make(wr_rss_default_key, 1, 1);
	uint64_t seed = 3;

	memcpy(key, wr_rss_default_key, 40);
	a = wr_rss_create(key, 40, reta, 1);
	free(key);
	for (int i = 0; i < 1000; i++) {
		struct wr_tuple t = random_tuple(&seed, i & 1);

		assert_int_equal(wr_rss_hash(a, &t), wr_rss_hash(b, &t));
	}
	wr_rss_destroy(a);
	wr_rss_destroy(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rss_hash_matches_softrss),
		cmocka_unit_test(rss_hash_published_vectors),
		cmocka_unit_test(rss_port_class_predicts_worker),
		cmocka_unit_test(rss_port_class_covers_table),
		cmocka_unit_test(rss_create_limits),
		cmocka_unit_test(rss_create_short_key_same_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

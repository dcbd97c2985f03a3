/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_addr.h"
#include "wr_hash.h"
#include "wr_rng.h"

// Key 00..0f and input 00..(n-1) of the reference implementation (vectors.h, little-endian words).
static const uint64_t ref_key[2] = {0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

static void siphash_known(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} ref[] = {
		{0, 0x726fdb47dd0e0e31ULL}, {1, 0x74f839c593dc67fdULL}, {2, 0x0d6c8009d9a94f5aULL},
		{3, 0x85676696d7fb7e2dULL}, {7, 0xab0200f58b01d137ULL}, {8, 0x93f5f5799a932462ULL},
		{15, 0xa129ca6149be45e5ULL}, // the paper's own example
	};
	uint8_t data[64];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(ref) / sizeof(ref[0]); i++)
		assert_true(wr_siphash(ref_key, data, ref[i].len) == ref[i].hash);
}

static void siphash_unaligned(void **state)
{
	uint8_t data[40];
	uint8_t shifted[41];

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	memcpy(shifted + 1, data, sizeof(data));
	assert_true(wr_siphash(ref_key, data, 40) == wr_siphash(ref_key, shifted + 1, 40));
}

static struct wr_tuple tuple(const char *local, const char *remote, uint16_t lport, uint16_t rport)
{
	struct wr_tuple t = {.lport = lport, .rport = rport};

	assert_int_equal(wr_addr_parse(local, &t.local), 0);
	assert_int_equal(wr_addr_parse(remote, &t.remote), 0);
	return t;
}

static void hash_tuple_every_field_counts(void **state)
{
	struct wr_tuple base = tuple("198.18.0.1", "198.18.0.2", 80, 1024);
	struct wr_tuple other[] = {
		tuple("198.18.0.3", "198.18.0.2", 80, 1024),
		tuple("198.18.0.1", "198.18.0.3", 80, 1024),
		tuple("198.18.0.1", "198.18.0.2", 81, 1024),
		tuple("198.18.0.1", "198.18.0.2", 80, 1025),
		tuple("198.18.0.2", "198.18.0.1", 80, 1024),
		tuple("198.18.0.1", "198.18.0.2", 1024, 80),
		tuple("2001:db8::1", "2001:db8::2", 80, 1024),
	};
	uint64_t h = wr_hash_tuple(ref_key, &base);

	assert_true(h == wr_hash_tuple(ref_key, &base));
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		assert_true(h != wr_hash_tuple(ref_key, &other[i]));
}

static void hash_tuple_key_counts(void **state)
{
	struct wr_tuple t = tuple("2001:db8::1", "2001:db8::2", 80, 1024);
	const uint64_t k1[2] = {ref_key[0] ^ 1, ref_key[1]};
	const uint64_t k2[2] = {ref_key[0], ref_key[1] ^ 1};
	uint64_t h = wr_hash_tuple(ref_key, &t);

	assert_true(h != wr_hash_tuple(k1, &t));
	assert_true(h != wr_hash_tuple(k2, &t));
}

static void hash_tuple_ignores_padding(void **state)
{
	struct wr_tuple a, b;

	memset(&a, 0x00, sizeof(a));
	memset(&b, 0xff, sizeof(b));
	a.local = b.local = wr_addr_from_v4(1);
	a.remote = b.remote = wr_addr_from_v4(2);
	a.lport = b.lport = 3;
	a.rport = b.rport = 4;
	assert_true(wr_hash_tuple(ref_key, &a) == wr_hash_tuple(ref_key, &b));
}

// Flows as a load generator makes them: few addresses, consecutive ports. Low bits must spread.
static void check_spread(const char *local, const char *remote)
{
	enum {
		BUCKETS = 1024,
		FLOWS = 65536
	};
	static uint32_t low[BUCKETS], high[BUCKETS];
	struct wr_tuple t = tuple(local, remote, 80, 0);
	double chi2_low = 0, chi2_high = 0;

	memset(low, 0, sizeof(low));
	memset(high, 0, sizeof(high));
	for (int i = 0; i < FLOWS; i++) {
		uint64_t h;

		t.rport = (uint16_t)(1024 + i / 4);
		t.remote.b[15] = (uint8_t)(i % 4);
		h = wr_hash_tuple(ref_key, &t);
		low[h % BUCKETS]++;
		high[h >> 54]++;
	}
	for (int i = 0; i < BUCKETS; i++) {
		double dl = (double)low[i] - FLOWS / BUCKETS;
		double dh = (double)high[i] - FLOWS / BUCKETS;

		chi2_low += dl * dl / (FLOWS / BUCKETS);
		chi2_high += dh * dh / (FLOWS / BUCKETS);
	}
	assert_true(chi2_low < 1168); // 1,023 degrees of freedom, 1 in 1,000
	assert_true(chi2_high < 1168);
}

static void hash_tuple_spreads_v4(void **state)
{
	check_spread("198.18.0.100", "198.18.0.1");
}

static void hash_tuple_spreads_v6(void **state)
{
	check_spread("2001:db8::100", "2001:db8::1");
}

static void hash_tuple_avalanche(void **state)
{
	struct wr_rng rng;
	uint64_t flips = 0;
	const int rounds = 20000;

	wr_rng_init(&rng, 1);
	for (int i = 0; i < rounds; i++) {
		struct wr_tuple t = {.lport = 80, .rport = (uint16_t)wr_rng_next(&rng)};
		struct wr_tuple u;
		uint32_t bit = wr_rng_below(&rng, 128);

		t.local.q[1] = wr_rng_next(&rng);
		t.remote.q[1] = wr_rng_next(&rng);
		u = t;
		u.remote.b[bit / 8] ^= (uint8_t)(1 << (bit % 8));
		flips += (uint64_t)__builtin_popcountll(
			wr_hash_tuple(ref_key, &t) ^ wr_hash_tuple(ref_key, &u));
	}
	assert_in_range(flips / (uint64_t)rounds, 31, 33); // of 64 bits, half change
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_known),
		cmocka_unit_test(siphash_unaligned),
		cmocka_unit_test(hash_tuple_every_field_counts),
		cmocka_unit_test(hash_tuple_key_counts),
		cmocka_unit_test(hash_tuple_ignores_padding),
		cmocka_unit_test(hash_tuple_spreads_v4),
		cmocka_unit_test(hash_tuple_spreads_v6),
		cmocka_unit_test(hash_tuple_avalanche),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

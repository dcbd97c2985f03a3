/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <string.h>

#include "wr_ipsec_keys.h"

static struct wr_ipsec_key key(bool out, uint16_t worker, uint32_t spi, uint8_t byte)
{
	struct wr_ipsec_key k = {.worker = worker, .out = out, .spi = spi, .key_len = 16};

	memset(k.key, byte, k.key_len);
	memset(k.salt, 1, sizeof(k.salt));
	k.line = spi;
	return k;
}

// Two tunnels, of one and of two workers, that have nothing in common.
static struct wr_ipsec_keys a, b;

static int make(void **state)
{
	(void)state;
	memset(&a, 0, sizeof(a));
	memset(&b, 0, sizeof(b));
	a.workers = 1;
	a.in[0] = key(false, 0, 256, 1);
	a.out[0] = key(true, 0, 1000, 2);
	b.workers = 2;
	b.in[0] = key(false, 0, 300, 3);
	b.out[0] = key(true, 0, 2000, 4);
	b.in[1] = key(false, 1, 301, 5);
	b.out[1] = key(true, 1, 2001, 6);
	return 0;
}

// Found from both sides.
static void expect(
	bool one_remote, const struct wr_ipsec_key *x, const struct wr_ipsec_key *y, bool spi)
{
	struct wr_ipsec_clash c;

	assert_true(wr_ipsec_keys_clash(&a, &b, one_remote, &c));
	assert_ptr_equal(c.a, x);
	assert_ptr_equal(c.b, y);
	assert_int_equal(c.spi, spi);
	assert_true(wr_ipsec_keys_clash(&b, &a, one_remote, &c));
	assert_ptr_equal(c.a, y);
	assert_ptr_equal(c.b, x);
	assert_int_equal(c.spi, spi);
}

static void expect_none(bool one_remote)
{
	struct wr_ipsec_clash c;

	assert_false(wr_ipsec_keys_clash(&a, &b, one_remote, &c));
	assert_false(wr_ipsec_keys_clash(&b, &a, one_remote, &c));
}

static void clash_none(void **state)
{
	(void)state;
	expect_none(false);
	expect_none(true);
	wr_ipsec_keys_wipe(&a); // of no worker
	expect_none(true);
}

static void clash_spi_arriving(void **state)
{
	(void)state;
	b.in[1].spi = 256;
	expect(false, &a.in[0], &b.in[1], true);
	expect(true, &a.in[0], &b.in[1], true);
}

static void clash_spi_sent_to_one_remote(void **state)
{
	(void)state;
	b.out[1].spi = 1000;
	expect(true, &a.out[0], &b.out[1], true);
	expect_none(false);
}

// Who receives them is another.
static void clash_spi_of_other_directions(void **state)
{
	(void)state;
	b.in[0].spi = 1000;
	b.out[1].spi = 256;
	expect_none(true);
}

static void clash_key_of_each_direction(void **state)
{
	struct wr_ipsec_key *const mine[] = {&a.in[0], &a.out[0]};
	struct wr_ipsec_key *const theirs[] = {&b.in[0], &b.out[0], &b.in[1], &b.out[1]};

	for (int i = 0; i < 2; i++)
		for (int k = 0; k < 4; k++) {
			make(state);
			memcpy(theirs[k]->key, mine[i]->key, sizeof(mine[i]->key));
			expect(false, mine[i], theirs[k], false);
			expect(true, mine[i], theirs[k], false);
		}
}

// Nonces differ by the salt, and of AES-CBC the whole is two keys.
static void clash_key_differs_in_any_part(void **state)
{
	(void)state;
	memcpy(b.in[0].key, a.in[0].key, sizeof(a.in[0].key));
	b.in[0].salt[3] ^= 1;
	expect_none(true);
	b.in[0].salt[3] ^= 1;
	b.in[0].auth[31] ^= 1;
	expect_none(true);
	b.in[0].auth[31] ^= 1;
	b.in[0].key_len = 32;
	expect_none(true);
	b.in[0].key_len = 16;
	expect(true, &a.in[0], &b.in[0], false);
}

// What is said first of a line that has both.
static void clash_spi_and_key(void **state)
{
	(void)state;
	b.in[0] = a.in[0];
	expect(false, &a.in[0], &b.in[0], true);
}

#define CASE(name) cmocka_unit_test_setup(name, make)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(clash_none),
		CASE(clash_spi_arriving),
		CASE(clash_spi_sent_to_one_remote),
		CASE(clash_spi_of_other_directions),
		CASE(clash_key_of_each_direction),
		CASE(clash_key_differs_in_any_part),
		CASE(clash_spi_and_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

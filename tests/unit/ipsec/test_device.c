/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include <rte_malloc.h>

#include "ipsec_test.h"

#define ALL ((1u << WR_IPSEC_CIPHERS) - 1)

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static void device_for_each_cipher(void **state)
{
	for (uint32_t c = 0; c < WR_IPSEC_CIPHERS; c++) {
		struct wr_err err = {""};
		struct wr_ipsec_device *d = wr_ipsec_device_create(1u << c, 2, 0, &err);
		const struct ipsec_cipher *of = ipsec_cipher(c);

		assert_string_equal(err.text, "");
		assert_non_null(d);
		assert_true(d->open[of->driver]);
		assert_false(d->open[!of->driver]); // only what is needed
		assert_int_equal(rte_cryptodev_count(), 1);
		assert_int_equal(rte_cryptodev_queue_pair_count(d->id[of->driver]), 2);
		wr_ipsec_device_destroy(d);
		assert_int_equal(rte_cryptodev_count(), 0);
	}
}

static void device_many_times_and_two_at_once(void **state)
{
	struct wr_err err = {""};
	struct wr_ipsec_device *first = wr_ipsec_device_create(ALL, 1, 0, &err), *d;

	assert_non_null(first);
	for (uint32_t i = 0; i < 80; i++) { // more than there can be devices
		d = wr_ipsec_device_create(ALL, 1, -1, &err);
		assert_string_equal(err.text, "");
		assert_non_null(d);
		assert_int_equal(rte_cryptodev_count(), 4);
		assert_string_not_equal(d->name[0], first->name[0]);
		wr_ipsec_device_destroy(d);
	}
	wr_ipsec_device_destroy(first);
	assert_int_equal(rte_cryptodev_count(), 0);
}

static void device_no_cipher_no_device(void **state)
{
	struct wr_err err = {""};

	assert_null(wr_ipsec_device_create(0, 1, 0, &err));
	assert_non_null(strstr(err.text, "no cipher"));
	wr_ipsec_device_destroy(NULL);
}

static void device_without_workers(void **state)
{
	struct wr_err err = {""};

	assert_null(wr_ipsec_device_create(ALL, 0, 0, &err));
	assert_string_not_equal(err.text, "");
	assert_int_equal(rte_cryptodev_count(), 0);
}

static void device_cannot_give_that_many_queues(void **state)
{
	struct wr_err err = {""};

	assert_null(wr_ipsec_device_create(1, UINT16_MAX, 0, &err));
	assert_string_not_equal(err.text, "");
	assert_int_equal(rte_cryptodev_count(), 0); // nothing stays behind
}

// What a driver of this name says to one cipher.
static int plugged(
	const char *driver, enum wr_ipsec_cipher c, enum ipsec_driver v, struct wr_err *err)
{
	struct wr_ipsec_device *d = rte_zmalloc("device", sizeof(*d), 0);
	int rc;

	assert_non_null(d);
	d->ciphers = 1u << c;
	d->workers = 1;
	rc = ipsec_device_plug(d, v, driver, 0, err);
	wr_ipsec_device_destroy(d);
	assert_int_equal(rte_cryptodev_count(), 0);
	return rc;
}

static void device_lacks_a_cipher(void **state)
{
	struct wr_err err = {""};

	// The driver of GCM has no CBC: what a box without it would answer.
	assert_int_equal(
		plugged("crypto_aesni_gcm", WR_IPSEC_AES_CBC_128_SHA256, IPSEC_DRIVER_MB, &err),
		-ENOTSUP);
	assert_non_null(strstr(err.text, "aes-cbc-128-sha256"));
	assert_non_null(strstr(err.text, "tunnels[].cipher"));
}

static void device_driver_missing(void **state)
{
	struct wr_err err = {""};

	assert_int_equal(
		plugged("crypto_no_such", WR_IPSEC_AES_GCM_256, IPSEC_DRIVER_GCM, &err), -ENODEV);
	assert_non_null(strstr(err.text, "aes-gcm-256"));
	assert_non_null(strstr(err.text, "librte-crypto-ipsec-mb23"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_for_each_cipher),
		cmocka_unit_test(device_many_times_and_two_at_once),
		cmocka_unit_test(device_no_cipher_no_device),
		cmocka_unit_test(device_without_workers),
		cmocka_unit_test(device_cannot_give_that_many_queues),
		cmocka_unit_test(device_lacks_a_cipher),
		cmocka_unit_test(device_driver_missing),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel_files.h"

#include <rte_build_config.h>

#define FLAGS(f) "processor\t: 0\nflags\t\t: fpu sse4_2 " f " rdtscp\n"

static int make(void **state)
{
	int rc = box_make(state);

	if (rc == 0)
		box_conf(*state, "  workers: [0]", BOX_NULLS);
	return rc;
}

static void silent_without_tunnels(void **state)
{
	struct box *b = *state;

	for (int i = 0; i < 2; i++) {
		doctor_ipsec_driver(&b->d);
		doctor_ipsec_cpu(&b->d);
		doctor_ipsec_keys(&b->d);
		assert_int_equal(b->d.count, 0);
		b->d.conf = NULL;
	}
}

static void driver_levels(void **state)
{
	struct box *b = *state;

	tunnel_add(b, "dc1", "/keys/dc1");
	box_expect(b, doctor_ipsec_driver, DOCTOR_FAIL, "ipsec-driver", "no driver that encrypts",
		"apt-get install librte-crypto-ipsec-mb");
	box_file(b, RTE_EAL_PMD_PATH "/librte_crypto_null.so.23", "");
	box_expect(b, doctor_ipsec_driver, DOCTOR_FAIL, "ipsec-driver", "is not in", "apt-get");
	box_file(b, RTE_EAL_PMD_PATH "/librte_crypto_ipsec_mb.so.23", "");
	box_expect(b, doctor_ipsec_driver, DOCTOR_PASS, "ipsec-driver", "is in", "");
}

static void cpu_levels(void **state)
{
	struct box *b = *state;

	tunnel_add(b, "dc1", "/keys/dc1");
	box_file(b, "/proc/cpuinfo", FLAGS("avx2 vaes pclmulqdq"));
	box_expect(b, doctor_ipsec_cpu, DOCTOR_FAIL, "ipsec-cpu", "no AES, which", "-cpu host");
	box_file(b, "/proc/cpuinfo", FLAGS("aes vpclmulqdq"));
	box_expect(b, doctor_ipsec_cpu, DOCTOR_FAIL, "ipsec-cpu", "no PCLMULQDQ", "box.yaml");
	box_file(b, "/proc/cpuinfo", FLAGS(""));
	box_expect(b, doctor_ipsec_cpu, DOCTOR_FAIL, "ipsec-cpu", "no AES and no PCLMULQDQ", "");
	box_file(b, "/proc/cpuinfo", FLAGS("aes pclmulqdq"));
	box_expect(b, doctor_ipsec_cpu, DOCTOR_PASS, "ipsec-cpu", "slowest", "");
	box_file(b, "/proc/cpuinfo", FLAGS("aes pclmulqdq avx2"));
	box_expect(b, doctor_ipsec_cpu, DOCTOR_PASS, "ipsec-cpu", "no VAES", "");
	box_file(b, "/proc/cpuinfo", FLAGS("aes pclmulqdq avx2 avx512f vaes vpclmulqdq"));
	box_expect(b, doctor_ipsec_cpu, DOCTOR_PASS, "ipsec-cpu", "fastest", "");
}

static void keys_refused(void **state)
{
	struct box *b = *state;

	tunnel_add(b, "dc1", "/keys/dc1");
	box_expect(b, doctor_ipsec_keys, DOCTOR_FAIL, "ipsec-keys",
		"box.yaml:10: tunnel dc1: ", "weir --check -c box.yaml");
	tunnel_file(b, "/keys/dc1", PAIR("256", "257"), 0640);
	box_expect(b, doctor_ipsec_keys, DOCTOR_FAIL, "ipsec-keys", "mode 0640", "chmod 600 ");
	tunnel_file(b, "/keys/dc1", PAIR("256", "257"), 0600);
	tunnel_file(b, "/keys/dc2", "0 in\n", 0600);
	tunnel_add(b, "dc2", "/keys/dc2");
	box_expect(b, doctor_ipsec_keys, DOCTOR_FAIL, "ipsec-keys", "/keys/dc2:1: 2 words", "mend");
	// The other is judged all the same.
	assert_int_equal(b->d.count, 2);
	tunnel_file(b, "/keys/dc2", PAIR("256", "300"), 0600);
	box_expect(
		b, doctor_ipsec_keys, DOCTOR_FAIL, "ipsec-keys", "tunnel dc1 too", "another SPI");
	tunnel_file(b, "/keys/dc2", PAIR("300", "301"), 0600);
	box_expect(b, doctor_ipsec_keys, DOCTOR_FAIL, "ipsec-keys", "/keys/dc2:1: KEY is that of",
		"a random key");
}

static void keys_readable_again(void **state)
{
	struct box *b = *state;
	char whole[128];

	tunnel_add(b, "dc1", "/keys/dc1");
	tunnel_file(b, "/keys/dc1", PAIR("256", "257"), 0600);
	box_expect(b, doctor_ipsec_keys, DOCTOR_PASS, "ipsec-keys", "keys for 1 workers", "");
	if (geteuid() != 0)
		skip();
	strcpy(b->conf->runtime.user, "nobody");
	assert_int_equal(chmod(b->root, 0711), 0);
	box_expect(b, doctor_ipsec_keys, DOCTOR_WARN, "ipsec-keys", "does not belong to 'nobody'",
		"chown nobody /keys/dc1");
	snprintf(whole, sizeof(whole), "%s/keys/dc1", b->root);
	assert_int_equal(chown(whole, 65534, 65534), 0);
	box_expect(b, doctor_ipsec_keys, DOCTOR_PASS, "ipsec-keys", "'nobody' can read it", "");
	snprintf(whole, sizeof(whole), "%s/keys", b->root);
	assert_int_equal(chmod(whole, 0700), 0);
	box_expect(b, doctor_ipsec_keys, DOCTOR_WARN, "ipsec-keys", "may not pass /keys",
		"chmod o+x /keys");
	assert_int_equal(chown(whole, 0, 65534), 0);
	assert_int_equal(chmod(whole, 0710), 0);
	box_expect(b, doctor_ipsec_keys, DOCTOR_PASS, "ipsec-keys", "'nobody' can read it", "");
	assert_int_equal(chmod(whole, 0701), 0); // its group counts, not the others
	box_expect(b, doctor_ipsec_keys, DOCTOR_WARN, "ipsec-keys", "may not pass /keys", "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(silent_without_tunnels, make, box_drop),
		cmocka_unit_test_setup_teardown(driver_levels, make, box_drop),
		cmocka_unit_test_setup_teardown(cpu_levels, make, box_drop),
		cmocka_unit_test_setup_teardown(keys_refused, make, box_drop),
		cmocka_unit_test_setup_teardown(keys_readable_again, make, box_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

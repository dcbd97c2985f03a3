/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_test.h"

static void keys_spi_in_use_is_refused(void **state)
{
	struct wr_ipsec_key k[2] = {key_of(2, 0, 0, false), key_of(2, 0, 0, true)};
	uint32_t living = key_of(1, 0, 0, false).spi;

	k[0].spi = living;
	keys_file(0, k, 2);
	expect_refused(0, "is in use by keys 1 of tunnel far");
	k[0] = key_of(2, 0, 0, false);
	k[1].spi = key_of(1, 0, 0, true).spi;
	keys_file(0, k, 2);
	expect_refused(0, "is in use by keys 1 of tunnel far");
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 1);
	assert_int_equal(number(0, IPSEC_NEXT), 0);
}

// What arrives is told apart by its SPI alone, what is sent by the far end as well.
static void keys_of_another_tunnel(void **state)
{
	struct wr_ctl_ipsec *x = rig.c->ipsec;
	struct wr_ipsec_tunnel other = *tunnel_of(0);
	struct wr_ipsec_keys k = {.workers = 1};
	struct wr_err err = {0};

	assert_int_equal(wr_addr_parse("198.18.1.201", &other.remote), 0);
	x->tunnel = realloc(x->tunnel, 2 * sizeof(*x->tunnel));
	assert_non_null(x->tunnel);
	x->tunnel[1] = (struct ipsec_tunnel){.t = &other};
	k.in[0] = key_of(2, 0, 0, false);
	k.out[0] = key_of(2, 0, 0, true);
	k.out[0].spi = key_of(1, 0, 0, true).spi;
	assert_int_equal(wr_ctl_ipsec_check_keys(rig.c, &x->tunnel[1], &k, &err), 0);
	k.in[0].spi = key_of(1, 0, 0, false).spi;
	assert_true(wr_ctl_ipsec_check_keys(rig.c, &x->tunnel[1], &k, &err) < 0);
	assert_non_null(strstr(err.text, "is in use by keys 1 of tunnel far"));
	k.in[0] = key_of(1, 0, 0, false);
	k.in[0].spi = 0x9001;
	err.text[0] = '\0';
	assert_true(wr_ctl_ipsec_check_keys(rig.c, &x->tunnel[1], &k, &err) < 0);
	assert_non_null(strstr(err.text, "was in use before"));
}

// The same SPIs with other keys are not what is in force.
static void keys_same_spis_with_other_keys_are_refused(void **state)
{
	struct wr_ipsec_key k[2] = {key_of(2, 0, 0, false), key_of(2, 0, 0, true)};

	k[0].spi = key_of(1, 0, 0, false).spi;
	k[1].spi = key_of(1, 0, 0, true).spi;
	keys_file(0, k, 2);
	expect_refused(0, "is in use");
}

// Sequence numbers, and with them nonces, would begin again with the key.
static void keys_are_not_used_again(void **state)
{
	struct wr_ipsec_key k[2] = {key_of(1, 0, 0, false), key_of(1, 0, 0, true)};

	k[0].spi = 0x9001;
	k[1].spi = 0x9002;
	keys_file(0, k, 2);
	expect_refused(0, "was in use before");
	// Nor when they are retired.
	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_ipsec_retired), 1);
	keys_are(0, 1);
	expect_refused(0, "was in use before");
}

// New ones may have the SPIs of those that are gone.
static void keys_spis_of_retired_ones_are_free(void **state)
{
	struct wr_ipsec_key k[2] = {key_of(3, 0, 0, false), key_of(3, 0, 0, true)};

	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(6 * WR_US_PER_S);
	k[0].spi = key_of(1, 0, 0, false).spi;
	k[1].spi = key_of(1, 0, 0, true).spi;
	keys_file(0, k, 2);
	rekey_must(0, 1);
	assert_int_equal(number(0, IPSEC_NEXT), 3);
}

static void keys_file_that_is_wrong_is_refused(void **state)
{
	struct wr_ipsec_key k[2] = {key_of(2, 0, 0, false), key_of(2, 0, 0, true)};

	keys_file(0, k, 1);
	expect_refused(0, keys_path(0));
	keys_file(0, k, 2);
	assert_int_equal(chmod(keys_path(0), 0644), 0);
	expect_refused(0, "chmod");
	unlink(keys_path(0));
	expect_refused(0, keys_path(0));
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 1);
}

// What was remembered longest ago is forgotten first.
static void keys_remembered_are_bounded(void **state)
{
	struct wr_ctl_ipsec *x = rig.c->ipsec;
	struct ipsec_generation g = {0};

	for (uint64_t i = 0; i < 3 * IPSEC_PRINTS / 2; i++) {
		g.print[0][0] = g.print[0][1] = i;
		wr_ctl_ipsec_remember(rig.c, &g);
		assert_true(x->prints <= 2 * IPSEC_PRINTS);
	}
	assert_true(x->prints >= IPSEC_PRINTS);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, tunnels_setup, tunnels_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(keys_spi_in_use_is_refused),
		CASE(keys_of_another_tunnel),
		CASE(keys_same_spis_with_other_keys_are_refused),
		CASE(keys_are_not_used_again),
		CASE(keys_spis_of_retired_ones_are_free),
		CASE(keys_file_that_is_wrong_is_refused),
		CASE(keys_remembered_are_bounded),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

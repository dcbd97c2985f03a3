/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_test.h"

static void act_rekey_installs_and_says_which(void **state)
{
	keys_are(0, 2);
	rig_expect_done("/weir/ipsec/rekey,tunnel=far", "tunnel", "far",
		"keys 2 of tunnel far are installed");
	assert_int_equal(number(0, IPSEC_NEXT), 2);
	assert_int_equal(rig_event_count(WR_EV_ipsec_keys), TUNNELS + 1);
	assert_string_equal(rig_event(WR_EV_operator)->text, "keys 2 of tunnel far are installed");
	rig_expect_done("/weir/ipsec/rekey,tunnel=far", "tunnel", "far", "nothing is new");
	assert_int_equal(number(0, IPSEC_NEXT), 2);
}

static void act_rekey_that_is_refused(void **state)
{
	struct wr_ipsec_key k[2] = {key_of(2, 0, 0, false), key_of(2, 0, 0, true)};

	rig_expect_error("/weir/ipsec/rekey,tunnel=x", "no tunnel 'x'", "/weir/tunnels");
	rig_expect_error("/weir/ipsec/rekey,tunnel=", "no tunnel ''", "/weir/tunnels");
	rig_expect_error("/weir/ipsec/rekey", "unknown verb", "one of the verbs");
	keys_file(0, k, 1);
	rig_expect_error("/weir/ipsec/rekey,tunnel=far", keys_path(0), "goes on");
	assert_int_equal(rig_event_count(WR_EV_ipsec_keys_refused), 1);
	assert_int_equal(rig_event_count(WR_EV_operator), 0);
}

static void act_rekey_needs_the_key_of_the_instance(void **state)
{
	keys_are(0, 2);
	snprintf(rig.t->conf->runtime.act_group, sizeof(rig.t->conf->runtime.act_group), "ops");
	rig_expect_error("/weir/ipsec/rekey,tunnel=far", "needs the key", "runtime.act_group");
	assert_int_equal(number(0, IPSEC_NEXT), 0);
	rig.t->conf->runtime.act_group[0] = '\0';
}

static void act_rekey_without_tunnels(void **state)
{
	rig_expect_error("/weir/ipsec/rekey,tunnel=far", "no tunnel 'far'", "/weir/tunnels");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, tunnels_setup, tunnels_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(act_rekey_installs_and_says_which),
		CASE(act_rekey_that_is_refused),
		CASE(act_rekey_needs_the_key_of_the_instance),
		cmocka_unit_test_setup_teardown(act_rekey_without_tunnels, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

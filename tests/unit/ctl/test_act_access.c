/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static int setup_clients(void **state)
{
	rig_begin(&(struct tri_config){
		.seed = 1, .family = 4, .service = "    limits: {client: {connections: 100}}\n"});
	return 0;
}

static struct wr_access_verdict look(const char *client, uint16_t service)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(client, &a), 0);
	return wr_access_look(rig.c->shared->access, &a, service, 4);
}

static void access_deny_both_families(void **state)
{
	rig_expect_done("/weir/access,deny=198.18.5.0/24", "deny", "198.18.5.0/24",
		"deny 198.18.5.0/24 to all services");
	rig_expect_done("/weir/access,deny=2001:db8:5::/48,web", "deny", "2001:db8:5::/48",
		"deny 2001:db8:5::/48 to web");
	rig_expect_done("/weir/access,deny=198.18.6.1,60", "deny", "198.18.6.1", "/32");
	assert_true(look("198.18.5.77", 0).denied);
	assert_true(look("2001:db8:5::1", 0).denied);
	assert_false(look("2001:db8:5::1", 1).denied);
	assert_true(look("198.18.6.1", 0).denied);
	assert_false(look("198.18.6.2", 0).denied);
	assert_int_equal(rig_event_count(WR_EV_operator), 3);
}

static void access_allow_inside_a_deny(void **state)
{
	rig_expect_done("/weir/access,deny=198.18.5.0/24", "deny", "198.18.5.0/24", "deny");
	// Host bits say nothing: the rule is found again.
	rig_expect_done("/weir/access,allow=198.18.5.9/28,web,30", "allow", "198.18.5.9/28",
		"allow 198.18.5.0/28 to web for 30 s");
	assert_false(look("198.18.5.3", 0).denied);
	assert_true(look("198.18.5.33", 0).denied);
	rig_expect_done("/weir/access,remove=198.18.5.0/28,web", "remove", "198.18.5.0/28",
		"rule of 198.18.5.0/28 to web removed");
	assert_true(look("198.18.5.3", 0).denied);
	rig_expect_error("/weir/access,remove=198.18.5.0/28,web", "nothing was done", "prefix");
}

static void access_class_of_a_prefix(void **state)
{
	rig_expect_done("/weir/access,class=198.18.7.0/24,web,2,600", "class", "198.18.7.0/24",
		"as class 2 for 600 s");
	assert_int_equal(look("198.18.7.1", 0).class, 2);
	assert_int_equal(look("198.18.8.1", 0).class, 4);
	rig_expect_error("/weir/access,class=198.18.7.0/24,web", "nothing was done", "CLASS");
	rig_expect_error("/weir/access,class=198.18.7.0/24,web,8", "nothing was done", "CLASS");
	rig_expect_error("/weir/access,class=198.18.7.0/24,x,2", "neither a service", "seconds");
}

static void access_deny_of_what_is_ours_is_asked_twice(void **state)
{
	rig_expect_confirm(
		"/weir/access,deny=198.18.0.0/24", "deny!=198.18.0.0/24", "an address of port wan");
	rig_expect_confirm("/weir/access,deny=198.18.1.20", "deny!=198.18.1.20", "backend web/b0");
	rig_expect_confirm("/weir/access,deny=2001:db8::/64,web,60", "deny!=2001:db8::/64,web,60",
		"an address of port wan");
	rig_expect_confirm("/weir/access,deny=10.0.0.0/7", "deny!=10.0.0.0/7", "a great part");
	rig_expect_confirm("/weir/access,deny=3000::/4", "deny!=3000::/4", "a great part");
	assert_int_equal(wr_access_count(rig.c->shared->access), 0);
	assert_int_equal(rig_event_count(WR_EV_operator), 0);
	rig_expect_done("/weir/access,deny!=198.18.0.0/24", "deny!", "198.18.0.0/24", "deny");
	rig_expect_done(
		"/weir/access,force_deny=10.0.0.0/7,web", "force_deny", "10.0.0.0/7", "to web");
	assert_int_equal(wr_access_count(rig.c->shared->access), 2);
}

static void access_deny_of_known_clients_is_asked_twice(void **state)
{
	struct tri_conn *held = tri_connect(rig.t, &(struct tri_want){.hold = true});

	TRI_WAIT(rig.t, tri_other(rig.t, held) != NULL, TRI_S);
	rig_run(100 * WR_US_PER_MS);
	rig_expect_confirm("/weir/access,deny=198.18.0.2", "deny!=198.18.0.2",
		"clients with 1 connections are in it");
	rig_expect_done("/weir/access,deny!=198.18.0.2", "deny!", "198.18.0.2", "deny");
	rig_run(WR_US_PER_S);
	// New ones only.
	assert_false(held->closed);
}

static void access_malformed(void **state)
{
	rig_expect_error("/weir/access,deny=", "does not begin with a prefix", "198.18.5.0/24");
	rig_expect_error("/weir/access,deny=198.18.5.0/33", "does not begin", "198.18.5.0/24");
	rig_expect_error("/weir/access,deny=198.18.5.0/24,x", "neither a service", "seconds");
	rig_expect_error("/weir/access,deny=198.18.5.0/24,web,0", "neither a service", "seconds");
	rig_expect_error("/weir/access,deny=198.18.5.0/24,5,web", "neither a service", "seconds");
	rig_expect_error(
		"/weir/access,allow=198.18.5.0/24,web,9,9", "neither a service", "seconds");
	rig_expect_error("/weir/access,remove=198.18.5.0/24,x", "is no service", "remove=PREFIX");
	rig_expect_error("/weir/access,remove=198.18.5.0/24", "nothing was done", "/weir/access");
	assert_int_equal(wr_access_count(rig.c->shared->access), 0);
	assert_int_equal(rig_event_count(WR_EV_operator), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(access_deny_both_families, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			access_allow_inside_a_deny, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(access_class_of_a_prefix, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			access_deny_of_what_is_ours_is_asked_twice, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			access_deny_of_known_clients_is_asked_twice, setup_clients, rig_teardown),
		cmocka_unit_test_setup_teardown(access_malformed, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static void rules_end_after_their_time(void **state)
{
	rig_expect_done("/weir/access,deny=198.18.5.0/24,web,2", "deny", "198.18.5.0/24", "2 s");
	rig_expect_done("/weir/access,deny=198.18.6.0/24", "deny", "198.18.6.0/24", "deny");
	rig_run(WR_US_PER_S);
	assert_int_equal(wr_access_count(rig.c->shared->access), 2);
	rig_run(3 * WR_US_PER_S);
	assert_int_equal(wr_access_count(rig.c->shared->access), 1);
	assert_int_equal(rig_event_count(WR_EV_access_expired), 1);
	assert_string_equal(rig_event(WR_EV_access_expired)->text, "deny 198.18.5.0/24 to web");
	assert_int_equal(rig_event(WR_EV_access_expired)->worker, UINT16_MAX);
}

// More than one look takes: the rest ends in the next turn.
static void rules_many_end_together(void **state)
{
	struct wr_access_rule rule[150] = {0};
	struct wr_err err = {0};
	char text[32];

	for (uint32_t i = 0; i < RTE_DIM(rule); i++) {
		snprintf(text, sizeof(text), "198.19.%u.0/24", i);
		assert_int_equal(wr_prefix_parse(text, &rule[i].from), 0);
		rule[i].service = WR_ACCESS_ANY;
		rule[i].action = WR_ACCESS_ALLOW;
		rule[i].class = WR_ACCESS_NO_CLASS;
		rule[i].until_us = rig.t->now + 1;
	}
	assert_int_equal(wr_access_add(rig.c->shared->access, rule, RTE_DIM(rule), &err), 0);
	rig_run(2 * WR_US_PER_S);
	assert_int_equal(wr_access_count(rig.c->shared->access), 0);
	assert_int_equal(rig_event_count(WR_EV_access_expired), RTE_DIM(rule));
}

static void rules_in_words(void **state)
{
	struct wr_access_rule rule = {.action = WR_ACCESS_NONE, .class = 2, .service = 0};
	char text[96];

	assert_int_equal(wr_prefix_parse("2001:db8::/64", &rule.from), 0);
	assert_string_equal(wr_ctl_rule_words(rig.c, &rule, text, sizeof(text)),
		"class 2001:db8::/64 to web as class 2");
	rule = (struct wr_access_rule){.from = rule.from,
		.action = WR_ACCESS_ALLOW,
		.class = WR_ACCESS_NO_CLASS,
		.service = WR_ACCESS_ANY};
	assert_string_equal(wr_ctl_rule_words(rig.c, &rule, text, sizeof(text)),
		"allow 2001:db8::/64 to all services");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			rules_end_after_their_time, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(rules_many_end_together, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(rules_in_words, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

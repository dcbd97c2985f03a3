/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <inttypes.h>

static int setup_limited(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1,
		.family = 4,
		.service =
			"    limits: {connections: 20, rate: 100, client: {connections: 10}}\n"});
	return 0;
}

static void limits_rule_and_use(void **state)
{
	json_t *top, *row;

	for (int i = 0; i < 5; i++)
		tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(20 * WR_US_PER_MS);
	top = rig_ask("/weir/limits");
	assert_int_equal(rig_rows(top), 3);
	assert_string_equal(rig_str(rig_row(top, 0), "of"), "instance");
	assert_null(json_object_get(rig_row(top, 0), "limit_connections"));
	row = rig_row(top, 1);
	assert_string_equal(rig_str(row, "of"), "web");
	assert_string_equal(rig_str(row, "each"), "all");
	assert_string_equal(rig_str(row, "over"), "refuse");
	assert_int_equal(rig_uint(row, "connections"), 5);
	assert_int_equal(rig_uint(row, "limit_connections"), 20);
	assert_int_equal(rig_uint(row, "connections_used_permille"), 250);
	assert_int_equal(rig_uint(row, "limit_rate_per_s"), 100);
	// Five of a burst of ten, less what the time since has given back.
	assert_in_range(rig_uint(row, "rate_used_permille"), 200, 500);
	row = rig_row(top, 2);
	assert_string_equal(rig_str(row, "each"), "client");
	assert_int_equal(rig_uint(row, "limit_connections"), 10);
	json_decref(top);
	rig_run(2 * WR_US_PER_S);
	top = rig_ask("/weir/limits,service=web");
	assert_int_equal(rig_rows(top), 2);
	assert_int_equal(rig_uint(rig_row(top, 0), "rate_used_permille"), 0);
	json_decref(top);
	rig_expect_error("/weir/limits,service=x", "no service 'x'", "/weir/services");
}

static void limits_clients_with_connections(void **state)
{
	json_t *top;

	for (int i = 0; i < 3; i++)
		tri_connect(rig.t, &(struct tri_want){.hold = true});
	rig_run(20 * WR_US_PER_MS);
	top = rig_ask("/weir/clients,service=web");
	assert_int_equal(rig_rows(top), 1);
	assert_int_equal(rig_uint(rig_page(top), "next"), 0);
	assert_int_equal(rig_uint(rig_page(top), "total"), 1);
	assert_string_equal(rig_str(rig_row(top, 0), "client"), "198.18.0.2/32");
	assert_string_equal(rig_str(rig_row(top, 0), "service"), "web");
	assert_int_equal(rig_uint(rig_row(top, 0), "connections"), 3);
	json_decref(top);
}

// More than a page: every client comes once.
static void limits_clients_over_pages(void **state)
{
	uint64_t cursor = 0, seen = 0, ids[4] = {0};
	struct wr_addr a;
	char text[40];

	for (uint32_t i = 0; i < 250; i++) {
		snprintf(text, sizeof(text), "198.19.0.%u", i);
		assert_int_equal(wr_addr_parse(text, &a), 0);
		assert_int_not_equal(
			wr_clients_get(rig.c->shared->clients, 0, &a, 32, 64, rig.t->now),
			WR_CLIENT_NONE);
	}
	for (int pages = 0; pages < 10; pages++) {
		json_t *top;

		snprintf(text, sizeof(text), "/weir/clients,%" PRIu64, cursor);
		top = rig_ask(text);
		for (unsigned int i = 0; i < rig_rows(top); i++) {
			unsigned int last;

			assert_int_equal(
				sscanf(rig_str(rig_row(top, i), "client"), "198.19.0.%u/32", &last),
				1);
			assert_int_equal(ids[last / 64] & 1ULL << last % 64, 0);
			ids[last / 64] |= 1ULL << last % 64;
			seen++;
		}
		cursor = rig_uint(rig_page(top), "next");
		json_decref(top);
		if (cursor == 0)
			break;
	}
	assert_int_equal(cursor, 0);
	assert_int_equal(seen, 250);
}

static void limits_without_clients_the_table_is_empty(void **state)
{
	json_t *top = rig_ask("/weir/clients");

	assert_int_equal(rig_rows(top), 0);
	assert_int_equal(rig_uint(rig_page(top), "total"), 0);
	json_decref(top);
	top = rig_ask("/weir/limits");
	assert_int_equal(rig_rows(top), 1);
	json_decref(top);
}

static void limits_access_rules(void **state)
{
	json_t *top, *row;

	rig_expect_done("/weir/access,deny=198.18.5.0/24,web,60", "deny", "198.18.5.0/24", "deny");
	rig_expect_done(
		"/weir/access,class=2001:db8:7::/48,all,1", "class", "2001:db8:7::/48", "1");
	top = rig_ask("/weir/access");
	assert_int_equal(rig_rows(top), 2);
	for (unsigned int i = 0; i < 2; i++) {
		row = rig_row(top, i);
		assert_string_equal(rig_str(row, "by"), "operator");
		if (strcmp(rig_str(row, "from"), "198.18.5.0/24") == 0) {
			assert_string_equal(rig_str(row, "action"), "deny");
			assert_string_equal(rig_str(row, "service"), "web");
			assert_in_range(rig_uint(row, "left_s"), 58, 60);
			assert_null(json_object_get(row, "class"));
		} else {
			assert_string_equal(rig_str(row, "from"), "2001:db8:7::/48");
			assert_string_equal(rig_str(row, "action"), "class");
			assert_string_equal(rig_str(row, "service"), "all");
			assert_int_equal(rig_uint(row, "class"), 1);
			assert_null(json_object_get(row, "left_s"));
		}
	}
	json_decref(top);
	rig_expect_error("/weir/access,service=x", "no service 'x'", "/weir/services");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(limits_rule_and_use, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(
			limits_clients_with_connections, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(
			limits_clients_over_pages, setup_limited, rig_teardown),
		cmocka_unit_test_setup_teardown(
			limits_without_clients_the_table_is_empty, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(limits_access_rules, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

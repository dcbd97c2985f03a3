/* SPDX-License-Identifier: BSD-3-Clause */
#include "plan_test.h"

static void copy_is_deep(void **state)
{
	struct wr_conf *a = conf_take((struct conf_parts){.more = CONF_MORE CONF_TUNNELS_MORE,
			       .pools = CONF_POOLS CONF_POOL_MORE CONF_POOLS_BEHIND,
			       .services = CONF_SERVICES CONF_SERVICE_MORE}),
		       *b = wr_conf_copy(a);

	assert_non_null(b);
	assert_null(b->marks);
	assert_int_equal(wr_conf_id(a), wr_conf_id(b));
	assert_int_equal(wr_conf_diff(a, b, NULL, 0), 0);
	assert_int_equal(b->tunnel_count, 2);
	assert_int_equal(b->pools[2].tunnel, 1);
	b->pools[0].backends[0].weight = 9;
	b->services[0].sources[0].class = 7;
	b->services[0].proxied[0].len = 128;
	b->access.deny[0].len = 128;
	b->access.allow[0].len = 128;
	assert_int_equal(a->pools[0].backends[0].weight, 1);
	assert_int_equal(a->services[0].sources[0].class, 0);
	assert_int_equal(a->services[0].proxied[0].len, 96 + 24);
	assert_int_equal(a->access.deny[0].len, 96 + 24);
	assert_int_equal(a->access.allow[0].len, 96 + 15);
	wr_conf_free(a);
	assert_string_equal(b->pools[0].name, "web");
	wr_conf_free(b);
}

// Ids and slots come along.
static void copy_of_a_planned_one(void **state)
{
	struct wr_conf *a = conf_take((struct conf_parts){0}), *b;

	plan_next(&a,
		(struct conf_parts){
			.pools = "pools:\n  - {name: web, backends: [{name: b2, address: "
				 "\"[2001:db8::12]:8080\"}]}\n",
			.services = "services:\n  - {name: w3, listen: 198.18.0.100:80, pool: "
				    "web}\n"},
		true);
	b = wr_conf_copy(a);
	assert_int_equal(b->service_count, 2);
	assert_int_equal(b->services[0].slot, WR_CONF_LEAVING);
	assert_int_equal(plan_id(b, "web", "b2", WR_CONF_LIVE), 1);
	assert_int_equal(plan_id(b, "web", "b1", WR_CONF_LEAVING), 0);
	assert_int_equal(wr_conf_backend_slots(b), 2);
	wr_conf_free(a);
	wr_conf_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copy_is_deep),
		cmocka_unit_test(copy_of_a_planned_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

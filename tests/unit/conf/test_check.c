/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

#include "check.h"

static void check_names_twice(void **state)
{
	conf_refused(
		(struct conf_parts){.ports = CONF_PORTS
				    "  - {name: wan, device: d2, addresses: [198.18.9.1/24]}\n"},
		"t.yaml:7: ports[1].name: value 'wan' is the name of ports[0] already");
	conf_refused(
		(struct conf_parts){.services = CONF_SERVICES
				    "  - {name: www, listen: \"198.18.0.100:81\", pool: web}\n"},
		"services[1].name: value 'www' is the name of services[0] already");
	conf_refused((struct conf_parts){.pools = CONF_POOLS
					 "  - {name: web, backends: [{name: x, address: "
					 "\"198.18.0.9:1\"}]}\n"},
		"pools[1].name: value 'web' is the name of pools[0] already");
	conf_refused((struct conf_parts){.pools = CONF_POOLS
					 "      - {name: b1, address: \"198.18.0.9:1\"}\n"},
		"pools[0].backends[2].name: value 'b1' is the name of pools[0].backends[0] "
		"already");
}

static void check_names_shared_by_kinds(void **state)
{
	conf_good((struct conf_parts){
		.services = "services: [{name: web, listen: \"198.18.0.100:80\", pool: web}]\n"});
}

static void check_workers_twice(void **state)
{
	conf_refused((struct conf_parts){.runtime = "runtime:\n  workers:\n    - 1\n    - 1\n"},
		"t.yaml:4: runtime.workers[1]: value '1' is listed twice");
	conf_refused((struct conf_parts){.runtime = "runtime: {workers: [1, 999]}\n"},
		"runtime.workers[1]: value '999' is too large");
	conf_refused((struct conf_parts){.runtime = "runtime: {workers: []}\n"},
		"runtime.workers: is an empty list");
}

static void check_own_address(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){0});
	struct wr_addr a;

	wr_addr_parse("2001:db8::1", &a);
	assert_ptr_equal(wr_conf_check_own(c, &a), &c->ports[0]);
	wr_addr_parse("198.18.0.2", &a);
	assert_null(wr_conf_check_own(c, &a));
	assert_true(wr_conf_check_family(c, true));
	assert_true(wr_conf_check_family(c, false));
	c->ports[0].addr_count = 1;
	assert_false(wr_conf_check_family(c, false));
	wr_conf_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_names_twice),
		cmocka_unit_test(check_names_shared_by_kinds),
		cmocka_unit_test(check_workers_twice),
		cmocka_unit_test(check_own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

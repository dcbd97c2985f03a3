/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#include "l3_priv.h"

static void path_is(const struct rig *r, const char *dst, uint16_t port, uint16_t mtu)
{
	struct wr_addr d = t_addr(dst);
	uint16_t p = 99, m = 0;

	assert_true(wr_l3_path(r->net, &d, &p, &m));
	assert_int_equal(p, port);
	assert_int_equal(m, mtu);
}

static void route_lookup_longest_wins(void **state)
{
	struct wr_addr via = t_addr("198.19.0.9"), gw = t_addr("2001:db8::fe");
	struct wr_addr a = t_addr("198.18.50.255"), b = t_addr("2001:db8:1::1");
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	path_is(&r, "198.18.0.9", 0, 1500);
	path_is(&r, "198.19.77.9", 1, 9000);
	path_is(&r, "198.18.50.1", 1, 9000);
	path_is(&r, "198.18.51.1", 0, 1500);
	path_is(&r, "2001:db8:1::1", 0, 1500);
	assert_true(wr_addr_eq(&l3_route_lookup(r.net, &a)->via, &via));
	assert_true(wr_addr_eq(&l3_route_lookup(r.net, &b)->via, &gw));
	rig_stop(&r);
}

static void route_lookup_families_apart(void **state)
{
	struct wr_addr v4 = t_addr("8.8.8.8"), v6 = t_addr("2001:db8:1::1");
	uint16_t port, mtu;
	struct rig r;

	rig_config(&r);
	r.port[0].gateway[0] = r.port[0].gateway[1]; // ::/0 covers the mapped form of 8.8.8.8
	r.port[0].gateway_count = 1;
	rig_start(&r);
	assert_false(wr_l3_path(r.net, &v4, &port, &mtu));
	assert_true(wr_l3_path(r.net, &v6, &port, &mtu));
	rig_stop(&r);

	rig_config(&r);
	r.port[0].gateway_count = 1;
	rig_start(&r);
	assert_true(wr_l3_path(r.net, &v4, &port, &mtu));
	assert_false(wr_l3_path(r.net, &v6, &port, &mtu));
	rig_stop(&r);
}

static void route_lookup_connected_before_static(void **state)
{
	struct rig r;

	rig_config(&r);
	r.route[0].to = t_prefix("198.18.0.0/24");
	rig_start(&r);
	path_is(&r, "198.18.0.9", 0, 1500);
	rig_stop(&r);
}

static void route_lookup_host_and_default_static(void **state)
{
	struct rig r;

	rig_config(&r);
	r.route[0].to = t_prefix("198.18.0.77/32");
	rig_start(&r);
	path_is(&r, "198.18.0.77", 1, 9000);
	path_is(&r, "198.18.0.78", 0, 1500);
	rig_stop(&r);

	rig_config(&r);
	r.route[0].to = t_prefix("0.0.0.0/0"); // before the port's gateway
	rig_start(&r);
	path_is(&r, "8.8.8.8", 1, 9000);
	rig_stop(&r);
}

static void route_via_linklocal_gateway(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].gateway[1] = t_addr("fe80::fe");
	rig_start(&r);
	rig_output(&r, 0, "2001:db8:1::1", 1);
	rig_run(&r, 10);
	assert_nd(&r, 0, 135, "fe80::fe", "ff02::1:ff00:fe");
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(route_lookup_longest_wins),
		cmocka_unit_test(route_lookup_families_apart),
		cmocka_unit_test(route_lookup_connected_before_static),
		cmocka_unit_test(route_lookup_host_and_default_static),
		cmocka_unit_test(route_via_linklocal_gateway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

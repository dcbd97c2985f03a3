/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

static void refused(struct rig *r, const char *word)
{
	struct wr_err err = {0};

	wr_test_eal_init();
	assert_null(wr_l3_net_create(&r->cfg, 1, T_START, &err));
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" is not in: %s", word, err.text);
}

static void net_create_duplicate_address(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[1].addr[0] = t_prefix("198.18.0.1/16");
	refused(&r, "198.18.0.1 of port 1 is given twice");
}

static void net_create_gateway_offlink(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].gateway[0] = t_addr("198.18.1.254");
	refused(&r, "gateway 198.18.1.254 lies in no prefix of port 0");
}

static void net_create_gateway_ourselves(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].gateway[1] = t_addr("2001:db8::1");
	refused(&r, "gateway 2001:db8::1 is an address of ours");
}

static void net_create_route_unreachable(void **state)
{
	struct rig r;

	rig_config(&r);
	r.route[0].via = t_addr("198.18.0.9"); // on port 0, the route says port 1
	refused(&r, "route to 198.18.50.0/24: next hop 198.18.0.9 lies in no prefix of port 1");
	r.route[0].port = 9;
	refused(&r, "port 9, which does not exist");
}

static void net_create_route_other_family(void **state)
{
	struct rig r;

	rig_config(&r);
	r.route[0].to = t_prefix("2001:db8:9::/48");
	refused(&r, "other address family");
}

static void net_create_odd_addresses(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].addr[0] = t_prefix("224.0.0.1/24");
	refused(&r, "not a unicast address");
	rig_config(&r);
	r.port[0].addr[0] = t_prefix("198.18.0.255/24");
	refused(&r, "broadcast address");
	rig_config(&r);
	r.port[0].addr[0].len = 24;
	refused(&r, "prefix length");
	rig_config(&r);
	r.vip[0] = t_addr("198.18.0.255");
	refused(&r, "service address 198.18.0.255 is the broadcast address");
	rig_config(&r);
	r.vip[0] = t_addr("ff02::1");
	refused(&r, "not a unicast address");
}

static void net_create_odd_ports(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[1].id = 0;
	refused(&r, "port number 0 is given twice");
	r.port[1].id = WR_MAX_PORTS;
	refused(&r, "above the limit");
	rig_config(&r);
	r.port[1].addr_count = WR_MAX_PORT_ADDRS + 1;
	refused(&r, "more than");
}

static void net_create_vip_twice_or_on_own_address(void **state)
{
	struct rig r;

	rig_config(&r);
	r.vip[1] = r.vip[0];
	r.vip[2] = t_addr("198.18.0.1");
	rig_start(&r);
	assert_int_equal(wr_l3_classify(r.net, &r.vip[0]), WR_L3_VIP);
	assert_int_equal(wr_l3_classify(r.net, &r.vip[2]), WR_L3_OWN);
	rig_stop(&r);
}

static void net_create_same_linklocal_on_two_ports(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[1].mac = r.port[0].mac;
	r.port[1].addr[0] = t_prefix("2001:db8:1::1/64");
	r.cfg.route_count = 0;
	rig_start(&r);
	rig_stop(&r);
}

static void net_create_nothing_configured(void **state)
{
	struct wr_addr a = t_addr("198.18.0.1");
	struct rig r;

	rig_config(&r);
	r.cfg = (struct wr_l3_config){.dad = true};
	rig_start(&r);
	assert_int_equal(wr_l3_classify(r.net, &a), WR_L3_NOT_OURS);
	rig_output(&r, 0, "198.18.0.9", 0);
	assert_int_equal(r.stats[0].drop[WR_DROP_no_route], 1);
	rig_stop(&r);
}

static void net_create_many_vips(void **state)
{
	static struct wr_addr vips[3000];
	struct wr_addr next = t_addr("198.19.1.0");
	struct rig r;

	rig_config(&r);
	for (uint32_t i = 0; i < RTE_DIM(vips); i++) {
		vips[i] = next;
		next = wr_addr_next(&next);
	}
	r.cfg.vips = vips;
	r.cfg.vip_count = RTE_DIM(vips);
	rig_open(&r);
	r.tx.room = 32;
	for (uint32_t i = 0; i < 2000 && !wr_l3_ready(r.net); i++) {
		rig_run(&r, T_MS);
		rig_clear(&r);
	}
	assert_true(wr_l3_ready(r.net));
	assert_int_equal(wr_l3_classify(r.net, &vips[2999]), WR_L3_VIP);
	assert_int_equal(wr_l3_classify(r.net, &next), WR_L3_NOT_OURS);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(net_create_duplicate_address),
		cmocka_unit_test(net_create_gateway_offlink),
		cmocka_unit_test(net_create_gateway_ourselves),
		cmocka_unit_test(net_create_route_unreachable),
		cmocka_unit_test(net_create_route_other_family),
		cmocka_unit_test(net_create_odd_addresses),
		cmocka_unit_test(net_create_odd_ports),
		cmocka_unit_test(net_create_vip_twice_or_on_own_address),
		cmocka_unit_test(net_create_same_linklocal_on_two_ports),
		cmocka_unit_test(net_create_nothing_configured),
		cmocka_unit_test(net_create_many_vips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

static enum wr_l3_class class_of(const struct rig *r, const char *text)
{
	struct wr_addr a = t_addr(text);

	return wr_l3_classify(r->net, &a);
}

static void address_classify_all_kinds(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_int_equal(class_of(&r, "198.18.0.1"), WR_L3_OWN);
	assert_int_equal(class_of(&r, "2001:db8::1"), WR_L3_OWN);
	assert_int_equal(class_of(&r, "fe80::ff:fe00:1"), WR_L3_OWN);      // EUI-64 of port 0
	assert_int_equal(class_of(&r, "fe80::ff:fe00:2"), WR_L3_NOT_OURS); // port 1 has no IPv6
	assert_int_equal(class_of(&r, "198.18.0.100"), WR_L3_VIP);
	assert_int_equal(class_of(&r, "2001:db8::100"), WR_L3_VIP);
	assert_int_equal(class_of(&r, "198.18.200.1"), WR_L3_VIP);
	assert_int_equal(class_of(&r, "198.18.0.255"), WR_L3_GROUP);
	assert_int_equal(class_of(&r, "198.19.255.255"), WR_L3_GROUP);
	assert_int_equal(class_of(&r, "255.255.255.255"), WR_L3_GROUP);
	assert_int_equal(class_of(&r, "224.0.0.251"), WR_L3_GROUP);
	assert_int_equal(class_of(&r, "ff02::1"), WR_L3_GROUP);
	assert_int_equal(class_of(&r, "198.18.0.2"), WR_L3_NOT_OURS);
	assert_int_equal(class_of(&r, "2001:db8::2"), WR_L3_NOT_OURS);
	rig_stop(&r);
}

static void address_linklocal_of_the_user_wins(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].addr[r.port[0].addr_count++] = t_prefix("fe80::53/64");
	rig_start(&r);
	assert_int_equal(class_of(&r, "fe80::53"), WR_L3_OWN);
	assert_int_equal(class_of(&r, "fe80::ff:fe00:1"), WR_L3_NOT_OURS);
	rig_stop(&r);
}

static enum wr_drop check(struct rig *r, uint16_t port, const struct rte_ether_addr *dst,
	const struct rte_ether_addr *src, uint32_t cut)
{
	uint8_t b[64] = {0};
	uint32_t len = t_eth(b, port == 1 ? 1 : 0, dst, src, 0x0800);
	struct rte_mbuf *m = t_frame(r, port, b, cut != 0 ? cut : len + 20);
	enum wr_drop d = wr_l3_check_mac(r->net, m);

	rte_pktmbuf_free(m);
	return d;
}

static void address_check_mac_verdicts(void **state)
{
	static const struct rte_ether_addr group = {{0x33, 0x33, 0xff, 0, 0, 1}};
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_int_equal(check(&r, 0, &t_mac0, &t_peer, 0), WR_DROP_NONE);
	assert_int_equal(check(&r, 0, &t_bcast, &t_peer, 0), WR_DROP_NONE);
	assert_int_equal(check(&r, 0, &group, &t_peer, 0), WR_DROP_NONE);
	assert_int_equal(check(&r, 0, &t_bcast, &t_mac0, 0), WR_DROP_own_mac);
	assert_int_equal(check(&r, 0, &t_mac1, &t_peer, 0), WR_DROP_not_our_mac);
	assert_int_equal(check(&r, 5, &t_mac0, &t_peer, 0), WR_DROP_not_our_mac);
	assert_int_equal(check(&r, 40000, &t_mac0, &t_peer, 0), WR_DROP_not_our_mac);
	assert_int_equal(check(&r, 0, &t_mac0, &t_peer, 13), WR_DROP_short_frame);
	assert_int_equal(check(&r, 1, &t_mac1, &t_peer, 16), WR_DROP_short_frame);
	rig_stop(&r);
}

static void address_check_mac_vlan(void **state)
{
	uint8_t b[64] = {0};
	struct rte_mbuf *m;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_int_equal(check(&r, 1, &t_mac1, &t_peer, 0), WR_DROP_NONE);
	// untagged on the tagged port
	t_eth(b, 0, &t_mac1, &t_peer, 0x0800);
	m = t_frame(&r, 1, b, 60);
	assert_int_equal(wr_l3_check_mac(r.net, m), WR_DROP_vlan_unknown);
	// the tag that the NIC took off
	m->ol_flags = RTE_MBUF_F_RX_VLAN_STRIPPED;
	m->vlan_tci = 0x2007;
	assert_int_equal(wr_l3_check_mac(r.net, m), WR_DROP_NONE);
	rte_pktmbuf_free(m);
	// a tag on the untagged port; VLAN 0 is a priority tag
	t_eth(b, 1, &t_mac0, &t_peer, 0x0800);
	m = t_frame(&r, 0, b, 60);
	assert_int_equal(wr_l3_check_mac(r.net, m), WR_DROP_vlan_unknown);
	rte_pktmbuf_mtod(m, uint8_t *)[15] = 0;
	assert_int_equal(wr_l3_check_mac(r.net, m), WR_DROP_NONE);
	rte_pktmbuf_free(m);
	rig_stop(&r);
}

static void source_is(const struct rig *r, const char *dst, const char *want)
{
	struct wr_addr d = t_addr(dst), w = t_addr(want), got;

	assert_true(wr_l3_source(r->net, &d, &got));
	assert_true(wr_addr_eq(&got, &w));
}

static void address_source_fits_best(void **state)
{
	struct wr_addr nowhere = t_addr("198.18.0.9"), got;
	struct rig r;

	rig_config(&r);
	r.port[0].addr[r.port[0].addr_count++] = t_prefix("198.18.0.65/26");
	r.port[0].addr[r.port[0].addr_count++] = t_prefix("198.18.77.1/24");
	rig_start(&r);
	source_is(&r, "198.18.0.9", "198.18.0.1");
	source_is(&r, "198.18.0.70", "198.18.0.65");
	source_is(&r, "198.18.77.9", "198.18.77.1");
	source_is(&r, "198.18.50.9", "198.19.0.1"); // by the static route
	source_is(&r, "8.8.8.8", "198.18.0.1");     // by the gateway
	source_is(&r, "2001:db8::9", "2001:db8::1");
	source_is(&r, "2001:db8:9::9", "2001:db8::1");
	source_is(&r, "fe80::9", "fe80::ff:fe00:1");
	rig_stop(&r);

	rig_config(&r);
	r.cfg.port_count = 0;
	r.cfg.route_count = 0;
	rig_open(&r);
	assert_false(wr_l3_source(r.net, &nowhere, &got));
	rig_stop(&r);
}

static void address_multicast_macs_lists_groups(void **state)
{
	static const struct rte_ether_addr all = {{0x33, 0x33, 0, 0, 0, 1}};
	static const struct rte_ether_addr vip = {{0x33, 0x33, 0xff, 0, 1, 0}};
	struct rte_ether_addr list[8];
	struct rig r;
	bool found = false;

	rig_config(&r);
	rig_start(&r);
	// ::1 and the link-local address end alike
	assert_int_equal(wr_l3_multicast_macs(r.net, 0, list, 8), 3);
	assert_true(rte_is_same_ether_addr(&list[0], &all));
	for (int i = 0; i < 3; i++)
		found |= rte_is_same_ether_addr(&list[i], &vip);
	assert_true(found);
	assert_int_equal(wr_l3_multicast_macs(r.net, 0, list, 2), 2);
	assert_int_equal(wr_l3_multicast_macs(r.net, 1, list, 8), 0);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_classify_all_kinds),
		cmocka_unit_test(address_linklocal_of_the_user_wins),
		cmocka_unit_test(address_check_mac_verdicts),
		cmocka_unit_test(address_check_mac_vlan),
		cmocka_unit_test(address_source_fits_best),
		cmocka_unit_test(address_multicast_macs_lists_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

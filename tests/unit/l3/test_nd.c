/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#define PEER "2001:db8::7"
#define OWN  "2001:db8::1"
#define SOL  "ff02::1:ff00:1" // solicited-node group of OWN

static void nd_solicitation_is_answered(void **state)
{
	struct rte_ether_addr mac;
	const uint8_t *ip;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, t_nd(&r, &(struct t_nd){135, 0, &t_peer, PEER, SOL, OWN}));
	ip = assert_nd(&r, 0, 136, OWN, PEER);
	assert_int_equal(ip[44], 0x60); // solicited, override
	assert_int_equal(ip[64], 2);    // target link-layer address
	assert_mac(ip + 66, &t_mac0);
	assert_mac(sent(&r, 0), &t_peer);
	assert_string_equal(neigh_state(&r, PEER, &mac), "stale");
	assert_mac(mac.addr_bytes, &t_peer);
	// of a VIP, by unicast and without the option: answered to the sender, not learned
	rig_input(&r, 0,
		t_nd(&r, &(struct t_nd){
				 135, 0, NULL, "2001:db8::8", "2001:db8::100", "2001:db8::100"}));
	assert_nd(&r, 1, 136, "2001:db8::100", "2001:db8::8");
	assert_mac(sent(&r, 1), &t_peer);
	assert_null(neigh_state(&r, "2001:db8::8", NULL));
	rig_stop(&r);
}

static void nd_solicitation_of_duplicate_detection_is_answered_to_all(void **state)
{
	const uint8_t *ip;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, t_nd(&r, &(struct t_nd){135, 0, NULL, "::", SOL, OWN}));
	ip = assert_nd(&r, 0, 136, OWN, "ff02::1");
	assert_int_equal(ip[44], 0x20);
	assert_true(wr_l3_ready(r.net));
	rig_stop(&r);
}

static void nd_solicitation_for_linklocal(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0,
		t_nd(&r, &(struct t_nd){135, 0, &t_peer, "fe80::7", SOL, "fe80::ff:fe00:1"}));
	assert_nd(&r, 0, 136, "fe80::ff:fe00:1", "fe80::7");
	assert_string_equal(neigh_state(&r, "fe80::7", NULL), "stale");
	rig_stop(&r);
}

static void nd_solicitation_not_ours_is_ignored(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, t_nd(&r, &(struct t_nd){135, 0, &t_peer, PEER, SOL, "2001:db8:9::1"}));
	assert_int_equal(r.tx.count, 0);
	assert_int_equal(r.stats[0].drop[WR_DROP_icmp_ignored], 1);
	rig_stop(&r);
}

static void bad(struct rig *r, const struct t_nd *n, uint32_t off, int value, uint32_t len)
{
	uint64_t before = r->stats[0].drop[WR_DROP_nd_malformed];
	struct t_icmp6 i = t_nd_make(n);

	if (value >= 0)
		i.msg[off] = (uint8_t)value;
	if (len != 0)
		i.len = len;
	rig_input(r, 0, t_icmp6(r, &i));
	assert_int_equal(r->stats[0].drop[WR_DROP_nd_malformed], before + 1);
}

static void nd_malformed_is_dropped(void **state)
{
	struct t_nd ns = {135, 0, &t_peer, PEER, SOL, OWN};
	struct t_nd na = {136, 0x40, &t_peer, PEER, OWN, PEER};
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	ns.hops = 254;
	bad(&r, &ns, 0, -1, 0);
	ns.hops = 255;
	bad(&r, &ns, 1, 1, 0);                                              // code
	bad(&r, &ns, 0, -1, 20);                                            // short
	bad(&r, &ns, 8, 0xff, 0);                                           // target is a group
	bad(&r, &ns, 25, 0, 0);                                             // option of length 0
	bad(&r, &ns, 25, 2, 0);                                             // option past the end
	bad(&r, &ns, 0, -1, 25);                                            // half an option
	bad(&r, &ns, 26, 0x33, 0);                                          // group MAC
	bad(&r, &(struct t_nd){135, 0, &t_peer, "::", SOL, OWN}, 0, -1, 0); // option from ::
	bad(&r, &(struct t_nd){135, 0, NULL, "::", OWN, OWN}, 0, -1, 0);    // :: to unicast
	na.hops = 1;
	bad(&r, &na, 0, -1, 0);
	na.hops = 255;
	na.dst = "ff02::1"; // solicited to a group
	bad(&r, &na, 0, -1, 0);
	assert_int_equal(r.tx.count, 0);
	assert_null(neigh_state(&r, PEER, NULL));
	rig_stop(&r);
}

static const char *after_na(struct rig *r, uint8_t flags, const struct rte_ether_addr *mac)
{
	bool solicited = (flags & 0x40) != 0;

	rig_input(r, 0,
		t_nd(r, &(struct t_nd){136, flags, mac, PEER, solicited ? OWN : "ff02::1", PEER}));
	return neigh_state(r, PEER, NULL);
}

static void nd_advertisement_without_entry_is_ignored(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_null(after_na(&r, 0x60, &t_peer));
	assert_int_equal(r.stats[0].ctr[WR_CTR_rx_l3], 1);
	rig_stop(&r);
}

static void nd_advertisement_for_incomplete(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_output(&r, 0, PEER, 1);
	rig_poll(&r);
	assert_string_equal(after_na(&r, 0x40, NULL), "incomplete"); // no MAC in it
	assert_string_equal(after_na(&r, 0, &t_peer), "stale");
	rig_stop(&r);
}

// RFC 4861 7.2.5
static void nd_advertisement_flags(void **state)
{
	struct rte_ether_addr mac;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	learn(&r, PEER, &t_peer);
	// another MAC without override: doubt only
	assert_string_equal(after_na(&r, 0, &t_peer2), "stale");
	neigh_state(&r, PEER, &mac);
	assert_mac(mac.addr_bytes, &t_peer);
	assert_string_equal(after_na(&r, 0x40, &t_peer2), "stale");
	neigh_state(&r, PEER, &mac);
	assert_mac(mac.addr_bytes, &t_peer);
	// the same MAC, solicited
	assert_string_equal(after_na(&r, 0x40, &t_peer), "reachable");
	assert_string_equal(after_na(&r, 0, &t_peer), "reachable");
	// override, unsolicited
	assert_string_equal(after_na(&r, 0x20, &t_peer2), "stale");
	neigh_state(&r, PEER, &mac);
	assert_mac(mac.addr_bytes, &t_peer2);
	assert_string_equal(after_na(&r, 0x60, &t_peer), "reachable");
	rig_stop(&r);
}

static void nd_advertisement_for_ours_is_a_conflict(void **state)
{
	struct wr_event ev;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, t_nd(&r, &(struct t_nd){136, 0x20, &t_peer, OWN, "ff02::1", OWN}));
	assert_int_equal(r.stats[0].drop[WR_DROP_addr_conflict], 1);
	assert_true(next_event(&r, WR_EV_neigh_conflict, &ev));
	rig_run(&r, 1);
	assert_int_equal(assert_nd(&r, 0, 136, OWN, "ff02::1")[44], 0x20);
	// our own, come back
	rig_input(&r, 0, t_nd(&r, &(struct t_nd){136, 0x20, &t_mac0, OWN, "ff02::1", OWN}));
	assert_int_equal(r.stats[0].drop[WR_DROP_own_mac], 1);
	rig_stop(&r);
}

static void nd_on_another_worker_is_ignored(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 1, t_nd(&r, &(struct t_nd){135, 0, &t_peer, PEER, SOL, OWN}));
	assert_int_equal(r.stats[1].drop[WR_DROP_icmp_ignored], 1);
	rig_stop(&r);
}

static void nd_with_exception_path(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].exception = true;
	rig_start(&r);
	rig_output(&r, 0, PEER, 1);
	rig_poll(&r);
	assert_true(
		rig_input(&r, 0, t_nd(&r, &(struct t_nd){136, 0x60, &t_peer, PEER, OWN, PEER})));
	assert_string_equal(neigh_state(&r, PEER, NULL), "reachable");
	assert_false(rig_input(&r, 0, t_nd(&r, &(struct t_nd){135, 0, &t_peer, PEER, SOL, OWN})));
	assert_true(rig_input(
		&r, 0, t_nd(&r, &(struct t_nd){135, 0, &t_peer, PEER, SOL, "2001:db8::99"})));
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nd_solicitation_is_answered),
		cmocka_unit_test(nd_solicitation_of_duplicate_detection_is_answered_to_all),
		cmocka_unit_test(nd_solicitation_for_linklocal),
		cmocka_unit_test(nd_solicitation_not_ours_is_ignored),
		cmocka_unit_test(nd_malformed_is_dropped),
		cmocka_unit_test(nd_advertisement_without_entry_is_ignored),
		cmocka_unit_test(nd_advertisement_for_incomplete),
		cmocka_unit_test(nd_advertisement_flags),
		cmocka_unit_test(nd_advertisement_for_ours_is_a_conflict),
		cmocka_unit_test(nd_on_another_worker_is_ignored),
		cmocka_unit_test(nd_with_exception_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

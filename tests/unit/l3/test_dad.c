/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

// Addresses that are probed: 2 + link-local on port 0, 1 on port 1, 2 VIPs.
#define ANNOUNCED 6

static uint32_t count_frames(struct rig *r, uint8_t op_or_nd, bool from_none, bool arp)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->tx.count; i++) {
		const uint8_t *l3 = sent(r, i) + sent_l2(r, i);
		static const uint8_t zero[16];

		if (arp != (sent_type(r, i) == 0x0806))
			continue;
		if (arp)
			n += l3[7] == op_or_nd && (memcmp(l3 + 14, zero, 4) == 0) == from_none;
		else
			n += l3[40] == op_or_nd && (memcmp(l3 + 8, zero, 16) == 0) == from_none;
	}
	return n;
}

static void dad_start_probes_then_announces(void **state)
{
	struct wr_addr vip = t_addr("198.18.0.100"), routed = t_addr("198.18.200.1");
	struct rig r;
	struct wr_event ev;
	uint32_t events = 0;

	rig_config(&r);
	rig_open(&r);
	assert_false(wr_l3_ready(r.net));
	assert_int_equal(wr_l3_classify(r.net, &vip), WR_L3_TENTATIVE);
	// in no prefix: nothing to probe
	assert_int_equal(wr_l3_classify(r.net, &routed), WR_L3_VIP);
	rig_run(&r, 500 * T_MS);
	assert_false(wr_l3_ready(r.net));
	assert_int_equal(count_frames(&r, 1, true, true), 3 * 3);
	assert_int_equal(count_frames(&r, 135, true, false), 3 * 3);
	rig_clear(&r);

	rig_run(&r, 200 * T_MS);
	assert_true(wr_l3_ready(r.net));
	assert_int_equal(wr_l3_classify(r.net, &vip), WR_L3_VIP);
	assert_int_equal(count_frames(&r, 1, false, true), 3);
	assert_int_equal(count_frames(&r, 136, false, false), 3);
	rig_run(&r, 2 * T_S);
	assert_int_equal(r.tx.count, 2 * ANNOUNCED);
	while (next_event(&r, WR_EV_addr_ready, &ev))
		events++;
	assert_int_equal(events, ANNOUNCED);
	assert_int_equal(r.stats[0].ctr[WR_CTR_arp_out], 5 * ANNOUNCED);
	assert_int_equal(r.stats[0].ctr[WR_CTR_tx_made], 5 * ANNOUNCED);
	assert_int_equal(wr_l3_next_timer(r.l[0]), WR_US_NEVER);
	rig_stop(&r);
}

static void dad_off_serves_at_once(void **state)
{
	struct wr_addr own = t_addr("198.18.0.1");
	struct rig r;

	rig_config(&r);
	r.cfg.dad = false;
	rig_open(&r);
	assert_true(wr_l3_ready(r.net));
	assert_int_equal(wr_l3_classify(r.net, &own), WR_L3_OWN);
	rig_run(&r, 2 * T_S);
	assert_int_equal(r.tx.count, 2 * ANNOUNCED);
	rig_stop(&r);
}

static void conflict_while_tentative(struct rig *r, struct rte_mbuf *m, const char *addr)
{
	struct wr_addr a = t_addr(addr);
	struct wr_event ev;

	assert_false(rig_input(r, 0, m));
	assert_int_equal(r->stats[0].drop[WR_DROP_addr_conflict], 1);
	assert_true(next_event(r, WR_EV_neigh_conflict, &ev));
	assert_true(wr_addr_eq(&ev.a.addr, &a));
	assert_string_equal(ev.text, "02:AA:00:00:00:11");
	rig_run(r, 5 * T_S);
	assert_false(wr_l3_ready(r->net));
	assert_int_equal(wr_l3_classify(r->net, &a), WR_L3_TENTATIVE);
	// tried again after 10 s, nobody objects
	rig_run(r, 7 * T_S);
	assert_true(wr_l3_ready(r->net));
	assert_true(next_event(r, WR_EV_addr_ready, &ev));
}

static void dad_conflict_v4_sender(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_run(&r, 100 * T_MS);
	conflict_while_tentative(&r,
		t_arp(&r, &(struct t_arp){0, 2, &t_mac0, &t_peer, "198.18.0.100", "0.0.0.0"}),
		"198.18.0.100");
	rig_stop(&r);
}

static void dad_conflict_v4_other_probe(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_run(&r, 100 * T_MS);
	conflict_while_tentative(&r,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "0.0.0.0", "198.18.0.100"}),
		"198.18.0.100");
	rig_stop(&r);
}

static void dad_conflict_v6_advertisement(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_run(&r, 100 * T_MS);
	conflict_while_tentative(&r,
		t_nd(&r, &(struct t_nd){136, 0x20, &t_peer, "2001:db8::100", "ff02::1",
				 "2001:db8::100"}),
		"2001:db8::100");
	rig_stop(&r);
}

static void dad_conflict_v6_other_probe(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_run(&r, 100 * T_MS);
	conflict_while_tentative(&r,
		t_nd(&r, &(struct t_nd){135, 0, NULL, "::", "ff02::1:ff00:100", "2001:db8::100"}),
		"2001:db8::100");
	rig_stop(&r);
}

static void dad_tentative_does_not_answer(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.1"}));
	rig_input(&r, 0,
		t_nd(&r, &(struct t_nd){
				 135, 0, &t_peer, "2001:db8::7", "ff02::1:ff00:1", "2001:db8::1"}));
	assert_int_equal(r.tx.count, 0);
	assert_int_equal(r.stats[0].ctr[WR_CTR_rx_l3], 2);
	rig_stop(&r);
}

static void dad_conflict_ready_defended_then_ceased(void **state)
{
	struct t_arp claim = {0, 1, &t_bcast, &t_peer, "198.18.0.100", "198.18.0.100"};
	struct wr_addr vip = t_addr("198.18.0.100");
	struct wr_event ev;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, t_arp(&r, &claim));
	rig_run(&r, 1);
	assert_int_equal(r.tx.count, 1);
	assert_arp(&r, 0, 1, "198.18.0.100", "198.18.0.100", &t_bcast);
	assert_true(wr_l3_ready(r.net));
	assert_true(next_event(&r, WR_EV_neigh_conflict, &ev));
	rig_clear(&r);
	// later than DEFEND_INTERVAL: defended again
	rig_run(&r, 11 * T_S);
	rig_input(&r, 0, t_arp(&r, &claim));
	rig_run(&r, 1);
	assert_int_equal(r.tx.count, 1);
	assert_true(wr_l3_ready(r.net));
	// within it: given up, and probed again later
	rig_run(&r, 5 * T_S);
	rig_input(&r, 0, t_arp(&r, &claim));
	assert_false(wr_l3_ready(r.net));
	assert_int_equal(wr_l3_classify(r.net, &vip), WR_L3_TENTATIVE);
	rig_run(&r, 11 * T_S);
	assert_true(wr_l3_ready(r.net));
	assert_int_equal(r.stats[0].drop[WR_DROP_addr_conflict], 3);
	rig_stop(&r);
}

static void dad_conflict_events_are_coalesced(void **state)
{
	struct t_arp claim = {0, 1, &t_bcast, &t_peer, "198.18.0.100", "198.18.0.100"};
	struct wr_event ev;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	for (int i = 0; i < 20; i++)
		rig_input(&r, 0, t_arp(&r, &claim));
	assert_true(next_event(&r, WR_EV_neigh_conflict, &ev));
	assert_int_equal(ev.count, 1);
	assert_false(next_event(&r, WR_EV_neigh_conflict, &ev));
	rig_run(&r, 2 * T_S);
	rig_input(&r, 0, t_arp(&r, &claim));
	assert_true(next_event(&r, WR_EV_neigh_conflict, &ev));
	assert_int_equal(ev.count, 20);
	rig_stop(&r);
}

static void announce_again_sends_all(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	wr_l3_announce(r.l[0], r.now);
	rig_run(&r, 2 * T_S);
	assert_int_equal(r.tx.count, 2 * ANNOUNCED);
	rig_stop(&r);
}

static void dad_poll_waits_for_room(void **state)
{
	struct rig r;

	rig_config(&r);
	r.cfg.dad = false;
	rig_open(&r);
	r.tx.room = 2;
	rig_poll(&r);
	assert_int_equal(r.tx.count, 2);
	rig_poll(&r);
	assert_int_equal(r.tx.count, 2);
	r.tx.room = T_TX;
	rig_run(&r, 2 * T_S);
	assert_int_equal(r.tx.count, 2 * ANNOUNCED);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dad_start_probes_then_announces),
		cmocka_unit_test(dad_off_serves_at_once),
		cmocka_unit_test(dad_conflict_v4_sender),
		cmocka_unit_test(dad_conflict_v4_other_probe),
		cmocka_unit_test(dad_conflict_v6_advertisement),
		cmocka_unit_test(dad_conflict_v6_other_probe),
		cmocka_unit_test(dad_tentative_does_not_answer),
		cmocka_unit_test(dad_conflict_ready_defended_then_ceased),
		cmocka_unit_test(dad_conflict_events_are_coalesced),
		cmocka_unit_test(announce_again_sends_all),
		cmocka_unit_test(dad_poll_waits_for_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

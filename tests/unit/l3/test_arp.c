/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

static void arp_request_for_own_and_vip_is_answered(void **state)
{
	static const char *const targets[] = {"198.18.0.1", "198.18.0.100"};
	struct rte_ether_addr mac;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	for (uint32_t i = 0; i < 2; i++) {
		rig_input(&r, 0,
			t_arp(&r, &(struct t_arp){
					  0, 1, &t_bcast, &t_peer, "198.18.0.7", targets[i]}));
		assert_int_equal(r.tx.count, i + 1);
		assert_arp(&r, i, 2, targets[i], "198.18.0.7", &t_peer);
		assert_mac(sent(&r, i) + 6, &t_mac0);
		assert_int_equal(r.tx.pkts[i]->port, 0);
	}
	// RFC 826: who asks us is remembered
	assert_string_equal(neigh_state(&r, "198.18.0.7", &mac), "stale");
	assert_mac(mac.addr_bytes, &t_peer);
	assert_int_equal(r.stats[0].ctr[WR_CTR_neigh_learned], 1);
	assert_int_equal(r.stats[0].ctr[WR_CTR_arp_out], 2);
	assert_int_equal(r.stats[0].ctr[WR_CTR_tx_made], 2);
	rig_output(&r, 1, "198.18.0.7", 9);
	assert_int_equal(r.tx.count, 3);
	assert_mac(sent(&r, 2), &t_peer);
	rig_stop(&r);
}

static void arp_request_with_vlan_is_answered_with_vlan(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){1, 1, &t_bcast, &t_peer, "198.19.0.7", "198.19.0.1"}));
	assert_int_equal(sent_l2(&r, 0), 18);
	assert_int_equal(sent(&r, 0)[15], 7);
	assert_arp(&r, 0, 2, "198.19.0.1", "198.19.0.7", &t_peer);
	rig_stop(&r);
}

static void arp_request_for_address_of_another_port(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.19.0.1"}));
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.8"}));
	// routed to us, not announced; and a broadcast address is nobody's
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.200.1"}));
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.255"}));
	assert_int_equal(r.tx.count, 0);
	assert_int_equal(r.stats[0].drop[WR_DROP_arp_not_ours], 4);
	assert_null(neigh_state(&r, "198.18.0.7", NULL));
	rig_stop(&r);
}

static void arp_probe_for_ours_is_answered(void **state)
{
	struct wr_event ev;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "0.0.0.0", "198.18.0.100"}));
	assert_arp(&r, 0, 2, "198.18.0.100", "0.0.0.0", &t_peer);
	assert_null(neigh_state(&r, "0.0.0.0", NULL));
	assert_false(next_event(&r, WR_EV_neigh_conflict, &ev));
	rig_stop(&r);
}

static void arp_request_offlink_sender_is_not_learned(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "192.0.2.7", "198.18.0.1"}));
	assert_int_equal(r.tx.count, 1);
	assert_null(neigh_state(&r, "192.0.2.7", NULL));
	rig_stop(&r);
}

static void arp_gratuitous_updates_what_is_known(void **state)
{
	struct rte_ether_addr mac;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	learn(&r, "198.18.0.9", &t_peer);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer2, "198.18.0.9", "198.18.0.9"}));
	assert_string_equal(neigh_state(&r, "198.18.0.9", &mac), "stale");
	assert_mac(mac.addr_bytes, &t_peer2);
	rig_output(&r, 1, "198.18.0.9", 1);
	assert_mac(sent(&r, 0), &t_peer2);
	// unknown: not learned
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 2, &t_bcast, &t_peer2, "198.18.0.8", "198.18.0.8"}));
	assert_null(neigh_state(&r, "198.18.0.8", NULL));
	assert_int_equal(r.stats[0].ctr[WR_CTR_neigh_learned], 2);
	rig_stop(&r);
}

static struct rte_mbuf *bad(struct rig *r, uint32_t off, uint8_t value)
{
	struct rte_mbuf *m =
		t_arp(r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.1"});

	rte_pktmbuf_mtod(m, uint8_t *)[14 + off] = value;
	return m;
}

static void arp_malformed_is_dropped(void **state)
{
	struct rte_mbuf *m;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 0, bad(&r, 1, 6));    // hardware type
	rig_input(&r, 0, bad(&r, 2, 0x86)); // protocol
	rig_input(&r, 0, bad(&r, 4, 8));    // hardware size
	rig_input(&r, 0, bad(&r, 5, 16));   // protocol size
	rig_input(&r, 0, bad(&r, 7, 3));    // RARP
	rig_input(&r, 0, bad(&r, 8, 1));    // group as sender's MAC
	rig_input(&r, 0, bad(&r, 14, 224)); // group as sender
	rig_input(&r, 0, bad(&r, 14, 127)); // loopback as sender
	m = bad(&r, 0, 0);
	rte_pktmbuf_trim(m, 60 - 14 - 27); // one byte short
	rig_input(&r, 0, m);
	assert_int_equal(r.stats[0].drop[WR_DROP_arp_malformed], 9);
	assert_int_equal(r.tx.count, 0);
	rig_stop(&r);
}

static void arp_cut_across_buffers_is_read(void **state)
{
	struct rte_mbuf *m, *tail;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	m = t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.1"});
	tail = t_frame(&r, 0, rte_pktmbuf_mtod_offset(m, void *, 20), 40);
	rte_pktmbuf_trim(m, 40);
	rte_pktmbuf_chain(m, tail);
	rig_input(&r, 0, m);
	assert_arp(&r, 0, 2, "198.18.0.1", "198.18.0.7", &t_peer);
	rig_stop(&r);
}

static void arp_of_our_own_is_no_conflict(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	// two of our ports on one link hear each other
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_mac1, "198.18.0.1", "198.18.0.1"}));
	assert_int_equal(r.stats[0].drop[WR_DROP_own_mac], 1);
	rig_stop(&r);
}

static void arp_on_another_worker_is_ignored(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_input(&r, 1,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.1"}));
	assert_int_equal(r.stats[1].drop[WR_DROP_icmp_ignored], 1);
	assert_int_equal(r.tx.count, 0);
	rig_stop(&r);
}

static void arp_with_exception_path(void **state)
{
	struct t_arp reply = {0, 2, &t_mac0, &t_peer, "198.18.0.9", "198.18.0.1"};
	struct t_arp other = {0, 1, &t_bcast, &t_peer, "198.18.0.9", "198.18.0.8"};
	struct t_arp own = {0, 1, &t_bcast, &t_peer, "198.18.0.9", "198.18.0.1"};
	struct rig r;

	rig_config(&r);
	r.port[0].exception = true;
	rig_start(&r);
	rig_output(&r, 0, "198.18.0.9", 1);
	rig_poll(&r);
	assert_true(rig_input(&r, 0, t_arp(&r, &reply)));
	assert_string_equal(neigh_state(&r, "198.18.0.9", NULL), "reachable");
	assert_true(rig_input(&r, 0, t_arp(&r, &other)));
	assert_false(rig_input(&r, 0, t_arp(&r, &own))); // we answer, not the kernel
	rig_stop(&r);
}

static void arp_without_room_gives_no_answer(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	r.tx.room = 0;
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.1"}));
	assert_int_equal(r.stats[0].ctr[WR_CTR_rx_l3], 1);
	assert_int_equal(r.stats[0].ctr[WR_CTR_tx_made], 0);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_request_for_own_and_vip_is_answered),
		cmocka_unit_test(arp_request_with_vlan_is_answered_with_vlan),
		cmocka_unit_test(arp_request_for_address_of_another_port),
		cmocka_unit_test(arp_probe_for_ours_is_answered),
		cmocka_unit_test(arp_request_offlink_sender_is_not_learned),
		cmocka_unit_test(arp_gratuitous_updates_what_is_known),
		cmocka_unit_test(arp_malformed_is_dropped),
		cmocka_unit_test(arp_cut_across_buffers_is_read),
		cmocka_unit_test(arp_of_our_own_is_no_conflict),
		cmocka_unit_test(arp_on_another_worker_is_ignored),
		cmocka_unit_test(arp_with_exception_path),
		cmocka_unit_test(arp_without_room_gives_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

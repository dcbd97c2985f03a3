/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

static void l3_input_wrong_vlan_is_dropped(void **state)
{
	struct rte_mbuf *m;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	m = t_arp(&r, &(struct t_arp){1, 1, &t_bcast, &t_peer, "198.19.0.7", "198.19.0.1"});
	rte_pktmbuf_mtod(m, uint8_t *)[15] = 8;
	rig_input(&r, 0, m);
	m = t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.19.0.7", "198.19.0.1"});
	m->port = 1; // untagged
	rig_input(&r, 0, m);
	assert_int_equal(r.stats[0].drop[WR_DROP_vlan_unknown], 2);
	rig_stop(&r);
}

static void l3_input_unknown_port_is_dropped(void **state)
{
	struct rte_mbuf *m;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	m = t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.1"});
	m->port = 12;
	rig_input(&r, 0, m);
	assert_int_equal(r.stats[0].drop[WR_DROP_not_our_mac], 1);
	rig_stop(&r);
}

static bool for_owner(struct rte_mbuf *m)
{
	struct wr_pkt p;
	bool is;

	wr_parse_frame(&p, m, 0);
	is = wr_l3_for_owner(&p);
	rte_pktmbuf_free(m);
	return is;
}

static void l3_for_owner_takes_arp_and_nd(void **state)
{
	struct t_icmp6 echo = {.dst_mac = &t_mac0,
		.src_mac = &t_peer,
		.src = "2001:db8::7",
		.dst = "2001:db8::1",
		.hops = 255,
		.msg = {128},
		.len = 8};
	struct t_nd ns = {135, 0, &t_peer, "2001:db8::7", "2001:db8::1", "2001:db8::1"};
	struct t_nd na = {136, 0, &t_peer, "2001:db8::7", "2001:db8::1", "2001:db8::1"};
	struct t_arp arp = {0, 1, &t_bcast, &t_peer, "198.18.0.7", "198.18.0.1"};
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_true(for_owner(t_arp(&r, &arp)));
	assert_true(for_owner(t_nd(&r, &ns)));
	assert_true(for_owner(t_nd(&r, &na)));
	assert_false(for_owner(t_icmp6(&r, &echo)));
	rig_stop(&r);
}

static void l3_events_lost_are_counted(void **state)
{
	char addr[32];
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	for (uint32_t i = 2; i < 102; i++) { // the ring holds 64
		snprintf(addr, sizeof(addr), "198.18.0.%u", i);
		rig_output(&r, 0, addr, 0);
	}
	rig_run(&r, 4 * T_S);
	assert_int_equal(r.stats[0].ctr[WR_CTR_events_raised] + r.stats[0].ctr[WR_CTR_events_lost],
		100 - 1); // .100 is ours
	assert_true(r.stats[0].ctr[WR_CTR_events_lost] > 0);
	rig_stop(&r);
}

static void l3_next_timer_is_never_when_idle(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_int_equal(wr_l3_next_timer(r.l[0]), WR_US_NEVER);
	assert_int_equal(wr_l3_next_timer(r.l[1]), WR_US_NEVER);
	rig_output(&r, 1, "198.18.0.9", 0);
	assert_int_equal(wr_l3_next_timer(r.l[0]), 0); // a request of worker 1 waits
	assert_true(wr_l3_next_timer(r.l[1]) <= r.now + T_S);
	rig_stop(&r);
}

static void l3_create_without_events(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	wr_l3_destroy(r.l[0]);
	r.l[0] = wr_l3_create(r.net, 0, r.pool, &r.stats[0], NULL, r.now);
	rig_output(&r, 0, "198.18.0.9", 0);
	rig_run(&r, 4 * T_S);
	assert_int_equal(r.stats[0].drop[WR_DROP_neigh_unreachable], 1);
	wr_l3_destroy(NULL);
	wr_l3_net_destroy(NULL);
	rig_stop(&r);
}

// Random bytes in place of what peers send: nothing is leaked, read past its end, or counted twice.
static void l3_input_random_bytes(void **state)
{
	uint64_t seed = 7;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	for (uint32_t i = 0; i < 20000; i++) {
		struct t_icmp6 nd = t_nd_make(&(struct t_nd){(i & 1) ? 135 : 136, 0x60, &t_peer,
			"2001:db8::7", "2001:db8::1", "2001:db8::1"});
		struct rte_mbuf *m;

		seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
		nd.msg[(seed >> 33) % 40] = (uint8_t)(seed >> 50);
		nd.len = 8 + (seed >> 40) % 60;
		if (i % 4 == 0) {
			m = t_arp(&r, &(struct t_arp){0, 1 + (i & 4) / 4, &t_bcast, &t_peer,
					      "198.18.0.7", "198.18.0.1"});
			rte_pktmbuf_mtod(m, uint8_t *)[14 + (seed >> 33) % 28] =
				(uint8_t)(seed >> 50);
		} else {
			m = t_icmp6(&r, &nd);
		}
		rig_input(&r, (uint16_t)(i % 7 == 0), m);
		if (i % 64 == 0) {
			rig_run(&r, 10 * T_MS);
			rig_clear(&r);
		}
	}
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(l3_input_wrong_vlan_is_dropped),
		cmocka_unit_test(l3_input_unknown_port_is_dropped),
		cmocka_unit_test(l3_for_owner_takes_arp_and_nd),
		cmocka_unit_test(l3_events_lost_are_counted),
		cmocka_unit_test(l3_next_timer_is_never_when_idle),
		cmocka_unit_test(l3_create_without_events),
		cmocka_unit_test(l3_input_random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

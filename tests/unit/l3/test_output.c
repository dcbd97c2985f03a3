/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#include "l3_priv.h"

static void output_by_gateway_in_both_families(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	learn(&r, "198.18.0.254", &t_peer);
	learn(&r, "2001:db8::fe", &t_peer2);
	rig_output(&r, 1, "203.0.113.5", 1);
	rig_output(&r, 1, "2001:db8:9::5", 2);
	assert_int_equal(r.tx.count, 2);
	assert_mac(sent(&r, 0), &t_peer);
	assert_int_equal(sent_type(&r, 0), 0x0800);
	assert_mac(sent(&r, 1), &t_peer2);
	assert_int_equal(sent_type(&r, 1), 0x86dd);
	// l3 takes over, it does not make: the caller counts
	assert_int_equal(r.stats[1].ctr[WR_CTR_tx_made], 0);
	rig_stop(&r);
}

static void output_tagged_port(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_output(&r, 0, "198.19.3.3", 1);
	rig_poll(&r);
	rig_clear(&r);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){1, 2, &t_mac1, &t_peer, "198.19.3.3", "198.19.0.1"}));
	rig_poll(&r);
	assert_int_equal(r.tx.count, 1);
	assert_int_equal(sent_l2(&r, 0), 18);
	assert_int_equal(sent(&r, 0)[15], 7);
	assert_int_equal(sent_type(&r, 0), 0x0800);
	assert_int_equal(r.tx.pkts[0]->port, 1);
	assert_int_equal(r.tx.pkts[0]->l2_len, 18);
	rig_stop(&r);
}

static void output_no_route_is_counted(void **state)
{
	struct rig r;

	rig_config(&r);
	r.port[0].gateway_count = 0;
	rig_start(&r);
	rig_output(&r, 1, "203.0.113.5", 1);
	rig_output(&r, 1, "2001:db8:9::5", 1);
	rig_output(&r, 1, "255.255.255.255", 1);
	rig_output(&r, 1, "198.18.0.255", 1);
	rig_output(&r, 1, "ff02::1", 1);
	rig_output(&r, 1, "198.18.0.100", 1); // ours
	assert_int_equal(r.stats[1].drop[WR_DROP_no_route], 6);
	assert_int_equal(r.tx.count, 0);
	rig_stop(&r);
}

static void output_damaged_is_refused(void **state)
{
	struct rte_mbuf *m;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	m = t_packet(&r, "198.18.0.9", 0);
	rte_pktmbuf_trim(m, 22);
	wr_l3_output(r.l[1], m, &r.tx, r.now);
	m = t_packet(&r, "198.18.0.9", 0);
	*rte_pktmbuf_mtod(m, uint8_t *) = 0;
	wr_l3_output(r.l[1], m, &r.tx, r.now);
	assert_int_equal(r.stats[1].drop[WR_DROP_tx_error], 2);
	rig_stop(&r);
}

static void output_without_headroom_is_refused(void **state)
{
	struct rte_mbuf *m;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	learn(&r, "198.18.0.9", &t_peer);
	m = t_packet(&r, "198.18.0.9", 0);
	memmove(rte_pktmbuf_prepend(m, 128), "", 0);
	memcpy(rte_pktmbuf_mtod(m, char *), rte_pktmbuf_mtod_offset(m, char *, 128), 41);
	wr_l3_output(r.l[1], m, &r.tx, r.now);
	assert_int_equal(r.stats[1].drop[WR_DROP_tx_error], 1);
	rig_stop(&r);
}

// A neighbour that the table holds as reachable.
static struct l3_neigh *reachable(
	struct rig *r, const struct wr_addr *a, const struct rte_ether_addr *mac)
{
	struct l3_neigh *e = l3_neigh_add(r->net, 0, a, r->now);

	assert_non_null(e);
	l3_neigh_set(r->net, e, L3_NEIGH_REACHABLE, mac, r->now);
	return e;
}

static void output_remembered_follows_the_neighbour(void **state, const char *peer)
{
	struct wr_addr a = t_addr(peer);
	struct l3_neigh *e;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	e = reachable(&r, &a, &t_peer);
	rig_output(&r, 1, peer, 1);
	rig_output(&r, 1, peer, 2);
	assert_mac(sent(&r, 0), &t_peer);
	assert_mac(sent(&r, 1), &t_peer);
	l3_neigh_set(r.net, e, L3_NEIGH_REACHABLE, &t_peer2, r.now);
	rig_output(&r, 1, peer, 3);
	assert_mac(sent(&r, 2), &t_peer2);
	l3_neigh_set(r.net, e, L3_NEIGH_STALE, NULL, r.now);
	rig_output(&r, 1, peer, 4);
	assert_int_equal(r.tx.count, 4);
	assert_int_equal(rte_ring_count(r.net->want), 1); // its use was told
	l3_neigh_set(r.net, e, L3_NEIGH_FAILED, NULL, r.now);
	rig_output(&r, 1, peer, 5);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_unreachable], 1);
	l3_neigh_del(r.net, e);
	rig_output(&r, 1, peer, 6);
	assert_int_equal(r.tx.count, 4);
	assert_int_equal(wr_l3_queued(r.l[1]), 1);
	rig_stop(&r);
}

static void output_remembered_v4(void **state)
{
	output_remembered_follows_the_neighbour(state, "198.18.0.9");
}

static void output_remembered_v6(void **state)
{
	output_remembered_follows_the_neighbour(state, "2001:db8::9");
}

static void output_remembered_entry_taken_by_another(void **state)
{
	struct wr_addr a = t_addr("198.18.0.9"), b = t_addr("198.18.0.10");
	struct l3_neigh *e, *other;
	struct rig r;

	rig_config(&r);
	r.cfg.neighbours_max = 4; // few slots: the next address but a few takes it
	rig_start(&r);
	e = reachable(&r, &a, &t_peer);
	rig_output(&r, 1, "198.18.0.9", 1);
	l3_neigh_del(r.net, e);
	for (other = NULL; other != e; b = wr_addr_next(&b)) {
		other = reachable(&r, &b, &t_peer2);
		if (other != e)
			l3_neigh_del(r.net, other);
	}
	rig_output(&r, 1, "198.18.0.9", 2);
	assert_int_equal(r.tx.count, 1);
	assert_int_equal(wr_l3_queued(r.l[1]), 1);
	rig_stop(&r);
}

static void output_remembered_goes_behind_what_waits(void **state)
{
	struct wr_addr a = t_addr("198.18.0.9");
	struct l3_neigh *e;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	e = reachable(&r, &a, &t_peer);
	rig_output(&r, 1, "198.18.0.9", 1);
	l3_neigh_set(r.net, e, L3_NEIGH_INCOMPLETE, NULL, r.now);
	rig_output(&r, 1, "198.18.0.9", 2);
	assert_int_equal(wr_l3_queued(r.l[1]), 1);
	l3_neigh_set(r.net, e, L3_NEIGH_REACHABLE, &t_peer, r.now);
	rig_output(&r, 1, "198.18.0.9", 3);
	assert_int_equal(r.tx.count, 3);
	assert_int_equal(sent_mark(&r, 1), 2);
	assert_int_equal(sent_mark(&r, 2), 3);
	rig_stop(&r);
}

// More destinations than places to remember them, by two next hops.
static void output_remembered_places_are_shared(void **state)
{
	struct wr_addr gateway = t_addr("198.18.0.254"), a = t_addr("198.18.0.9");
	char text[WR_ADDR_STR];
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	reachable(&r, &gateway, &t_peer);
	reachable(&r, &a, &t_peer2);
	for (uint32_t i = 0; i < 3 * 256; i++) {
		snprintf(text, sizeof(text), "203.0.113.%u", i % 256);
		rig_output(&r, 1, text, 0);
		rig_output(&r, 1, "198.18.0.9", 0);
		assert_int_equal(r.tx.count, 2);
		assert_mac(sent(&r, 0), &t_peer);
		assert_mac(sent(&r, 1), &t_peer2);
		rig_clear(&r);
	}
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_by_gateway_in_both_families),
		cmocka_unit_test(output_tagged_port),
		cmocka_unit_test(output_no_route_is_counted),
		cmocka_unit_test(output_damaged_is_refused),
		cmocka_unit_test(output_without_headroom_is_refused),
		cmocka_unit_test(output_remembered_v4),
		cmocka_unit_test(output_remembered_v6),
		cmocka_unit_test(output_remembered_entry_taken_by_another),
		cmocka_unit_test(output_remembered_goes_behind_what_waits),
		cmocka_unit_test(output_remembered_places_are_shared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

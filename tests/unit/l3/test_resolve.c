/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

static void resolve_unanswered_fails_then_tries_again(void **state, const char *peer)
{
	struct wr_addr a = t_addr(peer);
	struct wr_event ev;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_output(&r, 0, peer, 1);
	rig_run(&r, 2500 * T_MS);
	assert_int_equal(r.tx.count, 3);
	assert_string_equal(neigh_state(&r, peer, NULL), "incomplete");
	assert_int_equal(wr_l3_queued(r.l[0]), 1);
	rig_run(&r, 600 * T_MS);
	assert_int_equal(r.tx.count, 3);
	assert_string_equal(neigh_state(&r, peer, NULL), "failed");
	assert_int_equal(wr_l3_queued(r.l[0]), 0);
	assert_int_equal(r.stats[0].drop[WR_DROP_neigh_unreachable], 1);
	assert_true(next_event(&r, WR_EV_neigh_failed, &ev));
	assert_true(wr_addr_eq(&ev.a.addr, &a));
	// the negative answer is remembered for a while
	rig_output(&r, 1, peer, 2);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_unreachable], 1);
	rig_run(&r, 3 * T_S);
	assert_null(neigh_state(&r, peer, NULL));
	rig_clear(&r);
	rig_output(&r, 1, peer, 3);
	rig_run(&r, 10);
	assert_int_equal(r.tx.count, 1);
	rig_stop(&r);
}

static void resolve_unanswered_v4(void **state)
{
	resolve_unanswered_fails_then_tries_again(state, "198.18.0.9");
}

static void resolve_unanswered_v6(void **state)
{
	resolve_unanswered_fails_then_tries_again(state, "2001:db8::9");
}

static void resolve_question_v4(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_output(&r, 0, "198.18.0.9", 1);
	rig_output(&r, 0, "198.18.50.7", 1); // by way of port 1 with its tag
	rig_run(&r, 10);
	assert_int_equal(r.tx.count, 2);
	assert_arp(&r, 0, 1, "198.18.0.1", "198.18.0.9", &t_bcast);
	assert_arp(&r, 1, 1, "198.19.0.1", "198.19.0.9", &t_bcast);
	assert_int_equal(sent_l2(&r, 0), 14);
	assert_int_equal(sent_l2(&r, 1), 18);
	assert_int_equal(r.tx.pkts[1]->port, 1);
	assert_mac(sent(&r, 1) + 6, &t_mac1);
	rig_stop(&r);
}

static void resolve_question_v6(void **state)
{
	const struct rte_ether_addr group = {{0x33, 0x33, 0xff, 0, 0, 9}};
	const uint8_t *ip;
	struct wr_addr own = t_addr("2001:db8::1");
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_output(&r, 0, "2001:db8::9", 1);
	rig_run(&r, 10);
	assert_int_equal(r.tx.count, 1);
	ip = assert_nd(&r, 0, 135, "2001:db8::9", "ff02::1:ff00:9");
	assert_memory_equal(ip + 8, own.b, 16);
	assert_int_equal(ip[64], 1); // source link-layer address
	assert_mac(ip + 66, &t_mac0);
	assert_mac(sent(&r, 0), &group);
	rig_stop(&r);
}

static void resolve_waits_for_a_source(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_output(&r, 0, "198.18.0.9", 1);
	rig_run(&r, 550 * T_MS);
	for (uint32_t i = 0; i < r.tx.count; i++) // probes of our own only
		assert_memory_equal(sent(&r, i) + sent_l2(&r, i) + 14, "\0\0\0\0", 4);
	rig_clear(&r);
	rig_run(&r, 200 * T_MS);
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 2, &t_mac0, &t_peer, "198.18.0.9", "198.18.0.1"}));
	rig_clear(&r);
	rig_poll(&r);
	assert_int_equal(r.tx.count, 1);
	assert_int_equal(sent_mark(&r, 0), 1);
	rig_stop(&r);
}

static void resolve_ages_and_is_asked_when_used(void **state, const char *peer, uint16_t type)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	learn(&r, peer, &t_peer);
	rig_run(&r, 14 * T_S);
	assert_string_equal(neigh_state(&r, peer, NULL), "reachable");
	rig_run(&r, 32 * T_S);
	assert_string_equal(neigh_state(&r, peer, NULL), "stale");
	assert_int_equal(r.tx.count, 0);

	// the other worker uses it: the frame goes, and worker 0 asks the station itself, once
	rig_output(&r, 1, peer, 5);
	rig_output(&r, 1, peer, 6);
	assert_int_equal(r.tx.count, 2);
	rig_run(&r, 100);
	assert_int_equal(r.tx.count, 3);
	assert_int_equal(sent_type(&r, 2), type);
	assert_mac(sent(&r, 2), &t_peer);
	if (type == 0x0806)
		rig_input(&r, 0,
			t_arp(&r, &(struct t_arp){0, 2, &t_mac0, &t_peer, peer, "198.18.0.1"}));
	else
		rig_input(&r, 0,
			t_nd(&r, &(struct t_nd){136, 0x40, NULL, peer, "2001:db8::1", peer}));
	assert_string_equal(neigh_state(&r, peer, NULL), "reachable");
	rig_stop(&r);
}

static void resolve_ages_v4(void **state)
{
	resolve_ages_and_is_asked_when_used(state, "198.18.0.9", 0x0806);
}

static void resolve_ages_v6(void **state)
{
	resolve_ages_and_is_asked_when_used(state, "2001:db8::9", 0x86dd);
}

static void resolve_probe_unanswered_asks_everybody(void **state)
{
	struct rte_ether_addr mac;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	learn(&r, "198.18.0.9", &t_peer);
	rig_run(&r, 46 * T_S);
	rig_output(&r, 0, "198.18.0.9", 1);
	rig_run(&r, 100);
	rig_clear(&r);
	rig_run(&r, 2900 * T_MS);
	assert_int_equal(r.tx.count, 2); // the second and third unicast question
	assert_mac(sent(&r, 1), &t_peer);
	rig_clear(&r);
	rig_output(&r, 1, "198.18.0.9", 2); // still usable
	assert_int_equal(r.tx.count, 1);
	rig_run(&r, 200 * T_MS);
	assert_arp(&r, 1, 1, "198.18.0.1", "198.18.0.9", &t_bcast);
	rig_output(&r, 1, "198.18.0.9", 3);
	assert_int_equal(wr_l3_queued(r.l[1]), 1);
	// it moved
	rig_input(&r, 0,
		t_arp(&r, &(struct t_arp){0, 2, &t_mac0, &t_peer2, "198.18.0.9", "198.18.0.1"}));
	rig_clear(&r);
	rig_poll(&r);
	assert_int_equal(r.tx.count, 1);
	assert_mac(sent(&r, 0), &t_peer2);
	assert_string_equal(neigh_state(&r, "198.18.0.9", &mac), "reachable");
	assert_mac(mac.addr_bytes, &t_peer2);
	rig_stop(&r);
}

static void resolve_no_buffer_tries_later(void **state)
{
	struct rte_mbuf *all[T_MBUFS + 1];
	struct rte_mbuf *m;
	uint32_t n = 0;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	m = t_packet(&r, "198.18.0.9", 1);
	while ((all[n] = rte_pktmbuf_alloc(r.pool)) != NULL)
		n++;
	wr_l3_output(r.l[0], m, &r.tx, r.now);
	rig_run(&r, 5 * T_S - 100 * T_MS);
	assert_int_equal(r.tx.count, 0);
	rte_pktmbuf_free_bulk(all, n);
	rig_run(&r, 20 * T_MS);
	assert_int_equal(r.tx.count, 1);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(resolve_unanswered_v4),
		cmocka_unit_test(resolve_unanswered_v6),
		cmocka_unit_test(resolve_question_v4),
		cmocka_unit_test(resolve_question_v6),
		cmocka_unit_test(resolve_waits_for_a_source),
		cmocka_unit_test(resolve_ages_v4),
		cmocka_unit_test(resolve_ages_v6),
		cmocka_unit_test(resolve_probe_unanswered_asks_everybody),
		cmocka_unit_test(resolve_no_buffer_tries_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

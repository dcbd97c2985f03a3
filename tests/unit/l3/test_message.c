/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#include "l3_priv.h"

// Whole frames byte by byte; behaviour is in the other tests.

static void message_arp_question_bytes(void **state)
{
	static const uint8_t want[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6,
		0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 198, 18, 0, 1, 0, 0, 0, 0, 0, 0, 198, 18,
		0, 9};
	struct wr_addr own = t_addr("198.18.0.1"), target = t_addr("198.18.0.9");
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_true(l3_send_ask(r.l[0], 0, &own, &target, NULL, &r.tx));
	assert_int_equal(r.tx.pkts[0]->pkt_len, sizeof(want));
	assert_memory_equal(sent(&r, 0), want, sizeof(want));
	assert_true(l3_send_ask(r.l[0], 0, &own, &target, &t_peer, &r.tx));
	assert_mac(sent(&r, 1), &t_peer);
	assert_memory_equal(sent(&r, 1) + 6, want + 6, sizeof(want) - 6);
	rig_stop(&r);
}

static void message_probe_bytes(void **state)
{
	static const uint8_t none[16];
	const uint8_t *ip;
	struct rig r;

	rig_config(&r);
	rig_open(&r);
	rig_run(&r, 60 * T_MS);
	for (uint32_t i = 0; i < r.tx.count; i++) {
		if (sent_type(&r, i) != 0x86dd)
			continue;
		// RFC 4862 5.4.2: from ::, without option, to the solicited-node group
		ip = sent(&r, i) + 14;
		assert_int_equal(r.tx.pkts[i]->pkt_len, 14 + 40 + 24);
		assert_memory_equal(ip + 8, none, 16);
		assert_int_equal(ip[7], 255);
		assert_memory_equal(sent(&r, i), "\x33\x33\xff", 3);
	}
	assert_int_equal(count_type(&r, 0x86dd), 3);
	rig_stop(&r);
}

static void message_solicited_node_of_address(void **state)
{
	static const struct rte_ether_addr want = {{0x33, 0x33, 0xff, 0xcd, 0xef, 0x12}};
	struct wr_addr a = t_addr("2001:db8::abcd:ef12"), g = t_addr("ff02::1:ffcd:ef12"), group;
	struct rte_ether_addr mac;

	l3_solicited_node(&a, &group, &mac);
	assert_true(wr_addr_eq(&group, &g));
	assert_mac(mac.addr_bytes, &want);
}

static void message_without_buffer_or_room_is_not_made(void **state)
{
	struct wr_addr own = t_addr("198.18.0.1"), target = t_addr("198.18.0.9");
	struct rte_mbuf *all[T_MBUFS + 1];
	uint32_t n = 0;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	r.tx.room = 0;
	assert_false(l3_send_ask(r.l[0], 0, &own, &target, NULL, &r.tx));
	r.tx.room = T_TX;
	while ((all[n] = rte_pktmbuf_alloc(r.pool)) != NULL)
		n++;
	assert_false(l3_send_ask(r.l[0], 0, &own, &target, NULL, &r.tx));
	assert_int_equal(r.stats[0].ctr[WR_CTR_tx_made], 0);
	rte_pktmbuf_free_bulk(all, n);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_arp_question_bytes),
		cmocka_unit_test(message_probe_bytes),
		cmocka_unit_test(message_solicited_node_of_address),
		cmocka_unit_test(message_without_buffer_or_room_is_not_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

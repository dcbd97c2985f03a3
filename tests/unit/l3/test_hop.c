/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

static void answer(struct rig *r, const char *addr)
{
	rig_input(r, 0, t_arp(r, &(struct t_arp){0, 2, &t_mac0, &t_peer, addr, "198.18.0.1"}));
}

static void hop_resolved_is_flushed_in_order_on_every_worker(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	for (uint8_t i = 0; i < 5; i++) {
		rig_output(&r, 0, "198.18.0.9", i);
		rig_output(&r, 1, "198.18.0.9", 10 + i);
	}
	assert_int_equal(wr_l3_queued(r.l[0]), 5);
	assert_int_equal(wr_l3_queued(r.l[1]), 5);
	rig_run(&r, 10);
	assert_int_equal(r.tx.count, 1); // one question, though both asked
	rig_clear(&r);
	answer(&r, "198.18.0.9");
	rig_poll(&r);
	assert_int_equal(r.tx.count, 10);
	for (uint8_t i = 0; i < 5; i++) {
		assert_int_equal(sent_mark(&r, i), i);
		assert_int_equal(sent_mark(&r, 5 + i), 10 + i);
		assert_mac(sent(&r, i), &t_peer);
		assert_mac(sent(&r, i) + 6, &t_mac0);
		assert_int_equal(r.tx.pkts[i]->port, 0);
		assert_int_equal(r.tx.pkts[i]->l2_len, 14);
	}
	assert_int_equal(wr_l3_queued(r.l[0]), 0);
	assert_int_equal(wr_l3_queued(r.l[1]), 0);
	rig_stop(&r);
}

static void hop_full_refuses_the_newest(void **state)
{
	struct rig r;

	rig_config(&r);
	r.cfg.wait_frames_per_hop = 4;
	r.cfg.wait_frames_max = 6;
	rig_start(&r);
	for (uint8_t i = 0; i < 5; i++)
		rig_output(&r, 1, "198.18.0.9", i);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_queue_full], 1);
	for (uint8_t i = 0; i < 3; i++)
		rig_output(&r, 1, "198.18.0.10", i);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_queue_full], 2);
	rig_output(&r, 1, "198.18.0.11", 0);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_queue_full], 3);
	assert_int_equal(wr_l3_queued(r.l[1]), 6);
	rig_poll(&r);
	answer(&r, "198.18.0.9");
	rig_clear(&r);
	rig_poll(&r);
	assert_int_equal(r.tx.count, 4);
	assert_int_equal(sent_mark(&r, 3), 3); // the oldest four
	// the places can be used again
	rig_output(&r, 1, "198.18.0.11", 0);
	assert_int_equal(wr_l3_queued(r.l[1]), 3);
	rig_stop(&r);
}

static void hop_flush_waits_for_room_and_keeps_order(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	for (uint8_t i = 0; i < 5; i++)
		rig_output(&r, 1, "198.18.0.9", i);
	rig_poll(&r);
	answer(&r, "198.18.0.9");
	rig_clear(&r);
	r.tx.room = 2;
	wr_l3_poll(r.l[1], &r.tx, r.now);
	assert_int_equal(r.tx.count, 2);
	assert_int_equal(sent_mark(&r, 1), 1);
	assert_int_equal(wr_l3_next_timer(r.l[1]), 0);
	rig_clear(&r);
	// a new frame does not overtake what waits
	rig_output(&r, 1, "198.18.0.9", 5);
	assert_int_equal(r.tx.count, 1);
	assert_int_equal(sent_mark(&r, 0), 2);
	rig_clear(&r);
	r.tx.room = T_TX;
	rig_output(&r, 1, "198.18.0.9", 6);
	assert_int_equal(r.tx.count, 4);
	for (uint8_t i = 0; i < 4; i++)
		assert_int_equal(sent_mark(&r, i), 3 + i);
	assert_int_equal(wr_l3_queued(r.l[1]), 0);
	rig_stop(&r);
}

static void hop_many_are_resolved_each_alone(void **state)
{
	char addr[32];
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	for (uint32_t i = 2; i < 100; i++) {
		snprintf(addr, sizeof(addr), "198.18.0.%u", i);
		rig_output(&r, 1, addr, (uint8_t)i);
	}
	rig_run(&r, 1000);
	assert_int_equal(count_type(&r, 0x0806), 98);
	rig_clear(&r);
	for (uint32_t i = 99; i >= 2; i -= 2) {
		snprintf(addr, sizeof(addr), "198.18.0.%u", i);
		answer(&r, addr);
		rig_poll(&r);
		assert_int_equal(r.tx.count, 1);
		assert_int_equal(sent_mark(&r, 0), i);
		rig_clear(&r);
	}
	assert_int_equal(wr_l3_queued(r.l[1]), 49);
	rig_run(&r, 4 * T_S);
	assert_int_equal(wr_l3_queued(r.l[1]), 0);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_unreachable], 49);
	rig_stop(&r);
}

static void hop_without_worker_0_ends_in_time(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_output(&r, 1, "198.18.0.9", 1);
	for (int i = 0; i < 60; i++) {
		r.now += 100 * T_MS;
		wr_l3_poll(r.l[1], &r.tx, r.now);
	}
	assert_int_equal(wr_l3_queued(r.l[1]), 0);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_table_full], 1);
	rig_stop(&r);
}

static void hop_table_full_is_told(void **state)
{
	struct rig r;

	rig_config(&r);
	r.cfg.neighbours_max = 1;
	rig_start(&r);
	learn(&r, "198.18.0.9", &t_peer);
	rig_output(&r, 1, "198.18.0.10", 1);
	rig_run(&r, 6 * T_S);
	assert_int_equal(r.tx.count, 0);
	assert_int_equal(r.stats[1].drop[WR_DROP_neigh_table_full], 1);
	// once the other is stale it gives way
	rig_run(&r, 46 * T_S);
	rig_output(&r, 1, "198.18.0.10", 1);
	rig_run(&r, 10);
	assert_int_equal(r.tx.count, 1);
	assert_null(neigh_state(&r, "198.18.0.9", NULL));
	rig_stop(&r);
}

static void hop_ring_full_asks_later(void **state)
{
	char addr[32];
	struct rig r;

	rig_config(&r);
	r.cfg.wait_frames_max = 1500;
	r.cfg.neighbours_max = 2000;
	rig_start(&r);
	for (uint32_t i = 0; i < 1100; i++) {
		snprintf(addr, sizeof(addr), "198.19.%u.%u", 1 + i / 200, 1 + i % 200);
		rig_output(&r, 1, addr, 0);
	}
	assert_int_equal(r.tx.count, 0);
	for (uint32_t i = 0; i < 100; i++) {
		rig_run(&r, T_MS);
		rig_clear(&r);
	}
	assert_int_equal(r.stats[0].ctr[WR_CTR_arp_out], 1100);
	rig_stop(&r);
}

static void hop_destroy_counts_what_waits(void **state)
{
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	rig_output(&r, 1, "198.18.0.9", 1);
	rig_output(&r, 1, "198.18.0.10", 1);
	rig_stop(&r);
	assert_int_equal(r.stats[1].drop[WR_DROP_shutdown], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hop_resolved_is_flushed_in_order_on_every_worker),
		cmocka_unit_test(hop_full_refuses_the_newest),
		cmocka_unit_test(hop_flush_waits_for_room_and_keeps_order),
		cmocka_unit_test(hop_many_are_resolved_each_alone),
		cmocka_unit_test(hop_without_worker_0_ends_in_time),
		cmocka_unit_test(hop_table_full_is_told),
		cmocka_unit_test(hop_ring_full_asks_later),
		cmocka_unit_test(hop_destroy_counts_what_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

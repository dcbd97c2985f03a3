/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

// A burst that nobody reads overflows the simulated port's ring: the port counts, control tells.
static void overflow(uint32_t frames)
{
	for (uint32_t i = 0; i < frames; i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(rig.t->peer_small);

		assert_non_null(m);
		memset(rte_pktmbuf_append(m, 60), 0xff, 60);
		wr_sim_port_inject(rig.t->port[TRI_WAN], m);
	}
}

static void losses_full_ring_is_works_queue_full(void **state)
{
	struct wr_port_stats st;
	const struct wr_event *ev;
	json_t *top;
	bool found = false;

	rig_run(2 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_works_queue_full), 0);
	overflow(2000);
	wr_port_stats(rig.t->port[TRI_WAN], &st);
	assert_true(st.rx_missed > 1000);
	wr_ctl_turn(rig.c, rig.t->now + WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_works_queue_full), 1);
	ev = rig_event(WR_EV_works_queue_full);
	assert_int_equal(ev->queue, WR_Q_rx_ring);
	assert_int_equal(ev->scope, TRI_WAN);
	assert_int_equal(ev->reason, WR_DROP_rx_missed);
	assert_int_equal(ev->count, st.rx_missed);
	// The same loss is not told twice.
	wr_ctl_turn(rig.c, rig.t->now + 2 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_works_queue_full), 1);
	rig_run(WR_US_PER_MS);
	top = rig_ask("/weir/drops");
	for (unsigned int i = 0; i < rig_rows(top); i++) {
		if (strcmp(rig_str(rig_row(top, i), "name"), "rx_missed") != 0)
			continue;
		found = true;
		assert_int_equal(rig_uint(rig_row(top, i), "count"), st.rx_missed);
	}
	assert_true(found);
	json_decref(top);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			losses_full_ring_is_works_queue_full, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

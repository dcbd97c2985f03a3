/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_test.h"

static enum ipsec_state tunnel_state(uint32_t i)
{
	return wr_ctl_ipsec_state(rig.c, &rig.c->ipsec->tunnel[i]);
}

static int setup_time(void **state)
{
	tunnels_make(1);
	tunnel_of(0)->life_us = rig.t->conf->tunnels[0].life_us = 10 * WR_US_PER_S;
	rig.t->conf->tunnels[0].life_warn_percent = 80;
	control_make();
	return 0;
}

// Without any packet time alone ends it.
static void watch_life_of_time(void **state)
{
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_ipsec_ending), 0);
	rig_run(2 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_ipsec_ending), 1);
	assert_non_null(strstr(rig_event(WR_EV_ipsec_ending)->text, " s left"));
	assert_int_equal(tunnel_state(0), IPSEC_OPEN);
	rig_run(4 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_ipsec_ending), 1);
	assert_int_equal(rig_event_count(WR_EV_ipsec_closed), 1);
	assert_int_equal(rig_event(WR_EV_ipsec_closed)->scope, 0);
	assert_string_equal(
		rig_event(WR_EV_ipsec_closed)->text, "keys 1 reached the end of their life (time)");
	assert_int_equal(tunnel_state(0), IPSEC_CLOSED);
	// New ones are used at once.
	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 2);
	assert_string_equal(
		rig_event(WR_EV_ipsec_switched)->text, "the ones before have reached their end");
	assert_int_equal(rig_event_count(WR_EV_ipsec_open), TUNNELS + 1);
	assert_int_equal(rig_event(WR_EV_ipsec_open)->extra, 2);
	assert_int_equal(tunnel_state(0), IPSEC_OPEN);
	assert_int_equal(rig_event_count(WR_EV_ipsec_closed), 1);
}

static void watch_no_warning_with_new_keys_there(void **state)
{
	rig.t->conf->tunnels[0].switch_us = 60 * WR_US_PER_S;
	rig_run(5 * WR_US_PER_S);
	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(4 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_ipsec_ending), 0);
	rig_run(2 * WR_US_PER_S);
	assert_int_equal(number(0, IPSEC_CURRENT), 2);
	assert_int_equal(rig_event_count(WR_EV_ipsec_closed), 0);
}

static int setup_packets(void **state)
{
	tunnels_make(2);
	tunnel_of(0)->life_packets = rig.t->conf->tunnels[0].life_packets = 10;
	rig.t->conf->tunnels[0].life_warn_percent = 50;
	control_make();
	return 0;
}

// One association of many ends: what goes through it is dropped, the others go on.
static void watch_life_of_packets_of_one_worker(void **state)
{
	struct far_side f;

	far_open(&f, 1, 1);
	for (int i = 0; i < 6; i++)
		far_send(&f);
	rig_run(WR_US_PER_S + SOON);
	assert_int_equal(rig_event_count(WR_EV_ipsec_ending), 1);
	assert_string_equal(rig_event(WR_EV_ipsec_ending)->text, "4 packets left on worker 1");
	for (int i = 0; i < 6; i++) {
		far_send(&f);
		rig_run(WR_US_PER_MS);
	}
	rig_run(WR_US_PER_S + SOON);
	assert_int_equal(rig_event_count(WR_EV_ipsec_closed), 1);
	assert_string_equal(rig_event(WR_EV_ipsec_closed)->text,
		"keys 1 reached their end on worker 1 alone (packets)");
	assert_int_equal(tunnel_state(0), IPSEC_PARTLY);
	assert_int_equal(tri_drop(rig.t, WR_DROP_ipsec_expired), 2);
	far_close(&f);
}

static void watch_life_without_extended_numbers_ends(void **state)
{
	struct wr_ipsec_tunnel t = {.esn = true};

	assert_int_equal(wr_ctl_ipsec_life_packets(&t), 0);
	t.esn = false;
	assert_int_equal(wr_ctl_ipsec_life_packets(&t), UINT32_MAX);
	t.life_packets = 5;
	assert_int_equal(wr_ctl_ipsec_life_packets(&t), 5);
	t.life_packets = (uint64_t)UINT32_MAX + 1;
	assert_int_equal(wr_ctl_ipsec_life_packets(&t), UINT32_MAX);
}

static void watch_refusals_are_told_once_a_second(void **state)
{
	struct ipsec_totals s;
	struct rte_mbuf *m;
	struct far_side f;

	far_open(&f, 1, 0);
	for (int i = 0; i < 3; i++) {
		m = far_seal(&f);
		if (i == 0)
			tri_net_send(rig.t, TRI_LAN, false,
				rte_pktmbuf_copy(m, rig.t->peer_rx, 0, UINT32_MAX));
		else
			*rte_pktmbuf_mtod_offset(m, uint8_t *, rte_pktmbuf_data_len(m) - 20) ^= 1;
		tri_net_send(rig.t, TRI_LAN, false, m);
	}
	rig_run(WR_US_PER_S + SOON);
	assert_int_equal(rig_event_count(WR_EV_ipsec_refused), 1);
	assert_int_equal(rig_event(WR_EV_ipsec_refused)->reason, WR_DROP_ipsec_authentication);
	assert_int_equal(rig_event(WR_EV_ipsec_refused)->count, 3);
	wr_ctl_ipsec_totals(rig.c, &rig.c->ipsec->tunnel[0], &s);
	assert_int_equal(s.forged, 2);
	assert_int_equal(s.replayed, 1);
	assert_int_equal(s.in_packets, 1);
	rig_run(3 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_ipsec_refused), 1);
	// What was counted stays when the keys go.
	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(6 * WR_US_PER_S);
	assert_int_equal(rig_event_count(WR_EV_ipsec_retired), 1);
	wr_ctl_ipsec_totals(rig.c, &rig.c->ipsec->tunnel[0], &s);
	assert_int_equal(s.forged, 2);
	assert_int_equal(s.in_packets, 1);
	assert_int_equal(rig_event_count(WR_EV_ipsec_refused), 1);
	far_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(watch_life_of_time, setup_time, tunnels_teardown),
		cmocka_unit_test_setup_teardown(
			watch_no_warning_with_new_keys_there, setup_time, tunnels_teardown),
		cmocka_unit_test_setup_teardown(
			watch_life_of_packets_of_one_worker, setup_packets, tunnels_teardown),
		cmocka_unit_test(watch_life_without_extended_numbers_ends),
		cmocka_unit_test_setup_teardown(
			watch_refusals_are_told_once_a_second, tunnels_setup, tunnels_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

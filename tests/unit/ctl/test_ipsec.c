/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_test.h"

#include "../../../lib/ipsec/ipsec_priv.h"

static void ipsec_first_keys_are_in_force_after_the_start(void **state)
{
	for (uint32_t i = 0; i < TUNNELS; i++) {
		assert_int_equal(number(i, IPSEC_CURRENT), 1);
		assert_int_equal(number(i, IPSEC_NEXT), 0);
		assert_int_equal(number(i, IPSEC_OLD), 0);
	}
	assert_int_equal(rig_event_count(WR_EV_ipsec_keys), TUNNELS);
	assert_int_equal(rig_event_count(WR_EV_ipsec_switched), TUNNELS);
	assert_int_equal(rig_event_count(WR_EV_ipsec_open), TUNNELS);
	assert_string_equal(rig_event(WR_EV_ipsec_switched)->text, "there are no others");
	assert_int_equal(rig_event(WR_EV_ipsec_open)->extra, 1);
}

static void ipsec_start_without_keys_fails(void **state)
{
	struct wr_err err = {0};

	tunnels_make(1);
	unlink(keys_path(0));
	assert_null(wr_ctl_create(rig.t->f, &err));
	assert_non_null(strstr(err.text, keys_path(0)));
	tri_settle(rig.t);
	tunnels_teardown(NULL);
}

static void ipsec_start_without_tunnels(void **state)
{
	assert_null(rig.c->ipsec);
	assert_int_equal(wr_ctl_ipsec_turn(rig.c, rig.t->now), WR_US_NEVER);
}

static void ipsec_rekey_of_the_same_file_is_nothing_new(void **state)
{
	rekey_must(0, 0);
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_NEXT), 0);
	assert_int_equal(rig_event_count(WR_EV_ipsec_keys), TUNNELS);
	keys_are(0, 2);
	rekey_must(0, 1);
	rekey_must(0, 0); // the newest are the next ones
	assert_int_equal(number(0, IPSEC_NEXT), 2);
}

static void ipsec_rekey_switches_after_a_time_and_retires(void **state)
{
	keys_are(0, 2);
	rekey_must(0, 1);
	assert_int_equal(rig_event(WR_EV_ipsec_keys)->extra, 2);
	rig_run(19 * WR_US_PER_S / 10);
	assert_int_equal(number(0, IPSEC_CURRENT), 1);
	assert_int_equal(number(0, IPSEC_NEXT), 2);
	rig_run(2 * WR_US_PER_S / 10);
	assert_int_equal(number(0, IPSEC_CURRENT), 2);
	assert_int_equal(number(0, IPSEC_OLD), 1);
	assert_string_equal(rig_event(WR_EV_ipsec_switched)->text, "rekey.switch_after is over");
	assert_int_equal(rig_event(WR_EV_ipsec_switched)->extra, 2);
	rig_run(28 * WR_US_PER_S / 10);
	assert_int_equal(number(0, IPSEC_OLD), 1);
	assert_int_equal(rig_event_count(WR_EV_ipsec_retired), 0);
	rig_run(3 * WR_US_PER_S / 10);
	assert_int_equal(number(0, IPSEC_OLD), 0);
	assert_int_equal(rig_event(WR_EV_ipsec_retired)->extra, 1);
	assert_int_equal(rig_event_count(WR_EV_ipsec_open), TUNNELS); // it never was closed
}

static void ipsec_rekey_switches_when_the_far_side_is_heard(void **state)
{
	struct far_side f;

	keys_are(0, 2);
	rekey_must(0, 1);
	far_open(&f, 2, 1);
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 1);
	far_send(&f);
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 2);
	assert_string_equal(rig_event(WR_EV_ipsec_switched)->text, "the far side sends with them");
	far_close(&f);
}

static void ipsec_rekey_replaces_the_next(void **state)
{
	struct far_side f;

	far_open(&f, 2, 0);
	keys_are(0, 2);
	rekey_must(0, 1);
	keys_are(0, 3);
	rekey_must(0, 1);
	assert_int_equal(number(0, IPSEC_NEXT), 3);
	rig_run(SOON);
	// Nobody is told that keys are retired that never were in force.
	assert_int_equal(rig_event_count(WR_EV_ipsec_retired), 0);
	far_send(&f);
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 1);
	assert_int_equal(tri_drop(rig.t, WR_DROP_ipsec_unknown_spi), 1);
	rig_run(2 * WR_US_PER_S);
	assert_int_equal(number(0, IPSEC_CURRENT), 3);
	far_close(&f);
}

// Keys 1 are old, 2 current, 3 next; `now` is 2.1 s after the first rekey.
static void rekey_twice(void)
{
	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(21 * WR_US_PER_S / 10);
	keys_are(0, 3);
	rekey_must(0, 1);
	assert_int_equal(number(0, IPSEC_OLD), 1);
	assert_int_equal(number(0, IPSEC_CURRENT), 2);
}

// The far side may send with old ones until their time is over.
static void ipsec_rekey_again_soon_waits_for_the_old(void **state)
{
	rekey_twice();
	rig_run(27 * WR_US_PER_S / 10);
	assert_int_equal(number(0, IPSEC_OLD), 1);
	assert_int_equal(number(0, IPSEC_CURRENT), 2);
	assert_int_equal(number(0, IPSEC_NEXT), 3);
	assert_int_equal(rig_event_count(WR_EV_ipsec_retired), 0);
	rig_run(4 * WR_US_PER_S / 10);
	assert_int_equal(number(0, IPSEC_CURRENT), 3);
	assert_int_equal(number(0, IPSEC_OLD), 2);
	assert_string_equal(rig_event(WR_EV_ipsec_switched)->text, "rekey.switch_after is over");
	assert_int_equal(rig_event(WR_EV_ipsec_retired)->extra, 1);
}

// Three live at most: then the old ones go early.
static void ipsec_rekey_again_soon_does_not_wait_when_heard(void **state)
{
	struct far_side f;

	rekey_twice();
	far_open(&f, 3, 0);
	far_send(&f);
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 3);
	assert_int_equal(number(0, IPSEC_OLD), 2);
	assert_string_equal(rig_event(WR_EV_ipsec_switched)->text, "the far side sends with them");
	assert_int_equal(rig_event(WR_EV_ipsec_retired)->extra, 1);
	far_close(&f);
}

static void ipsec_rekey_again_soon_does_not_wait_at_the_end(void **state)
{
	rekey_twice();
	tunnel_of(0)->life_us = 2 * WR_US_PER_S;
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_CURRENT), 3);
	assert_int_equal(number(0, IPSEC_OLD), 2);
	assert_string_equal(
		rig_event(WR_EV_ipsec_switched)->text, "the ones before have reached their end");
}

// Others came and went until a mark stays.
static void leave_marks(struct wr_ipsec_sad *d)
{
	struct wr_ipsec_sa sa = {.spi = 0x1000000};

	for (; d->gone == 0 && sa.spi < 0x1001000; sa.spi++) {
		assert_int_equal(wr_ipsec_sad_add(d, &sa), 0);
		wr_ipsec_sad_remove(d, &sa);
	}
	assert_true(d->gone > 0);
}

// Once a round: until workers have answered one of them may still read the array before.
static void ipsec_table_is_compacted_when_keys_leave(void **state)
{
	struct wr_ipsec_sad *d = wr_fabric_ipsec_sad(rig.t->f);
	uint32_t used;

	keys_are(0, 2);
	rekey_must(0, 1);
	used = d->used;
	leave_marks(d);
	keys_are(0, 3);
	rekey_must(0, 1); // 2 leaves
	assert_int_equal(d->gone, 0);
	assert_non_null(rig.c->ipsec->compacted);
	leave_marks(d);
	keys_are(0, 4);
	rekey_must(0, 1); // 3 leaves
	assert_true(d->gone > 0);
	rig_run(SOON);
	assert_null(rig.c->ipsec->compacted);
	assert_true(d->gone > 0);
	keys_are(0, 5);
	rekey_must(0, 1);
	assert_int_equal(d->gone, 0);
	rig_run(SOON);
	assert_int_equal(d->used, used); // 5 in the place of 2
}

static void fill_mailbox(uint16_t worker)
{
	const struct wr_msg filler = {.kind = WR_MSG_NONE};

	while (wr_worker_post(wr_fabric_worker(rig.t->f, worker), &filler) == 0)
		;
}

static void ipsec_switch_is_told_again_when_a_mailbox_was_full(void **state)
{
	keys_are(0, 2);
	rekey_must(0, 1);
	rig_run(19 * WR_US_PER_S / 10);
	fill_mailbox(1);
	wr_ctl_turn(rig.c, rig.t->now + 2 * WR_US_PER_S);
	assert_true(rig.c->ipsec->tunnel[0].telling);
	assert_int_equal(rig.c->ipsec->tunnel[0].told.owed, 2);
	assert_int_equal(rig_event_count(WR_EV_ipsec_switched), TUNNELS);
	rig_run(2 * WR_US_PER_S);
	assert_false(rig.c->ipsec->tunnel[0].telling);
	assert_int_equal(rig_event_count(WR_EV_ipsec_switched), TUNNELS + 1);
}

// A worker that hangs keeps what it may look at; nothing is freed on a guess.
static void ipsec_rekey_is_refused_while_too_many_leave(void **state)
{
	fill_mailbox(1);
	for (uint32_t set = 2; set <= 5; set++) {
		keys_are(0, set);
		rekey_must(0, 1);
		wr_ctl_turn(rig.c, rig.t->now);
	}
	keys_are(0, 6);
	expect_refused(0, "have not let go");
	assert_int_equal(number(0, IPSEC_NEXT), 5);
	rig_run(SOON);
	rekey_must(0, 1);
	assert_int_equal(number(0, IPSEC_NEXT), 6);
}

static void ipsec_end_while_some_are_leaving(void **state)
{
	keys_are(0, 2);
	rekey_must(0, 1);
	keys_are(0, 3);
	rekey_must(0, 1);
	// The teardown destroys all of them.
}

static int setup_optional(void **state)
{
	tunnels_make(1);
	rig.t->conf->pools[0].require = false;
	return 0;
}

static void ipsec_optional_tunnel_is_required_from_the_first_keys_on(void **state)
{
	struct wr_err err = {0};
	struct wr_addr behind;

	assert_int_equal(wr_addr_parse("198.18.1.20", &behind), 0);
	rig.c = wr_ctl_create(rig.t->f, &err);
	assert_non_null(rig.c);
	assert_int_equal(wr_l3_tunnel_of(rig.c->l3, &behind), -1);
	rig_run(SOON);
	assert_int_equal(wr_l3_tunnel_of(rig.c->l3, &behind), 0);
}

static void ipsec_required_tunnel_is_never_in_clear(void **state)
{
	struct wr_addr behind;

	assert_int_equal(wr_addr_parse("198.18.1.20", &behind), 0);
	assert_int_equal(wr_l3_tunnel_of(rig.c->l3, &behind), 0);
	rig.t->conf->pools[0].require = false;
	rig.c->reload->done++; // as after a reload
	rig_run(SOON);
	assert_int_equal(wr_l3_tunnel_of(rig.c->l3, &behind), 0);
}

// Control sees another port in the place of lan: one that takes four rules.
static struct wr_port *steering, *lan;

static int setup_steering(void **state)
{
	const struct wr_sim_config sc = {.rx_queues = 2, .tx_queues = 2, .spi_rules = 4};
	struct wr_err err = {0};

	tunnels_make(2);
	steering = wr_sim_port_create("steering", TRI_LAN, &sc);
	assert_non_null(steering);
	assert_int_equal(wr_port_start(steering, rig.t->pools, &err), 0);
	lan = rig.t->f->cfg.ports[TRI_LAN];
	rig.t->f->cfg.ports[TRI_LAN] = steering;
	control_make();
	return 0;
}

static int teardown_steering(void **state)
{
	tri_settle(rig.t);
	wr_ctl_destroy(rig.c);
	rig.c = NULL;
	rig.t->f->cfg.ports[TRI_LAN] = lan;
	wr_port_close(steering);
	return tunnels_teardown(state);
}

static uint32_t rules(const struct ipsec_generation *g)
{
	return (g->rule[0] != NULL) + (g->rule[1] != NULL);
}

static void ipsec_nic_steers_where_it_can(void **state)
{
	assert_int_equal(rules(stage(0, IPSEC_CURRENT)), 2);
	// Rules of what was retired are there for others.
	for (uint32_t set = 2; set < 6; set++) {
		keys_are(0, set);
		rekey_must(0, 1);
		assert_int_equal(rules(stage(0, IPSEC_NEXT)), 2);
		rig_run(6 * WR_US_PER_S);
		assert_int_equal(number(0, IPSEC_CURRENT), set);
	}
	// Without room for a rule workers do it.
	keys_are(0, 6);
	rekey_must(0, 1);
	rig_run(21 * WR_US_PER_S / 10);
	keys_are(0, 7);
	rekey_must(0, 1);
	assert_int_equal(rules(stage(0, IPSEC_NEXT)), 0);
	rig_run(SOON);
	assert_int_equal(number(0, IPSEC_NEXT), 7);
}

#define CASE(name)     cmocka_unit_test_setup_teardown(name, tunnels_setup, tunnels_teardown)
#define CASE_TWO(name) cmocka_unit_test_setup_teardown(name, tunnels_setup_two, tunnels_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE_TWO(ipsec_first_keys_are_in_force_after_the_start),
		cmocka_unit_test(ipsec_start_without_keys_fails),
		cmocka_unit_test_setup_teardown(
			ipsec_start_without_tunnels, rig_setup, rig_teardown),
		CASE(ipsec_rekey_of_the_same_file_is_nothing_new),
		CASE(ipsec_rekey_switches_after_a_time_and_retires),
		CASE_TWO(ipsec_rekey_switches_when_the_far_side_is_heard),
		CASE(ipsec_rekey_replaces_the_next),
		CASE(ipsec_rekey_again_soon_waits_for_the_old),
		CASE(ipsec_rekey_again_soon_does_not_wait_when_heard),
		CASE(ipsec_rekey_again_soon_does_not_wait_at_the_end),
		CASE_TWO(ipsec_table_is_compacted_when_keys_leave),
		CASE_TWO(ipsec_switch_is_told_again_when_a_mailbox_was_full),
		CASE_TWO(ipsec_rekey_is_refused_while_too_many_leave),
		CASE(ipsec_end_while_some_are_leaving),
		cmocka_unit_test_setup_teardown(
			ipsec_optional_tunnel_is_required_from_the_first_keys_on, setup_optional,
			tunnels_teardown),
		CASE(ipsec_required_tunnel_is_never_in_clear),
		cmocka_unit_test_setup_teardown(
			ipsec_nic_steers_where_it_can, setup_steering, teardown_steering),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}

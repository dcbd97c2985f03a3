/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#include <errno.h>

#include "l3_priv.h"

// Of either family: an address on port 0 that comes at run time, a client there, and who asks.
struct family {
	const char *vip, *client, *own;
	bool v4;
};
static const struct family families[] = {
	{"198.18.0.77", "198.18.0.7", "198.18.0.1", true},
	{"2001:db8::77", "2001:db8::7", "2001:db8::1", false},
};

static enum wr_l3_class class_of(const struct rig *r, const char *text)
{
	struct wr_addr a = t_addr(text);

	return wr_l3_classify(r->net, &a);
}

static int add(struct rig *r, const char *text)
{
	struct wr_addr a = t_addr(text);

	return wr_l3_vip_add(r->l[0], &a, r->now);
}

static int may(struct rig *r, const char *text, uint32_t more)
{
	struct wr_addr a = t_addr(text);

	return wr_l3_vip_may(r->net, &a, more);
}

static void drop(struct rig *r, const char *text)
{
	struct wr_addr a = t_addr(text);

	wr_l3_vip_drop(r->l[0], &a);
}

// Whether a station that asks for the address gets an answer.
static bool answers(struct rig *r, const struct family *f)
{
	uint32_t before = r->tx.count;

	if (f->v4)
		rig_input(r, 0,
			t_arp(r, &(struct t_arp){0, 1, &t_bcast, &t_peer, f->client, f->vip}));
	else
		rig_input(r, 0,
			t_nd(r, &(struct t_nd){
					135, 0, &t_peer, f->client, "ff02::1:ff00:77", f->vip}));
	for (uint32_t i = before; i < r->tx.count; i++) {
		const uint8_t *l3 = sent(r, i) + sent_l2(r, i);

		if (f->v4 ? sent_type(r, i) == 0x0806 && l3[7] == 2
			  : sent_type(r, i) == 0x86dd && l3[40] == 136)
			return true;
	}
	return false;
}

// Frames that ask who else has an address, or tell everybody that it is ours.
static uint32_t frames_about(const struct rig *r, const struct family *f)
{
	struct wr_addr a = t_addr(f->vip);
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->tx.count; i++) {
		const uint8_t *l3 = sent(r, i) + sent_l2(r, i);

		if (f->v4)
			n += sent_type(r, i) == 0x0806 && memcmp(l3 + 24, &a.w[3], 4) == 0;
		else
			n += sent_type(r, i) == 0x86dd && memcmp(l3 + 48, a.b, 16) == 0;
	}
	return n;
}

static void open_with(struct rig *r, uint32_t room, bool dad)
{
	rig_config(r);
	r->cfg.vip_room = room;
	r->cfg.dad = dad;
	rig_start(r);
}

static void vip_add_is_probed_then_served(void **state)
{
	for (size_t i = 0; i < RTE_DIM(families); i++) {
		const struct family *f = &families[i];
		struct wr_event ev;
		struct rig r;

		open_with(&r, 8, true);
		assert_int_equal(class_of(&r, f->vip), WR_L3_NOT_OURS);
		assert_false(answers(&r, f));
		assert_int_equal(add(&r, f->vip), 0);
		assert_int_equal(class_of(&r, f->vip), WR_L3_TENTATIVE);
		assert_false(wr_l3_ready(r.net));
		assert_false(answers(&r, f));
		// the timer knows of it
		assert_true(wr_l3_next_timer(r.l[0]) <= r.now + 50 * T_MS);
		rig_run(&r, 500 * T_MS);
		assert_int_equal(frames_about(&r, f), 3);
		assert_int_equal(class_of(&r, f->vip), WR_L3_TENTATIVE);
		rig_run(&r, 200 * T_MS);
		assert_int_equal(class_of(&r, f->vip), WR_L3_VIP);
		assert_true(wr_l3_ready(r.net));
		assert_true(next_event(&r, WR_EV_addr_ready, &ev));
		assert_true(wr_addr_eq(&ev.a.addr, &(struct wr_addr[]){t_addr(f->vip)}[0]));
		rig_run(&r, 2 * T_S);
		assert_int_equal(frames_about(&r, f), 3 + 2);
		rig_clear(&r);
		assert_true(answers(&r, f));
		rig_stop(&r);
	}
}

static void vip_add_without_detection_serves_at_once(void **state)
{
	for (size_t i = 0; i < RTE_DIM(families); i++) {
		const struct family *f = &families[i];
		struct rig r;

		open_with(&r, 8, false);
		assert_int_equal(add(&r, f->vip), 0);
		assert_int_equal(class_of(&r, f->vip), WR_L3_VIP);
		assert_true(wr_l3_ready(r.net));
		assert_true(answers(&r, f));
		rig_clear(&r);
		rig_run(&r, 3 * T_S);
		assert_int_equal(frames_about(&r, f), 2); // announced
		rig_stop(&r);
	}
}

static void vip_add_finds_a_duplicate(void **state)
{
	const struct family *f = &families[0];
	struct wr_event ev;
	struct rig r;

	open_with(&r, 8, true);
	assert_int_equal(add(&r, f->vip), 0);
	rig_run(&r, 100 * T_MS);
	rig_input(&r, 0, t_arp(&r, &(struct t_arp){0, 2, &t_mac0, &t_peer, f->vip, "0.0.0.0"}));
	assert_true(next_event(&r, WR_EV_neigh_conflict, &ev));
	rig_run(&r, 5 * T_S);
	assert_int_equal(class_of(&r, f->vip), WR_L3_TENTATIVE);
	assert_false(answers(&r, f));
	// Given up meanwhile: nobody waits for it, and it is not tried again.
	drop(&r, f->vip);
	assert_true(wr_l3_ready(r.net));
	rig_clear(&r);
	rig_run(&r, 20 * T_S);
	assert_int_equal(frames_about(&r, f), 0);
	assert_int_equal(class_of(&r, f->vip), WR_L3_NOT_OURS);
	rig_stop(&r);
}

static void vip_drop_is_silent_from_then_on(void **state)
{
	for (size_t i = 0; i < RTE_DIM(families); i++) {
		const struct family *f = &families[i];
		struct rig r;

		open_with(&r, 8, true);
		add(&r, f->vip);
		rig_run(&r, T_SETTLE);
		rig_clear(&r);
		drop(&r, f->vip);
		assert_int_equal(class_of(&r, f->vip), WR_L3_NOT_OURS);
		assert_true(wr_l3_ready(r.net));
		assert_false(answers(&r, f));
		rig_clear(&r);
		wr_l3_announce(r.l[0], r.now);
		rig_run(&r, 5 * T_S);
		assert_int_equal(frames_about(&r, f), 0);
		// who has it now is nobody's rival
		if (f->v4)
			rig_input(&r, 0,
				t_arp(&r,
					&(struct t_arp){0, 1, &t_bcast, &t_peer, f->vip, f->vip}));
		assert_int_equal(r.stats[0].drop[WR_DROP_addr_conflict], 0);
		rig_stop(&r);
	}
}

static void vip_drop_while_probing(void **state)
{
	const struct family *f = &families[0];
	struct rig r;

	open_with(&r, 8, true);
	add(&r, f->vip);
	rig_run(&r, 60 * T_MS);
	rig_clear(&r);
	drop(&r, f->vip);
	assert_true(wr_l3_ready(r.net));
	rig_run(&r, 5 * T_S);
	assert_int_equal(frames_about(&r, f), 0);
	rig_stop(&r);
}

static void vip_comes_back_through_detection(void **state)
{
	for (size_t i = 0; i < RTE_DIM(families); i++) {
		const struct family *f = &families[i];
		uint32_t count;
		struct rig r;

		open_with(&r, 8, true);
		add(&r, f->vip);
		count = r.net->addr_count;
		rig_run(&r, T_SETTLE);
		for (int round = 0; round < 3; round++) {
			drop(&r, f->vip);
			assert_int_equal(class_of(&r, f->vip), WR_L3_NOT_OURS);
			rig_run(&r, T_S);
			rig_clear(&r);
			assert_int_equal(add(&r, f->vip), 0);
			assert_int_equal(class_of(&r, f->vip), WR_L3_TENTATIVE);
			assert_false(answers(&r, f));
			rig_run(&r, T_SETTLE);
			assert_int_equal(frames_about(&r, f), 3 + 2);
			assert_int_equal(class_of(&r, f->vip), WR_L3_VIP);
			assert_true(answers(&r, f));
		}
		assert_int_equal(r.net->addr_count, count); // one entry for all time
		rig_stop(&r);
	}
}

static void vip_of_the_start_comes_back(void **state)
{
	struct rig r;

	open_with(&r, 0, true);
	drop(&r, "198.18.0.100");
	assert_int_equal(class_of(&r, "198.18.0.100"), WR_L3_NOT_OURS);
	assert_int_equal(add(&r, "198.18.0.100"), 0);
	assert_int_equal(class_of(&r, "198.18.0.100"), WR_L3_TENTATIVE);
	rig_run(&r, T_SETTLE);
	assert_int_equal(class_of(&r, "198.18.0.100"), WR_L3_VIP);
	rig_stop(&r);
}

static void vip_twice_is_one(void **state)
{
	const struct family *f = &families[0];
	uint32_t count;
	struct rig r;

	open_with(&r, 8, true);
	assert_int_equal(add(&r, f->vip), 0);
	rig_run(&r, T_SETTLE);
	count = r.net->addr_count;
	rig_clear(&r);
	assert_int_equal(add(&r, f->vip), 0);
	assert_int_equal(class_of(&r, f->vip), WR_L3_VIP); // and not probed again
	rig_run(&r, T_S);
	assert_int_equal(frames_about(&r, f), 0);
	assert_int_equal(r.net->addr_count, count);
	// one that is dropped twice is gone once
	drop(&r, f->vip);
	drop(&r, f->vip);
	drop(&r, "198.18.0.78"); // and one that never was ours, not at all
	assert_int_equal(class_of(&r, f->vip), WR_L3_NOT_OURS);
	assert_true(wr_l3_ready(r.net));
	rig_stop(&r);
}

static void vip_leaves_other_kinds_alone(void **state)
{
	static const char *const own[] = {"198.18.0.1", "2001:db8::1", "198.19.0.1"};
	struct rig r;

	open_with(&r, 8, true);
	for (size_t i = 0; i < RTE_DIM(own); i++) {
		assert_int_equal(add(&r, own[i]), 0);
		assert_int_equal(class_of(&r, own[i]), WR_L3_OWN);
		drop(&r, own[i]);
		assert_int_equal(class_of(&r, own[i]), WR_L3_OWN);
	}
	assert_int_equal(add(&r, "198.18.0.255"), -EINVAL);
	drop(&r, "198.18.0.255");
	assert_int_equal(class_of(&r, "198.18.0.255"), WR_L3_GROUP);
	assert_int_equal(add(&r, "198.19.255.255"), -EINVAL);
	rig_stop(&r);
}

static void vip_add_refuses_what_is_not_unicast(void **state)
{
	static const char *const bad[] = {"224.0.0.5", "ff02::1", "0.0.0.0", "::", "127.0.0.1",
		"::1", "239.1.2.3", "ff05::2"};
	uint32_t count;
	struct rig r;

	open_with(&r, 8, true);
	count = r.net->addr_count;
	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		enum wr_l3_class before = class_of(&r, bad[i]);

		assert_int_equal(add(&r, bad[i]), -EINVAL);
		assert_int_equal(class_of(&r, bad[i]), before);
	}
	assert_int_equal(r.net->addr_count, count);
	assert_true(wr_l3_ready(r.net));
	rig_stop(&r);
}

// Routed to us: nobody on a link is asked or told.
static void vip_in_no_prefix_is_served_at_once(void **state)
{
	struct rig r;

	open_with(&r, 8, true);
	assert_int_equal(add(&r, "198.18.200.9"), 0);
	assert_int_equal(add(&r, "2001:db8:99::9"), 0);
	assert_int_equal(class_of(&r, "198.18.200.9"), WR_L3_VIP);
	assert_int_equal(class_of(&r, "2001:db8:99::9"), WR_L3_VIP);
	assert_true(wr_l3_ready(r.net));
	rig_run(&r, 5 * T_S);
	assert_int_equal(r.tx.count, 0);
	drop(&r, "198.18.200.9");
	assert_int_equal(class_of(&r, "198.18.200.9"), WR_L3_NOT_OURS);
	rig_stop(&r);
}

static void vip_room_ends(void **state)
{
	uint32_t room, n = 0;
	char text[32];
	struct rig r;

	open_with(&r, 8, false);
	room = r.net->addr_room - r.net->addr_count;
	assert_true(room >= 8 - 3);
	assert_int_equal(may(&r, "198.18.0.30", room - 1), 0);
	assert_int_equal(may(&r, "198.18.0.30", room), -ENOSPC);
	for (; n < room; n++) {
		snprintf(text, sizeof(text), "198.18.0.%u", 130 + n);
		assert_int_equal(add(&r, text), 0);
	}
	assert_int_equal(add(&r, "198.18.0.30"), -ENOSPC);
	assert_int_equal(class_of(&r, "198.18.0.30"), WR_L3_NOT_OURS);
	// A gone one keeps its entry, for itself alone.
	drop(&r, "198.18.0.130");
	assert_int_equal(may(&r, "198.18.0.130", 100), 1);
	assert_int_equal(may(&r, "198.18.0.131", 100), 1);
	assert_int_equal(may(&r, "198.18.0.30", 0), -ENOSPC);
	assert_int_equal(add(&r, "198.18.0.30"), -ENOSPC);
	assert_int_equal(add(&r, "198.18.0.130"), 0);
	assert_int_equal(class_of(&r, "198.18.0.130"), WR_L3_VIP);
	for (n = 0; n < room; n++) {
		snprintf(text, sizeof(text), "198.18.0.%u", 130 + n);
		assert_int_equal(class_of(&r, text), WR_L3_VIP);
	}
	rig_stop(&r);
}

// Others read the same table: what worker 0 adds and drops holds for them, and neighbour messages
// that they may not handle change nothing.
static void vip_is_seen_by_other_workers(void **state)
{
	const struct family *f = &families[0];
	struct wr_addr vip = t_addr(f->vip), src;
	struct rig r;

	open_with(&r, 8, true);
	add(&r, f->vip);
	assert_int_equal(wr_l3_classify(r.l[1]->net, &vip), WR_L3_TENTATIVE);
	rig_input(&r, 1, t_arp(&r, &(struct t_arp){0, 2, &t_mac0, &t_peer, f->vip, "0.0.0.0"}));
	rig_run(&r, T_SETTLE);
	assert_int_equal(wr_l3_classify(r.l[1]->net, &vip), WR_L3_VIP);
	rig_clear(&r);
	assert_false(rig_input(
		&r, 1, t_arp(&r, &(struct t_arp){0, 1, &t_bcast, &t_peer, f->client, f->vip})));
	assert_int_equal(r.tx.count, 0);
	drop(&r, f->vip);
	assert_int_equal(wr_l3_classify(r.l[1]->net, &vip), WR_L3_NOT_OURS);
	// a source of our own stays the port's, whatever VIPs there are
	assert_true(wr_l3_source(r.net, &(struct wr_addr[]){t_addr(f->client)}[0], &src));
	assert_true(wr_addr_eq(&src, &(struct wr_addr[]){t_addr(f->own)}[0]));
	rig_stop(&r);
}

static void vip_groups_follow(void **state)
{
	struct rte_ether_addr list[16], want = {{0x33, 0x33, 0xff, 0x00, 0x00, 0x77}};
	struct rig r;

	open_with(&r, 8, true);
	for (int round = 0; round < 2; round++) {
		uint32_t n, seen = 0;

		add(&r, "2001:db8::77");
		n = wr_l3_multicast_macs(r.net, 0, list, RTE_DIM(list));
		for (uint32_t i = 0; i < n; i++)
			seen += rte_is_same_ether_addr(&list[i], &want);
		assert_int_equal(seen, 1);
		drop(&r, "2001:db8::77");
		n = wr_l3_multicast_macs(r.net, 0, list, RTE_DIM(list));
		for (uint32_t i = 0; i < n; i++)
			assert_false(rte_is_same_ether_addr(&list[i], &want));
	}
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vip_add_is_probed_then_served),
		cmocka_unit_test(vip_add_without_detection_serves_at_once),
		cmocka_unit_test(vip_add_finds_a_duplicate),
		cmocka_unit_test(vip_drop_is_silent_from_then_on),
		cmocka_unit_test(vip_drop_while_probing),
		cmocka_unit_test(vip_comes_back_through_detection),
		cmocka_unit_test(vip_of_the_start_comes_back),
		cmocka_unit_test(vip_twice_is_one),
		cmocka_unit_test(vip_leaves_other_kinds_alone),
		cmocka_unit_test(vip_add_refuses_what_is_not_unicast),
		cmocka_unit_test(vip_in_no_prefix_is_served_at_once),
		cmocka_unit_test(vip_room_ends),
		cmocka_unit_test(vip_is_seen_by_other_workers),
		cmocka_unit_test(vip_groups_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

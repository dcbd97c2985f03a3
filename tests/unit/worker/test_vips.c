/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

#include <errno.h>

#include <rte_arp.h>

#include "vips.h"
#include "wr_csum.h"

#define KEEP_US (5 * TRI_S)
#define AGAIN_S 5 // one that is in use is looked at again

// Service "two" is at .101 and ::101.
static const char *const two[] = {"198.18.0.101", "2001:db8::101"};

static struct triple *start(uint16_t workers)
{
	struct triple *t = tri_create(&(struct tri_config){.seed = 9,
		.workers = workers,
		.queues = workers,
		.spare = 1,
		.dad = true,
		.runtime = "  drain_timeout: 5s\n"});

	tri_run(t, 3 * TRI_S); // detection and announcements of the start
	return t;
}

static enum wr_l3_class class_of(struct triple *t, const char *text)
{
	struct wr_addr a = w_addr(text);

	return wr_l3_classify(t->f->l3, &a);
}

static void inject_arp(struct triple *t, const struct wr_addr *target)
{
	struct rte_ether_addr from = {{2, 0xbb, 0, 0, 0, 1}}, all;
	struct rte_arp_hdr a = {.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = 6,
		.arp_plen = 4,
		.arp_opcode = RTE_BE16(RTE_ARP_OP_REQUEST)};
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->pools->rx);

	assert_non_null(m);
	memset(&all, 0xff, sizeof(all));
	a.arp_data.arp_sha = from;
	a.arp_data.arp_sip = t->peer[TRI_CLIENT].addr4.w[3];
	a.arp_data.arp_tip = target->w[3];
	memcpy(rte_pktmbuf_append(m, sizeof(a)), &a, sizeof(a));
	assert_int_equal(wr_build_eth(m, &from, &all, RTE_ETHER_TYPE_ARP, 0), 0);
	w_inject(t, m);
}

static void inject_ns(struct triple *t, const struct wr_addr *target)
{
	struct rte_ether_addr from = {{2, 0xbb, 0, 0, 0, 1}};
	struct rte_ether_addr group = {
		{0x33, 0x33, 0xff, target->b[13], target->b[14], target->b[15]}};
	struct wr_addr to = w_addr("ff02::1:ff00:0"), src = t->peer[TRI_CLIENT].addr6;
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->pools->rx);
	uint8_t ns[32] = {135, [24] = 1, [25] = 1};
	uint16_t ck;

	assert_non_null(m);
	memcpy(to.b + 13, target->b + 13, 3);
	memcpy(ns + 8, target->b, 16);
	memcpy(ns + 26, &from, 6);
	ck = wr_csum_finish(
		wr_csum_add(wr_csum_pseudo(&src, &to, IPPROTO_ICMPV6, sizeof(ns)), ns, sizeof(ns)));
	memcpy(ns + 2, &ck, 2);
	memcpy(rte_pktmbuf_append(m, sizeof(ns)), ns, sizeof(ns));
	assert_int_equal(wr_build_ip(m, &src, &to, IPPROTO_ICMPV6, 255, 0), 0);
	assert_int_equal(wr_build_eth(m, &from, &group, RTE_ETHER_TYPE_IPV6, 0), 0);
	w_inject(t, m);
}

// Whether who asks for an address is told our MAC.
static bool answers(struct triple *t, const char *text)
{
	struct wr_addr a = w_addr(text);
	uint64_t before;

	tri_settle(t);
	before = tri_ctr(t, WR_CTR_arp_out);
	if (wr_addr_is_v4(&a))
		inject_arp(t, &a);
	else
		inject_ns(t, &a);
	tri_settle(t);
	return tri_ctr(t, WR_CTR_arp_out) > before;
}

static void serves(struct triple *t, uint32_t service, bool yes)
{
	struct tri_conn *c[2];

	for (int i = 0; i < 2; i++)
		c[i] = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
					      .up = 500,
					      .down = 5000,
					      .family = i == 0 ? 4 : 6,
					      .service = service});
	tri_run(t, 3 * TRI_S);
	for (int i = 0; i < 2; i++) {
		TRI_EQ(t, tri_complete(t, c[i]), yes);
		if (!c[i]->released)
			tri_reset(t, c[i]);
	}
}

static void add_two(struct triple *t)
{
	struct wr_conf *fresh = tri_edit(t);

	tri_add_service(t, fresh, "two", 1, 0);
	tri_change(t, fresh);
}

static void remove_two(struct triple *t)
{
	struct wr_conf *fresh = tri_edit(t);

	for (uint32_t i = 1; i < fresh->service_count; i++)
		fresh->services[i].slot = WR_CONF_LEAVING;
	tri_change(t, fresh);
}

// Control's looks, without traffic in between.
static void look(struct triple *t, wr_us_t us)
{
	tri_run_controlled(t, us, 100 * TRI_MS);
}

static void vips_of_a_new_service_answer_after_detection(void **state)
{
	for (uint16_t workers = 1; workers <= 2; workers++) {
		struct triple *t = start(workers);

		for (int i = 0; i < 2; i++) {
			assert_int_equal(class_of(t, two[i]), WR_L3_NOT_OURS);
			assert_false(answers(t, two[i]));
		}
		add_two(t);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(class_of(t, two[i]), WR_L3_TENTATIVE);
			assert_false(answers(t, two[i]));
		}
		tri_run(t, TRI_S);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(class_of(t, two[i]), WR_L3_VIP);
			assert_true(answers(t, two[i]));
		}
		serves(t, 1, true);
		serves(t, 0, true);
		tri_finish(t);
	}
}

static void vips_are_given_up_after_a_while(void **state)
{
	struct triple *t = start(2);

	add_two(t);
	look(t, 3 * TRI_S);
	serves(t, 1, true);
	remove_two(t);
	// For who still sends there: told that it is over, not left without an answer.
	look(t, KEEP_US - TRI_S);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(class_of(t, two[i]), WR_L3_VIP);
		assert_true(answers(t, two[i]));
	}
	look(t, 3 * TRI_S);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(class_of(t, two[i]), WR_L3_NOT_OURS);
		assert_false(answers(t, two[i]));
	}
	// Off the list; those of the first service and the sources are untouched.
	for (uint32_t i = 0; i < t->f->vips.count; i++)
		assert_true(t->f->vips.list[i].wanted);
	assert_int_equal(class_of(t, "198.18.0.100"), WR_L3_VIP);
	assert_int_equal(class_of(t, "198.18.1.12"), WR_L3_VIP);
	serves(t, 0, true);
	tri_finish(t);
}

static void vips_stay_while_a_session_lives(void **state)
{
	struct triple *t = start(2);
	struct tri_conn *c[2];

	add_two(t);
	look(t, 3 * TRI_S);
	for (int i = 0; i < 2; i++)
		c[i] = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO,
					      .up = 100,
					      .hold = true,
					      .family = i == 0 ? 4 : 6,
					      .service = 1});
	look(t, TRI_S);
	remove_two(t);
	look(t, 4 * KEEP_US);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(class_of(t, two[i]), WR_L3_VIP);
		assert_true(answers(t, two[i]));
		assert_false(c[i]->closed);
		c[i]->up = 5000;
		c[i]->hold = false;
	}
	look(t, 200 * TRI_MS);
	for (int i = 0; i < 2; i++)
		TRI_CHECK(t, tri_complete(t, c[i]));
	look(t, 8 * TRI_S); // it is looked at again after a while
	for (int i = 0; i < 2; i++)
		assert_int_equal(class_of(t, two[i]), WR_L3_NOT_OURS);
	tri_finish(t);
}

static void vips_come_back(void **state)
{
	struct triple *t = start(2);

	for (int round = 0; round < 3; round++) {
		add_two(t);
		for (int i = 0; i < 2; i++)
			assert_int_equal(class_of(t, two[i]), WR_L3_TENTATIVE);
		look(t, 3 * TRI_S);
		serves(t, 1, true);
		remove_two(t);
		look(t, KEEP_US + 2 * TRI_S);
		for (int i = 0; i < 2; i++)
			assert_int_equal(class_of(t, two[i]), WR_L3_NOT_OURS);
	}
	tri_finish(t);
}

// Turns of control and of the workers that it takes to find that nobody has an address.
static uint32_t turns_to_look(uint16_t workers)
{
	struct triple *t = tri_create(&(struct tri_config){.seed = 9,
		.workers = workers,
		.queues = workers,
		.spare = 1,
		.max_sessions = 1024u * workers, // as many in each
		.runtime = "  drain_timeout: 5s\n"});
	uint32_t n = 0;

	add_two(t);
	tri_run(t, 3 * TRI_S);
	remove_two(t);
	t->now += KEEP_US + 2 * TRI_S;
	for (; class_of(t, two[0]) == WR_L3_VIP && n < 100; n++) {
		wr_fabric_turn(t->f, t->now);
		tri_settle(t);
	}
	tri_finish(t);
	return n;
}

static void vips_are_asked_of_all_workers_at_once(void **state)
{
	uint32_t one = turns_to_look(1);

	assert_in_range(one, 3, 20);
	assert_int_equal(turns_to_look(3), one);
}

// Listed again before it was given up: it never was away, and is not probed.
static void vips_that_are_wanted_again_in_time_stay(void **state)
{
	struct triple *t = start(2);

	add_two(t);
	look(t, 3 * TRI_S);
	remove_two(t);
	look(t, KEEP_US - TRI_S);
	add_two(t);
	for (int i = 0; i < 2; i++)
		assert_int_equal(class_of(t, two[i]), WR_L3_VIP);
	look(t, 3 * KEEP_US);
	for (int i = 0; i < 2; i++)
		assert_int_equal(class_of(t, two[i]), WR_L3_VIP);
	serves(t, 1, true);
	tri_finish(t);
}

// Worker 0 is asked to give an address up, and before it does the address is wanted again.
static void vips_that_are_wanted_again_at_the_last_moment(void **state)
{
	struct triple *t = start(1);

	add_two(t);
	look(t, 3 * TRI_S);
	remove_two(t);
	t->now += KEEP_US + 2 * TRI_S;
	wr_fabric_turn(t->f, t->now); // posted, not read
	assert_int_equal(class_of(t, two[0]), WR_L3_VIP);
	add_two(t);
	look(t, 3 * TRI_S);
	for (int i = 0; i < 2; i++)
		assert_int_equal(class_of(t, two[i]), WR_L3_VIP);
	serves(t, 1, true);
	// From then on it can be given up as any other.
	remove_two(t);
	look(t, KEEP_US + 3 * TRI_S);
	for (int i = 0; i < 2; i++)
		assert_int_equal(class_of(t, two[i]), WR_L3_NOT_OURS);
	tri_finish(t);
}

// An address that moves from one service to another is never away.
static void vips_of_two_services_in_turn(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh;

	add_two(t);
	look(t, 3 * TRI_S);
	fresh = tri_edit(t);
	fresh->services[1].slot = WR_CONF_LEAVING;
	tri_add_service(t, fresh, "three", 1, 0);
	tri_change(t, fresh);
	for (int i = 0; i < 2; i++)
		assert_int_equal(class_of(t, two[i]), WR_L3_VIP);
	look(t, 3 * KEEP_US);
	serves(t, 1, true);
	tri_finish(t);
}

static void vips_of_sources_come_and_go(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh = tri_edit(t);

	assert_int_equal(class_of(t, "198.18.1.40"), WR_L3_NOT_OURS);
	fresh->pools[0].source[0].first = w_addr("198.18.1.40");
	fresh->pools[0].source[0].last = w_addr("198.18.1.42");
	tri_change(t, fresh);
	assert_int_equal(class_of(t, "198.18.1.40"), WR_L3_TENTATIVE);
	look(t, 3 * TRI_S);
	assert_int_equal(class_of(t, "198.18.1.42"), WR_L3_VIP);
	assert_int_equal(class_of(t, "198.18.1.43"), WR_L3_NOT_OURS);
	serves(t, 0, true);
	look(t, 2 * KEEP_US);
	assert_int_equal(class_of(t, "198.18.1.10"), WR_L3_NOT_OURS);
	serves(t, 0, true);
	tri_finish(t);
}

// Sessions that began from a source which is not listed any more go on, as long as they live.
static void vips_of_sources_stay_while_a_session_lives(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh;
	struct tri_conn *c[8];

	for (int i = 0; i < 8; i++)
		c[i] = tri_connect(
			t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
	look(t, TRI_S);
	fresh = tri_edit(t);
	fresh->pools[0].source[0].first = w_addr("198.18.1.40");
	fresh->pools[0].source[0].last = w_addr("198.18.1.42");
	fresh->pools[0].source[1].first = w_addr("2001:db8:1::40");
	fresh->pools[0].source[1].last = w_addr("2001:db8:1::42");
	tri_change(t, fresh);
	look(t, 4 * KEEP_US);
	for (int i = 0; i < 8; i++) {
		TRI_CHECK(t, tri_other(t, c[i]) != NULL && !c[i]->closed);
		c[i]->up = 5000;
		c[i]->hold = false;
	}
	look(t, 5 * TRI_S);
	for (int i = 0; i < 8; i++)
		TRI_CHECK(t, tri_complete(t, c[i]));
	look(t, 3 * TRI_S);
	tri_change(t, NULL);
	look(t, 3 * TRI_S);
	assert_int_equal(class_of(t, "198.18.1.10"), WR_L3_NOT_OURS);
	assert_int_equal(class_of(t, "2001:db8:1::12"), WR_L3_NOT_OURS);
	tri_finish(t);
}

// Addresses that stay in use are due again before all of them were looked at once: those behind
// them in the list have their turn all the same.
static void vips_in_use_hold_no_others_up(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh = tri_edit(t);
	struct tri_conn *c[60];
	uint32_t in_use = 0;

	fresh->pools[0].source[0].first = w_addr("198.18.1.10");
	fresh->pools[0].source[0].last = w_addr("198.18.1.19");
	tri_change(t, fresh);
	add_two(t);
	look(t, 3 * TRI_S);
	for (int i = 0; i < 60; i++)
		c[i] = tri_connect(
			t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
	look(t, TRI_S);
	fresh = tri_edit(t);
	fresh->pools[0].source[0].first = w_addr("198.18.1.40");
	fresh->pools[0].source[0].last = w_addr("198.18.1.42");
	fresh->services[1].slot = WR_CONF_LEAVING;
	tri_change(t, fresh);
	look(t, KEEP_US + 30 * TRI_S);
	for (uint32_t i = 0; i < t->f->vips.count; i++)
		in_use += !t->f->vips.list[i].wanted && !t->f->vips.list[i].asked;
	assert_in_range(in_use, AGAIN_S + 2, 10);
	for (int i = 0; i < 2; i++)
		assert_int_equal(class_of(t, two[i]), WR_L3_NOT_OURS);
	for (int i = 0; i < 60; i++)
		TRI_CHECK(t, tri_other(t, c[i]) != NULL && !c[i]->closed);
	tri_finish(t);
}

// A port's own address is no VIP: a service there comes and goes without it.
static void vips_are_not_own_addresses(void **state)
{
	struct triple *t = start(1);
	struct wr_conf *fresh = tri_edit(t);
	struct wr_conf_service *sv = tri_add_service(t, fresh, "own", 1, 0);
	uint32_t count = t->f->vips.count;

	sv->listen[0].addr = w_addr("198.18.0.1");
	sv->listen[1].addr = w_addr("2001:db8::1");
	tri_change(t, fresh);
	assert_int_equal(t->f->vips.count, count);
	assert_int_equal(class_of(t, "198.18.0.1"), WR_L3_OWN);
	remove_two(t);
	look(t, KEEP_US + 3 * TRI_S);
	assert_int_equal(class_of(t, "198.18.0.1"), WR_L3_OWN);
	tri_finish(t);
}

// --- the list alone -----------------------------------------------------------------------------

// Pools with 256 sources each.
static struct wr_conf *many_sources(uint32_t pools)
{
	struct wr_conf *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	for (uint32_t i = 0; i < pools; i++) {
		struct wr_conf_pool *pc = &c->pools[c->pool_count++];

		pc->source_count = 1;
		pc->source[0].first = pc->source[0].last = w_addr("198.19.0.0");
		pc->source[0].first.b[14] = pc->source[0].last.b[14] = (uint8_t)i;
		pc->source[0].last.b[15] = 255;
	}
	return c;
}

static void vips_list_is_full(void **state)
{
	struct wr_conf *few = many_sources(2), *most = many_sources(VIPS_MAX / 256),
		       *more = many_sources(VIPS_MAX / 256 + 1);
	struct wr_err err = {0};
	struct vips v = {0};

	assert_int_equal(vips_init(&v, few, &err), 0);
	vips_commit(&v, 0, 0);
	assert_int_equal(v.count, 512);
	assert_int_equal(vips_plan(&v, more, NULL, &err), -E2BIG);
	assert_non_null(strstr(err.text, "use fewer source addresses"));
	assert_int_equal(v.count, 512);
	for (uint32_t i = 0; i < v.count; i++)
		assert_true(v.list[i].wanted && !v.list[i].fresh);
	assert_int_equal(vips_plan(&v, most, NULL, &err), 0);
	assert_int_equal(v.count, VIPS_MAX);
	assert_true(!v.list[0].fresh && v.list[VIPS_MAX - 1].fresh);
	vips_cancel(&v);
	assert_int_equal(v.count, 512);
	// Those that are being given up still have their room.
	assert_int_equal(vips_plan(&v, most, NULL, &err), 0);
	vips_commit(&v, KEEP_US, 0);
	assert_int_equal(vips_plan(&v, few, NULL, &err), 0);
	vips_commit(&v, KEEP_US, TRI_S);
	assert_int_equal(v.count, VIPS_MAX);
	assert_true(v.list[0].wanted && !v.list[VIPS_MAX - 1].wanted);
	assert_int_equal(v.list[VIPS_MAX - 1].until_us, TRI_S + KEEP_US);
	assert_int_equal(vips_plan(&v, more, NULL, &err), -E2BIG);
	assert_false(v.list[VIPS_MAX - 1].wanted);
	assert_int_equal(v.list[VIPS_MAX - 1].until_us, TRI_S + KEEP_US);
	vips_fini(&v);
	assert_null(v.list);
	free(few);
	free(most);
	free(more);
}

// Layer 3's table, which keeps those that were given up, has one place left: those that come back
// need none.
static void vips_that_come_back_need_no_room(void **state)
{
	struct wr_conf *first = many_sources(1), *both = many_sources(2);
	struct triple *t = start(1);
	struct wr_l3 *l3 = t->f->worker[0]->l3;
	struct wr_addr a = first->pools[0].source[0].first, none = w_addr("198.18.0.200");
	struct wr_err err = {0};
	struct vips v = {0};

	for (uint32_t i = 0; i < 256; i++, a = wr_addr_next(&a)) {
		assert_int_equal(wr_l3_vip_add(l3, &a, t->now), 0);
		wr_l3_vip_drop(l3, &a);
	}
	for (a = w_addr("198.19.128.0"); wr_l3_vip_may(t->f->l3, &none, 1) == 0;
		a = wr_addr_next(&a)) {
		assert_int_equal(wr_l3_vip_add(l3, &a, t->now), 0);
		wr_l3_vip_drop(l3, &a);
	}
	assert_int_equal(vips_init(&v, &(struct wr_conf){0}, &err), 0);
	both->pools[1].source[0].last = both->pools[1].source[0].first;
	assert_int_equal(vips_plan(&v, both, t->f->l3, &err), 0);
	vips_cancel(&v);
	both->pools[1].source[0].last.b[15] = 1; // two new ones
	assert_int_equal(vips_plan(&v, both, t->f->l3, &err), -ENOSPC);
	vips_fini(&v);
	free(first);
	free(both);
	tri_finish(t);
}

static void vips_cancel_forgets_what_was_planned(void **state)
{
	struct triple *t = start(1);
	uint32_t count = t->f->vips.count;
	struct wr_conf *fresh = tri_edit(t);
	struct wr_err err = {0};

	tri_add_service(t, fresh, "two", 1, 0);
	fresh->services[0].slot = WR_CONF_LEAVING;
	fresh->services[0].listen_count = 0;
	assert_int_equal(vips_plan(&t->f->vips, fresh, t->f->l3, &err), 0);
	assert_int_equal(t->f->vips.count, count + 2);
	vips_cancel(&t->f->vips);
	assert_int_equal(t->f->vips.count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_true(t->f->vips.list[i].wanted && !t->f->vips.list[i].fresh);
	wr_conf_free(fresh);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vips_of_a_new_service_answer_after_detection),
		cmocka_unit_test(vips_are_given_up_after_a_while),
		cmocka_unit_test(vips_stay_while_a_session_lives),
		cmocka_unit_test(vips_come_back),
		cmocka_unit_test(vips_are_asked_of_all_workers_at_once),
		cmocka_unit_test(vips_that_are_wanted_again_in_time_stay),
		cmocka_unit_test(vips_that_are_wanted_again_at_the_last_moment),
		cmocka_unit_test(vips_of_two_services_in_turn),
		cmocka_unit_test(vips_of_sources_come_and_go),
		cmocka_unit_test(vips_of_sources_stay_while_a_session_lives),
		cmocka_unit_test(vips_in_use_hold_no_others_up),
		cmocka_unit_test(vips_are_not_own_addresses),
		cmocka_unit_test(vips_list_is_full),
		cmocka_unit_test(vips_that_come_back_need_no_room),
		cmocka_unit_test(vips_cancel_forgets_what_was_planned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

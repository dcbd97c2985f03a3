/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit_test.h"

#include "wr_limits.h"

#include <rte_malloc.h>

#define NONE  WR_ACCESS_NONE
#define ALLOW WR_ACCESS_ALLOW
#define DENY  WR_ACCESS_DENY
#define ANY   WR_ACCESS_ANY
#define NO    WR_ACCESS_NO_CLASS

static struct wr_access *open_rules(const struct wr_access_rule *rules, uint32_t n)
{
	struct wr_access *a;
	struct wr_err err = {0};

	wr_test_eal_init();
	a = wr_access_create(NULL);
	assert_non_null(a);
	if (wr_access_add(a, rules, n, &err) != 0)
		fail_msg("%s", err.text);
	return a;
}

static void give(struct wr_access *a, struct wr_access_rule r)
{
	struct wr_err err = {0};

	if (wr_access_add(a, &r, 1, &err) != 0)
		fail_msg("%s", err.text);
}

static bool denied(struct wr_access *a, const char *client, uint16_t service)
{
	struct wr_addr addr = t_addr(client);

	return wr_access_look(a, &addr, service, 4).denied;
}

static uint8_t class_of(struct wr_access *a, const char *client, uint16_t service)
{
	struct wr_addr addr = t_addr(client);

	return wr_access_look(a, &addr, service, 4).class;
}

static void access_empty_says_nothing(void **state)
{
	struct wr_access *a = open_rules(NULL, 0);
	struct wr_access_rule out;

	assert_false(denied(a, "198.18.0.1", 0));
	assert_int_equal(class_of(a, "2001:db8::1", 3), 4);
	assert_int_equal(wr_access_count(a), 0);
	assert_int_equal(wr_access_list(a, 0, &out, 1), 0);
	assert_int_equal(wr_access_expire(a, WR_US_NEVER, &out, 1), 0);
	wr_access_reclaim(a);
	wr_access_destroy(a);
	wr_access_destroy(NULL);
}

static void access_add_refuses_bad_rules(void **state)
{
	struct wr_access_rule good = t_rule("198.18.0.0/24", ANY, DENY, NO), bad[6];
	struct wr_access *a = open_rules(&good, 1);

	for (uint32_t i = 0; i < RTE_DIM(bad); i++)
		bad[i] = t_rule("198.18.1.0/24", 0, DENY, NO);
	bad[0].from.len = 95;
	bad[1].from.len = 129;
	bad[2].service = 256;
	bad[3].action = DENY + 1;
	bad[4].class = 8;
	bad[5].action = NONE;
	for (uint32_t i = 0; i < RTE_DIM(bad); i++) {
		struct wr_access_rule both[2] = {t_rule("198.18.9.0/24", 0, DENY, NO), bad[i]};
		struct wr_err err = {0};

		assert_int_equal(wr_access_add(a, both, 2, &err), -EINVAL);
		assert_non_null(strstr(err.text, "access: "));
		assert_int_equal(wr_access_add(a, &bad[i], 1, NULL), -EINVAL);
	}
	// All or none.
	assert_int_equal(wr_access_count(a), 1);
	assert_false(denied(a, "198.18.9.1", 0));
	assert_true(denied(a, "198.18.0.1", 0));
	wr_access_destroy(a);
}

static void access_add_replaces_same_key(void **state)
{
	struct wr_access_rule rules[] = {
		t_rule("198.18.0.7/24", 1, DENY, NO), // host bits do not make another rule
		t_rule("198.18.0.0/24", 1, NONE, 2),
		t_rule("198.18.0.0/24", 1, ALLOW, NO), // the last one of a list holds
	};
	struct wr_access *a = open_rules(rules, RTE_DIM(rules));

	assert_int_equal(wr_access_count(a), 2);
	assert_false(denied(a, "198.18.0.1", 1));
	assert_int_equal(class_of(a, "198.18.0.1", 1), 2);
	// A rule that states both replaces both.
	give(a, t_rule("198.18.0.0/24", 1, DENY, 0));
	assert_int_equal(wr_access_count(a), 2);
	assert_true(denied(a, "198.18.0.1", 1));
	assert_int_equal(class_of(a, "198.18.0.1", 1), 0);
	assert_false(denied(a, "198.18.0.1", 2));
	wr_access_destroy(a);
}

static void access_configured_overridden_not_removed(void **state)
{
	struct wr_access_rule conf = t_rule("2001:db8::/32", ANY, DENY, NO);
	struct wr_prefix from = conf.from;
	struct wr_err err = {0};
	struct wr_access *a;

	conf.configured = true;
	a = open_rules(&conf, 1);
	assert_int_equal(wr_access_remove(a, &from, ANY, &err), -EPERM);
	assert_non_null(strstr(err.text, "2001:db8::/32"));
	assert_true(denied(a, "2001:db8::1", 0));
	give(a, t_rule("2001:db8::/32", ANY, ALLOW, NO));
	assert_int_equal(wr_access_count(a), 2);
	assert_false(denied(a, "2001:db8::1", 0));
	// Reading the file again does not undo the operator's.
	give(a, conf);
	assert_false(denied(a, "2001:db8::1", 0));
	assert_int_equal(wr_access_remove(a, &from, ANY, NULL), 0);
	assert_true(denied(a, "2001:db8::1", 0));
	assert_int_equal(wr_access_count(a), 1);
	wr_access_destroy(a);
}

static void access_remove_unknown(void **state)
{
	struct wr_access_rule rules[] = {
		t_rule("198.18.0.0/24", 3, DENY, 1),
		t_rule("198.18.0.0/25", 3, DENY, NO),
	};
	struct wr_prefix from = rules[0].from, bad = from;
	struct wr_access *a = open_rules(rules, 2);
	struct wr_err err = {0};

	bad.len = 200;
	assert_int_equal(wr_access_remove(a, &bad, 3, NULL), -ENOENT);
	assert_int_equal(wr_access_remove(a, &from, ANY, &err), -ENOENT);
	assert_non_null(strstr(err.text, "198.18.0.0/24"));
	// Both statements of the rule go, host bits or not, and no other rule.
	from.addr.b[15] = 77;
	assert_int_equal(wr_access_remove(a, &from, 3, NULL), 0);
	assert_int_equal(wr_access_count(a), 1);
	assert_true(denied(a, "198.18.0.1", 3));
	assert_false(denied(a, "198.18.0.200", 3));
	assert_int_equal(class_of(a, "198.18.0.200", 3), 4);
	assert_int_equal(wr_access_remove(a, &from, 3, NULL), -ENOENT);
	wr_access_destroy(a);
}

static void access_expire_in_steps(void **state)
{
	struct wr_access_rule rules[6], out[4];
	struct wr_access *a;

	for (uint32_t i = 0; i < 6; i++) {
		rules[i] = t_rule("198.18.0.0/32", ANY, DENY, NO);
		rules[i].from.addr.b[15] = (uint8_t)i;
		rules[i].until_us = i == 5 ? 0 : (i + 1) * T_S;
	}
	rules[0].configured = true;
	a = open_rules(rules, 6);
	assert_int_equal(wr_access_expire(a, T_S - 1, out, 4), 0);
	assert_int_equal(wr_access_expire(a, T_S, out, 0), 0);
	assert_int_equal(wr_access_expire(a, T_S, out, 4), 1);
	assert_true(out[0].configured);
	assert_false(denied(a, "198.18.0.0", 1));
	assert_true(denied(a, "198.18.0.1", 1));
	assert_int_equal(wr_access_expire(a, 5 * T_S, out, 3), 3);
	assert_int_equal(out[2].from.addr.b[15], 3);
	assert_int_equal(wr_access_expire(a, 5 * T_S, out, 3), 1);
	assert_int_equal(wr_access_expire(a, WR_US_NEVER, out, 3), 0);
	assert_true(denied(a, "198.18.0.5", 1));
	// A new time for a rule takes the place of the old one.
	rules[5].until_us = 9 * T_S;
	give(a, rules[5]);
	rules[5].until_us = 20 * T_S;
	give(a, rules[5]);
	assert_int_equal(wr_access_expire(a, 10 * T_S, out, 4), 0);
	assert_int_equal(wr_access_expire(a, 20 * T_S, out, 4), 1);
	assert_int_equal(wr_access_count(a), 0);
	assert_false(denied(a, "198.18.0.5", 1));
	wr_access_destroy(a);
}

static void access_list_in_order(void **state)
{
	struct wr_access_rule rules[] = {
		t_rule("2001:db8::/32", ANY, DENY, NO),
		t_rule("198.18.1.0/24", ANY, DENY, NO),
		t_rule("198.18.0.0/16", ANY, DENY, NO),
		t_rule("198.18.0.0/15", 7, DENY, 3),
		t_rule("::/0", ANY, NONE, 6),
	};
	struct wr_access_rule out[8];
	struct wr_access *a = open_rules(rules, RTE_DIM(rules));

	assert_int_equal(wr_access_count(a), 6);
	assert_int_equal(wr_access_list(a, 0, out, 8), 6);
	for (uint32_t i = 0; i + 1 < 6; i++)
		assert_true(access_rule_cmp(&out[i], &out[i + 1]) < 0);
	assert_int_equal(out[0].class, 6);
	assert_int_equal(out[1].from.len, 96 + 15);
	assert_int_equal(out[1].action, DENY);
	assert_int_equal(out[1].class, NO);
	assert_int_equal(out[2].class, 3);
	assert_int_equal(wr_access_list(a, 4, out, 8), 2);
	assert_int_equal(out[1].from.len, 32);
	assert_int_equal(wr_access_list(a, 2, out, 1), 1);
	assert_int_equal(wr_access_list(a, 6, out, 8), 0);
	assert_int_equal(wr_access_list(a, UINT32_MAX, out, 8), 0);
	wr_access_destroy(a);
}

static void access_full_at_16384(void **state)
{
	struct wr_access_rule *rules = calloc(WR_ACCESS_RULES + 1, sizeof(*rules));
	struct wr_access *a;
	struct wr_err err = {0};

	for (uint32_t i = 0; i <= WR_ACCESS_RULES; i++) {
		rules[i] = i % 2 ? t_rule("198.18.0.0/32", ANY, DENY, NO)
		                 : t_rule("2001:db8::/64", ANY, DENY, NO);
		rules[i].from.addr.b[i % 2 ? 14 : 6] = (uint8_t)(i >> 8);
		rules[i].from.addr.b[i % 2 ? 15 : 7] = (uint8_t)i;
	}
	a = open_rules(rules, WR_ACCESS_RULES);
	assert_int_equal(wr_access_count(a), WR_ACCESS_RULES);
	assert_int_equal(wr_access_add(a, &rules[WR_ACCESS_RULES], 1, &err), -ENOSPC);
	assert_non_null(strstr(err.text, "16384"));
	assert_int_equal(wr_access_add(a, rules, WR_ACCESS_RULES + 1, NULL), -ENOSPC);
	// What is there already is not one more.
	assert_int_equal(wr_access_add(a, rules, 10, NULL), 0);
	assert_true(denied(a, "198.18.63.255", 9));
	assert_true(denied(a, "2001:db8:0:3ffe::1", 9));
	assert_false(denied(a, "198.18.63.254", 9));
	assert_false(denied(a, "2001:db8:0:3fff::1", 9));
	wr_access_destroy(a);
	free(rules);
}

// Memory runs out: the sentence says so and the rules before stay.
static void access_out_of_memory(void **state)
{
	struct wr_access_rule *rules = calloc(WR_ACCESS_RULES, sizeof(*rules));
	struct wr_access_rule first = t_rule("198.18.0.0/24", ANY, DENY, NO), out;
	struct wr_access *a;
	struct wr_err err = {0};
	void *piece[64];
	uint32_t n = 0;

	first.until_us = 5;
	a = open_rules(&first, 1);
	for (uint32_t i = 0; i < WR_ACCESS_RULES; i++) {
		rules[i] = t_rule("198.19.0.0/32", ANY, DENY, NO);
		rules[i].from.addr.b[14] = (uint8_t)(i >> 8);
		rules[i].from.addr.b[15] = (uint8_t)i;
	}
	for (size_t size = 256 << 20; size >= 1024; size /= 2)
		while (n < RTE_DIM(piece) && (piece[n] = rte_malloc("t", size, 0)) != NULL)
			n++;
	assert_int_equal(wr_access_add(a, rules, WR_ACCESS_RULES - 1, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "out of memory for 16384 rules"));
	assert_int_equal(wr_access_count(a), 1);
	assert_true(denied(a, "198.18.0.1", 1));
	assert_false(denied(a, "198.19.0.1", 1));
	while (n > 0)
		rte_free(piece[--n]);
	assert_int_equal(wr_access_expire(a, 5, &out, 1), 1);
	assert_int_equal(wr_access_add(a, rules, WR_ACCESS_RULES - 1, NULL), 0);
	assert_true(denied(a, "198.19.0.1", 1));
	wr_access_destroy(a);
	free(rules);
}

// Two lists in one process have trees of one kind at the same time.
static void access_two_instances(void **state)
{
	struct wr_access_rule r[2] = {
		t_rule("198.18.0.0/24", ANY, DENY, NO), t_rule("2001:db8::/64", ANY, DENY, NO)};
	struct wr_access *a = open_rules(&r[0], 2), *b = open_rules(&r[0], 1);

	assert_true(denied(a, "2001:db8::1", 0));
	assert_false(denied(b, "2001:db8::1", 0));
	wr_access_destroy(a);
	assert_true(denied(b, "198.18.0.1", 0));
	wr_access_destroy(b);
}

struct reader {
	struct wr_access *a;
	struct rte_rcu_qsbr *rcu;
	uint32_t *stop;
	uint32_t id;
	uint64_t looks, wrong;
};

// One of two lists is in force, and both deny the same in another way: never seen half.
static void *read_rules(void *arg)
{
	struct reader *me = arg;
	struct wr_addr v4 = t_addr("198.18.0.1"), v6 = t_addr("2001:db8::1"),
		       other = t_addr("198.19.0.1");

	rte_rcu_qsbr_thread_online(me->rcu, me->id);
	while (!__atomic_load_n(me->stop, __ATOMIC_ACQUIRE)) {
		for (uint32_t i = 0; i < 50; i++, me->looks++) {
			struct wr_access_verdict v = wr_access_look(me->a, &v4, 2, 4);

			me->wrong += !v.denied || v.class > 1;
			v = wr_access_look(me->a, &v6, 2, 4);
			me->wrong += !v.denied || v.class > 1;
			me->wrong += wr_access_look(me->a, &other, 2, 4).denied;
		}
		rte_rcu_qsbr_quiescent(me->rcu, me->id);
	}
	rte_rcu_qsbr_thread_offline(me->rcu, me->id);
	return NULL;
}

static void *read_or_write(void *arg)
{
	struct reader *me = arg;
	struct wr_access_rule r[2] = {
		t_rule("198.18.0.0/24", ANY, DENY, 0), t_rule("2001:db8::/64", ANY, DENY, 0)};

	if (me->id < 2)
		return read_rules(arg);
	for (uint32_t i = 0; i < 150; i++) {
		r[0].class = r[1].class = i % 2;
		me->wrong += wr_access_add(me->a, r, 2, NULL) != 0;
		wr_access_reclaim(me->a);
	}
	__atomic_store_n(me->stop, 1, __ATOMIC_RELEASE);
	return NULL;
}

static void access_threads_see_whole_lists(void **state)
{
	size_t size = RTE_ALIGN(rte_rcu_qsbr_get_memsize(2), RTE_CACHE_LINE_SIZE);
	struct rte_rcu_qsbr *rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	struct wr_access_rule r[2] = {
		t_rule("198.18.0.0/24", ANY, DENY, 0), t_rule("2001:db8::/64", ANY, DENY, 0)};
	struct reader readers[3];
	struct wr_access *a;
	uint32_t stop = 0;

	wr_test_eal_init();
	assert_int_equal(rte_rcu_qsbr_init(rcu, 2), 0);
	a = wr_access_create(rcu);
	assert_int_equal(wr_access_add(a, r, 2, NULL), 0);
	for (uint32_t i = 0; i < 3; i++) {
		readers[i] = (struct reader){a, rcu, &stop, i};
		if (i < 2)
			assert_int_equal(rte_rcu_qsbr_thread_register(rcu, i), 0);
	}
	t_threads(3, read_or_write, readers, sizeof(readers[0]));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(readers[i].wrong, 0);
	wr_access_destroy(a);
	free(rcu);
}

// A worker that is not quiet keeps what it may read; more lists than expected wait meanwhile.
static void access_retired_until_quiet(void **state)
{
	size_t size = RTE_ALIGN(rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	struct rte_rcu_qsbr *rcu = aligned_alloc(RTE_CACHE_LINE_SIZE, size);
	struct rte_malloc_socket_stats before, during, after;
	struct wr_access *a;

	wr_test_eal_init();
	assert_int_equal(rte_rcu_qsbr_init(rcu, 1), 0);
	assert_int_equal(rte_rcu_qsbr_thread_register(rcu, 0), 0);
	rte_rcu_qsbr_thread_online(rcu, 0);
	a = wr_access_create(rcu);
	give(a, t_rule("198.18.0.0/24", ANY, DENY, NO));
	rte_malloc_get_socket_stats(0, &before);
	for (uint32_t i = 0; i < 40; i++)
		give(a, t_rule("198.18.0.0/24", ANY, i % 2 ? DENY : ALLOW, NO));
	rte_malloc_get_socket_stats(0, &during);
	assert_true(during.heap_allocsz_bytes > before.heap_allocsz_bytes);
	rte_rcu_qsbr_quiescent(rcu, 0);
	wr_access_reclaim(a);
	rte_malloc_get_socket_stats(0, &after);
	assert_int_equal(after.heap_allocsz_bytes, before.heap_allocsz_bytes);
	assert_true(denied(a, "198.18.0.1", 0));
	// Some are still retired when it goes.
	give(a, t_rule("198.18.0.0/24", ANY, ALLOW, NO));
	wr_access_destroy(a);
	free(rcu);
}

// All that is configured is replaced at once; what operators gave stays, but of who is gone.
static void access_configure_replaces(void **state)
{
	struct wr_access_rule first[2] = {
		t_rule("198.18.1.0/24", ANY, DENY, NO), t_rule("2001:db8:1::/48", 3, NONE, 2)};
	struct wr_access_rule second[2] = {
		t_rule("198.18.1.0/24", ANY, ALLOW, NO), t_rule("198.18.2.0/24", ANY, DENY, NO)};
	bool gone[WR_MAX_SERVICES] = {[3] = true};
	struct wr_access *a = open_rules(NULL, 0);
	struct wr_access_rule out[8];
	struct wr_err err = {0};

	assert_int_equal(wr_access_configure(a, first, 2, NULL, &err), 0);
	assert_int_equal(wr_access_list(a, 0, out, 8), 2);
	assert_true(out[0].configured && out[1].configured);
	assert_true(denied(a, "198.18.1.1", 0));
	assert_int_equal(class_of(a, "2001:db8:1::1", 3), 2);
	give(a, t_rule("198.18.1.7/32", ANY, ALLOW, NO));
	give(a, t_rule("198.18.9.0/24", 3, DENY, NO));
	assert_int_equal(wr_access_configure(a, second, 2, NULL, &err), 0);
	assert_int_equal(wr_access_count(a), 4);
	assert_false(denied(a, "198.18.1.1", 0));
	assert_true(denied(a, "198.18.2.1", 0));
	assert_true(denied(a, "198.18.9.1", 3));
	assert_int_equal(class_of(a, "2001:db8:1::1", 3), 4);
	// The same again changes nothing; service 3 takes its operator's rules along.
	assert_int_equal(wr_access_configure(a, second, 2, NULL, &err), 0);
	assert_int_equal(wr_access_count(a), 4);
	assert_int_equal(wr_access_configure(a, second, 2, gone, &err), 0);
	assert_int_equal(wr_access_count(a), 3);
	assert_false(denied(a, "198.18.9.1", 3));
	assert_int_equal(wr_access_configure(a, NULL, 0, NULL, &err), 0);
	assert_int_equal(wr_access_count(a), 1);
	assert_false(denied(a, "198.18.2.1", 0));
	wr_access_destroy(a);
}

// A configured rule that an operator's hides holds again when that is removed, also a new one.
static void access_configure_under_an_operator(void **state)
{
	struct wr_access_rule deny = t_rule("198.18.1.0/24", ANY, DENY, NO);
	struct wr_access *a = open_rules(NULL, 0);
	struct wr_err err = {0};

	give(a, t_rule("198.18.1.0/24", ANY, ALLOW, NO));
	assert_int_equal(wr_access_configure(a, &deny, 1, NULL, &err), 0);
	assert_false(denied(a, "198.18.1.1", 0));
	assert_int_equal(wr_access_remove(a, &deny.from, ANY, &err), 0);
	assert_true(denied(a, "198.18.1.1", 0));
	wr_access_destroy(a);
}

static void access_configure_refused(void **state)
{
	struct wr_access_rule deny = t_rule("198.18.1.0/24", ANY, DENY, NO);
	struct wr_access_rule bad = t_rule("198.18.2.0/24", ANY, 9, NO);
	struct wr_access *a = open_rules(NULL, 0);
	struct wr_access_rule *many = calloc(WR_ACCESS_RULES + 1, sizeof(*many));
	struct wr_err err = {0};

	assert_non_null(many);
	assert_int_equal(wr_access_configure(a, &deny, 1, NULL, &err), 0);
	assert_int_equal(wr_access_configure(a, &bad, 1, NULL, &err), -EINVAL);
	assert_int_equal(wr_access_configure(a, many, WR_ACCESS_RULES + 1, NULL, &err), -ENOSPC);
	assert_int_equal(wr_access_count(a), 1);
	assert_true(denied(a, "198.18.1.1", 0));
	free(many);
	wr_access_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(access_empty_says_nothing),
		cmocka_unit_test(access_add_refuses_bad_rules),
		cmocka_unit_test(access_add_replaces_same_key),
		cmocka_unit_test(access_configured_overridden_not_removed),
		cmocka_unit_test(access_remove_unknown),
		cmocka_unit_test(access_expire_in_steps),
		cmocka_unit_test(access_list_in_order),
		cmocka_unit_test(access_full_at_16384),
		cmocka_unit_test(access_out_of_memory),
		cmocka_unit_test(access_two_instances),
		cmocka_unit_test(access_threads_see_whole_lists),
		cmocka_unit_test(access_retired_until_quiet),
		cmocka_unit_test(access_configure_replaces),
		cmocka_unit_test(access_configure_under_an_operator),
		cmocka_unit_test(access_configure_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#include <pthread.h>

#include "l3_priv.h"

// A MAC that tells which address it belongs to.
static struct rte_ether_addr mac_of(const struct wr_addr *a)
{
	struct rte_ether_addr mac = {{2, 0, a->b[12], a->b[13], a->b[14], a->b[15]}};

	return mac;
}

static struct wr_addr nth(uint32_t i)
{
	return wr_addr_from_v4(rte_cpu_to_be_32(0xc6130000u + i));
}

static void neigh_add_set_del(void **state)
{
	struct wr_addr a = nth(1);
	struct rte_ether_addr mac = mac_of(&a), got;
	struct l3_neigh *e;
	uint64_t word;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_null(l3_neigh_lookup(r.net, 0, &a, &word));
	e = l3_neigh_add(r.net, 0, &a, r.now);
	assert_ptr_equal(l3_neigh_lookup(r.net, 0, &a, &word), e);
	assert_int_equal(l3_word_state(word), L3_NEIGH_INCOMPLETE);
	assert_null(l3_neigh_lookup(r.net, 1, &a, &word)); // keyed by port as well
	l3_neigh_set(r.net, e, L3_NEIGH_REACHABLE, &mac, r.now);
	l3_neigh_lookup(r.net, 0, &a, &word);
	assert_true(l3_word_usable(word));
	got = l3_word_mac(word);
	assert_mac(got.addr_bytes, &mac);
	l3_neigh_del(r.net, e);
	assert_null(l3_neigh_lookup(r.net, 0, &a, &word));
	assert_int_equal(r.net->neigh_used, 0);
	rig_stop(&r);
}

static void neigh_full_evicts_failed_then_oldest_stale(void **state)
{
	struct l3_neigh *e[4];
	struct wr_addr a;
	uint64_t word;
	struct rig r;

	rig_config(&r);
	r.cfg.neighbours_max = 4;
	rig_start(&r);
	for (uint32_t i = 0; i < 4; i++) {
		struct rte_ether_addr mac;

		a = nth(i);
		mac = mac_of(&a);
		e[i] = l3_neigh_add(r.net, 0, &a, r.now);
		assert_non_null(e[i]);
		l3_neigh_set(r.net, e[i], L3_NEIGH_REACHABLE, &mac, r.now);
	}
	a = nth(10);
	assert_null(l3_neigh_add(r.net, 0, &a, r.now));
	l3_neigh_set(r.net, e[2], L3_NEIGH_STALE, NULL, r.now + 1);
	l3_neigh_set(r.net, e[0], L3_NEIGH_STALE, NULL, r.now + 2);
	l3_neigh_set(r.net, e[3], L3_NEIGH_FAILED, NULL, r.now + 3);
	for (uint32_t i = 0; i < 3; i++) {
		static const uint32_t gone[] = {3, 2, 0};

		a = nth(10 + i);
		assert_non_null(l3_neigh_add(r.net, 0, &a, r.now + 4));
		a = nth(gone[i]);
		assert_null(l3_neigh_lookup(r.net, 0, &a, &word));
	}
	a = nth(13);
	assert_null(l3_neigh_add(r.net, 0, &a, r.now + 4));
	assert_int_equal(r.net->neigh_used, 4);
	rig_stop(&r);
}

static void neigh_table_fills_to_its_size(void **state)
{
	uint32_t added = 0, found = 0;
	uint64_t word;
	struct wr_addr a;
	struct rig r;

	rig_config(&r);
	r.cfg.neighbours_max = 4096;
	rig_start(&r);
	for (uint32_t i = 0; i < 4096; i++) {
		a = nth(i);
		added += l3_neigh_add(r.net, 1, &a, r.now) != NULL;
	}
	// a window of 16 at half load leaves almost nobody out
	assert_in_range(added, 4050, 4096);
	for (uint32_t i = 0; i < 4096; i++) {
		a = nth(i);
		found += l3_neigh_lookup(r.net, 1, &a, &word) != NULL;
	}
	assert_int_equal(found, added);
	rig_stop(&r);
}

static void neigh_walk_tells_state_and_age(void **state)
{
	struct wr_addr a = nth(1), b = nth(2);
	struct rte_ether_addr mac = mac_of(&b);
	struct wr_l3_neigh_info info;
	uint32_t cursor = 0, rows = 0;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	l3_neigh_add(r.net, 0, &a, r.now);
	l3_neigh_set(r.net, l3_neigh_add(r.net, 1, &b, r.now), L3_NEIGH_PROBE, &mac, r.now);
	while (wr_l3_neigh_walk(r.net, &cursor, r.now + 5, &info)) {
		rows++;
		assert_int_equal(info.age_us, 5);
		if (wr_addr_eq(&info.addr, &a)) {
			assert_string_equal(info.state, "incomplete");
			continue;
		}
		assert_string_equal(info.state, "stale");
		assert_int_equal(info.port, 1);
		assert_mac(info.mac.addr_bytes, &mac);
	}
	assert_int_equal(rows, 2);
	assert_false(wr_l3_neigh_walk(r.net, &cursor, r.now, &info));
	rig_stop(&r);
}

struct reader {
	const struct wr_l3_net *net;
	int stop;
	uint64_t hits, wrong;
};

static void *read_all(void *arg)
{
	struct reader *rd = arg;

	for (uint32_t i = 0; !__atomic_load_n(&rd->stop, __ATOMIC_RELAXED); i++) {
		struct wr_addr a = nth(i % 64);
		struct rte_ether_addr mac = mac_of(&a), got;
		uint64_t word;

		if (l3_neigh_lookup(rd->net, 0, &a, &word) == NULL || !l3_word_usable(word))
			continue;
		got = l3_word_mac(word);
		rd->hits++;
		rd->wrong += !rte_is_same_ether_addr(&got, &mac);
	}
	return NULL;
}

// Keys come and go under a reader, which must never see one neighbour's MAC for another.
static void neigh_lookup_while_keys_change(void **state)
{
	struct reader rd = {0};
	pthread_t thread;
	struct rig r;

	rig_config(&r);
	r.cfg.neighbours_max = 8;
	rig_start(&r);
	rd.net = r.net;
	assert_int_equal(pthread_create(&thread, NULL, read_all, &rd), 0);
	for (uint32_t i = 0; i < 300000; i++) {
		struct wr_addr a = nth(i * 2654435761u % 64);
		struct rte_ether_addr mac = mac_of(&a);
		uint64_t word;
		struct l3_neigh *e = l3_neigh_lookup(r.net, 0, &a, &word);

		if (e == NULL)
			e = l3_neigh_add(r.net, 0, &a, r.now);
		assert_non_null(e);
		l3_neigh_set(r.net, e, L3_NEIGH_STALE, &mac, r.now + i);
	}
	__atomic_store_n(&rd.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(rd.wrong, 0);
	rig_stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neigh_add_set_del),
		cmocka_unit_test(neigh_full_evicts_failed_then_oldest_stale),
		cmocka_unit_test(neigh_table_fills_to_its_size),
		cmocka_unit_test(neigh_walk_tells_state_and_age),
		cmocka_unit_test(neigh_lookup_while_keys_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

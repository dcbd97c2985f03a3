/* SPDX-License-Identifier: BSD-3-Clause */
#include "limit_test.h"

#include <rte_memory.h>

static const uint64_t t_key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

static struct wr_clients *open_table(uint32_t entries)
{
	struct wr_clients *c;

	wr_test_eal_init();
	c = wr_clients_create(entries, t_key, SOCKET_ID_ANY);
	assert_non_null(c);
	return c;
}

static uint32_t get(struct wr_clients *c, uint16_t service, const char *client, wr_us_t now)
{
	struct wr_addr a = t_addr(client);

	return wr_clients_get(c, service, &a, 32, 64, now);
}

static void clients_capacity_rounded(void **state)
{
	static const uint32_t asked[] = {0, 1, 8, 9, 1000}, got[] = {8, 8, 8, 16, 1024};

	for (uint32_t i = 0; i < RTE_DIM(asked); i++) {
		struct wr_clients *c = open_table(asked[i]);

		assert_int_equal(wr_clients_capacity(c), got[i]);
		assert_int_equal(wr_clients_used(c, 0), 0);
		wr_clients_destroy(c);
	}
	wr_clients_destroy(NULL);
	assert_null(wr_clients_create(UINT32_MAX, t_key, SOCKET_ID_ANY));
}

static void clients_same_prefix_same_entry(void **state)
{
	struct wr_clients *c = open_table(1024);
	uint32_t a = get(c, 1, "198.18.0.1", 5), b = get(c, 1, "2001:db8::1", 5);

	assert_true(a != WR_CLIENT_NONE && b != WR_CLIENT_NONE && a != b);
	assert_int_equal(get(c, 1, "198.18.0.1", 6), a);
	assert_int_equal(get(c, 1, "2001:db8::ffff", 6), b);
	assert_int_not_equal(get(c, 1, "198.18.0.2", 6), a);
	assert_int_not_equal(get(c, 2, "198.18.0.1", 6), a);
	assert_int_not_equal(get(c, 1, "2001:db8:0:1::1", 6), b);
	assert_int_equal(wr_clients_used(c, 6), 5);
	assert_ptr_equal(wr_clients_limit(c, a), wr_clients_limit(c, a));
	assert_null(wr_clients_limit(c, WR_CLIENT_NONE));
	wr_clients_put(c, WR_CLIENT_NONE);
	wr_clients_destroy(c);
}

static void clients_bits_every_length(void **state)
{
	for (uint32_t bits = 0; bits <= 128; bits++) {
		struct wr_clients *c = open_table(256);
		struct wr_addr a = t_addr("2001:db8:5555:aaaa:5555:aaaa:5555:aaaa"), b = a;
		uint8_t bits4 = (uint8_t)(bits / 4);
		uint32_t in, i4;

		in = wr_clients_get(c, 0, &a, 32, (uint8_t)bits, 0);
		for (uint32_t k = bits; k < 128; k++)
			b.b[k / 8] ^= (uint8_t)(0x80 >> k % 8);
		assert_int_equal(wr_clients_get(c, 0, &b, 32, (uint8_t)bits, 0), in);
		if (bits > 0) {
			b.b[(bits - 1) / 8] ^= (uint8_t)(0x80 >> (bits - 1) % 8);
			assert_int_not_equal(wr_clients_get(c, 0, &b, 32, (uint8_t)bits, 0), in);
		}
		a = b = wr_addr_from_v4(0x55aa55aa);
		i4 = wr_clients_get(c, 0, &a, bits4, 0, 0);
		assert_int_not_equal(i4, in);
		for (uint32_t k = 96 + bits4; k < 128; k++)
			b.b[k / 8] ^= (uint8_t)(0x80 >> k % 8);
		assert_int_equal(wr_clients_get(c, 0, &b, bits4, 0, 0), i4);
		if (bits4 > 0) {
			b.b[(95 + bits4) / 8] ^= (uint8_t)(0x80 >> (95 + bits4) % 8);
			assert_int_not_equal(wr_clients_get(c, 0, &b, bits4, 0, 0), i4);
		}
		wr_clients_destroy(c);
	}
}

// More bits than an address has are all of them.
static void clients_bits_clamped(void **state)
{
	struct wr_clients *c = open_table(64);
	struct wr_addr v4 = t_addr("198.18.0.1"), v6 = t_addr("2001:db8::1");

	assert_int_equal(wr_clients_get(c, 0, &v4, 200, 0, 0), wr_clients_get(c, 0, &v4, 32, 0, 0));
	assert_int_equal(
		wr_clients_get(c, 0, &v6, 0, 255, 0), wr_clients_get(c, 0, &v6, 0, 128, 0));
	wr_clients_destroy(c);
}

// One bucket: who is held, counts connections or has used its rate ahead stays; others give way.
static void clients_give_way(void **state)
{
	struct wr_limit_rule r = {
		.rate_per_s = 1, .rate_burst = 5, .bytes_per_s = 1000, .bytes_burst = 1000};
	struct wr_clients *c = open_table(8);
	char text[32];
	uint32_t index[8];

	for (uint32_t i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "198.18.0.%u", i);
		index[i] = get(c, 0, text, T_S);
		assert_int_not_equal(index[i], WR_CLIENT_NONE);
	}
	assert_int_equal(get(c, 0, "2001:db8::1", T_S), WR_CLIENT_NONE);
	assert_int_equal(wr_clients_used(c, T_S), 8);
	assert_int_equal(wr_limit_rate(wr_clients_limit(c, index[0]), &r, T_S), 0);
	wr_limit_bytes(wr_clients_limit(c, index[1]), &r, 3000, T_S);
	assert_true(wr_limit_enter(wr_clients_limit(c, index[2]), &r));
	for (uint32_t i = 0; i < 3; i++)
		wr_clients_put(c, index[i]);
	// The rate of the first has run out now.
	assert_int_equal(get(c, 0, "2001:db8::1", 2 * T_S), index[0]);
	assert_int_equal(wr_clients_limit(c, index[0])->rate_at, 0);
	// What the second remembers is there when it comes again.
	assert_int_equal(get(c, 0, "198.18.0.1", 2 * T_S), index[1]);
	assert_true(wr_limit_bytes_wait(wr_clients_limit(c, index[1]), &r, 2 * T_S) > 0);
	assert_int_equal(get(c, 0, "198.18.0.0", 2 * T_S), WR_CLIENT_NONE);
	wr_clients_put(c, index[1]);
	assert_int_equal(get(c, 0, "198.18.0.0", 4 * T_S), index[1]);
	// The third counts a connection still, whatever the time.
	assert_int_equal(get(c, 0, "198.18.0.77", WR_US_NEVER), WR_CLIENT_NONE);
	wr_limit_leave(wr_clients_limit(c, index[2]));
	assert_int_equal(get(c, 0, "198.18.0.77", 4 * T_S), index[2]);
	wr_clients_destroy(c);
}

// A flood of clients that come once fills the bucket: who comes then takes the place of the one
// that has least to remember, and neither of one that is held nor of one that counts connections.
static void clients_flood_gives_way(void **state)
{
	struct wr_limit_rule r = {.rate_per_s = 1, .rate_burst = 100};
	struct wr_clients *c = open_table(8);
	char text[32];
	uint32_t index[8];

	for (uint32_t i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "198.18.0.%u", i);
		index[i] = get(c, 0, text, T_S);
		for (uint32_t n = 0; n < 10 - i; n++)
			wr_limit_rate(wr_clients_limit(c, index[i]), &r, T_S);
	}
	assert_true(wr_limit_enter(wr_clients_limit(c, index[7]), &r));
	for (uint32_t i = 0; i < 8; i++)
		if (i != 6)
			wr_clients_put(c, index[i]);
	for (uint32_t i = 0; i < 6; i++) { // 5 first, as it had the fewest
		snprintf(text, sizeof(text), "2001:db8:0:%x::1", i);
		assert_int_equal(get(c, 0, text, T_S), index[5 - i]);
		assert_int_equal(wr_clients_limit(c, index[5 - i])->rate_at, 0);
	}
	assert_int_equal(get(c, 0, "198.18.0.77", T_S), WR_CLIENT_NONE);
	assert_int_equal(get(c, 0, "198.18.0.6", T_S), index[6]);
	assert_int_equal(get(c, 0, "198.18.0.7", T_S), index[7]);
	wr_clients_destroy(c);
}

static void clients_count_in_parts(void **state)
{
	struct wr_clients *c = open_table(1024);
	uint32_t cursor = 0, sum = 77, calls = 1;

	for (uint32_t i = 0; i < 100; i++) {
		struct wr_addr a = wr_addr_from_v4(i * 2654435761u);

		assert_int_not_equal(wr_clients_get(c, 0, &a, 32, 64, 0), WR_CLIENT_NONE);
	}
	for (; !wr_clients_count_some(c, &cursor, 100, &sum, 0); calls++)
		assert_int_equal(cursor, calls * 100);
	assert_int_equal(calls, 11);
	assert_int_equal(sum, wr_clients_used(c, 0));
	assert_int_equal(cursor, 0);
	assert_true(wr_clients_count_some(c, &cursor, UINT32_MAX, &sum, 0)); // from the start
	assert_int_equal(sum, 100);
	assert_false(wr_clients_count_some(c, &cursor, 0, &sum, 0));
	wr_clients_destroy(c);
}

// The key decides who shares a bucket.
static void clients_key_matters(void **state)
{
	static const uint64_t other[2] = {1, 2};
	struct wr_clients *c = open_table(4096), *d;
	uint32_t same = 0;

	d = wr_clients_create(4096, other, SOCKET_ID_ANY);
	assert_non_null(d);
	for (uint32_t i = 0; i < 1000; i++) {
		struct wr_addr a = wr_addr_from_v4(0x000012c6 + (i << 16));
		uint32_t x = wr_clients_get(c, 0, &a, 32, 64, 0);
		uint32_t y = wr_clients_get(d, 0, &a, 32, 64, 0);

		same += x / 8 == y / 8;
	}
	assert_true(same < 20);
	wr_clients_destroy(c);
	wr_clients_destroy(d);
}

// Three quarters full, few find no room, and never two clients in one entry.
static void clients_fill(void **state)
{
	struct wr_clients *c = open_table(16384);
	static bool seen[16384];
	uint32_t none = 0;

	memset(seen, 0, sizeof(seen));
	for (uint32_t i = 0; i < 8192; i++) {
		struct wr_addr a = wr_addr_from_v4(i * 2654435761u);
		uint32_t at = wr_clients_get(c, 3, &a, 32, 64, 0);

		none += at == WR_CLIENT_NONE;
		if (at == WR_CLIENT_NONE)
			continue;
		assert_false(seen[at]);
		seen[at] = true;
	}
	assert_true(none < 8192 / 50);
	assert_int_equal(wr_clients_used(c, 0), 8192 - none);
	wr_clients_destroy(c);
}

static void clients_dump_rows(void **state)
{
	struct wr_limit_rule r = {
		.rate_per_s = 2, .rate_burst = 5, .bytes_per_s = 1000, .bytes_burst = 1000};
	struct wr_clients *c = open_table(16384);
	struct wr_client_row row[8];
	uint32_t cursor = 0, n = 0, calls = 0, v4, gone;
	bool found = false;

	v4 = get(c, 7, "198.18.0.1", T_S);
	gone = get(c, 7, "198.18.0.2", T_S);
	wr_clients_put(c, gone);
	for (uint32_t i = 0; i < 30; i++) {
		char text[32];

		snprintf(text, sizeof(text), "2001:db8:0:%x::1", i);
		assert_int_not_equal(get(c, 2, text, T_S), WR_CLIENT_NONE);
	}
	assert_int_equal(wr_limit_rate(wr_clients_limit(c, v4), &r, T_S), 0);
	wr_limit_bytes(wr_clients_limit(c, v4), &r, 250, T_S);
	assert_true(wr_limit_enter(wr_clients_limit(c, v4), &r));
	for (; cursor != UINT32_MAX; calls++) {
		uint32_t k = wr_clients_dump(c, &cursor, row, 8, T_S + 100000);

		for (uint32_t i = 0; i < k; i++) {
			if (row[i].service == 2) {
				assert_int_equal(row[i].client.len, 64);
				assert_int_equal(row[i].client.addr.b[15], 0);
				assert_int_equal(row[i].connections, 0);
				continue;
			}
			found = true;
			assert_int_equal(row[i].service, 7);
			assert_int_equal(row[i].client.len, 128);
			assert_true(wr_addr_is_v4(&row[i].client.addr));
			assert_int_equal(row[i].connections, 1);
			assert_int_equal(row[i].rate_ahead_us, 400000);
			assert_int_equal(row[i].bytes_ahead_us, 150000);
		}
		n += k;
		assert_true(calls < 20);
	}
	assert_true(found);
	assert_int_equal(n, 31);
	assert_in_range(calls, 4, 12);
	// Dumping held nothing for good.
	wr_limit_leave(wr_clients_limit(c, v4));
	wr_clients_put(c, v4);
	assert_int_equal(wr_clients_used(c, 10 * T_S), 30);
	cursor = 999999;
	assert_int_equal(wr_clients_dump(c, &cursor, row, 8, 0), 0);
	assert_true(cursor == UINT32_MAX);
	wr_clients_destroy(c);
}

#define CLIENTS 40

struct visitor {
	struct wr_clients *c;
	uint32_t *inside;   // by client
	uint32_t *entry_of; // by client: the entry that holders agree on, plus one
	uint32_t seed, limit;
	uint64_t got, none, wrong;
};

static void *visit(void *arg)
{
	struct visitor *me = arg;
	struct wr_limit_rule r = {.connections = me->limit};
	uint64_t rng = me->seed * 0x9e3779b97f4a7c15ULL;

	for (uint32_t i = 0; i < 40000; i++) {
		uint32_t who = t_random(&rng) % CLIENTS;
		struct wr_addr a = wr_addr_from_v4(who * 2654435761u);
		uint32_t at = wr_clients_get(me->c, 1, &a, 32, 64, i);

		if (at == WR_CLIENT_NONE) {
			me->none++;
			continue;
		}
		me->got++;
		if (wr_limit_enter(wr_clients_limit(me->c, at), &r)) {
			if (__atomic_add_fetch(&me->inside[who], 1, __ATOMIC_SEQ_CST) > me->limit)
				me->wrong++;
			// While one of us is in, everyone finds that client in that entry.
			if (me->limit == 1)
				__atomic_store_n(&me->entry_of[who], at + 1, __ATOMIC_SEQ_CST);
			if (t_random(&rng) % 4 == 0) {
				uint32_t again = wr_clients_get(me->c, 1, &a, 32, 64, i);

				me->wrong += again != at;
				wr_clients_put(me->c, again);
			}
			if (me->limit == 1 &&
				__atomic_load_n(&me->entry_of[who], __ATOMIC_SEQ_CST) != at + 1)
				me->wrong++;
			__atomic_sub_fetch(&me->inside[who], 1, __ATOMIC_SEQ_CST);
			wr_limit_leave(wr_clients_limit(me->c, at));
		}
		wr_clients_put(me->c, at);
	}
	return NULL;
}

static void *look_at_rows(void *arg)
{
	struct visitor *me = arg;

	for (uint32_t i = 0; i < 20000; i++) {
		struct wr_client_row row[16];
		uint32_t cursor = 0;
		uint32_t n = wr_clients_dump(me->c, &cursor, row, 16, 0);

		for (uint32_t k = 0; k < n; k++) {
			bool known = false;

			for (uint32_t who = 0; who < CLIENTS && !known; who++) {
				struct wr_addr a = wr_addr_from_v4(who * 2654435761u);

				known = wr_addr_eq(&a, &row[k].client.addr);
			}
			me->wrong += !known || row[k].service != 1 || row[k].client.len != 128;
		}
		me->got += n;
	}
	return NULL;
}

static void *visit_or_look(void *arg)
{
	return ((struct visitor *)arg)->seed == 3 ? look_at_rows(arg) : visit(arg);
}

// Many more clients than room, so entries are made and given away all the time: a client never has
// two at once, and nobody sees half a key.
static void clients_threads_one_entry_each(void **state)
{
	for (uint32_t limit = 1; limit <= 2; limit++) {
		struct wr_clients *c = open_table(limit == 1 ? 8 : 64);
		uint32_t inside[CLIENTS] = {0}, entry_of[CLIENTS] = {0};
		struct visitor v[4];

		for (uint32_t i = 0; i < 4; i++)
			v[i] = (struct visitor){c, inside, entry_of, i, limit};
		v[0].seed = 77;
		t_threads(4, visit_or_look, v, sizeof(v[0]));
		for (uint32_t i = 0; i < 4; i++)
			assert_int_equal(v[i].wrong, 0);
		assert_true(v[0].got > 0 && v[1].got > 0 && v[2].got > 0);
		assert_int_equal(wr_clients_used(c, 0), 0);
		wr_clients_destroy(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clients_capacity_rounded),
		cmocka_unit_test(clients_same_prefix_same_entry),
		cmocka_unit_test(clients_bits_every_length),
		cmocka_unit_test(clients_bits_clamped),
		cmocka_unit_test(clients_give_way),
		cmocka_unit_test(clients_flood_gives_way),
		cmocka_unit_test(clients_count_in_parts),
		cmocka_unit_test(clients_key_matters),
		cmocka_unit_test(clients_fill),
		cmocka_unit_test(clients_dump_rows),
		cmocka_unit_test(clients_threads_one_entry_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

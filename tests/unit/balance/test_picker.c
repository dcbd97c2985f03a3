/* SPDX-License-Identifier: BSD-3-Clause */
#include "picker_test.h"

#define ALL_KINDS (WR_BALANCE_ROUND_ROBIN + 1)

// Computed by a program of its own, outside of this tree's code: SipHash of 198.18.7.0 and port 0.
#define KNOWN_PREFIX_KEY 0xc6eef93a555d007cULL

static void pick_by_weight_million(void **state)
{
	const uint16_t weights[] = {1, 2, 3, 4, 6, 8};

	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(6);
		struct wr_picker *p;
		struct wr_rng rng;

		for (uint32_t i = 0; i < t->n; i++)
			t->b[i].weight = weights[i];
		p = t_build(t, (enum wr_balance)how);
		wr_rng_init(&rng, 2);
		for (uint32_t i = 0; i < T_PICKS; i++) {
			uint16_t id = wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), 0);

			t->picked[id]++;
			t->own[id]++; // nobody ever leaves
			t->s.sessions++;
		}
		t_expect_shares(t, T_PICKS, 1);
		wr_picker_destroy(p);
		free(t);
	}
}

static void pick_none(void **state)
{
	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(3);
		struct wr_picker *p = wr_picker_build((enum wr_balance)how, 125, NULL, 0, 0);

		assert_non_null(p);
		assert_int_equal(wr_picker_usable(p), 0);
		assert_int_equal(wr_picker_pick(p, &t->s, &t->turn, 99, 0), WR_MAGLEV_NONE);
		wr_picker_destroy(p);
		for (uint32_t i = 0; i < t->n; i++)
			t->b[i].weight = 0;
		p = t_build(t, (enum wr_balance)how);
		assert_int_equal(wr_picker_usable(p), 0);
		assert_int_equal(wr_picker_weight(p), 0);
		assert_int_equal(wr_picker_pick(p, &t->s, &t->turn, 99, 3), WR_MAGLEV_NONE);
		wr_picker_destroy(p);
		free(t);
	}
	wr_picker_destroy(NULL);
}

// One backend is picked whatever is known about it.
static void pick_only_one(void **state)
{
	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(1);
		struct wr_picker *p = t_build(t, (enum wr_balance)how);

		t->share[T_ID] = 1;
		t->own[T_ID] = UINT32_MAX;
		t->others[T_ID] = UINT32_MAX;
		t->s.hot = 0;
		t->latency_us[T_ID] = UINT32_MAX;
		for (uint64_t i = 0; i < 1000; i++) {
			uint64_t hash = i * 0x9e3779b97f4a7c15ULL;

			assert_int_equal(
				wr_picker_pick(p, &t->s, &t->turn, hash, (uint32_t)i % 7), T_ID);
		}
		wr_picker_destroy(p);
		free(t);
	}
}

static void pick_skips_weight_zero(void **state)
{
	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(10);
		struct wr_picker *p;
		struct wr_rng rng;

		for (uint32_t i = 0; i < t->n; i += 2)
			t->b[i].weight = 0;
		p = t_build(t, (enum wr_balance)how);
		assert_int_equal(wr_picker_usable(p), 5);
		assert_int_equal(wr_picker_weight(p), 5);
		for (uint32_t i = 0; i < 5; i++)
			assert_int_equal((wr_picker_at(p, i) - T_ID) % 2, 1);
		wr_rng_init(&rng, 3);
		for (uint32_t i = 0; i < 10000; i++) {
			uint16_t id = wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), i % 9);

			assert_int_equal((id - T_ID) % 2, 1);
		}
		wr_picker_destroy(p);
		free(t);
	}
}

// All weights there are, as many backends as there can be.
static void pick_most_backends(void **state)
{
	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(T_MOST);
		struct wr_picker *p;
		struct wr_rng rng;
		uint32_t reached = 0;

		for (uint32_t i = 0; i < t->n; i++)
			t->b[i].weight = (uint16_t)(1 + i % 256);
		p = t_build(t, (enum wr_balance)how);
		assert_int_equal(wr_picker_usable(p), T_MOST);
		assert_int_equal(wr_picker_weight(p), t_weight(t));
		wr_rng_init(&rng, 4);
		for (uint32_t i = 0; i < 300000; i++) {
			uint16_t id = wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), 0);

			assert_in_range(id, T_ID, T_ID + T_MOST - 1);
			reached += t->picked[id]++ == 0;
			t->own[id]++;
			t->s.sessions++;
		}
		assert_true(reached > T_MOST * 9 / 10);
		wr_picker_destroy(p);
		free(t);
	}
}

static void pick_attempts_reach_all(void **state)
{
	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(10);
		struct wr_picker *p = t_build(t, (enum wr_balance)how);
		uint32_t others = 0, whole = 0;
		struct wr_rng rng;

		wr_rng_init(&rng, 5);
		for (uint32_t key = 0; key < 1000; key++) {
			uint64_t hash = wr_rng_next(&rng);
			uint32_t seen = 0, next = t->turn.next, first;

			first = wr_picker_pick(p, &t->s, &t->turn, hash, 0);
			next = t->turn.next;
			for (uint32_t a = 1; a <= 60; a++) {
				seen |= 1u << (wr_picker_pick(p, &t->s, &t->turn, hash, a) - T_ID);
				if (a == 3)
					others += (seen & ~(1u << (first - T_ID))) != 0;
			}
			assert_int_equal(t->turn.next, next);
			whole += (seen | 1u << (first - T_ID)) == 0x3ff;
		}
		assert_true(others >= 990);
		assert_true(whole >= 960);
		wr_picker_destroy(p);
		free(t);
	}
}

// The order of the list and the ids are a box's own matter.
static void pick_two_boxes_agree(void **state)
{
	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(100);
		struct wr_picker *one, *other;
		struct wr_picker_turn turn = {0};
		struct wr_rng rng;

		wr_rng_init(&rng, 6);
		for (uint32_t i = 0; i < t->n; i++) {
			t->b[i].weight = (uint16_t)(i % 6);
			t->share[T_ID + i] = i % 7 == 0 ? 100 : 256;
			t->own[T_ID + i] = wr_rng_below(&rng, 50);
			t->s.sessions += t->own[T_ID + i];
			t->latency_us[T_ID + i] = wr_rng_below(&rng, 5000);
		}
		one = t_build(t, (enum wr_balance)how);
		t_shuffle(t, &rng);
		other = t_build(t, (enum wr_balance)how);
		for (uint32_t i = 0; i < wr_picker_usable(one); i++)
			assert_int_equal(wr_picker_at(one, i), wr_picker_at(other, i));
		for (uint32_t i = 0; i < 100000; i++) {
			uint64_t hash = wr_rng_next(&rng);

			for (uint32_t a = 0; a < 4; a++)
				assert_int_equal(wr_picker_pick(one, &t->s, &t->turn, hash, a),
					wr_picker_pick(other, &t->s, &turn, hash, a));
		}
		wr_picker_destroy(one);
		wr_picker_destroy(other);
		free(t);
	}
}

// A hash-based pick is Maglev's own, whatever stands around it.
static void pick_is_maglevs(void **state)
{
	struct t_pool *t = t_pool(37);
	struct wr_picker *p = t_build(t, WR_BALANCE_MAGLEV), *b = t_build(t, WR_BALANCE_BOUNDED);
	struct wr_maglev *m = wr_maglev_build(t->b, t->n, 0);
	struct wr_rng rng;

	wr_rng_init(&rng, 7);
	for (uint32_t i = 0; i < 100000; i++) {
		uint64_t hash = wr_rng_next(&rng);

		assert_int_equal(
			wr_picker_pick(p, &t->s, &t->turn, hash, 0), wr_maglev_pick(m, hash));
		assert_int_equal(wr_picker_pick(p, &t->s, &t->turn, hash, 2),
			wr_maglev_pick_next(m, hash, 2));
		assert_int_equal(
			wr_picker_pick(b, &t->s, &t->turn, hash, 0), wr_maglev_pick(m, hash));
	}
	wr_maglev_destroy(m);
	wr_picker_destroy(p);
	wr_picker_destroy(b);
	free(t);
}

// When one goes only its keys move, but for what Maglev's table moves of others (5 % at most).
static void pick_one_leaves(void **state)
{
	for (int how = WR_BALANCE_MAGLEV; how <= WR_BALANCE_BOUNDED; how++) {
		struct t_pool *t = t_pool(20);
		struct wr_picker *before = t_build(t, (enum wr_balance)how), *after;
		uint32_t size = wr_maglev_size(t->b, t->n), moved = 0;
		struct wr_rng rng;

		t->b[4].weight = 0;
		after = wr_picker_build((enum wr_balance)how, 125, t->b, t->n, size);
		wr_rng_init(&rng, 8);
		for (uint32_t i = 0; i < T_PICKS; i++) {
			uint64_t hash = wr_rng_next(&rng);
			uint16_t a = wr_picker_pick(before, &t->s, &t->turn, hash, 0);
			uint16_t b = wr_picker_pick(after, &t->s, &t->turn, hash, 0);

			assert_int_not_equal(b, T_ID + 4);
			moved += a != b && a != T_ID + 4;
		}
		assert_true(moved < T_PICKS / 20);
		wr_picker_destroy(before);
		wr_picker_destroy(after);
		free(t);
	}
}

// --- slow start ---------------------------------------------------------------------------------

static void share_part_of_its_keys(void **state)
{
	struct t_pool *t = t_pool(4);
	struct wr_picker *p = t_build(t, WR_BALANCE_MAGLEV);
	const uint16_t shares[] = {0, 1, 16, 64, 128, 255, 256};

	for (uint32_t k = 0; k < 7; k++) {
		uint32_t had = 0, kept = 0;
		struct wr_rng rng;

		wr_rng_init(&rng, 9);
		for (uint32_t i = 0; i < T_PICKS / 2; i++) {
			uint64_t hash = wr_rng_next(&rng);
			uint16_t whole, part;

			t->share[T_ID] = 256;
			whole = wr_picker_pick(p, &t->s, &t->turn, hash, 0);
			t->share[T_ID] = shares[k];
			part = wr_picker_pick(p, &t->s, &t->turn, hash, 0);
			had += whole == T_ID;
			kept += part == T_ID;
			assert_true(part == whole || whole == T_ID);
		}
		assert_true(
			abs((int)kept - (int)((uint64_t)had * shares[k] / 256)) < (int)had / 100);
	}
	wr_picker_destroy(p);
	free(t);
}

// As a share grows, keys come, and none goes.
static void share_grows_without_loss(void **state)
{
	struct t_pool *t = t_pool(8);
	struct wr_picker *p = t_build(t, WR_BALANCE_MAGLEV);
	struct wr_rng rng;

	wr_rng_init(&rng, 10);
	for (uint32_t i = 0; i < 2000; i++) {
		uint64_t hash = wr_rng_next(&rng);
		bool has = false;

		for (t->share[T_ID + 3] = 0; t->share[T_ID + 3] <= 256; t->share[T_ID + 3] += 8) {
			bool now = wr_picker_pick(p, &t->s, &t->turn, hash, 0) == T_ID + 3;

			assert_true(now || !has);
			has = now;
		}
	}
	wr_picker_destroy(p);
	free(t);
}

// A backend without share gets nothing, however empty, fast and heavy it is; one that is not whole
// gets no more than its part.
static void share_holds_for_all_kinds(void **state)
{
	const uint16_t weights[] = {256, 1, 3};

	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(3);
		uint32_t got = 0;
		struct wr_picker *p;
		struct wr_rng rng;

		for (uint32_t i = 0; i < 3; i++) {
			t->b[i].weight = weights[i];
			t->own[T_ID + i] = i ? 1000 : 0;
			t->latency_us[T_ID + i] = i ? 1000 : 1;
		}
		t->s.sessions = 200000;
		p = t_build(t, (enum wr_balance)how);
		wr_rng_init(&rng, 11);
		t->share[T_ID] = 0;
		for (uint32_t i = 0; i < 10000; i++)
			assert_int_not_equal(
				wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), 0), T_ID);
		t->share[T_ID] = 64;
		for (uint32_t i = 0; i < 100000; i++)
			got += wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), 0) == T_ID;
		assert_in_range(got, 24000, 26000);
		wr_picker_destroy(p);
		free(t);
	}
}

// Nobody is whole: then all share as if they were.
static void share_all_slow(void **state)
{
	for (int how = 0; how < ALL_KINDS; how++) {
		struct t_pool *t = t_pool(4);
		struct wr_picker *p = t_build(t, (enum wr_balance)how);
		struct wr_rng rng;

		for (uint32_t i = 0; i < t->n; i++)
			t->share[T_ID + i] = 20;
		wr_rng_init(&rng, 12);
		for (uint32_t i = 0; i < 400000; i++) {
			uint16_t id = wr_picker_pick(p, &t->s, &t->turn, wr_rng_next(&rng), 0);

			t->picked[id]++;
			t->own[id]++;
			t->s.sessions++;
		}
		t_expect_shares(t, 400000, 1);
		wr_picker_destroy(p);
		free(t);
	}
}

// --- keys ---------------------------------------------------------------------------------------

static uint64_t key_of(const char *text, uint8_t bits, uint16_t port)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	return wr_picker_key(&a, bits, port);
}

static void key_prefix_both_families(void **state)
{
	assert_true(key_of("198.18.7.1", 96 + 24, 0) == key_of("198.18.7.254", 96 + 24, 0));
	assert_true(key_of("198.18.7.1", 96 + 24, 0) != key_of("198.18.8.1", 96 + 24, 0));
	assert_true(key_of("198.18.7.1", 96 + 24, 0) == key_of("198.18.7.0", 128, 0));
	assert_true(key_of("198.18.7.1", 96 + 31, 0) == key_of("198.18.7.0", 96 + 31, 0));
	assert_true(key_of("198.18.7.1", 128, 0) != key_of("198.18.7.0", 128, 0));
	assert_true(key_of("2001:db8:1:2ff::1", 56, 0) == key_of("2001:db8:1:201::9", 56, 0));
	assert_true(key_of("2001:db8:1:2ff::1", 56, 0) != key_of("2001:db8:1:3ff::1", 56, 0));
	assert_true(key_of("2001:db8::1:0:0:1", 65, 0) == key_of("2001:db8::1", 65, 0));
	assert_true(key_of("2001:db8::8000:0:0:1", 65, 0) != key_of("2001:db8::1", 65, 0));
	assert_true(key_of("2001:db8:0:1::", 64, 0) != key_of("2001:db8::", 64, 0));
	assert_true(key_of("2001:db8::1", 0, 0) == key_of("198.18.7.1", 0, 0));
}

static void key_port(void **state)
{
	assert_true(key_of("198.18.7.1", 128, 1) != key_of("198.18.7.1", 128, 2));
	assert_true(key_of("198.18.7.1", 120, 1) != key_of("198.18.7.1", 120, 0));
}

static void key_is_maglevs(void **state)
{
	struct wr_addr a;

	wr_addr_parse("2001:db8::77", &a);
	assert_true(wr_picker_key(&a, 128, 80) == wr_maglev_key(&a, 80));
	assert_true(wr_picker_key(&a, 255, 80) == wr_maglev_key(&a, 80));
}

// Boxes of different versions have to agree.
static void key_never_changes(void **state)
{
	assert_true(key_of("198.18.7.9", 96 + 24, 0) == KNOWN_PREFIX_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pick_by_weight_million),
		cmocka_unit_test(pick_none),
		cmocka_unit_test(pick_only_one),
		cmocka_unit_test(pick_skips_weight_zero),
		cmocka_unit_test(pick_most_backends),
		cmocka_unit_test(pick_attempts_reach_all),
		cmocka_unit_test(pick_two_boxes_agree),
		cmocka_unit_test(pick_is_maglevs),
		cmocka_unit_test(pick_one_leaves),
		cmocka_unit_test(share_part_of_its_keys),
		cmocka_unit_test(share_grows_without_loss),
		cmocka_unit_test(share_holds_for_all_kinds),
		cmocka_unit_test(share_all_slow),
		cmocka_unit_test(key_prefix_both_families),
		cmocka_unit_test(key_port),
		cmocka_unit_test(key_is_maglevs),
		cmocka_unit_test(key_never_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

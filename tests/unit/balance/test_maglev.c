/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_maglev.h"
#include "wr_rng.h"

#define MANY 1000

// Both computed by a program of its own, outside of this tree's code.
#define KNOWN_TABLE    0x156b555a3484f750ULL
#define KNOWN_KEY      0xfe649c21ae3fe651ULL
#define WORST_PERMILLE 50.0

struct set {
	uint32_t n;
	struct wr_maglev_backend b[MANY];
	char name[MANY][16];
};

// n backends b0, b1, ... of weight 1, ids 100, 101, ...
static struct set *equal(uint32_t n)
{
	struct set *s = calloc(1, sizeof(*s));

	s->n = n;
	for (uint32_t i = 0; i < n; i++) {
		snprintf(s->name[i], sizeof(s->name[i]), "b%u", i);
		s->b[i] = (struct wr_maglev_backend){
			.name = s->name[i], .id = (uint16_t)(100 + i), .weight = 1};
	}
	return s;
}

static struct wr_maglev *build(const struct set *s, uint32_t size)
{
	struct wr_maglev *m = wr_maglev_build(s->b, s->n, size);

	assert_non_null(m);
	return m;
}

static uint32_t count(const struct wr_maglev *m, uint16_t id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < m->size; i++)
		n += m->entry[i] == id;
	return n;
}

static bool prime(uint32_t n)
{
	for (uint32_t d = 2; d * d <= n; d++) {
		if (n % d == 0)
			return false;
	}
	return n > 1;
}

static void size_prime_and_large_enough(void **state)
{
	for (uint32_t n = 1; n <= MANY; n += 37) {
		struct set *s = equal(n);
		uint32_t size = wr_maglev_size(s->b, n);

		assert_true(prime(size));
		assert_true(size >= n * 100 && size >= 1021);
		free(s);
	}
}

static void size_weights_reduced(void **state)
{
	struct wr_maglev_backend b[3] = {{"a", 1, 128}, {"b", 2, 64}, {"c", 3, 0}};

	assert_int_equal(wr_maglev_size(b, 3), 1021);
	b[2].weight = 1;
	assert_true(wr_maglev_size(b, 3) >= 19300);
	b[0].weight = UINT16_MAX;
	assert_int_equal(wr_maglev_size(b, 3), 655373);
	assert_int_equal(wr_maglev_size(b, 0), 1021);
	assert_true(prime(655373));
}

static void build_equal_within_one_percent(void **state)
{
	const uint32_t ns[] = {1, 2, 3, 7, 10, 64, 100, 333, 1000};

	for (uint32_t k = 0; k < sizeof(ns) / sizeof(ns[0]); k++) {
		struct set *s = equal(ns[k]);
		struct wr_maglev *m = build(s, 0);
		uint32_t got[MANY] = {0};

		assert_int_equal(m->usable, ns[k]);
		for (uint32_t i = 0; i < m->size; i++)
			got[m->entry[i] - 100]++;
		for (uint32_t i = 0; i < s->n; i++) {
			double share = (double)got[i] * s->n / m->size;

			assert_true(share > 0.99 && share < 1.01);
		}
		wr_maglev_destroy(m);
		free(s);
	}
}

static void build_weights_exact_shares(void **state)
{
	const uint16_t weights[] = {1, 2, 3, 10, 50, 256, 0};
	struct set *s = equal(7);
	struct wr_maglev *m;

	for (int i = 0; i < 7; i++)
		s->b[i].weight = weights[i];
	m = build(s, 0);
	assert_int_equal(m->usable, 6);
	for (int i = 0; i < 7; i++) {
		double exact = (double)m->size * weights[i] / 322;
		double got = count(m, s->b[i].id);

		assert_true(got >= exact - 1.0 && got <= exact + 1.0);
	}
	wr_maglev_destroy(m);
	free(s);
}

static void build_light_one_present(void **state)
{
	struct wr_maglev_backend b[2] = {{"heavy", 1, UINT16_MAX}, {"light", 2, 1}};
	struct wr_maglev *m = wr_maglev_build(b, 2, 1021);

	assert_int_equal(count(m, 2), 1);
	wr_maglev_destroy(m);
}

static void build_no_usable(void **state)
{
	struct wr_maglev_backend b[2] = {{"a", 1, 0}, {"b", 2, 0}};
	struct wr_maglev *m = wr_maglev_build(b, 2, 0);

	assert_int_equal(m->usable, 0);
	assert_int_equal(count(m, WR_MAGLEV_NONE), m->size);
	assert_int_equal(wr_maglev_pick(m, 12345), WR_MAGLEV_NONE);
	wr_maglev_destroy(m);
	m = wr_maglev_build(NULL, 0, 0);
	assert_int_equal(wr_maglev_pick(m, UINT64_MAX), WR_MAGLEV_NONE);
	wr_maglev_destroy(m);
}

static void build_any_order_same_table(void **state)
{
	struct set *s = equal(101);
	struct wr_maglev *first, *other;
	struct wr_rng rng;

	wr_rng_init(&rng, 7);
	for (uint32_t i = 0; i < s->n; i++)
		s->b[i].weight = (uint16_t)(1 + i % 5);
	first = build(s, 0);
	for (int round = 0; round < 5; round++) {
		for (uint32_t i = s->n - 1; i > 0; i--) {
			uint32_t j = wr_rng_below(&rng, i + 1);
			struct wr_maglev_backend t = s->b[i];

			s->b[i] = s->b[j];
			s->b[j] = t;
		}
		other = build(s, 0);
		assert_int_equal(first->size, other->size);
		assert_memory_equal(first->entry, other->entry, first->size * sizeof(uint16_t));
		wr_maglev_destroy(other);
	}
	wr_maglev_destroy(first);
	free(s);
}

// Boxes of different versions have to agree: the table itself is an interface.
static void build_table_never_changes(void **state)
{
	struct set *s = equal(3);
	struct wr_maglev *m = build(s, 0);
	uint64_t sum = 0;

	for (uint32_t i = 0; i < m->size; i++)
		sum = sum * 31 + m->entry[i];
	assert_int_equal(sum, KNOWN_TABLE);
	wr_maglev_destroy(m);
	free(s);
}

static void build_same_name_shares(void **state)
{
	struct wr_maglev_backend b[3] = {{"x", 1, 1}, {"x", 2, 1}, {"y", 3, 1}};
	struct wr_maglev_backend c[3] = {{"y", 3, 1}, {"x", 2, 1}, {"x", 1, 1}};
	struct wr_maglev *m = wr_maglev_build(b, 3, 0), *o = wr_maglev_build(c, 3, 0);

	for (uint16_t id = 1; id <= 3; id++)
		assert_in_range(count(m, id), 340, 341);
	assert_memory_equal(m->entry, o->entry, m->size * sizeof(uint16_t));
	wr_maglev_destroy(m);
	wr_maglev_destroy(o);
}

// Take one of n out with the size kept: how many entries of the others moved, in permille of the
// table. The least that must move is the one's own share.
static double moved_permille(uint32_t n, uint32_t out, uint16_t weight_step)
{
	struct set *s = equal(n);
	uint32_t extra = 0, size;
	struct wr_maglev *before, *after;

	for (uint32_t i = 0; i < n; i++)
		s->b[i].weight = (uint16_t)(1 + i % (weight_step + 1));
	size = wr_maglev_size(s->b, n);
	before = build(s, size);
	s->b[out].weight = 0;
	after = build(s, size);
	for (uint32_t i = 0; i < size; i++) {
		assert_int_not_equal(after->entry[i], s->b[out].id);
		extra += before->entry[i] != s->b[out].id && before->entry[i] != after->entry[i];
	}
	wr_maglev_destroy(before);
	wr_maglev_destroy(after);
	free(s);
	return 1000.0 * extra / size;
}

static void build_removal_moves_little(void **state)
{
	const uint32_t ns[] = {2, 3, 10, 50, 100, 300};

	for (uint32_t k = 0; k < sizeof(ns) / sizeof(ns[0]); k++) {
		for (uint16_t step = 0; step < 5; step += 4) {
			double worst = 0, sum = 0;
			uint32_t runs = ns[k] < 10 ? ns[k] : 10;

			for (uint32_t r = 0; r < runs; r++) {
				double moved = moved_permille(ns[k], r * ns[k] / runs, step);

				sum += moved;
				worst = moved > worst ? moved : worst;
			}
			print_message("one of %u out (weights 1 to %u): others moved on average "
				      "%.1f permille, at worst %.1f; least possible in all %.1f\n",
				ns[k], step + 1, sum / runs, worst, 1000.0 / ns[k]);
			assert_true(worst <= WORST_PERMILLE);
		}
	}
}

static void build_return_restores_table(void **state)
{
	struct set *s = equal(20);
	uint32_t size = wr_maglev_size(s->b, 20);
	struct wr_maglev *before = build(s, size), *after;

	s->b[4].weight = 0;
	wr_maglev_destroy(build(s, size));
	s->b[4].weight = 1;
	after = build(s, size);
	assert_memory_equal(before->entry, after->entry, size * sizeof(uint16_t));
	wr_maglev_destroy(before);
	wr_maglev_destroy(after);
	free(s);
}

static void pick_bounds_and_spread(void **state)
{
	struct set *s = equal(10);
	struct wr_maglev *m = build(s, 0);
	uint32_t got[10] = {0};
	struct wr_addr src;

	assert_int_equal(wr_maglev_pick(m, 0), m->entry[0]);
	assert_int_equal(wr_maglev_pick(m, UINT64_MAX), m->entry[m->size - 1]);
	wr_addr_parse("2001:db8::77", &src);
	for (uint32_t port = 1; port < 65536; port++)
		got[wr_maglev_pick(m, wr_maglev_key(&src, (uint16_t)port)) - 100]++;
	for (int i = 0; i < 10; i++)
		assert_in_range(got[i], 6100, 7000);
	wr_maglev_destroy(m);
	free(s);
}

static void pick_next_finds_others(void **state)
{
	struct set *s = equal(3);
	struct wr_maglev *m = build(s, 0);
	uint32_t found = 0;

	for (uint64_t i = 1; i <= 1000; i++) {
		uint64_t hash = i * 0x9e3779b97f4a7c15ULL;
		uint16_t first = wr_maglev_pick(m, hash);

		assert_int_equal(wr_maglev_pick_next(m, hash, 1), wr_maglev_pick_next(m, hash, 1));
		for (uint32_t n = 1; n <= 16; n++) {
			if (wr_maglev_pick_next(m, hash, n) != first) {
				found++;
				break;
			}
		}
	}
	assert_int_equal(found, 1000);
	wr_maglev_destroy(m);
	free(s);
}

static void key_depends_on_all(void **state)
{
	struct wr_addr a, b;

	wr_addr_parse("198.18.0.1", &a);
	wr_addr_parse("198.18.0.2", &b);
	assert_true(wr_maglev_key(&a, 80) != wr_maglev_key(&b, 80));
	assert_true(wr_maglev_key(&a, 80) != wr_maglev_key(&a, 81));
	assert_true(wr_maglev_key(&a, 0x0102) != wr_maglev_key(&a, 0x0201));
	assert_true(wr_maglev_key(&a, 80) == wr_maglev_key(&a, 80));
	assert_true(wr_maglev_key(&a, 80) == KNOWN_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_prime_and_large_enough),
		cmocka_unit_test(size_weights_reduced),
		cmocka_unit_test(build_equal_within_one_percent),
		cmocka_unit_test(build_weights_exact_shares),
		cmocka_unit_test(build_light_one_present),
		cmocka_unit_test(build_no_usable),
		cmocka_unit_test(build_any_order_same_table),
		cmocka_unit_test(build_table_never_changes),
		cmocka_unit_test(build_same_name_shares),
		cmocka_unit_test(build_removal_moves_little),
		cmocka_unit_test(build_return_restores_table),
		cmocka_unit_test(pick_bounds_and_spread),
		cmocka_unit_test(pick_next_finds_others),
		cmocka_unit_test(key_depends_on_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_pool.h"
#include "wr_rng.h"

#include <errno.h>

#include <rte_memory.h>

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static struct wr_pool make(uint32_t capacity, size_t size)
{
	struct wr_pool p;

	assert_int_equal(wr_pool_init(&p, "test", capacity, size, SOCKET_ID_ANY), 0);
	return p;
}

static void pool_init_limits(void **state)
{
	struct wr_pool p;

	assert_int_equal(wr_pool_init(&p, "test", 0, 64, SOCKET_ID_ANY), -EINVAL);
	assert_int_equal(wr_pool_init(&p, "test", 1, 0, SOCKET_ID_ANY), -EINVAL);
	assert_int_equal(wr_pool_init(&p, "test", (1u << 22) + 1, 1, SOCKET_ID_ANY), -EINVAL);
	assert_int_equal(wr_pool_init(&p, "test", 1, UINT32_MAX, SOCKET_ID_ANY), -EINVAL);
	assert_int_equal(wr_pool_init(&p, "test", 1u << 22, 1u << 20, SOCKET_ID_ANY), -ENOMEM);
	assert_null(wr_pool_lookup(&p, (1u << WR_HANDLE_INDEX_BITS)));
	wr_pool_fini(&p);
}

static void pool_init_most_objects(void **state)
{
	struct wr_pool p = make(1u << 22, 1);
	wr_handle_t h;

	// Only 4 M x 64 bytes fit a test; the last index must have a handle of its own.
	p.free_count = 1;
	p.free[0] = (1u << 22) - 1;
	assert_ptr_equal(wr_pool_get(&p, &h), p.base + ((size_t)((1u << 22) - 1) << 6));
	assert_int_equal(wr_handle_index(h), (1u << 22) - 1);
	assert_non_null(wr_pool_lookup(&p, h));
	wr_pool_fini(&p);
}

static void pool_get_zeroed_and_aligned(void **state)
{
	struct wr_pool p = make(3, 65);
	wr_handle_t h;

	assert_int_equal(p.stride, 128);
	assert_true(p.bytes >= 3 * 128);
	for (uint32_t i = 0; i < 3; i++) {
		uint8_t *o = wr_pool_get(&p, &h);

		assert_int_equal((uintptr_t)o % 64, 0);
		for (int k = 0; k < 128; k++)
			assert_int_equal(o[k], 0);
		assert_int_equal(wr_handle_index(h), i);
		assert_ptr_equal(wr_pool_at(&p, i), o);
	}
	wr_pool_fini(&p);
}

static void pool_get_empty(void **state)
{
	struct wr_pool p = make(2, 8);
	wr_handle_t a, b, c = 77;

	assert_non_null(wr_pool_get(&p, &a));
	assert_non_null(wr_pool_get(&p, &b));
	assert_int_equal(wr_pool_used(&p), 2);
	assert_null(wr_pool_get(&p, &c));
	assert_int_equal(c, WR_HANDLE_NONE);
	assert_true(wr_pool_put(&p, a));
	assert_non_null(wr_pool_get(&p, &c));
	assert_int_equal(wr_handle_index(c), wr_handle_index(a));
	assert_int_not_equal(c, a);
	assert_int_equal(p.peak, 2);
	wr_pool_fini(&p);
}

static void pool_get_keeps_content(void **state)
{
	struct wr_pool p = make(1, 8);
	wr_handle_t h;
	uint64_t *o = wr_pool_get(&p, &h);

	*o = 42;
	wr_pool_put(&p, h);
	o = wr_pool_get(&p, &h);
	assert_int_equal(*o, 42);
	wr_pool_fini(&p);
}

static void pool_put_stale_refused(void **state)
{
	struct wr_pool p = make(2, 8);
	wr_handle_t a, b;

	wr_pool_get(&p, &a);
	assert_true(wr_pool_put(&p, a));
	assert_false(wr_pool_put(&p, a));
	assert_null(wr_pool_lookup(&p, a));
	wr_pool_get(&p, &b);
	assert_false(wr_pool_put(&p, a));
	assert_non_null(wr_pool_lookup(&p, b));
	assert_false(wr_pool_put(&p, WR_HANDLE_NONE));
	assert_false(wr_pool_put(&p, 2));
	assert_false(wr_pool_put(&p, UINT32_MAX));
	assert_int_equal(wr_pool_used(&p), 1);
	wr_pool_fini(&p);
}

static void pool_handle_never_none_through_wrap(void **state)
{
	struct wr_pool p = make(1, 8);
	wr_handle_t h, last = WR_HANDLE_NONE, first = WR_HANDLE_NONE;

	for (int i = 0; i < 5000; i++) {
		assert_non_null(wr_pool_get(&p, &h));
		assert_int_not_equal(h, WR_HANDLE_NONE);
		assert_int_not_equal(h, last);
		if (i == 0)
			first = h;
		// With one object there is no other to wait behind: 512 generations, then around.
		assert_int_equal(h == first, i % 512 == 0);
		assert_int_equal(p.gen[0] & 1, 1);
		assert_true(wr_pool_put(&p, h));
		assert_null(wr_pool_lookup(&p, h));
		assert_int_equal(wr_pool_handle_at(&p, 0), WR_HANDLE_NONE);
		last = h;
	}
	wr_pool_fini(&p);
}

static void pool_put_worn_out_waits(void **state)
{
	struct wr_pool p = make(64, 8);
	wr_handle_t first, h;
	int uses;

	// One object at a time would come back to the first handle after 512 uses.
	wr_pool_get(&p, &first);
	wr_pool_put(&p, first);
	for (uses = 1; uses < 200000; uses++) {
		wr_pool_get(&p, &h);
		if (h == first)
			break;
		wr_pool_put(&p, h);
	}
	assert_in_range(uses, 512 * 60, 512 * 80);
	wr_pool_fini(&p);
}

static void pool_walk_finds_the_live(void **state)
{
	struct wr_pool p = make(8, 8);
	wr_handle_t h[5];
	uint32_t live = 0;

	for (int i = 0; i < 5; i++)
		wr_pool_get(&p, &h[i]);
	wr_pool_put(&p, h[1]);
	wr_pool_put(&p, h[3]);
	for (uint32_t i = 0; i < p.capacity; i++) {
		wr_handle_t at = wr_pool_handle_at(&p, i);

		if (at == WR_HANDLE_NONE)
			continue;
		assert_ptr_equal(wr_pool_lookup(&p, at), wr_pool_at(&p, i));
		live++;
	}
	assert_int_equal(live, 3);
	assert_int_equal(wr_pool_used(&p), 3);
	wr_pool_fini(&p);
}

static void pool_random_against_model(void **state)
{
	enum {
		CAP = 50
	};
	struct wr_pool p = make(CAP, 16);
	wr_handle_t held[CAP];
	uint32_t count = 0;
	struct wr_rng rng;

	wr_rng_init(&rng, 1);
	for (uint32_t i = 0; i < 500000; i++) {
		if (wr_rng_below(&rng, 2) == 0) {
			wr_handle_t h;
			uint32_t *o = wr_pool_get(&p, &h);

			assert_int_equal(o == NULL, count == CAP);
			if (o == NULL)
				continue;
			*o = h; // an object given out twice would show another's handle
			held[count++] = h;
		} else if (count > 0) {
			uint32_t k = wr_rng_below(&rng, count);
			uint32_t *o = wr_pool_lookup(&p, held[k]);

			assert_non_null(o);
			assert_int_equal(*o, held[k]);
			assert_true(wr_pool_put(&p, held[k]));
			held[k] = held[--count];
		}
		assert_int_equal(wr_pool_used(&p), count);
	}
	assert_int_equal(p.peak, CAP);
	wr_pool_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pool_init_limits),
		cmocka_unit_test(pool_init_most_objects),
		cmocka_unit_test(pool_get_zeroed_and_aligned),
		cmocka_unit_test(pool_get_empty),
		cmocka_unit_test(pool_get_keeps_content),
		cmocka_unit_test(pool_put_stale_refused),
		cmocka_unit_test(pool_handle_never_none_through_wrap),
		cmocka_unit_test(pool_put_worn_out_waits),
		cmocka_unit_test(pool_walk_finds_the_live),
		cmocka_unit_test(pool_random_against_model),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

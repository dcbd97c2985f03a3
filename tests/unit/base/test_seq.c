/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_seq.h"

static void seq_order_plain(void **state)
{
	assert_true(wr_seq_lt(1, 2));
	assert_false(wr_seq_lt(2, 2));
	assert_true(wr_seq_leq(2, 2));
	assert_true(wr_seq_gt(3, 2));
	assert_true(wr_seq_geq(2, 2));
	assert_false(wr_seq_geq(1, 2));
}

static void seq_order_across_wrap(void **state)
{
	assert_true(wr_seq_lt(UINT32_MAX, 0));
	assert_true(wr_seq_gt(5, UINT32_MAX - 5));
	assert_true(wr_seq_lt(0x7fffffff, 0x80000000));
	assert_true(wr_seq_leq(UINT32_MAX, UINT32_MAX));
}

static void seq_min_max_across_wrap(void **state)
{
	assert_int_equal(wr_seq_max(UINT32_MAX, 3), 3);
	assert_int_equal(wr_seq_min(UINT32_MAX, 3), UINT32_MAX);
	assert_int_equal(wr_seq_max(7, 7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seq_order_plain),
		cmocka_unit_test(seq_order_across_wrap),
		cmocka_unit_test(seq_min_max_across_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

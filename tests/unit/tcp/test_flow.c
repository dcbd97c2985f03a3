/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <rte_memory.h>

#include "flow.h"
#include "wr_rng.h"

static void flow_finds_what_was_added(void **state)
{
	struct wr_tcp_flow f;
	struct wr_rng rng;
	enum {
		N = 10000
	};
	static uint64_t hash[N];

	wr_rng_init(&rng, 1);
	assert_int_equal(wr_tcp_flow_init(&f, N, SOCKET_ID_ANY), 0);
	for (uint32_t i = 0; i < N; i++) {
		hash[i] = wr_rng_next(&rng);
		assert_true(wr_tcp_flow_add(&f, hash[i], i + 1));
	}
	assert_int_equal(f.count, N);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(wr_tcp_flow_guess(&f, hash[i]), i + 1);
	for (uint32_t i = 0; i < N; i++) {
		assert_true(wr_tcp_flow_del(&f, hash[i], i + 1));
		assert_false(wr_tcp_flow_del(&f, hash[i], i + 1));
	}
	assert_int_equal(f.count, 0);
	wr_tcp_flow_fini(&f);
}

static void flow_same_hash_keeps_handles_apart(void **state)
{
	struct wr_tcp_flow f;

	assert_int_equal(wr_tcp_flow_init(&f, 64, SOCKET_ID_ANY), 0);
	assert_true(wr_tcp_flow_add(&f, 42, 1));
	assert_true(wr_tcp_flow_add(&f, 42, 2));
	assert_false(wr_tcp_flow_del(&f, 42, 3));
	assert_true(wr_tcp_flow_del(&f, 42, 1));
	assert_int_equal(wr_tcp_flow_guess(&f, 42), 2);
	wr_tcp_flow_fini(&f);
}

static void flow_full_buckets_refuse(void **state)
{
	struct wr_tcp_flow f;
	uint32_t n = 0;

	assert_int_equal(wr_tcp_flow_init(&f, 1024, SOCKET_ID_ANY), 0);
	while (wr_tcp_flow_add(&f, 7, n + 1))
		n++;
	assert_int_equal(n, 2 * WR_TCP_FLOW_WAYS);
	assert_int_equal(f.count, n);
	assert_true(wr_tcp_flow_add(&f, 8ULL << 32 | 9, 99)); // others still fit
	wr_tcp_flow_fini(&f);
}

static void flow_buckets_differ_and_fill_lines(void **state)
{
	struct wr_tcp_flow f;
	struct wr_rng rng;

	wr_rng_init(&rng, 2);
	assert_int_equal(sizeof(struct wr_tcp_flow_bucket), 64);
	assert_int_equal(wr_tcp_flow_init(&f, 1, SOCKET_ID_ANY), 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t h = wr_rng_next(&rng);

		assert_ptr_not_equal(wr_tcp_flow_first(&f, h), wr_tcp_flow_second(&f, h));
		assert_int_not_equal(wr_tcp_flow_sig(h), 0);
	}
	assert_int_equal(wr_tcp_flow_guess(&f, 5), WR_HANDLE_NONE);
	wr_tcp_flow_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_finds_what_was_added),
		cmocka_unit_test(flow_same_hash_keeps_handles_apart),
		cmocka_unit_test(flow_full_buckets_refuse),
		cmocka_unit_test(flow_buckets_differ_and_fill_lines),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

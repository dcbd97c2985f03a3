/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

#include <pthread.h>

// The loop as a thread, on the real clock.

static void *run(void *arg)
{
	return (void *)(intptr_t)wr_worker_run(arg);
}

static void run_clock_goes_on(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg); // starts EAL, which measures the TSC
	wr_us_t before = wr_clock_now(), now = before;

	tri_finish(t);
	assert_true(before > 0);
	for (int i = 0; i < 100000; i++) {
		wr_us_t at = wr_clock_now();

		assert_true(at >= now);
		now = at;
	}
	assert_true(now > before);
	assert_true(now - before < 60 * WR_US_PER_S);
}

// Two workers as threads: they answer calls, count their turns, and stop when told.
static void run_and_stop(void **state)
{
	struct tri_config cfg = {.workers = 2};
	struct triple *t = tri_create(&cfg);
	struct wr_stats_snapshot s;
	pthread_t thread[2];
	void *rc;

	for (uint16_t i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, run, wr_fabric_worker(t->f, i)), 0);
	for (uint16_t i = 0; i < 2; i++) {
		struct wr_msg m = {.kind = WR_MSG_ABORT_ALL};

		assert_int_equal(wr_worker_call(wr_fabric_worker(t->f, i), &m, 10000), 0);
	}
	// A change of tables gets through though the workers mostly sleep.
	wr_backends_set_weight(t->backends, 0, 3, wr_clock_now());
	rte_rcu_qsbr_synchronize(wr_backends_rcu(t->backends), RTE_QSBR_THRID_INVALID);
	wr_backends_reclaim(t->backends);
	wr_fabric_stop(t->f);
	for (uint16_t i = 0; i < 2; i++) {
		assert_int_equal(pthread_join(thread[i], &rc), 0);
		assert_int_equal((intptr_t)rc, 0);
		wr_worker_stats(wr_fabric_worker(t->f, i), &s);
		assert_true(s.stats.ctr[WR_CTR_mbox_messages] >= 1);
		assert_true(s.stats.ctr[WR_CTR_loops] > 0 && s.stats.ctr[WR_CTR_cycles] > 0);
		assert_true(s.stats.ctr[WR_CTR_cycles_busy] <= s.stats.ctr[WR_CTR_cycles]);
	}
	t->now = wr_clock_now() + TRI_S;
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(run_clock_goes_on),
		cmocka_unit_test(run_and_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

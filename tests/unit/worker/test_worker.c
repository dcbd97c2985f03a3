/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

// The turn of the loop.

static void worker_idle_turn(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_stats_snapshot s;

	tri_run(t, 10 * TRI_S);
	assert_int_equal(wr_worker_turn(w, t->now), 0);
	assert_int_equal(wr_worker_id(w), 0);
	assert_int_equal(wr_worker_cpu(w), 1);
	assert_ptr_equal(wr_worker_fabric(w), t->f);
	t->now += 2 * TRI_MS;
	assert_int_equal(wr_worker_turn(w, t->now), 0);
	wr_worker_stats(w, &s);
	assert_int_equal(s.gauges.now_us, t->now);
	assert_true(s.stats.ctr[WR_CTR_loops] > s.stats.ctr[WR_CTR_loops_busy]);
	tri_finish(t);
}

// What is left over from one turn is not forgotten by who asks for the next one.
static void worker_next_timer_sees_leftovers(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_tuple tuple = {.local = w_addr("198.18.1.1"),
		.remote = w_addr("198.18.1.99"),
		.lport = 5,
		.rport = 5};
	struct wr_tcp_connect_opts o = {0};
	wr_handle_t h;

	tri_run(t, 100 * TRI_S);
	assert_true(wr_worker_next_timer(w) > t->now);
	assert_int_equal(wr_tcp_connect(w->tcp, &tuple, &o, t->now, &h), 0);
	assert_true(wr_worker_next_timer(w) <= t->now); // a SYN to send
	tri_settle(t);
	assert_true(wr_worker_next_timer(w) > t->now);
	assert_true(wr_worker_next_timer(w) <= t->now + 3 * TRI_S); // its time-out
	wr_tcp_abort(w->tcp, h, t->now);
	tri_finish(t);
}

// A turn is a quiet moment for the tables of backends.
static void worker_turn_lets_tables_go(void **state)
{
	struct tri_config cfg = {.workers = 2};
	struct triple *t = tri_create(&cfg);

	wr_backends_set_weight(t->backends, 0, 5, t->now);
	wr_backends_reclaim(t->backends);
	assert_int_equal(rte_rcu_qsbr_check(wr_backends_rcu(t->backends),
				 rte_rcu_qsbr_start(wr_backends_rcu(t->backends)), false),
		0);
	wr_worker_turn(wr_fabric_worker(t->f, 0), t->now);
	{
		uint64_t token = rte_rcu_qsbr_start(wr_backends_rcu(t->backends));

		wr_worker_turn(wr_fabric_worker(t->f, 0), t->now);
		assert_int_equal(rte_rcu_qsbr_check(wr_backends_rcu(t->backends), token, false), 0);
		wr_worker_turn(wr_fabric_worker(t->f, 1), t->now);
		assert_int_equal(rte_rcu_qsbr_check(wr_backends_rcu(t->backends), token, false), 1);
	}
	tri_finish(t);
}

// A thousand connections over two workers, short ones, with every book closed at every step.
static void worker_many_short(void **state)
{
	struct tri_config cfg = {.workers = 2, .queues = 2, .backends = 4};
	struct triple *t = tri_create(&cfg);

	for (int k = 0; k < 10; k++) {
		struct tri_conn *c[30];

		for (int i = 0; i < 30; i++)
			c[i] = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
						      .flags = i % 3 ? TRI_F_CLOSE_FIRST : 0,
						      .up = 200,
						      .down = 2000,
						      .family = i % 2 ? 4 : 6});
		for (int i = 0; i < 30; i++)
			TRI_WAIT(t, tri_complete(t, c[i]), 30 * TRI_S);
	}
	TRI_EQ(t, tri_service(t).sessions_total, 300);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worker_idle_turn),
		cmocka_unit_test(worker_next_timer_sees_leftovers),
		cmocka_unit_test(worker_turn_lets_tables_go),
		cmocka_unit_test(worker_many_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

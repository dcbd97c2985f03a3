/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

#include <errno.h>
#include <pthread.h>

// Messages to a worker, and answers from one that a thread turns.

struct turner {
	struct wr_worker *w;
	wr_us_t now;
	bool stop;
};

static void *turn(void *arg)
{
	struct turner *u = arg;

	while (!__atomic_load_n(&u->stop, __ATOMIC_ACQUIRE))
		wr_worker_turn(u->w, u->now += 10);
	return NULL;
}

static void mailbox_budget_and_full(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_msg m = {.kind = WR_MSG_KILL_BACKEND, .a = 0};
	struct wr_pressure p;
	uint32_t posted = 0;
	uint64_t before = tri_ctr(t, WR_CTR_mbox_messages);

	while (wr_worker_post(w, &m) == 0)
		posted++;
	assert_int_equal(posted, WR_MBOX_SLOTS - 1);
	assert_int_equal(wr_worker_post(w, &m), -ENOBUFS);
	t->now += TRI_MS;
	wr_worker_turn(w, t->now);
	assert_int_equal(tri_ctr(t, WR_CTR_mbox_messages) - before, WR_MBOX_BUDGET);
	assert_int_equal(wr_worker_post(w, &m), 0);
	tri_run(t, 10 * TRI_MS);
	assert_int_equal(tri_ctr(t, WR_CTR_mbox_messages) - before, posted + 1);
	// Both refusals are told, and the queue's depth was seen.
	TRI_EQ(t, t->full[WR_Q_mailbox], 2);
	TRI_CHECK(t, t->critical[WR_Q_mailbox] >= 1);
	t->tick_us = TRI_MS;
	tri_run(t, 100 * TRI_MS);
	wr_worker_pressure(w, &p);
	assert_int_equal(p.queue[w->q.mailbox].refusals, 2);
	assert_int_equal(p.queue[w->q.mailbox].depth, 0);
	tri_finish(t);
}

static void mailbox_call_answers(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_session_info info[8];
	struct wr_dump_request dump = {.filter = {.service = -1, .backend = -1, .id = -1},
		.max = RTE_DIM(info),
		.out = info};
	struct wr_msg m = {.kind = WR_MSG_DUMP_SESSIONS, .ptr = &dump};
	struct wr_tcp_gauges g = {0};
	struct turner u = {.w = w};
	pthread_t thread;

	w_open(t, 5);
	u.now = t->now;
	assert_int_equal(pthread_create(&thread, NULL, turn, &u), 0);
	assert_int_equal(wr_worker_call(w, &m, 5000), 5);
	assert_int_equal(dump.count, 5);
	assert_int_equal(dump.cursor, UINT32_MAX);
	m = (struct wr_msg){.kind = WR_MSG_KILL_SESSION, .a = info[2].id};
	assert_int_equal(wr_worker_call(w, &m, 5000), 1);
	m = (struct wr_msg){.kind = WR_MSG_KILL_SESSION, .a = info[2].id};
	assert_int_equal(wr_worker_call(w, &m, 5000), 0);
	m = (struct wr_msg){.kind = WR_MSG_LEDGER_WALK, .ptr = &g};
	assert_int_equal(wr_worker_call(w, &m, 5000), 0);
	assert_true(g.conns >= 8);
	m = (struct wr_msg){.kind = 4711}; // unknown: answered all the same
	assert_int_equal(wr_worker_call(w, &m, 5000), 0);
	__atomic_store_n(&u.stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	t->now = u.now;
	tri_finish(t);
}

static void mailbox_call_times_out(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_msg m = {.kind = WR_MSG_STOP_ACCEPT};

	assert_int_equal(wr_worker_call(w, &m, 2), -ETIMEDOUT);
	assert_int_equal(*m.done, 0);
	tri_settle(t); // answers later, into memory that is still there
	assert_int_equal(*m.done, 1);
	while (wr_worker_post(w, &m) == 0)
		;
	assert_int_equal(wr_worker_call(w, &m, 2), -ENOBUFS);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailbox_budget_and_full),
		cmocka_unit_test(mailbox_call_answers),
		cmocka_unit_test(mailbox_call_times_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

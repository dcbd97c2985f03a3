/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

// Depths, refusals and levels as operators see them.

static const struct wr_queue *queue(struct triple *t, enum wr_queue_kind k, struct wr_pressure *p)
{
	wr_worker_pressure(wr_fabric_worker(t->f, 0), p);
	for (uint16_t i = 0; i < p->queue_count; i++)
		if (p->queue[i].kind == k)
			return &p->queue[i];
	fail_msg("no queue %s", wr_queue_name(k));
	return NULL;
}

// Every bounded queue of a worker is registered with its real capacity.
static void gauge_queues_have_capacities(void **state)
{
	struct tri_config cfg = {
		.max_sessions = 100, .workers = 2, .runtime = "  tcp: {send_buffer_max: 300KiB}\n"};
	struct triple *t = tri_create(&cfg);
	struct wr_pressure p;

	tri_run(t, 200 * TRI_MS);
	assert_int_equal(queue(t, WR_Q_sessions, &p)->capacity, 50);
	assert_int_equal(queue(t, WR_Q_backend_wait, &p)->capacity, 50);
	// What is reserved for probes is not for clients.
	assert_int_equal(queue(t, WR_Q_conns, &p)->capacity, 50 * 2 + 50 / 2 + 64);
	assert_int_equal(queue(t, WR_Q_syn_backlog, &p)->capacity, 64);
	assert_int_equal(queue(t, WR_Q_mailbox, &p)->capacity, WR_MBOX_SLOTS);
	assert_int_equal(queue(t, WR_Q_handoff, &p)->capacity, WR_HANDOFF_SLOTS);
	assert_int_equal(queue(t, WR_Q_tx_backlog, &p)->capacity, BACKLOG_SLOTS);
	assert_int_equal(queue(t, WR_Q_conn_recv, &p)->capacity, 4 << 20);
	assert_int_equal(queue(t, WR_Q_conn_send, &p)->capacity, 300 << 10);
	assert_in_range(queue(t, WR_Q_source_ports, &p)->capacity, 30000, 35000);
	assert_int_equal(queue(t, WR_Q_rx_pool, &p)->capacity, t->pools->held_budget / 2);
	assert_int_equal(queue(t, WR_Q_small_pool, &p)->capacity, t->pools->small_count);
	for (uint16_t i = 0; i < p.queue_count; i++) {
		if (p.queue[i].capacity == 0)
			fail_msg("%s has no capacity", wr_queue_name(p.queue[i].kind));
		assert_true(p.queue[i].high <= p.queue[i].capacity);
	}
	tri_finish(t);
}

static void gauge_depths_follow(void **state)
{
	struct tri_config cfg = {.max_sessions = 100};
	struct triple *t = tri_create(&cfg);
	struct wr_pressure p;

	t->tick_us = TRI_MS;
	w_open(t, 20);
	tri_run(t, 200 * TRI_MS);
	assert_int_equal(queue(t, WR_Q_sessions, &p)->depth, 20);
	assert_int_equal(queue(t, WR_Q_conns, &p)->depth, 40);
	assert_int_equal(queue(t, WR_Q_backend_wait, &p)->depth, 0);
	assert_true(queue(t, WR_Q_source_ports, &p)->depth > 0);
	for (uint32_t i = 0; i < t->conns; i++)
		t->conn[i].hold = false;
	tri_run(t, 2 * TRI_S);
	// TIME-WAIT gives way to new connections: it does not count as used.
	assert_int_equal(queue(t, WR_Q_sessions, &p)->depth, 0);
	assert_int_equal(queue(t, WR_Q_conns, &p)->depth, 0);
	assert_int_equal(queue(t, WR_Q_sessions, &p)->peak, 20);
	tri_finish(t);
}

// Half-open connections at their limit: SYNs are not answered, counted, told.
static void gauge_syn_backlog_full(void **state)
{
	struct tri_config cfg = {.max_sessions = 64, .runtime = "  tcp: {syn_cookies: never}\n"};
	struct triple *t = tri_create(&cfg);
	uint64_t full;

	t->tick_us = TRI_MS;
	for (uint16_t i = 0; i < 200; i++) // from a station that never answers
		w_inject(t, w_tcp(t, "198.18.0.77", "198.18.0.100", (uint16_t)(2000 + i), 80,
				    WR_TCP_SYN));
	tri_run(t, 500 * TRI_MS);
	full = tri_drop(t, WR_DROP_syn_backlog_full);
	TRI_EQ(t, full, 200 - 64);
	TRI_EQ(t, t->full[WR_Q_syn_backlog], full);
	TRI_CHECK(t, t->critical[WR_Q_syn_backlog] >= 1);
	TRI_CHECK(t, t->event_count[WR_EV_level_change] >= 1);
	tri_run(t, 100 * TRI_S);
	TRI_CHECK(t, t->normal[WR_Q_syn_backlog] >= 1);
	TRI_EQ(t, wr_fabric_worker(t->f, 0)->pressure.own.level, 0);
	tri_finish(t);
}

// The same with cookies: every SYN is answered, and nothing is kept of those above the limit.
static void gauge_syn_backlog_cookies(void **state)
{
	struct tri_config cfg = {.max_sessions = 64};
	struct triple *t = tri_create(&cfg);
	struct wr_pressure p;

	t->tick_us = TRI_MS;
	for (uint16_t i = 0; i < 200; i++)
		w_inject(t, w_tcp(t, "198.18.0.77", "198.18.0.100", (uint16_t)(2000 + i), 80,
				    WR_TCP_SYN));
	tri_run(t, 500 * TRI_MS);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_backlog_full), 0);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_cookies_sent), 200 - 64);
	TRI_EQ(t, queue(t, WR_Q_syn_backlog, &p)->depth, 64);
	TRI_CHECK(t, t->critical[WR_Q_syn_backlog] >= 1);
	tri_run(t, 100 * TRI_S);
	TRI_CHECK(t, t->normal[WR_Q_syn_backlog] >= 1);
	tri_finish(t);
}

// Connections run out before sessions: clients are refused with a reset, each one told.
static void gauge_conns_critical_refuses(void **state)
{
	struct tri_config cfg = {.max_sessions = 64, .backends = 1, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_tuple fake = {.local = w_addr("198.18.1.1"),
		.remote = w_addr("198.18.1.99"),
		.lport = 1,
		.rport = 1};
	struct wr_tcp_connect_opts o = {0};
	wr_handle_t h[512];
	struct tri_conn *c;
	uint32_t n = 0;

	while (wr_tcp_connect(w->tcp, &fake, &o, t->now, &h[n]) == 0) {
		fake.lport++;
		n++;
	}
	TRI_EQ(t, n, w->conns_max);
	t->tick_us = TRI_MS;
	tri_run(t, 10 * TRI_MS);
	TRI_EQ(t, t->critical[WR_Q_conns], 1);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_REFUSED);
	tri_run(t, 200 * TRI_MS);
	// Ours of this test and the client's.
	TRI_EQ(t, t->full[WR_Q_conns], 2);
	TRI_EQ(t, t->last[WR_EV_works_queue_full].reason, WR_DROP_syn_refused);
	TRI_EQ(t, t->last[WR_EV_works_queue_full].queue, WR_Q_conns);
	while (n > 0)
		wr_tcp_abort(w->tcp, h[--n], t->now);
	tri_run(t, 500 * TRI_MS);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
	tri_finish(t);
}

// No small buffers: told as a full queue, and everything recovers by itself.
static void gauge_small_pool_empty(void **state)
{
	struct tri_config cfg = {.seed = 3};
	struct triple *t = tri_create(&cfg);
	static struct rte_mbuf *taken[65536];
	struct tri_conn *c;
	uint32_t n = 0;

	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10000, .hold = true});
	TRI_WAIT(t, c->got == 10000, 5 * TRI_S);
	while (n < RTE_DIM(taken) && (taken[n] = rte_pktmbuf_alloc(t->pools->small)) != NULL)
		n++;
	c->up = 200000;
	t->tick_us = TRI_MS;
	t->check_every = 0;
	tri_run(t, 200 * TRI_MS);
	TRI_CHECK(t, tri_drop(t, WR_DROP_no_mbuf) > 0);
	TRI_CHECK(t, t->critical[WR_Q_small_pool] >= 1);
	rte_pktmbuf_free_bulk(taken, n);
	tri_run(t, 200 * TRI_MS);
	TRI_EQ(t, t->full[WR_Q_small_pool], tri_drop(t, WR_DROP_no_mbuf));
	TRI_WAIT(t, c->got == 200000, 60 * TRI_S);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gauge_queues_have_capacities),
		cmocka_unit_test(gauge_depths_follow),
		cmocka_unit_test(gauge_syn_backlog_full),
		cmocka_unit_test(gauge_syn_backlog_cookies),
		cmocka_unit_test(gauge_conns_critical_refuses),
		cmocka_unit_test(gauge_small_pool_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "triple.h"

// Operators' and shutdown's grip on sessions, and what happens when there is no room for one.

static void open_some(struct triple *t, uint32_t n)
{
	uint64_t before = tri_sessions(t);

	for (uint32_t i = 0; i < n; i++)
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 500, .hold = true});
	TRI_WAIT(t, tri_sessions(t) == before + n, 5 * TRI_S);
	tri_run(t, 100 * TRI_MS);
}

static void proxy_kill_backend(void **state)
{
	for (uint16_t workers = 1; workers <= 2; workers++) {
		struct tri_config cfg = {.workers = workers, .backends = 2};
		struct triple *t = tri_create(&cfg);
		struct wr_msg m = {.kind = WR_MSG_KILL_BACKEND, .a = 0};
		uint64_t had;

		open_some(t, 40);
		had = tri_backend_counters(t, 0).sessions;
		TRI_CHECK(t, had > 0 && had < 40);
		wr_backends_set_admin(t->backends, 0, WR_ADMIN_DRAINING, 0, t->now);
		wr_backends_flush(t->backends, t->now);
		tri_post(t, &m);
		TRI_WAIT(t, tri_sessions(t) == 40 - had, TRI_S);
		TRI_EQ(t, tri_backend_counters(t, 0).sessions, 0);
		TRI_EQ(t, tri_backend_counters(t, 1).sessions, 40 - had);
		for (uint32_t i = 0; i < t->conns; i++)
			if (!t->conn[i].client && t->conn[i].peer == 1)
				TRI_EQ(t, t->conn[i].end, WR_TCP_END_RESET);
		m.a = 60000; // no such backend: nothing happens
		tri_post(t, &m);
		tri_run(t, TRI_S);
		TRI_EQ(t, tri_sessions(t), 40 - had);
		tri_finish(t);
	}
}

// Who comes to a backend after it was asked to be emptied stays, by its first connect or a later.
static void proxy_kill_backend_spares_later_sessions(void **state)
{
	struct tri_config cfg = {.backends = 1};
	struct triple *t = tri_create(&cfg);
	struct wr_msg m = {.kind = WR_MSG_KILL_BACKEND, .a = 0};

	open_some(t, 20);
	m.t = t->now;
	tri_run(t, TRI_MS);
	open_some(t, 15);
	TRI_EQ(t, tri_sessions(t), 35);
	tri_post(t, &m);
	tri_run(t, 200 * TRI_MS);
	TRI_EQ(t, tri_sessions(t), 15);
	tri_finish(t);
}

// A session that began before the request, and moved to that backend after it.
static void proxy_kill_backend_spares_who_moved_there_later(void **state)
{
	struct tri_config cfg = {.backends = 2};
	struct triple *t = tri_create(&cfg);
	struct wr_msg m = {.kind = WR_MSG_KILL_BACKEND, .a = 0};
	struct tri_conn *c[20];

	t->peer[2].dead = true;
	for (int i = 0; i < 20; i++)
		c[i] = tri_connect(
			t, &(struct tri_want){.mode = TRI_ECHO, .up = 500, .hold = true});
	tri_run(t, 100 * TRI_MS);
	m.t = t->now;
	for (int i = 0; i < 20; i++)
		TRI_WAIT(t, c[i]->got == 500, 20 * TRI_S);
	TRI_EQ(t, tri_sessions(t), 20);
	TRI_CHECK(t, tri_ctr(t, WR_CTR_connect_retries) > 0);
	tri_post(t, &m);
	tri_run(t, 200 * TRI_MS);
	TRI_EQ(t, tri_sessions(t), tri_ctr(t, WR_CTR_connect_retries));
	tri_finish(t);
}

// More sessions than resets fit into one turn: every peer is told all the same.
static void proxy_kill_and_abort_many(void **state)
{
	for (int abort_all = 0; abort_all < 2; abort_all++) {
		struct tri_config cfg = {.backends = 1, .max_sessions = 400};
		struct triple *t = tri_create(&cfg);
		struct wr_msg m = {.kind = abort_all ? WR_MSG_ABORT_ALL : WR_MSG_KILL_BACKEND};

		for (int i = 0; i < 7; i++)
			open_some(t, 50);
		TRI_EQ(t, tri_sessions(t), 350);
		tri_post(t, &m);
		tri_run(t, 200 * TRI_MS);
		TRI_EQ(t, tri_sessions(t), 0);
		for (uint32_t i = 0; i < t->conns; i++)
			TRI_EQ(t, t->conn[i].end, WR_TCP_END_RESET);
		TRI_EQ(t, tri_drop(t, WR_DROP_no_mbuf), 0);
		tri_finish(t);
	}
}

// All sessions time out at one time.
static void proxy_time_out_many(void **state)
{
	struct tri_config cfg = {
		.backends = 1, .max_sessions = 400, .service = "    timeouts: {idle: 20s}\n"};
	struct triple *t = tri_create(&cfg);

	for (int i = 0; i < 7; i++)
		open_some(t, 50);
	TRI_EQ(t, tri_sessions(t), 350);
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].client)
			t->conn[i].up = 600; // the last move of all is at one time
	tri_run(t, 25 * TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_idle_timeouts), 350);
	for (uint32_t i = 0; i < t->conns; i++)
		TRI_EQ(t, t->conn[i].end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_drop(t, WR_DROP_no_mbuf), 0);
	tri_finish(t);
}

// A session that still connects to a killed backend goes to the next one.
static void proxy_kill_backend_while_connecting(void **state)
{
	struct tri_config cfg = {.backends = 2};
	struct triple *t = tri_create(&cfg);
	struct wr_msg m = {.kind = WR_MSG_KILL_BACKEND, .a = 0};
	struct tri_conn *c[20];

	t->peer[1].dead = true;
	for (int i = 0; i < 20; i++)
		c[i] = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 500});
	tri_run(t, 100 * TRI_MS);
	wr_backends_set_admin(t->backends, 0, WR_ADMIN_DRAINING, 0, t->now);
	wr_backends_flush(t->backends, t->now);
	tri_post(t, &m);
	for (int i = 0; i < 20; i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 2 * TRI_S); // before the connect times out
	TRI_EQ(t, tri_backend_counters(t, 1).sessions_total, 20);
	TRI_EQ(t, tri_ctr(t, WR_CTR_connect_timeouts), 0);
	tri_finish(t);
}

// A drained backend keeps its sessions and gets no new ones.
static void proxy_drain(void **state)
{
	struct tri_config cfg = {.backends = 2};
	struct triple *t = tri_create(&cfg);
	uint64_t had;

	open_some(t, 20);
	had = tri_backend_counters(t, 0).sessions_total;
	TRI_CHECK(t, had > 0);
	wr_backends_set_admin(t->backends, 0, WR_ADMIN_DRAINING, 0, t->now);
	wr_backends_flush(t->backends, t->now);
	open_some(t, 40);
	TRI_EQ(t, tri_backend_counters(t, 0).sessions_total, had);
	TRI_EQ(t, tri_backend_counters(t, 0).sessions, had);
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].client)
			t->conn[i].up = 30000; // those that are there go on
	tri_run(t, 5 * TRI_S);
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].client)
			TRI_EQ(t, t->conn[i].got, 30000);
	wr_backends_set_admin(t->backends, 0, WR_ADMIN_ENABLED, 0, t->now);
	wr_backends_flush(t->backends, t->now);
	open_some(t, 60);
	TRI_CHECK(t, tri_backend_counters(t, 0).sessions_total > had);
	tri_finish(t);
}

static void proxy_kill_session(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_session_filter any = {.service = -1, .backend = -1, .id = -1};
	struct wr_session_info info;
	uint32_t cursor = 0;
	struct wr_msg m = {.kind = WR_MSG_KILL_SESSION};
	int done = 0;

	open_some(t, 3);
	TRI_EQ(t, wr_proxy_dump(w->proxy, &any, &cursor, &info, 1, t->now), 1);
	m.a = info.id;
	m.done = &done;
	tri_post(t, &m);
	tri_run(t, 100 * TRI_MS);
	TRI_EQ(t, done, 2); // 1 + true
	TRI_EQ(t, tri_sessions(t), 2);
	done = 0;
	tri_post(t, &m); // gone
	tri_run(t, 100 * TRI_MS);
	TRI_EQ(t, done, 1);
	TRI_EQ(t, tri_sessions(t), 2);
	tri_finish(t);
}

// At shutdown new connections are refused and old ones go on, until they are reset.
static void proxy_stop_and_abort(void **state)
{
	for (uint16_t workers = 1; workers <= 2; workers++) {
		struct tri_config cfg = {.workers = workers};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c;

		open_some(t, 10);
		tri_post(t, &(struct wr_msg){.kind = WR_MSG_STOP_ACCEPT});
		tri_run(t, 100 * TRI_MS);
		c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
		TRI_WAIT(t, c->released, TRI_S);
		TRI_EQ(t, c->end, WR_TCP_END_REFUSED);
		TRI_EQ(t, tri_drop(t, WR_DROP_syn_refused), 1);
		TRI_EQ(t, tri_sessions(t), 10);
		t->conn[0].up = 10000;
		TRI_WAIT(t, t->conn[0].got == 10000, TRI_S);
		tri_run(t, TRI_S);
		TRI_EQ(t, t->event_count[WR_EV_works_queue_full], 0); // no queue is to blame
		tri_post(t, &(struct wr_msg){.kind = WR_MSG_ABORT_ALL});
		tri_run(t, 100 * TRI_MS);
		TRI_EQ(t, tri_sessions(t), 0);
		for (uint32_t i = 0; i < t->conns; i++)
			TRI_CHECK(t, t->conn[i].released);
		tri_finish(t);
	}
}

// More clients than sessions: the rest is reset, counted, and told.
static void proxy_session_pool_full(void **state)
{
	struct tri_config cfg = {.max_sessions = 32};
	struct triple *t = tri_create(&cfg);
	uint32_t refused = 0, open = 0;
	struct tri_conn *c;

	for (int i = 0; i < 60; i++)
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
	tri_run(t, 10 * TRI_S);
	for (uint32_t i = 0; i < t->conns; i++) {
		if (!t->conn[i].client)
			continue;
		refused += t->conn[i].released;
		open += !t->conn[i].released && t->conn[i].got == 100;
	}
	TRI_CHECK(t, open >= 30 && open <= 32);
	TRI_EQ(t, open + refused, 60);
	TRI_EQ(t, open, tri_sessions(t));
	TRI_EQ(t, tri_drop(t, WR_DROP_session_pool_full) + tri_drop(t, WR_DROP_syn_refused),
		refused);
	TRI_EQ(t, t->full[WR_Q_sessions], refused);
	TRI_CHECK(t, t->event_count[WR_EV_works_queue_full] >= 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_works_queue_full), refused + t->full[WR_Q_neigh_wait]);
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].client && !t->conn[i].released && i % 2)
			tri_reset(t, &t->conn[i]);
	tri_run(t, TRI_S);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S); // room again
	tri_finish(t);
}

static void proxy_two_services_bad(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);

	assert_null(wr_worker_service(wr_fabric_worker(t->f, 0), 1));
	assert_non_null(wr_worker_service(wr_fabric_worker(t->f, 0), 0));
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxy_kill_backend),
		cmocka_unit_test(proxy_kill_backend_spares_later_sessions),
		cmocka_unit_test(proxy_kill_backend_spares_who_moved_there_later),
		cmocka_unit_test(proxy_kill_and_abort_many),
		cmocka_unit_test(proxy_time_out_many),
		cmocka_unit_test(proxy_kill_backend_while_connecting),
		cmocka_unit_test(proxy_drain),
		cmocka_unit_test(proxy_kill_session),
		cmocka_unit_test(proxy_stop_and_abort),
		cmocka_unit_test(proxy_session_pool_full),
		cmocka_unit_test(proxy_two_services_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

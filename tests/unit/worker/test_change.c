/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

#include <errno.h>

// From one configuration to the next under traffic. Every change overwrites and frees what was in
// force before (tri_change_turn), ledgers are checked on the way, and at the end (tri_finish)
// nothing is left of who went.

static const uint16_t worker_counts[] = {1, 2};

static struct triple *start(uint16_t workers)
{
	return tri_create(&(struct tri_config){.seed = 7,
		.workers = workers,
		.queues = workers,
		.family = 4,
		.spare = 2,
		.runtime = "  drain_timeout: 5s\n"});
}

static struct tri_conn *held(struct triple *t, uint32_t service)
{
	return tri_connect(t,
		&(struct tri_want){.mode = TRI_ECHO, .up = 2000, .hold = true, .service = service});
}

static struct tri_conn *whole(struct triple *t, uint32_t service)
{
	return tri_connect(
		t, &(struct tri_want){
			   .mode = TRI_BULK, .up = 3000, .down = 20000, .service = service});
}

// How many of n new sessions get to a backend.
static uint32_t reach(struct triple *t, uint32_t n, uint32_t backend, uint32_t service)
{
	struct tri_conn *c[64];
	uint32_t got = 0;

	assert_true(n <= RTE_DIM(c));
	for (uint32_t i = 0; i < n; i++)
		c[i] = whole(t, service);
	tri_run(t, 5 * TRI_S);
	for (uint32_t i = 0; i < n; i++) {
		TRI_CHECK(t, tri_complete(t, c[i]));
		got += tri_other(t, c[i])->peer == 1 + backend;
	}
	return got;
}

static void all_alive(struct triple *t, struct tri_conn *const *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		TRI_CHECK(t, !c[i]->closed && tri_other(t, c[i]) != NULL);
		TRI_EQ(t, c[i]->got, c[i]->up);
	}
}

// More bytes through sessions that live, to their end.
static void all_end_well(struct triple *t, struct tri_conn *const *c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		c[i]->up += 5000;
		c[i]->hold = false;
	}
	tri_run(t, 5 * TRI_S);
	for (uint32_t i = 0; i < n; i++)
		TRI_CHECK(t, tri_complete(t, c[i]));
}

static void open_some(struct triple *t, struct tri_conn **c, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		c[i] = held(t, 0);
	tri_run(t, TRI_S);
	all_alive(t, c, n);
}

static void change_adds_a_backend(void **state)
{
	for (size_t k = 0; k < RTE_DIM(worker_counts); k++) {
		struct triple *t = start(worker_counts[k]);
		struct tri_conn *c[20];
		struct wr_conf *fresh;

		open_some(t, c, RTE_DIM(c));
		fresh = tri_edit(t);
		tri_add_backend(t, fresh, 0, 2)->weight = 3;
		tri_change(t, fresh);
		assert_int_equal(wr_backends_find(t->backends, "web/b2"), 2);
		assert_int_equal(wr_backends_usable(t->backends, 0), 3);
		assert_in_range(reach(t, 60, 2, 0), 15, 55);
		all_alive(t, c, RTE_DIM(c));
		all_end_well(t, c, RTE_DIM(c));
		assert_int_equal(tri_ctr(t, WR_CTR_configs_adopted), worker_counts[k]);
		tri_finish(t);
	}
}

static void change_removes_a_backend(void **state)
{
	for (size_t k = 0; k < RTE_DIM(worker_counts); k++) {
		struct triple *t = start(worker_counts[k]);
		struct tri_conn *c[20];
		struct wr_conf *fresh;
		struct wr_err err = {0};

		open_some(t, c, RTE_DIM(c));
		assert_true(tri_backend_counters(t, 1).sessions > 0);
		fresh = tri_edit(t);
		assert_int_equal(wr_conf_remove_backend(fresh, "web", "b1", &err), 0);
		tri_change(t, fresh);
		assert_int_equal(tri_backend(t, 1)->slot, WR_CONF_LEAVING);
		assert_int_equal(reach(t, 30, 1, 0), 0);
		all_alive(t, c, RTE_DIM(c));
		// Its slot stays as long as sessions are there.
		tri_change(t, NULL);
		tri_change(t, NULL);
		assert_non_null(tri_backend(t, 1));
		all_end_well(t, c, RTE_DIM(c));
		tri_change(t, NULL);
		assert_null(tri_backend(t, 1));
		// And another one gets it.
		fresh = tri_edit(t);
		tri_add_backend(t, fresh, 0, 3);
		tri_change(t, fresh);
		assert_string_equal(tri_backend(t, 1)->name, "b3");
		assert_int_equal(tri_backend_counters(t, 1).sessions_total, 0);
		assert_true(reach(t, 40, 3, 0) > 5);
		tri_finish(t);
	}
}

static void change_removes_a_backend_with_a_deadline(void **state)
{
	struct triple *t = start(2);
	uint32_t there = 0, closed = 0;
	struct tri_conn *c[20];
	struct wr_conf *fresh;
	struct wr_err err = {0};

	open_some(t, c, RTE_DIM(c));
	fresh = tri_edit(t);
	fresh->pools[0].drain_us = 2 * TRI_S;
	assert_int_equal(wr_conf_remove_backend(fresh, "web", "b1", &err), 0);
	tri_change(t, fresh);
	tri_run_controlled(t, TRI_S, 10 * TRI_MS);
	all_alive(t, c, RTE_DIM(c));
	tri_run_controlled(t, 2 * TRI_S, 10 * TRI_MS);
	for (size_t i = 0; i < RTE_DIM(c); i++) {
		bool here = tri_other(t, c[i])->peer == 2;

		TRI_EQ(t, c[i]->closed, here);
		there += here;
		closed += c[i]->closed;
	}
	assert_in_range(closed, 1, RTE_DIM(c) - 1);
	assert_int_equal(there, closed);
	tri_finish(t);
}

static void change_returns_a_backend_to_its_slot(void **state)
{
	struct triple *t = start(2);
	struct tri_conn *c[20];
	struct wr_conf *fresh;
	struct wr_err err = {0};
	uint64_t sessions;

	open_some(t, c, RTE_DIM(c));
	sessions = tri_backend_counters(t, 1).sessions;
	fresh = tri_edit(t);
	assert_int_equal(wr_conf_remove_backend(fresh, "web", "b1", &err), 0);
	tri_change(t, fresh);
	fresh = tri_edit(t);
	tri_add_backend(t, fresh, 0, 1);
	tri_change(t, fresh);
	assert_int_equal(tri_backend(t, 1)->slot, WR_CONF_LIVE);
	assert_int_equal(tri_backend_counters(t, 1).sessions, sessions);
	tri_run_controlled(t, 20 * TRI_S, 100 * TRI_MS); // out of its slow start
	assert_true(reach(t, 40, 1, 0) > 5);
	all_end_well(t, c, RTE_DIM(c));
	tri_finish(t);
}

static void change_weight(void **state)
{
	struct triple *t = start(2);
	struct tri_conn *c[10];
	struct wr_conf *fresh;

	open_some(t, c, RTE_DIM(c));
	fresh = tri_edit(t);
	fresh->pools[0].backends[1].weight = 0;
	tri_change(t, fresh);
	assert_int_equal(reach(t, 30, 1, 0), 0);
	fresh = tri_edit(t);
	fresh->pools[0].backends[0].weight = 0;
	fresh->pools[0].backends[1].weight = 5;
	tri_change(t, fresh);
	assert_int_equal(reach(t, 30, 1, 0), 30);
	all_end_well(t, c, RTE_DIM(c));
	tri_finish(t);
}

// Nobody is lost, whatever phase a connection is in while the configuration changes.
static void change_under_traffic(void **state)
{
	for (size_t k = 0; k < RTE_DIM(worker_counts); k++) {
		struct triple *t = start(worker_counts[k]);
		struct tri_conn *c[150];

		t->cfg.link[TRI_WAN].delay_us = 3000;
		t->cfg.link[TRI_LAN].delay_us = 1000;
		for (size_t i = 0; i < RTE_DIM(c); i++) {
			struct wr_conf *fresh = tri_edit(t);
			struct wr_err err = {0};

			c[i] = whole(t, 0);
			if (i % 2 == 0)
				tri_add_backend(t, fresh, 0, 2);
			else
				assert_int_equal(
					wr_conf_remove_backend(fresh, "web", "b2", &err), 0);
			tri_change(t, fresh);
			tri_run(t, 700);
			t->check_every = 1;
		}
		t->check_every = 16;
		tri_run(t, 10 * TRI_S);
		for (size_t i = 0; i < RTE_DIM(c); i++)
			TRI_CHECK(t, tri_complete(t, c[i]));
		tri_finish(t);
	}
}

static void change_adds_and_removes_a_service(void **state)
{
	for (size_t k = 0; k < RTE_DIM(worker_counts); k++) {
		struct triple *t = start(worker_counts[k]);
		struct tri_conn *c[10], *late;
		struct wr_conf *fresh = tri_edit(t);
		uint32_t pool;

		tri_add_pool(fresh, "two");
		pool = fresh->pool_count - 1;
		tri_add_backend(t, fresh, pool, 2);
		tri_add_service(t, fresh, "two", 1, pool);
		tri_change(t, fresh);
		assert_int_equal(reach(t, 20, 2, 1), 20);
		assert_int_equal(reach(t, 20, 2, 0), 0);
		for (size_t i = 0; i < RTE_DIM(c); i++)
			c[i] = held(t, 1);
		tri_run(t, TRI_S);
		fresh = tri_edit(t);
		fresh->services[1].slot = WR_CONF_LEAVING;
		fresh->pools[1].slot = WR_CONF_LEAVING;
		tri_change(t, fresh);
		assert_int_equal(t->conf->services[1].slot, WR_CONF_LEAVING);
		all_alive(t, c, RTE_DIM(c));
		late = whole(t, 1);
		tri_run(t, TRI_S);
		TRI_CHECK(t, late->released);
		TRI_EQ(t, late->end, WR_TCP_END_REFUSED);
		// While sessions need them, its slots stay, its configuration too.
		tri_change(t, NULL);
		assert_string_equal(t->conf->services[1].name, "two");
		all_end_well(t, c, RTE_DIM(c));
		tri_change(t, NULL);
		tri_change(t, NULL);
		assert_true(
			t->conf->service_count == 1 || t->conf->services[1].slot == WR_CONF_VACANT);
		reach(t, 10, 0, 0);
		tri_finish(t);
	}
}

// A slot begins anew for whoever gets it.
static void change_gives_a_slot_to_another_service(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh = tri_edit(t);

	tri_add_service(t, fresh, "two", 1, 0);
	tri_change(t, fresh);
	reach(t, 20, 0, 1);
	assert_int_equal(wr_worker_service(t->f->worker[0], 1)->sessions_total +
				 wr_worker_service(t->f->worker[1], 1)->sessions_total,
		20);
	tri_post(t, &(struct wr_msg){.kind = WR_MSG_FORCE_LEVEL, .a = 1, .b = 3});
	tri_post(t, &(struct wr_msg){.kind = WR_MSG_DOOR_ORDER, .a = 1, .b = 0});
	tri_run(t, 100 * TRI_MS);
	assert_int_equal(wr_worker_ordered(t->f->worker[1], 1), 0);
	fresh = tri_edit(t);
	fresh->services[1].slot = WR_CONF_LEAVING;
	tri_change(t, fresh);
	tri_change(t, NULL);
	fresh = tri_edit(t);
	tri_add_service(t, fresh, "three", 2, 0);
	tri_change(t, fresh);
	assert_string_equal(t->conf->services[1].name, "three");
	for (uint16_t i = 0; i < 2; i++) {
		assert_int_equal(wr_worker_service(t->f->worker[i], 1)->sessions_total, 0);
		assert_int_equal(wr_worker_ordered(t->f->worker[i], 1), WR_CLASSES);
	}
	reach(t, 20, 0, 2);
	tri_finish(t);
}

static void change_moves_listeners(void **state)
{
	for (size_t k = 0; k < RTE_DIM(worker_counts); k++) {
		struct triple *t = start(worker_counts[k]);
		struct wr_conf *fresh = tri_edit(t);
		struct wr_endpoint at[2];
		struct tri_conn *c[10];

		tri_add_pool(fresh, "two");
		tri_add_backend(t, fresh, 1, 2);
		tri_add_service(t, fresh, "two", 1, 1);
		tri_change(t, fresh);
		assert_int_equal(reach(t, 10, 2, 1), 10);
		open_some(t, c, RTE_DIM(c));
		fresh = tri_edit(t);
		memcpy(at, fresh->services[0].listen, sizeof(at));
		memcpy(fresh->services[0].listen, fresh->services[1].listen, sizeof(at));
		memcpy(fresh->services[1].listen, at, sizeof(at));
		tri_change(t, fresh);
		assert_int_equal(reach(t, 10, 2, 0), 10);
		assert_int_equal(reach(t, 10, 2, 1), 0);
		all_end_well(t, c, RTE_DIM(c));
		// All of them to one: the other has none of those any more.
		fresh = tri_edit(t);
		fresh->services[0].listen[1] = fresh->services[1].listen[0];
		fresh->services[1].listen[0] = fresh->services[1].listen[1];
		fresh->services[1].listen_count = 1;
		tri_change(t, fresh);
		assert_int_equal(reach(t, 10, 2, 0), 0);
		assert_int_equal(reach(t, 10, 2, 1), 0);
		tri_finish(t);
	}
}

static void change_moves_a_service_to_another_pool(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh;
	struct tri_conn *c[10];

	open_some(t, c, RTE_DIM(c));
	fresh = tri_edit(t);
	tri_add_pool(fresh, "two");
	tri_add_backend(t, fresh, 1, 2);
	fresh->services[0].pool = 1;
	fresh->pools[0].slot = WR_CONF_LEAVING;
	tri_change(t, fresh);
	assert_int_equal(reach(t, 20, 2, 0), 20);
	all_alive(t, c, RTE_DIM(c));
	all_end_well(t, c, RTE_DIM(c));
	tri_finish(t);
}

static uint32_t established(struct triple *t, struct tri_conn *const *c, uint32_t n)
{
	uint32_t got = 0;

	for (uint32_t i = 0; i < n; i++)
		got += tri_other(t, c[i]) != NULL;
	return got;
}

static void change_limits_a_pool(void **state)
{
	for (size_t k = 0; k < RTE_DIM(worker_counts); k++) {
		struct triple *t = start(worker_counts[k]);
		struct wr_conf *fresh;
		struct tri_conn *c[10], *d[20];

		open_some(t, c, RTE_DIM(c));
		fresh = tri_edit(t);
		fresh->pools[0].max_connections = 6;
		fresh->services[0].wait_time_us = 60 * TRI_S;
		fresh->services[0].wait_target_us = 60 * TRI_S;
		tri_change(t, fresh);
		assert_int_equal(t->f->shared->pools[0]->limit, 6);
		assert_true(t->f->worker[0]->q.pending[0] >= 0);
		assert_true(t->f->worker[0]->q.pool_inflight[0] >= 0);
		for (size_t i = 0; i < RTE_DIM(d); i++)
			d[i] = held(t, 0);
		tri_run(t, TRI_S);
		assert_int_equal(established(t, d, RTE_DIM(d)), 6);
		assert_int_equal(wr_lease_used(t->f->shared->pools[0]), 6);
		// What began before any limit is not counted, and its end gives nothing back.
		all_end_well(t, c, RTE_DIM(c));
		assert_int_equal(established(t, d, RTE_DIM(d)), 6);
		fresh = tri_edit(t);
		fresh->pools[0].max_connections = 12;
		tri_change(t, fresh);
		tri_run(t, TRI_S);
		assert_int_equal(established(t, d, RTE_DIM(d)), 12);
		fresh = tri_edit(t);
		fresh->pools[0].max_connections = 0;
		tri_change(t, fresh);
		tri_run(t, 2 * TRI_S);
		assert_int_equal(established(t, d, RTE_DIM(d)), RTE_DIM(d));
		all_end_well(t, d, RTE_DIM(d));
		tri_finish(t);
	}
}

// Queues of limits that were there once stay: others may not have room. All is as it was then.
static void change_with_too_many_queues_is_refused(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh = tri_edit(t);
	const struct wr_conf *before;
	struct wr_err err = {0};
	struct tri_conn *c[10];
	uint32_t queues;

	for (uint32_t i = 0; i < 400; i++) {
		struct wr_conf_backend *b = tri_add_backend(t, fresh, 0, 2);

		snprintf(b->name, sizeof(b->name), "x%u", i);
		b->max_connections = 5;
		b->weight = 0;
	}
	tri_change(t, fresh);
	open_some(t, c, RTE_DIM(c));
	fresh = tri_edit(t);
	for (uint32_t i = 0; i < fresh->pools[0].backend_count; i++)
		fresh->pools[0].backends[i].max_connections = 0;
	tri_change(t, fresh);
	queues = t->f->worker[0]->pressure.queue_count;
	fresh = tri_edit(t);
	for (uint32_t i = 0; i < 200; i++) {
		struct wr_conf_backend *b = tri_add_backend(t, fresh, 0, 2);

		snprintf(b->name, sizeof(b->name), "y%u", i);
		b->max_connections = 5;
	}
	before = t->conf;
	assert_true(tri_change_begin(t, fresh, &err) < 0);
	assert_non_null(strstr(err.text, "512 is the most"));
	assert_int_equal(t->f->worker[0]->pressure.queue_count, queues);
	assert_ptr_equal(wr_fabric_conf(t->f), before);
	assert_int_equal(wr_backends_find(t->backends, "web/y0"), -1);
	assert_false(t->f->changing);
	all_alive(t, c, RTE_DIM(c));
	// And the next one goes through.
	fresh = tri_edit(t);
	for (uint32_t i = 2; i < fresh->pools[0].backend_count; i++)
		fresh->pools[0].backends[i].slot = WR_CONF_LEAVING;
	tri_change(t, fresh);
	all_end_well(t, c, RTE_DIM(c));
	reach(t, 10, 0, 0);
	tri_finish(t);
}

static void change_waits_for_a_full_mailbox(void **state)
{
	struct triple *t = start(2);
	struct wr_worker *w = t->f->worker[1];
	const struct wr_conf *before = t->conf;
	struct wr_conf *fresh = tri_edit(t);
	struct wr_msg nothing = {.kind = UINT32_MAX};
	struct wr_err err = {0};
	struct tri_conn *c[10];

	open_some(t, c, RTE_DIM(c));
	while (wr_worker_post(w, &nothing) == 0)
		;
	tri_add_backend(t, fresh, 0, 2);
	assert_int_equal(tri_change_begin(t, fresh, &err), 0);
	assert_false(tri_change_turn(t));
	for (int i = 0; i < 100; i++)
		wr_worker_turn(t->f->worker[0], t->now);
	assert_false(tri_change_turn(t));
	// One runs with the new one, the other does not know of it; control waits.
	assert_ptr_equal(t->f->worker[0]->conf, fresh);
	assert_ptr_equal(w->conf, before);
	assert_ptr_equal(wr_fabric_conf(t->f), before);
	for (uint32_t i = 0; i < WR_MBOX_SLOTS / WR_MBOX_BUDGET + 1; i++)
		wr_worker_turn(w, t->now);
	assert_false(tri_change_turn(t)); // asked only now
	assert_ptr_equal(w->conf, before);
	tri_settle(t);
	assert_true(tri_change_turn(t));
	assert_ptr_equal(w->conf, fresh);
	assert_int_equal(tri_ctr(t, WR_CTR_configs_adopted), 2);
	wr_backends_flush(t->backends, t->now);
	assert_true(reach(t, 30, 2, 0) > 0);
	all_end_well(t, c, RTE_DIM(c));
	tri_finish(t);
}

// Between begin and end workers may run with either; traffic does not mind.
static void change_half_way_under_traffic(void **state)
{
	struct triple *t = start(2);
	struct wr_conf *fresh = tri_edit(t);
	struct wr_err err = {0};
	struct tri_conn *c[10];

	open_some(t, c, RTE_DIM(c));
	fresh->pools[0].backends[1].slot = WR_CONF_LEAVING;
	tri_add_backend(t, fresh, 0, 3);
	tri_add_service(t, fresh, "two", 1, 0);
	assert_int_equal(tri_change_begin(t, fresh, &err), 0);
	assert_false(tri_change_turn(t));
	// Adopted, not committed: who is new is not picked, who leaves still may be.
	assert_int_equal(reach(t, 30, 3, 0), 0);
	assert_int_equal(reach(t, 10, 3, 1), 0);
	assert_true(tri_change_turn(t));
	wr_backends_flush(t->backends, t->now);
	assert_int_equal(reach(t, 30, 1, 0), 0);
	all_end_well(t, c, RTE_DIM(c));
	tri_finish(t);
}

// What other threads ask for in between reads nothing that was freed.
static void change_leaves_readers_alone(void **state)
{
	struct wr_session_info info[64];
	struct triple *t = start(2);
	struct tri_conn *c[20];
	char text[256];

	open_some(t, c, RTE_DIM(c));
	for (int round = 0; round < 6; round++) {
		struct wr_conf *fresh = tri_edit(t);
		struct wr_stats_snapshot s;
		struct wr_pressure p;
		uint32_t sessions = 0;

		fresh->pools[0].backends[1].slot = round % 2 == 0 ? WR_CONF_LEAVING : WR_CONF_LIVE;
		if (round % 2 == 1)
			fresh->services[0].accept = WR_CONF_ACCEPT_DEFERRED;
		tri_change(t, fresh);
		for (uint16_t i = 0; i < 2; i++) {
			struct wr_dump_request d = {
				.filter = {.service = -1, .backend = -1, .id = -1},
				.max = RTE_DIM(info),
				.out = info};
			struct wr_worker *w = t->f->worker[i];

			d.count =
				wr_proxy_dump(w->proxy, &d.filter, &d.cursor, d.out, d.max, t->now);
			sessions += d.count;
			wr_worker_stats(w, &s);
			wr_worker_pressure(w, &p);
			assert_non_null(wr_worker_gate(w, 0));
		}
		assert_int_equal(sessions, RTE_DIM(c));
		for (uint16_t i = 0; i < wr_backends_count(t->backends); i++)
			if (tri_backend(t, i) != NULL)
				assert_true(wr_backend_words(t->backends, tri_backend(t, i), t->now,
						    text, sizeof(text))[0] != '\0');
		assert_string_equal(wr_fabric_conf(t->f)->pools[0].name, "web");
		assert_string_equal(wr_backends_pool(t->backends, 0)->conf->name, "web");
		tri_run_controlled(t, 200 * TRI_MS, 10 * TRI_MS);
		tri_check(t);
	}
	all_end_well(t, c, RTE_DIM(c));
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(change_adds_a_backend),
		cmocka_unit_test(change_removes_a_backend),
		cmocka_unit_test(change_removes_a_backend_with_a_deadline),
		cmocka_unit_test(change_returns_a_backend_to_its_slot),
		cmocka_unit_test(change_weight),
		cmocka_unit_test(change_under_traffic),
		cmocka_unit_test(change_adds_and_removes_a_service),
		cmocka_unit_test(change_gives_a_slot_to_another_service),
		cmocka_unit_test(change_moves_listeners),
		cmocka_unit_test(change_moves_a_service_to_another_pool),
		cmocka_unit_test(change_limits_a_pool),
		cmocka_unit_test(change_with_too_many_queues_is_refused),
		cmocka_unit_test(change_waits_for_a_full_mailbox),
		cmocka_unit_test(change_half_way_under_traffic),
		cmocka_unit_test(change_leaves_readers_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig_change.h"

// Sessions that wait for a backend with room: who is served, who is told off, and when.

static void one_each(struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->pools[0].backend_count; i++)
		c->pools[0].backends[i].max_connections = 1;
}

static void pool_of_one(struct wr_conf *c)
{
	c->pools[0].max_connections = 1;
}

static struct wr_proxy_pending pending(struct rig *r, uint16_t service)
{
	struct wr_proxy_pending q;

	wr_proxy_pending(r->p, service, r->now, &q);
	return q;
}

static void wait_served_when_room_is_freed(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .tune = one_each};
		struct wr_session_info s;
		struct rig_app *a[3];
		struct rig r;

		rig_open(&r, &cfg);
		for (int i = 0; i < 3; i++)
			a[i] = rig_connect(&r, 0, 0, 1000);
		rig_settle(&r);
		// Each backend has one, the third waits with what it sent.
		assert_int_equal(rig_open_at(&r, 0), 1);
		assert_int_equal(rig_open_at(&r, 1), 1);
		assert_true(a[2]->connected && !a[2]->closed);
		s = rig_session(&r, a[2]);
		assert_int_equal(s.state, WR_SESSION_PENDING);
		assert_int_equal(s.backend, WR_MAGLEV_NONE);
		assert_int_equal(s.class, 4);
		assert_int_equal(s.tries, 0);
		assert_false(s.has_server);
		assert_int_equal(pending(&r, 0).depth, 1);
		assert_int_equal(pending(&r, 0).items_max, 1024);
		assert_true(pending(&r, 0).waits);
		rig_run(&r, 20 * RIG_MS);
		assert_int_equal(pending(&r, 0).oldest_us, 20 * RIG_MS);
		rig_end(&r, a[0]);
		// No time has passed: it was served in the turn that freed the place.
		assert_int_equal(pending(&r, 0).depth, 0);
		assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_OPEN);
		assert_int_equal(rig_open_at(&r, 0) + rig_open_at(&r, 1), 2);
		assert_int_equal(pending(&r, 0).arrivals, 1);
		assert_int_equal(pending(&r, 0).waited_us, 20 * RIG_MS);
		assert_false(pending(&r, 0).waits);
		rig_end(&r, a[1]);
		rig_end(&r, a[2]);
		for (uint32_t i = 0; i < r.apps; i++)
			assert_true(r.app[i].client || r.app[i].got == 1000);
		assert_int_equal(rig_ctr(&r, WR_CTR_pending_begun), 1);
		assert_int_equal(rig_ctr(&r, WR_CTR_pending_served), 1);
		assert_int_equal(rig_service(&r, 0)->completed, 3);
		assert_int_equal(rig_service(&r, 0)->refused, 0);
		assert_int_equal(rig_ctr(&r, WR_CTR_connect_retries), 0);
		rig_close(&r);
	}
}

static void wait_for_the_pool(void **state)
{
	struct rig_config cfg = {.tune = pool_of_one};
	struct rig_app *a[2];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 2; i++)
		a[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 1);
	assert_int_equal(rig_open_at(&r, 0) + rig_open_at(&r, 1), 1);
	rig_end(&r, a[0]);
	rig_end(&r, a[1]);
	rig_close(&r);
}

// What another worker gives back is seen within a millisecond.
static void wait_for_another_worker(void **state)
{
	struct rig_config cfg = {.workers = 2, .tune = pool_of_one};
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	rig_run(&r, 2 * RIG_MS);
	assert_true(wr_lease_take(r.shared->pools[0], 1));
	a = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 1);
	assert_true(wr_proxy_next_timer(r.p) <= r.now + RIG_MS);
	rig_run(&r, 10 * RIG_MS);
	assert_int_equal(pending(&r, 0).depth, 1);
	wr_lease_put(r.shared->pools[0], 1);
	wr_lease_tick(r.shared->pools[0], 1);
	rig_run(&r, RIG_MS);
	assert_int_equal(pending(&r, 0).depth, 0);
	assert_true(wr_proxy_next_timer(r.p) > r.now + RIG_MS);
	rig_end(&r, a);
	rig_close(&r);
}

static void wait_times_out(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .tune = pool_of_one};
		struct rig_app *first, *second;
		struct rig r;

		rig_open(&r, &cfg);
		first = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
		second = rig_connect(&r, 0, 0, 10);
		rig_run(&r, 99 * RIG_MS);
		assert_false(second->closed);
		// 100 ms without being empty: the queue stands, its longest wait is the target now.
		rig_run(&r, 2 * RIG_MS);
		assert_true(rig_refused(second));
		assert_false(first->closed);
		assert_int_equal(rig_ctr(&r, WR_CTR_pending_timeouts), 1);
		assert_int_equal(rig_service(&r, 0)->pending_timeouts, 1);
		assert_int_equal(rig_service(&r, 0)->refused + rig_service(&r, 0)->failed, 0);
		assert_int_equal(rig_ctr(&r, WR_CTR_connect_timeouts), 0);
		rig_close(&r);
	}
}

static void wait_long(struct wr_conf *c)
{
	pool_of_one(c);
	c->services[0].wait_time_us = 10 * RIG_S;
	c->services[0].wait_target_us = 10 * RIG_S;
}

// The connect's time runs from the place on, not from the wait.
static void wait_is_not_connecting(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = wait_long};
	struct rig_app *a[2];
	struct rig r;

	rig_open(&r, &cfg);
	a[0] = rig_connect(&r, 0, 0, 10);
	a[1] = rig_connect(&r, 0, 0, 10);
	rig_run(&r, 8 * RIG_S);
	assert_false(a[1]->closed);
	r.dead[0] = true;
	rig_reset(&r, a[0]);
	rig_run(&r, 2900 * RIG_MS);
	assert_int_equal(rig_session(&r, a[1]).state, WR_SESSION_CONNECTING);
	assert_false(a[1]->closed);
	rig_run(&r, 200 * RIG_MS);
	assert_true(rig_refused(a[1]));
	assert_int_equal(rig_ctr(&r, WR_CTR_connect_timeouts), 1);
	assert_int_equal(rig_service(&r, 0)->failed, 1);
	rig_close(&r);
}

// A client that leaves gives its place in the queue up; one that only ends its stream does not.
static void wait_left_by_clients(void **state)
{
	struct rig_config cfg = {.tune = wait_long};
	struct rig_app *a[3];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 3; i++)
		a[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	rig_reset(&r, a[1]);
	rig_fin(&r, a[2]);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 1);
	assert_int_equal(rig_ctr(&r, WR_CTR_pending_left), 1);
	assert_int_equal(rig_service(&r, 0)->pending_left, 1);
	rig_end(&r, a[0]);
	assert_true(a[2]->closed);
	assert_int_equal(a[2]->end, WR_TCP_END_CLOSED);
	rig_close(&r);
}

static void wait_few(struct wr_conf *c)
{
	wait_long(c);
	c->services[0].wait_sessions = 16;
	c->services[0].sources = calloc(1, sizeof(*c->services[0].sources));
	c->services[0].source_count = 1;
	assert_int_equal(wr_prefix_parse("198.18.0.200/32", &c->services[0].sources[0].from), 0);
	c->services[0].sources[0].class = 0;
}

static void wait_10(struct wr_conf *c)
{
	c->services[0].wait_sessions = 10;
	c->services[1].wait_sessions = 1;
}

// The parts of all workers are what was configured, but none is without any.
static void wait_divided_by_workers(void **state)
{
	static const uint32_t part[] = {4, 3, 3};

	for (uint16_t w = 0; w < 3; w++) {
		struct rig_config cfg = {.services = 2, .workers = 3, .worker = w, .tune = wait_10};
		struct rig r;

		rig_open(&r, &cfg);
		assert_int_equal(pending(&r, 0).items_max, part[w]);
		assert_int_equal(pending(&r, 1).items_max, 1);
		rig_close(&r);
	}
}

static void wait_full(void **state)
{
	struct rig_config cfg = {.tune = wait_few};
	struct rig_app *a[18], *best;
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 18; i++) {
		a[i] = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
	}
	assert_int_equal(pending(&r, 0).items_max, 16);
	assert_int_equal(pending(&r, 0).depth, 16);
	assert_true(rig_refused(a[17]));
	assert_int_equal(rig_ctr(&r, WR_CTR_pending_full), 1);
	assert_int_equal(rig_service(&r, 0)->pending_full, 1);
	// A better class drives the oldest of the worst out, and is served first.
	best = rig_connect(&r, 0, 198, 10);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, best).class, 0);
	assert_true(rig_refused(a[1]));
	assert_int_equal(rig_ctr(&r, WR_CTR_pending_evicted), 1);
	assert_int_equal(rig_service(&r, 0)->pending_evicted, 1);
	rig_end(&r, a[0]);
	assert_int_equal(rig_session(&r, best).state, WR_SESSION_OPEN);
	assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_PENDING);
	rig_close(&r);
}

// Nobody overtakes: who comes when a place was just freed joins those that wait.
static void wait_is_not_overtaken(void **state)
{
	struct rig_config cfg = {.tune = wait_long};
	struct rig_app *a[3];
	struct rig r;

	rig_open(&r, &cfg);
	a[0] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	a[1] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	// The reset and the new connection arrive in one turn.
	rig_reset(&r, a[0]);
	a[2] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, a[1]).state, WR_SESSION_OPEN);
	assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_PENDING);
	rig_close(&r);
}

static void services_long(struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->service_count; i++) {
		c->services[i].wait_time_us = 10 * RIG_S;
		c->services[i].wait_target_us = 10 * RIG_S;
	}
	c->pools[0].max_connections = 2;
}

static void wait_services_take_turns(void **state)
{
	struct rig_config cfg = {.services = 2, .tune = services_long};
	struct rig_app *busy[2], *a[8];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 2; i++)
		busy[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	for (int i = 0; i < 8; i++) {
		a[i] = rig_connect(&r, i < 6 ? 0 : 1, 0, 10);
		rig_settle(&r);
	}
	assert_int_equal(pending(&r, 0).depth, 6);
	assert_int_equal(pending(&r, 1).depth, 2);
	rig_end(&r, busy[0]);
	rig_end(&r, busy[1]);
	assert_int_equal(pending(&r, 0).depth, 5);
	assert_int_equal(pending(&r, 1).depth, 1);
	for (int i = 0; i < 8; i++) {
		if (a[i]->h != WR_HANDLE_NONE && rig_session(&r, a[i]).state == WR_SESSION_OPEN)
			rig_end(&r, a[i]);
	}
	rig_close(&r);
}

// More freed at once than one turn serves.
static void many(struct wr_conf *c)
{
	wait_long(c);
	c->pools[0].max_connections = 100;
}

static void wait_many_are_served(void **state)
{
	struct rig_config cfg = {.tune = many};
	struct rig_app *a[200];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 200; i++)
		a[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 100);
	assert_int_equal(wr_lease_used(r.shared->pools[0]), 100);
	for (int i = 0; i < 200; i++)
		if (rig_session(&r, a[i]).state == WR_SESSION_OPEN)
			rig_fin(&r, a[i]);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 0);
	assert_int_equal(rig_ctr(&r, WR_CTR_pending_served), 100);
	assert_int_equal(rig_service(&r, 0)->completed, 100);
	rig_close(&r);
}

// Killing a backend, killing one that waits, aborting all, draining.
static void wait_killed(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = wait_long};
	struct rig_app *a[4];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 4; i++) {
		a[i] = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
	}
	assert_true(wr_proxy_kill(r.p, rig_session(&r, a[1]).id, r.now));
	rig_settle(&r);
	assert_true(rig_refused(a[1]));
	assert_int_equal(pending(&r, 0).depth, 2);
	// Only the session that it has; its place goes to the next one.
	wr_proxy_kill_backend(r.p, 0, r.now);
	rig_settle(&r);
	assert_true(rig_refused(a[0]));
	assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_OPEN);
	assert_int_equal(pending(&r, 0).depth, 1);
	wr_proxy_stop(r.p); // who waits may still be served
	rig_end(&r, a[2]);
	assert_int_equal(rig_session(&r, a[3]).state, WR_SESSION_OPEN);
	rig_close(&r);
}

// Each that began to wait is counted once where its wait ends.
static void waits_add_up(const struct rig *r, uint64_t ended)
{
	assert_int_equal(rig_ctr(r, WR_CTR_pending_ended), ended);
	assert_int_equal(rig_ctr(r, WR_CTR_pending_begun),
		r->p->waiting + ended + rig_ctr(r, WR_CTR_pending_served) +
			rig_ctr(r, WR_CTR_pending_timeouts) + rig_ctr(r, WR_CTR_pending_evicted) +
			rig_ctr(r, WR_CTR_pending_left));
}

static void wait_counted_however_it_ends(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = wait_few};
	struct rig_app *a[19];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 18; i++) {
		a[i] = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
	}
	rig_connect(&r, 0, 198, 10);
	rig_settle(&r);
	waits_add_up(&r, 0); // one found it full, one was driven out
	rig_reset(&r, a[2]);
	rig_end(&r, a[0]);
	assert_true(wr_proxy_kill(r.p, rig_session(&r, a[3]).id, r.now));
	rig_settle(&r);
	assert_int_equal(rig_ctr(&r, WR_CTR_pending_served), 1);
	waits_add_up(&r, 1);
	wr_proxy_abort_all(r.p);
	rig_settle(&r);
	assert_int_equal(r.p->waiting, 0);
	waits_add_up(&r, 14);
	a[0] = rig_connect(&r, 0, 0, 10);
	a[1] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 1);
	assert_int_equal(wr_backends_set_admin(r.backends, 0, WR_ADMIN_DRAINING, 0, r.now), 0);
	rig_run(&r, RIG_MS);
	waits_add_up(&r, 15);
	rig_close(&r);
}

// No backend may be picked any more: waiting leads nowhere.
static void wait_without_backends(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = wait_long};
	struct rig_app *a[3];
	struct rig r;

	rig_open(&r, &cfg);
	a[0] = rig_connect(&r, 0, 0, 10);
	a[1] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 1);
	assert_int_equal(wr_backends_set_admin(r.backends, 0, WR_ADMIN_DRAINING, 0, r.now), 0);
	rig_run(&r, RIG_MS);
	assert_true(rig_refused(a[1]));
	assert_false(a[0]->closed);
	a[2] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_true(rig_refused(a[2]));
	assert_int_equal(rig_ctr(&r, WR_CTR_no_backend), 2);
	assert_int_equal(rig_service(&r, 0)->refused, 2);
	rig_close(&r);
}

static void wait_deferred(void **state)
{
	struct rig_config cfg = {.deferred = true, .tune = wait_long};
	struct rig_app *a[2];
	struct rig r;

	rig_open(&r, &cfg);
	a[0] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	a[1] = rig_connect(&r, 0, 0, 10);
	rig_run(&r, 200 * RIG_MS);
	assert_true(a[0]->connected);
	assert_false(a[1]->connected);
	rig_end(&r, a[0]);
	assert_true(a[1]->connected);
	rig_end(&r, a[1]);
	rig_close(&r);
}

// Who waits goes on waiting, by the new bounds.
static void wait_across_a_change(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = wait_long};
	struct rig_app *a[5];
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 4; i++) {
		a[i] = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
	}
	assert_int_equal(pending(&r, 0).depth, 3);
	c = rig_edit(&r);
	c->services[0].wait_sessions = 2;
	rig_change(&r, c);
	rig_settle(&r);
	assert_int_equal(pending(&r, 0).depth, 3);
	assert_int_equal(pending(&r, 0).items_max, 2);
	a[4] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_true(rig_refused(a[4]));
	rig_end(&r, a[0]);
	assert_int_equal(rig_session(&r, a[1]).state, WR_SESSION_OPEN);
	assert_int_equal(pending(&r, 0).depth, 2);
	// Its service leaves: it waits on, until it is served or its time is over.
	c = rig_edit(&r);
	c->services[0].slot = WR_CONF_VACANT;
	rig_add_service(&r, c, "other", 1, 0);
	rig_change(&r, c);
	assert_int_equal(pending(&r, 0).depth, 2);
	rig_end(&r, a[1]);
	assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_OPEN);
	rig_run(&r, 100 * RIG_MS);
	assert_false(a[3]->closed);
	rig_change(&r, NULL);
	rig_end(&r, a[2]);
	rig_end(&r, a[3]);
	rig_change(&r, NULL);
	assert_int_equal(r.conf->services[0].slot, WR_CONF_VACANT);
	assert_int_equal(pending(&r, 0).depth, 0);
	rig_end(&r, rig_connect(&r, 1, 0, 10));
	rig_close(&r);
}

static void wait_shorter_after_a_change(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = wait_long};
	struct rig_app *a[2];
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	a[0] = rig_connect(&r, 0, 0, 10);
	a[1] = rig_connect(&r, 0, 0, 10);
	rig_run(&r, 60 * RIG_MS);
	c = rig_edit(&r);
	c->services[0].wait_time_us = 50 * RIG_MS;
	c->services[0].wait_target_us = 50 * RIG_MS;
	rig_change(&r, c);
	rig_settle(&r);
	assert_true(rig_refused(a[1]));
	assert_int_equal(rig_ctr(&r, WR_CTR_pending_timeouts), 1);
	rig_end(&r, a[0]);
	rig_close(&r);
}

// To another pool, with room: who waits follows the service.
static void wait_follows_to_another_pool(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {
			.family = family, .services = 2, .backends = 1, .tune = wait_long};
		struct rig_app *a[3];
		struct wr_conf *c;
		struct rig r;

		rig_open(&r, &cfg);
		rig_listen(&r, 2, true);
		c = rig_edit(&r);
		rig_add_pool(c, "other");
		rig_add_backend(&r, c, 1, 2);
		rig_change(&r, c);
		a[0] = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
		a[1] = rig_connect(&r, 0, 0, 10);
		a[2] = rig_connect(&r, 1, 0, 10);
		rig_settle(&r);
		assert_int_equal(r.p->pool_waiting[0], 2);
		c = rig_edit(&r);
		c->services[0].pool = 1;
		rig_change(&r, c);
		assert_int_equal(r.p->pool_waiting[0], 1);
		assert_int_equal(r.p->pool_waiting[1], 1);
		rig_settle(&r);
		assert_int_equal(r.p->pool_waiting[1], 0);
		assert_int_equal(rig_session(&r, a[1]).backend, 1);
		assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_PENDING);
		rig_end(&r, a[0]);
		rig_end(&r, a[1]);
		rig_end(&r, a[2]);
		rig_close(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wait_served_when_room_is_freed),
		cmocka_unit_test(wait_for_the_pool),
		cmocka_unit_test(wait_for_another_worker),
		cmocka_unit_test(wait_times_out),
		cmocka_unit_test(wait_is_not_connecting),
		cmocka_unit_test(wait_left_by_clients),
		cmocka_unit_test(wait_divided_by_workers),
		cmocka_unit_test(wait_full),
		cmocka_unit_test(wait_counted_however_it_ends),
		cmocka_unit_test(wait_is_not_overtaken),
		cmocka_unit_test(wait_services_take_turns),
		cmocka_unit_test(wait_many_are_served),
		cmocka_unit_test(wait_killed),
		cmocka_unit_test(wait_without_backends),
		cmocka_unit_test(wait_deferred),
		cmocka_unit_test(wait_across_a_change),
		cmocka_unit_test(wait_shorter_after_a_change),
		cmocka_unit_test(wait_follows_to_another_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

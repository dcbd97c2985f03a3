/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig_change.h"

#include <errno.h>

// Places at backends: taken before a connect, given back when it fails or its session ends.

static void one_each(struct wr_conf *c)
{
	for (uint32_t i = 0; i < c->pools[0].backend_count; i++)
		c->pools[0].backends[i].max_connections = 1;
}

static uint32_t used(const struct rig *r, uint32_t backend)
{
	return wr_lease_used(r->shared->backends[backend]);
}

// A backend at its limit is passed over, and that is neither a try nor a failure.
static void place_full_backends_are_skipped(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .backends = 4, .tune = one_each};
		struct rig_app *a[4];
		struct rig r;

		rig_open(&r, &cfg);
		for (int i = 0; i < 4; i++) {
			a[i] = rig_connect(&r, 0, 0, 10);
			rig_settle(&r);
			assert_int_equal(rig_session(&r, a[i]).tries, 1);
			assert_int_equal(rig_session(&r, a[i]).state, WR_SESSION_OPEN);
		}
		for (uint32_t i = 0; i < 4; i++) {
			struct wr_backend_counters c;

			assert_int_equal(used(&r, i), 1);
			wr_backend_sum(r.backends, wr_backends_get(r.backends, (uint16_t)i), &c);
			assert_int_equal(c.picks, 1);
			assert_int_equal(c.connect_failed + c.connect_refused, 0);
		}
		assert_int_equal(rig_ctr(&r, WR_CTR_connect_retries), 0);
		assert_int_equal(wr_lease_used(r.shared->pools[0]), 4);
		for (int i = 0; i < 4; i++)
			rig_end(&r, a[i]);
		assert_int_equal(wr_lease_used(r.shared->pools[0]), 0);
		assert_int_equal(rig_service(&r, 0)->completed, 4);
		rig_close(&r);
	}
}

static void pool_of_one(struct wr_conf *c)
{
	one_each(c);
	c->pools[0].max_connections = 1;
}

// The pool's last place is given back before the next backend is tried, or that one had none.
static void place_given_back_by_a_failed_connect(void **state)
{
	struct rig_config cfg = {.backends = 3, .tune = pool_of_one};
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 20; i++) {
		for (uint32_t b = 0; i == 0 && b < 2; b++)
			rig_listen(&r, b, false);
		a = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
		assert_int_equal(rig_session(&r, a).backend, 2);
		assert_int_equal(used(&r, 0) + used(&r, 1), 0);
		assert_int_equal(used(&r, 2), 1);
		rig_end(&r, a);
	}
	assert_true(rig_ctr(&r, WR_CTR_connect_retries) > 5);
	assert_int_equal(rig_service(&r, 0)->completed, 20);
	rig_listen(&r, 2, false);
	a = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_true(rig_refused(a));
	assert_int_equal(wr_lease_used(r.shared->pools[0]), 0);
	assert_int_equal(rig_service(&r, 0)->failed, 1);
	assert_int_equal(rig_service(&r, 0)->completed, 20);
	rig_close(&r);
}

// All that have room have failed for it: it waits for one that has none, and gets it.
static void place_waited_for_after_a_failure(void **state)
{
	struct rig_config cfg = {.backends = 2, .tune = one_each};
	struct rig_app *first, *second;
	struct rig r;

	rig_open(&r, &cfg);
	rig_listen(&r, 0, false);
	first = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, first).backend, 1);
	second = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, second).state, WR_SESSION_PENDING);
	assert_int_equal(rig_session(&r, second).tries, 1);
	rig_end(&r, first);
	assert_int_equal(rig_session(&r, second).backend, 1);
	rig_end(&r, second);
	rig_close(&r);
}

// From P2 on what failed is not tried elsewhere.
static void place_no_retries_under_pressure(void **state)
{
	struct rig_config cfg = {.backends = 3};
	struct rig_app *a[20];
	uint32_t refused = 0;
	struct rig r;

	rig_open(&r, &cfg);
	rig_listen(&r, 0, false);
	wr_proxy_set_pressure(r.p, 2);
	for (int i = 0; i < 20; i++)
		a[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	for (int i = 0; i < 20; i++)
		refused += rig_refused(a[i]);
	assert_in_range(refused, 1, 19);
	assert_int_equal(rig_service(&r, 0)->failed, refused);
	assert_int_equal(rig_ctr(&r, WR_CTR_connect_retries), 0);
	wr_proxy_set_pressure(r.p, 1);
	for (int i = 0; i < 20; i++)
		a[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	for (int i = 0; i < 20; i++)
		assert_false(a[i]->closed);
	assert_true(rig_ctr(&r, WR_CTR_connect_retries) > 0);
	rig_close(&r);
}

// What is leased and not used goes back with the next tick; the sum never exceeds the limit.
static void big_pool(struct wr_conf *c)
{
	c->pools[0].max_connections = 1000;
}

static void place_unused_leases_go_back(void **state)
{
	struct rig_config cfg = {.workers = 2, .tune = big_pool};
	struct rig r;

	rig_open(&r, &cfg);
	rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_true(wr_lease_out(r.shared->pools[0]) >= 1);
	rig_run(&r, RIG_MS);
	assert_int_equal(wr_lease_out(r.shared->pools[0]), 1);
	rig_close(&r);
}

// What is kept while there is no limit goes back once there is one, also by a worker that idles.
static void backend_1_of_10(struct wr_conf *c)
{
	c->pools[0].backends[1].max_connections = 10;
}

static void place_unused_go_back_to_a_new_limit(void **state)
{
	struct rig_config cfg = {.workers = 2, .tune = backend_1_of_10};
	struct rig r;

	rig_open(&r, &cfg);
	rig_connect(&r, 0, 0, 10);
	rig_run(&r, 5 * RIG_MS);
	assert_true(wr_lease_out(r.shared->pools[0]) > 1);
	assert_int_equal(wr_lease_set(r.shared->pools[0], 2), 0);
	rig_run(&r, RIG_MS);
	assert_int_equal(wr_lease_out(r.shared->pools[0]), 1);
	assert_true(wr_lease_take(r.shared->pools[0], 1));
	wr_lease_put(r.shared->pools[0], 1);
	rig_close(&r);
}

// A pool becomes limited and unlimited while sessions come and go: each gives back what it took.
static void place_limited_at_run_time(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .backends = 1};
		struct rig_app *a[4];
		struct wr_conf *c;
		struct rig r;

		rig_open(&r, &cfg);
		a[0] = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
		c = rig_edit(&r);
		c->pools[0].max_connections = 2;
		rig_change(&r, c);
		for (int i = 1; i < 4; i++) {
			a[i] = rig_connect(&r, 0, 0, 10);
			rig_settle(&r);
		}
		// The first began without: it is not counted, and leaves nothing.
		assert_int_equal(used(&r, 0), 2);
		assert_int_equal(rig_session(&r, a[3]).state, WR_SESSION_PENDING);
		rig_end(&r, a[0]);
		assert_int_equal(used(&r, 0), 2);
		c = rig_edit(&r);
		c->pools[0].max_connections = 0;
		rig_change(&r, c);
		rig_settle(&r);
		// Who waits is let in at once, without a lease.
		assert_int_equal(rig_session(&r, a[3]).state, WR_SESSION_OPEN);
		assert_int_equal(used(&r, 0), 2);
		assert_int_equal(r.p->runs[0].full, false);
		rig_end(&r, a[1]);
		assert_int_equal(wr_lease_used(r.shared->pools[0]), 1);
		c = rig_edit(&r);
		c->pools[0].max_connections = 1;
		rig_change(&r, c);
		rig_end(&r, a[3]);
		rig_end(&r, a[2]);
		assert_int_equal(wr_lease_used(r.shared->pools[0]), 0);
		assert_int_equal(used(&r, 0), 0);
		rig_close(&r);
	}
}

// By an operator or an agent, where the file limits nothing.
static void place_limited_by_an_operator(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct rig_app *a[3];
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	assert_int_equal(wr_proxy_shared_limit(r.shared, 0, 0, 2), 0);
	for (int i = 0; i < 3; i++) {
		a[i] = rig_connect(&r, 0, 0, 10);
		rig_settle(&r);
	}
	assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_PENDING);
	// The file says nothing else than before: what the operator gave holds.
	c = rig_edit(&r);
	c->services[0].wait_sessions = 7;
	rig_change(&r, c);
	assert_int_equal(r.shared->backends[0]->limit, 2);
	assert_int_equal(rig_session(&r, a[2]).state, WR_SESSION_PENDING);
	assert_int_equal(wr_proxy_shared_limit(r.shared, 0, WR_BACKEND_NONE, 5), 0);
	assert_int_equal(r.shared->pools[0]->limit, 5);
	assert_int_equal(wr_proxy_shared_limit(r.shared, 1, WR_BACKEND_NONE, 5), -ENOENT);
	assert_int_equal(wr_proxy_shared_limit(r.shared, 0, 77, 5), -ENOENT);
	rig_end(&r, a[0]);
	rig_end(&r, a[1]);
	rig_end(&r, a[2]);
	rig_close(&r);
}

// While no backend of its own can be picked, places are those of the backup.
static void place_at_the_backup(void **state)
{
	struct rig_config cfg = {.backends = 1};
	struct rig_app *first, *second, *third;
	struct wr_conf *c;
	struct rig r;

	rig_open(&r, &cfg);
	rig_listen(&r, 2, true);
	c = rig_edit(&r);
	rig_add_pool(c, "other")->max_connections = 1;
	rig_add_backend(&r, c, 1, 2);
	c->pools[0].backup = 1;
	c->pools[1].backup = -1;
	rig_change(&r, c);
	first = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, first).backend, 0);
	assert_int_equal(wr_backends_set_admin(r.backends, 0, WR_ADMIN_DISABLED, 0, r.now), 0);
	wr_backends_flush(r.backends, r.now);
	second = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, second).backend, 1);
	assert_int_equal(wr_lease_used(r.shared->pools[1]), 1);
	assert_int_equal(wr_lease_used(r.shared->pools[0]), 0);
	third = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, third).state, WR_SESSION_PENDING);
	// Its own pool is back: there is no limit, and what was taken goes back to the other.
	assert_int_equal(wr_backends_set_admin(r.backends, 0, WR_ADMIN_ENABLED, 0, r.now), 0);
	wr_backends_flush(r.backends, r.now);
	rig_run(&r, 2 * RIG_MS);
	assert_int_equal(rig_session(&r, third).backend, 0);
	rig_end(&r, second);
	assert_int_equal(wr_lease_used(r.shared->pools[1]), 0);
	rig_end(&r, first);
	rig_end(&r, third);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(place_full_backends_are_skipped),
		cmocka_unit_test(place_given_back_by_a_failed_connect),
		cmocka_unit_test(place_waited_for_after_a_failure),
		cmocka_unit_test(place_no_retries_under_pressure),
		cmocka_unit_test(place_unused_leases_go_back),
		cmocka_unit_test(place_unused_go_back_to_a_new_limit),
		cmocka_unit_test(place_limited_at_run_time),
		cmocka_unit_test(place_limited_by_an_operator),
		cmocka_unit_test(place_at_the_backup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include "wr_pressure.h"

// Slow peers under pressure.

static void stall_2s(struct wr_conf *c)
{
	c->pressure.stall_us = 2 * RIG_S;
	c->pressure.evictions = 0;
}

static void slow_client_is_closed(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .tune = stall_2s};
		struct wr_addr at;
		struct rig_app *a;
		struct rig r;

		rig_open(&r, &cfg);
		r.bulk = 2000000;
		a = rig_connect(&r, 0, 0, 10);
		a->deaf = true;
		rig_run(&r, 5 * RIG_S);
		assert_true(rig_session(&r, a).stalled_client);
		wr_proxy_set_pressure(r.p, 1);
		rig_run(&r, 100 * RIG_MS);
		assert_false(a->closed);
		wr_proxy_set_pressure(r.p, 2); // it has stood for longer than allowed
		rig_run(&r, 2 * RIG_MS);
		assert_true(rig_refused(a));
		assert_int_equal(rig_ctr(&r, WR_CTR_stall_closed), 1);
		assert_int_equal(r.event_count[WR_EV_stall_closed], 1);
		at = rig_client_addr(&r, 0);
		assert_memory_equal(&r.last[WR_EV_stall_closed].a.addr, &at, sizeof(at));
		assert_int_equal(r.last[WR_EV_stall_closed].scope, 0);
		assert_true(r.last[WR_EV_stall_closed].depth >= 100000);
		rig_close(&r);
	}
}

static void stall_off(struct wr_conf *c)
{
	stall_2s(c);
	c->pressure.stall_us = 0;
}

static void slow_is_kept_when_stall_is_off(void **state)
{
	struct rig_config cfg = {.tune = stall_off};
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	r.bulk = 2000000;
	wr_proxy_set_pressure(r.p, 4);
	a = rig_connect(&r, 0, 0, 10);
	a->deaf = true;
	rig_run(&r, 5 * RIG_S);
	assert_true(rig_session(&r, a).stalled_client);
	assert_false(a->closed);
	assert_int_equal(rig_ctr(&r, WR_CTR_stall_closed), 0);
	rig_close(&r);
}

// One read may be taken in 10 s: the window stays closed meanwhile, and that is our doing.
static void stall_bytes_limited(struct wr_conf *c)
{
	stall_2s(c);
	c->pressure.evictions = 4;
	c->services[0].limit.bytes = 3000;
	c->services[0].limit.bytes_burst = 1500;
}

static void slow_by_our_own_limit_is_kept(void **state)
{
	struct rig_config cfg = {.held_budget = 80, .tune = stall_bytes_limited};
	struct wr_tcp_gauges g;
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	a = rig_connect(&r, 0, 0, 200000);
	rig_connect(&r, 0, 1, 10);
	rig_run(&r, 500 * RIG_MS);
	wr_tcp_gauges(r.tcp, &g);
	assert_true(g.held_rx_mbufs * 100 >= g.held_budget * 60); // or nobody would be evicted
	wr_proxy_set_pressure(r.p, 4);
	rig_run(&r, 5 * RIG_S);
	assert_true(rig_ctr(&r, WR_CTR_limits_paused) > 0);
	assert_false(a->closed);
	assert_int_equal(rig_ctr(&r, WR_CTR_slow_evicted) + rig_ctr(&r, WR_CTR_stall_closed), 0);
	rig_close(&r);
}

static void slow_backend_is_closed(void **state)
{
	struct rig_config cfg = {.backends = 1, .tune = stall_2s};
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	r.backend_deaf = true;
	wr_proxy_set_pressure(r.p, 2);
	a = rig_connect(&r, 0, 0, 2000000);
	rig_run(&r, 1900 * RIG_MS);
	assert_false(a->closed);
	rig_run(&r, 500 * RIG_MS);
	assert_true(rig_refused(a));
	assert_int_equal(r.last[WR_EV_stall_closed].a.port, 80);
	rig_close(&r);
}

static void slow_reader_that_goes_on_is_kept(void **state)
{
	struct rig_config cfg = {.tune = stall_2s};
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	r.bulk = 2000000;
	wr_proxy_set_pressure(r.p, 2);
	a = rig_connect(&r, 0, 0, 10);
	for (int i = 0; i < 10; i++) {
		a->deaf = true;
		rig_run(&r, RIG_S);
		a->deaf = false;
		rig_run(&r, 5 * RIG_MS);
	}
	assert_int_equal(rig_ctr(&r, WR_CTR_stall_closed), 0);
	assert_int_equal(a->got, 2000000);
	rig_close(&r);
}

static void no_reactions(struct wr_conf *c)
{
	stall_2s(c);
	c->pressure.evictions = 4;
	c->pressure.enabled = false;
}

static void slow_is_kept_when_pressure_is_disabled(void **state)
{
	struct rig_config cfg = {.held_budget = 200, .tune = no_reactions};
	struct rig_app *a;
	struct rig r;

	rig_open(&r, &cfg);
	r.bulk = 2000000;
	wr_proxy_set_pressure(r.p, 4);
	a = rig_connect(&r, 0, 0, 10);
	a->deaf = true;
	rig_run(&r, 5 * RIG_S);
	assert_false(a->closed);
	rig_close(&r);
}

// The level that the worker's pool of buffers would ask for.
static void judge(struct rig *r, wr_us_t *high_since)
{
	struct wr_tcp_gauges g;
	uint8_t level = 0;

	wr_tcp_gauges(r->tcp, &g);
	if (g.held_rx_mbufs * 100 < g.held_budget * 75)
		*high_since = 0;
	else if (*high_since == 0)
		*high_since = r->now;
	if (*high_since != 0)
		level = r->now - *high_since >= 100 * RIG_MS ? 3 : 2;
	wr_proxy_set_pressure(r->p, level);
	wr_tcp_set_pressure(r->tcp, level, wr_pressure_overcommit(level));
}

// Slow readers by the hundreds take all memory there is for payload, and no more; the most greedy
// are reset until there is room, and who reads is served.
static void slow_readers_are_evicted(void **state)
{
	enum {
		N = 500
	};
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {
			.family = family, .max_sessions = 1024, .held_budget = 4000};
		struct wr_tcp_gauges g;
		wr_us_t high_since = 0;
		struct rig_app *fast;
		uint32_t alive = 0;
		struct rig r;

		rig_open(&r, &cfg);
		r.bulk = 40000;
		r.client_rcv_buf = 4096;
		for (int i = 0; i < N; i++) {
			rig_connect(&r, 0, 0, 10)->deaf = true;
			if (i % 20 == 19)
				rig_run(&r, RIG_MS);
		}
		for (int i = 0; i < 2000; i++) {
			rig_run(&r, RIG_MS);
			judge(&r, &high_since);
		}
		wr_tcp_gauges(r.tcp, &g);
		assert_true(r.held_peak >= 4000 * 75 / 100);    // they did take it
		assert_true(g.held_rx_mbufs < 4000 * 75 / 100); // and had to give it back
		assert_true(rig_ctr(&r, WR_CTR_slow_evicted) > 0);
		assert_in_range(r.event_count[WR_EV_slow_evicted], 1, 3);
		for (uint32_t i = 0; i < r.apps; i++)
			alive += r.app[i].client && !r.app[i].closed;
		assert_int_equal(alive, N - rig_ctr(&r, WR_CTR_slow_evicted));
		assert_true(alive > N / 4);
		r.bulk = 300000;
		r.client_rcv_buf = 0;
		fast = rig_connect(&r, 0, 0, 10);
		for (int i = 0; i < 1000 && fast->got < r.bulk; i++) {
			rig_run(&r, RIG_MS);
			judge(&r, &high_since);
		}
		assert_int_equal(fast->got, r.bulk);
		rig_close(&r);
	}
}

// Idle sessions hold nothing: nobody evicts them, however short memory is.
static void slow_spares_who_holds_little(void **state)
{
	struct rig_config cfg = {.held_budget = 400};
	struct rig_app *idle[50];
	struct rig r;

	rig_open(&r, &cfg);
	for (int i = 0; i < 50; i++)
		idle[i] = rig_connect(&r, 0, 0, 10);
	rig_settle(&r);
	r.bulk = 400000;
	r.client_rcv_buf = 4096;
	for (int i = 0; i < 10; i++)
		rig_connect(&r, 0, 0, 10)->deaf = true;
	rig_run(&r, 500 * RIG_MS);
	wr_proxy_set_pressure(r.p, 3);
	rig_run(&r, 300 * RIG_MS);
	assert_int_equal(rig_ctr(&r, WR_CTR_slow_evicted), 0); // they moved in this second
	rig_run(&r, 2 * RIG_S);
	assert_true(rig_ctr(&r, WR_CTR_slow_evicted) > 0);
	for (int i = 0; i < 50; i++)
		assert_false(idle[i]->closed);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_client_is_closed),
		cmocka_unit_test(slow_is_kept_when_stall_is_off),
		cmocka_unit_test(slow_by_our_own_limit_is_kept),
		cmocka_unit_test(slow_backend_is_closed),
		cmocka_unit_test(slow_reader_that_goes_on_is_kept),
		cmocka_unit_test(slow_is_kept_when_pressure_is_disabled),
		cmocka_unit_test(slow_readers_are_evicted),
		cmocka_unit_test(slow_spares_who_holds_little),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

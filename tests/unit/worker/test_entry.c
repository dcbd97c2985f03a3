/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

#include "entry.h"

// What becomes of connection requests on their way in.

static struct tri_conn *ask(struct triple *t, int family)
{
	return tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .family = family});
}

// Requests of a station that never answers, from ports of their own.
static void syns(struct triple *t, const char *from, const char *to, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		w_inject(t, w_tcp(t, from, to, (uint16_t)(2000 + i), 80, WR_TCP_SYN));
}

static struct wr_worker *worker(struct triple *t)
{
	return wr_fabric_worker(t->f, 0);
}

// A core that is behind, as its receive queues would show, for a while.
static void behind(struct triple *t, uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		worker(t)->lag_us = 30 * TRI_MS;
		tri_run(t, TRI_MS);
	}
}

static void entry_admits_and_counts(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct triple *t = tri_create(&(struct tri_config){0});
		struct tri_conn *c = ask(t, family);

		TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
		TRI_EQ(t, tri_ctr(t, WR_CTR_door_asked), 1);
		TRI_EQ(t, tri_ctr(t, WR_CTR_door_admitted), 1);
		tri_finish(t);
	}
}

// Denied sources get no answer; who is denied is counted by its reason.
static void entry_denied_is_dropped(void **state)
{
	struct tri_config cfg = {
		.runtime = "access: {deny: [198.18.0.77/32, \"2001:db8::77/128\"]}\n"};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = ask(t, 4);

	syns(t, "198.18.0.77", "198.18.0.100", 3);
	syns(t, "2001:db8::77", "2001:db8::100", 2);
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_denied), 5);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_dropped), 5);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_rst_out), 0);
	tri_finish(t);
}

static void entry_rate_refuses(void **state)
{
	struct tri_config cfg = {.service = "    limits: {rate: 10, rate_burst: 2}\n"};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[3];

	t->tick_us = TRI_MS;
	for (uint32_t i = 0; i < 3; i++)
		c[i] = ask(t, i == 1 ? 6 : 4);
	TRI_WAIT(t, c[0]->released && c[1]->released && c[2]->released, 5 * TRI_S);
	TRI_CHECK(t, tri_complete(t, c[0]) && tri_complete(t, c[1]));
	TRI_EQ(t, c[2]->end, WR_TCP_END_REFUSED);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_limit_rate), 1);
	tri_run(t, 5 * TRI_MS);
	TRI_EQ(t, t->event_count[WR_EV_limit_reached], 1);
	TRI_EQ(t, t->last[WR_EV_limit_reached].reason, WR_DROP_syn_limit_rate);
	// A tenth of a second later there is room again.
	tri_run(t, 100 * TRI_MS);
	c[0] = ask(t, 4);
	TRI_WAIT(t, tri_complete(t, c[0]), 5 * TRI_S);
	tri_finish(t);
}

// The same with delay: the third waits its turn, and one that would wait too long is refused.
static void entry_rate_delays(void **state)
{
	struct tri_config cfg = {.service = "    limits: {rate: 10, rate_burst: 1, over: delay}\n"};
	struct triple *t = tri_create(&cfg);
	wr_us_t began = t->now;
	struct tri_conn *c[5];

	for (uint32_t i = 0; i < 5; i++)
		c[i] = ask(t, 4);
	TRI_WAIT(t, c[4]->released, 50 * TRI_MS);
	TRI_EQ(t, c[4]->end, WR_TCP_END_REFUSED);
	for (uint32_t i = 1; i < 4; i++) {
		TRI_WAIT(t, c[i]->connected, TRI_S);
		TRI_CHECK(t, t->now - began >= i * 100 * TRI_MS - 2 * TRI_MS);
	}
	TRI_CHECK(t, t->now - began <= 320 * TRI_MS);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_delayed), 3);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_limit_rate), 1);
	tri_finish(t);
}

// A client's limit is its own; another client is not touched.
static void entry_client_limit_is_its_own(void **state)
{
	struct tri_config cfg = {.service = "    limits: {client: {rate: 1, rate_burst: 2}}\n"};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	syns(t, "198.18.0.77", "198.18.0.100", 5);
	tri_run(t, 10 * TRI_MS);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_limit_rate), 3);
	c = ask(t, 4);
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
	tri_finish(t);
}

static void entry_connections_at_once(void **state)
{
	struct tri_config cfg = {.service = "    limits: {connections: 2}\n"};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	w_open(t, 2);
	c = ask(t, 4);
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_REFUSED);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_limit_conns), 1);
	// One that ends makes room.
	t->conn[0].hold = false;
	TRI_WAIT(t, tri_sessions(t) == 1, 5 * TRI_S);
	c = ask(t, 4);
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
	tri_finish(t);
}

static void entry_operator_refuses(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){0});
	struct wr_msg order = {.kind = WR_MSG_DOOR_ORDER, .a = 0, .b = 4};
	struct tri_conn *c;

	w_open(t, 1);
	tri_post(t, &order);
	c = ask(t, 4); // of class 4
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_REFUSED);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_operator), 1);
	TRI_EQ(t, tri_sessions(t), 1); // what lives goes on
	order.b = 5;
	tri_post(t, &order);
	c = ask(t, 4);
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
	order.b = WR_CLASSES;
	tri_post(t, &order);
	tri_finish(t);
}

static void entry_operator_forces_level(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){0});
	struct wr_msg m = {.kind = WR_MSG_FORCE_LEVEL, .a = WR_PRESSURE_WORKER, .b = 3 + 1};
	struct tri_conn *c;

	t->tick_us = TRI_MS;
	tri_post(t, &m);
	tri_run(t, 5 * TRI_MS);
	TRI_EQ(t, worker(t)->pressure.own.level, 3);
	// At P3 nothing is kept for requests: they come in by cookie.
	c = ask(t, 4);
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_cookies), 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_cookies_accepted), 1);
	m.b = 0;
	tri_post(t, &m);
	tri_run(t, 5 * TRI_S);
	TRI_EQ(t, worker(t)->pressure.own.level, 0);
	tri_finish(t);
}

// A core that is behind holds requests back and lets them in later: a burst loses nobody.
static void entry_behind_holds_then_admits(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){.max_sessions = 512});
	uint32_t open = 0;

	t->tick_us = TRI_MS;
	behind(t, 20);
	TRI_CHECK(t, t->event_count[WR_EV_door_limited] == 1);
	for (uint32_t i = 0; i < 40; i++) {
		for (uint32_t k = 0; k < 5; k++)
			tri_connect(
				t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
		tri_run(t, TRI_MS);
	}
	TRI_CHECK(t, tri_ctr(t, WR_CTR_door_held) > 0);
	tri_run(t, 300 * TRI_MS);
	for (uint32_t i = 0; i < t->conns; i++)
		open += t->conn[i].client && t->conn[i].connected;
	TRI_EQ(t, open, 200);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_reset) + tri_ctr(t, WR_CTR_door_dropped), 0);
	tri_run(t, 5 * TRI_S);
	TRI_CHECK(t, t->event_count[WR_EV_door_open] >= 1);
	TRI_CHECK(t, !wr_worker_gate(worker(t), WR_DOOR_WORKER)->limited);
	tri_finish(t);
}

// One that stays behind refuses: some wait in vain and are told, the books stay even.
static void entry_behind_for_long_refuses(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){.max_sessions = 512});
	uint64_t asked, in, out;

	t->tick_us = TRI_MS;
	behind(t, 20);
	for (uint32_t i = 0; i < 200; i++) {
		for (uint32_t k = 0; k < 20; k++)
			w_inject(t, w_tcp(t, "198.18.0.77", "198.18.0.100",
					    (uint16_t)(2000 + i * 20 + k), 80, WR_TCP_SYN));
		behind(t, 2);
	}
	tri_run(t, TRI_S);
	asked = tri_ctr(t, WR_CTR_door_asked);
	in = tri_ctr(t, WR_CTR_door_admitted);
	out = tri_ctr(t, WR_CTR_door_reset) + tri_ctr(t, WR_CTR_door_dropped);
	TRI_EQ(t, asked, 4000);
	TRI_EQ(t, worker(t)->hold.used, 0);
	TRI_EQ(t, asked, in + out);
	TRI_CHECK(t, out > 2000);
	TRI_CHECK(t, t->full[WR_Q_lag] + t->full[WR_Q_syn_hold] > 0);
	tri_finish(t);
}

// What is held when the instance stops is answered like everything else then.
static void entry_stop_empties_the_hold(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){0});
	struct wr_msg stop = {.kind = WR_MSG_STOP_ACCEPT};

	t->tick_us = TRI_MS;
	behind(t, 60);
	syns(t, "198.18.0.77", "198.18.0.100", 50);
	tri_run(t, TRI_MS);
	TRI_CHECK(t, worker(t)->hold.used > 0);
	tri_post(t, &stop);
	tri_run(t, 10 * TRI_MS);
	TRI_EQ(t, worker(t)->hold.used, 0);
	TRI_CHECK(t, tri_drop(t, WR_DROP_syn_refused) > 0);
	tri_finish(t);
}

// pressure.hold: off. Who finds no token is refused at once, and tokens are there for others.
static void entry_without_hold_admits_at_the_rate(void **state)
{
	struct tri_config cfg = {.max_sessions = 512, .runtime = "pressure: {hold: off}\n"};
	struct triple *t = tri_create(&cfg);

	t->tick_us = TRI_MS;
	behind(t, 20);
	for (uint32_t i = 0; i < 100; i++) {
		for (uint32_t k = 0; k < 5; k++)
			w_inject(t, w_tcp(t, "198.18.0.77", "198.18.0.100",
					    (uint16_t)(2000 + i * 5 + k), 80, WR_TCP_SYN));
		behind(t, 1);
	}
	// At least the floor of 1000 a second, of 5000.
	TRI_CHECK(t, tri_ctr(t, WR_CTR_door_admitted) >= 90);
	TRI_CHECK(t, tri_ctr(t, WR_CTR_door_reset) + tri_ctr(t, WR_CTR_door_dropped) > 100);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_held), 0);
	tri_finish(t);
}

// What an operator refuses is no pressure: a limit that a pause led to ends all the same.
static void entry_ordered_refusals_press_nothing(void **state)
{
	struct triple *t = tri_create(&(struct tri_config){0});
	struct wr_msg order = {.kind = WR_MSG_DOOR_ORDER, .a = WR_DOOR_WORKER, .b = 4};

	t->tick_us = TRI_MS;
	tri_post(t, &order);
	behind(t, 20);
	for (uint32_t i = 0; i < 5000; i++) {
		w_inject(t, w_tcp(t, "198.18.0.77", "198.18.0.100", (uint16_t)(2000 + i), 80,
				    WR_TCP_SYN));
		tri_run(t, TRI_MS);
	}
	TRI_CHECK(t, !wr_worker_gate(worker(t), WR_DOOR_WORKER)->limited);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_operator), 5000);
	tri_finish(t);
}

// A SYN sent again for a connection that there is charges no limit.
static void entry_sent_again_is_not_charged(void **state)
{
	struct tri_config cfg = {.service = "    limits: {rate: 1, rate_burst: 3}\n"};
	struct triple *t = tri_create(&cfg);

	for (uint32_t i = 0; i < 5; i++) {
		syns(t, "198.18.0.77", "198.18.0.100", 1);
		tri_run(t, 10 * TRI_MS);
	}
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_limit_rate), 0);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_asked), 1);
	tri_finish(t);
}

// pressure.enabled: no. Limits hold, nothing else refuses.
static void entry_disabled_only_limits(void **state)
{
	struct tri_config cfg = {.runtime = "pressure: {enabled: no}\n",
		.service = "    limits: {rate: 1, rate_burst: 30}\n"};
	struct triple *t = tri_create(&cfg);

	t->tick_us = TRI_MS;
	behind(t, 200);
	syns(t, "198.18.0.77", "198.18.0.100", 31);
	tri_run(t, 10 * TRI_MS);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_admitted), 30);
	TRI_EQ(t, tri_drop(t, WR_DROP_syn_limit_rate), 1);
	tri_run(t, 5 * TRI_MS);
	TRI_EQ(t, t->event_count[WR_EV_door_limited], 0);
	tri_finish(t);
}

// And delays: that is a limit's, not pressure's.
static void entry_disabled_delays(void **state)
{
	struct tri_config cfg = {.runtime = "pressure: {enabled: no}\n",
		.service = "    limits: {rate: 10, rate_burst: 1, over: delay}\n"};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[2];

	for (uint32_t i = 0; i < 2; i++)
		c[i] = ask(t, 4);
	TRI_WAIT(t, tri_complete(t, c[0]) && tri_complete(t, c[1]), TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_door_delayed), 1);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_admits_and_counts),
		cmocka_unit_test(entry_denied_is_dropped),
		cmocka_unit_test(entry_rate_refuses),
		cmocka_unit_test(entry_rate_delays),
		cmocka_unit_test(entry_client_limit_is_its_own),
		cmocka_unit_test(entry_connections_at_once),
		cmocka_unit_test(entry_operator_refuses),
		cmocka_unit_test(entry_operator_forces_level),
		cmocka_unit_test(entry_behind_holds_then_admits),
		cmocka_unit_test(entry_behind_for_long_refuses),
		cmocka_unit_test(entry_stop_empties_the_hold),
		cmocka_unit_test(entry_without_hold_admits_at_the_rate),
		cmocka_unit_test(entry_ordered_refusals_press_nothing),
		cmocka_unit_test(entry_sent_again_is_not_charged),
		cmocka_unit_test(entry_disabled_only_limits),
		cmocka_unit_test(entry_disabled_delays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "triple.h"

// The life of a session, end to end through a whole fabric: what one peer does, the other sees.

#define TIMEOUTS "    timeouts: {connect: 300ms, idle: 2s, half_closed: 5s, close: 1s}\n"

static const struct tri_config short_timeouts = {.service = TIMEOUTS, .backends = 1};

static void session_closed_by_client_first(void **state)
{
	struct tri_config cfg = {.seed = 1};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .up = 5000, .down = 7000});

	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	TRI_EQ(t, tri_sessions(t), 0);
	TRI_EQ(t, tri_service(t).sessions_total, 1);
	TRI_EQ(t, tri_service(t).sessions_peak, 1);
	TRI_EQ(t, tri_service(t).bytes_in, 5000 + sizeof(struct tri_order));
	TRI_EQ(t, tri_service(t).bytes_out, 7000);
	// Each connect and accept is counted once.
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_connected), 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_accepted), 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_connect_failed), 0);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_reset), 0);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_rst_out), 0);
	tri_finish(t);
}

static void session_closed_by_backend_first(void **state)
{
	struct tri_config cfg = {.seed = 2};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
						    .flags = TRI_F_CLOSE_FIRST,
						    .up = 100,
						    .down = 3000,
						    .hold = true});

	TRI_WAIT(t, c->eof, TRI_S);
	TRI_EQ(t, c->got, 3000);
	TRI_EQ(t, tri_sessions(t), 1);
	// The other direction still works.
	c->up = 50000;
	tri_run(t, TRI_S);
	TRI_EQ(t, tri_other(t, c)->got, 50000);
	c->hold = false;
	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_rst_out), 0);
	tri_finish(t);
}

static void session_half_closed_by_client(void **state)
{
	struct tri_config cfg = {.seed = 3};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(t,
		&(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_HOLD, .up = 2000, .family = 6});
	struct tri_conn *b;

	TRI_WAIT(t, (b = tri_other(t, c)) != NULL && b->eof, TRI_S);
	TRI_EQ(t, b->got, 2000);
	tri_run(t, 60 * TRI_S);
	TRI_EQ(t, tri_sessions(t), 1);
	b->order.down = c->order.down = 80000;
	b->hold = false;
	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	tri_finish(t);
}

static void session_reset_by_client(void **state)
{
	struct tri_config cfg = {.seed = 4};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .up = 1000, .hold = true});
	struct tri_conn *b;

	TRI_WAIT(t, (b = tri_other(t, c)) != NULL, TRI_S);
	tri_reset(t, c);
	TRI_WAIT(t, b->released, TRI_S);
	TRI_EQ(t, b->end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_sessions(t), 0);
	TRI_EQ(t, tri_service(t).resets_client, 1);
	TRI_EQ(t, tri_service(t).resets_backend, 0);
	tri_finish(t);
}

static void session_reset_by_backend(void **state)
{
	struct tri_config cfg = {.seed = 5, .backends = 1};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(
		t, &(struct tri_want){
			   .mode = TRI_BULK, .flags = TRI_F_RESET, .up = 1000, .hold = true});

	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_sessions(t), 0);
	TRI_EQ(t, tri_service(t).resets_backend, 1);
	TRI_EQ(t, tri_backend_counters(t, 0).resets_early, 1); // no byte of an answer came
	tri_finish(t);
}

// Case 18: the other side has bytes queued when one resets, and gets them or not, as configured.
static void reset_with_bytes_queued(const char *service, bool all, int family)
{
	struct tri_config cfg = {.seed = 6, .backends = 1, .service = service};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(t,
		&(struct tri_want){.mode = TRI_BULK, .up = 60000, .hold = true, .family = family});
	struct tri_conn *b;

	TRI_WAIT(t, (b = tri_other(t, c)) != NULL, TRI_S);
	b->deaf = true;
	TRI_WAIT(t, c->written == 60000, TRI_S);
	tri_run(t, 100 * TRI_MS);
	tri_reset(t, c);
	tri_run(t, 100 * TRI_MS);
	TRI_EQ(t, tri_sessions(t), 0); // the backend's host has taken all and ended its stream
	TRI_EQ(t, tri_service(t).resets_client, 1);
	b->deaf = false;
	TRI_WAIT(t, all ? b->eof : b->released, 5 * TRI_S);
	TRI_CHECK(t, all ? b->got == 60000 : b->end == WR_TCP_END_RESET);
	TRI_EQ(t, tri_service(t).timeouts, 0);
	tri_finish(t);
}

static void session_reset_passed_with_bytes_queued(void **state)
{
	reset_with_bytes_queued(NULL, false, 4);
	reset_with_bytes_queued("    on_reset: pass\n", false, 6);
}

static void session_reset_drains_bytes_queued(void **state)
{
	reset_with_bytes_queued("    on_reset: drain\n", true, 4);
	reset_with_bytes_queued("    on_reset: drain\n", true, 6);
}

// The other side takes nothing, or ends its own stream never: the close time-out comes. It resets
// too: both are counted, nothing drains twice.
static void session_drain_ends(void **state)
{
	enum {
		DEAF,
		SENDS,
		RESETS,
		WAYS
	};
	for (int how = 0; how < WAYS; how++) {
		struct tri_config cfg = {
			.seed = 7, .backends = 1, .service = "    on_reset: drain\n" TIMEOUTS};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c = tri_connect(t,
			&(struct tri_want){
				.mode = TRI_BULK, .up = 60000, .flags = TRI_F_HOLD, .hold = true});
		struct tri_conn *b;
		wr_us_t begun;

		TRI_WAIT(t, (b = tri_other(t, c)) != NULL, TRI_S);
		b->deaf = how != SENDS;
		TRI_WAIT(t, c->written == 60000, TRI_S);
		tri_run(t, 100 * TRI_MS);
		tri_reset(t, c);
		begun = t->now;
		tri_run(t, 500 * TRI_MS);
		TRI_EQ(t, tri_sessions(t), 1); // its place is held while the backend has it
		TRI_EQ(t, tri_backend_counters(t, 0).sessions, 1);
		if (how == SENDS)
			b->order.down = 300000; // all of it is dropped
		if (how == RESETS)
			tri_reset(t, b);
		TRI_WAIT(t, tri_sessions(t) == 0, 3 * TRI_S);
		TRI_CHECK(t, how != SENDS || b->written == 300000);
		TRI_EQ(t, tri_backend_counters(t, 0).sessions, 0);
		TRI_EQ(t, tri_service(t).resets_client, 1);
		TRI_EQ(t, tri_service(t).resets_backend, how == RESETS);
		TRI_EQ(t, tri_ctr(t, WR_CTR_close_timeouts), how != RESETS);
		TRI_CHECK(t, how == RESETS || t->now - begun >= TRI_S);
		tri_finish(t);
	}
}

static void session_idle_timeout(void **state)
{
	struct tri_config cfg = short_timeouts;
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 1000, .hold = true});
	wr_us_t last;

	TRI_WAIT(t, c->got == 1000, TRI_S);
	tri_run(t, 1500 * TRI_MS);
	c->up = 2000; // moves: the time starts anew
	last = t->now;
	TRI_WAIT(t, c->released, 10 * TRI_S);
	TRI_EQ(t, c->got, 2000);
	TRI_EQ(t, c->end, WR_TCP_END_RESET);
	TRI_CHECK(t, c->closed_us - last >= 2 * TRI_S && c->closed_us - last < 2100 * TRI_MS);
	TRI_EQ(t, tri_other(t, c)->end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_ctr(t, WR_CTR_idle_timeouts), 1);
	TRI_EQ(t, tri_service(t).timeouts, 1);
	tri_finish(t);
}

static void session_half_closed_timeout(void **state)
{
	struct tri_config cfg = short_timeouts;
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_HOLD, .up = 10});
	wr_us_t begun = t->now;

	TRI_WAIT(t, c->released, 10 * TRI_S);
	TRI_CHECK(t, t->now - begun >= 5 * TRI_S && t->now - begun < 5100 * TRI_MS);
	TRI_EQ(t, c->end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_ctr(t, WR_CTR_half_closed_timeouts), 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_idle_timeouts), 0);
	tri_finish(t);
}

// Both streams ended, and the client never acknowledges the last bytes.
static void session_close_timeout(void **state)
{
	struct tri_config cfg = short_timeouts;
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_HOLD, .up = 10});
	struct tri_conn *b;
	wr_us_t begun;

	TRI_WAIT(t, (b = tri_other(t, c)) != NULL && b->eof, TRI_S);
	t->peer[TRI_CLIENT].dead = true;
	b->hold = false;
	begun = t->now;
	TRI_WAIT(t, tri_sessions(t) == 0, 10 * TRI_S);
	TRI_CHECK(t, t->now - begun >= TRI_S && t->now - begun < 2100 * TRI_MS);
	TRI_EQ(t, tri_ctr(t, WR_CTR_close_timeouts), 1);
	tri_finish(t);
}

// A client that takes its last bytes slowly is not cut off by the close time-out: each time it
// comes, something was acknowledged.
static void session_slow_reader_is_not_cut(void **state)
{
	struct tri_config cfg = short_timeouts;
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
						    .flags = TRI_F_CLOSE_FIRST,
						    .down = 120000,
						    .rcv_buf = 4096});
	wr_us_t begun = t->now;

	t->cfg.link[TRI_WAN].delay_us = 5000;
	while (!c->released && t->now - begun < 60 * TRI_S) {
		c->deaf = false;
		tri_settle(t);
		c->deaf = !c->closed;
		tri_run(t, 400 * TRI_MS);
	}
	TRI_CHECK(t, c->closed_us - begun > 3 * TRI_S); // longer than the close time-out by far
	TRI_EQ(t, c->got, 120000);
	TRI_EQ(t, c->end, WR_TCP_END_CLOSED);
	TRI_EQ(t, tri_service(t).timeouts, 0);
	tri_finish(t);
}

// The client's SYN is answered when the backend has answered ours.
static void session_deferred_accept(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct tri_config cfg = {.service = "    accept: deferred\n",
			.family = family,
			.link[TRI_LAN] = {.delay_us = 50000}};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
							    .up = 30000,
							    .down = 40000,
							    .family = 10 - family});

		tri_run(t, 99 * TRI_MS);
		TRI_CHECK(t, !c->connected);
		TRI_WAIT(t, c->connected, 300 * TRI_MS);
		TRI_WAIT(t, tri_complete(t, c), 20 * TRI_S);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_rst_out), 0);
		tri_finish(t);
	}
}

// A client that came by SYN cookie was answered already: its session is opened eagerly, also behind
// a deferred listener.
static void session_deferred_by_cookie(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct tri_config cfg = {.runtime = "  tcp: {syn_cookies: always}\n",
			.service = "    accept: deferred\n",
			.link[TRI_LAN] = {.delay_us = 50000}};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c = tri_connect(
			t, &(struct tri_want){
				   .mode = TRI_BULK, .up = 30000, .down = 40000, .family = family});

		tri_run(t, 10 * TRI_MS);
		TRI_CHECK(t, c->connected);
		TRI_EQ(t, tri_sessions(t), 1);
		TRI_WAIT(t, tri_complete(t, c), 20 * TRI_S);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_cookies_sent), 1);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_cookies_accepted), 1);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_rst_out), 0);
		tri_finish(t);
	}
}

// Half-open clients at their limit: the next one comes in by cookie, past the requests that wait.
static void session_deferred_backlog_full(void **state)
{
	struct tri_config cfg = {.service = "    accept: deferred\n    timeouts: {connect: 5s}\n",
		.backends = 1,
		.max_sessions = 256,
		.link[TRI_LAN] = {.delay_us = 100000}};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[65];

	for (int i = 0; i < 65; i++)
		c[i] = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 500});
	tri_run(t, 10 * TRI_MS);
	for (int i = 0; i < 64; i++)
		TRI_CHECK(t, !c[i]->connected);
	TRI_CHECK(t, c[64]->connected);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_cookies_accepted), 1);
	for (int i = 0; i < 65; i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 20 * TRI_S);
	tri_finish(t);
}

// No backend takes it: too late to refuse the connect, so it is reset.
static void session_deferred_by_cookie_refused(void **state)
{
	struct tri_config cfg = {.runtime = "  tcp: {syn_cookies: always}\n",
		.service = "    accept: deferred\n",
		.backends = 2,
		.link[TRI_WAN] = {.delay_us = 5000},
		.link[TRI_LAN] = {.delay_us = 10000}};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	tri_listen(t, 0, false);
	tri_listen(t, 1, false);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_sessions(t), 0);
	TRI_EQ(t, tri_service(t).failed, 1);
	tri_finish(t);
}

static void session_deferred_refused(void **state)
{
	struct tri_config cfg = {.service = "    accept: deferred\n", .backends = 3};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	for (uint32_t i = 0; i < 3; i++)
		tri_listen(t, i, false);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_REFUSED); // never accepted
	TRI_EQ(t, tri_sessions(t), 0);
	TRI_EQ(t, tri_service(t).failed, 1);
	tri_finish(t);
}

// The client gives up while we still wait for the backend.
static void session_deferred_client_gone(void **state)
{
	struct tri_config cfg = {.service = "    accept: deferred\n" TIMEOUTS, .backends = 1};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	t->peer[1].dead = true;
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	tri_run(t, 100 * TRI_MS);
	TRI_EQ(t, tri_sessions(t), 1);
	tri_reset(t, c); // in SYN-SENT nothing is sent for it
	TRI_WAIT(t, tri_sessions(t) == 0, 10 * TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_connect_timeouts), 1);
	tri_finish(t);
}

// A client that connects and resets before we look leaves no session behind.
static void session_gone_in_one_burst(void **state)
{
	struct tri_config cfg = {.seed = 8};
	struct triple *t = tri_create(&cfg);

	for (int i = 0; i < 20; i++) {
		struct tri_conn *c;

		t->cfg.link[TRI_WAN].delay_us = 1000;
		c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .hold = true});
		TRI_WAIT(t, c->connected, TRI_S);
		tri_reset(t, c); // the ACK of the handshake is still under way
		tri_run(t, 10 * TRI_MS);
		TRI_EQ(t, tri_sessions(t), 0);
		TRI_EQ(t, tri_service(t).sessions, 0);
	}
	tri_finish(t);
}

static void session_state_names(void **state)
{
	assert_string_equal(wr_session_state_name(WR_SESSION_HEADER), "header");
	assert_string_equal(wr_session_state_name(WR_SESSION_PENDING), "pending");
	assert_string_equal(wr_session_state_name(WR_SESSION_CONNECTING), "connecting");
	assert_string_equal(wr_session_state_name(WR_SESSION_CLOSING), "closing");
	assert_string_equal(wr_session_state_name(WR_SESSION_STATES), "?");
	assert_true(wr_proxy_session_size() <= 128 + 48); // and its note
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_closed_by_client_first),
		cmocka_unit_test(session_closed_by_backend_first),
		cmocka_unit_test(session_half_closed_by_client),
		cmocka_unit_test(session_reset_by_client),
		cmocka_unit_test(session_reset_by_backend),
		cmocka_unit_test(session_reset_passed_with_bytes_queued),
		cmocka_unit_test(session_reset_drains_bytes_queued),
		cmocka_unit_test(session_drain_ends),
		cmocka_unit_test(session_idle_timeout),
		cmocka_unit_test(session_half_closed_timeout),
		cmocka_unit_test(session_close_timeout),
		cmocka_unit_test(session_slow_reader_is_not_cut),
		cmocka_unit_test(session_deferred_accept),
		cmocka_unit_test(session_deferred_by_cookie),
		cmocka_unit_test(session_deferred_backlog_full),
		cmocka_unit_test(session_deferred_by_cookie_refused),
		cmocka_unit_test(session_deferred_refused),
		cmocka_unit_test(session_deferred_client_gone),
		cmocka_unit_test(session_gone_in_one_burst),
		cmocka_unit_test(session_state_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

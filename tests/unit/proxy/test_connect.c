/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "triple.h"

// A backend for a session: the next one when a connect fails, with nothing of the client's lost.

#define TIMEOUTS "    timeouts: {connect: 300ms, idle: 5s}\n"

// Which backend a client connected now would get: the next free client port is part of its key.
static uint32_t picked(struct triple *t)
{
	struct wr_endpoint client = {t->peer[0].addr4, t->next_port};

	return wr_backends_pick(
		t->backends, 0, 0, wr_backends_key(t->backends, 0, &client), NULL, 0);
}

static void connect_refused_goes_on(void **state)
{
	struct tri_config cfg = {.backends = 3};
	struct triple *t = tri_create(&cfg);
	uint32_t first = picked(t);
	struct tri_conn *c;

	tri_listen(t, first, false);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 20000});
	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	TRI_CHECK(t, tri_other(t, c)->peer != 1 + first);
	TRI_EQ(t, tri_backend_counters(t, first).connect_refused, 1);
	TRI_EQ(t, tri_backend_counters(t, first).picks, 1);
	TRI_EQ(t, tri_backend_counters(t, first).sessions_total, 0);
	TRI_EQ(t, tri_ctr(t, WR_CTR_connect_retries), 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_connect_failed), 1);
	TRI_EQ(t, tri_service(t).failed + tri_service(t).refused, 0);
	tri_finish(t);
}

// What the client sent meanwhile waits and reaches the backend that answers.
static void connect_timeout_goes_on(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct tri_config cfg = {.backends = 3, .service = TIMEOUTS, .family = family};
		struct triple *t = tri_create(&cfg);
		uint32_t first = picked(t);
		wr_us_t begun = t->now;
		struct tri_conn *c;

		t->peer[1 + first].dead = true;
		c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .up = 50000, .down = 10});
		tri_run(t, 250 * TRI_MS);
		TRI_CHECK(t, c->connected && c->written == 50000);
		TRI_WAIT(t, tri_complete(t, c), 2 * TRI_S);
		TRI_CHECK(t, t->now - begun >= 300 * TRI_MS && t->now - begun < 400 * TRI_MS);
		TRI_EQ(t, tri_backend_counters(t, first).connect_timeout, 1);
		TRI_EQ(t, tri_ctr(t, WR_CTR_connect_timeouts), 1);
		tri_finish(t);
	}
}

static void connect_all_refuse(void **state)
{
	struct tri_config cfg = {.backends = 3};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	for (uint32_t i = 0; i < 3; i++)
		tri_listen(t, i, false);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100});
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_RESET);
	TRI_CHECK(t, c->connected);
	TRI_EQ(t, tri_service(t).failed, 1);
	TRI_EQ(t, tri_service(t).refused, 0);
	for (uint32_t i = 0; i < 3; i++)
		TRI_EQ(t, tri_backend_counters(t, i).connect_refused, 1); // each once
	TRI_EQ(t, tri_sessions(t), 0);
	tri_finish(t);
}

static void connect_retries_are_bounded(void **state)
{
	struct tri_config cfg = {
		.backends = 4, .pool = "    health: {type: none}\n    retries: 1\n"};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;
	uint64_t refused = 0;

	for (uint32_t i = 0; i < 4; i++)
		tri_listen(t, i, false);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100});
	TRI_WAIT(t, c->released, TRI_S);
	for (uint32_t i = 0; i < 4; i++)
		refused += tri_backend_counters(t, i).connect_refused;
	TRI_EQ(t, refused, 2);
	tri_finish(t);
}

static void connect_no_backend_usable(void **state)
{
	struct tri_config cfg = {.backends = 2};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	for (uint16_t i = 0; i < 2; i++)
		wr_backends_set_admin(t->backends, i, WR_ADMIN_DRAINING, 0, t->now);
	wr_backends_flush(t->backends, t->now);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100});
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_ctr(t, WR_CTR_no_backend), 1);
	TRI_EQ(t, tri_service(t).refused, 1);
	TRI_EQ(t, tri_sessions(t), 0);
	wr_backends_set_admin(t->backends, 1, WR_ADMIN_ENABLED, 0, t->now);
	wr_backends_flush(t->backends, t->now);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100});
	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	TRI_EQ(t, tri_other(t, c)->peer, 2);
	tri_finish(t);
}

// The backend's SYN mirrors what the client offered, so that segments pass whole.
static void connect_mirrors_options(void **state)
{
	static const uint8_t without[] = {0, WR_TCPOPT_TS, WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK,
		WR_TCPOPT_TS | WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK};

	for (size_t i = 0; i < RTE_DIM(without); i++) {
		struct tri_config cfg = {.family = i % 2 ? 6 : 4};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
							    .up = 60000,
							    .flags = TRI_F_HOLD,
							    .no_opts = without[i],
							    .mss = i == 2 ? 600 : 0});
		struct wr_tcp_info ci, bi;
		struct tri_conn *b;

		TRI_WAIT(t, (b = tri_other(t, c)) != NULL && b->got == 60000, 5 * TRI_S);
		TRI_CHECK(t, wr_tcp_info(t->peer[0].tcp, c->h, &ci));
		TRI_CHECK(t, wr_tcp_info(t->peer[b->peer].tcp, b->h, &bi));
		TRI_EQ(t, bi.opts, ci.opts);
		TRI_EQ(t, bi.opts & without[i], 0);
		// What the client may send us is what we may send on; and the other way round.
		TRI_CHECK(t, ci.mss <= 1460 && bi.mss <= (i == 2 ? 600 : 1460));
		if (cfg.family == 6)
			TRI_CHECK(t, ci.peer_mss <= 1440);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_retrans_segs), 0);
		tri_finish(t);
	}
}

// Many sessions in a row: ports are taken and given back.
static void connect_many_in_a_row(void **state)
{
	struct tri_config cfg = {.backends = 2, .sources = "\"198.18.1.10\", \"2001:db8:1::10\""};
	struct triple *t = tri_create(&cfg);

	for (int i = 0; i < 100; i++) {
		struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
							    .flags = i % 2 ? TRI_F_CLOSE_FIRST : 0,
							    .up = 100,
							    .down = 300});

		TRI_WAIT(t, tri_complete(t, c), TRI_S);
	}
	TRI_EQ(t,
		tri_backend_counters(t, 0).sessions_total +
			tri_backend_counters(t, 1).sessions_total,
		100);
	TRI_CHECK(t, tri_backend_counters(t, 0).sessions_total > 20);
	TRI_CHECK(t, tri_backend_counters(t, 1).sessions_total > 20);
	TRI_EQ(t, tri_backend_counters(t, 1).sessions_peak, 1);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(connect_refused_goes_on),
		cmocka_unit_test(connect_timeout_goes_on),
		cmocka_unit_test(connect_all_refuse),
		cmocka_unit_test(connect_retries_are_bounded),
		cmocka_unit_test(connect_no_backend_usable),
		cmocka_unit_test(connect_mirrors_options),
		cmocka_unit_test(connect_many_in_a_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

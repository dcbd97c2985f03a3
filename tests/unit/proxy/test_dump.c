/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "triple.h"

// What operators see of sessions.

static const struct wr_session_filter any = {.service = -1, .backend = -1, .id = -1};

static uint32_t count(struct triple *t, const struct wr_session_filter *f)
{
	struct wr_proxy *p = wr_fabric_worker(t->f, 0)->proxy;
	struct wr_session_info info[4];
	uint32_t cursor = 0, n = 0;

	while (cursor != UINT32_MAX)
		n += wr_proxy_dump(p, f, &cursor, info, RTE_DIM(info), t->now);
	return n;
}

static void dump_filters(void **state)
{
	struct tri_config cfg = {.backends = 2};
	struct triple *t = tri_create(&cfg);
	struct wr_session_filter f = any;
	uint64_t on0, on1;

	for (int i = 0; i < 30; i++)
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO,
				       .up = 100,
				       .hold = true,
				       .family = i % 3 ? 4 : 6});
	TRI_WAIT(t, tri_sessions(t) == 30, 5 * TRI_S);
	tri_run(t, 100 * TRI_MS);
	on0 = tri_backend_counters(t, 0).sessions;
	on1 = tri_backend_counters(t, 1).sessions;
	TRI_EQ(t, on0 + on1, 30);
	TRI_EQ(t, count(t, &f), 30);
	f.backend = 0;
	TRI_EQ(t, count(t, &f), on0);
	f.backend = 1;
	f.service = 0;
	TRI_EQ(t, count(t, &f), on1);
	f.service = 1;
	TRI_EQ(t, count(t, &f), 0);
	f = any;
	f.stalled = true;
	TRI_EQ(t, count(t, &f), 0);
	f = any;
	f.has_peer = true;
	f.peer = t->peer[TRI_CLIENT].addr6;
	TRI_EQ(t, count(t, &f), 10);
	f = any;
	f.id = 12345;
	TRI_EQ(t, count(t, &f), 0);
	tri_finish(t);
}

static void dump_fields(void **state)
{
	struct tri_config cfg = {.backends = 1, .family = 6};
	struct triple *t = tri_create(&cfg);
	struct wr_proxy *p = wr_fabric_worker(t->f, 0)->proxy;
	struct wr_session_filter f = any;
	struct wr_session_info info;
	uint32_t cursor = 0;

	t->peer[1].dead = true;
	tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_DEAF, .up = 1000000});
	tri_run(t, 500 * TRI_MS);
	TRI_EQ(t, wr_proxy_dump(p, &f, &cursor, &info, 1, t->now), 1);
	TRI_EQ(t, info.state, WR_SESSION_CONNECTING);
	TRI_EQ(t, info.backend, 0);
	TRI_EQ(t, info.tries, 1);
	TRI_CHECK(t, info.has_server && info.server.state == WR_TCP_ST_SYN_SENT);
	TRI_EQ(t, info.age_us, 500 * TRI_MS);
	t->peer[1].dead = false;
	tri_run(t, 3500 * TRI_MS);
	f.stalled = true;
	f.id = info.id;
	cursor = 0;
	TRI_EQ(t, wr_proxy_dump(p, &f, &cursor, &info, 1, t->now), 1);
	TRI_EQ(t, info.state, WR_SESSION_OPEN);
	TRI_CHECK(t, info.stalled_backend && !info.stalled_client);
	TRI_EQ(t, info.client.tuple.rport, 10000);
	TRI_EQ(t, info.client.tuple.lport, 80);
	TRI_EQ(t, info.server.tuple.rport, 80);
	TRI_CHECK(t, wr_addr_is_v4(&info.client.tuple.remote));
	TRI_CHECK(t, !wr_addr_is_v4(&info.server.tuple.remote));
	TRI_CHECK(t, info.server.send_queue_bytes >= (128 << 10) / 2);
	TRI_CHECK(t, info.idle_us > TRI_S);
	tri_finish(t);
}

// What runtime.tcp says holds for the connections of every worker, on both sides.
static void dump_tcp_settings(void **state)
{
	struct tri_config cfg = {.workers = 2,
		.runtime =
			"  tcp: {congestion: newreno, receive_buffer: 64KiB, receive_buffer_max: "
			"64KiB,\n    send_buffer: 96KiB, send_buffer_max: 96KiB}\n"};
	struct triple *t = tri_create(&cfg);
	uint32_t seen[2] = {0};

	for (int i = 0; i < 16; i++)
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO,
				       .up = 100,
				       .hold = true,
				       .family = i % 2 ? 4 : 6});
	TRI_WAIT(t, tri_sessions(t) == 16, 5 * TRI_S);
	tri_run(t, 100 * TRI_MS);
	for (uint16_t w = 0; w < 2; w++) {
		struct wr_session_info info[16];
		uint32_t cursor = 0;

		seen[w] = wr_proxy_dump(
			wr_fabric_worker(t->f, w)->proxy, &any, &cursor, info, 16, t->now);
		for (uint32_t i = 0; i < seen[w]; i++) {
			TRI_CHECK(t, strcmp(info[i].client.congestion, "newreno") == 0);
			TRI_CHECK(t, strcmp(info[i].server.congestion, "newreno") == 0);
			TRI_EQ(t, info[i].client.rcv_buf_bytes, 64 << 10);
			TRI_EQ(t, info[i].server.snd_buf_bytes, 96 << 10);
		}
	}
	TRI_CHECK(t, seen[0] > 0 && seen[1] > 0 && seen[0] + seen[1] == 16);
	tri_finish(t);
}

// A peer that went away without a word ends its session when its questions go unanswered.
static void dump_tcp_keepalive(void **state)
{
	struct tri_config cfg = {
		.runtime =
			"  tcp: {keepalive: 2s, keepalive_interval: 500ms, keepalive_probes: 3}\n"};
	struct triple *t = tri_create(&cfg);
	wr_us_t begun;

	tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
	TRI_WAIT(t, tri_sessions(t) == 1, TRI_S);
	tri_run(t, 20 * TRI_S);
	TRI_EQ(t, tri_sessions(t), 1); // answered
	begun = t->now;
	t->peer[TRI_CLIENT].dead = true;
	TRI_WAIT(t, tri_sessions(t) == 0, 5 * TRI_S);
	TRI_CHECK(t, t->now - begun >= 1400 * TRI_MS);
	TRI_EQ(t, tri_service(t).timeouts, 1);
	tri_finish(t);
}

static void dump_gauges(void **state)
{
	struct tri_config cfg = {.backends = 2, .max_sessions = 64};
	struct triple *t = tri_create(&cfg);
	struct wr_proxy *p = wr_fabric_worker(t->f, 0)->proxy;
	struct wr_proxy_gauges g;
	struct wr_proxy_depths d;

	wr_proxy_gauges(p, &g);
	TRI_EQ(t, g.sessions, 0);
	TRI_EQ(t, g.sessions_max, 64);
	TRI_EQ(t, g.ports_used, 0);
	TRI_EQ(t, g.ports_max, WR_PORTS_COUNT);
	// 4 sources of a family to each of 2 backends
	TRI_EQ(t, g.connects_per_s_ceiling, 8ULL * WR_PORTS_COUNT / 60);
	t->peer[1].dead = true;
	t->peer[2].dead = true;
	for (int i = 0; i < 5; i++)
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
	tri_run(t, 100 * TRI_MS);
	wr_proxy_gauges(p, &g);
	TRI_EQ(t, g.sessions, 5);
	TRI_EQ(t, g.connecting, 5);
	TRI_CHECK(t, g.ports_used >= 1);
	wr_proxy_depths(p, &d);
	TRI_EQ(t, d.sessions, 5);
	TRI_EQ(t, d.connecting, 5);
	TRI_EQ(t, d.recv_bytes + d.send_bytes, 0);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_filters),
		cmocka_unit_test(dump_fields),
		cmocka_unit_test(dump_tcp_settings),
		cmocka_unit_test(dump_tcp_keepalive),
		cmocka_unit_test(dump_gauges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

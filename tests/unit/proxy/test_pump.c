/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "triple.h"

// Bytes from end to end: exact in both directions, without copies, and no faster than they are
// read.

static void families(uint16_t workers, enum tri_mode mode)
{
	for (int k = 0; k < 4; k++) {
		struct tri_config cfg = {.workers = workers,
			.queues = k % 2 ? workers : 1,
			.family = k & 1 ? 6 : 4,
			.link = {{.delay_us = 100}, {.delay_us = 50}},
			.seed = 10u + (unsigned int)k};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c[8];

		for (int i = 0; i < 8; i++)
			c[i] = tri_connect(t, &(struct tri_want){.mode = mode,
						      .up = 1 + (uint64_t)i * 30000,
						      .down = 250000 - (uint64_t)i * 30000,
						      .family = k & 2 ? 6 : 4});
		for (int i = 0; i < 8; i++)
			TRI_WAIT(t, tri_complete(t, c[i]), 60 * TRI_S);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_retrans_segs), 0);
		tri_finish(t);
	}
}

static void pump_echo_one_worker(void **state)
{
	families(1, TRI_ECHO);
}

static void pump_echo_two_workers(void **state)
{
	families(2, TRI_ECHO);
}

static void pump_bulk_one_worker(void **state)
{
	families(1, TRI_BULK);
}

static void pump_bulk_two_workers(void **state)
{
	families(2, TRI_BULK);
}

// Full segments are never copied; small ones are.
static void pump_copies_small_segments_only(void **state)
{
	struct tri_config cfg = {.family = 4};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(
		t, &(struct tri_want){.mode = TRI_BULK, .up = 100 * 1448, .hold = true});
	struct tri_conn *b;
	uint64_t copied;

	TRI_WAIT(t, (b = tri_other(t, c)) != NULL && b->got == c->up, 5 * TRI_S);
	// The order, and what was left over at the end of a window of the client's.
	copied = tri_ctr(t, WR_CTR_pay_copied_bytes);
	TRI_CHECK(t, copied < 20 * WR_COPY_BYTES);
	for (int i = 0; i < 50; i++) {
		c->up += 100; // one small segment at a time
		TRI_WAIT(t, b->got == c->up, TRI_S);
	}
	// Once on the way in, once on the way out.
	TRI_EQ(t, tri_ctr(t, WR_CTR_pay_copied_bytes) - copied, 2 * 50 * 100);
	c->hold = false;
	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	tri_finish(t);
}

// A backend that stops reading stops its client, and nothing is lost when it goes on.
static void pump_backend_stalls(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct tri_config cfg = {.family = family, .backends = 1};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK,
							    .flags = TRI_F_DEAF,
							    .up = 2000000,
							    .down = 1000});
		struct wr_tcp_info ci;
		struct tri_conn *b;

		t->tick_us = TRI_MS;
		tri_run(t, 2 * TRI_S);
		b = tri_other(t, c);
		TRI_CHECK(t, b != NULL && b->deaf && b->got < 4096);
		TRI_CHECK(t, wr_tcp_info(t->peer[TRI_CLIENT].tcp, c->h, &ci));
		TRI_EQ(t, ci.snd_wnd_bytes, 0);
		TRI_CHECK(t, c->written < 700000); // the queues of all four ends
		TRI_EQ(t, t->event_count[WR_EV_conn_stalled], 1);
		TRI_EQ(t, t->last[WR_EV_conn_stalled].scope, 0);
		TRI_EQ(t, t->last[WR_EV_conn_stalled].a.port, 80);
		TRI_CHECK(t, t->last[WR_EV_conn_stalled].depth >= (128 << 10) * 3 / 4);
		TRI_EQ(t, tri_backend_counters(t, 0).stalled, 1);
		TRI_EQ(t, t->high[WR_Q_conn_send], 1);
		TRI_EQ(t, t->high[WR_Q_conn_recv], 1);
		TRI_EQ(t, t->normal[WR_Q_conn_send], 0); // it is still full
		TRI_EQ(t, t->normal[WR_Q_conn_recv], 0);
		b->deaf = false;
		TRI_WAIT(t, tri_complete(t, c), 60 * TRI_S);
		tri_run(t, 100 * TRI_MS);
		TRI_EQ(t, t->event_count[WR_EV_conn_resumed], 1);
		TRI_CHECK(t, t->last[WR_EV_conn_resumed].extra >= 1700);
		TRI_CHECK(t, t->normal[WR_Q_conn_send] >= 1 && t->normal[WR_Q_conn_recv] >= 1);
		TRI_EQ(t, t->high[WR_Q_rx_pool], 0);
		tri_finish(t);
	}
}

// The class gauge tells how full a queue is against its connection's own limit: a queue that stands
// at the limit it began with is full, whatever autotuning could make of it.
static void pump_gauge_of_own_limit(void **state)
{
	static const char *const tcp[] = {"  tcp: {send_buffer_max: 64MiB}\n",
		"  tcp: {send_buffer: 1MiB, send_buffer_max: 1MiB}\n"};
	static const uint32_t max[] = {64 << 20, 1 << 20};

	for (int i = 0; i < 2; i++) {
		struct tri_config cfg = {.backends = 1, .runtime = tcp[i]};
		struct triple *t = tri_create(&cfg);
		struct wr_proxy *p = wr_fabric_worker(t->f, 0)->proxy;
		struct tri_conn *c = tri_connect(t,
			&(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_DEAF, .up = 3000000});
		struct wr_proxy_depths d;
		struct tri_conn *b;

		tri_run(t, 2 * TRI_S);
		wr_proxy_depths(p, &d);
		TRI_EQ(t, d.send_bytes, max[i]);
		TRI_CHECK(t, t->high[WR_Q_conn_send] >= 1);
		b = tri_other(t, c);
		TRI_CHECK(t, b != NULL);
		b->deaf = false;
		TRI_WAIT(t, tri_complete(t, c), 60 * TRI_S);
		tri_run(t, 100 * TRI_MS);
		wr_proxy_depths(p, &d);
		TRI_EQ(t, d.send_bytes, 0);
		tri_finish(t);
	}
}

static void pump_client_stalls(void **state)
{
	struct tri_config cfg = {.backends = 1};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .up = 1000, .down = 3000000});
	struct tri_conn *b;

	t->tick_us = TRI_MS;
	c->deaf = true;
	tri_run(t, 2 * TRI_S);
	b = tri_other(t, c);
	TRI_CHECK(t, b != NULL && b->written < 700000);
	TRI_EQ(t, t->event_count[WR_EV_conn_stalled], 1);
	TRI_EQ(t, t->last[WR_EV_conn_stalled].a.port, 10000);
	TRI_EQ(t, tri_backend_counters(t, 0).stalled, 0);
	c->deaf = false;
	TRI_WAIT(t, tri_complete(t, c), 60 * TRI_S);
	tri_finish(t);
}

// A window that closes for less than half a second is no news.
static void pump_short_stalls_are_no_events(void **state)
{
	struct tri_config cfg = {.backends = 1};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .down = 3000000});

	t->cfg.link[TRI_WAN].delay_us = 1000;
	for (int i = 0; i < 1000 && !c->released; i++) {
		c->deaf = !c->deaf;
		tri_run(t, 300 * TRI_MS);
	}
	TRI_CHECK(t, tri_complete(t, c));
	TRI_EQ(t, t->event_count[WR_EV_conn_stalled], 0);
	TRI_EQ(t, t->event_count[WR_EV_conn_resumed], 0);
	tri_finish(t);
}

// Stalled sessions hold buffers and no more than their budget; others go on.
static void pump_many_stalls_and_one_works(void **state)
{
	// Buffers of one size, so that the ten sessions that stay fit below the low mark.
	struct tri_config cfg = {.backends = 2,
		.rx_mbufs = 8192,
		.runtime = "  tcp: {receive_buffer_max: 128KiB, send_buffer_max: 128KiB}\n"};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	for (int i = 0; i < 40; i++)
		tri_connect(
			t, &(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_DEAF, .up = 500000});
	t->tick_us = TRI_MS;
	tri_run(t, 3 * TRI_S);
	TRI_CHECK(t, t->high[WR_Q_rx_pool] >= 1);
	TRI_CHECK(t, t->event_count[WR_EV_level_change] >= 1);
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].client && i % 4 != 0)
			tri_reset(t, &t->conn[i]);
	TRI_WAIT(t, t->normal[WR_Q_rx_pool] >= 1, 5 * TRI_S);
	tri_run(t, TRI_S);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 300000});
	TRI_WAIT(t, tri_complete(t, c), 30 * TRI_S);
	tri_finish(t);
}

// Held payload takes the pool up to its credit; the ACKs that free it still get in, and they alone
// empty it: no session is reset, and every stream arrives whole.
static void pump_full_pool_is_drained_by_acks(void **state)
{
	// Who came by cookie and lost its first segments would be reset: nothing remembers it. Who
	// holds most would be evicted.
	struct tri_config cfg = {.backends = 2,
		.rx_mbufs = 8192,
		.runtime = "  tcp: {syn_cookies: never}\npressure: {evictions: none}\n"};
	struct triple *t = tri_create(&cfg);
	struct wr_stats_snapshot full, empty;
	struct tri_conn *c[120];
	uint64_t done = 0;

	for (int i = 0; i < 120; i++)
		c[i] = tri_connect(
			t, &(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_DEAF, .up = 500000});
	t->tick_us = TRI_MS;
	tri_run(t, 5 * TRI_S);
	wr_worker_stats(wr_fabric_worker(t->f, 0), &full);
	TRI_CHECK(t, t->high[WR_Q_rx_pool] >= 1);
	TRI_CHECK(t, full.gauges.held_rx_mbufs * 10 >= t->pools->held_budget * 9);
	TRI_CHECK(t, full.gauges.held_rx_mbufs <= t->pools->held_budget);
	// An order that only gets through now makes its backend deaf anew.
	for (int turn = 0; turn < 6000 && (turn == 0 || empty.gauges.sessions > 0); turn++) {
		for (uint32_t i = 0; i < t->conns; i++)
			t->conn[i].deaf = false;
		tri_run(t, 100 * TRI_MS);
		wr_worker_stats(wr_fabric_worker(t->f, 0), &empty);
	}
	for (int i = 0; i < 120; i++)
		done += tri_complete(t, c[i]);
	// Who came while the pool was at its critical mark was refused; who was let in was served.
	TRI_CHECK(t, done > 0);
	TRI_EQ(t, done, 120 - tri_drop(t, WR_DROP_syn_refused));
	TRI_EQ(t, empty.stats.ctr[WR_CTR_tcp_rst_out], tri_drop(t, WR_DROP_syn_refused));
	TRI_EQ(t, empty.gauges.held_rx_mbufs, 0);
	TRI_EQ(t, empty.stats.drop[WR_DROP_pay_aborted_tx], 0);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pump_echo_one_worker),
		cmocka_unit_test(pump_echo_two_workers),
		cmocka_unit_test(pump_bulk_one_worker),
		cmocka_unit_test(pump_bulk_two_workers),
		cmocka_unit_test(pump_copies_small_segments_only),
		cmocka_unit_test(pump_backend_stalls),
		cmocka_unit_test(pump_gauge_of_own_limit),
		cmocka_unit_test(pump_client_stalls),
		cmocka_unit_test(pump_short_stalls_are_no_events),
		cmocka_unit_test(pump_many_stalls_and_one_works),
		cmocka_unit_test(pump_full_pool_is_drained_by_acks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

#include "l3_priv.h"

// Frames towards ports: what a port does not take now waits, and nothing that was built is lost.

static void tx_slow_port_loses_nothing(void **state)
{
	for (uint16_t workers = 1; workers <= 2; workers++) {
		struct tri_config cfg = {.tx_desc = 16, .workers = workers};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c[8];

		for (int i = 0; i < 8; i++)
			c[i] = tri_connect(t,
				&(struct tri_want){.mode = TRI_BULK, .up = 200000, .down = 200000});
		for (int i = 0; i < 8; i++)
			TRI_WAIT(t, tri_complete(t, c[i]), 60 * TRI_S);
		TRI_CHECK(t, tri_ctr(t, WR_CTR_tx_full) > 0);
		TRI_EQ(t, tri_drop(t, WR_DROP_tx_error), 0);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_retrans_segs), 0);
		tri_finish(t);
	}
}

// A port that stands still: TCP stops building, the backlog is bounded, its queue tells.
static void tx_stuck_port(void **state)
{
	struct tri_config cfg = {.backends = 1, .tx_desc = 16};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	uint32_t most = 0;

	w_open(t, 60);
	w_open(t, 60);
	w_open(t, 60);
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].client)
			t->conn[i].up = 60000;
	// Nobody empties the ports from here on.
	for (uint32_t i = 0; i < 1000; i++) {
		t->now += TRI_MS;
		tri_net_deliver(t);
		wr_worker_turn(w, t->now);
		for (uint32_t k = 0; k < t->peers; k++)
			tri_apps_turn(t, &t->peer[k]);
		most = RTE_MAX(most, w->port[TRI_LAN].count);
		TRI_CHECK(t, w->port[TRI_WAN].count <= BACKLOG_SLOTS);
		TRI_CHECK(t, w->port[TRI_LAN].count <= BACKLOG_SLOTS);
	}
	TRI_CHECK(t, most >= BACKLOG_SLOTS - BACKLOG_SPARE); // what was left to TCP is used up
	TRI_EQ(t, tri_drop(t, WR_DROP_tx_error), 0);
	for (uint32_t i = 0; i < t->conns; i++)
		if (t->conn[i].client)
			TRI_WAIT(t, t->conn[i].got == 60000, 300 * TRI_S);
	TRI_CHECK(t, t->critical[WR_Q_tx_backlog] >= 1);
	tri_finish(t);
}

// A port without multi-segment sending gets copies, right to the byte.
static void tx_linear_port(void **state)
{
	struct tri_config cfg = {.port_flags = WR_PORT_F_RX_CKSUM};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .up = 300000, .down = 300000});

	TRI_WAIT(t, tri_complete(t, c), 20 * TRI_S);
	TRI_CHECK(t, tri_ctr(t, WR_CTR_tx_linearised) > 300);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_retrans_segs), 0);
	tri_finish(t);
}

// Checksums in software where the port cannot.
static void tx_no_offload(void **state)
{
	struct tri_config cfg = {.port_flags = WR_PORT_F_TX_MULTI_SEGS};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c =
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100000, .family = 6});

	TRI_WAIT(t, tri_complete(t, c), 20 * TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tx_linearised), 0);
	tri_finish(t);
}

// Frames that waited for a neighbour leave before later ones, and all of them leave.
static void tx_after_neighbour(void **state)
{
	struct tri_config cfg = {.link = {{.delay_us = 1000}, {.delay_us = 20000}}, .backends = 8};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[60];

	for (int i = 0; i < 60; i++)
		c[i] = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 3000});
	for (int i = 0; i < 60; i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 60 * TRI_S);
	TRI_EQ(t, tri_drop(t, WR_DROP_tx_error), 0);
	TRI_EQ(t, tri_drop(t, WR_DROP_neigh_unreachable), 0);
	tri_finish(t);
}

// Frames that waited for neighbours, more than one round of output takes, meet new ones to the
// same.
static void tx_waiting_and_new_at_once(void **state)
{
	struct tri_config cfg = {.link[TRI_LAN] = {.delay_us = 20000},
		.backends = 8,
		.family = 4,
		.max_sessions = 1024};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[160];

	w_open(t, 1); // the way to the client is known
	for (int i = 0; i < 160; i++)
		c[i] = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100});
	tri_settle(t);
	TRI_CHECK(t, wr_fabric_worker(t->f, 0)->l3->queued > 64);
	tri_run(t, cfg.link[TRI_LAN].delay_us);
	// The answers to our questions arrive in this turn; so do 32 probes.
	t->now += cfg.link[TRI_LAN].delay_us;
	for (uint32_t i = 0; i < WR_MBOX_BUDGET; i++)
		tri_post(t, &(struct wr_msg){.kind = WR_MSG_CHECK, .a = i % 8, .b = 1, .t = TRI_S});
	tri_settle(t);
	TRI_EQ(t, tri_drop(t, WR_DROP_tx_error), 0);
	for (int i = 0; i < 160; i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 60 * TRI_S);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tx_slow_port_loses_nothing),
		cmocka_unit_test(tx_stuck_port),
		cmocka_unit_test(tx_linear_port),
		cmocka_unit_test(tx_no_offload),
		cmocka_unit_test(tx_after_neighbour),
		cmocka_unit_test(tx_waiting_and_new_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

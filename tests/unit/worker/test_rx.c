/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

// What becomes of each frame, on which worker, and that no ring between workers ever overflows.

static void rx_drops_have_reasons(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct rte_mbuf *m;

	w_inject(t, w_tcp(t, "198.18.0.9", "198.18.99.1", 1000, 80, WR_TCP_SYN));
	w_inject(t, w_tcp(t, "2001:db8::9", "2001:db8:ffff::1", 1000, 80, WR_TCP_SYN));
	tri_settle(t);
	TRI_EQ(t, tri_drop(t, WR_DROP_not_for_us), 2);
	m = w_tcp(t, "198.18.0.9", "198.18.0.100", 1000, 80, WR_TCP_SYN);
	rte_pktmbuf_mtod(m, uint8_t *)[5] ^= 1; // another station
	w_inject(t, m);
	m = w_tcp(t, "198.18.0.9", "198.18.0.100", 1000, 80, WR_TCP_SYN);
	rte_ether_addr_copy(wr_port_mac(t->port[TRI_WAN]),
		&rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->src_addr);
	w_inject(t, m);
	m = w_tcp(t, "198.18.0.9", "198.18.0.100", 1000, 80, WR_TCP_SYN);
	rte_pktmbuf_mtod(m, uint8_t *)[m->data_len - 1] ^= 0xff; // damaged
	w_inject(t, m);
	w_inject(t, w_ip(t, "198.18.0.9", "198.18.0.100", IPPROTO_UDP));
	m = w_ip(t, "198.18.0.9", "198.18.0.100", IPPROTO_UDP);
	rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->ether_type = RTE_BE16(0x88b5);
	w_inject(t, m);
	tri_settle(t);
	TRI_EQ(t, tri_drop(t, WR_DROP_not_our_mac), 1);
	TRI_EQ(t, tri_drop(t, WR_DROP_own_mac), 1);
	TRI_EQ(t, tri_drop(t, WR_DROP_tcp_checksum), 1);
	TRI_EQ(t, tri_drop(t, WR_DROP_unknown_protocol), 1);
	TRI_EQ(t, tri_drop(t, WR_DROP_unknown_ethertype), 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_rx_frames), 7);
	TRI_EQ(t, tri_ctr(t, WR_CTR_rx_tcp), 0);
	tri_finish(t);
}

// One burst, whose frames go to addresses of every class in turn.
static void rx_burst_of_many_destinations(void **state)
{
	static const char *const dst[] = {"198.18.99.1", "198.18.0.100", "198.18.0.100",
		"198.18.99.1", "198.18.99.2", "198.18.0.1", "198.18.0.255", "198.18.0.100"};
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);

	for (uint32_t i = 0; i < RTE_DIM(dst); i++)
		w_inject(t, w_tcp(t, "198.18.0.9", dst[i], (uint16_t)(1000 + i), 80, WR_TCP_RST));
	tri_settle(t);
	TRI_EQ(t, tri_drop(t, WR_DROP_not_for_us), 4);
	TRI_EQ(t, tri_ctr(t, WR_CTR_rx_tcp), 4);
	tri_finish(t);
}

// Frames that a peer's offload left unfinished raise one event a second, with the port.
static void rx_unfinished_checksum_is_told(void **state)
{
	struct tri_config cfg = {.port_flags = WR_PORT_F_TX_MULTI_SEGS};
	struct triple *t = tri_create(&cfg);

	for (int i = 0; i < 10; i++) {
		struct rte_mbuf *m = w_tcp(t, "198.18.0.9", "198.18.0.100", 1000, 80, WR_TCP_SYN);
		struct rte_tcp_hdr *h = rte_pktmbuf_mtod_offset(m, struct rte_tcp_hdr *, 34);
		struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(m, struct rte_ipv4_hdr *, 14);

		h->cksum = rte_ipv4_phdr_cksum(ip, 0);
		w_inject(t, m);
		tri_run(t, 150 * TRI_MS);
	}
	TRI_EQ(t, tri_drop(t, WR_DROP_tcp_checksum_partial), 10);
	TRI_EQ(t, t->event_count[WR_EV_port_checksum], 2);
	TRI_EQ(t, t->last[WR_EV_port_checksum].scope, TRI_WAN);
	tri_finish(t);
}

static uint32_t tap_frames(struct triple *t)
{
	struct rte_mbuf *m[64];
	uint16_t n = wr_sim_port_drain(t->tap, m, RTE_DIM(m));

	rte_pktmbuf_free_bulk(m, n);
	return n;
}

// What no service claims on the port's own address goes to the kernel; services keep theirs.
static void rx_exception_path(void **state)
{
	for (uint16_t workers = 1; workers <= 2; workers++) {
		struct tri_config cfg = {.tap = true, .workers = workers, .queues = workers};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c;
		struct rte_mbuf *m;
		uint64_t l3 = tri_ctr(t, WR_CTR_rx_l3);

		t->check_every = 0; // frames that the tap still holds are nobody's in the books
		c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
		TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
		TRI_EQ(t, tap_frames(t), 1); // the client's ARP answer: the kernel learns as well
		for (uint16_t i = 0; i < 20; i++)
			w_inject(t, w_tcp(t, "198.18.0.9", "198.18.0.1", (uint16_t)(1000 + i), 22,
					    WR_TCP_SYN));
		tri_settle(t);
		TRI_EQ(t, tap_frames(t), 20);
		w_inject(t, w_ip(t, "198.18.0.9", "198.18.0.1", IPPROTO_UDP));
		tri_settle(t);
		TRI_EQ(t, tap_frames(t), 1);
		TRI_EQ(t, tri_ctr(t, WR_CTR_rx_exception), 22);
		TRI_EQ(t, tri_drop(t, WR_DROP_no_service), 0);
		// A service's address without such a port is answered with a reset by us.
		w_inject(t, w_tcp(t, "198.18.0.2", "198.18.0.100", 1000, 22, WR_TCP_SYN));
		tri_settle(t);
		TRI_EQ(t, tap_frames(t), 0);
		TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_rst_out), 1);
		// What the kernel sends leaves by the port.
		m = w_tcp(t, "198.18.0.1", "198.18.0.9", 22, 1000, WR_TCP_SYN | WR_TCP_ACK);
		TRI_CHECK(t, wr_sim_port_inject(t->tap, m) >= 0);
		tri_settle(t);
		TRI_EQ(t, t->strays, 1);
		c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 30000});
		TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
		TRI_CHECK(t, tri_ctr(t, WR_CTR_rx_l3) > l3);
		tap_frames(t);
		tri_finish(t);
	}
}

// With a full exception path frames are dropped and counted; nothing else suffers.
static void rx_exception_full(void **state)
{
	struct tri_config cfg = {.tap = true};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c;

	t->check_every = 0;
	for (uint16_t i = 0; i < 1000; i++) {
		w_inject(t,
			w_tcp(t, "198.18.0.9", "198.18.0.1", (uint16_t)(1000 + i), 22, WR_TCP_SYN));
		tri_settle(t);
	}
	TRI_CHECK(t, tri_drop(t, WR_DROP_exception_full) > 0);
	TRI_EQ(t, tri_drop(t, WR_DROP_exception_full) + tri_ctr(t, WR_CTR_rx_exception), 1000);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 30000});
	TRI_WAIT(t, tri_complete(t, c), 5 * TRI_S);
	while (tap_frames(t) > 0)
		;
	tri_finish(t);
}

// One queue, two workers: the reader hands over, by the same hash everywhere.
static void rx_hands_over(void **state)
{
	struct tri_config cfg = {.workers = 2, .queues = 1};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[16];

	for (int i = 0; i < 16; i++)
		c[i] = tri_connect(
			t, &(struct tri_want){.mode = TRI_BULK, .up = 20000, .down = 20000});
	for (int i = 0; i < 16; i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 20 * TRI_S);
	TRI_CHECK(t, tri_ctr(t, WR_CTR_rx_handoff_out) > 100);
	TRI_EQ(t, tri_ctr(t, WR_CTR_rx_handoff_out), tri_ctr(t, WR_CTR_rx_handoff_in));
	TRI_EQ(t, tri_ctr(t, WR_CTR_tx_handoff_out), tri_ctr(t, WR_CTR_tx_handoff_in));
	TRI_EQ(t, tri_ctr(t, WR_CTR_steer_misses), 0); // nothing was predicted of this port
	for (uint16_t i = 0; i < 2; i++)
		TRI_CHECK(t, wr_worker_service(wr_fabric_worker(t->f, i), 0)->sessions_total >= 3);
	TRI_EQ(t, tri_drop(t, WR_DROP_tcp_no_conn), 0); // no segment went astray
	tri_finish(t);
}

// As many queues as workers: the port steers, and the backends' answers come to who asked.
static void rx_answers_come_home(void **state)
{
	static const uint16_t sizes[] = {1, 2, 64, 128, 512};

	for (size_t k = 0; k < RTE_DIM(sizes); k++) {
		struct tri_config cfg = {
			.workers = 2, .queues = 2, .reta_size = sizes[k], .seed = k};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c[24];

		for (int i = 0; i < 24; i++)
			c[i] = tri_connect(
				t, &(struct tri_want){
					   .mode = TRI_ECHO, .up = 5000, .family = i % 2 ? 4 : 6});
		for (int i = 0; i < 24; i++)
			TRI_WAIT(t, tri_complete(t, c[i]), 20 * TRI_S);
		TRI_EQ(t, tri_ctr(t, WR_CTR_steer_misses), 0);
		if (sizes[k] > 1)
			TRI_CHECK(
				t, wr_worker_service(wr_fabric_worker(t->f, 1), 0)->sessions_total >
					   0);
		TRI_EQ(t, tri_drop(t, WR_DROP_tcp_no_conn), 0);
		tri_finish(t);
	}
}

// A port whose hash is not what it says: counted, told once a second, and mended by hand-over.
static void rx_steer_miss_is_mended(void **state)
{
	struct tri_config cfg = {.workers = 2, .queues = 2, .reta_size = 1};
	struct triple *t = tri_create(&cfg);
	uint64_t misses;

	// All frames come to queue 0, but workers believe in 128 entries.
	t->f->port_rss[TRI_WAN] = t->f->software_rss;
	for (uint16_t i = 0; i < 100; i++) {
		w_inject(t, w_tcp(t, "198.18.0.2", "198.18.0.100", (uint16_t)(1000 + i), 80,
				    WR_TCP_ACK));
		tri_run(t, 21 * TRI_MS);
	}
	misses = tri_ctr(t, WR_CTR_steer_misses);
	TRI_CHECK(t, misses > 30 && misses < 70);
	TRI_EQ(t, tri_ctr(t, WR_CTR_rx_handoff_out), misses);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_rst_out), 100); // each was answered by its worker
	TRI_EQ(t, t->event_count[WR_EV_steer_miss], 3);
	TRI_EQ(t, t->last[WR_EV_steer_miss].scope, TRI_WAN);
	TRI_CHECK(t, t->last[WR_EV_steer_miss].count > 10);
	tri_finish(t);
}

// A worker that stands still fills its ring to the brim and no further: its feeder reads less.
static void rx_credit_holds(void **state)
{
	struct tri_config cfg = {.workers = 2, .queues = 1, .rx_mbufs = 16384};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w0 = wr_fabric_worker(t->f, 0), *w1 = wr_fabric_worker(t->f, 1);
	uint32_t sent = 0;

	for (uint32_t round = 0; round < 400; round++) {
		for (uint32_t i = 0; i < 32; i++, sent++) {
			struct rte_mbuf *m = w_tcp(t, "198.18.0.2", "198.18.0.100",
				(uint16_t)(1024 + sent), 80, WR_TCP_ACK);

			wr_sim_port_inject(
				t->port[TRI_WAN], m); // lost where the port's ring is full
		}
		t->now += 100;
		wr_worker_turn(w0, t->now);
		tri_net_drain(t);
	}
	TRI_EQ(t, rte_ring_free_count(w1->handoff_in[0]) < WR_BURST, true);
	TRI_EQ(t, tri_drop(t, WR_DROP_handoff_full), 0);
	TRI_CHECK(t, wr_port_rx_depth(t->port[TRI_WAN], 0) > 0); // what waits, waits in the port
	tri_run(t, TRI_S);
	TRI_EQ(t, rte_ring_count(w1->handoff_in[0]), 0);
	TRI_CHECK(t, t->high[WR_Q_handoff] >= 1);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rx_drops_have_reasons),
		cmocka_unit_test(rx_burst_of_many_destinations),
		cmocka_unit_test(rx_unfinished_checksum_is_told),
		cmocka_unit_test(rx_exception_path),
		cmocka_unit_test(rx_exception_full),
		cmocka_unit_test(rx_hands_over),
		cmocka_unit_test(rx_answers_come_home),
		cmocka_unit_test(rx_steer_miss_is_mended),
		cmocka_unit_test(rx_credit_holds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

#include "wr_rss.h"

static struct wr_port *sim(struct wr_sim_config cfg)
{
	struct wr_port *p = wr_sim_port_create("sim0", 3, &cfg);
	struct wr_err err = {0};

	assert_non_null(p);
	assert_int_equal(wr_port_start(p, pt_pools(), &err), 0);
	return p;
}

// A segment that arrives, from a port of its sender.
static struct rte_mbuf *arriving(bool v6, uint16_t port, struct wr_tuple *seen)
{
	struct wr_tuple t = pt_tuple(v6, port);
	const struct wr_tcp_hdr h = {.t = &t, .seq = port, .flags = WR_TCP_ACK};
	struct rte_mbuf *m = rte_pktmbuf_alloc(pt_pools()->small);

	assert_non_null(m);
	assert_int_equal(wr_build_tcp(m, &h), 0);
	assert_int_equal(wr_build_eth(m, &pt_mac_a, &pt_mac_b,
				 v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4, 0),
		0);
	wr_build_finish_csum(m);
	*seen = (struct wr_tuple){
		.local = t.remote, .remote = t.local, .lport = t.rport, .rport = t.lport};
	return m;
}

static void sim_create_facts(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){
		.mac = pt_mac_b, .rx_queues = 2, .tx_queues = 3, .flags = WR_PORT_F_TX_MULTI_SEGS});
	struct wr_port_stats st;
	struct wr_err err = {0};

	assert_string_equal(wr_port_name(p), "sim0");
	assert_string_equal(wr_port_driver(p), "sim");
	assert_int_equal(wr_port_id(p), 3);
	assert_int_equal(wr_port_mtu(p), 1500);
	assert_int_equal(wr_port_rx_queues(p), 2);
	assert_int_equal(wr_port_tx_queues(p), 3);
	assert_int_equal(wr_port_rx_desc(p), 512);
	assert_int_equal(wr_port_tx_desc(p), 512);
	assert_int_equal(wr_port_flags(p), WR_PORT_F_TX_MULTI_SEGS);
	assert_true(rte_is_same_ether_addr(wr_port_mac(p), &pt_mac_b));
	assert_int_equal(wr_port_set_multicast(p, &pt_mac_a, 1), 0);
	wr_port_stats(p, &st);
	assert_true(st.link_up);
	assert_int_equal(wr_port_start(p, pt_pools(), &err), -EALREADY);
	wr_port_close(p);
}

static void sim_create_refused(void **state)
{
	static const uint16_t reta[4] = {0, 1, 2, 0}; // queue 2 of two
	const struct wr_sim_config bad[] = {
		{.rx_queues = 65},
		{.tx_queues = 65},
		{.rx_desc = 500},
		{.tx_desc = 3},
		{.loss_permille = 1001},
		{.reta_size = 100},
		{.reta_size = 1024},
		{.rx_queues = 2, .reta = reta, .reta_size = 4},
		{.rss_key = wr_rss_default_key, .rss_key_len = 39},
		{.rss_key = wr_rss_default_key, .rss_key_len = 53},
	};

	for (size_t i = 0; i < RTE_DIM(bad); i++)
		assert_null(wr_sim_port_create("bad", 0, &bad[i]));
	wr_port_close(NULL);
}

static void sim_rx_follows_rss(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){
		.rx_queues = 4, .rx_desc = 1024, .flags = WR_PORT_F_RSS | WR_PORT_F_RX_DEPTH});
	const uint8_t *key;
	const uint16_t *reta;
	uint16_t key_len, size = wr_port_rss(p, &key, &key_len, &reta);
	struct wr_rss *rss = wr_rss_create(key, key_len, reta, size);
	uint32_t in_use = pt_in_use(), hits[4] = {0};

	assert_int_equal(size, 128);
	assert_non_null(rss);
	for (uint32_t i = 0; i < 512; i++) {
		struct wr_tuple seen;
		struct rte_mbuf *m = arriving(i & 1, (uint16_t)(1024 + i), &seen), *got;
		uint32_t hash = wr_rss_hash(rss, &seen);
		uint16_t q = wr_rss_worker(rss, hash);

		assert_int_equal(wr_sim_port_inject(p, m), q);
		assert_int_equal(wr_port_rx_depth(p, q), 1);
		assert_int_equal(wr_port_rx(p, q, &got, 1), 1);
		assert_ptr_equal(got, m);
		assert_int_equal(got->port, 3);
		assert_true(got->ol_flags & RTE_MBUF_F_RX_RSS_HASH);
		assert_int_equal(got->hash.rss, hash);
		hits[q]++;
		rte_pktmbuf_free(got);
	}
	for (int q = 0; q < 4; q++)
		assert_true(hits[q] > 64);
	assert_int_equal(pt_in_use(), in_use);
	wr_rss_destroy(rss);
	wr_port_close(p);
}

static void sim_rx_own_reta(void **state)
{
	static const uint16_t reta[2] = {1, 1};
	struct wr_port *p =
		sim((struct wr_sim_config){.rx_queues = 2, .reta = reta, .reta_size = 2});
	struct wr_tuple seen;
	const uint8_t *key;
	const uint16_t *known;
	uint16_t key_len;
	struct rte_mbuf *m = pt_payload(pt_pools()->small, 1, 60);

	// the hash steers, but without the flag nobody is told
	assert_int_equal(wr_port_rss(p, &key, &key_len, &known), 0);
	assert_int_equal(wr_sim_port_inject(p, arriving(false, 5, &seen)), 1);
	assert_int_equal(wr_sim_port_inject(p, arriving(true, 6, &seen)), 1);
	assert_int_equal(wr_sim_port_inject(p, m), 0); // not TCP: queue 0
	wr_port_close(p);                              // frees what still waits
	assert_int_equal(pt_in_use(), 0);
}

static void sim_rx_ring_full(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){.rx_desc = 4, .flags = WR_PORT_F_RX_DEPTH});
	struct wr_port_stats st;
	struct wr_tuple seen;
	struct rte_mbuf *m[8];

	for (uint16_t i = 0; i < 6; i++)
		assert_int_equal(
			wr_sim_port_inject(p, arriving(false, i + 1, &seen)), i < 4 ? 0 : -1);
	assert_int_equal(wr_port_rx_depth(p, 0), 4);
	assert_int_equal(wr_port_rx(p, 0, m, 8), 4);
	assert_int_equal(wr_port_rx(p, 0, m + 4, 4), 0);
	wr_port_stats(p, &st);
	assert_int_equal(st.rx_missed, 2);
	assert_int_equal(st.rx_frames, 4);
	for (int i = 0; i < 4; i++) {
		struct wr_pkt pkt;

		wr_parse_frame(&pkt, m[i], 0);
		assert_int_equal(pkt.seq, i + 1); // in order
		rte_pktmbuf_free(m[i]);
	}
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void sim_rx_depth_unknown(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){0});

	assert_int_equal(wr_port_rx_depth(p, 0), -ENOTSUP);
	wr_port_close(p);
}

static void sim_rx_too_long(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){.mtu = 1500});
	struct wr_port_stats st;

	assert_int_equal(wr_sim_port_inject(p, pt_payload(pt_pools()->rx, 1, 1518)), 0);
	assert_int_equal(wr_sim_port_inject(p, pt_payload(pt_pools()->rx, 1, 1519)), -1);
	wr_port_stats(p, &st);
	assert_int_equal(st.rx_errors, 1);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

// Fates of 2,000 frames in each direction, as one bit each.
static uint32_t run_losses(uint64_t seed, uint8_t *fate)
{
	struct wr_port *p = sim((struct wr_sim_config){.loss_permille = 100, .seed = seed});
	uint32_t lost = 0, errors = 0, lin = 0;

	for (uint32_t i = 0; i < 2000; i++) {
		struct wr_tuple seen;
		struct rte_mbuf *m = arriving(false, 7, &seen);
		bool in = wr_sim_port_inject(p, m) == 0;

		if (in) {
			assert_int_equal(wr_port_rx(p, 0, &m, 1), 1);
			rte_pktmbuf_free(m);
		}
		m = arriving(true, 8, &seen);
		assert_int_equal(wr_port_tx(p, 0, &m, 1, &errors, &lin), 1);
		fate[i] = (uint8_t)(in << 1);
		if (wr_sim_port_drain(p, &m, 1) == 1) {
			fate[i] |= 1;
			rte_pktmbuf_free(m);
		}
		lost += (fate[i] & 1 ? 0 : 1) + (fate[i] & 2 ? 0 : 1);
	}
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
	return lost;
}

static void sim_loss_by_seed(void **state)
{
	static uint8_t a[2000], b[2000], c[2000];
	uint32_t lost = run_losses(1, a);

	assert_in_range(lost, 300, 500); // 400 of 4,000 expected
	assert_int_equal(run_losses(1, b), lost);
	assert_memory_equal(a, b, sizeof(a));
	run_losses(2, c);
	assert_memory_not_equal(a, c, sizeof(a));
}

static void sim_loss_all(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){.loss_permille = 1000});
	struct wr_tuple seen;

	assert_int_equal(wr_sim_port_inject(p, arriving(false, 9, &seen)), -1);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void sim_tx_order_over_queues(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){.tx_queues = 3, .tx_desc = 2});
	static const uint16_t queue[6] = {2, 0, 1, 0, 2, 1};
	uint32_t errors = 0, lin = 0;
	struct rte_mbuf *m, *out[8];
	struct wr_tuple seen;

	for (uint16_t i = 0; i < 6; i++) {
		m = arriving(false, i + 1, &seen);
		assert_int_equal(wr_port_tx(p, queue[i], &m, 1, &errors, &lin), 1);
	}
	m = arriving(false, 7, &seen);
	for (uint16_t q = 0; q < 3; q++) // each queue is full
		assert_int_equal(wr_port_tx(p, q, &m, 1, &errors, &lin), 0);
	assert_int_equal(wr_sim_port_drain(p, out, 1), 1); // of queue 2
	assert_int_equal(wr_port_tx(p, 0, &m, 1, &errors, &lin), 0);
	assert_int_equal(wr_port_tx(p, 2, &m, 1, &errors, &lin), 1);
	assert_int_equal(wr_sim_port_drain(p, out + 1, 7), 6);
	for (uint32_t i = 0; i < 7; i++) {
		struct wr_pkt pkt;

		wr_parse_frame(&pkt, out[i], 0);
		assert_int_equal(pkt.seq, i + 1);
		rte_pktmbuf_free(out[i]);
	}
	assert_int_equal(wr_sim_port_drain(p, out, 1), 0);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void sim_rx_checksum_marks(void **state)
{
	struct wr_port *p = sim((struct wr_sim_config){.flags = WR_PORT_F_RX_CKSUM});

	for (int damage = 0; damage < 3; damage++) {
		struct wr_tuple seen;
		struct rte_mbuf *m = arriving(false, 11, &seen);
		uint8_t *b = rte_pktmbuf_mtod(m, uint8_t *);

		if (damage == 1)
			b[14 + 10] ^= 1; // IPv4 header checksum
		if (damage == 2)
			b[14 + 20 + 16] ^= 1; // TCP checksum
		assert_int_equal(wr_sim_port_inject(p, m), 0);
		assert_int_equal(wr_port_rx(p, 0, &m, 1), 1);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_IP_CKSUM_MASK,
			damage == 1 ? RTE_MBUF_F_RX_IP_CKSUM_BAD : RTE_MBUF_F_RX_IP_CKSUM_GOOD);
		assert_int_equal(m->ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK,
			damage == 0   ? RTE_MBUF_F_RX_L4_CKSUM_GOOD
			: damage == 2 ? RTE_MBUF_F_RX_L4_CKSUM_BAD
				      : 0);
		rte_pktmbuf_free(m);
	}
	wr_port_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sim_create_facts),
		cmocka_unit_test(sim_create_refused),
		cmocka_unit_test(sim_rx_follows_rss),
		cmocka_unit_test(sim_rx_own_reta),
		cmocka_unit_test(sim_rx_ring_full),
		cmocka_unit_test(sim_rx_depth_unknown),
		cmocka_unit_test(sim_rx_too_long),
		cmocka_unit_test(sim_loss_by_seed),
		cmocka_unit_test(sim_loss_all),
		cmocka_unit_test(sim_tx_order_over_queues),
		cmocka_unit_test(sim_rx_checksum_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

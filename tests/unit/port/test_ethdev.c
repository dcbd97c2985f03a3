/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

// Life of a port on drivers without a kernel: net_ring, whose frames come back, and net_null.

static void ethdev_ring_loops(void **state)
{
	struct wr_port *p = pt_start("net_ring0", 7);
	uint32_t errors = 0, copies = 0;
	struct wr_port_stats st;

	assert_string_equal(wr_port_name(p), "wan");
	assert_string_equal(wr_port_driver(p), "net_ring");
	assert_int_equal(wr_port_id(p), 7);
	assert_int_equal(wr_port_mtu(p), 1500);
	assert_int_equal(wr_port_rx_queues(p), 1);
	assert_int_equal(wr_port_tx_queues(p), 1);
	assert_int_equal(wr_port_rx_desc(p), 1024);
	assert_int_equal(wr_port_flags(p), WR_PORT_F_TX_MULTI_SEGS);
	assert_int_equal(wr_port_numa_node(p), 0);
	assert_true(rte_is_valid_assigned_ether_addr(wr_port_mac(p)));
	assert_int_equal(wr_port_rx_depth(p, 0), -ENOTSUP);
	for (int v6 = 0; v6 < 2; v6++) {
		struct rte_mbuf *held = NULL, *m = pt_segment(v6, PT_INDIRECT, 9, 700, &held), *got;

		assert_int_equal(wr_port_tx(p, 0, &m, 1, &errors, &copies), 1);
		got = pt_rx(p);
		assert_ptr_equal(got, m); // the very buffers, chain and all
		assert_int_equal(got->port, 7);
		assert_int_equal(got->nb_segs, 2);
		pt_assert_mbuf(got, v6, 9, 700);
		rte_pktmbuf_free(got);
		rte_pktmbuf_free(held);
	}
	wr_port_stats(p, &st);
	assert_int_equal(st.rx_frames, 2);
	assert_int_equal(st.tx_frames, 2);
	assert_int_equal(st.kernel_loss, 0);
	assert_true(st.link_up);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void ethdev_ring_full(void **state)
{
	struct wr_port *p = pt_start("net_ring1", 0);
	uint32_t errors = 0, copies = 0, taken = 0;
	struct rte_mbuf *m;

	for (;;) {
		m = pt_payload(pt_pools()->small, 1, 60);
		if (wr_port_tx(p, 0, &m, 1, &errors, &copies) == 0)
			break;
		assert_true(++taken <= 8192);
	}
	assert_int_equal(rte_mbuf_refcnt_read(m), 1); // still ours
	rte_pktmbuf_free(m);
	while (wr_port_rx(p, 0, &m, 1) == 1) {
		rte_pktmbuf_free(m);
		taken--;
	}
	assert_int_equal(taken, 0);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void ethdev_null_receives_and_swallows(void **state)
{
	struct wr_port *p = pt_start("net_null0,size=90", 1);
	struct rte_mbuf *m[WR_BURST];
	uint32_t errors = 0, copies = 0;

	assert_int_equal(wr_port_rx(p, 0, m, WR_BURST), WR_BURST);
	assert_int_equal(m[0]->pkt_len, 90);
	assert_int_equal(m[WR_BURST - 1]->port, 1);
	assert_int_equal(wr_port_tx(p, 0, m, WR_BURST, &errors, &copies), WR_BURST);
	assert_int_equal(errors, 0);
	assert_int_equal(wr_port_set_multicast(p, &pt_mac_a, 1), 0);
	assert_int_equal(wr_port_set_multicast(p, NULL, 0), 0);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void ethdev_reopen(void **state)
{
	for (int i = 0; i < 3; i++)
		wr_port_close(pt_start("net_null1", 0));
	for (int i = 0; i < 2; i++) { // opened, never started
		const struct wr_port_config cfg = pt_config("net_ring2");

		wr_port_close(pt_open_config(&cfg, 0));
	}
}

static void ethdev_open_busy(void **state)
{
	struct wr_port_config cfg = pt_config("net_null2");
	struct wr_port *p = pt_open_config(&cfg, 0);
	struct wr_err err = {0};

	strcpy(cfg.name, "lan");
	pt_expect_refusal(&cfg, "device net_null2 is busy: port wan");
	assert_int_equal(wr_port_start(p, pt_pools(), &err), 0); // unharmed
	wr_port_close(p);
	p = pt_open_config(&cfg, 0); // and free again
	wr_port_close(p);
}

static void ethdev_open_queues_impossible(void **state)
{
	struct wr_port_config cfg = pt_config("net_null4");

	cfg.rx_queues = 2;
	pt_expect_refusal(&cfg, "2 receive queues");
	cfg.rx_queues = 0;
	cfg.tx_queues = 2;
	pt_expect_refusal(&cfg, "2 transmit queues are asked for; at most 1");
	cfg.tx_queues = 1;
	cfg.rx_queues = 1;
	wr_port_close(pt_open_config(&cfg, 0));
}

static void ethdev_open_mtu_impossible(void **state)
{
	struct wr_port_config cfg = pt_config("net_null5");

	cfg.mtu = 1279;
	pt_expect_refusal(&cfg, "below 1280");
	cfg.mtu = 9199;
	pt_expect_refusal(&cfg, "MTU 9199 is more than driver net_null carries, at most 9198");
}

static void ethdev_open_descriptors_given(void **state)
{
	struct wr_port_config cfg = pt_config("net_null6");
	struct wr_port *p;

	cfg.rx_desc = 256;
	cfg.tx_desc = 128;
	p = pt_open_config(&cfg, 0);
	assert_int_equal(wr_port_rx_desc(p), 256);
	assert_int_equal(wr_port_tx_desc(p), 128);
	wr_port_close(p);
}

static void ethdev_open_without_profile(void **state)
{
	struct wr_port_config cfg = pt_config("net_null7");
	struct wr_port *p;

	cfg.profiles_dir = "/nonexistent";
	p = pt_open_config(&cfg, 0);
	assert_int_equal(wr_port_rx_queues(p), 1);
	assert_int_equal(wr_port_flags(p) & WR_PORT_F_TX_MULTI_SEGS, 0);
	wr_port_close(p);
	cfg.mtu = 1501;
	pt_expect_refusal(&cfg, "at most 1500");
}

static void ethdev_open_bad_profile(void **state)
{
	char dir[] = "/tmp/wr-ethdev-XXXXXX", path[64];
	struct wr_port_config cfg = pt_config("net_null8");
	FILE *out;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/net_null.yaml", dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs("driver: net_null\nrss: perhaps\n", out);
	fclose(out);
	cfg.profiles_dir = dir;
	pt_expect_refusal(&cfg, "net_null.yaml: line 2: rss: 'perhaps'");
	unlink(path);
	rmdir(dir);
}

static void ethdev_open_unknown(void **state)
{
	struct wr_port_config cfg = pt_config("net_none0");

	pt_expect_refusal(&cfg, "no driver for the virtual device 'net_none0'");
	strcpy(cfg.device, "00fe:01:00.0");
	pt_expect_refusal(&cfg, "no PCI device 00fe:01:00.0");
	strcpy(cfg.device, "");
	pt_expect_refusal(&cfg, "is empty");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethdev_ring_loops),
		cmocka_unit_test(ethdev_ring_full),
		cmocka_unit_test(ethdev_null_receives_and_swallows),
		cmocka_unit_test(ethdev_reopen),
		cmocka_unit_test(ethdev_open_busy),
		cmocka_unit_test(ethdev_open_queues_impossible),
		cmocka_unit_test(ethdev_open_mtu_impossible),
		cmocka_unit_test(ethdev_open_descriptors_given),
		cmocka_unit_test(ethdev_open_without_profile),
		cmocka_unit_test(ethdev_open_bad_profile),
		cmocka_unit_test(ethdev_open_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

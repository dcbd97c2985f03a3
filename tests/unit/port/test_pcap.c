/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

// net_pcap on a veth pair, and on files.

static void pcap_interface_whole(void **state)
{
	struct wr_port *p;
	int fd;

	pt_need_veth("wr-a", "wr-b");
	p = pt_start("net_pcap0,iface=wr-a", 3);
	fd = pt_socket("wr-b");
	assert_string_equal(wr_port_driver(p), "net_pcap");
	assert_true(wr_port_flags(p) & WR_PORT_F_TX_MULTI_SEGS);
	pt_check_rx(p, fd, 1440);
	pt_check_tx_shapes(p, fd, 1440);
	close(fd);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

// What is written to a file is read from it again.
static void pcap_file_replayed(void **state)
{
	char path[] = "/tmp/wr-pcap-XXXXXX", device[128];
	struct rte_mbuf *held = NULL, *m;
	struct wr_port *p;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	snprintf(device, sizeof(device), "net_pcap1,tx_pcap=%s", path);
	p = pt_start(device, 0);
	pt_tx(p, pt_segment(true, PT_INDIRECT, 8, 900, &held));
	rte_pktmbuf_free(held);
	wr_port_close(p);
	snprintf(device, sizeof(device), "net_pcap2,rx_pcap=%s", path);
	p = pt_start(device, 0);
	m = pt_rx(p);
	assert_non_null(m);
	pt_assert_mbuf(m, true, 8, 900);
	rte_pktmbuf_free(m);
	wr_port_close(p);
	unlink(path);
	assert_int_equal(pt_in_use(), 0);
}

static void pcap_no_interface(void **state)
{
	struct wr_port_config cfg = pt_config("net_pcap3,iface=wr-none");

	pt_expect_refusal(&cfg, "there is no interface 'wr-none'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_interface_whole),
		cmocka_unit_test(pcap_file_replayed),
		cmocka_unit_test(pcap_no_interface),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

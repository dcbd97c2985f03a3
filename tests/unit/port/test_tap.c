/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

// net_tap inside a network namespace of the test's own; the far end is the kernel's side of the
// TAP.

static void need_tap(void)
{
	pt_skip_without(access("/dev/net/tun", F_OK) == 0, "TUN/TAP (/dev/net/tun)");
	pt_skip_without(pt_netns(), "network namespaces (unshare CLONE_NEWNET)");
}

static struct wr_port *open_tap(int *fd)
{
	struct wr_port *p;

	need_tap();
	p = pt_start("net_tap0,iface=wr-tap", 6);
	assert_true(pt_run("ip link set wr-tap up"));
	*fd = pt_socket("wr-tap");
	return p;
}

static void tap_open_facts(void **state)
{
	struct wr_port *p;
	int fd;

	p = open_tap(&fd);
	assert_string_equal(wr_port_driver(p), "net_tap");
	assert_int_equal(wr_port_rx_queues(p), 1);
	assert_true(wr_port_flags(p) & WR_PORT_F_TX_MULTI_SEGS);
	assert_true(pt_link_becomes(p, true));
	assert_int_equal(wr_port_set_multicast(p, &pt_mac_a, 1), 0);
	close(fd);
	wr_port_close(p);
	assert_int_equal(if_nametoindex("wr-tap"), 0); // gone with the port
}

static void tap_tx_whole(void **state)
{
	struct wr_port *p;
	int fd;

	p = open_tap(&fd);
	pt_check_tx_shapes(p, fd, 1);
	pt_check_tx_shapes(p, fd, 1001);
	pt_check_tx_shapes(p, fd, 1440);
	close(fd);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void tap_rx_whole(void **state)
{
	struct wr_port *p;
	int fd;

	p = open_tap(&fd);
	pt_check_rx(p, fd, 1);
	pt_check_rx(p, fd, 1440);
	close(fd);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

// Marks of the driver on a frame with a wrong checksum are the truth.
static void tap_rx_wrong_checksum(void **state)
{
	uint8_t flat[256];
	struct rte_mbuf *m;
	struct wr_port *p;
	struct wr_pkt pkt;
	uint32_t len;
	int fd;

	p = open_tap(&fd);
	m = pt_segment(false, PT_LINEAR, 1, 100, NULL);
	wr_build_finish_csum(m);
	len = m->pkt_len;
	memcpy(flat, rte_pktmbuf_mtod(m, void *), len);
	rte_pktmbuf_free(m);
	flat[len - 1] ^= 1;
	assert_int_equal(send(fd, flat, len, 0), len);
	m = pt_rx(p);
	assert_non_null(m);
	wr_parse_frame(&pkt, m, 0);
	assert_int_equal(pkt.kind, WR_PKT_DROP);
	assert_int_equal(pkt.drop, WR_DROP_tcp_checksum);
	rte_pktmbuf_free(m);
	close(fd);
	wr_port_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tap_open_facts),
		cmocka_unit_test(tap_tx_whole),
		cmocka_unit_test(tap_rx_whole),
		cmocka_unit_test(tap_rx_wrong_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

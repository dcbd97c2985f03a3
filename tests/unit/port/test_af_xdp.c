/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif

// The driver forgets its UMEM when it closes; nothing of ours is meant.
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:xsk_umem__create";
}

// net_af_xdp on veth pairs inside a network namespace of the test's own. The driver never gives an
// interface's queue back within one process, nor the buffers in its rings: each test has its own
// pair.

static void need_xdp(const char *a, const char *b)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	pt_skip_without(fd >= 0 || errno != EAFNOSUPPORT, "AF_XDP sockets");
	if (fd >= 0)
		close(fd);
	pt_need_veth(a, b);
}

static void af_xdp_open_facts(void **state)
{
	struct wr_port *p;

	need_xdp("wr-0", "wr-1");
	p = pt_start("net_af_xdp0,iface=wr-0", 2);
	assert_string_equal(wr_port_driver(p), "net_af_xdp");
	assert_int_equal(wr_port_flags(p) & WR_PORT_F_TX_MULTI_SEGS, 0);
	assert_int_equal(wr_port_rx_desc(p), 2048); // what its fill ring takes of the pool
	wr_port_close(p);
}

// The driver would send stale memory for a second segment: every chain has to arrive whole.
static void af_xdp_tx_whole(void **state)
{
	struct wr_port *p;
	struct rte_mbuf *m;
	uint32_t errors = 0, copies = 0;
	int fd;

	need_xdp("wr-2", "wr-3");
	p = pt_start("net_af_xdp0,iface=wr-2", 2);
	fd = pt_socket("wr-3");
	pt_check_tx_shapes(p, fd, 1001);
	pt_check_tx_shapes(p, fd, 1440);
	m = pt_segment(true, PT_CHAIN, 3, 500, NULL);
	assert_int_equal(wr_port_tx(p, 0, &m, 1, &errors, &copies), 1);
	assert_int_equal(copies, 1);
	close(fd);
	wr_port_close(p);
}

static void af_xdp_rx_whole(void **state)
{
	struct wr_port *p;
	int fd;

	need_xdp("wr-4", "wr-5");
	p = pt_start("net_af_xdp0,iface=wr-4", 4);
	fd = pt_socket("wr-5");
	pt_check_rx(p, fd, 1);
	pt_check_rx(p, fd, 1440);
	close(fd);
	wr_port_close(p);
}

static void af_xdp_no_interface(void **state)
{
	struct wr_port_config cfg = pt_config("net_af_xdp0,iface=wr-none");

	need_xdp("wr-6", "wr-7");
	pt_expect_refusal(&cfg, "there is no interface 'wr-none'");
}

static void af_xdp_queue_taken(void **state)
{
	struct wr_port_config cfg = pt_config("net_af_xdp8,iface=wr-8");
	struct wr_port *p, *q;
	struct wr_err err = {0};

	need_xdp("wr-8", "wr-9");
	p = pt_start("net_af_xdp0,iface=wr-8", 0);
	q = pt_open_config(&cfg, 1);
	assert_true(wr_port_start(q, pt_pools(), &err) < 0);
	assert_non_null(strstr(err.text, "may hold queue 0 of wr-8"));
	wr_port_close(q);
	wr_port_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(af_xdp_open_facts),
		cmocka_unit_test(af_xdp_tx_whole),
		cmocka_unit_test(af_xdp_rx_whole),
		cmocka_unit_test(af_xdp_no_interface),
		cmocka_unit_test(af_xdp_queue_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

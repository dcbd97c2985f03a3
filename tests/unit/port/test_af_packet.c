/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

#include <sys/wait.h>

// net_af_packet on a veth pair inside a network namespace of the test's own.

static int up(void **state)
{
	if (pt_netns()) // a lack shows in the tests, by its name
		pt_veth("wr-a", "wr-b");
	return 0;
}

static void need_wire(void)
{
	pt_skip_without(pt_netns(), "network namespaces (unshare CLONE_NEWNET)");
	pt_skip_without(if_nametoindex("wr-a") != 0, "veth");
}

static void af_packet_open_facts(void **state)
{
	struct wr_port *p;
	struct ifreq ifr = {.ifr_name = "wr-a"};
	int fd;

	need_wire();
	p = pt_start("net_af_packet0,iface=wr-a,framecnt=512", 2);
	fd = pt_socket("wr-b");
	assert_string_equal(wr_port_driver(p), "net_af_packet");
	assert_int_equal(wr_port_flags(p), WR_PORT_F_TX_MULTI_SEGS | WR_PORT_F_KERNEL_LOSS);
	assert_int_equal(wr_port_rx_queues(p), 1);
	assert_int_equal(wr_port_rx_depth(p, 0), -ENOTSUP);
	assert_int_equal(ioctl(fd, SIOCGIFHWADDR, &ifr), 0);
	assert_memory_equal(wr_port_mac(p), ifr.ifr_hwaddr.sa_data, 6);
	assert_true(pt_link_becomes(p, true));
	assert_true(pt_run("ip link set wr-b down"));
	assert_true(pt_link_becomes(p, false));
	assert_true(pt_run("ip link set wr-b up"));
	close(fd);
	wr_port_close(p);
}

static void af_packet_tx_whole(void **state)
{
	struct wr_port *p;
	int fd;

	need_wire();
	p = pt_start("net_af_packet0,iface=wr-a,framecnt=512", 2);
	fd = pt_socket("wr-b");
	pt_check_tx_shapes(p, fd, 1);
	pt_check_tx_shapes(p, fd, 1001);
	pt_check_tx_shapes(p, fd, 1440); // a full frame in IPv6
	close(fd);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void af_packet_rx_whole(void **state)
{
	struct wr_port *p;
	int fd;

	need_wire();
	p = pt_start("net_af_packet0,iface=wr-a,framecnt=512", 5);
	fd = pt_socket("wr-b");
	pt_check_rx(p, fd, 1);
	pt_check_rx(p, fd, 1440);
	close(fd);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

static void af_packet_multicast(void **state)
{
	static const struct rte_ether_addr group = {{0x33, 0x33, 0xff, 0, 0, 1}};
	struct wr_port *p;

	need_wire();
	p = pt_start("net_af_packet0,iface=wr-a,framecnt=512", 0);
	assert_int_equal(wr_port_set_multicast(p, &group, 1), 0);
	assert_true(wr_port_flags(p) & WR_PORT_F_PROMISC); // the driver has no filter
	assert_int_equal(wr_port_set_multicast(p, &group, 1), 0);
	assert_int_equal(wr_port_set_multicast(p, NULL, 0), 0);
	wr_port_close(p);
}

static uint32_t receive_all(struct wr_port *p)
{
	struct rte_mbuf *m[WR_BURST];
	uint32_t got = 0;
	uint16_t n;

	while ((n = wr_port_rx(p, 0, m, WR_BURST)) > 0) {
		rte_pktmbuf_free_bulk(m, n);
		got += n;
	}
	return got;
}

// A small ring that nobody empties: what it lost plus what it holds is what was sent.
static void af_packet_kernel_loss_counted(void **state)
{
	const uint32_t sent = 500;
	struct wr_port *p;
	struct wr_port_stats st;
	uint64_t loss;
	int fd;

	need_wire();
	p = pt_start("net_af_packet0,iface=wr-a,framecnt=64", 0);
	fd = pt_socket("wr-b");
	for (uint32_t i = 0; i < sent; i++)
		pt_send(fd, i & 1, i, 100);
	wr_port_stats(p, &st);
	loss = st.kernel_loss;
	assert_true(loss > 0);
	wr_port_stats(p, &st); // reading resets the kernel's counter, not ours
	assert_int_equal(st.kernel_loss, loss);
	assert_int_equal(receive_all(p) + loss, sent);
	for (uint32_t i = 0; i < sent; i++)
		pt_send(fd, i & 1, i, 100);
	wr_port_stats(p, &st);
	assert_int_equal(receive_all(p) + st.kernel_loss - loss, sent);
	assert_int_equal(st.rx_missed, 0); // what the driver itself knows
	close(fd);
	wr_port_close(p);
}

// The default ring of the profile holds what the driver's own would have lost.
static void af_packet_default_ring(void **state)
{
	const uint32_t sent = 6000;
	struct wr_port *p;
	struct wr_port_stats st;
	int fd;

	need_wire();
	p = pt_start("net_af_packet0,iface=wr-a", 0);
	fd = pt_socket("wr-b");
	for (uint32_t i = 0; i < sent; i++)
		pt_send(fd, false, i, 100);
	assert_int_equal(receive_all(p), sent);
	wr_port_stats(p, &st);
	assert_int_equal(st.kernel_loss, 0);
	close(fd);
	wr_port_close(p);
}

static void af_packet_loss_is_per_interface(void **state)
{
	struct wr_port *p, *q;
	struct wr_port_stats st;
	int fd;

	need_wire();
	assert_true(if_nametoindex("wr-c") != 0 || pt_veth("wr-c", "wr-d"));
	p = pt_start("net_af_packet0,iface=wr-a,framecnt=64", 0);
	q = pt_start("net_af_packet1,iface=wr-c,framecnt=64", 1);
	fd = pt_socket("wr-d");
	for (uint32_t i = 0; i < 200; i++)
		pt_send(fd, false, i, 100);
	wr_port_stats(p, &st);
	assert_int_equal(st.kernel_loss, 0);
	wr_port_stats(q, &st);
	assert_true(st.kernel_loss > 0);
	close(fd);
	wr_port_close(q);
	wr_port_close(p);
}

// Opening says in one line which offloads are in the way and how to turn them off.
static void af_packet_offloads_warned(void **state)
{
	struct wr_port_config cfg = pt_config("net_af_packet0,iface=wr-a,framecnt=512");
	const char *cure = "ethtool -K wr-a tx off tso off gso off gro off lro off";
	char text[2048] = "", path[] = "/tmp/wr-log-XXXXXX";
	int saved = dup(STDERR_FILENO), log = mkstemp(path);

	need_wire();
	assert_true(log >= 0 && saved >= 0);
	assert_true(pt_run("ethtool -K wr-a gro on >/dev/null"));
	dup2(log, STDERR_FILENO);
	wr_port_close(pt_open_config(&cfg, 0));
	dup2(saved, STDERR_FILENO);
	assert_true(pread(log, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "<4>port wan: interface wr-a has offloads on (gro)"));
	assert_non_null(strstr(text, cure));
	assert_true(pt_run("ethtool -K wr-a gro off >/dev/null"));
	assert_int_equal(ftruncate(log, 0), 0);
	lseek(log, 0, SEEK_SET);
	memset(text, 0, sizeof(text));
	dup2(log, STDERR_FILENO);
	wr_port_close(pt_open_config(&cfg, 0));
	dup2(saved, STDERR_FILENO);
	assert_true(pread(log, text, sizeof(text) - 1, 0) >= 0);
	assert_null(strstr(text, "offloads"));
	close(saved);
	close(log);
	unlink(path);
}

static void af_packet_mtu(void **state)
{
	struct wr_port_config cfg = pt_config("net_af_packet0,iface=wr-a,framecnt=512");
	struct ifreq ifr = {.ifr_name = "wr-a"};
	int fd;

	need_wire();
	cfg.mtu = 9000;
	pt_expect_refusal(&cfg, "MTU 9000 is more than driver net_af_packet carries, at most 1500");
	cfg.mtu = 1400;
	wr_port_close(pt_open_config(&cfg, 0));
	fd = pt_socket("wr-a");
	assert_int_equal(ioctl(fd, SIOCGIFMTU, &ifr), 0);
	assert_int_equal(ifr.ifr_mtu, 1400);
	close(fd);
	cfg.mtu = 0; // and back to 1500
	wr_port_close(pt_open_config(&cfg, 0));
}

static void af_packet_no_interface(void **state)
{
	struct wr_port_config cfg = pt_config("net_af_packet0,iface=wr-none");

	pt_expect_refusal(&cfg, "port wan: there is no interface 'wr-none'");
}

static void af_packet_no_permission(void **state)
{
	struct wr_port_config cfg = pt_config("net_af_packet9,iface=wr-a");
	int status;
	pid_t pid;

	need_wire();
	pt_pools();
	pid = fork();
	if (pid == 0) {
		struct wr_err err = {0};

		if (setresuid(65534, 65534, 65534) < 0 || wr_port_open(&cfg, 0, 1, &err) != NULL)
			_exit(2);
		_exit(strstr(err.text, "no permission to open net_af_packet9") != NULL ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void af_packet_bad_argument(void **state)
{
	struct wr_port_config cfg = pt_config("net_af_packet0,iface=wr-a,framecnt=0");

	need_wire();
	pt_expect_refusal(&cfg, "framecnt=0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(af_packet_open_facts),
		cmocka_unit_test(af_packet_tx_whole),
		cmocka_unit_test(af_packet_rx_whole),
		cmocka_unit_test(af_packet_multicast),
		cmocka_unit_test(af_packet_kernel_loss_counted),
		cmocka_unit_test(af_packet_default_ring),
		cmocka_unit_test(af_packet_loss_is_per_interface),
		cmocka_unit_test(af_packet_offloads_warned),
		cmocka_unit_test(af_packet_mtu),
		cmocka_unit_test(af_packet_no_interface),
		cmocka_unit_test(af_packet_no_permission),
		cmocka_unit_test(af_packet_bad_argument),
	};

	return cmocka_run_group_tests(tests, up, NULL);
}

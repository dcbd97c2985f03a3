/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// net_memif, both ends in this process. The driver refuses one socket in two roles, so the client
// reaches the server's through a symbolic link.

struct pair {
	struct wr_port *server, *client;
};

static char dir[] = "/tmp/wr-memif-XXXXXX";

static int make_dir(void **state)
{
	char real[64], link[64];

	if (mkdtemp(dir) == NULL)
		return -1;
	snprintf(real, sizeof(real), "%s/server", dir);
	snprintf(link, sizeof(link), "%s/client", dir);
	return symlink(real, link);
}

static int drop_dir(void **state)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/server", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/client", dir);
	unlink(path);
	return rmdir(dir);
}

static struct wr_port *start(const char *role, uint16_t id, uint16_t mtu)
{
	struct wr_port_config cfg = {.mtu = mtu};
	struct wr_err err = {0};
	struct wr_port *p;

	snprintf(cfg.name, sizeof(cfg.name), "%s", role);
	snprintf(cfg.device, sizeof(cfg.device),
		"net_memif%u,role=%s,socket=%s/%s,socket-abstract=no,id=0", id, role, dir, role);
	p = pt_open_config(&cfg, id);
	if (wr_port_start(p, pt_pools(), &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

static struct pair connect_pair(uint16_t mtu)
{
	struct pair w = {.server = start("server", 0, mtu)};
	struct rte_mbuf *m;

	w.client = start("client", 1, mtu);
	assert_true(pt_link_becomes(w.server, true));
	assert_true(pt_link_becomes(w.client, true));
	// the server has no buffers to send into before the client polled once
	assert_int_equal(wr_port_rx(w.client, 0, &m, 1), 0);
	return w;
}

static void disconnect(struct pair *w)
{
	wr_port_close(w->client);
	wr_port_close(w->server);
	assert_int_equal(pt_in_use(), 0);
}

static void memif_link_needs_both(void **state)
{
	struct wr_port *p = start("server", 0, 0);
	struct wr_port_stats st;

	wr_port_stats(p, &st);
	assert_false(st.link_up);
	wr_port_close(p);
}

static void check_way(struct wr_port *from, struct wr_port *to, uint32_t len)
{
	for (int v6 = 0; v6 < 2; v6++) {
		for (int shape = PT_LINEAR; shape <= PT_INDIRECT; shape++) {
			struct rte_mbuf *held = NULL, *m;

			pt_tx(from, pt_segment(v6, (enum pt_shape)shape, 77, len, &held));
			m = pt_rx(to);
			assert_non_null(m);
			assert_int_equal(m->port, wr_port_id(to));
			pt_assert_mbuf(m, v6, 77, len);
			rte_pktmbuf_free(m);
			rte_pktmbuf_free(held);
		}
	}
}

static void memif_both_ways(void **state)
{
	struct pair w = connect_pair(0);

	assert_string_equal(wr_port_driver(w.server), "net_memif");
	assert_int_equal(wr_port_flags(w.client), WR_PORT_F_TX_MULTI_SEGS);
	check_way(w.server, w.client, 1);
	check_way(w.client, w.server, 1001);
	check_way(w.server, w.client, 1440);
	assert_int_equal(wr_port_set_multicast(w.server, &pt_mac_a, 1), 0);
	disconnect(&w);
}

// The driver lets no MTU be set, yet carries what is sent, over as many buffers as it takes.
static void memif_jumbo(void **state)
{
	struct pair w = connect_pair(9000);
	struct rte_mbuf *m, *got;

	assert_int_equal(wr_port_mtu(w.server), 9000);
	m = pt_segment(false, PT_CHAIN, 5, 2000, NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(rte_pktmbuf_chain(m, pt_payload(pt_pools()->rx, i, 2000)), 0);
	m->ol_flags = 0;
	pt_tx(w.server, m);
	got = NULL;
	for (uint64_t end = pt_now_ms() + PT_WAIT_MS; pt_now_ms() < end;)
		if (wr_port_rx(w.client, 0, &got, 1) == 1)
			break;
	assert_non_null(got);
	assert_int_equal(got->pkt_len, 14 + 20 + 20 + 8000);
	for (uint32_t i = 0; i < 2000; i++) {
		uint8_t b;

		assert_int_equal(*(const uint8_t *)rte_pktmbuf_read(got, 54 + 6000 + i, 1, &b),
			pt_byte(2, i));
	}
	rte_pktmbuf_free(got);
	disconnect(&w);
}

static void memif_ring_full(void **state)
{
	struct pair w = connect_pair(0);
	uint32_t errors = 0, copies = 0, taken = 0, got = 0;
	struct rte_mbuf *m, *in[WR_BURST];
	uint16_t n;

	for (;;) {
		m = pt_segment(false, PT_LINEAR, 1, 10, NULL);
		if (wr_port_tx(w.server, 0, &m, 1, &errors, &copies) == 0)
			break;
		assert_true(++taken <= 1024);
	}
	rte_pktmbuf_free(m); // not taken, so ours
	while ((n = wr_port_rx(w.client, 0, in, WR_BURST)) > 0) {
		rte_pktmbuf_free_bulk(in, n);
		got += n;
	}
	assert_int_equal(got, taken);
	assert_int_equal(errors, 0);
	disconnect(&w);
}

// A server that was killed leaves its socket, which must not block the next one.
static void memif_stale_socket_is_removed(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	struct wr_port *p;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/server", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	close(fd);
	assert_int_equal(access(at.sun_path, F_OK), 0);
	p = start("server", 0, 0);
	wr_port_close(p);
}

static void memif_client_alone_says_so(void **state)
{
	struct wr_port_config cfg = {.name = "client"};
	struct wr_err err = {0};
	struct wr_port *p;

	snprintf(cfg.device, sizeof(cfg.device),
		"net_memif7,role=client,socket=%s/nobody,socket-abstract=no,id=0", dir);
	p = pt_open_config(&cfg, 0);
	assert_true(wr_port_start(p, pt_pools(), &err) < 0);
	assert_non_null(strstr(err.text, "role=server to run already"));
	wr_port_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memif_stale_socket_is_removed),
		cmocka_unit_test(memif_client_alone_says_so),
		cmocka_unit_test(memif_link_needs_both),
		cmocka_unit_test(memif_both_ways),
		cmocka_unit_test(memif_jumbo),
		cmocka_unit_test(memif_ring_full),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

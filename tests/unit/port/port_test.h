/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// What the tests of ports share: buffers, frames whose bytes are known, a network namespace of the
// test's own with a veth pair in it, and the far end of a wire as a raw socket.

#include "wr_test.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <rte_ethdev.h>

#include "wr_build.h"
#include "wr_mbuf.h"
#include "wr_mempool.h"
#include "wr_parse.h"
#include "wr_port.h"

#define PT_WAIT_MS 5000 // for what another thread or the kernel does; reached only by a failure
#define PT_FRAME   9300

// --- buffers --------------------------------------------------------------------------------

static inline struct wr_mempools *pt_pools(void)
{
	static struct wr_mempools pools;
	const struct wr_mempools_need need = {.rx_count = 12000,
		.small_count = 8000,
		.rx_desc = 2048,
		.tx_desc = 2048,
		.workers = 1};
	struct wr_err err = {0};

	if (pools.rx != NULL)
		return &pools;
	wr_test_eal_init();
	if (wr_mempools_create(&pools, "port", 0, &need, &err) < 0)
		fail_msg("%s", err.text);
	return &pools;
}

// Buffers that are in use; what a test took it has to give back.
static inline uint32_t pt_in_use(void)
{
	return rte_mempool_in_use_count(pt_pools()->rx) +
	       rte_mempool_in_use_count(pt_pools()->small);
}

// --- frames ---------------------------------------------------------------------------------

static const struct rte_ether_addr pt_mac_a = {{0x02, 0, 0, 0, 0, 0xa}};
static const struct rte_ether_addr pt_mac_b = {{0x02, 0, 0, 0, 0, 0xb}};

static inline uint8_t pt_byte(uint32_t seed, uint32_t i)
{
	return (uint8_t)(seed * 31 + i * 7 + (i >> 8));
}

static inline struct wr_tuple pt_tuple(bool v6, uint16_t lport)
{
	struct wr_tuple t = {.lport = lport, .rport = 40000};

	assert_int_equal(wr_addr_parse(v6 ? "2001:db8::1" : "198.18.0.1", &t.local), 0);
	assert_int_equal(wr_addr_parse(v6 ? "2001:db8::2" : "198.18.0.2", &t.remote), 0);
	return t;
}

// A buffer of payload whose bytes follow from `seed`.
static inline struct rte_mbuf *pt_payload(struct rte_mempool *pool, uint32_t seed, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
	uint8_t *b;

	assert_non_null(m);
	b = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)len);
	assert_non_null(b);
	for (uint32_t i = 0; i < len; i++)
		b[i] = pt_byte(seed, i);
	return m;
}

enum pt_shape {
	PT_LINEAR,   // one buffer
	PT_CHAIN,    // headers, then payload
	PT_INDIRECT, // headers, then an indirect buffer on payload that is held elsewhere too
};

// A TCP segment with `len` bytes of payload and checksums left to the port. With PT_INDIRECT, *held
// is the buffer behind, to be freed by the caller.
static inline struct rte_mbuf *pt_segment(
	bool v6, enum pt_shape shape, uint32_t seed, uint32_t len, struct rte_mbuf **held)
{
	struct wr_tuple t = pt_tuple(v6, 80);
	const struct wr_tcp_hdr h = {
		.t = &t, .seq = seed, .ack = 1, .window = 1000, .flags = WR_TCP_ACK | WR_TCP_PSH};
	struct rte_mbuf *m, *pay = pt_payload(pt_pools()->rx, seed, len);

	if (shape == PT_LINEAR) {
		m = pay;
	} else {
		m = rte_pktmbuf_alloc(pt_pools()->small);
		assert_non_null(m);
		if (shape == PT_INDIRECT) {
			struct rte_mbuf *ind = rte_pktmbuf_alloc(pt_pools()->small);

			assert_non_null(ind);
			rte_pktmbuf_attach(ind, pay);
			*held = pay;
			pay = ind;
		}
		assert_int_equal(rte_pktmbuf_chain(m, pay), 0);
	}
	assert_int_equal(wr_build_tcp(m, &h), 0);
	assert_int_equal(wr_build_eth(m, &pt_mac_a, &pt_mac_b,
				 v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4, 0),
		0);
	return m;
}

// The bytes are the segment of `seed`, whole, with right checksums (verified by the parser).
static inline void pt_assert_segment(
	const uint8_t *data, uint32_t frame_len, bool v6, uint32_t seed, uint32_t len)
{
	struct wr_tuple t = pt_tuple(v6, 80);
	struct wr_pkt p;
	uint8_t *exact = malloc(frame_len);

	assert_non_null(exact);
	memcpy(exact, data, frame_len);
	wr_parse_bytes(&p, exact, frame_len, 0);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.seq, seed);
	assert_true(wr_addr_eq(&p.t.remote, &t.local)); // the receiver sees it from the other end
	assert_true(wr_addr_eq(&p.t.local, &t.remote));
	assert_int_equal(p.payload_len, len);
	for (uint32_t i = 0; i < len; i++)
		assert_int_equal(exact[wr_pkt_payload_offset(&p) + i], pt_byte(seed, i));
	free(exact);
}

static inline void pt_assert_mbuf(const struct rte_mbuf *m, bool v6, uint32_t seed, uint32_t len)
{
	static uint8_t flat[PT_FRAME];
	const void *b;

	assert_true(m->pkt_len <= sizeof(flat));
	b = rte_pktmbuf_read(m, 0, m->pkt_len, flat);
	assert_non_null(b);
	pt_assert_segment(b, m->pkt_len, v6, seed, len);
}

// --- ports ----------------------------------------------------------------------------------

static inline struct wr_port_config pt_config(const char *device)
{
	struct wr_port_config cfg = {.name = "wan"};

	snprintf(cfg.device, sizeof(cfg.device), "%s", device);
	return cfg;
}

static inline struct wr_port *pt_open_config(const struct wr_port_config *cfg, uint16_t id)
{
	struct wr_err err = {0};
	struct wr_port *p;

	pt_pools();
	p = wr_port_open(cfg, id, 1, &err);
	if (p == NULL)
		fail_msg("%s", err.text);
	return p;
}

static inline struct wr_port *pt_start(const char *device, uint16_t id)
{
	const struct wr_port_config cfg = pt_config(device);
	struct wr_port *p = pt_open_config(&cfg, id);
	struct wr_err err = {0};

	if (wr_port_start(p, pt_pools(), &err) < 0)
		fail_msg("%s", err.text);
	return p;
}

// The sentence with which opening fails.
static inline void pt_expect_refusal(const struct wr_port_config *cfg, const char *part)
{
	struct wr_err err = {0};

	pt_pools();
	assert_null(wr_port_open(cfg, 0, 1, &err));
	if (strstr(err.text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, err.text);
	assert_non_null(strstr(err.text, cfg->name));
}

static inline uint64_t pt_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

// Kernels and drivers tell of a carrier from threads of their own, a little later.
static inline bool pt_link_becomes(struct wr_port *p, bool up)
{
	uint64_t end = pt_now_ms() + PT_WAIT_MS;
	struct wr_port_stats st;

	do {
		wr_port_stats(p, &st);
		if (st.link_up == up)
			return true;
		sched_yield();
	} while (pt_now_ms() < end);
	return false;
}

// The next TCP frame that arrives, or NULL when none does in time. Others are thrown away.
static inline struct rte_mbuf *pt_rx(struct wr_port *p)
{
	uint64_t end = pt_now_ms() + PT_WAIT_MS;
	struct rte_mbuf *m;
	struct wr_pkt pkt;

	while (pt_now_ms() < end) {
		if (wr_port_rx(p, 0, &m, 1) == 0) {
			sched_yield();
			continue;
		}
		wr_parse_frame(&pkt, m, WR_PARSE_F_TRUST_CK);
		if (pkt.kind == WR_PKT_TCP)
			return m;
		rte_pktmbuf_free(m);
	}
	return NULL;
}

// Send one frame, which has to be taken without an error.
static inline void pt_tx(struct wr_port *p, struct rte_mbuf *m)
{
	uint32_t errors = 0, linearised = 0;

	assert_int_equal(wr_port_tx(p, 0, &m, 1, &errors, &linearised), 1);
	assert_int_equal(errors, 0);
}

// --- the kernel -----------------------------------------------------------------------------

// What a kernel may lack, and nothing else lets a test be skipped.
static inline void pt_skip_without(bool there, const char *feature)
{
	if (there)
		return;
	print_message("# missing kernel feature: %s\n", feature);
	skip();
}

static inline bool pt_run(const char *command)
{
	return system(command) == 0;
}

// A network namespace of this process, once; IPv6 is off in it, so that nobody speaks unasked.
static inline bool pt_netns(void)
{
	static int state;
	int fd;

	if (state != 0)
		return state > 0;
	state = -1;
	if (unshare(CLONE_NEWNET) < 0)
		return false;
	fd = open("/proc/sys/net/ipv6/conf/default/disable_ipv6", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (write(fd, "1", 1) != 1)
			fail_msg("disable_ipv6: %s", strerror(errno));
		close(fd);
	}
	state = 1;
	return true;
}

// A veth pair with offloads off and both ends up.
static inline bool pt_veth(const char *a, const char *b)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		"ip link add %s type veth peer name %s && "
		"for d in %s %s; do ethtool -K $d tx off tso off gso off gro off >/dev/null 2>&1; "
		"ip link set $d up; done",
		a, b, a, b);
	return pt_run(cmd);
}

// A namespace and a pair in it, as most tests want.
static inline void pt_need_veth(const char *a, const char *b)
{
	pt_skip_without(pt_netns(), "network namespaces (unshare CLONE_NEWNET)");
	pt_skip_without(pt_veth(a, b), "veth");
}

// The far end of a wire.
static inline int pt_socket(const char *iface)
{
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)), one = 1;
	struct sockaddr_ll ll = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};

	assert_true(fd >= 0);
	ll.sll_ifindex = (int)if_nametoindex(iface);
	assert_true(ll.sll_ifindex > 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&ll, sizeof(ll)), 0);
	setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one));
	return fd;
}

// The next frame with an IP packet in it; returns its length, 0 when none comes in time.
static inline uint32_t pt_recv(int fd, uint8_t *buf, size_t len)
{
	uint64_t end = pt_now_ms() + PT_WAIT_MS;

	while (pt_now_ms() < end) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		ssize_t n;

		if (poll(&pfd, 1, 100) <= 0)
			continue;
		n = recv(fd, buf, len, 0);
		if (n > 14 && ((buf[12] == 0x08 && buf[13] == 0x00) ||
				      (buf[12] == 0x86 && buf[13] == 0xdd)))
			return (uint32_t)n;
	}
	return 0;
}

// Send a frame from the far end, as bytes with finished checksums.
static inline void pt_send(int fd, bool v6, uint32_t seed, uint32_t len)
{
	uint8_t flat[PT_FRAME];
	struct rte_mbuf *m = pt_segment(v6, PT_LINEAR, seed, len, NULL);

	wr_build_finish_csum(m);
	memcpy(flat, rte_pktmbuf_mtod(m, void *), m->pkt_len);
	assert_int_equal(send(fd, flat, m->pkt_len, 0), m->pkt_len);
	rte_pktmbuf_free(m);
}

// Every shape in both families leaves the port and arrives whole at the socket.
static inline void pt_check_tx_shapes(struct wr_port *p, int fd, uint32_t len)
{
	uint8_t buf[PT_FRAME];
	uint32_t seed = 100;

	for (int v6 = 0; v6 < 2; v6++) {
		for (int shape = PT_LINEAR; shape <= PT_INDIRECT; shape++, seed++) {
			struct rte_mbuf *held = NULL;
			uint32_t n;

			pt_tx(p, pt_segment(v6, (enum pt_shape)shape, seed, len, &held));
			n = pt_recv(fd, buf, sizeof(buf));
			pt_assert_segment(buf, n, v6, seed, len);
			rte_pktmbuf_free(held);
		}
	}
}

// Frames of both families from the socket arrive whole and marked with the port.
static inline void pt_check_rx(struct wr_port *p, int fd, uint32_t len)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct rte_mbuf *m;

		pt_send(fd, v6, 200 + (uint32_t)v6, len);
		m = pt_rx(p);
		assert_non_null(m);
		assert_int_equal(m->port, wr_port_id(p));
		pt_assert_mbuf(m, v6, 200 + (uint32_t)v6, len);
		rte_pktmbuf_free(m);
	}
}

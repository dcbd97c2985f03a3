/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Frames made by hand, for the fabric of tests/support/triple.h.

#include "wr_test.h"

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "triple.h"
#include "wr_build.h"

static inline struct wr_addr w_addr(const char *text)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	return a;
}

// A TCP segment from a station of the wan side, Ethernet included, with its checksums.
static inline struct rte_mbuf *w_tcp(struct triple *t, const char *src, const char *dst,
	uint16_t sport, uint16_t dport, uint8_t flags)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->pools->rx);
	struct rte_ether_addr from = {{2, 0xbb, 0, 0, 0, 1}};
	struct wr_tuple tuple = {w_addr(src), w_addr(dst), sport, dport};
	struct wr_tcp_hdr h = {.t = &tuple, .seq = 1000, .ack = 1, .flags = flags, .window = 1000};
	bool v4 = wr_addr_is_v4(&tuple.local);

	assert_non_null(m);
	assert_int_equal(wr_build_tcp(m, &h), 0);
	assert_int_equal(wr_build_eth(m, &from, wr_port_mac(t->port[TRI_WAN]),
				 v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, 0),
		0);
	wr_build_finish_csum(m);
	return m;
}

// An IP packet of another protocol.
static inline struct rte_mbuf *w_ip(
	struct triple *t, const char *src, const char *dst, uint8_t proto)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->pools->rx);
	struct rte_ether_addr from = {{2, 0xbb, 0, 0, 0, 1}};
	struct wr_addr s = w_addr(src), d = w_addr(dst);

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, 40), 0x55, 40);
	assert_int_equal(wr_build_ip(m, &s, &d, proto, 64, 1), 0);
	assert_int_equal(wr_build_eth(m, &from, wr_port_mac(t->port[TRI_WAN]),
				 wr_addr_is_v4(&s) ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, 0),
		0);
	return m;
}

static inline void w_inject(struct triple *t, struct rte_mbuf *m)
{
	assert_true(wr_sim_port_inject(t->port[TRI_WAN], m) >= 0);
}

// Sessions that stay open, all established.
static inline void w_open(struct triple *t, uint32_t n)
{
	uint64_t before = tri_sessions(t);

	for (uint32_t i = 0; i < n; i++)
		tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100, .hold = true});
	TRI_WAIT(t, tri_sessions(t) == before + n, 10 * TRI_S);
	tri_run(t, 100 * TRI_MS);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Streams to test, with a checksum model of its own.

#include "wr_test.h"

#include <netinet/in.h>

#include <rte_mbuf.h>

#include "packets.h"
#include "wr_parse.h"

#define T_MTU 1500

static inline struct rte_mempool *t_pool(void)
{
	static struct rte_mempool *pool;

	wr_test_eal_init();
	if (pool == NULL)
		pool = rte_pktmbuf_pool_create("t_pool", 2047, 0, 0, 2176, SOCKET_ID_ANY);
	assert_non_null(pool);
	return pool;
}

static inline struct packets_env t_env(void)
{
	return (struct packets_env){
		.port_mac = {2, 0, 0, 0, 0, 1},
		.target_mac = {2, 0, 0, 0, 0, 2},
		.pool = t_pool(),
		.mtu = T_MTU,
		.stream = 3,
		.seed = 42,
	};
}

static inline struct gen_range t_range(const char *first, const char *last)
{
	struct gen_range r = {0};

	assert_int_equal(wr_addr_parse(first, &r.first), 0);
	assert_int_equal(wr_addr_parse(last, &r.last), 0);
	return r;
}

static inline struct gen_packets t_conf(enum gen_packet_kind kind, bool v6)
{
	struct gen_packets c = {
		.name = "t",
		.kind = kind,
		.source_port = {1024, 1024, 0},
		.target_port = {80, 80, 0},
		.source_macs = 1,
		.flags = WR_TCP_SYN,
	};

	c.source = v6 ? t_range("2001:db8::1", "2001:db8::1") : t_range("198.18.0.1", "198.18.0.1");
	c.target = v6 ? t_range("2001:db8::1:1", "2001:db8::1:1")
	              : t_range("198.19.0.1", "198.19.0.1");
	return c;
}

static inline struct packets *t_create(const struct gen_packets *c)
{
	struct packets_env env = t_env();
	struct wr_err err = {""};
	struct packets *p = packets_create(c, &env, &err);

	if (p == NULL)
		print_error("%s\n", err.text);
	assert_non_null(p);
	return p;
}

// That a stream is refused, with this in the sentence.
static inline void t_refused(const struct gen_packets *c, const char *part)
{
	struct packets_env env = t_env();
	struct wr_err err = {""};

	assert_null(packets_create(c, &env, &err));
	if (strstr(err.text, part) == NULL)
		print_error("\"%s\" has no \"%s\"\n", err.text, part);
	assert_non_null(strstr(err.text, part));
}

static inline struct gen_now t_at(uint64_t ns)
{
	return (struct gen_now){.us = ns / 1000, .ns = ns};
}

static inline uint16_t t_get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

// RFC 1071 byte by byte.
static inline uint16_t t_naive_sum(uint32_t start, const uint8_t *b, uint32_t len)
{
	uint64_t sum = start;

	for (uint32_t i = 0; i < len; i++)
		sum += i & 1 ? b[i] : (uint32_t)b[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

// Both checksums of a frame without options or extension headers, by the model.
static inline bool t_sums_right(const uint8_t *f, uint32_t size)
{
	const uint8_t *ip = f + 14;
	bool v4 = ip[0] >> 4 == 4;
	uint32_t hlen = v4 ? 20 : 40, len = v4 ? t_get16(ip + 2) - 20u : t_get16(ip + 4);
	uint8_t proto = v4 ? ip[9] : ip[6];
	uint32_t start = proto == IPPROTO_ICMP ? 0 : proto + len;

	if (14 + hlen + len > size || (v4 && t_naive_sum(0, ip, 20) != 0xffff))
		return false;
	if (proto == IPPROTO_UDP && (t_get16(ip + hlen + 4) != len || t_get16(ip + hlen + 6) == 0))
		return false;
	if (proto != IPPROTO_ICMP)
		start = t_naive_sum(start, ip + (v4 ? 12 : 8), v4 ? 8 : 32);
	return t_naive_sum(start, ip + hlen, len) == 0xffff;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <netinet/in.h>

#include <rte_ip.h>
#include <rte_udp.h>
#include <rte_mbuf.h>

#include "ipsec_priv.h"
#include "wr_build.h"
#include "wr_csum.h"
#include "wr_mbuf.h"
#include "wr_mempool.h"
#include "wr_parse.h"

// Two ends of tunnels in one process: `near` encrypts, the far side opens.

#define RIG_TUNNELS 2
#define RIG_PORT    4500
#define RIG_SPI     0x1001

struct rig {
	struct rte_mempool *rx, *buffers;
	uint32_t tunnels;
	struct wr_ipsec_tunnel near[RIG_TUNNELS], far[RIG_TUNNELS];
	struct wr_ipsec_key key[RIG_TUNNELS];
	struct wr_prefix inside[RIG_TUNNELS];
	const struct wr_prefix *to[RIG_TUNNELS];
	uint32_t to_count[RIG_TUNNELS];
	struct wr_ipsec_device *dev;
	struct wr_ipsec *x, *y;
	struct wr_ipsec_sad *sad;
	struct wr_ipsec_sa *out[RIG_TUNNELS], *in[RIG_TUNNELS];
	struct wr_stats near_stats, far_stats;
	uint64_t sequence;                                 // first number of associations
	struct wr_addr src[RIG_TUNNELS], dst[RIG_TUNNELS]; // of plain packets
};

static inline struct wr_addr rig_addr(const char *text)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	return a;
}

static inline struct rte_mempool *rig_pool(const char *name, uint32_t n, uint16_t room)
{
	struct rte_mempool *p = rte_mempool_lookup(name);

	if (p == NULL)
		p = rte_pktmbuf_pool_create(name, n, 32, WR_MBUF_PRIV_SIZE, room, 0);
	assert_non_null(p);
	return p;
}

static inline struct wr_ipsec_key rig_key(enum wr_ipsec_cipher c, uint32_t spi)
{
	struct wr_ipsec_key k = {.spi = spi, .key_len = ipsec_cipher(c)->key_len};

	for (uint32_t i = 0; i < sizeof(k.key); i++)
		k.key[i] = (uint8_t)(i + spi);
	for (uint32_t i = 0; i < sizeof(k.auth); i++)
		k.auth[i] = (uint8_t)(0xa0 + i);
	for (uint32_t i = 0; i < sizeof(k.salt); i++)
		k.salt[i] = (uint8_t)(0x50 + i);
	return k;
}

// Tunnel i of a rig; before rig_start().
static inline void rig_tunnel(struct rig *r, uint32_t i, enum wr_ipsec_cipher cipher,
	enum wr_ipsec_mode mode, bool outer_v4, bool inner_v4)
{
	struct wr_ipsec_tunnel *t = &r->near[i];

	*t = (struct wr_ipsec_tunnel){
		.name = "t",
		.mode = mode,
		.cipher = cipher,
		.local = rig_addr(outer_v4 ? "198.18.0.1" : "2001:db8::1"),
		.remote = rig_addr(outer_v4 ? "198.18.9.1" : "2001:db8:9::1"),
		.inner_v4 = inner_v4,
		.replay_window = 64,
	};
	r->src[i] = mode == WR_IPSEC_TRANSPORT
	                    ? t->local
	                    : rig_addr(inner_v4 ? "198.19.0.1" : "2001:db8:1::1");
	r->dst[i] = mode == WR_IPSEC_TRANSPORT
	                    ? t->remote
	                    : rig_addr(inner_v4 ? "198.19.9.1" : "2001:db8:2::1");
	r->inside[i] = (struct wr_prefix){.addr = r->src[i], .len = 120};
	r->key[i] = rig_key(cipher, RIG_SPI + i);
	r->tunnels = RTE_MAX(r->tunnels, i + 1);
}

static inline struct wr_ipsec *rig_worker(
	struct rig *r, const struct wr_ipsec_tunnel *t, struct wr_stats *stats)
{
	struct wr_ipsec_config cfg = {
		.device = r->dev,
		.tunnel_count = (uint16_t)r->tunnels,
		.tunnels = t,
		.to = r->to,
		.to_count = r->to_count,
		.pool = r->buffers,
		.rx = r->rx,
		.stats = stats,
	};
	struct wr_err err = {""};
	struct wr_ipsec *x = wr_ipsec_create(&cfg, &err);

	assert_string_equal(err.text, "");
	assert_non_null(x);
	return x;
}

static inline void rig_start(struct rig *r)
{
	uint32_t ciphers = 0;
	struct wr_err err = {""};

	r->rx = rig_pool("rig_rx", 4095, WR_RX_DATAROOM);
	if (r->buffers == NULL)
		r->buffers = rig_pool("rig_buffers", 2047, WR_RX_DATAROOM);
	for (uint32_t i = 0; i < r->tunnels; i++) {
		ciphers |= 1u << r->near[i].cipher;
		r->far[i] = r->near[i];
		r->far[i].local = r->near[i].remote;
		r->far[i].remote = r->near[i].local;
		r->to[i] = &r->inside[i];
		r->to_count[i] = 1;
	}
	r->dev = wr_ipsec_device_create(ciphers, 1, 0, &err);
	assert_string_equal(err.text, "");
	assert_non_null(r->dev);
	r->x = rig_worker(r, r->near, &r->near_stats);
	r->y = rig_worker(r, r->far, &r->far_stats);
	r->sad = wr_ipsec_sad_create(16, 0, &err);
	assert_non_null(r->sad);
	for (uint32_t i = 0; i < r->tunnels; i++) {
		r->key[i].out = true;
		r->out[i] = ipsec_sa_create_at(
			r->dev, &r->near[i], (uint16_t)i, &r->key[i], 1, 0, r->sequence, &err);
		r->key[i].out = false;
		r->in[i] = ipsec_sa_create_at(r->dev, &r->far[i], (uint16_t)i, &r->key[i], 1, 0,
			r->sequence > 0 ? r->sequence - 1 : 0, &err);
		assert_string_equal(err.text, "");
		assert_non_null(r->out[i]);
		assert_non_null(r->in[i]);
		assert_null(wr_ipsec_set_out(r->x, (uint16_t)i, r->out[i]));
		assert_int_equal(wr_ipsec_sad_add(r->sad, r->in[i]), 0);
	}
}

// Nothing may be lost: all buffers of both pools are back.
static inline void rig_stop(struct rig *r)
{
	for (uint32_t i = 0; i < r->tunnels; i++) {
		wr_ipsec_sad_remove(r->sad, r->in[i]);
		wr_ipsec_sa_destroy(r->in[i]);
		wr_ipsec_sa_destroy(r->out[i]);
	}
	wr_ipsec_sad_destroy(r->sad);
	wr_ipsec_destroy(r->x);
	wr_ipsec_destroy(r->y);
	wr_ipsec_device_destroy(r->dev);
	assert_int_equal(rte_mempool_in_use_count(r->rx), 0);
	assert_int_equal(rte_mempool_in_use_count(r->buffers), 0);
}

static inline struct rte_mbuf *rig_bytes(struct rig *r, const void *data, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->rx);
	char *at;

	assert_non_null(m);
	at = rte_pktmbuf_append(m, (uint16_t)len);
	assert_non_null(at);
	memcpy(at, data, len);
	return m;
}

// A plain TCP packet for a tunnel: a header in one buffer and `len` bytes of payload in another.
static inline struct rte_mbuf *rig_tcp(struct rig *r, uint32_t tunnel, uint32_t len, uint8_t tos)
{
	struct wr_tuple t = {
		.local = r->src[tunnel], .remote = r->dst[tunnel], .lport = 1000, .rport = 80};
	struct wr_tcp_hdr h = {
		.t = &t, .seq = len, .ack = 7, .window = 100, .flags = WR_TCP_ACK, .tos = tos};
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->rx), *body;
	char *at;

	assert_non_null(m);
	if (len > 0) {
		body = rte_pktmbuf_alloc(r->rx);
		at = rte_pktmbuf_append(body, (uint16_t)len);
		assert_non_null(at);
		for (uint32_t i = 0; i < len; i++)
			at[i] = (char)(i * 7 + len);
		assert_int_equal(rte_pktmbuf_chain(m, body), 0);
	}
	assert_int_equal(wr_build_tcp(m, &h), 0);
	m->port = (uint16_t)tunnel;
	return m;
}

// The bytes of a plain packet as they should be seen on a wire in clear; returns their number.
static inline uint32_t rig_plain(struct rig *r, struct rte_mbuf *m, uint8_t *to)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, r->rx, 0, UINT32_MAX);
	uint32_t len = m->pkt_len;

	copy->tx_offload = m->tx_offload;
	wr_build_finish_csum(copy);
	for (struct rte_mbuf *s = copy; s != NULL; s = s->next) {
		memcpy(to, rte_pktmbuf_mtod(s, void *), s->data_len);
		to += s->data_len;
	}
	rte_pktmbuf_free(copy);
	return len;
}

// An IP packet becomes a frame from a wire, at port 3.
static inline void rig_wire(struct rte_mbuf *m)
{
	static const struct rte_ether_addr a = {{2, 0, 0, 0, 0, 1}}, b = {{2, 0, 0, 0, 0, 2}};
	bool v4 = *rte_pktmbuf_mtod(m, uint8_t *) >> 4 == 4;

	assert_int_equal(
		wr_build_eth(m, &a, &b, v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6, 0), 0);
	m->port = 3;
}

static inline enum wr_ipsec_kind rig_peek(
	struct rig *r, struct rte_mbuf *m, struct wr_pkt *p, struct wr_ipsec_sa **sa)
{
	static const uint16_t ports[] = {RIG_PORT};

	wr_parse_frame(p, m, 0);
	if (p->kind != WR_PKT_PUNT)
		return WR_IPSEC_NOT;
	return wr_ipsec_peek(r->sad, p, ports, 1, sa);
}

// Let the far side open frames that it finds associations for; all must be found.
static inline uint16_t rig_open(
	struct rig *r, struct rte_mbuf **m, uint16_t n, struct rte_mbuf **out, wr_us_t now)
{
	struct wr_pkt p[WR_BURST];
	struct wr_ipsec_sa *sa[WR_BURST];

	for (uint16_t i = 0; i < n; i++)
		assert_int_equal(rig_peek(r, m[i], &p[i], &sa[i]), WR_IPSEC_FOUND);
	return wr_ipsec_in(r->y, p, sa, n, out, now);
}

// Encrypt one packet and make a frame of it.
static inline struct rte_mbuf *rig_sealed(struct rig *r, uint32_t tunnel, uint32_t len)
{
	struct rte_mbuf *m = rig_tcp(r, tunnel, len, 0), *out;

	assert_int_equal(wr_ipsec_out(r->x, &m, 1, &out, 0), 1);
	rig_wire(out);
	return out;
}

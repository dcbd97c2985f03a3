/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// One net with two workers under a virtual clock, and frames made byte by byte.

#include "wr_test.h"

#include <netinet/in.h>

#include "wr_csum.h"
#include "wr_l3.h"
#include "wr_mbuf.h"
#include "wr_mempool.h"
#include "wr_parse.h"

#define T_MBUFS  2047
#define T_MS     WR_US_PER_MS
#define T_S      WR_US_PER_S
#define T_TX     512
#define T_START  (1000 * T_S)
#define T_SETTLE (3 * T_S) // until duplicate detection and announcements are over

struct rig {
	struct rte_mempool *pool;
	struct wr_l3_port port[2];
	struct wr_l3_route route[1];
	struct wr_addr vip[3];
	struct wr_l3_config cfg;
	struct wr_l3_net *net;
	struct wr_l3 *l[2];
	struct wr_stats stats[2];
	struct wr_event_ring *events;
	struct rte_mbuf *pkts[T_TX];
	struct wr_l3_tx tx; // of both workers
	wr_us_t now;
};

static const struct rte_ether_addr t_mac0 = {{2, 0, 0, 0, 0, 1}}; // ours, port 0
static const struct rte_ether_addr t_mac1 = {{2, 0, 0, 0, 0, 2}}; // ours, port 1
static const struct rte_ether_addr t_peer = {{2, 0xaa, 0, 0, 0, 0x11}};
static const struct rte_ether_addr t_peer2 = {{2, 0xaa, 0, 0, 0, 0x22}};
static const struct rte_ether_addr t_bcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};

static inline struct wr_addr t_addr(const char *text)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	return a;
}

static inline struct wr_prefix t_prefix(const char *text)
{
	struct wr_prefix p;

	assert_int_equal(wr_prefix_parse(text, &p), 0);
	return p;
}

// Port 0: both families, gateways. Port 1: VLAN 7. A route over port 1; VIPs on port 0 in both
// families, and one in no prefix.
static inline void rig_config(struct rig *r)
{
	memset(r, 0, sizeof(*r));
	r->port[0] = (struct wr_l3_port){
		.id = 0, .mac = t_mac0, .mtu = 1500, .addr_count = 2, .gateway_count = 2};
	r->port[0].addr[0] = t_prefix("198.18.0.1/24");
	r->port[0].addr[1] = t_prefix("2001:db8::1/64");
	r->port[0].gateway[0] = t_addr("198.18.0.254");
	r->port[0].gateway[1] = t_addr("2001:db8::fe");
	r->port[1] = (struct wr_l3_port){
		.id = 1, .mac = t_mac1, .mtu = 9000, .vlan = 7, .addr_count = 1};
	r->port[1].addr[0] = t_prefix("198.19.0.1/16");
	r->route[0] = (struct wr_l3_route){t_prefix("198.18.50.0/24"), t_addr("198.19.0.9"), 1};
	r->vip[0] = t_addr("198.18.0.100");
	r->vip[1] = t_addr("2001:db8::100");
	r->vip[2] = t_addr("198.18.200.1");
	r->cfg = (struct wr_l3_config){.port_count = 2,
		.ports = r->port,
		.route_count = 1,
		.routes = r->route,
		.vip_count = 3,
		.vips = r->vip,
		.dad = true};
}

static inline void rig_open(struct rig *r)
{
	static int serial;
	struct wr_err err = {0};
	char name[32];

	wr_test_eal_init();
	snprintf(name, sizeof(name), "l3_%d", serial++);
	r->pool =
		rte_pktmbuf_pool_create(name, T_MBUFS, 0, WR_MBUF_PRIV_SIZE, WR_SMALL_DATAROOM, -1);
	assert_non_null(r->pool);
	r->events = wr_event_ring_create(64, -1);
	assert_non_null(r->events);
	r->now = T_START;
	r->net = wr_l3_net_create(&r->cfg, 42, r->now, &err);
	if (r->net == NULL)
		fail_msg("%s", err.text);
	for (uint16_t w = 0; w < 2; w++) {
		r->l[w] = wr_l3_create(
			r->net, w, r->pool, &r->stats[w], w == 0 ? r->events : NULL, r->now);
		assert_non_null(r->l[w]);
	}
	r->tx = (struct wr_l3_tx){.pkts = r->pkts, .room = T_TX};
}

static inline void rig_clear(struct rig *r)
{
	rte_pktmbuf_free_bulk(r->pkts, r->tx.count);
	r->tx.count = 0;
}

static inline void rig_poll(struct rig *r)
{
	wr_l3_poll(r->l[0], &r->tx, r->now);
	wr_l3_poll(r->l[1], &r->tx, r->now);
}

// Let time pass from timer to timer, both workers polled.
static inline void rig_run(struct rig *r, wr_us_t us)
{
	wr_us_t end = r->now + us;

	rig_poll(r);
	for (uint32_t turns = 0; r->now < end; turns++) {
		wr_us_t next = RTE_MIN(wr_l3_next_timer(r->l[0]), wr_l3_next_timer(r->l[1]));

		assert_true(turns < 100000);
		next = RTE_MAX(next, r->now + 1);
		r->now = RTE_MIN(next, end);
		rig_poll(r);
	}
}

// Open, let duplicate detection end, forget what was sent and told.
static inline void rig_start(struct rig *r)
{
	struct wr_event ev;

	rig_open(r);
	rig_run(r, T_SETTLE);
	rig_clear(r);
	while (wr_event_pop(r->events, &ev))
		;
	memset(r->stats, 0, sizeof(r->stats));
	assert_true(wr_l3_ready(r->net));
}

static inline void rig_stop(struct rig *r)
{
	rig_clear(r);
	wr_l3_destroy(r->l[0]);
	wr_l3_destroy(r->l[1]);
	wr_l3_net_destroy(r->net);
	wr_event_ring_destroy(r->events);
	// every buffer was consumed exactly once
	assert_int_equal(rte_mempool_avail_count(r->pool), T_MBUFS);
	rte_mempool_free(r->pool);
}

static inline struct rte_mbuf *t_frame(struct rig *r, uint16_t port, const void *data, uint32_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(r->pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, (uint16_t)len), data, len);
	m->port = port;
	return m;
}

// Parse and input; asserts that exactly one count was made, or none when passed on (then freed).
static inline bool rig_input(struct rig *r, uint16_t worker, struct rte_mbuf *m)
{
	uint64_t before = r->stats[worker].ctr[WR_CTR_rx_l3], after;
	struct wr_pkt p;
	bool punt;

	for (uint32_t d = 0; d < WR_DROP_COUNT; d++)
		before += r->stats[worker].drop[d];
	wr_parse_frame(&p, m, 0);
	assert_int_not_equal(p.kind, WR_PKT_DROP);
	punt = wr_l3_input(r->l[worker], &p, &r->tx, r->now);
	after = r->stats[worker].ctr[WR_CTR_rx_l3];
	for (uint32_t d = 0; d < WR_DROP_COUNT; d++)
		after += r->stats[worker].drop[d];
	assert_int_equal(after - before, punt ? 0 : 1);
	if (punt)
		rte_pktmbuf_free(m);
	return punt;
}

// Ethernet, tagged on port 1; returns its length.
static inline uint32_t t_eth(uint8_t *b, uint16_t port, const struct rte_ether_addr *dst,
	const struct rte_ether_addr *src, uint16_t type)
{
	uint32_t len = 12;

	memcpy(b, dst, 6);
	memcpy(b + 6, src, 6);
	if (port == 1) {
		memcpy(b + len, (uint8_t[]){0x81, 0, 0, 7}, 4);
		len += 4;
	}
	b[len] = (uint8_t)(type >> 8);
	b[len + 1] = (uint8_t)type;
	return len + 2;
}

struct t_arp {
	uint16_t port, op;
	const struct rte_ether_addr *dst, *sha;
	const char *spa, *tpa;
};

static inline struct rte_mbuf *t_arp(struct rig *r, const struct t_arp *a)
{
	struct wr_addr spa = t_addr(a->spa), tpa = t_addr(a->tpa);
	uint8_t b[64] = {0};
	uint32_t n = t_eth(b, a->port, a->dst, a->sha, 0x0806);

	memcpy(b + n, (uint8_t[]){0, 1, 8, 0, 6, 4, 0, (uint8_t)a->op}, 8);
	memcpy(b + n + 8, a->sha, 6);
	memcpy(b + n + 14, &spa.w[3], 4);
	memcpy(b + n + 24, &tpa.w[3], 4);
	return t_frame(r, a->port, b, 60);
}

// IPv6 with an ICMPv6 message behind it; fills in the checksum.
struct t_icmp6 {
	uint16_t port;
	const struct rte_ether_addr *dst_mac, *src_mac;
	const char *src, *dst;
	uint8_t hops;
	uint8_t msg[1400];
	uint32_t len;
};

static inline struct rte_mbuf *t_icmp6(struct rig *r, struct t_icmp6 *i)
{
	struct wr_addr src = t_addr(i->src), dst = t_addr(i->dst);
	uint8_t b[1600] = {0};
	uint32_t n = t_eth(b, i->port, i->dst_mac, i->src_mac, 0x86dd);
	uint16_t ck;

	memcpy(b + n,
		(uint8_t[]){0x60, 0, 0, 0, (uint8_t)(i->len >> 8), (uint8_t)i->len, 58, i->hops},
		8);
	memcpy(b + n + 8, src.b, 16);
	memcpy(b + n + 24, dst.b, 16);
	memset(i->msg + 2, 0, 2);
	ck = wr_csum_finish(wr_csum_add(wr_csum_pseudo(&src, &dst, 58, i->len), i->msg, i->len));
	memcpy(i->msg + 2, &ck, 2);
	memcpy(b + n + 40, i->msg, i->len);
	return t_frame(r, i->port, b, n + 40 + i->len);
}

struct t_nd {
	uint8_t type, flags;
	const struct rte_ether_addr *mac; // option, NULL: none
	const char *src, *dst, *target;
	uint8_t hops; // 0: 255
};

// On port 0, from t_peer.
static inline struct t_icmp6 t_nd_make(const struct t_nd *n)
{
	struct wr_addr target = t_addr(n->target), dst = t_addr(n->dst);
	static struct rte_ether_addr group = {{0x33, 0x33, 0, 0, 0, 0}};
	struct t_icmp6 i = {.port = 0,
		.dst_mac = &t_mac0,
		.src_mac = &t_peer,
		.src = n->src,
		.dst = n->dst,
		.hops = n->hops != 0 ? n->hops : 255,
		.len = 24};

	if (dst.b[0] == 0xff) {
		memcpy(group.addr_bytes + 2, dst.b + 12, 4);
		i.dst_mac = &group;
	}
	i.msg[0] = n->type;
	i.msg[4] = n->flags;
	memcpy(i.msg + 8, target.b, 16);
	if (n->mac != NULL) {
		i.msg[24] = n->type == 135 ? 1 : 2;
		i.msg[25] = 1;
		memcpy(i.msg + 26, n->mac, 6);
		i.len = 32;
	}
	return i;
}

static inline struct rte_mbuf *t_nd(struct rig *r, const struct t_nd *n)
{
	struct t_icmp6 i = t_nd_make(n);

	return t_icmp6(r, &i);
}

// An IP packet without Ethernet to `dst`, marked with a byte at its end.
static inline struct rte_mbuf *t_packet(struct rig *r, const char *dst, uint8_t mark)
{
	struct wr_addr d = t_addr(dst);
	uint8_t b[41] = {0};

	if (wr_addr_is_v4(&d)) {
		b[0] = 0x45;
		b[3] = sizeof(b);
		b[8] = 64;
		b[9] = 6;
		memcpy(b + 16, &d.w[3], 4);
	} else {
		b[0] = 0x60;
		b[5] = 1;
		b[6] = 6;
		b[7] = 64;
		memcpy(b + 24, d.b, 16);
	}
	b[40] = mark;
	return t_frame(r, UINT16_MAX, b, sizeof(b));
}

static inline void rig_output(struct rig *r, uint16_t worker, const char *dst, uint8_t mark)
{
	wr_l3_output(r->l[worker], t_packet(r, dst, mark), &r->tx, r->now);
}

// --- what was sent --------------------------------------------------------------------------

static inline const uint8_t *sent(const struct rig *r, uint32_t i)
{
	assert_true(i < r->tx.count);
	return rte_pktmbuf_mtod(r->tx.pkts[i], const uint8_t *);
}

static inline uint32_t sent_l2(const struct rig *r, uint32_t i)
{
	return sent(r, i)[12] == 0x81 ? 18 : 14;
}

static inline uint16_t sent_type(const struct rig *r, uint32_t i)
{
	const uint8_t *b = sent(r, i) + sent_l2(r, i) - 2;

	return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint8_t sent_mark(const struct rig *r, uint32_t i)
{
	return sent(r, i)[r->tx.pkts[i]->data_len - 1];
}

static inline void assert_mac(const uint8_t *got, const struct rte_ether_addr *want)
{
	assert_memory_equal(got, want->addr_bytes, 6);
}

// Frame i is ARP with these fields; returns nothing, fails otherwise.
static inline void assert_arp(const struct rig *r, uint32_t i, uint16_t op, const char *spa,
	const char *tpa, const struct rte_ether_addr *dst)
{
	struct wr_addr s = t_addr(spa), t = t_addr(tpa);
	const uint8_t *a = sent(r, i) + sent_l2(r, i);

	assert_int_equal(sent_type(r, i), 0x0806);
	assert_int_equal(a[7], op);
	assert_memory_equal(a + 14, &s.w[3], 4);
	assert_memory_equal(a + 24, &t.w[3], 4);
	assert_mac(sent(r, i), dst);
	assert_memory_equal(a + 8, sent(r, i) + 6, 6);
}

// Frame i is an ND message that any receiver accepts; target and destination address as given.
static inline const uint8_t *assert_nd(
	const struct rig *r, uint32_t i, uint8_t type, const char *target, const char *dst)
{
	struct wr_addr t = t_addr(target), d = t_addr(dst);
	struct rte_mbuf *m = r->tx.pkts[i];
	const uint8_t *ip = sent(r, i) + sent_l2(r, i);
	struct wr_pkt p;

	wr_parse_frame(&p, m, 0);
	assert_int_equal(p.kind, WR_PKT_ICMP6);
	assert_int_equal(p.hop_limit, 255);
	assert_int_equal(ip[40], type);
	assert_memory_equal(ip + 48, t.b, 16);
	assert_memory_equal(ip + 24, d.b, 16);
	return ip;
}

// How many sent frames have this EtherType.
static inline uint32_t count_type(const struct rig *r, uint16_t type)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < r->tx.count; i++)
		n += sent_type(r, i) == type;
	return n;
}

static inline bool next_event(struct rig *r, uint16_t kind, struct wr_event *ev)
{
	while (wr_event_pop(r->events, ev)) {
		if (ev->kind == kind)
			return true;
	}
	return false;
}

// State of a neighbour as the operator sees it, NULL when absent.
static inline const char *neigh_state(struct rig *r, const char *addr, struct rte_ether_addr *mac)
{
	struct wr_addr a = t_addr(addr);
	struct wr_l3_neigh_info info;
	uint32_t cursor = 0;

	while (wr_l3_neigh_walk(r->net, &cursor, r->now, &info)) {
		if (!wr_addr_eq(&info.addr, &a))
			continue;
		if (mac != NULL)
			*mac = info.mac;
		return info.state;
	}
	return NULL;
}

// Make a neighbour of port 0 known and reachable: ask by output, answer, forget the frames.
static inline void learn(struct rig *r, const char *addr, const struct rte_ether_addr *mac)
{
	struct wr_addr a = t_addr(addr);

	rig_output(r, 0, addr, 0);
	rig_poll(r);
	if (wr_addr_is_v4(&a))
		rig_input(r, 0, t_arp(r, &(struct t_arp){0, 2, &t_mac0, mac, addr, "198.18.0.1"}));
	else
		rig_input(r, 0, t_nd(r, &(struct t_nd){136, 0x60, mac, addr, "2001:db8::1", addr}));
	rig_poll(r);
	rig_clear(r);
	assert_string_equal(neigh_state(r, addr, NULL), "reachable");
}

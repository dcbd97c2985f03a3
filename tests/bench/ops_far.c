/* SPDX-License-Identifier: BSD-3-Clause */

// Clients, backends and neighbours: whatever Weir sends is answered at once. Backends know no more
// than the segment that they answer. None of it is counted.

#include "ops.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_arp.h>
#include <rte_ip.h>

#include "wr_build.h"
#include "wr_csum.h"

#define CLIENT_ISS  1000u
#define BACKEND_ISS 5000u
#define WINDOW      UINT16_MAX // with a scale of 7, as Linux has it
#define SCALE       7
#define OPTS        (WR_TCPOPT_MSS | WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS)

static const struct rte_ether_addr mac_of[2] = {{{2, 0xaa, 0, 0, 0, 1}}, {{2, 0xaa, 0, 0, 0, 2}}};

// --- segments -----------------------------------------------------------------------------------

struct rte_mbuf *ops_frame(struct ops *o, uint8_t side, const struct ops_far *f, uint8_t flags,
	uint32_t len, struct rte_mempool *from)
{
	bool syn = flags & WR_TCP_SYN;
	struct wr_tcp_hdr h = {.t = &f->t,
		.seq = f->seq,
		.ack = flags & WR_TCP_ACK ? f->ack : 0,
		.window = WINDOW,
		.flags = flags,
		.opts = syn ? OPTS : WR_TCPOPT_TS,
		.mss = o->mode.v6 ? 1440 : 1460,
		.wscale = SCALE,
		.ts_val = (uint32_t)(o->now / WR_US_PER_MS),
		.ts_ecr = f->ts_ecr};
	struct rte_mbuf *m = rte_pktmbuf_alloc(from);

	if (m == NULL)
		ops_die("out of buffers");
	memset(rte_pktmbuf_append(m, (uint16_t)len), 'x', len);
	if (wr_build_tcp(m, &h) < 0 ||
		wr_build_eth(m, &mac_of[side], wr_port_mac(o->port[side]),
			o->mode.v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4, 0) < 0)
		ops_die("a buffer has no room for headers");
	wr_build_finish_csum(m);
	return m;
}

static void say(struct ops *o, uint8_t side, struct ops_far *f, uint8_t flags, uint32_t len)
{
	ops_inject(o, side, ops_frame(o, side, f, flags, len, o->pools.rx));
	f->seq += len + !!(flags & WR_TCP_SYN) + !!(flags & WR_TCP_FIN);
	f->unacked = 0;
}

// Clients are beyond the gateway, in a network of their own.
static struct wr_tuple client_tuple(const struct ops *o, uint32_t i, uint16_t port)
{
	static const uint8_t client6[16] = {0x20, 1, 0xd, 0xb8, 0xff},
			     ours6[16] = {0x20, 1, 0xd, 0xb8, [14] = 1};
	struct wr_tuple t = {.lport = (uint16_t)(10000 + i), .rport = port};

	if (!o->mode.v6) {
		t.local = wr_addr_from_v4(RTE_BE32(0xc6130001));
		t.remote = wr_addr_from_v4(RTE_BE32(0xc6120064));
		return t;
	}
	t.local = wr_addr_from_v6(client6);
	t.remote = wr_addr_from_v6(ours6);
	return t;
}

uint32_t ops_client(struct ops *o, uint16_t port)
{
	uint32_t i = o->clients++;
	struct ops_far *c = &o->client[i];

	if (i >= OPS_CLIENTS)
		ops_die("more than %u clients", OPS_CLIENTS);
	*c = (struct ops_far){.t = client_tuple(o, i, port), .seq = CLIENT_ISS};
	say(o, OPS_WAN, c, WR_TCP_SYN, 0);
	return i;
}

void ops_request(struct ops *o, uint32_t client)
{
	struct ops_far *c = &o->client[client];

	c->got = 0;
	say(o, OPS_WAN, c, WR_TCP_ACK | WR_TCP_PSH, OPS_REQUEST);
}

void ops_data(struct ops *o, uint8_t side, struct ops_far *f, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		say(o, side, f, WR_TCP_ACK, OPS_SEGMENT);
}

// --- what the far ends say ----------------------------------------------------------------------

static void learn(struct ops_far *f, const struct wr_pkt *k)
{
	if (k->flags & WR_TCP_SYN)
		f->wscale = k->opts & WR_TCPOPT_WSCALE ? k->wscale : 0;
	else if (k->seq != f->ack)
		ops_die("Weir repeats itself or leaves something out");
	f->ack = k->seq + k->payload_len + !!(k->flags & (WR_TCP_SYN | WR_TCP_FIN));
	f->una = k->ack;
	f->window = (uint32_t)k->window << (k->flags & WR_TCP_SYN ? 0 : f->wscale);
	f->ts_ecr = k->ts_val;
	f->unacked += k->payload_len > 0;
}

static void bulk_hears(struct ops *o, uint8_t side, struct ops_far *f, const struct wr_pkt *k)
{
	learn(f, k);
	if (f->unacked == 2)
		say(o, side, f, WR_TCP_ACK, 0);
}

static void client_hears(struct ops *o, const struct wr_pkt *k)
{
	struct ops_far *c = &o->client[k->t.lport - 10000u];

	o->resets += !!(k->flags & WR_TCP_RST);
	o->synacks += !!(k->flags & WR_TCP_SYN);
	if (o->mode.deaf)
		return;
	if (k->flags & WR_TCP_RST)
		ops_die("Weir reset a client");
	if (k->flags & WR_TCP_SYN) {
		learn(c, k);
		say(o, OPS_WAN, c, WR_TCP_ACK, 0);
		if (o->mode.backend_closes || o->mode.client_closes)
			ops_request(o, k->t.lport - 10000u);
		return;
	}
	if (o->mode.bulk) {
		bulk_hears(o, OPS_WAN, c, k);
		return;
	}
	learn(c, k);
	c->got += k->payload_len;
	if (k->payload_len > 0 && c->got == o->mode.answer) {
		o->answers++;
		c->fin = o->mode.client_closes;
		if (c->fin)
			say(o, OPS_WAN, c, WR_TCP_ACK | WR_TCP_FIN, 0);
	}
	if (k->flags & WR_TCP_FIN) {
		o->closed++;
		say(o, OPS_WAN, c, c->fin ? WR_TCP_ACK : WR_TCP_ACK | WR_TCP_FIN, 0);
		c->fin = true;
	}
}

static void backend_hears(struct ops *o, const struct wr_pkt *k)
{
	struct ops_far f = {.t = k->t,
		.seq = k->flags & WR_TCP_SYN ? BACKEND_ISS : k->ack,
		.ack = k->seq + k->payload_len + !!(k->flags & (WR_TCP_SYN | WR_TCP_FIN)),
		.ts_ecr = k->ts_val};

	if (o->mode.bulk && (k->flags & WR_TCP_SYN) == 0) {
		bulk_hears(o, OPS_LAN, &o->backend, k);
		return;
	}
	if (k->flags & WR_TCP_RST) // the end of a health probe
		return;
	if (k->flags & WR_TCP_SYN) {
		say(o, OPS_LAN, &f, WR_TCP_SYN | WR_TCP_ACK, 0);
		learn(&f, k);
		o->backend = f;
		return;
	}
	if (k->payload_len == OPS_REQUEST) {
		say(o, OPS_LAN, &f, WR_TCP_ACK | WR_TCP_PSH, o->mode.answer);
		if (o->mode.backend_closes)
			say(o, OPS_LAN, &f, WR_TCP_ACK | WR_TCP_FIN, 0);
	} else if (k->payload_len > 0) {
		ops_die("a backend got %u bytes instead of a request", k->payload_len);
	}
	if (k->flags & WR_TCP_FIN)
		say(o, OPS_LAN, &f, o->mode.backend_closes ? WR_TCP_ACK : WR_TCP_ACK | WR_TCP_FIN,
			0);
}

// --- neighbours
// -----------------------------------------------------------------------------------

static void answer_arp(struct ops *o, uint8_t side, const struct rte_mbuf *q)
{
	const struct rte_arp_hdr *a = rte_pktmbuf_mtod_offset(
		q, const struct rte_arp_hdr *, sizeof(struct rte_ether_hdr));
	struct rte_arp_hdr r = *a;
	struct rte_mbuf *m;

	if (a->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST)) {
		o->arps++;
		return;
	}
	if (a->arp_data.arp_sip == a->arp_data.arp_tip) // an announcement
		return;
	m = rte_pktmbuf_alloc(o->pools.rx);
	if (m == NULL)
		ops_die("out of buffers");
	r.arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	r.arp_data.arp_sha = mac_of[side];
	r.arp_data.arp_sip = a->arp_data.arp_tip;
	r.arp_data.arp_tha = a->arp_data.arp_sha;
	r.arp_data.arp_tip = a->arp_data.arp_sip;
	memcpy(rte_pktmbuf_append(m, sizeof(r)), &r, sizeof(r));
	wr_build_eth(m, &mac_of[side], &a->arp_data.arp_sha, RTE_ETHER_TYPE_ARP, 0);
	ops_inject(o, side, m);
}

void ops_ask_arp(struct ops *o)
{
	static const struct rte_ether_addr all = {{255, 255, 255, 255, 255, 255}};
	struct rte_arp_hdr r = {.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = 6,
		.arp_plen = 4,
		.arp_opcode = RTE_BE16(RTE_ARP_OP_REQUEST),
		.arp_data = {.arp_sha = mac_of[OPS_WAN],
			.arp_sip = RTE_BE32(0xc61200fe),
			.arp_tip = RTE_BE32(0xc6120064)}};
	struct rte_mbuf *m = rte_pktmbuf_alloc(o->pools.rx);

	if (m == NULL)
		ops_die("out of buffers");
	memcpy(rte_pktmbuf_append(m, sizeof(r)), &r, sizeof(r));
	wr_build_eth(m, &mac_of[OPS_WAN], &all, RTE_ETHER_TYPE_ARP, 0);
	ops_inject(o, OPS_WAN, m);
}

// RFC 4861 7.2.4
static void answer_ns(struct ops *o, uint8_t side, const struct wr_pkt *q)
{
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(q->m, const uint8_t *, q->l2_len + q->l3_len);
	uint8_t na[32] = {136, [4] = 0x60, [24] = 2, [25] = 1};
	struct wr_addr target;
	struct rte_mbuf *m;
	uint16_t ck;

	if (icmp[0] != 135 || wr_addr_is_unspecified(&q->t.remote))
		return;
	target = wr_addr_from_v6(icmp + 8);
	m = rte_pktmbuf_alloc(o->pools.rx);
	if (m == NULL)
		ops_die("out of buffers");
	memcpy(na + 8, target.b, 16);
	memcpy(na + 26, &mac_of[side], 6);
	ck = wr_csum_finish(wr_csum_add(
		wr_csum_pseudo(&target, &q->t.remote, IPPROTO_ICMPV6, sizeof(na)), na, sizeof(na)));
	memcpy(na + 2, &ck, 2);
	memcpy(rte_pktmbuf_append(m, sizeof(na)), na, sizeof(na));
	wr_build_ip(m, &target, &q->t.remote, IPPROTO_ICMPV6, 255, 0);
	wr_build_eth(m, &mac_of[side], wr_port_mac(o->port[side]), RTE_ETHER_TYPE_IPV6, 0);
	ops_inject(o, side, m);
}

// --- the wire
// --------------------------------------------------------------------------------------

static void hears(struct ops *o, uint8_t side, struct rte_mbuf *m)
{
	struct wr_pkt k;

	o->frames_out += o->counting;
	wr_parse_frame(&k, m, WR_PARSE_F_TRUST_CK);
	if (k.kind == WR_PKT_ARP)
		answer_arp(o, side, m);
	else if (k.kind == WR_PKT_ICMP6)
		answer_ns(o, side, &k);
	else if (k.kind != WR_PKT_TCP)
		ops_die("Weir sent what is not for anybody");
	else if (side == OPS_WAN)
		client_hears(o, &k);
	else
		backend_hears(o, &k);
	rte_pktmbuf_free(m);
}

void ops_absorb(struct ops *o)
{
	struct rte_mbuf *m[WR_BURST];
	uint16_t n;

	for (uint8_t side = 0; side < 2; side++) {
		while ((n = wr_sim_port_drain(o->port[side], m, WR_BURST)) > 0)
			for (uint16_t i = 0; i < n; i++)
				hears(o, side, m[i]);
	}
	// What the second segment of a pair did not acknowledge.
	if (o->mode.bulk && o->client[0].unacked > 0)
		say(o, OPS_WAN, &o->client[0], WR_TCP_ACK, 0);
	if (o->mode.bulk && o->backend.unacked > 0)
		say(o, OPS_LAN, &o->backend, WR_TCP_ACK, 0);
}

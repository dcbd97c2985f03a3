/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include "wr_build.h"
#include "wr_csum.h"

#include <netinet/in.h>

#include <rte_arp.h>

// The messages that l3 makes itself: ARP (RFC 826, 5227), NS and NA (RFC 4861 4.3, 4.4).

static const struct rte_ether_addr broadcast_mac = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
static const struct rte_ether_addr zero_mac;

struct nd_msg {
	uint8_t type, code;
	uint16_t cksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
	uint8_t opt_type, opt_len; // link-layer address option, in units of 8 bytes
	uint8_t opt_mac[RTE_ETHER_ADDR_LEN];
};
_Static_assert(sizeof(struct nd_msg) == 32, "as on the wire");
#define ND_LEN_NO_OPTION offsetof(struct nd_msg, opt_type)

void l3_solicited_node(const struct wr_addr *a, struct wr_addr *group, struct rte_ether_addr *mac)
{
	// RFC 4291 2.7.1: ff02::1:ff00:0/104 and the low 24 bits; RFC 2464 7
	static const uint8_t prefix[13] = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};

	memcpy(group->b, prefix, sizeof(prefix));
	memcpy(group->b + 13, a->b + 13, 3);
	mac->addr_bytes[0] = 0x33;
	mac->addr_bytes[1] = 0x33;
	memcpy(mac->addr_bytes + 2, group->b + 12, 4);
}

static struct rte_mbuf *message_start(
	struct wr_l3 *l, const void *data, uint16_t len, const struct wr_l3_tx *tx)
{
	struct rte_mbuf *m;

	if (l3_tx_full(tx))
		return NULL;
	m = rte_pktmbuf_alloc(l->small);
	if (m == NULL)
		return NULL;
	memcpy(rte_pktmbuf_append(m, len), data, len);
	return m;
}

// Prepend Ethernet and give the frame away. Buffers of the small pool have room for all headers.
static bool message_end(struct wr_l3 *l, struct rte_mbuf *m, uint16_t port,
	const struct rte_ether_addr *dst, uint16_t ethertype, struct wr_l3_tx *tx)
{
	const struct wr_l3_port *p = &l->net->port[port];

	if (wr_build_eth(m, &p->mac, dst, ethertype, p->vlan) != 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	m->port = port;
	tx->pkts[tx->count++] = m;
	wr_stats_add(l->stats, WR_CTR_arp_out, 1);
	wr_stats_add(l->stats, WR_CTR_tx_made, 1);
	return true;
}

struct arp_fields {
	uint16_t op;
	uint32_t spa, tpa;
	const struct rte_ether_addr *tha;
	const struct rte_ether_addr *dst; // Ethernet
};

static bool send_arp(
	struct wr_l3 *l, uint16_t port, const struct arp_fields *f, struct wr_l3_tx *tx)
{
	struct rte_arp_hdr a = {
		.arp_hardware = RTE_BE16(RTE_ARP_HRD_ETHER),
		.arp_protocol = RTE_BE16(RTE_ETHER_TYPE_IPV4),
		.arp_hlen = RTE_ETHER_ADDR_LEN,
		.arp_plen = sizeof(uint32_t),
		.arp_opcode = rte_cpu_to_be_16(f->op),
	};
	struct rte_mbuf *m;

	a.arp_data.arp_sha = l->net->port[port].mac;
	a.arp_data.arp_sip = f->spa;
	a.arp_data.arp_tha = *f->tha;
	a.arp_data.arp_tip = f->tpa;
	m = message_start(l, &a, sizeof(a), tx);
	return m != NULL && message_end(l, m, port, f->dst, RTE_ETHER_TYPE_ARP, tx);
}

struct nd_fields {
	uint8_t type, flags;
	bool option; // with our link-layer address
	const struct wr_addr *target, *src, *to;
	const struct rte_ether_addr *dst; // Ethernet
};

static bool send_nd(struct wr_l3 *l, uint16_t port, const struct nd_fields *f, struct wr_l3_tx *tx)
{
	uint16_t len = f->option ? sizeof(struct nd_msg) : ND_LEN_NO_OPTION;
	struct nd_msg n = {.type = f->type, .flags = f->flags};
	struct rte_mbuf *m;
	uint32_t sum;

	memcpy(n.target, f->target->b, sizeof(n.target));
	if (f->option) {
		n.opt_type = f->type == L3_ND_SOLICIT ? 1 : 2; // RFC 4861 4.6.1
		n.opt_len = 1;
		memcpy(n.opt_mac, &l->net->port[port].mac, sizeof(n.opt_mac));
	}
	sum = wr_csum_pseudo(f->src, f->to, IPPROTO_ICMPV6, len);
	n.cksum = wr_csum_finish(wr_csum_add(sum, &n, len));
	m = message_start(l, &n, len, tx);
	if (m == NULL)
		return false;
	if (wr_build_ip(m, f->src, f->to, IPPROTO_ICMPV6, 255, 0) != 0) {
		rte_pktmbuf_free(m);
		return false;
	}
	return message_end(l, m, port, f->dst, RTE_ETHER_TYPE_IPV6, tx);
}

bool l3_send_ask(struct wr_l3 *l, uint16_t port, const struct wr_addr *src,
	const struct wr_addr *target, const struct rte_ether_addr *mac, struct wr_l3_tx *tx)
{
	struct rte_ether_addr group_mac;
	struct wr_addr group;

	if (wr_addr_is_v4(target)) {
		struct arp_fields f = {RTE_ARP_OP_REQUEST, src->w[3], target->w[3], &zero_mac,
			mac != NULL ? mac : &broadcast_mac};

		return send_arp(l, port, &f, tx);
	}
	l3_solicited_node(target, &group, &group_mac);
	struct nd_fields f = {L3_ND_SOLICIT, 0, true, target, src, mac != NULL ? target : &group,
		mac != NULL ? mac : &group_mac};

	return send_nd(l, port, &f, tx);
}

bool l3_send_dad_probe(struct wr_l3 *l, const struct l3_addr *a, struct wr_l3_tx *tx)
{
	static const struct wr_addr none;
	struct rte_ether_addr group_mac;
	struct wr_addr group;

	if (wr_addr_is_v4(&a->addr)) {
		// RFC 5227 2.1.1: sender address all zero
		struct arp_fields f = {
			RTE_ARP_OP_REQUEST, 0, a->addr.w[3], &zero_mac, &broadcast_mac};

		return send_arp(l, a->port, &f, tx);
	}
	// RFC 4862 5.4.2: source unspecified; RFC 4861 4.3: then without the option
	l3_solicited_node(&a->addr, &group, &group_mac);
	struct nd_fields f = {L3_ND_SOLICIT, 0, false, &a->addr, &none, &group, &group_mac};

	return send_nd(l, a->port, &f, tx);
}

bool l3_send_answer(struct wr_l3 *l, const struct l3_addr *a, const struct wr_addr *to,
	const struct rte_ether_addr *mac, struct wr_l3_tx *tx)
{
	static const struct rte_ether_addr all_nodes_mac = {{0x33, 0x33, 0, 0, 0, 1}};
	static const struct wr_addr all_nodes = {.b = {0xff, 0x02, [15] = 1}};

	if (wr_addr_is_v4(&a->addr)) {
		struct arp_fields f = {RTE_ARP_OP_REPLY, a->addr.w[3], to->w[3], mac, mac};

		return send_arp(l, a->port, &f, tx);
	}
	// RFC 4861 7.2.4: solicited unless the question came from ::, then to all nodes
	bool known = !wr_addr_is_unspecified(to);
	struct nd_fields f = {L3_ND_ADVERT,
		known ? L3_NA_SOLICITED | L3_NA_OVERRIDE : L3_NA_OVERRIDE, true, &a->addr, &a->addr,
		known ? to : &all_nodes, known ? mac : &all_nodes_mac};

	return send_nd(l, a->port, &f, tx);
}

bool l3_send_announcement(struct wr_l3 *l, const struct l3_addr *a, struct wr_l3_tx *tx)
{
	static const struct wr_addr none;

	if (wr_addr_is_v4(&a->addr)) {
		// RFC 5227 2.3: a request whose sender and target are the address
		struct arp_fields f = {
			RTE_ARP_OP_REQUEST, a->addr.w[3], a->addr.w[3], &zero_mac, &broadcast_mac};

		return send_arp(l, a->port, &f, tx);
	}
	return l3_send_answer(l, a, &none, NULL, tx); // RFC 4861 7.2.6
}

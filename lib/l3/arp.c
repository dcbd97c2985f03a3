/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include <rte_arp.h>

// ARP received (RFC 826), with the checks for conflicts of RFC 5227.

// The packet as we take it; false: sizes or an impossible sender.
static bool arp_valid(const struct rte_arp_hdr *a)
{
	uint16_t op = rte_be_to_cpu_16(a->arp_opcode);
	struct wr_addr sender = wr_addr_from_v4(a->arp_data.arp_sip);

	return a->arp_hardware == RTE_BE16(RTE_ARP_HRD_ETHER) &&
	       a->arp_protocol == RTE_BE16(RTE_ETHER_TYPE_IPV4) &&
	       a->arp_hlen == RTE_ETHER_ADDR_LEN && a->arp_plen == sizeof(uint32_t) &&
	       (op == RTE_ARP_OP_REQUEST || op == RTE_ARP_OP_REPLY) &&
	       l3_mac_is_station(&a->arp_data.arp_sha) && !wr_addr_is_multicast(&sender) &&
	       !wr_addr_is_loopback(&sender);
}

static struct l3_verdict arp_request(struct wr_l3 *l, const struct rte_arp_hdr *a, uint16_t port,
	struct wr_l3_tx *tx, wr_us_t now)
{
	struct wr_addr spa = wr_addr_from_v4(a->arp_data.arp_sip);
	struct wr_addr tpa = wr_addr_from_v4(a->arp_data.arp_tip);
	struct l3_addr *ours = l3_addr_claimed(l->net, &tpa, port);
	bool probe = a->arp_data.arp_sip == 0;
	bool known;

	if (ours == NULL) {
		// RFC 826: merge what is known already, whoever was asked
		known = !probe &&
		        l3_resolve_learn(l, port, &spa, &a->arp_data.arp_sha, L3_CLAIM_UPDATE, now);
		return l3_port(l->net, port)->exception || !known ? L3_PUNT(arp_not_ours) : L3_DONE;
	}
	if (l3_addr_state(ours) != L3_ADDR_READY) {
		if (!probe)
			return L3_DONE;
		// RFC 5227 2.1.1: somebody else probes for the same address
		l3_dad_conflict(l, ours, &a->arp_data.arp_sha, now);
		return L3_DROP(addr_conflict);
	}
	if (!probe)
		l3_resolve_learn(l, port, &spa, &a->arp_data.arp_sha, L3_CLAIM_REQUEST, now);
	l3_send_answer(l, ours, &spa, &a->arp_data.arp_sha, tx);
	return L3_DONE;
}

struct l3_verdict l3_arp_input(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now)
{
	struct rte_arp_hdr copy;
	const struct rte_arp_hdr *a = rte_pktmbuf_read(p->m, p->l2_len, sizeof(copy), &copy);
	uint16_t port = p->m->port;
	struct wr_addr spa, tpa;
	struct l3_addr *ours;
	bool to_us;

	if (a == NULL || !arp_valid(a))
		return L3_DROP(arp_malformed);
	if (l3_mac_is_ours(l->net, &a->arp_data.arp_sha))
		return L3_DROP(own_mac);
	spa = wr_addr_from_v4(a->arp_data.arp_sip);
	ours = l3_addr_claimed(l->net, &spa, port);
	if (ours != NULL) {
		// RFC 5227 2.1.1 and 2.4: request or reply, its sender has our address
		l3_dad_conflict(l, ours, &a->arp_data.arp_sha, now);
		return L3_DROP(addr_conflict);
	}
	if (a->arp_opcode == RTE_BE16(RTE_ARP_OP_REQUEST))
		return arp_request(l, a, port, tx, now);

	tpa = wr_addr_from_v4(a->arp_data.arp_tip);
	to_us = l3_addr_claimed(l->net, &tpa, port) != NULL;
	if (a->arp_data.arp_sip != 0)
		l3_resolve_learn(l, port, &spa, &a->arp_data.arp_sha,
			to_us ? L3_CLAIM_ANSWER : L3_CLAIM_UPDATE, now);
	return l3_port(l->net, port)->exception ? L3_PUNT(icmp_ignored) : L3_DONE;
}

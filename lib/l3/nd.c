/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

// Neighbour solicitations and advertisements received (RFC 4861 7, RFC 4862 5.4).

#define ND_HEADER_LEN 24  // type, code, checksum, flags, target
#define ND_MAX_LEN    512 // longer ones carry nothing that concerns us
#define OPT_SOURCE    1
#define OPT_TARGET    2

struct nd {
	struct wr_addr target;
	struct rte_ether_addr mac; // of the option that the type calls for
	bool has_mac;
	uint8_t flags;
	uint16_t port;
	struct rte_ether_addr eth_src;
};

// RFC 4861 7.1.1, 7.1.2: an option of length 0 spoils the message.
static bool read_options(const uint8_t *opt, uint32_t len, uint8_t wanted, struct nd *nd)
{
	while (len > 0) {
		uint32_t size = len >= 2 ? opt[1] * 8u : 0;

		if (size == 0 || size > len)
			return false;
		if (opt[0] == wanted && size == 8 && !nd->has_mac) {
			memcpy(&nd->mac, opt + 2, sizeof(nd->mac));
			nd->has_mac = true;
		}
		opt += size;
		len -= size;
	}
	return !nd->has_mac || l3_mac_is_station(&nd->mac);
}

static bool is_solicited_node(const struct wr_addr *a)
{
	static const struct wr_addr zero;
	struct rte_ether_addr mac;
	struct wr_addr group;

	l3_solicited_node(&zero, &group, &mac);
	return memcmp(a->b, group.b, 13) == 0;
}

static bool nd_read(const struct wr_pkt *p, struct nd *nd)
{
	uint32_t off = wr_pkt_payload_offset(p);
	uint32_t len = p->payload_len;
	uint8_t copy[ND_MAX_LEN];
	struct rte_ether_hdr eth_copy;
	const struct rte_ether_hdr *eth = rte_pktmbuf_read(p->m, 0, sizeof(eth_copy), &eth_copy);
	const uint8_t *msg;
	bool solicit;

	// RFC 4861 7.1: hop limit 255 proves that no router forwarded it
	if (p->hop_limit != 255 || len < ND_HEADER_LEN || len > ND_MAX_LEN)
		return false;
	msg = rte_pktmbuf_read(p->m, off, len, copy);
	if (msg == NULL || eth == NULL || msg[1] != 0)
		return false;
	*nd = (struct nd){.port = p->m->port, .flags = msg[4], .eth_src = eth->src_addr};
	nd->target = wr_addr_from_v6(msg + 8);
	solicit = msg[0] == L3_ND_SOLICIT;
	if (wr_addr_is_multicast(&nd->target) || wr_addr_is_v4(&nd->target) ||
		!read_options(msg + ND_HEADER_LEN, len - ND_HEADER_LEN,
			solicit ? OPT_SOURCE : OPT_TARGET, nd))
		return false;
	if (!solicit) // solicited answers are never sent to a group
		return !wr_addr_is_multicast(&p->t.local) || (nd->flags & L3_NA_SOLICITED) == 0;
	if (wr_addr_is_unspecified(&p->t.remote))
		return is_solicited_node(&p->t.local) && !nd->has_mac;
	return true;
}

static struct l3_verdict solicitation(struct wr_l3 *l, const struct wr_pkt *p, const struct nd *nd,
	struct wr_l3_tx *tx, wr_us_t now)
{
	struct l3_addr *ours = l3_addr_claimed(l->net, &nd->target, nd->port);
	bool probe = wr_addr_is_unspecified(&p->t.remote);

	if (ours == NULL)
		return L3_PUNT(icmp_ignored);
	if (l3_addr_state(ours) != L3_ADDR_READY) {
		// RFC 4862 5.4.3: who asks is ignored, who probes is a duplicate
		if (!probe)
			return L3_DONE;
		l3_dad_conflict(l, ours, &nd->eth_src, now);
		return L3_DROP(addr_conflict);
	}
	if (!probe && nd->has_mac)
		l3_resolve_learn(l, nd->port, &p->t.remote, &nd->mac, L3_CLAIM_REQUEST, now);
	l3_send_answer(l, ours, &p->t.remote, nd->has_mac ? &nd->mac : &nd->eth_src, tx);
	return L3_DONE;
}

// RFC 4861 7.2.5.
static void advertise(struct wr_l3 *l, const struct nd *nd, wr_us_t now)
{
	bool solicited = (nd->flags & L3_NA_SOLICITED) != 0;
	struct rte_ether_addr mac;
	uint64_t word;
	struct l3_neigh *e = l3_neigh_lookup(l->net, nd->port, &nd->target, &word);

	if (e == NULL)
		return;
	mac = l3_word_mac(word);
	if (!l3_word_usable(word)) {
		if (nd->has_mac)
			l3_resolve_learn(l, nd->port, &nd->target, &nd->mac,
				solicited ? L3_CLAIM_ANSWER : L3_CLAIM_UPDATE, now);
		return;
	}
	if (nd->has_mac && !rte_is_same_ether_addr(&mac, &nd->mac)) {
		if ((nd->flags & L3_NA_OVERRIDE) == 0) {
			if (l3_word_state(word) == L3_NEIGH_REACHABLE)
				l3_neigh_set(l->net, e, L3_NEIGH_STALE, NULL, now);
			return;
		}
		mac = nd->mac;
	}
	l3_resolve_learn(
		l, nd->port, &nd->target, &mac, solicited ? L3_CLAIM_ANSWER : L3_CLAIM_UPDATE, now);
}

struct l3_verdict l3_nd_input(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now)
{
	uint8_t type_copy;
	const uint8_t *type = rte_pktmbuf_read(p->m, wr_pkt_payload_offset(p), 1, &type_copy);
	struct l3_addr *ours;
	struct nd nd;

	if (type == NULL || !nd_read(p, &nd))
		return L3_DROP(nd_malformed);
	if (l3_mac_is_ours(l->net, nd.has_mac ? &nd.mac : &nd.eth_src))
		return L3_DROP(own_mac);
	if (*type == L3_ND_SOLICIT)
		return solicitation(l, p, &nd, tx, now);

	ours = l3_addr_claimed(l->net, &nd.target, nd.port);
	if (ours != NULL) {
		// RFC 4862 5.4.4: an answer for our address comes from a duplicate
		l3_dad_conflict(l, ours, nd.has_mac ? &nd.mac : &nd.eth_src, now);
		return L3_DROP(addr_conflict);
	}
	advertise(l, &nd, now);
	return l3_port(l->net, nd.port)->exception ? L3_PUNT(icmp_ignored) : L3_DONE;
}

/* SPDX-License-Identifier: BSD-3-Clause */

// Links, and what every station on them answers: ARP and neighbour solicitation.

#include "triple.h"

#include <netinet/in.h>

#include <rte_arp.h>
#include <rte_ip.h>

#include "wr_build.h"
#include "wr_csum.h"
#include "wr_parse.h"

static bool chance(struct triple *t, uint32_t permille)
{
	return permille > 0 && wr_rng_below(&t->rng, 1000) < permille;
}

// --- frames under way: a heap by time -----------------------------------------------------------

static bool earlier(const struct tri_frame *a, const struct tri_frame *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(
	struct triple *t, uint8_t side, bool to_peers, struct rte_mbuf *m, wr_us_t at, bool corrupt)
{
	struct tri_frame f = {m, at, t->frame_order++, side, to_peers, corrupt};
	uint32_t i = t->frame_count++;

	if (i >= TRI_FRAMES)
		tri_fail(t, "more than %d frames under way", TRI_FRAMES);
	for (; i > 0 && earlier(&f, &t->frames[(i - 1) / 2]); i = (i - 1) / 2)
		t->frames[i] = t->frames[(i - 1) / 2];
	t->frames[i] = f;
}

static struct tri_frame pop(struct triple *t)
{
	struct tri_frame top = t->frames[0], last = t->frames[--t->frame_count];
	uint32_t i = 0, k;

	while ((k = 2 * i + 1) < t->frame_count) {
		if (k + 1 < t->frame_count && earlier(&t->frames[k + 1], &t->frames[k]))
			k++;
		if (!earlier(&t->frames[k], &last))
			break;
		t->frames[i] = t->frames[k];
		i = k;
	}
	t->frames[i] = last;
	return top;
}

// One byte changes: no Internet checksum misses that, and Ethernet's own is not simulated, so its
// header is spared.
static void damage(struct triple *t, struct rte_mbuf *m)
{
	uint32_t at = sizeof(struct rte_ether_hdr);

	at += wr_rng_below(&t->rng, m->pkt_len - at);
	for (; at >= m->data_len; m = m->next)
		at -= m->data_len;
	*rte_pktmbuf_mtod_offset(m, uint8_t *, at) ^= (uint8_t)(1 + wr_rng_below(&t->rng, 255));
}

static bool is_tcp(struct rte_mbuf *m, struct wr_pkt *k)
{
	wr_parse_frame(k, m, WR_PARSE_F_TRUST_CK);
	return k->kind == WR_PKT_TCP;
}

static bool is_esp(const struct triple *t, struct rte_mbuf *m, struct wr_pkt *k)
{
	wr_parse_frame(k, m, WR_PARSE_F_TRUST_CK);
	return t->esp != NULL && k->kind == WR_PKT_PUNT;
}

static void seen(struct triple *t, struct rte_mbuf *m, wr_us_t at, uint32_t what)
{
	struct wr_pkt k;

	if (t->watch.sent != NULL && is_tcp(m, &k))
		t->watch.sent(t->watch.arg, &k, at, what);
}

void tri_net_send(struct triple *t, uint8_t side, bool to_peers, struct rte_mbuf *m)
{
	const struct tri_link *l = &t->cfg.link[side];
	wr_us_t at = t->now + l->delay_us + wr_rng_below(&t->rng, l->jitter_us + 1);
	struct rte_mbuf *again;
	struct wr_pkt k;
	uint32_t what = 0;

	if (chance(t, l->loss)) {
		seen(t, m, WR_US_NEVER, TRI_F_LOST);
		t->lost++;
		rte_pktmbuf_free(m);
		return;
	}
	what |= chance(t, l->dup) ? TRI_F_DUP : 0;
	what |= chance(t, l->reorder) ? TRI_F_LATE : 0;
	what |= chance(t, l->corrupt) && (is_tcp(m, &k) || is_esp(t, m, &k)) ? TRI_F_CORRUPT : 0;
	if (what & TRI_F_LATE)
		at += wr_rng_below(&t->rng, l->held_us + 1);
	seen(t, m, at, what);
	if (what & TRI_F_DUP) {
		again = rte_pktmbuf_copy(m, t->peer_rx, 0, UINT32_MAX);
		if (again != NULL)
			push(t, side, to_peers, again, at + wr_rng_below(&t->rng, l->held_us + 1),
				false);
	}
	push(t, side, to_peers, m, at, what & TRI_F_CORRUPT);
}

// --- receiving: a copy into buffers of the receiver, as a NIC writes it -------------------------

static void append_from(struct rte_mbuf *to, const struct rte_mbuf *m, uint32_t off, uint32_t len)
{
	char *at = rte_pktmbuf_append(to, (uint16_t)len);
	const void *from = rte_pktmbuf_read(m, off, len, at);

	if (from != at)
		memcpy(at, from, len);
}

static struct rte_mbuf *received(struct triple *t, struct rte_mempool *pool, struct rte_mbuf *m,
	uint32_t split, bool corrupt)
{
	struct rte_mbuf *n = rte_pktmbuf_alloc(pool), *n2 = NULL;
	uint32_t len = m->pkt_len, first = len;

	if (n != NULL && len > 200 && chance(t, split)) {
		first = 60 + wr_rng_below(&t->rng, len - 100);
		n2 = rte_pktmbuf_alloc(pool);
		if (n2 == NULL)
			first = len;
	}
	if (n != NULL) {
		append_from(n, m, 0, first);
		if (n2 != NULL) {
			append_from(n2, m, first, len - first);
			rte_pktmbuf_chain(n, n2);
		}
		if (corrupt)
			damage(t, n);
	} else {
		t->no_buffer++;
	}
	rte_pktmbuf_free(m);
	return n;
}

static struct tri_peer *station(struct triple *t, uint8_t side, const struct wr_addr *a)
{
	for (uint32_t i = 0; i < t->peers; i++) {
		struct tri_peer *p = &t->peer[i];

		if (p->side == side && (wr_addr_eq(a, &p->addr4) || wr_addr_eq(a, &p->addr6)))
			return p->dead ? NULL : p;
	}
	return NULL;
}

// The MAC that an address of a side answers with; NULL: nobody.
static const struct rte_ether_addr *mac_of(struct triple *t, uint8_t side, const struct wr_addr *a)
{
	const struct tri_peer *p = station(t, side, a);

	if (p != NULL)
		return &p->mac;
	return side == TRI_LAN ? tri_esp_station(t, a) : NULL;
}

static void reply(struct triple *t, uint8_t side, const struct rte_ether_addr *from,
	struct rte_mbuf *m, const struct rte_ether_addr *to, uint16_t ethertype)
{
	TRI_EQ(t, wr_build_eth(m, from, to, ethertype, 0), 0);
	tri_net_send(t, side, false, m);
}

static void answer_arp(struct triple *t, uint8_t side, const struct rte_mbuf *q)
{
	const struct rte_arp_hdr *a = rte_pktmbuf_mtod_offset(
		q, const struct rte_arp_hdr *, sizeof(struct rte_ether_hdr));
	struct wr_addr target = wr_addr_from_v4(a->arp_data.arp_tip);
	const struct rte_ether_addr *mac = mac_of(t, side, &target);
	struct rte_arp_hdr r = *a;
	struct rte_mbuf *m;

	if (mac == NULL || a->arp_opcode != RTE_BE16(RTE_ARP_OP_REQUEST))
		return;
	m = rte_pktmbuf_alloc(t->peer_small);
	TRI_CHECK(t, m != NULL);
	r.arp_opcode = RTE_BE16(RTE_ARP_OP_REPLY);
	r.arp_data.arp_sha = *mac;
	r.arp_data.arp_sip = a->arp_data.arp_tip;
	r.arp_data.arp_tha = a->arp_data.arp_sha;
	r.arp_data.arp_tip = a->arp_data.arp_sip;
	memcpy(rte_pktmbuf_append(m, sizeof(r)), &r, sizeof(r));
	reply(t, side, mac, m, &a->arp_data.arp_sha, RTE_ETHER_TYPE_ARP);
}

static void answer_ns(struct triple *t, uint8_t side, const struct wr_pkt *q)
{
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(q->m, const uint8_t *, q->l2_len + q->l3_len);
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(q->m, const struct rte_ether_hdr *);
	struct wr_addr target;
	const struct rte_ether_addr *mac;
	struct rte_mbuf *m;
	uint8_t na[32] = {136, [4] = 0x60, [24] = 2, [25] = 1};
	uint16_t ck;

	if (icmp[0] != 135 || wr_addr_is_unspecified(&q->t.remote))
		return;
	target = wr_addr_from_v6(icmp + 8);
	mac = mac_of(t, side, &target);
	if (mac == NULL)
		return;
	m = rte_pktmbuf_alloc(t->peer_small);
	TRI_CHECK(t, m != NULL);
	memcpy(na + 8, target.b, 16);
	memcpy(na + 26, mac, 6);
	ck = wr_csum_finish(wr_csum_add(
		wr_csum_pseudo(&target, &q->t.remote, IPPROTO_ICMPV6, sizeof(na)), na, sizeof(na)));
	memcpy(na + 2, &ck, 2);
	memcpy(rte_pktmbuf_append(m, sizeof(na)), na, sizeof(na));
	TRI_EQ(t, wr_build_ip(m, &target, &q->t.remote, IPPROTO_ICMPV6, 255, 0), 0);
	reply(t, side, mac, m, &eth->src_addr, RTE_ETHER_TYPE_IPV6);
}

static void arrived(struct triple *t, const struct wr_pkt *k)
{
	if (t->watch.arrives != NULL)
		t->watch.arrives(t->watch.arg, k, 0);
}

// A frame that the fabric sent arrives at the stations of a side.
static void to_peers(struct triple *t, uint8_t side, struct rte_mbuf *chain, bool corrupt)
{
	struct rte_mbuf *m = received(t, t->peer_rx, chain, 0, corrupt);
	const struct rte_ether_hdr *eth;
	bool from_tunnel = false;
	struct wr_pkt k;

	if (m == NULL)
		return;
	eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	wr_parse_frame(&k, m, 0);
	if (k.kind == WR_PKT_DROP && !corrupt)
		tri_fail(
			t, "the fabric sent a frame that does not parse: %s", wr_drop_name(k.drop));
	if (t->esp != NULL && side == TRI_LAN && k.kind == WR_PKT_PUNT) {
		m = tri_esp_open(t, &k);
		if (m == NULL)
			return;
		wr_parse_frame(&k, m, 0);
		TRI_EQ(t, k.kind, WR_PKT_TCP);
		from_tunnel = true;
	}
	if (corrupt && k.kind != WR_PKT_TCP) {
		t->damaged++;
		rte_pktmbuf_free(m);
		return;
	}
	if (k.kind == WR_PKT_ARP)
		answer_arp(t, side, m);
	else if (k.kind == WR_PKT_ICMP6)
		answer_ns(t, side, &k);
	for (uint32_t i = 0; i < t->peers && k.kind == WR_PKT_TCP; i++) {
		struct tri_peer *p = &t->peer[i];

		bool to_it = wr_addr_eq(&k.t.local, &p->addr4) || wr_addr_eq(&k.t.local, &p->addr6);

		if (p->side != side ||
			!(from_tunnel ? to_it : rte_is_same_ether_addr(&p->mac, &eth->dst_addr)))
			continue;
		TRI_CHECK(t, to_it);
		// Nothing reaches a backend in clear that is behind a tunnel.
		TRI_CHECK(t, from_tunnel == (t->esp != NULL && side == TRI_LAN));
		if (p->dead)
			break;
		p->frames_in++;
		if (!from_tunnel)
			arrived(t, &k);
		wr_tcp_input_burst(p->tcp, &k, 1, t->now);
		return;
	}
	t->strays += k.kind == WR_PKT_TCP;
	rte_pktmbuf_free(m);
}

bool tri_net_deliver(struct triple *t)
{
	bool any = false;

	while (t->frame_count > 0 && t->frames[0].at <= t->now) {
		struct tri_frame f = pop(t);
		struct rte_mbuf *m;
		struct wr_pkt k;

		any = true;
		if (f.to_peers) {
			to_peers(t, f.side, f.m, f.corrupt);
			continue;
		}
		m = received(t, t->pools->rx, f.m, t->cfg.link[f.side].split, f.corrupt);
		if (m == NULL)
			continue;
		if (t->watch.arrives != NULL) {
			// one of which only a hop limit or a flow label changed is as good as any
			wr_parse_frame(&k, m, f.corrupt ? 0 : WR_PARSE_F_TRUST_CK);
			if (k.kind == WR_PKT_TCP)
				arrived(t, &k);
		}
		wr_sim_port_inject(t->port[f.side], m);
	}
	return any;
}

bool tri_net_drain(struct triple *t)
{
	struct rte_mbuf *m[WR_BURST];
	bool any = false;
	uint16_t n;

	for (uint8_t side = 0; side < 2; side++) {
		while ((n = wr_sim_port_drain(t->port[side], m, WR_BURST)) > 0) {
			for (uint16_t i = 0; i < n; i++)
				tri_net_send(t, side, true, m[i]);
			any = true;
		}
	}
	return any;
}

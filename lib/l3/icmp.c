/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_priv.h"

#include "wr_build.h"
#include "wr_csum.h"

#include <netinet/in.h>

// Echo (RFC 792, RFC 1122 3.2.2.6, RFC 4443 4); other ICMP goes to the kernel or is ignored.

#define ICMP4_ECHO_REPLY   0
#define ICMP4_ECHO_REQUEST 8
#define ICMP6_ECHO_REQUEST 128
#define ICMP6_ECHO_REPLY   129
#define ICMP_HEADER_LEN    8
#define ECHO_BURST_DIVISOR 10 // the bucket holds a tenth of a second
#define ECHO_BURST_MIN     8
#define ECHO_HOP_LIMIT     64

// Token bucket of the worker.
static bool echo_allowed(struct wr_l3 *l, wr_us_t now)
{
	uint64_t rate = l->net->echo_per_s;
	uint64_t burst = RTE_MAX(rate / ECHO_BURST_DIVISOR, (uint64_t)ECHO_BURST_MIN);
	wr_us_t passed = now > l->echo_us ? RTE_MIN(now - l->echo_us, WR_US_PER_S) : 0;

	l->echo_tokens = RTE_MIN(l->echo_tokens + passed * rate, burst * WR_US_PER_S);
	l->echo_us = now;
	if (l->echo_tokens < WR_US_PER_S)
		return false;
	l->echo_tokens -= WR_US_PER_S;
	return true;
}

static bool chain_is_ours_alone(const struct rte_mbuf *m)
{
	for (; m != NULL; m = m->next) {
		if (!RTE_MBUF_DIRECT(m) || rte_mbuf_refcnt_read(m) != 1)
			return false;
	}
	return true;
}

// The bytes [off, off + len) of a frame as an mbuf that may be changed: the frame itself cut to
// them, or a copy, or NULL when there is no buffer. *m is the frame and NULL once it is used up.
static struct rte_mbuf *take_bytes(struct wr_l3 *l, struct rte_mbuf **m, uint32_t off, uint32_t len)
{
	struct rte_mbuf *f = *m;
	uint32_t extra = f->pkt_len - off - len;
	uint32_t last = rte_pktmbuf_lastseg(f)->data_len;

	if (!chain_is_ours_alone(f) || off + ICMP_HEADER_LEN > f->data_len ||
		(extra > 0 && extra >= last) || f->nb_segs > WR_CHAIN_SEGS)
		return rte_pktmbuf_copy(f, l->small, off, len);
	rte_pktmbuf_adj(f, (uint16_t)off);
	if (extra > 0)
		rte_pktmbuf_trim(f, (uint16_t)extra);
	*m = NULL;
	return f;
}

static void turn_type(struct rte_mbuf *m, uint8_t type)
{
	uint8_t *icmp = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t before, after, cksum;

	// RFC 1624: the checksum follows from the word that changes
	memcpy(&before, icmp, sizeof(before));
	icmp[0] = type;
	memcpy(&after, icmp, sizeof(after));
	memcpy(&cksum, icmp + 2, sizeof(cksum));
	cksum = wr_csum_finish((uint32_t)(uint16_t)~cksum + (uint16_t)~before + after);
	// Both zeros are right but for an answer of zeros only, whose sum the other one is not.
	if (cksum == 0)
		cksum = 0xffff;
	memcpy(icmp + 2, &cksum, sizeof(cksum));
}

// Answer to where the frame came from: no neighbour is needed.
static struct l3_verdict echo_answer(
	struct wr_l3 *l, struct wr_pkt *p, bool v4, struct wr_l3_tx *tx)
{
	struct rte_ether_hdr eth_copy;
	const struct rte_ether_hdr *eth = rte_pktmbuf_read(p->m, 0, sizeof(eth_copy), &eth_copy);
	uint16_t port = p->m->port;
	struct rte_ether_addr mac;
	struct rte_mbuf *frame = p->m, *m;

	if (eth == NULL)
		return L3_DROP(icmp_malformed);
	mac = eth->src_addr;
	m = take_bytes(l, &frame, wr_pkt_payload_offset(p), p->payload_len);
	if (m == NULL)
		return L3_DROP(no_mbuf);
	rte_pktmbuf_free(frame);
	m->ol_flags = 0; // what reception said of it
	m->tx_offload = 0;
	turn_type(m, v4 ? ICMP4_ECHO_REPLY : ICMP6_ECHO_REPLY);
	wr_stats_add(l->stats, WR_CTR_icmp_echo, 1);
	wr_stats_add(l->stats, WR_CTR_tx_made, 1);
	if (wr_build_ip(m, &p->t.local, &p->t.remote, v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
		    ECHO_HOP_LIMIT, l->ip_id++) != 0) {
		wr_stats_drop(l->stats, WR_DROP_tx_error, 1);
		rte_pktmbuf_free(m);
		return L3_TAKEN;
	}
	l3_output_eth(l, m, port, &mac, tx);
	return L3_TAKEN;
}

static struct l3_verdict echo_request(
	struct wr_l3 *l, struct wr_pkt *p, bool v4, struct wr_l3_tx *tx, wr_us_t now)
{
	const struct wr_l3_port *port = l3_port(l->net, p->m->port);
	struct wr_addr *src = &p->t.remote;

	if (wr_addr_is_unspecified(src) || wr_l3_classify(l->net, src) == WR_L3_GROUP)
		return L3_DROP(ip_source);
	if (p->payload_len < ICMP_HEADER_LEN ||
		p->m->pkt_len < wr_pkt_payload_offset(p) + p->payload_len)
		return L3_DROP(icmp_malformed);
	if (p->payload_len + (v4 ? 20u : 40u) > port->mtu)
		return L3_DROP(icmp_ignored);
	if (l3_tx_full(tx) || !echo_allowed(l, now))
		return L3_DROP(icmp_rate);
	return echo_answer(l, p, v4, tx);
}

struct l3_verdict l3_icmp_input(struct wr_l3 *l, struct wr_pkt *p, struct wr_l3_tx *tx, wr_us_t now)
{
	bool v4 = p->kind == WR_PKT_ICMP4;
	uint8_t type_copy;
	const uint8_t *type = rte_pktmbuf_read(p->m, wr_pkt_payload_offset(p), 1, &type_copy);

	if (type == NULL || p->payload_len < ICMP_HEADER_LEN)
		return L3_DROP(icmp_malformed);
	if (!v4 && (*type == L3_ND_SOLICIT || *type == L3_ND_ADVERT))
		return l->worker == 0 ? l3_nd_input(l, p, tx, now) : L3_DROP(icmp_ignored);

	switch (wr_l3_classify(l->net, &p->t.local)) {
	case WR_L3_NOT_OURS:
		return L3_PUNT(not_for_us);
	case WR_L3_TENTATIVE:
		return L3_DROP(not_for_us); // RFC 4862 5.4: not ours yet
	case WR_L3_GROUP:
		return L3_PUNT(icmp_ignored); // RFC 1122 3.2.2.6: groups get no answer
	default:
		break;
	}
	if (*type == (v4 ? ICMP4_ECHO_REQUEST : ICMP6_ECHO_REQUEST))
		return echo_request(l, p, v4, tx, now);
	return L3_PUNT(icmp_ignored);
}

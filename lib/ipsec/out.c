/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_priv.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ip.h>
#include <rte_memcpy.h>
#include <rte_prefetch.h>
#include <rte_udp.h>

#include "wr_build.h"
#include "wr_csum.h"

#define OUT_PREFETCH 4

// A burst on its way: copies of the packets that may go, their associations in a row.
struct leaving {
	struct rte_mbuf *m[IPSEC_BURST];
	struct ipsec_run runs[IPSEC_BURST];
	uint16_t count, run_count;
	struct rte_mbuf *free[IPSEC_BURST]; // buffers, taken from the end
	uint16_t free_count;
};

// Length of the IP header of a packet that may enter the tunnel, or 0.
static inline uint32_t ip_header(const struct wr_ipsec_tunnel *t, const struct rte_mbuf *m)
{
	const uint8_t *ip = rte_pktmbuf_mtod(m, const uint8_t *);
	uint32_t len = t->inner_v4 ? (ip[0] & 0x0fu) * 4 : sizeof(struct rte_ipv6_hdr);

	if (unlikely(m->data_len < len || len < sizeof(struct rte_ipv4_hdr) ||
		     ip[0] >> 4 != (t->inner_v4 ? 4 : 6)))
		return 0;
	return len;
}

// Whether a packet of `len` bytes, as it is copied behind the headroom, can be encrypted there.
// What comes in front is at most 72 bytes and Ethernet, which is less than the headroom.
static inline bool fits(
	const struct wr_ipsec *x, const struct wr_ipsec_sa *sa, uint32_t len, uint32_t ip)
{
	uint32_t clear = sa->t->mode == WR_IPSEC_TUNNEL ? 0 : ip;

	return clear + ipsec_padded(sa, len - clear) + IPSEC_ICV_LEN + WR_IPSEC_TAILROOM <= x->room;
}

// A linear copy, with the checksums that were left to a port: nobody can add them once it is
// encrypted.
static inline void copy_packet(struct rte_mbuf *to, const struct rte_mbuf *m, uint32_t ip)
{
	uint8_t *at = rte_pktmbuf_mtod(to, uint8_t *);

	for (const struct rte_mbuf *s = m; s != NULL; s = s->next) {
		rte_memcpy(at, rte_pktmbuf_mtod(s, const void *), s->data_len);
		at += s->data_len;
	}
	to->data_len = (uint16_t)m->pkt_len;
	to->pkt_len = m->pkt_len;
	to->port = m->port;
	to->tx_offload = rte_mbuf_tx_offload(0, ip, 0, 0, 0, 0, 0);
	to->ol_flags = m->ol_flags & (RTE_MBUF_F_TX_IP_CKSUM | RTE_MBUF_F_TX_L4_MASK);
	if (to->ol_flags != 0)
		wr_build_finish_csum(to);
	to->ol_flags = 0;
}

// Take one packet into the burst; the reason when it may not go.
static inline enum wr_drop take(
	struct wr_ipsec *x, struct leaving *l, const struct rte_mbuf *m, wr_us_t now)
{
	struct wr_ipsec_sa *sa = likely(m->port < x->cfg.tunnel_count) ? x->out[m->port] : NULL;
	uint32_t ip;

	if (unlikely(sa == NULL))
		return WR_DROP_ipsec_no_association;
	ip = ip_header(sa->t, m);
	if (unlikely(ip == 0)) // of the other family
		return WR_DROP_ipsec_no_association;
	if (unlikely(!fits(x, sa, m->pkt_len, ip)))
		return WR_DROP_ipsec_too_big;
	if (unlikely(l->free_count == 0))
		return WR_DROP_ipsec_no_buffer;
	if (unlikely(!ipsec_sa_alive(sa, m->pkt_len, now)))
		return WR_DROP_ipsec_no_association;
	ipsec_count(&sa->packets, 1);
	ipsec_count(&sa->bytes, m->pkt_len);
	ipsec_count(&sa->sequence, 1);
	wr_stats_add(x->cfg.stats, WR_CTR_ipsec_out_bytes, m->pkt_len);
	l->m[l->count] = l->free[--l->free_count];
	copy_packet(l->m[l->count], m, ip);
	l->run_count = ipsec_run_add(l->runs, l->run_count, sa, l->count);
	l->count++;
	return WR_DROP_NONE;
}

// As many buffers as there are, up to n.
static uint16_t get_buffers(struct wr_ipsec *x, struct rte_mbuf **m, uint16_t n)
{
	uint16_t got = 0;

	if (likely(rte_pktmbuf_alloc_bulk(x->cfg.pool, m, n) == 0))
		return n;
	while (got < n && (m[got] = rte_pktmbuf_alloc(x->cfg.pool)) != NULL)
		got++;
	return got;
}

static void take_burst(
	struct wr_ipsec *x, struct leaving *l, struct rte_mbuf **m, uint16_t n, wr_us_t now)
{
	l->count = 0;
	l->run_count = 0;
	l->free_count = get_buffers(x, l->free, n);
	for (uint16_t i = 0; i < n; i++) {
		enum wr_drop d;

		if (i + OUT_PREFETCH < n)
			rte_prefetch0(rte_pktmbuf_mtod(m[i + OUT_PREFETCH], const void *));
		d = take(x, l, m[i], now);
		if (unlikely(d != WR_DROP_NONE))
			wr_stats_drop(x->cfg.stats, d, 1);
	}
	rte_pktmbuf_free_bulk(m, n);
	if (unlikely(l->free_count > 0))
		rte_pktmbuf_free_bulk(l->free, l->free_count);
}

// --- headers of the ESP packet -----------------------------------------------------------------

// Transport mode: UDP between the IP header and ESP (RFC 3948 2.1).
static void insert_udp(struct rte_mbuf *m, const struct wr_ipsec_tunnel *t, uint32_t ip_len)
{
	uint8_t *ip = (uint8_t *)rte_pktmbuf_prepend(m, IPSEC_UDP_LEN);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + ip_len);

	memmove(ip, ip + IPSEC_UDP_LEN, ip_len);
	udp->src_port = rte_cpu_to_be_16(t->udp_port);
	udp->dst_port = udp->src_port;
	if (t->inner_v4) {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;

		h->next_proto_id = IPPROTO_UDP;
		h->total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	} else {
		struct rte_ipv6_hdr *h = (struct rte_ipv6_hdr *)ip;

		h->proto = IPPROTO_UDP;
		h->payload_len = rte_cpu_to_be_16((uint16_t)(m->pkt_len - ip_len));
	}
}

// IPv4 goes without a UDP checksum (RFC 3948 2.1); IPv6 may not (RFC 8200 8.1).
static void finish_udp(struct rte_mbuf *m, uint32_t ip_len, bool v4)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(ip + ip_len);
	const struct rte_ipv6_hdr *h = (const struct rte_ipv6_hdr *)ip;
	uint16_t len = (uint16_t)(m->pkt_len - ip_len);
	struct wr_addr src, dst;

	udp->dgram_len = rte_cpu_to_be_16(len);
	udp->dgram_cksum = 0;
	if (v4)
		return;
	src = wr_addr_from_v6(h->src_addr);
	dst = wr_addr_from_v6(h->dst_addr);
	udp->dgram_cksum =
		wr_csum_finish(wr_csum_add(wr_csum_pseudo(&src, &dst, IPPROTO_UDP, len), udp, len));
	if (udp->dgram_cksum == 0)
		udp->dgram_cksum = UINT16_MAX;
}

static inline void finish(struct rte_mbuf *m, const struct wr_ipsec_sa *sa)
{
	const struct wr_ipsec_tunnel *t = sa->t;
	bool v4 = wr_addr_is_v4(&t->remote);
	uint32_t ip_len = sizeof(struct rte_ipv6_hdr);
	struct rte_ipv4_hdr *ip;

	if (v4)
		ip_len = rte_ipv4_hdr_len(rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *));
	if (t->udp_port != 0) {
		if (t->mode == WR_IPSEC_TRANSPORT)
			insert_udp(m, t, ip_len);
		finish_udp(m, ip_len, v4);
	}
	if (v4) {
		ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
		ip->fragment_offset |= rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
		ip->hdr_checksum = 0;
		ip->hdr_checksum = wr_csum_finish(wr_csum_add(0, ip, ip_len));
	}
	m->ol_flags = 0;
	m->tx_offload = 0;
}

// The good packets of a run to `out`; the others end here.
static uint16_t give(
	struct wr_ipsec *x, const struct ipsec_run *r, struct rte_mbuf **m, struct rte_mbuf **out)
{
	for (uint16_t i = 0; i < r->good; i++) {
		finish(m[i], r->sa);
		out[i] = m[i];
	}
	if (unlikely(r->good < r->count)) {
		rte_pktmbuf_free_bulk(m + r->good, r->count - r->good);
		wr_stats_drop(x->cfg.stats, WR_DROP_ipsec_out_queue_full, r->count - r->good);
	}
	return r->good;
}

static uint16_t out_burst(
	struct wr_ipsec *x, struct rte_mbuf **m, uint16_t n, struct rte_mbuf **out, wr_us_t now)
{
	struct leaving l;
	uint16_t made = 0;

	take_burst(x, &l, m, n, now);
	ipsec_crypt(x, l.runs, l.run_count, l.m);
	for (uint16_t i = 0; i < l.run_count; i++)
		made += give(x, &l.runs[i], l.m + l.runs[i].first, out + made);
	wr_stats_add(x->cfg.stats, WR_CTR_ipsec_out, made);
	return made;
}

uint16_t wr_ipsec_out(
	struct wr_ipsec *x, struct rte_mbuf **m, uint16_t n, struct rte_mbuf **out, wr_us_t now)
{
	uint16_t made = 0;

	for (uint16_t i = 0; i < n; i += IPSEC_BURST)
		made += out_burst(
			x, m + i, RTE_MIN((uint16_t)(n - i), IPSEC_BURST), out + made, now);
	return made;
}

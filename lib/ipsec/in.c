/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

#include <netinet/in.h>
#include <string.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_prefetch.h>

#include "wr_csum.h"

#define IN_PREFETCH 4
#define IN_IP4_MAX  60 // longest IPv4 header
#define IN_ECN      0x03
#define IN_ECN_CE   0x03
#define IN_ECN_ECT1 0x01

// What must be known of a packet after it was opened; m->hash.usr is its number.
struct arrived {
	uint16_t eth_off; // of its Ethernet header in the buffer
	uint8_t tos;      // outside
	uint64_t number;
};

struct arriving {
	struct rte_mbuf *m[WR_BURST];
	struct arrived of[WR_BURST];
	struct ipsec_run runs[WR_BURST];
	uint16_t count, run_count;
};

// Where ESP is in a packet, and its length; false when UDP around it is wrong.
static inline bool find_esp(
	const struct wr_pkt *p, const struct wr_ipsec_sa *sa, uint32_t *off, uint32_t *len)
{
	uint8_t buf[2];
	const uint8_t *at;
	uint32_t udp;

	*off = p->l2_len + p->l3_len;
	*len = p->payload_len;
	if (sa->t->udp_port == 0)
		return true;
	at = rte_pktmbuf_read(p->m, *off + 4, sizeof(buf), buf);
	if (at == NULL)
		return false;
	udp = (uint32_t)at[0] << 8 | at[1];
	if (udp > *len || udp < IPSEC_UDP_LEN)
		return false;
	*off += IPSEC_UDP_LEN;
	*len = udp - IPSEC_UDP_LEN;
	return true;
}

static inline uint32_t esp_sequence(const struct rte_mbuf *m, uint32_t off)
{
	uint8_t buf[4];
	const uint8_t *at = rte_pktmbuf_read(m, off + 4, sizeof(buf), buf);

	if (unlikely(at == NULL)) // never: the length was checked
		return 0;
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// Whether ESP of this length can hold anything (RFC 4303 2.4), so that rte_ipsec refuses a packet
// before it is decrypted only for its sequence number.
static inline bool length_ok(const struct wr_ipsec_sa *sa, const struct wr_pkt *p, uint32_t len)
{
	uint32_t around = IPSEC_ESP_LEN + sa->iv_len + IPSEC_ICV_LEN;

	if (len < around + sa->align || (len - around) % sa->align != 0)
		return false;
	if (sa->t->mode == WR_IPSEC_TUNNEL)
		return true;
	return p->l3_len <= (sa->t->inner_v4 ? IN_IP4_MAX : sizeof(struct rte_ipv6_hdr));
}

// The packet as one piece of `len` bytes that may be written to, or NULL.
static inline struct rte_mbuf *own(struct wr_ipsec *x, struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *copy;

	if (likely(RTE_MBUF_DIRECT(m) && rte_mbuf_refcnt_read(m) == 1 && m->nb_segs == 1 &&
		    (uint32_t)m->buf_len >= m->data_off + len + WR_IPSEC_TAILROOM)) {
		m->data_len = (uint16_t)len; // without what Ethernet padded
		m->pkt_len = len;
		return m;
	}
	copy = rte_pktmbuf_copy(m, x->cfg.rx, 0, len);
	if (copy != NULL && (copy->nb_segs > 1 || rte_pktmbuf_tailroom(copy) < WR_IPSEC_TAILROOM)) {
		rte_pktmbuf_free(copy);
		copy = NULL;
	}
	if (copy == NULL)
		return NULL;
	rte_pktmbuf_free(m);
	wr_stats_add(x->cfg.stats, WR_CTR_ipsec_in_copied, 1);
	return copy;
}

// Transport mode in UDP: take UDP out, as if ESP had come right on IP; ESP protects neither.
static void remove_udp(struct rte_mbuf *m, const struct wr_pkt *p, bool v4)
{
	uint32_t len = p->l2_len + p->l3_len;
	uint8_t *at = rte_pktmbuf_mtod(m, uint8_t *);

	memmove(at + IPSEC_UDP_LEN, at, len);
	at = (uint8_t *)rte_pktmbuf_adj(m, IPSEC_UDP_LEN) + p->l2_len;
	if (v4)
		((struct rte_ipv4_hdr *)at)->next_proto_id = IPPROTO_ESP;
	else
		((struct rte_ipv6_hdr *)at)->proto = IPPROTO_ESP;
}

// Take one packet into the burst. A reason: it was not, and is still the caller's.
static inline enum wr_drop take(struct wr_ipsec *x, struct arriving *a, const struct wr_pkt *p,
	struct wr_ipsec_sa *sa, wr_us_t now)
{
	struct arrived *of = &a->of[a->count];
	uint32_t off, len;
	struct rte_mbuf *m;
	uint64_t number;

	if (unlikely(!find_esp(p, sa, &off, &len) || !length_ok(sa, p, len)))
		return WR_DROP_ipsec_malformed;
	if (unlikely(!ipsec_sa_alive(sa, 0, now)))
		return WR_DROP_ipsec_expired;
	number = window_number(sa, esp_sequence(p->m, off));
	if (unlikely(!window_open(sa, number)))
		return WR_DROP_ipsec_replay;
	m = own(x, p->m, off + len);
	if (unlikely(m == NULL))
		return WR_DROP_ipsec_in_no_buffer;
	of->number = number;
	of->eth_off = m->data_off;
	of->tos = p->tos;
	if (sa->t->mode == WR_IPSEC_TUNNEL) {
		rte_pktmbuf_adj(m, (uint16_t)off); // nothing outside is needed any more
		m->tx_offload = 0;
	} else {
		if (sa->t->udp_port != 0)
			remove_udp(m, p, sa->t->inner_v4);
		of->eth_off = m->data_off;
		m->tx_offload = rte_mbuf_tx_offload(p->l2_len, p->l3_len, 0, 0, 0, 0, 0);
	}
	// Nothing that the NIC or the driver said holds for what is inside.
	m->ol_flags = 0;
	m->packet_type = 0;
	m->vlan_tci = 0;
	m->hash.usr = a->count;
	a->m[a->count] = m;
	a->run_count = ipsec_run_add(a->runs, a->run_count, sa, a->count);
	a->count++;
	return WR_DROP_NONE;
}

static void take_burst(struct wr_ipsec *x, struct arriving *a, const struct wr_pkt *p,
	struct wr_ipsec_sa *const *sa, uint16_t n, wr_us_t now)
{
	a->count = 0;
	a->run_count = 0;
	for (uint16_t i = 0; i < n; i++) {
		enum wr_drop d;

		if (i + IN_PREFETCH < n)
			rte_prefetch0(rte_pktmbuf_mtod(p[i + IN_PREFETCH].m, const void *));
		d = take(x, a, &p[i], sa[i], now);
		if (likely(d == WR_DROP_NONE))
			continue;
		if (d == WR_DROP_ipsec_malformed)
			ipsec_count(&sa[i]->malformed, 1);
		if (d == WR_DROP_ipsec_replay)
			ipsec_count(&sa[i]->replayed, 1);
		wr_stats_drop(x->cfg.stats, d, 1);
		rte_pktmbuf_free(p[i].m);
	}
}

// --- what was inside ----------------------------------------------------------------------------

// Source of an IP packet that is TCP and no fragment; false when it is anything else.
static inline bool tcp_source(const uint8_t *ip, uint32_t len, bool v4, struct wr_addr *src)
{
	const struct rte_ipv4_hdr *h4 = (const struct rte_ipv4_hdr *)ip;
	const struct rte_ipv6_hdr *h6 = (const struct rte_ipv6_hdr *)ip;

	if (v4) {
		if (len < sizeof(*h4) || ip[0] >> 4 != 4 || rte_ipv4_hdr_len(h4) < sizeof(*h4) ||
			h4->next_proto_id != IPPROTO_TCP ||
			(h4->fragment_offset & rte_cpu_to_be_16((uint16_t)~RTE_IPV4_HDR_DF_FLAG)) !=
				0)
			return false;
		*src = wr_addr_from_v4(h4->src_addr);
		return true;
	}
	if (len < sizeof(*h6) || ip[0] >> 4 != 6 || h6->proto != IPPROTO_TCP)
		return false;
	*src = wr_addr_from_v6(h6->src_addr);
	return true;
}

// RFC 4301 5.2: what comes out must be what the association is for.
static inline bool selected(
	const struct wr_ipsec *x, const struct wr_ipsec_sa *sa, const uint8_t *ip, uint32_t len)
{
	const struct wr_prefix *to = x->cfg.to[sa->tunnel];
	struct wr_addr src;

	if (!tcp_source(ip, len, sa->t->inner_v4, &src))
		return false;
	for (uint32_t i = 0; i < x->cfg.to_count[sa->tunnel]; i++)
		if (wr_prefix_contains(&to[i], &src))
			return true;
	return false;
}

// Congestion that was marked outside reaches the ends (RFC 6040 4.2). False: marked although the
// ends do not know ECN, to be dropped.
static inline bool merge_ecn(uint8_t *ip, bool v4, uint8_t outer)
{
	struct rte_ipv4_hdr *h4 = (struct rte_ipv4_hdr *)ip;
	uint8_t tos = v4 ? h4->type_of_service : (uint8_t)(ip[0] << 4 | ip[1] >> 4);
	uint8_t inner = tos & IN_ECN;
	uint16_t was, is;

	outer &= IN_ECN;
	if (likely(outer == inner || inner == IN_ECN_CE))
		return true;
	if (inner == 0)
		return outer != IN_ECN_CE;
	if (outer != IN_ECN_CE && outer != IN_ECN_ECT1)
		return true;
	tos = (uint8_t)((tos & ~IN_ECN) | outer);
	if (!v4) {
		ip[1] = (uint8_t)((ip[1] & 0x0f) | tos << 4);
		return true;
	}
	memcpy(&was, ip, sizeof(was));
	h4->type_of_service = tos;
	memcpy(&is, ip, sizeof(is));
	// RFC 1624 3, equation 3: a header that was wrong stays so.
	h4->hdr_checksum = wr_csum_finish(
		(uint16_t)~h4->hdr_checksum + (uint32_t)(uint16_t)~was + (uint32_t)is);
	return true;
}

// An opened packet of tunnel mode: the Ethernet header that it came with in front again.
static inline enum wr_drop open_tunnel(const struct wr_ipsec *x, const struct wr_ipsec_sa *sa,
	struct rte_mbuf *m, const struct arrived *of)
{
	uint8_t *ip = rte_pktmbuf_mtod(m, uint8_t *);
	uint16_t type = sa->t->inner_v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6;
	struct rte_ether_hdr *eth;

	if (unlikely(!selected(x, sa, ip, m->pkt_len)))
		return WR_DROP_ipsec_selector;
	if (unlikely(!merge_ecn(ip, sa->t->inner_v4, of->tos)))
		return WR_DROP_ipsec_malformed;
	eth = (struct rte_ether_hdr *)rte_pktmbuf_prepend(m, sizeof(*eth));
	memmove(eth, (const uint8_t *)m->buf_addr + of->eth_off, 2 * RTE_ETHER_ADDR_LEN);
	eth->ether_type = rte_cpu_to_be_16(type);
	return WR_DROP_NONE;
}

// Of transport mode: its own IP header has changed, and a tag goes.
static inline enum wr_drop open_transport(
	const struct wr_ipsec *x, const struct wr_ipsec_sa *sa, struct rte_mbuf *m)
{
	uint32_t l2 = m->l2_len, ip_len = m->l3_len;
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, l2);
	struct rte_ether_hdr *eth;

	if (sa->t->inner_v4) {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;

		h->hdr_checksum = 0;
		h->hdr_checksum = wr_csum_finish(wr_csum_add(0, h, ip_len));
	}
	if (unlikely(!selected(x, sa, ip, m->pkt_len - l2)))
		return WR_DROP_ipsec_selector;
	if (l2 > sizeof(*eth)) {
		memmove(ip - sizeof(*eth), rte_pktmbuf_mtod(m, uint8_t *), 2 * RTE_ETHER_ADDR_LEN);
		rte_pktmbuf_adj(m, (uint16_t)(l2 - sizeof(*eth)));
		eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
		eth->ether_type = rte_cpu_to_be_16(
			sa->t->inner_v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);
	}
	return WR_DROP_NONE;
}

// Count what authenticated, whatever is inside.
static inline void account(struct wr_ipsec *x, struct wr_ipsec_sa *sa, uint32_t bytes)
{
	ipsec_count(&sa->packets, 1);
	ipsec_count(&sa->bytes, bytes);
	wr_stats_add(x->cfg.stats, WR_CTR_ipsec_in, 1);
	wr_stats_add(x->cfg.stats, WR_CTR_ipsec_in_bytes, bytes);
}

static void refuse(struct wr_ipsec *x, struct rte_mbuf *m, enum wr_drop why, uint64_t *count)
{
	ipsec_count(count, 1);
	wr_stats_drop(x->cfg.stats, why, 1);
	rte_pktmbuf_free(m);
}

// What rte_ipsec did not let through.
static void refuse_rest(struct wr_ipsec *x, const struct ipsec_run *r, struct rte_mbuf **m)
{
	struct wr_ipsec_sa *sa = r->sa;

	for (uint16_t i = r->good; i < r->count; i++) {
		if (i < r->ready && (m[i]->ol_flags & RTE_MBUF_F_RX_SEC_OFFLOAD_FAILED) != 0)
			refuse(x, m[i], WR_DROP_ipsec_authentication, &sa->forged);
		else if (i < r->ready && (m[i]->ol_flags & RTE_MBUF_F_RX_SEC_OFFLOAD) != 0)
			refuse(x, m[i], WR_DROP_ipsec_malformed, &sa->malformed);
		else // before it was opened, or the second of its number in this burst
			refuse(x, m[i], WR_DROP_ipsec_replay, &sa->replayed);
	}
}

static uint16_t give(struct wr_ipsec *x, const struct arriving *a, const struct ipsec_run *r,
	struct rte_mbuf *const *m, struct rte_mbuf **out)
{
	bool tunnel = r->sa->t->mode == WR_IPSEC_TUNNEL;
	uint16_t made = 0;

	for (uint16_t i = 0; i < r->good; i++) {
		const struct arrived *of = &a->of[m[i]->hash.usr];
		enum wr_drop d;

		if (unlikely(!window_take(r->sa, of->number))) { // twice in this burst
			refuse(x, m[i], WR_DROP_ipsec_replay, &r->sa->replayed);
			continue;
		}
		account(x, r->sa, m[i]->pkt_len - m[i]->l2_len);
		d = tunnel ? open_tunnel(x, r->sa, m[i], of) : open_transport(x, r->sa, m[i]);
		if (unlikely(d != WR_DROP_NONE)) {
			refuse(x, m[i], d,
				d == WR_DROP_ipsec_selector ? &r->sa->misplaced
							    : &r->sa->malformed);
			continue;
		}
		m[i]->tx_offload = 0;
		m[i]->packet_type = 0;
		m[i]->hash.usr = 0;
		m[i]->ol_flags = RTE_MBUF_F_RX_SEC_OFFLOAD;
		out[made++] = m[i];
	}
	return made;
}

uint16_t wr_ipsec_in(struct wr_ipsec *x, const struct wr_pkt *p, struct wr_ipsec_sa *const *sa,
	uint16_t n, struct rte_mbuf **out, wr_us_t now)
{
	struct arriving a;
	uint16_t made = 0;

	take_burst(x, &a, p, sa, n, now);
	ipsec_crypt(x, a.runs, a.run_count, a.m);
	for (uint16_t i = 0; i < a.run_count; i++) {
		struct rte_mbuf **m = a.m + a.runs[i].first;

		made += give(x, &a, &a.runs[i], m, out + made);
		if (unlikely(a.runs[i].good < a.runs[i].count))
			refuse_rest(x, &a.runs[i], m);
	}
	return made;
}

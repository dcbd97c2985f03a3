/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ipsec_test.h"
#include "esp_vectors.h"

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

// One packet there: what arrives is what was sent, with good checksums, and the frame is one.
static void assert_there(struct rig *r, uint32_t len)
{
	struct rte_mbuf *m = rig_tcp(r, 0, len, 0), *sealed, *got;
	uint8_t want[2048];
	uint32_t n = rig_plain(r, m, want);
	struct wr_pkt p;

	assert_int_equal(wr_ipsec_out(r->x, &m, 1, &sealed, 0), 1);
	assert_int_equal(sealed->port, 0);
	assert_int_equal(sealed->nb_segs, 1);
	assert_int_equal(sealed->ol_flags, 0);
	rig_wire(sealed);
	assert_int_equal(rig_open(r, &sealed, 1, &got, 0), 1);
	assert_int_equal(got->port, 3);
	assert_int_equal(got->ol_flags, RTE_MBUF_F_RX_SEC_OFFLOAD);
	assert_int_equal(got->pkt_len, n + RTE_ETHER_HDR_LEN);
	wr_parse_frame(&p, got, 0);
	assert_int_equal(p.drop, WR_DROP_NONE);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.payload_len, len);
	assert_memory_equal(rte_pktmbuf_mtod_offset(got, void *, RTE_ETHER_HDR_LEN), want, n);
	rte_pktmbuf_free(got);
}

struct shape {
	enum wr_ipsec_cipher cipher;
	enum wr_ipsec_mode mode;
	bool outer_v4, inner_v4, udp, esn;
};

static void shape_start(struct rig *r, const struct shape *s)
{
	rig_tunnel(r, 0, s->cipher, s->mode, s->outer_v4, s->inner_v4);
	r->near[0].udp_port = s->udp ? RIG_PORT : 0;
	r->near[0].esn = s->esn;
	rig_start(r);
}

// Number i of all that there are; false for what is none.
static bool shape_of(uint32_t i, struct shape *s)
{
	*s = (struct shape){
		.cipher = i & 3,
		.mode = i >> 2 & 1,
		.outer_v4 = i >> 3 & 1,
		.inner_v4 = i >> 4 & 1,
		.udp = i >> 5 & 1,
		.esn = i >> 6 & 1,
	};
	return s->mode == WR_IPSEC_TUNNEL || s->outer_v4 == s->inner_v4;
}

#define SHAPES 128

static void shape_there(const struct shape *s)
{
	static const uint32_t sizes[] = {
		0, 1, 2, 3, 4, 13, 14, 15, 16, 17, 64, 512, 1000, 1333, 1399, 1400};
	struct rig r = {.tunnels = 0};

	shape_start(&r, s);
	for (uint32_t i = 0; i < RTE_DIM(sizes); i++)
		assert_there(&r, sizes[i]);
	assert_int_equal(r.near_stats.ctr[WR_CTR_ipsec_out], RTE_DIM(sizes));
	assert_int_equal(r.far_stats.ctr[WR_CTR_ipsec_in], RTE_DIM(sizes));
	assert_int_equal(r.far_stats.ctr[WR_CTR_ipsec_in_copied], 0);
	assert_int_equal(
		r.near_stats.ctr[WR_CTR_ipsec_out_bytes], r.far_stats.ctr[WR_CTR_ipsec_in_bytes]);
	rig_stop(&r);
}

static void out_round_trip_every_shape(void **state)
{
	struct shape s;

	for (uint32_t i = 0; i < SHAPES; i++)
		if (shape_of(i, &s))
			shape_there(&s);
}

static void out_round_trip_every_size(void **state)
{
	for (uint32_t c = 0; c < WR_IPSEC_CIPHERS; c++) {
		struct shape s = {
			.cipher = c, .outer_v4 = true, .inner_v4 = true, .udp = true, .esn = true};
		struct rig r = {.tunnels = 0};

		shape_start(&r, &s);
		for (uint32_t n = 0; n <= 1400; n++)
			assert_there(&r, n);
		rig_stop(&r);
	}
}

// The largest packet that wr_ipsec_inner_mtu() allows makes one of at most the MTU, and one byte
// more does not.
static void out_length_is_what_inner_mtu_says(void **state)
{
	struct shape s;

	for (uint32_t i = 0; i < SHAPES; i++) {
		struct rig r = {.tunnels = 0};
		uint16_t plain;

		if (!shape_of(i, &s))
			continue;
		shape_start(&r, &s);
		plain = wr_ipsec_inner_mtu(&r.near[0], 1400);
		for (uint32_t more = 0; more < 2; more++) {
			uint32_t headers = s.inner_v4 ? 40 : 60;
			struct rte_mbuf *m = rig_tcp(&r, 0, plain - headers + more, 0), *out;

			assert_int_equal(m->pkt_len, plain + more);
			assert_int_equal(wr_ipsec_out(r.x, &m, 1, &out, 0), 1);
			if (more == 0)
				assert_in_range(out->pkt_len, 1400 - 15, 1400);
			else
				assert_true(out->pkt_len > 1400);
			rte_pktmbuf_free(out);
		}
		rig_stop(&r);
	}
}

static void out_source_untouched(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *body, *head, *more, *out;
	uint8_t before[3][512];
	const uint32_t lens[] = {40, 301, 99};
	struct rte_mbuf *seg[3];

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	head = rig_tcp(&r, 0, 0, 0);
	memset(before, 0x5a, sizeof(before));
	body = rig_bytes(&r, before[1], lens[1]);
	more = rte_pktmbuf_alloc(
		r.rx); // as a send queue does: an indirect buffer shares the payload
	rte_pktmbuf_attach(more, body);
	assert_int_equal(rte_mbuf_refcnt_read(body), 2);
	assert_int_equal(rte_pktmbuf_chain(head, more), 0);
	assert_int_equal(rte_pktmbuf_chain(head, rig_bytes(&r, before[2], lens[2])), 0);
	seg[0] = head;
	seg[1] = head->next;
	seg[2] = head->next->next;
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(seg[i]->data_len, lens[i]);
		memcpy(before[i], rte_pktmbuf_mtod(seg[i], void *), lens[i]);
		rte_mbuf_refcnt_update(seg[i], 1); // to look at them afterwards
	}
	assert_int_equal(wr_ipsec_out(r.x, &head, 1, &out, 0), 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(rte_mbuf_refcnt_read(seg[i]), 1);
	assert_memory_equal(rte_pktmbuf_mtod(head, void *), before[0], lens[0]);
	assert_memory_equal(rte_pktmbuf_mtod(body, void *), before[1], lens[1]);
	assert_memory_equal(rte_pktmbuf_mtod(seg[2], void *), before[2], lens[2]);
	for (uint32_t i = 0; i < 3; i++)
		rte_pktmbuf_free_seg(seg[i]);
	assert_int_equal(rte_mbuf_refcnt_read(body), 1);
	assert_memory_equal(rte_pktmbuf_mtod(body, void *), before[1], lens[1]);
	rte_pktmbuf_free(body);
	rte_pktmbuf_free(out);
	rig_stop(&r);
}

#define MANY 150

// Two tunnels with different drivers, more than a burst at once: each packet comes out in its place
// and opens to what it was.
static void out_order_kept_two_tunnels(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m[MANY], *out[MANY], *got;
	uint64_t seen[2] = {0, 0};

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_256, WR_IPSEC_TUNNEL, true, true);
	rig_tunnel(&r, 1, WR_IPSEC_AES_CBC_128_SHA256, WR_IPSEC_TUNNEL, false, true);
	rig_start(&r);
	for (uint32_t i = 0; i < MANY; i++)
		m[i] = rig_tcp(&r, i % 7 < 3, i, 0);
	assert_int_equal(wr_ipsec_out(r.x, m, MANY, out, 0), MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		struct wr_pkt p;

		assert_int_equal(out[i]->port, i % 7 < 3);
		seen[out[i]->port]++;
		rig_wire(out[i]);
		assert_int_equal(rig_open(&r, &out[i], 1, &got, 0), 1);
		wr_parse_frame(&p, got, 0);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.seq, i);
		rte_pktmbuf_free(got);
	}
	assert_true(seen[0] > 0 && seen[1] > 0);
	rig_stop(&r);
}

static void out_headers_ipv4(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m, *out;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	r.near[0].udp_port = RIG_PORT;
	rig_start(&r);
	for (uint32_t tos = 0; tos < 256; tos += 5) {
		struct rte_ipv4_hdr *ip;
		struct rte_udp_hdr *udp;

		m = rig_tcp(&r, 0, 100, (uint8_t)tos);
		assert_int_equal(wr_ipsec_out(r.x, &m, 1, &out, 0), 1);
		ip = rte_pktmbuf_mtod(out, struct rte_ipv4_hdr *);
		udp = (struct rte_udp_hdr *)(ip + 1);
		assert_int_equal(ip->type_of_service, tos); // RFC 6040 4.1, RFC 4301 5.1.2.1
		assert_int_equal(ip->fragment_offset, rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG));
		assert_int_equal(ip->time_to_live, 64);
		assert_int_equal(ip->next_proto_id, IPPROTO_UDP);
		assert_int_equal(rte_be_to_cpu_16(ip->total_length), out->pkt_len);
		assert_int_equal(wr_csum_finish(wr_csum_add(0, ip, sizeof(*ip))), 0);
		assert_int_equal(udp->src_port, rte_cpu_to_be_16(RIG_PORT));
		assert_int_equal(udp->dst_port, rte_cpu_to_be_16(RIG_PORT));
		assert_int_equal(rte_be_to_cpu_16(udp->dgram_len), out->pkt_len - sizeof(*ip));
		assert_int_equal(udp->dgram_cksum, 0); // RFC 3948 2.1
		rte_pktmbuf_free(out);
	}
	rig_stop(&r);
}

static void out_headers_ipv6(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m, *out;

	rig_tunnel(&r, 0, WR_IPSEC_AES_CBC_256_SHA256, WR_IPSEC_TUNNEL, false, false);
	r.near[0].udp_port = RIG_PORT;
	rig_start(&r);
	for (uint32_t tos = 0; tos < 256; tos += 3) {
		struct rte_ipv6_hdr *ip;
		uint32_t len, sum;

		m = rig_tcp(&r, 0, tos, (uint8_t)tos);
		assert_int_equal(wr_ipsec_out(r.x, &m, 1, &out, 0), 1);
		ip = rte_pktmbuf_mtod(out, struct rte_ipv6_hdr *);
		len = out->pkt_len - sizeof(*ip);
		assert_int_equal(rte_be_to_cpu_32(ip->vtc_flow), 6u << 28 | tos << 20);
		assert_int_equal(ip->hop_limits, 64);
		assert_int_equal(ip->proto, IPPROTO_UDP);
		assert_int_equal(rte_be_to_cpu_16(ip->payload_len), len);
		sum = wr_csum_pseudo(&r.near[0].local, &r.near[0].remote, IPPROTO_UDP, len);
		assert_int_equal(wr_csum_finish(wr_csum_add(sum, ip + 1, len)), 0);
		assert_int_not_equal(((struct rte_udp_hdr *)(ip + 1))->dgram_cksum, 0);
		rte_pktmbuf_free(out);
	}
	rig_stop(&r);
}

static void assert_vector(const struct shape *s, const uint8_t *want, uint32_t len)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m, *out, *got;
	uint8_t plain[256];
	uint32_t n;

	shape_start(&r, s);
	m = rig_tcp(&r, 0, 33, 0);
	n = rig_plain(&r, m, plain);
	assert_int_equal(wr_ipsec_out(r.x, &m, 1, &out, 0), 1);
	assert_int_equal(out->pkt_len, len);
	// Transport mode keeps the packet's own identification; scapy's is the same.
	assert_memory_equal(rte_pktmbuf_mtod(out, void *), want, len);
	rte_pktmbuf_free(out);
	m = rig_bytes(&r, want, len);
	rig_wire(m);
	assert_int_equal(rig_open(&r, &m, 1, &got, 0), 1);
	assert_int_equal(got->pkt_len, n + RTE_ETHER_HDR_LEN);
	assert_memory_equal(rte_pktmbuf_mtod_offset(got, void *, RTE_ETHER_HDR_LEN), plain, n);
	rte_pktmbuf_free(got);
	rig_stop(&r);
}

static void out_known_answer_gcm(void **state)
{
	struct shape s = {.cipher = WR_IPSEC_AES_GCM_128, .outer_v4 = true, .inner_v4 = true};

	assert_vector(&s, esp_gcm128, sizeof(esp_gcm128));
	s = (struct shape){.cipher = WR_IPSEC_AES_GCM_256,
		.mode = WR_IPSEC_TRANSPORT,
		.outer_v4 = true,
		.inner_v4 = true,
		.udp = true,
		.esn = true};
	assert_vector(&s, esp_gcm256, sizeof(esp_gcm256));
}

static void out_known_answer_cbc(void **state)
{
	struct shape s = {.cipher = WR_IPSEC_AES_CBC_128_SHA256, .inner_v4 = true};

	assert_vector(&s, esp_cbc128, sizeof(esp_cbc128));
	s = (struct shape){.cipher = WR_IPSEC_AES_CBC_256_SHA256, .outer_v4 = true, .esn = true};
	assert_vector(&s, esp_cbc256, sizeof(esp_cbc256));
}

// Whatever was opened in between with the same operations, and for equal packets.
static void out_cbc_iv_never_twice(void **state)
{
	struct rig r = {.tunnels = 0};
	uint8_t iv[64][16];

	rig_tunnel(&r, 0, WR_IPSEC_AES_CBC_128_SHA256, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	r.y->cfg.worker = r.x->cfg.worker;
	memcpy(r.y->ops, r.x->ops, sizeof(r.y->ops)); // one worker does both
	for (uint32_t i = 0; i < 64; i++) {
		struct rte_mbuf *m = rig_sealed(&r, 0, 10), *got;

		memcpy(iv[i], rte_pktmbuf_mtod_offset(m, void *, 14 + 20 + 8), 16);
		assert_int_equal(rig_open(&r, &m, 1, &got, 0), 1);
		rte_pktmbuf_free(got);
		for (uint32_t j = 0; j < i; j++)
			assert_memory_not_equal(iv[i], iv[j], 16);
		// Nor is it the number itself.
		assert_memory_not_equal(iv[i], "\0\0\0\0\0\0\0", 7);
	}
	rig_stop(&r);
}

// The same keys once more, as after a restart: other IVs under the same numbers.
static void out_iv_begins_anew_elsewhere(void **state)
{
	static const enum wr_ipsec_cipher ciphers[] = {
		WR_IPSEC_AES_GCM_128, WR_IPSEC_AES_CBC_256_SHA256};

	for (uint32_t c = 0; c < RTE_DIM(ciphers); c++) {
		uint8_t iv[2][8];

		for (uint32_t run = 0; run < 2; run++) {
			struct rig r = {.tunnels = 0};
			struct rte_mbuf *m, *got;

			rig_tunnel(&r, 0, ciphers[c], WR_IPSEC_TUNNEL, true, true);
			r.key[0].iv = run == 0 ? 0 : 0x11223344fffffffeULL;
			rig_start(&r);
			for (uint32_t i = 0; i < 3; i++) {
				m = rig_sealed(&r, 0, 100);
				memcpy(iv[run], rte_pktmbuf_mtod_offset(m, void *, 14 + 20 + 8), 8);
				assert_int_equal(rig_open(&r, &m, 1, &got, 0), 1);
				rte_pktmbuf_free(got);
			}
			rig_stop(&r);
		}
		assert_memory_not_equal(iv[0], iv[1], 8);
		if (ciphers[c] == WR_IPSEC_AES_GCM_128) {
			assert_memory_equal(iv[0], "\0\0\0\0\0\0\0\3", 8);
			assert_memory_equal(iv[1], "\x11\x22\x33\x45\0\0\0\1", 8);
		}
	}
}

// --- what is not sent ------------------------------------------------------------------------

static void assert_dropped(struct rig *r, struct rte_mbuf *m, enum wr_drop why, wr_us_t now)
{
	uint64_t before = r->near_stats.drop[why];
	struct rte_mbuf *out;

	assert_int_equal(wr_ipsec_out(r->x, &m, 1, &out, now), 0);
	assert_int_equal(r->near_stats.drop[why], before + 1);
}

static void assert_sent(struct rig *r, uint32_t len, wr_us_t now)
{
	struct rte_mbuf *m = rig_tcp(r, 0, len, 0), *out;

	assert_int_equal(wr_ipsec_out(r->x, &m, 1, &out, now), 1);
	rte_pktmbuf_free(out);
}

static void out_without_association(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	m = rig_tcp(&r, 0, 10, 0);
	m->port = 1; // no such tunnel
	assert_dropped(&r, m, WR_DROP_ipsec_no_association, 0);
	r.src[0] = rig_addr("2001:db8::1"); // the other family
	r.dst[0] = rig_addr("2001:db8::2");
	assert_dropped(&r, rig_tcp(&r, 0, 10, 0), WR_DROP_ipsec_no_association, 0);
	assert_ptr_equal(wr_ipsec_set_out(r.x, 0, NULL), r.out[0]);
	assert_dropped(&r, rig_tcp(&r, 0, 10, 0), WR_DROP_ipsec_no_association, 0);
	assert_int_equal(r.out[0]->packets, 0);
	rig_stop(&r);
}

static void out_too_big(void **state)
{
	struct rig r = {.tunnels = 0};

	// 2048 bytes behind the headroom, 16 of ICV and 32 of slack: 2000, less 2 of trailer.
	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	assert_sent(&r, 1998 - 40, 0);
	assert_dropped(&r, rig_tcp(&r, 0, 1999 - 40, 0), WR_DROP_ipsec_too_big, 0);
	rig_stop(&r);
}

static void out_no_buffer(void **state)
{
	struct rig r = {.tunnels = 0, .buffers = NULL};
	struct rte_mbuf *m[40], *out[40];

	r.buffers = rte_pktmbuf_pool_create("rig_few", 10, 0, WR_MBUF_PRIV_SIZE, WR_RX_DATAROOM, 0);
	assert_non_null(r.buffers);
	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	for (uint32_t i = 0; i < 40; i++)
		m[i] = rig_tcp(&r, 0, i, 0);
	assert_int_equal(wr_ipsec_out(r.x, m, 40, out, 0), 10);
	assert_int_equal(r.near_stats.drop[WR_DROP_ipsec_no_buffer], 30);
	assert_int_equal(r.out[0]->packets, 10);
	rte_pktmbuf_free_bulk(out, 10);
	assert_sent(&r, 1, 0);
	rig_stop(&r);
	rte_mempool_free(r.buffers);
}

static void out_expiry_packets(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa_info info;
	struct rte_mbuf *m[5], *out[5];

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	r.near[0].life_packets = 3;
	rig_start(&r);
	for (uint32_t i = 0; i < 5; i++)
		m[i] = rig_tcp(&r, 0, 1, 0);
	assert_int_equal(wr_ipsec_out(r.x, m, 5, out, 0), 3); // exact within a burst
	rte_pktmbuf_free_bulk(out, 3);
	assert_int_equal(r.near_stats.drop[WR_DROP_ipsec_no_association], 2);
	wr_ipsec_sa_info(r.out[0], &info);
	assert_true(info.expired);
	assert_int_equal(info.packets, 3);
	assert_int_equal(info.sequence, 4);
	rig_stop(&r);
}

static void out_expiry_bytes(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa_info info;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	r.near[0].life_bytes = 300;
	rig_start(&r);
	assert_sent(&r, 100, 0);
	assert_sent(&r, 120, 0); // 140 + 160
	wr_ipsec_sa_info(r.out[0], &info);
	assert_false(info.expired);
	assert_int_equal(info.bytes, 300);
	assert_dropped(&r, rig_tcp(&r, 0, 0, 0), WR_DROP_ipsec_no_association, 0);
	wr_ipsec_sa_info(r.out[0], &info);
	assert_true(info.expired);
	rig_stop(&r);
}

static void out_expiry_time(void **state)
{
	struct rig r = {.tunnels = 0};

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	r.near[0].life_us = 1000;
	rig_start(&r);
	assert_sent(&r, 1, 999);
	assert_dropped(&r, rig_tcp(&r, 0, 1, 0), WR_DROP_ipsec_no_association, 1000);
	assert_dropped(&r, rig_tcp(&r, 0, 1, 0), WR_DROP_ipsec_no_association, 999); // for good
	rig_stop(&r);
}

// Without ESN a number never comes twice: RFC 4303 3.3.3.
static void out_expiry_numbers_used_up(void **state)
{
	struct rig r = {.tunnels = 0, .sequence = UINT32_MAX - 2};
	struct rte_mbuf *got, *m;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(&r);
	for (uint32_t i = 0; i < 2; i++) {
		m = rig_sealed(&r, 0, 1);
		assert_int_equal(rig_open(&r, &m, 1, &got, 0), 1);
		rte_pktmbuf_free(got);
	}
	assert_dropped(&r, rig_tcp(&r, 0, 1, 0), WR_DROP_ipsec_no_association, 0);
	rig_stop(&r);
}

static void out_esn_wraps(void **state)
{
	for (uint32_t c = 0; c < WR_IPSEC_CIPHERS; c++) {
		struct rig r = {.tunnels = 0, .sequence = (1ULL << 32) - 5};
		struct wr_ipsec_sa_info info;

		rig_tunnel(&r, 0, c, WR_IPSEC_TUNNEL, true, true);
		r.near[0].esn = true;
		rig_start(&r);
		for (uint32_t i = 0; i < 10; i++)
			assert_there(&r, i);
		wr_ipsec_sa_info(r.out[0], &info);
		assert_int_equal(info.sequence, (1ULL << 32) + 5);
		wr_ipsec_sa_info(r.in[0], &info);
		assert_int_equal(info.sequence, (1ULL << 32) + 4);
		rig_stop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_round_trip_every_shape),
		cmocka_unit_test(out_round_trip_every_size),
		cmocka_unit_test(out_length_is_what_inner_mtu_says),
		cmocka_unit_test(out_source_untouched),
		cmocka_unit_test(out_order_kept_two_tunnels),
		cmocka_unit_test(out_headers_ipv4),
		cmocka_unit_test(out_headers_ipv6),
		cmocka_unit_test(out_known_answer_gcm),
		cmocka_unit_test(out_known_answer_cbc),
		cmocka_unit_test(out_cbc_iv_never_twice),
		cmocka_unit_test(out_iv_begins_anew_elsewhere),
		cmocka_unit_test(out_without_association),
		cmocka_unit_test(out_too_big),
		cmocka_unit_test(out_no_buffer),
		cmocka_unit_test(out_expiry_packets),
		cmocka_unit_test(out_expiry_bytes),
		cmocka_unit_test(out_expiry_time),
		cmocka_unit_test(out_expiry_numbers_used_up),
		cmocka_unit_test(out_esn_wraps),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

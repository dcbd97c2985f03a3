/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "ipsec_test.h"

static int group_setup(void **state)
{
	wr_test_eal_init();
	return 0;
}

static const struct {
	enum wr_ipsec_cipher cipher;
	enum wr_ipsec_mode mode;
	bool v4, udp, esn;
} shapes[] = {
	{WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, false, false},
	{WR_IPSEC_AES_GCM_256, WR_IPSEC_TUNNEL, false, true, true},
	{WR_IPSEC_AES_GCM_128, WR_IPSEC_TRANSPORT, true, true, true},
	{WR_IPSEC_AES_CBC_128_SHA256, WR_IPSEC_TUNNEL, true, true, true},
	{WR_IPSEC_AES_CBC_256_SHA256, WR_IPSEC_TRANSPORT, false, false, false},
};

static void shape_start(struct rig *r, uint32_t i)
{
	rig_tunnel(r, 0, shapes[i].cipher, shapes[i].mode, shapes[i].v4, shapes[i].v4);
	r->near[0].udp_port = shapes[i].udp ? RIG_PORT : 0;
	r->near[0].esn = shapes[i].esn;
	rig_start(r);
}

static void gcm_start(struct rig *r)
{
	rig_tunnel(r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_start(r);
}

// A frame once more, as an attacker has recorded it.
static struct rte_mbuf *again(struct rig *r, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, r->rx, 0, UINT32_MAX);

	assert_non_null(copy);
	return copy;
}

static void assert_opened(struct rig *r, struct rte_mbuf *m)
{
	struct rte_mbuf *got;
	struct wr_pkt p;

	assert_int_equal(rig_open(r, &m, 1, &got, 0), 1);
	wr_parse_frame(&p, got, 0);
	assert_int_equal(p.kind, WR_PKT_TCP);
	rte_pktmbuf_free(got);
}

static void assert_refused(struct rig *r, struct rte_mbuf *m, enum wr_drop why)
{
	uint64_t before = r->far_stats.drop[why];
	struct rte_mbuf *got;

	assert_int_equal(rig_open(r, &m, 1, &got, 0), 0);
	assert_int_equal(r->far_stats.drop[why], before + 1);
}

static void in_replay_refused(void **state)
{
	for (uint32_t i = 0; i < RTE_DIM(shapes); i++) {
		struct rig r = {.tunnels = 0};
		struct wr_ipsec_sa_info info;
		struct rte_mbuf *m, *copy;

		shape_start(&r, i);
		m = rig_sealed(&r, 0, 50);
		copy = again(&r, m);
		assert_opened(&r, m);
		assert_refused(&r, copy, WR_DROP_ipsec_replay);
		wr_ipsec_sa_info(r.in[0], &info);
		assert_int_equal(info.replayed, 1);
		assert_int_equal(info.packets, 1);
		assert_int_equal(info.sequence, 1);
		assert_opened(&r, rig_sealed(&r, 0, 50));
		rig_stop(&r);
	}
}

static void in_replay_within_burst(void **state)
{
	for (uint32_t i = 0; i < RTE_DIM(shapes); i++) {
		struct rig r = {.tunnels = 0};
		struct rte_mbuf *m[4], *got[4];

		shape_start(&r, i);
		m[0] = rig_sealed(&r, 0, 50);
		m[1] = again(&r, m[0]);
		m[2] = rig_sealed(&r, 0, 51);
		m[3] = again(&r, m[2]);
		assert_int_equal(rig_open(&r, m, 4, got, 0), 2);
		assert_int_equal(r.far_stats.drop[WR_DROP_ipsec_replay], 2);
		assert_int_equal(r.in[0]->replayed, 2);
		rte_pktmbuf_free_bulk(got, 2);
		rig_stop(&r);
	}
}

// Each number once, in order, in each place of a window's words.
static void in_replay_every_number(void **state)
{
	for (uint32_t i = 0; i < 8; i++) {
		struct rig r = {.tunnels = 0, .sequence = i & 1 ? (1ULL << 32) - 100 : 0};

		rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
		r.near[0].esn = i & 1;
		r.near[0].replay_window = 64u << i / 2 * 2; // to 4096
		rig_start(&r);
		for (uint32_t n = 0; n < 300; n++) {
			struct rte_mbuf *m = rig_sealed(&r, 0, 1), *copy = again(&r, m);

			assert_opened(&r, m);
			assert_refused(&r, copy, WR_DROP_ipsec_replay);
		}
		rig_stop(&r);
	}
}

// Any order, against a plain list of what has come.
static void in_replay_any_order(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m[1000];
	bool seen[1000] = {false};
	uint32_t top = 0, seed = 7;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	r.near[0].esn = true;
	r.near[0].replay_window = 100; // no multiple of a word
	rig_start(&r);
	for (uint32_t i = 0; i < 1000; i++)
		m[i] = rig_sealed(&r, 0, 1);
	for (uint32_t n = 0; n < 4000; n++) {
		uint32_t i;

		seed = seed * 1664525 + 1013904223;
		i = RTE_MIN(n / 4 + (seed >> 16) % 160, 999u);
		if (!seen[i] && (i >= top || top - i < 100)) {
			assert_opened(&r, again(&r, m[i]));
			seen[i] = true;
			top = RTE_MAX(top, i);
		} else {
			assert_refused(&r, again(&r, m[i]), WR_DROP_ipsec_replay);
		}
	}
	rte_pktmbuf_free_bulk(m, 1000);
	rig_stop(&r);
}

// Reordered inside the window is fine, behind it is not.
static void in_replay_window(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m[200];

	gcm_start(&r);
	for (uint32_t i = 0; i < 200; i++)
		m[i] = rig_sealed(&r, 0, i);
	assert_opened(&r, m[150]);
	assert_opened(&r, m[149]);
	assert_opened(&r, m[100]); // 50 back
	assert_refused(&r, m[10], WR_DROP_ipsec_replay);
	assert_opened(&r, m[199]);
	assert_refused(&r, m[101], WR_DROP_ipsec_replay);
	for (uint32_t i = 0; i < 200; i++)
		if (i != 150 && i != 149 && i != 100 && i != 10 && i != 199 && i != 101)
			rte_pktmbuf_free(m[i]);
	rig_stop(&r);
}

// Every byte from ESP on, wrong by each of some bits.
static void forge(struct rig *r, uint32_t off)
{
	struct rte_mbuf *good = rig_sealed(r, 0, 37), *m;
	uint32_t n = 0;

	for (uint32_t i = off + 4; i < good->pkt_len; i++) {
		for (uint32_t bit = i % 3; bit < 8; bit += 3) {
			m = again(r, good);
			*rte_pktmbuf_mtod_offset(m, uint8_t *, i) ^= (uint8_t)(1u << bit);
			// Without ESN a forged number may also look old.
			if (i < off + 8 && !r->near[0].esn) {
				rte_pktmbuf_free(m);
				continue;
			}
			if (i < off + 8) { // or be so with it
				struct rte_mbuf *got;

				assert_int_equal(rig_open(r, &m, 1, &got, 0), 0);
				continue;
			}
			assert_refused(r, m, WR_DROP_ipsec_authentication);
			n++;
		}
	}
	assert_int_equal(r->in[0]->packets, 0);
	assert_true(r->in[0]->forged >= n);
	assert_opened(r, good); // forgeries have not moved the window
}

static uint32_t esp_offset(const struct rig *r)
{
	return RTE_ETHER_HDR_LEN + (wr_addr_is_v4(&r->near[0].remote) ? 20 : 40) +
	       (r->near[0].udp_port != 0 ? 8 : 0);
}

static void in_forged_byte_anywhere(void **state)
{
	for (uint32_t i = 0; i < RTE_DIM(shapes); i++) {
		struct rig r = {.tunnels = 0};

		shape_start(&r, i);
		forge(&r, esp_offset(&r));
		rig_stop(&r);
	}
}

// A number that was never sent, above the window: authentication tells.
static void in_forged_sequence(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m;

	gcm_start(&r);
	m = rig_sealed(&r, 0, 10);
	*rte_pktmbuf_mtod_offset(m, uint8_t *, esp_offset(&r) + 6) = 9;
	assert_refused(&r, m, WR_DROP_ipsec_authentication);
	assert_int_equal(r.in[0]->sequence, 0);
	rig_stop(&r);
}

// Cut to `len` bytes behind the Ethernet header, IP and UDP lengths made to fit.
static void cut_to(struct rig *r, struct rte_mbuf *m, uint32_t len)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, RTE_ETHER_HDR_LEN);
	bool v4 = wr_addr_is_v4(&r->near[0].remote);

	m->data_len = (uint16_t)(len + RTE_ETHER_HDR_LEN);
	m->pkt_len = m->data_len;
	if (v4) {
		struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;

		h->total_length = rte_cpu_to_be_16((uint16_t)len);
		h->hdr_checksum = 0;
		h->hdr_checksum = wr_csum_finish(wr_csum_add(0, h, sizeof(*h)));
	} else {
		((struct rte_ipv6_hdr *)ip)->payload_len = rte_cpu_to_be_16((uint16_t)(len - 40));
	}
	if (r->near[0].udp_port != 0 && len >= (v4 ? 28u : 48u))
		((struct rte_udp_hdr *)(ip + (v4 ? 20 : 40)))->dgram_len =
			rte_cpu_to_be_16((uint16_t)(len - (v4 ? 20 : 40)));
}

static void in_truncated_at_every_length(void **state)
{
	for (uint32_t i = 0; i < RTE_DIM(shapes); i++) {
		struct rig r = {.tunnels = 0};
		struct rte_mbuf *good, *m, *got;
		uint32_t head, refused = 0, full;

		shape_start(&r, i);
		good = rig_sealed(&r, 0, 30);
		full = good->pkt_len - RTE_ETHER_HDR_LEN;
		head = esp_offset(&r) - RTE_ETHER_HDR_LEN;
		for (uint32_t len = head; len < full; len++) {
			struct wr_ipsec_sa *sa;
			struct wr_pkt p;

			m = again(&r, good);
			cut_to(&r, m, len);
			if (rig_peek(&r, m, &p, &sa) != WR_IPSEC_FOUND) {
				assert_true(len < head + 8);
				rte_pktmbuf_free(m);
				continue;
			}
			assert_int_equal(wr_ipsec_in(r.y, &p, &sa, 1, &got, 0), 0);
			refused++;
		}
		assert_int_equal(refused, full - head - 8);
		assert_int_equal(r.far_stats.drop[WR_DROP_ipsec_malformed] +
					 r.far_stats.drop[WR_DROP_ipsec_authentication],
			refused);
		assert_true(r.far_stats.drop[WR_DROP_ipsec_malformed] > 0);
		assert_opened(&r, good);
		rig_stop(&r);
	}
}

static void in_ethernet_padding_and_tag(void **state)
{
	for (uint32_t i = 0; i < RTE_DIM(shapes); i++) {
		struct rig r = {.tunnels = 0};
		struct rte_mbuf *m, *got;
		uint8_t *at;

		shape_start(&r, i);
		m = rig_sealed(&r, 0, 30);
		memset(rte_pktmbuf_append(m, 9), 0xee, 9);
		at = (uint8_t *)rte_pktmbuf_prepend(m, 4);
		memmove(at, at + 4, 12);
		memcpy(at + 12, "\x81\x00\x00\x05", 4);
		m->ol_flags = RTE_MBUF_F_RX_IP_CKSUM_GOOD | RTE_MBUF_F_RX_L4_CKSUM_GOOD |
		              RTE_MBUF_F_RX_RSS_HASH;
		m->packet_type = RTE_PTYPE_L3_IPV4;
		assert_int_equal(rig_open(&r, &m, 1, &got, 0), 1);
		assert_int_equal(got->pkt_len, 14 + (shapes[i].v4 ? 40 : 60) + 30);
		assert_int_equal(got->ol_flags, RTE_MBUF_F_RX_SEC_OFFLOAD);
		assert_int_equal(got->packet_type, 0);
		assert_memory_equal(rte_pktmbuf_mtod(got, void *), "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
		assert_memory_equal(rte_pktmbuf_mtod_offset(got, void *, 12),
			shapes[i].v4 ? "\x08\x00" : "\x86\xdd", 2);
		rte_pktmbuf_free(got);
		rig_stop(&r);
	}
}

// Somebody else holds the buffer, it is indirect, or a chain: it is copied, and stays as it is.
static void in_copied_when_not_ours_alone(void **state)
{
	for (uint32_t i = 0; i < RTE_DIM(shapes); i++) {
		struct rig r = {.tunnels = 0};
		struct rte_mbuf *m, *ind, *tail;
		uint8_t before[256];
		uint32_t len;

		shape_start(&r, i);
		m = rig_sealed(&r, 0, 30);
		len = m->pkt_len;
		memcpy(before, rte_pktmbuf_mtod(m, void *), len);
		rte_mbuf_refcnt_update(m, 1);
		assert_opened(&r, m);
		assert_int_equal(rte_mbuf_refcnt_read(m), 1);
		assert_memory_equal(rte_pktmbuf_mtod(m, void *), before, len);
		rte_pktmbuf_free(m);
		assert_int_equal(r.far_stats.ctr[WR_CTR_ipsec_in_copied], 1);

		m = rig_sealed(&r, 0, 30);
		ind = rte_pktmbuf_alloc(r.rx);
		rte_pktmbuf_attach(ind, m);
		assert_opened(&r, ind);
		rte_pktmbuf_free(m);
		assert_int_equal(r.far_stats.ctr[WR_CTR_ipsec_in_copied], 2);

		for (uint32_t at = 15; at < len; at += 11) { // cut anywhere, headers included
			m = rig_sealed(&r, 0, 30);
			tail = rig_bytes(&r, rte_pktmbuf_mtod_offset(m, void *, at), len - at);
			assert_int_equal(rte_pktmbuf_trim(m, (uint16_t)(len - at)), 0);
			assert_int_equal(rte_pktmbuf_chain(m, tail), 0);
			assert_opened(&r, m);
		}
		rig_stop(&r);
	}
}

static void in_no_room_for_a_copy(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mempool *few = rte_pktmbuf_pool_create("rig_none", 1, 0, 0, 2176, 0);
	struct rte_mbuf *m, *hold;

	assert_non_null(few);
	gcm_start(&r);
	r.y->cfg.rx = few;
	hold = rte_pktmbuf_alloc(few);
	m = rig_sealed(&r, 0, 30);
	rte_mbuf_refcnt_update(m, 1);
	assert_refused(&r, m, WR_DROP_ipsec_in_no_buffer);
	rte_pktmbuf_free(m);
	rte_pktmbuf_free(hold);
	assert_int_equal(rte_mempool_in_use_count(few), 0);
	rig_stop(&r);
	rte_mempool_free(few);
}

// --- what is inside --------------------------------------------------------------------------

// Seal a packet that `change` has made something else of.
static struct rte_mbuf *sealed_other(
	struct rig *r, void (*change)(struct rte_mbuf *m), uint32_t len)
{
	struct rte_mbuf *m = rig_tcp(r, 0, len, 0), *out;

	change(m);
	assert_int_equal(wr_ipsec_out(r->x, &m, 1, &out, 0), 1);
	rig_wire(out);
	return out;
}

static void make_udp4(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *)->next_proto_id = IPPROTO_UDP;
}

static void make_udp6(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *)->proto = IPPROTO_UDP;
}

static void make_ext6(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *)->proto = IPPROTO_DSTOPTS;
}

static void make_fragment(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *)->fragment_offset = rte_cpu_to_be_16(0x2000);
}

static void make_late_fragment(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *)->fragment_offset = rte_cpu_to_be_16(7);
}

static void make_other_source(struct rte_mbuf *m)
{
	rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *)->src_addr ^= rte_cpu_to_be_32(1 << 16);
}

static void in_selector(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_sa_info info;

	gcm_start(&r);
	assert_refused(&r, sealed_other(&r, make_udp4, 20), WR_DROP_ipsec_selector);
	assert_refused(&r, sealed_other(&r, make_fragment, 20), WR_DROP_ipsec_selector);
	assert_refused(&r, sealed_other(&r, make_late_fragment, 20), WR_DROP_ipsec_selector);
	assert_refused(&r, sealed_other(&r, make_other_source, 20), WR_DROP_ipsec_selector);
	assert_opened(&r, rig_sealed(&r, 0, 20));
	wr_ipsec_sa_info(r.in[0], &info);
	assert_int_equal(info.misplaced, 4);
	assert_int_equal(info.packets, 5); // they were protected all the same
	rig_stop(&r);
}

static void in_selector_ipv6(void **state)
{
	struct rig r = {.tunnels = 0};

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, false);
	rig_start(&r);
	assert_refused(&r, sealed_other(&r, make_udp6, 20), WR_DROP_ipsec_selector);
	assert_refused(&r, sealed_other(&r, make_ext6, 20), WR_DROP_ipsec_selector);
	r.to_count[0] = 0;
	assert_refused(&r, rig_sealed(&r, 0, 20), WR_DROP_ipsec_selector);
	rig_stop(&r);
}

static void in_selector_transport(void **state)
{
	struct rig r = {.tunnels = 0};

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TRANSPORT, true, true);
	rig_start(&r);
	assert_refused(&r, sealed_other(&r, make_udp4, 20), WR_DROP_ipsec_selector);
	r.inside[0].addr = rig_addr("198.18.7.7");
	r.inside[0].len = 128;
	assert_refused(&r, rig_sealed(&r, 0, 20), WR_DROP_ipsec_selector);
	rig_stop(&r);
}

// The other family inside, with the same keys: the next header is wrong.
static void in_next_header_of_other_family(void **state)
{
	struct rig r = {.tunnels = 0};
	struct wr_ipsec_tunnel six;
	struct wr_ipsec_sa *sa;
	struct wr_err err = {""};
	struct rte_mbuf *m, *out;

	gcm_start(&r);
	six = r.near[0];
	six.inner_v4 = false;
	r.key[0].out = true;
	sa = wr_ipsec_sa_create(r.dev, &six, 0, &r.key[0], 1, 0, &err);
	assert_non_null(sa);
	wr_ipsec_set_out(r.x, 0, sa);
	r.src[0] = rig_addr("2001:db8::1");
	r.dst[0] = rig_addr("2001:db8::2");
	m = rig_tcp(&r, 0, 10, 0);
	assert_int_equal(wr_ipsec_out(r.x, &m, 1, &out, 0), 1);
	rig_wire(out);
	assert_refused(&r, out, WR_DROP_ipsec_malformed);
	assert_int_equal(r.in[0]->malformed, 1);
	assert_int_equal(r.in[0]->packets, 0);
	wr_ipsec_sa_destroy(sa);
	rig_stop(&r);
}

// RFC 6040 4.2, figure 4: by inner and outer ECN what comes out, -1: dropped.
static const int8_t ecn[4][4] = {
	// outer:  not ECT, ECT(1), ECT(0), CE
	{0, 0, 0, -1}, // inner not ECT
	{1, 1, 1, 3},  // ECT(1)
	{2, 1, 2, 3},  // ECT(0)
	{3, 3, 3, 3},  // CE
};

static void set_outer_ecn(struct rte_mbuf *m, bool v4, uint8_t to)
{
	uint8_t *ip = rte_pktmbuf_mtod_offset(m, uint8_t *, RTE_ETHER_HDR_LEN);
	struct rte_ipv4_hdr *h = (struct rte_ipv4_hdr *)ip;

	if (!v4) {
		ip[1] = (uint8_t)((ip[1] & 0xcf) | to << 4);
		return;
	}
	h->type_of_service = (uint8_t)(0xb8 | to); // another DSCP, which stays outside
	h->hdr_checksum = 0;
	h->hdr_checksum = wr_csum_finish(wr_csum_add(0, h, sizeof(*h)));
}

static void ecn_merged(bool outer_v4, bool inner_v4)
{
	struct rig r = {.tunnels = 0};

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, outer_v4, inner_v4);
	rig_start(&r);
	for (uint8_t i = 0; i < 16; i++) {
		uint8_t inner = i >> 2, outer = i & 3;
		struct rte_mbuf *m = rig_tcp(&r, 0, 10, (uint8_t)(0x28 | inner)), *out;
		struct wr_pkt p;

		assert_int_equal(wr_ipsec_out(r.x, &m, 1, &out, 0), 1);
		rig_wire(out);
		set_outer_ecn(out, outer_v4, outer);
		if (ecn[inner][outer] < 0) {
			assert_refused(&r, out, WR_DROP_ipsec_malformed);
			continue;
		}
		assert_int_equal(rig_open(&r, &out, 1, &m, 0), 1);
		wr_parse_frame(&p, m, 0); // verifies the header's checksum
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.tos, 0x28 | ecn[inner][outer]);
		rte_pktmbuf_free(m);
	}
	rig_stop(&r);
}

static void in_ecn_merged(void **state)
{
	for (uint32_t i = 0; i < 4; i++)
		ecn_merged(i & 1, i >> 1);
}

// --- bursts and lives ------------------------------------------------------------------------

static void in_order_kept_around_bad_ones(void **state)
{
	struct rig r = {.tunnels = 0};
	struct rte_mbuf *m[WR_BURST], *got[WR_BURST];
	uint32_t next = 0;
	uint16_t n;

	rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
	rig_tunnel(&r, 1, WR_IPSEC_AES_CBC_256_SHA256, WR_IPSEC_TUNNEL, false, false);
	rig_start(&r);
	for (uint32_t i = 0; i < WR_BURST; i++) {
		m[i] = rig_sealed(&r, i % 5 == 4, i);
		if (i % 4 == 1)
			*rte_pktmbuf_mtod_offset(m[i], uint8_t *, m[i]->pkt_len - 1) ^= 1;
	}
	n = rig_open(&r, m, WR_BURST, got, 0);
	assert_int_equal(n, WR_BURST - 8);
	assert_int_equal(r.far_stats.drop[WR_DROP_ipsec_authentication], 8);
	for (uint16_t i = 0; i < n; i++) {
		struct wr_pkt p;

		wr_parse_frame(&p, got[i], 0);
		assert_int_equal(p.kind, WR_PKT_TCP);
		if (next % 4 == 1)
			next++;
		assert_int_equal(p.seq, next++);
		rte_pktmbuf_free(got[i]);
	}
	rig_stop(&r);
}

static void in_expiry(void **state)
{
	for (uint32_t kind = 0; kind < 3; kind++) {
		struct rig r = {.tunnels = 0};
		struct rte_mbuf *m, *got;

		rig_tunnel(&r, 0, WR_IPSEC_AES_GCM_128, WR_IPSEC_TUNNEL, true, true);
		rig_start(&r);
		r.in[0]->most_packets = kind == 0 ? 2 : UINT64_MAX;
		r.in[0]->most_bytes = kind == 1 ? 99 : UINT64_MAX;
		r.in[0]->end_us = kind == 2 ? 5 : WR_US_NEVER;
		assert_opened(&r, rig_sealed(&r, 0, 10));
		assert_opened(&r, rig_sealed(&r, 0, 10)); // 2 x 50 bytes
		m = rig_sealed(&r, 0, 10);
		assert_int_equal(rig_open(&r, &m, 1, &got, 5), 0);
		assert_int_equal(r.far_stats.drop[WR_DROP_ipsec_expired], 1);
		assert_true(r.in[0]->expired);
		rig_stop(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_replay_refused),
		cmocka_unit_test(in_replay_within_burst),
		cmocka_unit_test(in_replay_every_number),
		cmocka_unit_test(in_replay_any_order),
		cmocka_unit_test(in_replay_window),
		cmocka_unit_test(in_forged_byte_anywhere),
		cmocka_unit_test(in_forged_sequence),
		cmocka_unit_test(in_truncated_at_every_length),
		cmocka_unit_test(in_ethernet_padding_and_tag),
		cmocka_unit_test(in_copied_when_not_ours_alone),
		cmocka_unit_test(in_no_room_for_a_copy),
		cmocka_unit_test(in_selector),
		cmocka_unit_test(in_selector_ipv6),
		cmocka_unit_test(in_selector_transport),
		cmocka_unit_test(in_next_header_of_other_family),
		cmocka_unit_test(in_ecn_merged),
		cmocka_unit_test(in_order_kept_around_bad_ones),
		cmocka_unit_test(in_expiry),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

// Ethernet, tags, kinds, addresses, ICMP, and what the NIC tells of a frame.

static void set_ethertype(struct t_frame *f, uint16_t type)
{
	t_put16(f->b + 12, type);
}

static void set_source(struct t_frame *f, const char *text)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	if (f->v6)
		memcpy(f->b + f->l3 + 8, a.b, 16);
	else
		memcpy(f->b + f->l3 + 12, a.b + 12, 4);
	t_frame_fix(f);
}

static void frame_ip_fields_both_families(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct wr_pkt p;

		t_frame_tcp(&f, v6, WR_TCP_ACK, NULL, 0, 100);
		t_parse(&p, &f);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.proto, IPPROTO_TCP);
		assert_int_equal(p.tos, 0xb8);
		assert_int_equal(p.hop_limit, 61);
		assert_int_equal(p.l2_len, 14);
		assert_int_equal(p.l3_len, v6 ? 40 : 20);
		assert_int_equal(p.l4_len, 20);
		assert_int_equal(p.payload_len, 100);
		assert_int_equal(p.ethertype, v6 ? 0x86dd : 0x0800);
		assert_int_equal(p.vlan, 0);
		assert_int_equal(wr_pkt_payload_offset(&p), f.len - 100);
		assert_memory_equal(v6 ? p.t.remote.b : p.t.remote.b + 12, v6 ? t_v6_src : t_v4_src,
			v6 ? 16 : 4);
		assert_memory_equal(
			v6 ? p.t.local.b : p.t.local.b + 12, v6 ? t_v6_dst : t_v4_dst, v6 ? 16 : 4);
		assert_int_equal(wr_addr_is_v4(&p.t.local), !v6);
		assert_int_equal(wr_addr_is_v4(&p.t.remote), !v6);
	}
}

// Cut anywhere, no frame is taken for a whole one, nor read past its end.
static void frame_cut_everywhere_drops(void **state)
{
	const uint8_t opt[12] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};

	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		uint32_t whole;

		t_frame_tcp(&f, v6, WR_TCP_ACK, opt, 12, 5);
		whole = f.len;
		for (f.len = 0; f.len < whole; f.len++)
			t_expect_drop(&f, f.len < f.l4 ? (f.len < 34 || v6 ? WR_DROP_short_frame
									   : WR_DROP_ip_truncated)
						       : WR_DROP_ip_truncated);
		t_expect_kind(&f, WR_PKT_TCP);
	}
}

// A 40-byte packet in a 64-byte frame: the IP length counts.
static void frame_padding_not_payload(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct wr_pkt p;

		t_frame_tcp(&f, v6, WR_TCP_ACK, NULL, 0, v6 ? 1 : 0);
		memset(f.b + f.len, 0xee, 23);
		f.len += 23;
		t_parse(&p, &f);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.payload_len, v6 ? 1 : 0);
	}
}

static void frame_jumbo_in_segments(void **state)
{
	struct t_frame f;
	struct wr_pkt p;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 8960);
	t_parse(&p, &f);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.payload_len, 8960);
	f.b[9000] ^= 1;
	t_expect_drop(&f, WR_DROP_tcp_checksum);
}

static void frame_random_segments_same(void **state)
{
	const uint8_t opt[12] = {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8};
	uint64_t seed = 99;

	for (int round = 0; round < 3000; round++) {
		struct t_frame f;
		struct wr_pkt p, q;
		struct rte_mbuf *m;

		t_frame_tcp(&f, round & 1, WR_TCP_ACK, opt, 12, t_rand(&seed) % 300);
		m = t_chain(f.b, f.len, 1 + t_rand(&seed) % 120, &seed);
		wr_parse_bytes(&p, f.b, f.len, 0);
		wr_parse_frame(&q, m, 0);
		assert_int_equal(p.kind, WR_PKT_TCP);
		t_assert_same(&p, &q);
		t_mbuf_free(m);
	}
}

static void vlan_one_tag_taken(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct wr_pkt p;

		t_frame_tcp(&f, v6, WR_TCP_ACK, NULL, 0, 3);
		t_frame_insert(&f, 12, "\x81\x00\xa0\x7b", 4);
		t_parse(&p, &f);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.vlan, 0x07b);
		assert_int_equal(p.l2_len, 18);
		assert_int_equal(p.payload_len, 3);
		assert_int_equal(p.ethertype, v6 ? 0x86dd : 0x0800);
	}
}

static void vlan_priority_tag_is_untagged(void **state)
{
	struct t_frame f;
	struct wr_pkt p;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 3);
	t_frame_insert(&f, 12, "\x81\x00\xe0\x00", 4);
	t_parse(&p, &f);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.vlan, 0);
	assert_int_equal(p.l2_len, 18);
}

static void vlan_two_tags_drop(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 3);
	t_frame_insert(&f, 12, "\x81\x00\x00\x01\x81\x00\x00\x02", 8);
	t_expect_drop(&f, WR_DROP_vlan_unknown);
	set_ethertype(&f, 0x88a8);
	t_expect_drop(&f, WR_DROP_vlan_unknown);
	t_put16(f.b + 16, 0x88a8);
	set_ethertype(&f, 0x8100);
	t_expect_drop(&f, WR_DROP_vlan_unknown);
}

static void vlan_tag_cut_drops(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 3);
	t_frame_insert(&f, 12, "\x81\x00\x00\x01", 4);
	for (f.len = 14; f.len < 18; f.len++)
		t_expect_drop(&f, WR_DROP_short_frame);
}

static void vlan_stripped_by_nic(void **state)
{
	struct t_frame f;
	struct rte_mbuf *m;
	struct wr_pkt p;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 3);
	m = t_mbuf(f.b, f.len, 0);
	m->vlan_tci = 0xe064;
	m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	wr_parse_frame(&p, m, 0);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.vlan, 0x064);
	assert_int_equal(p.l2_len, 14);
	t_mbuf_free(m);

	t_frame_insert(&f, 12, "\x81\x00\x00\x01", 4); // a second one inside
	m = t_mbuf(f.b, f.len, 0);
	m->ol_flags = RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
	wr_parse_frame(&p, m, 0);
	assert_int_equal(p.drop, WR_DROP_vlan_unknown);
	t_mbuf_free(m);
}

static void ethertype_arp_and_others(void **state)
{
	const uint16_t punt[] = {0x88cc, 0x8847, 0x0027, 0xffff};
	struct t_frame f;
	struct wr_pkt p;

	t_frame_ip(&f, false, 0, 100);
	set_ethertype(&f, 0x0806);
	t_parse(&p, &f);
	assert_int_equal(p.kind, WR_PKT_ARP);
	assert_int_equal(p.payload_len, 120);
	assert_int_equal(wr_pkt_payload_offset(&p), 14);
	for (size_t i = 0; i < RTE_DIM(punt); i++) {
		set_ethertype(&f, punt[i]);
		t_parse(&p, &f);
		assert_int_equal(p.kind, WR_PKT_PUNT);
		assert_int_equal(p.ethertype, punt[i]);
		assert_int_equal(p.proto, 0);
	}
	f.len = 14;
	t_expect_kind(&f, WR_PKT_PUNT);
}

static void proto_unknown_punts_with_addresses(void **state)
{
	const uint8_t protos[] = {17, 89, 132, 50, 51};

	for (int v6 = 0; v6 < 2; v6++)
		for (size_t i = 0; i < RTE_DIM(protos); i++) {
			struct t_frame f;
			struct wr_pkt p;

			t_frame_ip(&f, v6, protos[i], 33);
			t_parse(&p, &f);
			assert_int_equal(p.kind, WR_PKT_PUNT);
			assert_int_equal(p.proto, protos[i]);
			assert_int_equal(p.payload_len, 33);
			assert_int_equal(p.t.lport, 0);
			assert_memory_equal(v6 ? p.t.remote.b : p.t.remote.b + 12,
				v6 ? t_v6_src : t_v4_src, v6 ? 16 : 4);
		}
}

// The other family's ICMP is just a protocol that nobody speaks.
static void proto_icmp_of_other_family_punts(void **state)
{
	struct t_frame f;

	t_frame_ip(&f, false, IPPROTO_ICMPV6, 8);
	t_expect_kind(&f, WR_PKT_PUNT);
	t_frame_ip(&f, true, IPPROTO_ICMP, 8);
	t_expect_kind(&f, WR_PKT_PUNT);
}

static void icmp_verified_both_families(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct wr_pkt p;

		t_frame_ip(&f, v6, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 21);
		f.b[f.l4] = v6 ? 128 : 8;
		t_frame_fix(&f);
		t_parse(&p, &f);
		assert_int_equal(p.kind, v6 ? WR_PKT_ICMP6 : WR_PKT_ICMP4);
		assert_int_equal(p.l4_len, 0);
		assert_int_equal(p.payload_len, 21);
		f.b[f.l4 + 20] ^= 0x40;
		t_expect_drop(&f, WR_DROP_icmp_malformed);
		t_frame_ip(&f, v6, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 7);
		t_expect_drop(&f, WR_DROP_icmp_malformed);
		t_frame_ip(&f, v6, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, 8);
		t_expect_kind(&f, v6 ? WR_PKT_ICMP6 : WR_PKT_ICMP4);
	}
}

static void icmp_verified_whatever_nic_says(void **state)
{
	struct t_frame f;
	struct rte_mbuf *m;
	struct wr_pkt p;

	t_frame_ip(&f, false, IPPROTO_ICMP, 8);
	f.b[f.l4 + 4] ^= 1;
	m = t_mbuf(f.b, f.len, 0);
	m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_GOOD;
	wr_parse_frame(&p, m, 0);
	assert_int_equal(p.drop, WR_DROP_icmp_malformed);
	t_mbuf_free(m);
}

static void source_impossible_drops(void **state)
{
	static const char *const v4[] = {"224.0.0.1", "239.255.255.255", "255.255.255.255",
		"127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3"};
	static const char *const v6[] = {"ff02::1", "ff00::", "::1", "::", "::ffff:198.18.0.1"};
	struct t_frame f;

	for (size_t i = 0; i < RTE_DIM(v4); i++) {
		t_frame_tcp(&f, false, WR_TCP_SYN, NULL, 0, 0);
		set_source(&f, v4[i]);
		t_expect_drop(&f, WR_DROP_ip_source);
		t_frame_ip(&f, false, IPPROTO_ICMP, 8);
		set_source(&f, v4[i]);
		t_expect_drop(&f, WR_DROP_ip_source);
	}
	for (size_t i = 0; i < RTE_DIM(v6); i++) {
		t_frame_tcp(&f, true, WR_TCP_SYN, NULL, 0, 0);
		set_source(&f, v6[i]);
		t_expect_drop(&f, WR_DROP_ip_source);
	}
}

static void source_unspecified_where_legal(void **state)
{
	struct t_frame f;

	t_frame_ip(&f, true, IPPROTO_ICMPV6, 24); // duplicate address detection
	set_source(&f, "::");
	t_expect_kind(&f, WR_PKT_ICMP6);
	t_frame_ip(&f, false, IPPROTO_UDP, 24); // DHCP
	set_source(&f, "0.0.0.0");
	t_expect_kind(&f, WR_PKT_PUNT);
	t_frame_ip(&f, true, IPPROTO_UDP, 24);
	set_source(&f, "::");
	t_expect_drop(&f, WR_DROP_ip_source);
}

static void source_ordinary_passes(void **state)
{
	static const char *const v4[] = {"1.0.0.1", "126.255.255.255", "128.0.0.1",
		"223.255.255.255", "169.254.1.1", "240.0.0.1"};
	static const char *const v6[] = {"fe80::1", "fd00::1", "::2", "2001:db8::ffff:c612:1"};
	struct t_frame f;

	for (size_t i = 0; i < RTE_DIM(v4); i++) {
		t_frame_tcp(&f, false, WR_TCP_SYN, NULL, 0, 0);
		set_source(&f, v4[i]);
		t_expect_kind(&f, WR_PKT_TCP);
	}
	for (size_t i = 0; i < RTE_DIM(v6); i++) {
		t_frame_tcp(&f, true, WR_TCP_SYN, NULL, 0, 0);
		set_source(&f, v6[i]);
		t_expect_kind(&f, WR_PKT_TCP);
	}
}

// An IPv6 packet must never reach what listens on the IPv4 address.
static void destination_mapped_drops(void **state)
{
	struct t_frame f;
	struct wr_addr a;

	assert_int_equal(wr_addr_parse("198.18.0.100", &a), 0);
	t_frame_tcp(&f, true, WR_TCP_SYN, NULL, 0, 0);
	memcpy(f.b + f.l3 + 24, a.b, 16);
	t_frame_fix(&f);
	t_expect_drop(&f, WR_DROP_not_for_us);
}

static void destination_multicast_passes(void **state)
{
	struct t_frame f;

	t_frame_ip(&f, true, IPPROTO_ICMPV6, 24);
	memcpy(f.b + f.l3 + 24, "\xff\x02\0\0\0\0\0\0\0\0\0\x01\xff\0\0\1", 16);
	t_frame_fix(&f);
	t_expect_kind(&f, WR_PKT_ICMP6);
	t_frame_ip(&f, false, IPPROTO_UDP, 24);
	memcpy(f.b + f.l3 + 16, "\xe0\0\0\5", 4);
	t_frame_fix(&f);
	t_expect_kind(&f, WR_PKT_PUNT);
}

static void land_drops_both_families(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;

		t_frame_tcp(&f, v6, WR_TCP_SYN, NULL, 0, 0);
		if (v6)
			memcpy(f.b + f.l3 + 8, t_v6_dst, 16);
		else
			memcpy(f.b + f.l3 + 12, t_v4_dst, 4);
		t_put16(f.b + f.l4, 80);
		t_frame_fix(&f);
		t_expect_drop(&f, WR_DROP_land);
		t_put16(f.b + f.l4, 81); // nobody but us has our address, on any port
		t_frame_fix(&f);
		t_expect_drop(&f, WR_DROP_land);
	}
}

static void no_l2_by_version(void **state)
{
	struct t_frame f;
	struct wr_pkt p;
	uint8_t bad = 0x55;

	for (int v6 = 0; v6 < 2; v6++) {
		t_frame_tcp(&f, v6, WR_TCP_SYN, NULL, 0, 9);
		wr_parse_bytes(&p, f.b + 14, f.len - 14, WR_PARSE_F_NO_L2);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.l2_len, 0);
		assert_int_equal(p.payload_len, 9);
		assert_int_equal(p.ethertype, v6 ? 0x86dd : 0x0800);
		assert_int_equal(wr_addr_is_v4(&p.t.local), !v6);
	}
	wr_parse_bytes(&p, &bad, 1, WR_PARSE_F_NO_L2);
	assert_int_equal(p.drop, WR_DROP_ip_version);
	wr_parse_bytes(&p, &bad, 0, WR_PARSE_F_NO_L2);
	assert_int_equal(p.drop, WR_DROP_short_frame);
}

static uint8_t parse_with(const struct t_frame *f, uint64_t ol_flags, uint32_t flags)
{
	struct rte_mbuf *m = t_mbuf(f->b, f->len, 0);
	struct wr_pkt p;

	m->ol_flags = ol_flags;
	wr_parse_frame(&p, m, flags);
	assert_int_equal(p.kind == WR_PKT_DROP, p.drop != WR_DROP_NONE);
	t_mbuf_free(m);
	return p.drop;
}

static void offload_flags_honoured(void **state)
{
	struct t_frame good, bad_ip, bad_l4;

	t_frame_tcp(&good, false, WR_TCP_ACK, NULL, 0, 50);
	bad_ip = bad_l4 = good;
	bad_ip.b[bad_ip.l3 + 8] ^= 1;
	bad_l4.b[bad_l4.len - 1] ^= 1;

	assert_int_equal(parse_with(&good, RTE_MBUF_F_RX_IP_CKSUM_BAD, 0), WR_DROP_ip_checksum);
	assert_int_equal(parse_with(&good, RTE_MBUF_F_RX_L4_CKSUM_BAD, 0), WR_DROP_tcp_checksum);
	assert_int_equal(parse_with(&good, RTE_MBUF_F_RX_IP_CKSUM_NONE, 0), WR_DROP_NONE);
	assert_int_equal(parse_with(&good, RTE_MBUF_F_RX_L4_CKSUM_NONE, 0), WR_DROP_NONE);

	assert_int_equal(parse_with(&bad_ip, RTE_MBUF_F_RX_IP_CKSUM_GOOD, 0), WR_DROP_NONE);
	assert_int_equal(parse_with(&bad_ip, RTE_MBUF_F_RX_IP_CKSUM_NONE, 0), WR_DROP_ip_checksum);
	assert_int_equal(parse_with(&bad_ip, 0, 0), WR_DROP_ip_checksum);
	assert_int_equal(parse_with(&bad_l4, RTE_MBUF_F_RX_L4_CKSUM_GOOD, 0), WR_DROP_NONE);
	assert_int_equal(parse_with(&bad_l4, RTE_MBUF_F_RX_L4_CKSUM_NONE, 0), WR_DROP_tcp_checksum);
	assert_int_equal(parse_with(&bad_l4, 0, 0), WR_DROP_tcp_checksum);
	assert_int_equal(parse_with(&bad_l4, 0, WR_PARSE_F_TRUST_CK), WR_DROP_NONE);
	assert_int_equal(parse_with(&bad_ip, 0, WR_PARSE_F_TRUST_CK), WR_DROP_NONE);
}

static void burst_same_as_single(void **state)
{
	enum {
		N = 11
	};
	struct rte_mbuf *m[N];
	struct wr_pkt p[N], q;

	for (int i = 0; i < N; i++) {
		struct t_frame f;

		t_frame_tcp(&f, i & 1, i == 5 ? 0 : WR_TCP_ACK, NULL, 0, (uint32_t)i * 10);
		m[i] = t_mbuf(f.b, f.len, 0);
	}
	for (uint16_t n = 0; n <= N; n++) {
		wr_parse_burst(p, m, n, 0);
		for (int i = 0; i < n; i++) {
			wr_parse_frame(&q, m[i], 0);
			assert_ptr_equal(p[i].m, m[i]);
			t_assert_same(&p[i], &q);
		}
	}
	for (int i = 0; i < N; i++)
		t_mbuf_free(m[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frame_ip_fields_both_families),
		cmocka_unit_test(frame_cut_everywhere_drops),
		cmocka_unit_test(frame_padding_not_payload),
		cmocka_unit_test(frame_jumbo_in_segments),
		cmocka_unit_test(frame_random_segments_same),
		cmocka_unit_test(vlan_one_tag_taken),
		cmocka_unit_test(vlan_priority_tag_is_untagged),
		cmocka_unit_test(vlan_two_tags_drop),
		cmocka_unit_test(vlan_tag_cut_drops),
		cmocka_unit_test(vlan_stripped_by_nic),
		cmocka_unit_test(ethertype_arp_and_others),
		cmocka_unit_test(proto_unknown_punts_with_addresses),
		cmocka_unit_test(proto_icmp_of_other_family_punts),
		cmocka_unit_test(icmp_verified_both_families),
		cmocka_unit_test(icmp_verified_whatever_nic_says),
		cmocka_unit_test(source_impossible_drops),
		cmocka_unit_test(source_unspecified_where_legal),
		cmocka_unit_test(source_ordinary_passes),
		cmocka_unit_test(destination_mapped_drops),
		cmocka_unit_test(destination_multicast_passes),
		cmocka_unit_test(land_drops_both_families),
		cmocka_unit_test(no_l2_by_version),
		cmocka_unit_test(offload_flags_honoured),
		cmocka_unit_test(burst_same_as_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

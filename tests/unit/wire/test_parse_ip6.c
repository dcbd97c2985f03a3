/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

#define HBH  0
#define RT   43
#define FRAG 44
#define DST  60

// Put an extension header of `len` bytes right behind the IPv6 header; its next-header field takes
// over what the IPv6 header said.
static void add_ext(struct t_frame *f, uint8_t kind, const void *body, uint32_t len)
{
	uint8_t h[2056] = {0};

	assert_true(len % 8 == 0 && len <= sizeof(h));
	h[0] = f->b[f->l3 + 6];
	h[1] = (uint8_t)(len / 8 - 1);
	if (body != NULL)
		memcpy(h + 2, body, len - 2);
	f->b[f->l3 + 6] = kind;
	t_frame_insert(f, f->l3 + 40, h, len);
	t_frame_fix(f);
}

static void start(struct t_frame *f)
{
	t_frame_tcp(f, true, WR_TCP_ACK, NULL, 0, 10);
}

static void ip6_version_wrong(void **state)
{
	struct t_frame f;

	start(&f);
	f.b[14] = 0x4b;
	t_expect_drop(&f, WR_DROP_ip_version);
}

static void ip6_payload_length_limits(void **state)
{
	struct t_frame f;

	start(&f);
	t_put16(f.b + 18, 31);
	t_expect_drop(&f, WR_DROP_ip_truncated);
	t_put16(f.b + 18, 65535);
	t_expect_drop(&f, WR_DROP_ip_truncated);
	t_put16(f.b + 18, 0); // a jumbogram without its option, or segmentation offload
	t_expect_drop(&f, WR_DROP_tcp_header);
	t_put16(f.b + 18, 29); // less than was summed
	t_expect_drop(&f, WR_DROP_tcp_checksum);
}

static void ip6_ext_chain_walked(void **state)
{
	struct t_frame f;
	struct wr_pkt p;

	start(&f);
	add_ext(&f, DST, "\1\4\0\0\0\0", 8);
	add_ext(&f, RT, "\0\0\0\0\0\0", 8);
	add_ext(&f, DST, "\0\0\0\0\0\0", 8);
	add_ext(&f, HBH, "\5\2\0\0\1\0", 8); // router alert, padding
	t_parse(&p, &f);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.proto, IPPROTO_TCP);
	assert_int_equal(p.l3_len, 72);
	assert_int_equal(p.payload_len, 10);
	assert_int_equal(p.t.lport, 80);
}

static void ip6_ext_long_header(void **state)
{
	uint8_t body[2046];
	struct t_frame f;
	struct wr_pkt p;
	uint32_t off = 0;

	memset(body, 0, sizeof(body));
	while (off < sizeof(body)) { // 8 paddings of up to 257 bytes
		uint32_t n = RTE_MIN(257u, (uint32_t)sizeof(body) - off);

		body[off] = 1;
		body[off + 1] = (uint8_t)(n - 2);
		off += n;
	}
	start(&f);
	add_ext(&f, DST, body, 2048);
	t_parse(&p, &f);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.l3_len, 40 + 2048);
	assert_int_equal(p.payload_len, 10);
}

static void ip6_ext_to_icmp_and_punt(void **state)
{
	struct t_frame f;

	t_frame_ip(&f, true, IPPROTO_ICMPV6, 24);
	add_ext(&f, HBH, "\5\2\0\0\1\0", 8); // as MLD comes
	t_expect_kind(&f, WR_PKT_ICMP6);
	t_frame_ip(&f, true, 59, 0); // no next header (RFC 8200 4.7)
	t_expect_kind(&f, WR_PKT_PUNT);
	t_frame_ip(&f, true, 50, 40);
	add_ext(&f, DST, "\1\4\0\0\0\0", 8);
	t_expect_kind(&f, WR_PKT_PUNT);
}

static void ip6_ext_at_most_eight(void **state)
{
	struct t_frame f;

	start(&f);
	for (int i = 0; i < 8; i++)
		add_ext(&f, DST, "\1\4\0\0\0\0", 8);
	t_expect_kind(&f, WR_PKT_TCP);
	add_ext(&f, DST, "\1\4\0\0\0\0", 8);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
}

static void ip6_ext_hop_by_hop_only_first(void **state)
{
	struct t_frame f;

	start(&f);
	add_ext(&f, HBH, "\1\4\0\0\0\0", 8);
	t_expect_kind(&f, WR_PKT_TCP);
	add_ext(&f, DST, "\1\4\0\0\0\0", 8);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
}

static void ip6_ext_fragment_drops(void **state)
{
	struct t_frame f;

	start(&f);
	add_ext(&f, FRAG, "\0\1\0\0\0\7", 8); // first of several
	t_expect_drop(&f, WR_DROP_ip_fragment);
	start(&f);
	add_ext(&f, FRAG, "\0\0\0\0\0\7", 8); // atomic
	t_expect_drop(&f, WR_DROP_ip_fragment);
	start(&f);
	add_ext(&f, FRAG, "\5\xd8\0\0\0\7", 8); // a later one, behind another header
	add_ext(&f, DST, "\1\4\0\0\0\0", 8);
	t_expect_drop(&f, WR_DROP_ip_fragment);
	t_frame_ip(&f, true, FRAG, 3); // cut inside the fragment header
	t_expect_drop(&f, WR_DROP_ip_fragment);
}

static void ip6_ext_routing_segments_left(void **state)
{
	struct t_frame f;

	start(&f);
	add_ext(&f, RT, "\0\1\0\0\0\0", 8);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
	start(&f);
	add_ext(&f, RT, "\4\0\0\0\0\0", 8);
	t_expect_kind(&f, WR_PKT_TCP);
}

static void ip6_ext_cut_drops(void **state)
{
	struct t_frame f;

	t_frame_ip(&f, true, DST, 0);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
	t_frame_ip(&f, true, DST, 7);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
	t_frame_ip(&f, true, DST, 8); // says it has 16
	f.b[f.l4 + 1] = 1;
	t_expect_drop(&f, WR_DROP_ip_ext_header);
	start(&f); // padding of the frame is no extension header
	t_put16(f.b + 18, 0);
	f.b[20] = DST;
	t_expect_drop(&f, WR_DROP_ip_ext_header);
}

static void ip6_options_unknown_by_action(void **state)
{
	static const uint8_t drop[] = {0x40, 0x80, 0xc0, 0xc2, 0xc9};
	static const uint8_t skip[] = {0x02, 0x05, 0x26, 0x3e};
	uint8_t body[6] = {0, 4};
	struct t_frame f;

	for (size_t i = 0; i < RTE_DIM(drop); i++) {
		body[0] = drop[i];
		start(&f);
		add_ext(&f, DST, body, 8);
		t_expect_drop(&f, WR_DROP_ip_ext_header);
		start(&f);
		add_ext(&f, HBH, body, 8);
		t_expect_drop(&f, WR_DROP_ip_ext_header);
	}
	for (size_t i = 0; i < RTE_DIM(skip); i++) {
		body[0] = skip[i];
		start(&f);
		add_ext(&f, DST, body, 8);
		t_expect_kind(&f, WR_PKT_TCP);
	}
}

static void ip6_options_past_end(void **state)
{
	struct t_frame f;

	start(&f);
	add_ext(&f, DST, "\1\5\0\0\0\0", 8);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
	start(&f);
	add_ext(&f, DST, "\1\xff\0\0\0\0", 8);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
	start(&f);
	add_ext(&f, DST, "\1\3\0\0\0\1", 8); // a type without a length in the last byte
	t_expect_drop(&f, WR_DROP_ip_ext_header);
}

// Work is bounded: a header made of single paddings is refused, a few are fine.
static void ip6_options_bounded(void **state)
{
	struct t_frame f;

	start(&f);
	add_ext(&f, DST, NULL, 32);
	t_expect_kind(&f, WR_PKT_TCP);
	start(&f);
	add_ext(&f, DST, NULL, 40);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
	start(&f);
	add_ext(&f, DST, NULL, 2048);
	t_expect_drop(&f, WR_DROP_ip_ext_header);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip6_version_wrong),
		cmocka_unit_test(ip6_payload_length_limits),
		cmocka_unit_test(ip6_ext_chain_walked),
		cmocka_unit_test(ip6_ext_long_header),
		cmocka_unit_test(ip6_ext_to_icmp_and_punt),
		cmocka_unit_test(ip6_ext_at_most_eight),
		cmocka_unit_test(ip6_ext_hop_by_hop_only_first),
		cmocka_unit_test(ip6_ext_fragment_drops),
		cmocka_unit_test(ip6_ext_routing_segments_left),
		cmocka_unit_test(ip6_ext_cut_drops),
		cmocka_unit_test(ip6_options_unknown_by_action),
		cmocka_unit_test(ip6_options_past_end),
		cmocka_unit_test(ip6_options_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

static void with_options(struct t_frame *f, const void *opt, uint32_t len)
{
	t_frame_tcp(f, false, WR_TCP_ACK, NULL, 0, 10);
	t_frame_insert(f, f->l4, opt, len);
	f->b[f->l3] = (uint8_t)(0x45 + len / 4);
	t_frame_fix(f);
}

static void ip4_version_wrong(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 0);
	f.b[14] = 0x65;
	t_expect_drop(&f, WR_DROP_ip_version);
}

static void ip4_header_length_impossible(void **state)
{
	for (uint8_t ihl = 0; ihl < 5; ihl++) {
		struct t_frame f;

		t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 0);
		f.b[14] = 0x40 | ihl;
		t_expect_drop(&f, WR_DROP_ip_header);
	}
}

static void ip4_total_length_limits(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 20);
	t_put16(f.b + 16, 0); // as segmentation offload leaves it
	t_expect_drop(&f, WR_DROP_ip_header);
	t_put16(f.b + 16, 19);
	t_expect_drop(&f, WR_DROP_ip_header);
	t_put16(f.b + 16, 61);
	t_expect_drop(&f, WR_DROP_ip_truncated);
	t_put16(f.b + 16, 65535);
	t_expect_drop(&f, WR_DROP_ip_truncated);
	f.b[14] = 0x4f; // a header longer than the packet
	t_put16(f.b + 16, 59);
	t_expect_drop(&f, WR_DROP_ip_header);
}

// A header without a byte behind it is whole, and too short for TCP.
static void ip4_empty_payload(void **state)
{
	struct t_frame f;

	t_frame_ip(&f, false, IPPROTO_TCP, 0);
	t_expect_drop(&f, WR_DROP_tcp_header);
	t_frame_ip(&f, false, IPPROTO_UDP, 0);
	t_expect_kind(&f, WR_PKT_PUNT);
}

static void ip4_checksum_each_bit(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 0);
	for (int bit = 8 * 8; bit < 20 * 8; bit++) { // the bytes that no earlier check looks at
		f.b[14 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		t_expect_drop(&f, WR_DROP_ip_checksum);
		f.b[14 + bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	t_expect_kind(&f, WR_PKT_TCP);
}

static void ip4_checksum_covers_options(void **state)
{
	struct t_frame f;

	with_options(&f, "\x94\x04\0\0", 4);
	f.b[f.l3 + 23] ^= 1;
	t_expect_drop(&f, WR_DROP_ip_checksum);
}

static void ip4_options_skipped(void **state)
{
	static const char *const fine[] = {
		"\x94\x04\0\0", "\1\1\1\1", "\0\xff\xff\xff", "\x44\x04\5\0", "\1\x88\2\0"};

	for (size_t i = 0; i < RTE_DIM(fine); i++) {
		struct t_frame f;
		struct wr_pkt p;

		with_options(&f, fine[i], 4);
		t_parse(&p, &f);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.l3_len, 24);
		assert_int_equal(p.payload_len, 10);
	}
}

static void ip4_options_longest_header(void **state)
{
	const uint8_t opt[40] = {0x07, 39, 4};
	struct t_frame f;
	struct wr_pkt p;

	with_options(&f, opt, 40);
	t_parse(&p, &f);
	assert_int_equal(p.kind, WR_PKT_TCP);
	assert_int_equal(p.l3_len, 60);
}

static void ip4_options_source_route_drops(void **state)
{
	struct t_frame f;

	with_options(&f, "\x83\x07\x04\xc6\x12\0\1\0", 8);
	t_expect_drop(&f, WR_DROP_ip_options);
	with_options(&f, "\1\x89\x07\x04\xc6\x12\0\1", 8);
	t_expect_drop(&f, WR_DROP_ip_options);
	with_options(&f, "\0\x89\x07\x04\xc6\x12\0\1", 8); // behind the end of the list: no option
	t_expect_kind(&f, WR_PKT_TCP);
}

static void ip4_options_malformed(void **state)
{
	static const char *const bad[] = {
		"\x94\0\0\0", "\x94\1\0\0", "\x94\5\0\0", "\1\1\1\x94", "\1\1\x94\3", "\x83\0\0\0"};

	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		struct t_frame f;

		with_options(&f, bad[i], 4);
		t_expect_drop(&f, WR_DROP_ip_header);
	}
}

static void ip4_fragments_drop(void **state)
{
	static const uint16_t frag[] = {0x2000, 0x2001, 0x0001, 0x1fff, 0x6000, 0x4001};

	for (size_t i = 0; i < RTE_DIM(frag); i++) {
		struct t_frame f;

		t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 8);
		t_put16(f.b + 20, frag[i]);
		t_frame_fix(&f);
		t_expect_drop(&f, WR_DROP_ip_fragment);
	}
}

static void ip4_not_fragments_pass(void **state)
{
	static const uint16_t whole[] = {0x0000, 0x4000, 0x8000, 0xc000};

	for (size_t i = 0; i < RTE_DIM(whole); i++) {
		struct t_frame f;

		t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 8);
		t_put16(f.b + 20, whole[i]);
		t_frame_fix(&f);
		t_expect_kind(&f, WR_PKT_TCP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_version_wrong),
		cmocka_unit_test(ip4_header_length_impossible),
		cmocka_unit_test(ip4_total_length_limits),
		cmocka_unit_test(ip4_empty_payload),
		cmocka_unit_test(ip4_checksum_each_bit),
		cmocka_unit_test(ip4_checksum_covers_options),
		cmocka_unit_test(ip4_options_skipped),
		cmocka_unit_test(ip4_options_longest_header),
		cmocka_unit_test(ip4_options_source_route_drops),
		cmocka_unit_test(ip4_options_malformed),
		cmocka_unit_test(ip4_fragments_drop),
		cmocka_unit_test(ip4_not_fragments_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

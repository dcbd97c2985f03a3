/* SPDX-License-Identifier: BSD-3-Clause */
#include "wire_test.h"

#include "wr_csum.h"

static void tcp_fields_both_families(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct wr_pkt p;

		t_frame_tcp(&f, v6, WR_TCP_ACK | WR_TCP_PSH | WR_TCP_ECE, NULL, 0, 77);
		t_parse(&p, &f);
		assert_int_equal(p.kind, WR_PKT_TCP);
		assert_int_equal(p.flags, WR_TCP_ACK | WR_TCP_PSH | WR_TCP_ECE);
		assert_int_equal(p.seq, 0xfffffff0);
		assert_int_equal(p.ack, 0x01020304);
		assert_int_equal(p.window, 502);
		assert_int_equal(p.t.rport, 4660);
		assert_int_equal(p.t.lport, 80);
		assert_int_equal(p.l4_len, 20);
		assert_int_equal(p.payload_len, 77);
		assert_int_equal(p.opts, 0);
		assert_int_equal(p.sack_count, 0);
	}
}

static void tcp_data_offset_impossible(void **state)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (uint8_t words = 0; words < 16; words++) {
			struct t_frame f;

			t_frame_tcp(&f, v6, WR_TCP_ACK, NULL, 0, 8);
			memset(f.b + f.l4 + 20, 1, 8); // as options these are NOPs
			f.b[f.l4 + 12] = (uint8_t)(words << 4);
			t_frame_fix(&f);
			if (words < 5 || words > 7)
				t_expect_drop(&f, WR_DROP_tcp_header);
			else
				t_expect_kind(&f, WR_PKT_TCP);
		}
}

static void tcp_shorter_than_header(void **state)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t n = 0; n < 20; n++) {
			struct t_frame f;

			t_frame_ip(&f, v6, IPPROTO_TCP, n);
			t_expect_drop(&f, WR_DROP_tcp_header);
		}
}

// Padding behind the packet must not serve as TCP header.
static void tcp_header_not_from_padding(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, WR_TCP_ACK, NULL, 0, 0);
	t_put16(f.b + 16, 39);
	t_put16(f.b + 24, 0);
	t_put16(f.b + 24, ~t_naive_sum(0, f.b + 14, 20) & 0xffff);
	t_expect_drop(&f, WR_DROP_tcp_header);
}

static void tcp_checksum_each_byte(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;

		t_frame_tcp(&f, v6, WR_TCP_ACK, NULL, 0, 301);
		for (uint32_t i = f.l4; i < f.len; i++) {
			if (i == f.l4 + 12) // data offset has a reason of its own
				continue;
			f.b[i] ^= 0x10;
			t_expect_drop(&f, WR_DROP_tcp_checksum);
			f.b[i] ^= 0x10;
		}
	}
}

// The addresses are in the sum too.
static void tcp_checksum_covers_pseudo_header(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, true, WR_TCP_ACK, NULL, 0, 5);
	f.b[f.l3 + 8 + 7] ^= 1;
	t_expect_drop(&f, WR_DROP_tcp_checksum);
	f.b[f.l3 + 8 + 7] ^= 1;
	f.b[f.l3 + 24 + 3] ^= 1;
	t_expect_drop(&f, WR_DROP_tcp_checksum);
}

static void set_partial(struct t_frame *f)
{
	uint8_t *ip = f->b + f->l3;
	uint32_t sum = t_naive_sum(0, f->v6 ? ip + 8 : ip + 12, f->v6 ? 32 : 8);

	t_put16(f->b + f->l4 + 16, t_naive_sum(sum + 6 + f->len - f->l4, NULL, 0));
}

static void tcp_checksum_partial_named(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct t_frame f;
		struct rte_mbuf *m;
		struct wr_pkt p;

		t_frame_tcp(&f, v6, WR_TCP_SYN, NULL, 0, 100);
		set_partial(&f);
		t_expect_drop(&f, WR_DROP_tcp_checksum_partial);
		m = t_mbuf(f.b, f.len, 0);
		m->ol_flags = RTE_MBUF_F_RX_L4_CKSUM_BAD;
		wr_parse_frame(&p, m, 0);
		assert_int_equal(p.drop, WR_DROP_tcp_checksum_partial);
		t_mbuf_free(m);
	}
}

static void tcp_port_zero_drops(void **state)
{
	for (int v6 = 0; v6 < 2; v6++)
		for (uint32_t off = 0; off < 4; off += 2) {
			struct t_frame f;

			t_frame_tcp(&f, v6, WR_TCP_SYN, NULL, 0, 0);
			t_put16(f.b + f.l4 + off, 0);
			t_frame_fix(&f);
			t_expect_drop(&f, WR_DROP_tcp_port_zero);
		}
}

// All 256 combinations against the rule as a sentence.
static void tcp_flags_every_combination(void **state)
{
	for (int flags = 0; flags < 256; flags++) {
		bool syn = flags & WR_TCP_SYN, fin = flags & WR_TCP_FIN;
		bool rst = flags & WR_TCP_RST, ack = flags & WR_TCP_ACK;
		bool bad = (syn && (fin || rst)) || (!syn && !fin && !rst && !ack);
		struct t_frame f;

		t_frame_tcp(&f, flags & 1, (uint8_t)flags, NULL, 0, 4);
		if (bad)
			t_expect_drop(&f, WR_DROP_tcp_flags);
		else
			t_expect_kind(&f, WR_PKT_TCP);
	}
}

// What the NIC damaged is damaged first, whatever else is wrong with it.
static void tcp_checksum_before_fields(void **state)
{
	struct t_frame f;

	t_frame_tcp(&f, false, 0, NULL, 0, 4);
	f.b[f.len - 1] ^= 1;
	t_expect_drop(&f, WR_DROP_tcp_checksum);
}

static void parse_opts(struct wr_pkt *p, const void *opt, uint32_t len, uint8_t flags)
{
	struct t_frame f;

	t_frame_tcp(&f, false, flags, opt, len, 3);
	t_parse(p, &f);
	assert_int_equal(p->kind, WR_PKT_TCP);
	assert_int_equal(p->l4_len, 20 + len);
	assert_int_equal(p->payload_len, 3);
}

static void options_syn_all(void **state)
{
	// As Linux sends them: MSS 1460, SACK-permitted, timestamps, NOP, window scale 7.
	const char opt[] = "\2\4\5\xb4\4\2\x08\x0a\x11\x22\x33\x44\0\0\0\0\1\3\3\7";
	struct wr_pkt p;

	parse_opts(&p, opt, 20, WR_TCP_SYN);
	assert_int_equal(
		p.opts, WR_TCPOPT_MSS | WR_TCPOPT_SACKOK | WR_TCPOPT_TS | WR_TCPOPT_WSCALE);
	assert_int_equal(p.mss, 1460);
	assert_int_equal(p.wscale, 7);
	assert_int_equal(p.ts_val, 0x11223344);
	assert_int_equal(p.ts_ecr, 0);
	parse_opts(&p, opt, 20, WR_TCP_SYN | WR_TCP_ACK);
	assert_int_equal(p.mss, 1460);
}

static void options_syn_only_ignored_later(void **state)
{
	struct wr_pkt p;

	parse_opts(&p, "\2\4\5\xb4\4\2\x08\x0a\x11\x22\x33\x44\0\0\0\1\1\3\3\7", 20, WR_TCP_ACK);
	assert_int_equal(p.opts, WR_TCPOPT_TS);
	assert_int_equal(p.mss, 0);
	assert_int_equal(p.wscale, 0);
	assert_int_equal(p.ts_ecr, 1);
}

static void options_aligned_timestamps(void **state)
{
	struct wr_pkt p;

	parse_opts(&p, "\1\1\x08\x0a\xff\xfe\xfd\xfc\x01\x02\x03\x04", 12, WR_TCP_ACK);
	assert_int_equal(p.opts, WR_TCPOPT_TS);
	assert_int_equal(p.ts_val, 0xfffefdfc);
	assert_int_equal(p.ts_ecr, 0x01020304);
	parse_opts(&p, "\x08\x0a\xff\xfe\xfd\xfc\x01\x02\x03\x04\1\1", 12, WR_TCP_ACK);
	assert_int_equal(p.ts_val, 0xfffefdfc);
	assert_int_equal(p.ts_ecr, 0x01020304);
}

static void options_mss_as_sent(void **state)
{
	static const uint16_t mss[] = {0, 1, 536, 9000, 65535};

	for (size_t i = 0; i < RTE_DIM(mss); i++) {
		uint8_t opt[4] = {2, 4, (uint8_t)(mss[i] >> 8), (uint8_t)mss[i]};
		struct wr_pkt p;

		parse_opts(&p, opt, 4, WR_TCP_SYN);
		assert_int_equal(p.opts, WR_TCPOPT_MSS);
		assert_int_equal(p.mss, mss[i]);
	}
}

static void options_wscale_clamped(void **state)
{
	static const uint8_t in[] = {0, 14, 15, 255}, out[] = {0, 14, 14, 14};

	for (size_t i = 0; i < RTE_DIM(in); i++) {
		uint8_t opt[4] = {1, 3, 3, in[i]};
		struct wr_pkt p;

		parse_opts(&p, opt, 4, WR_TCP_SYN);
		assert_int_equal(p.opts, WR_TCPOPT_WSCALE);
		assert_int_equal(p.wscale, out[i]);
	}
}

static void options_sack_one_to_four(void **state)
{
	for (uint32_t n = 1; n <= 4; n++) {
		uint8_t opt[36] = {1, 1, 5, (uint8_t)(2 + 8 * n)};
		struct wr_pkt p;

		for (uint32_t i = 0; i < n; i++) {
			t_put32(opt + 4 + 8 * i, 0xffffff00 + i * 0x100);
			t_put32(opt + 8 + 8 * i, 0xffffff80 + i * 0x100);
		}
		parse_opts(&p, opt, 4 + 8 * n, WR_TCP_ACK);
		assert_int_equal(p.opts, WR_TCPOPT_SACK);
		assert_int_equal(p.sack_count, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_int_equal(p.sack[i].left, 0xffffff00 + i * 0x100);
			assert_int_equal(p.sack[i].right, 0xffffff80 + i * 0x100);
		}
	}
}

static void options_wrong_length_ignored(void **state)
{
	static const struct {
		const char *opt;
		uint32_t len;
	} row[] = {
		{"\2\3\5\1", 4},                                        // MSS of 3
		{"\2\6\5\xb4\0\0\1\1", 8},                              // MSS of 6
		{"\3\2\1\1", 4},                                        // window scale of 2
		{"\3\4\7\7", 4},                                        // window scale of 4
		{"\4\3\0\1", 4},                                        // SACK-permitted of 3
		{"\x08\x09\0\0\0\0\0\0\0\1\1\1", 12},                   // timestamps of 9
		{"\5\2\1\1", 4},                                        // SACK without blocks
		{"\5\x09\0\0\0\0\0\0\0\1\1\1", 12},                     // SACK with half a block
		{"\5\4\0\0\5\6\0\0\0\0\1\1", 12},                       // two of them
		{"\xfe\4\xaa\xbb\x22\2\x1e\x0a\1\2\3\4\5\6\7\x08", 16}, // unknown kinds
		{"\x13\x12\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\1", 20},   // MD5
	};

	for (size_t i = 0; i < RTE_DIM(row); i++) {
		struct wr_pkt p;

		parse_opts(&p, row[i].opt, row[i].len, WR_TCP_SYN);
		assert_int_equal(p.opts, 0);
		assert_int_equal(p.mss, 0);
		assert_int_equal(p.sack_count, 0);
	}
}

static void options_end_of_list(void **state)
{
	struct wr_pkt p;

	parse_opts(&p, "\1\0\2\4\5\xb4\xff\0", 8, WR_TCP_SYN);
	assert_int_equal(p.opts, 0);
	parse_opts(&p, "\2\4\5\xb4\0\x08\x01\0", 8, WR_TCP_SYN);
	assert_int_equal(p.opts, WR_TCPOPT_MSS);
}

static void options_impossible_length_drops(void **state)
{
	static const char *const bad[] = {"\2\0\5\xb4", "\2\1\5\xb4", "\2\5\5\xb4", "\1\1\1\2",
		"\xfd\0\1\1", "\xfd\xff\1\1", "\1\1\x08\x0a", "\5\x0a\1\1"};

	for (size_t i = 0; i < RTE_DIM(bad); i++) {
		struct t_frame f;

		t_frame_tcp(&f, true, WR_TCP_SYN, (const uint8_t *)bad[i], 4, 40);
		t_expect_drop(&f, WR_DROP_tcp_options);
	}
}

static void options_forty_bytes(void **state)
{
	uint8_t opt[40];
	struct wr_pkt p;

	memset(opt, 1, sizeof(opt));
	memcpy(opt + 36, "\2\4\1\2", 4);
	parse_opts(&p, opt, 40, WR_TCP_SYN);
	assert_int_equal(p.mss, 0x102);
}

// The function alone, over memory of exact size: nothing behind the options is touched.
static void options_random_bytes_exact(void **state)
{
	uint64_t seed = 42;

	for (int round = 0; round < 200000; round++) {
		uint32_t len = t_rand(&seed) % 41;
		uint8_t *b = malloc(len > 0 ? len : 1);
		struct wr_pkt p = {.opts = 0xff, .sack_count = 99};
		enum wr_drop d;

		for (uint32_t i = 0; i < len; i++) {
			uint32_t r = t_rand(&seed);

			b[i] = (uint8_t)(r & 0x100 ? r : r % 12);
		}
		d = wr_parse_tcp_options(&p, b, len, round & 1);
		assert_true(d == WR_DROP_NONE || d == WR_DROP_tcp_options);
		assert_true(p.sack_count <= WR_TCP_MAX_SACK);
		assert_true(p.wscale <= 14);
		assert_int_equal(p.sack_count > 0, (p.opts & WR_TCPOPT_SACK) != 0);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_fields_both_families),
		cmocka_unit_test(tcp_data_offset_impossible),
		cmocka_unit_test(tcp_shorter_than_header),
		cmocka_unit_test(tcp_header_not_from_padding),
		cmocka_unit_test(tcp_checksum_each_byte),
		cmocka_unit_test(tcp_checksum_covers_pseudo_header),
		cmocka_unit_test(tcp_checksum_partial_named),
		cmocka_unit_test(tcp_port_zero_drops),
		cmocka_unit_test(tcp_flags_every_combination),
		cmocka_unit_test(tcp_checksum_before_fields),
		cmocka_unit_test(options_syn_all),
		cmocka_unit_test(options_syn_only_ignored_later),
		cmocka_unit_test(options_aligned_timestamps),
		cmocka_unit_test(options_mss_as_sent),
		cmocka_unit_test(options_wscale_clamped),
		cmocka_unit_test(options_sack_one_to_four),
		cmocka_unit_test(options_wrong_length_ignored),
		cmocka_unit_test(options_end_of_list),
		cmocka_unit_test(options_impossible_length_drops),
		cmocka_unit_test(options_forty_bytes),
		cmocka_unit_test(options_random_bytes_exact),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

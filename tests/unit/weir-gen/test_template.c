/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets_test.h"

#include "stamp.h"
#include "template.h"

static uint8_t frame[TEMPLATE_MAX_SIZE];

static struct template *create(const struct gen_packets *c)
{
	struct packets_env env = t_env();
	struct wr_err err = {""};
	struct template *t = template_create(c, &env, &err);

	if (t == NULL)
		print_error("%s\n", err.text);
	assert_non_null(t);
	return t;
}

// The next frame, parsed from memory of its exact size.
static uint32_t next(struct template *t, struct wr_pkt *pkt, uint64_t seq)
{
	uint32_t size = template_next_size(t);
	uint8_t *exact = malloc(size);

	memset(frame, 0xee, sizeof(frame));
	template_write(t, frame, size, seq, seq * 1000 + 7);
	memcpy(exact, frame, size);
	wr_parse_bytes(pkt, exact, size, 0);
	free(exact);
	return size;
}

static void expect_kind(const struct wr_pkt *pkt, const struct gen_packets *c, bool v6)
{
	static const uint8_t kinds[][2] = {
		[GEN_PACKET_TCP] = {WR_PKT_TCP, WR_PKT_TCP},
		[GEN_PACKET_UDP] = {WR_PKT_PUNT, WR_PKT_PUNT},
		[GEN_PACKET_ICMP_ECHO] = {WR_PKT_ICMP4, WR_PKT_ICMP6},
	};

	assert_int_equal(pkt->drop, WR_DROP_NONE);
	assert_int_equal(pkt->kind, kinds[c->kind][v6]);
	assert_true(wr_addr_eq(&pkt->t.remote, &c->source.first));
	assert_true(wr_addr_eq(&pkt->t.local, &c->target.first));
}

// Every size of every kind in both families, with and without a stamp.
static void template_frames_every_size(void **state)
{
	for (int i = 0; i < 3 * 2 * 2; i++) {
		bool v6 = i & 1, stamp = i & 2;
		struct gen_packets c = t_conf((enum gen_packet_kind)(i / 4), v6);
		struct template *t;
		struct wr_pkt pkt;
		uint32_t first;

		c.stamp = stamp;
		c.size.last = T_MTU + 14;
		t = create(&c);
		first = t->size_first;
		assert_true(first >= 60 && first < 120);
		for (uint32_t size = first; size <= T_MTU + 14; size++) {
			assert_int_equal(next(t, &pkt, size), size);
			expect_kind(&pkt, &c, v6);
			assert_true(t_sums_right(frame, size));
			assert_int_equal(frame[size < 64 ? 64 : size], 0xee);
		}
		assert_int_equal(next(t, &pkt, 0), first);     // from the start
		if (c.kind == GEN_PACKET_TCP && !v6 && !stamp) // padding
			assert_memory_equal(frame + 58, "\0\0", 2);
		template_destroy(t);
	}
}

static void template_syn_mss(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_TCP, v6);
		struct template *t = create(&c);
		struct wr_pkt pkt;

		assert_int_equal(next(t, &pkt, 0), v6 ? 78 : 60);
		assert_int_equal(pkt.flags, WR_TCP_SYN);
		assert_int_equal(pkt.opts, WR_TCPOPT_MSS);
		assert_int_equal(pkt.mss, v6 ? 1440 : 1460);
		assert_int_equal(pkt.payload_len, 0);
		assert_int_equal(pkt.ack, 0);
		assert_int_equal(pkt.t.rport, 1024);
		assert_int_equal(pkt.t.lport, 80);
		assert_memory_equal(frame, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
		if (!v6) // padding
			assert_memory_equal(frame + 58, "\0\0", 2);
		template_destroy(t);
	}
}

static void template_tcp_any_flags(void **state)
{
	for (uint32_t flags = 0; flags < 256; flags++) {
		struct gen_packets c = t_conf(GEN_PACKET_TCP, flags & 1);
		struct template *t;
		struct wr_pkt pkt;
		uint32_t size;

		c.flags = (uint8_t)flags;
		t = create(&c);
		size = next(t, &pkt, 0);
		assert_true(t_sums_right(frame, size));
		assert_int_equal(frame[(flags & 1 ? 54 : 34) + 13], flags);
		template_destroy(t);
	}
}

static void template_echo_fields(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_ICMP_ECHO, v6);
		struct template *t;
		struct wr_pkt pkt;
		const uint8_t *icmp = frame + (v6 ? 54 : 34);

		c.target_port.last = 99; // of no meaning
		t = create(&c);
		for (uint64_t seq = 65534; seq < 65538; seq++) {
			uint32_t size = next(t, &pkt, seq);

			assert_true(t_sums_right(frame, size));
			assert_int_equal(icmp[0], v6 ? 128 : 8);
			assert_int_equal(icmp[1], 0);
			assert_int_equal(t_get16(icmp + 4), 1024);
			assert_int_equal(t_get16(icmp + 6), seq & 0xffff);
		}
		template_destroy(t);
	}
}

#define WHEEL_SOURCES 3
#define WHEEL_TARGETS 4

static void wheel_conf(struct gen_packets *c, bool v6)
{
	// Across a carry into the next byte and, in IPv6, the next word.
	c->source = v6 ? t_range("2001:db8::ffff:fffe", "2001:db8::1:0:0")
	               : t_range("198.18.0.254", "198.18.1.0");
	c->target = v6 ? t_range("2001:db8:1::", "2001:db8:1::3")
	               : t_range("198.19.255.252", "198.19.255.255");
	c->source_port = (struct gen_span){255, 256, 0};
	c->target_port = (struct gen_span){65531, 65535, 0};
}

// Position of a packet in the odometer.
static uint32_t position(const struct wr_pkt *pkt, const struct gen_packets *c)
{
	uint32_t s = 0, d = 0;
	struct wr_addr a;

	for (a = c->source.first; !wr_addr_eq(&a, &pkt->t.remote); a = wr_addr_next(&a))
		assert_true(++s < WHEEL_SOURCES);
	for (a = c->target.first; !wr_addr_eq(&a, &pkt->t.local); a = wr_addr_next(&a))
		assert_true(++d < WHEEL_TARGETS);
	assert_in_range(pkt->t.rport, 255, 256);
	assert_in_range(pkt->t.lport, 65531, 65535);
	return s + WHEEL_SOURCES * (pkt->t.rport - 255u +
					   2 * (d + WHEEL_TARGETS * (pkt->t.lport - 65531u)));
}

static void template_step_odometer(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_TCP, v6);
		struct template *t;
		struct wr_pkt pkt;

		wheel_conf(&c, v6);
		t = create(&c);
		for (uint32_t i = 0; i < 3 * 120; i++) {
			uint32_t size = next(t, &pkt, i);

			assert_int_equal(pkt.kind, WR_PKT_TCP);
			assert_true(t_sums_right(frame, size));
			assert_int_equal(position(&pkt, &c), i % 120);
		}
		template_destroy(t);
	}
}

static void template_random_covers(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_TCP, v6);
		uint32_t seen[120] = {0};
		struct template *t;
		struct wr_pkt pkt;

		wheel_conf(&c, v6);
		c.walk = GEN_WALK_RANDOM;
		c.size = (struct gen_span){90, 93, 0};
		t = create(&c);
		for (uint32_t i = 0; i < 12000; i++) {
			uint32_t size = next(t, &pkt, i);

			assert_in_range(size, 90, 93);
			assert_true(t_sums_right(frame, size));
			seen[position(&pkt, &c)]++;
		}
		for (uint32_t i = 0; i < 120; i++) // 100 +- 5 sigma
			assert_in_range(seen[i], 50, 150);
		template_destroy(t);
	}
}

// A whole /64 of sources, and all IPv4 addresses.
static void template_random_widest(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_UDP, v6);
		struct template *t;
		struct wr_pkt pkt;
		uint8_t ones = 0, zeros = 0xff;

		c.source = v6 ? t_range("2001:db8::", "2001:db8::ffff:ffff:ffff:ffff")
		              : t_range("0.0.0.0", "255.255.255.255");
		c.source_port = (struct gen_span){0, 65535, 0};
		c.walk = GEN_WALK_RANDOM;
		t = create(&c);
		for (uint32_t i = 0; i < 1000; i++) {
			uint32_t size = next(t, &pkt, i);

			assert_true(t_sums_right(frame, size));
			ones |= frame[v6 ? 30 : 26];
			zeros &= frame[v6 ? 30 : 26];
		}
		assert_int_equal(ones, 0xff);
		assert_int_equal(zeros, 0);
		template_destroy(t);
	}
}

// Among so many there are sums of 0, which UDP writes as 0xffff.
static void template_udp_zero_sum(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct template *t;
	uint32_t ones = 0;

	c.source_port = (struct gen_span){0, 65535, 0};
	c.source = t_range("198.18.0.0", "198.18.0.3");
	t = create(&c);
	for (uint32_t i = 0; i < 4 * 65536; i++) {
		template_write(t, frame, 60, i, 0);
		assert_int_not_equal(t_get16(frame + 40), 0);
		if (t_get16(frame + 40) == 0xffff) {
			ones++;
			assert_true(t_sums_right(frame, 60));
		}
	}
	assert_in_range(ones, 1, 100);
	template_destroy(t);
}

static void template_imix_shares(void **state)
{
	for (int i = 0; i < 2 * 2; i++) {
		struct gen_packets c = t_conf(GEN_PACKET_UDP, i & 1);
		uint32_t small = i & 1 ? 62 : 60, n[3] = {0};
		struct template *t;
		struct wr_pkt pkt;

		c.imix = true;
		c.walk = i & 2 ? GEN_WALK_RANDOM : GEN_WALK_STEP;
		t = create(&c);
		for (uint32_t k = 0; k < 12000; k++) {
			uint32_t size = next(t, &pkt, k);

			assert_true(size == small || size == 566 || size == 1514);
			assert_true(k % 100 != 0 || t_sums_right(frame, size));
			n[size == small ? 0 : size == 566 ? 1 : 2]++;
		}
		if (c.walk == GEN_WALK_STEP) {
			assert_int_equal(n[0], 7000);
			assert_int_equal(n[1], 4000);
			assert_int_equal(n[2], 1000);
		} else {
			assert_in_range(n[0], 6700, 7300);
			assert_in_range(n[2], 850, 1150);
		}
		template_destroy(t);
	}
}

static void template_macs_step(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	const uint8_t other[6] = {2, 9, 9, 9, 9, 9};
	struct template *t;
	struct wr_pkt pkt;

	memcpy(c.source_mac, "\2\0\0\0\0\xfe", 6);
	c.source_macs = 3;
	t = create(&c);
	template_set_target_mac(t, other);
	for (uint32_t i = 0; i < 6; i++) {
		static const char want[3][7] = {"\2\0\0\0\0\xfe", "\2\0\0\0\0\xff", "\2\0\0\0\1\0"};

		next(t, &pkt, i);
		assert_memory_equal(frame + 6, want[i % 3], 6);
		assert_memory_equal(frame, other, 6);
		assert_true(t_sums_right(frame, 60));
	}
	template_destroy(t);
}

// Nothing breaks the parser; some frames pass, some fail by their checksums, some by what they say.
static void template_mutated_frames(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_MUTATE, v6);
		uint32_t drop[WR_DROP_COUNT] = {0}, changed = 0;
		struct template *t, *plain;
		struct wr_pkt pkt;

		c.size = (struct gen_span){90, 120, 0};
		t = create(&c);
		for (uint32_t i = 0; i < 20000; i++) {
			next(t, &pkt, i);
			drop[pkt.drop]++;
			assert_memory_equal(frame, "\2\0\0\0\0\2\2\0\0\0\0\1", 12);
			changed += pkt.kind != WR_PKT_TCP;
		}
		assert_in_range(drop[WR_DROP_tcp_checksum], 2000, 12000);
		assert_in_range(drop[WR_DROP_NONE], 3000, 13000);
		assert_true(changed > 5000);
		template_destroy(t);
		c.kind = GEN_PACKET_TCP; // and the template itself is not touched
		plain = create(&c);
		assert_true(t_sums_right(frame, next(plain, &pkt, 0)));
		template_destroy(plain);
	}
}

static void template_random_frames(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_RANDOM, v6);
		struct template *t;
		struct wr_pkt pkt;

		c.size = (struct gen_span){60, 300, 0};
		t = create(&c);
		for (uint32_t i = 0; i < 20000; i++) {
			uint32_t size = next(t, &pkt, i);

			assert_int_equal(t_get16(frame + 12), v6 ? 0x86dd : 0x0800);
			assert_int_equal(frame[size < 64 ? 64 : size], 0xee);
		}
		template_destroy(t);
	}
}

static void template_seed_repeats(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_MUTATE, false);
	struct template *a = create(&c), *b = create(&c);
	uint8_t first[64];
	struct wr_pkt pkt;

	for (uint32_t i = 0; i < 100; i++) {
		next(a, &pkt, i);
		memcpy(first, frame, 60);
		next(b, &pkt, i);
		assert_memory_equal(first, frame, 60);
	}
	template_destroy(a);
	template_destroy(b);
}

static void template_stamp_64_byte_frame(void **state)
{
	for (int kind = GEN_PACKET_UDP; kind <= GEN_PACKET_ICMP_ECHO; kind++) {
		struct gen_packets c = t_conf((enum gen_packet_kind)kind, false);
		struct template *t;
		struct wr_pkt pkt;

		c.size.first = 60;
		c.stamp = true;
		t = create(&c);
		assert_int_equal(next(t, &pkt, 0x0102030405060708ULL), 60);
		assert_memory_equal(frame + 46, "\1\2\3\4\5\6\7\x08", 8);
		assert_int_equal(template_payload_least(t), STAMP_LEN);
		assert_int_equal(template_payload_most(t), STAMP_LEN);
		template_destroy(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_frames_every_size),
		cmocka_unit_test(template_syn_mss),
		cmocka_unit_test(template_tcp_any_flags),
		cmocka_unit_test(template_echo_fields),
		cmocka_unit_test(template_step_odometer),
		cmocka_unit_test(template_random_covers),
		cmocka_unit_test(template_random_widest),
		cmocka_unit_test(template_udp_zero_sum),
		cmocka_unit_test(template_imix_shares),
		cmocka_unit_test(template_macs_step),
		cmocka_unit_test(template_mutated_frames),
		cmocka_unit_test(template_random_frames),
		cmocka_unit_test(template_seed_repeats),
		cmocka_unit_test(template_stamp_64_byte_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets_test.h"

#include "template_priv.h"

static void refused(const struct gen_packets *c, const char *part)
{
	struct packets_env env = t_env();
	struct template_sizes sizes;
	struct wr_err err = {""};

	assert_int_equal(template_check(c, &env, &sizes, &err), -EINVAL);
	if (strstr(err.text, part) == NULL)
		print_error("\"%s\" has no \"%s\"\n", err.text, part);
	assert_non_null(strstr(err.text, part));
}

static void template_sizes_refused(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_TCP, true);

	c.size = (struct gen_span){60, 60, 0};
	refused(&c, "14 Ethernet + 40 IPv6 + 24 TCP = 78; give 78 or more");
	c = t_conf(GEN_PACKET_TCP, false);
	c.size.first = 60;
	c.stamp = true;
	refused(&c, "14 Ethernet + 20 IPv4 + 24 TCP + 18 stamp = 76; give 76 or more, or no stamp");
	c = t_conf(GEN_PACKET_UDP, false);
	c.size.first = 59;
	refused(&c, "least without check sequence is 60");
	c.size = (struct gen_span){1515, 1515, 0};
	refused(&c, "14 Ethernet + 1500 MTU of the port = 1514");
	c.size = (struct gen_span){100, 99, 0};
	refused(&c, "sizes 100-99");
	c = t_conf(GEN_PACKET_RANDOM, true);
	c.size.first = 59;
	refused(&c, "is 60");
	c.stamp = true;
	refused(&c, "carry no stamp");
}

static void template_buffers_refused(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct packets_env env = t_env();
	struct template_sizes sizes;
	struct wr_err err = {""};

	env.mtu = 9000;
	c.size.first = 9014;
	assert_int_equal(template_check(&c, &env, &sizes, &err), -EINVAL);
	assert_non_null(strstr(err.text, "9014 bytes do not fit into buffers of 2048"));
}

static void template_ranges_refused(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);

	c.source = t_range("198.18.0.9", "198.18.0.1");
	refused(&c, "source addresses 198.18.0.9-198.18.0.1: the first is above");
	c.source = t_range("198.18.0.9", "2001:db8::1");
	refused(&c, "one family");
	c = t_conf(GEN_PACKET_UDP, true);
	c.target = t_range("2001:db8::1", "2001:db8:0:1::1");
	refused(&c, "target addresses 2001:db8::1-2001:db8:0:1::1: a range stays inside one /64");
	c.target = t_range("198.18.0.1", "198.18.0.1");
	refused(&c, "use two streams");
	c = t_conf(GEN_PACKET_UDP, false);
	c.target_port.first = 81;
	refused(&c, "target ports 81-80");
	c.target_port.first = 80;
	c.source_mac[0] = 1;
	refused(&c, "must be even");
}

static void template_ranges_missing(void **state)
{
	struct gen_packets c = t_conf(GEN_PACKET_UDP, false);
	struct packets_env env = t_env();
	struct template_sizes s;

	memset(&c.target, 0, sizeof(c.target));
	refused(&c, "target addresses are missing");
	c.kind = GEN_PACKET_RANDOM; // needs none
	assert_int_equal(template_check(&c, &env, &s, NULL), 0);
	assert_true(s.v4);
	memset(&c.source, 0, sizeof(c.source));
	assert_int_equal(template_check(&c, &env, &s, NULL), 0);
	assert_false(s.v4);
	c.kind = GEN_PACKET_TCP;
	refused(&c, "source addresses are missing");
}

static void template_sizes_resolved(void **state)
{
	static const struct {
		enum gen_packet_kind kind;
		bool v6, stamp;
		uint32_t least;
	} want[] = {
		{GEN_PACKET_TCP, false, false, 60},
		{GEN_PACKET_TCP, false, true, 76},
		{GEN_PACKET_TCP, true, false, 78},
		{GEN_PACKET_TCP, true, true, 96},
		{GEN_PACKET_UDP, false, true, 60},
		{GEN_PACKET_UDP, true, false, 62},
		{GEN_PACKET_UDP, true, true, 80},
		{GEN_PACKET_ICMP_ECHO, false, true, 60},
		{GEN_PACKET_ICMP_ECHO, true, true, 80},
		{GEN_PACKET_RANDOM, true, false, 60},
		{GEN_PACKET_MUTATE, true, false, 78},
	};

	for (size_t i = 0; i < RTE_DIM(want); i++) {
		struct gen_packets c = t_conf(want[i].kind, want[i].v6);
		struct packets_env env = t_env();
		struct template_sizes s;

		c.stamp = want[i].stamp;
		assert_int_equal(template_check(&c, &env, &s, NULL), 0);
		assert_int_equal(s.first, want[i].least);
		assert_int_equal(s.last, want[i].least);
		c.size = (struct gen_span){100, 0, 0};
		assert_int_equal(template_check(&c, &env, &s, NULL), 0);
		assert_int_equal(s.first, 100);
		assert_int_equal(s.last, 100);
		c.imix = true; // goes before sizes
		assert_int_equal(template_check(&c, &env, &s, NULL), 0);
		assert_int_equal(s.imix[0], want[i].least);
		assert_int_equal(s.imix[1], 566);
		assert_int_equal(s.imix[2], 1514);
	}
}

static void template_repair_right(void **state)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct gen_packets c = t_conf(GEN_PACKET_TCP, v6);
		struct packets_env env = t_env();
		struct template *t = template_create(&c, &env, NULL);
		uint8_t f[TEMPLATE_LEAST + 64];
		uint32_t size;

		assert_non_null(t);
		size = template_next_size(t);
		template_write(t, f, size, 0, 0);
		f[(v6 ? 54 : 34) + 14] ^= 0x55; // window
		f[v6 ? 21 : 22] ^= 0x55;        // hop limit
		assert_false(t_sums_right(f, size));
		template_repair(f, size);
		assert_true(t_sums_right(f, size));
		template_destroy(t);
	}
}

// Whatever lengths a frame claims, nothing outside it is touched.
static void template_repair_any_bytes(void **state)
{
	uint64_t x = 1;

	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t size = 60 + i % 60;
		uint8_t *f = malloc(size);

		for (uint32_t k = 0; k < size; k++) {
			x = x * 6364136223846793005ULL + 1442695040888963407ULL;
			f[k] = (uint8_t)(x >> 56);
		}
		f[14] = (uint8_t)((i & 1 ? 0x40 : 0x60) | (f[14] & 15));
		if (i & 2)
			memset(f + 16, 0, 4); // small lengths
		template_repair(f, size);
		free(f);
	}
}

static int group_setup(void **state)
{
	t_pool();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(template_sizes_refused),
		cmocka_unit_test(template_buffers_refused),
		cmocka_unit_test(template_ranges_refused),
		cmocka_unit_test(template_ranges_missing),
		cmocka_unit_test(template_sizes_resolved),
		cmocka_unit_test(template_repair_right),
		cmocka_unit_test(template_repair_any_bytes),
	};

	return cmocka_run_group_tests(tests, group_setup, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "wr_addr.h"

#include <errno.h>

static struct wr_addr addr(const char *text)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	return a;
}

static void addr_parse_v4_is_mapped(void **state)
{
	static const uint8_t bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 18, 0, 1};
	struct wr_addr a = addr("198.18.0.1");
	struct wr_addr mapped = addr("::ffff:198.18.0.1");

	assert_memory_equal(a.b, bytes, 16);
	assert_true(wr_addr_is_v4(&a));
	assert_true(wr_addr_eq(&a, &mapped));
}

static void addr_parse_malformed(void **state)
{
	static const char *const bad[] = {"", "198.18.0", "198.18.0.256", "198.18.0.1 ",
		"198.18.00.1", "2001:db8:::1", "2001:db8::g", "fe80::1%eth0", "[2001:db8::1]",
		"host", "198.18.0.1/24"};
	struct wr_addr a;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wr_addr_parse(bad[i], &a), -EINVAL);
	assert_int_equal(wr_addr_parse(NULL, &a), -EINVAL);
}

static void check_text(const char *in, const char *out)
{
	struct wr_addr a = addr(in);
	char buf[WR_ADDR_STR];

	assert_string_equal(wr_addr_format(&a, buf, sizeof(buf)), out);
}

static void addr_format_canonical(void **state)
{
	check_text("198.18.0.1", "198.18.0.1");
	check_text("0.0.0.0", "0.0.0.0");
	check_text("::", "::");
	check_text("::1", "::1");
	check_text("::1:2", "::1:2");
	check_text("::102:304", "::102:304");
	// RFC 5952 4: lower case, no leading zeros, the longest run, the first of equals, never a
	// single 0
	check_text("2001:0DB8:0:0:0:0:0:0001", "2001:db8::1");
	check_text("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");
	check_text("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1");
	check_text("2001:0:0:1:0:0:0:1", "2001:0:0:1::1");
	check_text("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void addr_format_short_buffer(void **state)
{
	struct wr_addr v4 = addr("198.18.0.1");
	struct wr_addr v6 = addr("2001:db8::1");
	char buf[4] = "abc";

	assert_string_equal(wr_addr_format(&v4, buf, sizeof(buf)), "");
	memcpy(buf, "abc", 4);
	assert_string_equal(wr_addr_format(&v6, buf, sizeof(buf)), "");
}

static void check_kind(
	const char *text, bool multicast, bool unspecified, bool loopback, bool local)
{
	struct wr_addr a = addr(text);

	assert_int_equal(wr_addr_is_multicast(&a), multicast);
	assert_int_equal(wr_addr_is_unspecified(&a), unspecified);
	assert_int_equal(wr_addr_is_loopback(&a), loopback);
	assert_int_equal(wr_addr_is_linklocal(&a), local);
}

static void addr_kinds_v4(void **state)
{
	check_kind("198.18.0.1", false, false, false, false);
	check_kind("223.255.255.255", false, false, false, false);
	check_kind("224.0.0.1", true, false, false, false);
	check_kind("239.255.255.255", true, false, false, false);
	check_kind("240.0.0.1", false, false, false, false);
	check_kind("255.255.255.255", true, false, false, false);
	check_kind("0.0.0.0", false, true, false, false);
	check_kind("127.0.0.1", false, false, true, false);
	check_kind("127.255.0.1", false, false, true, false);
	check_kind("169.254.1.1", false, false, false, true);
	check_kind("169.255.1.1", false, false, false, false);
}

static void addr_kinds_v6(void **state)
{
	check_kind("2001:db8::1", false, false, false, false);
	check_kind("ff02::1", true, false, false, false);
	check_kind("fe00::1", false, false, false, false);
	check_kind("::", false, true, false, false);
	check_kind("::1", false, false, true, false);
	check_kind("::2", false, false, false, false);
	check_kind("::127.0.0.1", false, false, false, false);
	check_kind("fe80::1", false, false, false, true);
	check_kind("febf::1", false, false, false, true);
	check_kind("fec0::1", false, false, false, false);
}

static bool contains(const char *prefix, const char *text)
{
	struct wr_addr a = addr(text);
	struct wr_prefix p;

	assert_int_equal(wr_prefix_parse(prefix, &p), 0);
	return wr_prefix_contains(&p, &a);
}

static void prefix_contains_v4(void **state)
{
	assert_true(contains("198.18.0.0/15", "198.19.255.255"));
	assert_false(contains("198.18.0.0/15", "198.20.0.0"));
	assert_true(contains("198.18.0.77/24", "198.18.0.1"));
	assert_true(contains("198.18.0.1/32", "198.18.0.1"));
	assert_false(contains("198.18.0.1/32", "198.18.0.0"));
	assert_true(contains("0.0.0.0/0", "255.255.255.255"));
	assert_false(contains("0.0.0.0/0", "2001:db8::1"));
}

static void prefix_contains_v6(void **state)
{
	assert_true(contains("2001:db8::/32", "2001:db8:ffff::1"));
	assert_false(contains("2001:db8::/32", "2001:db9::"));
	assert_true(contains("2001:db8::/33", "2001:db8:7fff::"));
	assert_false(contains("2001:db8::/33", "2001:db8:8000::"));
	assert_true(contains("2001:db8::1/128", "2001:db8::1"));
	assert_true(contains("::/0", "2001:db8::1"));
	assert_false(contains("::/0", "198.18.0.1"));
}

static void prefix_parse_keeps_host_bits(void **state)
{
	struct wr_prefix p;
	char buf[WR_ENDPOINT_STR];

	assert_int_equal(wr_prefix_parse("198.18.0.5/24", &p), 0);
	assert_int_equal(p.len, 120);
	assert_string_equal(wr_prefix_format(&p, buf, sizeof(buf)), "198.18.0.5/24");
	assert_int_equal(wr_prefix_parse("2001:db8::5/64", &p), 0);
	assert_int_equal(p.len, 64);
	assert_string_equal(wr_prefix_format(&p, buf, sizeof(buf)), "2001:db8::5/64");
	assert_int_equal(wr_prefix_parse("::ffff:198.18.0.5/120", &p), 0);
	assert_string_equal(wr_prefix_format(&p, buf, sizeof(buf)), "198.18.0.5/24");
}

static void prefix_parse_malformed(void **state)
{
	static const char *const bad[] = {"", "/", "198.18.0.0", "198.18.0.0/", "198.18.0.0/33",
		"198.18.0.0/-1", "198.18.0.0/024", "198.18.0.0/2 ", "2001:db8::/129", "/24",
		"2001:db8::/", "::ffff:198.18.0.0/64", "198.18.0.0/24/24",
		"198.18.0.0/99999999999"};
	struct wr_prefix p;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wr_prefix_parse(bad[i], &p), -EINVAL);
	assert_int_equal(wr_prefix_parse(NULL, &p), -EINVAL);
}

static void endpoint_parse_both_families(void **state)
{
	static const char *const good[] = {"198.18.0.1:80", "[2001:db8::1]:65535", "[::]:1"};
	struct wr_endpoint e;
	char buf[WR_ENDPOINT_STR];

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(wr_endpoint_parse(good[i], &e), 0);
		assert_string_equal(wr_endpoint_format(&e, buf, sizeof(buf)), good[i]);
	}
	assert_int_equal(e.port, 1);
}

static void endpoint_parse_malformed(void **state)
{
	static const char *const bad[] = {"", ":", ":80", "198.18.0.1",
		"198.18.0.1:", "198.18.0.1:0", "198.18.0.1:65536", "198.18.0.1:080",
		"198.18.0.1:+80", "198.18.0.1:8a", "2001:db8::1:80", "[198.18.0.1]:80",
		"[2001:db8::1]80", "[2001:db8::1]", "[2001:db8::1:80", "[]:80", "[:80", "]:80",
		"[[::1]]:80", "198.18.0.1 :80",
		"[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:80"};
	struct wr_endpoint e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(wr_endpoint_parse(bad[i], &e), -EINVAL);
	assert_int_equal(wr_endpoint_parse(NULL, &e), -EINVAL);
}

static void endpoint_format_longest(void **state)
{
	struct wr_endpoint e = {
		.addr = addr("1111:2222:3333:4444:5555:6666:7777:8888"), .port = 65535};
	char buf[WR_ENDPOINT_STR];

	wr_endpoint_format(&e, buf, sizeof(buf));
	assert_string_equal(buf, "[1111:2222:3333:4444:5555:6666:7777:8888]:65535");
}

static void check_next(const char *text, const char *next)
{
	struct wr_addr a = addr(text);
	struct wr_addr expect = addr(next);

	a = wr_addr_next(&a);
	assert_true(wr_addr_eq(&a, &expect));
}

static void addr_next_carries(void **state)
{
	check_next("198.18.0.1", "198.18.0.2");
	check_next("198.18.0.255", "198.18.1.0");
	check_next("198.18.255.255", "198.19.0.0");
	check_next("2001:db8::ffff", "2001:db8::1:0");
	check_next("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::");
}

static void addr_cmp_byte_order(void **state)
{
	struct wr_addr a = addr("198.18.0.255");
	struct wr_addr b = addr("198.18.1.0");
	struct wr_addr c = addr("2001:db8::1");

	assert_int_equal(wr_addr_cmp(&a, &a), 0);
	assert_int_equal(wr_addr_cmp(&a, &b), -1);
	assert_int_equal(wr_addr_cmp(&b, &a), 1);
	assert_int_equal(wr_addr_cmp(&b, &c), -1);
}

static void tuple_eq_every_field(void **state)
{
	struct wr_tuple a = {
		.local = addr("198.18.0.1"), .remote = addr("198.18.0.2"), .lport = 1, .rport = 2};
	struct wr_tuple b = a;

	assert_true(wr_tuple_eq(&a, &b));
	b.rport = 3;
	assert_false(wr_tuple_eq(&a, &b));
	b = a;
	b.lport = 3;
	assert_false(wr_tuple_eq(&a, &b));
	b = a;
	b.local = b.remote;
	assert_false(wr_tuple_eq(&a, &b));
	b = a;
	b.remote = b.local;
	assert_false(wr_tuple_eq(&a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addr_parse_v4_is_mapped),
		cmocka_unit_test(addr_parse_malformed),
		cmocka_unit_test(addr_format_canonical),
		cmocka_unit_test(addr_format_short_buffer),
		cmocka_unit_test(addr_kinds_v4),
		cmocka_unit_test(addr_kinds_v6),
		cmocka_unit_test(prefix_contains_v4),
		cmocka_unit_test(prefix_contains_v6),
		cmocka_unit_test(prefix_parse_keeps_host_bits),
		cmocka_unit_test(prefix_parse_malformed),
		cmocka_unit_test(endpoint_parse_both_families),
		cmocka_unit_test(endpoint_parse_malformed),
		cmocka_unit_test(endpoint_format_longest),
		cmocka_unit_test(addr_next_carries),
		cmocka_unit_test(addr_cmp_byte_order),
		cmocka_unit_test(tuple_eq_every_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include <rte_common.h>

#include "wr_proxy_header.h"
#include "wr_rng.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define INET4     "\xc6\x12\x00\x01\xc6\x12\x00\x02\x12\x34\x01\xbb" // 198.18.0.1:4660, .2:443
#define INET6                                                                                      \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2"         \
	"\x12\x34\x01\xbb"

struct text {
	const char *data;
	uint32_t len;
};
#define TEXT(s)                                                                                    \
	{                                                                                          \
		s, sizeof(s) - 1                                                                   \
	}

// From memory of exactly its size, so that a read past its end is seen.
static int parse(const char *data, uint32_t len, struct wr_proxy_header *h)
{
	uint8_t *exact = malloc(len ? len : 1);
	int got;

	memcpy(exact, data, len);
	memset(h, 0xee, sizeof(*h));
	got = wr_proxy_header_parse(exact, len, h);
	assert_non_null(wr_proxy_header_why(exact, len));
	free(exact);
	return got;
}

static struct wr_endpoint endpoint(const char *text, uint16_t port)
{
	struct wr_endpoint e = {.port = port};

	assert_int_equal(wr_addr_parse(text, &e.addr), 0);
	return e;
}

static void expect_ends(const struct wr_proxy_header *h, const char *client, uint16_t cport,
	const char *local_to, uint16_t lport)
{
	struct wr_endpoint c = endpoint(client, cport), l = endpoint(local_to, lport);

	assert_false(h->local);
	assert_true(wr_addr_eq(&h->client.addr, &c.addr));
	assert_int_equal(h->client.port, cport);
	assert_true(wr_addr_eq(&h->local_to.addr, &l.addr));
	assert_int_equal(h->local_to.port, lport);
}

// A header, with bytes behind it that are not its own. Each of its beginnings asks for more.
static void expect_taken(struct text t, struct wr_proxy_header *h)
{
	char more[WR_PROXY_HEADER_MAX + 16];

	for (uint32_t i = 0; i < t.len; i++)
		assert_int_equal(parse(t.data, i, h), 0);
	memcpy(more, t.data, t.len);
	memcpy(more + t.len, "\r\nGET / \r\n", 10);
	assert_int_equal(parse(more, t.len + 10, h), t.len);
	assert_int_equal(parse(t.data, t.len, h), t.len);
}

static void expect_refused(struct text t, const char *why)
{
	struct wr_proxy_header h, untouched;

	memset(&untouched, 0xee, sizeof(untouched));
	assert_int_equal(parse(t.data, t.len, &h), -EPROTO);
	assert_memory_equal(&h, &untouched, sizeof(h));
	assert_string_equal(wr_proxy_header_why((const uint8_t *)t.data, t.len), why);
}

// --- version 1 ----------------------------------------------------------------------------------

static void v1_ipv4(void **state)
{
	struct wr_proxy_header h;

	expect_taken((struct text)TEXT("PROXY TCP4 198.18.0.1 198.19.255.254 56324 443\r\n"), &h);
	assert_int_equal(h.version, 1);
	expect_ends(&h, "198.18.0.1", 56324, "198.19.255.254", 443);
	assert_true(wr_addr_is_v4(&h.client.addr));
}

static void v1_ipv6(void **state)
{
	struct wr_proxy_header h;

	expect_taken(
		(struct text)TEXT("PROXY TCP6 2001:DB8::1 2001:0db8:0:0:0:0:0:ffff 1 65535\r\n"),
		&h);
	expect_ends(&h, "2001:db8::1", 1, "2001:db8::ffff", 65535);
	expect_taken((struct text)TEXT("PROXY TCP6 ::ffff:c612:1 2001:db8::2 0 0\r\n"), &h);
	expect_ends(&h, "198.18.0.1", 0, "2001:db8::2", 0);
}

// The longest lines of section 2.1.
static void v1_longest(void **state)
{
	struct wr_proxy_header h;
	const struct text six = TEXT("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
				     "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");
	const struct text unknown = TEXT("PROXY UNKNOWN ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
					 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n");

	assert_int_equal(six.len, 104);
	expect_taken(six, &h);
	assert_int_equal(unknown.len, WR_PROXY_HEADER_V1_MAX);
	expect_taken(unknown, &h);
	assert_true(h.local);
}

static void v1_unknown(void **state)
{
	const struct text t[] = {TEXT("PROXY UNKNOWN\r\n"), TEXT("PROXY UNKNOWN \r\n"),
		TEXT("PROXY UNKNOWN any \r thing\n\0 goes\r\n")};
	struct wr_proxy_header h;

	for (uint32_t i = 0; i < RTE_DIM(t); i++) {
		expect_taken(t[i], &h);
		assert_true(h.local);
		assert_int_equal(h.version, 1);
		assert_int_equal(h.client.port, 0);
	}
}

static void v1_refused(void **state)
{
	static const struct {
		struct text t;
		const char *why;
	} c[] = {
		{TEXT("G"), "not a PROXY header"},
		{TEXT("GET / HTTP/1.1\r\n"), "not a PROXY header"},
		{TEXT("proxy TCP4 198.18.0.1 198.18.0.2 1 2\r\n"), "not a PROXY header"},
		{TEXT(" PROXY"), "not a PROXY header"},
		{TEXT("PROXY\r\n"), "not a PROXY header"},
		{TEXT("PROXY\tTCP4 198.18.0.1 198.18.0.2 1 2\r\n"), "not a PROXY header"},
		{TEXT("PROXY \r\n"), "protocol"},
		{TEXT("PROXY UDP4 198.18.0.1 198.18.0.2 1 2\r\n"), "protocol"},
		{TEXT("PROXY tcp4 198.18.0.1 198.18.0.2 1 2\r\n"), "protocol"},
		{TEXT("PROXY UNKNOWNS\r\n"), "protocol"},
		{TEXT("PROXY  TCP4 198.18.0.1 198.18.0.2 1 2\r\n"), "protocol"},
		{TEXT("PROXY TCP4\r\n"), "address"},
		{TEXT("PROXY TCP4  198.18.0.1 198.18.0.2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP4 198.18.0.01 198.18.0.2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP4 198.18.0.256 198.18.0.2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP4 198.18.1 198.18.0.2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2.3 1 2\r\n"), "address"},
		{TEXT("PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP4 198.18.0.1\0x 198.18.0.2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP6 198.18.0.1 198.18.0.2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP6 2001:db8::1::2 2001:db8::2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP6 2001:db8::00001 2001:db8::2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP6 [2001:db8::1] 2001:db8::2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP6 fe80::1%1 2001:db8::2 1 2\r\n"), "address"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 \r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1  2\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 01 2\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 00 2\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 65536 2\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 99999\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 +1 2\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 -2\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 2a\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 2\r\r\n"), "port"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 2 \r\n"), "line goes on"},
		{TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 2 3\r\n"), "line goes on"},
	};

	for (uint32_t i = 0; i < RTE_DIM(c); i++)
		expect_refused(c[i].t, c[i].why);
}

static void v1_no_end(void **state)
{
	struct wr_proxy_header h;
	char line[200];

	memset(line, 'x', sizeof(line));
	memcpy(line, "PROXY UNKNOWN ", 14);
	assert_int_equal(parse(line, 106, &h), 0);
	expect_refused((struct text){line, 107}, "no CR LF");
	line[106] = '\r'; // one too far
	line[107] = '\n';
	expect_refused((struct text){line, 200}, "no CR LF");
	memcpy(line + 105, "\r\n", 2);
	assert_int_equal(parse(line, 200, &h), 107);
	expect_refused((struct text)TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 1 2\n"
					 "GET / HTTP/1.1\r\n"),
		"port");
}

// --- version 2 ----------------------------------------------------------------------------------

static void v2_ipv4(void **state)
{
	struct wr_proxy_header h;

	expect_taken((struct text)TEXT(SIGNATURE "\x21\x11\x00\x0c" INET4), &h);
	assert_int_equal(h.version, 2);
	expect_ends(&h, "198.18.0.1", 4660, "198.18.0.2", 443);
	expect_taken((struct text)TEXT(SIGNATURE "\x21\x12\x00\x0c" INET4), &h);
	expect_ends(&h, "198.18.0.1", 4660, "198.18.0.2", 443);
}

static void v2_ipv6(void **state)
{
	struct wr_proxy_header h;

	expect_taken((struct text)TEXT(SIGNATURE "\x21\x21\x00\x24" INET6), &h);
	expect_ends(&h, "2001:db8::1", 4660, "2001:db8::2", 443);
}

// What has no addresses for us: the connection's own hold. Lengths are followed all the same.
static void v2_without_addresses(void **state)
{
	static const struct text t[] = {
		TEXT(SIGNATURE "\x20\x00\x00\x00"),
		TEXT(SIGNATURE "\x20\x11\x00\x0c" INET4),
		TEXT(SIGNATURE "\x20\xff\x00\x05"
			       "hello"),
		TEXT(SIGNATURE "\x21\x00\x00\x00"),
		TEXT(SIGNATURE "\x21\x00\x00\x05"
			       "hello"),
		TEXT(SIGNATURE "\x21\x10\x00\x0c" INET4),
		TEXT(SIGNATURE "\x21\x01\x00\x00"),
	};
	struct wr_proxy_header h;
	char un[16 + 216 + 3] = SIGNATURE "\x21\x31\x00\xdb";

	for (uint32_t i = 0; i < RTE_DIM(t); i++) {
		expect_taken(t[i], &h);
		assert_true(h.local);
		assert_int_equal(h.client.port, 0);
	}
	un[16 + 216] = 4; // and a TLV of no bytes behind AF_UNIX
	expect_taken((struct text){un, sizeof(un)}, &h);
	assert_true(h.local);
}

static void v2_tlvs(void **state)
{
	struct wr_proxy_header h;

	expect_taken((struct text)TEXT(SIGNATURE "\x21\x11\x00\x18" INET4 "\x01\x00\x02h2"
						 "\x04\x00\x00\xe0\x00\x01\xff"),
		&h);
	expect_ends(&h, "198.18.0.1", 4660, "198.18.0.2", 443);
}

static void v2_refused(void **state)
{
	static const struct {
		struct text t;
		const char *why;
	} c[] = {
		{TEXT("\r\n\r\n\1"), "not a PROXY header"},
		{TEXT(SIGNATURE "\x11\x11\x00\x0c" INET4), "version"},
		{TEXT(SIGNATURE "\x31\x11\x00\x0c" INET4), "version"},
		{TEXT(SIGNATURE "\x22\x11\x00\x0c" INET4), "command"},
		{TEXT(SIGNATURE "\x2f\x00\x00\x00"), "command"},
		{TEXT(SIGNATURE "\x21\x41\x00\x0c" INET4), "family"},
		{TEXT(SIGNATURE "\x21\x13\x00\x0c" INET4), "family"},
		{TEXT(SIGNATURE "\x21\x11\x00\x0b" INET4), "length"},
		{TEXT(SIGNATURE "\x21\x11\x00\x00" INET4), "length"},
		{TEXT(SIGNATURE "\x21\x21\x00\x23" INET6), "length"},
		{TEXT(SIGNATURE "\x21\x31\x00\xd7"), "length"},
		{TEXT(SIGNATURE "\x21\x11\x00\x0d" INET4 "\x04"), "TLV"},
		{TEXT(SIGNATURE "\x21\x11\x00\x0e" INET4 "\x04\x00"), "TLV"},
		{TEXT(SIGNATURE "\x21\x11\x00\x0f" INET4 "\x04\x00\x01"), "TLV"},
		{TEXT(SIGNATURE "\x21\x11\x00\x10" INET4 "\x04\xff\xff\x00"), "TLV"},
		{TEXT(SIGNATURE "\x21\x11\x00\x11" INET4 "\x04\x00\x01\x00\x04"), "TLV"},
		{TEXT(SIGNATURE "\x21\x11\x00\x12" INET4 "\x03\x00\x03\0\0\0"), "checksum"},
		{TEXT(SIGNATURE "\x21\x11\x00\x13" INET4 "\x03\x00\x04\0\0\0\0"), "checksum"},
	};

	for (uint32_t i = 0; i < RTE_DIM(c); i++)
		expect_refused(c[i].t, c[i].why);
}

// ALPN, CRC32C and NOOP; the checksum is of a program of its own, outside of this tree's code.
static const char summed[] = SIGNATURE "\x21\x11\x00\x1c" INET4 "\x01\x00\x02h2"
				       "\x03\x00\x04"
				       "\x07\x0b\x78\x42"
				       "\x04\x00\x01\xaa";

static void v2_checksum(void **state)
{
	struct wr_proxy_header h;

	expect_taken((struct text){summed, sizeof(summed) - 1}, &h);
	expect_ends(&h, "198.18.0.1", 4660, "198.18.0.2", 443);
}

// No flip of a bit goes unseen.
static void v2_checksum_each_bit(void **state)
{
	for (uint32_t bit = 0; bit < (sizeof(summed) - 1) * 8; bit++) {
		struct wr_proxy_header h;
		char t[sizeof(summed) - 1];
		int got;

		memcpy(t, summed, sizeof(t));
		t[bit / 8] ^= (char)(1 << bit % 8);
		got = parse(t, sizeof(t), &h);
		// But where it hides the checksum: PROXY that becomes LOCAL, a family or
		// transport that becomes none, a header that ends with its addresses, a TLV that
		// swallows the next, another type.
		if (bit == 12 * 8 || bit == 13 * 8 || bit == 13 * 8 + 4 || bit == 15 * 8 + 4 ||
			bit / 8 == 29 || bit / 8 == 30 || bit / 8 == 33)
			continue;
		assert_true(got <= 0);
	}
}

static void v2_length_limit(void **state)
{
	static char t[WR_PROXY_HEADER_MAX + 1] = SIGNATURE "\x20\x00\x03\xf0";
	struct wr_proxy_header h;

	assert_int_equal(parse(t, 16, &h), 0);
	assert_int_equal(parse(t, WR_PROXY_HEADER_MAX - 1, &h), 0);
	assert_int_equal(parse(t, WR_PROXY_HEADER_MAX, &h), WR_PROXY_HEADER_MAX);
	t[15] = (char)0xf1;
	assert_int_equal(parse(t, 16, &h), -EMSGSIZE);
	assert_int_equal(parse(t, WR_PROXY_HEADER_MAX + 1, &h), -EMSGSIZE);
	assert_string_equal(wr_proxy_header_why((const uint8_t *)t, 16), "too long");
}

// --- building -----------------------------------------------------------------------------------

static void build_known(void **state)
{
	struct wr_endpoint c4 = endpoint("198.18.0.1", 4660), l4 = endpoint("198.18.0.2", 443);
	struct wr_endpoint c6 = endpoint("2001:db8::1", 4660), l6 = endpoint("2001:db8::2", 443);
	const struct {
		uint8_t version;
		const struct wr_endpoint *client, *local_to;
		struct text t;
	} c[] = {
		{1, &c4, &l4, TEXT("PROXY TCP4 198.18.0.1 198.18.0.2 4660 443\r\n")},
		{1, &c6, &l6, TEXT("PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n")},
		{1, &c4, &l6, TEXT("PROXY TCP6 ::ffff:c612:1 2001:db8::2 4660 443\r\n")},
		{2, &c4, &l4, TEXT(SIGNATURE "\x21\x11\x00\x0c" INET4)},
		{2, &c6, &l6, TEXT(SIGNATURE "\x21\x21\x00\x24" INET6)},
		{2, &c4, &l6,
			TEXT(SIGNATURE "\x21\x21\x00\x24\0\0\0\0\0\0\0\0\0\0\xff\xff\xc6\x12\0\1"
				       "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x12\x34\x01\xbb")},
	};

	for (uint32_t i = 0; i < RTE_DIM(c); i++) {
		uint8_t out[WR_PROXY_HEADER_BUILD_MAX];
		uint32_t len = wr_proxy_header_build(c[i].version, c[i].client, c[i].local_to, out);

		assert_int_equal(len, c[i].t.len);
		assert_memory_equal(out, c[i].t.data, len);
	}
}

static void build_parsed_again(void **state)
{
	struct wr_rng rng;

	wr_rng_init(&rng, 1);
	for (uint32_t i = 0; i < 20000; i++) {
		uint8_t out[WR_PROXY_HEADER_BUILD_MAX];
		struct wr_proxy_header h;
		struct wr_endpoint e[2];
		uint32_t len;

		for (uint32_t k = 0; k < 2; k++) {
			e[k].port = (uint16_t)wr_rng_next(&rng);
			e[k].addr.q[0] = wr_rng_next(&rng);
			e[k].addr.q[1] = wr_rng_below(&rng, 3) ? wr_rng_next(&rng) : 0;
			if (wr_rng_below(&rng, 2))
				e[k].addr = wr_addr_from_v4((uint32_t)wr_rng_next(&rng));
		}
		len = wr_proxy_header_build((uint8_t)(1 + i % 2), &e[0], &e[1], out);
		assert_in_range(len, 28, WR_PROXY_HEADER_V1_MAX);
		assert_int_equal(parse((char *)out, len, &h), len);
		assert_int_equal(h.version, 1 + i % 2);
		assert_true(wr_addr_eq(&h.client.addr, &e[0].addr));
		assert_true(wr_addr_eq(&h.local_to.addr, &e[1].addr));
		assert_int_equal(h.client.port, e[0].port);
		assert_int_equal(h.local_to.port, e[1].port);
	}
}

// Any byte changed to any other: an answer, and none that reads past the end.
static void parse_each_byte_changed(void **state)
{
	const struct text t[] = {TEXT("PROXY TCP6 2001:db8::1 2001:db8::2 4660 443\r\n"),
		TEXT(SIGNATURE "\x21\x11\x00\x18" INET4 "\x01\x00\x02h2"
			       "\x04\x00\x00\xe0\x00\x01\xff")};

	for (uint32_t k = 0; k < RTE_DIM(t); k++) {
		for (uint32_t i = 0; i < t[k].len; i++) {
			for (uint32_t v = 0; v < 256; v++) {
				struct wr_proxy_header h;
				char changed[64];

				memcpy(changed, t[k].data, t[k].len);
				changed[i] = (char)v;
				assert_true(parse(changed, t[k].len, &h) <= (int)t[k].len);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(v1_ipv4),
		cmocka_unit_test(v1_ipv6),
		cmocka_unit_test(v1_longest),
		cmocka_unit_test(v1_unknown),
		cmocka_unit_test(v1_refused),
		cmocka_unit_test(v1_no_end),
		cmocka_unit_test(v2_ipv4),
		cmocka_unit_test(v2_ipv6),
		cmocka_unit_test(v2_without_addresses),
		cmocka_unit_test(v2_tlvs),
		cmocka_unit_test(v2_refused),
		cmocka_unit_test(v2_checksum),
		cmocka_unit_test(v2_checksum_each_bit),
		cmocka_unit_test(v2_length_limit),
		cmocka_unit_test(build_known),
		cmocka_unit_test(build_parsed_again),
		cmocka_unit_test(parse_each_byte_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// An IP address of either family in one body: 16 bytes in network order, IPv4 as ::ffff:a.b.c.d
// (RFC 4291 2.5.5.2). Compared, hashed and stored without asking for the family.
struct wr_addr {
	union {
		uint8_t b[16];
		uint32_t w[4]; // network order; w[3] is the IPv4 address
		uint64_t q[2];
	};
};

// An address with a port.
struct wr_endpoint {
	struct wr_addr addr;
	uint16_t port; // host order
};

// An address with a prefix length; IPv4 prefixes count from bit 96 (so /24 is 120 here).
struct wr_prefix {
	struct wr_addr addr;
	uint8_t len; // 0-128
};

// The two ends of a connection, as seen from Weir: local is ours.
struct wr_tuple {
	struct wr_addr local;
	struct wr_addr remote;
	uint16_t lport; // host order
	uint16_t rport; // host order
};

#define WR_ADDR_V4_WORD2 (__builtin_bswap32(0x0000ffffU)) // little-endian view of 00 00 ff ff

static inline bool wr_addr_is_v4(const struct wr_addr *a)
{
	return a->q[0] == 0 && a->w[2] == WR_ADDR_V4_WORD2;
}

static inline bool wr_addr_eq(const struct wr_addr *a, const struct wr_addr *b)
{
	return ((a->q[0] ^ b->q[0]) | (a->q[1] ^ b->q[1])) == 0;
}

// From an IPv4 address in network order.
static inline struct wr_addr wr_addr_from_v4(uint32_t be)
{
	// In halves, as it is compared and hashed: smaller stores would stall those loads.
	struct wr_addr a = {.q = {0, WR_ADDR_V4_WORD2 | (uint64_t)be << 32}};

	return a;
}

// From 16 bytes of IPv6, at any alignment.
static inline struct wr_addr wr_addr_from_v6(const void *bytes)
{
	struct wr_addr a;

	memcpy(a.b, bytes, sizeof(a.b));
	return a;
}

static inline bool wr_tuple_eq(const struct wr_tuple *a, const struct wr_tuple *b)
{
	return wr_addr_eq(&a->local, &b->local) && wr_addr_eq(&a->remote, &b->remote) &&
	       a->lport == b->lport && a->rport == b->rport;
}

bool wr_addr_is_multicast(const struct wr_addr *a); // includes 255.255.255.255
bool wr_addr_is_unspecified(const struct wr_addr *a);
bool wr_addr_is_loopback(const struct wr_addr *a);
bool wr_addr_is_linklocal(const struct wr_addr *a);

// True when `a` lies inside `p`.
bool wr_prefix_contains(const struct wr_prefix *p, const struct wr_addr *a);

// Order for sorting: -1, 0, 1 (byte order).
int wr_addr_cmp(const struct wr_addr *a, const struct wr_addr *b);

// The next address (plus one, big-endian carry).
struct wr_addr wr_addr_next(const struct wr_addr *a);

// Parse "198.18.0.1" or "2001:db8::1". Returns 0 or -EINVAL.
int wr_addr_parse(const char *text, struct wr_addr *out);

// Parse "198.18.0.1:80" or "[2001:db8::1]:80", port 1-65535. Returns 0 or -EINVAL.
int wr_endpoint_parse(const char *text, struct wr_endpoint *out);

// Parse "198.18.0.0/15" or "2001:db8::/64"; the address keeps its host bits. 0 or -EINVAL.
int wr_prefix_parse(const char *text, struct wr_prefix *out);

#define WR_ADDR_STR     46 // longest address text with its terminator
#define WR_ENDPOINT_STR 56 // "[" address "]:65535" with its terminator

// Write the canonical text (RFC 5952) into buf of the given size; return buf.
char *wr_addr_format(const struct wr_addr *a, char *buf, size_t len);
char *wr_endpoint_format(const struct wr_endpoint *e, char *buf, size_t len);
char *wr_prefix_format(const struct wr_prefix *p, char *buf, size_t len);

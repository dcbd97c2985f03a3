/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_addr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>

#define V4_BITS 96 // bits before the IPv4 address in its mapped form

bool wr_addr_is_multicast(const struct wr_addr *a)
{
	// RFC 1112 4 and RFC 919 7; RFC 4291 2.7
	if (wr_addr_is_v4(a))
		return (a->b[12] & 0xf0) == 0xe0 || a->w[3] == UINT32_MAX;
	return a->b[0] == 0xff;
}

bool wr_addr_is_unspecified(const struct wr_addr *a)
{
	return a->q[0] == 0 && a->w[3] == 0 && (a->w[2] == 0 || a->w[2] == WR_ADDR_V4_WORD2);
}

bool wr_addr_is_loopback(const struct wr_addr *a)
{
	// RFC 1122 3.2.1.3 (g): all of 127/8; RFC 4291 2.5.3: ::1 alone
	if (wr_addr_is_v4(a))
		return a->b[12] == 127;
	return a->q[0] == 0 && a->w[2] == 0 && a->w[3] == htonl(1);
}

bool wr_addr_is_linklocal(const struct wr_addr *a)
{
	// RFC 3927 2.1; RFC 4291 2.5.6
	if (wr_addr_is_v4(a))
		return a->b[12] == 169 && a->b[13] == 254;
	return a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80;
}

bool wr_prefix_contains(const struct wr_prefix *p, const struct wr_addr *a)
{
	uint32_t bytes = p->len / 8;
	uint32_t bits = p->len % 8;

	// ::/0 covers the mapped form of every IPv4 address, and yet none is meant.
	if (p->len > 128 || wr_addr_is_v4(&p->addr) != wr_addr_is_v4(a))
		return false;
	if (memcmp(p->addr.b, a->b, bytes) != 0)
		return false;
	return bits == 0 || ((p->addr.b[bytes] ^ a->b[bytes]) >> (8 - bits)) == 0;
}

int wr_addr_cmp(const struct wr_addr *a, const struct wr_addr *b)
{
	int d = memcmp(a->b, b->b, sizeof(a->b));

	return (d > 0) - (d < 0);
}

struct wr_addr wr_addr_next(const struct wr_addr *a)
{
	struct wr_addr next = *a;

	for (int i = 15; i >= 0; i--)
		if (++next.b[i] != 0)
			break;
	return next;
}

int wr_addr_parse(const char *text, struct wr_addr *out)
{
	uint32_t v4;
	uint8_t v6[16];

	if (text == NULL)
		return -EINVAL;
	if (inet_pton(AF_INET, text, &v4) == 1)
		*out = wr_addr_from_v4(v4);
	else if (inet_pton(AF_INET6, text, v6) == 1)
		*out = wr_addr_from_v6(v6);
	else
		return -EINVAL;
	return 0;
}

// A decimal number without sign, blanks or leading zeros, in [0, max].
static int parse_number(const char *text, uint32_t max, uint32_t *out)
{
	uint32_t value = 0;

	if (*text == '\0' || (text[0] == '0' && text[1] != '\0'))
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		value = value * 10 + (uint32_t)(*text - '0');
		if (value > max)
			return -EINVAL;
	}
	*out = value;
	return 0;
}

// Parse the `len` characters at `text` as an address.
static int parse_part(const char *text, size_t len, struct wr_addr *out)
{
	char part[WR_ADDR_STR];

	if (len >= sizeof(part))
		return -EINVAL;
	memcpy(part, text, len);
	part[len] = '\0';
	return wr_addr_parse(part, out);
}

int wr_endpoint_parse(const char *text, struct wr_endpoint *out)
{
	struct wr_addr addr;
	const char *colon;
	bool bracket;
	uint32_t port;

	if (text == NULL)
		return -EINVAL;
	bracket = text[0] == '[';
	colon = strrchr(text, ':');
	if (colon == NULL || (bracket && (colon - text < 2 || colon[-1] != ']')))
		return -EINVAL;
	if (parse_part(text + bracket, (size_t)(colon - text) - 2 * bracket, &addr) < 0)
		return -EINVAL;
	// RFC 5952 6: brackets are for IPv6 and are needed there.
	if (bracket != (memchr(text, ':', (size_t)(colon - text)) != NULL))
		return -EINVAL;
	if (parse_number(colon + 1, UINT16_MAX, &port) < 0 || port == 0)
		return -EINVAL;
	*out = (struct wr_endpoint){.addr = addr, .port = (uint16_t)port};
	return 0;
}

int wr_prefix_parse(const char *text, struct wr_prefix *out)
{
	struct wr_addr addr;
	const char *slash;
	uint32_t len;
	bool dotted;

	if (text == NULL || (slash = strchr(text, '/')) == NULL)
		return -EINVAL;
	if (parse_part(text, (size_t)(slash - text), &addr) < 0)
		return -EINVAL;
	dotted = memchr(text, ':', (size_t)(slash - text)) == NULL;
	if (parse_number(slash + 1, dotted ? 32 : 128, &len) < 0)
		return -EINVAL;
	if (dotted)
		len += V4_BITS;
	// A mapped address with a length that reaches above the mapping means no set of addresses.
	if (wr_addr_is_v4(&addr) && len < V4_BITS)
		return -EINVAL;
	*out = (struct wr_prefix){.addr = addr, .len = (uint8_t)len};
	return 0;
}

char *wr_addr_format(const struct wr_addr *a, char *buf, size_t len)
{
	const char *done = buf;

	if (wr_addr_is_v4(a))
		done = inet_ntop(AF_INET, &a->w[3], buf, (socklen_t)len);
	else if (a->q[0] == 0 && a->w[2] == 0 && (a->b[12] | a->b[13]) != 0)
		// libc writes these as "::0.1.0.2", the IPv4-compatible form that RFC 4291 2.5.5.1
		// retired.
		snprintf(buf, len, "::%x:%x", a->b[12] << 8 | a->b[13], a->b[14] << 8 | a->b[15]);
	else
		done = inet_ntop(AF_INET6, a->b, buf, (socklen_t)len);
	if (done == NULL && len > 0)
		buf[0] = '\0';
	return buf;
}

char *wr_endpoint_format(const struct wr_endpoint *e, char *buf, size_t len)
{
	char addr[WR_ADDR_STR];

	wr_addr_format(&e->addr, addr, sizeof(addr));
	snprintf(buf, len, wr_addr_is_v4(&e->addr) ? "%s:%u" : "[%s]:%u", addr, e->port);
	return buf;
}

char *wr_prefix_format(const struct wr_prefix *p, char *buf, size_t len)
{
	char addr[WR_ADDR_STR];

	wr_addr_format(&p->addr, addr, sizeof(addr));
	snprintf(buf, len, "%s/%u", addr, p->len - (wr_addr_is_v4(&p->addr) ? V4_BITS : 0));
	return buf;
}

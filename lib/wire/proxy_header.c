/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_proxy_header.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

// Sections are those of "The PROXY protocol, versions 1 & 2", 2020/03/05.

#define V2_HEAD      16 // signature, command, family, length
#define V2_SIGNATURE 12
#define V2_LOCAL     0x20
#define V2_PROXY     0x21
#define V2_TCP4      0x11
#define V2_TCP6      0x21
#define V2_INET      12 // bytes of addresses and ports, by family
#define V2_INET6     36
#define V2_UNIX      216
#define V2_CRC32C    0x03 // PP2_TYPE_CRC32C

static const uint8_t signature[V2_SIGNATURE] = {
	0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

// What is wrong, for a return of -EPROTO.
static int wrong(const char **why, const char *what)
{
	*why = what;
	return -EPROTO;
}

// --- version 1: section 2.1 ---------------------------------------------------------------------

struct words { // of one line
	const char *at, *end;
};

// The next word, ended by one space or by the end of the line, as text in `out`. False: it is
// empty, longer than `size` - 1, or holds a NUL.
static bool take_word(struct words *w, char *out, size_t size)
{
	const char *space;
	size_t len;

	if (w->at == NULL)
		return false;
	space = memchr(w->at, ' ', (size_t)(w->end - w->at));
	len = (size_t)((space ? space : w->end) - w->at);
	if (len == 0 || len >= size || memchr(w->at, 0, len))
		return false;
	memcpy(out, w->at, len);
	out[len] = 0;
	w->at = space ? space + 1 : NULL;
	return true;
}

static bool take_address(struct words *w, bool v6, struct wr_addr *out)
{
	char text[INET6_ADDRSTRLEN];
	uint8_t raw[16];
	uint32_t v4;

	if (!take_word(w, text, sizeof(text)) || inet_pton(v6 ? AF_INET6 : AF_INET, text, raw) != 1)
		return false;
	memcpy(&v4, raw, sizeof(v4));
	*out = v6 ? wr_addr_from_v6(raw) : wr_addr_from_v4(v4);
	return true;
}

// Decimal, 0 to 65535, no leading zero.
static bool take_port(struct words *w, uint16_t *out)
{
	uint32_t port = 0;
	char text[6];

	if (!take_word(w, text, sizeof(text)) || (text[0] == '0' && text[1]))
		return false;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return false;
		port = port * 10 + (uint32_t)(*c - '0');
	}
	*out = (uint16_t)port;
	return port <= UINT16_MAX;
}

// "PROXY TCP4 198.18.0.1 198.18.0.2 4660 80", without its CR LF.
static int parse_line(const char *line, uint32_t len, struct wr_proxy_header *out, const char **why)
{
	struct words w = {line, line + len};
	char word[8];
	bool v6;

	if (!take_word(&w, word, sizeof(word)) || strcmp(word, "PROXY") != 0)
		return wrong(why, "not a PROXY header");
	if (!take_word(&w, word, sizeof(word)))
		return wrong(why, "protocol");
	// What follows must be ignored, if anything does.
	if (strcmp(word, "UNKNOWN") == 0) {
		out->local = true;
		return 0;
	}
	v6 = strcmp(word, "TCP6") == 0;
	if (!v6 && strcmp(word, "TCP4") != 0)
		return wrong(why, "protocol");
	if (!take_address(&w, v6, &out->client.addr) || !take_address(&w, v6, &out->local_to.addr))
		return wrong(why, "address");
	if (!take_port(&w, &out->client.port) || !take_port(&w, &out->local_to.port))
		return wrong(why, "port");
	return w.at ? wrong(why, "line goes on") : 0;
}

static int parse_v1(
	const uint8_t *data, uint32_t len, struct wr_proxy_header *out, const char **why)
{
	uint32_t most = len < WR_PROXY_HEADER_V1_MAX ? len : WR_PROXY_HEADER_V1_MAX;
	const uint8_t *end = memmem(data, most, "\r\n", 2);
	uint32_t line;
	int err;

	if (end == NULL && len < WR_PROXY_HEADER_V1_MAX)
		return 0;
	if (end == NULL)
		return wrong(why, "no CR LF");
	line = (uint32_t)(end - data);
	out->version = 1;
	err = parse_line((const char *)data, line, out, why);
	return err ? err : (int)line + 2;
}

// --- version 2: section 2.2 ---------------------------------------------------------------------

// RFC 4960 appendix B: CRC32C, a nibble at a time.
static uint32_t crc32c_byte(uint32_t crc, uint8_t byte)
{
	static const uint32_t nibble[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6,
		0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

	crc ^= byte;
	crc = crc >> 4 ^ nibble[crc & 15];
	return crc >> 4 ^ nibble[crc & 15];
}

static uint32_t read16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

// Section 2.2.3: the checksum of the whole header with that field zero.
static bool checksum_fits(const uint8_t *data, uint32_t len, uint32_t field)
{
	const uint8_t *at = data + field;
	uint32_t crc = UINT32_MAX;

	for (uint32_t i = 0; i < len; i++)
		crc = crc32c_byte(crc, i >= field && i < field + 4 ? 0 : data[i]);
	return ~crc == (read16(at) << 16 | read16(at + 2));
}

// Section 2.2: type, length, value to the end of the header. All are passed over but checksums.
static int parse_tlvs(const uint8_t *data, uint32_t len, uint32_t at, const char **why)
{
	uint32_t size;

	for (; at < len; at += 3 + size) {
		if (len - at < 3)
			return wrong(why, "TLV");
		size = read16(data + at + 1);
		if (len - at - 3 < size)
			return wrong(why, "TLV");
		if (data[at] == V2_CRC32C && (size != 4 || !checksum_fits(data, len, at + 3)))
			return wrong(why, "checksum");
	}
	return 0;
}

static void take_inet(const uint8_t *at, struct wr_proxy_header *out)
{
	uint32_t v4[2];

	memcpy(v4, at, sizeof(v4));
	out->client = (struct wr_endpoint){wr_addr_from_v4(v4[0]), (uint16_t)read16(at + 8)};
	out->local_to = (struct wr_endpoint){wr_addr_from_v4(v4[1]), (uint16_t)read16(at + 10)};
}

static void take_inet6(const uint8_t *at, struct wr_proxy_header *out)
{
	out->client = (struct wr_endpoint){wr_addr_from_v6(at), (uint16_t)read16(at + 32)};
	out->local_to = (struct wr_endpoint){wr_addr_from_v6(at + 16), (uint16_t)read16(at + 34)};
}

static int parse_v2(
	const uint8_t *data, uint32_t len, struct wr_proxy_header *out, const char **why)
{
	static const uint32_t addresses[] = {0, V2_INET, V2_INET6, V2_UNIX};
	uint32_t whole, family, transport;
	int err = 0;

	if (len < V2_HEAD)
		return 0;
	if (data[12] != V2_LOCAL && data[12] != V2_PROXY)
		return wrong(why, data[12] >> 4 == 2 ? "command" : "version");
	whole = V2_HEAD + read16(data + 14);
	family = data[13] >> 4;
	transport = data[13] & 15;
	out->version = 2;
	if (data[12] == V2_PROXY && (family > 3 || transport > 2))
		return wrong(why, "family");
	// Of LOCAL the family and what comes behind it are to be ignored. Where there is none,
	// nobody knows where TLVs would begin.
	if (data[12] == V2_LOCAL || transport == 0)
		family = 0;
	out->local = family == 0 || family == 3;
	if (whole < V2_HEAD + addresses[family])
		return wrong(why, "length");
	if (whole > WR_PROXY_HEADER_MAX) {
		*why = "too long";
		return -EMSGSIZE;
	}
	if (len < whole)
		return 0;
	if (family)
		err = parse_tlvs(data, whole, V2_HEAD + addresses[family], why);
	if (err)
		return err;
	if (family == 1)
		take_inet(data + V2_HEAD, out);
	else if (family == 2)
		take_inet6(data + V2_HEAD, out);
	return (int)whole;
}

// --- both ---------------------------------------------------------------------------------------

static bool begins(const uint8_t *data, uint32_t len, const void *with, uint32_t with_len)
{
	return memcmp(data, with, len < with_len ? len : with_len) == 0;
}

static int parse(const uint8_t *data, uint32_t len, struct wr_proxy_header *out, const char **why)
{
	struct wr_proxy_header h = {0};
	int got;

	*why = "incomplete";
	if (len == 0)
		return 0;
	if (begins(data, len, signature, V2_SIGNATURE))
		got = parse_v2(data, len, &h, why);
	else if (begins(data, len, "PROXY ", 6))
		got = parse_v1(data, len, &h, why);
	else
		got = wrong(why, "not a PROXY header");
	if (got > 0) {
		*why = "nothing";
		*out = h;
	}
	return got;
}

int wr_proxy_header_parse(const uint8_t *data, uint32_t len, struct wr_proxy_header *out)
{
	const char *why;

	return parse(data, len, out, &why);
}

const char *wr_proxy_header_why(const uint8_t *data, uint32_t len)
{
	struct wr_proxy_header h;
	const char *why;

	parse(data, len, &h, &why);
	return why;
}

// An IPv4 address among IPv6 ones is written in groups too: section 2.1 knows no dots in TCP6.
static const char *address_text(const struct wr_addr *a, bool v6, char text[INET6_ADDRSTRLEN])
{
	if (!v6)
		return inet_ntop(AF_INET, &a->w[3], text, INET6_ADDRSTRLEN);
	if (!wr_addr_is_v4(a))
		return inet_ntop(AF_INET6, a->b, text, INET6_ADDRSTRLEN);
	snprintf(text, INET6_ADDRSTRLEN, "::ffff:%x:%x", a->b[12] << 8 | a->b[13],
		a->b[14] << 8 | a->b[15]);
	return text;
}

static uint32_t build_v1(
	const struct wr_endpoint *client, const struct wr_endpoint *local_to, bool v6, uint8_t *out)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	return (uint32_t)snprintf((char *)out, WR_PROXY_HEADER_BUILD_MAX,
		"PROXY TCP%c %s %s %u %u\r\n", v6 ? '6' : '4',
		address_text(&client->addr, v6, from), address_text(&local_to->addr, v6, to),
		client->port, local_to->port);
}

static uint8_t *put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

static uint8_t *put_address(uint8_t *at, const struct wr_addr *a, bool v6)
{
	uint32_t from = v6 ? 0 : 12;

	memcpy(at, a->b + from, 16 - from);
	return at + 16 - from;
}

static uint32_t build_v2(
	const struct wr_endpoint *client, const struct wr_endpoint *local_to, bool v6, uint8_t *out)
{
	uint8_t *at = out + V2_SIGNATURE;

	memcpy(out, signature, V2_SIGNATURE);
	*at++ = V2_PROXY;
	*at++ = v6 ? V2_TCP6 : V2_TCP4;
	at = put16(at, v6 ? V2_INET6 : V2_INET);
	at = put_address(at, &client->addr, v6);
	at = put_address(at, &local_to->addr, v6);
	at = put16(at, client->port);
	at = put16(at, local_to->port);
	return (uint32_t)(at - out);
}

uint32_t wr_proxy_header_build(uint8_t version, const struct wr_endpoint *client,
	const struct wr_endpoint *local_to, uint8_t out[WR_PROXY_HEADER_BUILD_MAX])
{
	bool v6 = !wr_addr_is_v4(&client->addr) || !wr_addr_is_v4(&local_to->addr);

	return version == 1 ? build_v1(client, local_to, v6, out)
	                    : build_v2(client, local_to, v6, out);
}

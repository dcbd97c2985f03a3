/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"

// The PROXY protocol, versions 1 and 2 (haproxy.org/download/2.9/doc/proxy-protocol.txt): who the
// client is, told by the balancer in front as the first bytes of a connection. Pure.

// Longest header that is taken: version 1 has at most 107 bytes with its CR LF; of version 2 with
// its TLVs as much is taken as a first segment holds.
#define WR_PROXY_HEADER_MAX       1024
#define WR_PROXY_HEADER_V1_MAX    107
#define WR_PROXY_HEADER_BUILD_MAX 108 // room that wr_proxy_header_build() needs

struct wr_proxy_header {
	uint8_t version; // 1, 2
	bool local;      // LOCAL, UNKNOWN or a family without addresses: the connection's own hold
	struct wr_endpoint client;   // source
	struct wr_endpoint local_to; // destination
};

// Parse what a connection begins with. Above 0: the header's length in bytes. 0: more is needed.
// -EPROTO: this is no header, or one that is wrong (address that is none, port above 65535, CR LF
// missing, length below that of its family, checksum TLV that does not fit). -EMSGSIZE: longer
// than WR_PROXY_HEADER_MAX. *out is filled only above 0.
int wr_proxy_header_parse(const uint8_t *data, uint32_t len, struct wr_proxy_header *out);

// What was wrong with it, as a word for logs: "not a PROXY header", "checksum", ... never NULL.
const char *wr_proxy_header_why(const uint8_t *data, uint32_t len);

// Write a header of `version` for a client's connection. Families that differ (one of the two
// v4-mapped) are written as IPv6. Returns its length.
uint32_t wr_proxy_header_build(uint8_t version, const struct wr_endpoint *client,
	const struct wr_endpoint *local_to, uint8_t out[WR_PROXY_HEADER_BUILD_MAX]);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

// The blocks of a pcapng file (draft-ietf-opsawg-pcapng) that a capture of ours has, in this
// machine's byte order: a section header, an interface for each port, packets, statistics. Each
// returns the bytes that it wrote, or 0 when the file took less.

// First, once.
uint32_t wr_pcapng_section(FILE *out, const char *application, const char *comment);

// Interfaces are numbered from 0 in the order of these. Times are in nanoseconds. `filter` may be
// NULL; `snap` 0 means whole frames.
uint32_t wr_pcapng_interface(
	FILE *out, const char *name, const char *device, const char *filter, uint32_t snap);

struct wr_pcapng_packet {
	uint32_t interface;
	uint64_t unix_ns;
	uint32_t len;  // on the wire
	uint32_t kept; // bytes of `data`
	const uint8_t *data;
	bool out;
};
uint32_t wr_pcapng_packet(FILE *out, const struct wr_pcapng_packet *p);
// What it would write.
uint32_t wr_pcapng_packet_bytes(uint32_t kept);

struct wr_pcapng_stats {
	uint32_t interface;
	uint64_t start_ns, end_ns;
	uint64_t received; // by this capture, lost ones included
	uint64_t dropped;  // of these
};
uint32_t wr_pcapng_statistics(FILE *out, const struct wr_pcapng_stats *s);

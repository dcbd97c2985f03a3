/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "packets.h"
#include "wr_limits.h"

// Frames from ranges: a frame made once, of which each packet is a copy with the fields changed
// that differ. Checksums are kept in step: the sum of all that stays is known for each size, and
// the words that change are added to it (RFC 1624 with the old words zero).

#define TEMPLATE_LEAST    60u // Ethernet's least, without check sequence
#define TEMPLATE_MAX_SIZE (RTE_ALIGN(WR_MAX_FRAME, 64))
#define TEMPLATE_IMIX_LEN 12u

// Positions of a range, 0 to last.
struct template_wheel {
	uint64_t at, last;
};

enum template_field { // from the fastest to the slowest
	TEMPLATE_SOURCE,
	TEMPLATE_SOURCE_PORT,
	TEMPLATE_TARGET,
	TEMPLATE_TARGET_PORT,
	TEMPLATE_FIELDS
};

struct template_sum { // of what stays, folded
	uint16_t l4, ip;
};

struct template
{
	// of every packet
	uint64_t rng;
	uint8_t kind; // enum gen_packet_kind
	bool v4, random, stamp, imix;
	uint8_t l4;           // offset
	uint8_t cksum;        // offset of the L4 checksum
	uint8_t payload;      // offset
	uint64_t seq_mask;    // TCP: which bits of sequence and acknowledgement are random
	uint64_t pseudo_mask; // 0: addresses are in no pseudo-header
	const struct template_sum *sum_now;
	struct template_sum *sum; // [size - size_first]
	struct template_wheel wheel[TEMPLATE_FIELDS];
	uint64_t base[TEMPLATE_FIELDS]; // low 64 bits of the first address; first port
	uint32_t size_first, size_last, size_at;
	uint32_t imix_size[3], imix_at;
	uint64_t mac_first; // 48 bits
	uint32_t macs, mac_at;
	uint32_t stamp_id;
	uint8_t frame[TEMPLATE_MAX_SIZE] __attribute__((aligned(64)));
};

// A template of any kind but GEN_PACKET_PCAP. NULL with a sentence when the ranges are impossible
// or the sizes do not fit.
struct template *template_create(
	const struct gen_packets *conf, const struct packets_env *env, struct wr_err *err);
void template_destroy(struct template *t);
void template_set_target_mac(struct template *t, const uint8_t mac[6]);

// Least and largest payload that a frame may have, to judge what returns.
uint32_t template_payload_least(const struct template *t);
uint32_t template_payload_most(const struct template *t);

// Size of the next frame.
uint32_t template_next_size(struct template *t);

// Write the next frame, of `size` as just told, to a place with room for as much and at least 64
// bytes.
void template_write(struct template *t, uint8_t *to, uint32_t size, uint64_t seq, uint64_t at_ns);

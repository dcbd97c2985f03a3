/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include "wr_err.h"

// The frames of a pcap file in memory, for replay.

#define PCAP_FILE_MOST (256ULL << 20) // bytes of memory that one file may take

struct pcap_file_frame {
	uint64_t at_ns; // from the first frame; never less than the one before
	uint32_t offset;
	uint32_t len;
};

struct pcap_file {
	uint32_t count;
	struct pcap_file_frame *frame;
	uint8_t *data;
	uint64_t span_ns; // of one round: from the first frame to where the next round's is due
};

// Read a file of microseconds or nanoseconds (pcap or pcapng, Ethernet). Sentence on error: not
// readable, no frames, a frame that was cut or is longer than the MTU allows (with its number, from
// 1), more than `most` bytes in all.
struct pcap_file *pcap_file_load(const char *path, uint16_t mtu, uint64_t most, struct wr_err *err);
void pcap_file_destroy(struct pcap_file *f);

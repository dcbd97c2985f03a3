/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pcap/pcap.h>
#include <rte_mbuf.h>

#include "wr_err.h"
#include "wr_limits.h"
#include "wr_units.h"

// A tap on one worker's loop: frames that match a filter are copied, cut to a length, into a
// bounded ring, which the control side empties into a file. A full ring loses the copy and counts
// it; the frame itself goes its way. One ring a worker; a port that several workers read gives one
// capture each, merged by time.

#define WR_CAPTURE_SNAP_MAX 65535u

struct wr_capture_frame {
	wr_us_t at_us; // worker clock
	uint32_t len;  // on the wire
	uint32_t kept; // bytes that follow
	uint16_t port;
	bool out; // sent by us
};

struct wr_capture;

struct wr_capture_config {
	int32_t port; // number of the port, -1: all
	bool in, out;
	const struct bpf_insn *filter; // libpcap's (DLT_EN10MB), copied; NULL: everything
	uint32_t filter_len;
	uint32_t snap;       // bytes kept of a frame, 0: all
	uint32_t ring_bytes; // power of two
};

// By the control thread. NULL with a sentence.
struct wr_capture *wr_capture_create(
	const struct wr_capture_config *cfg, int numa_node, struct wr_err *err);
void wr_capture_destroy(struct wr_capture *c); // no worker has it any more

// By its worker: the frames of one burst. Nothing is taken from them.
void wr_capture_burst(struct wr_capture *c, uint16_t port, bool out, struct rte_mbuf **m,
	uint32_t n, wr_us_t now);

// By the one that empties it: the next frame into `data` (room bytes; cut to it). False: empty.
bool wr_capture_next(
	struct wr_capture *c, struct wr_capture_frame *f, uint8_t *data, uint32_t room);
uint64_t wr_capture_frames(const struct wr_capture *c); // matched
uint64_t wr_capture_lost(const struct wr_capture *c);
uint64_t wr_capture_lost_at(const struct wr_capture *c, uint16_t port); // of one port

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdint.h>

#include <rte_mbuf.h>

#include "gen.h"
#include "wr_err.h"

// Frames that arrived, written to a pcap file with nanoseconds, through a buffer of 1 MiB: one
// system call in about a thousand frames. For runs that look at frames, not for those that measure.

struct capture;

// Frames are cut to `snaplen` bytes (0: whole); the first `max_frames` are kept (0: all).
// `epoch_ns` is the time of day at which gen_now.ns was 0. NULL with a sentence.
struct capture *capture_open(const char *path, uint32_t snaplen, uint64_t max_frames,
	uint64_t epoch_ns, struct wr_err *err);
void capture_write(struct capture *c, const struct rte_mbuf *m, const struct gen_now *now);
uint64_t capture_written(const struct capture *c);
uint64_t capture_missed(const struct capture *c); // came after max_frames
// Write what is buffered, close and free; NULL is allowed. 0, or -EIO with a sentence when the file
// is not whole.
int capture_close(struct capture *c, struct wr_err *err);

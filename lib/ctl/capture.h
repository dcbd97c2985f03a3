/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

#include "capture_spec.h"
#include "wr_capture.h"

// Captures: one at a time, from the workers' rings into a pcapng file in the runtime directory, by
// the control thread. Bounded in packets, time and bytes. Files stay until they are removed.

#define WR_TAPES_KEPT      4 // files of captures that ended and were not removed
#define WR_TAPE_FILE_BYTES (256u << 20)
#define WR_TAPE_FILE_MIN   (1u << 20)
#define WR_TAPE_PATH_LEN   256

enum wr_tape_state {
	WR_TAPE_RUNNING,
	WR_TAPE_STOPPING, // workers still have it, or their rings hold frames
	WR_TAPE_ENDED,
};

struct wr_tape {
	uint32_t id;
	enum wr_tape_state state;
	struct wr_capture_spec spec;
	char file[WR_TAPE_PATH_LEN];
	char why[96]; // it ended
	uint64_t packets, bytes, bytes_max;
	uint64_t lost;    // no room in a worker's ring
	uint64_t base_ns; // wall clock when the workers' clock was 0
	wr_us_t begun_us, until_us;
};

struct wr_ctl;

struct wr_ctl_captures {
	struct wr_tape tape[WR_TAPES_KEPT];
	uint32_t count, next_id;
	struct wr_tape *now; // running or stopping; NULL: none, and the rest means nothing
	FILE *out;
	bool begun; // by a turn, which knows the time
	bool full;  // a limit is reached: what rings still hold is not written
	uint16_t workers;
	uint32_t owed; // bit a worker: not told yet
	int done[WR_MAX_WORKERS];
	struct wr_capture *ring[WR_MAX_WORKERS];
	struct { // the oldest frame of each ring
		bool here;
		struct wr_capture_frame frame;
		uint8_t *data;
	} head[WR_MAX_WORKERS];
	uint64_t written[WR_MAX_PORTS];
};

// All with the lock held, but what makes and frees rings.

// Rings for all workers into `ring`; false with a sentence. To be given to start(), or back.
bool wr_ctl_capture_rings(struct wr_ctl *c, const struct wr_capture_spec *s,
	const struct bpf_program *prog, struct wr_capture **ring, struct wr_err *err);
void wr_ctl_capture_rings_free(struct wr_capture **ring);

// Begin; the rings are taken. NULL with a sentence.
struct wr_tape *wr_ctl_capture_start(struct wr_ctl *c, const struct wr_capture_spec *s,
	struct wr_capture **ring, struct wr_err *err);
// Ask it to end soon. 0, -ENOENT: no such capture runs.
int wr_ctl_capture_stop(struct wr_ctl *c, uint32_t id, const char *why);
// Remove the file of one that ended. 0, -EBUSY, or another negative errno.
int wr_ctl_capture_remove(struct wr_ctl *c, uint32_t id);

// What a file may have where so much is free; 0: too little to begin.
uint64_t wr_ctl_capture_room(uint64_t free_bytes);

struct wr_tape *wr_ctl_capture_find(struct wr_ctl *c, uint32_t id);

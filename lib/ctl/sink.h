/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wr_conf.h"
#include "wr_units.h"
#include "writer.h"

// Where lines about ended sessions go: a file, by a thread of its own, or the journal of systemd.
// Nothing here waits: what cannot be taken now is lost and counted.

#define WR_SINK_LINE_MAX 2048 // longest line; what sessions say is far below

// The journal's socket (systemd.io/JOURNAL_NATIVE_PROTOCOL).
#define WR_SINK_JOURNAL "/run/systemd/journal/socket"

enum wr_sink_lost {
	WR_SINK_LOST_RATE,   // above log.rate
	WR_SINK_LOST_RING,   // no room among a worker's records
	WR_SINK_LOST_CLOSED, // the target is not there
	WR_SINK_LOST_WRITE,  // it did not take them: a full disk, a reader that is behind
	WR_SINK_LOST_BEHIND, // no room among those that wait: the file does not keep up
	WR_SINK_LOST_REASONS
};

struct wr_sink {
	struct wr_conf_logging conf; // what is open, or should be
	const char *journal;         // path of its socket
	int fd;                      // -1: not open; of a file, as its writer told last
	int err;                     // errno of the last failure; 0: well
	bool followed;               // `conf` was given at least once
	wr_us_t next_look_us;        // whether the file is still there
	struct wr_writer *writer;    // of the file; NULL: none
	struct wr_writer *before;    // of the file before: it writes its last lines
	uint64_t credit;             // of the token bucket, in millionths of a line
	wr_us_t credit_us;
	uint64_t written, bytes, opened;
	uint64_t lost[WR_SINK_LOST_REASONS];
	uint64_t told[WR_SINK_LOST_REASONS]; // of `lost`, already in an event
	wr_us_t told_us;                     // when; 0: never
};

// 0 or -ENOMEM.
int wr_sink_init(struct wr_sink *s);
// What waits is written first; but a disk that stalls is not waited for longer than 2 s.
void wr_sink_fini(struct wr_sink *s);

// Each turn: a target that changed is closed and the new one opened; once a second a file that was
// moved away or removed is opened again, and so is what could not be opened.
void wr_sink_follow(struct wr_sink *s, const struct wr_conf_logging *conf, wr_us_t now);

// Whether log.rate allows one more line; counts it as lost when it does not.
bool wr_sink_may(struct wr_sink *s, wr_us_t now);

// One line, without its newline, to the file; or one datagram to the journal. At most
// WR_SINK_LINE_MAX bytes.
void wr_sink_put(struct wr_sink *s, const char *data, size_t len);
// Have written what waits, and count what was written before.
void wr_sink_flush(struct wr_sink *s);
// Wait until it is written and counted; false: not within so long.
bool wr_sink_settle(struct wr_sink *s, uint32_t ms);

// Lines lost since the last event about it.
uint64_t wr_sink_untold(const struct wr_sink *s);

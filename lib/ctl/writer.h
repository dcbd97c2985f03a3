/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Lines into one file, by a thread of its own: open, stat, write and close of a disk that stalls
// hold up that thread and nobody else. Who gives lines never waits: what finds no room is told.

#define WR_WRITER_BYTES (1u << 20) // that wait; as much again is being written

struct wr_writer_count { // since the last look
	uint64_t written, bytes, opened;
	uint64_t closed; // lines lost: the file was not open
	uint64_t failed; // lines lost: it did not take them
};

struct wr_writer {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake, rest; // by the giver; by the thread when it has nothing to do
	char *path;
	// With the lock held:
	char *fill; // lines that wait, each with its newline
	size_t used;
	uint32_t lines;
	uint32_t taken; // lines that are being written, and not counted yet
	bool go, look;  // write what waits; see whether the file is still there
	bool ends;      // once all is written
	bool busy, done;
	bool left; // alone: the thread frees it all
	struct wr_writer_count count;
	int err; // errno of the last failure; 0: well
	int fd;  // of the file, to know that it is open; -1
	// The thread's own:
	char *take;
	dev_t dev;
	ino_t ino;
	bool torn; // a line was written in part: the next one begins on a new line
};

// NULL with errno. The file is opened soon.
struct wr_writer *wr_writer_create(const char *path);

// One line without its newline; false: no room.
bool wr_writer_put(struct wr_writer *w, const char *line, size_t len);
// Write what waits; with `look`, open a file that is not open or was moved away or removed.
void wr_writer_go(struct wr_writer *w, bool look);
// Adds what was done since the last call.
void wr_writer_counts(struct wr_writer *w, struct wr_writer_count *sum, int *fd, int *err);

// Write what waits and close, without waiting for that.
void wr_writer_end(struct wr_writer *w);
// Everything asked for was done, within so long.
bool wr_writer_rests(struct wr_writer *w, uint32_t ms);
// True, and it is freed: it had ended. Else, with `leave`, it is left to itself; the lines that it
// is not known to have written by then are returned in *lines. Either way adds to *sum what was
// done since it was counted last.
bool wr_writer_free(struct wr_writer *w, bool leave, struct wr_writer_count *sum, uint64_t *lines);

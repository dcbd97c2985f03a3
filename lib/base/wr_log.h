/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// The log of the control side: one line an event, to standard error (journald adds the rest).
// Hot code never logs; it counts, and raises events (wr_event.h).

enum wr_log_level {
	WR_LOG_ERROR = 3, // syslog's numbers, as "<3>" prefixes that journald understands
	WR_LOG_WARN = 4,
	WR_LOG_NOTICE = 5,
	WR_LOG_INFO = 6,
	WR_LOG_DEBUG = 7,
};

// Print a line when `level` is at or below the level set (default INFO). Thread-safe.
void wr_log(enum wr_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void wr_log_set_level(enum wr_log_level level);

/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "wr_limits.h"
#include "wr_units.h"

// What a service manager is told: sd_notify(3)'s protocol, one datagram a message to the socket of
// $NOTIFY_SOCKET. Without one nothing is sent. Main thread.

#define NOTIFY_STATUS_LEN 256

// Whether every worker's loop turns: the clock that a worker publishes with its figures moves with
// each turn that is a pressure tick or later, naps included, so a clock that stands is a loop that
// hangs.
struct watch {
	uint64_t clock[WR_MAX_WORKERS]; // of each worker when all had moved last
	bool begun;
};

// True, and a new round begins, when every clock passed its mark of the round before. Else false,
// and *hangs is the first worker whose did not.
bool watch_moved(struct watch *w, const uint64_t *clock, uint16_t workers, uint16_t *hangs);

struct notify {
	int fd; // -1: nobody wants to know
	struct sockaddr_un to;
	socklen_t to_len;
	wr_us_t watchdog_us; // how often at least; 0: no watchdog
	wr_us_t next_us;     // the next WATCHDOG=1
	wr_us_t told_us;     // STATUS was sent
	bool reloading;      // RELOADING=1 was sent, its READY=1 not yet
	struct watch watch;
	char status[NOTIFY_STATUS_LEN]; // sent last
};

// Read and take away NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID: children are not the service.
// A socket that cannot be is told in the log.
void notify_open(struct notify *n);
void notify_close(struct notify *n);

void notify_ready(struct notify *n, const char *status, wr_us_t now);
// A line for people, at most every 5 s unless `at_once`, and only when it changed.
void notify_status(struct notify *n, const char *status, bool at_once, wr_us_t now);
// Whether a new configuration is being taken over: the change is told, once each way.
void notify_reload(struct notify *n, bool reloading);
// The end begins and takes at most so long.
void notify_stopping(struct notify *n, wr_us_t limit_us);

// Whether the clocks of the workers should be read for notify_watchdog() now.
bool notify_watchdog_due(const struct notify *n, wr_us_t now);
void notify_watchdog(struct notify *n, const uint64_t *clock, uint16_t workers, wr_us_t now);

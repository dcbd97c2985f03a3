/* SPDX-License-Identifier: BSD-3-Clause */
#include "notify.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "wr_log.h"

#define STATUS_EVERY_US (5 * WR_US_PER_S)
#define STOP_SLACK_US   (15 * WR_US_PER_S) // resets of the rest, ports closed, memory given back

bool watch_moved(struct watch *w, const uint64_t *clock, uint16_t workers, uint16_t *hangs)
{
	for (uint16_t i = 0; w->begun && i < workers; i++) {
		if (clock[i] > w->clock[i])
			continue;
		*hangs = i;
		return false;
	}
	memcpy(w->clock, clock, workers * sizeof(*clock));
	w->begun = true;
	return true;
}

// A path, or with '@' in front a name of Linux' own that no file has. False: it is neither.
static bool set_address(struct notify *n, const char *path)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || path[1] == '\0' || len >= sizeof(n->to.sun_path))
		return false;
	n->to.sun_family = AF_UNIX;
	memcpy(n->to.sun_path, path, len + 1);
	n->to_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@')
		n->to.sun_path[0] = '\0';
	else
		n->to_len++;
	return true;
}

// WATCHDOG_PID may be another process, which passed its environment on.
static wr_us_t watchdog_period(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long long us = usec != NULL ? strtoull(usec, NULL, 10) : 0;

	if (pid != NULL && strtol(pid, NULL, 10) != (long)getpid())
		return 0;
	return us / 2;
}

void notify_open(struct notify *n)
{
	const char *path = getenv("NOTIFY_SOCKET");

	memset(n, 0, sizeof(*n));
	n->fd = -1;
	if (path != NULL && set_address(n, path)) {
		n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		n->watchdog_us = n->fd >= 0 ? watchdog_period() : 0;
		// While this is root: a later user may not reach it.
		if (n->fd >= 0 && connect(n->fd, (struct sockaddr *)&n->to, n->to_len) < 0)
			wr_log(WR_LOG_WARN, "NOTIFY_SOCKET '%s': %s", path, strerror(errno));
	}
	if (path != NULL && path[0] != '\0' && n->fd < 0)
		wr_log(WR_LOG_WARN,
			"NOTIFY_SOCKET '%s' cannot be used: the service manager is "
			"told nothing",
			path);
	unsetenv("NOTIFY_SOCKET");
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

__attribute__((format(printf, 2, 3))) static void tell(struct notify *n, const char *fmt, ...)
{
	char text[NOTIFY_STATUS_LEN + 128];
	va_list ap;
	int len;

	if (n->fd < 0)
		return;
	va_start(ap, fmt);
	len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len >= (int)sizeof(text))
		len = (int)sizeof(text) - 1;
	// A manager that started again has another socket there; one that is behind gets the next.
	if (send(n->fd, text, (size_t)len, MSG_NOSIGNAL) < 0 &&
		(errno == EAGAIN || sendto(n->fd, text, (size_t)len, MSG_NOSIGNAL,
					    (struct sockaddr *)&n->to, n->to_len) < 0))
		wr_log(WR_LOG_DEBUG, "the service manager takes no message: %s", strerror(errno));
}

// One line, whatever is in it.
static void keep_status(struct notify *n, const char *status)
{
	snprintf(n->status, sizeof(n->status), "%s", status);
	for (char *c = n->status; *c != '\0'; c++)
		if ((unsigned char)*c < ' ')
			*c = ' ';
}

void notify_ready(struct notify *n, const char *status, wr_us_t now)
{
	keep_status(n, status);
	n->told_us = now;
	n->next_us = now;
	tell(n, "READY=1\nSTATUS=%s\nMAINPID=%d", n->status, (int)getpid());
}

void notify_status(struct notify *n, const char *status, bool at_once, wr_us_t now)
{
	char before[NOTIFY_STATUS_LEN];

	if (n->fd < 0 || (!at_once && now < n->told_us + STATUS_EVERY_US))
		return;
	memcpy(before, n->status, sizeof(before));
	keep_status(n, status);
	n->told_us = now;
	if (strcmp(before, n->status) != 0)
		tell(n, "STATUS=%s", n->status);
}

void notify_reload(struct notify *n, bool reloading)
{
	struct timespec ts = {0};

	if (reloading == n->reloading)
		return;
	n->reloading = reloading;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (reloading)
		tell(n, "RELOADING=1\nMONOTONIC_USEC=%llu",
			(unsigned long long)ts.tv_sec * WR_US_PER_S +
				(unsigned long long)ts.tv_nsec / 1000);
	else
		tell(n, "READY=1");
}

void notify_stopping(struct notify *n, wr_us_t limit_us)
{
	tell(n, "STOPPING=1\nSTATUS=stopping: waits for its sessions\nEXTEND_TIMEOUT_USEC=%llu",
		(unsigned long long)(limit_us + STOP_SLACK_US));
}

bool notify_watchdog_due(const struct notify *n, wr_us_t now)
{
	return n->watchdog_us != 0 && now >= n->next_us;
}

void notify_watchdog(struct notify *n, const uint64_t *clock, uint16_t workers, wr_us_t now)
{
	uint16_t hangs;

	if (!watch_moved(&n->watch, clock, workers, &hangs)) {
		// Once, when the manager is about to act.
		if (n->next_us != 0 && now >= n->next_us + n->watchdog_us / 2) {
			wr_log(WR_LOG_ERROR,
				"worker %u does not turn: the watchdog is not told that all is "
				"well",
				hangs);
			n->next_us = 0;
		}
		return;
	}
	n->next_us = now + n->watchdog_us;
	tell(n, "WATCHDOG=1");
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The one mutable file-scope variable of the house: the log is the process's, as standard error is.
static int log_level = WR_LOG_INFO;

void wr_log_set_level(enum wr_log_level level)
{
	__atomic_store_n(&log_level, (int)level, __ATOMIC_RELAXED);
}

void wr_log(enum wr_log_level level, const char *fmt, ...)
{
	char line[1024];
	int saved = errno;
	int head, body;
	size_t len;
	va_list ap;

	if ((int)level > __atomic_load_n(&log_level, __ATOMIC_RELAXED))
		return;
	head = snprintf(line, sizeof(line), "<%d>", (int)level);
	va_start(ap, fmt);
	body = vsnprintf(line + head, sizeof(line) - head - 1, fmt, ap);
	va_end(ap);
	if (body < 0)
		return;
	len = strlen(line);
	// One event is one line, whatever the text brought along.
	for (size_t i = 0; i < len; i++)
		if (line[i] == '\n' || line[i] == '\r')
			line[i] = ' ';
	line[len++] = '\n';
	// One write, so that lines of several threads do not mix; a log that cannot be written is
	// lost.
	if (write(STDERR_FILENO, line, len) < 0)
		errno = saved;
	errno = saved;
}

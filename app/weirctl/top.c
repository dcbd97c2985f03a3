/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "picture.h"

#define REFRESH_MS 1000
#define ROWS_MAX   600 // of one table
#define CLEAR      "\033[H\033[2J"

static double clock_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int fetch(const struct client *c, const char *path, json_t **rows, struct wr_err *err)
{
	struct client all = *c;
	uint64_t total;
	int more;

	// Every worker's nearest queue is shown, so that no table is cut; but thousands of
	// backends' queues need not cross the socket each second.
	all.limit = ROWS_MAX;
	return client_fetch(&all, path, "", rows, &total, &more, NULL, err);
}

static int take_sample(const struct client *c, struct sample *s, struct wr_err *err)
{
	const struct {
		const char *path;
		json_t **rows;
	} parts[] = {{"/weir/status", &s->status}, {"/weir/workers", &s->workers},
		{"/weir/pressure", &s->pressure}, {"/weir/services", &s->services},
		{"/weir/drops", &s->drops}, {"/weir/queues", &s->queues}};
	int rc = EXIT_OK;

	*s = (struct sample){.at_s = clock_s()};
	for (size_t i = 0; rc == EXIT_OK && i < sizeof(parts) / sizeof(parts[0]); i++)
		rc = fetch(c, parts[i].path, parts[i].rows, err);
	if (rc == EXIT_OK && json_array_size(s->status) != 1)
		rc = -wr_err_set(err, EXIT_FAILED, "the instance says nothing of its status");
	if (rc != EXIT_OK)
		picture_drop(s);
	return rc;
}

// Wait for the next refresh. True when the user wants to leave.
static bool wait_or_leave(int signals, bool keys)
{
	struct pollfd fds[2] = {
		{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	double end = clock_s() + REFRESH_MS / 1000.0;
	char key;

	for (;;) {
		double left = end - clock_s();

		if (left <= 0)
			return false;
		if (poll(fds, keys ? 2 : 1, (int)(left * 1000) + 1) <= 0)
			continue;
		if (fds[0].revents != 0)
			return true;
		if (!keys || fds[1].revents == 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1)
			keys = false;
		else if (key == 'q' || key == 'Q')
			return true;
	}
}

static int refresh_until_left(
	const struct client *c, bool once, int signals, bool keys, struct wr_err *err)
{
	struct sample before, now;
	int rc = take_sample(c, &before, err);

	// Rates need two looks, so that the first picture comes after a second.
	while (rc == EXIT_OK && !wait_or_leave(signals, keys)) {
		rc = take_sample(c, &now, err);
		if (rc != EXIT_OK)
			break;
		if (!once && isatty(STDOUT_FILENO))
			printf(CLEAR);
		picture_print(stdout, &now, &before);
		if (!once && keys)
			printf("\nq ends\n");
		fflush(stdout);
		picture_drop(&before);
		before = now;
		if (once)
			break;
	}
	picture_drop(&before);
	return rc;
}

int top_run(const struct client *c, bool once, struct wr_err *err)
{
	bool keys = !once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct termios saved, raw;
	sigset_t set;
	int signals, rc;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return -wr_err_set(err, EXIT_FAILED, "no descriptor for signals is left");
	keys = keys && tcgetattr(STDIN_FILENO, &saved) == 0;
	if (keys) {
		raw = saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	rc = refresh_until_left(c, once, signals, keys, err);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	close(signals);
	return rc;
}

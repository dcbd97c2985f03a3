/* SPDX-License-Identifier: BSD-3-Clause */
#include "rights.h"

#include <dirent.h>
#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// capabilities(7) are a thread's own, and libc has no call for all threads. DPDK's (telemetry,
// interrupts, loops) run since its start, so each is asked by a signal to give up its own; libpsx
// would do the same, but only for threads that were made by code which was linked with it.

#define LIMIT_MS 2000

// Raw system calls and errno: safe in a signal handler.
static void on_signal(int sig)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};
	int saved = errno;

	syscall(SYS_capset, &head, none);
	errno = saved;
}

// A thread that ends meanwhile has nothing any more.
static bool armed(pid_t tid)
{
	unsigned long long caps = 0;
	char path[64], line[256];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
	in = fopen(path, "re");
	if (in == NULL)
		return false;
	while (fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "CapPrm: %llx", &caps) == 1)
			break;
	fclose(in);
	return caps != 0;
}

// One round: ask each that still has some. Returns how many those are, or -errno.
static int ask_all(int sig, pid_t me, int *others, pid_t *last)
{
	DIR *dir = opendir("/proc/self/task");
	const struct dirent *e;
	int left = 0;

	if (dir == NULL)
		return -errno;
	*others = 0;
	while ((e = readdir(dir)) != NULL) {
		pid_t tid = (pid_t)atoi(e->d_name);

		if (tid <= 0 || tid == me)
			continue;
		(*others)++;
		if (!armed(tid))
			continue;
		left++;
		*last = tid;
		syscall(SYS_tgkill, getpid(), tid, sig);
	}
	closedir(dir);
	return left;
}

int threads_disarm(struct wr_err *err)
{
	struct sigaction sa = {.sa_handler = on_signal, .sa_flags = SA_RESTART}, before;
	struct timespec ms = {.tv_nsec = 1000000};
	pid_t me = (pid_t)syscall(SYS_gettid), last = 0;
	int sig = SIGRTMAX - 1, left = -1, others = 0;

	if (sigaction(sig, &sa, &before) < 0)
		return wr_err_set(err, errno, "no signal for threads: %s", strerror(errno));
	// Until a whole round finds nobody: a thread that one of them made meanwhile is found too.
	for (int i = 0; i < LIMIT_MS && left != 0; i++) {
		left = ask_all(sig, me, &others, &last);
		if (left < 0)
			break;
		if (left > 0)
			nanosleep(&ms, NULL);
	}
	// The handler stays: a thread may have a second signal before it.
	if (left < 0)
		return wr_err_set(err, -left, "/proc/self/task: %s; mount /proc", strerror(-left));
	if (left > 0)
		return wr_err_set(err, EPERM,
			"thread %d does not give up its capabilities; start again, and if it stays "
			"so, send weirctl dump to those who help",
			(int)last);
	return others;
}

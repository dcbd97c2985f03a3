/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 30000
#define TEXT_MAX (1u << 20)
#define NO_EXEC  127

// Beside this program, else "weir" for the search in PATH.
static void find_weir(char *buf, size_t len)
{
	ssize_t n = readlink("/proc/self/exe", buf, len - 8);
	char *slash;

	buf[n > 0 ? n : 0] = '\0';
	slash = strrchr(buf, '/');
	if (slash != NULL)
		memcpy(slash + 1, "weir", sizeof("weir"));
	if (slash == NULL || access(buf, X_OK) != 0)
		snprintf(buf, len, "weir");
}

static void child(const char *weir, int out)
{
	int null = open("/dev/null", O_RDONLY);

	dup2(null, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	execlp(weir, "weir", "--doctor", (char *)NULL);
	_exit(NO_EXEC);
}

static long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

// Until it closes its end, or the time is over (-1).
static int read_all(int fd, FILE *out)
{
	long end = now_ms() + LIMIT_MS;
	size_t total = 0;
	char buf[4096];

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		long left = end - now_ms();
		ssize_t n;

		if (left <= 0)
			return -1;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return 0;
		if (total < TEXT_MAX)
			fwrite(buf, 1, (size_t)n, out);
		total += (size_t)n;
	}
}

int doctor_run(char **text, size_t *len, struct wr_err *err)
{
	FILE *out = open_memstream(text, len);
	char weir[4096];
	int fds[2], status = 0, rc = -1;
	pid_t pid;

	if (out == NULL || pipe2(fds, O_CLOEXEC) != 0) {
		wr_err_set(err, errno, "weir --doctor: %s", strerror(errno));
		goto out_close;
	}
	find_weir(weir, sizeof(weir));
	pid = fork();
	if (pid == 0)
		child(weir, fds[1]);
	close(fds[1]);
	if (pid < 0) {
		wr_err_set(err, errno, "weir --doctor: %s", strerror(errno));
	} else {
		int late = read_all(fds[0], out);

		if (late != 0)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		rc = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (late != 0)
			wr_err_set(err, ETIMEDOUT, "%s --doctor did not end within %d s", weir,
				LIMIT_MS / 1000);
		else if (rc == NO_EXEC)
			rc = wr_err_set(err, 1, "no weir beside weirctl or in PATH");
		else if (rc < 0)
			wr_err_set(err, EIO, "%s --doctor was ended by signal %d", weir,
				WTERMSIG(status));
	}
	close(fds[0]);
out_close:
	if (out != NULL)
		fclose(out);
	if (rc < 0) {
		free(*text);
		*text = NULL;
	}
	return rc;
}

/* SPDX-License-Identifier: BSD-3-Clause */

#include "weir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_DIR "/run/weir"

int lock_take(struct instance *in, struct wr_err *err)
{
	const char *name = in->conf->runtime.name;
	char path[128], text[32] = "";
	ssize_t n;

	if (mkdir(LOCK_DIR, 0755) < 0 && errno != EEXIST)
		return wr_err_set(
			err, errno, "cannot make %s: %s; run as root", LOCK_DIR, strerror(errno));
	snprintf(path, sizeof(path), LOCK_DIR "/%s.lock", name);
	in->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (in->lock_fd < 0)
		return wr_err_set(
			err, errno, "cannot open %s: %s; run as root", path, strerror(errno));
	if (flock(in->lock_fd, LOCK_EX | LOCK_NB) < 0) {
		n = read(in->lock_fd, text, sizeof(text) - 1);
		close(in->lock_fd);
		in->lock_fd = -1;
		return wr_err_set(err, EBUSY,
			"an instance named '%s' runs already, pid %d; stop it, or give this one "
			"another runtime.name",
			name, n > 0 ? atoi(text) : 0);
	}
	snprintf(text, sizeof(text), "%d\n", (int)getpid());
	if (ftruncate(in->lock_fd, 0) < 0 ||
		pwrite(in->lock_fd, text, strlen(text), 0) != (ssize_t)strlen(text))
		return wr_err_set(err, errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

void lock_release(struct instance *in)
{
	if (in->lock_fd < 0)
		return;
	// The file stays: removing it would let two later starters lock two different files.
	if (ftruncate(in->lock_fd, 0) < 0)
		wr_err_set(NULL, errno, "truncate");
	close(in->lock_fd);
	in->lock_fd = -1;
}

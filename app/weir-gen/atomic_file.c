/* SPDX-License-Identifier: BSD-3-Clause */
#include "atomic_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int cannot(struct wr_err *err, int code, const char *path)
{
	return wr_err_set(err, code, "cannot write %s: %s", path, strerror(code));
}

int atomic_file_open(struct atomic_file *a, const char *path, struct wr_err *err)
{
	struct stat st;
	int n;

	a->path = path;
	a->beside[0] = '\0';
	// A device or pipe (/dev/stdout) must not be renamed over.
	if (stat(path, &st) != 0 || S_ISREG(st.st_mode)) {
		n = snprintf(a->beside, sizeof(a->beside), "%s.%d.tmp", path, (int)getpid());
		if (n >= (int)sizeof(a->beside))
			return cannot(err, ENAMETOOLONG, path);
	}
	a->f = fopen(a->beside[0] ? a->beside : path, "we");
	if (a->f == NULL)
		return cannot(err, errno, path);
	errno = 0;
	return 0;
}

int atomic_file_close(struct atomic_file *a, struct wr_err *err)
{
	int code = 0;

	// An earlier write that failed left its cause in errno; nothing that succeeds clears it.
	if (ferror(a->f))
		code = errno != 0 ? errno : EIO;
	else if (fflush(a->f) != 0)
		code = errno;
	// A device that cannot be synchronised is none to rename over either.
	if (code == 0 && a->beside[0] && fsync(fileno(a->f)) != 0)
		code = errno;
	if (fclose(a->f) != 0 && code == 0)
		code = errno;
	if (code == 0 && a->beside[0] && rename(a->beside, a->path) != 0)
		code = errno;
	if (code != 0 && a->beside[0])
		unlink(a->beside);
	return code != 0 ? cannot(err, code, a->path) : 0;
}

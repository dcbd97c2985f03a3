/* SPDX-License-Identifier: BSD-3-Clause */
#include "rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define SOCKET_FILE "dpdk_telemetry.v2"
#define KEY_FILE    "act.key"
#define KEY_MODE    0640

mode_t rundir_mode(uint32_t socket_mode, bool other_group)
{
	mode_t mode = 0700;

	// connect(2) wants the right to write.
	if (socket_mode & 0020)
		mode |= 0050;
	if (socket_mode & 0002)
		mode |= 0055;
	// Who may act reaches the key; it cannot list what else is there.
	if (other_group)
		mode |= 0001;
	return mode;
}

// Where the directories of all DPDK programs are: DPDK makes it for root alone. Each of those has a
// mode of its own.
static int open_parent(const char *dir, struct wr_err *err)
{
	char path[256];
	const char *slash = strrchr(dir, '/');
	struct stat st;

	if (slash == NULL || slash == dir || (size_t)(slash - dir) >= sizeof(path))
		return wr_err_set(err, EINVAL, "%s: no runtime directory", dir);
	snprintf(path, sizeof(path), "%.*s", (int)(slash - dir), dir);
	if (stat(path, &st) < 0 || ((st.st_mode & 0055) != 0055 && chmod(path, 0755) < 0))
		return wr_err_set(err, errno, "%s: cannot be made passable for others: %s", path,
			strerror(errno));
	return 0;
}

static int give_socket(
	int dir, const char *name, const struct accounts *a, uint32_t mode, struct wr_err *err)
{
	char self[64];
	struct stat st;
	int fd = openat(dir, SOCKET_FILE, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = 0;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode))
		rc = wr_err_set(
			err, ENOENT, "%s/" SOCKET_FILE ": the telemetry socket is not there", name);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	if (rc == 0 && (fchownat(fd, "", a->uid, a->socket_gid, AT_EMPTY_PATH) < 0 ||
			       chmod(self, mode) < 0))
		rc = wr_err_set(err, errno,
			"%s/" SOCKET_FILE ": cannot be given to group %u with mode %04o: %s; run "
			"as root",
			name, (unsigned int)a->socket_gid, mode, strerror(errno));
	if (fd >= 0)
		close(fd);
	return rc;
}

static int make_key(char key[RIGHTS_KEY_LEN + 1], struct wr_err *err)
{
	unsigned char raw[RIGHTS_KEY_LEN / 2];

	if (getrandom(raw, sizeof(raw), 0) != sizeof(raw))
		return wr_err_set(
			err, EIO, "no random numbers from the kernel: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(raw); i++)
		snprintf(key + 2 * i, 3, "%02x", raw[i]);
	explicit_bzero(raw, sizeof(raw));
	return 0;
}

static int write_key(int dir, const char *name, const struct accounts *a,
	char key[RIGHTS_KEY_LEN + 1], struct wr_err *err)
{
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	bool good;
	int fd;

	if (make_key(key, err) < 0)
		return -EIO;
	// Nobody's until it has its group.
	fd = openat(dir, KEY_FILE, flags, 0);
	good = fd >= 0 && fchown(fd, a->uid, a->act_gid) == 0 && fchmod(fd, KEY_MODE) == 0 &&
	       write(fd, key, RIGHTS_KEY_LEN) == RIGHTS_KEY_LEN && write(fd, "\n", 1) == 1;
	if (!good)
		wr_err_set(err, errno,
			"%s/" KEY_FILE ": the key of runtime.act_group cannot be written: %s; run "
			"as root",
			name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return good ? 0 : -EIO;
}

// Only one that is root's: what else lies there is somebody's decision.
static int give_log(const struct accounts *a, const struct wr_conf *c, struct wr_err *err)
{
	int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	struct stat st;
	int fd, rc = 0;

	if (c->log.to != WR_CONF_LOG_FILE || !a->other_user)
		return 0;
	fd = open(c->log.file, flags, 0640);
	if (fd < 0)
		return 0; // a FIFO without a reader, or no directory: told when it is opened to
		          // write
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == 0 && st.st_nlink == 1 &&
		fchown(fd, a->uid, a->gid) < 0)
		rc = wr_err_set(err, errno, "%s: cannot be given to '%s': %s", c->log.file, a->user,
			strerror(errno));
	close(fd);
	return rc;
}

static int give_all(int dir, const char *name, const struct accounts *a, const struct wr_conf *c,
	char key[RIGHTS_KEY_LEN + 1], struct wr_err *err)
{
	bool acts = c->runtime.act_group[0] != '\0';
	mode_t mode = rundir_mode(c->runtime.socket_mode, acts && a->act_gid != a->socket_gid);
	int rc;

	// An instance before may have run as a user who put links there: nobody else may change
	// anything while root writes.
	if (geteuid() == 0 && (fchown(dir, 0, 0) < 0 || fchmod(dir, 0700) < 0))
		return wr_err_set(err, errno, "%s: %s", name, strerror(errno));
	if (unlinkat(dir, KEY_FILE, 0) < 0 && errno != ENOENT)
		return wr_err_set(err, errno, "%s/" KEY_FILE ": an old key cannot be removed: %s",
			name, strerror(errno));
	rc = give_socket(dir, name, a, c->runtime.socket_mode, err);
	if (rc == 0 && acts)
		rc = write_key(dir, name, a, key, err);
	if (rc == 0 && (fchown(dir, a->uid, a->socket_gid) < 0 || fchmod(dir, mode) < 0))
		rc = wr_err_set(err, errno, "%s: cannot be given to user %u, group %u: %s", name,
			(unsigned int)a->uid, (unsigned int)a->socket_gid, strerror(errno));
	return rc;
}

int rundir_give(const char *dir, const struct accounts *a, const struct wr_conf *c, int lock_fd,
	char key[RIGHTS_KEY_LEN + 1], struct wr_err *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), rc;
	bool shared = a->other_user || a->socket_gid != a->gid || a->act_gid != a->gid ||
	              (c->runtime.socket_mode & 0002) != 0;

	key[0] = '\0';
	if (fd < 0)
		return wr_err_set(err, errno, "%s: %s", dir, strerror(errno));
	rc = give_all(fd, dir, a, c, key, err);
	close(fd);
	if (rc == 0 && shared)
		rc = open_parent(dir, err);
	if (rc == 0 && a->other_user && lock_fd >= 0 && fchown(lock_fd, a->uid, a->gid) < 0)
		rc = wr_err_set(err, errno, "the lock file cannot be given to '%s': %s", a->user,
			strerror(errno));
	if (rc == 0)
		rc = give_log(a, c, err);
	return rc;
}

void rundir_clear(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return;
	unlinkat(fd, KEY_FILE, 0);
	close(fd);
}

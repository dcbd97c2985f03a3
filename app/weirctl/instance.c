/* SPDX-License-Identifier: BSD-3-Clause */
#include "instance.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKET_NAME "dpdk_telemetry.v2"
#define SYSTEMD_DIR "/run/weir"

static const char *runtime_dir(const char *dir)
{
	const char *env;

	if (dir != NULL)
		return dir;
	env = getenv("RUNTIME_DIRECTORY");
	if (env != NULL && env[0] != '\0')
		return env;
	if (getuid() == 0)
		return "/var/run";
	env = getenv("XDG_RUNTIME_DIR");
	return env != NULL && env[0] != '\0' ? env : "/tmp";
}

static void socket_path(const char *dir, const char *name, char *buf, size_t len)
{
	// A path that was cut is another path.
	if ((size_t)snprintf(buf, len, "%s/dpdk/%s/%s", dir, name, SOCKET_NAME) >= len)
		snprintf(buf, len, "(path too long)");
}

char *instance_socket(const char *dir, const char *name, char *buf, size_t len)
{
	socket_path(runtime_dir(dir), name, buf, len);
	if (dir != NULL || access(buf, F_OK) == 0)
		return buf;
	socket_path(SYSTEMD_DIR, name, buf, len);
	if (access(buf, F_OK) != 0)
		socket_path(runtime_dir(dir), name, buf, len);
	return buf;
}

// A killed instance leaves its socket behind.
static bool answers(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	bool alive;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return false;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	alive = connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0 || errno == EAGAIN;
	if (fd >= 0)
		close(fd);
	return alive;
}

static void list_under(const char *dir, char *buf, size_t len)
{
	char path[INSTANCE_PATH_LEN];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "%s/dpdk", dir);
	d = opendir(path);
	if (d == NULL)
		return;
	while ((e = readdir(d)) != NULL) {
		size_t used = strlen(buf);

		if (e->d_name[0] == '.')
			continue;
		socket_path(dir, e->d_name, path, sizeof(path));
		if (answers(path))
			snprintf(buf + used, len - used, "%s%s", used > 0 ? " " : "", e->d_name);
	}
	closedir(d);
}

char *instance_list(const char *dir, char *buf, size_t len)
{
	buf[0] = '\0';
	list_under(runtime_dir(dir), buf, len);
	if (dir == NULL && strcmp(runtime_dir(NULL), SYSTEMD_DIR) != 0)
		list_under(SYSTEMD_DIR, buf, len);
	return buf;
}

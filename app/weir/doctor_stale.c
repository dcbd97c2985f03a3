/* SPDX-License-Identifier: BSD-3-Clause */

// The instance's name: is one running, did one leave something?

#include "doctor_priv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

// Does another process hold the file's lock? *pid is what it wrote into it.
static bool held(const char *path, long *pid)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32] = "";
	bool other;

	*pid = 0;
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) > 0)
		*pid = atol(text);
	other = flock(fd, LOCK_SH | LOCK_NB) < 0;
	close(fd);
	return other;
}

void doctor_instance(struct doctor *d)
{
	char path[512];
	long pid;

	if (d->conf == NULL)
		return;
	doctor_path(d, path, sizeof(path), "/run/weir/%s.lock", d->conf->runtime.name);
	if (held(path, &pid) && pid != (long)d->self) {
		doctor_say(d, DOCTOR_FAIL, "instance", "one named %s runs already, pid %ld",
			d->conf->runtime.name, pid);
		doctor_cure(d, "kill -TERM %ld (or write another runtime.name in %s)", pid,
			d->conf->file);
	} else if (pid != 0 && pid != (long)d->self) {
		doctor_say(d, DOCTOR_WARN, "instance",
			"one named %s ended without a farewell, pid %ld was it: killed, or crashed",
			d->conf->runtime.name, pid);
		doctor_cure(d, "journalctl _PID=%ld", pid);
	} else {
		doctor_say(d, DOCTOR_PASS, "instance", "none named %s runs", d->conf->runtime.name);
	}
}

enum socket_life {
	SOCKET_NONE,
	SOCKET_DEAD, // nobody listens on it
	SOCKET_OWN,  // this process does
	SOCKET_ALIVE,
};

// Through the folder's descriptor: the path of a socket may have 107 characters at most.
static enum socket_life probe(const struct doctor *d, const char *dir, const char *name)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), fd;
	enum socket_life life = SOCKET_DEAD;
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct stat st;

	if (at < 0)
		return SOCKET_NONE;
	if (fstatat(at, name, &st, 0) < 0 || !S_ISSOCK(st.st_mode)) {
		close(at);
		return SOCKET_NONE;
	}
	snprintf(sa.sun_path, sizeof(sa.sun_path), "/proc/self/fd/%d/%.80s", at, name);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0) {
		// Busy is alive as well; a socket of another type has another owner, alive.
		if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) == 0 || errno != ECONNREFUSED)
			life = SOCKET_ALIVE;
		if (life == SOCKET_ALIVE &&
			getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
			peer.pid == d->self)
			life = SOCKET_OWN;
		close(fd);
	}
	close(at);
	return life;
}

// A folder of /run/dpdk: its telemetry socket tells whether its program lives.
static enum socket_life judge_folder(const struct doctor *d, const char *name)
{
	enum socket_life life = SOCKET_NONE;
	char path[512];
	struct dirent *e;
	DIR *list;

	doctor_path(d, path, sizeof(path), "/run/dpdk/%.200s", name);
	list = opendir(path);
	while (list != NULL && (e = readdir(list)) != NULL) {
		enum socket_life one = probe(d, path, e->d_name);

		life = one > life ? one : life;
	}
	if (list != NULL)
		closedir(list);
	return life;
}

static bool say_folder(struct doctor *d, const char *name)
{
	enum socket_life life = judge_folder(d, name);
	bool ours = d->conf != NULL;
	long pid;
	char path[512];

	doctor_path(d, path, sizeof(path), "/run/weir/%.200s.lock", name);
	if (life == SOCKET_DEAD) {
		doctor_say(d, DOCTOR_WARN, "leftovers",
			"/run/dpdk/%s is of a dead program: nobody listens on its sockets", name);
		doctor_cure(d, "rm -r /run/dpdk/%s", name);
		return true;
	}
	// The lock tells about an instance of Weir; doctor_instance() has.
	if (life == SOCKET_ALIVE && ours && !held(path, &pid)) {
		doctor_say(d, DOCTOR_FAIL, "leftovers",
			"another DPDK program uses the name %s (/run/dpdk/%s)", name, name);
		doctor_cure(d, "write another runtime.name in %s", d->conf->file);
		return true;
	}
	return false;
}

static bool say_memif(struct doctor *d)
{
	bool said = false;

	for (uint32_t i = 0; d->conf != NULL && i < d->conf->port_count; i++) {
		char path[512], role[16], *slash;
		struct doctor_port p;

		doctor_port_read(d, &d->conf->ports[i], &p);
		doctor_arg(p.conf->device, "role", role, sizeof(role));
		doctor_path(d, path, sizeof(path), "%s", p.socket);
		slash = strrchr(path, '/');
		if (p.socket[0] == '\0' || slash == NULL || strcmp(role, "server") != 0)
			continue;
		*slash = '\0';
		if (probe(d, path, slash + 1) != SOCKET_DEAD)
			continue;
		doctor_say(d, DOCTOR_WARN, "leftovers", "port %s: nobody listens on %s",
			p.conf->name, p.socket);
		doctor_cure(d, "rm %s", p.socket);
		said = true;
	}
	return said;
}

void doctor_leftovers(struct doctor *d)
{
	char path[512];
	struct dirent *e;
	bool said = say_memif(d);
	DIR *list;

	if (d->conf != NULL) {
		said |= say_folder(d, d->conf->runtime.name);
	} else {
		doctor_path(d, path, sizeof(path), "/run/dpdk");
		list = opendir(path);
		while (list != NULL && (e = readdir(list)) != NULL)
			if (e->d_name[0] != '.')
				said |= say_folder(d, e->d_name);
		if (list != NULL)
			closedir(list);
	}
	if (!said)
		doctor_say(d, DOCTOR_PASS, "leftovers", "none of dead programs");
}

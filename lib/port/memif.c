/* SPDX-License-Identifier: BSD-3-Clause */

// What net_memif needs from its user, and other drivers do not.

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <rte_alarm.h>

#include "port_priv.h"

#define CALL_POLL_NS 1000000

bool wr_port_is_memif(const struct wr_port_device *d)
{
	return strncmp(d->name, "net_memif", strlen("net_memif")) == 0;
}

// The path of the socket that a server makes; false for clients and abstract sockets.
static bool server_path(const struct wr_port_device *d, char *path, size_t len)
{
	char role[16], abstract[16];

	return wr_port_device_arg(d->args, "role", role, sizeof(role)) &&
	       strcmp(role, "server") == 0 &&
	       wr_port_device_arg(d->args, "socket-abstract", abstract, sizeof(abstract)) &&
	       strcmp(abstract, "no") == 0 && wr_port_device_arg(d->args, "socket", path, len);
}

void wr_port_memif_tidy(const struct wr_port_device *d)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (!wr_port_is_memif(d) || !server_path(d, to.sun_path, sizeof(to.sun_path)) ||
		lstat(to.sun_path, &st) < 0 || !S_ISSOCK(st.st_mode))
		return;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno == ECONNREFUSED)
		unlink(to.sun_path);
	close(fd);
}

struct call {
	void (*fn)(struct wr_port *p);
	struct wr_port *port;
	bool done;
};

static void call_now(void *arg)
{
	struct call *c = arg;

	c->fn(c->port);
	__atomic_store_n(&c->done, true, __ATOMIC_RELEASE);
}

void wr_port_memif_call(struct wr_port *p, void (*fn)(struct wr_port *p))
{
	struct timespec pause = {.tv_nsec = CALL_POLL_NS};
	struct call c = {.fn = fn, .port = p};

	if (rte_eal_alarm_set(1, call_now, &c) < 0)
		call_now(&c);
	while (!__atomic_load_n(&c.done, __ATOMIC_ACQUIRE))
		nanosleep(&pause, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */

// Both ends of many idle connections, for a kernel load balancer between them:
// idle_sockets serve PROCESSES PORT ADDRESS...   accepts and keeps whatever comes
// idle_sockets hold COUNT ADDRESS PORT SOURCE... opens COUNT connections, says "open <tab> n",
// keeps them; in as many processes as the limit of open files asks for

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTENERS 16
#define UNDER_WAY 512 // connections being opened at a time
#define BACKLOG   16384
#define SPARE     100 // open files of a process that are not connections

__attribute__((noreturn)) static void die(const char *what)
{
	fprintf(stderr, "idle_sockets: %s: %s\n", what, strerror(errno));
	exit(1);
}

static struct sockaddr_in address(const char *text, const char *port)
{
	struct sockaddr_in a = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};

	errno = EINVAL;
	if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
		die(text);
	return a;
}

// Processes that end with this one; returns the number of each, from 0.
static uint32_t fork_into(uint32_t processes)
{
	pid_t parent = getpid(), child;

	for (uint32_t i = 1; i < processes; i++) {
		child = fork();
		if (child < 0)
			die("fork");
		if (child > 0)
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			exit(1);
		return i;
	}
	return 0;
}

__attribute__((noreturn)) static void serve(int argc, char **argv)
{
	struct pollfd p[LISTENERS];
	int one = 1, n = argc - 4;

	if (n < 1 || n > LISTENERS)
		die("serve PROCESSES PORT ADDRESS...");
	fork_into((uint32_t)strtoul(argv[2], NULL, 10));
	for (int i = 0; i < n; i++) {
		struct sockaddr_in a = address(argv[4 + i], argv[3]);

		p[i] = (struct pollfd){socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), POLLIN, 0};
		setsockopt(p[i].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(p[i].fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		if (bind(p[i].fd, (struct sockaddr *)&a, sizeof(a)) < 0 ||
			listen(p[i].fd, BACKLOG) < 0)
			die(argv[4 + i]);
	}
	for (;;) {
		if (poll(p, (nfds_t)n, -1) < 0)
			die("poll");
		for (int i = 0; i < n; i++)
			while (accept4(p[i].fd, NULL, NULL, SOCK_NONBLOCK) >= 0)
				;
		if (errno != EAGAIN && errno != ECONNABORTED)
			die("accept");
	}
}

static void start(int ep, const struct sockaddr_in *to, const struct sockaddr_in *from)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
	struct epoll_event ev = {.events = EPOLLOUT, .data.fd = fd};

	if (fd < 0)
		die("socket");
	// The port is chosen with the whole tuple in sight, so that each source has all of them.
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)from, sizeof(*from)) < 0)
		die("bind");
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 && errno != EINPROGRESS)
		die("connect");
	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) < 0)
		die("epoll_ctl");
}

static void opened(int ep, int fd)
{
	socklen_t len = sizeof(errno);
	int err = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 || err != 0) {
		errno = err;
		die("a connection did not open");
	}
	// An idle socket is in nobody's set: what the kernel keeps for it is the socket.
	epoll_ctl(ep, EPOLL_CTL_DEL, fd, NULL);
}

static void open_all(uint32_t count, const struct sockaddr_in *to, const struct sockaddr_in *from,
	uint32_t sources)
{
	struct epoll_event ev[UNDER_WAY];
	uint32_t started = 0, done = 0;
	int ep = epoll_create1(0), n;

	while (done < count) {
		for (; started < count && started - done < UNDER_WAY; started++)
			start(ep, to, &from[started % sources]);
		n = epoll_wait(ep, ev, UNDER_WAY, 30000);
		if (n <= 0)
			die("connections do not open");
		for (int i = 0; i < n; i++)
			opened(ep, ev[i].data.fd);
		done += (uint32_t)n;
	}
}

__attribute__((noreturn)) static void hold(int argc, char **argv, uint32_t files)
{
	uint32_t count, sources = (uint32_t)argc - 5, processes, share;
	struct sockaddr_in to, from[LISTENERS];

	if (argc < 6 || sources > LISTENERS)
		die("hold COUNT ADDRESS PORT SOURCE...");
	count = (uint32_t)strtoul(argv[2], NULL, 10);
	to = address(argv[3], argv[4]);
	for (uint32_t i = 0; i < sources; i++)
		from[i] = address(argv[5 + i], "0");
	processes = (count + files - SPARE - 1) / (files - SPARE);
	share = count / processes;
	// the first takes what does not divide
	if (fork_into(processes) == 0)
		share += count % processes;
	open_all(share, &to, from, sources);
	printf("open\t%u\n", share);
	fflush(stdout);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0)
		die("getrlimit");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_max < 1024)
		die("more open files are wanted (RLIMIT_NOFILE)");
	if (argc > 2 && strcmp(argv[1], "serve") == 0)
		serve(argc, argv);
	if (argc > 2 && strcmp(argv[1], "hold") == 0)
		hold(argc, argv, (uint32_t)files.rlim_max);
	fprintf(stderr, "idle_sockets serve PROCESSES PORT ADDRESS... | hold COUNT ADDRESS PORT "
			"SOURCE...\n");
	return 1;
}

/* SPDX-License-Identifier: BSD-3-Clause */
// One timed transfer over one TCP connection: flow serve PORT, flow run ADDRESS PORT [OPTIONS].
//
// The clock starts before connect() and stops at the receiver, when the last byte was read or the
// time is over; client and server share the machine's monotonic clock. What lies in buffers at that
// moment counts for nothing. Either way the connection is then reset, so that nothing of it is left
// on the wire. Payload is checked.
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/tcp.h> // libc's struct tcp_info ends before tcpi_min_rtt
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PERIOD 65521u // of the payload: a prime, so that no segment size hides a shift
#define CHUNK  (128u << 10)
#define NS     1000000000ull
#define GRACE  (30 * NS) // past the time limit: nobody waits longer for anything

struct request {
	uint64_t started; // ns, monotonic
	uint64_t bytes;
	uint64_t limit; // ns
	uint32_t download;
	char cc[16];
};

struct result {
	uint64_t bytes, ns;
	uint32_t complete, corrupt;
};

struct stream {
	int fd;
	const struct request *req;
	struct result res;
};

static uint8_t payload[PERIOD + CHUNK];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "flow: %s: %s\n", what, errno ? strerror(errno) : "see --help");
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static void payload_make(void)
{
	uint32_t x = 1;

	for (uint32_t i = 0; i < PERIOD; i++) {
		x = x * 1664525u + 1013904223u;
		payload[i] = (uint8_t)(x >> 24);
	}
	for (uint32_t i = PERIOD; i < sizeof(payload); i++)
		payload[i] = payload[i - PERIOD];
}

static bool wait_ready(int fd, short events, uint64_t until)
{
	struct pollfd p = {fd, events, 0};
	uint64_t now = now_ns();
	struct timespec t;

	if (now >= until)
		return false;
	t = (struct timespec){(time_t)((until - now) / NS), (long)((until - now) % NS)};
	return ppoll(&p, 1, &t, NULL) > 0;
}

// ---- the two ends of a stream ------------------------------------------------------------------

// Reads until all is there, the time is over or the connection ends; fills s->res.
static void stream_receive(struct stream *s)
{
	uint64_t until = s->req->started + s->req->limit;
	static uint8_t buf[CHUNK];

	while (s->res.bytes < s->req->bytes && wait_ready(s->fd, POLLIN, until)) {
		ssize_t n = recv(s->fd, buf, CHUNK, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			continue;
		if (n <= 0)
			break;
		if (memcmp(buf, payload + s->res.bytes % PERIOD, (size_t)n) != 0) {
			s->res.corrupt = 1;
			break;
		}
		s->res.bytes += (uint64_t)n;
	}
	s->res.ns = now_ns() - s->req->started;
	s->res.complete = s->res.bytes >= s->req->bytes || s->res.ns >= s->req->limit;
}

// Sends until all is sent or the other side says something or is gone.
static void stream_send(struct stream *s)
{
	uint64_t until = s->req->started + s->req->limit + GRACE, sent = 0;

	while (sent < s->req->bytes) {
		struct pollfd p = {s->fd, POLLIN | POLLOUT, 0};
		uint64_t left = s->req->bytes - sent;
		ssize_t n;

		if (now_ns() >= until || poll(&p, 1, 1000) < 0 || (p.revents & ~POLLOUT) != 0)
			return;
		if (p.revents == 0)
			continue;
		n = send(s->fd, payload + sent % PERIOD, left < CHUNK ? left : CHUNK,
			MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0)
			sent += (uint64_t)n;
	}
}

static bool read_whole(int fd, void *to, size_t size, uint64_t until)
{
	size_t got = 0;

	while (got < size && wait_ready(fd, POLLIN, until)) {
		ssize_t n = recv(fd, (uint8_t *)to + got, size - got, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n > 0)
			got += (size_t)n;
	}
	return got == size;
}

static void close_reset(int fd)
{
	struct linger now = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

static int cc_set(int fd, const char *cc)
{
	return setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, cc, (socklen_t)strlen(cc));
}

// ---- server ------------------------------------------------------------------------------------

static void serve_one(int fd)
{
	struct request req;
	struct stream s = {.fd = fd, .req = &req};
	uint8_t end;

	if (!read_whole(fd, &req, sizeof(req), now_ns() + GRACE))
		return;
	req.cc[sizeof(req.cc) - 1] = '\0';
	if (req.download) {
		if (cc_set(fd, req.cc) == 0)
			stream_send(&s);
	} else {
		stream_receive(&s);
		if (send(fd, &s.res, sizeof(s.res), MSG_NOSIGNAL) != sizeof(s.res))
			return;
		// What still comes is read, not counted, lest a reset overtakes the result.
		while (wait_ready(fd, POLLIN, req.started + req.limit + GRACE) &&
			recv(fd, NULL, CHUNK, MSG_TRUNC | MSG_DONTWAIT) > 0)
			;
	}
	// The client ends the connection.
	read_whole(fd, &end, 1, req.started + req.limit + GRACE);
}

static void serve(uint16_t port)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1, off = 0;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)) || listen(fd, 64))
		die("cannot listen");
	signal(SIGCHLD, SIG_IGN); // nobody waits for them
	for (;;) {
		int c = accept(fd, NULL, NULL);
		pid_t child = c >= 0 ? fork() : -1;

		if (child == 0) {
			close(fd);
			serve_one(c);
			close_reset(c);
			exit(0);
		}
		if (c >= 0)
			close(c);
	}
}

// ---- client ------------------------------------------------------------------------------------

static int client_connect(const char *address, const char *port, const char *cc)
{
	struct addrinfo hint = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
	struct addrinfo *at;
	int fd;

	if (getaddrinfo(address, port, &hint, &at) != 0)
		die("address or port is not numeric");
	fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || cc_set(fd, cc) || connect(fd, at->ai_addr, at->ai_addrlen))
		die("cannot connect");
	freeaddrinfo(at);
	return fd;
}

static int run(const char *address, const char *port, struct request *req)
{
	struct stream s = {.req = req};
	struct tcp_info info = {0};
	socklen_t size = sizeof(info);
	bool ok;

	req->started = now_ns();
	s.fd = client_connect(address, port, req->cc);
	if (send(s.fd, req, sizeof(*req), MSG_NOSIGNAL) != sizeof(*req))
		die("cannot send the request");
	if (req->download) {
		stream_receive(&s);
		ok = true;
	} else {
		stream_send(&s);
		ok = read_whole(s.fd, &s.res, sizeof(s.res), req->started + req->limit + GRACE);
	}
	getsockopt(s.fd, IPPROTO_TCP, TCP_INFO, &info, &size);
	close_reset(s.fd);
	ok = ok && s.res.complete && !s.res.corrupt;
	printf("{\"ok\": %s, \"corrupt\": %u, \"bytes\": %lu, \"seconds\": %.6f, \"mbit\": %.4f, ",
		ok ? "true" : "false", s.res.corrupt, s.res.bytes, (double)s.res.ns / 1e9,
		s.res.ns ? (double)s.res.bytes * 8e3 / (double)s.res.ns : 0.0);
	printf("\"min_rtt_us\": %u, \"retrans\": %u}\n", info.tcpi_min_rtt,
		info.tcpi_total_retrans);
	return ok ? 0 : 1;
}

static _Noreturn void usage(FILE *to)
{
	fprintf(to, "flow serve PORT\n"
		    "flow run ADDRESS PORT [--down] [--bytes N] [--seconds N] [--cc NAME]\n"
		    "  --down     the server sends (default: the client)\n"
		    "  --cc NAME  congestion control of both kernel ends; default cubic\n");
	exit(to == stderr);
}

int main(int argc, char **argv)
{
	static const struct option opts[] = {{"down", 0, NULL, 'd'}, {"bytes", 1, NULL, 'b'},
		{"seconds", 1, NULL, 's'}, {"cc", 1, NULL, 'c'}, {"help", 0, NULL, 'h'},
		{NULL, 0, NULL, 0}};
	struct request req = {.bytes = 64ull << 20, .limit = 20 * NS, .cc = "cubic"};
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 'd':
			req.download = 1;
			break;
		case 'b':
			req.bytes = strtoull(optarg, NULL, 10);
			break;
		case 's':
			req.limit = (uint64_t)(strtod(optarg, NULL) * 1e9);
			break;
		case 'c':
			snprintf(req.cc, sizeof(req.cc), "%s", optarg);
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
		}
	}
	payload_make();
	argv += optind;
	if (argc - optind == 2 && strcmp(argv[0], "serve") == 0)
		serve((uint16_t)atoi(argv[1]));
	if (argc - optind != 3 || strcmp(argv[0], "run") != 0 || req.bytes == 0 || req.limit == 0)
		usage(stderr);
	return run(argv[1], argv[2], &req);
}

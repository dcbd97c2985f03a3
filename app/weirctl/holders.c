/* SPDX-License-Identifier: BSD-3-Clause */
#include "holders.h"

#include <dirent.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The kernel tells by sock_diag(7) which socket a socket is connected to, by inode, and /proc who
// has which inode open. A connection to the instance is one whose other end is open there.

#define PAIRS_MAX         4096
#define NAMED_MAX         10 // as many as there are clients
#define STATE_ESTABLISHED 1

struct pair {
	uint32_t mine, peer; // inodes
};

struct holder {
	int pid;
	unsigned int count;
};

static uint32_t peer_of(const struct nlmsghdr *h)
{
	const struct unix_diag_msg *m = NLMSG_DATA(h);
	const char *at = (const char *)(m + 1);
	size_t left = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
	uint32_t peer = 0;

	while (left >= sizeof(struct nlattr)) {
		const struct nlattr *a = (const struct nlattr *)at;
		size_t whole = NLA_ALIGN(a->nla_len);

		if (a->nla_len < NLA_HDRLEN || a->nla_len > left)
			break;
		if (a->nla_type == UNIX_DIAG_PEER && a->nla_len >= NLA_HDRLEN + sizeof(peer))
			memcpy(&peer, at + NLA_HDRLEN, sizeof(peer));
		if (whole >= left)
			break;
		at += whole;
		left -= whole;
	}
	return peer;
}

// One datagram of answers. False: that was the last.
static bool take(char *buf, size_t n, struct pair *pairs, size_t *count)
{
	for (struct nlmsghdr *h = (struct nlmsghdr *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
		const struct unix_diag_msg *m = NLMSG_DATA(h);

		if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY)
			return false;
		if (m->udiag_type == SOCK_SEQPACKET && *count < PAIRS_MAX)
			pairs[(*count)++] = (struct pair){m->udiag_ino, peer_of(h)};
	}
	return true;
}

// Every connected SEQPACKET socket of this network namespace.
static size_t list_pairs(struct pair *pairs)
{
	struct {
		struct nlmsghdr h;
		struct unix_diag_req r;
	} q = {.h = {.nlmsg_len = sizeof(q),
		       .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.r = {.sdiag_family = AF_UNIX,
			.udiag_states = 1u << STATE_ESTABLISHED,
			.udiag_show = UDIAG_SHOW_PEER}};
	struct timeval limit = {.tv_sec = 1};
	char *buf = malloc(65536);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	size_t count = 0;
	ssize_t n = -1;

	if (fd >= 0 && buf != NULL) {
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		n = send(fd, &q, sizeof(q), 0);
	}
	while (n > 0) {
		n = recv(fd, buf, 65536, 0);
		if (n <= 0 || !take(buf, (size_t)n, pairs, &count))
			break;
	}
	if (fd >= 0)
		close(fd);
	free(buf);
	return count;
}

// Inodes of the sockets that a process has open. Returns how many.
static size_t list_sockets(int pid, uint32_t *out, size_t max)
{
	char path[300], link[64];
	struct dirent *e;
	size_t count = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	d = opendir(path);
	while (d != NULL && count < max && (e = readdir(d)) != NULL) {
		unsigned int inode;
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/%d/fd/%s", pid, e->d_name);
		n = readlink(path, link, sizeof(link) - 1);
		if (n <= 0)
			continue;
		link[n] = '\0';
		if (sscanf(link, "socket:[%u]", &inode) == 1)
			out[count++] = inode;
	}
	if (d != NULL)
		closedir(d);
	return count;
}

static bool is_among(uint32_t inode, const uint32_t *of, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (of[i] == inode)
			return true;
	return false;
}

static void put_name(const struct holder *h, char *buf, size_t len)
{
	size_t used = strlen(buf);
	char path[64], name[32] = "?";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", h->pid);
	f = fopen(path, "r");
	if (f != NULL) {
		if (fgets(name, sizeof(name), f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	snprintf(buf + used, len - used, "%s%s (pid %d) %u", used > 0 ? ", " : "", name, h->pid,
		h->count);
}

// Count the sockets of one process that lead to the instance.
static unsigned int count_links(int pid, const struct pair *pairs, size_t n, const uint32_t *theirs,
	size_t their_count, uint32_t *work)
{
	size_t mine = list_sockets(pid, work, PAIRS_MAX);
	unsigned int found = 0;

	for (size_t i = 0; i < n && mine > 0; i++)
		if (is_among(pairs[i].mine, work, mine) &&
			is_among(pairs[i].peer, theirs, their_count))
			found++;
	return found;
}

char *holders_list(int pid, char *buf, size_t len)
{
	struct pair *pairs = calloc(PAIRS_MAX, sizeof(*pairs));
	uint32_t *theirs = calloc(2 * PAIRS_MAX, sizeof(*theirs));
	DIR *d = opendir("/proc");
	size_t n, their_count;
	unsigned int named = 0;
	struct dirent *e;

	buf[0] = '\0';
	if (pairs == NULL || theirs == NULL || d == NULL || pid <= 0)
		goto out_free;
	n = list_pairs(pairs);
	their_count = list_sockets(pid, theirs, PAIRS_MAX);
	while (their_count > 0 && n > 0 && named < NAMED_MAX && (e = readdir(d)) != NULL) {
		struct holder h = {.pid = atoi(e->d_name)};

		// This process is the eleventh; the instance holds the other ends.
		if (h.pid <= 0 || h.pid == getpid() || h.pid == pid)
			continue;
		h.count = count_links(h.pid, pairs, n, theirs, their_count, theirs + PAIRS_MAX);
		if (h.count > 0) {
			put_name(&h, buf, len);
			named++;
		}
	}
out_free:
	if (d != NULL)
		closedir(d);
	free(theirs);
	free(pairs);
	return buf;
}

/* SPDX-License-Identifier: BSD-3-Clause */
#include "client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "holders.h"
#include "instance.h"

#define PAGES_MAX   20000 // a table that never ends is the instance's fault, not an endless loop
#define REQUEST_MAX 1023  // DPDK cuts what is longer
#define TEXT_PIECES 9
#define SUFFIX_MAX  9

static int no_instance(const struct client *c, const char *path, int code, struct wr_err *err)
{
	char found[512];

	instance_list(c->dir, found, sizeof(found));
	if (code == EACCES || code == EPERM)
		return -wr_err_set(err, EXIT_REACH,
			"%s may not be opened by this user: become the user that runs the instance",
			path);
	if (found[0] == '\0')
		return -wr_err_set(err, EXIT_REACH,
			"no instance '%s' (%s: %s), and no other runs here: start one with weir -c "
			"FILE",
			c->name, path, strerror(code));
	return -wr_err_set(err, EXIT_REACH,
		"no instance '%s' (%s: %s); found: %s (choose with -n NAME)", c->name, path,
		strerror(code), found);
}

// A connected socket, or negative errno.
static int connect_to(const struct client *c, const char *path)
{
	struct timeval limit = {
		.tv_sec = c->timeout_ms / 1000, .tv_usec = (c->timeout_ms % 1000) * 1000};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd, rc;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -ENAMETOOLONG;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	// Before connect: a full backlog makes that wait as well.
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	rc = -errno;
	close(fd);
	return rc;
}

static bool nobody_there(int rc)
{
	return rc == -ENOENT || rc == -ECONNREFUSED;
}

static int open_socket(const struct client *c, struct wr_err *err)
{
	char path[INSTANCE_PATH_LEN], other[INSTANCE_PATH_LEN + 12];
	int fd, rc, saved;

	instance_socket(c->dir, c->name, path, sizeof(path));
	fd = rc = connect_to(c, path);
	// EAL in in-memory mode adds ":1" and on to a name that another process holds.
	for (int i = 1; nobody_there(fd) && i <= SUFFIX_MAX; i++) {
		snprintf(other, sizeof(other), "%s:%d", path, i);
		fd = connect_to(c, other);
		rc = nobody_there(fd) ? rc : fd;
	}
	if (fd >= 0)
		return fd;
	saved = -rc;
	if (saved == EAGAIN)
		wr_err_set(err, EXIT_REACH,
			"instance '%s' did not take the connection within %u ms", c->name,
			c->timeout_ms);
	else
		no_instance(c, path, saved, err);
	return -1;
}

// One packet into buf, terminated. Its length, or -1 with a sentence.
static ssize_t receive(
	const struct client *c, int fd, char *buf, size_t len, const char *what, struct wr_err *err)
{
	ssize_t n = recv(fd, buf, len - 1, 0);

	if (n > 0) {
		buf[n] = '\0';
		return n;
	}
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		wr_err_set(err, EXIT_REACH, "instance '%s' did not answer %s within %u ms", c->name,
			what, c->timeout_ms);
	else if (n < 0)
		wr_err_set(err, EXIT_REACH, "instance '%s' broke off %s: %s", c->name, what,
			strerror(errno));
	return n < 0 ? -1 : 0;
}

static int peer_pid(int fd)
{
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 ? cred.pid : 0;
}

int client_pid(const struct client *c)
{
	struct wr_err err = {0};
	int fd = open_socket(c, &err), pid = 0;

	if (fd >= 0) {
		pid = peer_pid(fd);
		close(fd);
	}
	return pid;
}

// DPDK closed us: who has the places, and what to do.
static void all_taken(const struct client *c, int fd, struct wr_err *err)
{
	char who[256];

	holders_list(peer_pid(fd), who, sizeof(who));
	wr_err_set(err, EXIT_REACH,
		"instance '%s' closed the connection: the ten clients that DPDK allows are "
		"taken%s%s; "
		"end one of them%s, or try again",
		c->name, who[0] != '\0' ? " by " : "", who,
		who[0] != '\0' ? " (kill PID)" : " (ss -xp names them to root)");
}

static size_t without_key(const char *request)
{
	const char *key = strstr(request, CLIENT_KEY);

	return key != NULL ? (size_t)(key - request) : strlen(request);
}

int client_ask(const struct client *c, const char *request, char reply[CLIENT_REPLY_MAX],
	struct wr_err *err)
{
	char shown[160];
	int rc = EXIT_REACH;
	ssize_t n;
	int fd;

	if (strlen(request) > REQUEST_MAX)
		return -wr_err_set(
			err, EXIT_FAILED, "a request has at most %d characters", REQUEST_MAX);
	fd = open_socket(c, err);
	if (fd < 0)
		return EXIT_REACH;
	// The greeting: DPDK closes the eleventh client without a word.
	n = receive(c, fd, reply, CLIENT_REPLY_MAX, "the greeting", err);
	if (n == 0)
		all_taken(c, fd, err);
	if (n <= 0)
		goto out_close;
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
		wr_err_set(err, EXIT_REACH, "instance '%s' does not take the request: %s", c->name,
			strerror(errno));
		goto out_close;
	}
	snprintf(shown, sizeof(shown), "%.*s", (int)without_key(request), request);
	n = receive(c, fd, reply, CLIENT_REPLY_MAX, shown, err);
	if (n == 0)
		wr_err_set(err, EXIT_REACH, "instance '%s' ended while it was asked", c->name);
	if (n > 0)
		rc = EXIT_OK;
out_close:
	close(fd);
	return rc;
}

char *client_text(const json_t *row, const char *key, char *buf, size_t len)
{
	char piece[64];
	size_t used;

	snprintf(buf, len, "%s", client_str(row, key));
	for (int i = 2; i <= TEXT_PIECES; i++) {
		snprintf(piece, sizeof(piece), "%s_%d", key, i);
		if (json_object_get(row, piece) == NULL)
			break;
		used = strlen(buf);
		snprintf(buf + used, len - used, "%s", client_str(row, piece));
	}
	return buf;
}

uint64_t client_uint(const json_t *row, const char *key)
{
	return (uint64_t)json_integer_value(json_object_get(row, key));
}

const char *client_str(const json_t *row, const char *key)
{
	const char *s = json_string_value(json_object_get(row, key));

	return s != NULL ? s : "";
}

// Take a page's rows; the sentence of an error row goes to `err`.
static int take_rows(const json_t *page, json_t *rows, struct wr_err *err)
{
	const json_t *from = json_object_get(page, "rows");
	char number[24], text[512], remedy[512];
	json_t *row;

	// By number, not in the order of a hash table.
	for (unsigned int i = 0;; i++) {
		snprintf(number, sizeof(number), "%u", i);
		row = json_object_get(from, number);
		if (row == NULL)
			return EXIT_OK;
		if (json_object_get(row, "error") != NULL)
			return -wr_err_set(err, EXIT_FAILED, "%s (%s)",
				client_text(row, "error", text, sizeof(text)),
				client_text(row, "remedy", remedy, sizeof(remedy)));
		json_array_append(rows, row);
	}
}

// One reply, already received: its rows, and where the next page begins.
static int take_page(const char *path, const char *reply, json_t *rows, uint64_t *next,
	uint64_t *total, struct wr_err *err)
{
	json_error_t where;
	json_t *top = json_loads(reply, 0, &where);
	const json_t *page;
	int rc = EXIT_FAILED;

	if (top == NULL)
		return -wr_err_set(
			err, EXIT_FAILED, "the reply to %s is not JSON: %s", path, where.text);
	page = json_object_get(top, path);
	if (!json_is_object(page) || !json_is_object(json_object_get(page, "rows"))) {
		wr_err_set(err, EXIT_FAILED,
			"the instance does not know %s: it is older, or another program", path);
	} else {
		*next = client_uint(page, "next");
		*total = client_uint(page, "total");
		rc = take_rows(page, rows, err);
	}
	json_decref(top);
	return rc;
}

int client_fetch(const struct client *c, const char *path, const char *params, json_t **rows,
	uint64_t *total, int *more, void (*raw)(const char *reply), struct wr_err *err)
{
	char *reply = malloc(CLIENT_REPLY_MAX);
	char request[REQUEST_MAX + 2];
	uint64_t next = 0;
	int rc = EXIT_OK;

	*rows = json_array();
	*total = 0;
	*more = 0;
	for (int pages = 0; rc == EXIT_OK && reply != NULL && *rows != NULL; pages++) {
		uint64_t from = next;

		snprintf(request, sizeof(request), "%s,%" PRIu64 "%s%s", path, from,
			params[0] != '\0' ? "," : "", params);
		rc = client_ask(c, request, reply, err);
		if (rc != EXIT_OK)
			break;
		if (raw != NULL)
			raw(reply);
		rc = take_page(path, reply, *rows, &next, total, err);
		if (rc != EXIT_OK || next == 0)
			break;
		if (next == from || pages == PAGES_MAX)
			rc = -wr_err_set(err, EXIT_FAILED,
				"%s does not end: cursor %" PRIu64 " came again", path, next);
		if (c->limit > 0 && json_array_size(*rows) >= c->limit) {
			*more = 1;
			break;
		}
	}
	if (reply == NULL || *rows == NULL)
		rc = -wr_err_set(err, EXIT_FAILED, "no memory for the reply");
	free(reply);
	return rc;
}

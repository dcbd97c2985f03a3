/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "key.h"

#define PATH     "/weir/capture"
#define POLL_MS  100
#define ID_LEN   24
#define COPY_LEN 65536
#define SPEC_LEN 900
#define ROW_TEXT 512

// --- words
// ----------------------------------------------------------------------------------------

int capture_spec(const struct capture_options *o, char *buf, size_t len, struct wr_err *err)
{
	const struct {
		const char *key, *value;
	} pieces[] = {{"port", o->port}, {"filter", o->filter}, {"conn", o->conn}, {"dir", o->dir},
		{"packets", o->packets}, {"seconds", o->seconds}, {"snap", o->snap}};

	buf[0] = '\0';
	if (o->file == NULL)
		return -wr_err_set(err, EXIT_USAGE, "capture needs -w FILE, or -w -");
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		size_t used = strlen(buf);

		if (pieces[i].value == NULL)
			continue;
		if (strpbrk(pieces[i].value, ";,") != NULL)
			return -wr_err_set(err, EXIT_USAGE,
				"--%s holds a ';' or ',', which no %s needs", pieces[i].key,
				pieces[i].key);
		if ((size_t)snprintf(buf + used, len - used, "%s%s=%s", used > 0 ? ";" : "",
			    pieces[i].key, pieces[i].value) >= len - used)
			return -wr_err_set(err, EXIT_USAGE, "that is too long: --%s %.64s",
				pieces[i].key, pieces[i].value);
	}
	// The instance takes a verb with something behind it.
	if (buf[0] == '\0')
		snprintf(buf, len, "dir=both");
	return EXIT_OK;
}

// --- requests
// -------------------------------------------------------------------------------------

// One acting request about a capture: the row of its reply, which the caller releases.
static int act(const struct client *c, const char *verb, const char *argument, json_t **row,
	struct wr_err *err)
{
	char *reply = malloc(CLIENT_REPLY_MAX);
	char request[SPEC_LEN + 64], text[ROW_TEXT], remedy[ROW_TEXT];
	json_t *top = NULL;
	int rc;

	*row = NULL;
	if (reply == NULL)
		return -wr_err_set(err, EXIT_FAILED, "no memory for the reply");
	snprintf(request, sizeof(request), PATH ",%s=%s", verb, argument);
	rc = key_ask(c, request, reply, err);
	if (rc == EXIT_OK) {
		top = json_loads(reply, 0, NULL);
		*row = json_incref(
			json_object_get(json_object_get(json_object_get(top, PATH), "rows"), "0"));
		if (json_object_get(*row, "error") != NULL)
			rc = -wr_err_set(err, EXIT_FAILED, "%s (%s)",
				client_text(*row, "error", text, sizeof(text)),
				client_text(*row, "remedy", remedy, sizeof(remedy)));
		else if (strcmp(client_str(*row, "verb"), verb) != 0)
			rc = -wr_err_set(err, EXIT_FAILED,
				"the reply is not about %s: %.200s; look with weirctl captures",
				verb, reply);
	}
	json_decref(top);
	free(reply);
	return rc;
}

static int start(const struct client *c, const char *spec, char id[ID_LEN], struct wr_err *err)
{
	json_t *row;
	int rc = act(c, "start", spec, &row, err);

	snprintf(id, ID_LEN, "%" PRIu64, client_uint(row, "id"));
	json_decref(row);
	return rc;
}

// Its row among all captures, which the caller releases.
static int look(const struct client *c, const char *id, json_t **row, struct wr_err *err)
{
	uint64_t total;
	json_t *rows;
	int more;
	int rc = client_fetch(c, PATH, "", &rows, &total, &more, NULL, err);

	*row = NULL;
	for (size_t i = 0; rc == EXIT_OK && i < json_array_size(rows); i++)
		if (client_uint(json_array_get(rows, i), "id") == strtoul(id, NULL, 10))
			*row = json_incref(json_array_get(rows, i));
	json_decref(rows);
	if (rc == EXIT_OK && *row == NULL)
		rc = -wr_err_set(err, EXIT_FAILED, "capture %s was removed by somebody else", id);
	return rc;
}

// --- waiting
// --------------------------------------------------------------------------------------

static bool interrupted(int signals)
{
	struct pollfd fd = {.fd = signals, .events = POLLIN};
	struct signalfd_siginfo si;

	return poll(&fd, 1, POLL_MS) > 0 && read(signals, &si, sizeof(si)) == sizeof(si);
}

// Until it has ended; its last row. The first Ctrl-C ends it, the second leaves it.
static int wait_end(
	const struct client *c, const char *id, int signals, json_t **row, struct wr_err *err)
{
	unsigned int asked = 0;
	json_t *stopped;
	int rc;

	for (;;) {
		rc = look(c, id, row, err);
		if (rc != EXIT_OK || strcmp(client_str(*row, "state"), "ended") == 0)
			return rc;
		json_decref(*row);
		*row = NULL;
		if (!interrupted(signals))
			continue;
		if (++asked > 1)
			return -wr_err_set(err, EXIT_FAILED,
				"capture %s was left: see weirctl captures, and remove it with "
				"weirctl raw " PATH ",remove=%s",
				id, id);
		// It may have ended meanwhile: then the next look says so.
		act(c, "stop", id, &stopped, &(struct wr_err){0});
		json_decref(stopped);
	}
}

// --- the file
// -------------------------------------------------------------------------------------

static int copy(const char *from, int to, const char *name, struct wr_err *err)
{
	static char buf[COPY_LEN];
	int fd = open(from, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n = 0;

	if (fd < 0)
		return -wr_err_set(err, EXIT_FAILED, "%s cannot be read: %s; it stays there", from,
			strerror(errno));
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		for (ssize_t done = 0, w; done < n; done += w) {
			w = write(to, buf + done, (size_t)(n - done));
			if (w < 0 && errno == EINTR)
				w = 0;
			if (w < 0) {
				wr_err_set(err, EXIT_FAILED,
					"%s cannot be written: %s; the capture is still in %s",
					name, strerror(errno), from);
				close(fd);
				return EXIT_FAILED;
			}
		}
	if (n < 0)
		wr_err_set(err, EXIT_FAILED, "%s cannot be read: %s; it stays there", from,
			strerror(errno));
	close(fd);
	return n < 0 ? EXIT_FAILED : EXIT_OK;
}

// Before anything is captured: a file that cannot be written is found out in time. What stands in
// it goes only when there is something to put in its place.
static int open_target(const char *file, bool *made, struct wr_err *err)
{
	int fd;

	*made = false;
	if (strcmp(file, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			return wr_err_set(err, EXIT_USAGE,
				"-w - would write a capture to the terminal: give a file, or a "
				"pipe as | tshark -r -");
		return dup(STDOUT_FILENO);
	}
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
	*made = fd >= 0;
	if (fd < 0 && errno == EEXIST)
		fd = open(file, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		wr_err_set(err, EXIT_FAILED, "%s cannot be made: %s", file, strerror(errno));
	return fd;
}

static int fetch(const struct client *c, const char *id, const json_t *row, int fd,
	const char *file, struct wr_err *err)
{
	char path[ROW_TEXT];
	json_t *removed;
	int rc;

	if (strcmp(file, "-") != 0)
		(void)!ftruncate(fd, 0); // a device has nothing to cut
	rc = copy(client_text(row, "file", path, sizeof(path)), fd, file, err);
	if (rc != EXIT_OK)
		return rc;
	rc = act(c, "remove", id, &removed, err);
	json_decref(removed);
	fprintf(stderr, "weirctl: %" PRIu64 " packets, %" PRIu64 " lost, %" PRIu64 " bytes: %s\n",
		client_uint(row, "packets"), client_uint(row, "lost"), client_uint(row, "bytes"),
		client_str(row, "why"));
	return rc;
}

int capture_run(const struct client *c, const struct capture_options *o, struct wr_err *err)
{
	char spec[SPEC_LEN], id[ID_LEN];
	json_t *row = NULL;
	sigset_t set;
	int fd, signals, rc;
	bool made;

	rc = capture_spec(o, spec, sizeof(spec), err);
	if (rc != EXIT_OK)
		return rc;
	fd = open_target(o->file, &made, err);
	if (fd < 0)
		return -fd;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	rc = signals < 0 ? -wr_err_set(err, EXIT_FAILED, "no descriptor for signals is left")
	                 : start(c, spec, id, err);
	if (rc != EXIT_OK && made)
		unlink(o->file);
	if (rc == EXIT_OK)
		rc = wait_end(c, id, signals, &row, err);
	if (rc == EXIT_OK)
		rc = fetch(c, id, row, fd, o->file, err);
	json_decref(row);
	close(fd);
	if (signals >= 0)
		close(signals);
	return rc;
}

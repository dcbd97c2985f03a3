/* SPDX-License-Identifier: BSD-3-Clause */
#include "key.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance.h"

#define KEY_FILE "act.key"

// Beside the socket.
static void key_path(const struct client *c, char *buf, size_t len)
{
	char *slash;

	instance_socket(c->dir, c->name, buf, len);
	slash = strrchr(buf, '/');
	if (slash != NULL)
		snprintf(slash + 1, len - (size_t)(slash + 1 - buf), KEY_FILE);
}

static int refused(const char *path, int code, struct wr_err *err)
{
	struct group *g = NULL;
	struct stat st;

	if (stat(path, &st) == 0)
		g = getgrgid(st.st_gid);
	if (g == NULL)
		return -wr_err_set(err, EXIT_REACH,
			"acting needs the key in %s, which this user may not read (%s): act as "
			"root, or as a member of the file's group",
			path, strerror(code));
	return -wr_err_set(err, EXIT_REACH,
		"acting needs the key in %s, which this user may not read: act as root, or join "
		"its group %s (usermod -aG %s USER, then log in again)",
		path, g->gr_name, g->gr_name);
}

int key_read(const struct client *c, char key[KEY_MAX + 1], struct wr_err *err)
{
	char path[INSTANCE_PATH_LEN];
	size_t len;
	ssize_t n;
	int fd;

	key[0] = '\0';
	key_path(c, path, sizeof(path));
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return EXIT_OK;
	if (fd < 0)
		return refused(path, errno, err);
	n = read(fd, key, KEY_MAX);
	close(fd);
	key[n > 0 ? n : 0] = '\0';
	len = strspn(key, "0123456789abcdefABCDEF");
	if (len == 0 || (key[len] != '\0' && key[len] != '\n'))
		return -wr_err_set(err, EXIT_REACH,
			"%s holds no key: restart the instance, which makes a new one", path);
	key[len] = '\0';
	return EXIT_OK;
}

int key_ask(const struct client *c, const char *request, char reply[CLIENT_REPLY_MAX],
	struct wr_err *err)
{
	char key[KEY_MAX + 1], text[1200];
	int rc = key_read(c, key, err);

	if (rc != EXIT_OK)
		return rc;
	snprintf(text, sizeof(text), "%s%s%s", request, key[0] != '\0' ? CLIENT_KEY : "", key);
	rc = client_ask(c, text, reply, err);
	explicit_bzero(text, sizeof(text));
	explicit_bzero(key, sizeof(key));
	return rc;
}

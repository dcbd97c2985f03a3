/* SPDX-License-Identifier: BSD-3-Clause */
#include "bundle.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATH_LEN 4096

struct bundle {
	struct archive *a;
	int fd;
	char file[PATH_LEN], part[PATH_LEN + 32];
	struct wr_err err;
};

struct bundle *bundle_open(const char *file, struct wr_err *err)
{
	struct bundle *b = calloc(1, sizeof(*b));

	if (b == NULL || strlen(file) >= sizeof(b->file)) {
		wr_err_set(err, ENOMEM, "%s: the name is too long, or no memory", file);
		free(b);
		return NULL;
	}
	snprintf(b->file, sizeof(b->file), "%s", file);
	snprintf(b->part, sizeof(b->part), "%s.part-%d", file, (int)getpid());
	b->fd = open(b->part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (b->fd < 0) {
		wr_err_set(err, errno, "%s cannot be made: %s", b->part, strerror(errno));
		free(b);
		return NULL;
	}
	b->a = archive_write_new();
	if (b->a == NULL || archive_write_add_filter_gzip(b->a) != ARCHIVE_OK ||
		archive_write_set_format_pax_restricted(b->a) != ARCHIVE_OK ||
		archive_write_open_fd(b->a, b->fd) != ARCHIVE_OK)
		wr_err_set(&b->err, EIO, "%s: %s", file,
			b->a != NULL ? archive_error_string(b->a) : "no memory");
	return b;
}

int bundle_add(struct bundle *b, const char *name, const void *data, size_t len)
{
	struct archive_entry *e;

	if (b->err.text[0] != '\0')
		return -1;
	e = archive_entry_new();
	if (e != NULL) {
		archive_entry_set_pathname(e, name);
		archive_entry_set_size(e, (la_int64_t)len);
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_perm(e, 0600);
		archive_entry_set_mtime(e, time(NULL), 0);
	}
	if (e == NULL || archive_write_header(b->a, e) != ARCHIVE_OK ||
		archive_write_data(b->a, data, len) != (la_ssize_t)len)
		wr_err_set(&b->err, EIO, "%s: %s", b->file,
			e != NULL ? archive_error_string(b->a) : "no memory");
	archive_entry_free(e);
	return b->err.text[0] != '\0' ? -1 : 0;
}

int bundle_close(struct bundle *b, struct wr_err *err)
{
	int rc = -1;

	if (b->a != NULL && archive_write_close(b->a) != ARCHIVE_OK)
		wr_err_set(&b->err, EIO, "%s: %s", b->file, archive_error_string(b->a));
	if (b->err.text[0] == '\0' && (fsync(b->fd) != 0 || rename(b->part, b->file) != 0))
		wr_err_set(&b->err, errno, "%s: %s", b->file, strerror(errno));
	if (b->err.text[0] == '\0') {
		rc = 0;
	} else {
		unlink(b->part);
		wr_err_set(err, EIO, "%s", b->err.text);
	}
	archive_write_free(b->a);
	close(b->fd);
	free(b);
	return rc;
}

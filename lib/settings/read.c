/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "walk.h"

char *wr_settings_read(const char *file, size_t *len, struct wr_err *err)
{
	FILE *in = fopen(file, "re");
	char *text = NULL;

	if (!in) {
		wr_err_set(err, errno, "%s: cannot be opened: %s; give the path of a configuration",
			file, strerror(errno));
		return NULL;
	}
	// One byte more than is taken, so that what is too long is seen.
	text = malloc(WR_SETTINGS_BYTES + 1);
	if (!text) {
		wr_err_set(err, ENOMEM, "%s: no memory to read the configuration", file);
	} else {
		*len = fread(text, 1, WR_SETTINGS_BYTES + 1, in);
		if (ferror(in)) {
			wr_err_set(err, errno,
				"%s: cannot be read: %s; give the path of a configuration", file,
				strerror(errno));
			free(text);
			text = NULL;
		}
	}
	fclose(in);
	return text;
}

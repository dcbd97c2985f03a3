/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>

#include "client.h"

// A capture from its start to a file here.

struct capture_options { // as given, or NULL
	const char *port, *filter, *conn, *dir, *packets, *seconds, *snap;
	const char *file; // "-": standard output
};

// "port=wan;packets=10". EXIT_OK, or EXIT_USAGE with a sentence.
int capture_spec(const struct capture_options *o, char *buf, size_t len, struct wr_err *err);

// All of it; Ctrl-C ends it early. Exit code, with a sentence but for EXIT_OK.
int capture_run(const struct client *c, const struct capture_options *o, struct wr_err *err);

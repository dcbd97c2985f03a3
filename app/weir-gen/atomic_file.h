/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdio.h>

#include "wr_err.h"

// A file that appears whole or not at all: written beside its place, then renamed.

struct atomic_file {
	FILE *f;
	const char *path;
	char beside[4200]; // empty: written in place, since the path names no ordinary file
};

// 0 or negative errno with a sentence. `path` must outlive it.
int atomic_file_open(struct atomic_file *a, const char *path, struct wr_err *err);
// Put it in its place, or remove what was written when anything failed.
int atomic_file_close(struct atomic_file *a, struct wr_err *err);
